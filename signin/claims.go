package signin

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// claims are the claims of an ID token or of the user info.
type claims struct {
	Subject       string    `json:"sub"`
	Name          string    `json:"name"`
	Username      string    `json:"preferred_username"`
	Nickname      string    `json:"nickname"`
	Email         string    `json:"email"`
	EmailVerified boolean   `json:"email_verified"`
	AuthorizedBy  string    `json:"azp"`
	AuthTime      *unixTime `json:"auth_time"`
	SID           string    `json:"sid"`
	Tenant        string    `json:"tid"` // Microsoft's
}

// claimNames are all claims that this package and go-oidc read.
var claimNames = []string{
	"sub", "name", "preferred_username", "nickname", "email", "email_verified", "azp", "auth_time", "sid", "tid",
	"iss", "aud", "exp", "iat", "nbf", "nonce", "jti", "events", "at_hash", "profile", "_claim_names", "_claim_sources",
}

// readClaims decodes claims after checkNames.
func readClaims(text []byte, into any) error {
	if err := checkNames(text); err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

// checkNames refuses claims in which a known name is repeated or spelled differently. Go
// also decodes "SUB" and "ſub" as "sub", and the last one wins: a user who can choose
// the name of a claim at the provider could be anyone.
func checkNames(text []byte) error {
	names, err := namesOf(text)
	if err != nil {
		return err
	}
	seen := make(map[string]bool)
	for _, name := range names {
		i := slices.IndexFunc(claimNames, func(ours string) bool { return strings.EqualFold(name, ours) })
		if i >= 0 && (name != claimNames[i] || seen[name]) {
			return fmt.Errorf("the claim %q is repeated, as %.40q", claimNames[i], name)
		}
		seen[name] = true
	}
	return nil
}

// namesOf returns the names in a JSON object, in order.
func namesOf(text []byte) ([]string, error) {
	var names []string
	decoder := json.NewDecoder(bytes.NewReader(text))
	start, err := decoder.Token()
	if err != nil {
		return nil, fmt.Errorf("read claims: %w", err)
	}
	if start != json.Delim('{') {
		return nil, errors.New("the claims are not a JSON object")
	}
	for decoder.More() {
		name, err := decoder.Token()
		if err != nil {
			return nil, fmt.Errorf("read claims: %w", err)
		}
		var value json.RawMessage
		if err := decoder.Decode(&value); err != nil {
			return nil, fmt.Errorf("read claims: %w", err)
		}
		names = append(names, fmt.Sprint(name))
	}
	return names, nil
}

// boolean is a JSON boolean, which some providers write as text.
type boolean bool

func (b *boolean) UnmarshalJSON(text []byte) error {
	*b = boolean(slices.Contains([]string{"true", `"true"`}, string(text)))
	return nil
}

// unixTime is a JSON number of seconds.
type unixTime time.Time

func (t *unixTime) UnmarshalJSON(text []byte) error {
	var seconds float64
	if err := json.Unmarshal(text, &seconds); err != nil {
		return fmt.Errorf("a time must be a number: %w", err)
	}
	*t = unixTime(time.Unix(int64(seconds), 0))
	return nil
}
