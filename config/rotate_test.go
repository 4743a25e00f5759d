package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/joho/godotenv"
)

const (
	// Two more valid secrets.
	olderSecret = "60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752"
	base64Safe  = "n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg="
)

// TestRotate marks the place of the new secret with FRESH. No other byte of the file may
// change.
func TestRotate(t *testing.T) {
	tests := []struct {
		name, after string
		older       int
	}{
		{"alone", "SESSION_SECRET=FRESH" + goodSecret + "\n", 1},
		{"no newline at the end", "SESSION_SECRET=FRESH" + goodSecret, 1},
		{"a list", "SESSION_SECRET=FRESH" + goodSecret + "," + olderSecret + "\n", 2},
		{"a list with spaces", "SESSION_SECRET=FRESH" + goodSecret + " , " + olderSecret + "  \n", 2},
		{"comments and other settings", "# mine\n\nPORT=1 # one\nSESSION_SECRET=FRESH" + goodSecret + " # keep\n\n  # end\nHOST=x\n\n\n", 1},
		{"CRLF", "A=1\r\nSESSION_SECRET=FRESH" + goodSecret + "\r\nB=2\r\n", 1},
		{"CRLF and no newline at the end", "A=1\r\nSESSION_SECRET=FRESH" + goodSecret + "\r", 1},
		{"double quotes", `SESSION_SECRET="FRESH` + goodSecret + "\"\nB=2\n", 1},
		{"single quotes", "SESSION_SECRET='FRESH" + goodSecret + "," + olderSecret + "' # both\n", 2},
		{"quotes and a space inside", `SESSION_SECRET="FRESH ` + goodSecret + "\"\n", 1},
		{"quotes over two lines", "SESSION_SECRET=\"FRESH" + goodSecret + ",\n" + olderSecret + "\"\nB=2\n", 2},
		{"export", "export SESSION_SECRET=FRESH" + goodSecret + "\n", 1},
		{"export and quotes", "  export\tSESSION_SECRET='FRESH" + goodSecret + "'\n", 1},
		{"indented", "\t SESSION_SECRET=FRESH" + goodSecret + "\n", 1},
		{"spaces around =", "SESSION_SECRET = FRESH" + goodSecret + "\n", 1},
		{"a colon instead of =", "SESSION_SECRET: FRESH" + goodSecret + "\n", 1},
		{"base64 with its padding", "SESSION_SECRET=FRESH" + base64Safe + "\n", 1},
		{"upper case", "SESSION_SECRET=FRESH" + strings.ToUpper(goodSecret) + "\n", 1},
		{"an old one in a comment", "# SESSION_SECRET=" + olderSecret + "\nSESSION_SECRET=FRESH" + goodSecret + "\n#SESSION_SECRET=\n", 1},
		{"other names", "OLD_SESSION_SECRET=a\nSESSION_SECRET_OLD=b\nSESSION_SECRETS=c\nSESSION_SECRET=FRESH" + goodSecret + "\nMY.SESSION_SECRET=d\n", 1},
		{"in the value of another setting", "A='\nSESSION_SECRET=" + olderSecret + "\n'\nSESSION_SECRET=FRESH" + goodSecret + "\nB=SESSION_SECRET=x\n", 1},
		{"another setting uses it", "SESSION_SECRET=FRESH" + goodSecret + "\nB=${SESSION_SECRET}\n", 1},
		{"uses another setting", "B=" + goodSecret + "\nSESSION_SECRET=FRESH${B}\n", 1},
		{"not ASCII", "# für später — 😀\nNAME=\"Zoë\"\nSESSION_SECRET=FRESH" + goodSecret + "\n", 1},
		{"invalid UTF-8", "# \xff\xfe\nSESSION_SECRET=FRESH" + goodSecret + "\n", 1},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := envFileWith(t, strings.Replace(tt.after, "FRESH", "", 1))
			fresh := NewSecret()
			older, err := rotate(path, "", fresh)
			if err != nil || older != tt.older {
				t.Fatalf("%d older secrets, %v; want %d", older, err, tt.older)
			}
			if got, want := read0600(t, path), strings.Replace(tt.after, "FRESH", fresh+",", 1); got != want {
				t.Errorf("the file became\n%q, want\n%q", got, want)
			}
			wantSecrets(t, path, fresh, tt.older+1)
			wantAlone(t, path)
		})
	}
}

// wantSecrets checks which secrets an app has that starts with the file.
func wantSecrets(t *testing.T, path, first string, n int) {
	t.Helper()
	settings, err := godotenv.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	c, err := load(t, Development, map[string]string{secretName: settings[secretName]})
	if err != nil {
		t.Fatal(err)
	}
	want, _ := decodeSecret(first)
	if len(c.Session.Secrets) != n || string(c.Session.Secrets[0]) != string(want) {
		t.Errorf("%d secrets, want %d with the new one first", len(c.Session.Secrets), n)
	}
}

// wantAlone checks that there is no other file in the folder.
func wantAlone(t *testing.T, path string) {
	t.Helper()
	files, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(files) != 1 {
		t.Errorf("files are left over: %v, %v", files, err)
	}
}

func envFileWith(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestRotate_Twice(t *testing.T) {
	path := envFileWith(t, "SESSION_SECRET='"+goodSecret+"'\n")
	first, second := NewSecret(), NewSecret()
	for older, fresh := range []string{first, second} {
		if n, err := rotate(path, "", fresh); err != nil || n != older+1 {
			t.Fatalf("%d older, %v; want %d", n, err, older+1)
		}
	}
	want := "SESSION_SECRET='" + second + "," + first + "," + goodSecret + "'\n"
	if got := read0600(t, path); got != want {
		t.Errorf("the file became %q, want %q", got, want)
	}
	wantSecrets(t, path, second, 3)
}

func TestRotate_Refused(t *testing.T) {
	const good = "SESSION_SECRET=" + goodSecret + "\n"
	tests := []struct{ name, content, says string }{
		{"empty file", "", "nothing to rotate"},
		{"other setting", "PORT=1\n", "nothing to rotate"},
		{"in a comment", "# " + good, "nothing to rotate"},
		{"in the value of another setting", "A='\n" + good + "'\n", "nothing to rotate"},
		{"in another name", "MY_" + good, "nothing to rotate"},
		{"empty value", "SESSION_SECRET=\n", "nothing to rotate"},
		{"empty quotes", "SESSION_SECRET=\"\"\n", "nothing to rotate"},
		{"name without value", "SESSION_SECRET", "nothing to rotate"},
		{"twice", good + "A=1\n" + good, "2 times"},
		{"twice, once empty", "SESSION_SECRET=\n" + good, "2 times"},
		{"twice, once in export", good + "export SESSION_SECRET=" + olderSecret, "2 times"},
		{"three times", good + good + "SESSION_SECRET='" + goodSecret + "'", "3 times"},
		{"a line that is not a setting", good + "this is 'no setting\n", "not NAME=value"},
		{"a quote that is not closed", "A=1\nSESSION_SECRET=\"" + goodSecret + "\nB=2\n", "not closed"},
		{"byte order mark", "\ufeff" + good, "not NAME=value"},
		{"words", "SESSION_SECRET=correct horse battery staple\n", "neither hex nor base64"},
		{"short", "SESSION_SECRET=" + goodSecret[:62] + "\n", "31 bytes"},
		{"short second", "SESSION_SECRET=" + goodSecret + ",abcd\n", "bytes long"},
		{"comma at the end", "SESSION_SECRET=" + goodSecret + ",\n", "missing, or empty"},
		{"a comment instead of a value", "SESSION_SECRET= # later\n", "neither hex"},
		{"a space that is not ASCII", "SESSION_SECRET=\u00a0\"" + goodSecret + "\"\n", "not safe to change"},
		{"only a closing quote", "SESSION_SECRET=" + goodSecret + "'\n", "neither hex"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := envFileWith(t, tt.content)
			_, err := rotate(path, "", NewSecret())
			if err == nil {
				t.Fatalf("accepted; the file became %q", read0600(t, path))
			}
			if !strings.Contains(err.Error(), tt.says) || strings.Contains(err.Error(), "\n") {
				t.Errorf("error %q, want one line with %q", err, tt.says)
			}
			for _, secret := range []string{goodSecret[:62], olderSecret, "correct horse"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error %q contains a secret", err)
				}
			}
			if got := read0600(t, path); got != tt.content {
				t.Errorf("the file became %q", got)
			}
			wantAlone(t, path)
		})
	}
}

func TestRotate_NoFile(t *testing.T) {
	dir := t.TempDir()
	link := filepath.Join(dir, "link")
	if err := os.Symlink(filepath.Join(dir, "gone"), link); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{filepath.Join(dir, ".env"), link} {
		if _, err := rotate(path, "", NewSecret()); err == nil || !strings.Contains(err.Error(), "there is no "+path) {
			t.Errorf("%v, want an error that says so", err)
		}
	}
	if _, err := rotate(dir, "", NewSecret()); err == nil || !strings.Contains(err.Error(), "is not a file") {
		t.Errorf("a folder: %v", err)
	}
	wantAlone(t, link)
}

// TestRotate_Given checks that a secret that only the environment sets is refused, and
// that the file's own secret in the environment is accepted.
func TestRotate_Given(t *testing.T) {
	const content = "SESSION_SECRET='" + goodSecret + "'\n"
	path := envFileWith(t, content)
	for name, at := range map[string]string{
		"other secret":    path,
		"no file":         path + ".gone",
		"no secret in it": envFileWith(t, "A=1\n"),
		"unreadable file": envFileWith(t, "A='1\n"),
	} {
		if _, err := rotate(at, olderSecret, NewSecret()); !errors.Is(err, ErrSecretGiven) {
			t.Errorf("%s: %v, want ErrSecretGiven", name, err)
		}
	}
	if got := read0600(t, path); got != content {
		t.Errorf("the file became %q", got)
	}
	if _, err := rotate(path, goodSecret, NewSecret()); err != nil {
		t.Errorf("the file's own secret in the environment: %v", err)
	}
}

func TestRotate_KeepsLinkAndMode(t *testing.T) {
	dir := t.TempDir()
	target, link := filepath.Join(dir, "shared", "app.env"), filepath.Join(dir, ".env")
	if err := os.Mkdir(filepath.Dir(target), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target, []byte("SESSION_SECRET="+goodSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{os.Chmod(target, 0o640), os.Symlink(filepath.Join("shared", "app.env"), link)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if _, err := rotate(link, "", NewSecret()); err != nil {
		t.Fatal(err)
	}
	if to, err := os.Readlink(link); err != nil || to != filepath.Join("shared", "app.env") {
		t.Errorf("the link points to %q, %v", to, err)
	}
	info, err := os.Stat(target)
	if err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("mode %v, %v; want 640", info.Mode(), err)
	}
	wantAlone(t, target)
	if content, err := os.ReadFile(target); err != nil || strings.Count(string(content), ",") != 1 {
		t.Errorf("the file became %q, %v", content, err)
	}
}

// TestRotate_CannotWrite checks that a failed write leaves the file unchanged. The
// temporary file cannot be created, because its name would be too long.
func TestRotate_CannotWrite(t *testing.T) {
	const content = "SESSION_SECRET=" + goodSecret + "\n"
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 255))
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := rotate(path, "", NewSecret()); err == nil || strings.Contains(err.Error(), goodSecret) {
		t.Errorf("%v, want an error without the secret", err)
	}
	if got := read0600(t, path); got != content {
		t.Errorf("the file became %q", got)
	}
	wantAlone(t, path)
}

// FuzzRotate checks that any file is either refused or gets the new secret in exactly
// one place, where the parser finds it.
func FuzzRotate(f *testing.F) {
	for _, content := range []string{
		"SESSION_SECRET=" + goodSecret, "export SESSION_SECRET='" + goodSecret + "'\r\n#", "A=\"\nSESSION_SECRET=\n\"\nSESSION_SECRET: " + goodSecret,
	} {
		f.Add([]byte(content))
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		settings, err := godotenv.UnmarshalBytes(content)
		if err != nil {
			return
		}
		rotated, err := envFile{content: content, settings: settings}.withFreshSecret(olderSecret)
		if err != nil {
			return
		}
		if before := strings.Replace(string(rotated), olderSecret+",", "", 1); before != string(content) {
			t.Errorf("%q became %q", content, rotated)
		}
		after, err := godotenv.UnmarshalBytes(rotated)
		if err != nil || after[secretName] != olderSecret+","+settings[secretName] {
			t.Errorf("%q is parsed as %v, %v", rotated, after, err)
		}
	})
}
