package live

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"

	"redline"
)

// catchUp brings an operation to where its group is: it tells what there is, or
// what was missed, out of the database and the log alone, and joins the group
// where the two meet, by position, without a gap or a repeat.
type catchUp struct {
	broker *Broker
	op     *operation
	x      *execution
	// log is the one that it began in.
	log logID
	// from is the position up to which everything has been told.
	from int64
	// fresh says that it begins with the next change, wherever that is.
	fresh bool
	// snapshot is what it began with; nil where it began with a cursor, or with
	// nothing, and once it is complete. Up to its upTo the log tells of changes that
	// it contains.
	snapshot *snapshot
}

// nearEnough is how many ids may lie between an operation and its group when it
// joins: what comes meanwhile is held for it. Where there are more it goes on
// reading first, but not for ever: changes may come as fast.
const (
	nearEnough   = 1000
	maxDistances = 20
)

// readBatch is how many events are read from the log at once.
const readBatch = 500

// run tells the operation what it has to catch up with, makes it a member of its
// group, and says that it is caught up, unless that was said before.
func (c *catchUp) run(ctx context.Context) error {
	if c.snapshot != nil {
		for _, a := range c.snapshot.answers {
			if err := c.put(ctx, a); err != nil {
				return err
			}
		}
		if err := c.broker.awaitSettled(ctx, c.snapshot.upTo, c.log); err != nil {
			return err
		}
	}
	for range maxDistances {
		head := c.broker.Head()
		if c.fresh || head-c.from <= nearEnough {
			break
		}
		if err := c.replay(ctx, head); err != nil {
			return err
		}
	}
	head, err := c.broker.join(c.op, c.x, c.from, c.log)
	if err != nil {
		return err
	}
	if c.fresh {
		c.from = head
	}
	if err := c.replay(ctx, head); err != nil {
		return err
	}
	if c.snapshot = nil; !c.op.wasSaid() {
		if err := c.tell(ctx, []redline.Telling{{Cursor: c.cursor(c.from), At: time.Now().UTC()}}); err != nil {
			return err
		}
	}
	return c.op.goLive(c.from)
}

// cursor writes a position. Before a snapshot is complete nobody can go on from
// anywhere within it.
func (c *catchUp) cursor(id int64) string {
	return redline.Cursor{Epoch: c.log.epoch(), ID: id, InSnapshot: c.snapshot != nil}.String()
}

// replay tells what the log has up to a position.
func (c *catchUp) replay(ctx context.Context, upTo int64) error {
	for c.from < upTo {
		batch, err := c.read(ctx, upTo)
		if err != nil {
			return err
		}
		wanted, err := c.wanted(batch.Events)
		if err != nil {
			return err
		}
		for part := range slices.Chunk(wanted, redline.TellMax) {
			what := make([]redline.Telling, len(part))
			for i, e := range part {
				what[i] = redline.Telling{Event: e, Cursor: c.cursor(e.ID)}
			}
			if err := c.tell(ctx, what); err != nil {
				return err
			}
		}
		c.from = batch.UpTo
		c.op.passed(c.from)
	}
	return nil
}

// wanted are the events that the operation is told of: all that it wants and
// that its state doesn't contain, or the newest of each subject.
func (c *catchUp) wanted(events []*redline.Event) ([]*redline.Event, error) {
	wanted := events[:0]
	defer func() { clear(events[len(wanted):]) }() // nobody keeps what isn't told
	for _, e := range events {
		if c.snapshot != nil && c.snapshot.seen.Saw(e.Xid) {
			continue
		}
		// Of a newer gateway, maybe, and no longer to be read.
		if e.Type() != c.x.query.Type {
			continue
		}
		wants, err := c.x.wants(e)
		if err != nil {
			return nil, err
		}
		if wants {
			wanted = append(wanted, e)
		}
	}
	if c.op.latest {
		// Of those that it wants: what leaves a filter would not be told otherwise.
		newest := map[string]int64{}
		for _, e := range wanted {
			newest[e.Subject()] = e.ID
		}
		wanted = slices.DeleteFunc(wanted, func(e *redline.Event) bool { return newest[e.Subject()] != e.ID })
	}
	return wanted, nil
}

// read reads the next events. As long as the database can't be reached it tries
// again: whoever waits to be caught up is told nothing wrong by waiting.
func (c *catchUp) read(ctx context.Context, upTo int64) (batch redline.EventBatch, err error) {
	c.broker.stats.catchUpReads.Add(1)
	err = untilAvailable(ctx, func() error {
		select {
		case c.broker.catchUps <- struct{}{}:
			defer func() { <-c.broker.catchUps }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		batch, err = c.broker.options.History.EventsBetween(ctx, c.from, upTo, []string{c.x.query.Type}, readBatch)
		if err == nil && batch.Epoch != 0 && batch.Epoch != c.log.epoch() { // which the tailer hasn't found out yet
			return redline.CursorExpired()
		}
		return err
	})
	if redline.HasCode(err, redline.CodeCursorExpired) {
		return batch, redline.CursorExpired() // whichever way it expired, it is said alike
	}
	return batch, err
}

// tell has the operation's own execution say something, and queues the answers.
// It waits for a client that is slow to take what was missed; only what happens
// meanwhile may be too much for it.
func (c *catchUp) tell(ctx context.Context, what []redline.Telling) error {
	answers, err := c.x.tell(what)
	if err != nil {
		return err
	}
	for _, a := range answers {
		a.before, a.inState = c.from, c.snapshot != nil
		if err := c.put(ctx, a); err != nil {
			return err
		}
		if a.id > 0 {
			c.from = a.id
		}
	}
	return nil
}

// put queues an answer, as long as the log is the same.
func (c *catchUp) put(ctx context.Context, a *answer) error {
	if c.log != c.broker.logID() {
		return redline.CursorExpired()
	}
	return c.op.client.put(ctx, c.op, a)
}

// catchUp finds where an operation begins: where its cursor says, with what there
// is now, or with the next change.
func (b *Broker) catchUp(ctx context.Context, op *operation, x *execution, from coming) (*catchUp, error) {
	log, err := b.awaitPlace(ctx)
	if err != nil {
		return nil, err
	}
	c := &catchUp{broker: b, op: op, x: x, log: log, from: b.Head(), fresh: from.fresh()}
	if from.after != nil && from.after.Epoch != c.log.epoch() {
		return nil, redline.CursorExpired()
	}
	if from.after != nil && !from.snapshot {
		if c.from, err = from.after.ID, b.checkIssued(ctx, from.after.ID); err != nil {
			return nil, err
		}
	}
	if from.snapshot {
		return c, c.beginSnapshot(ctx)
	}
	op.begins(c.from, c.log, false)
	return c, nil
}

// beginSnapshot has it begin with what there is.
func (c *catchUp) beginSnapshot(ctx context.Context) (err error) {
	if c.snapshot, err = c.broker.snapshotOf(ctx, c.x); err != nil {
		return err
	}
	if c.from = c.snapshot.from; c.snapshot.log != c.log {
		return redline.CursorExpired()
	}
	c.op.begins(c.from, c.log, true)
	return nil
}

// checkIssued refuses a cursor of an event that the log doesn't have: one that
// was lost, or made up.
func (b *Broker) checkIssued(ctx context.Context, id int64) error {
	if id <= b.Head() {
		return nil
	}
	var issued int64
	err := untilAvailable(ctx, func() (err error) {
		issued, err = b.options.History.LastIssued(ctx)
		return err
	})
	if err == nil && id > issued {
		return redline.CursorExpired()
	}
	return err
}

// tooSlow is how long a reading may take that is tried again: the database is there
// then, and would be as slow the next time.
const tooSlow = 8 * time.Second

// untilAvailable calls f until it returns something else than that the database
// can't be reached, or ctx ends.
func untilAvailable(ctx context.Context, f func() error) error {
	backoff := firstBackoff
	for {
		began := time.Now()
		err := f()
		if !redline.HasCode(err, redline.CodeUnavailable) || time.Since(began) > tooSlow {
			return err
		}
		pause(ctx, backoff/2+rand.N(backoff/2), nil)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		backoff = min(2*backoff, 2*time.Second)
	}
}
