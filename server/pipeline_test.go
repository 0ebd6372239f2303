package server_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/server"
)

func TestRequestID(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	made := map[string]bool{}
	for _, test := range []struct {
		given []string
		kept  bool
	}{
		{nil, false},
		{[]string{""}, false},
		{[]string{"Abc-1.2_3"}, true},
		{[]string{strings.Repeat("a", 64)}, true},
		{[]string{strings.Repeat("a", 65)}, false},
		{[]string{"a b"}, false},
		{[]string{"é"}, false},
		{[]string{`a"}`}, false},
		{[]string{"a", "b"}, false},
	} {
		got := s.do(t, call{body: bodyOf(t, "{ who }"), header: http.Header{"X-Request-Id": test.given}})
		id := got.header.Get("X-Request-Id")
		if test.kept && id != test.given[0] {
			t.Errorf("%q became %q", test.given, id)
		}
		if !test.kept && (made[id] || !regexp.MustCompile(`^[A-Z0-9]{20,64}$`).MatchString(id)) {
			t.Errorf("%q became %q", test.given, id)
		}
		made[id] = true
		if !strings.Contains(got.body, id) {
			t.Errorf("the resolver does not know %q: %s", id, got.body)
		}
	}
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	who := func(authorization ...string) answer {
		return s.do(t, call{body: bodyOf(t, "{ who }"),
			header: http.Header{"Authorization": authorization, "X-Request-Id": {"r1"}}})
	}
	who().want(t, http.StatusOK, `{"data":{"who":"STOREFRONT \"\" r1"}}`)
	who(goodToken).want(t, http.StatusOK, `{"data":{"who":"OPERATOR \"ann\" r1"}}`)

	var first string
	for _, path := range []string{server.PathGraphQL, "/nothing", "/"} {
		for _, given := range [][]string{{badToken}, {""}, {"Basic hunter2"}, {goodToken, goodToken}, {goodToken, badToken}} {
			for _, method := range []string{http.MethodPost, http.MethodGet, http.MethodOptions, http.MethodDelete} {
				got := s.do(t, call{method: method, path: path, body: "{ hunter2",
					header: http.Header{"Authorization": given, "X-Request-Id": {"r1"}, "Accept": {"text/html"}}})
				if got.status != http.StatusUnauthorized || got.header.Get("Www-Authenticate") != `Bearer error="invalid_token"` {
					t.Errorf("%s %s with %q: %d, WWW-Authenticate %q", method, path, given, got.status, got.header.Get("Www-Authenticate"))
				}
				if path == server.PathGraphQL {
					got.wantError(t, http.StatusUnauthorized, "UNAUTHENTICATED")
					if first == "" {
						first = got.body
					}
					if got.body != first {
						t.Errorf("bad tokens differ: %s and %s", got.body, first)
					}
				}
			}
		}
	}
	for _, path := range []string{server.PathHealth, server.PathReady} {
		got := s.do(t, call{method: http.MethodGet, path: path, header: http.Header{"Authorization": {badToken}}})
		if got.status != http.StatusOK {
			t.Errorf("%s looks at tokens: %d", path, got.status)
		}
	}
	if log := s.log.String(); strings.Contains(log, "hunter2") {
		t.Errorf("the log has a token: %s", log)
	}
	refused := s.log.lines(t, "token refused")
	if len(refused) == 0 || refused[0]["reason"] != "bad signature" || refused[0]["requestId"] != "r1" {
		t.Errorf("refused tokens in the log: %v", refused)
	}
}

func TestUnknownPaths(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, path := range []string{"/", "/graphql/", "/Graphql", "//graphql", "/graphql/../graphql", "/healthz/x", "/%67raphql2"} {
		got := s.do(t, call{method: http.MethodGet, path: path, header: http.Header{"X-Request-Id": {"r1"}}})
		got.want(t, http.StatusNotFound, `{"error":{"code":"NOT_FOUND","message":"there is nothing at this path","requestId":"r1"}}`)
		if got.header.Get("Content-Type") != typeJSON || got.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %v", path, got.header)
		}
	}
}

func TestFailuresNameTheRequest(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	got := s.do(t, call{method: http.MethodPut, header: http.Header{"X-Request-Id": {"r1"}}})
	response, _ := got.graphql(t)
	if response.Errors[0].Extensions["requestId"] != "r1" || got.header.Get("Content-Type") != typeGraphQL {
		t.Errorf("%v %s", got.header, got.body)
	}
	got = s.do(t, call{method: http.MethodPost, path: server.PathHealth, header: http.Header{"X-Request-Id": {"r1"}}})
	got.want(t, http.StatusMethodNotAllowed,
		`{"error":{"code":"METHOD_NOT_ALLOWED","message":"this path answers GET and HEAD","requestId":"r1"}}`)
}

// A panic is one 500 that tells nothing; the log tells all, and the next
// request is served.
func TestPanicIsSurvived(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	got := s.do(t, call{body: bodyOf(t, "{ panics }"), header: http.Header{"X-Request-Id": {"r1"}}})
	got.wantError(t, http.StatusInternalServerError, "INTERNAL", "internal error")
	if !strings.Contains(got.body, "r1") || strings.Contains(got.body, "secret") {
		t.Errorf("body %s", got.body)
	}
	s.query(t, "{ hello }").want(t, http.StatusOK, `{"data":{"hello":"world"}}`)

	told := s.log.lines(t, "panic")
	if len(told) != 1 {
		t.Fatalf("%d panics in the log", len(told))
	}
	if told[0]["cause"] != "the secret cause" || told[0]["requestId"] != "r1" || !strings.Contains(told[0]["stack"].(string), "schema_test.go") {
		t.Errorf("in the log: %v", told[0])
	}
	for _, line := range s.log.lines(t, "request") {
		if line["requestId"] == "r1" && line["status"] != float64(http.StatusInternalServerError) {
			t.Errorf("access log: %v", line)
		}
	}
}

// halfAnswer is a transport that gives up in the middle of an answer.
type halfAnswer struct{ cause any }

func (halfAnswer) Supports(*http.Request) bool { return true }

func (h halfAnswer) Do(w http.ResponseWriter, _ *http.Request, _ graphql.GraphExecutor) {
	_, _ = io.WriteString(w, `{"data":`)
	_ = http.NewResponseController(w).Flush()
	panic(h.cause)
}

// Half an answer must not look like a whole one.
func TestPanicInTheMiddleCutsTheConnection(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		cause any
		told  int
	}{
		"a fault":             {"boom", 1},
		"an abort on purpose": {http.ErrAbortHandler, 0},
	} {
		s := newServed(t, func(o *server.Options) { o.WebSocket = halfAnswer{test.cause} })
		response, err := s.client.Do(call{body: bodyOf(t, "{ hello }")}.request(t, s.url))
		if err != nil {
			t.Fatal(err)
		}
		_, err = io.ReadAll(response.Body)
		response.Body.Close()
		if !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%s: the answer ends with %v", name, err)
		}
		if told := s.log.lines(t, "panic"); len(told) != test.told {
			t.Errorf("%s: %d panics in the log, want %d", name, len(told), test.told)
		}
	}
}

// fakeExecutor answers every operation with one response.
type fakeExecutor struct {
	graphql.GraphExecutor
	response graphql.Response
}

func (f fakeExecutor) DispatchOperation(ctx context.Context, _ *graphql.OperationContext) (graphql.ResponseHandler, context.Context) {
	return graphql.OneShot(&f.response), ctx
}

func TestResponsesOfTheExecutor(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		response graphql.Response
		status   int
		body     string
	}{
		"extensions": {graphql.Response{Data: json.RawMessage(`{"a":1}`), Extensions: map[string]any{"x": 1}},
			200, `{"data":{"a":1},"extensions":{"x":1}}`},
		"stopped before it ran": {graphql.Response{Errors: gqlerror.List{{Message: "no"}}}, 400, `{"errors":[{"message":"no"}]}`},
		"nothing at all":        {graphql.Response{}, 400, `{}`},
		"unavailable, as text": {graphql.Response{Errors: gqlerror.List{{Message: "no", Extensions: map[string]any{"code": "UNAVAILABLE"}}}},
			503, `{"errors":[{"message":"no","extensions":{"code":"UNAVAILABLE"}}]}`},
		"what is not JSON": {graphql.Response{Data: json.RawMessage(`null`), Extensions: map[string]any{"f": func() {}}},
			500, `{"errors":[{"message":"internal error","extensions":{"code":"INTERNAL","requestId":"r1"}}]}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServed(t, func(o *server.Options) { o.Executor = fakeExecutor{o.Executor, test.response} })
			s.do(t, call{body: bodyOf(t, "{ hello }"), header: http.Header{"X-Request-Id": {"r1"}}}).want(t, test.status, test.body)
		})
	}
}

func TestAccessLog(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	got := s.do(t, call{method: http.MethodGet, path: "/graphql?query=" + "{echo(text:%22SECRET%22)}",
		header: http.Header{"Authorization": {goodToken}, "X-Request-Id": {"r1"}}})
	s.do(t, call{body: `{"query":"{ hello }","variables":{"SECRET":1}}`, header: http.Header{"X-Request-Id": {"r2"}}})
	s.do(t, call{method: http.MethodGet, path: "/" + strings.Repeat("x", 5000), header: http.Header{"X-Request-Id": {"r3"}}})
	s.do(t, call{method: http.MethodGet, path: server.PathHealth, header: http.Header{"X-Request-Id": {"r4"}}})

	lines := s.log.lines(t, "request")
	if len(lines) != 4 {
		t.Fatalf("%d lines: %s", len(lines), s.log)
	}
	for i, want := range []map[string]any{
		{"method": "GET", "path": "/graphql", "status": 200.0, "bytes": float64(len(got.body)), "requestId": "r1", "role": "OPERATOR", "subject": "ann", "level": "INFO"},
		{"method": "POST", "path": "/graphql", "status": 200.0, "requestId": "r2", "role": "anonymous", "subject": "", "level": "INFO"},
		{"method": "GET", "status": 404.0, "requestId": "r3", "level": "INFO"},
		{"path": "/healthz", "status": 200.0, "requestId": "r4", "level": "DEBUG"},
	} {
		for name, value := range want {
			if lines[i][name] != value {
				t.Errorf("%s is %v, want %v", name, lines[i][name], value)
			}
		}
		if ms, ok := lines[i]["ms"].(float64); !ok || ms < 0 {
			t.Errorf("ms is %v", lines[i]["ms"])
		}
	}
	if len(lines[2]["path"].(string)) > 300 {
		t.Error("a long path is logged whole")
	}
	if strings.Contains(s.log.String(), "SECRET") || strings.Contains(s.log.String(), "Bearer") {
		t.Errorf("the log tells too much: %s", s.log)
	}
}

// A token or a client's secret that somebody put into the path is not in the log.
func TestAccessLogRedactsPaths(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, secret := range []string{"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2lnbmF0dXJl", "rls_0123456789abcdefghijklmnopqrstuvwxyz"} {
		s.log.reset()
		s.do(t, call{method: http.MethodGet, path: "/me/" + secret + "/x"})
		lines := s.log.lines(t, "request")
		if len(lines) != 1 || lines[0]["path"] != "/me/[redacted]/x" {
			t.Errorf("the log says %s", s.log)
		}
	}
}

// echoSocket is a websocket transport: it says who came, and closes.
type echoSocket struct{ upgrader websocket.Upgrader }

func (*echoSocket) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

func (e *echoSocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	conn, err := e.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	params := &graphql.RawParams{Query: nest(16)}
	_, errs := exec.CreateOperationContext(r.Context(), params)
	_ = conn.WriteJSON([]any{redline.PrincipalFrom(r.Context()).Role, redline.RequestIDFrom(r.Context()), errs})
	if r.URL.Query().Has("panic") {
		panic("after the upgrade")
	}
}

func TestWebSocketComesFirst(t *testing.T) {
	t.Parallel()
	s := newServed(t, func(o *server.Options) { o.WebSocket = &echoSocket{} })
	url := "ws" + strings.TrimPrefix(s.url, "http") + server.PathGraphQL
	for _, address := range []string{url, url + "?panic"} {
		conn, response, err := websocket.DefaultDialer.Dial(address, http.Header{"Authorization": {goodToken}, "X-Request-Id": {"r1"}})
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		_, message, err := conn.ReadMessage()
		conn.Close()
		if err != nil || !strings.Contains(string(message), `"OPERATOR","r1"`) {
			t.Errorf("%v %s", err, message)
		}
		if !strings.Contains(string(message), "LIMIT_EXCEEDED") {
			t.Errorf("limits do not hold for the websocket: %s", message)
		}
	}
	_, response, err := websocket.DefaultDialer.Dial(url, http.Header{"Authorization": {badToken}})
	if err == nil {
		t.Fatal("a websocket with a bad token")
	}
	read(t, response).wantError(t, http.StatusUnauthorized, "UNAUTHENTICATED")
	s.query(t, "{ hello }").want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
}

func TestNoNewWebSocketsWhileStopping(t *testing.T) {
	t.Parallel()
	draining, drained := make(chan struct{}), make(chan struct{})
	r := newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.WebSocket = &echoSocket{}
		o.Drain = func(context.Context) {
			close(draining)
			<-drained
		}
	})
	s := start(t, r)
	s.stop()
	<-draining
	web := serve(t, r) // the same server, by a door that is still open
	_, response, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(web.url, "http")+server.PathGraphQL, nil)
	if err == nil {
		t.Fatal("a new websocket on a stopping server")
	}
	got := read(t, response)
	got.wantError(t, http.StatusServiceUnavailable, "UNAVAILABLE", "stopping")
	if got.header.Get("Retry-After") == "" {
		t.Error("no Retry-After")
	}
	close(drained)
	if err := s.wait(t); err != nil {
		t.Error(err)
	}
}

func TestOptionsAreChecked(t *testing.T) {
	t.Parallel()
	good := server.Options{
		Executor:     executor.New(newTinySchema()),
		Authenticate: func(context.Context, []string) (redline.Principal, error) { return redline.Principal{}, nil },
	}
	if _, err := server.New(good); err != nil {
		t.Fatal(err)
	}
	for name, mend := range map[string]func(*server.Options){
		"Executor":     func(o *server.Options) { o.Executor = nil },
		"Authenticate": func(o *server.Options) { o.Authenticate = nil },
		"MaxBodyBytes": func(o *server.Options) { o.MaxBodyBytes = -1 },
		"IdleTimeout":  func(o *server.Options) { o.IdleTimeout = -1 },
		"HSTS":         func(o *server.Options) { o.HSTS = 500 * time.Millisecond },
		"DrainDelay":   func(o *server.Options) { o.DrainDelay = server.DefaultDrainBudget },
		"check":        func(o *server.Options) { o.Ready = []server.Check{{Name: "x"}} },
		"/graphql": func(o *server.Options) {
			o.Public = map[string]http.Handler{server.PathGraphQL: http.NotFoundHandler()}
		},
		"/readyz":      func(o *server.Options) { o.Public = map[string]http.Handler{server.PathReady: http.NotFoundHandler()} },
		"/oauth/token": func(o *server.Options) { o.Public = map[string]http.Handler{"/oauth/token": nil} },
		"/healthz":     func(o *server.Options) { o.Static = map[string]http.Handler{server.PathHealth: http.NotFoundHandler()} },
		"/explorer":    func(o *server.Options) { o.Static = map[string]http.Handler{"/explorer": nil} },
		"/ticket":      func(o *server.Options) { o.Private = map[string]http.Handler{"/ticket": nil} },
		"/feed": func(o *server.Options) {
			o.Public = map[string]http.Handler{"/feed": http.NotFoundHandler()}
			o.Private = map[string]http.Handler{"/feed": http.NotFoundHandler()}
		},
		"/page": func(o *server.Options) {
			o.Static = map[string]http.Handler{"/page": http.NotFoundHandler()}
			o.Public = map[string]http.Handler{"/page": http.NotFoundHandler()}
		},
	} {
		options := good
		mend(&options)
		if _, err := server.New(options); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReadiness(t *testing.T) {
	t.Parallel()
	var broken error
	s := newServed(t, func(o *server.Options) {
		o.Ready = []server.Check{
			{Name: "database", Probe: func(ctx context.Context) error {
				if _, bounded := ctx.Deadline(); !bounded {
					return errors.New("a probe without a deadline")
				}
				return broken
			}},
			{Name: "log", Probe: func(context.Context) error { return broken }},
			{Name: "fine", Probe: func(context.Context) error { return nil }},
			{Name: "keys", Public: true, Probe: func(context.Context) error {
				if broken == nil {
					return nil
				}
				return errors.New("none came yet")
			}},
		}
	})
	ready := call{method: http.MethodGet, path: server.PathReady}
	s.do(t, ready).want(t, http.StatusOK, `{"ready":true,"notReady":[]}`)
	broken = errors.New("dial db.internal: SECRET")
	s.do(t, ready).want(t, http.StatusServiceUnavailable, `{"ready":false,"notReady":["database","log","keys"],"reasons":{"keys":"none came yet"}}`)
	if !strings.Contains(s.log.String(), "db.internal") {
		t.Error("the log does not say why")
	}
	s.do(t, call{method: http.MethodGet, path: server.PathHealth}).want(t, http.StatusOK, `{"alive":true}`)
	s.do(t, call{method: http.MethodHead, path: server.PathHealth}).want(t, http.StatusOK, "")
	if got := s.do(t, call{method: http.MethodPost, path: server.PathReady}); got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("Allow %q", got.header.Get("Allow"))
	}
}
