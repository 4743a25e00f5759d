package gosrc_test

import (
	"strings"
	"testing"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/gosrc"
)

func TestAddImport(t *testing.T) {
	const added = `"example.com/kit/x"`
	tests := []struct{ name, before, after string }{
		{"no imports", "package p\n", "package p\n\nimport " + added + "\n"},
		{"one without parentheses", "package p\n\nimport \"fmt\"\n", "package p\n\nimport \"fmt\"\nimport " + added + "\n"},
		{"only the standard library", "import (\n\t\"fmt\"\n\t\"os\"\n)\n", "import (\n\t\"fmt\"\n\t\"os\"\n\n\t" + added + "\n)\n"},
		{"in order", "import (\n\t\"example.com/a\"\n\t\"example.com/z\"\n)\n", "import (\n\t\"example.com/a\"\n\t" + added + "\n\t\"example.com/z\"\n)\n"},
		{
			"not among the app's own",
			"import (\n\t\"example.com/app/models\"\n\n\t\"github.com/gobuffalo/buffalo\"\n)\n",
			"import (\n\t\"example.com/app/models\"\n\n\t" + added + "\n\t\"github.com/gobuffalo/buffalo\"\n)\n",
		},
		{"there already", "import (\n\tname " + added + "\n)\n", "import (\n\tname " + added + "\n)\n"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			before, after := withPackage(test.before), withPackage(test.after)
			got, err := gosrc.AddImport([]byte(before), "example.com/app", "", "example.com/kit/x")
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != after {
				t.Errorf("got\n%s\nwant\n%s", got, after)
			}
		})
	}
}

func withPackage(src string) string {
	if strings.HasPrefix(src, "package") {
		return src
	}
	return "package p\n\n" + src
}

func TestDropUnusedImports(t *testing.T) {
	const src = "package p\n\nimport (\n\t\"fmt\"\n\t\"os\"\n\n\tlog \"example.com/mw-log\"\n)\n\nvar _ = os.Args\n"
	got, err := gosrc.DropUnusedImports([]byte(src), []string{"os", "example.com/mw-log"})
	if err != nil {
		t.Fatal(err)
	}
	if s := string(got); strings.Contains(s, "mw-log") || !strings.Contains(s, `"os"`) || !strings.Contains(s, `"fmt"`) {
		t.Errorf("only mw-log was given and unused:\n%s", s)
	}
}

func TestApply_RefusesOverlap(t *testing.T) {
	edits := []gosrc.Edit{{Start: 0, End: 3, Text: "x"}, {Start: 2, End: 4, Text: "y"}}
	if _, err := gosrc.Apply([]byte("abcdef"), edits); err == nil {
		t.Error("edits that overlap are not refused")
	}
}

func TestFormat(t *testing.T) {
	const formatted, edited, want = "package p\n\nvar a = 1\n", "package p\n\nvar a  =  2\n", "package p\n\nvar a = 2\n"
	crlf := func(s string) string { return strings.ReplaceAll(s, "\n", "\r\n") }
	tests := []struct{ name, before, after, want string }{
		{"formatted", formatted, edited, want},
		{"formatted, with carriage returns", crlf(formatted), crlf(edited), crlf(want)},
		{"never formatted", "package p\nvar a   = 1\n", edited, edited},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := gosrc.Format([]byte(test.before), []byte(test.after))
			if err != nil || string(got) != test.want {
				t.Errorf("got %q, %v, want %q", got, err, test.want)
			}
		})
	}
}
