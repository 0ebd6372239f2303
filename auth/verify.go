package auth

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"redline"
)

// ErrInvalidToken is what every refused token and credential matches. The door
// answers them all alike; the rest of the error is for the log, and repeats
// nothing of the token.
var ErrInvalidToken = errors.New("invalid token")

// MaxTokenBytes is the longest token that is looked at.
const MaxTokenBytes = 8 << 10

// How far an issuer's clock may be off: what is allowed by default, and at
// most.
const (
	DefaultLeeway = 10 * time.Second
	MaxLeeway     = 30 * time.Second
)

// VerifierOptions says whose tokens a Verifier takes.
type VerifierOptions struct {
	// Issuers are those whose tokens are taken: at least one, of different names.
	Issuers []Issuer
	// Leeway is by how much exp, nbf and iat may be off. DefaultLeeway for
	// zero; more than MaxLeeway is an error.
	Leeway time.Duration
}

// Verifier turns the tokens of its issuers into principals. It may be used by
// many goroutines.
//
// It remembers the tokens that it found good, so that their signatures are
// verified once: 4096 of them, of 2 KiB at most, by their SHA-256, each for
// some minutes after it was sent last. What may change is looked at each time:
// a token is refused as soon as it has ended, or the issuer's KeySet gives
// another key for it. Of a token that was never good nothing is kept.
type Verifier struct {
	issuers map[string]*trusted // by name
	known   *memory
}

// NewVerifier makes a Verifier.
func NewVerifier(options VerifierOptions) (*Verifier, error) {
	if len(options.Issuers) == 0 {
		return nil, errors.New("no issuer whose tokens would be taken")
	}
	if options.Leeway == 0 {
		options.Leeway = DefaultLeeway
	}
	if options.Leeway < 0 || options.Leeway > MaxLeeway {
		return nil, fmt.Errorf("a leeway of %v; at most %v is allowed", options.Leeway, MaxLeeway)
	}
	v := &Verifier{issuers: make(map[string]*trusted, len(options.Issuers)), known: newMemory()}
	for _, issuer := range options.Issuers {
		ready, err := newTrusted(issuer, []jwt.ParserOption{
			jwt.WithLeeway(options.Leeway), jwt.WithExpirationRequired(), jwt.WithIssuedAt(),
		})
		if err != nil {
			return nil, err
		}
		if v.issuers[issuer.Name] != nil {
			return nil, fmt.Errorf("two issuers of the name %q", issuer.Name)
		}
		v.issuers[issuer.Name] = ready
	}
	return v, nil
}

// Verify returns the principal that a token speaks for, with scopes narrowed
// to what both its role and its scope claim allow. Within the leeway the
// principal's ExpiresAt may have passed already. Every error matches
// ErrInvalidToken.
func (v *Verifier) Verify(ctx context.Context, raw string) (redline.Principal, error) {
	principal, err := v.verify(ctx, raw)
	if err != nil {
		return redline.Principal{}, fmt.Errorf("%w: %w", ErrInvalidToken, err)
	}
	return principal, nil
}

func (v *Verifier) verify(ctx context.Context, raw string) (redline.Principal, error) {
	if len(raw) > MaxTokenBytes {
		return redline.Principal{}, fmt.Errorf("longer than %d bytes", MaxTokenBytes)
	}
	id := tokenID(sha256.Sum256([]byte(raw)))
	if token := v.known.recall(id); token != nil {
		key, err := token.issuer.Keys.Key(ctx, token.keyID)
		if err != nil {
			return redline.Principal{}, fmt.Errorf("finding the key: %w", err)
		}
		if key == token.key {
			return token.principal, token.issuer.validator.Validate(token.claims)
		}
	}
	token, err := v.prove(ctx, raw)
	if err != nil {
		return redline.Principal{}, err
	}
	if len(raw) <= maxRememberedBytes {
		v.known.keep(id, token)
	}
	return token.principal, nil
}

// prove verifies a token that nothing is known of.
func (v *Verifier) prove(ctx context.Context, raw string) (*proven, error) {
	parts := strings.Split(raw, ".")
	if len(parts) != 3 {
		return nil, errors.New("not three parts")
	}
	header, err := readHeader(parts[0])
	if err != nil {
		return nil, err
	}
	payload, err := readPayload(parts[1])
	if err != nil {
		return nil, err
	}
	// Whose keys to ask, says the token itself. Nothing else of the payload is
	// looked at before the signature holds, and then by that issuer's rules.
	issuer, err := v.named(payload)
	if err != nil {
		return nil, err
	}
	key, err := issuer.Keys.Key(ctx, header.keyID)
	if err != nil {
		return nil, fmt.Errorf("finding the key: %w", err)
	}
	if header.algorithm != key.method.Alg() {
		return nil, fmt.Errorf("not signed with %s, the algorithm of its key", key.method.Alg())
	}
	signature, err := decodeSegment(parts[2])
	if err != nil {
		return nil, fmt.Errorf("the signature: %w", err)
	}
	if err := key.method.Verify(parts[0]+"."+parts[1], signature, key.material); err != nil {
		return nil, fmt.Errorf("the signature: %w", err)
	}
	claims, err := readClaims(payload, issuer.paths)
	if err != nil {
		return nil, err
	}
	if err := issuer.validator.Validate(claims); err != nil {
		return nil, err
	}
	principal, err := claims.principal()
	if err != nil {
		return nil, err
	}
	if err := issuer.bound(&principal); err != nil {
		return nil, err
	}
	principal.ClientID = claims.client
	return &proven{issuer: issuer, keyID: header.keyID, key: key, claims: claims, principal: principal}, nil
}

// named finds the issuer that a payload names, which nothing vouches for yet.
func (v *Verifier) named(payload map[string]any) (*trusted, error) {
	name, err := asText(payload["iss"])
	if err != nil {
		return nil, fmt.Errorf("the claim iss: %w", err)
	}
	issuer, ok := v.issuers[name]
	if !ok {
		return nil, errors.New("the token has an unknown issuer")
	}
	return issuer, nil
}

// decodeSegment decodes unpadded base64url of which there is one spelling for
// every content: line breaks, which the decoder would skip, are refused, and so
// are unused bits that are set.
func decodeSegment(segment string) ([]byte, error) {
	if strings.ContainsAny(segment, "\r\n") {
		return nil, errors.New("a line break in base64url")
	}
	content, err := base64.RawURLEncoding.Strict().DecodeString(segment)
	if err != nil {
		return nil, errors.New("not base64url")
	}
	return content, nil
}
