package live

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"
)

// maxStray is how much TLS itself, and what a library says in between, may leave to
// be written beside what a writer writes, in bytes: key updates, alerts, a close
// frame. A peer that asks for more without reading any of it is dropped.
const maxStray = 4 << 10

var errStray = errors.New("the peer asks for more than it reads")

// NewListener makes connections over which sockets can be written to without waiting
// although TLS stands between. It goes beneath the TLS of the listener that the
// gateway serves; over plain connections it isn't needed.
func NewListener(l net.Listener) net.Listener { return sealingListener{l} }

type sealingListener struct{ net.Listener }

func (l sealingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &sealed{Conn: c}, nil
}

// sealed is a connection beneath TLS. At first it is like any other. Once its socket
// is open, nothing that TLS writes to it waits for the network: it becomes records
// that a writer takes and writes, in the order in which they were made.
type sealed struct {
	net.Conn

	mu sync.Mutex
	// raw is nil until the socket is open.
	raw syscall.RawConn
	// busy says that somebody writes what was taken, and looks here again; sealing
	// that what comes now is what it has to write.
	busy, sealing bool
	// records are those that nobody has taken.
	records []byte
}

// sealedBy is the connection beneath a socket's TLS, nil where there is none that
// can be written to without waiting. From then on nothing that is written waits.
func sealedBy(conn net.Conn) *sealed {
	secure, ok := conn.(*tls.Conn)
	if !ok || !canWriteNow {
		return nil
	}
	c, ok := secure.NetConn().(*sealed)
	if !ok {
		return nil
	}
	sc, ok := c.Conn.(syscall.Conn)
	if !ok {
		return nil
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.raw = raw
	return c
}

// Write takes records. Those that aren't a writer's leave at once where they can,
// else with the next that are.
func (c *sealed) Write(p []byte) (int, error) {
	c.mu.Lock()
	if c.raw == nil {
		c.mu.Unlock()
		return c.Conn.Write(p)
	}
	defer c.mu.Unlock()
	if c.sealing {
		c.records = append(c.records, p...)
		return len(p), nil
	}
	left := p
	if !c.busy && len(c.records) == 0 {
		var now nowWriter
		n, err := now.write(c.raw, p)
		if err != nil {
			return n, err
		}
		left = p[n:]
	}
	if len(c.records)+len(left) > maxStray {
		return 0, errStray
	}
	c.records = append(c.records, left...)
	return len(p), nil
}

// seal makes records of a chunk, and appends to b all that is to be written. Whoever
// calls it writes that, and then settles.
func (c *sealed) seal(over net.Conn, b, chunk []byte) ([]byte, error) {
	c.mu.Lock()
	c.busy, c.sealing = true, true
	c.records = append(b, c.records...)
	c.mu.Unlock()
	_, err := over.Write(chunk)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sealing = false
	b, c.records = c.records, nil
	if err != nil {
		return b, fmt.Errorf("encrypting what a socket is told: %w", err)
	}
	return b, nil
}

// settle says that all that was taken is written, and appends what came in the
// meantime, which is to be written as well. Without any the writer is free.
func (c *sealed) settle(b []byte) []byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	b = append(b, c.records...)
	c.records = nil
	c.busy = len(b) > 0
	return b
}
