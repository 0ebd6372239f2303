package store

import (
	"context"
	"fmt"
	"time"
)

const (
	// keysKept is how long an idempotency key answers with what came of it.
	keysKept = 7 * 24 * time.Hour
	// feedsKept is how long it is kept what came of a feed, and a feed that waited for a
	// person once it was decided on. One that still waits is kept until it is.
	feedsKept = 90 * 24 * time.Hour
	// sweepBatch is how many rows one transaction of a sweep deletes.
	sweepBatch = 5000
)

// outlived are statements that delete what has outlived its time: $1 is how long
// that is in seconds, and $2 how many rows are deleted at most.
var outlived = []struct {
	what string
	kept time.Duration
	text string
}{
	{"idempotency keys", keysKept, `/* sweep.idempotency_keys */ DELETE FROM idempotency_keys WHERE ctid IN (
		SELECT ctid FROM idempotency_keys WHERE created_at < clock_timestamp() - make_interval(secs => $1)
		ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`},
	{"results of feeds", feedsKept, `/* sweep.feeds */ DELETE FROM supplier_feeds WHERE ctid IN (
		SELECT f.ctid FROM supplier_feeds f WHERE f.received_at < clock_timestamp() - make_interval(secs => $1)
			AND NOT EXISTS (SELECT FROM supplier_feeds_held h WHERE h.id = f.id AND h.status = 'HELD')
		ORDER BY f.received_at LIMIT $2 FOR UPDATE SKIP LOCKED)`},
	// What was decided is kept for as long as there is a result of which it is told.
	{"feeds that were decided on", feedsKept, `/* sweep.feeds_held */ DELETE FROM supplier_feeds_held WHERE ctid IN (
		SELECT h.ctid FROM supplier_feeds_held h WHERE h.status <> 'HELD' AND h.held_at < clock_timestamp() - make_interval(secs => $1)
			AND NOT EXISTS (SELECT FROM supplier_feeds f WHERE f.id = h.id)
		ORDER BY h.held_at LIMIT $2 FOR UPDATE SKIP LOCKED)`},
	// To lock a row is to update it, which nobody does to a ticket: where it is stays so.
	{"tickets", 0, `/* sweep.tickets */ DELETE FROM tickets WHERE ctid IN (
		SELECT ctid FROM tickets WHERE expires_at < clock_timestamp() - make_interval(secs => $1) ORDER BY expires_at LIMIT $2)`},
}

// Sweep deletes the idempotency keys that have outlived their time, what came of feeds
// long ago, the feeds that waited for a person and were decided on long ago, and the
// tickets that have expired, in short transactions. It returns how many rows there were.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	ctx = background(ctx)
	total := 0
	for _, o := range outlived {
		for n := sweepBatch; n == sweepBatch; {
			var err error
			if n, err = s.sweepBatch(ctx, o.text, o.kept); err != nil {
				return total, fmt.Errorf("deleting old %s: %w", o.what, err)
			}
			total += n
		}
	}
	return total, nil
}

func (s *Store) sweepBatch(ctx context.Context, text string, kept time.Duration) (int, error) {
	tx, release, err := s.begin(ctx, false)
	if err != nil {
		return 0, err
	}
	defer release()
	result, err := tx.ExecContext(ctx, text, kept.Seconds(), sweepBatch)
	if err != nil {
		return 0, dbError("deleting", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, dbError("counting what was deleted", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, dbError("committing a sweep", err)
	}
	return int(n), nil
}
