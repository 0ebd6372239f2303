package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"
	"go.uber.org/goleak"

	"redline"
	"redline/server"
	"redline/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	typeJSON    = "application/json; charset=utf-8"
	typeGraphQL = "application/graphql-response+json; charset=utf-8"

	goodToken = "Bearer good"
	badToken  = "Bearer hunter2"
)

// rig is a server with the tiny schema behind it.
type rig struct {
	*server.Server
	schema *tinySchema
	log    *logBuffer
	// executions is how many resolvers ran, or of another schema how many operations.
	executions *atomic.Int64
}

// newRig makes a server of the tests' defaults, which mend may change.
func newRig(tb testing.TB, execOptions server.ExecOptions, mend ...func(*server.Options)) *rig {
	tb.Helper()
	schema := newTinySchema()
	exec, err := server.NewExecutor(func() *executor.Executor { return executor.New(schema) }, execOptions)
	if err != nil {
		tb.Fatal(err)
	}
	log := &logBuffer{}
	options := server.Options{
		Executor:    exec,
		RateLimiter: execOptions.RateLimiter,
		Log:         slog.New(telemetry.LogHandler(slog.NewJSONHandler(log, &slog.HandlerOptions{Level: slog.LevelDebug}))),
		Authenticate: func(_ context.Context, authorization []string) (redline.Principal, error) {
			if !slices.Equal(authorization, []string{goodToken}) {
				return redline.Principal{}, errors.New("bad signature")
			}
			return redline.Principal{Issuer: "test", Subject: "ann", Role: redline.RoleOperator}, nil
		},
	}
	for _, m := range mend {
		m(&options)
	}
	s, err := server.New(options)
	if err != nil {
		tb.Fatal(err)
	}
	return &rig{Server: s, schema: schema, log: log, executions: &schema.runs}
}

// logBuffer is a log that can be read while it is written.
type logBuffer struct {
	mu  sync.Mutex
	out bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.Write(p)
}

func (l *logBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out.String()
}

func (l *logBuffer) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out.Reset()
}

// lines are the entries with a message.
func (l *logBuffer) lines(tb testing.TB, message string) []map[string]any {
	tb.Helper()
	var found []map[string]any
	for line := range strings.Lines(l.String()) {
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			tb.Fatalf("log line %q: %v", line, err)
		}
		if entry["msg"] == message {
			found = append(found, entry)
		}
	}
	return found
}

// served is a rig behind a real listener.
type served struct {
	*rig
	url    string
	client *http.Client
}

func serve(tb testing.TB, r *rig) *served {
	tb.Helper()
	web := httptest.NewServer(r)
	tb.Cleanup(web.Close)
	return &served{rig: r, url: web.URL, client: web.Client()}
}

func newServed(tb testing.TB, mend ...func(*server.Options)) *served {
	tb.Helper()
	return serve(tb, newRig(tb, server.ExecOptions{}, mend...))
}

// call is a request to /graphql as most tests need it: a POST of JSON that
// accepts the newer media type.
type call struct {
	method string
	path   string
	body   string
	header http.Header // replaces; an empty list removes
}

func (c call) request(tb testing.TB, base string) *http.Request {
	tb.Helper()
	method, path := c.method, c.path
	if method == "" {
		method = http.MethodPost
	}
	if path == "" {
		path = server.PathGraphQL
	}
	request, err := http.NewRequestWithContext(tb.Context(), method, base+path, strings.NewReader(c.body))
	if err != nil {
		tb.Fatal(err)
	}
	request.Header.Set("Accept", "application/graphql-response+json")
	if method == http.MethodPost {
		request.Header.Set("Content-Type", "application/json")
	}
	maps.Copy(request.Header, c.header)
	return request
}

// answer is a response, read to its end.
type answer struct {
	status int
	header http.Header
	body   string
}

func (s *served) do(tb testing.TB, c call) answer {
	tb.Helper()
	response, err := s.client.Do(c.request(tb, s.url))
	if err != nil {
		tb.Fatal(err)
	}
	return read(tb, response)
}

func read(tb testing.TB, response *http.Response) answer {
	tb.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return answer{response.StatusCode, response.Header, string(body)}
}

// query posts a document.
func (s *served) query(tb testing.TB, document string) answer {
	tb.Helper()
	return s.do(tb, call{body: bodyOf(tb, document)})
}

func bodyOf(tb testing.TB, document string) string {
	tb.Helper()
	body, err := json.Marshal(map[string]string{"query": document})
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

type graphqlError struct {
	Message    string         `json:"message"`
	Path       []any          `json:"path"`
	Extensions map[string]any `json:"extensions"`
}

type graphqlAnswer struct {
	Errors []graphqlError  `json:"errors"`
	Data   json.RawMessage `json:"data"`
}

// graphql reads the body as a GraphQL response; hasData tells whether there is
// a member data at all.
func (a answer) graphql(tb testing.TB) (response graphqlAnswer, hasData bool) {
	tb.Helper()
	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(a.body), &members); err != nil {
		tb.Fatalf("status %d, body %q: %v", a.status, a.body, err)
	}
	if err := json.Unmarshal([]byte(a.body), &response); err != nil {
		tb.Fatalf("status %d, body %q: %v", a.status, a.body, err)
	}
	_, hasData = members["data"]
	return response, hasData
}

// wantError checks a refusal: its status, one error with the code, a message
// that has the words, and no data.
func (a answer) wantError(tb testing.TB, status int, code string, words ...string) {
	tb.Helper()
	if a.status != status {
		tb.Errorf("status %d, want %d; body %s", a.status, status, a.body)
	}
	response, hasData := a.graphql(tb)
	if hasData {
		tb.Errorf("there is data where nothing ran: %s", a.body)
	}
	if len(response.Errors) != 1 {
		tb.Fatalf("%d errors, want one: %s", len(response.Errors), a.body)
	}
	if got := response.Errors[0].Extensions["code"]; got != code {
		tb.Errorf("code %v, want %s: %s", got, code, a.body)
	}
	for _, word := range words {
		if !strings.Contains(response.Errors[0].Message, word) {
			tb.Errorf("message %q does not say %q", response.Errors[0].Message, word)
		}
	}
}

// costly is what an answer has at its end where it had a cost.
var costly = regexp.MustCompile(`,"extensions":\{"cost":\{"requested":\d+\}\}\}$`)

// want checks an answer, but for its cost.
func (a answer) want(tb testing.TB, status int, body string) {
	tb.Helper()
	if a.status != status || costly.ReplaceAllString(a.body, "}") != body {
		tb.Errorf("got %d %s\nwant %d %s", a.status, a.body, status, body)
	}
}
