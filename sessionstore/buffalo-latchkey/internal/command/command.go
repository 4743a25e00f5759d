// Package command is the command line of buffalo-latchkey.
package command

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// Streams are where a command reads and writes.
type Streams struct {
	In       io.Reader
	Out, Err io.Writer
}

const usage = `Usage, in the main folder of a Buffalo app:

  buffalo-latchkey latchkey [flags]    keep the app's sessions in the database
  buffalo-latchkey sessions list|show|revoke|cleanup [arguments]

Run "buffalo-latchkey latchkey --help" for the flags.
`

// Main runs the subcommand that the first argument names. Without one it is
// latchkey.
func Main(ctx context.Context, args []string, s Streams) error {
	name := "latchkey"
	if len(args) > 0 && !strings.HasPrefix(args[0], "-") {
		name, args = args[0], args[1:]
	}
	switch name {
	case "available":
		return available(s.Out)
	case "latchkey":
		return latchkey(ctx, args, s)
	case "sessions":
		return sessions(ctx, ".", args, s)
	case "help":
		_, err := io.WriteString(s.Out, usage)
		return err
	}
	return fmt.Errorf("unknown command %q\n\n%s", name, usage)
}

// A plugin is an entry of what the buffalo command asks its plugins for.
type plugin struct {
	Name           string `json:"name"`
	BuffaloCommand string `json:"buffalo_command"`
	Description    string `json:"description"`
}

// available answers the buffalo command, which waits for 1 second.
func available(out io.Writer) error {
	return json.NewEncoder(out).Encode([]plugin{
		{"latchkey", "generate", "Keep the app's sessions in the database"},
		{"sessions", "root", "List, show, revoke and clean up sessions"},
	})
}
