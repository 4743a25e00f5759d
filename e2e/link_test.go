package e2e

import (
	"net/http"
	"net/url"
	"testing"
	"time"
)

// link=false is a sign-in like any other: it does not link the provider, and does not
// need a recent sign-in.
func TestLink_False(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	before := accountOf(t, client)
	execute(t, app, "UPDATE sessions SET authenticated_at = ?", time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC))
	back := answer(t, app, leave(t, client, "/auth/other", url.Values{"link": {"false"}}))
	wantStatus(t, client.HTML(http.MethodGet, back, nil), http.StatusSeeOther)
	after := accountOf(t, client)
	if len(after.Identities) != 1 || after.Identities[0].ID == before.Identities[0].ID {
		t.Errorf("identities after link=false: %+v, want only the one of the other provider", after.Identities)
	}
}

func TestLink_Invalid(t *testing.T) {
	app, _, _ := withHostileProviders(t)
	client := app.Client(t)
	wantStatus(t, tryEvil(t, app, client), http.StatusSeeOther)
	r := client.JSON(http.MethodPost, "/auth/other?link=maybe", nil)
	wantStatus(t, r, http.StatusBadRequest)
	var problem struct{ Errors []struct{ Field string } }
	r.Decode(t, &problem)
	if len(problem.Errors) != 1 || problem.Errors[0].Field != "link" {
		t.Errorf("errors = %+v, want one about link", problem.Errors)
	}
}
