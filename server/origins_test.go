package server_test

import (
	"crypto/tls"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline/limit"
	"redline/server"
)

const (
	shopPage  = "https://shop.example"
	otherPage = "https://evil.example"
)

func origins(tb testing.TB, list ...string) *server.Origins {
	tb.Helper()
	o, err := server.ParseOrigins(list)
	if err != nil {
		tb.Fatal(err)
	}
	return o
}

func sharedWith(tb testing.TB, list ...string) *served {
	tb.Helper()
	return newServed(tb, func(o *server.Options) {
		o.Origins, o.MaxBodyBytes = origins(tb, list...), 1000
		o.Metrics = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("up 1\n")) })
	})
}

func preflight(path, origin, method string, headers ...string) call {
	return call{method: http.MethodOptions, path: path, header: http.Header{
		"Origin": {origin}, "Access-Control-Request-Method": {method}, "Access-Control-Request-Headers": headers,
	}}
}

// varies reports whether an answer says that it depends on a header of the request.
func (a answer) varies(name string) bool {
	return slices.ContainsFunc(a.header.Values("Vary"), func(line string) bool {
		return slices.ContainsFunc(strings.Split(line, ","), func(one string) bool { return strings.EqualFold(strings.TrimSpace(one), name) })
	})
}

func TestPreflights(t *testing.T) {
	t.Parallel()
	s := sharedWith(t, shopPage, "http://localhost:3000")
	const wanted = "apollographql-client-name,authorization,content-type,idempotency-key,last-event-id,traceparent,x-request-id"
	for _, path := range []string{server.PathGraphQL, server.PathTicket} {
		got := s.do(t, preflight(path, shopPage, http.MethodPost, wanted))
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": shopPage, "Access-Control-Allow-Methods": http.MethodPost, "Access-Control-Allow-Headers": wanted,
			"Access-Control-Max-Age": "600", "Access-Control-Allow-Credentials": "",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s: %s is %q", path, name, got.header.Get(name))
			}
		}
		if got.status != http.StatusNoContent || !got.varies("Origin") || got.header.Get("X-Request-Id") == "" {
			t.Errorf("%s: %d, %v", path, got.status, got.header)
		}
	}
	for name, c := range map[string]call{
		"a foreign page":      preflight(server.PathGraphQL, otherPage, http.MethodPost, "content-type"),
		"another scheme":      preflight(server.PathGraphQL, "http://shop.example", http.MethodPost, "content-type"),
		"another port":        preflight(server.PathGraphQL, shopPage+":8443", http.MethodPost, "content-type"),
		"a longer host":       preflight(server.PathGraphQL, shopPage+".evil.example", http.MethodPost, "content-type"),
		"a page of no origin": preflight(server.PathGraphQL, "null", http.MethodPost, "content-type"),
		"another header":      preflight(server.PathGraphQL, shopPage, http.MethodPost, "x-forwarded-for"),
		"another method":      preflight(server.PathGraphQL, shopPage, http.MethodTrace),
		"the metrics":         preflight(server.PathMetrics, shopPage, http.MethodGet, "authorization"),
		"the tokens' door":    preflight("/oauth/token", shopPage, http.MethodPost, "authorization"),
	} {
		if got := s.do(t, c); got.header.Get("Access-Control-Allow-Origin") != "" || got.header.Get("Access-Control-Allow-Headers") != "" {
			t.Errorf("%s is let in: %v", name, got.header)
		}
	}
}

// A page may see why it was refused, whichever way it was.
func TestAnswersThatPagesMaySee(t *testing.T) {
	t.Parallel()
	s := sharedWith(t, shopPage)
	for name, one := range map[string]struct {
		call   call
		status int
	}{
		"an answer":     {call{body: `{"query":"{ hello }"}`}, http.StatusOK},
		"a GET":         {call{method: http.MethodGet, path: "/graphql?query={hello}"}, http.StatusOK},
		"bad":           {call{body: `{`}, http.StatusBadRequest},
		"a bad token":   {call{header: http.Header{"Authorization": {badToken}}}, http.StatusUnauthorized},
		"too large":     {call{body: strings.Repeat(" ", 2000)}, http.StatusRequestEntityTooLarge},
		"another type":  {call{header: http.Header{"Content-Type": {"text/plain"}}}, http.StatusUnsupportedMediaType},
		"not allowed":   {call{method: http.MethodDelete}, http.StatusMethodNotAllowed},
		"no acceptable": {call{header: http.Header{"Accept": {"image/png"}}}, http.StatusNotAcceptable},
	} {
		for _, page := range []string{shopPage, otherPage, ""} {
			c := one.call
			c.header = c.header.Clone()
			if c.header == nil {
				c.header = http.Header{}
			}
			if page != "" {
				c.header.Set("Origin", page)
			}
			got := s.do(t, c)
			allowed, seen := got.header.Get("Access-Control-Allow-Origin"), got.header.Get("Access-Control-Expose-Headers")
			if want := map[bool]string{true: shopPage}[page == shopPage]; got.status != one.status || allowed != want || !got.varies("Origin") {
				t.Errorf("%s, from %q: %d, allowed for %q, Vary %q", name, page, got.status, allowed, got.header.Values("Vary"))
			}
			if page == shopPage && (!strings.Contains(seen, "X-Request-Id") || !strings.Contains(seen, "Retry-After")) {
				t.Errorf("%s: the page sees %q", name, seen)
			}
			if got.header.Get("Access-Control-Allow-Credentials") != "" {
				t.Errorf("%s: with credentials", name)
			}
		}
	}
}

func TestNoPageIsAllowedUnlessItIsListed(t *testing.T) {
	t.Parallel()
	for name, s := range map[string]*served{"no list": newServed(t), "an empty list": sharedWith(t)} {
		for _, c := range []call{preflight(server.PathGraphQL, shopPage, http.MethodPost), {body: `{"query":"{ hello }"}`, header: http.Header{"Origin": {shopPage}}}} {
			if got := s.do(t, c); got.header.Get("Access-Control-Allow-Origin") != "" {
				t.Errorf("%s: %v", name, got.header)
			}
		}
	}
}

func TestAnyPageMayBeAllowed(t *testing.T) {
	t.Parallel()
	s := sharedWith(t, server.AnyOrigin)
	for _, c := range []call{
		preflight(server.PathGraphQL, otherPage, http.MethodPost, "authorization"),
		{body: `{"query":"{ hello }"}`, header: http.Header{"Origin": {otherPage}}},
	} {
		if got := s.do(t, c); got.header.Get("Access-Control-Allow-Origin") != "*" || got.header.Get("Access-Control-Allow-Credentials") != "" {
			t.Errorf("%v", got.header)
		}
	}
	if got := s.do(t, call{method: http.MethodGet, path: server.PathMetrics, header: http.Header{"Origin": {otherPage}}}); got.header.Get("Access-Control-Allow-Origin") != "" {
		t.Errorf("the metrics: %v", got.header)
	}
}

func TestParseOriginsTellsAllFaults(t *testing.T) {
	t.Parallel()
	bad := []string{
		"shop.example", "https://shop.example/", "https://shop.example/path", "ftp://shop.example", "https://", "https://ann@shop.example",
		"https://shop.example?x", "https://*.shop.example", "https://shop.example:", "null", "", "//shop.example", "https://shop.example:port",
	}
	_, err := server.ParseOrigins(append([]string{shopPage, "*"}, bad...))
	if err == nil {
		t.Fatal("they were taken")
	}
	for _, text := range bad {
		if !strings.Contains(err.Error(), `"`+text+`"`) {
			t.Errorf("nothing is said of %q", text)
		}
	}
	if !strings.Contains(err.Error(), "* is every origin") || strings.Contains(err.Error(), `"`+shopPage+`"`) {
		t.Errorf("%v", err)
	}
}

// Websockets are opened by the pages that are listed, by the gateway's own, and by
// what is no page.
func TestWhoseSocketsAreOpened(t *testing.T) {
	t.Parallel()
	listed, all := origins(t, "https://Shop.example:443", "http://localhost:3000"), origins(t, "*")
	for _, one := range []struct {
		origins    []string
		host       string
		plain, tls bool
	}{
		{nil, "gateway.example", true, true},
		{[]string{shopPage}, "gateway.example", true, true},
		{[]string{"https://SHOP.example"}, "gateway.example", true, true},
		{[]string{"https://shop.example:443"}, "gateway.example", true, true},
		{[]string{"http://localhost:3000"}, "gateway.example", true, true},
		{[]string{"http://shop.example"}, "gateway.example", false, false},
		{[]string{"https://shop.example.evil"}, "gateway.example", false, false},
		{[]string{"http://localhost:3001"}, "gateway.example", false, false},
		{[]string{"null"}, "gateway.example", false, false},
		{[]string{""}, "gateway.example", false, false},
		{[]string{"*"}, "gateway.example", false, false},
		{[]string{"%"}, "gateway.example", false, false},
		{[]string{shopPage, shopPage}, "gateway.example", false, false},
		// Its own, whatever stands in front. A page that came without https isn't let
		// in where https is known to be spoken.
		{[]string{"https://gateway.example"}, "gateway.example", true, true},
		{[]string{"https://gateway.example"}, "Gateway.example:443", true, true},
		{[]string{"http://gateway.example"}, "gateway.example", true, false},
		{[]string{"http://gateway.example:8080"}, "gateway.example:8080", true, false},
		{[]string{"https://gateway.example:8443"}, "gateway.example", false, false},
		{[]string{"http://[::1]:8080"}, "[::1]:8080", true, false},
	} {
		for secure, want := range map[bool]bool{false: one.plain, true: one.tls} {
			var got, gotAny bool
			r := newRig(t, server.ExecOptions{}, func(o *server.Options) {
				// It sees the request as a websocket would be opened with.
				o.Metrics = http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { got, gotAny = listed.Allow(r), all.Allow(r) })
			})
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, server.PathMetrics, nil)
			request.Host, request.Header["Origin"] = one.host, one.origins
			if secure {
				request.TLS = &tls.ConnectionState{}
			}
			r.ServeHTTP(httptest.NewRecorder(), request)
			if got != want {
				t.Errorf("from %q at %s, https %t: %t", one.origins, one.host, secure, got)
			}
			if wantAny := len(one.origins) < 2; gotAny != wantAny {
				t.Errorf("from %q where any will do: %t", one.origins, gotAny)
			}
		}
	}
}

func TestWhatBrowsersMayNotDo(t *testing.T) {
	t.Parallel()
	const year = 365 * 24 * time.Hour
	s, _ := startSecure(t, func(o *server.Options) { o.HSTS = year })
	plain := newServed(t, func(o *server.Options) { o.HSTS = year })
	for _, c := range []call{
		{body: `{"query":"{ hello }"}`}, {body: `{`}, {header: http.Header{"Authorization": {badToken}}},
		{method: http.MethodGet, path: server.PathHealth}, {method: http.MethodGet, path: server.PathReady}, {method: http.MethodGet, path: "/nowhere"},
	} {
		got := s.do(t, c)
		for name, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
			"Referrer-Policy": "no-referrer", "Cross-Origin-Resource-Policy": "same-origin", "Strict-Transport-Security": "max-age=31536000",
			"Server": "", "X-Powered-By": "",
		} {
			if got.header.Get(name) != want {
				t.Errorf("%s %s: %s is %q", c.method, c.path, name, got.header.Get(name))
			}
		}
		if got := plain.do(t, c).header.Get("Strict-Transport-Security"); got != "" {
			t.Errorf("without https it says %s", got)
		}
	}
	silent, _ := startSecure(t)
	if got := silent.query(t, "{ hello }").header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("unasked it says %s", got)
	}
}

// A page that may not open a websocket is told so as of any refusal: by a code and the
// request's id, in the log with its origin, and at the cost of its address.
func TestASocketRefusedForItsOrigin(t *testing.T) {
	t.Parallel()
	for name, list := range map[string]*server.Origins{"no list": nil, "a list": origins(t, shopPage)} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const points = 5
			l, err := limit.New(limit.Options{Address: limit.Bucket{Rate: neverBack, Burst: points}})
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, newRig(t, server.ExecOptions{RateLimiter: l}, func(o *server.Options) {
				o.WebSocket = &echoSocket{websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}}
				o.Origins = list
			}))
			open := func() answer {
				_, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(s.url, "http")+server.PathGraphQL, http.Header{"Origin": {otherPage}, "X-Request-Id": {"r1"}})
				if err == nil {
					t.Fatal("a foreign page opened a websocket")
				}
				return read(t, response)
			}
			got := open()
			got.wantError(t, http.StatusForbidden, "FORBIDDEN", "origin")
			if !strings.Contains(got.body, `"requestId":"r1"`) || got.header.Get("Content-Type") != typeGraphQL {
				t.Errorf("%v %s", got.header, got.body)
			}
			if lines := s.log.lines(t, "origin refused"); len(lines) != 1 || lines[0]["origin"] != otherPage || lines[0]["requestId"] != "r1" {
				t.Errorf("the log: %s", s.log)
			}
			if lines := s.log.lines(t, "request"); len(lines) != 1 || lines[0]["status"] != float64(http.StatusForbidden) {
				t.Errorf("the access log: %s", s.log)
			}
			for range points {
				open().wantError(t, http.StatusForbidden, "FORBIDDEN")
			}
			open().wantError(t, http.StatusTooManyRequests, "RATE_LIMITED")
		})
	}
}
