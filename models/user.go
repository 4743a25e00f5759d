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

// User is a person with an account.
type User struct {
	ID         uuid.UUID  `db:"id"`
	Username   string     `db:"username"` // unique, in lower case
	Name       string     `db:"name"`
	Email      string     `db:"email"`
	Role       string     `db:"role"`
	DisabledAt nulls.Time `db:"disabled_at"` // null if the user may sign in
	CreatedAt  time.Time  `db:"created_at"`
	UpdatedAt  time.Time  `db:"updated_at"`
}

// MaySignIn reports whether the user may sign in and use their sessions.
func (u *User) MaySignIn() bool { return !u.DisabledAt.Valid }

// UserByID returns the user with an ID, disabled or not, or ErrNotFound.
func UserByID(tx *pop.Connection, id string) (*User, error) {
	parsed, err := uuid.FromString(id)
	if err != nil {
		return nil, fmt.Errorf("find user: %w", ErrNotFound)
	}
	return firstUser(tx, "SELECT * FROM users WHERE id = ?", parsed)
}

// EnabledUserByID is UserByID, but returns ErrNotFound for disabled users.
func EnabledUserByID(tx *pop.Connection, id string) (*User, error) {
	return onlyEnabled(UserByID(tx, id))
}

// EnabledUserByUsername is UserByUsername, but returns ErrNotFound for disabled users.
func EnabledUserByUsername(tx *pop.Connection, username string) (*User, error) {
	return onlyEnabled(UserByUsername(tx, username))
}

func onlyEnabled(user *User, err error) (*User, error) {
	if err == nil && !user.MaySignIn() {
		return nil, fmt.Errorf("find user: disabled: %w", ErrNotFound)
	}
	return user, err
}

// UserByUsername returns the user with a username, disabled or not, or ErrNotFound. Case
// does not matter.
func UserByUsername(tx *pop.Connection, username string) (*User, error) {
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

// ListUsers returns all users, including disabled ones, sorted by username.
func ListUsers(tx *pop.Connection) ([]User, error) {
	var users []User
	if err := tx.Order("username").All(&users); err != nil {
		return nil, dbError("list users", err)
	}
	return users, nil
}
