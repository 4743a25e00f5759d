package sessions

import (
	"testing"

	"github.com/latchkey/latchkey/config"
)

func TestOptions_Ignore(t *testing.T) {
	ignore := Options(config.Config{}).Ignore
	for _, tt := range []struct {
		key, value any
		want       bool
	}{
		{"requestor_id", "abc", true},
		{"_flash_", []byte("{}"), true},
		{"_flash_", []byte(`{"info":["saved"]}`), false},
		{"cart", []byte("{}"), false},
		{"_flash_", "{}", false},
	} {
		if got := ignore(tt.key, tt.value); got != tt.want {
			t.Errorf("%v=%s: %v", tt.key, tt.value, got)
		}
	}
}
