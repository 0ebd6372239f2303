package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline/telemetry"
)

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// quiet is a log of nothing.
var quiet = slog.New(slog.DiscardHandler)

var schema = gqlparser.MustLoadSchema(&ast.Source{Input: `
	type Query { viewer(name: String): String  orders: String }
	type Mutation { orderPlace(note: String): String }
	type Subscription { orderChanged: String }
`})

// watched starts a telemetry that nothing is wrong with, and stops it with the test.
func watched(t testing.TB, o telemetry.Options) *telemetry.Telemetry {
	t.Helper()
	o.Version = "test"
	if o.Log == nil {
		o.Log = quiet
	}
	o.Paths = []string{"/graphql", "/healthz", "/readyz", "/metrics", "/", "/assets/"}
	tel, err := telemetry.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		_ = tel.Stop(ctx) // a second time it does nothing
	})
	return tel
}

// run runs an operation as a transport does, whose resolvers are one function, and
// asks for its answer so many times.
func run(ctx context.Context, tel *telemetry.Telemetry, query string, resolve func(context.Context) graphql.ResponseHandler, answers int) {
	exec := executor.New(&graphql.ExecutableSchemaMock{
		SchemaFunc:     func() *ast.Schema { return schema },
		ComplexityFunc: func(context.Context, string, string, int, map[string]any) (int, bool) { return 0, false },
		ExecFunc:       resolve,
	})
	exec.Use(tel.Operations())
	ctx = graphql.StartOperationTrace(ctx)
	op, refused := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query, Variables: map[string]any{"name": "s3cret-variable"}})
	if refused != nil {
		exec.DispatchError(graphql.WithOperationContext(ctx, op), refused)
		return
	}
	next, ctx := exec.DispatchOperation(graphql.WithOperationContext(ctx, op), op)
	for range answers {
		next(ctx)
	}
}

// failing answers with errors of these codes.
func failing(codes ...string) func(context.Context) graphql.ResponseHandler {
	return func(context.Context) graphql.ResponseHandler {
		return func(context.Context) *graphql.Response {
			answer := &graphql.Response{Data: []byte(`{}`)}
			for _, code := range codes {
				err := &gqlerror.Error{Message: "s3cret-message"}
				if code != "" {
					err.Extensions = map[string]any{"code": code}
				}
				answer.Errors = append(answer.Errors, err)
			}
			return answer
		}
	}
}

// counted are the series of a metric that aren't zero, by their labels.
func counted(t testing.TB, tel *telemetry.Telemetry, name string) map[string]float64 {
	t.Helper()
	w := httptest.NewRecorder()
	tel.Metrics.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	series := map[string]float64{}
	for line := range strings.SplitSeq(w.Body.String(), "\n") {
		labels, ok := strings.CutPrefix(line, name+"{")
		if !ok {
			continue
		}
		labels, value, _ := strings.Cut(labels, "} ")
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			t.Fatal(err)
		}
		if n > 0 {
			series[labels] = n
		}
	}
	return series
}

// file is a file of traces.
type file struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (f *file) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.Write(p)
}

func (f *file) String() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.text.String()
}

// spans are those that have ended, in their order.
func (f *file) spans(t testing.TB) []telemetry.Span {
	t.Helper()
	var spans []telemetry.Span
	for line := range strings.Lines(f.String()) {
		var s telemetry.Span
		if err := json.Unmarshal([]byte(line), &s); err != nil {
			t.Fatal(err)
		}
		spans = append(spans, s)
	}
	return spans
}
