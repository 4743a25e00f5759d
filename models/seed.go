package models

import (
	"fmt"
	"slices"

	"github.com/gobuffalo/pop/v6"
)

// seedUsers are the development users.
var seedUsers = []User{
	{Username: "admin", Name: "Ada Admin", Email: "admin@example.com", Role: RoleAdmin},
	{Username: "contributor", Name: "Carl Contributor", Email: "contributor@example.com", Role: RoleMember},
	{Username: "manager", Name: "Maya Manager", Email: "manager@example.com", Role: RoleMember},
	{Username: "user", Name: "Uma User", Email: "user@example.com", Role: RoleMember},
}

// SeedUsers creates the missing development users and returns how many it created.
// Several programs may call it at the same time.
func SeedUsers(conn *pop.Connection) (int, error) {
	conn = conn.WithContext(conn.Context()) // a copy: a Pop connection is not safe for concurrent use
	created := 0
	for _, user := range seedUsers {
		added, err := seedUser(conn, user)
		if err != nil {
			return created, fmt.Errorf("seed user %s: %w", user.Username, err)
		}
		if added {
			created++
		}
	}
	return created, nil
}

func seedUser(conn *pop.Connection, user User) (added bool, err error) {
	query := conn.Where("username = ?", user.Username)
	if exists, err := query.Exists(&User{}); exists || err != nil {
		return false, err
	}
	createErr := conn.Create(&user)
	if createErr == nil {
		return true, nil
	}
	// Another program may have created the user meanwhile.
	if exists, err := query.Exists(&User{}); exists && err == nil {
		return false, nil
	}
	return false, createErr
}

// isSeedUsername reports whether a username is reserved for a development user.
func isSeedUsername(username string) bool {
	return slices.ContainsFunc(seedUsers, func(u User) bool { return u.Username == username })
}
