package store

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// traceparent is a span as W3C Trace Context writes it, where it is recorded; ""
// otherwise.
func traceparent(span trace.SpanContext) string {
	if !span.IsSampled() {
		return ""
	}
	return fmt.Sprintf("00-%s-%s-%s", span.TraceID(), span.SpanID(), span.TraceFlags()&trace.FlagsSampled)
}

// traced makes a transaction a span, where a caller's trace is recorded, and returns
// the context to run it in; end is called with what came of it. One that several
// calls share is in the trace of the first of those that are recorded. In each other
// one's is a span as well, so that none lacks what it has waited for, and the two
// link to each other.
func (s *Store) traced(ctx context.Context, calls []*call) (in context.Context, end func(err error)) {
	var recorded []trace.SpanContext
	for _, c := range calls {
		if c.span.IsSampled() {
			recorded = append(recorded, c.span)
		}
	}
	if len(recorded) == 0 {
		return ctx, func(error) {}
	}
	links := make([]trace.Link, len(recorded)-1)
	for i, other := range recorded[1:] {
		links[i].SpanContext = other
	}
	size := trace.WithAttributes(attribute.Int("redline.transaction.calls", len(calls)))
	in, own := s.tracer.Start(trace.ContextWithSpanContext(ctx, recorded[0]), "transaction", size, trace.WithLinks(links...))
	spans := []trace.Span{own}
	for _, other := range recorded[1:] {
		_, shared := s.tracer.Start(trace.ContextWithSpanContext(ctx, other), "transaction", size,
			trace.WithLinks(trace.Link{SpanContext: own.SpanContext()}))
		spans = append(spans, shared)
	}
	return in, func(err error) {
		for _, span := range spans {
			if err != nil {
				span.SetStatus(codes.Error, "")
			}
			span.End()
		}
	}
}
