package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/lib/pq"

	"redline"
)

// batchBytes is how large the payloads of a batch may be in all, as the table
// holds them; in memory they are some ten times that. One alone may be larger.
const batchBytes = 1 << 20

// eventsReach is how many ids one read for catch-up looks at, at most. Nothing but
// the ids has an index: without a bound, whoever has been away for long and wants
// few of the events would have to wait for all the others in one statement.
const eventsReach = 200_000

// EventsBetween returns the events of these types behind `after` and up to
// `upTo`, which is a position that is settled, by id. As Settled's, a batch is
// full with `limit` events, or with those whose payloads take batchBytes; or
// where it has looked at 200,000 ids. Then More is true, maybe of a batch
// without events, and the next goes on from its UpTo. Issued isn't filled.
//
// Any number of them may read at once. Where the log was dropped beyond `after`
// it is CURSOR_EXPIRED, and never only what is left.
func (s *Store) EventsBetween(ctx context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error) {
	if upTo <= after {
		return redline.EventBatch{UpTo: upTo}, nil
	}
	reach := min(upTo, after+eventsReach)
	batch, err := s.readEvents(ctx, s.look, after, reach, types, limit)
	batch.More = batch.More || err == nil && reach < upTo
	return batch, err
}

// LastIssued is the last id that the log has given out, 0 before the first: a
// cursor behind it is from no log of ours.
func (s *Store) LastIssued(ctx context.Context) (int64, error) {
	var m []int64
	if err := s.look(ctx, "reading the event log's sequence", &m, `/* events.last_issued */ SELECT `+lastIssued+` FROM events_id`); err != nil {
		return 0, err
	}
	return m[0], nil
}

// LogFloor is the position behind which the log is whole: 0 as long as nothing was
// dropped. It may be raised before anything is read from there.
func (s *Store) LogFloor(ctx context.Context) (int64, error) {
	var floor []int64
	if err := s.look(ctx, "reading where the event log begins", &floor, `/* events.floor */ SELECT floor FROM event_log`); err != nil {
		return 0, err
	}
	return floor[0], nil
}

// lookup runs a query, on the pool or in a session of its own.
type lookup func(ctx context.Context, doing string, dest any, text string, args ...any) error

func (s *Store) look(ctx context.Context, doing string, dest any, text string, args ...any) error {
	if err := s.db.SelectContext(ctx, dest, text, args...); err != nil {
		return dbError(doing, err)
	}
	return nil
}

// readEvents reads what is settled. The first row that a batch has no room for
// comes without its payload, so that it costs nothing, and says that there is more.
//
// The floor comes from the same statement as the events, and so from the same
// snapshot, which Postgres takes behind the statement's locks. A partition is
// dropped under ACCESS EXCLUSIVE on the log, by the transaction that raises the
// floor. If our lock came first, nothing was dropped before we are done. If it came
// second, that transaction had committed when we got it, and our snapshot, which is
// younger, has its floor. What is deleted row by row is deleted by the transaction
// that raises the floor as well: one snapshot sees both or neither. So the statement
// has to be a transaction of its own, in READ COMMITTED: the snapshot of a
// longer one may be older than the lock.
//
// Which log it is comes with the first row: another server may have taken the
// database's place, or a dump the tables', before anybody was told.
func (s *Store) readEvents(ctx context.Context, look lookup, after, upTo int64, types []string, limit int) (redline.EventBatch, error) {
	var rows []struct {
		Log     sql.NullString
		Floor   int64
		Newest  sql.NullInt64
		ID      sql.NullInt64
		Type    sql.NullString
		At      sql.NullTime
		Xid     sql.NullInt64
		Trace   sql.NullString
		Payload []byte
	}
	err := look(ctx, "reading the event log", &rows, `/* events.read */ SELECT CASE WHEN coalesce(e.bytes_before, 0) = 0 THEN (`+logName+`) END AS log, log.floor, newest.id AS newest, e.id, e.type, e.at, e.xid, e.trace,
			CASE WHEN e.bytes_before < $5 THEN e.payload END AS payload
		FROM event_log log CROSS JOIN (SELECT max(id) AS id FROM events WHERE id > $1 AND id <= $2) newest LEFT JOIN (
			SELECT id, type, at, xid::text::bigint AS xid, trace, payload,
				sum(pg_column_size(payload)) OVER (ORDER BY id) - pg_column_size(payload) AS bytes_before
			FROM events WHERE id > $1 AND id <= $2 AND type = ANY($3) ORDER BY id LIMIT $4) e ON true
		ORDER BY e.id`, after, upTo, pq.Array(types), limit, batchBytes)
	if err != nil {
		return redline.EventBatch{}, err
	}
	if floor := rows[0].Floor; after < floor {
		return redline.EventBatch{}, redline.Errorf(redline.CodeCursorExpired, nil, "the event log begins behind %d by now", floor)
	}
	batch := redline.EventBatch{Newest: rows[0].Newest.Int64, UpTo: upTo, Epoch: epochOf(rows[0].Log.String)}
	if !rows[0].ID.Valid {
		return batch, nil
	}
	batch.Events = make([]*redline.Event, 0, len(rows))
	for _, r := range rows {
		if r.Payload == nil {
			batch.More = true
			break
		}
		e := s.event(ctx, r.ID.Int64, r.Type.String, r.At.Time, r.Payload)
		e.Xid, e.Trace = uint64(r.Xid.Int64), r.Trace.String
		batch.Events = append(batch.Events, e)
	}
	if batch.More = batch.More || len(rows) == limit; batch.More {
		batch.UpTo = batch.Events[len(batch.Events)-1].ID
		batch.Newest = batch.UpTo
	}
	return batch, nil
}

// event reads one event's payload.
func (s *Store) event(ctx context.Context, id int64, kind string, at time.Time, payload []byte) *redline.Event {
	e := &redline.Event{ID: id, At: at}
	var err error
	switch kind {
	case redline.EventLevel:
		e.Level = &redline.LevelEvent{}
		err = json.Unmarshal(payload, e.Level)
	case redline.EventOrder:
		e.Order = &redline.OrderEvent{}
		err = json.Unmarshal(payload, e.Order)
	case redline.EventConflict:
		e.Conflict = &redline.ConflictEvent{}
		err = json.Unmarshal(payload, e.Conflict)
	case redline.EventPlaces, redline.EventClients:
		e.Kept = kind
	default:
		err = fmt.Errorf("its type is %q", kind)
	}
	if err != nil {
		// Of a newer gateway, maybe. It concerns nobody here, and the log goes on.
		s.log.ErrorContext(ctx, "an event of the log can't be read", "event", id, "error", err)
		e.Level, e.Order, e.Conflict = nil, nil, nil
	}
	return e
}
