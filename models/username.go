package models

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
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
	// maxNamesakes is how many numbers are tried before a random one.
	maxNamesakes = 20
)

var (
	// ErrUsername is returned for an invalid username.
	ErrUsername = errors.New("invalid username: must have 1 to 64 of a-z, 0-9, dot, hyphen and underscore, and start with a letter or digit")

	// ErrUsernameTaken is returned for a username that another user has.
	ErrUsernameTaken = errors.New("username is taken")
)

// usernamePattern is what a username may be. It has no letters that a database
// could hold for the same as others.
var usernamePattern = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]{0,63}$`)

// SetUsername changes a username, and reports whether it was another; upper and lower
// case are one. It returns ErrUsername for what is none, and ErrUsernameTaken.
func SetUsername(conn *pop.Connection, userID uuid.UUID, username string) (changed bool, err error) {
	username = strings.ToLower(strings.TrimSpace(username))
	if !usernamePattern.MatchString(username) {
		return false, fmt.Errorf("change username: %w", ErrUsername)
	}
	if isSeed(username) {
		if user, err := GetUser(conn, userID.String()); err != nil || user.Username != username {
			return false, errors.Join(fmt.Errorf("change username: %w", ErrUsernameTaken), err)
		}
	}
	n, changeErr := conn.RawQuery("UPDATE users SET username = ? WHERE id = ? AND username <> ?", username, userID, username).ExecWithCount()
	if changeErr == nil {
		return n > 0, nil
	}
	other, err := LookUpUser(conn, username)
	if err == nil && other.ID != userID {
		return false, fmt.Errorf("change username: %w", ErrUsernameTaken)
	}
	return false, dbError("change username", changeErr)
}

// freeUsername makes a username of what a provider tells, that nobody has now and no
// user of development would get. Of many who want one at once, who was too slow gets
// a number that nobody else draws.
func freeUsername(tx *pop.Connection, n Newcomer, tooSlow bool) (string, error) {
	base := toUsername(n)
	for i := 0; i < maxNamesakes && !tooSlow; i++ {
		candidate := base
		if i > 0 {
			candidate = base + "-" + strconv.Itoa(i+1)
		}
		if isSeed(candidate) {
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

func isSeed(username string) bool {
	return slices.ContainsFunc(seedUsers, func(u User) bool { return u.Username == username })
}

// toUsername makes a username of the first that is given of a username, the part
// of an address before the @, and a name; "member" without any.
func toUsername(n Newcomer) string {
	local, _, _ := strings.Cut(n.Email, "@")
	for _, text := range []string{n.Username, local, n.Name} {
		text, _, _ = strings.Cut(text, "@") // some providers name users by address
		if name := slug(text); name != "" {
			return name
		}
	}
	return "member"
}

// slug leaves of a text what a username may hold, letters without their accents,
// and room for a number at its end.
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

// cut shortens a text to so many characters, and leaves out those that control: some
// databases take no NUL, and a page would read backwards after U+202E.
func cut(text string, limit int) string {
	text = strings.Map(func(c rune) rune {
		if unicode.IsControl(c) || unicode.Is(unicode.Bidi_Control, c) {
			return -1
		}
		return c
	}, strings.ToValidUTF8(text, ""))
	if runes := []rune(text); len(runes) > limit {
		return string(runes[:limit])
	}
	return text
}
