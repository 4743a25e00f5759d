// Package record writes changes into an app and takes them back. It keeps them in
// a file in the app, without the values in .env.
package record

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/textdiff"
)

// Name is the name of the record.
const Name = ".latchkey.json"

// A Record holds the runs that changed the app, the oldest first.
type Record struct {
	Comment string `json:"comment"`
	Runs    []Run  `json:"runs"`
}

// A Run is what one run changed.
type Run struct {
	Version string `json:"version,omitempty"`
	Files   []File `json:"files"`
	// Dirs are the folders that it made, the innermost first.
	Dirs []string `json:"dirs,omitempty"`
}

// A File is what changed in one file.
type File struct {
	Path    string `json:"path"`
	Created bool   `json:"created,omitempty"`
	SHA256  string `json:"sha256"` // afterwards
	Hunks   []Hunk `json:"hunks,omitempty"`
	Env     *Env   `json:"env,omitempty"`
}

// A Hunk holds lines before and after the change. Line is the index of the first
// one afterwards. The first Lead and the last Trail lines are the same on both
// sides.
type Hunk struct {
	Line   int      `json:"line"`
	Lead   int      `json:"lead"`
	Trail  int      `json:"trail"`
	Before []string `json:"before"`
	After  []string `json:"after"`
}

// An Env is what changed in a file with secrets: hashes of the lines that were
// added.
type Env struct {
	Added   []string `json:"added_sha256"`
	Renamed bool     `json:"renamed,omitempty"`
	Newline bool     `json:"newline,omitempty"`
}

func hash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// of describes a change.
func of(c install.Change) File {
	file := File{Path: c.Path, Created: !c.Exists, SHA256: hash(c.After)}
	switch {
	case file.Created:
	case c.Env != nil:
		file.Env = &Env{Renamed: c.Env.Renamed, Newline: c.Env.Newline}
		for _, line := range c.Env.Added {
			file.Env.Added = append(file.Env.Added, hash(line))
		}
	default:
		for _, h := range textdiff.Hunks(c.Before, c.After, 2) {
			file.Hunks = append(file.Hunks, hunk(h))
		}
	}
	return file
}

func hunk(h textdiff.Hunk) Hunk {
	lead, trail := 0, 0
	for lead < len(h.Lines) && h.Lines[lead].Op == textdiff.Keep {
		lead++
	}
	for trail < len(h.Lines)-lead && h.Lines[len(h.Lines)-1-trail].Op == textdiff.Keep {
		trail++
	}
	return Hunk{h.After, lead, trail, h.Side(textdiff.Delete), h.Side(textdiff.Insert)}
}

// Read reads the record of an app. Without one it is empty.
func Read(root string) (*Record, error) {
	var r Record
	b, err := os.ReadFile(filepath.Join(root, Name))
	if errors.Is(err, fs.ErrNotExist) {
		return &r, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	if err := json.Unmarshal(b, &r); err != nil {
		return nil, fmt.Errorf("read %s: %w: restore it from version control, or delete it if you do not need --undo", Name, err)
	}
	return &r, nil
}

func (r *Record) text() (string, error) {
	r.Comment = "Written by buffalo-latchkey, for: buffalo-latchkey latchkey --undo. It holds no value from .env."
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return "", fmt.Errorf("write the record: %w", err)
	}
	return string(text) + "\n", nil
}
