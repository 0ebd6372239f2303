package live

import (
	"context"
	"strconv"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"

	"redline"
)

// An event whose request's trace is recorded is followed on its way to its readers,
// in that trace: its publication is a span, below that each group's execution, and
// below that the delivery of its answer. Of all other events nothing is noted, and
// nothing is allocated. Names and attributes are those of OpenTelemetry's conventions
// for messaging.

// tracedEvent is an event on its way whose trace is recorded.
type tracedEvent struct {
	// ctx has the span of its publication.
	ctx  context.Context //nolint:containedctx // It is where the spans below that begin.
	span trace.Span
}

// trace begins the publication of an event whose trace is recorded.
func (b *Broker) trace(e *redline.Event) *tracedEvent {
	parent := propagation.TraceContext{}.Extract(b.ctx, propagation.MapCarrier{"traceparent": e.Trace})
	ctx, span := b.options.Tracer.Start(parent, "publish "+e.Type(), trace.WithSpanKind(trace.SpanKindProducer), messaging("publish", e))
	return &tracedEvent{ctx, span}
}

func messaging(doing string, e *redline.Event) trace.SpanStartEventOption {
	return trace.WithAttributes(
		attribute.String("messaging.system", "redline"), attribute.String("messaging.operation.name", doing),
		attribute.String("messaging.destination.name", e.Type()), attribute.String("messaging.message.id", strconv.FormatInt(e.ID, 10)),
		attribute.String("redline.subject.id", e.Subject()),
	)
}

// tracedBatch is the spans of a group's execution for those events of a batch that are
// traced, nil where none is.
type tracedBatch []struct {
	at   int
	ctx  context.Context //nolint:containedctx // It has the execution's span.
	span trace.Span
}

// trace begins the execution for the traced events of a batch.
func (g *group) trace(batch []pending) tracedBatch {
	var traced tracedBatch
	for i, p := range batch {
		if p.traced == nil {
			continue
		}
		ctx, span := g.broker.options.Tracer.Start(p.traced.ctx, "process "+p.event.Type(), trace.WithSpanKind(trace.SpanKindConsumer),
			messaging("process", p.event), trace.WithAttributes(
				attribute.String("graphql.operation.type", string(ast.Subscription)), attribute.String("redline.operation", g.x.rootField()),
				attribute.Int("messaging.batch.message_count", len(batch)),
			))
		traced = append(traced, struct {
			at   int
			ctx  context.Context //nolint:containedctx // It has the execution's span.
			span trace.Span
		}{i, ctx, span})
	}
	return traced
}

// end ends the execution, which gave these answers, or failed: then there are none.
// The delivery of each begins, and is returned for its end.
func (t tracedBatch) end(g *group, batch []pending, answers []*answer) []*delivery {
	var begun []*delivery
	for _, one := range t {
		if answers == nil {
			one.span.SetStatus(codes.Error, "")
			one.span.End()
			continue
		}
		one.span.End()
		e := batch[one.at].event
		_, span := g.broker.options.Tracer.Start(one.ctx, "deliver "+e.Type(), messaging("deliver", e))
		answers[one.at].delivery = &delivery{span: span}
		begun = append(begun, answers[one.at].delivery)
	}
	return begun
}

// rootField is the name of a subscription's field.
func (x *execution) rootField() string {
	for _, s := range x.operation.Operation.SelectionSet {
		if f, ok := s.(*ast.Field); ok {
			return f.Name
		}
	}
	return ""
}

// delivery is an answer's way from the queues of a group's members to their sockets
// and streams. It ends when all of them have it, or won't.
type delivery struct {
	span trace.Span

	mu sync.Mutex
	// waiting is in how many queues it is, and queued in how many it was.
	waiting, queued int
	// written says that the first has it, and lost counts those that won't.
	written bool
	lost    int
	// handed says that it is in all queues that it will be in.
	handed bool
}

// enters says that the answer is in one more queue.
func (d *delivery) enters() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting++
	d.queued++
}

// leaves says that the answer left a queue: written to the network, or dropped.
func (d *delivery) leaves(written bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.waiting--
	switch {
	case !written:
		d.lost++
	case !d.written:
		d.written = true
		d.span.AddEvent("first written")
	}
	d.endWhenDone()
}

// hand says that the answer is in all queues that it will be in.
func (d *delivery) hand() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.handed = true
	d.endWhenDone()
}

// endWhenDone ends the span where nobody waits for the answer any more. The mutex is
// held.
func (d *delivery) endWhenDone() {
	if !d.handed || d.waiting > 0 {
		return
	}
	d.span.SetAttributes(attribute.Int("redline.delivery.readers", d.queued), attribute.Int("redline.delivery.lost", d.lost))
	d.span.End()
}

// enters says that a message is in a queue, and leaves that it left it without being
// written.
func (m message) enters() {
	if m.answer.delivery != nil {
		m.answer.delivery.enters()
	}
}

func (m message) leaves() {
	if m.answer != nil && m.answer.delivery != nil {
		m.answer.delivery.leaves(false)
	}
}

// sends notes that a message is about to be written. The client's mu is held.
func (c *client) sends(m message) {
	if m.answer.delivery != nil {
		c.sending = append(c.sending, m.answer.delivery)
	}
}

// sent says whether what was about to be written was. Only whoever writes for the
// client calls it.
func (c *client) sent(written bool) {
	for _, d := range c.sending {
		d.leaves(written)
	}
	c.sending = nil
}
