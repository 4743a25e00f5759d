// Package codec encodes the values of a session for the column data.
//
// Every type that gob can carry in a gorilla session comes back with its type.
// Common types have a compact form of their own; the others are encoded as gob.
package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"reflect"
	"time"
)

// The first byte of data is its format.
const (
	FormatPlain  = 1
	FormatSealed = 2 // encrypted FormatPlain; the store encrypts and decrypts
)

// The kinds of value. They are stored, so no number ever changes its meaning. A
// type without a kind of its own is encoded as gob.
const (
	kindNil byte = iota
	kindFalse
	kindTrue
	kindString
	kindBytes
	kindInt
	kindInt8
	kindInt16
	kindInt32
	kindInt64
	kindUint
	kindUint8
	kindUint16
	kindUint32
	kindUint64
	kindFloat32
	kindFloat64
	kindTime
	kindGob
	kindStrings
	kindInts
	kindList
	kindStringMap
	kindIntMap
	kindMap
)

// ErrCorrupt is returned for data that this package did not produce.
var ErrCorrupt = errors.New("session data is damaged")

// AppendValue appends v, its kind first. Equal values give equal bytes, except for
// gob values that hold maps; see sameValue.
func AppendValue(dst []byte, v any) ([]byte, error) { return appendNested(dst, v, 0) }

// appendNested is AppendValue for a value at that depth of nesting.
func appendNested(dst []byte, v any, depth int) ([]byte, error) {
	switch v := v.(type) {
	case nil:
		return append(dst, kindNil), nil
	case bool:
		if v {
			return append(dst, kindTrue), nil
		}
		return append(dst, kindFalse), nil
	case string:
		return append(append(dst, kindString), v...), nil
	case []byte:
		return append(append(dst, kindBytes), v...), nil
	case float32:
		return binary.BigEndian.AppendUint32(append(dst, kindFloat32), math.Float32bits(v)), nil
	case float64:
		return binary.BigEndian.AppendUint64(append(dst, kindFloat64), math.Float64bits(v)), nil
	case time.Time:
		return appendTime(dst, v)
	}
	if kind, n, ok := asInteger(v); ok {
		return binary.AppendVarint(append(dst, kind), n), nil
	}
	if appended, ok, err := appendContainer(dst, v, depth); ok {
		return appended, err
	}
	return appendGob(dst, v)
}

func appendTime(dst []byte, t time.Time) ([]byte, error) {
	b, err := t.MarshalBinary()
	if err != nil {
		return nil, fmt.Errorf("encode time: %w", err)
	}
	return append(append(dst, kindTime), b...), nil
}

// appendGob encodes a value as gorilla's own stores do: with the name of its type,
// which must be registered.
func appendGob(dst []byte, v any) ([]byte, error) {
	buf := bytes.NewBuffer(append(dst, kindGob))
	if err := gob.NewEncoder(buf).Encode(&v); err != nil {
		return nil, fmt.Errorf("%w (a type of your own needs gob.Register(%T{}) at start)", err, v)
	}
	return buf.Bytes(), nil
}

// asInteger returns an integer's kind and value; unsigned ones keep their bits.
func asInteger(v any) (kind byte, n int64, ok bool) {
	switch v := v.(type) {
	case int:
		return kindInt, int64(v), true
	case int8:
		return kindInt8, int64(v), true
	case int16:
		return kindInt16, int64(v), true
	case int32:
		return kindInt32, int64(v), true
	case int64:
		return kindInt64, v, true
	case uint:
		return kindUint, int64(v), true
	case uint8:
		return kindUint8, int64(v), true
	case uint16:
		return kindUint16, int64(v), true
	case uint32:
		return kindUint32, int64(v), true
	case uint64:
		return kindUint64, int64(v), true
	}
	return 0, 0, false
}

// DecodeValue is the inverse of AppendValue. Its result shares no memory with b.
func DecodeValue(b []byte) (any, error) { return decodeNested(b, 0) }

// decodeNested is DecodeValue for a value at that depth of nesting.
func decodeNested(b []byte, depth int) (any, error) {
	if len(b) == 0 {
		return nil, ErrCorrupt
	}
	kind, b := b[0], b[1:]
	switch kind {
	case kindNil:
		return nil, nil
	case kindFalse, kindTrue:
		return kind == kindTrue, nil
	case kindString:
		return string(b), nil
	case kindBytes:
		return append([]byte{}, b...), nil
	case kindFloat32, kindFloat64:
		return decodeFloat(kind, b)
	case kindTime:
		var t time.Time
		if err := t.UnmarshalBinary(b); err != nil {
			return nil, fmt.Errorf("decode time: %w", err)
		}
		return t, nil
	case kindGob:
		var v any
		if err := gob.NewDecoder(bytes.NewReader(b)).Decode(&v); err != nil {
			return nil, fmt.Errorf("decode gob: %w", err)
		}
		return v, nil
	}
	if v, ok, err := decodeContainer(kind, b, depth); ok {
		return v, err
	}
	return decodeInteger(kind, b)
}

func decodeFloat(kind byte, b []byte) (any, error) {
	switch {
	case kind == kindFloat32 && len(b) == 4:
		return math.Float32frombits(binary.BigEndian.Uint32(b)), nil
	case kind == kindFloat64 && len(b) == 8:
		return math.Float64frombits(binary.BigEndian.Uint64(b)), nil
	}
	return nil, ErrCorrupt
}

// decodeInteger refuses a number that its kind cannot hold on this machine.
func decodeInteger(kind byte, b []byte) (any, error) {
	n, size := binary.Varint(b)
	if size <= 0 || size != len(b) {
		return nil, ErrCorrupt
	}
	v := integer(kind, n)
	if v == nil {
		return nil, fmt.Errorf("%w: value of unknown kind %d", ErrCorrupt, kind)
	}
	if _, kept, _ := asInteger(v); kept != n {
		return nil, fmt.Errorf("%w: %d as %T", ErrCorrupt, n, v)
	}
	return v, nil
}

// integer is the inverse of asInteger, and nil for another kind.
func integer(kind byte, n int64) any {
	switch kind {
	case kindInt:
		return int(n)
	case kindInt8:
		return int8(n)
	case kindInt16:
		return int16(n)
	case kindInt32:
		return int32(n)
	case kindInt64:
		return n
	case kindUint:
		return uint(n)
	case kindUint8:
		return uint8(n)
	case kindUint16:
		return uint16(n)
	case kindUint32:
		return uint32(n)
	case kindUint64:
		return uint64(n)
	}
	return nil
}

// sameValue reports whether two encodings are of equal values. Gob encodes maps in
// any order, and older versions encoded some types as gob that have a kind now, so
// gob values are compared decoded.
func sameValue(a, b []byte) bool {
	if bytes.Equal(a, b) {
		return true
	}
	if len(a) == 0 || len(b) == 0 || a[0] != kindGob && b[0] != kindGob {
		return false
	}
	va, errA := DecodeValue(a)
	vb, errB := DecodeValue(b)
	return errA == nil && errB == nil && reflect.DeepEqual(va, vb)
}
