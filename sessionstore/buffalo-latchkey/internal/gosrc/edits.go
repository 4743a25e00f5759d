// Package gosrc edits Go source by its offsets, so that everything else in a
// file stays as it is.
package gosrc

import (
	"bytes"
	"fmt"
	"go/format"
	"slices"
	"strings"
)

// An Edit replaces the bytes from Start to End.
type Edit struct {
	Start, End int
	Text       string
}

// Apply makes the edits, which must not overlap. Inserted text gets the line
// endings of the source.
func Apply(src []byte, edits []Edit) ([]byte, error) {
	sorted := slices.Clone(edits)
	slices.SortStableFunc(sorted, func(a, b Edit) int { return a.Start - b.Start })
	crlf := bytes.Contains(src, []byte("\r\n"))

	var out bytes.Buffer
	done := 0
	for _, edit := range sorted {
		if edit.Start < done || edit.End < edit.Start || edit.End > len(src) {
			return nil, fmt.Errorf("edit of bytes %d to %d overlaps another", edit.Start, edit.End)
		}
		out.Write(src[done:edit.Start])
		if crlf {
			edit.Text = strings.ReplaceAll(edit.Text, "\n", "\r\n")
		}
		out.WriteString(edit.Text)
		done = edit.End
	}
	out.Write(src[done:])
	return out.Bytes(), nil
}

// Format formats after if before was formatted, whatever its line endings are. A file
// that its owners do not format keeps its layout.
func Format(before, after []byte) ([]byte, error) {
	formatted, err := format.Source(after) // with "\n" only
	if err != nil {
		return nil, fmt.Errorf("format the edited file: %w", err)
	}
	was, err := format.Source(before)
	if err != nil || !bytes.Equal(was, bytes.ReplaceAll(before, []byte("\r\n"), []byte("\n"))) {
		return after, nil
	}
	if bytes.Contains(before, []byte("\r\n")) {
		return bytes.ReplaceAll(formatted, []byte("\n"), []byte("\r\n")), nil
	}
	return formatted, nil
}

// LineStart is the offset of the first byte of the line that holds offset.
func LineStart(src []byte, offset int) int {
	return bytes.LastIndexByte(src[:offset], '\n') + 1
}

// LineEnd is the offset of the newline, or of the carriage return before it, that
// ends the line that holds offset.
func LineEnd(src []byte, offset int) int {
	end := bytes.IndexByte(src[offset:], '\n')
	if end < 0 {
		return len(src)
	}
	end += offset
	if end > offset && src[end-1] == '\r' {
		end--
	}
	return end
}

// Indent is the white space that the line of offset begins with.
func Indent(src []byte, offset int) string {
	start := LineStart(src, offset)
	end := start
	for end < len(src) && (src[end] == ' ' || src[end] == '\t') {
		end++
	}
	return string(src[start:end])
}
