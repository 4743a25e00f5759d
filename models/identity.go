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
	ErrLastIdentity = errors.New("identity is the user's only sign-in method: link another one first")
)

// Identity is a user's account at a provider. Issuer and Subject identify it forever;
// an email address does not, because it can change owners.
type Identity struct {
	ID        uuid.UUID `db:"id"`
	UserID    uuid.UUID `db:"user_id"`
	Provider  string    `db:"provider"` // that it was first used with
	Issuer    string    `db:"issuer"`
	Subject   string    `db:"subject"`
	CreatedAt time.Time `db:"created_at"`
	UpdatedAt time.Time `db:"updated_at"`
}

// Profile is what a provider says about a user at the first sign-in.
type Profile struct {
	Username string // a suggestion: if it is taken or invalid, another one is chosen
	Name     string
	Email    string
}

// UserByIdentity returns the user that an identity belongs to, disabled or not, or
// ErrNotFound.
func UserByIdentity(tx *pop.Connection, issuer, subject string) (*User, error) {
	return firstUser(tx, "SELECT users.* FROM users JOIN identities ON identities.user_id = users.id"+
		" WHERE identities.issuer = ? AND identities.subject = ?", issuer, subject)
}

// SignUp returns the user that an identity belongs to, disabled or not. It creates the
// user if the identity is new. Concurrent calls for one identity create one user.
func SignUp(conn *pop.Connection, identity Identity, profile Profile) (user *User, created bool, err error) {
	for attempt := range signUpAttempts {
		user, err = UserByIdentity(conn, identity.Issuer, identity.Subject)
		if !errors.Is(err, ErrNotFound) {
			return user, false, err
		}
		if user, err = createUser(conn, identity, profile, attempt > 0); err == nil {
			return user, true, nil
		}
		// Another request may have taken the identity or the username: try again.
	}
	return nil, false, fmt.Errorf("sign up: %w", err)
}

// signUpAttempts is how often SignUp tries while other requests get in its way.
const signUpAttempts = 5

func createUser(conn *pop.Connection, identity Identity, profile Profile, retry bool) (*User, error) {
	username, err := availableUsername(conn, profile, retry)
	if err != nil {
		return nil, err
	}
	user := &User{Username: username, Name: fit(profile.Name, maxName), Email: fit(profile.Email, maxName), Role: RoleMember}
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

// Link gives an identity to a user. linked is false if the user had it already. It
// returns ErrIdentityTaken if it belongs to another user.
func Link(conn *pop.Connection, userID uuid.UUID, identity Identity) (linked bool, err error) {
	identity.UserID = userID
	createErr := conn.Create(&identity)
	if createErr == nil {
		return true, nil
	}
	owner, err := UserByIdentity(conn, identity.Issuer, identity.Subject)
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

// Unlink removes one of a user's identities and returns its provider. It returns
// ErrNotFound, or ErrLastIdentity if the user has no other identity that is usable.
func Unlink(conn *pop.Connection, userID uuid.UUID, id string, usable func(Identity) bool) (provider string, err error) {
	parsed, err := uuid.FromString(id)
	if err != nil {
		return "", fmt.Errorf("unlink identity: %w", ErrNotFound)
	}
	err = inTransaction(conn, func(tx *pop.Connection) error {
		// This locks the user, so that two requests cannot remove the last two identities
		// at the same time.
		if err := tx.RawQuery("UPDATE users SET updated_at = ? WHERE id = ?", time.Now().UTC(), userID).Exec(); err != nil {
			return dbError("unlink identity", err)
		}
		identities, err := ListIdentities(tx, userID)
		if err != nil {
			return err
		}
		i := slices.IndexFunc(identities, func(i Identity) bool { return i.ID == parsed })
		if i < 0 {
			return fmt.Errorf("unlink identity: %w", ErrNotFound)
		}
		if !slices.ContainsFunc(identities, func(other Identity) bool { return other.ID != parsed && usable(other) }) {
			return fmt.Errorf("unlink identity: %w", ErrLastIdentity)
		}
		if err := tx.RawQuery("DELETE FROM identities WHERE id = ? AND user_id = ?", parsed, userID).Exec(); err != nil {
			return dbError("unlink identity", err)
		}
		provider = identities[i].Provider
		return nil
	})
	return provider, err
}

// ListIdentities returns a user's identities, oldest first.
func ListIdentities(tx *pop.Connection, userID uuid.UUID) ([]Identity, error) {
	var identities []Identity
	if err := tx.Where("user_id = ?", userID).Order("created_at, id").All(&identities); err != nil {
		return nil, dbError("list identities", err)
	}
	return identities, nil
}
