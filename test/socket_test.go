package test_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline"
)

// socket is a websocket that speaks graphql-transport-ws.
type socket struct {
	t    testing.TB
	conn *websocket.Conn
	// held are messages that came while another operation's were waited for.
	held []wsMessage
	// floor is the position that events have to be behind to count: a gateway may
	// tell those who come of what was committed a moment before they did.
	floor int64
}

type wsMessage struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// dial opens a websocket and sends nothing.
func (s *server) dial(t testing.TB) *socket {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: patience}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://"+s.addr+"/graphql", http.Header{})
	if err != nil {
		t.Fatal("opening a websocket:", err)
	}
	_ = resp.Body.Close()
	w := &socket{t: t, conn: conn}
	t.Cleanup(func() { _ = conn.Close() })
	return w
}

// socket opens a websocket and says who calls.
func (s *server) socket(t testing.TB, token string) *socket {
	t.Helper()
	w := s.dial(t)
	w.init(token)
	if m := w.read(); m.Type != "connection_ack" {
		t.Fatalf("%s instead of connection_ack", m.Type)
	}
	return w
}

func (w *socket) init(token string) {
	w.t.Helper()
	payload := vars{}
	if token != "" {
		payload["authorization"] = "Bearer " + token
	}
	w.send(vars{"type": "connection_init", "payload": payload})
}

func (w *socket) send(m any) {
	w.t.Helper()
	_ = w.conn.SetWriteDeadline(time.Now().Add(patience))
	if err := w.conn.WriteJSON(m); err != nil {
		w.t.Fatal("sending:", err)
	}
}

// subscribe begins an operation.
func (w *socket) subscribe(id, query string, v vars) {
	w.t.Helper()
	w.send(vars{"id": id, "type": "subscribe", "payload": vars{"query": query, "variables": v}})
}

// receive reads the next message, or the error that ended the socket.
func (w *socket) receive() (wsMessage, error) {
	for {
		var m wsMessage
		_ = w.conn.SetReadDeadline(time.Now().Add(patience))
		if err := w.conn.ReadJSON(&m); err != nil {
			return m, err
		}
		if m.Type != "ping" {
			return m, nil
		}
		if err := w.conn.WriteJSON(vars{"type": "pong"}); err != nil {
			return m, err
		}
	}
}

func (w *socket) read() wsMessage {
	w.t.Helper()
	m, err := w.receive()
	if err != nil {
		w.t.Fatal("reading from the websocket:", err)
	}
	return m
}

// next waits for the next message of an operation; others' are kept for later.
func (w *socket) next(id string) wsMessage {
	w.t.Helper()
	for i, m := range w.held {
		if m.ID == id {
			w.held = append(w.held[:i:i], w.held[i+1:]...)
			return m
		}
	}
	for {
		m := w.read()
		if m.ID == id {
			return m
		}
		w.held = append(w.held, m)
	}
}

// event waits for an operation's next event behind the floor, without its root
// field.
func (w *socket) event(id string) any {
	w.t.Helper()
	for {
		m := w.next(id)
		if m.Type != "next" {
			w.t.Fatalf("operation %s got %s %s instead of an event", id, m.Type, m.Payload)
		}
		if e := eventOf(w.t, m); w.floor == 0 || position(w.t, text(e, "cursor")) > w.floor {
			return e
		}
	}
}

func eventOf(t testing.TB, m wsMessage) any {
	t.Helper()
	var a answer
	if err := a.parse(m.Payload); err != nil {
		t.Fatal(err)
	}
	if len(a.errors) > 0 {
		t.Fatalf("an event with errors: %s", m.Payload)
	}
	root, _ := a.data.(map[string]any)
	for _, v := range root {
		return v
	}
	t.Fatalf("an event of nothing: %s", m.Payload)
	return nil
}

// position is a cursor's place in the log.
func position(t testing.TB, cursor string) int64 {
	t.Helper()
	c, err := redline.ParseCursor(cursor)
	if err != nil {
		t.Fatalf("cursor %q: %v", cursor, err)
	}
	return c.ID
}

// closed waits for the socket's end, and returns the code and the reason.
func (w *socket) closed() (int, string) {
	w.t.Helper()
	for {
		_, err := w.receive()
		if err == nil {
			continue
		}
		var ce *websocket.CloseError
		if !errors.As(err, &ce) {
			w.t.Fatal("the websocket ended without a close frame:", err)
		}
		return ce.Code, ce.Text
	}
}

// await waits until subscriptions are live: all that is committed from then on
// is told of.
func await(t testing.TB, subscriptions map[*socket][]string) {
	t.Helper()
	for w, ids := range subscriptions {
		for _, id := range ids {
			m := w.next(id)
			if m.Type != "next" {
				t.Errorf("operation %s got %s %s instead of an event", id, m.Type, m.Payload)
				continue
			}
			if e := eventOf(t, m); text(e, "kind") != "" && text(e, "kind") != "CAUGHT_UP" {
				t.Errorf("operation %s began with %s", id, m.Payload)
			}
		}
	}
}
