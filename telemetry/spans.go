package telemetry

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"redline"
)

// beginRequest begins the span of a request to a path, unless it has none.
// Attributes are those of OpenTelemetry's conventions for HTTP servers.
func (t *Telemetry) beginRequest(r *http.Request, path string) (context.Context, trace.Span) {
	ctx := r.Context()
	switch {
	case t.provider == nil:
		return ctx, noop.Span{}
	case path == "/healthz" || path == "/readyz" || path == "/metrics":
		// Asked for every few seconds, they would be most of what is recorded.
		return ctx, noop.Span{}
	}
	parent := propagation.TraceContext{}.Extract(ctx, propagation.HeaderCarrier(r.Header))
	if !t.trustParents && trace.SpanContextFromContext(parent).IsValid() {
		parent = context.WithValue(parent, strangerKey, true)
	}
	name, attributes := method(r.Method), []attribute.KeyValue{
		attribute.String("http.request.method", method(r.Method)), attribute.String("client.address", redline.AddressFrom(ctx)),
		attribute.String("redline.request_id", redline.RequestIDFrom(ctx)),
	}
	if path != other {
		name += " " + path
		attributes = append(attributes, attribute.String("http.route", path), attribute.String("url.path", path))
	}
	_, span := t.tracer.Start(parent, name, trace.WithSpanKind(trace.SpanKindServer), trace.WithAttributes(attributes...))
	return trace.ContextWithSpan(ctx, span), span
}

func endRequest(span trace.Span, status int) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.Int("http.response.status_code", status))
	if status == 0 || status >= http.StatusInternalServerError {
		span.SetAttributes(attribute.String("error.type", strconv.Itoa(status)))
		span.SetStatus(codes.Error, "")
	}
	span.End()
}

// beginOperation begins the span of an operation: below that of its request, or as a
// trace of its own where it comes by a websocket.
func (t *Telemetry) beginOperation(ctx context.Context, l operationLabels, op *graphql.OperationContext) (context.Context, trace.Span) {
	if t.provider == nil {
		return ctx, noop.Span{}
	}
	options := []trace.SpanStartOption{trace.WithAttributes(
		attribute.String("graphql.operation.type", l.kind), attribute.String("redline.operation", l.name),
		attribute.String("redline.request_id", redline.RequestIDFrom(ctx)),
	)}
	if cost := t.cost(op); cost > 0 {
		options = append(options, trace.WithAttributes(attribute.Int64("redline.cost", cost)))
	}
	if !trace.SpanContextFromContext(ctx).IsValid() {
		options = append(options, trace.WithSpanKind(trace.SpanKindServer))
	}
	return t.tracer.Start(ctx, l.kind+" "+l.name, options...)
}

func endOperation(span trace.Span, outcome string) {
	if !span.IsRecording() {
		return
	}
	span.SetAttributes(attribute.String("redline.outcome", outcome))
	if outcome == outcomeError || outcome == outcomeUnavailable {
		span.SetStatus(codes.Error, outcome)
	}
	span.End()
}

// statementSpan makes a statement that was run a span of those above it, if they are
// recorded. Attributes are those of OpenTelemetry's conventions for databases.
func (t *Telemetry) statementSpan(ctx context.Context, name, class string, began, ended time.Time) {
	if t.provider == nil || !trace.SpanContextFromContext(ctx).IsSampled() {
		return
	}
	_, span := t.tracer.Start(ctx, name, trace.WithTimestamp(began), trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("db.system.name", "postgresql"), attribute.String("db.query.summary", name),
	))
	if class != "" {
		span.SetAttributes(attribute.String("error.type", class))
		span.SetStatus(codes.Error, "")
	}
	span.End(trace.WithTimestamp(ended))
}
