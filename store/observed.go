package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"time"

	"github.com/lib/pq"
)

// Observer is told of what a store does. Its methods, and what they return, are
// called by many at once, and must not block.
type Observer interface {
	// Statement is called once for each name of a statement on each connection.
	// What it returns is called after each run: with the context it ran in, when it
	// began, and the class of what went wrong, "" where nothing did. A run ends when
	// Postgres has begun to answer: reading rows isn't part of it. BEGIN, COMMIT and
	// ROLLBACK are the statements begin, commit and rollback, and what each
	// connection prepares once is prepare.
	Statement(name string) func(ctx context.Context, began time.Time, class string)
	// BrokenOff is called where what a statement answers breaks off: its run went well,
	// and reading its rows fails, with an error of this class.
	BrokenOff(name, class string)
	// Replayed is called where the idempotency key of a change was used before, and
	// the caller is told what came of it then.
	Replayed(operation string)
	// Short is called where a change is refused for want of stock.
	Short(operation string)
}

// nobody observes nothing.
type nobody struct{}

func (nobody) Statement(string) func(context.Context, time.Time, string) {
	return func(context.Context, time.Time, string) {}
}
func (nobody) BrokenOff(string, string) {}
func (nobody) Replayed(string)          {}
func (nobody) Short(string)             {}

// The classes of errors that aren't an SQLSTATE's.
const (
	classTimeout    = "timeout"    // the time of whoever asks was up
	classCanceled   = "canceled"   // whoever asks went away
	classConnection = "connection" // anything else: the connection, most likely
)

// errorClass is the class of what went wrong with a statement: the first two
// characters of the SQLSTATE (Postgres manual, appendix A), or one of those above.
func errorClass(ctx context.Context, err error) string {
	switch pe, ok := errors.AsType[*pq.Error](err); {
	case err == nil:
		return ""
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return classTimeout
	case ctx.Err() != nil:
		return classCanceled
	case ok:
		return string(pe.Code.Class())
	default:
		return classConnection
	}
}

// observing makes connections that tell an observer of each statement.
type observing struct {
	driver.Connector
	by Observer
}

// Connect makes a connection.
func (o observing) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := o.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	c := &observedConn{pqConn: conn.(pqConn), by: o.by, known: map[string]func(context.Context, time.Time, string){}}
	c.begin, c.commit, c.rollback, c.prepare = c.observer("begin"), c.observer("commit"), c.observer("rollback"), c.observer("prepare")
	return c, nil
}

// observedConn is used by one goroutine at a time, as database/sql has it.
type observedConn struct {
	pqConn
	by Observer
	// known are the observers of statements, by their names: so many as the program
	// has, whatever is sent.
	known                            map[string]func(context.Context, time.Time, string)
	begin, commit, rollback, prepare func(context.Context, time.Time, string)
	// tx is the transaction that is open, of which a connection has one at a time.
	tx observedTx
	// rows are those that are being read: of one statement at a time, since they come
	// one after another over the one connection.
	rows observedRows
}

func (c *observedConn) observer(name string) func(context.Context, time.Time, string) {
	told, ok := c.known[name]
	if !ok {
		told = c.by.Statement(name)
		c.known[name] = told
	}
	return told
}

func (c *observedConn) QueryContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Rows, error) {
	began := time.Now()
	rows, err := c.pqConn.QueryContext(ctx, text, args)
	name := statementName(text)
	c.observer(name)(ctx, began, errorClass(ctx, err))
	if err != nil {
		return nil, err
	}
	return c.observeRows(ctx, rows, name), nil
}

func (c *observedConn) ExecContext(ctx context.Context, text string, args []driver.NamedValue) (driver.Result, error) {
	began := time.Now()
	result, err := c.pqConn.ExecContext(ctx, text, args)
	c.observer(statementName(text))(ctx, began, errorClass(ctx, err))
	return result, err
}

func (c *observedConn) PrepareContext(ctx context.Context, text string) (driver.Stmt, error) {
	began := time.Now()
	s, err := c.pqConn.PrepareContext(ctx, text)
	c.prepare(ctx, began, errorClass(ctx, err))
	if err != nil {
		return nil, err
	}
	name := statementName(text)
	return &observedStatement{s.(pqStatement), c, name, c.observer(name)}, nil
}

func (c *observedConn) BeginTx(ctx context.Context, o driver.TxOptions) (driver.Tx, error) {
	began := time.Now()
	tx, err := c.pqConn.BeginTx(ctx, o)
	c.begin(ctx, began, errorClass(ctx, err))
	if err != nil {
		return nil, err
	}
	c.tx = observedTx{tx, c, ctx}
	return &c.tx, nil
}

type observedTx struct {
	driver.Tx
	conn *observedConn
	ctx  context.Context //nolint:containedctx // It is the one that the transaction was begun in.
}

func (t *observedTx) Commit() error {
	began := time.Now()
	err := t.Tx.Commit()
	t.conn.commit(t.ctx, began, errorClass(t.ctx, err))
	t.ctx = nil
	return err
}

func (t *observedTx) Rollback() error {
	began := time.Now()
	err := t.Tx.Rollback()
	t.conn.rollback(t.ctx, began, errorClass(t.ctx, err))
	t.ctx = nil
	return err
}

type observedStatement struct {
	pqStatement
	conn *observedConn
	name string
	told func(context.Context, time.Time, string)
}

func (s *observedStatement) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	began := time.Now()
	rows, err := s.pqStatement.QueryContext(ctx, args)
	s.told(ctx, began, errorClass(ctx, err))
	if err != nil {
		return nil, err
	}
	return s.conn.observeRows(ctx, rows, s.name), nil
}

func (s *observedStatement) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	began := time.Now()
	result, err := s.pqStatement.ExecContext(ctx, args)
	s.told(ctx, began, errorClass(ctx, err))
	return result, err
}

// pqRows is all that database/sql asks of lib/pq's rows.
type pqRows interface {
	driver.RowsNextResultSet
	driver.RowsColumnTypeDatabaseTypeName
	driver.RowsColumnTypeLength
	driver.RowsColumnTypePrecisionScale
	driver.RowsColumnTypeScanType
}

// observedRows tell of what they break off with. A connection has one for all its
// statements: database/sql doesn't touch rows again that it has closed.
type observedRows struct {
	pqRows // nil where none are being read
	conn   *observedConn
	ctx    context.Context //nolint:containedctx // It is the one that the statement runs in.
	name   string
	told   bool
}

// observeRows observes the rows of a statement of a name. It allocates only where
// others are still open.
func (c *observedConn) observeRows(ctx context.Context, rows driver.Rows, name string) *observedRows {
	r := &c.rows
	if r.pqRows != nil {
		r = &observedRows{}
	}
	*r = observedRows{pqRows: rows.(pqRows), conn: c, ctx: ctx, name: name}
	return r
}

func (r *observedRows) Next(row []driver.Value) error {
	err := r.pqRows.Next(row)
	if err != nil && !errors.Is(err, io.EOF) {
		r.breakOff(err)
	}
	return err
}

// Close reads what is left.
func (r *observedRows) Close() error {
	err := r.pqRows.Close()
	if err != nil {
		r.breakOff(err)
	}
	r.pqRows, r.ctx = nil, nil
	return err
}

// breakOff tells of an error, the first time.
func (r *observedRows) breakOff(err error) {
	if !r.told {
		r.told = true
		r.conn.by.BrokenOff(r.name, errorClass(r.ctx, err))
	}
}
