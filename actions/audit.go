package actions

import (
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/nulls"

	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
)

// audit logs an event (ASVS 5.0 16.2.1) and stores it for the user to see. details are
// only logged. If the event cannot be stored, that is logged; the request goes on,
// because what the event is about has already happened.
func (a *app) audit(c buffalo.Context, e models.Event, details ...any) {
	ctx, r := c.Request().Context(), c.Request()
	e.IP, e.UserAgent = web.ClientIP(r), r.UserAgent()
	if e.Kind == models.SignInSucceeded {
		e.Device = deviceOf(e.UserAgent).kindOfDevice()
	}
	line := []any{"event", e.Kind, "ip", e.IP}
	for _, field := range [][2]string{{"user", idText(e.UserID)}, {"by", idText(e.ActorID)}, {"method", e.Method}, {"sid", e.SID}, {"detail", e.Detail}} {
		if field[1] != "" {
			line = append(line, field[0], field[1])
		}
	}
	if e.Kind == models.SessionEnded {
		line = append(line, "sessions", e.Sessions)
	}
	a.log.InfoContext(ctx, "audit", append(line, details...)...)
	if err := models.RecordEvent(a.db.WithContext(ctx), e); err != nil {
		a.log.ErrorContext(ctx, "event not stored", "event", e.Kind, "error", err)
	}
}

// logRefusal logs a refused request and stores nothing, because anyone could fill the
// table of events.
func (a *app) logRefusal(c buffalo.Context, what string, details ...any) {
	a.log.InfoContext(c.Request().Context(), "audit", append([]any{"event", what, "ip", web.ClientIP(c.Request())}, details...)...)
}

// about returns an event about a user's account.
func about(user *models.User, kind, method string) models.Event {
	e := models.NewEvent(user.ID, kind)
	e.Method = method
	return e
}

// notable marks an event that the user should notice.
func notable(e models.Event) models.Event {
	e.Notable = true
	return e
}

// Why a sign-in failed: the details of its event.
const (
	failedDisabled   = "disabled"
	failedOtherUser  = "somebody_else"
	failedRefused    = "refused"
	failedNoSuchUser = "no_such_user"
)

// failure returns an event about a failed sign-in. userID is "" if the user is
// unknown.
func failure(method, userID, reason string) models.Event {
	return models.Event{Kind: models.SignInFailed, UserID: models.NullableID(userID), Method: method, Detail: reason, Notable: userID != ""}
}

func idText(id nulls.UUID) string {
	if !id.Valid {
		return ""
	}
	return id.UUID.String()
}
