package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"redline"
)

// dashboard watches all stock, and comes back with its cursor whenever it is cut off.
type dashboard struct {
	mu     sync.Mutex
	cursor string
	// seen are the events that it was told of, in order.
	seen []int64
	// live is set once it was told that it is caught up, for the first time.
	live bool
	// connects counts the connections, and odd are answers that nobody should get.
	connects int
	odd      []string
	// told before is all up to last; closes counts how the gateway closed it, by code
	// and by whether there was a cursor.
	last   int64
	closes map[string]int
	// gap is the longest time in which it was told nothing, and heard when it was told
	// something last.
	gap   time.Duration
	heard time.Time
}

const watchQuery = `subscription($after: Cursor) { inventoryChanged(after: $after) { cursor kind level { id version } } }`

// watch follows the stock until ctx ends.
func (w *dashboard) watch(ctx context.Context, addr, token string) {
	for ctx.Err() == nil {
		w.follow(ctx, addr, token)
		pause(ctx, 200*time.Millisecond)
	}
}

// message is one of graphql-transport-ws.
type message struct {
	ID      string          `json:"id,omitempty"`
	Type    string          `json:"type"`
	Payload json.RawMessage `json:"payload,omitempty"`
}

// follow is one connection's life.
func (w *dashboard) follow(ctx context.Context, addr, token string) {
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: 5 * time.Second}
	conn, resp, err := dialer.DialContext(ctx, "ws://"+addr+"/graphql", http.Header{})
	if resp != nil {
		_ = resp.Body.Close()
	}
	if err != nil {
		return
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	w.mu.Lock()
	w.connects++
	variables, _ := json.Marshal(map[string]any{"query": watchQuery, "variables": map[string]any{"after": nullable(w.cursor)}}) // always marshals
	w.mu.Unlock()
	login, _ := json.Marshal(map[string]string{"authorization": "Bearer " + token}) // always marshals
	for _, m := range []message{{Type: "connection_init", Payload: login}, {ID: "1", Type: "subscribe", Payload: variables}} {
		if m.Type == "subscribe" {
			if ack, err := read(conn); err != nil || ack.Type != "connection_ack" {
				return
			}
		}
		if err := conn.WriteJSON(m); err != nil {
			return
		}
	}
	for {
		m, err := read(conn)
		if err != nil {
			w.closed(err)
			return
		}
		switch m.Type {
		case "ping":
			if err := conn.WriteJSON(message{Type: "pong"}); err != nil {
				return
			}
		case "next":
			w.told(m.Payload)
		case "error", "complete":
			w.strange(fmt.Sprintf("%s %s", m.Type, m.Payload))
			return
		}
	}
}

// parting is how a connection ended: the code with which the gateway closed it, and
// whether the reason is a cursor.
func parting(err error) string {
	closed, is := errors.AsType[*websocket.CloseError](err)
	if !is {
		return "ended"
	}
	if _, err := redline.ParseCursor(closed.Text); err != nil || closed.Text == "" {
		return strconv.Itoa(closed.Code)
	}
	return strconv.Itoa(closed.Code) + " with a cursor"
}

func (w *dashboard) closed(err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closes == nil {
		w.closes = map[string]int{}
	}
	w.closes[parting(err)]++
}

// silence is how long a dashboard waits before it takes its connection for dead: the
// gateway pings oftener.
const silence = 2 * time.Minute

func read(conn *websocket.Conn) (message, error) {
	var m message
	if err := conn.SetReadDeadline(time.Now().Add(silence)); err != nil {
		return m, err
	}
	return m, conn.ReadJSON(&m)
}

func nullable(s string) any {
	if s == "" {
		return nil
	}
	return s
}

// told takes one answer.
func (w *dashboard) told(payload []byte) {
	var p struct {
		Data struct {
			InventoryChanged struct {
				Cursor, Kind string
				Level        *struct{ ID string }
			}
		}
		Errors []json.RawMessage
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if err := json.Unmarshal(payload, &p); err != nil || len(p.Errors) > 0 {
		w.odd = append(w.odd, string(payload))
		return
	}
	e := p.Data.InventoryChanged
	at, err := redline.ParseCursor(e.Cursor)
	if err != nil {
		w.odd = append(w.odd, string(payload))
		return
	}
	w.cursor = e.Cursor
	if e.Level == nil {
		w.live = true
		return
	}
	now := time.Now()
	if !w.heard.IsZero() {
		w.gap = max(w.gap, now.Sub(w.heard))
	}
	w.heard = now
	w.seen = append(w.seen, at.ID)
}

func (w *dashboard) strange(what string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.odd = append(w.odd, what)
}

// newest is the id of the last event that it was told of.
func (w *dashboard) newest() int64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.seen) == 0 {
		return 0
	}
	return w.seen[len(w.seen)-1]
}

func (w *dashboard) isLive() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.live
}

// account compares what it was told up to an event with the log's events, and forgets
// those: how many it missed, how many it was told again or in another order, and how
// many that aren't in the log.
func (w *dashboard) account(log []int64, upTo int64) (missed, repeated, phantoms int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	told, logged := map[int64]bool{}, map[int64]bool{}
	for _, id := range log {
		logged[id] = true
	}
	n := 0
	for ; n < len(w.seen) && w.seen[n] <= upTo; n++ {
		id := w.seen[n]
		switch {
		case id <= w.last:
			repeated++
		case !logged[id]:
			phantoms++
		}
		w.last = max(w.last, id)
		told[id] = true
	}
	for _, id := range log {
		if !told[id] {
			missed++
		}
	}
	w.seen = append([]int64(nil), w.seen[n:]...)
	return missed, repeated, phantoms
}

func (w *dashboard) hasClosed() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.closes) > 0
}

// takeCloses returns how its connections ended since the last time.
func (w *dashboard) takeCloses() map[string]int {
	w.mu.Lock()
	defer w.mu.Unlock()
	closes := w.closes
	w.closes = nil
	return closes
}

// since returns what it saw since the last time: how often it had to connect, the
// longest time without an event, and what it shouldn't have been told.
func (w *dashboard) since() (connects int, gap time.Duration, odd []string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	connects, gap, odd = w.connects, w.gap, w.odd
	w.connects, w.gap, w.odd = 0, 0, nil
	return connects, gap, odd
}
