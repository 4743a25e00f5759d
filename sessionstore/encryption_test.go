package sessionstore_test

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// The first byte of the column data.
const (
	plainByte  = 1
	sealedByte = 2
)

func encrypted(o *sessionstore.Options) { o.Encrypt = true }

func logTo(log *lockedBuffer) func(*sessionstore.Options) {
	return func(o *sessionstore.Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) }
}

// marks are texts that cannot occur by chance.
var marks = map[any]any{"key of the marks": "value of the marks", "user_id": "ada of the marks"}

func setMarks(session *sessions.Session) {
	for key, value := range marks {
		session.Values[key] = value
	}
}

// wantEncrypted checks that none of the marks can be read in the row's data or,
// if want is false, that they can.
func (s *site) wantSealed(t *testing.T, cookie string, want bool) {
	t.Helper()
	data := s.row(t, cookie).Data
	for key, value := range marks {
		for _, text := range []any{key, value} {
			if bytes.Contains(data, []byte(text.(string))) == want {
				t.Errorf("encrypted: want %v, and of %q the data is %q", want, text, data)
			}
		}
	}
	first := byte(plainByte)
	if want {
		first = sealedByte
	}
	if data[0] != first {
		t.Errorf("the first byte of the data is %d, want %d", data[0], first)
	}
}

func (b *browser) wantMarks(t *testing.T, doing string) {
	t.Helper()
	if got := b.read(t); !reflect.DeepEqual(got, marks) {
		t.Errorf("%s: session holds %v", doing, got)
	}
}

func TestStore_Encrypt(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.browser(t), s.browser(t)
		ada.change(t, setMarks)
		bob.change(t, setMarks)
		s.wantSealed(t, ada.cookie(t), true)
		ada.wantMarks(t, "after the first save")
		if bytes.Equal(s.row(t, ada.cookie(t)).Data, s.row(t, bob.cookie(t)).Data) {
			t.Error("the same values of two sessions are the same data")
		}
		ada.change(t, func(session *sessions.Session) { session.Values["cart"] = 3 })
		ada.change(t, func(session *sessions.Session) { delete(session.Values, "cart") })
		s.wantSealed(t, ada.cookie(t), true)
		ada.wantMarks(t, "after a change")
		_, values, err := s.store.Inspect(t.Context(), s.row(t, ada.cookie(t)).SID)
		if err != nil || !reflect.DeepEqual(values, marks) {
			t.Errorf("Inspect: %v, %v", values, err)
		}
	}, encrypted)
}

// Equal values never produce equal data, even in the same row. Otherwise, backups
// would reveal that a session returned to an earlier state.
func TestStore_EncryptedAnew(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		seen := make(map[string]bool)
		for i := range 6 {
			ada.set(t, "light", i%2 == 0)
			seen[string(s.row(t, ada.cookie(t)).Data)] = true
		}
		if len(seen) != 6 {
			t.Errorf("%d different data of 6 writes", len(seen))
		}
	}, encrypted)
}

// Encryption can be switched on and off while sessions are in use.
func TestStore_EncryptSwitched(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		stores := map[bool]*site{false: s, true: s.instance(t, encrypted)}
		ada := s.browser(t)
		ada.change(t, setMarks)
		for _, on := range []bool{true, false, true} {
			switched := ada.on(stores[on])
			before := s.row(t, ada.cookie(t))
			switched.wantMarks(t, "after a switch")
			s.wantUnchanged(t, before) // to read is not to write
			s.wantSealed(t, ada.cookie(t), !on)
			switched.change(t, func(session *sessions.Session) { session.Values["cart"] = on })
			s.wantSealed(t, ada.cookie(t), on)
			switched.change(t, func(session *sessions.Session) { delete(session.Values, "cart") })
			ada.on(stores[!on]).wantMarks(t, "at a server that was not switched yet")
		}
	})
}

// Two servers still merge their changes while only one of them encrypts.
func TestStore_EncryptAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		sealing := s.instance(t, encrypted)
		ada := s.browser(t)
		ada.signIn(t, "ada")
		v := ada.while(t, func(session *sessions.Session) { session.Values["a"] = 1 }, func() {
			ada.on(sealing).set(t, "b", 2)
		})
		if v.saveErr != nil {
			t.Fatal(v.saveErr)
		}
		if got := ada.read(t); !reflect.DeepEqual(got, map[any]any{"user_id": "ada", "a": 1, "b": 2}) {
			t.Errorf("session holds %v", got)
		}
	})
}

// A new sid means a new key, so the data is encrypted again.
func TestStore_EncryptedRenewal(t *testing.T) {
	renew := func(session *sessions.Session) {
		if err := sessionstore.Renew(session); err != nil {
			panic(err)
		}
	}
	for name, handle := range map[string]func(*sessions.Session){
		"SignIn": signInAs("ada of the marks"), "Renew": renew, "Gracefully": nil,
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				ada := s.browser(t)
				ada.change(t, setMarks)
				old := s.row(t, ada.cookie(t))
				if handle == nil {
					s.clock.advance(30 * time.Minute)
				}
				ada.change(t, handle)
				if now := s.row(t, ada.cookie(t)); now.SID == old.SID || bytes.Equal(now.Data, old.Data) {
					t.Errorf("the row was\n%+v\nand is\n%+v", old, now)
				}
				s.wantSealed(t, ada.cookie(t), true)
				ada.wantMarks(t, "renewed")
			}, encrypted, func(o *sessionstore.Options) { o.RenewAfter = 30 * time.Minute })
		})
	}
}

// MaxBytes limits the unencrypted size. A session that just fits must not fail
// when encryption is switched on.
func TestStore_EncryptedMaxBytes(t *testing.T) {
	const limit = 1000
	limited := func(o *sessionstore.Options) { o.SetMaxBytes(limit) }
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.set(t, "note", "")
		room := limit - len(s.row(t, ada.cookie(t)).Data) - 1 // its length takes two bytes then
		sealing := ada.on(s.instance(t, encrypted, limited))
		sealing.set(t, "note", strings.Repeat("x", room))
		full := s.row(t, ada.cookie(t))
		if len(full.Data) <= limit {
			t.Errorf("%d bytes of data: not encrypted, or not full", len(full.Data))
		}
		v := sealing.visit(t, func(session *sessions.Session) { session.Values["note"] = strings.Repeat("x", room+1) })
		wantTooLarge(t, v)
		s.wantUnchanged(t, full)
	}, limited)
}

// Data copied to another row cannot be decrypted.
func TestStore_EncryptedDataMoved(t *testing.T) {
	var log lockedBuffer
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada, bob := s.browser(t), s.browser(t)
		ada.signIn(t, "ada")
		bob.signIn(t, "bob")
		rowA, rowB := s.row(t, ada.cookie(t)), s.row(t, bob.cookie(t))
		s.setData(t, rowA.SID, rowB.Data)
		s.setData(t, rowB.SID, rowA.Data)
		s.wantSealedOff(t, ada, &log)
		s.wantSealedOff(t, bob, &log)
		s.setData(t, rowA.SID, rowA.Data)
		s.setData(t, rowB.SID, rowB.Data)
		if ada.user(t) != "ada" || bob.user(t) != "bob" {
			t.Error("the data do not open where they belong")
		}
		moved := strings.Repeat("s", 24) + rowA.SID[24:]
		s.execute(t, "UPDATE sessions SET sid = ? WHERE sid = ?", moved, rowA.SID)
		cookie := sign(t, secret, moved, strings.Split(ada.cookie(t), ".")[1])
		s.wantSealedOff(t, s.with(t, cookieName+"="+cookie), &log)
	}, encrypted, logTo(&log))
}

func (s *site) setData(t *testing.T, sid string, data []byte) {
	t.Helper()
	s.execute(t, "UPDATE sessions SET data = ? WHERE sid = ?", data, sid)
}

// wantUndecryptable checks that the session of a browser cannot be decrypted,
// that this is logged, and that a visit does not change the row.
func (s *site) wantSealedOff(t *testing.T, b *browser, log *lockedBuffer) {
	t.Helper()
	cookie := b.cookie(t)
	if planted := b.header.Get("Cookie"); planted != "" {
		cookie = strings.TrimPrefix(planted, cookieName+"=")
	}
	row := s.row(t, cookie)
	v := b.change(t, nil)
	if !v.session.IsNew || len(v.session.Values) != 0 || len(v.cookies) != 0 {
		t.Errorf("a session that does not open: %+v", v)
	}
	if !strings.Contains(log.String(), row.SID) {
		t.Errorf("nothing logged of %s", row.SID)
	}
	if _, values, err := s.store.Inspect(t.Context(), row.SID); err == nil || values != nil {
		t.Errorf("Inspect: %v, %v", values, err)
	}
	s.wantUnchanged(t, row)
}

// The test flips one bit of each byte in turn.
func TestStore_EncryptedDataFlipped(t *testing.T) {
	var log lockedBuffer
	onEveryEngine(t, func(t *testing.T, s *site) {
		ada := s.browser(t)
		ada.signIn(t, "ada")
		row := s.row(t, ada.cookie(t))
		for i := range row.Data {
			flipped := bytes.Clone(row.Data)
			flipped[i] ^= 1 << (i % 8)
			s.setData(t, row.SID, flipped)
			s.wantSealedOff(t, ada, &log)
		}
		s.setData(t, row.SID, row.Data)
		if user := ada.user(t); user != "ada" {
			t.Errorf("signed in: %v", user)
		}
	}, encrypted, logTo(&log))
}
