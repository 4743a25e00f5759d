package record

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/textdiff"
)

// A Reversal is the text that a file gets back.
type Reversal struct {
	Path          string
	Before, After string
	Remove        bool
	Secret        bool
}

// A Leftover is what cannot be taken back, with the reason.
type Leftover struct {
	Path, Why string
	Hunk      *Hunk
}

// Undo works out how to take all runs back, the newest first.
func (r *Record) Undo(root string) ([]Reversal, []Leftover, error) {
	u := &undo{root: root, texts: map[string]*text{}}
	for i := len(r.Runs) - 1; i >= 0; i-- {
		files := r.Runs[i].Files
		for j := len(files) - 1; j >= 0; j-- {
			if err := u.file(files[j]); err != nil {
				return nil, nil, err
			}
		}
	}
	return u.reversals(), u.left, nil
}

// Perform takes the changes back and removes the record and empty folders, or
// changes nothing.
func (r *Record) Perform(root string, reversals []Reversal) error {
	var writes []write
	for _, reversal := range reversals {
		writes = append(writes, write{path: reversal.Path, text: reversal.After, remove: reversal.Remove})
	}
	if err := perform(root, append(writes, write{path: Name, remove: true})); err != nil {
		return err
	}
	for i := len(r.Runs) - 1; i >= 0; i-- {
		removeDirs(root, r.Runs[i].Dirs)
	}
	return nil
}

// A text is a file while its changes are taken back.
type text struct {
	original, current string
	removed, secret   bool
}

type undo struct {
	root  string
	texts map[string]*text
	order []string
	left  []Leftover
}

func (u *undo) load(name string) (*text, error) {
	if t := u.texts[name]; t != nil {
		return t, nil
	}
	b, err := os.ReadFile(inRoot(u.root, name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("undo: %w", err)
	}
	t := &text{original: string(b), current: string(b)}
	u.texts[name] = t
	u.order = append(u.order, name)
	return t, nil
}

func (u *undo) file(f File) error {
	t, err := u.load(f.Path)
	if err != nil {
		return err
	}
	unchanged := t != nil && hash(t.current) == f.SHA256
	switch {
	case t == nil:
		if !f.Created {
			u.leave(f.Path, "the file does not exist anymore", nil)
		}
	case f.Created && unchanged:
		t.removed = true
	case f.Created:
		u.leave(f.Path, "it was changed since, so it stays: delete it yourself", nil)
	case f.Env != nil:
		t.secret = true
		t.current = f.Env.reverse(t.current)
	default:
		u.hunks(f, t, unchanged)
	}
	return nil
}

func (u *undo) leave(path, why string, h *Hunk) {
	u.left = append(u.left, Leftover{path, why, h})
}

// hunks puts the lines before in the place of those after, from the last hunk to
// the first so that the line numbers hold.
func (u *undo) hunks(f File, t *text, unchanged bool) {
	lines := textdiff.Split(t.current)
	for i := len(f.Hunks) - 1; i >= 0; i-- {
		h := f.Hunks[i]
		if unchanged {
			lines = splice(lines, h.Line, len(h.After), h.Before)
			continue
		}
		var ok bool
		if lines, ok = h.reverse(lines); !ok {
			u.leave(f.Path, "these lines were changed since: put the old ones back yourself", &f.Hunks[i])
		}
	}
	t.current = strings.Join(lines, "")
}

// reverse finds the lines of the hunk, first with the lines around them.
func (h Hunk) reverse(lines []string) ([]string, bool) {
	for lead, trail := h.Lead, h.Trail; ; lead, trail = max(0, lead-1), max(0, trail-1) {
		after := h.After[h.Lead-lead : len(h.After)-h.Trail+trail]
		before := h.Before[h.Lead-lead : len(h.Before)-h.Trail+trail]
		if at := find(lines, after); at >= 0 {
			return splice(lines, at, len(after), before), true
		}
		if lead == 0 && trail == 0 {
			return lines, false
		}
	}
}

// find is the index of the lines wanted, or -1 if they are not there exactly
// once.
func find(lines, wanted []string) int {
	found := -1
	for i := 0; len(wanted) > 0 && i+len(wanted) <= len(lines); i++ {
		if slices.Equal(lines[i:i+len(wanted)], wanted) {
			if found >= 0 {
				return -1
			}
			found = i
		}
	}
	return found
}

func splice(lines []string, at, n int, with []string) []string {
	return slices.Concat(lines[:at], with, lines[at+n:])
}

// oldSecret is a line that gives OLD_SESSION_SECRET a value.
var oldSecret = regexp.MustCompile(`(?m)^[ \t]*(?:export[ \t]+)?(OLD_)SESSION_SECRET[ \t]*[=:]`)

// reverse takes the secrets out that were added.
func (e Env) reverse(current string) string {
	var lines []string
	for _, line := range textdiff.Split(current) {
		if !slices.Contains(e.Added, hash(line)) {
			lines = append(lines, line)
		}
	}
	current = strings.Join(lines, "")
	if all := oldSecret.FindAllStringSubmatchIndex(current, -1); e.Renamed && len(all) > 0 {
		last := all[len(all)-1]
		current = current[:last[2]] + current[last[3]:]
	}
	if e.Newline {
		current = strings.TrimSuffix(current, "\n")
	}
	return current
}

func (u *undo) reversals() []Reversal {
	var all []Reversal
	for _, name := range u.order {
		t := u.texts[name]
		if t.removed || t.current != t.original {
			all = append(all, Reversal{name, t.original, t.current, t.removed, t.secret || name == ".env"})
		}
	}
	return all
}
