package models

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/gobuffalo/nulls"
	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"
)

var (
	// ErrLastAdmin says that nobody would be left to administer the app.
	ErrLastAdmin = errors.New("is the last administrator")

	// ErrRole says that something is no role.
	ErrRole = errors.New("a role is " + RoleMember + " or " + RoleAdmin)
)

// A Change is what an administrator changes of a user; nil is nothing.
type Change struct {
	Role     *string
	Disabled *bool
}

// ChangeUser changes a user, and returns him as he is then and what of the change
// was one. It returns ErrNotFound, ErrRole, and ErrLastAdmin, after which nothing has
// changed.
func ChangeUser(conn *pop.Connection, id string, change Change) (user *User, changed Change, err error) {
	if change.Role != nil && !slices.Contains([]string{RoleMember, RoleAdmin}, *change.Role) {
		return nil, changed, fmt.Errorf("change user: %w", ErrRole)
	}
	err = inTransaction(conn, func(tx *pop.Connection) error {
		// Two that take the last two administrators at once wait here for each other.
		if err := tx.RawQuery("UPDATE users SET updated_at = ? WHERE role = ?", time.Now().UTC(), RoleAdmin).Exec(); err != nil {
			return dbError("change user", err)
		}
		if user, err = GetUser(tx, id); err != nil {
			return err
		}
		changed = user.apply(change)
		if err := leavesAdmin(tx, user); err != nil {
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

// ChangeEvents are the events that a change of a user is, and why it ends his sessions:
// what he may do begins with a new sign-in. why is "" where it does not. To be enabled
// ends those that he still has: of a request that was under way when he was disabled,
// or because they could not be ended then.
func ChangeEvents(user *User, changed Change) (events []Event, why string) {
	if changed.Role != nil {
		event := About(user.ID, UserRoleChanged)
		event.Detail, event.Notable = user.Role, true
		events, why = append(events, event), RevokedRoleChanged
	}
	if changed.Disabled != nil {
		event := About(user.ID, UserEnabled)
		if *changed.Disabled {
			event.Kind = UserDisabled
		}
		event.Notable, why = true, RevokedUserGone
		events = append(events, event)
	}
	return events, why
}

// apply returns what of the change is one.
func (u *User) apply(c Change) (changed Change) {
	if c.Role != nil && *c.Role != u.Role {
		u.Role, changed.Role = *c.Role, c.Role
	}
	if c.Disabled != nil && *c.Disabled != u.DisabledAt.Valid {
		u.DisabledAt, changed.Disabled = nulls.Time{}, c.Disabled
		if *c.Disabled {
			u.DisabledAt = nulls.NewTime(time.Now().UTC().Truncate(time.Microsecond))
		}
	}
	return changed
}

// leavesAdmin returns ErrLastAdmin if there is no administrator who can sign in,
// were the user as he is here.
func leavesAdmin(tx *pop.Connection, user *User) error {
	if user.Role == RoleAdmin && !user.DisabledAt.Valid {
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

// SearchUsers returns up to limit users whose usernames begin with a text, disabled
// ones too, in the order of their usernames, and the cursor of the next page, which
// is "" on the last.
func SearchUsers(tx *pop.Connection, begins, after string, limit int) (users []User, next string, err error) {
	begins = strings.ToLower(strings.TrimSpace(begins))
	if len(begins) > maxUsername || strings.ContainsFunc(begins, func(c rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", c) }) {
		return nil, "", nil // which no username holds
	}
	if after != "" && !usernamePattern.MatchString(after) {
		return nil, "", fmt.Errorf("search users: %w", ErrCursor)
	}
	pattern := strings.ReplaceAll(begins, "_", "!_") + "%"
	err = tx.RawQuery("SELECT * FROM users WHERE username LIKE ? ESCAPE '!' AND username > ? ORDER BY username LIMIT ?", pattern, after, limit+1).All(&users)
	if err != nil {
		return nil, "", dbError("search users", err)
	}
	if len(users) > limit {
		users = users[:limit]
		next = users[limit-1].Username
	}
	return users, next, nil
}

// CountUsers returns how many users there are.
func CountUsers(tx *pop.Connection) (int, error) {
	n, err := tx.Count(&User{})
	if err != nil {
		return 0, dbError("count users", err)
	}
	return n, nil
}

// UsernamesOf returns the usernames of users by their ids; who is gone is left out.
func UsernamesOf(tx *pop.Connection, ids []string) (map[string]string, error) {
	names := make(map[string]string)
	known := make([]any, 0, len(ids))
	for _, id := range ids {
		if parsed, err := uuid.FromString(id); err == nil {
			known = append(known, parsed)
		}
	}
	if len(known) == 0 {
		return names, nil
	}
	var users []User
	if err := tx.Where("id IN (?)", known...).All(&users); err != nil {
		return nil, dbError("look up users", err)
	}
	for _, u := range users {
		names[u.ID.String()] = u.Username
	}
	return names, nil
}
