package test_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"redline"
)

// secretToken is a token of an outside issuer.
func secretToken(t *testing.T, secret string) string {
	t.Helper()
	token := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "https://issuer.example", "aud": "shop", "sub": "ops", "role": "operator", "exp": time.Now().Add(time.Hour).Unix(),
	})
	signed, err := token.SignedString([]byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

var oneToken = regexp.MustCompile(`^[\w-]+\.[\w-]+\.[\w-]+\n$`)

// token needs no database, makes the key on first use, and prints a token alone.
func TestTokenCommand(t *testing.T) {
	t.Parallel()
	s := demo(t)
	for name, test := range map[string]struct {
		env, args []string
		viewer    map[string]any
	}{
		"an operator":   {nil, []string{"--role", "operator"}, vars{"role": "OPERATOR", "subject": "operator"}},
		"a supplier":    {nil, []string{"--role", "supplier", "--supplier", cajun}, vars{"role": "SUPPLIER", "suppliers.0.code": cajun, "suppliers.1": nil}},
		"two suppliers": {nil, []string{"--role", "supplier", "--supplier", cajun, "--supplier", tokyo}, vars{"suppliers.0.code": cajun, "suppliers.1.code": tokyo}},
		"a customer":    {nil, []string{"--role", "customer", "--customer", "ALFKI"}, vars{"role": "CUSTOMER", "customerId": "ALFKI"}},
		"a subject":     {nil, []string{"--role", "storefront", "--subject", "shop-1"}, vars{"role": "STOREFRONT", "subject": "shop-1"}},
		"one scope":     {nil, []string{"--role", "admin", "--scope", "audit:read"}, vars{"role": "ADMIN", "scopes.0": "audit:read", "scopes.1": nil}},
		"environment":   {[]string{"REDLINE_ROLE=operator", "REDLINE_SUBJECT=env"}, nil, vars{"role": "OPERATOR", "subject": "env"}},
	} {
		r := run(t, test.env, append([]string{"token", "--data-dir", s.dataDir}, test.args...)...)
		if r.code != 0 || !oneToken.MatchString(r.out) || r.err != "" {
			t.Errorf("%s: exit %d, stdout %q, stderr %q", name, r.code, r.out, r.err)
			continue
		}
		a := s.as(strings.TrimSpace(r.out)).ask(t, `{ viewer { subject role scopes suppliers { code } customerId expiresAt } }`, nil)
		for path, want := range test.viewer {
			if got := at(a.data, "viewer."+path); got != want {
				t.Errorf("%s: the viewer's %s is %v; want %v", name, path, got, want)
			}
		}
	}

	dir := emptyDir(t)
	if r := run(t, nil, "token", "--data-dir", dir, "--role", "admin", "--ttl", "5m"); r.code != 0 {
		t.Fatal(r.err)
	}
	made, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range made {
		info, err := entry.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode() != 0o600 {
			t.Errorf("%s has the mode %s", entry.Name(), info.Mode())
		}
	}
	if len(made) != 1 {
		t.Errorf("making a token made %v", made)
	}
}

// What token refuses; then nothing is on the standard output.
func TestTokenCommandRefuses(t *testing.T) {
	t.Parallel()
	dir := emptyDir(t)
	broken := filepath.Join(t.TempDir(), "broken")
	if err := os.Mkdir(broken, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "signing-key.pem"), []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := filepath.Join(t.TempDir(), "open")
	if r := run(t, nil, "token", "--data-dir", open, "--role", "admin"); r.code != 0 {
		t.Fatal(r.err)
	}
	if err := os.Chmod(filepath.Join(open, "signing-key.pem"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"no role":                  {[]string{}, "--role"},
		"an unknown role":          {[]string{"--role", "root"}, "role"},
		"a supplier of none":       {[]string{"--role", "supplier"}, "supplier"},
		"a customer without an id": {[]string{"--role", "customer"}, "customer"},
		"a supplier's operator":    {[]string{"--role", "operator", "--supplier", cajun}, "supplier"},
		"an unknown scope":         {[]string{"--role", "admin", "--scope", "everything"}, "everything"},
		"a scope beyond its role":  {[]string{"--role", "storefront", "--scope", "audit:read"}, "audit:read"},
		"no scope":                 {[]string{"--role", "admin", "--scope", ""}, "scope"},
		"no time":                  {[]string{"--role", "admin", "--ttl", "0s"}, "must be between"},
		"past":                     {[]string{"--role", "admin", "--ttl=-1h"}, "must be between"},
		"for ever":                 {[]string{"--role", "admin", "--ttl", "100000h"}, "must be between"},
		"no duration":              {[]string{"--role", "admin", "--ttl", "soon"}, "ttl"},
		"a broken key":             {[]string{"--role", "admin", "--data-dir", broken}, "signing-key.pem"},
		"a key for all to read":    {[]string{"--role", "admin", "--data-dir", open}, "signing-key.pem"},
		"more arguments":           {[]string{"--role", "admin", "now"}, "now"},
	} {
		r := run(t, nil, append([]string{"token", "--data-dir", dir}, test.args...)...)
		if r.code == 0 || oneToken.MatchString(r.out) || strings.Contains(r.out, "eyJ") || !strings.Contains(r.err, test.word) {
			t.Errorf("%s: exit %d, stdout %q, stderr %q; want a word on %q", name, r.code, r.out, r.err, test.word)
		}
	}
}

// The demo prints, for each role, a token and a command that works with it.
func TestDemoPrintsWhatToTry(t *testing.T) {
	t.Parallel()
	s := demo(t)
	sections := strings.Split(s.out.String(), "\n# ")[1:]
	tokens := map[string]string{}
	for _, section := range sections {
		role, rest, _ := strings.Cut(section, "\n")
		_, token, found := strings.Cut(strings.SplitN(rest, "\n", 2)[0], "=")
		_, body, hasBody := strings.Cut(rest, "-d '")
		if !found || !hasBody {
			continue
		}
		body, _, _ = strings.Cut(body, "'")
		var request struct{ Query string }
		if err := json.Unmarshal([]byte(body), &request); err != nil {
			t.Errorf("%s: %q: %v", role, body, err)
			continue
		}
		tokens[role] = token
		a := s.as(token).ask(t, request.Query, nil)
		if got := s.as(token).ask(t, `{ viewer { role } }`, nil).text("viewer.role"); got != strings.ToUpper(role) {
			t.Errorf("the token of %s is of the role %s", role, got)
		}
		root, _ := a.data.(map[string]any)
		for field, v := range root {
			if len(list(v, "nodes")) == 0 && field != "auditEntries" {
				t.Errorf("%s asks as it is told to and gets nothing: %s", role, a.body)
			}
		}
	}
	if len(tokens) != len(redline.Roles) {
		t.Errorf("tokens for %d roles are printed", len(tokens))
	}
}

// watch prints a line for each change, and says why where it can't.
func TestWatchCommand(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	const sku, location = "CLG-FLD-1023", "WH-WEST"
	shop := s.as(shopToken(t, "watch.example"))
	order := shop.place(t, orderInput(vars{"name": "W"}, map[string]int{sku: 1}))
	for _, test := range []struct {
		what string
		env  string
		poke func() string
		says []string
	}{
		{"availability", "REDLINE_TOKEN=", operator.pokeStock(t, sku, location), []string{sku + " at " + location, "available"}},
		{"stock", "REDLINE_TOKEN=" + operator.token, operator.pokeStock(t, sku, location), []string{sku + " at " + location, "on hand", "CORRECTED", "ON_HAND +1"}},
		{"orders", "REDLINE_TOKEN=" + shop.token, operator.pokeOrder(t, order.text("order.id")), []string{"order " + order.text("order.number"), "ON_HOLD"}},
	} {
		args := []string{"watch", test.what, "--url", "http://" + s.addr, "--count", "2"}
		if test.what != "orders" {
			args = append(args, "--sku", sku)
		}
		ended := make(chan result, 1)
		go func() {
			out, errs := newBook(), newBook()
			cmd := exec.CommandContext(t.Context(), world.binary, args...)
			cmd.Env, cmd.Stdout, cmd.Stderr = environ(test.env), out, errs
			_ = cmd.Run() // the code says it
			ended <- result{out.String(), errs.String(), cmd.ProcessState.ExitCode()}
		}()
		var r result
		for tick := time.NewTicker(50 * time.Millisecond); r == (result{}); {
			select {
			case r = <-ended:
				tick.Stop()
			case <-tick.C:
				test.poke()
			}
		}
		if r.code != 0 || strings.Count(r.out, "\n") != 2 {
			t.Errorf("watch %s: exit %d, %q, %q", test.what, r.code, r.out, r.err)
		}
		for _, word := range test.says {
			if !strings.Contains(r.out, word) {
				t.Errorf("watch %s says nothing of %q: %q", test.what, word, r.out)
			}
		}
	}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"without a token": {[]string{"stock", "--url", "http://" + s.addr}, "UNAUTHENTICATED"},
		"a bad token":     {[]string{"stock", "--url", "http://" + s.addr, "--token", "x.y.z"}, "4403"},
		"no gateway":      {[]string{"--url", "http://127.0.0.1:1"}, "opening the websocket"},
		"nothing known":   {[]string{"weather"}, "weather"},
	} {
		if r := run(t, nil, append([]string{"watch"}, test.args...)...); r.code == 0 || !strings.Contains(r.err, test.word) || strings.Contains(r.out, "change") {
			t.Errorf("watch %s: exit %d, %q, %q; want a word on %q", name, r.code, r.out, r.err, test.word)
		}
	}
	if r := run(t, nil, "watch", "--url", "http://"+s.addr, "--for", "10ms"); r.code != 0 {
		t.Errorf("watch for a moment: exit %d, %s", r.code, r.err)
	}
}
