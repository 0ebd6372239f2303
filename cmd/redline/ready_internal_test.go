package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// A transaction that is left open on the event log makes no gateway unready for a while:
// the log is read all the same. One that isn't read does, soon.
func TestFollowing(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		read, look time.Duration
		words      []string
	}{
		"all is well":                        {time.Millisecond, 200 * time.Millisecond, nil},
		"a writer that is open for a minute": {10 * time.Millisecond, time.Minute, nil},
		"a writer that is open for long":     {10 * time.Millisecond, 6 * time.Minute, []string{"6m0s", "transaction"}},
		"a log that doesn't answer":          {11 * time.Second, 12 * time.Second, []string{"answered 11s ago", "12s"}},
	} {
		err := following(test.read, test.look)
		if (err == nil) != (test.words == nil) {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q says nothing of %s", name, err, word)
			}
		}
	}
}

// Whoever asks for a gateway's health is told what isn't ready, and why where that is
// public, and where it was asked in the wrong way.
func TestHealthSaysWhatIsNotReady(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		status       int
		answer, want string
	}{
		"ready":        {200, `{"ready":true,"notReady":[]}`, ""},
		"a check":      {503, `{"ready":false,"notReady":["database"]}`, "isn't ready: database (its log has more)"},
		"with reasons": {503, `{"ready":false,"notReady":["database","event log"],"reasons":{"event log":"nobody wrote one"}}`, "isn't ready: database; event log: nobody wrote one (its log"},
		"another":      {502, "<html>", "isn't ready: 502 Bad Gateway"},
		"an error":     {429, `{"error":{"code":"RATE_LIMITED"}}`, "isn't ready: 429 Too Many Requests"},
	} {
		web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(test.status)
			_, _ = io.WriteString(w, test.answer)
		}))
		err := (&healthCmd{Addr: web.Listener.Addr().String()}).Run(t.Context(), streams{io.Discard, io.Discard})
		web.Close()
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One that speaks https and is asked by http, or the other way round, says what to set.
func TestHealthHintsAtHTTPS(t *testing.T) {
	t.Parallel()
	ready := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"ready":true,"notReady":[]}`) })
	plain, secure := httptest.NewServer(ready), httptest.NewUnstartedServer(ready)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	for _, test := range []struct {
		web        *httptest.Server
		cert, want string
	}{
		{plain, "", ""},
		{secure, "tls.crt", ""},
		{secure, "", "speaks https: set --tls-cert"},
		{plain, "tls.crt", "speaks plain HTTP: leave --tls-cert"},
	} {
		err := (&healthCmd{Addr: test.web.Listener.Addr().String(), TLSCert: test.cert}).Run(t.Context(), streams{io.Discard, io.Discard})
		if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s with %q: %v", test.web.URL, test.cert, err)
		}
	}
}
