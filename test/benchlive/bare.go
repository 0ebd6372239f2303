package main

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// bare is a server that does nothing but what writing to each socket takes: it
// knows no GraphQL, and sends the same prepared bytes to all.
type bare struct {
	upgrader websocket.Upgrader
	reading  sync.WaitGroup

	mu      sync.Mutex
	sockets map[string][]*websocket.Conn // by the product that they watch
	numbers map[string]int64             // of each product's last event
	all     map[*websocket.Conn]bool
	closed  bool
}

func newBare() *bare {
	return &bare{
		upgrader: websocket.Upgrader{
			ReadBufferSize: 1024, WriteBufferSize: 1024, WriteBufferPool: &sync.Pool{}, Subprotocols: []string{"graphql-transport-ws"},
			CheckOrigin: func(*http.Request) bool { return true },
		},
		sockets: map[string][]*websocket.Conn{}, numbers: map[string]int64{}, all: map[*websocket.Conn]bool{},
	}
}

// ServeHTTP opens a socket, and returns while a goroutine reads it, so that
// net/http can let go of what it holds.
func (s *bare) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	conn, err := s.upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // it has answered
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return
	}
	s.all[conn] = true
	s.reading.Go(func() { s.read(conn) })
}

// read answers connection_init, takes one subscription, and then reads what has
// to be read: pongs, and the end.
func (s *bare) read(conn *websocket.Conn) {
	defer s.gone(conn)
	for {
		_, text, err := conn.ReadMessage()
		if err != nil {
			return
		}
		var m struct {
			Type    string
			Payload struct{ Variables struct{ SKUs []string } }
		}
		if json.Unmarshal(text, &m) != nil {
			return
		}
		switch m.Type {
		case "connection_init":
			// Nothing else is written yet: it watches nothing.
			if conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"connection_ack"}`)) != nil {
				return
			}
		case "subscribe":
			s.mu.Lock()
			for _, sku := range m.Payload.Variables.SKUs {
				s.sockets[sku] = append(s.sockets[sku], conn)
			}
			s.mu.Unlock()
		}
	}
}

func (s *bare) gone(conn *websocket.Conn) {
	_ = conn.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, conn)
}

// publish writes an event to each socket in turn, or some goroutines write to
// their share of the sockets.
func (s *bare) publish(p publishing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var writing sync.WaitGroup
	writers := max(p.Writers, 1)
	type prepared struct {
		message *websocket.PreparedMessage
		to      []*websocket.Conn
	}
	var all []prepared
	for _, sku := range p.SKUs {
		s.numbers[sku]++
		m, err := websocket.NewPreparedMessage(websocket.TextMessage, like(p.Like, s.numbers[sku], time.Now()))
		if err != nil {
			continue // it has no other error than of a kind that is no message's
		}
		all = append(all, prepared{m, s.sockets[sku]})
	}
	write := func(first int) {
		for _, m := range all {
			for i := first; i < len(m.to); i += writers {
				_ = m.to[i].WritePreparedMessage(m.message) // who went away is told of by its reader
			}
		}
	}
	for first := 1; first < writers; first++ {
		writing.Go(func() { write(first) })
	}
	write(0)
	writing.Wait()
}

// close drops all sockets, and waits for those who read them.
func (s *bare) close() {
	s.mu.Lock()
	s.closed = true
	for conn := range s.all {
		_ = conn.Close()
	}
	s.mu.Unlock()
	s.reading.Wait()
}

// like is a message with another number and another time.
func like(message string, number int64, at time.Time) []byte {
	b := replace([]byte(message), markAvailable, strconv.AppendInt(nil, number, 10), ",}")
	return replace(b, markAt, at.UTC().Truncate(time.Microsecond).AppendFormat(nil, time.RFC3339Nano), `"`)
}

// replace puts a value after a mark, in the place of all up to one of some
// characters.
func replace(b, mark, value []byte, ends string) []byte {
	before, rest, found := bytes.Cut(b, mark)
	end := bytes.IndexAny(rest, ends)
	if !found || end < 0 {
		return b
	}
	return bytes.Join([][]byte{before, mark, value, rest[end:]}, nil)
}
