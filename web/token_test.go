package web_test

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/web"
)

// withDemo lets an operator and a supplier of the demo sign in.
func withDemo(o *web.Options) {
	o.Demo = []web.Identity{
		{ID: "operator", Role: redline.RoleOperator, Title: "Operator"},
		{ID: "supplier:sauce", Role: redline.RoleSupplier, Title: "Sauce"},
	}
	o.Hosts = []string{"Shop.Example", "gateway.example:8443"}
	o.TTL = 12 * time.Hour
	o.Issue = func(id string) (string, error) { return "token of " + id, nil }
}

const asJSON = "Content-Type: application/json"

// What the dashboard has to know says whom the demo has, and nobody outside it.
func TestAbout(t *testing.T) {
	t.Parallel()
	got := newSite(t).ask(t, http.MethodGet, "/dashboard.json", "").Body.String()
	if want := `{"version":"v1.2.3","explorer":true,"demo":[]}`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
	got = newSite(t, withDemo, func(o *web.Options) { o.Explorer = false }).ask(t, http.MethodGet, "/dashboard.json", "").Body.String()
	if want := `{"version":"v1.2.3","explorer":false,"demo":[{"id":"operator","role":"OPERATOR","title":"Operator"},{"id":"supplier:sauce","role":"SUPPLIER","title":"Sauce"}]}`; got != want {
		t.Errorf("got %s; want %s", got, want)
	}
}

// A page of the gateway's own gets a token, wherever the gateway is surely itself; what is
// no browser at all does as well.
func TestTokenIsGiven(t *testing.T) {
	t.Parallel()
	s := newSite(t, withDemo)
	for _, headers := range [][]string{
		nil,
		{"Sec-Fetch-Site: same-origin", "Origin: http://localhost:8080"},
		{"Origin: http://localhost:8080"},
		{"Host: 127.0.0.1:8080", "Origin: http://127.0.0.1:8080"},
		{"Host: 192.0.2.7", "Origin: http://192.0.2.7"},
		{"Host: [::1]:8080", "Origin: http://[::1]:8080"},
		{"Host: [2001:db8::1]"},
		{"Host: LOCALHOST."},
		{"Host: demo.localhost:8080"},
		{"Host: shop.example", "Origin: https://shop.example"},
		{"Host: gateway.example", "Sec-Fetch-Site: same-origin"},
		{"Host: localhost:5173", "Origin: http://localhost:5173", "Sec-Fetch-Site: same-origin"}, // by a development server's proxy
	} {
		got := s.ask(t, http.MethodPost, "/dashboard/token", `{"id":"supplier:sauce"}`, append([]string{asJSON}, headers...)...)
		if want := `{"access_token":"token of supplier:sauce","expires_in":43200,"token_type":"Bearer"}`; got.Code != http.StatusOK || got.Body.String() != want {
			t.Errorf("%q: %d %s", headers, got.Code, got.Body)
		}
		if got.Header().Get("Cache-Control") != "no-store" || got.Header().Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("%q: %v", headers, got.Header())
		}
	}
	if got := s.ask(t, http.MethodPost, "/dashboard/token", `{"id":"operator"}`, "Content-Type: application/json; charset=utf-8"); got.Code != http.StatusOK {
		t.Errorf("with a charset: %d", got.Code)
	}
}

// Nobody else does, and is told why without a word of what was sent.
func TestTokenIsRefused(t *testing.T) {
	t.Parallel()
	s := newSite(t, withDemo)
	const operator = `{"id":"operator"}`
	for name, test := range map[string]struct {
		method, body string
		headers      []string
		status       int
		code         string
	}{
		"a foreign page":                 {"POST", operator, []string{asJSON, "Origin: http://evil.example"}, 403, "FORBIDDEN"},
		"another port":                   {"POST", operator, []string{asJSON, "Origin: http://localhost:3000"}, 403, "FORBIDDEN"},
		"a page of nowhere":              {"POST", operator, []string{asJSON, "Origin: null"}, 403, "FORBIDDEN"},
		"cross-site":                     {"POST", operator, []string{asJSON, "Sec-Fetch-Site: cross-site"}, 403, "FORBIDDEN"},
		"same-site":                      {"POST", operator, []string{asJSON, "Sec-Fetch-Site: same-site", "Origin: http://localhost:8080"}, 403, "FORBIDDEN"},
		"a rebound name":                 {"POST", operator, []string{asJSON, "Host: evil.example:8080", "Origin: http://evil.example:8080", "Sec-Fetch-Site: same-origin"}, 403, "FORBIDDEN"},
		"a name that looks like ours":    {"POST", operator, []string{asJSON, "Host: localhost.evil.example"}, 403, "FORBIDDEN"},
		"a name with an address":         {"POST", operator, []string{asJSON, "Host: 127.0.0.1.evil.example"}, 403, "FORBIDDEN"},
		"below a name of ours":           {"POST", operator, []string{asJSON, "Host: evil.shop.example"}, 403, "FORBIDDEN"},
		"no host":                        {"POST", operator, []string{asJSON, "Host: "}, 403, "FORBIDDEN"},
		"a form":                         {"POST", operator, []string{"Content-Type: application/x-www-form-urlencoded"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"text, which needs no preflight": {"POST", operator, []string{"Content-Type: text/plain"}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no type":                        {"POST", operator, nil, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"two types":                      {"POST", operator, []string{asJSON, asJSON}, 415, "UNSUPPORTED_MEDIA_TYPE"},
		"no JSON":                        {"POST", `hunter2`, []string{asJSON}, 400, "BAD_REQUEST"},
		"more than one":                  {"POST", operator + operator, []string{asJSON}, 400, "BAD_REQUEST"},
		"a list":                         {"POST", `["operator"]`, []string{asJSON}, 400, "BAD_REQUEST"},
		"a number":                       {"POST", `{"id":1}`, []string{asJSON}, 400, "BAD_REQUEST"},
		"nothing":                        {"POST", ``, []string{asJSON}, 400, "BAD_REQUEST"},
		"nobody":                         {"POST", `{}`, []string{asJSON}, 400, "BAD_REQUEST"},
		"somebody unknown":               {"POST", `{"id":"hunter2"}`, []string{asJSON}, 400, "BAD_REQUEST"},
		"too much":                       {"POST", `{"id":"` + strings.Repeat("hunter2", 200) + `"}`, []string{asJSON}, 413, "PAYLOAD_TOO_LARGE"},
		"by GET":                         {"GET", "", nil, 405, "METHOD_NOT_ALLOWED"},
		"by PUT":                         {"PUT", operator, []string{asJSON}, 405, "METHOD_NOT_ALLOWED"},
	} {
		got := s.ask(t, test.method, "/dashboard/token", test.body, test.headers...)
		if got.Code != test.status || !strings.Contains(got.Body.String(), `"code":"`+test.code+`"`) || strings.Contains(got.Body.String(), "hunter2") ||
			strings.Contains(got.Body.String(), "token of") || got.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %v %s", name, got.Code, got.Header(), got.Body)
		}
		if allow := got.Header().Get("Allow"); (allow == "POST") != (test.status == 405) {
			t.Errorf("%s: Allow %q", name, allow)
		}
	}
}

// A token that can't be made is an error of ours: it is in the log, and not in the answer.
func TestTokenFails(t *testing.T) {
	t.Parallel()
	var log strings.Builder
	s := newSite(t, withDemo, func(o *web.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, nil))
		o.Issue = func(string) (string, error) { return "", errors.New("no key") }
	})
	got := s.ask(t, http.MethodPost, "/dashboard/token", `{"id":"operator"}`, asJSON)
	if got.Code != http.StatusInternalServerError || strings.Contains(got.Body.String(), "no key") || !strings.Contains(log.String(), "no key") {
		t.Errorf("%d %s; the log: %s", got.Code, got.Body, log.String())
	}
}

// A demo that can't give tokens isn't begun.
func TestDemoNeedsTokens(t *testing.T) {
	t.Parallel()
	for name, mend := range map[string]func(*web.Options){
		"no Issue": func(o *web.Options) { o.Issue = nil },
		"no TTL":   func(o *web.Options) { o.TTL = 0 },
	} {
		o := web.Options{Files: built(), Dashboard: true}
		withDemo(&o)
		mend(&o)
		if _, err := web.New(o); err == nil {
			t.Errorf("%s: it is made", name)
		}
	}
}
