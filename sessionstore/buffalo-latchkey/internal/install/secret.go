package install

import (
	"encoding/hex"
	"fmt"
	"io"
	"regexp"
	"strings"
)

const (
	secretName    = "SESSION_SECRET"
	oldSecretName = "OLD_SESSION_SECRET"
	// minSecret is the shortest secret that sessionmw.Secrets accepts.
	minSecret = 32
)

// An EnvEdit says how .env changes, without the secrets in it.
type EnvEdit struct {
	// Added are the lines to append.
	Added []string
	// Renamed: SESSION_SECRET becomes OLD_SESSION_SECRET.
	Renamed bool
	// Newline: the text needed a newline before the new lines.
	Newline bool
}

var secretLine = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?(SESSION_SECRET)[ \t]*[=:][ \t]*(.*?)[ \t]*\r?$`)

// addSecret replaces a secret in .env that is too short, and keeps git from committing
// the new one. Without a secret there it adds none unless the owner wants it: .env
// overrides the environment, so one there would replace the secret that the app runs
// with and sign everyone out.
func (p *planner) addSecret() error {
	text, exists, err := p.app.ReadFile(".env")
	if err != nil {
		return fmt.Errorf("read .env: %w", err)
	}
	length := secretLength(text)
	if length >= minSecret || length < 0 && !p.opts.NewSecret {
		return nil
	}
	ignored, committed := p.app.Ignored(".env")
	if committed {
		p.note(".env is committed to git, so no secret was put into it.")
		return nil
	}
	secret := make([]byte, minSecret)
	if _, err := io.ReadFull(p.opts.Random, secret); err != nil {
		return fmt.Errorf("make a secret: %w", err)
	}
	edit := EnvEdit{Added: []string{secretName + "=" + hex.EncodeToString(secret) + "\n"}, Renamed: length > 0}
	edit.Newline = text != "" && !strings.HasSuffix(text, "\n")
	p.Changes = append(p.Changes, Change{Path: ".env", Before: text, After: edit.Apply(text), Exists: exists, Env: &edit})
	if edit.Renamed {
		p.noteRotated()
	}
	if !ignored {
		return p.ignoreEnv()
	}
	return nil
}

// secretLength is the length of the secret in .env, or -1 without one.
func secretLength(text string) int {
	match := secretLine.FindAllStringSubmatch(text, -1)
	if match == nil {
		return -1
	}
	return len(strings.Trim(match[len(match)-1][2], `"'`))
}

// Apply returns the new text of .env.
func (e EnvEdit) Apply(text string) string {
	if e.Renamed {
		text = renameSecret(text)
	}
	if e.Newline {
		text += "\n"
	}
	return text + strings.Join(e.Added, "")
}

func renameSecret(text string) string {
	all := secretLine.FindAllStringSubmatchIndex(text, -1)
	if all == nil {
		return text
	}
	at := all[len(all)-1][2] // the last one counts
	return text[:at] + "OLD_" + text[at:]
}

func (p *planner) noteRotated() {
	p.note("%s in .env was shorter than %d bytes. It is now %s, and a new one was made. Do the same where the app runs.", secretName, minSecret, oldSecretName)
	if p.oldStore.value != nil && p.oldStore.code != "" {
		p.note("The old session store (%s) may read %s itself. Have it read %s, or the old cookies cannot be read.", p.app.Place(p.oldStore.value), secretName, oldSecretName)
	}
}

func (p *planner) ignoreEnv() error {
	text, exists, err := p.app.ReadFile(".gitignore")
	if err != nil {
		return fmt.Errorf("read .gitignore: %w", err)
	}
	after := text
	if after != "" && !strings.HasSuffix(after, "\n") {
		after += "\n"
	}
	p.change(".gitignore", text, after+".env\n", exists)
	return nil
}

var envName = regexp.MustCompile(`^([ \t]*#?[ \t]*(?:export[ \t]+)?[A-Za-z_][A-Za-z0-9_.]*[ \t]*[=:])`)

// MaskEnv hides all values in the text of a .env file, and each line that it
// cannot read: it may be the second line of a value.
func MaskEnv(text string) string {
	lines := strings.SplitAfter(text, "\n")
	for i, line := range lines {
		body := strings.TrimRight(line, "\r\n")
		ending := line[len(body):]
		switch name := envName.FindString(body); {
		case name != "":
			lines[i] = name + "(hidden)" + ending
		case strings.TrimSpace(body) != "" && !strings.HasPrefix(strings.TrimSpace(body), "#"):
			lines[i] = "(hidden)" + ending
		}
	}
	return strings.Join(lines, "")
}

// In Go a secret is a literal that becomes bytes, the default of a variable of the
// environment, or the value of a variable with such a name.
var codeSecret = regexp.MustCompile(`(?i)(\[\]byte\(\s*|"\w*(?:secret|password|token)\w*",\s*|\w*(?:secret|password|token)\w*\s*:?=\s*)("[^"\n]*"|` + "`[^`\\n]*`)")

// MaskCode hides secrets that the app has in its code.
func MaskCode(text string) string {
	return codeSecret.ReplaceAllString(text, `${1}"(hidden)"`)
}
