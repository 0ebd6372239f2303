package server_test

import (
	"fmt"
	"net/http"
	"testing"

	"redline"
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
