package test_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline"
)

// follower follows one subscription through all that happens to its connection:
// it comes back with the cursor that it had last, and keeps what it is told. It
// finds out by itself what can't be right, whatever the log says.
type follower struct {
	name      string
	token     string
	query     string // takes $after and $snapshot, beside what variables has
	variables vars
	snapshot  bool
	stream    bool // server-sent events instead of a websocket
	// addr says where to connect, for the nth time; "" is nowhere just now.
	addr func(n int) string
	// whole says that all of a subject's versions are told.
	whole bool
	// keep says that what is told of each subject last is kept.
	keep bool
	// heed says that a gateway which turns it away is asked again only when it said.
	heed bool
	// cutAt is after how much of a snapshot its connection is cut, once; 0 is never.
	cutAt int
	// chunk is how large its buffers are; 0 is gorilla's default.
	chunk int
	// slow has the network hold as little as can be for its first connection, and is
	// waited for before it goes on once it is live; nil is a quick reader.
	slow <-chan struct{}

	mu      sync.Mutex
	changed chan struct{} // closed with all that changes here
	cursor  string        // to come back with
	last    int64         // the position that it has all up to
	// begun says that the story has a beginning, and first where that is.
	begun    bool
	first    int64
	tale     []entry
	versions map[string]int
	state    map[string]json.RawMessage
	faults   []string
	cutOff   func()
	tally    tally
	// live says that the present connection was told CAUGHT_UP.
	live bool
	// closedAt is when the last close frame came.
	closedAt time.Time
}

// entry is one thing that was told, or is in the log.
type entry struct {
	ID      int64
	Subject string
	Number  int // the version, or what is available
	Removed bool
}

// tally is how often something happened to a follower.
type tally struct {
	connects, turnedAway, caughtUp, snapshots, again, restarts, tooSlow, cuts, ends int
}

func (t *tally) add(o tally) {
	t.connects += o.connects
	t.turnedAway += o.turnedAway
	t.caughtUp += o.caughtUp
	t.snapshots += o.snapshots
	t.again += o.again
	t.restarts += o.restarts
	t.tooSlow += o.tooSlow
	t.cuts += o.cuts
	t.ends += o.ends
}

func (t tally) String() string {
	return fmt.Sprintf("%d connections (%d turned away), %d times caught up, %d snapshots and %d begun again, ended %d times with 1012, %d with 4013, %d by us, %d without a word",
		t.connects, t.turnedAway, t.caughtUp, t.snapshots, t.again, t.restarts, t.tooSlow, t.cuts, t.ends)
}

func parseCursor(s string) (redline.Cursor, error) { return redline.ParseCursor(s) }

// follow starts followers, which end when they are told to, or with the test.
func follow(t *testing.T, followers ...*follower) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	var all sync.WaitGroup
	for _, f := range followers {
		f.changed, f.versions, f.state = make(chan struct{}), map[string]int{}, map[string]json.RawMessage{}
		all.Go(func() { f.run(ctx) })
	}
	stop = func() { cancel(); all.Wait() }
	t.Cleanup(stop)
	return stop
}

// run connects again and again until ctx ends, or something is wrong.
func (f *follower) run(ctx context.Context) {
	for n := 0; ctx.Err() == nil && !f.faulty(); n++ {
		wait := 10 * time.Millisecond
		if addr := f.addr(n); addr != "" {
			if f.stream {
				wait = f.listen(ctx, addr)
			} else {
				wait = f.attend(ctx, addr)
			}
		}
		pausing(ctx, wait)
	}
}

func (f *follower) note(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
	close(f.changed)
	f.changed = make(chan struct{})
}

func (f *follower) fault(format string, args ...any) {
	f.note(func() { f.faultLocked(format, args...) })
}

func (f *follower) faultLocked(format string, args ...any) {
	f.faults = append(f.faults, fmt.Sprintf(format, args...))
}

func (f *follower) faulty() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.faults) > 0
}

// cut drops the connection without a word, if there is one.
func (f *follower) cut() {
	f.note(func() {
		if f.cutOff != nil {
			f.tally.cuts++
			f.cutOff()
			f.cutOff = nil
		}
	})
}

// connected notes a connection, and returns the operation's variables.
func (f *follower) connected(cut func()) (v vars) {
	f.note(func() {
		f.cutOff, f.live = cut, false
		f.tally.connects++
		v = mergeVars(f.variables, vars{"snapshot": f.snapshot})
		if f.cursor != "" {
			v["after"] = f.cursor
		}
		if c, err := parseCursor(f.cursor); f.cursor == "" || err == nil && c.InSnapshot {
			// It begins, or its snapshot begins, anew.
			if f.cursor != "" {
				f.tally.again++
			}
			f.begun, f.last, f.tale = false, 0, nil
			clear(f.versions)
			clear(f.state)
		}
	})
	return v
}

// lost notes a connection's end. It returns when to try again.
func (f *follower) lost(ctx context.Context, why func()) time.Duration {
	f.note(func() {
		if f.cutOff == nil || ctx.Err() != nil {
			return // that was us
		}
		f.cutOff = nil
		why()
	})
	return 10 * time.Millisecond
}

// refused notes that it wasn't let in, and returns when to try again.
func (f *follower) refused(resp *http.Response) time.Duration {
	after, err := strconv.Atoi(resp.Header.Get("Retry-After"))
	f.note(func() {
		if resp.StatusCode != http.StatusServiceUnavailable || err != nil || after < 1 || after > 60 {
			f.faultLocked("it was refused with %s, Retry-After: %q", resp.Status, resp.Header.Get("Retry-After"))
		}
		f.tally.turnedAway++
	})
	if f.heed {
		return time.Duration(after) * time.Second
	}
	return 50 * time.Millisecond
}

// attend follows by a websocket until that ends.
func (f *follower) attend(ctx context.Context, addr string) (wait time.Duration) {
	dialer := websocket.Dialer{
		Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: patience, ReadBufferSize: f.chunk, WriteBufferSize: f.chunk,
	}
	if f.dawdles() {
		dialer.NetDialContext = small
	}
	conn, resp, err := dialer.DialContext(ctx, "ws://"+addr+"/graphql", nil) //nolint:bodyclose // gorilla's needs no closing
	switch {
	case errors.Is(err, websocket.ErrBadHandshake):
		return f.refused(resp)
	case err != nil:
		return 20 * time.Millisecond // nobody is there
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	payload := vars{}
	if f.token != "" {
		payload["authorization"] = "Bearer " + f.token
	}
	if conn.WriteJSON(vars{"type": "connection_init", "payload": payload}) != nil {
		return 10 * time.Millisecond
	}
	had := false // something of the subscription
	for {
		var m wsMessage
		if err := conn.ReadJSON(&m); err != nil {
			return f.lost(ctx, func() { f.closed(err, had) })
		}
		switch m.Type {
		case "connection_ack":
			v := f.connected(func() { _ = conn.NetConn().Close() })
			_ = conn.WriteJSON(vars{"id": "1", "type": "subscribe", "payload": vars{"query": f.query, "variables": v}})
		case "ping":
			_ = conn.WriteJSON(vars{"type": "pong"}) // where that fails reading does
		case "next":
			had = true
			f.hear(m.Payload, "")
			f.dawdle(ctx)
		default:
			f.fault("it got %s %s", m.Type, m.Payload)
		}
		if f.faulty() {
			return 0
		}
	}
}

// closed notes how a websocket ended. The caller holds mu.
func (f *follower) closed(err error, had bool) {
	var ce *websocket.CloseError
	if !errors.As(err, &ce) || ce.Code == websocket.CloseAbnormalClosure {
		f.tally.ends++
		return
	}
	f.closedAt = time.Now()
	switch ce.Code {
	case 1012:
		f.tally.restarts++
	case 4013:
		f.tally.tooSlow++
	default:
		f.faultLocked("it was closed with %v", ce)
		return
	}
	// The reason is where all that the socket follows can go on from. Whoever has
	// had nothing yet of a subscription has nothing to go on from, and begins.
	at, err := parseCursor(ce.Text)
	switch {
	case err != nil:
		f.faultLocked("it was closed with %v", ce)
	case !had:
	case at.InSnapshot:
		if f.begun {
			f.faultLocked("after its snapshot it is to go on from %+v", at)
		}
		f.cursor = ce.Text
	case at.ID < f.last:
		f.faultLocked("it had all up to %d, and is to go on from %d", f.last, at.ID)
	default:
		f.begin(at.ID)
		f.cursor, f.last = ce.Text, at.ID
	}
}

// begin notes where the story begins. The caller holds mu.
func (f *follower) begin(at int64) {
	if !f.begun {
		f.begun, f.first = true, at
	}
}

// listen follows by server-sent events until they end.
func (f *follower) listen(ctx context.Context, addr string) (wait time.Duration) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	f.mu.Lock()
	cursor := f.cursor
	f.mu.Unlock()
	v := mergeVars(f.variables, vars{"snapshot": f.snapshot})
	body, err := json.Marshal(vars{"query": f.query, "variables": v})
	if err != nil {
		f.fault("its variables: %v", err)
		return 0
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+addr+"/graphql", bytes.NewReader(body))
	if err != nil {
		f.fault("its request: %v", err)
		return 0
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Accept", "text/event-stream")
	if f.token != "" {
		req.Header.Set("Authorization", "Bearer "+f.token)
	}
	if cursor != "" {
		req.Header.Set("Last-Event-ID", cursor)
	}
	transport := streams
	if f.dawdles() {
		transport = slowStreams
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return 20 * time.Millisecond // nobody is there
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK || !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return f.refused(resp)
	}
	f.connected(cancel)
	line := lineReader(resp.Body)
	var id, name string
	for {
		l, err := line()
		if err != nil {
			return f.lost(ctx, func() { f.tally.ends++ })
		}
		field, value, _ := strings.Cut(l, ": ")
		switch {
		case field == "id":
			id = value
		case field == "event":
			name = value
		case field == "data" && name == "next":
			f.hear([]byte(value), id)
			f.dawdle(ctx)
		case l == "data:" || name == "complete":
			f.fault("its stream was completed")
		case field == "retry":
			f.note(func() { f.tally.restarts++ })
		}
		if f.faulty() {
			return 0
		}
	}
}

// streams are the connections of server-sent events, each its own: one that is
// kept might lead to a gateway that is gone.
var (
	streams     = &http.Transport{DisableKeepAlives: true}
	slowStreams = &http.Transport{DisableKeepAlives: true, DialContext: small}
)

// dawdles says whether its next connection is to be a slow one.
func (f *follower) dawdles() bool { return f.slow != nil && f.told().connects == 0 }

// dawdle reads no further, where the follower is a slow one and live.
func (f *follower) dawdle(ctx context.Context) {
	f.mu.Lock()
	live := f.live
	f.mu.Unlock()
	if live && f.slow != nil {
		select {
		case <-f.slow:
		case <-ctx.Done():
		}
	}
}

// small is a connection for which the network holds little, and still more than one
// segment of the loopback: with less, each waits for a timer.
func small(ctx context.Context, network, addr string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: patience}).DialContext(ctx, network, addr)
	if err != nil {
		return nil, err
	}
	return conn, conn.(*net.TCPConn).SetReadBuffer(128 << 10)
}

// told is what happened to it so far.
func (f *follower) told() tally {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.tally
}

// lastClosed is when it was last closed with a word.
func (f *follower) lastClosed() time.Time {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.closedAt
}

func jsonText(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
