package live_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/gorilla/websocket"
	"go.uber.org/goleak"

	"redline"
	"redline/live"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is how long a test waits for what has to come.
const patience = time.Minute

const subprotocol = "graphql-transport-ws"

// epoch is that of every cursor here.
const epoch = 7

var quiet = slog.New(slog.NewTextHandler(io.Discard, nil))

// everyType are all the types of events that are told.
var everyType = []string{redline.EventLevel, redline.EventOrder, redline.EventConflict}

// setting is how an engine is set up. Its zero value will do for most tests.
type setting struct {
	// principal is whom a request has that says nothing else; nil is nobody.
	principal *redline.Principal
	broker    live.BrokerOptions
	door      live.DoorOptions
	socket    live.WebSocketOptions
	stream    live.StreamOptions
	tailer    live.TailerOptions
	// log is what there is when it begins; nil is nothing.
	log *outageLog
	// tails has the tailer tail the log. Otherwise it only looks where the log
	// ends, and publish hands events to the broker before it returns, so that a
	// test knows when they have been.
	tails bool
	// unready doesn't wait for the tailer's first look.
	unready bool
	// secure has the rig's clients come by TLS, bare without NewListener beneath.
	secure, bare bool
	// extensions are the executor's.
	extensions []graphql.HandlerExtension
}

// engine is a gateway with nothing but live subscriptions, and no server.
type engine struct {
	t       testing.TB
	setting setting
	log     *outageLog
	broker  *live.Broker
	tailer  *live.Tailer
	door    *live.Door
	streams *live.Streams
	schema  *schema
	exec    *executor.Executor
	tailing sync.WaitGroup
	cut     context.CancelFunc // ends the tailer
}

// newEngine starts an engine, and ends it with the test.
func newEngine(t testing.TB, set setting) *engine {
	t.Helper()
	e := &engine{t: t, setting: set, log: set.log}
	if e.log == nil {
		e.log = &outageLog{}
	}
	if set.broker.History == nil {
		set.broker.History = e.log
	}
	set.broker.Logger, set.door.Logger = quiet, quiet
	if set.tailer.Logger == nil {
		set.tailer.Logger = quiet
	}
	var err error
	if e.broker, err = live.NewBroker(set.broker); err != nil {
		t.Fatal(err)
	}
	if e.tailer, err = live.NewTailer(e.log, e.broker, set.tailer); err != nil {
		t.Fatal(err)
	}
	if e.door, err = live.NewDoor(e.broker, set.door); err != nil {
		t.Fatal(err)
	}
	if e.streams, err = live.NewStreams(e.door, set.stream); err != nil {
		t.Fatal(err)
	}
	e.schema = newSchema(e.broker)
	e.exec = executor.New(e.schema)
	e.exec.SetErrorPresenter(present)
	e.exec.SetRecoverFunc(func(context.Context, any) error { return errors.New("it panicked") })
	for _, x := range set.extensions {
		e.exec.Use(x)
	}
	var ctx context.Context
	ctx, e.cut = context.WithCancel(context.Background())
	e.tailing.Go(func() {
		if err := e.tailer.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(e.stop)
	if !set.unready {
		await(t, e.tailer.Ready(), "the tailer")
	}
	if !set.tails {
		e.cut()
		e.tailing.Wait()
	}
	return e
}

// stop ends the engine; once more does nothing.
func (e *engine) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := e.door.Shutdown(ctx); err != nil {
		e.t.Error("shutting down:", err)
	}
	e.cut()
	e.tailing.Wait()
	e.broker.Close()
}

// publish adds events with these ids to the log, and has them published.
func (e *engine) publish(from, to int64) {
	for id := from; id <= to; id++ {
		e.log.add(id)
		if !e.setting.tails {
			e.log.mu.Lock()
			event := e.log.event(id)
			e.log.mu.Unlock()
			if !e.broker.Publish(event, everyType) {
				e.t.Errorf("event %d was not published", id)
			}
		}
	}
	if e.setting.tails {
		e.tailer.Wake()
	}
}

// shutdown begins to see everybody out, and returns how that ends.
func (e *engine) shutdown(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- e.door.Shutdown(ctx) }()
	return done
}

// rig is an engine behind a server, for websockets and streams.
type rig struct {
	*engine
	transport *live.WebSocket
	url       string // of websockets
	// trust is what clients know the gateway by, where they come by TLS.
	trust *tls.Config
	// returned gets a word each time that the HTTP handler of a websocket returns.
	returned chan struct{}
}

func newRig(t testing.TB, set setting) *rig {
	t.Helper()
	r := &rig{engine: newEngine(t, set), returned: make(chan struct{}, 1000)}
	var err error
	if r.transport, err = live.NewWebSocket(r.door, set.socket); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewUnstartedServer(http.HandlerFunc(r.serve))
	if set.secure {
		if !set.bare {
			server.Listener = live.NewListener(server.Listener)
		}
		server.EnableHTTP2 = true
		server.StartTLS()
		r.trust = server.Client().Transport.(*http.Transport).TLSClientConfig
	} else {
		server.Start()
	}
	r.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		r.stop()
		r.transport.Close()
		server.Close()
	})
	return r
}

// serve serves websockets, and for other requests an operation as a stream.
func (r *rig) serve(w http.ResponseWriter, request *http.Request) {
	ctx := redline.WithRequestID(request.Context(), "req-1")
	ctx = redline.WithAddress(ctx, request.Header.Get("X-From"))
	if p := r.setting.principal; p != nil {
		ctx = redline.WithPrincipal(ctx, *p)
	}
	request = request.WithContext(ctx)
	if r.transport.Supports(request) {
		r.transport.Do(w, request, r.exec)
		r.returned <- struct{}{}
		return
	}
	multipart := strings.Contains(request.Header.Get("Accept"), "multipart/mixed")
	r.streams.Serve(w, request, &graphql.RawParams{Query: request.FormValue("query")}, nil, r.exec, multipart)
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
	if r.trust != nil {
		dialer.TLSClientConfig = &tls.Config{RootCAs: r.trust.RootCAs}
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

// connectSlow connects somebody who doesn't take much before reading.
func (r *rig) connectSlow(authorization string) *client {
	r.t.Helper()
	c := r.dial(slowDialer())
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

// follow subscribes, and reads until the operation is caught up at once: from
// then on it is told all that is published.
func (c *client) follow(id, query string, at int64) {
	c.t.Helper()
	c.subscribe(id, query)
	c.expect(next(id, "events", "caught up", at))
}

// serverMessage is any message of the gateway.
type serverMessage struct {
	ID      string          `json:"id"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload"`
}

// cursor writes a position.
func cursor(id int64) string { return redline.Cursor{Epoch: epoch, ID: id}.String() }

// next is the message that tells something at a position. No text here needs to be
// escaped.
func next(id, field, value string, at int64) string {
	return `{"id":"` + id + `","type":"next","payload":{"data":{"` + field + `":"` + value + `"},"extensions":{"cursor":"` + cursor(at) + `"}}}`
}

// event is the message that tells of an event.
func event(id string, n int64) string { return next(id, "events", fmt.Sprint(n, " "), n) }

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
				err = conn.(*net.TCPConn).SetReadBuffer(512 << 10)
			}
			return conn, err
		},
	}
}

// overEach runs a test with clients that come as they are, and with such that come
// by TLS: one after the other, since much is sent in most of them.
func overEach(t *testing.T, test func(t *testing.T, secure bool)) {
	t.Helper()
	for name, secure := range map[string]bool{"plain": false, "TLS": true} {
		t.Run(name, func(t *testing.T) { test(t, secure) })
	}
}
