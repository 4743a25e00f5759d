package codec

import (
	"bytes"
	"encoding/gob"
	"testing"
	"time"
)

// benchProfile is a custom type, which only gob can encode.
type benchProfile struct {
	Name  string
	Roles []string
	Since time.Time
}

// benchValues are typical sessions.
var benchValues = map[string]map[any]any{
	"plain": {
		"user_id": "52f6d74e-e869-41f8-ade6-5de58fc3a2d1", "authenticity_token": make([]byte, 32),
		"_flash_": []byte(`{"success":["Saved."]}`), "visits": 17, "admin": true, "since": time.Unix(1e9, 0).UTC(),
	},
	"lists":  {"user_id": "52f6d74e", "roles": []string{"admin", "editor"}, "seen": []int{1, 2, 3}},
	"maps":   {"user_id": "52f6d74e", "cart": map[string]int{"a": 1, "b": 2}, "form": map[string]any{"a": 1, "b": "x"}},
	"struct": {"user_id": "52f6d74e", "profile": benchProfile{"Ada", []string{"admin"}, time.Unix(1e9, 0).UTC()}},
}

func init() {
	gob.Register(benchProfile{})
	gob.Register(map[string]int{})
	gob.Register(map[string]any{})
	gob.Register(time.Time{})
}

// BenchmarkCodec encodes and decodes the values of a session, and compares this
// with gorilla's own stores, which encode the whole map with gob.
func BenchmarkCodec(b *testing.B) {
	for name, values := range benchValues {
		b.Run(name+"/ours", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchOurs(b, values)
			}
		})
		b.Run(name+"/gob", func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				benchGob(b, values)
			}
		})
	}
}

func benchOurs(b *testing.B, values map[any]any) {
	es, err := FromValues(values, func(_, _ any) bool { return false })
	if err != nil {
		b.Fatal(err)
	}
	decoded, err := Decode(es.Encode())
	if err != nil {
		b.Fatal(err)
	}
	if _, err := decoded.DecodeInto(make(map[any]any)); err != nil {
		b.Fatal(err)
	}
}

func benchGob(b *testing.B, values map[any]any) {
	var buf bytes.Buffer
	if err := gob.NewEncoder(&buf).Encode(values); err != nil {
		b.Fatal(err)
	}
	var decoded map[any]any
	if err := gob.NewDecoder(&buf).Decode(&decoded); err != nil {
		b.Fatal(err)
	}
}
