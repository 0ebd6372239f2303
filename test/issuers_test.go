package test_test

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/internal/idp"
)

// issuersFile writes a file for --jwt-issuers.
func issuersFile(t *testing.T, issuers ...idp.Object) string {
	t.Helper()
	text, err := json.Marshal(issuers)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "issuers.json")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func supplierClaims(issuer string) idp.Object {
	now := time.Now().Unix()
	return idp.Object{
		"iss": issuer, "aud": "redline", "sub": "robot", "exp": now + 600, "iat": now,
		"role": "supplier", "suppliers": []string{"new-orleans-cajun-delights"},
	}
}

// Every forged token gets the same answer, to the byte, over HTTP and over a
// websocket; so does one that says what its issuer may not say.
func TestForgedTokensAtTheDoor(t *testing.T) {
	t.Parallel()
	ed, rsa, ec := idp.NewKey(t, "one", "EdDSA"), idp.NewKey(t, "two", "RS256"), idp.NewKey(t, "three", "ES256")
	neighbour := idp.NewKey(t, "one", "EdDSA")
	ours, theirs := idp.Start(t, ed, rsa, ec), idp.Start(t, neighbour)
	s := start(t, ownDir(t), "--jwt-issuers", issuersFile(t,
		idp.Object{"issuer": ours.URL, "audience": "redline", "roles": []string{"supplier", "operator"}}, // and tells where its keys are
		idp.Object{"issuer": theirs.URL, "audience": "redline", "roles": []string{"supplier"}, "suppliers": []string{"tokyo-traders"}, "jwksUrl": theirs.KeysURL()},
	))
	good := func() idp.Object { return supplierClaims(ours.URL) }
	for _, key := range []idp.Key{ed, rsa, ec} {
		if a := s.as(key.Token(good())).ask(t, `{ viewer { role } }`, nil); a.text("viewer.role") != string(redline.RoleSupplier) {
			t.Errorf("%s: %s", key.Algorithm, a.body)
		}
	}
	tokyo := supplierClaims(theirs.URL).With("suppliers", []string{"tokyo-traders"})
	s.as(neighbour.Token(tokyo)).ask(t, `{ viewer { role } }`, nil)

	forged := idp.Forger{Good: good, EdDSA: ed, RS256: rsa, ES256: ec, Neighbour: neighbour, NeighbourName: theirs.URL}.All(t)
	forged = append(forged,
		idp.Forgery{Name: "a supplier's issuer that makes an operator", Token: neighbour.Token(tokyo.With("role", "operator").Without("suppliers"))},
		idp.Forgery{Name: "a supplier's issuer that speaks for another", Token: neighbour.Token(supplierClaims(theirs.URL))},
	)
	if len(forged) < 150 {
		t.Fatalf("only %d forgeries", len(forged))
	}
	var answers, endings []string
	for _, f := range forged {
		a := s.as(f.Token).tell(t, `{ viewer { role } }`, nil)
		for _, own := range []string{"Date", "X-Request-Id", "Content-Length"} {
			a.header.Del(own)
		}
		header, err := json.Marshal(a.header)
		if err != nil {
			t.Fatal(err)
		}
		if a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
			t.Errorf("%s: status %d, %s", f.Name, a.status, header)
		}
		if answer := string(header) + requestIDs.ReplaceAllString(a.body, ""); !slices.Contains(answers, answer) {
			answers = append(answers, answer)
		}
		w := s.dial(t)
		w.init(f.Token)
		code, reason := w.closed()
		if code != 4403 {
			t.Errorf("%s: the websocket was closed with %d", f.Name, code)
		}
		if !slices.Contains(endings, reason) {
			endings = append(endings, reason)
		}
	}
	if len(answers) != 1 || len(endings) != 1 {
		t.Errorf("forged tokens are told apart: %q %q", answers, endings)
	}
	for _, broken := range []string{"\n", "\r\n", " "} {
		w := s.dial(t)
		w.init(ed.Token(good()) + broken)
		if code, _ := w.closed(); code != 4403 {
			t.Errorf("a token with %q at its end: %d", broken, code)
		}
	}

	// Where there is none at all and one is needed, no error is named.
	resp, err := web.Post("http://"+s.addr+"/graphql/ticket", "application/json", strings.NewReader(`{"query":"subscription { availabilityChanged { cursor } }"}`))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	if got := resp.Header.Get("WWW-Authenticate"); resp.StatusCode != http.StatusUnauthorized || got != "Bearer" {
		t.Errorf("no token: %d, %q", resp.StatusCode, got)
	}

	for _, secret := range []string{"canary", "robot"} {
		lines, _ := s.log.lines()
		for _, line := range lines {
			if strings.Contains(line, "token refused") && strings.Contains(line, secret) {
				t.Errorf("the log repeats what a forged token says: %s", line)
			}
		}
	}
}

// A gateway starts without its issuer, says that it isn't ready, and is once the
// issuer is there; and takes a new key with the first token of it.
func TestIssuerComesLateAndRotates(t *testing.T) {
	t.Parallel()
	old, next := idp.NewKey(t, "old", "ES256"), idp.NewKey(t, "next", "EdDSA")
	issuer := idp.Start(t)
	issuer.Answer(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	s := start(t, ownDir(t), "--jwt-jwks-url", issuer.KeysURL(), "--jwt-issuer", issuer.URL, "--jwt-leeway", "1s")
	ready := func() (int, string) {
		resp, err := web.Get("http://" + s.addr + "/readyz")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, string(body)
	}
	if status, body := ready(); status != http.StatusServiceUnavailable || !strings.Contains(body, "token keys") {
		t.Errorf("without its issuer: %d %s", status, body)
	}
	claims := supplierClaims(issuer.URL)
	if a := s.as(old.Token(claims)).tell(t, `{ viewer { role } }`, nil); a.status != http.StatusUnauthorized {
		t.Errorf("without its issuer: %d %s", a.status, a.body)
	}
	s.as("").ask(t, `{ products(first: 1) { nodes { sku } } }`, nil)

	issuer.Publish(old)
	if _, err := s.awaitLog("the keys of an issuer can be fetched again", patience); err != nil {
		t.Fatal(err)
	}
	if status, body := ready(); status != http.StatusOK {
		t.Errorf("with its issuer: %d %s", status, body)
	}
	s.as(old.Token(claims)).ask(t, `{ viewer { role } }`, nil)
	issuer.Publish(next, old)
	s.as(next.Token(claims)).ask(t, `{ viewer { role } }`, nil)
	if status := s.as(old.Token(claims.With("exp", time.Now().Add(-2*time.Second).Unix()))).tell(t, `{ viewer { role } }`, nil).status; status != http.StatusUnauthorized {
		t.Errorf("2 s past its end, with a leeway of 1 s: %d", status)
	}
}

// What is wrong with the settings of issuers is told at once, before anything starts.
func TestRefusedIssuers(t *testing.T) {
	t.Parallel()
	key := filepath.Join(t.TempDir(), "keys.pem")
	if err := os.WriteFile(key, idp.NewKey(t, "k", "EdDSA").PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	bad := issuersFile(t,
		idp.Object{"issuer": "redline", "audience": "x", "roles": []string{"root"}, "publicKeysFile": key},
		idp.Object{"issuer": "b", "audience": "x", "roles": []string{"admin"}, "publicKeysFile": key, "colour": "red"},
	)
	files := issuersFile(t,
		idp.Object{"issuer": "a", "audience": "x", "roles": []string{"admin"}, "publicKeysFile": "none.pem"},
		idp.Object{"issuer": "b", "audience": "x", "roles": []string{"admin"}, "secretFile": key},
	)
	foreign := issuersFile(t,
		idp.Object{"issuer": "a", "audience": "x", "roles": []string{"root"}, "jwksUrl": "http://id.example/keys", "secretFile": "none.secret"},
	)
	good := issuersFile(t, idp.Object{"issuer": "a", "audience": "x", "roles": []string{"admin"}, "publicKeysFile": key})
	for name, test := range map[string]struct{ args, words []string }{
		"faults of a file":       {[]string{"--jwt-issuers", bad}, []string{"[0].issuer: that is the gateway's own name", `[0].roles[0]: unknown role "root"`, `[1]: unknown member "colour"`}},
		"faults of its files":    {[]string{"--jwt-issuers", files}, []string{"[0].publicKeysFile: ", "none.pem", "[1].secretFile: ", "PEM document"}},
		"both":                   {[]string{"--jwt-issuers", foreign, "--jwt-leeway", "31s"}, []string{"[0].roles[0]", "[0].jwksUrl: the URL of keys is not https", "none.secret", "--jwt-leeway", "don't go together"}},
		"a file that isn't":      {[]string{"--jwt-issuers", key + ".none"}, []string{"--jwt-issuers", "no such file"}},
		"one and several":        {[]string{"--jwt-issuers", good, "--jwt-public-keys", key}, []string{"--jwt-issuers doesn't go together"}},
		"several and a name":     {[]string{"--jwt-issuers", good, "--jwt-audience", "x"}, []string{"--jwt-issuers doesn't go together"}},
		"keys in two places":     {[]string{"--jwt-jwks-url", "https://a.example/", "--jwt-public-keys", key}, []string{"--jwt-jwks-url doesn't go together"}},
		"keys over the network":  {[]string{"--jwt-jwks-url", "http://a.example/"}, []string{"--jwt-jwks-url", "not https"}},
		"too much leeway":        {[]string{"--jwt-leeway", "31s"}, []string{"--jwt-leeway is 31s"}},
		"no leeway":              {[]string{"--jwt-leeway", "0s"}, []string{"--jwt-leeway is 0s"}},
		"keys that end too soon": {[]string{"--jwt-jwks-max-age", "1m"}, []string{"--jwt-jwks-max-age (1m0s)"}},
		"no keys": {[]string{"--database-url", "postgres://nobody@127.0.0.1:1/none?sslmode=disable"},
			[]string{"--jwt-jwks-url (REDLINE_JWT_JWKS_URL)", "--jwt-issuers (REDLINE_JWT_ISSUERS)"}},
	} {
		r := run(t, nil, append([]string{"serve", "--data-dir", emptyDir(t)}, test.args...)...)
		if r.code == 0 {
			t.Errorf("%s: it started", name)
		}
		for _, word := range test.words {
			if !strings.Contains(r.err, word) {
				t.Errorf("%s: nothing of %q in: %s", name, word, r.err)
			}
		}
	}
}
