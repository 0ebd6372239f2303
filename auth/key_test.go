package auth_test

import (
	"bytes"
	"crypto/ecdh"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"

	"redline/auth"
)

func decode64(t *testing.T, text string) []byte {
	t.Helper()
	content, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

// TestKeyIDsAreThumbprints compares with the examples that the standards print.
func TestKeyIDsAreThumbprints(t *testing.T) {
	t.Parallel()
	rfc7638 := &rsa.PublicKey{E: 65537, N: new(big.Int).SetBytes(decode64(t, strings.Join([]string{
		"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aP",
		"FFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl9",
		"3lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA",
		"ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3",
		"XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw",
	}, "")))}
	rfc8037 := ed25519.PublicKey(decode64(t, "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"))
	rfc9449, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), slices.Concat([]byte{4},
		decode64(t, "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs"),
		decode64(t, "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA")))
	if err != nil {
		t.Fatal(err)
	}

	text := slices.Concat([]byte("the three keys:\n"),
		publicPEM(t, rfc7638), publicPEM(t, rfc8037), []byte("\n\n"), publicPEM(t, rfc9449))
	keys, err := auth.ParsePublicKeys(text)
	if err != nil {
		t.Fatal(err)
	}
	ids := make([]string, len(keys))
	for i, key := range keys {
		ids[i] = key.ID()
	}
	want := []string{
		"NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs",
		"kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
		"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I",
	}
	if !slices.Equal(ids, want) {
		t.Errorf("got  %q\nwant %q", ids, want)
	}
}

func TestParsePublicKeysRefuses(t *testing.T) {
	t.Parallel()
	good := publicPEM(t, ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	p384, err := ecdsa.GenerateKey(elliptic.P384(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	x25519, err := ecdh.X25519().GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	block := func(kind string, content []byte) []byte {
		return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content})
	}
	for name, bad := range map[string]struct {
		text    []byte
		because string
	}{
		"nothing":                 {nil, "no PEM public key"},
		"no PEM":                  {[]byte("AAAAC3NzaC1lZDI1NTE5"), "no PEM public key"},
		"a small RSA key":         {publicPEM(t, small.Public()), "RSA key of 1024 bits"},
		"another curve":           {publicPEM(t, p384.Public()), "P-384"},
		"a key that can't sign":   {publicPEM(t, x25519.PublicKey()), "only RSA"},
		"a private key":           {block("PRIVATE KEY", der), `"PRIVATE KEY"`},
		"a certificate":           {block("CERTIFICATE", der), `"CERTIFICATE"`},
		"garbage in a block":      {block("PUBLIC KEY", []byte("garbage")), "reading the public key"},
		"a bad second block":      {slices.Concat(good, block("PUBLIC KEY", nil)), "PEM block 2"},
		"a block broken off":      {good[:len(good)-10], "can be read"},
		"a broken block in front": {slices.Concat(good[:40], []byte("\n"), good), "can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			keys, err := auth.ParsePublicKeys(bad.text)
			if err == nil || !strings.Contains(err.Error(), bad.because) {
				t.Errorf("keys %v, error %v; want one of %q", keys, err, bad.because)
			}
		})
	}
}

func TestNewSecretKeyRefuses(t *testing.T) {
	t.Parallel()
	if _, err := auth.NewSecretKey("short", bytes.Repeat([]byte("s"), 31)); err == nil || !strings.Contains(err.Error(), "31 bytes") {
		t.Errorf("31 bytes: %v", err)
	}
	public := publicPEM(t, ed25519.PublicKey(make([]byte, ed25519.PublicKeySize)))
	if _, err := auth.NewSecretKey("public", public); err == nil || !strings.Contains(err.Error(), "public key") {
		t.Errorf("a public key as secret: %v", err)
	}
}

func TestSecretKeyKeepsItsOwnCopy(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("s"), 32)
	key, err := auth.NewSecretKey("", secret)
	if err != nil {
		t.Fatal(err)
	}
	issuer := secretParty(t, "")
	clear(secret)
	accept(t, verifierFor(t, key), issuer.token(issuer.header().String(), goodClaims().String()))
}

func TestNewStaticKeysRefuses(t *testing.T) {
	t.Parallel()
	one, other := ed25519Party(t, 1).key, ed25519Party(t, 2).key
	for because, keys := range map[string][]*auth.Key{
		"no key":                 {},
		"two keys with the id":   {one, other, one},
		`the id "same"`:          {one.WithID("same"), other.WithID("same")},
		"a key's id is empty":    {one, secretParty(t, "").key},
		"has a control":          {one.WithID("a\nb")},
		"more than 200":          {one.WithID(strings.Repeat("a", 201))},
		"a key's id is not vali": {one.WithID("\xff")},
	} {
		if _, err := auth.NewStaticKeys(keys...); err == nil || !strings.Contains(err.Error(), because) {
			t.Errorf("%s: %v", because, err)
		}
	}
}

func TestKeysNeverPrintTheirSecret(t *testing.T) {
	t.Parallel()
	secret := bytes.Repeat([]byte("s"), 32)
	key, err := auth.NewSecretKey("shared", secret)
	if err != nil {
		t.Fatal(err)
	}
	signing, err := auth.LoadOrCreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
		for want, values := range map[string][]any{
			`HS256 key "shared"`: {key, *key},
			"signing EdDSA key " + fmt.Sprintf("%q", signing.Public().ID()): {signing, *signing},
		} {
			for _, value := range values {
				if got := fmt.Sprintf(verb, value); got != want {
					t.Errorf("%s writes %s, want %s", verb, got, want)
				}
			}
		}
	}
}
