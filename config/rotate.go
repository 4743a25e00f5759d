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
	// probe is put in front of a name to find out whether it is the name of a setting;
	// see secretNames.
	probe = "LATCHKEY_PROBE_"
	// envSpace are the characters that may surround the = of a setting.
	envSpace = " \t\v\f\r"
)

// ErrSecretGiven is returned if the environment sets SESSION_SECRET, so that changing the
// file would have no effect.
var ErrSecretGiven = errors.New(secretName + " is set in the environment, which overrides " + EnvFile)

// RotateSecret puts a new secret in front of the file's SESSION_SECRET and returns how
// many older secrets follow it. No other byte changes. The file is replaced completely
// or not at all; a symbolic link stays one. It returns ErrSecretGiven if the environment
// sets a secret other than the file's. The same secret is accepted: envy, buffalo and
// shells copy it from the file to the environment.
func RotateSecret(path string) (older int, err error) {
	if err := environ.Restore(); err != nil {
		return 0, fmt.Errorf("read environment: %w", err)
	}
	if os.Getenv("GO_ENV") == Test {
		return 0, fmt.Errorf("GO_ENV=%s does not read %s; unset GO_ENV, or set it as the app does", Test, path)
	}
	return rotate(path, os.Getenv(secretName), NewSecret())
}

// rotate is RotateSecret with the environment's secret, if any, and the new one.
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
		return 0, fmt.Errorf("%s was not changed: %w", path, err)
	}
	if err := replaceFile(file.path, content, file.info); err != nil {
		return 0, fmt.Errorf("write settings: %w", err)
	}
	return strings.Count(file.settings[secretName], ",") + 1, nil
}

// An envFile is a file of settings before a change.
type envFile struct {
	path     string // with symbolic links resolved
	info     fs.FileInfo
	content  []byte
	settings map[string]string // as godotenv reads them
}

func readEnvFile(path string) (f envFile, err error) {
	f.path, err = filepath.EvalSymlinks(path)
	if errors.Is(err, fs.ErrNotExist) {
		return f, fmt.Errorf("there is no %s in this directory; the first run in development writes it: make run", path)
	}
	if err == nil {
		f.info, err = os.Stat(f.path)
	}
	if err == nil && !f.info.Mode().IsRegular() {
		err = fmt.Errorf("%s is not a file", path)
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

// withFreshSecret returns the content with fresh in front of the list of secrets. It
// checks that godotenv, which reads the file when the app starts, finds the longer list
// there.
func (f envFile) withFreshSecret(fresh string) ([]byte, error) {
	names, list := secretNames(f.content), f.settings[secretName]
	switch {
	case len(names) > 1:
		return nil, fmt.Errorf("%s is set %d times; keep one of them", secretName, len(names))
	case len(names) == 0, strings.TrimSpace(list) == "":
		return nil, fmt.Errorf("%s is missing, so there is nothing to rotate; set it to the output of `app task secret:generate`", secretName)
	}
	for field := range strings.SplitSeq(list, ",") {
		if _, wrong := parseSecret(strings.TrimSpace(field), true); wrong != "" {
			return nil, fmt.Errorf("%s: a secret in the list is %s", secretName, wrong)
		}
	}
	content := insert(f.content, valueStart(f.content, names[0]+len(secretName)), fresh+",")
	settings, err := godotenv.UnmarshalBytes(content)
	if err != nil || settings[secretName] != fresh+","+list {
		return nil, fmt.Errorf("%s is in a format that is not safe to change; write it on one line: %s=SECRET", secretName, secretName)
	}
	return content, nil
}

// secretNames returns where SESSION_SECRET is the name of a setting, and not part of a
// comment, another name or a value. To find out, it changes the name and lets godotenv
// parse the result: if the changed name is a setting now, it was one before.
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

// valueStart returns where the value of the setting starts whose name ends at i, after
// the opening quote if there is one.
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
