package testoidc

import "golang.org/x/oauth2"

// provesChallenge reports whether a PKCE verifier matches a challenge. Both are required
// (RFC 7636, 4.6).
func provesChallenge(challenge, verifier string) bool {
	return challenge != "" && verifier != "" && oauth2.S256ChallengeFromVerifier(verifier) == challenge
}
