package sessionstore_test

import (
	"context"
	"errors"
	"math"
	"sync"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// Shorthands that many tests use.

var everybody = sessionstore.Filter{AnyUser: true}

func signIn(session *sessions.Session, userID, method string) error {
	return sessionstore.SignIn(session, sessionstore.Login{UserID: userID, Method: method})
}

func signOut(session *sessions.Session) {
	if err := sessionstore.SignOut(session); err != nil {
		panic(err)
	}
}

// A group waits for goroutines.
type group struct{ sync.WaitGroup }

func (g *group) Go(do func()) {
	g.Add(1)
	go func() {
		defer g.Done()
		do()
	}()
}

// revokeOne revokes a session of a user. It returns ErrNotFound if there is none.
func revokeOne(ctx context.Context, store *sessionstore.Store, userID, sid string) error {
	return wantSome(store.Revoke(ctx, sessionstore.Filter{UserID: userID, SID: sid}))
}

// revokeSID is revokeOne for a session of any user.
func revokeSID(ctx context.Context, store *sessionstore.Store, sid string) error {
	return wantSome(store.Revoke(ctx, sessionstore.Filter{AnyUser: true, SID: sid}))
}

func wantSome(n int64, err error) error {
	if err == nil && n == 0 {
		return sessionstore.ErrNotFound
	}
	return err
}

func revokeUser(ctx context.Context, store *sessionstore.Store, userID string) (int64, error) {
	return store.Revoke(ctx, sessionstore.Filter{UserID: userID})
}

// revokeOthers revokes all of the user's sessions except this one.
func revokeOthers(ctx context.Context, store *sessionstore.Store, session *sessions.Session) (int64, error) {
	user, _ := session.Values["user_id"].(string)
	return store.Revoke(ctx, sessionstore.Filter{UserID: user, Except: session})
}

func list(ctx context.Context, store *sessionstore.Store, userID string, limit int) ([]sessionstore.Record, error) {
	page, _, err := store.List(ctx, sessionstore.Filter{UserID: userID}, "", limit)
	return page, err
}

func listAll(ctx context.Context, store *sessionstore.Store, limit int) ([]sessionstore.Record, error) {
	page, _, err := store.List(ctx, everybody, "", limit)
	return page, err
}

func count(ctx context.Context, store *sessionstore.Store, userID string) (int64, error) {
	return store.Count(ctx, sessionstore.Filter{UserID: userID})
}

func countAll(ctx context.Context, store *sessionstore.Store) (int64, error) {
	return store.Count(ctx, everybody)
}

func cleanUp(ctx context.Context, store *sessionstore.Store) (int, error) {
	return store.Cleanup(ctx, math.MaxInt)
}

func isValueError(err error) bool { return errors.Is(err, sessionstore.ErrValue) }
