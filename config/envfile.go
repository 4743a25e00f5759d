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

// EnvFile is the file of settings beside the program.
const EnvFile = ".env"

// loadEnvironment brings the environment and the file of settings together:
// the environment wins, and a test never sees what is meant for development.
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

// loadTestEnvironment fills in .env.test, and takes out what envy loaded from
// .env. It is the embedded copy, because the tests of a package run in that
// package's folder.
func loadTestEnvironment() error {
	settings, err := godotenv.Unmarshal(latchkey.EnvTest)
	if err != nil {
		return fmt.Errorf("read .env.test: %w", err)
	}
	if err := forgetEnvFile(); err != nil {
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

// forgetEnvFile unsets what only .env says.
func forgetEnvFile() error {
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
			return fmt.Errorf("forget %s: %w", name, err)
		}
	}
	return nil
}

// emptySecret is the line of .env.example that waits for a secret.
var emptySecret = regexp.MustCompile(`(?m)^SESSION_SECRET=[ \t]*$`)

// FirstRun gives the first run in development what it needs: it writes a fresh
// SESSION_SECRET into the file, and switches the bypass on if the file does not
// say. It does nothing when a secret is there, in the file or in the
// environment, and elsewhere than in development; it never changes what is
// there. It reports whether it wrote.
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

// loadFile brings the file's settings into the environment, where that has
// none, or an empty one.
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
	if _, said := settings["BYPASS_AUTH"]; !said {
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

// errUnreadable stands for the parser's own error, which repeats the file from
// the bad line on, secrets and all.
var errUnreadable = errors.New("a line is no NAME=value, or a quote is not closed")

// readSettings reads the settings in a file.
func readSettings(path string) (map[string]string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	return parseEnv(path, content)
}

// parseEnv reads the settings that a file's content gives.
func parseEnv(path string, content []byte) (map[string]string, error) {
	settings, err := godotenv.UnmarshalBytes(content)
	if err != nil {
		return nil, fmt.Errorf("read settings: %s: %w", path, errUnreadable)
	}
	return settings, nil
}

// replaceFile writes the file whole or not at all. It has the mode and the
// owner of old; without old only its owner may read it.
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
