package live_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
)

// listener is the client of a stream of server-sent events without a network
// between, so that many of them cost little and a test's clock may be virtual.
type listener struct {
	t      testing.TB
	cancel context.CancelFunc
	over   chan struct{} // closed once the stream has ended
	header http.Header

	mu       sync.Mutex
	messages []told
	came     chan struct{} // has a word where a message may have come
	status   int
	stalled  chan struct{} // open while nothing is taken; nil where all is
	stalls   int           // how many writes found nobody taking them
	text     strings.Builder
	deadline time.Time // of writes; zero where they have none
}

// told is one event of a stream.
type told struct {
	event, id, data, retry string
	// value is what the subscription says, and at the position that it gives.
	value string
	at    redline.Cursor
	// n is the id of the event that it tells of, 0 where it tells of none.
	n int64
	// code is that of the error that it tells of.
	code string
}

// ask is a request for a stream.
type ask struct {
	query       string
	variables   map[string]any
	principal   *redline.Principal
	lastEventID string
	stalled     bool
	// refused is why the server has refused it already.
	refused gqlerror.List
}

// listen opens a stream.
func (e *engine) listen(query string) *listener { return e.ask(ask{query: query}) }

func (e *engine) ask(a ask) *listener {
	ctx, cancel := context.WithCancel(context.Background())
	l := &listener{t: e.t, cancel: cancel, over: make(chan struct{}), header: http.Header{}, came: make(chan struct{}, 1)}
	if a.stalled {
		l.stalled = make(chan struct{})
	}
	if a.principal != nil {
		ctx = redline.WithPrincipal(ctx, *a.principal)
	}
	r := httptest.NewRequestWithContext(ctx, http.MethodPost, "/graphql", nil)
	if a.lastEventID != "" {
		r.Header.Set("Last-Event-ID", a.lastEventID)
	}
	go func() {
		defer close(l.over)
		e.streams.Serve(l, r, &graphql.RawParams{Query: a.query, Variables: a.variables}, a.refused, e.exec, false)
	}()
	return l
}

func (l *listener) Header() http.Header { return l.header }
func (l *listener) Flush()              {}

func (l *listener) SetWriteDeadline(at time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.deadline = at
	return nil
}

func (l *listener) writeDeadline() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.deadline
}

func (l *listener) WriteHeader(status int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.status = status
}

// Write takes whole events, as a stream writes them.
func (l *listener) Write(b []byte) (int, error) {
	l.mu.Lock()
	stalled := l.stalled
	if stalled != nil {
		l.stalls++
	}
	l.mu.Unlock()
	if stalled != nil {
		<-stalled
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text.Write(b)
	for block := range strings.SplitSeq(string(b), "\n\n") {
		if m, ok := parseTold(block); ok {
			l.messages = append(l.messages, m)
		}
	}
	select {
	case l.came <- struct{}{}:
	default:
	}
	return len(b), nil
}

// parseTold reads one event of a stream; a heartbeat is none.
func parseTold(block string) (m told, ok bool) {
	for line := range strings.SplitSeq(block, "\n") {
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch name {
		case "event":
			m.event = value
		case "id":
			m.id = value
		case "data":
			m.data = value
		case "retry":
			m.retry = value
		default:
			continue
		}
		ok = true
	}
	if !ok || m.event != "next" {
		return m, ok
	}
	var payload struct {
		Data   map[string]any
		Errors []struct{ Extensions struct{ Code string } }
	}
	if err := json.Unmarshal([]byte(m.data), &payload); err != nil {
		panic(fmt.Sprintf("%s: %v", m.data, err))
	}
	for _, v := range payload.Data {
		m.value = strings.TrimRight(fmt.Sprint(v), "x")
		_, _ = fmt.Sscan(m.value, &m.n) // a state and the word of being caught up have none
	}
	for _, e := range payload.Errors {
		m.code = e.Extensions.Code
	}
	if m.id != "" {
		at, err := redline.ParseCursor(m.id)
		if err != nil {
			panic(fmt.Sprintf("%s: %v", m.id, err))
		}
		m.at = at
	}
	return m, true
}

// stall has the client take nothing more, until it resumes.
func (l *listener) stall() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled == nil {
		l.stalled = make(chan struct{})
	}
}

// resume has the client take everything again.
func (l *listener) resume() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stalled != nil {
		close(l.stalled)
		l.stalled = nil
	}
}

// tryNext returns the next event. It reports false where the stream has ended.
func (l *listener) tryNext() (m told, ok bool) {
	l.t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	for {
		var over bool
		select {
		case <-l.over:
			over = true
		default:
		}
		l.mu.Lock()
		if len(l.messages) > 0 {
			m, l.messages = l.messages[0], l.messages[1:]
			l.mu.Unlock()
			return m, true
		}
		l.mu.Unlock()
		if over {
			return told{}, false
		}
		select {
		case <-l.came:
		case <-l.over:
		case <-timer.C:
			l.t.Error("waited in vain for an event of a stream")
			return told{}, false
		}
	}
}

func (l *listener) next() told {
	l.t.Helper()
	m, ok := l.tryNext()
	if !ok {
		l.t.Fatal("the stream has ended")
	}
	return m
}

// expect reads events of which each says what is wanted, and gives that position.
func (l *listener) expect(value string, at int64) {
	l.t.Helper()
	if m := l.next(); m.event != "next" || strings.TrimSpace(m.value) != value || m.at != (redline.Cursor{Epoch: epoch, ID: at}) {
		l.t.Fatalf("got %q at %+v (%s %s), want %q at %d", m.value, m.at, m.event, m.data, value, at)
	}
}

func (l *listener) expectCaughtUp(at int64) {
	l.t.Helper()
	l.expect("caught up", at)
}

func (l *listener) expectEvents(ids ...int64) {
	l.t.Helper()
	for _, id := range ids {
		l.expect(fmt.Sprint(id), id)
	}
}

// expectRefused reads an error with the code, and that it was the last.
func (l *listener) expectRefused(code redline.ErrorCode) {
	l.t.Helper()
	if m := l.next(); m.code != string(code) {
		l.t.Fatalf("got %s, want an error %s", m.data, code)
	}
	if m := l.next(); m.event != "complete" {
		l.t.Fatalf("got %+v, want the end", m)
	}
	l.expectEnd()
}

// expectEnd proves that nothing more comes.
func (l *listener) expectEnd() {
	l.t.Helper()
	if m, ok := l.tryNext(); ok {
		l.t.Fatalf("at the end came %s %s", m.event, m.data)
	}
	await(l.t, l.over, "the stream's end")
}

// leave goes away, and returns once the gateway has noticed.
func (l *listener) leave() {
	l.t.Helper()
	l.cancel()
	l.resume()
	await(l.t, l.over, "the stream's end")
}

// rest are the events that came and weren't read yet.
func (l *listener) rest() (ids []int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, m := range l.messages {
		if m.n > 0 {
			ids = append(ids, m.n)
		}
	}
	return ids
}
