package install_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

func TestMake_Env(t *testing.T) {
	fresh := "SESSION_SECRET=" + strings.Repeat("ab", 32) + "\n"
	long := "SESSION_SECRET=" + strings.Repeat("x", 32) + "\n"
	tests := []struct{ name, before, want string }{
		{"no file", "", fresh},
		{"other values", "A=1\n", "A=1\n" + fresh},
		{"no newline at the end", "A=1", "A=1\n" + fresh},
		{"short secret", "SESSION_SECRET=short\nA=1\n", "OLD_SESSION_SECRET=short\nA=1\n" + fresh},
		{"exported and quoted", "export SESSION_SECRET=\"short\"\n", "export OLD_SESSION_SECRET=\"short\"\n" + fresh},
		{"long enough", long, ""},
		{"empty", "SESSION_SECRET=\nA=1\n", "SESSION_SECRET=\nA=1\n" + fresh},
		{"commented out", "# SESSION_SECRET=XXX\n", "# SESSION_SECRET=XXX\n" + fresh},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			files := edit(t)
			if test.before != "" {
				files[".env"] = test.before
			}
			opts := options()
			opts.NewSecret = true
			if got := after(mustPlan(t, files, opts), ".env"); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

// .env overrides the environment, so a new secret there would sign everyone out.
func TestMake_EnvWithoutSecretStays(t *testing.T) {
	for _, text := range []string{"", "A=1\n"} {
		files := edit(t)
		if text != "" {
			files[".env"] = text
		}
		if got := after(mustPlan(t, files, options()), ".env"); got != "" {
			t.Errorf(".env is now %q, want no change to %q", got, text)
		}
	}
}

func TestMaskEnv(t *testing.T) {
	const text = "# how to use\nexport A=one\n B = two\n# OLD=three\nKEY=\"four\nfive\"\n"
	masked := install.MaskEnv(text)
	for _, secret := range []string{"one", "two", "three", "four", "five"} {
		if strings.Contains(masked, secret) {
			t.Errorf("%q is shown:\n%s", secret, masked)
		}
	}
	if strings.Count(masked, "\n") != strings.Count(text, "\n") {
		t.Errorf("the number of lines changed:\n%s", masked)
	}
}

func TestMaskCode(t *testing.T) {
	for _, code := range []string{
		`sessions.NewCookieStore([]byte("hunter2"), []byte("hunter2"))`,
		"[]byte(`hunter2`)",
		`envy.Get("SESSION_SECRET", "hunter2")`,
		`const apiToken = "hunter2"`,
		`dbPassword := "hunter2"`,
	} {
		if masked := install.MaskCode("+\t" + code + "\n"); strings.Contains(masked, "hunter2") {
			t.Errorf("the secret is shown: %s", masked)
		}
	}
	for _, code := range []string{`envy.Get("GO_ENV", "development")`, `SessionName: "_coke_session",`} {
		if masked := install.MaskCode(code); masked != code {
			t.Errorf("%s is shown as %s", code, masked)
		}
	}
}
