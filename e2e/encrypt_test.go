package e2e

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"testing"

	"github.com/latchkey/latchkey/config"
	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

// The column data is unreadable while SESSION_ENCRYPT is true. Changing the setting does not
// sign users out.
func TestEncrypt(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		database, secret := testdb.NewURL(t, engine), config.NewSecret()
		var clients []*testapp.Client
		for _, encrypt := range []string{"false", "true", "false", "true"} {
			app := testapp.Start(t, testapp.Options{DatabaseURL: database, Extra: []string{"SESSION_SECRET=" + secret, "SESSION_ENCRYPT=" + encrypt}})
			clients = moveTo(t, app, clients)
			latest := app.Client(t)
			latest.SignIn("admin")
			for _, client := range append(clients, latest) {
				wantSignedIn(t, client, "admin")
			}
			wantReadable(t, app, latest, encrypt == "false")
			clients = append(clients, latest)
			app.Stop(t)
		}
	})
}

// moveTo returns clients with the same cookies, for another app.
func moveTo(t *testing.T, app *testapp.App, clients []*testapp.Client) []*testapp.Client {
	t.Helper()
	moved := make([]*testapp.Client, 0, len(clients))
	for _, client := range clients {
		name, cookie := client.SessionCookie()
		moved = append(moved, withCookie(t, app, name, cookie))
	}
	return moved
}

// wantReadable checks whether the column data of the client's session contains the user's
// ID, in plain text, base64 or hex.
func wantReadable(t *testing.T, app *testapp.App, client *testapp.Client, readable bool) {
	t.Helper()
	var got sessionResponse
	client.JSON(http.MethodGet, "/session", nil).Decode(t, &got)
	_, cookie := client.SessionCookie()
	var data []byte
	query(t, app, &data, "SELECT data FROM sessions WHERE sid = ?", sidOf(cookie))
	if len(data) == 0 {
		t.Fatal("the column data is empty")
	}
	for _, word := range []string{got.User.ID, "user_id", "admin"} {
		contains := false
		for _, form := range []string{word, base64.StdEncoding.EncodeToString([]byte(word)), hex.EncodeToString([]byte(word))} {
			contains = contains || bytes.Contains(data, []byte(form))
		}
		if want := readable && word != "admin"; contains != want {
			t.Errorf("data contains %q = %v, want %v\n%q", word, contains, want, data)
		}
	}
}
