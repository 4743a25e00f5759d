package models

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"
)

var (
	// ErrIdentityTaken is returned if an identity belongs to another user.
	ErrIdentityTaken = errors.New("identity belongs to another user")

	// ErrLastIdentity is returned if the user would have no sign-in method left.
	ErrLastIdentity = errors.New("identity is the user's only sign-in method")
)

// Identity is who a provider says that somebody is: an issuer and a subject,
// together somebody's for ever. E-mail addresses change hands.
type Identity struct {
	ID        uuid.UUID `db:"id"`
	UserID    uuid.UUID `db:"user_id"`
	Provider  string    `db:"provider"` // through which it came first
	Issuer    string    `db:"issuer"`
	Subject   string    `db:"subject"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
}

// Newcomer is what a provider tells of somebody, for the first sign-in.
type Newcomer struct {
	Username string // a wish: what is taken, or no username, becomes one that is free
	Name     string
	Email    string
}

// UserOf returns the user to whom an identity belongs, disabled or not. It
// returns ErrNotFound when it is nobody's.
func UserOf(tx *pop.Connection, issuer, subject string) (*User, error) {
	return firstUser(tx, "SELECT users.* FROM users JOIN identities ON identities.user_id = users.id"+
		" WHERE identities.issuer = ? AND identities.subject = ?", issuer, subject)
}

// SignUp returns the user to whom an identity belongs, disabled or not, and makes
// one for an identity that is nobody's yet. Several sign-ups of one identity at
// once make one user.
func SignUp(conn *pop.Connection, identity Identity, n Newcomer) (user *User, created bool, err error) {
	for attempt := range signUpAttempts {
		user, err = UserOf(conn, identity.Issuer, identity.Subject)
		if !errors.Is(err, ErrNotFound) {
			return user, false, err
		}
		if user, err = create(conn, identity, n, attempt > 0); err == nil {
			return user, true, nil
		}
		// Somebody may have been faster, with the identity or with the username.
	}
	return nil, false, fmt.Errorf("sign up: %w", err)
}

// signUpAttempts is how many others may be faster, one after the other.
const signUpAttempts = 5

func create(conn *pop.Connection, identity Identity, n Newcomer, tooSlow bool) (*User, error) {
	username, err := freeUsername(conn, n, tooSlow)
	if err != nil {
		return nil, err
	}
	user := &User{Username: username, Name: cut(n.Name, maxName), Email: cut(n.Email, maxName), Role: RoleMember}
	if user.Name == "" {
		user.Name = username
	}
	err = inTransaction(conn, func(tx *pop.Connection) error {
		if err := tx.Create(user); err != nil {
			return dbError("create user", err)
		}
		identity.UserID = user.ID
		if err := tx.Create(&identity); err != nil {
			return dbError("create identity", err)
		}
		return nil
	})
	return user, err
}

// Link gives an identity to a user, and reports whether it was not his already, when
// nothing happens. It returns ErrIdentityTaken when it is another's.
func Link(conn *pop.Connection, userID uuid.UUID, identity Identity) (linked bool, err error) {
	identity.UserID = userID
	createErr := conn.Create(&identity)
	if createErr == nil {
		return true, nil
	}
	owner, err := UserOf(conn, identity.Issuer, identity.Subject)
	switch {
	case errors.Is(err, ErrNotFound):
		return false, dbError("link identity", createErr)
	case err != nil:
		return false, fmt.Errorf("link identity: %w", err)
	case owner.ID != userID:
		return false, fmt.Errorf("link identity: %w", ErrIdentityTaken)
	}
	return false, nil
}

// Unlink takes one of his identities from a user. It returns ErrNotFound when he
// has no such, and ErrLastIdentity when he has no other that is usable; and otherwise the
// provider that it was.
func Unlink(conn *pop.Connection, userID uuid.UUID, id string, usable func(Identity) bool) (provider string, err error) {
	parsed, err := uuid.FromString(id)
	if err != nil {
		return "", fmt.Errorf("unlink identity: %w", ErrNotFound)
	}
	err = inTransaction(conn, func(tx *pop.Connection) error {
		// Two that unlink the last two at once wait here for each other.
		if err := tx.RawQuery("UPDATE users SET updated_at = ? WHERE id = ?", time.Now().UTC(), userID).Exec(); err != nil {
			return dbError("unlink identity", err)
		}
		mine, err := ListIdentities(tx, userID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(mine, func(i Identity) bool { return i.ID == parsed })
		if i < 0 {
			return fmt.Errorf("unlink identity: %w", ErrNotFound)
		}
		if !slices.ContainsFunc(mine, func(other Identity) bool { return other.ID != parsed && usable(other) }) {
			return fmt.Errorf("unlink identity: %w", ErrLastIdentity)
		}
		if err := tx.RawQuery("DELETE FROM identities WHERE id = ? AND user_id = ?", parsed, userID).Exec(); err != nil {
			return dbError("unlink identity", err)
		}
		provider = mine[i].Provider
		return nil
	})
	return provider, err
}

// ListIdentities returns a user's identities, the oldest first.
func ListIdentities(tx *pop.Connection, userID uuid.UUID) ([]Identity, error) {
	var identities []Identity
	if err := tx.Where("user_id = ?", userID).Order("created_at, id").All(&identities); err != nil {
		return nil, dbError("list identities", err)
	}
	return identities, nil
}
