package models

import (
	"fmt"
	"strings"

	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"
)

// SearchUsers returns up to limit users whose usernames start with a text, including
// disabled ones, sorted by username. next is the cursor of the next page, or "". It
// returns ErrCursor for an invalid cursor.
func SearchUsers(tx *pop.Connection, prefix, after string, limit int) (users []User, next string, err error) {
	prefix = strings.ToLower(strings.TrimSpace(prefix))
	if len(prefix) > maxUsername || strings.ContainsFunc(prefix, func(c rune) bool { return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyz0123456789._-", c) }) {
		return nil, "", nil // no username has such a character
	}
	if after != "" && !usernamePattern.MatchString(after) {
		return nil, "", fmt.Errorf("search users: %w", ErrCursor)
	}
	pattern := strings.ReplaceAll(prefix, "_", "!_") + "%"
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

// CountUsers returns the number of users, including disabled ones.
func CountUsers(tx *pop.Connection) (int, error) {
	n, err := tx.Count(&User{})
	if err != nil {
		return 0, dbError("count users", err)
	}
	return n, nil
}

// UsernamesOf returns the usernames for user IDs. IDs of deleted users are left out.
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
