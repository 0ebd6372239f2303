package test_test

import (
	"bufio"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"redline"
	"redline/auth"
)

// credentials are an OAuth client's.
type credentials struct{ id, secret string }

// newClient makes a client that speaks for cajun.
func (c caller) newClient(t testing.TB) credentials {
	t.Helper()
	made := c.do(t, "clientCreate", vars{
		"idempotencyKey": newKey(), "name": t.Name(), "role": "SUPPLIER", "supplierCodes": []any{cajun},
	}, `client { id secrets { expiresAt } suppliers { code } scopes } secret`)
	if made.text("client.suppliers.0.code") != cajun || len(made.list("client.secrets")) != 1 || !strings.HasPrefix(made.text("secret"), "rls_") {
		t.Fatalf("the client is %s", made.body)
	}
	return credentials{made.text("client.id"), made.text("secret")}
}

// config is how a client library is told of a client.
func (s *server) config(c credentials, scopes ...string) clientcredentials.Config {
	return clientcredentials.Config{ClientID: c.id, ClientSecret: c.secret, TokenURL: "http://" + s.addr + "/oauth/token", Scopes: scopes}
}

// clientToken has a client library get a token.
func (s *server) clientToken(t testing.TB, c credentials, scopes ...string) string {
	t.Helper()
	config := s.config(c, scopes...)
	token, err := config.Token(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return token.AccessToken
}

// refusesClient checks that a client gets no token.
func (s *server) refusesClient(t testing.TB, what string, c credentials) {
	t.Helper()
	config := s.config(c)
	_, err := config.Token(t.Context())
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_client" || refused.Response.StatusCode != http.StatusUnauthorized {
		t.Errorf("%s is told: %v", what, err)
	}
}

// eventStream opens a stream of server-sent events, with a token or with a ticket in
// the URL, and returns what comes of it, line by line; or the status that it ends with.
func (s *server) eventStream(t testing.TB, token, query string) (lines func() (string, error), status int) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/graphql?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", "text/event-stream")
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	// No timeout but the test's: a stream lasts.
	resp, err := (&http.Client{Transport: web.Transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = resp.Body.Close() })
	b := bufio.NewReader(resp.Body)
	return func() (string, error) {
		line, err := b.ReadString('\n')
		return strings.TrimRight(line, "\n"), err
	}, resp.StatusCode
}

// ticket asks for a ticket for an operation.
func (s *server) ticket(t testing.TB, token, query string) string {
	t.Helper()
	body, err := json.Marshal(vars{"query": query})
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+s.addr+"/graphql/ticket", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	var answer struct{ Ticket string }
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil || answer.Ticket == "" {
		t.Fatalf("no ticket: %s, %v", resp.Status, err)
	}
	return answer.Ticket
}

const watchCajun = `subscription { inventoryChanged { cursor kind level { id location { code } } } }`

// presence is all that a client has open at one gateway.
type presence struct {
	at      *server
	token   string
	socket  *socket
	streams map[string]func() (string, error)
	ticket  string
}

// arrive opens everything that a token opens, and waits until it is live.
func arrive(t testing.TB, s *server, token string) *presence {
	t.Helper()
	p := &presence{at: s, token: token, socket: s.socket(t, token), streams: map[string]func() (string, error){}}
	p.socket.subscribe("stock", watchCajun, nil)
	await(t, map[*socket][]string{p.socket: {"stock"}})
	p.ticket = s.ticket(t, token, watchCajun)
	for name, test := range map[string][2]string{
		"a stream": {token, url.Values{"query": {watchCajun}}.Encode()}, "a ticket's stream": {"", url.Values{"ticket": {p.ticket}}.Encode()},
	} {
		lines, status := s.eventStream(t, test[0], test[1])
		if status != http.StatusOK {
			t.Fatalf("%s: %d", name, status)
		}
		for line := ""; !strings.Contains(line, "CAUGHT_UP"); {
			var err error
			if line, err = lines(); err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		p.streams[name] = lines
	}
	return p
}

// gone checks that all of it ends, and opens no more; and that nothing behind a
// position was told.
func (p *presence) gone(t testing.TB, behind int64) {
	t.Helper()
	cursors := regexp.MustCompile(`"cursor":"([^"]+)"`)
	early := func(what, text string) {
		for _, m := range cursors.FindAllStringSubmatch(text, -1) {
			if at := position(t, m[1]); at > behind {
				t.Errorf("%s is told of %d, which was committed after %d: %s", what, at, behind, text)
			}
		}
	}
	for {
		m, err := p.socket.receive()
		if err == nil {
			early("the socket", string(m.Payload))
			continue
		}
		if !strings.Contains(err.Error(), "4403") {
			t.Errorf("the socket ends with %v", err)
		}
		break
	}
	for name, lines := range p.streams {
		var all []string
		for {
			line, err := lines()
			if all = append(all, line); errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
		}
		text := strings.Join(all, "\n")
		early(name, text)
		if !strings.Contains(text, "the token was revoked") || !strings.Contains(text, "UNAUTHENTICATED") || !strings.Contains(text, "event: complete") {
			t.Errorf("%s ends with %q", name, text)
		}
	}
	// Once its socket was closed this gateway knows.
	if a := p.at.as(p.token).tell(t, `{ viewer { subject } }`, nil); a.status != http.StatusUnauthorized || a.header.Get("WWW-Authenticate") != `Bearer error="invalid_token"` {
		t.Errorf("its token is answered with %d %s", a.status, a.body)
	}
	if _, status := p.at.eventStream(t, "", url.Values{"ticket": {p.ticket}}.Encode()); status != http.StatusUnauthorized {
		t.Errorf("its ticket is answered with %d", status)
	}
	w := p.at.dial(t)
	w.init(p.token)
	if code, _ := w.closed(); code != 4403 {
		t.Errorf("its next socket is closed with %d", code)
	}
}

// A client that is revoked at one gateway is cut off at all of them, whatever it has
// open; it is told nothing that was committed after, and nobody else notices.
func TestRevocationReachesEverywhere(t *testing.T) {
	t.Parallel()
	on := startCluster(t)
	a, b := startNode(t, on, "a"), startNode(t, on, "b")
	admin, operator := a.up().as(adminToken(t)), a.up().as(operatorToken(t))
	bad, good := admin.newClient(t), admin.newClient(t)

	var revoked, others []*presence
	for _, n := range []*node{a, b} {
		// A token of either gateway is good at both.
		revoked = append(revoked, arrive(t, n.up(), a.up().clientToken(t, bad)), arrive(t, n.up(), b.up().clientToken(t, bad, redline.ScopeInventoryRead)))
		others = append(others, arrive(t, n.up(), b.up().clientToken(t, good)))
	}
	first := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1).text("cursor")
	for _, p := range append(slices.Clone(revoked), others...) {
		if e := p.socket.event("stock"); text(e, "cursor") != first {
			t.Errorf("a socket is told %v", e)
		}
	}
	admin.do(t, "clientRevoke", vars{"clientId": bad.id}, `client { revokedAt secrets { createdAt } } secret`)
	second := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1).text("cursor")
	for _, p := range revoked {
		p.gone(t, position(t, second)-1)
	}
	for _, p := range others {
		if e := p.socket.event("stock"); text(e, "cursor") != second {
			t.Errorf("the other client's socket is told %v", e)
		}
		for name, lines := range p.streams {
			for line := ""; !strings.Contains(line, second); {
				var err error
				if line, err = lines(); err != nil {
					t.Fatalf("the other client's %s ends: %v", name, err)
				}
			}
		}
		p.at.as(p.token).ask(t, `{ viewer { subject } }`, nil)
	}
	for _, n := range []*node{a, b} {
		n.up().refusesClient(t, "the revoked client", bad)
	}

	// Who starts later knows it from the start, and so does who only reads the database.
	late := startNode(t, on, "late")
	if got := late.up().as(revoked[0].token).tell(t, `{ viewer { subject } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("a gateway that starts later answers with %d %s", got.status, got.body)
	}
	r := run(t, nil, "client", "revoke", good.id, "--database-url", on.pg.URL())
	if r.code != 0 || !strings.Contains(r.out, good.id) {
		t.Fatalf("revoking in the database: %d %q %q", r.code, r.out, r.err)
	}
	for _, p := range others {
		p.gone(t, position(t, second))
	}
}

// Whoever writes to the log for long holds back what is told, and no revocation: not of
// requests, nor of sockets that are open.
func TestRevocationDoesNotWaitForTheLog(t *testing.T) {
	t.Parallel()
	on := startCluster(t)
	a, b := startNode(t, on, "a"), startNode(t, on, "b")
	admin := a.up().as(adminToken(t))
	bad := admin.newClient(t)
	token := a.up().clientToken(t, bad)
	sockets := map[string]*socket{"a": a.up().socket(t, token), "b": b.up().socket(t, token)}

	db, err := sql.Open("postgres", on.pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.ExecContext(t.Context(), `UPDATE suppliers SET name = name`); err != nil {
		t.Fatal(err)
	}
	admin.do(t, "clientRevoke", vars{"clientId": bad.id}, `client { revokedAt }`)
	if got := a.up().as(token).tell(t, `{ viewer { subject } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("where it was revoked its token is answered with %d %s", got.status, got.body)
	}
	for name, s := range sockets {
		if _, err := s.receive(); err == nil || !strings.Contains(err.Error(), "4403") {
			t.Errorf("the socket at %s ends with %v", name, err)
		}
	}
	if got := b.up().as(token).tell(t, `{ viewer { subject } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("elsewhere its token is answered with %d %s", got.status, got.body)
	}
	if err := tx.Rollback(); err != nil {
		t.Errorf("the writer was gone before: %v", err)
	}
}

// A client's tokens have what it was given, narrowed by what is asked for, and what they
// do is the client's; its secret is shown once.
func TestClientsOverGraphQL(t *testing.T) {
	t.Parallel()
	s := demo(t)
	admin := s.as(adminToken(t))
	key := newKey()
	input := vars{"idempotencyKey": key, "name": "Shop", "role": "STOREFRONT", "scopes": []any{"orders:write", "orders:read"}}
	made := admin.do(t, "clientCreate", input, `client { id createdBy version lastUsedAt } secret`)
	c := credentials{made.text("client.id"), made.text("secret")}
	again := admin.do(t, "clientCreate", input, `client { id } secret`)
	if again.text("client.id") != c.id || at(again.data, "secret") != nil || !again.flag("replayed") {
		t.Errorf("the same call again: %s", again.body)
	}
	shop := s.as(s.clientToken(t, c))
	order := shop.place(t, orderInput(vars{"name": "By a client"}, map[string]int{cajunSauce: 1}))
	if got := s.as(s.clientToken(t, c)).ask(t, `query($id: ID!) { order(by: {id: $id}) { id } viewer { subject scopes } }`, vars{"id": order.text("order.id")}); got.text("order.id") == "" || got.text("viewer.subject") != c.id {
		t.Errorf("with another token of its own it sees %s", got.body)
	}
	reader := s.as(s.clientToken(t, c, redline.ScopeOrdersRead))
	if codes := reader.attempt(t, "orderCancel", vars{"idempotencyKey": newKey(), "orderId": order.text("order.id"), "reason": "r"}, "").codes(); !slices.Equal(codes, []string{"FORBIDDEN"}) {
		t.Errorf("with less scope it may cancel: %v", codes)
	}
	config := s.config(c, redline.ScopeAuditRead)
	_, err := config.Token(t.Context())
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_scope" {
		t.Errorf("more scope than it has: %v", err)
	}
	rotated := admin.do(t, "clientRotateSecret", vars{"idempotencyKey": newKey(), "clientId": c.id}, `client { secrets { expiresAt } version lastUsedAt } secret`)
	if len(rotated.list("client.secrets")) != 2 || rotated.num("client.version") != 2 || rotated.text("client.lastUsedAt") == "" {
		t.Errorf("rotated it is %s", rotated.body)
	}
	s.clientToken(t, c)
	s.clientToken(t, credentials{c.id, rotated.text("secret")})
	found := admin.ask(t, `query($id: ID!) { node(id: $id) { ... on Client { name role scopes } } clients(first: 250) { nodes { id } } }`, vars{"id": c.id})
	if found.text("node.name") != "Shop" || len(found.list("node.scopes")) != 2 || !strings.Contains(found.body, c.id) {
		t.Errorf("it is found as %s", found.body)
	}
	if actions := admin.actions(t, c.id); !slices.Contains(actions, "clientCreate") || !slices.Contains(actions, "clientRotateSecret") {
		t.Errorf("the audit says %v", actions)
	}
	for _, secret := range []string{c.secret, rotated.text("secret")} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("the log has a secret")
		}
	}
	if got := s.as(operatorToken(t)).attempt(t, "clientCreate", input, "").codes(); !slices.Equal(got, []string{"FORBIDDEN"}) {
		t.Errorf("an operator makes clients: %v", got)
	}
}

// Keys take turns: the first signs, the others' tokens are good still; without any there
// is no endpoint beside a database of one's own.
func TestSigningKeysTakeTurns(t *testing.T) {
	t.Parallel()
	on := startCluster(t)
	dir := t.TempDir()
	var files []string
	for _, name := range []string{"old.pem", "new.pem"} {
		file := filepath.Join(dir, name)
		if r := run(t, nil, "signing-key", file); r.code != 0 || len(strings.TrimSpace(r.out)) != 43 {
			t.Fatalf("making a key: %d %q %q", r.code, r.out, r.err)
		}
		files = append(files, file)
	}
	if r := run(t, nil, "signing-key", files[0]); r.code == 0 || !strings.Contains(r.err, "old.pem") {
		t.Errorf("over a key: %d %q %q", r.code, r.out, r.err)
	}
	made := run(t, nil, "client", "create", "--name", "ERP", "--supplier", cajun, "--secret-only", "--database-url", on.pg.URL())
	if made.code != 0 {
		t.Fatal(made.err)
	}
	c := credentials{strings.TrimSpace(made.err), strings.TrimSpace(made.out)}
	serve := func(args ...string) *server {
		t.Helper()
		return start(t, on.dir, append([]string{"--database-url", on.pg.URL()}, args...)...)
	}
	before := serve("--signing-key", files[0])
	old := before.clientToken(t, c)
	after := serve("--signing-key", files[1], "--signing-key", files[0], "--token-ttl", "5m", "--public-url", "https://redline.example.com")
	after.as(old).ask(t, `{ viewer { subject } }`, nil)
	if got := before.as(after.clientToken(t, c)).tell(t, `{ viewer { subject } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("a key that isn't known yet signs for %d", got.status)
	}
	// What is signed by the data directory's key is nothing to them.
	if got := after.as(adminToken(t)).tell(t, `{ viewer { subject } }`, nil); got.status != http.StatusUnauthorized {
		t.Errorf("the data directory's key signs for %d", got.status)
	}
	for path, words := range map[string][]string{
		"/.well-known/jwks.json":                  {`"kid"`, `"OKP"`},
		"/.well-known/oauth-authorization-server": {`"issuer":"https://redline.example.com"`, "client_credentials"},
	} {
		body, err := get(t.Context(), "http://"+after.addr+path)
		for _, word := range words {
			if err != nil || !strings.Contains(body, word) {
				t.Errorf("%s has no %s: %q, %v", path, word, body, err)
			}
		}
		if path == "/.well-known/jwks.json" && strings.Count(body, `"kid"`) != 2 {
			t.Errorf("the keys are %s", body)
		}
	}
	if _, err := get(t.Context(), "http://"+before.addr+"/.well-known/oauth-authorization-server"); err == nil {
		t.Error("without a public URL there is metadata")
	}

	const secret = "a secret of thirty-two bytes or more"
	without := serve("--jwt-issuer", "https://issuer.example", "--jwt-audience", "shop", "--jwt-secret-file", written(t, "secret", secret))
	config := without.config(c)
	_, err := config.Token(t.Context())
	if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.Response.StatusCode != http.StatusNotFound {
		t.Errorf("without a key a token is answered with %v", err)
	}
	if !strings.Contains(without.log.String(), "there is no /oauth/token without --signing-key") {
		t.Error("the log doesn't say why")
	}
	both := serve("--jwt-issuer", "https://issuer.example", "--jwt-audience", "shop", "--jwt-secret-file", written(t, "secret", secret), "--signing-key", files[0])
	both.as(secretToken(t, secret)).ask(t, `{ viewer { subject } }`, nil)
	both.as(both.clientToken(t, c)).ask(t, `{ viewer { subject } }`, nil)

	bad := run(t, nil, "serve", "--database-url", on.pg.URL(), "--jwt-secret-file", written(t, "secret", secret), "--signing-key", files[0], "--token-ttl", "25h", "--public-url", "redline",
		"--signing-key", filepath.Join(dir, "none.pem"))
	for _, word := range []string{"--jwt-issuer", "--token-ttl", "--public-url", "none.pem"} {
		if bad.code == 0 || !strings.Contains(bad.err, word) {
			t.Errorf("nothing is said of %s: %d %s", word, bad.code, bad.err)
		}
	}
}

// The command does all that the mutations do, at a gateway and in its database, for people
// and for scripts.
func TestClientCommand(t *testing.T) {
	t.Parallel()
	s := demo(t)
	client := func(args ...string) result {
		t.Helper()
		return run(t, nil, append([]string{"client", "--url", "http://" + s.addr, "--data-dir", s.dataDir}, args...)...)
	}
	r := client("create", "--supplier", cajun, "--supplier", tokyo, "--name", "Two ERPs", "--scope", "inventory:read orders:read")
	id, secret := regexp.MustCompile(`cli_\w+`).FindString(r.out), regexp.MustCompile(`rls_[\w-]+`).FindString(r.out)
	if r.code != 0 || id == "" || strings.Count(r.out, secret) != 1 || !strings.Contains(r.out, "/oauth/token") {
		t.Fatalf("create: %d %q %q", r.code, r.out, r.err)
	}
	viewer := s.as(s.clientToken(t, credentials{id, secret})).ask(t, `{ viewer { scopes suppliers { code } } }`, nil)
	if len(viewer.list("viewer.suppliers")) != 2 || len(viewer.list("viewer.scopes")) != 2 {
		t.Errorf("its token is %s", viewer.body)
	}
	r = client("rotate", id, "--overlap", "0s", "--secret-only")
	second := strings.TrimSpace(r.out)
	if r.code != 0 || r.out != second+"\n" || !strings.HasPrefix(second, "rls_") || second == secret {
		t.Errorf("rotate: %d %q %q", r.code, r.out, r.err)
	}
	s.refusesClient(t, "the secret before", credentials{id, secret})
	s.clientToken(t, credentials{id, second})
	if r = client("list"); r.code != 0 || !strings.Contains(r.out, id) || !strings.Contains(r.out, "Two ERPs") || strings.Contains(r.out, "rls_") {
		t.Errorf("list: %d %q %q", r.code, r.out, r.err)
	}
	if r = client("revoke", id); r.code != 0 || !strings.Contains(r.out, id) {
		t.Errorf("revoke: %d %q %q", r.code, r.out, r.err)
	}
	s.refusesClient(t, "the revoked client", credentials{id, second})
	var all []struct {
		ID        string
		Suppliers []struct{ Code string }
		RevokedAt *string
	}
	r = client("list", "--json")
	if err := json.Unmarshal([]byte(r.out), &all); err != nil {
		t.Fatalf("list --json: %v: %q %q", err, r.out, r.err)
	}
	if i := slices.IndexFunc(all, func(c struct {
		ID        string
		Suppliers []struct{ Code string }
		RevokedAt *string
	}) bool {
		return c.ID == id
	}); i < 0 || all[i].RevokedAt == nil || len(all[i].Suppliers) != 2 {
		t.Errorf("list --json: %s", r.out)
	}
	for name, test := range map[string]struct {
		args []string
		word string
	}{
		"nobody's":            {[]string{"create", "--name", "n", "--supplier", "nobody"}, "NOT_FOUND"},
		"no supplier":         {[]string{"create", "--name", "n"}, "supplier"},
		"no name":             {[]string{"create", "--supplier", cajun}, "--name"},
		"a customer":          {[]string{"create", "--name", "n", "--role", "customer"}, "role"},
		"too much":            {[]string{"create", "--name", "n", "--supplier", cajun, "--scope", "audit:read"}, "audit:read"},
		"rotating nothing":    {[]string{"rotate", redline.NewID(redline.PrefixClient)}, "NOT_FOUND"},
		"rotating too long":   {[]string{"rotate", id, "--overlap", "9000h"}, "overlapSeconds"},
		"rotating what ended": {[]string{"rotate", id}, "revoked"},
		"revoking nothing":    {[]string{"revoke", "cli_none"}, "NOT_FOUND"},
		"as an operator":      {[]string{"list", "--token", operatorToken(t)}, "FORBIDDEN"},
		"as nobody":           {[]string{"list", "--token", "x.y.z"}, "UNAUTHENTICATED"},
		"no such database":    {[]string{"list", "--database-url", "nonsense"}, "database URL"},
	} {
		if r := client(test.args...); r.code == 0 || !strings.Contains(r.err, test.word) || strings.Contains(r.out, "rls_") {
			t.Errorf("%s: %d %q %q; want a word on %q", name, r.code, r.out, r.err, test.word)
		}
	}
}

// Outside issuers' tokens that name a client of ours are no client's.
func TestAnothersClientIsNotOurs(t *testing.T) {
	t.Parallel()
	s := demo(t)
	c := s.as(adminToken(t)).newClient(t)
	s.as(adminToken(t)).do(t, "clientRevoke", vars{"clientId": c.id}, "")
	ours := issue(t, auth.Claims{Role: redline.RoleSupplier, Suppliers: []string{cajun}, Subject: c.id, ClientID: c.id})
	eventually(t, "the gateway's knowing of the revocation", func(ctx context.Context) bool {
		a, err := s.as(ours).try(ctx, `{ viewer { subject } }`, nil)
		return err == nil && a.status == http.StatusUnauthorized
	})
	// One of the same subject that no client got: nobody revoked it.
	s.as(issue(t, auth.Claims{Role: redline.RoleSupplier, Suppliers: []string{cajun}, Subject: c.id})).ask(t, `{ viewer { subject } }`, nil)
}
