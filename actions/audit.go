package actions

import (
	"github.com/gobuffalo/buffalo"
	"github.com/gobuffalo/nulls"

	"github.com/latchkey/latchkey/internal/sessions"
	"github.com/latchkey/latchkey/internal/web"
	"github.com/latchkey/latchkey/models"
)

// audit logs an event and stores it for the user to see. details are only logged. If
// the event cannot be stored, that is logged; the request goes on, because what the
// event is about has already happened.
func (a *app) audit(c buffalo.Context, e models.Event, details ...any) {
	a.logEvent(c, e, details...)
	ctx, r := c.Request().Context(), c.Request()
	e.IP, e.UserAgent = web.ClientIP(r), r.UserAgent()
	if e.Kind == models.SignInSucceeded {
		e.Device = deviceOf(e.UserAgent).kindOfDevice()
	}
	if err := models.RecordEvent(a.db.WithContext(ctx), e); err != nil {
		a.log.ErrorContext(ctx, "event not stored", "event", e.Kind, "error", err)
	}
}

// logEvent logs an event (ASVS 5.0 16.2.1) without storing it.
func (a *app) logEvent(c buffalo.Context, e models.Event, details ...any) {
	line := []any{"event", e.Kind, "ip", web.ClientIP(c.Request())}
	for _, field := range [][2]string{{"user", idText(e.UserID)}, {"by", idText(e.ActorID)}, {"method", e.Method}, {"sid", e.SID}, {"detail", e.Detail}} {
		if field[1] != "" {
			line = append(line, field[0], field[1])
		}
	}
	if e.Kind == models.SessionEnded {
		line = append(line, "sessions", e.Sessions)
	}
	a.log.InfoContext(c.Request().Context(), "audit", append(line, details...)...)
}

// refusals are the problems that mean that a request was not authorized, with the
// reason that is logged (ASVS 5.0 16.3.2, 16.3.3). Clients do not always see it: for
// them, what they may not use does not exist.
var refusals = map[*problem]string{
	errTokenRefused:   "invalid_token",
	errTokenAtSignIn:  "token_not_allowed",
	errCrossOrigin:    "cross_origin",
	errNotRecent:      "sign_in_not_recent",
	errNotAdmin:       "not_an_administrator",
	errNotOwn:         "not_own_or_unknown",
	errBypassOff:      "development_sign_in_off",
	errOtherUser:      "other_user",
	errNotWhoBegan:    "other_user",
	errTooManySignIns: "too_many_sign_ins",
	errTooManyChanges: "too_many_changes",
	errLogoutToken:    "invalid_logout_token",
	errNoKeys:         "logout_token_not_checked",
}

// logRefusal logs a request that was not authorized. It stores nothing, because anyone
// could fill the table of events. The session's user may have been disabled meanwhile.
func (a *app) logRefusal(c buffalo.Context, p *problem, cause error) {
	reason, ok := refusals[p]
	if !ok {
		return
	}
	r := c.Request()
	line := []any{"event", "access.refused", "reason", reason, "method", r.Method, "path", web.Clip(requestPath(r)), "ip", web.ClientIP(r)}
	if user, sid := caller(c); user != "" {
		line = append(line, "user", user, "sid", sid)
	}
	if cause != p {
		line = append(line, "error", web.Clip(cause.Error()))
	}
	a.log.InfoContext(r.Context(), "audit", line...)
}

// caller returns the IDs of the session's user and of the session, or "".
func caller(c buffalo.Context) (user, sid string) {
	session := c.Session()
	user, _ = session.Get(sessions.UserKey).(string)
	return user, session.Session.ID
}

// logCaller adds the user and the session to the request's log line.
func logCaller(next buffalo.Handler) buffalo.Handler {
	note := func(c buffalo.Context) {
		if user, sid := caller(c); user != "" {
			web.SetCaller(c.Request().Context(), user, sid)
		}
	}
	return func(c buffalo.Context) error {
		note(c)       // the request may sign out
		defer note(c) // or in
		return next(c)
	}
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
