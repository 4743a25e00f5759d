package accounts

import (
	"github.com/gobuffalo/nulls"

	"github.com/latchkey/latchkey/models"
)

// changeEvents returns the events about a change of a user, and the reason for revoking
// their sessions, or "" if nothing changed. Enabling a user also revokes sessions: some
// may be left from a request that was in progress when the user was disabled, or because
// revoking failed then.
func changeEvents(user *models.User, changed models.Change) (events []models.Event, reason string) {
	if changed.Role != nil {
		event := models.NewEvent(user.ID, models.UserRoleChanged)
		event.Detail, event.Notable = user.Role, true
		events, reason = append(events, event), models.RevokedRoleChanged
	}
	if changed.Disabled != nil {
		event := models.NewEvent(user.ID, models.UserEnabled)
		if *changed.Disabled {
			event.Kind = models.UserDisabled
		}
		event.Notable, reason = true, models.RevokedUserGone
		events = append(events, event)
	}
	return events, reason
}

// By returns the event as caused by an administrator, which the user should notice.
// Without an administrator, it returns the event unchanged.
func By(admin *models.User, e models.Event) models.Event {
	if admin != nil {
		e.ActorID, e.Notable = nulls.NewUUID(admin.ID), true
	}
	return e
}
