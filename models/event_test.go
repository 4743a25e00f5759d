package models_test

import (
	"errors"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gobuffalo/pop/v6"

	"github.com/latchkey/latchkey/models"
)

func record(t *testing.T, db *pop.Connection, events ...models.Event) {
	t.Helper()
	for _, e := range events {
		if err := models.RecordEvent(db, e); err != nil {
			t.Fatal(err)
		}
	}
}

func listEvents(t *testing.T, db *pop.Connection, user *models.User, after string, limit int) ([]models.Event, string) {
	t.Helper()
	events, next, err := models.ListEvents(db, user.ID, after, limit)
	if err != nil {
		t.Fatal(err)
	}
	return events, next
}

func TestListEvents(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada := signUp(t, db, google("a"), models.Profile{Username: "ada"})
		bob := signUp(t, db, google("b"), models.Profile{Username: "bob"})
		for i := range 5 {
			e := models.NewEvent(ada.ID, models.SignedOut)
			e.Detail, e.IP, e.UserAgent, e.Method = strconv.Itoa(i), "192.0.2.1", strings.Repeat("ü", 300), "google"
			record(t, db, e, models.NewEvent(bob.ID, models.UserRenamed), models.Event{Kind: models.SignInFailed})
		}
		var got []string
		after := ""
		for range 3 {
			var page []models.Event
			page, after = listEvents(t, db, ada, after, 2)
			for _, e := range page {
				got = append(got, e.Detail)
				if e.Kind != models.SignedOut || e.IP != "192.0.2.1" || len([]rune(e.UserAgent)) != 255 || e.Notable || time.Since(e.CreatedAt) > time.Minute {
					t.Errorf("%+v", e)
				}
			}
		}
		if !slices.Equal(got, []string{"4", "3", "2", "1", "0"}) || after != "" {
			t.Errorf("%v, then %q", got, after)
		}
		if page, after := listEvents(t, db, ada, "", 5); len(page) != 5 || after != "" {
			t.Errorf("all five on one page, then %q", after)
		}
		if _, _, err := models.ListEvents(db, ada.ID, "nonsense", 2); !errors.Is(err, models.ErrCursor) {
			t.Error(err)
		}
	})
}

// A sign-in on a new device is notable, except for the user's first.
func TestRecordEvent_NewDevice(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		ada := signUp(t, db, google("a"), models.Profile{Username: "ada"})
		bob := signUp(t, db, google("b"), models.Profile{Username: "bob"})
		on := func(user *models.User, device string) models.Event {
			e := models.NewEvent(user.ID, models.SignInSucceeded)
			e.Device = device
			return e
		}
		record(t, db, on(bob, "Safari on iOS"), models.NewEvent(ada.ID, models.UserCreated))
		record(t, db, on(ada, "Firefox on Linux"), on(ada, "Firefox on Linux"), on(ada, "Safari on iOS"), on(ada, "Safari on iOS"), on(ada, "Firefox on Linux"))
		events, _ := listEvents(t, db, ada, "", 9)
		var notable []bool
		for _, e := range events {
			notable = append(notable, e.Notable)
		}
		if !slices.Equal(notable, []bool{false, false, true, false, false, false}) {
			t.Errorf("newest first: %v", notable)
		}
		// Other events on a new device are not notable by themselves.
		signOut, signIn := models.NewEvent(ada.ID, models.SignedOut), on(ada, "Safari on iOS")
		signOut.Device, signIn.Notable = "Edge on Windows", true
		record(t, db, signOut, signIn)
		if events, _ := listEvents(t, db, ada, "", 2); !events[0].Notable || events[1].Notable {
			t.Errorf("%+v", events)
		}
	})
}

func TestCountEvents(t *testing.T) {
	onEveryEngine(t, func(t *testing.T, db *pop.Connection) {
		began := time.Now().Add(-time.Second)
		for kind, details := range map[string][]string{models.SignInFailed: {"a", "b"}, models.SessionEnded: {"x", "x", "y"}, models.UserRenamed: {"z"}} {
			for _, detail := range details {
				record(t, db, models.Event{Kind: kind, Method: "m", Detail: detail, Sessions: 3})
			}
		}
		total := map[string]int{}
		counts, err := models.CountEvents(db, began, models.SignInFailed, models.SessionEnded)
		if err != nil {
			t.Fatal(err)
		}
		for _, count := range counts {
			total[count.Kind+" "+count.Method+" "+count.Detail] += count.Events
			if count.Sessions != 3*count.Events {
				t.Errorf("%+v", count)
			}
			if hour, err := time.Parse("2006-01-02 15", count.Hour); err != nil || time.Since(hour) > 2*time.Hour {
				t.Errorf("hour %q", count.Hour)
			}
		}
		if total["signin.failure m "] != 2 || total["session.ended m x"] != 2 || total["session.ended m y"] != 1 || len(total) != 3 {
			t.Errorf("%v", total)
		}
		if counts, err := models.CountEvents(db, time.Now().Add(time.Second), models.SignInFailed); err != nil || len(counts) != 0 {
			t.Errorf("in the future: %v, %v", counts, err)
		}
		if err := models.DeleteEvents(db, began); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Count(&models.Event{}); n != 6 || err != nil {
			t.Errorf("%d events left, want all 6; %v", n, err)
		}
		if err := models.DeleteEvents(db, time.Now().Add(time.Second)); err != nil {
			t.Fatal(err)
		}
		if n, err := db.Count(&models.Event{}); n != 0 || err != nil {
			t.Errorf("%d events left, want 0; %v", n, err)
		}
	})
}
