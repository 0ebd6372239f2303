package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"
)

type contextKey int

const (
	requestKey contextKey = iota
	operationKey
)

// request is what is noted of an HTTP request while it is served.
type request struct {
	span trace.Span

	mu sync.Mutex
	// operation is the name of its operation's root field, and outcome what came of it.
	operation, outcome string
}

// Begin returns the context that a request is served in, with its span.
func (t *Telemetry) Begin(r *http.Request) context.Context {
	ctx, span := t.beginRequest(r, t.path(r.URL.Path))
	return context.WithValue(ctx, requestKey, &request{span: span})
}

// End counts a request and ends its span.
func (t *Telemetry) End(ctx context.Context, r *http.Request, status int, took time.Duration, long bool) {
	path := t.path(r.URL.Path)
	t.Metrics.requests.WithLabelValues(path, method(r.Method), statusText(status)).Inc()
	if !long {
		t.Metrics.requestSeconds.WithLabelValues(path).Observe(took.Seconds())
	}
	if noted, ok := ctx.Value(requestKey).(*request); ok {
		endRequest(noted.span, status)
	}
}

// Operation says which operation a request ran, and what came of it.
func (t *Telemetry) Operation(ctx context.Context) (name, outcome string) {
	noted, ok := ctx.Value(requestKey).(*request)
	if !ok {
		return "", ""
	}
	noted.mu.Lock()
	defer noted.mu.Unlock()
	return noted.operation, noted.outcome
}

func (n *request) note(operation, outcome string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.operation, n.outcome = operation, outcome
}

// path is the label of a path: itself where it is served, or the folder that is.
func (t *Telemetry) path(path string) string {
	if t.paths[path] {
		return path
	}
	if first, _, below := strings.Cut(strings.TrimPrefix(path, "/"), "/"); below {
		if folder := "/" + first + "/"; t.paths[folder] {
			return folder
		}
	}
	return other
}

// method is the label of a method: itself where it is one that HTTP defines.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch, http.MethodDelete:
		return m
	}
	return other
}

// statusText is a status as a label. Those that are answered all the time cost no
// allocation.
func statusText(status int) string {
	if status == http.StatusOK {
		return "200"
	}
	return strconv.Itoa(status)
}
