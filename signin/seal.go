package signin

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
)

// attemptLabel separates this key from others that are derived from the same secret.
const attemptLabel = "latchkey sign-in attempt aead v1"

// A sealer encrypts what is kept in cookies, with AES-256-GCM, random nonces and keys
// derived with HKDF (RFC 5869). The first key encrypts, all decrypt.
type sealer []cipher.AEAD

func newSealer(secrets [][]byte) (sealer, error) {
	if len(secrets) == 0 {
		return nil, errors.New("signin: no secret: set Options.Secrets")
	}
	var s sealer
	for _, secret := range secrets {
		key, err := hkdf.Key(sha256.New, secret, nil, attemptLabel, 32)
		if err != nil {
			return nil, fmt.Errorf("signin: derive key: %w", err)
		}
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, fmt.Errorf("signin: make cipher: %w", err)
		}
		aead, err := cipher.NewGCMWithRandomNonce(block)
		if err != nil {
			return nil, fmt.Errorf("signin: make cipher: %w", err)
		}
		s = append(s, aead)
	}
	return s, nil
}

// seal encrypts plain for one place, such as a cookie's name, and no other.
func (s sealer) seal(place string, plain []byte) string {
	return base64.RawURLEncoding.EncodeToString(s[0].Seal(nil, nil, plain, []byte(place)))
}

// open is the inverse of seal. It returns false for a text that seal did not make for
// the place.
func (s sealer) open(place, sealed string) (plain []byte, ok bool) {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if err != nil {
		return nil, false
	}
	for _, aead := range s {
		if plain, err := aead.Open(nil, nil, raw, []byte(place)); err == nil {
			return plain, true
		}
	}
	return nil, false
}
