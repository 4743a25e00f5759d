package sessionstore_test

import (
	"crypto/rand"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"os"
	"path/filepath"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/sessionstore"
	"github.com/latchkey/latchkey/sessionstore/migrations"
)

// A complete program: a page that counts its visits, with sessions in a SQLite file.
func Example() {
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)

	conn, err := pop.NewConnection(&pop.ConnectionDetails{Dialect: "sqlite3", Database: filepath.Join(dir, "app.sqlite")})
	if err != nil {
		log.Fatal(err)
	}
	if err := conn.Open(); err != nil {
		log.Fatal(err)
	}
	defer conn.Close()
	if err := migrations.Up(conn); err != nil {
		log.Fatal(err)
	}

	secret := make([]byte, 32)
	rand.Read(secret) // read it from a setting instead, so that sessions survive a restart
	store, err := sessionstore.New(conn, sessionstore.Options{
		Secrets: [][]byte{secret},
		Cookie:  sessionstore.Cookie{Insecure: true}, // for plain http
	})
	if err != nil {
		log.Fatal(err)
	}

	server := httptest.NewServer(countVisits(store))
	defer server.Close()

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar}
	for range 3 {
		page, err := browser.Get(server.URL)
		if err != nil {
			log.Fatal(err)
		}
		io.Copy(os.Stdout, page.Body)
		page.Body.Close()
	}
	// Output:
	// visit 1
	// visit 2
	// visit 3
}

// countVisits says how often a browser has visited.
func countVisits(store *sessionstore.Store) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		session, err := store.Get(r, "session")
		if err != nil {
			http.Error(w, "please try again later", http.StatusServiceUnavailable)
			return
		}
		visits, _ := session.Values["visits"].(int)
		session.Values["visits"] = visits + 1
		if err := session.Save(r, w); err != nil {
			http.Error(w, "please try again", http.StatusInternalServerError)
			return
		}
		fmt.Fprintln(w, "visit", visits+1)
	}
}
