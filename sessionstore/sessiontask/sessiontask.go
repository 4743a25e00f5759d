// Package sessiontask adds tasks for sessions to a Buffalo app, such as
// `buffalo task sessions:list`. In grifts/sessions.go:
//
//	func init() { sessiontask.Register(actions.SessionStore) }
//
// actions.SessionStore returns the app's [sessionstore.Store]. The tasks are
//
//	sessions:list [USER-ID]                    List the live sessions
//	sessions:show SID-or-COOKIE                Show what is in a session
//	sessions:revoke SID | user USER-ID | all   Revoke sessions, at once
//	sessions:cleanup                           Delete the expired sessions
//
// They print to standard output. No task prints the secret of a cookie, and what
// users and browsers wrote is escaped, so that it cannot control the terminal.
//
// An app whose operators know users by name sets Tasks.UserID and Tasks.UserNames, and
// adds the methods of [Tasks] to its own tasks.
package sessiontask

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"

	"github.com/gobuffalo/grift/grift"

	"github.com/latchkey/latchkey/sessionstore"
)

// Tasks are the tasks on one store. Each method is a task and takes its arguments.
type Tasks struct {
	Store *sessionstore.Store // required

	// UserID returns the ID of the user that an argument names. Default: the
	// argument is the ID.
	UserID func(name string) (id string, err error)

	// UserNames returns the names to print for users' IDs. The ID is printed for a user
	// whom it leaves out. Default: IDs are printed.
	UserNames func(ids []string) (map[string]string, error)

	// Deleted is called as Cleanup goes on, with the number of sessions that were
	// deleted since the last call. Default: nothing is called.
	Deleted func(n int)

	// Out gets the output. Default: os.Stdout.
	Out io.Writer
}

// Register adds the tasks to those of grift, which `buffalo task` runs. open returns
// the app's session store, over an open connection. It is called when a task runs.
func Register(open func() *sessionstore.Store) {
	add := func(name, description string, task func(Tasks, context.Context, []string) error) {
		run := func(c *grift.Context) error {
			store := open()
			if store == nil {
				return errors.New("the app has no session store: the function given to sessiontask.Register returned nil")
			}
			return task(Tasks{Store: store}, c, c.Args)
		}
		if err := errors.Join(grift.Desc(name, description), grift.Add(name, run)); err != nil {
			panic(err)
		}
	}
	add("sessions:list", "List the live sessions, of all users or of one: [USER-ID]", Tasks.List)
	add("sessions:show", "Show what is in a session: SID-or-COOKIE", Tasks.Show)
	add("sessions:revoke", "Revoke sessions: SID | user USER-ID | all", Tasks.Revoke)
	add("sessions:cleanup", "Delete the expired sessions", Tasks.Cleanup)
}

// userID returns the ID of the user that an argument names.
func (t Tasks) userID(name string) (string, error) {
	if t.UserID == nil {
		return name, nil
	}
	return t.UserID(name)
}

// userNames returns the names of the users of sessions.
func (t Tasks) userNames(records []sessionstore.Record) (map[string]string, error) {
	if t.UserNames == nil {
		return nil, nil
	}
	var ids []string
	for _, r := range records {
		if r.UserID != "" && !slices.Contains(ids, r.UserID) {
			ids = append(ids, r.UserID)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	return t.UserNames(ids)
}

// userWord is what usage messages call the argument that names a user.
func (t Tasks) userWord() string {
	if t.UserID == nil {
		return "USER-ID"
	}
	return "NAME"
}

func (t Tasks) out() io.Writer {
	if t.Out == nil {
		return os.Stdout
	}
	return t.Out
}
