package grifts

import (
	"errors"
	"fmt"
	"strings"

	"github.com/latchkey/latchkey/sessionstore"
)

// errRevokeUsage does not repeat what was given: that may be a cookie.
var errRevokeUsage = errors.New("say which sessions to end: sessions:revoke SID, sessions:revoke user NAME, or sessions:revoke all")

// revokeSessions ends sessions in the database, which the running app asks at
// every request.
func revokeSessions(t tools) error {
	ended, err := t.revoke()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out, "%d %s ended\n", ended, plural(ended, "session"))
	return err
}

func (t tools) revoke() (ended int64, err error) {
	switch {
	case len(t.args) == 2 && t.args[0] == "user":
		return t.revokeUser(t.args[1])
	case len(t.args) != 1, t.args[0] == "", t.args[0] == "user":
		return 0, errRevokeUsage
	case t.args[0] == "all":
		return t.store.RevokeAll(t.ctx)
	}
	return t.revokeSID(t.args[0])
}

// revokeUser ends the sessions of a user.
func (t tools) revokeUser(username string) (int64, error) {
	userID, err := t.userID(username)
	if err != nil {
		return 0, err
	}
	return t.store.Revoke(t.ctx, sessionstore.Filter{UserID: userID})
}

// revokeSID ends the session of a sid, or of a cookie, of which the sid is all
// that it uses.
func (t tools) revokeSID(given string) (int64, error) {
	sid, _, _ := strings.Cut(withoutName(given), ".")
	if sid == "" {
		return 0, errNoSession
	}
	n, err := t.store.Revoke(t.ctx, sessionstore.Filter{AnyUser: true, SID: sid})
	if err == nil && n == 0 {
		return 0, errNoSession
	}
	return n, err
}

func plural(n int64, noun string) string {
	if n == 1 {
		return noun
	}
	return noun + "s"
}
