package sessiontask

import (
	"cmp"
	"context"
	"fmt"

	"github.com/latchkey/latchkey/sessionstore"
)

// listLimit is more than anybody reads.
const listLimit = 1000

// List prints the live sessions, newest first: all of them, or those of the user
// that the one argument names.
func (t Tasks) List(ctx context.Context, args []string) error {
	filter, err := t.listFilter(args)
	if err != nil {
		return err
	}
	records, next, err := t.Store.List(ctx, filter, "", listLimit)
	if err != nil {
		return err
	}
	names, err := t.userNames(records)
	if err != nil {
		return err
	}
	w := newTable(t.out())
	fmt.Fprintln(w, "SID\tUSER\tMETHOD\tREMEMBERED\tLAST SEEN\tEXPIRES\tIP")
	for _, r := range records {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", printable(r.SID), orDash(cmp.Or(names[r.UserID], r.UserID)), orDash(r.AuthMethod),
			yesOrDash(r.Remembered), timeOrDash(r.LastSeenAt), timeOrDash(r.ExpiresAt), orDash(r.IP))
	}
	if next != "" {
		fmt.Fprintf(w, "(the newest %d; there are more)\n", listLimit)
	}
	return w.Flush()
}

func (t Tasks) listFilter(args []string) (sessionstore.Filter, error) {
	switch {
	case len(args) == 0:
		return sessionstore.Filter{AnyUser: true}, nil
	case len(args) > 1 || args[0] == "":
		return sessionstore.Filter{}, fmt.Errorf("usage: sessions:list, or sessions:list %s", t.userWord())
	}
	id, err := t.userID(args[0])
	return sessionstore.Filter{UserID: id}, err
}
