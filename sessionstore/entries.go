package sessionstore

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// errSameKey is of keys that Go tells apart and the row could not, such as two
// pointers to equal things.
var errSameKey = errors.New("two keys that would be stored as one")

// An entry is one key of a session with its value, both encoded. Rows are
// merged as entries, so a value that this program cannot decode (its type is
// gone, or belongs to another program) survives.
type entry struct {
	key, value []byte
}

// entries are sorted by key, each key once.
type entries []entry

func (es entries) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(es, key, func(e entry, key []byte) int {
		return bytes.Compare(e.key, key)
	})
}

// with returns es with the changes made; a change without a value deletes its
// key. es stays as it was.
func (es entries) with(changes entries) entries {
	merged := slices.Clone(es)
	for _, c := range changes {
		i, found := merged.find(c.key)
		switch {
		case found && c.value == nil:
			merged = slices.Delete(merged, i, i+1)
		case found:
			merged[i] = c
		case c.value != nil:
			merged = slices.Insert(merged, i, c)
		}
	}
	return merged
}

// changesTo returns what makes current out of es: its new and changed entries,
// and an entry without a value for every key that is gone, in the order of the keys.
func (es entries) changesTo(current entries) entries {
	var changes entries
	for _, c := range current {
		if i, found := es.find(c.key); !found || !sameValue(es[i].value, c.value) {
			changes = append(changes, c)
		}
	}
	for _, e := range es {
		if _, found := current.find(e.key); !found {
			changes = append(changes, entry{key: e.key})
		}
	}
	slices.SortFunc(changes, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	return changes
}

// encode gives the entries the form of the column data.
func (es entries) encode() []byte {
	data := []byte{formatPlain}
	for _, e := range es {
		data = binary.AppendUvarint(data, uint64(len(e.key)))
		data = append(data, e.key...)
		data = binary.AppendUvarint(data, uint64(len(e.value)))
		data = append(data, e.value...)
	}
	return data
}

// decodeEntries is the inverse of encode. The entries share data's memory.
func decodeEntries(data []byte) (entries, error) {
	if len(data) == 0 {
		return nil, errCorrupt
	}
	if data[0] != formatPlain {
		return nil, fmt.Errorf("session data has format %d, which a newer version wrote", data[0])
	}
	var es entries
	for rest := data[1:]; len(rest) > 0; {
		var e entry
		var ok bool
		if e.key, rest, ok = cutField(rest); !ok {
			return nil, errCorrupt
		}
		if e.value, rest, ok = cutField(rest); !ok {
			return nil, errCorrupt
		}
		if n := len(es); n > 0 && bytes.Compare(es[n-1].key, e.key) >= 0 {
			return nil, fmt.Errorf("%w: keys out of order", errCorrupt)
		}
		es = append(es, e)
	}
	return es, nil
}

// cutField cuts a field with its length before it off the front of b. A length
// has one spelling: the shortest.
func cutField(b []byte) (field, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) || (size > 1 && b[size-1] == 0) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end:end], b[end:], true
}

// values decodes the entries into values. It returns the entries that it could
// decode, and the first error of the others, which stay out of values.
func (es entries) values(values map[any]any) (known entries, err error) {
	for i, e := range es {
		switch keyErr := decodeInto(values, e); {
		case keyErr == nil && err == nil:
			known = es[: i+1 : i+1]
		case keyErr == nil:
			known = append(known, e)
		case err == nil:
			err = keyErr
		}
	}
	return known, err
}

func decodeInto(values map[any]any, e entry) error {
	key, err := decodeValue(e.key)
	if err != nil {
		return fmt.Errorf("decode session key: %w", err)
	}
	if key != nil && !reflect.ValueOf(key).Comparable() {
		return fmt.Errorf("%w: a %T as a key", errCorrupt, key)
	}
	value, err := decodeValue(e.value)
	if err != nil {
		return fmt.Errorf("decode session value %v: %w", key, err)
	}
	values[key] = value
	return nil
}

// encodeValues encodes values, sorted by key, leaving out the transient ones.
func encodeValues(values map[any]any, transient func(key, value any) bool) (entries, error) {
	es := make(entries, 0, len(values))
	for k, v := range values {
		if transient(k, v) {
			continue
		}
		key, err := appendValue(nil, k)
		if err != nil {
			return nil, &ValueError{Key: k, Err: err}
		}
		value, err := appendValue(nil, v)
		if err != nil {
			return nil, &ValueError{Key: k, Err: err}
		}
		es = append(es, entry{key, value})
	}
	slices.SortFunc(es, func(a, b entry) int { return bytes.Compare(a.key, b.key) })
	for i := 1; i < len(es); i++ {
		if bytes.Equal(es[i-1].key, es[i].key) {
			key, err := decodeValue(es[i].key)
			return nil, &ValueError{Key: key, Err: errors.Join(errSameKey, err)}
		}
	}
	return es, nil
}
