package auth_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"redline/auth"
	"redline/internal/idp"
)

func jwksOf(keys ...any) string { return idp.Object{"keys": keys}.String() }

// What can't be used is left out, and doesn't keep the rest from being used.
func TestParseJWKSLeavesOut(t *testing.T) {
	t.Parallel()
	ed, r, ec := idp.NewKey(t, "good", "EdDSA"), idp.NewKey(t, "rsa", "RS256"), idp.NewKey(t, "ec", "ES256")
	with := func(key idp.Key, name string, value any) idp.Object { return idp.Object(key.JWK()).With(name, value) }
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	point, err := p384.PublicKey.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	number := func(n *big.Int) string { return idp.Segment(string(n.Bytes())) }
	huge := new(big.Int).SetBit(big.NewInt(1), 8200, 1)
	for name, bad := range map[string]struct {
		jwk     any
		because string
	}{
		"for encryption":             {with(r, "use", "enc"), "use"},
		"another use":                {with(r, "use", "tls"), "use"},
		"a use that is none":         {with(r, "use", ""), "use"},
		"operations without verify":  {with(r, "key_ops", []string{"encrypt"}), "key_ops"},
		"no operations":              {with(r, "key_ops", []string{}), "key_ops"},
		"operations that are text":   {with(r, "key_ops", "verify"), "key_ops"},
		"operations of numbers":      {with(r, "key_ops", []any{"verify", 1}), "key_ops"},
		"an algorithm of encryption": {with(r, "alg", "RSA-OAEP"), "alg"},
		"RS512":                      {with(r, "alg", "RS512"), "alg"},
		"PS256":                      {with(r, "alg", "PS256"), "alg"},
		"HS256 with a public key":    {with(r, "alg", "HS256"), "alg"},
		"the alg of another kty":     {with(ec, "alg", "RS256"), "alg"},
		"a secret":                   {idp.Object{"kty": "oct", "kid": "s", "k": idp.Segment(strings.Repeat("s", 32))}, "secret"},
		"a private RSA key":          {with(r, "d", "AQAB"), "secret"},
		"a private EC key":           {with(ec, "d", "AQAB"), "secret"},
		"a private Ed25519 key":      {with(idp.NewKey(t, "x", "EdDSA"), "d", nil), "secret"},
		"a small RSA key":            {idp.Object{"kty": "RSA", "kid": "small", "n": number(small.N), "e": "AQAB"}, "1024 bits"},
		"a huge RSA key":             {idp.Object{"kty": "RSA", "kid": "huge", "n": number(huge), "e": "AQAB"}, "8201 bits"},
		"an exponent of 1":           {with(r, "e", "AQ"), "malformed"},
		"a huge exponent":            {with(r, "e", "AQAAAAAAAQAB"), "malformed"},
		"P-384":                      {idp.Object{"kty": "EC", "crv": "P-384", "kid": "p", "x": idp.Segment(string(point[1:49])), "y": idp.Segment(string(point[49:]))}, "P-384"},
		"a point off the curve":      {with(ec, "x", idp.Segment(strings.Repeat("\x01", 32))), "malformed"},
		"no point":                   {idp.Object{"kty": "EC", "crv": "P-256", "kid": "p", "x": "", "y": ""}, "x is not"},
		"the point at infinity":      {idp.Object{"kty": "EC", "crv": "P-256", "kid": "p", "x": idp.Segment(strings.Repeat("\x00", 32)), "y": idp.Segment(strings.Repeat("\x00", 32))}, "malformed"},
		"a short Ed25519 key":        {with(idp.NewKey(t, "x", "EdDSA"), "x", "AAAA"), "malformed"},
		"X25519":                     {with(idp.NewKey(t, "x", "EdDSA"), "crv", "X25519"), "type"},
		"Ed448":                      {with(idp.NewKey(t, "x", "EdDSA"), "crv", "Ed448"), "malformed"},
		"no kty":                     {idp.Object(r.JWK()).Without("kty"), "kty"},
		"kty in lower case":          {with(r, "kty", "rsa"), "kty"},
		"kty of tomorrow":            {with(r, "kty", "AKP"), "kty"},
		"a kid with a control":       {with(r, "kid", "a\nb"), "kid"},
		"a kid that is long":         {with(r, "kid", strings.Repeat("k", 201)), "kid"},
		"a kid that is a number":     {with(r, "kid", 1), "kid"},
		"no kid beside others":       {idp.Object(r.JWK()).Without("kid"), "without a kid"},
		"a key that is text":         {"key", "not an object"},
		"a key that is null":         {nil, "not an object"},
		"a number as its modulus":    {with(r, "n", 5), "n is not"},
		"base64 that is none":        {with(r, "n", "!!!"), "malformed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, leftOut, err := auth.ParseJWKS([]byte(jwksOf(bad.jwk, ed.JWK())))
			if err != nil || len(keys) != 1 || keys[0].ID() != "good" || len(leftOut) != 1 || !strings.Contains(leftOut[0].Error(), bad.because) {
				t.Errorf("keys %v, left out %v, error %v", keys, leftOut, err)
			}
			if bad.because == "without a kid" {
				return
			}
			if keys, leftOut, err := auth.ParseJWKS([]byte(jwksOf(bad.jwk))); err != nil || len(keys) != 0 || len(leftOut) != 1 || !strings.Contains(leftOut[0].Error(), bad.because) {
				t.Errorf("alone: keys %v, left out %v, error %v", keys, leftOut, err)
			}
		})
	}
}

// Sets of which nothing is used.
func TestParseJWKSRefuses(t *testing.T) {
	t.Parallel()
	one, other := idp.NewKey(t, "same", "EdDSA").JWK(), idp.NewKey(t, "same", "ES256").JWK()
	many := make([]any, 101)
	for i := range many {
		many[i] = one
	}
	for name, bad := range map[string]struct{ text, because string }{
		"nothing":            {"", "not JSON"},
		"an array":           {"[]", "not a JSON object"},
		"no keys":            {"{}", "no array of keys"},
		"keys that are null": {`{"keys":null}`, "no array of keys"},
		"keys in an object":  {`{"keys":{}}`, "no array of keys"},
		"Keys":               {`{"Keys":[]}`, "no array of keys"},
		"too many":           {jwksOf(many...), "101 keys"},
		"keys twice":         {`{"keys":[],"keys":[]}`, "twice"},
		"a member twice":     {`{"keys":[{"kty":"RSA","kty":"EC"}]}`, "twice"},
		"deep nesting":       {`{"keys":[],"x":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`, "too deep"},
		"not UTF-8":          {"{\"keys\":[],\"x\":\"\xff\"}", "UTF-8"},
		"something after it": {jwksOf(one) + "x", "not JSON"},
	} {
		if keys, _, err := auth.ParseJWKS([]byte(bad.text)); err == nil || !strings.Contains(err.Error(), bad.because) || len(keys) > 0 {
			t.Errorf("%s: keys %v, error %v", name, keys, err)
		}
	}
	if _, _, err := auth.ParseJWKS([]byte(jwksOf(one, other))); err == nil || !strings.Contains(err.Error(), `two keys with the id "same"`) {
		t.Errorf("one kid twice: %v", err)
	}
}

// A set may have no key that is used, which is another thing than one that can't be read.
func TestParseJWKSOfNoKeys(t *testing.T) {
	t.Parallel()
	nameless := idp.Object(idp.NewKey(t, "kid", "EdDSA").JWK()).Without("kid")
	for text, because := range map[string]string{`{"keys":[]}`: "", jwksOf(nameless, nameless): "without a kid"} {
		keys, leftOut, err := auth.ParseJWKS([]byte(text))
		if err != nil || len(keys) != 0 || !strings.Contains(fmt.Sprint(leftOut), because) {
			t.Errorf("%s: keys %v, left out %v, error %v", text, keys, leftOut, err)
		}
	}
}

// What identity providers publish beside the key itself is no hindrance.
func TestParseJWKSTakes(t *testing.T) {
	t.Parallel()
	for _, algorithm := range []string{"EdDSA", "RS256", "ES256"} {
		plain := idp.Object(idp.NewKey(t, "kid", algorithm).JWK())
		for _, jwk := range []idp.Object{
			plain, plain.Without("use").Without("alg"), plain.With("key_ops", []string{"verify"}), plain.With("x5t", "abc"),
			plain.With("x5c", []string{"not a certificate"}).With("x5u", "http://a.example/"), plain.With("ext", true).With("nbf", 5),
		} {
			if keys, leftOut, err := auth.ParseJWKS([]byte(jwksOf(jwk))); err != nil || len(keys) != 1 || len(leftOut) != 0 {
				t.Errorf("%v: left out %v, error %v", jwk, leftOut, err)
			}
		}
	}
}

// FuzzParseJWKS looks for a set that breaks the reader, or gives a key that is none.
func FuzzParseJWKS(f *testing.F) {
	var keys []any
	for _, algorithm := range []string{"EdDSA", "RS256", "ES256"} {
		key := idp.NewKey(f, algorithm, algorithm)
		keys = append(keys, key.JWK())
		f.Add(jwksOf(key.JWK()))
		f.Add(jwksOf(idp.Object(key.JWK()).Without("kid").With("d", "AQAB")))
	}
	f.Add(jwksOf(keys...))
	f.Add(`{"keys":[{"kty":"oct","k":"c2VjcmV0"},{"kty":"EC","crv":"P-256","x":"","y":""}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		keys, _, err := auth.ParseJWKS([]byte(text))
		if err != nil && len(keys) > 0 {
			t.Fatalf("%d keys and %v", len(keys), err)
		}
		if len(keys) == 0 {
			return
		}
		set, err := auth.NewStaticKeys(keys...)
		if err != nil {
			t.Fatalf("not a set: %v", err)
		}
		for _, key := range keys {
			if got, err := set.Key(t.Context(), key.ID()); err != nil || got != key {
				t.Errorf("%v isn't found: %v", key, err)
			}
		}
	})
}
