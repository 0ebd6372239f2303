package live

import (
	"net/http"
	"runtime"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
)

// subprotocol is the one that is spoken.
const subprotocol = "graphql-transport-ws"

// bufferBytes is the size of a socket's read buffer: most of what clients say is
// shorter, and longer messages aren't copied.
const bufferBytes = 256

// WebSocket is a transport of gqlgen that speaks graphql-transport-ws. It owns
// its sockets and all of their goroutines: Do hands the connection over to
// them and returns, so that net/http can let go of what it holds.
//
// Whoever serves it refuses the requests of pages that may not use it, before it sees
// them: it asks nothing of their Origin.
//
// # Rights
//
// Each operation runs with the principal that its socket had when it began. A
// ping whose payload carries an authorization replaces the socket's token; it
// has to be the same issuer's, subject's and role's, or the socket closes with
// 4403. If what the new token allows differs, each live operation is begun again
// with the new rights, where it stands: it goes on with what they show, and ends
// with an error FORBIDDEN where they don't allow it. When the token ends the
// socket closes with 4403, to the second and without leeway; and so it does as soon as
// the gateway knows that the token was revoked.
type WebSocket struct {
	door     *Door
	options  WebSocketOptions
	upgrader websocket.Upgrader
	writers  []*writer

	stopped chan struct{}
	stop    sync.Once
	running sync.WaitGroup
}

var _ graphql.Transport = (*WebSocket)(nil)

// NewWebSocket makes a transport for the sockets that come in by a door. It is
// closed after the door's Shutdown.
func NewWebSocket(door *Door, options WebSocketOptions) (*WebSocket, error) {
	options, err := options.withDefaults()
	if err != nil {
		return nil, err
	}
	t := &WebSocket{door: door, options: options, stopped: make(chan struct{})}
	t.upgrader = websocket.Upgrader{
		HandshakeTimeout: options.WriteTimeout,
		ReadBufferSize:   bufferBytes,
		WriteBufferSize:  bufferBytes,
		WriteBufferPool:  &sync.Pool{},
		Subprotocols:     []string{subprotocol},
		// Which pages may come is looked at before: see WebSocket.
		CheckOrigin: func(*http.Request) bool { return true },
		// A compressed message is counted by its compressed bytes: a limit of
		// 1 MB would let 900 MB in.
		EnableCompression: false,
	}
	for range runtime.GOMAXPROCS(0) {
		w := newWriter()
		t.writers = append(t.writers, w)
		t.running.Go(func() { w.run(t.stopped) })
	}
	t.running.Go(t.keepAlive)
	return t, nil
}

// Close ends the transport's own goroutines. Its sockets are closed by the door.
func (t *WebSocket) Close() {
	t.stop.Do(func() { close(t.stopped) })
	t.running.Wait()
}

// keepAlive pings every socket once in an interval, some at a time.
func (t *WebSocket) keepAlive() {
	tick := time.NewTicker(max(t.options.PingInterval/slots, time.Millisecond))
	defer tick.Stop()
	for slot := 0; ; slot = (slot + 1) % slots {
		select {
		case <-tick.C:
		case <-t.stopped:
			return
		}
		for _, c := range t.door.inSlot(slot) {
			if s, ok := c.(*socket); ok {
				s.send(message{kind: kindPing, answer: &noPayload})
			}
		}
	}
}

// noPayload is the answer of messages that say nothing but what they are.
var noPayload = answer{before: nowhere}

// Supports reports whether the request asks for a websocket.
func (t *WebSocket) Supports(r *http.Request) bool { return websocket.IsWebSocketUpgrade(r) }

// Do upgrades the connection and returns while the socket lives on. Where it
// can't, it answers 429 (too many sockets of this address), 503 (too many in all or at once, or shutting down), or 400.
func (t *WebSocket) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	address := addressOf(r)
	if status, wait := t.door.admit(address); status != 0 {
		refuse(w, status, wait)
		return
	}
	conn, err := t.upgrader.Upgrade(w, r, nil)
	if err != nil {
		// Upgrade has answered.
		t.door.release(address)
		return
	}
	s := newSocket(t, conn, r, exec, address)
	slot, ok := t.door.enter(s)
	go s.run(slot)
	switch {
	case !ok:
		s.hurry()
	case conn.Subprotocol() != subprotocol:
		// After the upgrade, because a browser tells its page nothing of a
		// refused handshake but that it failed: with a code there is something
		// to act on.
		s.close(CloseBadSubprotocol, "Subprotocol not acceptable")
	}
}
