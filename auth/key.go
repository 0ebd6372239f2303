package auth

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"

	"github.com/golang-jwt/jwt/v5"
)

const (
	minRSABits     = 2048
	maxRSABits     = 8192 // a larger one takes long to verify with
	minSecretBytes = 32
)

// Key verifies the signatures of one issuer's key. It is bound to one
// algorithm: EdDSA for Ed25519, RS256 for RSA, ES256 for ECDSA P-256 and HS256
// for a secret. Its value never changes.
type Key struct {
	id       string
	method   jwt.SigningMethod
	material any
}

// ID is what a token's kid must say to mean this key. It is empty for a secret
// that was given none.
func (k Key) ID() string { return k.id }

// WithID returns the same key under another id, for issuers that name their
// keys otherwise than by thumbprint.
func (k *Key) WithID(id string) *Key {
	return &Key{id: id, method: k.method, material: k.material}
}

// is reports whether the two are the same public key under the same id.
func (k *Key) is(other *Key) bool {
	material, ok := k.material.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.id == other.id && k.method == other.method && material.Equal(other.material)
}

// Format writes the key's algorithm and id, whatever the verb, so that no log
// line can hold a secret.
func (k Key) Format(f fmt.State, _ rune) {
	_, _ = fmt.Fprintf(f, "%s key %q", k.method.Alg(), k.id)
}

// ParsePublicKeys reads one or more PEM public keys ("PUBLIC KEY" blocks): RSA
// of 2048 bits or more, ECDSA P-256, or Ed25519. Each key's id is its RFC 7638
// thumbprint. Anything else in the text that looks like a PEM block is an
// error, so that no key is left out unnoticed.
func ParsePublicKeys(text []byte) ([]*Key, error) {
	begun := bytes.Count(text, []byte("-----BEGIN "))
	if begun == 0 {
		return nil, errors.New(`no PEM public key: expected "-----BEGIN PUBLIC KEY-----"`)
	}
	keys := make([]*Key, 0, begun)
	for n := 1; n <= begun; n++ {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, fmt.Errorf("%d PEM blocks begin, but only %d can be read", begun, n-1)
		}
		key, err := publicKeyFrom(block)
		if err != nil {
			return nil, fmt.Errorf("PEM block %d: %w", n, err)
		}
		keys = append(keys, key)
		text = rest
	}
	return keys, nil
}

func publicKeyFrom(block *pem.Block) (*Key, error) {
	if block.Type != "PUBLIC KEY" {
		return nil, fmt.Errorf("a %q where a public key belongs: "+
			"openssl pkey -pubout makes one of a private key, openssl x509 -pubkey -noout of a certificate", block.Type)
	}
	public, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("reading the public key: %w", err)
	}
	return newPublicKey(public)
}

// newPublicKey binds a public key to the one algorithm of its type.
func newPublicKey(public any) (*Key, error) {
	switch public := public.(type) {
	case ed25519.PublicKey:
		id := thumbprint(fmt.Sprintf(`{"crv":"Ed25519","kty":"OKP","x":"%s"}`, base64url(public)))
		return &Key{id: id, method: jwt.SigningMethodEdDSA, material: public}, nil
	case *ecdsa.PublicKey:
		if public.Curve != elliptic.P256() {
			return nil, fmt.Errorf("an ECDSA key on %s; only P-256 is taken", public.Curve.Params().Name)
		}
		point, err := public.Bytes() // 4, then x and y of equal length
		if err != nil {
			return nil, fmt.Errorf("reading the ECDSA key: %w", err)
		}
		x, y := point[1:1+len(point)/2], point[1+len(point)/2:]
		id := thumbprint(fmt.Sprintf(`{"crv":"P-256","kty":"EC","x":"%s","y":"%s"}`, base64url(x), base64url(y)))
		return &Key{id: id, method: jwt.SigningMethodES256, material: public}, nil
	case *rsa.PublicKey:
		if bits := public.N.BitLen(); bits < minRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits; it needs at least %d", bits, minRSABits)
		} else if bits > maxRSABits {
			return nil, fmt.Errorf("an RSA key of %d bits; at most %d are taken", bits, maxRSABits)
		}
		e := big.NewInt(int64(public.E)).Bytes()
		id := thumbprint(fmt.Sprintf(`{"e":"%s","kty":"RSA","n":"%s"}`, base64url(e), base64url(public.N.Bytes())))
		return &Key{id: id, method: jwt.SigningMethodRS256, material: public}, nil
	default:
		return nil, fmt.Errorf("a key of type %T; only RSA, ECDSA P-256 and Ed25519 are taken", public)
	}
}

// NewSecretKey makes an HS256 key of a secret of 32 bytes or more, which the
// issuer shares. The id may be empty where the issuer's tokens carry no kid.
func NewSecretKey(id string, secret []byte) (*Key, error) {
	if len(secret) < minSecretBytes {
		return nil, fmt.Errorf("the HS256 secret has %d bytes; it needs at least %d", len(secret), minSecretBytes)
	}
	// With a public key as the secret, everybody who knows that key could sign.
	if bytes.Contains(secret, []byte("-----BEGIN ")) {
		return nil, errors.New("the HS256 secret is a PEM document: configure it as a public key")
	}
	return &Key{id: id, method: jwt.SigningMethodHS256, material: bytes.Clone(secret)}, nil
}

// thumbprint is the RFC 7638 digest of a key's required members, which must be
// given in the order of their names and without white space.
func thumbprint(members string) string {
	sum := sha256.Sum256([]byte(members))
	return base64url(sum[:])
}

func base64url(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
