// Package sessionstore keeps the sessions of a web app in one database table. It
// implements gorilla's [sessions.Store], so it works with any net/http program and as
// the SessionStore of a Buffalo app. It uses Pop, on SQLite, PostgreSQL, CockroachDB,
// MySQL and MariaDB.
//
// In contrast to sessions in cookies, these can be listed and revoked, and a sign-out is
// final: nobody can use a copy of the cookie afterwards.
//
// # First use
//
// Create the table with package migrations, then create a [Store] with [New]:
//
//	store, err := sessionstore.New(conn, sessionstore.Options{
//		Secrets: [][]byte{secret}, // at least 32 random bytes
//	})
//
// In a handler, [Store.Get] returns the session of the request. Change its Values, and
// call Save before you write the response:
//
//	session, err := store.Get(r, "session")
//	if err != nil {
//		http.Error(w, "please try again later", http.StatusServiceUnavailable)
//		return
//	}
//	session.Values["theme"] = "dark"
//	err = session.Save(r, w)
//
// A key or value may have any type that gob can encode. Register your own types with
// [encoding/gob.Register].
//
// A visitor has no row and no cookie until a value is saved. Loading a session costs one
// query. A request that changes nothing writes nothing and sets no cookie.
//
// # Buffalo
//
// Package sessionmw has the middleware for Buffalo apps. The command buffalo-latchkey
// adds it, and everything else that is needed, to an existing app.
//
// # Signing in and out
//
// [SignIn] stores the user's id in the session. At the next Save, the session gets a new
// sid, a new secret and a full lifetime, so a cookie that an attacker planted before the
// sign-in is useless afterwards (session fixation; OWASP ASVS 5.0, 7.2.4). Set
// [Login].Remember to keep the user signed in for weeks. [SignOut] deletes the session
// and its cookie at the next Save.
//
// A program may also set the user's id itself, as the code of Buffalo's generators does
// with current_user_id. The store then renews the session in the same way; see
// [Options].UserKey. Deleting all values of a signed-in session signs out, and so does
// Options.MaxAge = -1 on the session.
//
// Call [Renew] when the user's permissions change. It replaces the sid and the secret and
// keeps everything else.
//
// # Listing and revoking
//
// A [Filter] selects sessions, such as those of one user. [Store.List] returns them page
// by page, [Store.Count] counts them, and [Store.Revoke] revokes them on every instance,
// from the next request on. [Store.RevokeAll] signs everyone out. [Describe] returns the
// [Record] of the current session, and [Store.Inspect] shows one session to an operator.
//
// A revoked session never comes back, whatever requests were in progress: their Save
// returns [ErrEnded] and writes nothing.
//
// # Lifetimes
//
// A session expires when it has not been used for [Options].IdleTimeout (1 hour), and in
// any case Options.Lifetime (24 hours) after it was created or its user signed in. With
// Login.Remember it lasts for Options.RememberLifetime (30 days), used or not. These
// defaults follow NIST SP 800-63B-4. They are shorter than those of Buffalo and gorilla,
// whose cookies last for 30 days.
//
// Expired sessions are never loaded or listed, even if their rows have not been deleted.
//
// # Cookies
//
// The cookie's value is <sid>.<secret>.<mac>. The sid is the primary key of the row; it
// may be shown and logged. The secret proves that the client received the cookie from the
// store; the database holds only its SHA-256 hash, so nobody can sign in with a copy of
// the database. The mac is checked first, so a forged cookie costs no query. Two cookies
// with the same name are ignored, and the request is anonymous: one of them may be
// planted.
//
// Cookies are HttpOnly, Secure and SameSite=Lax, with Path=/ and no Domain; see [Cookie].
// Over https, choose a name that starts with "__Host-", so that no other host can set it.
// For plain http in development, set Cookie.Insecure and use a name without that prefix.
// Except for remembered sessions, the browser deletes the cookie when it closes. A program
// can set session.Options before Save to change the attributes of one cookie. They apply
// to the cookie that this Save sets, and are not stored.
//
// A response that sets the cookie also gets Vary: Cookie and
// Cache-Control: no-cache="Set-Cookie", so that shared caches do not store the cookie.
//
// # Secrets and rotation
//
// [Options].Secrets is a list: the first secret signs and encrypts, all of them verify and
// decrypt. To rotate, put a new secret in front; nobody is signed out. A session whose
// cookie was signed with an older secret gets a new cookie at its next Save. Remove the
// old secret when the longest lifetime, usually RememberLifetime, has passed. Access
// tokens keep their signature, so they stop working when their secret is removed.
//
// # Encryption
//
// With [Options].Encrypt, the values are encrypted with AES-256-GCM under a key of their
// own for each session, derived from the first secret. They cannot be moved to another
// row. The other columns stay readable, because List and Revoke select by them. So a copy
// of the database still shows who was signed in, when, and from which address.
//
// # Transactions
//
// Some programs run each request in one database transaction, as Buffalo apps do. Call
// [InTransaction] to save the session in that transaction, and [Settle] when the
// transaction is over. In Buffalo, sessionmw.Transaction does both.
//
// # Adopting old sessions
//
// [Options].Adopt takes the store that the program used before, such as a
// [sessions.CookieStore]. Until Options.AdoptUntil, a user with one of its cookies stays
// signed in, and the session moves to the database. Keep the cookie's name.
//
// # Access tokens
//
// A client without cookies, such as a script, can send an access token in the header
// Authorization: Bearer. Accept them with [Options].Bearer and create them with
// [Store.IssueToken]. Each belongs to a user and has a label and an expiry; it is listed
// and revoked like the user's other sessions.
//
// # Cleanup
//
// Start [Store.Run] in a goroutine. It deletes expired sessions about every 15 minutes,
// and writes last_seen_at for many sessions at a time. To run the cleanup from a scheduler
// instead, call [Store.Cleanup].
//
// # Observing
//
// The store calls [Options].Observe with an [Event] after each operation, for metrics and
// traces. What it cannot return to a caller, it logs to Options.Logger. Neither contains
// secrets or values.
//
// # Concurrency
//
// A [Store] is safe for concurrent use. A session belongs to one request and is not.
//
// When several requests use one session at the same time, each Save writes only the keys
// that its request set or deleted, on top of the newest row. Changes to different keys are
// all kept; for the same key, the last Save wins.
//
// Several instances of a program can share the table. An instance keeps nothing in memory
// that the others need.
//
// # Errors
//
// Compare errors with [errors.Is]. A missing, forged, unknown or expired cookie is not an
// error: the request is anonymous.
//
// When the database does not answer, Get returns [ErrUnavailable] and a session that
// cannot be saved. Respond with 503 Service Unavailable; the cookie stays as it is, so the
// user is still signed in when the database is back. Buffalo drops the error of Get; [Err]
// returns it, and sessionmw.Require does all of this.
//
// Save returns [ErrEnded] when the session was signed out, revoked or renewed meanwhile:
// let the user try again. It returns [ErrValue] for a value that cannot be stored, which
// is a mistake in the program.
package sessionstore
