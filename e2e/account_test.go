package e2e

import (
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/latchkey/latchkey/internal/test/testapp"
	"github.com/latchkey/latchkey/sessionstore/testdb"
)

type account struct {
	User       user
	Identities []struct{ ID, Provider, Label string }
}

func accountOf(t *testing.T, client *testapp.Client) account {
	t.Helper()
	return get[account](t, client, "/account")
}

// linkOther links the provider other to the current user.
func linkOther(t *testing.T, app *testapp.App, client *testapp.Client) *testapp.Response {
	t.Helper()
	return client.HTML(http.MethodGet, answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}})), nil)
}

func TestAccount_ASVS_7_4_3_LinkAndUnlink(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	only := accountOf(t, client)
	if len(only.Identities) != 1 || only.Identities[0].Label != "Evil" {
		t.Fatalf("GET /account = %+v, want one identity labeled Evil", only)
	}
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+only.Identities[0].ID, nil), http.StatusConflict) // the only sign-in method

	both := testLink(t, app, client)
	testLinkedSignIn(t, app, client)
	admin := testLinkTaken(t, app, both)
	testUnlink(t, client, both)
	const want = "identity.unlinked true, identity.linked true, identity.refused false"
	if got := identityEvents(t, client, admin); got != want {
		t.Errorf("events = %q, want %q", got, want)
	}
}

// testLink links a second identity and returns the account with both.
func testLink(t *testing.T, app *testapp.App, client *testapp.Client) account {
	wantLocation(t, linkOther(t, app, client), "/account?notice=linked")
	both := accountOf(t, client)
	if len(both.Identities) != 2 {
		t.Fatalf("GET /account = %+v, want two identities", both)
	}
	page := client.HTML(http.MethodGet, "/account?notice=linked", nil)
	wantContains(t, page, "Sign out all other devices")
	wantForm(t, page, "/identities/"+both.Identities[0].ID, deletion)
	wantForm(t, page, "/sessions", deletion)
	wantForm(t, page, "/account", url.Values{"_method": {"PATCH"}})
	wantStatus(t, linkOther(t, app, client), http.StatusSeeOther) // linking again changes nothing
	return both
}

// testLinkedSignIn signs in with the second identity and revokes that session.
func testLinkedSignIn(t *testing.T, app *testapp.App, client *testapp.Client) {
	second := app.Client(t)
	back := answer(t, app, leave(t, second, "/auth/other", nil))
	wantStatus(t, second.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	wantSignedIn(t, second, "mallory")
	wantStatus(t, client.JSON(http.MethodDelete, "/sessions", nil), http.StatusOK)
	wantAnonymous(t, second)
	wantSignedIn(t, client, "mallory")
}

// testLinkTaken checks that another user can neither unlink nor link an identity of
// this account. It returns the other user's client.
func testLinkTaken(t *testing.T, app *testapp.App, both account) *testapp.Client {
	admin := app.Client(t)
	admin.SignIn("admin")
	wantStatus(t, admin.JSON(http.MethodDelete, "/identities/"+both.Identities[1].ID, nil), http.StatusNotFound)
	wantStatus(t, linkOther(t, app, admin), http.StatusConflict)
	wantSignedIn(t, admin, "admin")
	return admin
}

func testUnlink(t *testing.T, client *testapp.Client, both account) {
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+both.Identities[0].ID, nil), http.StatusNoContent)
	if left := accountOf(t, client); len(left.Identities) != 1 || left.Identities[0].ID != both.Identities[1].ID {
		t.Errorf("GET /account = %+v, want only identity %s", left, both.Identities[1].ID)
	}
	wantContains(t, client.HTML(http.MethodGet, "/account?notice=unlinked", nil), "Sign out all other devices")
}

// identityEvents lists the clients' events about identities, each with its kind and
// whether it is notable.
func identityEvents(t *testing.T, clients ...*testapp.Client) string {
	var got []string
	for _, c := range clients {
		for _, e := range listEvents(t, c, "/events").Events {
			if strings.HasPrefix(e.Kind, "identity.") {
				got = append(got, fmt.Sprintf("%s %t", e.Kind, e.Notable))
			}
		}
	}
	return strings.Join(got, ", ")
}

// A rejected form is shown again with the submitted values and an error message.
func TestAccount_FormRefused(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	client := on(t, app, "manager", firefox)
	for name, c := range map[string]struct {
		path   string
		form   url.Values
		status int
		field  string // ID of the input with aria-invalid
		fault  string // start of the error message
		values []string
	}{
		"InvalidUsername": {"/account", url.Values{"_method": {"PATCH"}, "username": {"-Maya"}}, http.StatusUnprocessableEntity, "username", "The username is invalid", []string{"-Maya", "30"}},
		"UsernameTaken":   {"/account", url.Values{"_method": {"PATCH"}, "username": {"admin"}}, http.StatusConflict, "username", "", []string{"admin", "30"}},
		"InvalidLabel":    {"/tokens", url.Values{"label": {"a\x00"}, "days": {"9"}}, http.StatusUnprocessableEntity, "token-label", "The name is invalid", []string{"manager", "9"}},
		"TooManyDays":     {"/tokens", url.Values{"label": {"Backup"}, "days": {"400"}}, http.StatusUnprocessableEntity, "token-days", "The number of days is invalid. It must be a whole number from 1 to 365.", []string{"manager", "Backup", "400"}},
	} {
		t.Run(name, func(t *testing.T) {
			r := client.HTML(http.MethodPost, c.path, c.form)
			wantStatus(t, r, c.status)
			for _, value := range c.values {
				if !strings.Contains(r.Body, ` value="`+value+`"`) {
					t.Errorf("no field has the value %q:\n%s", value, r.Body)
				}
			}
			marked := regexp.MustCompile(`<input id="([^"]+)"[^>]* aria-invalid="true"`).FindAllStringSubmatch(r.Body, -1)
			if len(marked) != 1 || marked[0][1] != c.field {
				t.Errorf("invalid fields = %q, want %s", marked, c.field)
			}
			if faults := regexp.MustCompile(`<p class="fault" id="`+c.field+`-hint">`+c.fault).FindAllString(r.Body, -1); len(faults) != 1 || strings.Count(r.Body, `class="fault"`) != 1 {
				t.Errorf("%s lacks the error message %q, or there is more than one:\n%s", c.field, c.fault, r.Body)
			}
			c.form.Del("_method")
			wantProblem(t, client.JSON(map[string]string{"/account": http.MethodPatch, "/tokens": http.MethodPost}[c.path], c.path, map[string]string{"username": "-", "label": ""}))
		})
	}
}

// Linking an identity that is already linked records no event.
func TestAccount_LinkAgain(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	client.SignIn("manager")
	for range 2 {
		back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}}))
		wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	}
	if a := accountOf(t, client); len(a.Identities) != 1 {
		t.Errorf("GET /account = %+v, want one identity", a)
	}
	kinds := ""
	for _, e := range listEvents(t, client, "/events").Events {
		kinds += e.Kind + " "
	}
	if want := "identity.linked signin.success "; kinds != want {
		t.Errorf("events = %q, want %q", kinds, want)
	}
}

// If another user signs in while the first one is at the provider, the identity is
// linked to neither.
func TestAccount_LinkWhileOtherUserSignsIn(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	client.SignIn("manager")
	back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"true"}}))
	client.SignIn("admin")
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusForbidden)
	var identities int
	query(t, app, &identities, "SELECT COUNT(*) FROM identities")
	if identities != 0 {
		t.Errorf("%d identities, want 0", identities)
	}
	client.SignIn("manager")
	if e := listEvents(t, client, "/events").Events[1]; e.Kind != "signin.failure" || e.Detail != "somebody_else" || !e.Notable {
		t.Errorf("event before the last sign-in = %+v, want a notable signin.failure with detail somebody_else", e)
	}
}

func TestAccount_ASVS_7_5_1_RecentSignIn(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	id := accountOf(t, client).Identities[0].ID
	staleSignIns(t, app)
	for _, request := range [][2]string{{"DELETE", "/identities/" + id}, {"DELETE", "/sessions"}} {
		r := client.JSON(request[0], request[1], nil)
		wantStatus(t, r, http.StatusForbidden)
		if !strings.Contains(r.Body, "urn:latchkey:problem:sign-in-not-recent") {
			t.Errorf("%v: problem type is not sign-in-not-recent: %s", request, r.Body)
		}
		r = client.HTML("POST", request[1], url.Values{"_method": {request[0]}})
		if to := r.Header.Get("Location"); r.StatusCode != http.StatusSeeOther || !strings.HasPrefix(to, "/signin?fresh=true") {
			t.Errorf("form %v = %d, Location %q; want %d to the sign-in page", request, r.StatusCode, to, http.StatusSeeOther)
		}
	}
	r := client.HTML("POST", "/auth/other", url.Values{"link": {"true"}})
	if to := r.Header.Get("Location"); !strings.HasPrefix(to, "/signin?fresh=true") {
		t.Errorf("POST /auth/other = %d, Location %q; want a redirect to the sign-in page", r.StatusCode, to)
	}
	if page := client.HTML("GET", "/signin?fresh=true&return_to=/account", nil); !strings.Contains(page.Body, "sign in again to confirm it’s you") {
		t.Errorf("the sign-in page does not explain why it is shown:\n%s", page.Body)
	}
}

func TestAccount_Rename(t *testing.T) {
	eachEngine(t, func(t *testing.T, engine testdb.Engine) {
		app := testapp.Start(t, testapp.Options{Engine: engine})
		client := app.Client(t)
		client.SignIn("manager")
		for username, status := range map[string]int{"": 422, "a b": 422, "-x": 422, "Ünsal": 422, strings.Repeat("x", 65): 422, "admin": 409, "ADMIN": 409} {
			wantStatus(t, client.JSON("PATCH", "/account", map[string]string{"username": username}), status)
		}
		wantSignedIn(t, client, "manager")
		wantStatus(t, client.JSON("PATCH", "/account", map[string]string{"username": "Maya.M"}), http.StatusOK)
		wantSignedIn(t, client, "maya.m")
		r := client.HTML("POST", "/account", url.Values{"_method": {"PATCH"}, "username": {"maya"}})
		if to := r.Header.Get("Location"); to != "/account?notice=renamed" {
			t.Errorf("POST /account = %d, Location %q; want /account?notice=renamed", r.StatusCode, to)
		}
		wantStatus(t, app.Client(t).JSON("PATCH", "/account", map[string]string{"username": "x"}), http.StatusUnauthorized)
		wantStatus(t, app.Client(t).JSON("GET", "/account", nil), http.StatusUnauthorized)
	})
}

// The last usable identity cannot be unlinked. An identity of a provider that is no
// longer configured does not count as usable.
func TestAccount_LastUsableIdentity(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	wantStatus(t, linkOther(t, app, client), http.StatusSeeOther)
	execute(t, app, "UPDATE identities SET issuer = 'https://gone.example' WHERE provider = 'other'")
	identities := accountOf(t, client).Identities
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+identities[0].ID, nil), http.StatusConflict)
	wantStatus(t, client.JSON(http.MethodDelete, "/identities/"+identities[1].ID, nil), http.StatusNoContent)
}

// Changing a username to the same username records no event.
func TestAccount_SameUsername(t *testing.T) {
	app := testapp.Start(t, testapp.Options{})
	client := on(t, app, "manager", firefox)
	wantStatus(t, client.JSON(http.MethodPatch, "/account", map[string]string{"username": " Manager"}), http.StatusOK)
	var n int
	if query(t, app, &n, "SELECT COUNT(*) FROM events WHERE kind = 'user.renamed'"); n != 0 {
		t.Errorf("%d user.renamed events, want 0", n)
	}
}
