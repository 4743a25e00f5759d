package models

import (
	"errors"
	"fmt"
	"time"

	"github.com/gobuffalo/nulls"
	"github.com/gobuffalo/pop/v6"
	"github.com/gofrs/uuid"

	"github.com/latchkey/latchkey/internal/text"
)

// The values of Event.Kind.
const (
	SignInSucceeded  = "signin.success"
	SignInFailed     = "signin.failure"
	SignedOut        = "signout"
	SessionEnded     = "session.ended" // one or more; Detail says why
	IdentityLinked   = "identity.linked"
	IdentityUnlinked = "identity.unlinked"
	IdentityRefused  = "identity.refused"
	UserCreated      = "user.created"
	UserRenamed      = "user.renamed"
	UserDisabled     = "user.disabled"
	UserEnabled      = "user.enabled"
	UserRoleChanged  = "user.role"
	TokenCreated     = "token.created" // Detail is its label
)

// The values of Event.Detail if sessions end in another way than by signing out.
const (
	RevokedByUser      = "by_user"
	RevokedByAdmin     = "by_admin"
	RevokedByProvider  = "by_provider"
	RevokedUserGone    = "user_gone" // the user was disabled or deleted
	RevokedRoleChanged = "role_changed"
	Expired            = "expired"
)

// ErrCursor is returned for an invalid cursor.
var ErrCursor = errors.New("invalid cursor: use the one that the previous page returned")

// Event is something that happened to a user's account or sessions. RecordEvent shortens
// texts from clients to fit their columns.
type Event struct {
	ID        uuid.UUID  `db:"id"` // version 7, so sorted by time
	CreatedAt time.Time  `db:"created_at"`
	Kind      string     `db:"kind"`
	UserID    nulls.UUID `db:"user_id"`  // whose account; null if unknown
	ActorID   nulls.UUID `db:"actor_id"` // the administrator who did it, if one did
	Method    string     `db:"method"`   // the sign-in method, or the provider that it is about
	IP        string     `db:"ip"`
	UserAgent string     `db:"user_agent"`
	Device    string     `db:"device"` // of a sign-in: the kind of browser and system
	SID       string     `db:"sid"`
	Detail    string     `db:"detail"`
	Sessions  int64      `db:"sessions"` // how many sessions ended
	Notable   bool       `db:"notable"`  // the user should notice it
}

// NewEvent returns an event about a user's account.
func NewEvent(userID uuid.UUID, kind string) Event {
	return Event{Kind: kind, UserID: nulls.NewUUID(userID)}
}

// NewSessionEvent returns an event about sessions that were revoked or have expired, for
// a reason such as RevokedByUser. userID may be "".
func NewSessionEvent(userID, reason string, sessions int64) Event {
	return Event{Kind: SessionEnded, UserID: NullableID(userID), Detail: reason, Sessions: sessions}
}

// NullableID returns a user's ID, or null for a text that is not an ID.
func NullableID(text string) nulls.UUID {
	id, err := uuid.FromString(text)
	return nulls.UUID{UUID: id, Valid: err == nil}
}

// RecordEvent stores an event with the current time. A sign-in on a device that is new
// to the user becomes notable, unless it is the user's first.
func RecordEvent(conn *pop.Connection, e Event) error {
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("record event: %w", err)
	}
	e.ID, e.CreatedAt = id, time.Now().UTC().Truncate(time.Microsecond)
	e.UserAgent, e.Detail = text.HideTokens(e.UserAgent), text.HideTokens(e.Detail)
	e.Method, e.IP, e.SID = fit(e.Method, 64), fit(e.IP, 64), fit(e.SID, 64)
	e.UserAgent, e.Device, e.Detail = fit(e.UserAgent, maxName), fit(e.Device, maxName), fit(e.Detail, maxName)
	if e.Kind == SignInSucceeded {
		isNew, err := isNewDevice(conn, e.UserID, e.Device)
		if err != nil {
			return err
		}
		e.Notable = e.Notable || isNew
	}
	err = conn.RawQuery("INSERT INTO events (id, created_at, kind, user_id, actor_id, method, ip, user_agent, device, sid, detail, sessions, notable) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
		e.ID, e.CreatedAt, e.Kind, e.UserID, e.ActorID, e.Method, e.IP, e.UserAgent, e.Device, e.SID, e.Detail, e.Sessions, e.Notable).Exec()
	if err != nil {
		return dbError("record event", err)
	}
	return nil
}

// isNewDevice reports whether the user has signed in before, but never on this device.
func isNewDevice(conn *pop.Connection, userID nulls.UUID, device string) (bool, error) {
	var past struct {
		Here     bool `db:"here"`
		Anywhere bool `db:"anywhere"`
	}
	err := conn.RawQuery("SELECT EXISTS (SELECT 1 FROM events WHERE user_id = ? AND device = ?) AS here,"+
		" EXISTS (SELECT 1 FROM events WHERE user_id = ? AND device > '') AS anywhere", userID, device, userID).First(&past)
	if err != nil {
		return false, dbError("look for the device", err)
	}
	return past.Anywhere && !past.Here, nil
}

// ListEvents returns up to limit events about a user's account, newest first. next is
// the cursor of the next page, or "". It returns ErrCursor for an invalid cursor.
func ListEvents(conn *pop.Connection, userID uuid.UUID, after string, limit int) (events []Event, next string, err error) {
	query, args := "SELECT * FROM events WHERE user_id = ?", []any{userID}
	if after != "" {
		last, err := uuid.FromString(after)
		if err != nil {
			return nil, "", fmt.Errorf("list events: %w", ErrCursor)
		}
		query, args = query+" AND id < ?", append(args, last)
	}
	if err := conn.RawQuery(query+" ORDER BY id DESC LIMIT ?", append(args, limit+1)...).All(&events); err != nil {
		return nil, "", dbError("list events", err)
	}
	if len(events) > limit {
		events = events[:limit]
		next = events[limit-1].ID.String()
	}
	return events, next, nil
}

// An EventCount is the number of events of one kind, method and detail in one hour.
type EventCount struct {
	Hour     string `db:"hour"` // 2026-01-31 13, UTC
	Kind     string `db:"kind"`
	Method   string `db:"method"`
	Detail   string `db:"detail"`
	Events   int    `db:"n"`
	Sessions int    `db:"ended"` // how many sessions ended
}

// hourExpr truncates created_at to the hour, in each dialect.
var hourExpr = map[string]string{
	"sqlite3":   "substr(created_at, 1, 13)",
	"postgres":  "to_char(created_at, 'YYYY-MM-DD HH24')",
	"cockroach": "to_char(created_at, 'YYYY-MM-DD HH24')",
	"mysql":     "DATE_FORMAT(created_at, '%Y-%m-%d %H')",
	"mariadb":   "DATE_FORMAT(created_at, '%Y-%m-%d %H')",
}

// CountEvents counts the events of some kinds since a time, by hour. Only for
// SessionEnded does it distinguish details.
func CountEvents(conn *pop.Connection, since time.Time, kinds ...any) ([]EventCount, error) {
	hour := hourExpr[conn.Dialect.Name()]
	const detail = "CASE WHEN kind = '" + SessionEnded + "' THEN detail ELSE '' END"
	query := "SELECT " + hour + " AS hour, kind, method, " + detail + " AS detail, COUNT(*) AS n, CAST(SUM(sessions) AS DECIMAL(18)) AS ended FROM events" +
		" WHERE id >= ? AND kind IN (?) GROUP BY " + hour + ", kind, method, " + detail
	var counts []EventCount
	if err := conn.RawQuery(query, firstID(since), kinds).All(&counts); err != nil {
		return nil, dbError("count events", err)
	}
	return counts, nil
}

// DeleteEvents deletes the events before a time.
func DeleteEvents(conn *pop.Connection, before time.Time) error {
	if err := conn.RawQuery("DELETE FROM events WHERE id < ?", firstID(before)).Exec(); err != nil {
		return dbError("delete old events", err)
	}
	return nil
}

// firstID sorts before the IDs of all events at a time or later (RFC 9562, 5.7).
func firstID(t time.Time) uuid.UUID {
	var id uuid.UUID
	millis := uint64(t.UnixMilli())
	for i := range 6 {
		id[i] = byte(millis >> (8 * (5 - i)))
	}
	id[6] = 0x70
	return id
}
