// Package accounts changes users' accounts where that takes more than one query. The
// web app and the tasks share it, so that both do the same in the same order.
package accounts

import (
	"context"
	"errors"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
	"github.com/latchkey/latchkey/sessionstore"
)

// Accounts changes accounts in the database and revokes sessions in the store. It is
// safe for concurrent use.
type Accounts struct {
	DB    *pop.Connection
	Store *sessionstore.Store
}

// A Result says what Change did.
type Result struct {
	User    *models.User  // after the change
	Changed models.Change // what is different from before
	Revoked int64         // how many sessions were revoked
}

// Change changes a user's role, or disables or enables them. Then it revokes all
// their sessions, because what they may do has changed. actor is the administrator
// who does it, or nil for a task.
//
// At the end, record receives an event for each change, and one for the revoked
// sessions if there were any. Change returns ErrNotFound, ErrRole or ErrLastAdmin of
// package models, after which nothing has changed. After any other error the user may
// have been changed and the sessions not revoked: repeat the change for a role; a
// disabled user's sessions are useless, and are revoked when the user is enabled.
func (a Accounts) Change(ctx context.Context, userID string, change models.Change, actor *models.User, record func(models.Event) error) (Result, error) {
	user, changed, err := models.ChangeUser(a.DB.WithContext(ctx), userID, change)
	if err != nil {
		return Result{}, err
	}
	result := Result{User: user, Changed: changed}
	events, reason := changeEvents(user, changed)
	var revokeErr error
	if reason != "" {
		result.Revoked, revokeErr = a.Store.Revoke(ctx, sessionstore.Filter{UserID: user.ID.String()})
	}
	if result.Revoked > 0 {
		events = append(events, models.NewSessionEvent(user.ID.String(), reason, result.Revoked))
	}
	for _, event := range events {
		err = errors.Join(err, record(By(actor, event)))
	}
	return result, errors.Join(revokeErr, err)
}
