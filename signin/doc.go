// Package signin signs people in through somebody else: a provider of OpenID
// Connect, or one of those that speak OAuth 2.0 only. Providers are goth's, and
// OpenID Connect one of our own, which checks what the specification asks for.
// The package knows nothing of users, sessions or pages.
//
// # An attempt
//
// [Flow.Start] sends a browser to a provider, and [Flow.Finish] takes it back.
// What must be remembered in between is the attempt: the state, and for OpenID
// Connect the nonce and the PKCE verifier, all random and made for it alone. It
// travels in an encrypted cookie of its own, so an attempt belongs to one browser
// and one provider, needs no session and works in several tabs at once. It ends
// after [AttemptLifetime], and may be finished once: see [Once].
//
// # What is checked
//
// The state in constant time, before anything is asked of the provider. For
// OpenID Connect: the issuer of the discovery document and of the answer (RFC
// 9207), the signature of the ID token with a key of the issuer's, its audience,
// its time, its nonce, and where a fresh sign-in is asked for, auth_time. Claims
// count by their exact names, and user info only fills what they leave open. An
// [Identity] is an issuer and a subject, never an e-mail address.
package signin
