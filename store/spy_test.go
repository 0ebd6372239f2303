package store_test

import (
	"context"
	"database/sql/driver"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"redline/store"
)

// spy sees what a store sends: the statements, at the driver, and the round
// trips that they cost, at the socket.
type spy struct {
	t    testing.TB
	mu   sync.Mutex
	sent []statement
	// trips counts the times that the client wrote after it had read, and
	// prepared those of them in which a statement was prepared.
	trips, prepared atomic.Int64
	// saw, if it is set, is told of each statement before it is sent.
	saw func(text string)
}

// statement is one that was sent, with its arguments as the driver took them.
type statement struct {
	text string
	args []any
}

// inTransaction reports whether it only begins or ends a transaction.
func (s statement) inTransaction() bool {
	return s.text == "BEGIN" || s.text == "COMMIT" || s.text == "ROLLBACK"
}

// openSpied opens another store on a database, with a spy on it.
func openSpied(t testing.TB, ctx context.Context, url string) (*store.Store, *spy) {
	t.Helper()
	y := &spy{t: t}
	s, err := store.Open(ctx, url, store.Options{}.Through(func(c *pq.Connector) driver.Connector {
		c.Dialer(spyDialer{spy: y})
		return spyConnector{c, y}
	}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s, y
}

// during returns what was sent while a function ran, and the round trips but
// for those that prepared a statement, which is once for each connection.
func (y *spy) during(do func()) ([]statement, int) {
	y.mu.Lock()
	y.sent = nil
	y.mu.Unlock()
	before := y.trips.Load() - y.prepared.Load()
	do()
	y.mu.Lock()
	defer y.mu.Unlock()
	return y.sent, int(y.trips.Load() - y.prepared.Load() - before)
}

func (y *spy) note(s statement, args []driver.NamedValue) {
	mustBeNamed(y.t, s.text)
	for _, a := range args {
		s.args = append(s.args, a.Value)
	}
	y.mu.Lock()
	y.sent = append(y.sent, s)
	saw := y.saw
	y.mu.Unlock()
	if saw != nil {
		saw(s.text)
	}
}

// waitsFor calls back at each statement that contains a text.
func (y *spy) waitsFor(text string, then func()) {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.saw = func(sent string) {
		if strings.Contains(sent, text) {
			then()
		}
	}
}

type spyConnector struct {
	*pq.Connector
	spy *spy
}

func (c spyConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &spyConn{conn.(store.PQConn), c.spy}, nil
}

type spyConn struct {
	store.PQConn
	spy *spy
}

func (c *spyConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	c.spy.note(statement{text: text}, args)
	return c.PQConn.QueryContext(ctx, text, args)
}

func (c *spyConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	c.spy.note(statement{text: text}, args)
	return c.PQConn.ExecContext(ctx, text, args)
}

func (c *spyConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	c.spy.prepared.Add(1)
	s, err := c.PQConn.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	return &spyStatement{s.(store.PQStatement), c.spy, text}, nil
}

type spyStatement struct {
	store.PQStatement
	spy  *spy
	text string
}

func (s *spyStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	s.spy.note(statement{text: s.text}, args)
	return s.PQStatement.QueryContext(ctx, args)
}

func (s *spyStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	s.spy.note(statement{text: s.text}, args)
	return s.PQStatement.ExecContext(ctx, args)
}

func (c *spyConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	c.spy.note(statement{text: "BEGIN"}, nil)
	tx, err := c.PQConn.BeginTx(ctx, o)
	return spyTx{tx, c.spy}, err
}

type spyTx struct {
	driver.Tx
	spy *spy
}

func (t spyTx) Commit() error {
	t.spy.note(statement{text: "COMMIT"}, nil)
	return t.Tx.Commit()
}

func (t spyTx) Rollback() error {
	t.spy.note(statement{text: "ROLLBACK"}, nil)
	return t.Tx.Rollback()
}

// spyDialer counts the round trips on the connections that it makes.
type spyDialer struct{ spy *spy }

func (d spyDialer) Dial(network, address string) (net.Conn, error) {
	return d.DialContext(context.Background(), network, address)
}

func (d spyDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return d.DialContext(ctx, network, address)
}

func (d spyDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	c := &spySocket{Conn: conn, spy: d.spy}
	c.hasRead.Store(true)
	return c, nil
}

type spySocket struct {
	net.Conn
	spy     *spy
	hasRead atomic.Bool
}

func (c *spySocket) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	c.hasRead.Store(true)
	return n, err
}

func (c *spySocket) Write(b []byte) (int, error) {
	if c.hasRead.Swap(false) {
		c.spy.trips.Add(1)
	}
	return c.Conn.Write(b)
}
