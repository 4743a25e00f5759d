package command

import (
	"bufio"
	"context"
	"fmt"
	"strings"

	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/buffaloapp"
	"github.com/latchkey/latchkey/sessionstore/buffalo-latchkey/internal/install"
)

// A prompt asks the owner, unless they said yes to everything.
type prompt struct {
	ctx context.Context
	in  *bufio.Reader
	s   Streams
	yes bool
}

func newPrompt(ctx context.Context, s Streams, yes bool) *prompt {
	return &prompt{ctx, bufio.NewReader(s.In), s, yes}
}

// answer is the next line, or nothing if the owner interrupts the program.
func (p *prompt) answer() string {
	line := make(chan string, 1)
	go func() {
		text, _ := p.in.ReadString('\n')
		line <- strings.TrimSpace(text)
	}()
	select {
	case text := <-line:
		return text
	case <-p.ctx.Done():
		return ""
	}
}

// confirm asks a question. No answer is a no.
func (p *prompt) confirm(question string) bool {
	if p.yes {
		return true
	}
	fmt.Fprintf(p.s.Out, "\n%s [y/N] ", question)
	answer := strings.ToLower(p.answer())
	return answer == "y" || answer == "yes"
}

// userKey asks which of the session values holds the user's ID.
func (p *prompt) userKey(keys []buffaloapp.UserKey) (string, error) {
	var list strings.Builder
	for _, key := range keys {
		fmt.Fprintf(&list, "  %s (%s)\n", key.Key, key.Place)
	}
	if !p.yes {
		fmt.Fprintf(p.s.Out, "Several session values may hold the ID of the signed-in user:\n%sWhich one is it? ", list.String())
		if answer := p.answer(); answer != "" {
			return answer, nil
		}
	}
	return "", fmt.Errorf("%w:\n%sName it with --user-key", install.ErrNoUserKey, list.String())
}
