// Package signin signs users in with providers: any provider of OpenID Connect, and
// some that only support OAuth 2.0. It uses goth's providers, except for OpenID
// Connect, where it checks more. It knows nothing about users, sessions or pages.
//
// # Attempts
//
// [Flow.Start] sends a browser to a provider, and [Flow.Finish] handles the response. In
// between, the attempt is kept in an encrypted cookie: the state, and for OpenID
// Connect the nonce and the PKCE verifier, all random. So an attempt belongs to one
// browser and one provider, needs no session, and works in several tabs. It
// expires after [AttemptLifetime] and can be finished only once; see [ReplayGuard].
//
// # Checks
//
// The state is compared in constant time, before any request to the provider. For
// OpenID Connect, these are checked: the issuer of the discovery document and of the
// response (RFC 9207), the ID token's signature with the issuer's keys, its audience,
// times and nonce, and auth_time for a re-authentication. Names of claims must match
// exactly. User info only fills in what the ID token leaves out. An [Identity] is an
// issuer and a subject, never an email address.
package signin
