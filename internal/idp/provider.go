// Package idp is an issuer of tokens for tests. It signs whatever it is told
// to, publishes its keys on this machine as an identity provider does, and
// forges.
package idp

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
)

// Provider publishes keys over HTTP at PathKeys, and an OpenID configuration
// that says so.
type Provider struct {
	// URL is where it is, without a slash at the end, and its name.
	URL string

	mu     sync.Mutex
	keys   []map[string]any
	answer http.HandlerFunc
	asked  int
}

// The paths that a Provider answers.
const (
	PathKeys          = "/keys"
	PathConfiguration = "/.well-known/openid-configuration"
)

// Start starts a provider that publishes these keys, until the test ends.
func Start(tb testing.TB, keys ...Key) *Provider {
	tb.Helper()
	p := &Provider{}
	p.Publish(keys...)
	server := httptest.NewServer(p)
	tb.Cleanup(server.Close)
	p.URL = server.URL
	return p
}

// KeysURL is where the keys are published.
func (p *Provider) KeysURL() string { return p.URL + PathKeys }

// Publish puts these keys in the place of those that are published.
func (p *Provider) Publish(keys ...Key) {
	jwks := make([]map[string]any, len(keys))
	for i, key := range keys {
		jwks[i] = key.JWK()
	}
	p.PublishJWKs(jwks...)
}

// PublishJWKs publishes whatever it is given.
func (p *Provider) PublishJWKs(jwks ...map[string]any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.keys, p.answer = jwks, nil
}

// Answer has every request answered by answer, until something is published.
func (p *Provider) Answer(answer http.HandlerFunc) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.answer = answer
}

// Asked is how many requests there were.
func (p *Provider) Asked() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.asked
}

// ServeHTTP answers as the provider does now.
func (p *Provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.asked++
	answer, keys := p.answer, p.keys
	p.mu.Unlock()
	switch {
	case answer != nil:
		answer(w, r)
	case r.URL.Path == PathKeys:
		writeJSON(w, map[string]any{"keys": keys})
	case r.URL.Path == PathConfiguration:
		writeJSON(w, map[string]any{"issuer": p.URL, "jwks_uri": p.KeysURL()})
	default:
		http.NotFound(w, r)
	}
}

func writeJSON(w http.ResponseWriter, content any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(content) // whoever asked has gone
}
