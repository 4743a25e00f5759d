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
	// minSecretBytes is what HMAC-SHA-256 makes full use of.
	minSecretBytes = 32

	// The labels keep the keys that are derived from one secret apart.
	cookieLabel = "latchkey session cookie mac v1"
	dataLabel   = "latchkey session data aead v1"
)

// keys are what is derived from one secret.
type keys struct {
	macs *sync.Pool // of *macer, for cookies: half of the work of a mac is its key
	data []byte     // from which each session gets a key for its data
}

// A macer makes one mac after the other.
type macer struct {
	hash   hash.Hash // keyed
	signed []byte
	sum    [sha256.Size]byte
}

// newKeys derives the keys of each secret with HKDF (RFC 5869).
func newKeys(secrets [][]byte) ([]keys, error) {
	if len(secrets) == 0 {
		return nil, errors.New("sessionstore: Options.Secrets is empty: give at least one secret")
	}
	all := make([]keys, 0, len(secrets))
	for i, secret := range secrets {
		if len(secret) < minSecretBytes {
			return nil, fmt.Errorf("sessionstore: Options.Secrets[%d] has %d bytes, want at least %d", i, len(secret), minSecretBytes)
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

// aead returns the cipher of one session's data: AES-256-GCM with a random
// nonce. A key for each session keeps the number of nonces under one key far
// from where they repeat (NIST SP 800-38D, 8.3), however busy the site is.
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

// seal encrypts plain data for the row of sid. The sid is authenticated with
// it, so that data moved to another row opens nowhere.
func (k keys) seal(sid string, plain []byte) ([]byte, error) {
	aead, err := k.aead(sid)
	if err != nil {
		return nil, err
	}
	return aead.Seal([]byte{codec.FormatSealed}, nil, plain, []byte(sid)), nil
}

// open is the inverse of seal, and false for what seal did not make for sid.
func (k keys) open(sid string, sealed []byte) (plain []byte, ok bool, err error) {
	aead, err := k.aead(sid)
	if err != nil {
		return nil, false, err
	}
	plain, err = aead.Open(nil, nil, sealed[1:], []byte(sid))
	return plain, err == nil, nil
}
