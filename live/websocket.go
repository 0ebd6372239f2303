package live

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
)

// subprotocol is the one that is spoken.
const subprotocol = "graphql-transport-ws"

// bufferBytes is the size of a socket's read buffer and of a pooled write
// buffer: most messages are shorter, and longer ones aren't copied.
const bufferBytes = 1024

// WebSocket is a transport of gqlgen that speaks graphql-transport-ws. It owns
// its sockets and all of their goroutines: Do hands the connection over to
// them and returns, so that net/http can let go of what it holds.
//
// # Rights
//
// Each operation runs with the principal that its socket had when it began. A
// ping whose payload carries an authorization replaces the socket's token; it
// has to be the same issuer's, subject's and role's, or the socket closes with
// 4403. If the new token's scopes, suppliers or customer differ from the old
// one's, in whichever direction, the operations that run with the old rights
// end with an error FORBIDDEN and have to be begun again. When the token ends
// the socket closes with 4403, to the second and without leeway.
type WebSocket struct {
	broker   *Broker
	options  WebSocketOptions
	upgrader websocket.Upgrader

	mu       sync.Mutex
	sockets  map[*socket]struct{}
	open     int            // sockets and upgrades under way
	byAddr   map[string]int // open, by address
	stopping bool
	idle     chan struct{} // closed when stopping and none is open
}

var _ graphql.Transport = (*WebSocket)(nil)

// NewWebSocket makes a transport for sockets whose subscriptions come from the
// broker.
func NewWebSocket(broker *Broker, options WebSocketOptions) (*WebSocket, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &WebSocket{
		broker: broker, options: options,
		sockets: map[*socket]struct{}{}, byAddr: map[string]int{}, idle: make(chan struct{}),
	}
	t.upgrader = websocket.Upgrader{
		HandshakeTimeout: options.WriteTimeout,
		ReadBufferSize:   bufferBytes,
		WriteBufferSize:  bufferBytes,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{subprotocol},
		CheckOrigin:      func(r *http.Request) bool { return originAllowed(r, options.Origins) },
		// A compressed message is counted by its compressed bytes: a limit of
		// 1 MB would let 900 MB in.
		EnableCompression: false,
	}
	return t, nil
}

// Supports reports whether the request asks for a websocket.
func (t *WebSocket) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do upgrades the connection and returns while the socket lives on. Where it
// can't, it answers 403 (a foreign Origin), 429 (too many sockets of this
// address), 503 (too many in all, or shutting down), or 400.
func (t *WebSocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	address := t.options.Address(r)
	if status := t.admit(address); status != 0 {
		w.Header().Set("Retry-After", "5")
		http.Error(w, http.StatusText(status), status)
		return
	}
	conn, err := t.upgrader.Upgrade(w, r, nil)
	if err != nil {
		// Upgrade has answered.
		t.release(address)
		return
	}
	// The values of the request are kept, but its end is the handler's and not
	// the socket's.
	s := newSocket(context.WithoutCancel(r.Context()), t, conn, exec, address)
	t.mu.Lock()
	t.sockets[s] = struct{}{}
	stopping := t.stopping
	t.mu.Unlock()
	go s.run()
	switch {
	case stopping:
		s.interrupt(CloseRestart, "Service restart")
	case conn.Subprotocol() != subprotocol:
		// After the upgrade, because a browser tells its page nothing of a
		// refused handshake but that it failed: with a code there is something
		// to act on.
		s.close(CloseBadSubprotocol, "Subprotocol not acceptable")
	}
}

// admit counts one more socket, or returns the status to refuse it with.
func (t *WebSocket) admit(address string) (status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.stopping || t.open >= t.options.MaxSockets:
		return http.StatusServiceUnavailable
	case t.byAddr[address] >= t.options.MaxSocketsPerAddress:
		return http.StatusTooManyRequests
	}
	t.open++
	t.byAddr[address]++
	return 0
}

// release counts one socket less.
func (t *WebSocket) release(address string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	t.byAddr[address]--
	if t.byAddr[address] == 0 {
		delete(t.byAddr, address)
	}
	if t.stopping && t.open == 0 {
		close(t.idle)
	}
}

// gone is the last thing that a socket does.
func (t *WebSocket) gone(s *socket) {
	t.mu.Lock()
	delete(t.sockets, s)
	t.mu.Unlock()
	t.release(s.address)
}

// Shutdown accepts no more sockets, closes those that are open with 1012, over
// DrainSpread, and waits until all of their goroutines have ended. The reason
// that clients see is the cursor to resume from; the given one where there is
// none. When ctx ends the connections left are cut, and Shutdown returns an
// error at once.
func (t *WebSocket) Shutdown(ctx context.Context, reason string) error {
	t.mu.Lock()
	if !t.stopping {
		t.stopping = true
		if t.open == 0 {
			close(t.idle)
		}
	}
	t.mu.Unlock()
	open := t.snapshot()
	for i, s := range open {
		if i > 0 && t.options.DrainSpread > 0 {
			pause(ctx, min(t.options.DrainSpread/time.Duration(len(open)), drainPace), nil)
		}
		s.drainOut(reason)
	}
	// Who is still waiting for an answer shortly before the end is told to come
	// back without it.
	last := make(<-chan time.Time)
	if deadline, ok := ctx.Deadline(); ok {
		timer := time.NewTimer(time.Until(deadline) - lastCall)
		defer timer.Stop()
		last = timer.C
	}
	for waiting := true; waiting; {
		select {
		case <-t.idle:
			return nil
		case <-last:
			for _, s := range t.snapshot() {
				s.interrupt(CloseRestart, reason)
			}
		case <-ctx.Done():
			waiting = false
		}
	}
	left := t.snapshot()
	for _, s := range left {
		s.abandon()
	}
	return fmt.Errorf("closing the sockets, with %d left: %w", len(left), ctx.Err())
}

const (
	// drainPace is the longest pause between two sockets of a drain: a few need
	// no spread.
	drainPace = 20 * time.Millisecond
	// lastCall is how long before the end of a drain what is still running is
	// given up.
	lastCall = time.Second
)

func (t *WebSocket) snapshot() []*socket {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]*socket, 0, len(t.sockets))
	for s := range t.sockets {
		out = append(out, s)
	}
	return out
}
