package accounts

import (
	"strings"
	"testing"

	"github.com/gofrs/uuid"

	"github.com/latchkey/latchkey/models"
)

func TestChangeEvents(t *testing.T) {
	admin, yes, no := models.RoleAdmin, true, false
	user := &models.User{ID: uuid.Must(uuid.NewV4()), Role: admin}
	for name, c := range map[string]struct {
		changed models.Change
		events  string
		reason  string
	}{
		"Nothing":     {models.Change{}, "", ""},
		"Role":        {models.Change{Role: &admin}, "user.role:admin", models.RevokedRoleChanged},
		"Disabled":    {models.Change{Disabled: &yes}, "user.disabled:", models.RevokedUserGone},
		"Enabled":     {models.Change{Disabled: &no}, "user.enabled:", models.RevokedUserGone},
		"Both":        {models.Change{Role: &admin, Disabled: &yes}, "user.role:admin user.disabled:", models.RevokedUserGone},
		"EnabledWith": {models.Change{Role: &admin, Disabled: &no}, "user.role:admin user.enabled:", models.RevokedUserGone},
	} {
		events, reason := changeEvents(user, c.changed)
		var got []string
		for _, e := range events {
			got = append(got, e.Kind+":"+e.Detail)
			if !e.Notable || e.UserID.UUID != user.ID {
				t.Errorf("%s: %+v", name, e)
			}
		}
		if got := strings.Join(got, " "); got != c.events || reason != c.reason {
			t.Errorf("%s: events %q for the reason %q, want %q for %q", name, got, reason, c.events, c.reason)
		}
	}
}

func TestBy(t *testing.T) {
	admin := &models.User{ID: uuid.Must(uuid.NewV4())}
	event := models.NewSessionEvent("", models.RevokedByAdmin, 3)
	if got := By(nil, event); got != event {
		t.Errorf("without an administrator: %+v", got)
	}
	if got := By(admin, event); got.ActorID.UUID != admin.ID || !got.Notable || got.Sessions != 3 {
		t.Errorf("by an administrator: %+v", got)
	}
}
