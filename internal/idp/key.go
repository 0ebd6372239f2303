package idp

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"math/big"
	"testing"
)

// Object is a JSON object: a header, or claims.
type Object map[string]any

// With returns a copy with one member set.
func (o Object) With(name string, value any) Object {
	changed := maps.Clone(o)
	changed[name] = value
	return changed
}

// Without returns a copy without one member.
func (o Object) Without(name string) Object {
	changed := maps.Clone(o)
	delete(changed, name)
	return changed
}

// String is the object as JSON.
func (o Object) String() string {
	text, err := json.Marshal(o)
	if err != nil {
		panic(fmt.Errorf("writing an object of a test: %w", err))
	}
	return string(text)
}

// Key is a key of a provider.
type Key struct {
	// ID is its kid; with none its tokens name no key.
	ID string
	// Algorithm is EdDSA, RS256 or ES256.
	Algorithm string
	private   crypto.Signer
}

// NewKey makes a key for an algorithm.
func NewKey(tb testing.TB, id, algorithm string) Key {
	tb.Helper()
	key := Key{ID: id, Algorithm: algorithm}
	var err error
	switch algorithm {
	case "EdDSA":
		_, key.private, err = ed25519.GenerateKey(rand.Reader)
	case "RS256":
		key.private, err = rsa.GenerateKey(rand.Reader, 2048)
	case "ES256":
		key.private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	default:
		tb.Fatalf("no key for %s", algorithm)
	}
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

// Header is that of a token of this key.
func (k Key) Header() Object {
	header := Object{"alg": k.Algorithm, "typ": "JWT"}
	if k.ID != "" {
		header["kid"] = k.ID
	}
	return header
}

// Token is a token with the claims, as the provider makes it.
func (k Key) Token(claims Object) string { return k.Signed(k.Header().String(), claims.String()) }

// Signed signs a header and claims, whatever they are.
func (k Key) Signed(header, claims string) string {
	return k.SignedSegments(Segment(header), Segment(claims))
}

// SignedSegments signs two segments, whatever they are.
func (k Key) SignedSegments(header, claims string) string {
	text := header + "." + claims
	return text + "." + Segment(string(k.sign([]byte(text))))
}

// Segment is unpadded base64url.
func Segment(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// sign writes a signature as RFC 7518 §3 and RFC 8037 have it.
func (k Key) sign(text []byte) []byte {
	digest := sha256.Sum256(text)
	var signature []byte
	var err error
	switch private := k.private.(type) {
	case ed25519.PrivateKey:
		return ed25519.Sign(private, text)
	case *rsa.PrivateKey:
		signature, err = rsa.SignPKCS1v15(rand.Reader, private, crypto.SHA256, digest[:])
	case *ecdsa.PrivateKey:
		var r, s *big.Int
		if r, s, err = ecdsa.Sign(rand.Reader, private, digest[:]); err == nil {
			signature = append(r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))...)
		}
	}
	if err != nil {
		panic(fmt.Errorf("signing a token of a test: %w", err))
	}
	return signature
}

// JWK is the public key as RFC 7517 writes it.
func (k Key) JWK() map[string]any {
	jwk := map[string]any{"use": "sig", "alg": k.Algorithm}
	if k.ID != "" {
		jwk["kid"] = k.ID
	}
	switch public := k.private.Public().(type) {
	case ed25519.PublicKey:
		jwk["kty"], jwk["crv"], jwk["x"] = "OKP", "Ed25519", Segment(string(public))
	case *rsa.PublicKey:
		jwk["kty"], jwk["n"] = "RSA", Segment(string(public.N.Bytes()))
		jwk["e"] = Segment(string(big.NewInt(int64(public.E)).Bytes()))
	case *ecdsa.PublicKey:
		point, err := public.Bytes() // 4, then x and y
		if err != nil {
			panic(fmt.Errorf("writing a key of a test: %w", err))
		}
		jwk["kty"], jwk["crv"], jwk["x"], jwk["y"] = "EC", "P-256", Segment(string(point[1:33])), Segment(string(point[33:]))
	}
	return jwk
}

// PEM is the public key as a PEM block.
func (k Key) PEM() []byte {
	der, err := x509.MarshalPKIXPublicKey(k.private.Public())
	if err != nil {
		panic(fmt.Errorf("writing a key of a test: %w", err))
	}
	return pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
}
