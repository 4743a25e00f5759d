package textdiff

import (
	"math/rand"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestUnified(t *testing.T) {
	tests := []struct{ name, before, after, want string }{
		{"same", "a\nb\n", "a\nb\n", ""},
		{"new file", "", "a\n", "--- old\n+++ new\n@@ -0,0 +1,1 @@\n+a\n"},
		{"change", "a\nb\nc\n", "a\nx\nc\n", "--- old\n+++ new\n@@ -1,3 +1,3 @@\n a\n-b\n+x\n c\n"},
		{"no newline", "a", "a\n", "--- old\n+++ new\n@@ -1,1 +1,1 @@\n-a\n\\ No newline at end of file\n+a\n"},
		{"two hunks", "1\n2\n3\n4\n5\n6\n7\n8\n9\n", "x\n2\n3\n4\n5\n6\n7\n8\ny\n",
			"--- old\n+++ new\n@@ -1,4 +1,4 @@\n-1\n+x\n 2\n 3\n 4\n@@ -6,4 +6,4 @@\n 6\n 7\n 8\n-9\n+y\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if got := Unified("old", "new", test.before, test.after); got != test.want {
				t.Errorf("got\n%s\nwant\n%s", got, test.want)
			}
		})
	}
}

// Applies random diffs with the program patch, which users apply them with.
func TestUnified_patch(t *testing.T) {
	patch, err := exec.LookPath("patch")
	if err != nil {
		t.Skip("patch is not installed")
	}
	random := rand.New(rand.NewSource(1))
	for range 60 {
		before, after := randomText(random), randomText(random)
		file := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(file, []byte(before), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command(patch, "-s", "--no-backup-if-mismatch", file)
		cmd.Stdin = strings.NewReader(Unified("f", "f", before, after))
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		if got, _ := os.ReadFile(file); string(got) != after {
			t.Fatalf("got %q, want %q", got, after)
		}
	}
}

func TestHunk_Side(t *testing.T) {
	random := rand.New(rand.NewSource(2))
	for range 300 {
		before, after := randomText(random), randomText(random)
		b, a := Split(before), Split(after)
		for _, h := range Hunks(before, after, 2) {
			if got := strings.Join(h.Side(Delete), ""); got != strings.Join(b[h.Before:h.Before+len(h.Side(Delete))], "") {
				t.Fatalf("before: %q is not at line %d", got, h.Before)
			}
			if got := strings.Join(h.Side(Insert), ""); got != strings.Join(a[h.After:h.After+len(h.Side(Insert))], "") {
				t.Fatalf("after: %q is not at line %d", got, h.After)
			}
		}
	}
}

func TestWithEndings(t *testing.T) {
	tests := []struct{ before, after, want string }{
		{"a\r\nb\r\n", "a\r\nb\r\nc\n", "a\r\nb\r\nc\r\n"},
		{"a\r\nb", "a\nb\n", "a\r\nb\r\n"},
		{"a\r\nb\n", "a\r\nb\nc\n", "a\r\nb\nc\n"},
		{"a\n", "a\nb\n", "a\nb\n"},
		{"", "a\n", "a\n"},
	}
	for _, test := range tests {
		if got := WithEndings(test.before, test.after); got != test.want {
			t.Errorf("WithEndings(%q, %q) = %q, want %q", test.before, test.after, got, test.want)
		}
	}
}

func randomText(random *rand.Rand) string {
	var text strings.Builder
	for range 1 + random.Intn(30) {
		text.WriteString(string(rune('a'+random.Intn(4))) + "\n")
	}
	return text.String()
}
