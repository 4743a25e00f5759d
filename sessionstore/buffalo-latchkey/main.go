// Buffalo-latchkey puts the session store into a Buffalo app and manages the
// sessions of one that has it.
//
// Run it in the main folder of the app:
//
//	buffalo-latchkey latchkey          # shows what it would change and asks
//	buffalo-latchkey latchkey --undo   # takes everything back
//	buffalo-latchkey sessions list     # or show, revoke, cleanup
//
// It is a plugin of the buffalo command. The first run lists it in
// config/buffalo-plugins.toml; after that, "buffalo generate latchkey" and
// "buffalo sessions list" call it.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/command"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	err := command.Main(ctx, os.Args[1:], command.Streams{In: os.Stdin, Out: os.Stdout, Err: os.Stderr})
	stop()
	if err != nil {
		fmt.Fprintf(os.Stderr, "buffalo-latchkey: %v\n", err)
		os.Exit(1)
	}
}
