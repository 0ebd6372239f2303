package live

import (
	"context"
	"errors"
	"io"
	"net"
	"runtime/debug"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/gorilla/websocket"

	"redline"
)

// socket is one client's connection. One goroutine reads it, and is the last to
// end; there is another for each running operation, and one that writes while
// there is something to write. An idle socket has one goroutine and a read
// buffer of 1 KB.
type socket struct {
	transport *WebSocket
	conn      *websocket.Conn
	exec      graphql.GraphExecutor
	address   string
	// ctx carries the values of the request that opened the socket. It ends
	// when the socket closes, and all operations with it.
	ctx    context.Context //nolint:containedctx // It is the socket's lifetime, which others end.
	cancel context.CancelFunc
	// work counts every goroutine but the reader, and every alarm that is set.
	// It grows under mu only, and never once ended is true.
	work sync.WaitGroup

	// These two belong to the reader.

	initialised bool   // connection_init came
	bucket      bucket // messages that may still be read

	mu         sync.Mutex
	principal  redline.Principal
	ready      bool // connection_ack was sent
	operations map[string]*operation
	outbox     outbox
	draining   *string // the reason to close with once nothing is running
	closing    bool    // close was called: nothing new begins, and what is read is thrown away
	lastWords  []byte  // the close frame's payload, once closing
	lastWrite  time.Time
	ended      bool // the reader has ended: no goroutine may begin any more

	initAlarm, expiryAlarm, pingAlarm *time.Timer
}

// newSocket makes a socket. The context must not end before the socket does.
func newSocket(
	ctx context.Context, t *WebSocket, conn *websocket.Conn, exec graphql.GraphExecutor, address string,
) *socket {
	s := &socket{
		transport: t, conn: conn, exec: exec, address: address,
		operations: map[string]*operation{},
		bucket:     newBucket(t.options.MessagesPerSecond, t.options.MessageBurst, time.Now()),
	}
	s.ctx, s.cancel = context.WithCancel(ctx)
	conn.SetPongHandler(func(string) error {
		s.extend()
		return nil
	})
	conn.SetPingHandler(func(data string) error {
		s.extend()
		s.throttle()
		s.send(control(websocket.PongMessage, []byte(data)))
		return nil
	})
	s.extend()
	s.arm(&s.initAlarm, t.options.InitTimeout, func() {
		s.close(CloseInitTimeout, "Connection initialisation timeout")
	})
	s.ping()
	return s
}

// run reads until the connection ends, and leaves nothing behind.
func (s *socket) run() {
	defer s.transport.gone(s)
	defer s.end()
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

// end ends everything that the socket began, and waits for it.
func (s *socket) end() {
	s.mu.Lock()
	s.closing, s.ended = true, true
	s.outbox.clear()
	s.disarm(&s.initAlarm)
	s.disarm(&s.expiryAlarm)
	s.disarm(&s.pingAlarm)
	s.mu.Unlock()
	s.cancel()
	_ = s.conn.Close()
	s.work.Wait()
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
	s.closing = true
	if code == CloseSlowReader || code == CloseForbidden {
		// Who is slow would wait for it, and who is forbidden must not have it.
		s.outbox.clear()
	}
	s.lastWords = closeFrame(code, reason)
	s.lastWrite = time.Now().Add(s.transport.options.WriteTimeout)
	s.cancel()
	s.startWriter()
}

// closeToResume closes the socket with the cursor to resume from as the reason,
// or the given one where there is no cursor. The caller holds mu.
func (s *socket) closeToResume(code int, otherwise string) {
	if s.closing {
		return
	}
	reason := s.resumeFrom(code == CloseSlowReader)
	if reason == "" {
		reason = otherwise
	}
	if code == CloseSlowReader {
		s.transport.options.Logger.InfoContext(s.ctx, "a slow socket was cut off",
			"address", s.address, "resume", reason)
	}
	s.closeLocked(code, reason)
}

// drainOut closes the socket with 1012 as soon as its queries and mutations
// have been answered; nothing new begins. Subscriptions go on until then.
func (s *socket) drainOut(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.draining = &reason
	s.drained()
}

// drained closes a draining socket on which nothing is running any more. The
// caller holds mu.
func (s *socket) drained() {
	if s.draining == nil {
		return
	}
	for _, op := range s.operations {
		if op.stage != stageStream {
			return
		}
	}
	s.closeToResume(CloseRestart, *s.draining)
}

// interrupt is closeToResume for who does not hold mu.
func (s *socket) interrupt(code int, otherwise string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeToResume(code, otherwise)
}

// abandon drops the connection without a word.
func (s *socket) abandon() {
	s.mu.Lock()
	s.closing = true
	s.outbox.clear()
	s.mu.Unlock()
	s.cancel()
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

// ping pings the peer, and again after the interval.
func (s *socket) ping() {
	s.arm(&s.pingAlarm, s.transport.options.PingInterval, func() {
		s.send(control(websocket.PingMessage, nil))
		s.ping()
	})
}

// throttle waits until one more message may be read.
func (s *socket) throttle() {
	if wait := s.bucket.take(time.Now()); wait > 0 {
		pause(s.ctx, wait, nil)
	}
}

// arm sets an alarm: f runs once after d, in a goroutine of its own, unless the
// alarm is set again or disarmed before.
func (s *socket) arm(alarm **time.Timer, d time.Duration, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.disarm(alarm)
	if s.ended {
		return
	}
	s.work.Add(1)
	*alarm = time.AfterFunc(d, func() {
		defer s.work.Done()
		f()
	})
}

// disarm stops an alarm; one that has gone off is left to end by itself. The
// caller holds mu.
func (s *socket) disarm(alarm **time.Timer) {
	if *alarm != nil && (*alarm).Stop() {
		s.work.Done()
	}
	*alarm = nil
}

// guard keeps a panic in the reader from ending the process: outside of net/http
// nobody else would.
func (s *socket) guard() {
	if r := recover(); r != nil {
		s.transport.options.Logger.ErrorContext(s.ctx, "panic while handling a socket's message",
			"panic", r, "requestId", redline.RequestIDFrom(s.ctx), "stack", string(debug.Stack()))
		s.close(CloseInternal, "internal error")
	}
}
