package models

import (
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/gobuffalo/nulls"
	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"
)

// The values of User.Role.
const (
	RoleMember = "member"
	RoleAdmin  = "admin"
)

// User is somebody who can sign in.
type User struct {
	ID         uuid.UUID  `db:"id"`
	Username   string     `db:"username"` // unique, lower case
	Name       string     `db:"name"`
	Email      string     `db:"email"`
	Role       string     `db:"role"`
	DisabledAt nulls.Time `db:"disabled_at"` // set: cannot sign in
	CreatedAt  time.Time  `db:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at"`
}

// MaySignIn reports whether the user may sign in and use their sessions.
func (u *User) MaySignIn() bool { return !u.DisabledAt.Valid }

// GetUser returns the user with an ID, disabled or not, or ErrNotFound.
func GetUser(tx *pop.Connection, id string) (*User, error) {
	parsed, err := uuid.FromString(id)
	if err != nil {
		return nil, fmt.Errorf("find user: %w", ErrNotFound)
	}
	return firstUser(tx, "SELECT * FROM users WHERE id = ?", parsed)
}

// FindUser is GetUser for users who may sign in.
func FindUser(tx *pop.Connection, id string) (*User, error) {
	return onlyEnabled(GetUser(tx, id))
}

// FindUserByUsername is LookUpUser for users who may sign in.
func FindUserByUsername(tx *pop.Connection, username string) (*User, error) {
	return onlyEnabled(LookUpUser(tx, username))
}

func onlyEnabled(user *User, err error) (*User, error) {
	if err == nil && !user.MaySignIn() {
		return nil, fmt.Errorf("find user: disabled: %w", ErrNotFound)
	}
	return user, err
}

// LookUpUser returns the user with a username, disabled or not, or ErrNotFound. Case
// does not matter.
func LookUpUser(tx *pop.Connection, username string) (*User, error) {
	username = strings.ToLower(strings.TrimSpace(username))
	if !usernamePattern.MatchString(username) {
		return nil, fmt.Errorf("find user: %w", ErrNotFound)
	}
	return firstUser(tx, "SELECT * FROM users WHERE username = ?", username)
}

func firstUser(tx *pop.Connection, query string, args ...any) (*User, error) {
	user := &User{}
	err := tx.RawQuery(query, args...).First(user)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, fmt.Errorf("find user: %w", ErrNotFound)
	}
	if err != nil {
		return nil, dbError("find user", err)
	}
	return user, nil
}

// ListUsers returns all users, disabled ones too, by username.
func ListUsers(tx *pop.Connection) ([]User, error) {
	var users []User
	if err := tx.Order("username").All(&users); err != nil {
		return nil, dbError("list users", err)
	}
	return users, nil
}

// seedUsers are the users of development: one administrator and three members.
var seedUsers = []User{
	{Username: "admin", Name: "Ada Admin", Email: "admin@example.com", Role: RoleAdmin},
	{Username: "contributor", Name: "Carl Contributor", Email: "contributor@example.com", Role: RoleMember},
	{Username: "manager", Name: "Maya Manager", Email: "manager@example.com", Role: RoleMember},
	{Username: "user", Name: "Uma User", Email: "user@example.com", Role: RoleMember},
}

// SeedUsers creates the users of development that are not there yet and
// returns how many it created. It leaves those that are there as they are, and
// several programs may run it at once.
func SeedUsers(conn *pop.Connection) (int, error) {
	conn = conn.WithContext(conn.Context()) // of our own: Pop's are not for several goroutines
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
	// Another program may have been faster: then the user is there now.
	if exists, err := query.Exists(&User{}); exists && err == nil {
		return false, nil
	}
	return false, createErr
}
