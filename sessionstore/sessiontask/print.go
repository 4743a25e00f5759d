package sessiontask

import (
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"
)

func newTable(out io.Writer) *tabwriter.Writer {
	return tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
}

// printable returns text as it is, or quoted if it has characters that could control
// a terminal or be mistaken for others.
func printable(text string) string {
	quoted := strconv.Quote(text)
	if quoted[1:len(quoted)-1] == text {
		return text
	}
	return quoted
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return printable(text)
}

func yesOrDash(yes bool) string {
	if yes {
		return "yes"
	}
	return "-"
}

func timeOrDash(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.RFC3339)
}

// count returns a number with its noun, in the singular or plural.
func count(n int64, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return fmt.Sprintf("%d %s", n, noun)
}
