package telemetry_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"redline/telemetry"
)

// A path and a method that a caller makes up are counted as others, what is in a folder
// that is served as that folder. Websockets and
// streams have no duration.
func TestRequests(t *testing.T) {
	t.Parallel()
	tel := watched(t, telemetry.Options{})
	for _, one := range []struct {
		method, path string
		status       int
		long         bool
	}{
		{http.MethodPost, "/graphql", 200, false},
		{http.MethodPost, "/graphql", 503, false},
		{http.MethodGet, "/graphql", 101, true},
		{http.MethodGet, "/graphql/made-up", 404, false},
		{http.MethodGet, "/../graphql", 404, false},
		{"MADEUP", "/made-up", 405, false},
		{"post", "/graphql", 0, false},
		{http.MethodGet, "/", 200, false},
		{http.MethodGet, "/assets/index-Ab12.js", 200, false},
		{http.MethodGet, "/assets/made/up", 404, false},
		{http.MethodGet, "/assets", 404, false},
		{http.MethodGet, "//assets/a.js", 404, false},
	} {
		r := httptest.NewRequestWithContext(t.Context(), one.method, one.path, nil)
		tel.End(tel.Begin(r), r, one.status, time.Millisecond, one.long)
	}
	want := map[string]float64{
		`method="POST",path="/graphql",status="200"`: 1,
		`method="POST",path="/graphql",status="503"`: 1,
		`method="GET",path="/graphql",status="101"`:  1,
		`method="GET",path="other",status="404"`:     4,
		`method="GET",path="/",status="200"`:         1,
		`method="GET",path="/assets/",status="200"`:  1,
		`method="GET",path="/assets/",status="404"`:  1,
		`method="other",path="other",status="405"`:   1,
		`method="other",path="/graphql",status="0"`:  1,
	}
	if got := counted(t, tel, "redline_http_requests_total"); !maps.Equal(got, want) {
		t.Errorf("they are counted as %v", got)
	}
	want = map[string]float64{`path="/graphql"`: 3, `path="other"`: 5, `path="/"`: 1, `path="/assets/"`: 2}
	if got := counted(t, tel, "redline_http_request_duration_seconds_count"); !maps.Equal(got, want) {
		t.Errorf("they are timed as %v", got)
	}
}

// Of a request it is known which operation it ran, and what came of it.
func TestOperationOfARequest(t *testing.T) {
	t.Parallel()
	for query, want := range map[string][2]string{
		`{ viewer }`:                    {"viewer", "denied"},
		`subscription { orderChanged }`: {"orderChanged", "ok"},
		`{ madeUp }`:                    {"invalid", "invalid"},
	} {
		tel := watched(t, telemetry.Options{})
		ctx := tel.Begin(httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/graphql", nil))
		run(ctx, tel, query, failing("FORBIDDEN"), 1)
		if name, outcome := tel.Operation(ctx); name != want[0] || outcome != want[1] {
			t.Errorf("%s was %s, %s", query, name, outcome)
		}
	}
	tel := watched(t, telemetry.Options{})
	if name, outcome := tel.Operation(t.Context()); name != "" || outcome != "" {
		t.Errorf("outside a request there was %q, %q", name, outcome)
	}
}
