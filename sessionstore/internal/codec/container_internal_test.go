package codec

import (
	"bytes"
	"encoding/gob"
	"errors"
	"fmt"
	"reflect"
	"testing"
)

// Lists and maps of each kind, with all kinds of elements.
var containers = []any{
	[]string{"a", "", "\xff"},
	[]int{1, -1, 0},
	[]any{nil, "a", 1, int64(1), []byte{0}, 1.5, []any{[]string{"b"}, map[string]any{"c": nil}}},
	map[string]string{"b": "2", "a": "", "": "1"},
	map[string]int{"a": 1, "b": -1},
	map[string]any{"a": nil, "b": []any{}, "c": map[string]int{"d": 1}, "e": uint8(7)},
	[]string(nil), []int(nil), []any(nil), map[string]string(nil), map[string]int(nil), map[string]any(nil),
	[]string{}, []int{}, []any{}, map[string]string{}, map[string]int{}, map[string]any{},
}

// Containers keep their type and content, including the difference between nil
// and empty, and always have the same encoding.
func TestContainers(t *testing.T) {
	for _, v := range containers {
		encoded, err := AppendValue(nil, v)
		if err != nil {
			t.Fatalf("%T: %v", v, err)
		}
		if encoded[0] == kindGob {
			t.Errorf("%T is gob", v)
		}
		if decoded, err := DecodeValue(encoded); err != nil || !reflect.DeepEqual(decoded, v) {
			t.Errorf("%#v came back as %#v, %v", v, decoded, err)
		}
		if again, err := AppendValue(nil, v); err != nil || !bytes.Equal(again, encoded) {
			t.Errorf("%#v: %x, and then %x, %v", v, encoded, again, err)
		}
	}
}

func TestContainers_FormatIsKept(t *testing.T) {
	for want, v := range map[string]any{
		"13020203610103":                     []string{"a", ""},
		"1401020502":                         []int{1},
		"15010100":                           []any{nil},
		"160101610203 62":                    map[string]string{"a": "b"},
		"17020161020502" + "01620205" + "04": map[string]int{"b": 2, "a": 1},
		"180101610102":                       map[string]any{"a": true},
		"13":                                 []string(nil),
		"1300":                               []string{},
	} {
		want = string(bytes.ReplaceAll([]byte(want), []byte(" "), nil))
		got, err := AppendValue(nil, v)
		if err != nil || fmt.Sprintf("%x", got) != want {
			t.Errorf("%#v: %x, %v; want %s", v, got, err, want)
		}
	}
}

// The previous version stored these types as gob. They can still be read, and are
// not rewritten.
func TestContainers_OnceWereGob(t *testing.T) {
	gob.Register(map[string]int{})
	for _, v := range []any{[]string{"a"}, []int{1}, map[string]int{"a": 1, "b": 2}} {
		old, err := appendGob(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		now, err := AppendValue(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if decoded, err := DecodeValue(old); err != nil || !reflect.DeepEqual(decoded, v) {
			t.Errorf("%#v came back as %#v, %v", v, decoded, err)
		}
		if !sameValue(old, now) || !sameValue(now, old) {
			t.Errorf("%#v as gob is another value", v)
		}
	}
}

func TestContainers_Damaged(t *testing.T) {
	for name, data := range map[string][]byte{
		"CountCut":        {kindStrings, 0x80},
		"CountTooLong":    {kindStrings, 0x80, 0x00},
		"CountMadeUp":     {kindList, 0xff, 0xff, 0xff, 0xff, 0x0f, 1, kindNil},
		"ItemMissing":     {kindInts, 1},
		"ItemCut":         {kindInts, 1, 2, kindInt},
		"ItemOfNothing":   {kindList, 1, 0},
		"AnotherType":     {kindStrings, 1, 2, kindInt, 2},
		"NilInStrings":    {kindStrings, 1, 1, kindNil},
		"More":            {kindStrings, 1, 1, kindString, 0},
		"KeyMissing":      {kindIntMap, 1, 5},
		"KeyTwice":        {kindIntMap, 2, 1, 'a', 2, kindInt, 2, 1, 'a', 2, kindInt, 2},
		"ValueMissing":    {kindIntMap, 1, 1, 'a'},
		"MoreThanTheMap":  {kindIntMap, 1, 1, 'a', 2, kindInt, 2, 0},
		"AnotherMapsType": {kindStringMap, 1, 1, 'a', 2, kindInt, 2},
	} {
		if v, err := DecodeValue(data); !errors.Is(err, ErrCorrupt) || v != nil {
			t.Errorf("%s: decoded as %#v, %v", name, v, err)
		}
	}
}

// A value that contains itself must not cause endless recursion.
func TestContainers_TooDeep(t *testing.T) {
	endless := []any{1}
	endless[0] = endless
	if _, err := AppendValue(nil, endless); !errors.Is(err, errTooDeep) {
		t.Errorf("encoded: %v", err)
	}
	var deep any = []any{}
	for range maxDepth {
		deep = []any{deep}
	}
	encoded, err := AppendValue(nil, deep)
	if err != nil {
		t.Fatalf("as deep as may be: %v", err)
	}
	if _, err := DecodeValue(encoded); err != nil {
		t.Errorf("as deep as may be: %v", err)
	}
	tooDeep, err := appendItem([]byte{kindList, 1}, deep, -1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := DecodeValue(tooDeep); !errors.Is(err, ErrCorrupt) {
		t.Errorf("decoded: %v", err)
	}
}
