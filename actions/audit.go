package actions

import (
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/nulls"
	"github.com/gofrs/uuid"

	"github.com/latchkey/latchkey/models"
)

// audit writes down what happened to somebody's account or sessions: what, to whom,
// by whom, from where, when and in which request, in the log (ASVS 5.0 16.2.1) and
// among the events that people see. details are for the log alone. What has happened
// has happened: if the event cannot be kept, the log says so.
func (a *app) audit(c buffalo.Context, e models.Event, details ...any) {
	ctx, r := c.Request().Context(), c.Request()
	e.IP, e.UserAgent = clientIP(r), r.UserAgent()
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
		a.log.ErrorContext(ctx, "an event was not kept", "event", e.Kind, "error", err)
	}
}

// logRefusal writes down in the log alone that somebody was refused: he might fill a
// table with it.
func (a *app) logRefusal(c buffalo.Context, what string, details ...any) {
	a.log.InfoContext(c.Request().Context(), "audit", append([]any{"event", what, "ip", clientIP(c.Request())}, details...)...)
}

// about is an event of a user's account.
func about(user *models.User, kind, method string) models.Event {
	e := models.About(user.ID, kind)
	e.Method = method
	return e
}

// notable is an event that the user should look at.
func notable(e models.Event) models.Event {
	e.Notable = true
	return e
}

// failure is an event of a sign-in that failed. userID is "" where nobody knows whose
// account it was about.
func failure(method, userID, why string) models.Event {
	return models.Event{Kind: models.SignInFailed, UserID: nullableID(userID), Method: method, Detail: why, Notable: userID != ""}
}

// ended is an event of sessions that ended without their user's signing out.
func ended(userID, why string, sessions int64) models.Event {
	return models.Event{Kind: models.SessionEnded, UserID: nullableID(userID), Detail: why, Sessions: sessions}
}

// nullableID is a user's id, and null for what is none.
func nullableID(text string) nulls.UUID {
	id, err := uuid.FromString(text)
	return nulls.UUID{UUID: id, Valid: err == nil}
}

// idText is the opposite of nullableID.
func idText(id nulls.UUID) string {
	if !id.Valid {
		return ""
	}
	return id.UUID.String()
}
