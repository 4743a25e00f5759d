// Package sessionstore keeps the sessions of a web app in one database table,
// over Pop. It is a gorilla [sessions.Store], so any net/http program can use
// it, and Buffalo takes it as its SessionStore.
//
// # The cookie and the row
//
// The cookie is <sid>.<secret>.<mac>. The sid is the primary key of the row,
// so that a person can match a cookie with its row and lists can show it. The
// secret proves that the cookie is the one that was handed out; the database
// holds only its SHA-256, so nobody who reads the database can sign in with
// what is there. The mac is checked before any query: a forged cookie costs
// none.
//
// # What a session costs
//
// A visitor has no row and no cookie until there is something to keep. A
// request that changes nothing writes nothing and sets no cookie. When a
// session was last seen is written at most once per [Options].TouchInterval,
// by [Store.Run], off the request's path.
//
// # Requests side by side
//
// Save writes back only the keys that its request set or deleted, over the
// newest row. Two requests that change different keys of one session both
// win; of two that change the same key the last one does. A session that
// ended meanwhile stays ended: Save reports [ErrEnded] and writes nothing.
//
// # Signing in and out
//
// [SignIn] puts the user's id into the session under [Options].UserKey and
// gives the session a new sid and secret when it is saved, so that a cookie
// planted before the sign-in is worth nothing after it. Programs that set that
// key themselves get the same. [SignOut] ends the session at the next Save.
//
// # When the database is away
//
// Get returns the error and a session that refuses to be saved. Frameworks
// that drop the error of Get, as Buffalo does, ask [Err] for it and answer
// 503; the cookie stays as it is, and everybody is still signed in when the
// database is back.
package sessionstore
