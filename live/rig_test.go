package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"redline"
	"redline/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

const subprotocol = "graphql-transport-ws"

// epoch is that of every cursor here.
const epoch = 7

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// rig is a gateway with nothing but live subscriptions.
type rig struct {
	t         testing.TB
	broker    *live.Broker
	transport *live.WebSocket
	schema    *schema
	exec      *executor.Executor
	url       string
	// returned gets a word each time that the HTTP handler returns.
	returned chan struct{}
}

// newRig starts a gateway. Requests have the principal that principal names,
// the anonymous one unless it is set.
func newRig(t testing.TB, principal *redline.Principal, options live.WebSocketOptions, queue int) *rig {
	t.Helper()
	r := &rig{t: t, returned: make(chan struct{}, 1000)}
	var err error
	if r.broker, err = live.NewBroker(live.BrokerOptions{Queue: queue, Logger: quiet}); err != nil {
		t.Fatal(err)
	}
	options.Logger = quiet
	if options.Cursor == nil {
		options.Cursor = func(id int64) string { return redline.Cursor{Epoch: epoch, ID: id}.String() }
	}
	if r.transport, err = live.NewWebSocket(r.broker, options); err != nil {
		t.Fatal(err)
	}
	r.schema = newSchema(r.broker)
	r.exec = executor.New(r.schema)
	r.exec.SetErrorPresenter(present)
	r.exec.SetRecoverFunc(func(context.Context, any) error { return errors.New("it panicked") })
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		ctx := redline.WithRequestID(request.Context(), "req-1")
		if principal != nil {
			ctx = redline.WithPrincipal(ctx, *principal)
		}
		r.transport.Do(w, request.WithContext(ctx), r.exec)
		r.returned <- struct{}{}
	}))
	r.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := r.transport.Shutdown(ctx, "the test is over"); err != nil {
			t.Error("shutting down:", err)
		}
		r.broker.Close()
		server.Close()
	})
	return r
}

// shutdown begins to shut the sockets down, and returns how that ends.
func (r *rig) shutdown(ctx context.Context, reason string) <-chan error {
	done := make(chan error, 1)
	go func() { done <- r.transport.Shutdown(ctx, reason) }()
	return done
}

// publish publishes events with these ids.
func (r *rig) publish(from, to int64) {
	for id := from; id <= to; id++ {
		r.broker.Publish(levelEvent(id), levels)
	}
}

// client is a websocket client that knows nothing of the protocol.
type client struct {
	t    testing.TB
	conn *websocket.Conn
}

// dial connects with the dialer, or one that offers our subprotocol.
func (r *rig) dial(dialer *websocket.Dialer) *client {
	r.t.Helper()
	if dialer == nil {
		dialer = &websocket.Dialer{Subprotocols: []string{subprotocol}}
	}
	conn, response, err := dialer.Dial(r.url, nil)
	if err != nil {
		r.t.Fatal("dialling:", err)
	}
	_ = response.Body.Close()
	r.t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetReadDeadline(time.Now().Add(patience))
	return &client{t: r.t, conn: conn}
}

// connect dials and initialises, with an authorization if it isn't "".
func (r *rig) connect(authorization string) *client {
	r.t.Helper()
	c := r.dial(nil)
	c.init(authorization)
	c.expect(`{"type":"connection_ack"}`)
	return c
}

func (c *client) init(authorization string) {
	c.t.Helper()
	if authorization == "" {
		c.send(`{"type":"connection_init"}`)
		return
	}
	c.send(`{"type":"connection_init","payload":` + authorizationJSON(authorization) + `}`)
}

func authorizationJSON(authorization string) string {
	return `{"authorization":` + strconv.Quote(authorization) + `}`
}

func (c *client) send(text string) {
	c.t.Helper()
	if err := c.conn.WriteMessage(websocket.TextMessage, []byte(text)); err != nil {
		c.t.Fatal("sending:", err)
	}
}

func (c *client) subscribe(id, query string) {
	c.t.Helper()
	c.send(`{"id":` + strconv.Quote(id) + `,"type":"subscribe","payload":{"query":` + strconv.Quote(query) + `}}`)
}

// serverMessage is any message of the gateway.
type serverMessage struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// read returns the next message, and its text.
func (c *client) read() (m serverMessage, text string) {
	c.t.Helper()
	kind, body, err := c.conn.ReadMessage()
	if err != nil {
		c.t.Fatal("reading:", err)
	}
	if kind != websocket.TextMessage {
		c.t.Fatalf("a message of kind %d came", kind)
	}
	if err := json.Unmarshal(body, &m); err != nil {
		c.t.Fatalf("%s: %v", body, err)
	}
	return m, string(body)
}

// expect reads messages that have to be exactly these.
func (c *client) expect(texts ...string) {
	c.t.Helper()
	for _, want := range texts {
		if _, got := c.read(); got != want {
			c.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// expectError reads an error message for the id, and returns its first error.
func (c *client) expectError(id string) (message string, extensions map[string]any) {
	c.t.Helper()
	m, text := c.read()
	var list []struct {
		Message    string
		Extensions map[string]any
	}
	if m.Type != "error" || m.ID != id || json.Unmarshal(m.Payload, &list) != nil || len(list) == 0 {
		c.t.Fatalf("got %s, want an error of %s", text, id)
	}
	return list[0].Message, list[0].Extensions
}

// expectQuiet proves that nothing else is on its way: the pong is next.
func (c *client) expectQuiet() {
	c.t.Helper()
	c.send(`{"type":"ping","payload":{"quiet":true}}`)
	c.expect(`{"type":"pong","payload":{"quiet":true}}`)
}

// expectClose reads until the socket closes, which has to be with this code,
// and returns the reason and the messages before.
func (c *client) expectClose(code int) (reason string, before []serverMessage) {
	c.t.Helper()
	for {
		_, body, err := c.conn.ReadMessage()
		if err != nil {
			var closed *websocket.CloseError
			if !errors.As(err, &closed) || closed.Code != code {
				c.t.Fatalf("the socket ended with %v, want a close with %d", err, code)
			}
			return closed.Text, before
		}
		var m serverMessage
		if err := json.Unmarshal(body, &m); err != nil {
			c.t.Fatalf("%s: %v", body, err)
		}
		before = append(before, m)
	}
}

// await waits for a word.
func await[T any](t testing.TB, words <-chan T, what string) T {
	t.Helper()
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case word := <-words:
		return word
	case <-timer.C:
		t.Fatal("waited in vain for", what)
		panic("unreachable")
	}
}

// slowDialer makes connections whose receive buffer is small, though not so
// small that emptying it takes long.
func slowDialer() *websocket.Dialer {
	return &websocket.Dialer{
		Subprotocols: []string{subprotocol},
		NetDialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err == nil {
				err = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			}
			return conn, err
		},
	}
}
