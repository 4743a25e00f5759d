package sessionstore_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/gorilla/sessions"

	"github.com/latchkey/latchkey/sessionstore"
)

// rotation returns the site before, during and after a rotation: with the old
// secret, with both, and with the new one.
func (s *site) rotation(t *testing.T, edits ...func(*sessionstore.Options)) (before, both, after *site) {
	t.Helper()
	with := func(list ...string) *site {
		return s.instance(t, append([]func(*sessionstore.Options){encrypted, secrets(list...)}, edits...)...)
	}
	return with(oldSecret), with(newSecret, oldSecret), with(newSecret)
}

// A single request while both secrets are configured re-encrypts the session,
// even if it changes nothing.
func TestStore_EncryptedRotation(t *testing.T) {
	for name, handle := range map[string]func(*sessions.Session){
		"Unchanged": nil,
		"Changed":   func(session *sessions.Session) { session.Values["cart"] = 3 },
		"SignIn":    signInAs("ada of the marks"),
	} {
		t.Run(name, func(t *testing.T) {
			onEveryEngine(t, func(t *testing.T, s *site) {
				before, both, after := s.rotation(t)
				ada := s.browser(t)
				ada.on(before).change(t, setMarks)
				first := s.row(t, ada.cookie(t))
				ada.on(both).wantMarks(t, "under the old secret")
				ada.on(both).change(t, handle)
				if now := s.row(t, ada.cookie(t)); bytes.Equal(now.Data, first.Data) {
					t.Error("not encrypted anew")
				}
				s.wantSealed(t, ada.cookie(t), true)
				if user := ada.on(after).user(t); user != "ada of the marks" {
					t.Errorf("signed in: %v", user)
				}
			})
		})
	}
}

// The second request writes nothing.
func TestStore_EncryptedRotationWritesOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, _ := s.rotation(t)
		ada := s.browser(t)
		ada.on(before).change(t, setMarks)
		first := s.row(t, ada.cookie(t))
		ada.on(both).read(t)
		second := s.row(t, ada.cookie(t))
		if second.Version != first.Version+1 {
			t.Errorf("version %d, was %d", second.Version, first.Version)
		}
		ada.on(both).read(t)
		s.wantUnchanged(t, second)
	})
}

// A session that saves twice in one request is re-encrypted only once.
func TestStore_EncryptedRotationSavedTwice(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, _ := s.rotation(t)
		ada := s.browser(t)
		ada.on(before).change(t, setMarks)
		first := s.row(t, ada.cookie(t))
		ada.on(both).change(t, func(session *sessions.Session) {
			if err := session.Save(newRequest(t), newResponse()); err != nil {
				t.Error(err)
			}
		})
		if now := s.row(t, ada.cookie(t)); now.Version != first.Version+1 {
			t.Errorf("version %d, was %d", now.Version, first.Version)
		}
	})
}

// Concurrent requests that re-encrypt the same data do not fail and lose nothing.
func TestStore_EncryptedRotationAtOnce(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, after := s.rotation(t)
		ada := s.browser(t)
		ada.on(before).change(t, setMarks)
		ada.on(both).atOnce(t, crowd, func(session *sessions.Session, i int) {
			if i%2 == 0 {
				session.Values[i] = i
			}
		})
		got := ada.on(after).read(t)
		for i := 0; i < crowd; i += 2 {
			if got[i] != i {
				t.Errorf("%d = %v", i, got[i])
			}
		}
		if len(got) != crowd/2+len(marks) {
			t.Errorf("session holds %v", got)
		}
	})
}

// A session that was not used during the rotation can no longer be decrypted. Its
// row stays, in case the secret is restored.
func TestStore_EncryptedSecretDropped(t *testing.T) {
	var log lockedBuffer
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, _, _ := s.rotation(t)
		after := s.instance(t, encrypted, secrets(newSecret), logTo(&log))
		ada := s.browser(t)
		ada.on(before).signIn(t, "ada")
		old := s.row(t, ada.cookie(t))
		cookieSecret := ada.cookie(t)[len(old.SID)+1:][:24]
		forged := sign(t, []byte(newSecret), old.SID, cookieSecret)
		after.wantSealedOff(t, after.with(t, cookieName+"="+forged), &log)
		if user := ada.on(before).user(t); user != "ada" {
			t.Errorf("with its secret again, signed in: %v", user)
		}
	})
}

// If encryption is switched off during a rotation, the data is decrypted at once,
// so that nothing needs the old secret.
func TestStore_EncryptedRotationSwitchedOff(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, after := s.rotation(t, func(o *sessionstore.Options) { o.Encrypt = false })
		sealing := s.instance(t, encrypted, secrets(oldSecret))
		ada := s.browser(t)
		ada.on(sealing).change(t, setMarks)
		s.wantSealed(t, ada.cookie(t), true)
		ada.on(both).read(t)
		s.wantSealed(t, ada.cookie(t), false)
		ada.on(after).wantMarks(t, "after the rotation")
		if got := ada.on(before).read(t); len(got) != 0 {
			t.Errorf("a cookie under the new secret was taken by the old one: %v", got)
		}
	})
}

// The old sid of a renewed session works during the grace period under either
// secret.
func TestStore_EncryptedRotationAndRenewal(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, s *site) {
		before, both, after := s.rotation(t, func(o *sessionstore.Options) { o.RenewAfter = 30 * time.Minute })
		ada := s.browser(t)
		ada.on(before).change(t, setMarks)
		old := ada.cookie(t)
		s.clock.advance(30 * time.Minute)
		ada.on(both).read(t)
		if ada.cookie(t)[:24] == old[:24] {
			t.Error("not renewed")
		}
		both.with(t, cookieName+"="+old).wantMarks(t, "at the old sid")
		ada.on(after).wantMarks(t, "at the new sid")
	})
}
