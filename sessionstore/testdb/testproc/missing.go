package testproc

import (
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
)

// reported holds the lines that Missing has already written.
var reported sync.Map

// Missing skips the test for the reason given in line, or fails it if CI=true,
// because a skipped test would look like a success. The line is added to the file
// that LATCHKEY_SKIPPED names, if it is set, once for each package.
func Missing(t testing.TB, line string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(line)
	}
	if _, known := reported.LoadOrStore(line, true); !known {
		if err := appendLine(os.Getenv("LATCHKEY_SKIPPED"), line); err != nil {
			t.Errorf("note the skipped tests: %v", err)
		}
	}
	t.Skip(line)
}

// appendLine adds a line to a file that other packages write to at the same time.
func appendLine(path, line string) error {
	if path == "" {
		return nil
	}
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(f, line)
	return errors.Join(err, f.Close())
}
