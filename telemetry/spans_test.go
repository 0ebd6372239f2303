package telemetry_test

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"redline"
	"redline/telemetry"
)

// ask serves a request with an operation that sends a statement.
func ask(tel *telemetry.Telemetry, r *http.Request, query string, codes ...string) {
	statement := tel.Statement("orders.page")
	ctx := tel.Begin(r)
	run(ctx, tel, query, func(ctx context.Context) graphql.ResponseHandler {
		statement(ctx, time.Now(), "")
		return failing(codes...)(ctx)
	}, 1)
	tel.End(ctx, r, http.StatusOK, time.Millisecond, false)
}

// A request's trace has its operation and the statement, by names that are the
// program's own. Nothing that the caller says is in it.
func TestSpans(t *testing.T) {
	t.Parallel()
	var to file
	tel := watched(t, telemetry.Options{File: &to, Ratio: 1, Cost: func(*graphql.OperationContext) int64 { return 42 }})
	ctx := redline.WithAddress(redline.WithRequestID(t.Context(), "R1"), "192.0.2.1")
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql?query=s3cret-query", strings.NewReader("s3cret-body"))
	r.Header.Set("Authorization", "Bearer s3cret-token")
	r.Header.Set("User-Agent", "s3cret-agent")
	ask(tel, r, `mutation S3cret($name: String) { s3cret: orderPlace(note: "s3cret-argument") viewed: orderPlace(note: $name) }`, "INTERNAL")
	ask(tel, httptest.NewRequestWithContext(ctx, "S3CRET", "/s3cret-path", nil), `{ viewer(name: "s3cret") }`)

	var names []string
	var spans []telemetry.Span
	for _, s := range to.spans(t) {
		if !s.Start.After(time.Now()) && !s.End.Before(s.Start) {
			spans = append(spans, s)
		}
		names = append(names, s.Name)
	}
	if want := []string{"orders.page", "mutation several", "POST /graphql", "orders.page", "query viewer", "other"}; !slices.Equal(names, want) || len(spans) != len(want) {
		t.Fatalf("the spans are %q", names)
	}
	statement, operation, request := spans[0], spans[1], spans[2]
	if statement.ParentID != operation.SpanID || operation.ParentID != request.SpanID || request.ParentID != "" {
		t.Errorf("they are no chain: %+v", spans)
	}
	if statement.Error || !operation.Error || request.Error {
		t.Errorf("other spans than the operation's have failed: %+v", spans)
	}
	for i, want := range []map[string]any{
		{"db.system.name": "postgresql", "db.query.summary": "orders.page"},
		{"graphql.operation.type": "mutation", "redline.operation": "several", "redline.cost": 42., "redline.outcome": "error", "redline.request_id": "R1"},
		{
			"http.request.method": "POST", "http.route": "/graphql", "url.path": "/graphql", "client.address": "192.0.2.1",
			"http.response.status_code": 200., "redline.request_id": "R1",
		},
	} {
		if !maps.Equal(spans[i].Attributes, want) {
			t.Errorf("%s has the attributes %v, want %v", spans[i].Name, spans[i].Attributes, want)
		}
	}
	if strings.Contains(strings.ToLower(to.String()), "s3cret") {
		t.Errorf("what a caller said is in the traces: %s", to.String())
	}
}

// An operation that isn't let in has a span with what it would have cost, too, and
// one on a websocket is the first of its trace.
func TestSpansOfOperationsAlone(t *testing.T) {
	t.Parallel()
	var to file
	tel := watched(t, telemetry.Options{File: &to, Ratio: 1, Cost: func(*graphql.OperationContext) int64 { return 7 }})
	run(t.Context(), tel, `{ madeUp }`, failing(), 1)
	run(t.Context(), tel, `subscription { orderChanged }`, failing(), 3)
	spans := to.spans(t)
	if len(spans) != 2 {
		t.Fatalf("the spans are %+v", spans)
	}
	for i, want := range []string{"unknown invalid", "subscription orderChanged"} {
		if s := spans[i]; s.Name != want || s.ParentID != "" || s.Kind != "server" || s.Attributes["redline.cost"] != 7. {
			t.Errorf("the span is %+v, want %s", s, want)
		}
	}
}

// A trace is recorded by the ratio alone, whatever a stranger asks for; only where
// callers are trusted it is theirs to say. In each case it is the caller's trace.
func TestSampling(t *testing.T) {
	t.Parallel()
	// As a share of ids below a bound, the lowest of all would always be recorded, and
	// the highest never.
	low, high := strings.Repeat("0", 31)+"1", strings.Repeat("f", 32)
	for _, c := range []struct {
		ratio       float64
		trust       bool
		traceparent string
		recorded    bool
	}{
		{0, false, "", false},
		{1, false, "", true},
		{0, false, "00-%s-00f067aa0ba902b7-01", false},
		{1, false, "00-%s-00f067aa0ba902b7-00", true},
		{0, true, "00-%s-00f067aa0ba902b7-01", true},
		{1, true, "00-%s-00f067aa0ba902b7-00", false},
		{0, true, "", false},
		{1, true, "", true},
		{0, true, "made up", false},
		{1, true, "made up", true},
	} {
		for _, id := range []string{low, high} {
			var to file
			tel := watched(t, telemetry.Options{File: &to, Ratio: c.ratio, TrustParents: c.trust})
			traceparent := strings.ReplaceAll(c.traceparent, "%s", id)
			for range 20 {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
				if traceparent != "" {
					r.Header.Set("traceparent", traceparent)
				}
				ask(tel, r, `{ viewer }`)
			}
			what := fmt.Sprintf("ratio %g, trust %t, traceparent %q", c.ratio, c.trust, traceparent)
			spans := to.spans(t)
			if want := map[bool]int{true: 60}[c.recorded]; len(spans) != want {
				t.Errorf("%s: %d spans, want %d", what, len(spans), want)
			}
			for _, s := range spans {
				if joined := s.TraceID == id; joined != strings.Contains(c.traceparent, "%s") {
					t.Errorf("%s: the trace is %s", what, s.TraceID)
				}
			}
		}
	}
}

// A stranger who chooses the ids of traces has about the same share of them recorded
// as anybody.
func TestChosenTraceIDs(t *testing.T) {
	t.Parallel()
	var to file
	tel := watched(t, telemetry.Options{File: &to, Ratio: .5})
	const requests = 1000
	for range requests {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
		r.Header.Set("traceparent", "00-00000000000000000000000000000001-00f067aa0ba902b7-01")
		tel.End(tel.Begin(r), r, http.StatusOK, time.Millisecond, false)
	}
	// Ten standard deviations on either side.
	if n := len(to.spans(t)); n < 340 || n > 660 {
		t.Errorf("%d of %d were recorded", n, requests)
	}
}

// Probes are no traces.
func TestProbesHaveNoSpans(t *testing.T) {
	t.Parallel()
	var to file
	tel := watched(t, telemetry.Options{File: &to, Ratio: 1})
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil)
		tel.End(tel.Begin(r), r, http.StatusOK, time.Millisecond, false)
	}
	if spans := to.spans(t); len(spans) > 0 {
		t.Errorf("there are %+v", spans)
	}
}

// A statement costs no allocation where nothing is traced, or its request isn't.
func TestStatementsAllocateNothing(t *testing.T) {
	for what, o := range map[string]telemetry.Options{"off": {}, "none recorded": {File: &file{}}} {
		tel := watched(t, o)
		ctx := tel.Begin(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil))
		statement := tel.Statement("orders.page")
		if n := testing.AllocsPerRun(1000, func() { statement(ctx, time.Now(), "") }); n != 0 {
			t.Errorf("%s: a statement costs %g allocations", what, n)
		}
	}
}

// Where nothing is traced, a request costs what noting its operation does, and no more:
// the note and the context that has it.
func TestRequestsAllocateNoSpans(t *testing.T) {
	tel := watched(t, telemetry.Options{})
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil)
	r.Header.Set("traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	if n := testing.AllocsPerRun(1000, func() { tel.Begin(r) }); n > 2 {
		t.Errorf("a request costs %g allocations", n)
	}
}

// Statements that fail are counted by what they fail with, and so are those whose rows
// break off, which have run.
func TestStatementErrors(t *testing.T) {
	t.Parallel()
	tel := watched(t, telemetry.Options{})
	statement := tel.Statement("orders.page")
	statement(t.Context(), time.Now(), "")
	statement(t.Context(), time.Now(), "40")
	tel.BrokenOff("orders.page", "57")
	want := map[string]float64{`class="40",statement="orders.page"`: 1, `class="57",statement="orders.page"`: 1}
	if got := counted(t, tel, "redline_sql_errors_total"); !maps.Equal(got, want) {
		t.Errorf("they are counted as %v", got)
	}
	if got := counted(t, tel, "redline_sql_duration_seconds_count"); !maps.Equal(got, map[string]float64{`statement="orders.page"`: 2}) {
		t.Errorf("they are timed as %v", got)
	}
}
