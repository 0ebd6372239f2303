package auth_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/auth"
	"redline/internal/idp"
)

// canary stands in everything that forged tokens say, so that a test can see
// whether an error repeats it.
const canary = "canary"

// party is an issuer of tokens whose making is left to the test.
type party struct {
	key  *auth.Key
	alg  string
	sign func(text string) []byte
}

func ed25519Party(tb testing.TB, seed byte) party {
	tb.Helper()
	private := ed25519.NewKeyFromSeed([]byte(strings.Repeat(string(rune(seed)), ed25519.SeedSize)))
	return party{
		key:  parsePublic(tb, private.Public()),
		alg:  "EdDSA",
		sign: func(text string) []byte { return ed25519.Sign(private, []byte(text)) },
	}
}

// rsaPrivate is shared by the tests because it is slow to make.
var rsaPrivate = sync.OnceValues(func() (*rsa.PrivateKey, error) { return rsa.GenerateKey(rand.Reader, 2048) })

func rsaParty(tb testing.TB) party {
	tb.Helper()
	private, err := rsaPrivate()
	if err != nil {
		tb.Fatal(err)
	}
	return party{
		key: parsePublic(tb, private.Public()),
		alg: "RS256",
		sign: func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			signature, err := rsa.SignPKCS1v15(nil, private, crypto.SHA256, sum[:])
			if err != nil {
				tb.Fatal(err)
			}
			return signature
		},
	}
}

func ecdsaParty(tb testing.TB) party {
	tb.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return party{
		key: parsePublic(tb, private.Public()),
		alg: "ES256",
		sign: func(text string) []byte {
			sum := sha256.Sum256([]byte(text))
			r, s, err := ecdsa.Sign(rand.Reader, private, sum[:])
			if err != nil {
				tb.Fatal(err)
			}
			return append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		},
	}
}

func secretParty(tb testing.TB, id string) party {
	tb.Helper()
	secret := []byte(strings.Repeat("s", 32))
	key, err := auth.NewSecretKey(id, secret)
	if err != nil {
		tb.Fatal(err)
	}
	return party{key: key, alg: "HS256", sign: func(text string) []byte { return hs256(text, secret) }}
}

func hs256(text string, secret []byte) []byte {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func publicPEM(tb testing.TB, public any) []byte {
	tb.Helper()
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		tb.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}

func parsePublic(tb testing.TB, public any) *auth.Key {
	tb.Helper()
	keys, err := auth.ParsePublicKeys(publicPEM(tb, public))
	if err != nil {
		tb.Fatal(err)
	}
	if len(keys) != 1 {
		tb.Fatalf("%d keys from one PEM block", len(keys))
	}
	return keys[0]
}

// object is a JSON object that a test makes up.
type object = idp.Object

func (p party) header() object {
	header := object{"alg": p.alg, "typ": "JWT"}
	if id := p.key.ID(); id != "" {
		header["kid"] = id
	}
	return header
}

// goodClaims are a supplier's, valid for a minute.
func goodClaims() object {
	return object{
		"iss": auth.DefaultIssuer, "aud": auth.DefaultAudience, "sub": canary + "-subject",
		"exp": time.Now().Add(time.Minute).Unix(), "iat": time.Now().Unix(),
		"role": "supplier", "suppliers": []string{canary + "-code"},
	}
}

func b64(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// token signs a header and claims, whatever they say.
func (p party) token(header, claims string) string { return p.tokenOf(b64(header), b64(claims)) }

// tokenOf signs two segments, whatever they are.
func (p party) tokenOf(header, claims string) string {
	text := header + "." + claims
	return text + "." + b64(string(p.sign(text)))
}

// ours is the issuer that goodClaims names.
func ours(keys auth.KeySet) auth.Issuer {
	return auth.Issuer{Name: auth.DefaultIssuer, Audiences: []string{auth.DefaultAudience}, Keys: keys}
}

func verifierFor(tb testing.TB, keys ...*auth.Key) *auth.Verifier {
	tb.Helper()
	set, err := auth.NewStaticKeys(keys...)
	if err != nil {
		tb.Fatal(err)
	}
	verifier, err := auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{ours(set)}})
	if err != nil {
		tb.Fatal(err)
	}
	return verifier
}

func accept(tb testing.TB, verifier *auth.Verifier, raw string) redline.Principal {
	tb.Helper()
	principal, err := verifier.Verify(tb.Context(), raw)
	if err != nil {
		tb.Fatalf("a good token was refused: %v", err)
	}
	return principal
}

// refuse checks that a token is refused for this reason, as every bad token is,
// and that the error keeps quiet about it.
func refuse(tb testing.TB, verifier *auth.Verifier, raw, because string) {
	tb.Helper()
	principal, err := verifier.Verify(tb.Context(), raw)
	if err == nil {
		tb.Fatalf("accepted as %+v", principal)
	}
	if !reflect.DeepEqual(principal, redline.Principal{}) {
		tb.Errorf("refused, but with the principal %+v", principal)
	}
	if !errors.Is(err, auth.ErrInvalidToken) {
		tb.Errorf("%v is not ErrInvalidToken", err)
	}
	if !strings.Contains(err.Error(), because) {
		tb.Errorf("refused because of %q, not because of %q", err, because)
	}
	if strings.Contains(err.Error(), canary) {
		tb.Errorf("the error repeats what the token says: %v", err)
	}
	for part := range strings.SplitSeq(raw, ".") {
		if len(part) > 8 && strings.Contains(err.Error(), part) {
			tb.Errorf("the error repeats a part of the token: %v", err)
		}
	}
}
