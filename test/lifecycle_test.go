package test_test

import (
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// SIGTERM under load: what was begun is answered, sockets are told to come
// again, and nothing that was refused has happened. The demo data isn't loaded
// again over what is there.
func TestGracefulStop(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	s := startDoomed(t, dir)
	operator := s.as(operatorToken(t))
	const sku, location, clients = "BRK-PAD-1037", "WH-EAST", 10
	before := operator.level(t, sku, location)

	w := s.socket(t, operator.token)
	w.subscribe("1", watchStock, nil)
	await(t, map[*socket][]string{w: {"1"}})
	idle := s.dial(t)

	// A connection each time: on one that is kept, a client can't tell a request
	// that was dropped from one that was never looked at.
	once := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	var mu sync.Mutex
	done, refused := []vars{}, []vars{}
	enough := make(chan struct{})
	var all sync.WaitGroup
	for range clients {
		all.Go(func() {
			for {
				input := vars{"idempotencyKey": newKey(), "reason": "CORRECTED", "changes": []any{
					vars{"stock": vars{"sku": sku, "locationCode": location}, "delta": 1}}}
				a, err := operator.through(once).try(t.Context(), mutationText("inventoryAdjust", "cursor"), vars{"input": input})
				mu.Lock()
				if err != nil {
					refused = append(refused, input)
					mu.Unlock()
					return
				}
				if len(a.errors) > 0 || len(a.list("inventoryAdjust.userErrors")) > 0 {
					t.Errorf("under way when it was stopped: status %d %s", a.status, a.body)
				}
				if done = append(done, input); len(done) == 3*clients {
					close(enough)
				}
				mu.Unlock()
			}
		})
	}
	select {
	case <-enough:
	case <-time.After(patience):
		t.Fatal("the load doesn't get going")
	}
	began := time.Now()
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]*socket{"with a subscription": w, "before its init": idle} {
		if code, reason := w.closed(); code != 1012 {
			t.Errorf("the socket %s was closed with %d %q", name, code, reason)
		} else if name == "with a subscription" && position(t, reason) == 0 {
			t.Errorf("the socket was told to resume from %q", reason)
		}
	}
	all.Wait()
	const budget, slack = 10 * time.Second, 5 * time.Second
	if err := s.ended(budget + slack); err != nil {
		t.Error(err)
	}
	t.Logf("%d done, %d refused; stopped in %s", len(done), len(refused), time.Since(began))
	if err := s.faults(); err != nil {
		t.Error(err)
	}

	again := start(t, dir, "--demo")
	if !strings.Contains(again.log.String(), "demo data not loaded") {
		t.Errorf("the demo data was loaded again:\n%s", again.log)
	}
	operator = again.as(operator.token)
	for want, inputs := range map[bool][]vars{true: done, false: refused} {
		for _, input := range inputs {
			if a := operator.do(t, "inventoryAdjust", input, "cursor"); a.flag("replayed") != want {
				t.Errorf("a change that was answered: %v; asked again, replayed: %v", want, !want)
			}
		}
	}
	// Versions are onHand's growth, one each.
	after := operator.level(t, sku, location)
	if num(after, "onHand")-num(before, "onHand") != num(after, "version")-num(before, "version") {
		t.Errorf("the level went from %v to %v", before, after)
	}
}

// through is the caller with another HTTP client.
func (c caller) through(client *http.Client) caller {
	c.client = client
	return c
}

// SIGTERM while the first start is still making the cluster.
func TestStoppedWhileStarting(t *testing.T) {
	t.Parallel()
	dir := emptyDir(t)
	s, err := begun(environ(), dir, "serve", "--addr", "127.0.0.1:0", "--data-dir", dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.kill)
	if _, err := s.awaitLog("making the cluster of the private Postgres", startPatience); err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.ended(patience); err != nil {
		t.Error(err)
	}
	if r := run(t, nil, "migrate", "status", "--data-dir", dir); r.code != 0 || !strings.Contains(r.out, "pending") {
		t.Errorf("after that: %d %s%s", r.code, r.out, r.err)
	}
}

// What serve refuses, and what it says of it.
func TestRefusedStarts(t *testing.T) {
	t.Parallel()
	s := demo(t)
	empty := emptyDir(t)
	const noDatabase = nobodyThere
	short := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(short, []byte("too short\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	operations := t.TempDir()
	if err := os.WriteFile(filepath.Join(operations, "wrong.graphql"), []byte("query A { nope }"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		env   []string
		args  []string
		words []string
	}{
		"a data directory in use": {nil, []string{"--addr", "127.0.0.1:0", "--data-dir", s.dataDir}, []string{"in use", "process"}},
		"an address in use":       {nil, []string{"--addr", s.addr, "--data-dir", empty}, []string{"listening on " + s.addr, "in use"}},
		"no address":              {nil, []string{"--addr", "nonsense", "--data-dir", empty}, []string{"nonsense"}},
		"an outside database without keys": {nil, []string{"--database-url", noDatabase, "--data-dir", empty},
			[]string{"REDLINE_JWT_PUBLIC_KEYS", "REDLINE_JWT_SECRET_FILE", "--dev"}},
		"the same by environment": {[]string{"REDLINE_DATABASE_URL=" + noDatabase, "REDLINE_DATA_DIR=" + empty}, nil,
			[]string{"REDLINE_JWT_PUBLIC_KEYS"}},
		"a database that isn't there": {[]string{"REDLINE_DEV=true"}, []string{"--database-url", noDatabase, "--start-timeout", "0s", "--data-dir", empty, "--addr", "127.0.0.1:0"},
			[]string{"connecting to the database"}},
		"no URL":                  {nil, []string{"--dev", "--database-url", "mysql://x", "--data-dir", empty, "--addr", "127.0.0.1:0"}, []string{"postgres://"}},
		"a key file that isn't":   {nil, []string{"--database-url", noDatabase, "--jwt-secret-file", empty + "/none", "--data-dir", empty, "--addr", "127.0.0.1:0"}, []string{"jwt-secret-file"}},
		"a secret too short":      {nil, []string{"--database-url", noDatabase, "--jwt-secret-file", short, "--data-dir", empty, "--addr", "127.0.0.1:0"}, []string{"at least 32"}},
		"too few connections":     {nil, []string{"--max-conns", "1", "--data-dir", empty}, []string{"max-conns"}},
		"a delay past the budget": {nil, []string{"--drain-delay", "1h", "--data-dir", empty}, []string{"drain-budget"}},
		"an unknown flag":         {nil, []string{"--colour", "red"}, []string{"--colour"}},
		"much at once": {[]string{"REDLINE_MAX_CONNS=many", "REDLINE_DRAIN_DELAY=1h"},
			[]string{"--log-level", "loud", "--colour", "red", "--queue-messages=0", "--connect-rate=-1", "--keep-events", "1s", "--start-timeout=-1s", "--connection-wait=0s", "--data-dir", empty},
			[]string{"REDLINE_MAX_CONNS", "many", "--log-level", "--colour", "--queue-messages", "--connect-rate", "--keep-events", "--start-timeout", "--connection-wait", "--drain-budget"}},
		"what each setting is given": {[]string{"REDLINE_DATABASE_URL=postgres://u:hunter2@127.0.0.1:1/x?sslmode=bogus"},
			[]string{"--addr", "nonsense", "--metrics-addr", "127.0.0.1:99999", "--pprof-addr", "127.0.0.1:none", "--tls-cert", "/nope/cert", "--tls-key", "/nope/key", "--signing-key", "/nope/signing",
				"--jwt-jwks-url", "http://id.example/keys", "--jwt-public-keys", "/nope/public", "--jwt-secret-file", "/nope/secret", "--jwt-issuers", "/nope/issuers", "--data-dir", empty},
			[]string{"--addr: address nonsense", "--metrics-addr", "99999", "--pprof-addr", "/nope/cert", "/nope/key", "/nope/signing", "--jwt-jwks-url: the URL of keys is not https", "/nope/public", "/nope/secret",
				"/nope/issuers", "--jwt-jwks-url doesn't go together", "--jwt-issuers doesn't go together", "--database-url (REDLINE_DATABASE_URL)", "sslmode"}},
		"one file of two":      {nil, []string{"--tls-key", "/nope/key", "--data-dir", empty}, []string{"--tls-cert and --tls-key go together", "/nope/key"}},
		"a port that is none":  {nil, []string{"--database-url", "postgres://u:hunter2@127.0.0.1:none/x", "--data-dir", empty}, []string{"--database-url (REDLINE_DATABASE_URL)"}},
		"an unknown log level": {[]string{"REDLINE_LOG_LEVEL=loud"}, []string{"--data-dir", empty}, []string{"loud"}},
	} {
		r := run(t, test.env, append([]string{"serve"}, test.args...)...)
		if r.code == 0 || r.out != "" && !strings.Contains(r.out, "Usage:") {
			t.Errorf("%s: exit %d, and on stdout %q", name, r.code, r.out)
		}
		for _, word := range test.words {
			if !strings.Contains(r.err, word) {
				t.Errorf("%s: nothing of %q in: %s", name, word, r.err)
			}
		}
		if strings.Contains(r.err, "hunter2") {
			t.Errorf("%s: it tells the password: %s", name, r.err)
		}
		if strings.Contains(r.err, "goroutine ") {
			t.Errorf("%s: it panicked: %s", name, r.err)
		}
	}
	if _, err := os.Stat(filepath.Join(empty, "postgres")); err == nil {
		t.Error("a refused start made a cluster")
	}
	if err := s.probe(t.Context()); err != nil {
		t.Errorf("the server whose directory and address were wanted: %v", err)
	}
}

// A variable that looks like a setting and is none is told of, by its name alone.
func TestUnknownVariableIsToldOf(t *testing.T) {
	t.Parallel()
	r := run(t, []string{"REDLINE_MAX_CONN=5", "REDLINE_SERVICE_HOST=10.0.0.1", "REDLINE_DEV=true"}, "serve", "--addr", "127.0.0.1:0", "--start-timeout", "0s",
		"--database-url", nobodyThere, "--data-dir", emptyDir(t))
	if !strings.Contains(r.err, `"variable":"REDLINE_MAX_CONN","nearest":"REDLINE_MAX_CONNS"}`) {
		t.Errorf("nothing of REDLINE_MAX_CONN: %s", r.err)
	}
	if strings.Contains(r.err, "SERVICE_HOST") || strings.Contains(r.err, `"REDLINE_DEV"`) {
		t.Errorf("told of more than what is no setting: %s", r.err)
	}
}

// One that was mistyped is told of as well where the start is refused, which is what
// mistyping it often leads to.
func TestUnknownVariableIsAmongTheFaults(t *testing.T) {
	t.Parallel()
	const mistyped = "REDLINE_JWT_JWKS_ULR"
	for name, args := range map[string][]string{
		"settings that don't go together": {"--database-url", nobodyThere},
		"a flag that can't be read":       {"--max-conns", "many"},
		"a log level that is none":        {"--log-level", "loud"},
	} {
		r := run(t, []string{mistyped + "=https://id.example/keys", "REDLINE_COLOUR=red", "REDLINE_SERVICE_HOST=10.0.0.1"}, append([]string{"serve", "--data-dir", emptyDir(t)}, args...)...)
		for _, want := range []string{mistyped + ": no such setting; did you mean REDLINE_JWT_JWKS_URL?", "REDLINE_COLOUR: no such setting; `redline settings` lists them"} {
			if r.code == 0 || strings.Count(r.err, want) != 1 {
				t.Errorf("%s: exit %d, nothing of %q in: %s", name, r.code, want, r.err)
			}
		}
		if strings.Contains(r.err, "id.example") || strings.Contains(r.err, "SERVICE_HOST") {
			t.Errorf("%s: it tells too much: %s", name, r.err)
		}
	}
}

// migrate shows, takes back and applies migrations of the private database.
func TestMigrate(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	var last string
	step := func(args ...string) string {
		t.Helper()
		r := run(t, []string{"REDLINE_DATA_DIR=" + dir}, append([]string{"migrate"}, args...)...)
		if r.code != 0 {
			t.Fatalf("migrate %v: exit %d: %s", args, r.code, r.err)
		}
		return r.out
	}
	all := strings.Split(strings.TrimSpace(step("status")), "\n")
	for _, line := range all {
		if !strings.Contains(line, "applied ") || !strings.HasSuffix(line, "UTC") {
			t.Errorf("status says %q", line)
		}
		last = strings.Fields(line)[1]
	}
	if got := step("up"); got != "nothing is pending\n" {
		t.Errorf("up says %q", got)
	}
	if got := step("down"); got != "took back "+last+"\n" {
		t.Errorf("down says %q, of %s", got, last)
	}
	if got := step("status"); strings.Count(got, "pending") != 1 || strings.Count(got, "applied") != len(all)-1 {
		t.Errorf("status says %q", got)
	}
	if got := step("up"); got != "applied "+last+"\n" {
		t.Errorf("up says %q", got)
	}
	if r := run(t, nil, "migrate", "sideways"); r.code == 0 {
		t.Error("migrate sideways works")
	}
}

// Several gateways on one database: each tells of what was done by the other.
// These take tokens of an outside issuer, signed with a secret.
func TestSeveralGateways(t *testing.T) {
	t.Parallel()
	s := demo(t)
	secret := filepath.Join(t.TempDir(), "secret")
	key := strings.Repeat("0123456789", 4)
	if err := os.WriteFile(secret, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := launchWith(environ("REDLINE_DATABASE_URL="+s.databaseURL(), "REDLINE_JWT_SECRET_FILE="+secret,
		"REDLINE_JWT_ISSUER=https://issuer.example", "REDLINE_JWT_AUDIENCE=shop", "REDLINE_ADDR=127.0.0.1:0", "REDLINE_DEMO=true",
		"REDLINE_DATA_DIR="+emptyDir(t)), "", "serve")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := second.stop(); err != nil {
			t.Error(err)
		}
		if err := second.faults(); err != nil {
			t.Error(err)
		}
	})
	token := secretToken(t, key)
	operator := s.as(operatorToken(t))
	if a := second.as(operator.token).tell(t, `{ viewer { subject } }`, nil); a.status != http.StatusUnauthorized {
		t.Errorf("a token of the data directory's: status %d %s", a.status, a.body)
	}
	const sku, location = "CLG-FLD-1011", "WH-WEST"
	w := second.socket(t, token)
	w.subscribe("1", watchStock, vars{"filter": vars{"skus": []any{sku}}})
	await(t, map[*socket][]string{w: {"1"}})
	cursor := operator.adjust(t, sku, location, "ON_HAND", 1).text("cursor")
	if e := w.event("1"); text(e, "cursor") != cursor {
		t.Errorf("the other gateway tells of %v", e)
	}
	own := second.as(token).adjust(t, sku, location, "ON_HAND", 1).text("cursor")
	if e := w.event("1"); text(e, "cursor") != own {
		t.Errorf("its own change is told as %v", e)
	}
	if out := second.out.String(); strings.Contains(out, "OPERATOR=") || out == "" {
		t.Errorf("with an outside issuer the demo prints %q", out)
	}
}

// health asks /readyz, for a container's health check.
func TestHealth(t *testing.T) {
	t.Parallel()
	s := demo(t)
	for _, path := range []string{"/healthz", "/readyz"} {
		ctx, cancel := context.WithTimeout(t.Context(), patience)
		defer cancel()
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+s.addr+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := web.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusOK {
			t.Errorf("%s: %s", path, resp.Status)
		}
	}
	if r := run(t, []string{"REDLINE_ADDR=" + s.addr}, "health"); r.code != 0 || !strings.Contains(r.out, `"ready":true`) {
		t.Errorf("health: exit %d: %s%s", r.code, r.out, r.err)
	}
	if r := run(t, nil, "health", "--addr", "127.0.0.1:1"); r.code == 0 || r.err == "" {
		t.Errorf("health of nothing: exit %d: %s", r.code, r.err)
	}
}
