package live

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// StreamOptions tune Streams. The zero value of each means its default.
type StreamOptions struct {
	// Heartbeat is how often something is written where there is nothing to tell:
	// so a client, and whatever stands between, knows that the stream lives.
	// Default 15 s.
	Heartbeat time.Duration
	// WriteTimeout bounds every write; a stream with nothing to tell stays open for as
	// long as it likes. Default 10 s.
	WriteTimeout time.Duration
	// RequestTimeout ends the context of a query or a mutation. Default 30 s.
	RequestTimeout time.Duration
}

// Streams run operations over HTTP, one for each request, and write what comes
// of it for as long as the operation and the client last: as server-sent events
// in the distinct connections mode of graphql-sse, with each event's cursor as
// its id, or as the parts of a multipart subscription, as Apollo's clients read
// it. A client that comes back with Last-Event-ID goes on from there.
//
// Sources: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md and
// https://www.apollographql.com/docs/graphos/routing/operations/subscriptions/multipart-protocol
type Streams struct {
	door    *Door
	options StreamOptions
}

// NewStreams makes streams for clients that come in by a door.
func NewStreams(door *Door, options StreamOptions) (*Streams, error) {
	for name, d := range map[string]time.Duration{
		"Heartbeat": options.Heartbeat, "WriteTimeout": options.WriteTimeout, "RequestTimeout": options.RequestTimeout,
	} {
		if d < 0 {
			return nil, fmt.Errorf("streams: %s must not be negative", name)
		}
	}
	options.Heartbeat = orDefault(options.Heartbeat, 15*time.Second)
	options.WriteTimeout = orDefault(options.WriteTimeout, 10*time.Second)
	options.RequestTimeout = orDefault(options.RequestTimeout, 30*time.Second)
	return &Streams{door: door, options: options}, nil
}

// stream is one operation over HTTP. The handler's goroutine writes it.
type stream struct {
	client
	format format
	// wake has one place: there is something to write, or the end has come.
	wake chan struct{}
	// request is the context of the request, without its end. It has what is noted of
	// the request, to which the operation belongs.
	request context.Context //nolint:containedctx // It is where the operation's context begins.
	// leaving says that the gateway goes away. The client's mu guards it.
	leaving bool
}

// Serve runs the operation of a request and returns at its end; one that was refused
// already isn't run: refused, as it is shown, is told. multipart asks for that format;
// otherwise it is server-sent events. Where the client can't be let in it answers 429
// or 503.
func (t *Streams) Serve(w http.ResponseWriter, r *http.Request, params *graphql.RawParams, refused gqlerror.List, exec graphql.GraphExecutor, multipart bool) {
	address := addressOf(r)
	if status, wait := t.door.admit(address); status != 0 {
		if multipart {
			refuse(w, status, wait)
			return
		}
		eventStream{}.head(w.Header())
		_, _ = w.Write(appendRetry(nil, apart(wait))) // it comes back in any case
		return
	}
	s := &stream{wake: make(chan struct{}, 1), format: eventStream{}, request: context.WithoutCancel(r.Context())}
	if multipart {
		s.format = parts{}
	}
	s.opens(t.door, s, r, exec, address)
	if id := r.Header.Get("Last-Event-ID"); id != "" {
		s.resume = &id
	}
	slot, ok := t.door.enter(s)
	defer t.door.gone(s, slot)
	defer s.end()
	if !ok {
		s.hurry()
	}

	s.mu.Lock()
	op, ctx := s.newOperation("")
	s.operations = append(s.operations, op)
	s.work.Add(1)
	p := s.principal
	s.mu.Unlock()
	if len(refused) > 0 {
		op.finish(refused)
		s.work.Done()
	} else {
		go op.run(ctx, params, t.options.RequestTimeout)
	}

	s.format.head(w.Header())
	w.WriteHeader(http.StatusOK)
	s.write(r.Context(), http.NewResponseController(w), w, t.options, p)
}

// write writes what there is to write until the operation has ended, the client
// is gone or the gateway goes away.
func (s *stream) write(ctx context.Context, rc *http.ResponseController, w http.ResponseWriter, o StreamOptions, p *redline.Principal) {
	beat := time.NewTicker(o.Heartbeat)
	defer beat.Stop()
	expiry := make(<-chan time.Time)
	if !p.ExpiresAt.IsZero() {
		timer := time.NewTimer(time.Until(p.ExpiresAt))
		defer timer.Stop()
		expiry = timer.C
	}
	// What ends the body is written once the handler has returned.
	defer func() { _ = rc.SetWriteDeadline(time.Now().Add(o.WriteTimeout)) }()
	buf := s.format.open(nil)
	for last := false; ; {
		if len(buf) > 0 {
			ok := writeWithin(rc, w, buf, o.WriteTimeout)
			s.sent(ok)
			if !ok {
				return
			}
		}
		if last {
			return
		}
		if cap(buf) > 4*chunkBytes {
			buf = nil
		}
		select {
		case <-s.wake:
			buf, last = s.next(buf[:0])
		case <-beat.C:
			buf = s.format.beat(buf[:0])
		case <-expiry:
			s.expire()
			buf = buf[:0]
		case <-ctx.Done():
			return
		}
	}
}

// writeWithin writes a chunk and flushes it, and reports whether that was done in time.
// The deadline stands for no longer: that of a stream of HTTP/2 ends it when it passes,
// whether or not anything is being written. Nor does the server's own hold here, which
// is for answers that end.
func writeWithin(rc *http.ResponseController, w http.ResponseWriter, chunk []byte, timeout time.Duration) bool {
	if rc.SetWriteDeadline(time.Now().Add(timeout)) != nil {
		return false
	}
	if _, err := w.Write(chunk); err != nil || rc.Flush() != nil {
		return false
	}
	return rc.SetWriteDeadline(time.Time{}) == nil
}

// next appends what waits, and says whether that is the end.
func (s *stream) next(b []byte) (chunk []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) < chunkBytes {
		m, ok := s.outbox.pop()
		if !ok {
			break
		}
		s.sends(m)
		b = s.format.message(b, m)
		last = m.kind == kindComplete || m.kind == kindError
	}
	switch {
	case last:
	case s.outbox.len() > 0:
		s.startWriting()
	case s.leaving:
		return s.format.leave(b), true
	case s.closing:
		return b, true
	}
	return b, last
}

// expire ends the operation because the token has ended.
func (s *stream) expire() {
	s.mu.Lock()
	operations := s.operations
	s.mu.Unlock()
	for _, op := range operations {
		op.refuse(redline.Errorf(redline.CodeUnauthenticated, nil, "the token has ended"))
	}
}

func (s *stream) base() *client { return &s.client }

func (s *stream) root() context.Context { return s.request }

func (s *stream) startWriting() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// cutOff ends the stream because its reader doesn't keep up. The last event that
// it gets has the cursor to resume from.
func (s *stream) cutOff() {
	if s.closing {
		return
	}
	s.broker.stats.cutOff.Add(1)
	s.logCutOff(s.door.options.Logger, "a slow stream was cut off", s.resumeFrom(true))
	s.outbox.clear()
	s.shut()
	s.startWriting()
}

// comeBack ends the stream because the gateway goes away.
func (s *stream) comeBack() {
	if s.closing {
		return
	}
	s.leaving = true
	s.shut()
	s.startWriting()
}

// seeOut ends the stream because its token was revoked. Its last event is the error.
func (s *stream) seeOut() {
	if s.closing {
		return
	}
	refused := refusal(redline.Errorf(redline.CodeUnauthenticated, nil, "the token was revoked"))
	list := present(s.context(s.principal), s.exec, nil, refused, s.broker.options.Logger)
	s.outbox.push(message{kind: kindError, answer: &answer{payload: encodeErrors(list), before: nowhere}})
	s.shut()
	s.startWriting()
}

// abandon ends the stream without a word.
func (s *stream) abandon() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.outbox.clear()
	s.shut()
	s.startWriting()
}

// format is how a stream's messages are written.
type format interface {
	head(h http.Header)
	// open is written first, so that the client knows that it was let in.
	open(b []byte) []byte
	message(b []byte, m message) []byte
	// beat is written where there is nothing to tell.
	beat(b []byte) []byte
	// leave is written last where the client is to come back.
	leave(b []byte) []byte
}

// eventStream are server-sent events (WHATWG HTML, §9.2).
type eventStream struct{}

func (eventStream) head(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no") // what stands between is not to gather it
}

func (eventStream) message(b []byte, m message) []byte {
	switch m.kind {
	case kindNext:
		b = append(b, "event: next\n"...)
		if m.answer.cursor != "" {
			b = append(append(append(b, "id: "...), m.answer.cursor...), '\n')
		}
		b = append(append(b, "data: "...), m.answer.payload...)
		return append(b, "\n\n"...)
	case kindError:
		b = append(append(b, "event: next\ndata: {\"errors\":"...), m.answer.payload...)
		b = append(b, "}\n\n"...)
	}
	return append(b, "event: complete\ndata:\n\n"...)
}

func (e eventStream) open(b []byte) []byte { return e.beat(b) }

func (eventStream) beat(b []byte) []byte { return append(b, ":\n\n"...) }

func (eventStream) leave(b []byte) []byte { return appendRetry(b, rand.N(time.Second)) }

// appendRetry tells a client when to come back.
func appendRetry(b []byte, wait time.Duration) []byte {
	return append(strconv.AppendInt(append(b, "retry: "...), wait.Milliseconds(), 10), "\n\n"...)
}

// parts are those of a multipart subscription. Each is written with the delimiter
// behind it, because a client takes a part for complete once it has that.
type parts struct{}

const (
	delimiter = "\r\n--graphql"
	partHead  = "\r\nContent-Type: application/json\r\n\r\n"
	lastPart  = "--\r\n" // behind the delimiter
)

func (parts) head(h http.Header) {
	h.Set("Content-Type", `multipart/mixed;boundary="graphql";subscriptionSpec=1.0`)
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
}

func (p parts) open(b []byte) []byte { return p.beat(append(b, delimiter...)) }

func (parts) message(b []byte, m message) []byte {
	switch m.kind {
	case kindNext:
		b = append(append(append(b, partHead...), `{"payload":`...), m.answer.payload...)
		return append(append(b, '}'), delimiter...)
	case kindError:
		b = append(append(append(b, partHead...), `{"payload":{"errors":`...), m.answer.payload...)
		b = append(append(b, "}}"...), delimiter...)
	}
	return append(b, lastPart...)
}

func (parts) beat(b []byte) []byte {
	return append(append(append(b, partHead...), "{}"...), delimiter...)
}

// leave ends the subscription as the protocol ends one that failed: with errors
// beside a payload that is null.
func (parts) leave(b []byte) []byte {
	b = append(b, partHead...)
	b = append(b, `{"payload":null,"errors":[{"message":"the gateway is stopping: come back in a moment","extensions":{"code":"UNAVAILABLE"}}]}`...)
	return append(append(b, delimiter...), lastPart...)
}
