package sessionstore

import "fmt"

// errSealed is of data that none of the secrets opens: it was encrypted under
// another one, or belongs to another row.
var errSealed = fmt.Errorf("%w, or encrypted under a secret that is not in Options.Secrets", errCorrupt)

// encode gives the row's entries the form of the column data, within the limit
// and encrypted if Options say so.
func (s *Store) encode(r *row) (err error) {
	data := r.entries.encode()
	if len(data) > s.opts.MaxBytes {
		return fmt.Errorf("save session: %w: %d bytes, at most %d", ErrTooLarge, len(data), s.opts.MaxBytes)
	}
	if s.opts.Encrypt {
		if data, err = s.keys[0].seal(r.SID, data); err != nil {
			return fmt.Errorf("save session: %w", err)
		}
	}
	r.data, r.stale = data, false
	return nil
}

// decode is the inverse of encode, under any of the secrets. Its error is
// errCorrupt for data that nobody can read, and another for data that only a
// newer version can.
func (s *Store) decode(r *row) (err error) {
	plain := r.data
	if len(plain) > 0 && plain[0] == formatSealed {
		if plain, r.stale, err = s.unseal(r.SID, plain); err != nil {
			return fmt.Errorf("session %s: %w", r.SID, err)
		}
	}
	if r.entries, err = decodeEntries(plain); err != nil {
		return fmt.Errorf("session %s: %w", r.SID, err)
	}
	return nil
}

// unseal decrypts data; stale reports that another secret than the first did.
func (s *Store) unseal(sid string, data []byte) (plain []byte, stale bool, err error) {
	for i, k := range s.keys {
		plain, ok, err := k.open(sid, data)
		if ok || err != nil {
			return plain, i > 0, err
		}
	}
	return nil, false, errSealed
}
