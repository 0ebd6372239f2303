package auth_test

import (
	"errors"
	"log/slog"
	"reflect"
	"testing"
	"time"

	"redline"
	"redline/auth"
	"redline/internal/idp"
)

// Every forged token is refused at the public door, whether its issuer's keys
// are set or fetched, alone or beside another issuer's.
func TestEveryForgedTokenIsRefused(t *testing.T) {
	t.Parallel()
	ed, rsa, ec := idp.NewKey(t, "one", "EdDSA"), idp.NewKey(t, "two", "RS256"), idp.NewKey(t, "three", "ES256")
	neighbour := idp.NewKey(t, "one", "EdDSA")
	ours, theirs := idp.Start(t, ed, rsa, ec), idp.Start(t, neighbour)
	issuer := func(p *idp.Provider, keys auth.KeySet) auth.Issuer {
		return auth.Issuer{Name: p.URL, Audiences: []string{"redline", "shop"}, Keys: keys}
	}
	other := issuer(theirs, published(t, auth.JWKSOptions{URL: theirs.KeysURL()}))
	good := func() idp.Object {
		now := time.Now().Unix()
		return idp.Object{
			"iss": ours.URL, "aud": "shop", "sub": canary, "exp": now + 60, "iat": now, "role": "supplier", "suppliers": []string{"sauce"},
		}
	}
	forger := idp.Forger{Good: good, EdDSA: ed, RS256: rsa, ES256: ec, Neighbour: neighbour, NeighbourName: theirs.URL}
	static, err := auth.NewStaticKeys(parsed(t, ed), parsed(t, rsa), parsed(t, ec))
	if err != nil {
		t.Fatal(err)
	}
	for name, issuers := range map[string][]auth.Issuer{
		"set":     {issuer(ours, static), other},
		"fetched": {issuer(ours, published(t, auth.JWKSOptions{URL: ours.KeysURL()})), other},
		"alone":   {issuer(ours, static)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: issuers})
			if err != nil {
				t.Fatal(err)
			}
			for _, key := range []idp.Key{ed, rsa, ec} {
				accept(t, verifier, key.Token(good()))
			}
			if name != "alone" {
				accept(t, verifier, neighbour.Token(good().With("iss", theirs.URL)))
			}
			for _, forged := range forger.All(t) {
				for range 2 { // it isn't remembered either
					principal, err := verifier.Verify(t.Context(), forged.Token)
					if err == nil || !errors.Is(err, auth.ErrInvalidToken) || !reflect.DeepEqual(principal, redline.Principal{}) {
						t.Errorf("%s: %+v, %v", forged.Name, principal, err)
					}
				}
			}
		})
	}
}

// parsed is a key as a PEM file has it, under the provider's kid.
func parsed(t *testing.T, key idp.Key) *auth.Key {
	t.Helper()
	keys, err := auth.ParsePublicKeys(key.PEM())
	if err != nil {
		t.Fatal(err)
	}
	return keys[0].WithID(key.ID)
}

// quiet is a log that nobody reads.
var quiet = slog.New(slog.DiscardHandler)

// published fetches keys until the test ends.
func published(tb testing.TB, options auth.JWKSOptions) *auth.JWKS {
	tb.Helper()
	if options.Log == nil {
		options.Log = quiet
	}
	keys, err := auth.NewJWKS(options)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(keys.Close)
	return keys
}
