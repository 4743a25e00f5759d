package actions

import (
	"github.com/gobuffalo/buffalo"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/models"
)

// english is the default language, and that of errors in JSON.
const english = "en-us"

// The IDs of the texts for values.
var (
	roleTexts = map[string]string{
		models.RoleAdmin:  "role.admin",
		models.RoleMember: "role.member",
	}

	deviceTexts = map[string]string{
		deviceComputer: "device.computer",
		devicePhone:    "device.phone",
		deviceTablet:   "device.tablet",
		deviceBot:      "device.bot",
		deviceOther:    "device.other",
	}

	// Other methods are providers, which have labels.
	methodTexts = map[string]string{
		config.BypassMethod: "method.bypass",
		config.TokenMethod:  "method.token",
		"":                  "method.none",
	}

	eventTexts = map[string]string{
		models.SignInSucceeded:  "event.signin.success",
		models.SignedOut:        "event.signout",
		models.IdentityLinked:   "event.identity.linked",
		models.IdentityUnlinked: "event.identity.unlinked",
		models.IdentityRefused:  "event.identity.refused",
		models.UserCreated:      "event.user.created",
		models.UserRenamed:      "event.user.renamed",
		models.UserDisabled:     "event.user.disabled",
		models.UserEnabled:      "event.user.enabled",
		models.UserRoleChanged:  "event.user.role",
		models.TokenCreated:     "event.token.created",
	}

	failureTexts = map[string]string{
		failedDisabled:   "event.signin.failure.disabled",
		failedOtherUser:  "event.signin.failure.other_user",
		failedRefused:    "event.signin.failure.refused",
		failedNoSuchUser: "event.signin.failure.no_such_user",
	}

	// In a list of events, and in a chart.
	endTexts = map[string]struct{ event, chart string }{
		models.SignedOut:          {"event.signout", "cause.signout"},
		models.RevokedByUser:      {"event.session.by_user", "cause.by_user"},
		models.RevokedByAdmin:     {"event.session.by_admin", "cause.by_admin"},
		models.RevokedByProvider:  {"event.session.by_provider", "cause.by_provider"},
		models.RevokedUserGone:    {"event.session.user_gone", "cause.user_gone"},
		models.RevokedRoleChanged: {"event.session.role_changed", "cause.role_changed"},
		models.Expired:            {"event.session.expired", "cause.expired"},
	}
)

// A notice says on a page what has just happened. It is in the page's address.
type notice string

const (
	noticeLinked          notice = "linked"
	noticeUnlinked        notice = "unlinked"
	noticeRenamed         notice = "renamed"
	noticeRevokedOne      notice = "revoked_one"
	noticeRevokedOthers   notice = "revoked_others"
	noticeRevokedAll      notice = "revoked_all"
	noticeUserChanged     notice = "user_changed"
	noticeReauthenticated notice = "reauthenticated"
)

var noticeTexts = map[notice]string{
	noticeLinked:          "notice.linked",
	noticeUnlinked:        "notice.unlinked",
	noticeRenamed:         "notice.renamed",
	noticeRevokedOne:      "notice.revoked_one",
	noticeRevokedOthers:   "notice.revoked_others",
	noticeRevokedAll:      "notice.revoked_all",
	noticeUserChanged:     "notice.user_changed",
	noticeReauthenticated: "notice.reauthenticated",
}

// noticeText returns the text of the notice in the address, or "".
func (p pages) noticeText(c buffalo.Context) string {
	id, ok := noticeTexts[notice(c.Param("notice"))]
	if !ok {
		return ""
	}
	return p.text(c, id)
}

// methodName returns what pages call a sign-in method.
func (p pages) methodName(c buffalo.Context, method string) string {
	if id, ok := methodTexts[method]; ok {
		return p.text(c, id)
	}
	return p.providerLabel(method)
}

// deviceName returns the browser and system that a device reports.
func (p pages) deviceName(c buffalo.Context, d device) string {
	name := d.Browser
	if name == "" {
		name = p.text(c, "device.unknown")
	}
	if d.System == "" {
		return name
	}
	return name + " " + p.text(c, "device.on", map[string]string{"System": d.System})
}

// eventText says what happened.
func (p pages) eventText(c buffalo.Context, e eventJSON) string {
	id := eventTexts[e.Kind]
	switch e.Kind {
	case models.SessionEnded:
		id = endTexts[e.Detail].event
	case models.SignInFailed:
		id = failureTexts[e.Detail]
	}
	return p.text(c, id, int(e.Sessions), map[string]any{
		"Method": p.methodName(c, e.Method), "Number": p.number(c, int(e.Sessions)), "Label": e.Detail, "Role": p.roleName(c, e.Detail),
	})
}

func (p pages) roleName(c buffalo.Context, role string) string {
	id, ok := roleTexts[role]
	if !ok {
		return ""
	}
	return p.text(c, id)
}
