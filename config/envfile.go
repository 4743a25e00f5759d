package config

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/gobuffalo/envy"
	"github.com/joho/godotenv"

	"github.com/latchkey/latchkey"
	"github.com/latchkey/latchkey/internal/environ"
)

// EnvFile is the file of settings in the working directory.
const EnvFile = ".env"

// loadEnvironment adds the settings of .env to the environment, which overrides them.
// Tests get those of .env.test instead.
func loadEnvironment() error {
	if err := environ.Restore(); err != nil {
		return fmt.Errorf("read environment: %w", err)
	}
	if testing.Testing() || os.Getenv("GO_ENV") == Test {
		return loadTestEnvironment()
	}
	envy.Reload()
	return nil
}

// loadTestEnvironment removes what envy loaded from .env and adds .env.test. It uses the
// embedded copy, because go test runs in the folder of the package.
func loadTestEnvironment() error {
	settings, err := godotenv.Unmarshal(latchkey.EnvTest)
	if err != nil {
		return fmt.Errorf("read .env.test: %w", err)
	}
	if err := unsetEnvFile(); err != nil {
		return err
	}
	envy.Reload()
	for name, value := range settings {
		if _, given := os.LookupEnv(name); !given {
			envy.Set(name, value)
		}
	}
	return nil
}

// unsetEnvFile unsets the variables that only .env sets.
func unsetEnvFile() error {
	settings, err := readSettings(EnvFile)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for name := range settings {
		if environ.Given(name) {
			continue
		}
		if err := os.Unsetenv(name); err != nil {
			return fmt.Errorf("unset %s: %w", name, err)
		}
	}
	return nil
}

// emptySecret matches the line of .env.example where the secret goes.
var emptySecret = regexp.MustCompile(`(?m)^SESSION_SECRET=[ \t]*$`)

// FirstRun writes a new SESSION_SECRET into the file and enables the development
// sign-in, unless the file sets BYPASS_AUTH. It changes nothing else in the file. It
// does nothing outside development, or if there is already a secret in the file or the
// environment. It reports whether it wrote the file.
func FirstRun(path string) (bool, error) {
	if err := environ.Restore(); err != nil {
		return false, fmt.Errorf("read environment: %w", err)
	}
	if env := os.Getenv("GO_ENV"); env != "" && env != Development {
		return false, nil
	}
	return writeSecret(path)
}

func writeSecret(path string) (bool, error) {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return false, fmt.Errorf("read settings: %w", err)
	}
	settings, err := parseEnv(path, old)
	if err != nil {
		return false, err
	}
	if settings["SESSION_SECRET"] != "" || os.Getenv("SESSION_SECRET") != "" {
		return false, nil
	}
	if err := replaceFile(path, withSecret(old, settings), nil); err != nil {
		return false, fmt.Errorf("write settings: %w", err)
	}
	return true, loadFile(path)
}

// loadFile sets the file's settings in the environment, unless they are set there and
// not empty.
func loadFile(path string) error {
	settings, err := readSettings(path)
	if err != nil {
		return err
	}
	for name, value := range settings {
		if os.Getenv(name) != "" {
			continue
		}
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("read settings: %w", err)
		}
	}
	return nil
}

func withSecret(old []byte, settings map[string]string) []byte {
	line := []byte("SESSION_SECRET=" + NewSecret())
	content := emptySecret.ReplaceAllLiteral(old, line)
	if !bytes.Contains(content, line) {
		content = appendLine(content, line)
	}
	if _, ok := settings["BYPASS_AUTH"]; !ok {
		content = appendLine(content, []byte("BYPASS_AUTH=true"))
	}
	return content
}

func appendLine(content, line []byte) []byte {
	if len(content) > 0 && !bytes.HasSuffix(content, []byte("\n")) {
		content = append(content, '\n')
	}
	return append(append(content, line...), '\n')
}

// errUnreadable replaces the parser's error, which contains the rest of the file and so
// the secrets in it.
var errUnreadable = errors.New("a line is not NAME=value, or a quote is not closed")

func readSettings(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return parseEnv(path, content)
}

// parseEnv parses the content of the file at path.
func parseEnv(path string, content []byte) (map[string]string, error) {
	settings, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, fmt.Errorf("read settings: %s: %w", path, errUnreadable)
	}
	return settings, nil
}

// replaceFile writes the file completely or not at all. The file gets the mode and the
// owner of old; if old is nil, only its owner can read it.
func replaceFile(path string, content []byte, old fs.FileInfo) error {
	temp, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	defer os.Remove(temp.Name()) // does nothing after the rename
	_, err = temp.Write(content)
	if err == nil && old != nil {
		err = errors.Join(keepOwner(temp, old), temp.Chmod(old.Mode().Perm()))
	}
	if err := errors.Join(err, temp.Sync(), temp.Close()); err != nil {
		return err
	}
	return os.Rename(temp.Name(), path)
}
