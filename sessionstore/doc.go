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
// key themselves get the same. [Remember] makes a sign-in last for weeks.
// [Renew] gives a new sid and secret for other reasons, and keeps everything
// else. [SignOut] ends the session at the next Save.
//
// # Programs
//
// A program that keeps no cookies presents a token, with [Options].Bearer as
// Authorization: Bearer. [Store.Issue] makes one: a session of a user's with a
// name and a lifetime, that is listed and ended like the others.
//
// # When a session ends
//
// It ends when it was not used for Options.IdleTimeout, and in any case
// Options.Lifetime after the sign-in; both stand in the row and in the WHERE of
// every query, so what has ended is not found, deleted or not. [Store.Run]
// deletes it in time. [Store.Revoke] and its like end sessions from outside:
// one, a user's, all but the present one, everybody's. A session that ended
// stays so, whatever requests were under way.
//
// # Secrets
//
// Options.Secrets is a list: the first signs and encrypts, all verify and
// decrypt. Put a new one in front and nobody is signed out; a session that
// comes with an old cookie gets a new one. The keys for cookies and for data
// are derived apart. With Options.Encrypt the data is encrypted, bound to its
// row. It protects what is in the values of a copy of the database; the other
// columns stay readable, for lists and queries.
//
// # In a transaction around the request
//
// Buffalo apps often run each request in a transaction. Saving beside it, on
// another connection, hangs where SQLite lets one write or the pool has no
// other connection. [InTransaction] has the session saved in that transaction,
// and [Settle] mends what a rollback took along. For Buffalo, package sessionmw
// does both.
//
// # When the database is away
//
// Get returns the error and a session that refuses to be saved. Frameworks
// that drop the error of Get, as Buffalo does, ask [Err] for it and answer
// 503; the cookie stays as it is, and everybody is still signed in when the
// database is back.
package sessionstore
