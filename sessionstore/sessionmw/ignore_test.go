package sessionmw_test

import (
	"testing"

	"github.com/latchkey/latchkey/sessionstore/sessionmw"
)

func TestIgnore(t *testing.T) {
	for _, test := range []struct {
		key, value any
		want       bool
	}{
		{"requestor_id", "7f3a", true},
		{"_flash_", []byte("{}"), true},
		{"_flash_", []byte(`{"success":["Welcome!"]}`), false},
		{"_flash_", "{}", false},
		{"cart", []byte("{}"), false},
		{1, 2, false},
	} {
		if got := sessionmw.Ignore(test.key, test.value); got != test.want {
			t.Errorf("Ignore(%v, %s) = %t", test.key, test.value, got)
		}
	}
}
