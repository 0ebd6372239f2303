package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
)

// errTurnedAway is what a gate says to whom it doesn't let in. A read is told of it
// as it is, and a change of errBusy.
var errTurnedAway = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: retryAfter,
	Message: "too much else is being read; try again shortly",
}

// readPool is the pool for reads. database/sql has whoever finds all connections
// taken wait for as long as its context lets it, in any number. Here at most as many
// statements run as the gate lets in, and who isn't let in is soon told so.
//
// Who holds one connection and asks for another can't be waited for by itself for
// ever: the second is asked for as patiently as the first, and no longer.
type readPool struct {
	pool *sqlx.DB
	gate *gate
	// reserve is one more place, for what runs in the background: it takes this or one
	// of the gate's, whichever comes free first.
	reserve   chan struct{}
	heartbeat *heartbeat
	// patience is how long a read waits, and backgroundPatience how long one that
	// runs in the background does.
	patience, backgroundPatience time.Duration
}

// reservedReads are the connections of the pool for reads that no request gets: the
// event log's, which it keeps, and those of what runs in the background.
const reservedReads = 2

// enter waits for a place; leave gives it back, after the rows are read.
func (p *readPool) enter(ctx context.Context) (leave func(), err error) {
	if err := p.heartbeat.gone(); err != nil {
		return nil, err
	}
	if inBackground(ctx) {
		return p.gate.enterOr(ctx, p.reserve, p.backgroundPatience)
	}
	return p.gate.enterOr(ctx, nil, p.patience)
}

// SelectContext reads all rows, as sqlx does.
func (p *readPool) SelectContext(ctx context.Context, dest any, text string, args ...any) error {
	leave, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return p.pool.SelectContext(ctx, dest, text, args...)
}

// GetContext reads one row, as sqlx does.
func (p *readPool) GetContext(ctx context.Context, dest any, text string, args ...any) error {
	leave, err := p.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	return p.pool.GetContext(ctx, dest, text, args...)
}

// QueryContext is for who has entered, and leaves when the rows are read: scanRows.
func (p *readPool) QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error) {
	return p.pool.QueryContext(ctx, text, args...)
}
