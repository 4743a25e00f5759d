package grifts

import (
	"github.com/latchkey/latchkey/examples/buffalo/actions"

	"github.com/latchkey/latchkey/sessionstore/sessiontask"
)

func init() {
	sessiontask.Register(actions.SessionStore)
}
