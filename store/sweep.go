package store

import (
	"context"
	"time"
)

// keysKept is how long an idempotency key answers with what came of it.
const keysKept = 7 * 24 * time.Hour

// sweepBatch is how many rows one transaction of a sweep deletes.
const sweepBatch = 5000

// Sweep deletes the idempotency keys that have outlived their time, in short
// transactions, and returns how many there were.
func (s *Store) Sweep(ctx context.Context) (int, error) {
	var total int
	for {
		n, err := s.sweepBatch(ctx)
		total += n
		if err != nil || n < sweepBatch {
			return total, err
		}
	}
}

func (s *Store) sweepBatch(ctx context.Context) (int, error) {
	tx, release, err := s.begin(ctx, false)
	if err != nil {
		return 0, err
	}
	defer release()
	result, err := tx.ExecContext(ctx, `DELETE FROM idempotency_keys WHERE ctid IN (
			SELECT ctid FROM idempotency_keys WHERE created_at < clock_timestamp() - make_interval(secs => $1)
			ORDER BY created_at LIMIT $2 FOR UPDATE SKIP LOCKED)`, keysKept.Seconds(), sweepBatch)
	if err != nil {
		return 0, dbError("deleting old idempotency keys", err)
	}
	n, err := result.RowsAffected()
	if err != nil {
		return 0, dbError("counting old idempotency keys", err)
	}
	if err := tx.Commit(); err != nil {
		return 0, dbError("committing a sweep", err)
	}
	return int(n), nil
}
