package auth

import (
	"crypto/rsa"
	"errors"

	"github.com/golang-jwt/jwt/v5"
)

// Reason is why a token was refused, as one of a few words that metrics can be told
// apart by: expired, early, issuer, audience, signature, or invalid for all else.
func Reason(err error) string {
	for _, r := range []struct {
		word string
		is   []error
	}{
		{"expired", []error{jwt.ErrTokenExpired}},
		{"early", []error{jwt.ErrTokenNotValidYet, jwt.ErrTokenUsedBeforeIssued}},
		{"issuer", []error{jwt.ErrTokenInvalidIssuer}},
		{"audience", []error{jwt.ErrTokenInvalidAudience}},
		{"signature", []error{jwt.ErrSignatureInvalid, jwt.ErrECDSAVerification, jwt.ErrEd25519Verification, rsa.ErrVerification}},
	} {
		for _, is := range r.is {
			if errors.Is(err, is) {
				return r.word
			}
		}
	}
	return "invalid"
}
