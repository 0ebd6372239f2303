package auth

import (
	"fmt"
	"strings"
)

// Bearer reads the value of an Authorization header (RFC 6750 §2.1), from a
// request or from a websocket's connection_init. An empty value means that
// there is none: present is false. Anything else than the scheme Bearer, in
// upper or lower case, and one well-formed token is an error that matches
// ErrInvalidToken.
func Bearer(header string) (token string, present bool, err error) {
	if header == "" {
		return "", false, nil
	}
	scheme, rest, _ := strings.Cut(header, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", true, fmt.Errorf("%w: the authorization is not of the scheme Bearer", ErrInvalidToken)
	}
	token = strings.TrimLeft(rest, " ")
	if !isToken68(token) {
		return "", true, fmt.Errorf("%w: the authorization does not have one well-formed token", ErrInvalidToken)
	}
	return token, true, nil
}

// BearerFrom is Bearer for all the Authorization headers of a request, of
// which there may be one at most: which of two a proxy looked at, nobody knows.
func BearerFrom(headers []string) (token string, present bool, err error) {
	switch len(headers) {
	case 0:
		return "", false, nil
	case 1:
		return Bearer(headers[0])
	default:
		return "", true, fmt.Errorf("%w: more than one authorization", ErrInvalidToken)
	}
}

// isToken68 is RFC 9110 §11.2: one or more of these, then any number of "=".
func isToken68(text string) bool {
	text = strings.TrimRight(text, "=")
	for i := range len(text) {
		if !inToken68[text[i]] {
			return false
		}
	}
	return text != ""
}

// inToken68 are the bytes of a token.
var inToken68 = func() (in [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/") {
		in[c] = true
	}
	return in
}()
