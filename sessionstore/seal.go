package sessionstore

import (
	"fmt"

	"github.com/latchkey/latchkey/sessionstore/internal/codec"
)

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
