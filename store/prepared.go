package store

import (
	"context"
	"database/sql/driver"
	"errors"

	"github.com/lib/pq"
)

// preparedMax is how many prepared statements one connection keeps. The program
// has fewer; only the shapes of filters that people think of are without end.
const preparedMax = 128

// preparing makes connections that prepare what they are sent: each statement
// with arguments is parsed once for a connection, and every later run of the
// same text is one round trip that neither parses nor, once Postgres has settled
// on a plan, plans. Nobody who sends a statement has to know; in transactions it
// is the same.
//
// A connection has its own statements, so that nobody waits for a lock and none
// outlives its connection. The one that was used longest ago gives way.
type preparing struct{ driver.Connector }

// Connect makes a connection.
func (p preparing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := p.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &preparedConn{pqConn: conn.(pqConn), statements: map[string]*preparedStatement{}}, nil
}

// pqConn is all that database/sql asks of lib/pq's connections.
type pqConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.NamedValueChecker
	driver.Pinger
	driver.QueryerContext
	driver.SessionResetter
	driver.Validator
}

// preparedConn is used by one goroutine at a time: database/sql sees to it.
type preparedConn struct {
	pqConn
	statements map[string]*preparedStatement
	// clock counts the runs.
	clock uint64
}

type preparedStatement struct {
	pqStatement
	lastUsed uint64
}

// pqStatement is what lib/pq's statements are run by.
type pqStatement interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

func (c *preparedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	if len(args) == 0 { // it may be several statements, and costs one round trip anyway
		return c.pqConn.QueryContext(ctx, text, args)
	}
	return runPrepared(ctx, c, text, func(s pqStatement) (driver.Rows, error) { return s.QueryContext(ctx, args) })
}

func (c *preparedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	if len(args) == 0 {
		return c.pqConn.ExecContext(ctx, text, args)
	}
	return runPrepared(ctx, c, text, func(s pqStatement) (driver.Result, error) { return s.ExecContext(ctx, args) })
}

// runPrepared runs a statement. One that a migration, or whoever shares the
// connection, has made useless is prepared anew; inside a transaction, which
// that has ended, the second try fails too, and the first error is the one told:
// a change is then run again as a whole.
func runPrepared[T any](ctx context.Context, c *preparedConn, text string, run func(pqStatement) (T, error)) (T, error) {
	s, err := c.prepared(ctx, text)
	if err != nil {
		var none T
		return none, err
	}
	result, err := run(s)
	if !outdated(err) {
		return result, err
	}
	c.forget(text)
	if s, again := c.prepared(ctx, text); again == nil {
		if anew, again := run(s); again == nil {
			return anew, nil
		}
	}
	return result, err
}

// prepared is the statement of a text, prepared now where it wasn't before.
func (c *preparedConn) prepared(ctx context.Context, text string) (pqStatement, error) {
	c.clock++
	if s := c.statements[text]; s != nil {
		s.lastUsed = c.clock
		return s, nil
	}
	if len(c.statements) == preparedMax {
		oldest, at := "", c.clock
		for known, s := range c.statements {
			if s.lastUsed < at {
				oldest, at = known, s.lastUsed
			}
		}
		c.forget(oldest)
	}
	made, err := c.PrepareContext(ctx, text)
	if err != nil {
		return nil, err
	}
	s := &preparedStatement{pqStatement: made.(pqStatement), lastUsed: c.clock}
	c.statements[text] = s
	return s, nil
}

// forget closes a statement. Where that fails the connection is broken, which
// whoever uses it next finds out.
func (c *preparedConn) forget(text string) {
	_ = c.statements[text].Close()
	delete(c.statements, text)
}

// outdated reports whether a prepared statement may not be run any more, though
// its text may: a table was changed under it, or the connection's statements were
// discarded. Class 42 is told as well where a right was taken away, say; then the
// second try is told the same.
func outdated(err error) bool {
	var e *pq.Error
	return errors.As(err, &e) && (e.Code == featureNotSupported || e.Code == unknownStatement || e.Code.Class() == "42")
}
