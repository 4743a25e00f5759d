package testoidc

import "golang.org/x/oauth2"

// provesChallenge reports whether a verifier is that of a challenge, which has to
// be there (RFC 7636, 4.6).
func provesChallenge(challenge, verifier string) bool {
	return challenge != "" && verifier != "" && oauth2.S256ChallengeFromVerifier(verifier) == challenge
}
