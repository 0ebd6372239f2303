package oauth_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"redline"
	"redline/auth"
	"redline/oauth"
	"redline/server"
	"redline/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// The client of the tests. Its secret has letters that forms write otherwise.
var (
	clientID = redline.NewID(redline.PrefixClient)
	otherID  = redline.NewID(redline.PrefixClient)
)

const secret = "rls_+/ %:&=é"

// rig is the endpoint behind a server, with a few clients.
type rig struct {
	t        testing.TB
	url      string
	web      *http.Client
	handlers map[string]http.Handler
	verifier *auth.Verifier
	log      *strings.Builder

	mu       sync.Mutex
	outcomes []string
	// err is what the clients fail with, and asked how often they were asked.
	err   error
	asked int
	// gate, where set, is waited for before a client is known or isn't; asking is told of
	// each that waits.
	gate   chan struct{}
	asking chan struct{}
}

func (r *rig) ClientAuthenticate(_ context.Context, id, given string) (*redline.ClientGrant, error) {
	if r.gate != nil {
		r.asking <- struct{}{}
		<-r.gate
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.asked++
	switch {
	case r.err != nil:
		return nil, r.err
	case id != clientID && id != otherID || given != secret:
		return nil, redline.Errorf(redline.CodeUnauthenticated, nil, "a secret reason of the inside")
	}
	return &redline.ClientGrant{
		ClientID: id, Role: redline.RoleSupplier, Scopes: redline.DefaultScopes(redline.RoleSupplier), Suppliers: []string{"acme"},
	}, nil
}

func newRig(t testing.TB, mend ...func(*oauth.Options)) *rig {
	t.Helper()
	key, err := auth.LoadOrCreateKey(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	keys, err := auth.NewStaticKeys(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, log: &strings.Builder{}}
	if r.verifier, err = auth.NewVerifier(auth.VerifierOptions{Issuers: []auth.Issuer{{
		Name: auth.DefaultIssuer, Audiences: []string{auth.DefaultAudience}, Keys: keys, Clients: true,
	}}}); err != nil {
		t.Fatal(err)
	}
	set, err := auth.KeySetOf(key)
	if err != nil {
		t.Fatal(err)
	}
	options := oauth.Options{
		Clients: r, KeySet: set, PublicURL: "https://redline.example.com", Log: slog.New(slog.NewTextHandler(r.log, nil)),
		Issue: func(grant redline.ClientGrant, ttl time.Duration) (string, error) {
			return key.Issue(auth.Claims{
				Subject: grant.ClientID, ClientID: grant.ClientID, Role: grant.Role, Scopes: grant.Scopes, Suppliers: grant.Suppliers, TTL: ttl,
			})
		},
		Done: func(outcome string) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.outcomes = append(r.outcomes, outcome)
		},
	}
	for _, m := range mend {
		m(&options)
	}
	s, err := oauth.New(options)
	if err != nil {
		t.Fatal(err)
	}
	r.handlers = s.Handlers()
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		h := r.handlers[request.URL.Path]
		if h == nil {
			http.NotFound(w, request)
			return
		}
		h.ServeHTTP(w, request.WithContext(redline.WithAddress(request.Context(), request.Header.Get("X-From"))))
	}))
	t.Cleanup(web.Close)
	r.url, r.web = web.URL, web.Client()
	return r
}

// failing has the clients fail from now on.
func (r *rig) failing(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.err = err
}

func (r *rig) calls() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.asked
}

func (r *rig) lastOutcome() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.outcomes[len(r.outcomes)-1]
}

// ask is a request for a token, as most are: a form, and Basic.
type ask struct {
	method, path string
	body         string
	header       http.Header // replaces; an empty list removes
}

// answer is what came of it.
type answer struct {
	status int
	header http.Header
	body   string
	Token  string   `json:"access_token"`
	Type   string   `json:"token_type"`
	In     *float64 `json:"expires_in"`
	Scope  *string  `json:"scope"`
	Error  string   `json:"error"`
	Says   string   `json:"error_description"`
}

func basic(id, secret string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(url.QueryEscape(id)+":"+url.QueryEscape(secret)))
}

func (r *rig) send(a ask) answer {
	r.t.Helper()
	if a.method == "" {
		a.method = http.MethodPost
	}
	if a.path == "" {
		a.path = oauth.PathToken
	}
	request, err := http.NewRequestWithContext(r.t.Context(), a.method, r.url+a.path, strings.NewReader(a.body))
	if err != nil {
		r.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", basic(clientID, secret))
	for name, values := range a.header {
		request.Header[name] = values
	}
	response, err := r.web.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	got := answer{status: response.StatusCode, header: response.Header, body: string(text)}
	if a.method != http.MethodHead && strings.HasPrefix(a.path, oauth.PathToken) {
		if err := json.Unmarshal(text, &got); err != nil {
			r.t.Fatalf("%d %s: %v", got.status, text, err)
		}
	}
	return got
}

// wrong is the authorization of a client with a secret that is wrong.
func wrong(id string) string { return basic(id, "wrong") }

// ask asks for a token without a network between, from an address that all share.
func (r *rig) ask(authorization string) *httptest.ResponseRecorder {
	request := httptest.NewRequestWithContext(r.t.Context(), http.MethodPost, oauth.PathToken, strings.NewReader(grant))
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Authorization", authorization)
	got := httptest.NewRecorder()
	ctx := redline.WithRequestID(redline.WithAddress(request.Context(), "192.0.2.50"), "r-1")
	r.handlers[oauth.PathToken].ServeHTTP(got, request.WithContext(ctx))
	return got
}

// checkHeaders holds what every answer has to say.
func (r *rig) checkHeaders(what string, got answer) {
	r.t.Helper()
	for name, want := range map[string]string{"Cache-Control": "no-store", "Pragma": "no-cache", "Content-Type": "application/json;charset=UTF-8"} {
		if value := got.header.Get(name); value != want {
			r.t.Errorf("%s: %s is %q", what, name, value)
		}
	}
}

var grant = "grant_type=client_credentials"

// inBody is a request that names its client in the body.
func inBody(id, secret, rest string) ask {
	form := url.Values{"grant_type": {"client_credentials"}, "client_id": {id}, "client_secret": {secret}}
	return ask{body: form.Encode() + rest, header: http.Header{"Authorization": nil}}
}

func TestATokenIsGiven(t *testing.T) {
	t.Parallel()
	all := redline.DefaultScopes(redline.RoleSupplier)
	some := []string{redline.ScopeOrdersRead, redline.ScopeInventoryRead}
	for name, test := range map[string]struct {
		ask    ask
		scopes []string
	}{
		"by Basic":                  {ask{body: grant}, all},
		"in the body":               {inBody(clientID, secret, ""), all},
		"by a lower-case basic":     {ask{body: grant, header: http.Header{"Authorization": {"basic" + strings.TrimPrefix(basic(clientID, secret), "Basic")}}}, all},
		"with its id in both":       {ask{body: grant + "&client_id=" + clientID}, all},
		"with a charset":            {ask{body: grant, header: http.Header{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}}, all},
		"with an empty scope":       {ask{body: grant + "&scope="}, all},
		"with some scopes":          {ask{body: grant + "&scope=orders:read+inventory:read"}, some},
		"with a scope twice":        {ask{body: grant + "&scope=orders%3Aread%20inventory:read+orders:read"}, some},
		"with parameters of others": {ask{body: grant + "&resource=x&audience=y&nothing"}, all},
	} {
		r := newRig(t)
		got := r.send(test.ask)
		if got.status != http.StatusOK || got.Type != "Bearer" || got.In == nil || *got.In != 3600 || got.Scope == nil {
			t.Errorf("%s: %d %s", name, got.status, got.body)
			continue
		}
		r.checkHeaders(name, got)
		p, err := r.verifier.Verify(t.Context(), got.Token)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if p.ClientID != clientID || p.Subject != clientID || p.Role != redline.RoleSupplier || !slices.Equal(p.Suppliers, []string{"acme"}) ||
			!sameMembers(p.Scopes, test.scopes) || !sameMembers(strings.Fields(*got.Scope), test.scopes) {
			t.Errorf("%s: the token is %+v, the scope %q", name, p, *got.Scope)
		}
		if left := time.Until(p.ExpiresAt); left > time.Hour || left < time.Hour-10*time.Second {
			t.Errorf("%s: it is good for %s", name, left)
		}
		if got := r.lastOutcome(); got != "issued" {
			t.Errorf("%s: the outcome is told as %q", name, got)
		}
	}
}

func sameMembers(a, b []string) bool {
	return slices.Equal(slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b)))
}

func TestWhatIsRefused(t *testing.T) {
	t.Parallel()
	raw := func(credentials string) http.Header {
		return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(credentials))}}
	}
	header := func(name string, values ...string) http.Header { return http.Header{name: values} }
	nobody := redline.NewID(redline.PrefixClient)
	for name, test := range map[string]struct {
		ask    ask
		status int
		code   string
	}{
		"no grant":              {ask{body: "scope=orders:read"}, 400, "invalid_request"},
		"an empty grant":        {ask{body: "grant_type="}, 400, "invalid_request"},
		"nothing":               {ask{}, 400, "invalid_request"},
		"a password":            {ask{body: "grant_type=password&username=a&password=b"}, 400, "unsupported_grant_type"},
		"a refresh":             {ask{body: "grant_type=refresh_token&refresh_token=a"}, 400, "unsupported_grant_type"},
		"another's case":        {ask{body: "grant_type=Client_Credentials"}, 400, "unsupported_grant_type"},
		"an unknown scope":      {ask{body: grant + "&scope=everything"}, 400, "invalid_scope"},
		"a scope not held":      {ask{body: grant + "&scope=orders:read+orders:write"}, 400, "invalid_scope"},
		"a sloppy scope":        {ask{body: grant + "&scope=orders:read++inventory:read"}, 400, "invalid_scope"},
		"a grant twice":         {ask{body: grant + "&" + grant}, 400, "invalid_request"},
		"a stranger twice":      {ask{body: grant + "&x=1&x=1"}, 400, "invalid_request"},
		"in the URL":            {ask{path: oauth.PathToken + "?" + grant}, 400, "invalid_request"},
		"a client in the URL":   {ask{body: grant, path: oauth.PathToken + "?client_id=" + clientID}, 400, "invalid_request"},
		"JSON":                  {ask{body: `{"grant_type":"client_credentials"}`, header: header("Content-Type", "application/json")}, 400, "invalid_request"},
		"no type":               {ask{body: grant, header: header("Content-Type")}, 400, "invalid_request"},
		"two types":             {ask{body: grant, header: header("Content-Type", "application/x-www-form-urlencoded", "text/plain")}, 400, "invalid_request"},
		"multipart":             {ask{body: grant, header: header("Content-Type", "multipart/form-data; boundary=x")}, 400, "invalid_request"},
		"no form":               {ask{body: grant + "&%zz"}, 400, "invalid_request"},
		"semicolons":            {ask{body: grant + ";scope=orders:read"}, 400, "invalid_request"},
		"too long":              {ask{body: grant + "&x=" + strings.Repeat("x", 8<<10)}, 413, "invalid_request"},
		"two ways":              {ask{body: grant + "&client_id=" + clientID + "&client_secret=" + url.QueryEscape(secret)}, 400, "invalid_request"},
		"two ways, one alone":   {ask{body: grant + "&client_secret=" + url.QueryEscape(secret)}, 400, "invalid_request"},
		"two clients":           {ask{body: grant + "&client_id=" + otherID}, 400, "invalid_request"},
		"two authorizations":    {ask{body: grant, header: header("Authorization", basic(clientID, secret), basic(clientID, secret))}, 400, "invalid_request"},
		"nobody":                {ask{body: grant, header: header("Authorization")}, 401, "invalid_client"},
		"an id alone":           {ask{body: grant + "&client_id=" + clientID, header: header("Authorization")}, 401, "invalid_client"},
		"a secret alone":        {ask{body: grant + "&client_secret=" + url.QueryEscape(secret), header: header("Authorization")}, 401, "invalid_client"},
		"an unknown client":     {ask{body: grant, header: header("Authorization", basic(nobody, secret))}, 401, "invalid_client"},
		"a wrong secret":        {ask{body: grant, header: header("Authorization", basic(clientID, "wrong"))}, 401, "invalid_client"},
		"unknown in the body":   {inBody(nobody, secret, ""), 401, "invalid_client"},
		"wrong in the body":     {inBody(clientID, "wrong", ""), 401, "invalid_client"},
		"a bearer":              {ask{body: grant, header: header("Authorization", "Bearer a.b.c")}, 401, "invalid_client"},
		"an empty header":       {ask{body: grant, header: header("Authorization", "")}, 401, "invalid_client"},
		"no colon":              {ask{body: grant, header: raw(clientID)}, 401, "invalid_client"},
		"no base64":             {ask{body: grant, header: header("Authorization", "Basic !!!")}, 401, "invalid_client"},
		"bad escapes":           {ask{body: grant, header: raw(clientID + ":%zz")}, 401, "invalid_client"},
		"an unescaped secret":   {ask{body: grant, header: raw(clientID + ":" + "rls_+/ %:")}, 401, "invalid_client"},
		"a wrong one for scope": {inBody(clientID, "wrong", "&scope=everything"), 401, "invalid_client"},
		"GET":                   {ask{method: http.MethodGet}, 405, "invalid_request"},
		"PUT":                   {ask{method: http.MethodPut, body: grant}, 405, "invalid_request"},
		"OPTIONS":               {ask{method: http.MethodOptions}, 405, "invalid_request"},
	} {
		r := newRig(t)
		got := r.send(test.ask)
		if got.status != test.status || got.Error != test.code || got.Says == "" || got.Token != "" {
			t.Errorf("%s: %d %s; want %d %s", name, got.status, got.body, test.status, test.code)
		}
		r.checkHeaders(name, got)
		if basic := got.header.Get("WWW-Authenticate"); strings.HasPrefix(basic, "Basic ") != (test.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q", name, basic)
		}
		if allow := got.header.Get("Allow"); (allow == "POST") != (test.status == 405) {
			t.Errorf("%s: Allow is %q", name, allow)
		}
		if test.status == 401 && got.body != `{"error":"invalid_client","error_description":"the client is not known, or the secret is not its own"}` {
			t.Errorf("%s tells itself from the others: %s", name, got.body)
		}
		if outcome := r.lastOutcome(); outcome != test.code {
			t.Errorf("%s: the outcome is told as %q", name, outcome)
		}
		if strings.Contains(got.body, "inside") || strings.Contains(r.log.String(), "rls_") || strings.Contains(got.body, "everything") {
			t.Errorf("%s tells too much: %s, %s", name, got.body, r.log)
		}
	}
	if got := newRig(t).send(ask{method: http.MethodHead}); got.status != 405 || got.header.Get("Allow") != "POST" {
		t.Errorf("HEAD: %d, Allow %q", got.status, got.header.Get("Allow"))
	}
}

func TestWhatFailsInside(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	away := redline.Errorf(redline.CodeUnavailable, nil, "the database can't answer now")
	away.RetryAfter = 2500 * time.Millisecond
	r.failing(away.Because(errors.New("dial db.internal")))
	got := r.send(ask{body: grant})
	if got.status != 503 || got.Error != "temporarily_unavailable" || got.header.Get("Retry-After") != "3" || strings.Contains(got.body, "internal") {
		t.Errorf("the database is away: %d %q %s", got.status, got.header.Get("Retry-After"), got.body)
	}
	r.checkHeaders("the database is away", got)
	r.failing(errors.New("column secret_hash does not exist"))
	got = r.send(ask{body: grant})
	if got.status != 500 || got.Error != "server_error" || strings.Contains(got.body, "column") || !strings.Contains(r.log.String(), "secret_hash") {
		t.Errorf("a fault: %d %s; the log says %s", got.status, got.body, r.log)
	}
	r.failing(nil)
	if got := r.send(ask{body: grant}); got.status != 200 {
		t.Errorf("afterwards: %d %s", got.status, got.body)
	}
	broken := newRig(t, func(o *oauth.Options) {
		o.Issue = func(redline.ClientGrant, time.Duration) (string, error) { return "", errors.New("no key") }
	})
	if got := broken.send(ask{body: grant}); got.status != 500 || got.Error != "server_error" {
		t.Errorf("what can't be signed: %d %s", got.status, got.body)
	}
}

// A flood on a client's id holds up who floods, and not its owner elsewhere; and it is
// held up before the database is asked.
func TestFloodsWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	from := func(address, id, secret string) answer {
		return r.send(ask{body: grant, header: http.Header{"Authorization": {basic(id, secret)}, "X-From": {address}}})
	}
	flood := func(address string, id func() string) (wrong int) {
		for wrong = 0; wrong < 100; wrong++ {
			got := from(address, id(), "wrong")
			if got.status == 401 {
				continue
			}
			if got.status != 429 || got.Error != "too_many_requests" || got.header.Get("Retry-After") == "" || got.header.Get("Retry-After") == "0" {
				t.Fatalf("the flood is answered with %d %v %s", got.status, got.header, got.body)
			}
			r.checkHeaders("a flood", got)
			return wrong
		}
		return wrong
	}
	theClient := func() string { return clientID }
	if n := flood("192.0.2.1", theClient); n < 5 || n > 20 {
		t.Errorf("%d wrong secrets of one client were looked at", n)
	}
	asked := r.calls()
	if got := from("192.0.2.1", clientID, secret); got.status != 429 {
		t.Errorf("the right secret from there: %d", got.status)
	}
	if r.calls() != asked {
		t.Error("the database is asked for a flood")
	}
	for what, got := range map[string]answer{
		"the owner elsewhere":             from("192.0.2.2", clientID, secret),
		"another client from there":       from("192.0.2.1", otherID, secret),
		"the owner from its IPv6 network": from("2001:db8::1", clientID, secret),
	} {
		if got.status != 200 {
			t.Errorf("%s: %d %s", what, got.status, got.body)
		}
	}

	// Nor does it help to say each time that it is somebody else, or to come from another
	// address of one's own network.
	n := 0
	if looked := flood("192.0.2.9", func() string { return redline.NewID(redline.PrefixClient) }); looked < 20 || looked > 60 {
		t.Errorf("%d wrong secrets of made-up clients were looked at", looked)
	}
	for ; n < 100; n++ {
		if got := from(fmt.Sprintf("2001:db8:1:2::%x", n+1), redline.NewID(redline.PrefixClient), "wrong"); got.status == 429 {
			break
		}
	}
	if n < 20 || n > 60 {
		t.Errorf("%d wrong secrets from one IPv6 network were looked at", n)
	}
	if got := from("2001:db8:1:3::1", clientID, secret); got.status != 200 {
		t.Errorf("from the network beside it: %d", got.status)
	}
	if got := from("192.0.2.1, 192.0.2.7", clientID, secret); got.status != 200 {
		t.Errorf("from what is no address: %d", got.status)
	}
}

// The log names a client that is refused, under the request's id; what is no client's id
// isn't repeated, and a secret never.
func TestRefusedClientsAreLogged(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *oauth.Options) {
		o.Log = slog.New(telemetry.LogHandler(o.Log.Handler()))
	})
	for _, id := range []string{clientID, "rls_in-the-wrong-place", "cli_short"} {
		r.log.Reset()
		if got := r.ask(basic(id, "hunter2")); got.Code != 401 {
			t.Fatalf("%s: %d", id, got.Code)
		}
		said := r.log.String()
		if strings.Contains(said, "hunter2") {
			t.Errorf("the log has the secret: %s", said)
		}
		if id != clientID {
			if said != "" {
				t.Errorf("%s is in the log: %s", id, said)
			}
			continue
		}
		for _, part := range []string{"level=INFO", `msg="client refused"`, "client=" + clientID, "requestId=r-1"} {
			if !strings.Contains(said, part) {
				t.Errorf("%s isn't in the log: %s", part, said)
			}
		}
	}
	for range 10 {
		r.ask(wrong(clientID))
	}
	if said := r.log.String(); !strings.Contains(said, `reason="too many wrong secrets"`) {
		t.Errorf("a client that has to wait isn't in the log: %s", said)
	}
}

// Behind one address, a flood of made-up clients doesn't keep out one that was right
// there; a flood on its own id does, there alone.
func TestAFloodBesideAKnownClient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	if got := r.ask(basic(clientID, secret)); got.Code != 200 {
		t.Fatalf("the owner: %d %s", got.Code, got.Body)
	}
	for range 40 {
		r.ask(wrong(redline.NewID(redline.PrefixClient)))
	}
	for who, want := range map[string]int{clientID: 200, otherID: 429} {
		if got := r.ask(basic(who, secret)); got.Code != want {
			t.Errorf("%s: %d %s; want %d", who, got.Code, got.Body, want)
		}
	}
	asked := r.calls()
	for range 40 {
		r.ask(wrong(clientID))
	}
	if n := r.calls() - asked; n < 10 || n > 12 {
		t.Errorf("%d wrong secrets of a known client were looked at", n)
	}
	if got := r.ask(basic(clientID, secret)); got.Code != 429 {
		t.Errorf("the known client, after a flood on its id: %d", got.Code)
	}
}

// Many at once are looked at no more often than many one after the other, while nothing
// is known of any of them yet.
func TestFloodsAtOnceWait(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		id   func() string
		most int
	}{
		"on one client":      {func() string { return clientID }, 10},
		"of made-up clients": {func() string { return redline.NewID(redline.PrefixClient) }, 30},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			r.gate, r.asking = make(chan struct{}), make(chan struct{}, 500)
			open := sync.OnceFunc(func() { close(r.gate) })
			defer open()
			statuses := make(chan int, 500)
			for range cap(statuses) {
				go func() { statuses <- r.ask(wrong(test.id())).Code }()
			}
			for range test.most {
				<-r.asking
			}
			// Those who neither ask nor wait are sent away meanwhile.
			var refused int
			for range cap(statuses) - test.most - 2*64 {
				select {
				case status := <-statuses:
					if status != 429 {
						t.Fatalf("while others are asked about: %d", status)
					}
				case <-r.asking:
					t.Fatal("too many are asked about at once")
				}
				refused++
			}
			open()
			for ; refused < cap(statuses); refused++ {
				if status := <-statuses; status != 401 && status != 429 {
					t.Errorf("afterwards: %d", status)
				}
			}
			// One more may have come back while the test ran.
			if asked := r.calls(); asked < test.most || asked > test.most+2 {
				t.Errorf("%d wrong secrets were looked at; want %d", asked, test.most)
			}
		})
	}
}

// Right secrets count nothing, nor does what the database is away for, however many come
// at once.
func TestRightSecretsAtOnceArePatient(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	all := func(what string, want int) {
		statuses := make(chan int, 60)
		for range cap(statuses) {
			go func() { statuses <- r.ask(basic(clientID, secret)).Code }()
		}
		for range cap(statuses) {
			if status := <-statuses; status != want {
				t.Errorf("%s: %d", what, status)
			}
		}
	}
	all("right secrets", 200)
	r.failing(redline.Errorf(redline.CodeUnavailable, nil, "away"))
	all("while the database is away", 503)
	r.failing(nil)
	all("right secrets afterwards", 200)
}

// Whom the server's rate limit keeps out is told so in OAuth's words, at each path.
func TestTheRateLimitInOAuthsWords(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, handler := range r.handlers {
		limited, ok := handler.(server.RateLimited)
		if !ok {
			t.Errorf("%s has no words of its own", path)
			continue
		}
		got := httptest.NewRecorder()
		limited.ServeRateLimited(got, httptest.NewRequestWithContext(t.Context(), http.MethodPost, path, http.NoBody), 1500*time.Millisecond)
		if got.Code != 429 || got.Body.String() != `{"error":"too_many_requests","error_description":"too much was asked from here lately"}` || got.Header().Get("Retry-After") != "2" {
			t.Errorf("%s: %d %v %s", path, got.Code, got.Header(), got.Body)
		}
		r.checkHeaders(path, answer{header: got.Header()})
	}
	if len(r.handlers) != 3 || !slices.Equal(r.outcomes, []string{"too_many_requests"}) {
		t.Errorf("told of %q at %d paths", r.outcomes, len(r.handlers))
	}
}

func TestDocuments(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for path, want := range map[string]string{oauth.PathKeys: "application/jwk-set+json", oauth.PathMetadata: "application/json"} {
		got := r.send(ask{method: http.MethodGet, path: path, header: http.Header{"Authorization": {"Bearer bad"}}})
		if got.status != 200 || got.header.Get("Content-Type") != want || got.header.Get("Cache-Control") != "public, max-age=300" || !json.Valid([]byte(got.body)) {
			t.Errorf("%s: %d %v %s", path, got.status, got.header, got.body)
		}
		if head := r.send(ask{method: http.MethodHead, path: path}); head.status != 200 || head.body != "" || head.header.Get("Content-Length") != fmt.Sprint(len(got.body)) {
			t.Errorf("HEAD %s: %d %v", path, head.status, head.header)
		}
		if post := r.send(ask{path: path}); post.status != 405 || post.header.Get("Allow") != "GET, HEAD" {
			t.Errorf("POST %s: %d %v", path, post.status, post.header)
		}
	}
	var metadata map[string]any
	if err := json.Unmarshal([]byte(r.send(ask{method: http.MethodGet, path: oauth.PathMetadata}).body), &metadata); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"issuer": "https://redline.example.com", "token_endpoint": "https://redline.example.com/oauth/token",
		"jwks_uri": "https://redline.example.com/.well-known/jwks.json", "grant_types_supported": "[client_credentials]",
		"token_endpoint_auth_methods_supported": "[client_secret_basic client_secret_post]", "response_types_supported": "[]",
	} {
		if got := fmt.Sprint(metadata[name]); got != want {
			t.Errorf("%s is %s", name, got)
		}
	}
	hidden := newRig(t, func(o *oauth.Options) { o.PublicURL = "" })
	if got := hidden.send(ask{method: http.MethodGet, path: oauth.PathMetadata}); got.status != 404 {
		t.Errorf("without a public URL there is metadata: %d %s", got.status, got.body)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := oauth.Options{
		Clients: &rig{}, KeySet: []byte("{}"), Issue: func(redline.ClientGrant, time.Duration) (string, error) { return "", nil },
	}
	if _, err := oauth.New(good); err != nil {
		t.Fatal(err)
	}
	for name, mend := range map[string]func(*oauth.Options){
		"no clients": func(o *oauth.Options) { o.Clients = nil },
		"no issuer":  func(o *oauth.Options) { o.Issue = nil },
		"no keys":    func(o *oauth.Options) { o.KeySet = nil },
		"too long":   func(o *oauth.Options) { o.TTL = 25 * time.Hour },
		"too short":  func(o *oauth.Options) { o.TTL = time.Millisecond },
		"a bad URL":  func(o *oauth.Options) { o.PublicURL = "redline" },
	} {
		options := good
		mend(&options)
		if _, err := oauth.New(options); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for text, want := range map[string]bool{
		"https://redline.example.com": true, "https://redline.example.com/": true, "https://redline.example.com:8443": true, "http://localhost:8080": true,
		"http://127.0.0.1:1": true, "http://redline.example.com": false, "https://": false, "": false, "https://a/b": false, "https://a?b": false, "https://a?": false,
		"https://a#b": false, "https://u:p@a": false, "ftp://a": false, "redline.example.com": false, "https://a b": false,
	} {
		if err := oauth.CheckPublicURL(text); (err == nil) != want {
			t.Errorf("the public URL %q: %v", text, err)
		}
	}
}

// A client library that many use gets its tokens, either way, and says what was refused.
func TestAClientLibrary(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	ctx := context.WithValue(t.Context(), oauth2.HTTPClient, r.web)
	for _, style := range []oauth2.AuthStyle{oauth2.AuthStyleInHeader, oauth2.AuthStyleInParams, oauth2.AuthStyleAutoDetect} {
		config := clientcredentials.Config{
			ClientID: clientID, ClientSecret: secret, TokenURL: r.url + oauth.PathToken, Scopes: []string{redline.ScopeOrdersRead}, AuthStyle: style,
		}
		token, err := config.Token(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p, err := r.verifier.Verify(ctx, token.AccessToken)
		if err != nil || p.ClientID != clientID || !slices.Equal(p.Scopes, []string{redline.ScopeOrdersRead}) || token.Type() != "Bearer" || !token.Valid() {
			t.Errorf("style %v: %+v, %v", style, p, err)
		}
		config.ClientSecret = "wrong"
		_, err = config.Token(ctx)
		if refused, ok := errors.AsType[*oauth2.RetrieveError](err); !ok || refused.ErrorCode != "invalid_client" {
			t.Errorf("style %v with a wrong secret: %v", style, err)
		}
	}
}
