package sessionstore_test

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
)

func (in *interleaving) wantCount(n int64, err error, want int) {
	in.Helper()
	if err != nil || n != int64(want) {
		in.failf("%d rows, want %d; %v", n, want, err)
	}
}

// checkRequest compares the session that a request sees with the model.
func (in *interleaving) checkRequest(q *openRequest) {
	in.Helper()
	if q.session.ID != q.model.at.sid {
		in.failf("%s: sid %q, want %q", q.name, q.session.ID, q.model.at.sid)
	}
	if diff := sameValues(q.session.Values, q.model.values); diff != "" {
		in.failf("%s: the session %s", q.name, diff)
	}
}

// checkCookie compares the response's cookie with the outcome of Save, and stores
// it in the browser.
func (in *interleaving) checkCookie(q *openRequest, fate fate, before string) {
	in.Helper()
	headers := q.w.Header()["Set-Cookie"]
	unchanged := len(headers) == 0 && before == "" || len(headers) == 1 && headers[0] == before
	sent := len(q.r.Cookies()) > 0 || before != ""
	if fate == kept || fate == ended || fate == dropped && !sent {
		if !unchanged {
			in.failf("cookies %q, were %q", headers, before)
		}
		return
	}
	if len(headers) != 1 {
		in.failf("cookies %q", headers)
	}
	cookie, err := http.ParseSetCookie(headers[0])
	if err != nil {
		in.failf("%v", err)
	}
	in.browsers[q.browser] = cookie.Value
	if fate == dropped {
		if cookie.Value != "" || cookie.MaxAge >= 0 {
			in.failf("cookie %q after a sign-out", headers[0])
		}
		return
	}
	sameSID := func(other string) bool { return sidIn(other) == sidIn(cookie.Value) }
	if sidIn(cookie.Value) != q.session.ID || slices.ContainsFunc(in.cookies, sameSID) {
		in.failf("cookie %q is not new, or not of %s", headers[0], q.session.ID)
	}
	in.cookies = append(in.cookies, cookie.Value)
}

// checkRows compares the whole table with the model.
func (in *interleaving) checkRows() {
	in.Helper()
	var rows []storedRow
	if err := in.conn.Store.Select(&rows, "SELECT * FROM sessions"); err != nil {
		in.failf("%v", err)
	}
	if want := len(in.model.sessions) + len(in.model.graces); len(rows) != want {
		in.failf("%d rows, want %d", len(rows), want)
	}
	for _, row := range rows {
		if g, ok := in.model.graces[row.SID]; ok {
			if row.RenewedTo != g.to || !row.ExpiresAt.Equal(g.until) || row.UserID != nil {
				in.failf("grace %+v, want %+v", row, g)
			}
			continue
		}
		in.checkRow(row)
	}
}

func (in *interleaving) checkRow(row storedRow) {
	in.Helper()
	s := in.model.sessions[row.SID]
	if s == nil {
		in.failf("there should be no row %+v", row)
	}
	user := ""
	if row.UserID != nil {
		user = *row.UserID
	}
	if user != s.user || row.Family != s.family || row.Remembered != s.remembered || row.RenewedTo != "" {
		in.failf("row %+v, want %+v", row, *s)
	}
	if !row.LastSeenAt.Equal(s.lastSeen) || !row.DeadlineAt.Equal(s.deadline) || !row.ExpiresAt.Equal(s.expiresAt) {
		in.failf("row %+v, want %+v", row, *s)
	}
	if s.expiresAt.After(in.model.now()) {
		in.checkValues(row, s)
	}
}

// checkValues compares the values of a row with the model. It decodes each
// distinct content once.
func (in *interleaving) checkValues(row storedRow, s *modelSession) {
	in.Helper()
	content := strings.Join([]string{row.SID, string(row.Data)}, "/")
	if in.found[content] == nil {
		_, values, err := in.store.Inspect(in.Context(), row.SID)
		if err != nil {
			in.failf("find %s: %v", row.SID, err)
		}
		in.found[content] = values
	}
	if diff := sameValues(in.found[content], s.values); diff != "" {
		in.failf("session %s %s", row.SID, diff)
	}
}

// sameValues returns "", or how the values differ.
func sameValues(got, want map[any]any) string {
	if maps.Equal(got, want) {
		return ""
	}
	return fmt.Sprintf("holds %v, want %v", got, want)
}
