package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/lib/pq"

	"redline"
)

const (
	// heartbeatEvery is how often the database is asked whether it is there, and
	// heartbeatStep how long a connection listens before it looks whether another has
	// heard anything.
	heartbeatEvery = time.Second
	heartbeatStep  = 500 * time.Millisecond
	// silentSteps is for how many steps in a row nothing has to come from the
	// database, on any connection, until whoever waits for it is told that it is gone.
	silentSteps = 6
	// answerGrace is how much longer than a statement may take its answer is waited for.
	answerGrace = 5 * time.Second
)

// heartbeat tells whether the database is there. It is asked every second, on a
// connection of its own, and whatever comes from it on any connection counts. As long
// as it is silent, nobody waits for it: those who wait are told after three seconds,
// and those who come are told at once. So a database that was stopped, or whose
// packets vanish, costs a request no more than one that refuses connections.
//
// A database that is slow or full isn't gone: it still answers that question, which
// needs neither a lock nor the disk. One that lets nobody in because it is full isn't
// gone either, but one that is starting up is, and so is one of which a pooler knows no
// more than its name: what is said while a connection begins doesn't count.
type heartbeat struct {
	log *slog.Logger
	// db has one connection, for asking.
	db *sql.DB
	// heard counts what has come from the database, on all connections.
	heard atomic.Uint64
	// silent is set while it is gone.
	silent atomic.Bool
	// lost is called each time that it is found gone.
	lost func()
	// longest is how long one answer is waited for, whatever comes on other
	// connections; 0 is for as long as it takes.
	longest time.Duration

	stop func()
	done sync.WaitGroup
}

// errGone is what is asked of a database that is gone.
var errGone = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: time.Second,
	Message: "the database can't answer now; try again shortly",
}

// gone is an error as long as the database is silent.
func (h *heartbeat) gone() error {
	if h.silent.Load() {
		return errGone
	}
	return nil
}

// start begins to ask; close ends it.
func (h *heartbeat) start(ctx context.Context) {
	ctx, h.stop = context.WithCancel(context.WithoutCancel(ctx))
	h.done.Go(func() {
		tick := time.NewTicker(heartbeatEvery)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				h.feel(ctx)
			case <-ctx.Done():
				return
			}
		}
	})
}

func (h *heartbeat) close() error {
	if h.stop != nil {
		h.stop()
	}
	h.done.Wait()
	return h.db.Close()
}

// feel asks once.
func (h *heartbeat) feel(ctx context.Context) {
	before := h.heard.Load()
	err := h.db.PingContext(ctx)
	if ctx.Err() != nil {
		return
	}
	silent := err != nil && h.heard.Load() == before && !full(err)
	if h.silent.Swap(silent) == silent {
		return
	}
	if silent {
		h.log.WarnContext(ctx, "the database doesn't answer", "error", err)
		h.lost()
	} else {
		h.log.InfoContext(ctx, "the database answers again")
	}
}

// full reports whether the database answers, but has no room.
func full(err error) bool {
	var pe *pq.Error
	return errors.As(err, &pe) && pe.Code.Class() == "53"
}

// heartbeatDialer connects to the database, and has the heartbeat hear what comes.
type heartbeatDialer struct{ heartbeat *heartbeat }

func (d heartbeatDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	return &heartbeatConn{Conn: conn, heartbeat: d.heartbeat}, nil
}

func (d heartbeatDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d heartbeatDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

// heartbeatConn is a connection on which nobody waits for a database that is gone.
type heartbeatConn struct {
	net.Conn
	heartbeat *heartbeat
	// deadline and writeDeadline are the driver's own, as Unix nanoseconds; 0 is none.
	deadline, writeDeadline atomic.Int64
}

// SetDeadline keeps the driver's deadline beside the heartbeat's.
func (c *heartbeatConn) SetDeadline(t time.Time) error {
	return errors.Join(c.SetReadDeadline(t), c.SetWriteDeadline(t))
}

// SetReadDeadline keeps the driver's deadline beside the heartbeat's.
func (c *heartbeatConn) SetReadDeadline(t time.Time) error {
	c.deadline.Store(unixNano(t))
	return c.Conn.SetReadDeadline(t)
}

// SetWriteDeadline keeps the driver's deadline beside the heartbeat's.
func (c *heartbeatConn) SetWriteDeadline(t time.Time) error {
	c.writeDeadline.Store(unixNano(t))
	return c.Conn.SetWriteDeadline(t)
}

// unixNano is a deadline as Unix nanoseconds; 0 is none.
func unixNano(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// stepEnd is when a step that begins now ends: before the driver's own deadline does.
func stepEnd(own int64) time.Time {
	until := time.Now().Add(heartbeatStep)
	if own != 0 && own < until.UnixNano() {
		return time.Unix(0, own)
	}
	return until
}

// Read waits for something to come as long as the database is there. It listens in
// steps, so that a program that was stopped itself for a while doesn't take that for
// the database's silence.
//
// A database ends what takes longer than a statement may. Where nothing comes for
// longer than that, this connection alone is dead, and what it held is needed.
func (c *heartbeatConn) Read(b []byte) (int, error) {
	heard, began := c.heartbeat.heard.Load(), time.Now()
	for silent := 0; ; {
		own := c.deadline.Load()
		if err := c.Conn.SetReadDeadline(stepEnd(own)); err != nil {
			return 0, fmt.Errorf("bounding how long the database is waited for: %w", err)
		}
		n, err := c.Conn.Read(b)
		if n > 0 {
			// The driver keeps a deadline while it logs in, and none from then on.
			if own == 0 {
				c.heartbeat.heard.Add(1)
			}
			return n, err
		}
		if !errors.Is(err, os.ErrDeadlineExceeded) || own != 0 && time.Now().UnixNano() >= own {
			return n, err
		}
		if longest := c.heartbeat.longest; longest != 0 && time.Since(began) > longest {
			return 0, err
		}
		if now := c.heartbeat.heard.Load(); now != heard {
			heard, silent = now, 0
			continue
		}
		if silent++; silent >= silentSteps {
			return 0, err // a net.OpError, by which the driver and dbError know it
		}
	}
}

// Write sends as long as the database takes what is sent, or is there otherwise: a
// large feed fills the buffers between here and one that stands still. It sends in
// steps as Read listens.
func (c *heartbeatConn) Write(b []byte) (int, error) {
	heard, sent := c.heartbeat.heard.Load(), 0
	for silent := 0; ; {
		own := c.writeDeadline.Load()
		if err := c.Conn.SetWriteDeadline(stepEnd(own)); err != nil {
			return sent, fmt.Errorf("bounding how long the database may take what is sent: %w", err)
		}
		n, err := c.Conn.Write(b[sent:])
		sent += n
		if !errors.Is(err, os.ErrDeadlineExceeded) || own != 0 && time.Now().UnixNano() >= own {
			return sent, err
		}
		if now := c.heartbeat.heard.Load(); n > 0 || now != heard {
			heard, silent = now, 0
			continue
		}
		if silent++; silent >= silentSteps {
			return sent, err // a net.OpError, by which the driver and dbError know it
		}
	}
}
