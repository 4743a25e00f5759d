// Command nethttp is a minimal web server with sessions in a database, using
// net/http without a framework. It is configured with PORT, DATABASE_URL and
// SESSION_SECRET.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log"
	"math"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/gobuffalo/pop/v6"
	_ "github.com/mattn/go-sqlite3"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/migrations"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx); err != nil {
		log.Fatal(err)
	}
}

func run(ctx context.Context) error {
	conn, err := open(os.Getenv("DATABASE_URL"))
	if err != nil {
		return err
	}
	defer conn.Close()
	secret, err := hex.DecodeString(os.Getenv("SESSION_SECRET"))
	if err != nil {
		return fmt.Errorf("SESSION_SECRET: %w", err)
	}
	store, err := sessionstore.New(conn, sessionstore.Options{Secrets: [][]byte{secret}})
	if err != nil {
		return err
	}
	var background sync.WaitGroup
	background.Go(func() { store.Run(ctx) })
	defer background.Wait()

	server := &http.Server{
		Addr:              "127.0.0.1:" + os.Getenv("PORT"),
		Handler:           routes(store),
		ReadHeaderTimeout: 10 * time.Second,
	}
	background.Go(func() {
		<-ctx.Done()
		if err := server.Shutdown(context.WithoutCancel(ctx)); err != nil {
			log.Print(err)
		}
	})
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// open opens the database and creates its tables.
func open(url string) (*pop.Connection, error) {
	if path, ok := strings.CutPrefix(url, "sqlite3://"); ok && !strings.Contains(path, "?") {
		url += "?_journal_mode=WAL&_synchronous=NORMAL&_txlock=immediate&_busy_timeout=5000"
	}
	conn, err := pop.NewConnection(&pop.ConnectionDetails{URL: url, Pool: 10, IdlePool: 10})
	if err != nil {
		return nil, err
	}
	if err := conn.Open(); err != nil {
		return nil, err
	}
	return conn, migrations.Up(conn)
}

// A user is what the session stores about the current user.
type user struct {
	ID       string `json:"id"`
	Username string `json:"username"`
}

// admin is the only user who can sign in.
var admin = user{ID: "1", Username: "admin"}

func routes(store *sessionstore.Store) http.Handler {
	s := site{store}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /me", s.me)
	mux.HandleFunc("GET /auth/bypass", s.signIn)
	mux.HandleFunc("GET /logout", s.signOut)
	mux.HandleFunc("GET /set", s.set)
	mux.HandleFunc("GET /admin/cleanup", s.cleanup)
	return mux
}

type site struct{ store *sessionstore.Store }

func (s site) me(w http.ResponseWriter, r *http.Request) {
	session, err := s.store.Get(r, "session")
	if err != nil {
		fail(w, err)
		return
	}
	id, ok := session.Values["user_id"].(string)
	if !ok {
		answer(w, http.StatusUnauthorized, problem{"nobody is signed in"})
		return
	}
	name, _ := session.Values["username"].(string)
	answer(w, http.StatusOK, user{id, name})
}

func (s site) signIn(w http.ResponseWriter, r *http.Request) {
	if r.FormValue("token") != admin.Username {
		answer(w, http.StatusUnauthorized, problem{"no such user"})
		return
	}
	session, err := s.store.Get(r, "session")
	if err != nil {
		fail(w, err)
		return
	}
	if err := sessionstore.SignIn(session, sessionstore.Login{UserID: admin.ID, Method: "bypass"}); err != nil {
		fail(w, err)
		return
	}
	session.Values["username"] = admin.Username
	if err := session.Save(r, w); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, admin)
}

func (s site) signOut(w http.ResponseWriter, r *http.Request) {
	session, err := s.store.Get(r, "session")
	if err != nil {
		fail(w, err)
		return
	}
	if err := sessionstore.SignOut(session); err != nil {
		fail(w, err)
		return
	}
	if err := session.Save(r, w); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, struct{}{})
}

// set slowly stores a key in the session, and responds with the session's keys.
func (s site) set(w http.ResponseWriter, r *http.Request) {
	session, err := s.store.Get(r, "session")
	if err != nil {
		fail(w, err)
		return
	}
	if key := r.FormValue("k"); key != "" {
		time.Sleep(50 * time.Millisecond)
		session.Values[key] = 1
	}
	if err := session.Save(r, w); err != nil {
		fail(w, err)
		return
	}
	keys := make(map[string]any, len(session.Values))
	for key, value := range session.Values {
		keys[fmt.Sprint(key)] = value
	}
	answer(w, http.StatusOK, keys)
}

func (s site) cleanup(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	if _, err := s.store.Cleanup(r.Context(), math.MaxInt); err != nil {
		fail(w, err)
		return
	}
	answer(w, http.StatusOK, map[string]int64{"ms": time.Since(began).Milliseconds()})
}

// A problem is the body of an error response.
type problem struct {
	Error string `json:"error"`
}

func answer(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	if err := json.NewEncoder(w).Encode(v); err != nil {
		log.Print(err)
	}
}

func fail(w http.ResponseWriter, err error) {
	log.Print(err)
	status := http.StatusInternalServerError
	if errors.Is(err, sessionstore.ErrUnavailable) {
		w.Header().Set("Retry-After", "5")
		status = http.StatusServiceUnavailable
	}
	answer(w, status, problem{http.StatusText(status)})
}
