package sessionstore_test

import (
	"bytes"
	"errors"
	"math"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// An order is a custom type, registered with gob in TestMain.
type order struct {
	ID    int
	Lines map[string]int
	Notes []string
	At    time.Time
}

type unregistered struct{ A int }

const binaryText = "\x1f\x8b\x00\xff\xfe" // as gothic's compressed sessions have

var values = map[string]any{
	"nil":          nil,
	"true":         true,
	"false":        false,
	"string":       "Ada ☕",
	"empty string": "",
	"binary text":  binaryText,
	"bytes":        []byte(binaryText),
	"empty bytes":  []byte{},
	"int":          -3,
	"int8":         int8(math.MinInt8),
	"int16":        int16(math.MaxInt16),
	"int32":        int32(math.MinInt32),
	"int64":        int64(math.MinInt64),
	"uint":         uint(math.MaxUint),
	"uint8":        uint8(math.MaxUint8),
	"uint16":       uint16(math.MaxUint16),
	"uint32":       uint32(math.MaxUint32),
	"uint64":       uint64(math.MaxUint64),
	"uintptr":      uintptr(7),
	"float32":      float32(0.1),
	"float64":      math.Inf(-1),
	"complex64":    complex64(1 + 2i),
	"complex128":   1 - 2i,
	"time":         time.Date(1969, 7, 20, 20, 17, 40, 123456789, time.UTC),
	"time in zone": time.Date(2026, 3, 1, 12, 0, 0, 0, time.FixedZone("", -(3*3600+13*60))), // no zone of a machine: those come back as time.Local
	"strings":      []string{"a", "b"},
	"anything":     []any{"a", 1, []byte{2}, nil},
	"map":          map[string]int{"tea": 1, "jam": 2},
	"struct":       order{ID: 7, Lines: map[string]int{"tea": 1}, Notes: []string{"soon"}, At: midday},
}

func setAll(session *sessions.Session) {
	for key, value := range values {
		session.Values[key] = value
	}
}

func TestStore_Values(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, setAll)
		got := ada.read(t)
		if len(got) != len(values) {
			t.Errorf("%d values, want %d", len(got), len(values))
		}
		for key, want := range values {
			if _, there := got[key]; !there || !reflect.DeepEqual(got[key], want) {
				t.Errorf("%s: got %T %#v, want %T %#v", key, got[key], got[key], want, want)
			}
		}
		before := s.row(t, ada.cookie(t))
		ada.change(t, setAll)
		s.wantUnchanged(t, before)
	})
}

func TestStore_Keys(t *testing.T) {
	type name string
	keys := []any{"1", 1, int64(1), uint8(1), 1.5, true, nil, [2]int{1, 2}, time.Unix(1, 0).UTC(), binaryText}
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		for i, key := range keys {
			v := ada.visit(t, func(session *sessions.Session) { session.Values[key] = i })
			if _, isArray := key.([2]int); isArray != (v.saveErr != nil) {
				t.Fatalf("key %#v: %v", key, v.saveErr)
			}
		}
		got := ada.read(t)
		for i, key := range keys {
			if _, isArray := key.([2]int); !isArray && got[key] != i {
				t.Errorf("key %#v: got %v, want %d", key, got[key], i)
			}
		}
		v := ada.visit(t, func(session *sessions.Session) { session.Values[name("a")] = 1 })
		if !isValueError(v.saveErr) {
			t.Errorf("a key of an unregistered type: %v", v.saveErr)
		}
	})
}

// A nil []byte comes back as an empty []byte.
func TestStore_NilBytes(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "bytes", []byte(nil))
		if got, ok := ada.read(t)["bytes"].([]byte); !ok || len(got) != 0 {
			t.Errorf("got %T %v", got, got)
		}
	})
}

// A handler may modify a value in place.
func TestStore_MutatedInPlace(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "map", map[string]int{"tea": 1, "jam": 2})
		ada.set(t, "bytes", []byte("tea"))
		ada.set(t, "order", order{Lines: map[string]int{"tea": 1}})
		ada.change(t, func(session *sessions.Session) { session.Values["map"].(map[string]int)["tea"] = 5 })
		ada.change(t, func(session *sessions.Session) { session.Values["bytes"].([]byte)[0] = 's' })
		ada.change(t, func(session *sessions.Session) { session.Values["order"].(order).Lines["jam"] = 2 })
		want := map[any]any{
			"map":   map[string]int{"tea": 5, "jam": 2},
			"bytes": []byte("sea"),
			"order": order{Lines: map[string]int{"tea": 1, "jam": 2}},
		}
		if got := ada.read(t); !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	})
}

// The type of a value may change without its bytes changing, and the other way
// around.
func TestStore_ChangedType(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		for _, value := range []any{"1", []byte("1"), 1, int64(1), true, nil, order{ID: 1}, []any{1}} {
			ada.set(t, "value", value)
			if got := ada.read(t)["value"]; !reflect.DeepEqual(got, value) {
				t.Errorf("got %T %v, want %T %v", got, got, value, value)
			}
		}
	})
}

func TestStore_Flashes(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.change(t, func(session *sessions.Session) {
			session.AddFlash("Saved.")
			session.AddFlash(order{ID: 7}, "orders")
		})
		ada.change(t, func(session *sessions.Session) { session.AddFlash("Sent.") })
		var texts, orders, again []any
		ada.change(t, func(session *sessions.Session) { texts, orders = session.Flashes(), session.Flashes("orders") })
		ada.change(t, func(session *sessions.Session) { again = append(session.Flashes(), session.Flashes("orders")...) })
		if !reflect.DeepEqual(texts, []any{"Saved.", "Sent."}) || !reflect.DeepEqual(orders, []any{order{ID: 7}}) {
			t.Errorf("delivered %v and %v", texts, orders)
		}
		if len(again) != 0 {
			t.Errorf("delivered %v once more", again)
		}
	})
}

func TestStore_ErrValue(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		for name, value := range map[string]any{
			"Unregistered":         unregistered{1},
			"UnregisteredInAny":    []any{unregistered{1}},
			"Function":             func() {},
			"NilPointer":           (*order)(nil),
			"NothingThatGobWrites": make(chan int),
		} {
			ada := s.browser(t)
			ada.set(t, "cart", 3)
			before := s.row(t, ada.cookie(t))
			v := ada.visit(t, func(session *sessions.Session) {
				session.Values["cart"] = 4
				session.Values["bad"] = value
			})
			if !isValueError(v.saveErr) || !strings.Contains(v.saveErr.Error(), "value bad") {
				t.Errorf("%s: got %v, want an error about the key bad", name, v.saveErr)
			}
			if len(v.cookies) != 0 {
				t.Errorf("%s: set %v", name, v.cookies)
			}
			s.wantUnchanged(t, before)
		}
	})
}

func TestStore_ErrTooLarge(t *testing.T) {
	const limit = 1000
	const rest = 1 + (1 + 1 + len("note")) + (2 + 1) // format, key, length and kind of the value
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "note", strings.Repeat("x", limit-rest))
		before := s.row(t, ada.cookie(t))
		if len(before.Data) != limit {
			t.Fatalf("%d bytes of data, want %d", len(before.Data), limit)
		}
		large := func(session *sessions.Session) { session.Values["note"] = strings.Repeat("x", limit-rest+1) }
		wantTooLarge(t, ada.visit(t, large))
		wantTooLarge(t, s.browser(t).visit(t, large))
		s.wantUnchanged(t, before)
		s.wantRows(t, 1)
	}, func(o *sessionstore.Options) { o.SetMaxBytes(limit) })
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}

func wantTooLarge(t *testing.T, v visit) {
	t.Helper()
	if !errors.Is(v.saveErr, sessionstore.ErrValue) || len(v.cookies) != 0 {
		t.Errorf("Save: %v, cookies %v; want ErrValue and none", v.saveErr, v.cookies)
	}
}

// Keys that differ in Go but have the same encoding are rejected, not merged.
func TestStore_KeysOfOneEncoding(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		v := s.browser(t).visit(t, func(session *sessions.Session) {
			session.Values[math.NaN()] = 1
			session.Values[math.NaN()] = 2
		})
		if !isValueError(v.saveErr) || len(v.cookies) != 0 {
			t.Errorf("Save: %v, cookies %v", v.saveErr, v.cookies)
		}
		s.wantRows(t, 0)
	})
}
