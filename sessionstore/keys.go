package sessionstore

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"sync"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

const (
	// minSecretBytes is the output size of HMAC-SHA-256. Shorter keys are discouraged
	// (RFC 2104, 3).
	minSecretBytes = 32

	// With different labels, the keys derived from one secret are independent.
	cookieLabel = "latchkey session cookie mac v1"
	dataLabel   = "latchkey session data aead v1"
)

// keys are the keys derived from one secret.
type keys struct {
	macs *sync.Pool // of *macer, for cookies: setting up the key is half of the work
	data []byte     // each session's data has a key derived from this one
}

// A macer computes macs with one key, one after the other.
type macer struct {
	hash   hash.Hash
	signed []byte
	sum    [sha256.Size]byte
}

// newKeys derives the keys of each secret with HKDF (RFC 5869).
func newKeys(secrets [][]byte) ([]keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("sessionstore: Options.Secrets is empty: set at least one secret of 32 random bytes")
	}
	all := make([]keys, 0, len(secrets))
	for i, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("sessionstore: Options.Secrets[%d] has %d bytes: use at least %d random bytes", i, len(secret), minSecretBytes)
		}
		cookie, err := hkdf.Key(sha256.New, secret, nil, cookieLabel, sha256.Size)
		if err != nil {
			return nil, fmt.Errorf("sessionstore: derive key: %w", err)
		}
		data, err := hkdf.Extract(sha256.New, secret, []byte(dataLabel))
		if err != nil {
			return nil, fmt.Errorf("sessionstore: derive key: %w", err)
		}
		macs := &sync.Pool{New: func() any { return &macer{hash: hmac.New(sha256.New, cookie)} }}
		all = append(all, keys{macs, data})
	}
	return all, nil
}

// aead returns the cipher of one session's data: AES-256-GCM with a random nonce. Each
// session has a key of its own, so that no key is used often enough for random nonces to
// repeat (NIST SP 800-38D, 8.3).
func (k keys) aead(sid string) (cipher.AEAD, error) {
	key, err := hkdf.Expand(sha256.New, k.data, sid, 32)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	aead, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		return nil, fmt.Errorf("make cipher: %w", err)
	}
	return aead, nil
}

// seal encrypts data for the row of sid. It authenticates the sid as well, so that data
// which was copied to another row cannot be decrypted.
func (k keys) seal(sid string, plain []byte) ([]byte, error) {
	aead, err := k.aead(sid)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{codec.FormatSealed}, nil, plain, []byte(sid)), nil
}

// open is the inverse of seal. ok is false if seal did not produce the data for sid with
// these keys.
func (k keys) open(sid string, sealed []byte) (plain []byte, ok bool, err error) {
	aead, err := k.aead(sid)
	if err != nil {
		return nil, false, err
	}
	plain, err = aead.Open(nil, nil, sealed[1:], []byte(sid))
	return plain, err == nil, nil
}

// errSealed is returned when no secret can decrypt the data.
var errSealed = fmt.Errorf("%w, or encrypted with a secret that is not in Options.Secrets", codec.ErrCorrupt)

// unseal decrypts data. stale reports that it was not encrypted with the first secret.
func (s *Store) unseal(sid string, data []byte) (plain []byte, stale bool, err error) {
	for i, k := range s.keys {
		plain, ok, err := k.open(sid, data)
		if ok || err != nil {
			return plain, i > 0, err
		}
	}
	return nil, false, errSealed
}
