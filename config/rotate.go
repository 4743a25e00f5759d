package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/joho/godotenv"

	"github.com/latchkey/latchkey/internal/environ"
)

const (
	secretName = "SESSION_SECRET"
	// probe in front of the name of a setting makes it another setting, if the
	// name is that of a setting at all.
	probe = "LATCHKEY_PROBE_"
	// envSpace is what may stand around the = of a setting.
	envSpace = " \t\v\f\r"
)

// ErrSecretGiven says that the environment gives SESSION_SECRET, so that what
// the file says counts for nothing.
var ErrSecretGiven = errors.New(secretName + " is set in the environment, which wins over " + EnvFile)

// RotateSecret puts a fresh secret in front of the file's SESSION_SECRET and
// returns how many older ones stay behind it. No other byte changes. The file
// is replaced whole or not at all; a link stays one. It returns ErrSecretGiven
// when the environment gives another secret than the file: one that came there
// out of the file, by way of envy, buffalo or a shell, is the file's.
func RotateSecret(path string) (older int, err error) {
	if err := environ.Restore(); err != nil {
		return 0, fmt.Errorf("read environment: %w", err)
	}
	if os.Getenv("GO_ENV") == Test {
		return 0, fmt.Errorf("GO_ENV=%s does not read %s: rotate where the app runs", Test, path)
	}
	return rotate(path, os.Getenv(secretName), NewSecret())
}

// rotate is RotateSecret with what the environment gives, and the fresh secret.
func rotate(path, given, fresh string) (older int, err error) {
	file, err := readEnvFile(path)
	if given != "" && (err != nil || file.settings[secretName] != given) {
		return 0, ErrSecretGiven
	}
	if err != nil {
		return 0, err
	}
	content, err := file.withFreshSecret(fresh)
	if err != nil {
		return 0, fmt.Errorf("%s: %w; nothing was changed", path, err)
	}
	if err := replaceFile(file.path, content, file.info); err != nil {
		return 0, fmt.Errorf("write settings: %w", err)
	}
	return strings.Count(file.settings[secretName], ",") + 1, nil
}

// An envFile is the file as it is before a change.
type envFile struct {
	path     string // where it really is, behind links
	info     fs.FileInfo
	content  []byte
	settings map[string]string // as godotenv reads them
}

func readEnvFile(path string) (f envFile, err error) {
	f.path, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("there is no %s here: the first run in development writes it", path)
	}
	if err == nil {
		f.info, err = os.Stat(f.path)
	}
	if err == nil && !f.info.Mode().IsRegular() {
		err = fmt.Errorf("%s is no file", path)
	}
	if err == nil {
		f.content, err = os.ReadFile(f.path)
	}
	if err != nil {
		return f, fmt.Errorf("read settings: %w", err)
	}
	f.settings, err = parseEnv(path, f.content)
	return f, err
}

// withFreshSecret returns the content with fresh in front of the list of
// secrets. It refuses what it is not sure of: godotenv, which reads the file
// when the app starts, has to read the longer list in what comes out.
func (f envFile) withFreshSecret(fresh string) ([]byte, error) {
	names, list := secretNames(f.content), f.settings[secretName]
	switch {
	case len(names) > 1:
		return nil, fmt.Errorf("%s is there %d times: leave one", secretName, len(names))
	case len(names) == 0, strings.TrimSpace(list) == "":
		return nil, fmt.Errorf("%s is missing, so there is nothing to rotate: put the output of `app task secret:generate` there", secretName)
	}
	for field := range strings.SplitSeq(list, ",") {
		if _, wrong := parseSecret(strings.TrimSpace(field), true); wrong != "" {
			return nil, fmt.Errorf("%s: a secret in the list is %s", secretName, wrong)
		}
	}
	content := insert(f.content, valueStart(f.content, names[0]+len(secretName)), fresh+",")
	settings, err := godotenv.UnmarshalBytes(content)
	if err != nil || settings[secretName] != fresh+","+list {
		return nil, fmt.Errorf("%s is written in a way that is not safe to change: write %s=SECRET on one line", secretName, secretName)
	}
	return content, nil
}

// secretNames returns where SESSION_SECRET is the name of a setting, and not
// part of a comment, of another name or of a value. godotenv knows: with the
// probe in front it reads a setting of that name.
func secretNames(content []byte) (found []int) {
	for from := 0; ; {
		i := bytes.Index(content[from:], []byte(secretName))
		if i < 0 {
			return found
		}
		at := from + i
		settings, err := godotenv.UnmarshalBytes(insert(content, at, probe))
		if _, named := settings[probe+secretName]; err == nil && named {
			found = append(found, at)
		}
		from = at + len(secretName)
	}
}

// valueStart returns where the value begins, behind the quote if it has one, of
// the setting whose name ends at i.
func valueStart(content []byte, i int) int {
	skip := func(chars string) {
		rest := content[i:]
		i += len(rest) - len(bytes.TrimLeft(rest, chars))
	}
	skip(envSpace)
	if i < len(content) && (content[i] == '=' || content[i] == ':') {
		i++
	}
	skip(envSpace)
	if i < len(content) && (content[i] == '"' || content[i] == '\'') {
		i++
	}
	return i
}

func insert(content []byte, at int, text string) []byte {
	return bytes.Join([][]byte{content[:at], content[at:]}, []byte(text))
}
