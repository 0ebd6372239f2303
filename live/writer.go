package live

import (
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// chunkBytes is about how much is written to a socket at once; a single message
// may be longer.
const chunkBytes = 32 << 10

// writer writes to many sockets, one after another and never waiting for any:
// what the network doesn't take at once is left to a goroutine of the socket's
// own, until it has caught up.
type writer struct {
	mu    sync.Mutex
	ready []*socket
	wake  chan struct{}

	// The rest belongs to the goroutine.

	turn    []*socket
	buf     []byte
	records []byte // what buf is over TLS
	now     nowWriter
}

func newWriter() *writer { return &writer{wake: make(chan struct{}, 1)} }

// add says that a socket has something to be written.
func (w *writer) add(s *socket) {
	w.mu.Lock()
	w.ready = append(w.ready, s)
	first := len(w.ready) == 1
	w.mu.Unlock()
	if first {
		select {
		case w.wake <- struct{}{}:
		default:
		}
	}
}

// run writes until stopped is closed.
func (w *writer) run(stopped <-chan struct{}) {
	for {
		select {
		case <-w.wake:
		case <-stopped:
			return
		}
		for w.next() {
			for i, s := range w.turn {
				w.turn[i] = nil
				w.flush(s)
			}
		}
	}
}

// next takes the sockets that are ready, and reports whether there are any.
func (w *writer) next() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.turn, w.ready = w.ready, w.turn[:0]
	return len(w.turn) > 0
}

// flush writes what waits for a socket, all of it together.
func (w *writer) flush(s *socket) {
	for {
		chunk, last := s.nextChunk(w.buf[:0])
		if len(chunk) == 0 {
			return
		}
		if cap(chunk) <= 4*chunkBytes {
			w.buf = chunk
		}
		rest, err := w.send(s, chunk)
		switch {
		case err != nil:
			s.sent(false)
			s.abandon()
			return
		case len(rest) > 0:
			s.writeOn(append([]byte(nil), rest...), last)
			return
		}
		s.sent(true)
		switch {
		case last:
			s.lingers()
			return
		case s.hasMore():
			w.add(s) // behind the others
			return
		}
	}
}

// send writes what the network takes of a chunk, and returns the rest of the bytes
// that are to go over the network.
func (w *writer) send(s *socket, chunk []byte) (rest []byte, err error) {
	if s.sealed == nil {
		n, err := w.now.write(s.raw, chunk)
		return chunk[n:], err
	}
	records, err := s.sealed.seal(s.conn.NetConn(), w.records[:0], chunk)
	for err == nil && len(records) > 0 {
		if cap(records) <= 4*chunkBytes {
			w.records = records
		}
		var n int
		if n, err = w.now.write(s.raw, records); n < len(records) {
			return records[n:], err
		}
		records = s.sealed.settle(w.records[:0])
	}
	return nil, err
}

// hasMore reports whether there is more to write.
func (s *socket) hasMore() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.outbox.len() > 0 || s.lastWords != nil
}

// startWriting makes sure that somebody writes. The caller holds mu.
func (s *socket) startWriting() {
	if s.outbox.writing || s.ended {
		return
	}
	s.outbox.writing = true
	if s.raw != nil {
		s.writer.add(s)
		return
	}
	s.work.Add(1)
	go s.write(nil, false)
}

// nextChunk appends what to write next, and says whether that is the last.
// Where there is nothing the writer has to end, and another one begins with the
// next message.
func (s *socket) nextChunk(b []byte) (chunk []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(b) < chunkBytes {
		m, ok := s.outbox.pop()
		if !ok {
			break
		}
		s.sends(m)
		b = appendMessage(b, m)
	}
	if s.lastWords != nil && s.outbox.len() == 0 && len(b) < chunkBytes {
		b = append(appendHeader(b, websocket.CloseMessage, len(s.lastWords)), s.lastWords...)
		s.lastWords = nil
		return b, true // writing stays true: nothing is written after this
	}
	if len(b) == 0 {
		s.outbox.writing = false
	}
	return b, false
}

// writeOn goes on in a goroutine of the socket's own, with what is left of a
// chunk.
func (s *socket) writeOn(rest []byte, last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended {
		s.sent(false)
		return
	}
	s.work.Add(1)
	go s.write(rest, last)
}

// write writes, waiting for the network, until nothing is left to be written. rest
// are bytes as they go over the network.
func (s *socket) write(rest []byte, last bool) {
	defer s.work.Done()
	to := s.conn.NetConn()
	if s.sealed != nil {
		to = s.sealed.Conn
	}
	var chunk, records []byte
	for {
		if len(rest) == 0 {
			if chunk, last = s.nextChunk(chunk[:0]); len(chunk) == 0 {
				return
			}
			rest = chunk
			if s.sealed != nil {
				var err error
				if records, err = s.sealed.seal(s.conn.NetConn(), records[:0], chunk); err != nil {
					s.sent(false)
					s.abandon()
					return
				}
				rest = records
			}
		}
		_ = to.SetWriteDeadline(s.writeDeadline())
		if _, err := to.Write(rest); err != nil {
			s.sent(false)
			s.abandon()
			return
		}
		s.sent(true)
		// Or a write that doesn't wait would find it passed.
		_ = to.SetWriteDeadline(time.Time{})
		rest = nil
		if s.sealed != nil {
			rest = s.sealed.settle(nil)
		}
		if last && len(rest) == 0 {
			s.lingers()
			return
		}
	}
}

// writeDeadline is until when the next write has to be done.
func (s *socket) writeDeadline() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline := time.Now().Add(s.transport.options.WriteTimeout)
	if s.closing && !s.lastWrite.IsZero() && s.lastWrite.Before(deadline) {
		deadline = s.lastWrite
	}
	return deadline
}

// lingers gives the peer a while to answer the close frame: a slow one longer, since
// it has much to read before.
func (s *socket) lingers() {
	s.mu.Lock()
	s.parts()
	linger := s.transport.options.Linger
	if s.slow {
		linger = max(linger, s.transport.options.WriteTimeout)
	}
	s.mu.Unlock()
	_ = s.conn.SetReadDeadline(time.Now().Add(linger))
}
