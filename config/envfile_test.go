package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var freshSecret = regexp.MustCompile(`(?m)^SESSION_SECRET=[0-9a-f]{64}$`)

func TestWriteSecret(t *testing.T) {
	example, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name, before string
		wrote        bool
		kept         string // text that must stay in the file
		bypass       bool   // whether the file enables the development sign-in
	}{
		{"empty", "", true, "", true},
		{"other settings without a newline at the end", "PORT=4000", true, "PORT=4000\n", true},
		{"a copy of .env.example", string(example), true, "# The cookie's name.", false},
		{"development sign-in off", "BYPASS_AUTH=false\n", true, "BYPASS_AUTH=false\n", false},
		{"a secret", "SESSION_SECRET=abc\n", false, "SESSION_SECRET=abc\n", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			unset(t, "SESSION_SECRET", "BYPASS_AUTH", "PORT")
			path := filepath.Join(t.TempDir(), ".env")
			if err := os.WriteFile(path, []byte(tt.before), 0o600); err != nil {
				t.Fatal(err)
			}
			wrote, err := writeSecret(path)
			if err != nil || wrote != tt.wrote {
				t.Fatalf("wrote %v, %v", wrote, err)
			}
			after := read0600(t, path)
			if tt.wrote && len(freshSecret.FindAllString(after, -1)) != 1 {
				t.Errorf("want one new secret in\n%s", after)
			}
			if !tt.wrote && after != tt.before {
				t.Errorf("changed to\n%s", after)
			}
			if !strings.Contains(after, tt.kept) || strings.Contains(after, "BYPASS_AUTH=true") != tt.bypass {
				t.Errorf("text is lost, or BYPASS_AUTH is wrong:\n%s", after)
			}
		})
	}
}

func TestWriteSecret_NoFile(t *testing.T) {
	unset(t, "SESSION_SECRET", "BYPASS_AUTH")
	path := filepath.Join(t.TempDir(), ".env")
	if wrote, err := writeSecret(path); !wrote || err != nil {
		t.Fatalf("wrote %v, %v", wrote, err)
	}
	first := read0600(t, path)
	unset(t, "SESSION_SECRET", "BYPASS_AUTH")
	if wrote, err := writeSecret(path); wrote || err != nil {
		t.Fatalf("wrote again: %v, %v", wrote, err)
	}
	if read0600(t, path) != first {
		t.Error("the second run changed the file")
	}
}

func TestWriteSecret_SecretInEnvironment(t *testing.T) {
	t.Setenv("SESSION_SECRET", goodSecret)
	path := filepath.Join(t.TempDir(), ".env")
	if wrote, err := writeSecret(path); wrote || err != nil {
		t.Fatalf("wrote %v, %v", wrote, err)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("created a file")
	}
}

func TestWriteSecret_Broken(t *testing.T) {
	unset(t, "SESSION_SECRET")
	path := filepath.Join(t.TempDir(), ".env")
	const broken = "this is 'no setting\nDATABASE_URL=hunter2pw\n"
	if err := os.WriteFile(path, []byte(broken), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := writeSecret(path); err == nil || strings.Contains(err.Error(), "hunter2pw") {
		t.Errorf("%v, want an error without the content of the file", err)
	}
	if read0600(t, path) != broken {
		t.Error("changed a file that it could not parse")
	}
}

// unset unsets variables until the end of the test.
func unset(t *testing.T, names ...string) {
	t.Helper()
	for _, name := range names {
		t.Setenv(name, "")
		if err := os.Unsetenv(name); err != nil {
			t.Fatal(err)
		}
	}
}

// read0600 reads a file and checks that only its owner can read it.
func read0600(t *testing.T, path string) string {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}
