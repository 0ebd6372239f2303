package auth

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
)

// KeySetOf is the JWK Set (RFC 7517 §5) of the public halves of signing keys, as
// others verify with it what they sign (RFC 8037 §2).
func KeySetOf(keys ...*SigningKey) ([]byte, error) {
	type jwk struct {
		KeyType   string `json:"kty"`
		Curve     string `json:"crv"`
		X         string `json:"x"`
		KeyID     string `json:"kid"`
		Algorithm string `json:"alg"`
		Use       string `json:"use"`
	}
	set := struct {
		Keys []jwk `json:"keys"`
	}{}
	for _, k := range keys {
		set.Keys = append(set.Keys, jwk{
			KeyType: "OKP", Curve: "Ed25519", X: base64url(k.private.Public().(ed25519.PublicKey)),
			KeyID: k.public.id, Algorithm: k.public.method.Alg(), Use: "sig",
		})
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("writing a key set: %w", err)
	}
	return text, nil
}
