package sessionstore

import (
	"fmt"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

// errSealed is returned when no secret can decrypt the data.
var errSealed = fmt.Errorf("%w, or encrypted with a secret that is not in Options.Secrets", codec.ErrCorrupt)

// encode sets data from the entries, encrypted with Options.Encrypt.
func (s *Store) encode(r *row) (err error) {
	data := r.entries.Encode()
	if len(data) > s.opts.maxBytes {
		return fmt.Errorf("save session: %w: the values take %d bytes: store at most %d", ErrValue, len(data), s.opts.maxBytes)
	}
	if s.opts.Encrypt {
		if data, err = s.keys[0].seal(r.SID, data); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
	}
	r.data, r.stale = data, false
	return nil
}

// decode is the inverse of encode, with any of the secrets. It returns
// codec.ErrCorrupt for damaged data.
func (s *Store) decode(r *row) (err error) {
	plain := r.data
	if len(plain) > 0 && plain[0] == codec.FormatSealed {
		if plain, r.stale, err = s.unseal(r.SID, plain); err != nil {
			return fmt.Errorf("session %s: %w", r.SID, err)
		}
	}
	if r.entries, err = codec.Decode(plain); err != nil {
		return fmt.Errorf("session %s: %w", r.SID, err)
	}
	return nil
}

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
