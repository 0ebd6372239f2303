package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Span is a span as a file of traces has it, one on each line.
type Span struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
	// ParentID is "" where the span is the first of its trace.
	ParentID   string         `json:"parentSpanId,omitempty"`
	Name       string         `json:"name"`
	Kind       string         `json:"kind"`
	Start      time.Time      `json:"start"`
	End        time.Time      `json:"end"`
	Attributes map[string]any `json:"attributes,omitempty"`
	// Error says that it failed.
	Error bool `json:"error,omitempty"`
	// Events are moments in it.
	Events []SpanEvent `json:"events,omitempty"`
	// Links are other traces' spans that it has to do with.
	Links []SpanLink `json:"links,omitempty"`
	// Service is the program that it is of.
	Service string `json:"service"`
}

// SpanEvent is a moment in a span.
type SpanEvent struct {
	Name string    `json:"name"`
	At   time.Time `json:"at"`
}

// SpanLink names another span.
type SpanLink struct {
	TraceID string `json:"traceId"`
	SpanID  string `json:"spanId"`
}

// lines is an exporter that writes each span as a line of JSON.
type lines struct {
	mu sync.Mutex
	to io.Writer
}

// ExportSpans writes spans.
func (l *lines) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, s := range spans {
		line, err := json.Marshal(spanOf(s))
		if err != nil {
			return fmt.Errorf("writing a span: %w", err)
		}
		if _, err := l.to.Write(append(line, '\n')); err != nil {
			return fmt.Errorf("writing a span: %w", err)
		}
	}
	return nil
}

// Shutdown does nothing: the file is its owner's to close.
func (*lines) Shutdown(context.Context) error { return nil }

func spanOf(s sdktrace.ReadOnlySpan) Span {
	out := Span{
		TraceID: s.SpanContext().TraceID().String(), SpanID: s.SpanContext().SpanID().String(), Name: s.Name(),
		Kind: s.SpanKind().String(), Start: s.StartTime().UTC(), End: s.EndTime().UTC(), Error: s.Status().Code == codes.Error,
	}
	if s.Parent().HasSpanID() {
		out.ParentID = s.Parent().SpanID().String()
	}
	if service, ok := s.Resource().Set().Value(attribute.Key("service.name")); ok {
		out.Service = service.AsString()
	}
	for _, a := range s.Attributes() {
		if out.Attributes == nil {
			out.Attributes = map[string]any{}
		}
		out.Attributes[string(a.Key)] = a.Value.AsInterface()
	}
	for _, e := range s.Events() {
		out.Events = append(out.Events, SpanEvent{Name: e.Name, At: e.Time.UTC()})
	}
	for _, l := range s.Links() {
		out.Links = append(out.Links, SpanLink{TraceID: l.SpanContext.TraceID().String(), SpanID: l.SpanContext.SpanID().String()})
	}
	return out
}
