package auth

import (
	"cmp"
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
	// Keys are the issuer's. Required.
	Keys KeySet
	// Issuer and Audience are what iss must be and aud must have, to the
	// letter. "redline" unless set.
	Issuer   string
	Audience string
	// Clients says that the claim client_id names one of the gateway's own OAuth
	// clients: that its tokens are issued by the gateway. Other issuers' clients are
	// theirs, and nothing to a principal.
	Clients bool
	// Leeway is by how much exp, nbf and iat may be off. DefaultLeeway for
	// zero; more than MaxLeeway is an error.
	Leeway time.Duration
}

// Verifier turns one issuer's tokens into principals. It may be used by many
// goroutines.
//
// It remembers the tokens that it found good, so that their signatures are
// verified once: 4096 of them, of 2 KiB at most, by their SHA-256, each for
// some minutes after it was sent last. What may change is looked at each time:
// a token is refused as soon as it has ended, or the KeySet gives another key
// for it. Of a token that was never good nothing is kept.
type Verifier struct {
	keys    KeySet
	claims  *jwt.Validator
	clients bool
	known   *memory
}

// NewVerifier makes a Verifier.
func NewVerifier(options VerifierOptions) (*Verifier, error) {
	if options.Keys == nil {
		return nil, errors.New("no key to verify tokens with")
	}
	if options.Issuer == "" {
		options.Issuer = DefaultIssuer
	}
	if options.Audience == "" {
		options.Audience = DefaultAudience
	}
	if options.Leeway == 0 {
		options.Leeway = DefaultLeeway
	}
	if err := cmp.Or(checkText("the issuer", options.Issuer), checkText("the audience", options.Audience)); err != nil {
		return nil, err
	}
	if options.Leeway < 0 || options.Leeway > MaxLeeway {
		return nil, fmt.Errorf("a leeway of %v; at most %v is allowed", options.Leeway, MaxLeeway)
	}
	return &Verifier{
		keys:    options.Keys,
		clients: options.Clients,
		known:   newMemory(),
		claims: jwt.NewValidator(
			jwt.WithIssuer(options.Issuer),
			jwt.WithAudience(options.Audience),
			jwt.WithLeeway(options.Leeway),
			jwt.WithExpirationRequired(),
			jwt.WithIssuedAt(),
		),
	}, nil
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
		key, err := v.keys.Key(ctx, token.keyID)
		if err != nil {
			return redline.Principal{}, fmt.Errorf("finding the key: %w", err)
		}
		if key == token.key {
			return token.principal, v.claims.Validate(token.claims)
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
	key, err := v.keys.Key(ctx, header.keyID)
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
	payload, err := decodeSegment(parts[1])
	if err != nil {
		return nil, fmt.Errorf("the claims: %w", err)
	}
	claims, err := readClaims(payload)
	if err != nil {
		return nil, err
	}
	if err := v.claims.Validate(claims); err != nil {
		return nil, err
	}
	principal, err := claims.principal()
	if err != nil {
		return nil, err
	}
	if v.clients {
		principal.ClientID = claims.client
	}
	return &proven{keyID: header.keyID, key: key, claims: claims, principal: principal}, nil
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
