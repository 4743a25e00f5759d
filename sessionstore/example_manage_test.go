package sessionstore_test

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"time"

	"github.com/latchkey/latchkey/sessionstore"
)

// A page that lists the sessions of the current user.
func ExampleStore_List() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	check(err)
	signInUser(store, "ada") // on another device
	cookie := signInUser(store, "ada")

	sessionsPage := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		user := fmt.Sprint(session.Values["user_id"])
		records, _, err := store.List(r.Context(), sessionstore.Filter{UserID: user}, "", 50)
		check(err)
		for _, record := range records {
			fmt.Println(record.AuthMethod, record.IP, "current:", record.SID == session.ID)
		}
	}
	send(sessionsPage, cookie)
	// Output:
	// password 192.0.2.1 current: true
	// password 192.0.2.1 current: false
}

// A handler that signs the current user out on all other devices.
func ExampleStore_Revoke() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	check(err)
	signInUser(store, "ada") // on another device
	signInUser(store, "bob")
	cookie := signInUser(store, "ada")

	signOutOthers := func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		check(err)
		user := fmt.Sprint(session.Values["user_id"])
		n, err := store.Revoke(r.Context(), sessionstore.Filter{UserID: user, Except: session})
		check(err)
		fmt.Println("revoked:", n)
	}
	send(signOutOthers, cookie)

	n, err := store.Count(context.Background(), sessionstore.Filter{AnyUser: true})
	check(err)
	fmt.Println("left:", n)
	// Output:
	// revoked: 1
	// left: 2
}

// Expired sessions are deleted, here by a task that a scheduler starts.
func ExampleStore_Cleanup() {
	conn, remove := exampleDatabase()
	defer remove()
	now := time.Now()
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Now:     func() time.Time { return now }, // only for this example
	})
	check(err)
	signInUser(store, "ada")

	now = now.Add(2 * time.Hour) // longer than Options.IdleTimeout
	n, err := store.Cleanup(context.Background(), math.MaxInt)
	check(err)
	fmt.Println("deleted:", n)
	// Output:
	// deleted: 1
}

// A server runs the cleanup in the background until it stops.
func ExampleStore_Run() {
	conn, remove := exampleDatabase()
	defer remove()
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	check(err)

	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		store.Run(ctx)
	}()

	// Serve requests here. When the server has shut down:
	stop()
	<-stopped
	fmt.Println("stopped")
	// Output:
	// stopped
}
