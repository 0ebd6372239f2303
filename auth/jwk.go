package auth

import (
	"errors"
	"fmt"
	"slices"

	"github.com/MicahParks/jwkset"
)

// maxJWKs is how many keys a set may have.
const maxJWKs = 100

// privateMembers are what a JWK has that must stay with its owner (RFC 7518 §6).
var privateMembers = []string{"d", "p", "q", "dp", "dq", "qi", "oth", "k"}

// ParseJWKS reads a JWK Set (RFC 7517 §5): the keys in it that verify what
// this gateway takes, RSA of 2048 to 8192 bits, ECDSA P-256 and Ed25519. The id
// of a key is its kid.
//
// An issuer may publish keys for other uses beside them, and those are left
// out, as the RFC asks: another kty or curve, use, key_ops or alg. So is a key
// whose private part is published, which anybody could sign with, a secret, and
// one without a kid beside others, since no token could name it. The second
// result says why, for each that was left out.
//
// A set is refused as a whole if it isn't well-formed, has more than 100 keys, or
// two that can be used with the same kid. One of which none can be used is no error:
// the issuer says that it has none. No error repeats more of the text than a kid that
// was found harmless.
func ParseJWKS(text []byte) (keys []*Key, leftOut []error, err error) {
	document, err := decodeObject(text)
	if err != nil {
		return nil, nil, fmt.Errorf("the JWK Set: %w", err)
	}
	elements, ok := document["keys"].([]any)
	if !ok {
		return nil, nil, errors.New("the JWK Set has no array of keys")
	}
	if len(elements) > maxJWKs {
		return nil, nil, fmt.Errorf("the JWK Set has %d keys; at most %d are taken", len(elements), maxJWKs)
	}
	for i, element := range elements {
		key, err := keyOfJWK(element)
		if err != nil {
			leftOut = append(leftOut, fmt.Errorf("key %d of the JWK Set: %w", i+1, err))
			continue
		}
		keys = append(keys, key)
	}
	if len(keys) > 1 {
		named := slices.DeleteFunc(slices.Clone(keys), func(k *Key) bool { return k.id == "" })
		if n := len(keys) - len(named); n > 0 {
			leftOut = append(leftOut, fmt.Errorf("%d keys without a kid, beside others", n))
		}
		keys = named
	}
	if len(keys) == 0 {
		return nil, leftOut, nil
	}
	if _, err := NewStaticKeys(keys...); err != nil {
		return nil, nil, fmt.Errorf("the JWK Set: %w", err)
	}
	return keys, leftOut, nil
}

// keyOfJWK reads one key. Of its members those alone are read that make it:
// certificates and what would fetch some are left aside.
func keyOfJWK(element any) (*Key, error) {
	members, ok := element.(map[string]any)
	if !ok {
		return nil, errors.New("not an object")
	}
	for _, name := range privateMembers {
		if _, present := members[name]; present {
			return nil, errors.New("it holds a secret, which whoever reads the set could sign with")
		}
	}
	r := jwkReader{members: members}
	marshal := jwkset.JWKMarshal{
		KTY: jwkset.KTY(r.text("kty")), CRV: jwkset.CRV(r.text("crv")),
		X: r.text("x"), Y: r.text("y"), N: r.text("n"), E: r.text("e"),
	}
	use, algorithm, id := r.text("use"), r.text("alg"), r.text("kid")
	operations := r.operations()
	if r.err != nil {
		return nil, r.err
	}
	if use != "" && use != "sig" {
		return nil, errors.New("its use is not sig")
	}
	if operations != nil && !slices.Contains(operations, "verify") {
		return nil, errors.New("its key_ops don't have verify")
	}
	if id != "" {
		if err := checkText("its kid", id); err != nil {
			return nil, err
		}
	}
	jwk, err := jwkset.NewJWKFromMarshal(marshal, jwkset.JWKMarshalOptions{}, jwkset.JWKValidateOptions{})
	if err != nil {
		// Its own words may repeat what the issuer sent.
		return nil, errors.New("it is not a key of a known kty and curve, or malformed")
	}
	key, err := newPublicKey(jwk.Key())
	if err != nil {
		return nil, err
	}
	if algorithm != "" && algorithm != key.method.Alg() {
		return nil, fmt.Errorf("its alg is not %s", key.method.Alg())
	}
	return key.WithID(id), nil
}

// jwkReader reads members by type and keeps the first error.
type jwkReader struct {
	members map[string]any
	err     error
}

func (r *jwkReader) text(name string) string {
	value, present := r.members[name]
	text, ok := value.(string)
	if present && (!ok || text == "") && r.err == nil {
		r.err = fmt.Errorf("its %s is not a string", name)
	}
	return text
}

func (r *jwkReader) operations() []string {
	value, present := r.members["key_ops"]
	if !present {
		return nil
	}
	elements, ok := value.([]any)
	operations := make([]string, 0, len(elements))
	for _, element := range elements {
		operation, isText := element.(string)
		ok = ok && isText
		operations = append(operations, operation)
	}
	if !ok && r.err == nil {
		r.err = errors.New("its key_ops are not an array of strings")
	}
	return operations
}
