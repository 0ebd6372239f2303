package store

import (
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"sync"
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

// drop closes the session; the caller holds mu.
func (l *EventLog) drop() error {
	conn := l.conn
	l.conn = nil
	if conn == nil {
		return nil
	}
	return conn.Close()
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
	return nil
}

// session takes a connection that is alive. After a crash the pool is full of
// dead ones, which only their use finds out; each try takes one out of it.
func (l *EventLog) session(ctx context.Context) (*sqlx.Conn, error) {
	var err error
	for range l.s.db.Stats().MaxOpenConnections + 1 {
		var conn *sqlx.Conn
		if conn, err = l.s.db.Connx(ctx); err != nil {
			return nil, err
		}
		if err = conn.PingContext(ctx); err == nil {
			return conn, nil
		}
		_ = conn.Close() // the error that counts is the ping's
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

// Settled returns the events behind `after` that nothing can come before any
// more, by id and at most limit of them, and the position that they settle: the
// last of them, or the newest id given out where there are no more. It waits
// for those who are writing now, as long as ctx lets it. `after` is a position
// from the same session, or the id of an event that was seen; where the session
// was lost since, an error says so.
func (l *EventLog) Settled(ctx context.Context, after int64, limit int) ([]*redline.Event, int64, error) {
	upTo, err := l.settle(ctx, after)
	if err != nil || upTo <= after {
		return nil, upTo, err
	}
	events, err := l.read(ctx, after, upTo, limit)
	if err != nil {
		return nil, 0, err
	}
	if len(events) == limit {
		upTo = events[limit-1].ID
	}
	return events, upTo, nil
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

// lastIssued is the last id that the sequence gave out, 0 before the first.
func (l *EventLog) lastIssued(ctx context.Context) (int64, error) {
	var m []int64
	err := l.query(ctx, "reading the event log's sequence", &m, `SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM events_id`)
	if err != nil {
		return 0, err
	}
	return m[0], nil
}

// writers are the virtual transactions that hold the lock of an INSERT into the
// log; of those given, where some are.
func (l *EventLog) writers(ctx context.Context, of []string) ([]string, error) {
	var held []string
	err := l.query(ctx, "reading who writes the event log", &held, `SELECT virtualtransaction FROM pg_locks
		WHERE locktype = 'relation' AND relation = 'events'::regclass AND mode = 'RowExclusiveLock' AND granted
			AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
			AND ($1::text[] IS NULL OR virtualtransaction = ANY($1))`, pq.Array(of))
	return held, err
}

func (l *EventLog) read(ctx context.Context, after, upTo int64, limit int) ([]*redline.Event, error) {
	var rows []struct {
		ID      int64
		Type    string
		At      time.Time
		Payload []byte
	}
	err := l.query(ctx, "reading the event log", &rows, `SELECT id, type, at, payload FROM events WHERE id > $1 AND id <= $2 ORDER BY id LIMIT $3`,
		after, upTo, limit)
	if err != nil {
		return nil, err
	}
	events := make([]*redline.Event, len(rows))
	for i, r := range rows {
		e := &redline.Event{ID: r.ID, At: r.At}
		switch r.Type {
		case redline.EventLevel:
			e.Level = &redline.LevelEvent{}
			err = json.Unmarshal(r.Payload, e.Level)
		case redline.EventOrder:
			e.Order = &redline.OrderEvent{}
			err = json.Unmarshal(r.Payload, e.Order)
		default:
			err = fmt.Errorf("its type is %q", r.Type)
		}
		if err != nil {
			// Of a newer gateway, maybe. It concerns nobody here, and the log goes on.
			l.s.log.ErrorContext(ctx, "an event of the log can't be read", "event", r.ID, "error", err)
			e.Level, e.Order = nil, nil
		}
		events[i] = e
	}
	return events, nil
}

// Newest returns the id of the newest event that nothing can come before any
// more, 0 where there is none.
func (l *EventLog) Newest(ctx context.Context) (int64, error) {
	upTo, err := l.settle(ctx, 0)
	if err != nil || upTo == 0 {
		return 0, err
	}
	var newest []int64
	if err := l.query(ctx, "reading the newest event", &newest, `SELECT coalesce(max(id), 0) FROM events WHERE id <= $1`, upTo); err != nil {
		return 0, err
	}
	return newest[0], nil
}

// Epoch tells this log from every other: it differs in another cluster or
// database, where a dump was restored over the tables, and after a failover or
// a recovery to some point in time, whose timeline is a new one.
func (l *EventLog) Epoch(ctx context.Context) (uint32, error) {
	var name []string
	// The timeline is the one that is written now: pg_control_checkpoint() tells
	// of the last checkpoint, which for a while after a failover is an old one.
	err := l.query(ctx, "reading which event log this is", &name, `SELECT concat_ws(' ', e.id, c.system_identifier, d.oid,
			'events'::regclass::oid, left(pg_walfile_name(pg_current_wal_lsn()), 8))
		FROM event_log e, pg_control_system() c, pg_database d WHERE d.datname = current_database()`)
	if err != nil {
		return 0, err
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name[0])) // a hash never fails
	return h.Sum32(), nil
}
