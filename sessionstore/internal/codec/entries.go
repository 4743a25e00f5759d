package codec

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"reflect"
	"slices"
)

// errSameKey is returned for keys that Go tells apart but the row cannot, such as
// two pointers to equal values.
var errSameKey = errors.New("another key would be stored the same way")

// An Entry is one key of a session with its value, both encoded. Rows are merged as
// entries, so a value whose type this program does not know survives.
type Entry struct {
	Key, Value []byte
}

// Entries are sorted by key, and each key is unique.
type Entries []Entry

// Find returns the index of a key, and whether it exists.
func (es Entries) Find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(es, key, func(e Entry, key []byte) int {
		return bytes.Compare(e.Key, key)
	})
}

// With returns es with the changes applied. A change without a value deletes its
// key. es itself does not change.
func (es Entries) With(changes Entries) Entries {
	merged := slices.Clone(es)
	for _, c := range changes {
		i, found := merged.Find(c.Key)
		switch {
		case found && c.Value == nil:
			merged = slices.Delete(merged, i, i+1)
		case found:
			merged[i] = c
		case c.Value != nil:
			merged = slices.Insert(merged, i, c)
		}
	}
	return merged
}

// ChangesTo returns the changes that turn es into current: its new and changed
// entries, and an entry without a value for each deleted key, sorted by key.
func (es Entries) ChangesTo(current Entries) Entries {
	var changes Entries
	for _, c := range current {
		if i, found := es.Find(c.Key); !found || !sameValue(es[i].Value, c.Value) {
			changes = append(changes, c)
		}
	}
	for _, e := range es {
		if _, found := current.Find(e.Key); !found {
			changes = append(changes, Entry{Key: e.Key})
		}
	}
	slices.SortFunc(changes, func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
	return changes
}

// Encode returns the entries as the column data holds them.
func (es Entries) Encode() []byte {
	data := []byte{FormatPlain}
	for _, e := range es {
		data = binary.AppendUvarint(data, uint64(len(e.Key)))
		data = append(data, e.Key...)
		data = binary.AppendUvarint(data, uint64(len(e.Value)))
		data = append(data, e.Value...)
	}
	return data
}

// Decode is the inverse of Encode. The entries share memory with data. It returns
// ErrCorrupt for data that Encode did not produce.
func Decode(data []byte) (Entries, error) {
	if len(data) == 0 || data[0] != FormatPlain {
		return nil, ErrCorrupt
	}
	var es Entries
	for rest := data[1:]; len(rest) > 0; {
		var e Entry
		var ok bool
		if e.Key, rest, ok = cutField(rest); !ok {
			return nil, ErrCorrupt
		}
		if e.Value, rest, ok = cutField(rest); !ok {
			return nil, ErrCorrupt
		}
		if n := len(es); n > 0 && bytes.Compare(es[n-1].Key, e.Key) >= 0 {
			return nil, fmt.Errorf("%w: keys out of order", ErrCorrupt)
		}
		es = append(es, e)
	}
	return es, nil
}

// cutField cuts a field and the length before it off the front of b. Only the
// shortest form of a length is accepted.
func cutField(b []byte) (field, rest []byte, ok bool) {
	n, size := binary.Uvarint(b)
	if size <= 0 || n > uint64(len(b)-size) || (size > 1 && b[size-1] == 0) {
		return nil, nil, false
	}
	end := size + int(n)
	return b[size:end:end], b[end:], true
}

// DecodeInto decodes the entries into values. It returns those that it could decode,
// and the first error of the others, which are left out of values.
func (es Entries) DecodeInto(values map[any]any) (known Entries, err error) {
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

// decodeInto decodes one entry into values.
func decodeInto(values map[any]any, e Entry) error {
	key, err := DecodeValue(e.Key)
	if err != nil {
		return fmt.Errorf("decode session key: %w", err)
	}
	if key != nil && !reflect.ValueOf(key).Comparable() {
		return fmt.Errorf("%w: a %T as a key", ErrCorrupt, key)
	}
	value, err := DecodeValue(e.Value)
	if err != nil {
		return fmt.Errorf("decode session value %v: %w", key, err)
	}
	values[key] = value
	return nil
}

// FromValues encodes values, without those that ignore reports. Its error names
// the key whose value cannot be stored.
func FromValues(values map[any]any, ignore func(key, value any) bool) (Entries, error) {
	es := make(Entries, 0, len(values))
	for k, v := range values {
		if ignore(k, v) {
			continue
		}
		key, err := AppendValue(nil, k)
		if err != nil {
			return nil, valueError(k, err)
		}
		value, err := AppendValue(nil, v)
		if err != nil {
			return nil, valueError(k, err)
		}
		es = append(es, Entry{key, value})
	}
	slices.SortFunc(es, func(a, b Entry) int { return bytes.Compare(a.Key, b.Key) })
	for i := 1; i < len(es); i++ {
		if bytes.Equal(es[i-1].Key, es[i].Key) {
			key, err := DecodeValue(es[i].Key)
			return nil, valueError(key, errors.Join(errSameKey, err))
		}
	}
	return es, nil
}

func valueError(key any, err error) error {
	return fmt.Errorf("session value %v: %w", key, err)
}
