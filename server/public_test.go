package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"redline"
	"redline/limit"
	"redline/server"
)

// A public path is answered whatever token comes with it, with the request's id and
// address; what lies beside it isn't public.
func TestPublicPathsLookAtNoToken(t *testing.T) {
	t.Parallel()
	public := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Method, " ", redline.RequestIDFrom(r.Context()), " ", redline.AddressFrom(r.Context()))
	})
	s := newServed(t, func(o *server.Options) { o.Public = map[string]http.Handler{"/oauth/token": public} })
	for _, authorization := range [][]string{nil, {badToken}, {goodToken}, {"Basic YTpi"}, {badToken, goodToken}} {
		for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodDelete} {
			got := s.do(t, call{method: method, path: "/oauth/token", header: http.Header{"Authorization": authorization, "X-Request-Id": {"r-1"}}})
			if want := method + " r-1 127.0.0.1"; got.status != http.StatusOK || got.body != want {
				t.Errorf("with %q: %d %q; want %q", authorization, got.status, got.body, want)
			}
		}
	}
	for _, path := range []string{"/oauth/token/", "/oauth", "/OAUTH/token"} {
		if got := s.do(t, call{path: path, header: http.Header{"Authorization": {badToken}}}); got.status != http.StatusUnauthorized {
			t.Errorf("%s is answered with %d", path, got.status)
		}
	}
}

// A private path is answered once the token was looked at, by who has it, or as nobody; a bad
// token gets no further. It counts against its address.
func TestPrivatePathsKnowWhoAsks(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: 5}})
	if err != nil {
		t.Fatal(err)
	}
	private := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprint(w, r.Method, " by ", redline.PrincipalFrom(r.Context()).Subject)
	})
	s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) {
		o.Private = map[string]http.Handler{"/feed": private}
	}))
	for _, test := range []struct {
		authorization []string
		status        int
		body          string
	}{
		{nil, http.StatusOK, "POST by "},
		{[]string{goodToken}, http.StatusOK, "POST by ann"},
		{[]string{badToken}, http.StatusUnauthorized, ""},
		{[]string{goodToken, goodToken}, http.StatusUnauthorized, ""},
	} {
		got := s.do(t, call{method: http.MethodPost, path: "/feed", header: http.Header{"Authorization": test.authorization}})
		if got.status != test.status || test.body != "" && got.body != test.body {
			t.Errorf("with %q: %d %s", test.authorization, got.status, got.body)
		}
	}
	if got := s.query(t, "{ hello }"); !strings.Contains(got.body, `"remaining":0`) {
		t.Errorf("four requests left of 5 points: %s", got.body)
	}
}

// ownWords is a handler that refuses in its own words.
type ownWords struct{ http.Handler }

func (ownWords) ServeRateLimited(w http.ResponseWriter, _ *http.Request, wait time.Duration) {
	w.WriteHeader(http.StatusTooManyRequests)
	_, _ = fmt.Fprint(w, "own words, ", wait > 0)
}

// A public path counts against its address whatever is answered there, and whoever has
// nothing left is told so, in the path's own words where it has some.
func TestPublicPathsAreRateLimited(t *testing.T) {
	t.Parallel()
	l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: 5}})
	if err != nil {
		t.Fatal(err)
	}
	var served atomic.Int32
	public := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { served.Add(1) })
	s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) {
		o.Public = map[string]http.Handler{"/oauth/token": ownWords{public}, "/plain": public}
	}))
	for range 6 {
		if got := s.do(t, call{path: "/oauth/token"}); got.status != http.StatusOK {
			t.Fatalf("refused too soon: %d %s", got.status, got.body)
		}
	}
	if got := s.do(t, call{path: "/oauth/token"}); got.status != http.StatusTooManyRequests || got.body != "own words, true" {
		t.Errorf("with nothing left: %d %s", got.status, got.body)
	}
	if got := s.do(t, call{path: "/plain"}); got.status != http.StatusTooManyRequests || !strings.Contains(got.body, "RATE_LIMITED") {
		t.Errorf("at a path without words of its own: %d %s", got.status, got.body)
	}
	s.query(t, "{ hello }").wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
	if n := served.Load(); n != 6 {
		t.Errorf("%d requests were served", n)
	}
}
