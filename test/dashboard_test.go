package test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"redline"
)

// page asks for something that isn't GraphQL, with headers, name: value each.
func (s *server) page(t testing.TB, method, path, body string, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range headers {
		name, value, _ := strings.Cut(header, ": ")
		if name == "Host" {
			req.Host = value
			continue
		}
		req.Header.Set(name, value)
	}
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{status: resp.StatusCode, header: resp.Header, body: string(text)}
}

// loaded are what a page loads at once.
var loaded = regexp.MustCompile(`(?:src|href)="(/assets/[^"]+)"`)

// The gateway has a dashboard and an explorer, which run what it serves and nothing else,
// and which load from a browser's own memory what has not changed.
func TestPages(t *testing.T) {
	t.Parallel()
	s := demo(t)
	for path, policy := range map[string]string{
		"/":         "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
		"/explorer": "default-src 'none'; script-src 'self'; worker-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; connect-src 'self'; font-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
	} {
		got := s.page(t, http.MethodGet, path, "")
		if got.status != http.StatusOK || got.header.Get("Content-Type") != "text/html; charset=utf-8" || got.header.Get("Cache-Control") != "no-cache" ||
			got.header.Get("Content-Security-Policy") != policy || got.header.Get("X-Content-Type-Options") != "nosniff" || got.header.Get("Referrer-Policy") != "no-referrer" {
			t.Errorf("%s: %d %v", path, got.status, got.header)
		}
		again := s.page(t, http.MethodGet, path, "", "If-None-Match: "+got.header.Get("ETag"))
		if again.status != http.StatusNotModified || again.body != "" {
			t.Errorf("%s again: %d %q", path, again.status, again.body)
		}
		links := loaded.FindAllStringSubmatch(got.body, -1)
		if len(links) == 0 {
			t.Errorf("%s loads nothing: %s", path, got.body)
		}
		for _, link := range links {
			plain := s.page(t, http.MethodGet, link[1], "", "Accept-Encoding: identity")
			if plain.status != http.StatusOK || plain.header.Get("Cache-Control") != "public, max-age=31536000, immutable" || plain.header.Get("Content-Encoding") != "" {
				t.Errorf("%s loads %s: %d %v", path, link[1], plain.status, plain.header)
			}
			small := s.page(t, http.MethodHead, link[1], "", "Accept-Encoding: gzip, deflate, br, zstd")
			if small.status != http.StatusOK || small.header.Get("Content-Type") != plain.header.Get("Content-Type") ||
				len(plain.body) > 1000 && (small.header.Get("Content-Encoding") != "zstd" || small.header.Get("ETag") == plain.header.Get("ETag")) {
				t.Errorf("%s loads %s compressed: %d %v", path, link[1], small.status, small.header)
			}
		}
	}
	for _, path := range []string{"/assets/", "/assets/made-up.js", "/assets/%2e%2e/index.html", "/assets/..%2findex.html", "/index.html"} {
		got := s.page(t, http.MethodGet, path, "")
		if got.status != http.StatusNotFound || !strings.Contains(got.body, `"code":"NOT_FOUND"`) || got.header.Get("Content-Security-Policy") != "default-src 'none'; frame-ancestors 'none'" {
			t.Errorf("%s: %d %s", path, got.status, got.body)
		}
	}
	if got := s.page(t, http.MethodPost, "/", ""); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: %d %v", got.status, got.header)
	}
	metrics := s.page(t, http.MethodGet, "/metrics", "").body
	for _, want := range []string{`redline_http_requests_total{method="GET",path="/",status="200"}`, `path="/explorer",status="304"`, `path="/assets/",status="404"`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("nothing is counted as %s", want)
		}
	}
	if strings.Contains(metrics, "made-up") {
		t.Error("a made-up path is a label")
	}
}

// In demo mode a visitor signs in as anybody of the demo, with the rights of that one;
// from a page of the gateway's own alone; and no token is in the log.
func TestSigningInToTheDemo(t *testing.T) {
	t.Parallel()
	s := demo(t)
	var about struct {
		Version  string
		Explorer bool
		Demo     []struct{ ID, Role, Title string }
	}
	if err := json.Unmarshal([]byte(s.page(t, http.MethodGet, "/dashboard.json", "").body), &about); err != nil {
		t.Fatal(err)
	}
	if about.Version == "" || !about.Explorer {
		t.Errorf("the page is told %+v", about)
	}
	ask := func(id string, headers ...string) answer {
		return s.page(t, http.MethodPost, "/dashboard/token", `{"id":"`+id+`"}`, append([]string{"Content-Type: application/json"}, headers...)...)
	}
	roles := map[string]int{}
	for _, user := range about.Demo {
		roles[user.Role]++
		got := ask(user.ID, "Origin: http://"+s.addr, "Sec-Fetch-Site: same-origin")
		var token struct {
			AccessToken string `json:"access_token"`
			TokenType   string `json:"token_type"`
			ExpiresIn   int    `json:"expires_in"`
		}
		if err := json.Unmarshal([]byte(got.body), &token); err != nil || got.status != http.StatusOK || token.TokenType != "Bearer" || token.ExpiresIn != 12*60*60 {
			t.Fatalf("%s: %d %s", user.ID, got.status, got.body)
		}
		viewer := s.as(token.AccessToken).ask(t, `{ viewer { role suppliers { code name } } }`, nil)
		if viewer.text("viewer.role") != user.Role {
			t.Errorf("%s is %s", user.ID, viewer.body)
		}
		if code, supplier := strings.CutPrefix(user.ID, "supplier:"); supplier && (viewer.text("viewer.suppliers.0.code") != code || viewer.text("viewer.suppliers.0.name") != user.Title) {
			t.Errorf("%s speaks for %s", user.ID, viewer.body)
		}
	}
	for _, role := range redline.Roles {
		if n := roles[string(role)]; n == 0 || role == redline.RoleSupplier && n != 29 {
			t.Errorf("%d may sign in as %s", n, role)
		}
	}
	for what, headers := range map[string][]string{
		"a foreign page":    {"Origin: http://evil.example"},
		"another site":      {"Sec-Fetch-Site: cross-site"},
		"another port":      {"Sec-Fetch-Site: same-site", "Origin: http://127.0.0.1:1"},
		"a rebound name":    {"Host: evil.example", "Origin: http://evil.example", "Sec-Fetch-Site: same-origin"},
		"a page of nowhere": {"Origin: null"},
	} {
		if got := ask("operator", headers...); got.status != http.StatusForbidden || strings.Contains(got.body, "eyJ") {
			t.Errorf("%s gets %d %s", what, got.status, got.body)
		}
	}
	if got := ask("made-up"); got.status != http.StatusBadRequest || !strings.Contains(got.body, "there is nobody with this id") {
		t.Errorf("a made-up id: %d %s", got.status, got.body)
	}
	if strings.Contains(s.log.String(), "eyJ") {
		t.Error("a token is in the log")
	}
}

// Each page is there where it is switched on; and tokens are given away in demo mode alone.
func TestSwitchesOfPages(t *testing.T) {
	t.Parallel()
	is := func(on bool) int {
		if on {
			return http.StatusOK
		}
		return http.StatusNotFound
	}
	for name, test := range map[string]struct {
		args                        []string
		dashboard, explorer, tokens bool
	}{
		"as it is":     {nil, true, false, false},
		"an explorer":  {[]string{"--explorer", "--no-dashboard"}, false, true, false},
		"neither":      {[]string{"--demo", "--no-dashboard", "--no-explorer"}, false, false, false},
		"development":  {[]string{"--dev"}, true, true, false},
		"own keys":     {[]string{"--demo", "--signing-key", ownKey(t), "--no-explorer"}, true, false, false},
		"a plain demo": {[]string{"--demo", "--no-explorer"}, true, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := start(t, ownDir(t), test.args...)
			any := test.dashboard || test.explorer
			about := s.page(t, http.MethodGet, "/dashboard.json", "")
			if about.status != is(any) || any && strings.Contains(about.body, `"demo":[]`) == test.tokens {
				t.Errorf("/dashboard.json: %d %s", about.status, about.body)
			}
			if got := s.page(t, http.MethodGet, "/", "").status; got != is(test.dashboard) {
				t.Errorf("/: %d", got)
			}
			if got := s.page(t, http.MethodGet, "/explorer", "").status; got != is(test.explorer) {
				t.Errorf("/explorer: %d", got)
			}
			got := s.page(t, http.MethodPost, "/dashboard/token", `{"id":"operator"}`, "Content-Type: application/json")
			if got.status != is(test.tokens) || strings.Contains(got.body, "eyJ") != test.tokens {
				t.Errorf("/dashboard/token: %d %s", got.status, got.body)
			}
		})
	}
}

// ownKey is a file with a key that signs tokens.
func ownKey(t *testing.T) string {
	t.Helper()
	file := t.TempDir() + "/key.pem"
	if r := run(t, nil, "signing-key", file); r.code != 0 {
		t.Fatalf("making a key: %+v", r)
	}
	return file
}
