package oauth

import (
	"encoding/base64"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

const (
	grantType = "client_credentials"
	// maxBody is the longest body that is read, in bytes.
	maxBody = 8 << 10
)

// tokenRequest is what a request asks for.
type tokenRequest struct {
	clientID, secret string
	// basic says that they came in the Authorization header.
	basic bool
	// scopes are those that are asked for; nil is all that there are.
	scopes []string
}

// readRequest reads a request, or says what is wrong with it.
func readRequest(w http.ResponseWriter, r *http.Request) (*tokenRequest, *refusal) {
	if r.URL.RawQuery != "" || r.URL.ForceQuery {
		return nil, invalidRequest("parameters go into the body, not into the URL")
	}
	given := r.Header.Values("Content-Type")
	if mediaType, _, err := mime.ParseMediaType(strings.Join(given, ",")); err != nil || mediaType != "application/x-www-form-urlencoded" {
		return nil, invalidRequest("the body is to be application/x-www-form-urlencoded")
	}
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if _, long := errors.AsType[*http.MaxBytesError](err); long {
		return nil, &refusal{status: http.StatusRequestEntityTooLarge, code: codeInvalidRequest, says: "the body is longer than 8 KiB"}
	}
	if err != nil {
		return nil, invalidRequest("the body could not be read")
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, invalidRequest("the body is not a form")
	}
	for _, values := range form {
		if len(values) > 1 {
			return nil, invalidRequest("a parameter stands twice")
		}
	}
	asked := &tokenRequest{}
	if refused := asked.identify(r.Header.Values("Authorization"), form); refused != nil {
		return nil, refused
	}
	switch form.Get("grant_type") {
	case grantType:
	case "":
		return nil, invalidRequest("grant_type is missing")
	default:
		return nil, &refusal{status: http.StatusBadRequest, code: "unsupported_grant_type", says: "the only grant_type is client_credentials"}
	}
	// A parameter without a value is as if it weren't there (§3.1).
	if scope := form.Get("scope"); scope != "" {
		asked.scopes = strings.Split(scope, " ")
	}
	return asked, nil
}

// identify finds out which client it says it is (§2.3.1).
func (q *tokenRequest) identify(authorization []string, form url.Values) *refusal {
	id, secret := form.Get("client_id"), form.Get("client_secret")
	switch {
	case len(authorization) > 1:
		return invalidRequest("there is more than one Authorization header")
	case len(authorization) == 0 && (id == "" || secret == ""):
		return errClient
	case len(authorization) == 0:
		q.clientID, q.secret = id, secret
		return nil
	}
	q.basic = true
	var ok bool
	if q.clientID, q.secret, ok = basic(authorization[0]); !ok {
		return errClient
	}
	// A client_id that says the same is no second way to prove it.
	if secret != "" || id != "" && id != q.clientID {
		return invalidRequest("the client is to be named in the Authorization header or in the body, not in both")
	}
	return nil
}

// basic reads the value of an Authorization header: id and secret are urlencoded in
// themselves, which many libraries leave out and which changes nothing of ours.
func basic(value string) (id, secret string, ok bool) {
	scheme, credentials, _ := strings.Cut(value, " ")
	if !strings.EqualFold(scheme, "Basic") {
		return "", "", false
	}
	pair, err := base64.StdEncoding.Strict().DecodeString(strings.TrimLeft(credentials, " "))
	if err != nil {
		return "", "", false
	}
	id, secret, ok = strings.Cut(string(pair), ":")
	for _, part := range []*string{&id, &secret} {
		if *part, err = url.QueryUnescape(*part); err != nil {
			return "", "", false
		}
	}
	return id, secret, ok
}

// narrow are the scopes that are asked for of those that a client has.
func (q *tokenRequest) narrow(has []string) ([]string, *refusal) {
	if q.scopes == nil {
		return has, nil
	}
	var narrowed []string
	for _, scope := range q.scopes {
		if !slices.Contains(has, scope) {
			return nil, &refusal{status: http.StatusBadRequest, code: "invalid_scope", says: "the client has not all of these scopes"}
		}
		if !slices.Contains(narrowed, scope) {
			narrowed = append(narrowed, scope)
		}
	}
	return narrowed, nil
}
