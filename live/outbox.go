package live

import (
	"math"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// message is something to be written to a socket.
type message struct {
	kind int // websocket.TextMessage, or one of the control frames
	data []byte
	// id is the operation's whose message it is; "" for the socket's own.
	id string
	// answer is set for an operation's results, the only messages that may be
	// long.
	answer bool
	// position is what to resume from should the message not be delivered.
	position int64
}

// nowhere is the position of a message that no resume has to go back for.
const nowhere = math.MaxInt64

// text is a message of the socket's own, or about an operation that is no more.
func text(id string, data []byte) message {
	return message{kind: websocket.TextMessage, data: data, id: id, position: nowhere}
}

// control is a control frame.
func control(kind int, data []byte) message {
	return message{kind: kind, data: data, position: nowhere}
}

// outbox is what waits to be written to a socket. The socket's mu guards it.
type outbox struct {
	messages []message
	bytes    int
	writing  bool // a goroutine writes, and will look here again
}

const (
	// shortBytes is how long a message may be that has room behind any answer.
	shortBytes = 1 << 10
	// echoBytes is how much may wait where a longer one isn't an answer: what a
	// client makes us say again costs it nothing.
	echoBytes = 256 << 10
)

// fits reports whether there is room for a message. One answer may be of any
// length, and what is said shortly after it has always room: otherwise a long
// result would be cut off by its own complete.
func (o *outbox) fits(m message, limits *WebSocketOptions) bool {
	most := limits.QueueBytes
	if !m.answer {
		most = min(most, echoBytes)
	}
	return len(o.messages) < limits.QueueMessages &&
		(o.bytes == 0 || !m.answer && len(m.data) <= shortBytes || o.bytes+len(m.data) <= most)
}

func (o *outbox) push(m message) {
	o.messages = append(o.messages, m)
	o.bytes += len(m.data)
}

func (o *outbox) pop() (m message, ok bool) {
	if len(o.messages) == 0 {
		return message{}, false
	}
	m = o.messages[0]
	o.messages[0] = message{}
	o.messages = o.messages[1:]
	o.bytes -= len(m.data)
	if len(o.messages) == 0 {
		o.messages = nil
	}
	return m, true
}

// discard takes out what waits of an operation.
func (o *outbox) discard(id string) {
	o.messages = slices.DeleteFunc(o.messages, func(m message) bool {
		if m.id != id {
			return false
		}
		o.bytes -= len(m.data)
		return true
	})
}

func (o *outbox) clear() { o.messages, o.bytes = nil, 0 }

// send queues a message of the socket's own. It never blocks: where the queue
// is full the socket is cut off.
func (s *socket) send(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sendLocked(m)
}

// sendLocked is send, and reports whether the message was queued. The caller
// holds mu.
func (s *socket) sendLocked(m message) bool {
	if s.closing {
		return false
	}
	if !s.outbox.fits(m, &s.transport.options) {
		s.closeToResume(CloseSlowReader, "Too slow")
		return false
	}
	s.outbox.push(m)
	s.startWriter()
	return true
}

// resumeFrom writes the cursor from which all running operations can resume,
// counting what waits in the outbox as undelivered if it is to be dropped. The
// caller holds mu.
func (s *socket) resumeFrom(dropped bool) string {
	if s.transport.options.Cursor == nil {
		return ""
	}
	// Read before the operations' queues: see Broker.Publish.
	lowest := s.transport.broker.Head()
	for _, op := range s.operations {
		lowest = min(lowest, op.position())
	}
	if dropped {
		for _, m := range s.outbox.messages {
			lowest = min(lowest, m.position)
		}
	}
	return s.transport.options.Cursor(lowest)
}

// startWriter makes sure that somebody writes. The caller holds mu.
func (s *socket) startWriter() {
	if s.outbox.writing || s.ended {
		return
	}
	s.outbox.writing = true
	s.work.Add(1)
	go s.write()
}

// write writes until nothing waits any more, and last of all the close frame.
func (s *socket) write() {
	defer s.work.Done()
	for {
		m, deadline, ok := s.nextMessage()
		if !ok {
			return
		}
		var err error
		if m.kind == websocket.TextMessage {
			_ = s.conn.SetWriteDeadline(deadline)
			err = s.conn.WriteMessage(m.kind, m.data)
		} else {
			err = s.conn.WriteControl(m.kind, m.data, deadline)
		}
		if err != nil {
			s.abandon()
			return
		}
		if m.kind == websocket.CloseMessage {
			_ = s.conn.SetReadDeadline(time.Now().Add(s.transport.options.Linger))
			return
		}
	}
}

// nextMessage returns what to write next and until when. Where there is nothing
// the writer has to end, and another one begins with the next message.
func (s *socket) nextMessage() (m message, deadline time.Time, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	deadline = time.Now().Add(s.transport.options.WriteTimeout)
	if s.closing && s.lastWrite.Before(deadline) {
		deadline = s.lastWrite
	}
	if m, ok = s.outbox.pop(); ok {
		return m, deadline, true
	}
	if words := s.lastWords; words != nil {
		// writing stays true: nothing is written after this.
		s.lastWords = nil
		return control(websocket.CloseMessage, words), deadline, true
	}
	s.outbox.writing = false
	return message{}, deadline, false
}
