package codec

import (
	"bytes"
	"encoding/binary"
	"encoding/gob"
	"errors"
	"fmt"
	"math"
	"reflect"
	"testing"
	"time"
)

func TestDecodeValue_Damaged(t *testing.T) {
	number := func(kind byte, n int64) []byte { return binary.AppendVarint([]byte{kind}, n) }
	for name, data := range map[string][]byte{
		"Nothing":          {},
		"UnknownKind":      {kindMap + 1, 0},
		"IntegerOfNothing": {kindInt},
		"IntegerCut":       {kindInt64, 0x80},
		"IntegerAndMore":   {kindInt, 2, 2},
		"Int8TooLarge":     number(kindInt8, 128),
		"Int16TooLarge":    number(kindInt16, math.MaxInt16+1),
		"Int32TooLarge":    number(kindInt32, math.MaxInt32+1),
		"Uint8Negative":    number(kindUint8, -1),
		"Uint16TooLarge":   number(kindUint16, math.MaxUint16+1),
		"Uint32Negative":   number(kindUint32, -1),
		"Float32Cut":       {kindFloat32, 0, 0, 0},
		"Float64AsFloat32": {kindFloat32, 0, 0, 0, 0, 0, 0, 0, 0},
		"Float64Cut":       {kindFloat64, 0, 0, 0, 0},
		"TimeCut":          {kindTime, 1, 0},
		"GobOfNothing":     {kindGob},
		"GobCut":           {kindGob, 12, 255, 129, 2},
	} {
		if v, err := DecodeValue(data); err == nil || v != nil {
			t.Errorf("%s: decoded as %T %v", name, v, v)
		}
	}
}

// An unhashable key must not reach a map, because that would panic.
func TestEntries_UnhashableKey(t *testing.T) {
	gob.Register([]any{})
	list, err := AppendValue(nil, []any{1})
	if err != nil {
		t.Fatal(err)
	}
	one, two := []byte{kindInt, 2}, []byte{kindInt, 4}
	es := Entries{{Key: []byte{kindBytes, 'a'}, Value: one}, {Key: []byte{kindInt, 2}, Value: two}, {Key: list, Value: one}}
	values := make(map[any]any)
	known, err := es.DecodeInto(values)
	if !errors.Is(err, ErrCorrupt) || !reflect.DeepEqual(values, map[any]any{1: 2}) || !reflect.DeepEqual(known, es[1:2]) {
		t.Errorf("values %v, known %v, %v", values, known, err)
	}
}

// The numbers of the kinds are stored in rows, so they must not change.
func TestAppendValue_FormatIsKept(t *testing.T) {
	for want, v := range map[string]any{
		"00":                               nil,
		"01":                               false,
		"02":                               true,
		"0361":                             "a",
		"0461":                             []byte("a"),
		"0501":                             -1,
		"0602":                             int8(1),
		"0702":                             int16(1),
		"0802":                             int32(1),
		"0902":                             int64(1),
		"0a02":                             uint(1),
		"0b02":                             uint8(1),
		"0c02":                             uint16(1),
		"0d02":                             uint32(1),
		"0e01":                             uint64(math.MaxUint64),
		"0f3f800000":                       float32(1),
		"103ff0000000000000":               1.0,
		"11010000000ed9603f0000000000ffff": time.Date(2021, 12, 31, 0, 0, 0, 0, time.UTC),
	} {
		got, err := AppendValue(nil, v)
		if err != nil || fmt.Sprintf("%x", got) != want {
			t.Errorf("%T: %x, %v; want %s", v, got, err, want)
		}
	}
}

func TestSameValue(t *testing.T) {
	gob.Register(map[string]uint{}) // has no kind of its own
	encode := func(v any) []byte {
		b, err := AppendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	tea, jam := encode(map[string]uint{"tea": 1, "jam": 2}), encode(map[string]uint{"tea": 1, "jam": 3})
	damaged := append([]byte{kindGob}, 1, 2, 3)
	for _, test := range []struct {
		a, b []byte
		want bool
	}{
		{encode("a"), encode("a"), true},
		{encode("a"), encode("b"), false},
		{encode("a"), encode([]byte("a")), false},
		{encode(1), encode(int64(1)), false},
		{encode(0.0), encode(math.Copysign(0, -1)), false},
		{tea, jam, false},
		{tea, encode("a"), false},
		{tea, damaged, false},
		{damaged, damaged, true},
		{damaged, append([]byte{kindGob}, 3, 2, 1), false},
		{nil, encode("a"), false},
	} {
		if got := sameValue(test.a, test.b); got != test.want {
			t.Errorf("sameValue(%q, %q) = %v", test.a, test.b, got)
		}
	}
	for range 50 { // gob writes the map in any order
		if !sameValue(tea, encode(map[string]uint{"jam": 2, "tea": 1})) {
			t.Fatal("the same map is another")
		}
	}
}

// with must not modify its receiver, which is needed again after a lost race.
func TestEntries_WithLeavesItsReceiver(t *testing.T) {
	e := func(key, value string) Entry { return Entry{[]byte(key), []byte(value)} }
	es := Entries{e("a", "1"), e("b", "2"), e("c", "3")}
	before := Entries{e("a", "1"), e("b", "2"), e("c", "3")}
	changes := Entries{{Key: []byte("a")}, e("b", "5"), {Key: []byte("bb")}, e("d", "4")}
	want := Entries{e("b", "5"), e("c", "3"), e("d", "4")}
	if got := es.With(changes); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
	if !reflect.DeepEqual(es, before) {
		t.Errorf("es is %q now", es)
	}
	if got := es.With(es.ChangesTo(want)); !reflect.DeepEqual(got, want) {
		t.Errorf("changed to %q, want %q", got, want)
	}
}

func FuzzDecodeEntries(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{FormatPlain})
	f.Add([]byte{2, 1, 2})
	f.Add(Entries{{[]byte{kindInt, 2}, []byte{kindNil}}, {[]byte{kindString, 'a'}, []byte{kindString, 'b'}}}.Encode())
	f.Add([]byte{FormatPlain, 0x82, 0x00, kindString, 'a', 1, kindNil})
	f.Fuzz(func(t *testing.T, data []byte) {
		es, err := Decode(data)
		if err != nil {
			return
		}
		if again := es.Encode(); !bytes.Equal(again, data) {
			t.Errorf("%x was decoded and encoded to %x", data, again)
		}
		values := make(map[any]any)
		if known, _ := es.DecodeInto(values); len(known) < len(values) {
			t.Errorf("%d values of %d Entries", len(values), len(known))
		}
	})
}

func FuzzValue(f *testing.F) {
	f.Add("", []byte{}, int64(0), 0.0)
	f.Add("\xff\x00", []byte("\x1f\x8b"), int64(math.MinInt64), math.Inf(1))
	f.Add("é", []byte{kindGob}, int64(-1), math.NaN())
	f.Fuzz(func(t *testing.T, s string, b []byte, n int64, x float64) {
		b = append([]byte{}, b...)
		for _, v := range []any{
			s, b, n, x, float32(x), int(n), int8(n), int16(n), int32(n), uint(n), uint8(n), uint16(n), uint32(n), uint64(n),
			n < 0, time.Unix(n%1e10, n%1e9).UTC(), []any{s, n, x}, []string{s}, map[string]string{s: s}, map[string]any{s: []any{b}}, complex(x, 1),
		} {
			encoded, err := AppendValue(nil, v)
			if err != nil {
				t.Fatalf("%T %v: %v", v, v, err)
			}
			decoded, err := DecodeValue(encoded)
			if err != nil || !same(decoded, v) {
				t.Errorf("%T %v came back as %T %v, %v", v, v, decoded, decoded, err)
			}
		}
		if v, err := DecodeValue(b); err == nil && len(b) > 0 && b[0] != kindGob && b[0] != kindTime {
			if _, err := AppendValue(nil, v); err != nil {
				t.Errorf("%x was decoded as %T %v and not encoded: %v", b, v, v, err)
			}
		}
	})
}

// same compares values and their types, and treats NaN as equal to NaN.
func same(a, b any) bool {
	return reflect.DeepEqual(a, b) || fmt.Sprintf("%T %#v", a, a) == fmt.Sprintf("%T %#v", b, b)
}
