package auth_test

import (
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
)

// eternal are claims that are the same in every process, so that the processes
// of a fuzz run agree on which tokens were issued.
func eternal() object {
	return goodClaims().Without("iat").With("exp", time.Date(2999, 1, 1, 0, 0, 0, 0, time.UTC).Unix())
}

// TestNoByteOfATokenIsLoose changes, adds and removes a byte at each place.
func TestNoByteOfATokenIsLoose(t *testing.T) {
	t.Parallel()
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
	for _, test := range []struct {
		issuer party
		bytes  string
	}{
		{secretParty(t, "shared"), alphabet + "=+/. \t\r\n\x00\xff"},
		{ed25519Party(t, 1), "Aq9_=.\n\xff"},
	} {
		t.Run(test.issuer.alg, func(t *testing.T) {
			t.Parallel()
			verifier := verifierFor(t, test.issuer.key)
			good := test.issuer.token(test.issuer.header().String(), eternal().String())
			accept(t, verifier, good)
			for at := range len(good) + 1 {
				for _, b := range []byte(test.bytes) {
					refuse(t, verifier, good[:at]+string([]byte{b})+good[at:], "")
					if at < len(good) && good[at] != b {
						refuse(t, verifier, good[:at]+string([]byte{b})+good[at+1:], "")
					}
				}
				if at < len(good) {
					refuse(t, verifier, good[:at]+good[at+1:], "")
				}
			}
		})
	}
}

// FuzzVerify looks for any text that is accepted without having been issued.
func FuzzVerify(f *testing.F) {
	issuer := ed25519Party(f, 1)
	verifier := verifierFor(f, issuer.key)
	issued := map[string]bool{}
	for _, header := range []object{issuer.header(), issuer.header().Without("kid").Without("typ")} {
		for _, role := range []string{"supplier", "admin"} {
			raw := issuer.token(header.String(), eternal().With("role", role).String())
			accept(f, verifier, raw)
			issued[raw] = true
			f.Add(raw)
			f.Add(raw + "=")
		}
	}
	none := b64(issuer.header().With("alg", "none").String())
	f.Add(none + "." + b64(eternal().String()) + ".")
	f.Add("..")

	f.Fuzz(func(t *testing.T, raw string) {
		principal, err := verifier.Verify(t.Context(), raw)
		switch {
		case issued[raw]:
			if err != nil {
				t.Errorf("an issued token was refused: %v", err)
			}
		case err == nil:
			t.Errorf("accepted as %+v, but never issued: %q", principal, raw)
		case !errors.Is(err, auth.ErrInvalidToken) || !reflect.DeepEqual(principal, redline.Principal{}):
			t.Errorf("%q gives %+v, %v", raw, principal, err)
		}
	})
}

// FuzzVerifySigned signs whatever header and claims there are, and so reaches
// what stands behind the signature.
func FuzzVerifySigned(f *testing.F) {
	issuer := ed25519Party(f, 1)
	verifier := verifierFor(f, issuer.key)
	header := issuer.header().String()
	f.Add(header, eternal().String())
	f.Add(header, eternal().With("scope", "orders:read x").With("aud", []string{"redline", "b"}).String())
	f.Add(header, eternal().With("role", "customer").With("customer", "ALFKI").With("nbf", 1.5e3).String())
	f.Add(`{"alg":"EdDSA","typ":"at+jwt","x":{"a":[1,{"a":1}]}}`, strings.Replace(eternal().String(), "{", `{"sub":"a",`, 1))
	f.Add("null", "[]")

	f.Fuzz(func(t *testing.T, header, claims string) {
		principal, err := verifier.Verify(t.Context(), issuer.token(header, claims))
		if err != nil {
			if !errors.Is(err, auth.ErrInvalidToken) || !reflect.DeepEqual(principal, redline.Principal{}) {
				t.Errorf("refused with %+v, %v", principal, err)
			}
			return
		}
		// Read again by other means.
		members := map[string]any{}
		if err := json.Unmarshal([]byte(claims), &members); err != nil {
			t.Fatalf("accepted what is not JSON: %v", err)
		}
		if principal.Subject == "" || principal.Subject != members["sub"] {
			t.Errorf("the subject is %q, the claim %v", principal.Subject, members["sub"])
		}
		if !principal.Role.Valid() || strings.ToLower(string(principal.Role)) != members["role"] {
			t.Errorf("the role is %q, the claim %v", principal.Role, members["role"])
		}
		if (principal.Role == redline.RoleSupplier) != (len(principal.Suppliers) > 0) {
			t.Errorf("%s with the suppliers %q", principal.Role, principal.Suppliers)
		}
		if (principal.Role == redline.RoleCustomer) != (principal.Customer != "") {
			t.Errorf("%s with the customer %q", principal.Role, principal.Customer)
		}
		for _, scope := range principal.Scopes {
			if !slices.Contains(redline.DefaultScopes(principal.Role), scope) {
				t.Errorf("%s with the scope %q", principal.Role, scope)
			}
		}
		if until := time.Until(principal.ExpiresAt); until < -auth.MaxLeeway {
			t.Errorf("expired %v ago", -until)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	for name, issuer := range map[string]party{
		"EdDSA": ed25519Party(b, 1), "RS256": rsaParty(b), "ES256": ecdsaParty(b), "HS256": secretParty(b, "shared"),
	} {
		b.Run(name, func(b *testing.B) {
			verifier := verifierFor(b, issuer.key)
			raw := issuer.token(issuer.header().String(), eternal().String())
			b.ReportAllocs()
			for b.Loop() {
				if _, err := verifier.Verify(b.Context(), raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
