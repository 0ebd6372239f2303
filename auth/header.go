package auth

import (
	"errors"
	"fmt"
	"strings"
)

// tokenHeader is what a token's header says about its signature.
type tokenHeader struct {
	algorithm string
	keyID     string // empty where the token names no key
}

// refusedHeaders would have the token choose how it is verified or read. crit
// demands extensions, of which there are none here, and b64 is one (RFC 7797);
// cty says that another token is inside (RFC 7519 §5.2); the others bring or
// fetch a key. Ignoring those would be safe as well, but a token that has one
// was not made for this gateway.
var refusedHeaders = []string{"crit", "b64", "cty", "jku", "jwk", "x5u", "x5c"}

// readHeader reads a header that nothing vouches for yet. An absent typ is
// taken, since RFC 7519 leaves it to the issuer; one that is there must say
// that the token is a JWT or an access token, so that no other kind of JWT of
// the same issuer passes for one.
func readHeader(segment string) (tokenHeader, error) {
	text, err := decodeSegment(segment)
	if err != nil {
		return tokenHeader{}, fmt.Errorf("the header: %w", err)
	}
	members, err := decodeObject(text)
	if err != nil {
		return tokenHeader{}, fmt.Errorf("the header: %w", err)
	}
	for _, name := range refusedHeaders {
		if _, present := members[name]; present {
			return tokenHeader{}, fmt.Errorf("the header has %s", name)
		}
	}
	if typ, present := members["typ"]; present && !knownType(typ) {
		return tokenHeader{}, errors.New("the header's typ is neither JWT nor at+jwt")
	}
	var header tokenHeader
	if header.algorithm, err = asText(members["alg"]); err != nil {
		return tokenHeader{}, fmt.Errorf("the header's alg: %w", err)
	}
	if kid, present := members["kid"]; present {
		if header.keyID, err = asText(kid); err != nil {
			return tokenHeader{}, fmt.Errorf("the header's kid: %w", err)
		}
	}
	return header, nil
}

func knownType(typ any) bool {
	text, ok := typ.(string)
	return ok && (strings.EqualFold(text, "JWT") || strings.EqualFold(text, "at+jwt"))
}
