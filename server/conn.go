package server

import (
	"context"
	"errors"
	"net"
	"net/http"
)

// What is worth sending in one piece, in bytes of the body. A shorter answer
// is one already, since net/http gathers 4 KiB; of a longer one the pieces are
// large.
const (
	minWhole = 3 << 10
	maxWhole = maxKeptBuffer - 4<<10
)

// connListener takes connections as conn.
type connListener struct{ net.Listener }

func (l connListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c}, nil
}

// conn is a connection that can keep back what is written to it. net/http
// writes an answer of more than 4 KiB in two pieces or more, and each costs us
// a system call, and the client mostly another.
type conn struct {
	net.Conn
	held *buffer // what is kept back, while anything is
}

// Write sends, or keeps back.
func (c *conn) Write(p []byte) (int, error) {
	if c.held != nil {
		return c.held.Write(p)
	}
	return c.Conn.Write(p)
}

// CloseWrite ends the sending alone. net/http does so before it closes a
// connection of which it read only a part, so that its answer arrives.
func (c *conn) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return errors.ErrUnsupported
}

// gather keeps back in a buffer what is written while write runs.
func (c *conn) gather(into *buffer, write func() error) error {
	c.held = into
	defer func() { c.held = nil }()
	return write()
}

type connKey struct{}

func withConn(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// writeWhole writes a body, whose length was told in the header, in one piece
// with its header where that is worth it. Where that fails it closes the
// connection: net/http takes for sent what was kept back, and the client would
// wait for the rest.
func writeWhole(w http.ResponseWriter, r *http.Request, body []byte) error {
	c, ok := r.Context().Value(connKey{}).(*conn)
	if !ok || len(body) < minWhole || len(body) > maxWhole {
		_, err := w.Write(body)
		return err
	}
	whole := borrowBuffer()
	defer whole.giveBack()
	whole.Grow(len(body) + 1<<10)
	err := c.gather(whole, func() error {
		if _, err := w.Write(body); err != nil {
			return err
		}
		return http.NewResponseController(w).Flush()
	})
	if err == nil {
		_, err = c.Conn.Write(whole.Bytes())
	}
	if err != nil {
		return errors.Join(err, c.Close())
	}
	return nil
}
