package textdiff

import (
	"fmt"
	"strings"
)

// A Hunk is a run of changes with some unchanged lines around it. Before and
// After are the indexes of its first line in the two texts.
type Hunk struct {
	Before, After int
	Lines         []Line
}

// Hunks returns the changes between two texts, each with up to context unchanged
// lines before and after it.
func Hunks(before, after string, context int) []Hunk {
	var hunks []Hunk
	lines := Lines(before, after)
	for start := 0; start < len(lines); {
		first := nextChange(lines, start)
		if first == len(lines) {
			break
		}
		last := endOfRun(lines, first, context)
		from, to := max(start, first-context), min(len(lines), last+context)
		hunks = append(hunks, Hunk{
			Before: count(lines[:from], Delete),
			After:  count(lines[:from], Insert),
			Lines:  lines[from:to],
		})
		start = to
	}
	return hunks
}

func nextChange(lines []Line, from int) int {
	for from < len(lines) && lines[from].Op == Keep {
		from++
	}
	return from
}

// endOfRun is behind the last change that is close enough to the one before it
// to share a hunk.
func endOfRun(lines []Line, first, context int) int {
	end := first
	for i := first; i < len(lines) && i-end <= 2*context; i++ {
		if lines[i].Op != Keep {
			end = i + 1
		}
	}
	return end
}

// count counts the lines that are in the text before (op is Delete) or after (op
// is Insert) the change.
func count(lines []Line, op Op) int {
	n := 0
	for _, line := range lines {
		if line.Op == Keep || line.Op == op {
			n++
		}
	}
	return n
}

// Side returns the hunk's lines before (op is Delete) or after (op is Insert) the
// change.
func (h Hunk) Side(op Op) []string {
	var texts []string
	for _, line := range h.Lines {
		if line.Op == Keep || line.Op == op {
			texts = append(texts, line.Text)
		}
	}
	return texts
}

// Unified writes a unified diff. An empty name stands for a file that does not
// exist on that side.
func Unified(beforeName, afterName, before, after string) string {
	hunks := Hunks(before, after, 3)
	if len(hunks) == 0 {
		return ""
	}
	var out strings.Builder
	fmt.Fprintf(&out, "--- %s\n+++ %s\n", orNull(beforeName), orNull(afterName))
	for _, h := range hunks {
		nBefore, nAfter := count(h.Lines, Delete), count(h.Lines, Insert)
		fmt.Fprintf(&out, "@@ -%s +%s @@\n", span(h.Before, nBefore), span(h.After, nAfter))
		for _, line := range h.Lines {
			writeLine(&out, line)
		}
	}
	return out.String()
}

func orNull(name string) string {
	if name == "" {
		return "/dev/null"
	}
	return name
}

func span(first, lines int) string {
	if lines == 0 {
		return fmt.Sprintf("%d,0", first)
	}
	return fmt.Sprintf("%d,%d", first+1, lines)
}

func writeLine(out *strings.Builder, line Line) {
	out.WriteByte(byte(line.Op))
	out.WriteString(line.Text)
	if !strings.HasSuffix(line.Text, "\n") {
		out.WriteString("\n\\ No newline at end of file\n")
	}
}
