package auth

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// maxJWKSBytes is the longest JWK Set or OpenID configuration that is read.
const maxJWKSBytes = 256 << 10

// maxJWKSURL is the longest URL of a set, in bytes, that an issuer may tell.
const maxJWKSURL = 2000

// source is where an issuer's keys are fetched from.
type source struct {
	// url is of the JWK Set or, with an issuer, of the OpenID configuration that
	// says where that is.
	url    string
	issuer string
	client *http.Client
}

func newSource(jwks, issuer string) (source, error) {
	if (jwks == "") == (issuer == "") {
		return source{}, errors.New("either the URL of a JWK Set or an issuer that tells it")
	}
	at := source{url: jwks, issuer: issuer}
	if issuer != "" {
		at.url = strings.TrimSuffix(issuer, "/") + "/.well-known/openid-configuration"
	}
	if err := CheckJWKSURL(at.url); err != nil {
		return source{}, err
	}
	at.client = &http.Client{
		// A redirect would hand an issuer's word on to somebody else.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            (&net.Dialer{Timeout: jwksTimeout}).DialContext,
			TLSHandshakeTimeout:    jwksTimeout,
			ForceAttemptHTTP2:      true,
			MaxResponseHeaderBytes: 64 << 10,
			// Minutes lie between two requests.
			DisableKeepAlives: true,
		},
	}
	return at, nil
}

// CheckJWKSURL reports why keys can't be fetched from a URL. https is taken, and
// http to this machine: whoever can change what comes over a network could sign
// anything.
func CheckJWKSURL(text string) error {
	at, err := url.Parse(text)
	if err != nil {
		return errors.New("the URL of keys is malformed") // the error repeats it
	}
	switch {
	case at.User != nil:
		return errors.New("the URL of keys has a password, which would stand in the log")
	case at.Hostname() == "" || at.Fragment != "":
		return errors.New("the URL of keys has to be like https://id.example/keys")
	case at.Scheme == "https", at.Scheme == "http" && isLoopback(at.Hostname()):
		return nil
	}
	return errors.New("the URL of keys is not https; http is taken for this machine alone, such as http://127.0.0.1")
}

func isLoopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// keys fetches the keys that are published now.
func (s source) keys(ctx context.Context) (keys []*Key, leftOut []error, err error) {
	at := s.url
	if s.issuer != "" {
		if at, err = s.discover(ctx); err != nil {
			return nil, nil, fmt.Errorf("reading the OpenID configuration: %w", err)
		}
	}
	text, err := s.get(ctx, at)
	if err != nil {
		return nil, nil, fmt.Errorf("fetching the JWK Set: %w", err)
	}
	return ParseJWKS(text)
}

// discover asks the issuer for the URL of its keys (OpenID Connect Discovery
// 1.0 §4.3: the issuer that it names has to be the one that was asked).
func (s source) discover(ctx context.Context) (string, error) {
	text, err := s.get(ctx, s.url)
	if err != nil {
		return "", err
	}
	document, err := decodeObject(text)
	if err != nil {
		return "", err
	}
	if document["issuer"] != s.issuer {
		return "", errors.New("it names another issuer")
	}
	at, ok := document["jwks_uri"].(string)
	if !ok {
		return "", errors.New("it has no jwks_uri")
	}
	if len(at) > maxJWKSURL {
		return "", fmt.Errorf("its jwks_uri is longer than %d bytes", maxJWKSURL)
	}
	if err := CheckJWKSURL(at); err != nil {
		return "", err
	}
	// An issuer elsewhere has no say in what is asked on this machine.
	if plain(at) && !plain(s.url) {
		return "", errors.New("its jwks_uri is on this machine, and the issuer isn't")
	}
	return at, nil
}

// plain reports whether a URL that CheckJWKSURL takes is http, and so to this machine.
func plain(at string) bool {
	parsed, err := url.Parse(at)
	return err == nil && parsed.Scheme == "http"
}

// withoutURL is what is wrong, without the whole URL, which may be the issuer's words.
func withoutURL(err error) error {
	if of, ok := errors.AsType[*url.Error](err); ok {
		return of.Err
	}
	return err
}

func (s source) get(ctx context.Context, at string) (body []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, at, nil)
	if err != nil {
		return nil, withoutURL(err)
	}
	request.Header.Set("Accept", "application/json, application/jwk-set+json")
	request.Header.Set("User-Agent", "redline")
	response, err := s.client.Do(request)
	if err != nil {
		return nil, withoutURL(err)
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the answer is %d; only 200 is taken", response.StatusCode)
	}
	body, err = io.ReadAll(io.LimitReader(response.Body, maxJWKSBytes+1))
	if err != nil {
		return nil, err
	}
	if len(body) > maxJWKSBytes {
		return nil, fmt.Errorf("the answer is longer than %d bytes", maxJWKSBytes)
	}
	return body, nil
}
