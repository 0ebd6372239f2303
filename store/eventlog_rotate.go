package store

import (
	"context"
	"time"

	"redline"
)

// logKeptAtLeast is the shortest time for which the event log may be kept: whoever
// reads it has to have had the time to, and transactions that wrote it to end.
const logKeptAtLeast = time.Hour

// RotateLog sees to it that there are partitions for the event log to go on in, and
// drops those whose newest event is older than keep, an hour or more. It returns how
// many it made or dropped. Cursors from before what was dropped are CURSOR_EXPIRED
// from then on. Writers are held up for a tenth of a second at most; where a partition
// couldn't be dropped within that, the next call tries again.
func (s *Store) RotateLog(ctx context.Context, keep time.Duration) (int, error) {
	ctx = background(ctx)
	if keep < logKeptAtLeast {
		return 0, redline.Invalid(nil, "the event log is kept for %s at least, not %s", logKeptAtLeast, keep)
	}
	// Each call is a transaction of its own that ends with it, so that no way there and
	// back is spent with the log locked. To run one twice does nothing twice.
	var made []int
	if err := s.look(ctx, "making partitions of the event log", &made, `/* events.make_partitions */ SELECT make_event_partitions()`); err != nil {
		return 0, err
	}
	var done []struct{ Dropped, Due int }
	err := s.look(ctx, "dropping partitions of the event log", &done, `/* events.drop_partitions */ SELECT dropped, due FROM drop_event_partitions(make_interval(secs => $1))`,
		keep.Seconds())
	if err != nil {
		return made[0], err
	}
	if left := done[0].Due - done[0].Dropped; left > 0 {
		s.log.WarnContext(ctx, "partitions of the event log are past their time, but it was too busy to drop them; the next run tries again", "partitions", left)
	}
	return made[0] + done[0].Dropped, nil
}
