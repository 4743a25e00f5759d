package text

import "testing"

func TestTruncate(t *testing.T) {
	for s, want := range map[string]string{"": "", "abc": "abc", "äöü": "äöü", "äöüß": "äöü", "abc\xff": "abc"} {
		if got := Truncate(s, 3); got != want {
			t.Errorf("Truncate(%q) = %q, want %q", s, got, want)
		}
	}
	if got := Truncate("abc", 0); got != "" {
		t.Errorf("no characters: %q", got)
	}
}

func TestShorten(t *testing.T) {
	for s, want := range map[string]string{"": "", "äöü": "äöü", "äöüß": "äöü…"} {
		if got := Shorten(s, 3); got != want {
			t.Errorf("Shorten(%q) = %q, want %q", s, got, want)
		}
	}
}

func TestClean(t *testing.T) {
	for s, want := range map[string]string{
		"Zoë O'Hara 李":                 "Zoë O'Hara 李",
		"a\x00b\u0085c\nd\xffe\u007f":  "abcde",
		"a\u202ab\u202ec\u2066d\u2069": "abcd",
		"\u200fשלום\u200e":             "\u200fשלום\u200e",
	} {
		if got := Clean(s); got != want {
			t.Errorf("Clean(%q) = %q, want %q", s, got, want)
		}
	}
}
