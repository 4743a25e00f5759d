package codec

import (
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
)

// maxDepth limits the nesting of lists and maps, so that one that contains itself
// is an error.
const maxDepth = 100

var errTooDeep = errors.New("lists and maps are nested too deeply, or contain themselves")

// appendContainer appends a list or map of a common type; ok is false for other
// values. Gob would take ten times as long, because it encodes the type as well.
// Nil and empty lists stay different.
func appendContainer(dst []byte, v any, depth int) (_ []byte, ok bool, err error) {
	if depth > maxDepth {
		return dst, true, errTooDeep
	}
	switch v := v.(type) {
	case []string:
		dst, err = appendList(append(dst, kindStrings), v, depth)
	case []int:
		dst, err = appendList(append(dst, kindInts), v, depth)
	case []any:
		dst, err = appendList(append(dst, kindList), v, depth)
	case map[string]string:
		dst, err = appendMap(append(dst, kindStringMap), v, depth)
	case map[string]int:
		dst, err = appendMap(append(dst, kindIntMap), v, depth)
	case map[string]any:
		dst, err = appendMap(append(dst, kindMap), v, depth)
	default:
		return dst, false, nil
	}
	return dst, true, err
}

func appendList[T any](dst []byte, list []T, depth int) ([]byte, error) {
	if list == nil {
		return dst, nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(list)))
	for _, item := range list {
		var err error
		if dst, err = appendItem(dst, item, depth); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendMap appends the keys sorted, so that equal maps give equal bytes.
func appendMap[T any](dst []byte, m map[string]T, depth int) ([]byte, error) {
	if m == nil {
		return dst, nil
	}
	dst = binary.AppendUvarint(dst, uint64(len(m)))
	for _, key := range slices.Sorted(maps.Keys(m)) {
		dst = append(binary.AppendUvarint(dst, uint64(len(key))), key...)
		var err error
		if dst, err = appendItem(dst, m[key], depth); err != nil {
			return nil, err
		}
	}
	return dst, nil
}

// appendItem appends a value, preceded by its length.
func appendItem(dst []byte, item any, depth int) ([]byte, error) {
	value, err := appendNested(nil, item, depth+1)
	if err != nil {
		return nil, err
	}
	return append(binary.AppendUvarint(dst, uint64(len(value))), value...), nil
}

// decodeContainer is the inverse of appendContainer; ok is false for another
// kind.
func decodeContainer(kind byte, b []byte, depth int) (v any, ok bool, err error) {
	if depth > maxDepth {
		return nil, true, fmt.Errorf("%w: %w", ErrCorrupt, errTooDeep)
	}
	switch kind {
	case kindStrings:
		v, err = decodeList[string](b, depth)
	case kindInts:
		v, err = decodeList[int](b, depth)
	case kindList:
		v, err = decodeList[any](b, depth)
	case kindStringMap:
		v, err = decodeMap[string](b, depth)
	case kindIntMap:
		v, err = decodeMap[int](b, depth)
	case kindMap:
		v, err = decodeMap[any](b, depth)
	default:
		return nil, false, nil
	}
	if err != nil {
		return nil, true, err
	}
	return v, true, nil
}

func decodeList[T any](b []byte, depth int) ([]T, error) {
	if len(b) == 0 {
		return nil, nil
	}
	n, rest, err := cutCount(b)
	if err != nil {
		return nil, err
	}
	list := make([]T, n)
	for i := range list {
		if list[i], rest, err = cutItem[T](rest, depth); err != nil {
			return nil, err
		}
	}
	return list, wantNothing(rest)
}

func decodeMap[T any](b []byte, depth int) (map[string]T, error) {
	if len(b) == 0 {
		return nil, nil
	}
	n, rest, err := cutCount(b)
	if err != nil {
		return nil, err
	}
	m := make(map[string]T, n)
	for range n {
		var key []byte
		var ok bool
		if key, rest, ok = cutField(rest); !ok {
			return nil, ErrCorrupt
		}
		if m[string(key)], rest, err = cutItem[T](rest, depth); err != nil {
			return nil, err
		}
	}
	if len(m) != n {
		return nil, fmt.Errorf("%w: a key twice", ErrCorrupt)
	}
	return m, wantNothing(rest)
}

// cutCount cuts the number of items off the front of b. Each item takes at least
// two bytes, so a false number cannot make the program reserve much memory.
func cutCount(b []byte) (n int, rest []byte, err error) {
	count, size := binary.Uvarint(b)
	if size <= 0 || count > uint64(len(b)-size)/2 || (size > 1 && b[size-1] == 0) {
		return 0, nil, ErrCorrupt
	}
	return int(count), b[size:], nil
}

// cutItem cuts a value and the length before it off the front of b.
func cutItem[T any](b []byte, depth int) (item T, rest []byte, err error) {
	field, rest, ok := cutField(b)
	if !ok {
		return item, nil, ErrCorrupt
	}
	v, err := decodeNested(field, depth+1)
	if err != nil {
		return item, nil, err
	}
	item, ok = v.(T)
	if _, anything := any(&item).(*any); !ok && !(anything && v == nil) {
		return item, nil, fmt.Errorf("%w: %T in a list or map of %T", ErrCorrupt, v, item)
	}
	return item, rest, nil
}

func wantNothing(rest []byte) error {
	if len(rest) > 0 {
		return ErrCorrupt
	}
	return nil
}
