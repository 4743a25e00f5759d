package models

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gobuffalo/nulls"
	"github.com/gobuffalo/pop/v6"
)

var (
	// ErrLastAdmin is returned if no administrator would be left who may sign in.
	ErrLastAdmin = errors.New("cannot remove the last administrator: make another user an administrator first")

	// ErrRole is returned for an unknown role.
	ErrRole = errors.New("invalid role: must be " + RoleMember + " or " + RoleAdmin)
)

// A Change is what an administrator changes about a user. Nil fields stay the same.
type Change struct {
	Role     *string
	Disabled *bool
}

// ChangeUser changes a user. It returns the user after the change, and what is
// different from before. It returns ErrNotFound, ErrRole or ErrLastAdmin, after which
// nothing has changed. Use accounts.Change, which also revokes the user's sessions.
func ChangeUser(conn *pop.Connection, id string, change Change) (user *User, changed Change, err error) {
	if change.Role != nil && !slices.Contains([]string{RoleMember, RoleAdmin}, *change.Role) {
		return nil, changed, fmt.Errorf("change user: %w", ErrRole)
	}
	err = inTransaction(conn, func(tx *pop.Connection) error {
		// This locks the administrators, so that two requests cannot remove the last
		// two at the same time.
		if err := tx.RawQuery("UPDATE users SET updated_at = ? WHERE role = ?", time.Now().UTC(), RoleAdmin).Exec(); err != nil {
			return dbError("change user", err)
		}
		if user, err = UserByID(tx, id); err != nil {
			return err
		}
		changed = user.apply(change)
		if err := checkAdminLeft(tx, user); err != nil {
			return err
		}
		err := tx.RawQuery("UPDATE users SET role = ?, disabled_at = ?, updated_at = ? WHERE id = ?", user.Role, user.DisabledAt, time.Now().UTC(), user.ID).Exec()
		if err != nil {
			return dbError("change user", err)
		}
		return nil
	})
	if err != nil {
		return nil, Change{}, err
	}
	return user, changed, nil
}

// apply changes the user in memory and returns what is different from before.
func (u *User) apply(c Change) (changed Change) {
	if c.Role != nil && *c.Role != u.Role {
		u.Role, changed.Role = *c.Role, c.Role
	}
	if c.Disabled != nil && *c.Disabled == u.MaySignIn() {
		u.DisabledAt, changed.Disabled = nulls.Time{}, c.Disabled
		if *c.Disabled {
			u.DisabledAt = nulls.NewTime(time.Now().UTC().Truncate(time.Microsecond))
		}
	}
	return changed
}

// checkAdminLeft returns ErrLastAdmin if there would be no administrator who may sign
// in after the user is saved.
func checkAdminLeft(tx *pop.Connection, user *User) error {
	if user.Role == RoleAdmin && user.MaySignIn() {
		return nil
	}
	others, err := tx.Where("role = ? AND disabled_at IS NULL AND id <> ?", RoleAdmin, user.ID).Exists(&User{})
	if err != nil {
		return dbError("look for other administrators", err)
	}
	if !others {
		return fmt.Errorf("change user: %w", ErrLastAdmin)
	}
	return nil
}
