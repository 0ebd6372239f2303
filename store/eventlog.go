package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"redline"
)

// EventLog reads the event log in an order that never has to be taken back.
//
// Ids come from a sequence, and a transaction takes its ids before it commits:
// so a reader may see id 8 while 7 is still to come. What it may deliver is
// found in three steps. First M, the last id given out. Then H, the
// transactions that hold the lock that an INSERT takes before its id and keeps
// to its end. Once none of H holds it any more, every id up to M is committed
// or never will be.
//
// A position is good within one session of the database: a crash of Postgres
// may give ids out again that a transaction it lost had taken. So a log reads
// through one connection of its own, and says so, once, when that is lost.
type EventLog struct {
	s *Store

	mu   sync.Mutex
	conn *sqlx.Conn
	// read is when the log last answered, in Unix nanoseconds.
	read atomic.Int64
}

// EventLog returns a reader of the database's log, for one follower, to be
// closed after use. It keeps one of the pool's connections for itself.
func (s *Store) EventLog() *EventLog { return &EventLog{s: s} }

// Close gives the log's connection back.
func (l *EventLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.drop()
}

// drop ends the session, whose settings are nobody else's; the caller holds mu.
func (l *EventLog) drop() error {
	conn := l.conn
	l.conn = nil
	if conn == nil {
		return nil
	}
	// So says database/sql that a connection shall not go back to the pool, and
	// Close then that it is closed already.
	_ = conn.Raw(func(any) error { return driver.ErrBadConn })
	if err := conn.Close(); !errors.Is(err, sql.ErrConnDone) {
		return err
	}
	return nil
}

// query runs a query in the log's session. An error ends the session, so that
// the next call begins a new one.
func (l *EventLog) query(ctx context.Context, doing string, dest any, text string, args ...any) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	var err error
	if l.conn == nil {
		l.conn, err = l.session(ctx)
	}
	if err == nil {
		err = sqlx.SelectContext(ctx, l.conn, dest, text, args...)
	}
	if err != nil {
		_ = l.drop() // the error that counts is the first
		return dbError(doing, err)
	}
	l.read.Store(time.Now().UnixNano())
	return nil
}

// LastRead is when this reader last had an answer from the log, zero before the first.
// While it waits for those who are writing it goes on asking, many times a second.
func (l *EventLog) LastRead() time.Time {
	if ns := l.read.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// session takes a connection that is alive. After a crash the pool is full of
// dead ones, which only their use finds out; each try takes one out of it.
func (l *EventLog) session(ctx context.Context) (*sqlx.Conn, error) {
	var err error
	for range l.s.db.pool.Stats().MaxOpenConnections + 1 {
		var conn *sqlx.Conn
		if conn, err = l.s.db.pool.Connx(ctx); err != nil {
			return nil, err
		}
		// A plan is made once, and is good for the empty log as well as for the one
		// that a busy hour leaves without statistics: along the index, whose order
		// each batch is read in. Planning each look anew would cost more than the look.
		if _, err = conn.ExecContext(ctx, `/* events.session */ SELECT set_config('plan_cache_mode', 'force_generic_plan', false),
				set_config('enable_seqscan', 'off', false), set_config('enable_bitmapscan', 'off', false)`); err == nil {
			return conn, nil
		}
		_ = conn.Close() // the error that counts is the first
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, err
}

// settlePause is how long the first look at the writers waits before the next;
// later ones wait up to settlePauseMax.
const (
	settlePause    = time.Millisecond
	settlePauseMax = 20 * time.Millisecond
)

// Settled returns the events of these types behind `after` that nothing can
// come before any more, by id, and the position that they settle: the last of
// them where the batch is full, or the newest id given out. It is full with
// `limit` events, or with those whose payloads take batchBytes. It waits for
// those who are writing now, as long as ctx lets it. `after` is a position from
// the same session, or the id of an event that was seen; where the session was
// lost since, an error says so, and CURSOR_EXPIRED where the log was dropped
// beyond it. Of events of other types nothing but the newest id is read.
func (l *EventLog) Settled(ctx context.Context, after int64, types []string, limit int) (redline.EventBatch, error) {
	upTo, err := l.settle(ctx, after)
	if err != nil || upTo <= after {
		return redline.EventBatch{UpTo: upTo, Issued: upTo}, err
	}
	batch, err := l.s.readEvents(ctx, l.query, after, upTo, types, limit)
	batch.Issued = upTo
	return batch, err
}

// settle returns the last id given out, once every id up to it is settled. A
// log that stands still behind `after` costs one look.
func (l *EventLog) settle(ctx context.Context, after int64) (int64, error) {
	upTo, err := l.lastIssued(ctx)
	if err != nil || upTo <= after {
		return upTo, err
	}
	writers, err := l.writers(ctx, nil)
	for pause := settlePause; err == nil && len(writers) > 0; pause = min(2*pause, settlePauseMax) {
		if err = waitFor(ctx, pause); err == nil {
			writers, err = l.writers(ctx, writers)
		}
	}
	return upTo, err
}

func waitFor(ctx context.Context, d time.Duration) error {
	if err := pause(ctx, d); err != nil {
		return fmt.Errorf("waiting for the writers of the event log: %w", err)
	}
	return nil
}

// lastIssued is the last id that the sequence gave out, 0 before the first, as an
// expression on events_id.
const lastIssued = `CASE WHEN is_called THEN last_value ELSE 0 END`

func (l *EventLog) lastIssued(ctx context.Context) (int64, error) {
	var m []int64
	err := l.query(ctx, "reading the event log's sequence", &m, `/* events.last_issued */ SELECT `+lastIssued+` FROM events_id`)
	if err != nil {
		return 0, err
	}
	return m[0], nil
}

// writers are the virtual transactions that hold the lock of an INSERT into the
// log; of those given, where some are.
func (l *EventLog) writers(ctx context.Context, of []string) ([]string, error) {
	var held []string
	err := l.query(ctx, "reading who writes the event log", &held, `/* events.writers */ SELECT virtualtransaction FROM pg_locks
		WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND ($1::text[] IS NULL OR virtualtransaction = ANY($1))`, pq.Array(of))
	return held, err
}

// Newest returns the id of the newest event that nothing can come before any
// more, or that was dropped if none is left; 0 where there never was one.
func (l *EventLog) Newest(ctx context.Context) (int64, error) {
	upTo, err := l.settle(ctx, 0)
	if err != nil || upTo == 0 {
		return 0, err
	}
	var newest []int64
	if err := l.query(ctx, "reading the newest event", &newest, `/* events.newest */ SELECT greatest((SELECT max(id) FROM events WHERE id <= $1), floor) FROM event_log`, upTo); err != nil {
		return 0, err
	}
	return newest[0], nil
}

// Epoch tells this log from every other: it differs in another cluster or
// database, where a dump was restored over the tables, and after a failover or
// a recovery to some point in time, whose timeline is a new one.
func (l *EventLog) Epoch(ctx context.Context) (uint32, error) {
	var name []string
	if err := l.query(ctx, "reading which event log this is", &name, `/* events.epoch */ `+logName); err != nil {
		return 0, err
	}
	return epochOf(name[0]), nil
}

// logName is a query for what tells a log from every other. The timeline is the one
// that is written now: pg_control_checkpoint() tells of the last checkpoint, which for
// a while after a failover is an old one.
const logName = `SELECT concat_ws(' ', own.id, c.system_identifier, d.oid, 'events'::regclass::oid, left(pg_walfile_name(pg_current_wal_lsn()), 8))
		FROM event_log own, pg_control_system() c, pg_database d WHERE d.datname = current_database()`

func epochOf(name string) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // a hash never fails
	return h.Sum32()
}
