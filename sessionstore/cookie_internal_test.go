package sessionstore

import (
	"encoding/base64"
	"strings"
	"testing"
)

// ASVS 5.0 7.2.3: at least 128 bits, and no duplicates.
func TestNewToken_7_2_3(t *testing.T) {
	const many = 1_000_000
	seen := make(map[string]struct{}, many)
	for range many {
		seen[randomText()] = struct{}{}
	}
	if len(seen) != many {
		t.Errorf("%d different texts of %d", len(seen), many)
	}
	first, second := newToken(), newToken()
	if first.sid == first.secret || first.sid == second.sid || first.secret == second.secret {
		t.Errorf("tokens %v and %v", first, second)
	}
	for _, text := range []string{first.sid, first.secret} {
		if b, err := base64.RawURLEncoding.DecodeString(text); err != nil || len(b)*8 < 128 || !isSID(text) {
			t.Errorf("%q has %d bits, %v", text, len(b)*8, err)
		}
	}
}

// Every bit of a token is random: each is set about half of the time. The
// tolerance is 14 standard deviations.
func TestRandomText_Bits(t *testing.T) {
	const many = 200_000
	var set [tokenBytes * 8]int
	for range many {
		b, err := base64.RawURLEncoding.DecodeString(randomText())
		if err != nil {
			t.Fatal(err)
		}
		for i := range set {
			set[i] += int(b[i/8] >> (i % 8) & 1)
		}
	}
	for i, n := range set {
		if n < many/2-many/64 || n > many/2+many/64 {
			t.Errorf("bit %d is set in %d of %d", i, n, many)
		}
	}
}

// Known answers from another implementation of HKDF and HMAC. A new version must
// accept the cookies of the one before.
func TestKeys_FormatIsKept(t *testing.T) {
	all, err := newKeys([][]byte{[]byte("correct horse battery staple, 32")})
	if err != nil {
		t.Fatal(err)
	}
	tok := token{sid: strings.Repeat("s", tokenChars), secret: strings.Repeat("S", tokenChars)}
	const want = "ssssssssssssssssssssssss.SSSSSSSSSSSSSSSSSSSSSSSS.VghKty2QN5ZvY9Y5GxkAw5L-5T7zV2jEYFDRnA5lIlc"
	if got := all[0].sign(tok); got != want {
		t.Errorf("cookie %s, want %s", got, want)
	}
	const hash = "1234d49f559b1659a9e0f888734d10ec561d06148d265ea0eba18132072b84fa"
	if got := tok.hash(); string(got[:]) != hash || !tok.matches(hash) || tok.matches("") || tok.matches(hash[1:]+"0") {
		t.Errorf("hash %s, want %s", tok.hash(), hash)
	}
}

func FuzzVerify(f *testing.F) {
	all, err := newKeys([][]byte{
		[]byte("the secret of this year, 32 bytes"),
		[]byte("the secret of last year, 32 bytes"),
	})
	if err != nil {
		f.Fatal(err)
	}
	foreign, err := newKeys([][]byte{[]byte("somebody else's secret, 32 bytes.")})
	if err != nil {
		f.Fatal(err)
	}
	store := &Store{keys: all}
	tok := token{sid: strings.Repeat("a", tokenChars), secret: strings.Repeat("b", tokenChars)}
	signed := map[string]bool{all[0].sign(tok): false, all[1].sign(tok): true}
	for value := range signed {
		f.Add(value)
	}
	f.Add(foreign[0].sign(tok))
	f.Add("")
	f.Add("..")
	f.Add(strings.Repeat(".", cookieChars))
	f.Fuzz(func(t *testing.T, value string) {
		got, old, ok := store.verify(value)
		wantOld, want := signed[value]
		if ok != want || old != wantOld || (ok && got != tok) || (!ok && got != token{}) {
			t.Errorf("verify(%q) = %v, %v, %v", value, got, old, ok)
		}
	})
}
