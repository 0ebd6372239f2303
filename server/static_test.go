package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	"redline/limit"
	"redline/server"
)

// A static path is answered whatever token comes with it, with the headers of every
// answer unless its handler sets its own; nothing beside it is, however it is written.
func TestStaticPaths(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'self'")
		_, _ = fmt.Fprint(w, "page ", r.Method)
	})
	script := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = fmt.Fprint(w, "script ", r.Method) })
	s := newServed(t, func(o *server.Options) {
		o.Static = map[string]http.Handler{"/": page, "/assets/a.js": script}
	})
	for _, authorization := range [][]string{nil, {badToken}, {goodToken}, {badToken, goodToken}} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			for path, want := range map[string]struct{ body, policy string }{
				"/": {"page ", "default-src 'self'"}, "/?q=1": {"page ", "default-src 'self'"}, "/assets/a.js": {"script ", server.PolicyAPI}, "/%61ssets/a.js": {"script ", server.PolicyAPI},
			} {
				got := s.do(t, call{method: method, path: path, header: http.Header{"Authorization": authorization}})
				if got.status != http.StatusOK || got.body != want.body+method || got.header.Get("Content-Security-Policy") != want.policy ||
					got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Referrer-Policy") != "no-referrer" || got.header.Get("X-Request-Id") == "" {
					t.Errorf("%s %s with %q: %d %v %s", method, path, authorization, got.status, got.header, got.body)
				}
			}
		}
	}
	for _, path := range []string{
		"/assets/", "/assets", "/assets/b.js", "/Assets/a.js", "//assets/a.js", "/assets//a.js", "/assets/./a.js",
		"/assets/../assets/a.js", "/assets/%2e%2e/assets/a.js", "/assets/..%2fassets%2fa.js", "/assets/../../etc/passwd", "/assets/a.js/", "/assets/a.js%00",
	} {
		got := s.do(t, call{method: http.MethodGet, path: path, header: http.Header{"X-Request-Id": {"r1"}}})
		got.want(t, http.StatusNotFound, `{"error":{"code":"NOT_FOUND","message":"there is nothing at this path","requestId":"r1"}}`)
		if got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

// A page and what it loads take nothing of what an address may ask for, and are there
// when nothing is left of it.
func TestStaticPathsAreFree(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: 3}})
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int32
	static := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })
	s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) {
		o.Static = map[string]http.Handler{"/assets/a.js": static}
	}))
	load := func() {
		t.Helper()
		for range 20 {
			if got := s.do(t, call{method: http.MethodGet, path: "/assets/a.js"}); got.status != http.StatusOK {
				t.Fatalf("it is answered with %d", got.status)
			}
		}
	}
	load()
	if got := s.query(t, "{ hello }"); got.status != http.StatusOK || !strings.Contains(got.body, `"remaining":2`) {
		t.Errorf("pages took of the budget: %d %s", got.status, got.body)
	}
	for range 4 { // unknown paths are counted: what is left is used up
		s.do(t, call{method: http.MethodGet, path: "/assets/b.js"})
	}
	s.query(t, "{ hello }").wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
	load()
	if n := served.Load(); n != 40 {
		t.Errorf("%d requests were served", n)
	}
}
