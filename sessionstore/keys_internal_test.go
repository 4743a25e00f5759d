package sessionstore

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

var (
	sealSecret = []byte("correct horse battery staple, 32")
	sealSID    = strings.Repeat("s", tokenChars)
	sealPlain  = []byte("\x01\x05\x03cart\x02\x05\x06") // "cart" is 3
)

func sealKeys(t testing.TB, secrets ...[]byte) []keys {
	t.Helper()
	all, err := newKeys(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

const knownSealed = "02000102030405060708090a0b13727e9b6bf79318011099cd96c6669e76ca432bd28f95013ccd"

// A known answer from another implementation of HKDF and AES-GCM. A new version
// must decrypt the rows of the one before.
func TestKeys_SealedFormatIsKept(t *testing.T) {
	sealed, err := hex.DecodeString(knownSealed)
	if err != nil {
		t.Fatal(err)
	}
	store := &Store{keys: sealKeys(t, sealSecret)}
	r := row{Record: Record{SID: sealSID}, data: sealed}
	if err := store.decode(&r); err != nil || r.stale {
		t.Fatalf("stale %v, %v", r.stale, err)
	}
	if got := r.entries.Encode(); !bytes.Equal(got, sealPlain) {
		t.Errorf("opened as %q, want %q", got, sealPlain)
	}
}

// Computes the documented format with nothing but HMAC and AES: HKDF-SHA-256 with
// the label as salt and the sid as info; then the format byte, the nonce, and the
// output of AES-256-GCM with the sid as additional data.
func TestKeys_SealAsTheFormatSays(t *testing.T) {
	sealed, err := sealKeys(t, sealSecret)[0].seal(sealSID, sealPlain)
	if err != nil {
		t.Fatal(err)
	}
	mac := func(key []byte, message string) []byte {
		h := hmac.New(sha256.New, key)
		h.Write([]byte(message))
		return h.Sum(nil)
	}
	extracted := mac([]byte("latchkey session data aead v1"), string(sealSecret))
	block, err := aes.NewCipher(mac(extracted, sealSID+"\x01"))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	if sealed[0] != 2 || len(sealed) != 1+12+len(sealPlain)+16 {
		t.Fatalf("sealed as %x", sealed)
	}
	plain, err := gcm.Open(nil, sealed[1:13], sealed[13:], []byte(sealSID))
	if err != nil || !bytes.Equal(plain, sealPlain) {
		t.Errorf("opened as %q, %v", plain, err)
	}
}

func TestKeys_SealedTwice(t *testing.T) {
	k := sealKeys(t, sealSecret)[0]
	seen := make(map[string]bool)
	for range 100 {
		sealed, err := k.seal(sealSID, sealPlain)
		if err != nil {
			t.Fatal(err)
		}
		seen[string(sealed[1:13])] = true
	}
	if len(seen) != 100 {
		t.Errorf("%d nonces of 100 seals", len(seen))
	}
}

// Flipping any bit of the data, sid or secret, or adding or removing a byte,
// makes decryption fail.
func TestKeys_OpenNothingElse(t *testing.T) {
	store := &Store{keys: sealKeys(t, sealSecret)}
	sealed, err := store.keys[0].seal(sealSID, sealPlain)
	if err != nil {
		t.Fatal(err)
	}
	for i := range len(sealed) * 8 {
		wantClosed(t, store, sealSID, flip(sealed, i))
	}
	for n := range len(sealed) {
		wantClosed(t, store, sealSID, sealed[:n])
	}
	wantClosed(t, store, sealSID, append(bytes.Clone(sealed), 0))
	for i := range len(sealSID) * 8 {
		wantClosed(t, store, string(flip([]byte(sealSID), i)), sealed)
	}
	for i := range len(sealSecret) * 8 {
		wantClosed(t, &Store{keys: sealKeys(t, flip(sealSecret, i))}, sealSID, sealed)
	}
}

func flip(b []byte, bit int) []byte {
	b = bytes.Clone(b)
	b[bit/8] ^= 1 << (bit % 8)
	return b
}

func wantClosed(t *testing.T, store *Store, sid string, data []byte) {
	t.Helper()
	r := row{Record: Record{SID: sid}, data: data}
	if err := store.decode(&r); err == nil || r.entries != nil {
		t.Errorf("%x opened for %s as %v", data, sid, r.entries)
	}
}

// Data encrypted with an older secret can be decrypted, and is reported as stale.
func TestStore_UnsealStale(t *testing.T) {
	older := []byte("the secret of last year, 32 bytes")
	store := &Store{keys: sealKeys(t, sealSecret, older)}
	for i, k := range store.keys {
		sealed, err := k.seal(sealSID, sealPlain)
		if err != nil {
			t.Fatal(err)
		}
		plain, stale, err := store.unseal(sealSID, sealed)
		if err != nil || !bytes.Equal(plain, sealPlain) || stale != (i > 0) {
			t.Errorf("secret %d: %q, stale %v, %v", i, plain, stale, err)
		}
	}
}

// Only the output of seal can be decrypted, and no input panics. The sealed data
// is a constant, because each fuzzing process would otherwise create its own.
func FuzzDecodeSealed(f *testing.F) {
	store := &Store{keys: sealKeys(f, sealSecret)}
	sealed, err := hex.DecodeString(knownSealed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealSID, sealed)
	f.Add("", sealed)
	f.Add(sealSID, sealed[:13])
	f.Add(sealSID, []byte{codec.FormatSealed})
	f.Add(sealSID, []byte{})
	f.Fuzz(func(t *testing.T, sid string, data []byte) {
		if len(data) == 0 || data[0] != codec.FormatSealed {
			data = append([]byte{codec.FormatSealed}, data...)
		}
		if sid != sealSID || !bytes.Equal(data, sealed) {
			wantClosed(t, store, sid, data)
		}
	})
}
