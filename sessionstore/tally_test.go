package sessionstore_test

import (
	"context"
	"database/sql/driver"
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/gobuffalo/pop/v6"
	"github.com/gorilla/sessions"
	"github.com/luna-duclos/instrumentedsql"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// A queryLog records the database statements that belong to its context or to one
// derived from it. It needs a site of onEveryLoggedEngine.
type tally struct {
	mu         sync.Mutex
	statements []string
	prepared   int
}

type tallyKey struct{}

func (q *tally) context(parent context.Context) context.Context {
	return context.WithValue(parent, tallyKey{}, q)
}

func (q *tally) baseContext(net.Listener) context.Context { return q.context(context.Background()) }

// take returns the first words of the statements since the last call.
func (q *tally) take() string {
	q.mu.Lock()
	defer q.mu.Unlock()
	var verbs []string
	for _, statement := range q.statements {
		verb, _, _ := strings.Cut(statement, " ")
		verbs = append(verbs, verb)
	}
	q.statements = nil
	return strings.Join(verbs, " ")
}

// want compares the first words of the statements since the last call.
func (q *tally) want(t testing.TB, doing, verbs string) {
	t.Helper()
	if got := q.take(); got != verbs {
		t.Errorf("%s: statements %q, want %q", doing, got, verbs)
	}
}

// logStatement receives all statements from the drivers. They can only be
// instrumented once per process, so it finds the log through the context.
func countStatement(ctx context.Context, op string, details ...any) {
	q, ok := ctx.Value(tallyKey{}).(*tally)
	if !ok {
		return
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	if op == instrumentedsql.OpSQLPrepare {
		q.prepared++
	}
	if !strings.HasSuffix(op, "-exec") && !strings.HasSuffix(op, "-query") {
		return
	}
	statement := ""
	for i := 0; i+1 < len(details); i += 2 {
		switch {
		case details[i] == "query":
			statement, _ = details[i+1].(string)
		case details[i] == "err" && details[i+1] == driver.ErrSkip:
			return // the driver asks for another way, and is counted there
		}
	}
	q.statements = append(q.statements, statement)
}

// onEveryLoggedEngine is onEveryEngine with drivers that report statements.
func onEveryCountedEngine(t *testing.T, test func(t *testing.T, s *site), edits ...func(*sessionstore.Options)) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			test(t, newSiteOn(t, testdb.Migrated(t, testdb.NewURL(t, engine), counted), edits...))
		})
	}
}

func counted(details *pop.ConnectionDetails) {
	details.UseInstrumentedDriver = true
	details.InstrumentedDriverOptions = []instrumentedsql.Opt{instrumentedsql.WithLogger(instrumentedsql.LoggerFunc(countStatement))}
}

// Statements are prepared once, and one connection is enough for all of them.
func TestStore_PreparedOnce(t *testing.T) {
	for _, engine := range testdb.Engines() {
		t.Run(string(engine), func(t *testing.T) {
			t.Parallel()
			s := newSiteOn(t, testdb.Migrated(t, testdb.NewURL(t, engine), func(details *pop.ConnectionDetails) {
				counted(details)
				details.Pool = 1
			}))
			ada := s.browser(t)
			for i := range 5 {
				ada.set(t, "cart", i)
				ada.change(t, renewSession)
			}
			ada.atOnce(t, crowd, func(session *sessions.Session, i int) { session.Values["shared"] = i })
			ada.read(t)
			want := int64(5) // to insert, read, change, find and update
			if engine == testdb.PostgreSQL {
				want = 0 // its driver prepares them itself
			}
			if n := int64(s.queries.prepared); n != want {
				t.Errorf("prepared %d statements, want %d", n, want)
			}
		})
	}
}
