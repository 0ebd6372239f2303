package live

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"syscall"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"
)

// socket is one client's websocket. One goroutine reads it, and is the last to
// end; what is written is written by the transport's writers. An idle socket
// has that goroutine and a read buffer, and nothing else that runs.
type socket struct {
	client
	transport *WebSocket
	conn      *websocket.Conn
	// raw is for writing without waiting; nil where the connection can't.
	raw syscall.RawConn
	// sealed is the connection beneath TLS that raw is of; nil over a plain one.
	sealed *sealed
	writer *writer

	// These two belong to the reader.

	initialised bool   // connection_init came
	messages    bucket // that may still be read

	// mu of the client guards these.

	ready     bool   // connection_ack was sent
	slow      bool   // it is closed because its peer doesn't keep up, and may take a while to see it
	lastWords []byte // the close frame's payload, once closing
	lastWrite time.Time
	// parted is closed once the last has been written, or nothing can be any more;
	// nil where nobody waits for that.
	parted chan struct{}
	// alarm closes the socket if no connection_init comes, and then when its token
	// ends; nil where nothing is to come.
	alarm *time.Timer
}

func newSocket(t *WebSocket, conn *websocket.Conn, r *http.Request, exec graphql.GraphExecutor, address string) *socket {
	s := &socket{transport: t, conn: conn}
	s.opens(t.door, s, r, exec, address)
	if s.sealed = sealedBy(conn.NetConn()); s.sealed != nil {
		s.raw = s.sealed.raw
	} else if sc, ok := conn.NetConn().(syscall.Conn); ok && canWriteNow {
		if raw, err := sc.SyscallConn(); err == nil {
			s.raw = raw
		}
	}
	s.writer = t.writers[int(time.Now().UnixNano()>>8)%len(t.writers)]
	conn.SetPongHandler(func(string) error {
		s.extend()
		return nil
	})
	conn.SetPingHandler(func(data string) error {
		s.extend()
		s.throttle()
		s.send(message{kind: kindPong, answer: &answer{payload: []byte(data), before: nowhere}})
		return nil
	})
	conn.SetCloseHandler(s.peerCloses)
	s.extend()
	s.arm(t.options.InitTimeout, CloseInitTimeout, "Connection initialisation timeout")
	return s
}

func (s *socket) base() *client { return &s.client }

// root is nobody's: what a socket runs is no part of the request that opened it.
func (s *socket) root() context.Context { return context.Background() }

// run reads until the connection ends, and leaves nothing behind.
func (s *socket) run(slot int) {
	defer s.door.gone(s, slot)
	defer s.leave()
	for {
		kind, r, err := s.conn.NextReader()
		if err != nil {
			s.drain(err)
			return
		}
		if s.isClosing() {
			continue
		}
		// The limit is not gorilla's, which would end reading altogether: what
		// is too long has to be drained too.
		limit := s.transport.options.MaxMessageBytes
		body, err := io.ReadAll(io.LimitReader(r, int64(limit)+1))
		if err != nil {
			s.drain(err)
			return
		}
		s.extend()
		s.throttle()
		switch {
		case len(body) > limit:
			s.close(CloseTooBig, "Message too big")
		case kind != websocket.TextMessage:
			s.close(CloseBadMessage, "Invalid message: it is binary")
		default:
			s.handle(body)
		}
	}
}

// peerCloses answers the peer's close frame, and waits for the answer to be
// written, or for our own close frame if that is on its way: the reader ends with
// it, and the connection with the reader. What else waits is of no use any more.
func (s *socket) peerCloses(code int, _ string) error {
	s.mu.Lock()
	if !s.closing {
		s.outbox.clear()
		s.lastWords = []byte{}
		if code != websocket.CloseNoStatusReceived {
			s.lastWords = websocket.FormatCloseMessage(code, "")
		}
		s.lastWrite = time.Now().Add(s.transport.options.Linger)
		s.shut()
		s.startWriting()
	}
	said := s.parted
	if said == nil {
		said = make(chan struct{})
		s.parted = said
	}
	s.mu.Unlock()
	timer := time.NewTimer(s.transport.options.Linger)
	defer timer.Stop()
	select {
	case <-said:
	case <-timer.C:
	}
	return nil
}

// parts says that the last has been written, or never will be. The caller holds
// mu.
func (s *socket) parts() {
	switch s.parted {
	case nil:
		s.parted = parted
	case parted:
	default:
		close(s.parted)
		s.parted = parted
	}
}

// parted is the channel of every socket that has parted.
var parted = func() chan struct{} {
	c := make(chan struct{})
	close(c)
	return c
}()

// drain throws away what a peer still sends that broke the framing and was told
// so, by gorilla with 1002 or here. Any other error means that nothing more
// comes.
func (s *socket) drain(err error) {
	var closed *websocket.CloseError
	var network net.Error
	switch {
	case errors.As(err, &closed), errors.As(err, &network), errors.Is(err, io.EOF), errors.Is(err, net.ErrClosed):
		return
	case errors.Is(err, websocket.ErrReadLimit):
		// A frame whose length is no number that fits: no limit is set that
		// gorilla would have told the peer of.
		s.close(CloseTooBig, "Message too big")
	}
	_ = s.conn.SetReadDeadline(time.Now().Add(s.transport.options.Linger))
	_, _ = io.Copy(io.Discard, s.conn.NetConn())
}

// leave ends everything that the socket began, and waits for it.
func (s *socket) leave() {
	s.mu.Lock()
	s.disarm()
	s.mu.Unlock()
	_ = s.conn.Close()
	s.end()
}

// close closes the socket with a code and a reason. It ends all operations and
// never blocks. Only the first call counts.
func (s *socket) close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeLocked(code, reason)
}

func (s *socket) closeLocked(code int, reason string) {
	if s.closing {
		return
	}
	if code == CloseSlowReader || code == CloseForbidden {
		// Who is slow would wait for it, and who is forbidden must not have it.
		s.outbox.clear()
	}
	s.lastWords, s.slow = closeFrame(code, reason), code == CloseSlowReader
	s.lastWrite = time.Now().Add(s.transport.options.WriteTimeout)
	s.shut()
	s.startWriting()
}

// cutOff closes the socket because its peer doesn't keep up.
func (s *socket) cutOff() {
	if s.closing {
		return
	}
	s.broker.stats.cutOff.Add(1)
	reason := s.resumeFrom(true)
	s.logCutOff(s.door.options.Logger, "a slow socket was cut off", reason)
	s.closeLocked(CloseSlowReader, reason)
}

// comeBack closes the socket because the gateway goes away.
func (s *socket) comeBack() {
	if !s.closing {
		s.closeLocked(CloseRestart, s.resumeFrom(false))
	}
}

// seeOut closes the socket because its token was revoked.
func (s *socket) seeOut() { s.closeLocked(CloseForbidden, "Token revoked") }

// abandon drops the connection without a word.
func (s *socket) abandon() {
	s.mu.Lock()
	s.shut()
	s.outbox.clear()
	s.parts()
	s.mu.Unlock()
	// Reading and writing return with an error.
	_ = s.conn.Close()
}

func (s *socket) isClosing() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closing
}

// extend says that the peer lives. Once the socket closes, the writer decides
// how long is still read.
func (s *socket) extend() {
	o := &s.transport.options
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closing {
		_ = s.conn.SetReadDeadline(time.Now().Add(2*o.PingInterval + o.WriteTimeout))
	}
}

// throttle waits until one more message may be read.
func (s *socket) throttle() {
	if wait := s.messages.take(newRate(s.transport.options.MessagesPerSecond, s.transport.options.MessageBurst)); wait > 0 {
		// At most a burst's worth of messages that a rate of one a second lets in:
		// the connection's end is noticed after it.
		timer := time.NewTimer(wait)
		defer timer.Stop()
		<-timer.C
	}
}

// arm sets the alarm: after d the socket is closed with a code and a reason, unless
// the alarm is set again or disarmed before. One that has gone off and waits for its
// turn is taken back by that as well.
func (s *socket) arm(d time.Duration, code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disarm()
	if s.ended {
		return
	}
	s.work.Add(1)
	var alarm *time.Timer
	alarm = time.AfterFunc(d, func() {
		defer s.work.Done()
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.alarm == alarm {
			s.closeLocked(code, reason)
		}
	})
	s.alarm = alarm
}

// disarm stops the alarm. The caller holds mu.
func (s *socket) disarm() {
	if s.alarm != nil && s.alarm.Stop() {
		s.work.Done()
	}
	s.alarm = nil
}

// guard keeps a panic in the reader from ending the process: outside of net/http
// nobody else would.
func (s *socket) guard() {
	if r := recover(); r != nil {
		logPanic(s.context(s.present()), s.broker.options.Logger, "panic while handling a socket's message", r)
		s.close(CloseInternal, "internal error")
	}
}
