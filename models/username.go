package models

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"
	"golang.org/x/text/unicode/norm"
)

const (
	maxName     = 255 // characters of users.name and users.email
	maxUsername = 64
	// maxSuffix is how many numbers are tried before a random suffix.
	maxSuffix = 20
)

var (
	// ErrUsername is returned for an invalid username.
	ErrUsername = errors.New("invalid username: must have 1 to 64 of a-z, 0-9, dot, hyphen and underscore, and start with a letter or digit")

	// ErrUsernameTaken is returned for a username that another user has.
	ErrUsernameTaken = errors.New("username is taken: choose another one")
)

// usernamePattern only allows characters that no database collation treats as equal.
var usernamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// SetUsername changes a user's username and reports whether it is different from
// before. Case does not matter. It returns ErrUsername or ErrUsernameTaken.
func SetUsername(conn *pop.Connection, userID uuid.UUID, username string) (changed bool, err error) {
	username = strings.ToLower(strings.TrimSpace(username))
	if !usernamePattern.MatchString(username) {
		return false, fmt.Errorf("change username: %w", ErrUsername)
	}
	if isSeedUsername(username) {
		if user, err := UserByID(conn, userID.String()); err != nil || user.Username != username {
			return false, errors.Join(fmt.Errorf("change username: %w", ErrUsernameTaken), err)
		}
	}
	n, changeErr := conn.RawQuery("UPDATE users SET username = ? WHERE id = ? AND username <> ?", username, userID, username).ExecWithCount()
	if changeErr == nil {
		return n > 0, nil
	}
	other, err := UserByUsername(conn, username)
	if err == nil && other.ID != userID {
		return false, fmt.Errorf("change username: %w", ErrUsernameTaken)
	}
	return false, dbError("change username", changeErr)
}

// availableUsername makes an unused username from a provider's profile. retry asks for a
// random suffix, because another sign-up took the username meanwhile.
func availableUsername(tx *pop.Connection, p Profile, retry bool) (string, error) {
	base := toUsername(p)
	for i := 0; i < maxSuffix && !retry; i++ {
		candidate := base
		if i > 0 {
			candidate = base + "-" + strconv.Itoa(i+1)
		}
		if isSeedUsername(candidate) {
			continue
		}
		taken, err := tx.Where("username = ?", candidate).Exists(&User{})
		if err != nil {
			return "", dbError("find a username", err)
		}
		if !taken {
			return candidate, nil
		}
	}
	id, err := uuid.NewV4()
	if err != nil {
		return "", fmt.Errorf("find a username: %w", err)
	}
	return base + "-" + id.String()[:8], nil
}

// toUsername makes a username from the provider's username, email address or name,
// whichever comes first, or "member".
func toUsername(p Profile) string {
	local, _, _ := strings.Cut(p.Email, "@")
	for _, text := range []string{p.Username, local, p.Name} {
		text, _, _ = strings.Cut(text, "@") // some providers use addresses as usernames
		if name := slug(text); name != "" {
			return name
		}
	}
	return "member"
}

// slug removes accents and what a username must not have, and leaves room for a number
// at the end.
func slug(text string) string {
	text = strings.Map(func(c rune) rune {
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9', c == '.', c == '_', c == '-':
			return c
		case unicode.IsSpace(c):
			return '-'
		}
		return -1
	}, strings.ToLower(norm.NFKD.String(text)))
	text = strings.TrimLeft(text, "._-")
	return strings.TrimRight(text[:min(len(text), maxUsername-10)], "._-")
}
