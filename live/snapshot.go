package live

import (
	"context"
	"slices"
	"time"

	"redline"
)

// snapshotAge is how long after its reading began a snapshot is told to those who
// come. It is no staler than one that takes so long to be read: what changed since
// follows it in any case.
const snapshotAge = time.Second

// snapshot is what a group's members begin with who asked for what there is: read,
// executed and written once for all who come at about the same time. So thousands
// of dashboards that come back together cost one reading.
type snapshot struct {
	// done is closed once the rest is there, which nobody changes then.
	done chan struct{}
	// waiting are how many wait for it, which the broker's mu guards, and cancel ends
	// the reading once nobody does.
	waiting int
	cancel  context.CancelFunc

	err error
	// from is where the log goes on behind it, and log which one that is.
	from int64
	log  logID
	// seen are the transactions that it contains, of the log's up to upTo.
	seen redline.TxSnapshot
	upTo int64
	// answers are its subjects.
	answers []*answer
}

// snapshotOf returns the snapshot for an operation, as a principal sees it: one
// that was begun just now for another like it, or its own.
func (b *Broker) snapshotOf(ctx context.Context, x *execution) (*snapshot, error) {
	p := redline.PrincipalFrom(x.ctx)
	key, err := keyOf(x, p)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	s := b.snapshots[key]
	if s == nil {
		if b.closed {
			b.mu.Unlock()
			return nil, errClosed
		}
		s = &snapshot{done: make(chan struct{})}
		var reading context.Context
		reading, s.cancel = context.WithCancel(b.ctx)
		b.snapshots[key] = s
		b.running.Go(func() { b.takeSnapshot(reading, s, key, x, p) })
	}
	s.waiting++
	b.mu.Unlock()
	select {
	case <-s.done:
		return s, s.err
	case <-ctx.Done():
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if s.waiting--; s.waiting == 0 {
		s.cancel()
		b.forgetSnapshot(key, s)
	}
	return nil, context.Cause(ctx)
}

// forgetSnapshot lets nobody else begin with a snapshot. The caller holds mu.
func (b *Broker) forgetSnapshot(key groupKey, s *snapshot) {
	if b.snapshots[key] == s {
		delete(b.snapshots, key)
	}
}

// takeSnapshot reads a snapshot, and forgets it when it has become too old for
// those who come.
func (b *Broker) takeSnapshot(ctx context.Context, s *snapshot, key groupKey, x *execution, p redline.Principal) {
	defer s.cancel()
	began := time.Now()
	s.err = b.fill(ctx, s, x, p)
	close(s.done)
	forget := func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.forgetSnapshot(key, s)
	}
	if left := snapshotAge - time.Since(began); s.err == nil && left > 0 {
		time.AfterFunc(left, forget)
		return
	}
	forget()
}

// fill reads a snapshot, waiting for the database where it can't be reached. A
// panic in it is an error.
func (b *Broker) fill(ctx context.Context, s *snapshot, x *execution, p redline.Principal) (err error) {
	defer func() {
		if r := recover(); r != nil {
			logPanic(x.ctx, b.options.Logger, "reading a snapshot panicked", r)
			err = errPanicked
		}
	}()
	own, err := b.another(x, p)
	if err != nil {
		return err
	}
	var state *redline.State
	err = untilAvailable(ctx, func() (err error) {
		s.log, s.from = b.logID(), b.Head()
		state, err = own.query.State(ctx)
		return err
	})
	if err != nil {
		return err
	}
	s.seen, s.upTo = state.Seen, state.UpTo
	cursor := redline.Cursor{Epoch: s.log.epoch(), ID: s.from, InSnapshot: true}.String()
	s.answers = make([]*answer, 0, len(state.Events))
	for part := range slices.Chunk(state.Events, redline.TellMax) {
		what := make([]redline.Telling, len(part))
		for i, e := range part {
			what[i] = redline.Telling{Event: e, InState: true, Cursor: cursor}
		}
		answers, err := own.tell(what)
		if err != nil {
			return err
		}
		for _, a := range answers {
			a.before, a.inState = s.from, true
		}
		s.answers = append(s.answers, answers...)
		clear(part) // what was told is not kept twice
	}
	return nil
}
