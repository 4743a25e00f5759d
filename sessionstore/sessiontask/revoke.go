package sessiontask

import (
	"context"
	"fmt"

	"github.com/latchkey/latchkey/sessionstore"
)

// Revoke revokes sessions at once, on every instance of the app. The arguments are
// the SID of a session or the value of its cookie; or "user" and the user; or "all".
func (t Tasks) Revoke(ctx context.Context, args []string) error {
	n, err := t.revoke(ctx, args)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t.out(), "%s revoked\n", count(n, "session"))
	return err
}

func (t Tasks) revoke(ctx context.Context, args []string) (int64, error) {
	switch {
	case len(args) == 2 && args[0] == "user" && args[1] != "":
		return t.revokeUser(ctx, args[1])
	case len(args) != 1, args[0] == "", args[0] == "user":
		// Without the arguments: one may be a cookie.
		return 0, fmt.Errorf("say which sessions to revoke: sessions:revoke SID, sessions:revoke user %s, or sessions:revoke all", t.userWord())
	case args[0] == "all":
		return t.Store.RevokeAll(ctx)
	}
	return t.revokeSID(ctx, args[0])
}

func (t Tasks) revokeUser(ctx context.Context, name string) (int64, error) {
	id, err := t.userID(name)
	if err != nil {
		return 0, err
	}
	return t.Store.Revoke(ctx, sessionstore.Filter{UserID: id})
}

func (t Tasks) revokeSID(ctx context.Context, arg string) (int64, error) {
	sid, _ := sidOf(arg)
	if sid == "" { // would match every session
		return 0, errNoSession
	}
	n, err := t.Store.Revoke(ctx, sessionstore.Filter{AnyUser: true, SID: sid})
	if err == nil && n == 0 {
		return 0, errNoSession
	}
	return n, err
}
