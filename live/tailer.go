package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync/atomic"
	"time"

	"redline"
)

// Log is the event log as the tailer needs it. The store implements it.
type Log interface {
	// Settled returns the events of these types after the given position that
	// can no longer be overtaken, at most limit, and the position up to which
	// the log is settled with them. It waits for transactions that are writing
	// now as long as ctx lets it. The position holds only within one session of
	// the database: where that was lost since the last call, Settled returns an
	// error rather than go on quietly in another one.
	Settled(ctx context.Context, after int64, types []string, limit int) (redline.EventBatch, error)
	// Newest returns the id of the newest visible settled event, 0 for an
	// empty log.
	Newest(ctx context.Context) (int64, error)
	// Epoch tells this log from every other. It is asked again after every
	// failure: another server may have taken the database's place.
	Epoch(ctx context.Context) (uint32, error)
}

// TailerOptions tune a Tailer. The zero value of each means its default.
type TailerOptions struct {
	// Poll is how long after a look the log is looked at again when nobody
	// calls Wake. Default 250 ms.
	Poll time.Duration
	// Batch is how many events are read at once, at most. Default 500.
	Batch int
	// LookTimeout bounds one look, with the wait for transactions that are
	// writing. Default 10 s.
	LookTimeout time.Duration
	// Kept is what the gateway keeps in memory of the database, and the log tells it
	// when to read anew.
	Kept []Kept
	// Logger is told of outages, once each. Default slog.Default().
	Logger *slog.Logger
}

// Kept is something that a gateway keeps in memory, such as places or who is revoked.
type Kept struct {
	// Event is the type of the events that say that it has changed.
	Event string
	// Refresh reads it anew. It is called where it may have changed: when the tailer
	// begins, after each outage, and for each such event, before anything later is
	// published. Until it succeeds nothing is: it is tried again as after any failed
	// look, and LookTimeout bounds each call. One that fails keeps no other from being
	// called. Since a look waits for whoever is writing, what must not wait is refreshed
	// by other means besides.
	Refresh func(ctx context.Context) error
}

// rest is how long the log is left alone after a look that found events: what
// is committed meanwhile is read together, however many commits it was. A lone
// event doesn't wait for it.
const rest = 5 * time.Millisecond

// How long the tailer waits after a failed look: at first, and at most. Each
// failure doubles it, and half of it is chance, so that many gateways don't
// come back at once.
const (
	firstBackoff = 100 * time.Millisecond
	maxBackoff   = time.Second
)

// errAnother is a log that isn't the one that was read before.
var errAnother = errors.New("the event log is another one than before")

// errWentBack is a log that ends before what was delivered from it: a restored
// dump, or a replica that was behind.
var errWentBack = errors.New("the event log ends before the newest event delivered from it")

// Tailer reads the event log and publishes each settled event to a broker,
// once and in order. Make one with NewTailer and let one goroutine Run it.
type Tailer struct {
	log     Log
	broker  *Broker
	options TailerOptions

	wake  chan struct{}
	ready chan struct{}
	taken atomic.Bool
	// looked is when the last successful look ended, and ended when the last did that
	// left nothing to read, in Unix nanoseconds.
	looked, ended atomic.Int64

	// The rest belongs to Run's goroutine.

	started bool
	// delivered is the id of the newest event published; at first the log's
	// newest.
	delivered int64
	// from is the position of the next look: what the last one returned as
	// upTo. It may be ahead of delivered, past ids that were rolled back, and
	// it is good only as long as no look fails: after a crash Postgres may give
	// such ids out again.
	from int64
	// everything says that the last look asked for too few types. The next asks
	// for all, so that nobody who comes and goes can hold the others up.
	everything bool
	// doubt says that a look failed: whether the log is still the same one has to
	// be asked.
	doubt bool
	// stale are those of Kept that may have changed since they were read, by their events.
	stale map[string]bool
}

// NewTailer makes a tailer that publishes to the broker, and to nobody else.
func NewTailer(log Log, broker *Broker, options TailerOptions) (*Tailer, error) {
	if options.Poll < 0 || options.Batch < 0 || options.LookTimeout < 0 {
		return nil, errors.New("tailer: poll, batch and look timeout must not be negative")
	}
	options.Poll = orDefault(options.Poll, 250*time.Millisecond)
	options.Batch = orDefault(options.Batch, 500)
	options.LookTimeout = orDefault(options.LookTimeout, 10*time.Second)
	options.Logger = orDefault(options.Logger, slog.Default())
	t := &Tailer{
		log: log, broker: broker, options: options,
		wake:  make(chan struct{}, 1),
		ready: make(chan struct{}),
		stale: map[string]bool{},
	}
	broker.wake = t.Wake
	return t, nil
}

// Wake says that there may be new events: call it right after a commit. It
// never blocks, and many calls during one look cause one more look, a few
// milliseconds later.
func (t *Tailer) Wake() {
	select {
	case t.wake <- struct{}{}:
	default:
	}
}

// Ready is closed once the tailer knows its place in the log: whatever is
// committed from then on reaches the broker.
func (t *Tailer) Ready() <-chan struct{} { return t.ready }

// LastLook is when the log was last read successfully, to its end or a part of the
// way, zero before the first time: whether the tailer goes on.
func (t *Tailer) LastLook() time.Time { return at(&t.looked) }

// LastEnd is when the log was last read to its end, zero before the first time. While
// all is well it is younger than the poll interval and a look together; its age is how
// far behind the log the subscribers may be.
func (t *Tailer) LastEnd() time.Time { return at(&t.ended) }

// at is the time of Unix nanoseconds; 0 is none.
func at(unixNano *atomic.Int64) time.Time {
	if ns := unixNano.Load(); ns != 0 {
		return time.Unix(0, ns)
	}
	return time.Time{}
}

// Run tails the log until ctx ends, and then returns nil. It recovers from
// every failure of the log by itself. Run only once.
func (t *Tailer) Run(ctx context.Context) error {
	if t.taken.Swap(true) {
		return errors.New("tailer: Run was called before")
	}
	var failing outage
	for ctx.Err() == nil {
		found, more, err := t.look(ctx)
		switch {
		case ctx.Err() != nil:
			// Whatever the look says, it was interrupted.
		case err != nil:
			pause(ctx, failing.next(t.options.Logger, err), nil)
		default:
			now := time.Now().UnixNano()
			t.looked.Store(now)
			if !more {
				t.ended.Store(now)
			}
			failing.over(t.options.Logger)
			switch {
			case more:
			case found:
				pause(ctx, rest, nil)
				pause(ctx, t.options.Poll-rest, t.wake)
			default:
				pause(ctx, t.options.Poll, t.wake)
			}
		}
	}
	return nil
}

// outage is a row of failed looks. The zero value is none.
type outage struct {
	since   time.Time
	backoff time.Duration
}

// next logs the first failure of an outage, and returns how long to wait.
func (o *outage) next(logger *slog.Logger, err error) time.Duration {
	if o.since.IsZero() {
		o.since = time.Now()
		logger.Error("the event log can't be read, trying again", "error", err)
	}
	o.backoff = min(max(2*o.backoff, firstBackoff), maxBackoff)
	return o.backoff/2 + rand.N(o.backoff/2)
}

// over ends the outage, if there is one.
func (o *outage) over(logger *slog.Logger) {
	if !o.since.IsZero() {
		logger.Info("the event log can be read again", "after", time.Since(o.since).String())
		*o = outage{}
	}
}

// look reads and publishes one batch, or finds the place to begin. It reports
// whether there were new events, and whether to look again at once.
func (t *Tailer) look(ctx context.Context) (found, more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, t.options.LookTimeout)
	defer cancel()
	if !t.started {
		return false, true, t.begin(ctx)
	}
	if err := t.checkEpoch(ctx); err != nil {
		return false, false, err
	}
	types := t.types()
	batch, err := t.log.Settled(ctx, t.from, types, t.options.Batch)
	if batch.Issued > 0 {
		// However the look ends: it may fail because somebody is writing still.
		defer func() { t.broker.stats.logLag.Store(max(batch.Issued-t.from, 0)) }()
	}
	if redline.HasCode(err, redline.CodeCursorExpired) {
		// What lies between was dropped while this process slept.
		t.started = false
		t.broker.reset()
		return false, false, fmt.Errorf("reading the events after %d: %w", t.from, err)
	}
	if err != nil {
		return false, false, t.goBack(fmt.Errorf("reading the events after %d: %w", t.from, err))
	}
	if batch.Epoch != 0 && batch.Epoch != t.broker.logID().epoch() {
		// A dump was restored under this session.
		t.started = false
		t.broker.reset()
		return false, false, errAnother
	}
	if batch.UpTo < t.delivered {
		// Nobody can be told what was changed in between: it isn't there.
		t.started = false
		t.broker.reset()
		return false, false, fmt.Errorf("reading the events after %d: settled up to %d: %w", t.from, batch.UpTo, errWentBack)
	}
	if batch.UpTo < t.from {
		// What was settled past the newest event no longer is: those ids may
		// come again, so look at them again.
		t.from = t.delivered
		t.broker.unsettle()
		return false, true, nil
	}
	for _, e := range batch.Events {
		if e.Kept != "" {
			t.stale[e.Kept] = true
		}
	}
	if err := t.refresh(ctx); err != nil {
		return false, false, t.goBack(err)
	}
	whole, err := t.publish(batch, types)
	if err != nil {
		return false, false, t.goBack(err)
	}
	if !whole {
		t.from, t.everything = t.delivered, true
		return false, true, nil
	}
	t.from, t.everything = max(batch.UpTo, t.delivered), false
	t.broker.settle(t.from)
	return batch.Newest > 0, batch.More, nil
}

// types are the types of events to ask for: what subscribers want, and what the
// gateway needs for itself.
func (t *Tailer) types() []string {
	types := t.broker.interest()
	if t.everything {
		types = slices.Collect(maps.Keys(told))
	}
	for _, k := range t.options.Kept {
		types = append(types, k.Event)
	}
	return types
}

// publish publishes a batch that was read with these types, and moves the head
// past what nobody wants. It returns false where a subscriber came meanwhile
// who wants other types: it has been told that it gets all that is behind the
// head, so the rest of the batch has to be read again.
func (t *Tailer) publish(batch redline.EventBatch, types []string) (whole bool, err error) {
	for _, e := range batch.Events {
		if e.ID <= t.delivered {
			return false, fmt.Errorf("reading the events after %d: event %d came after %d", t.from, e.ID, t.delivered)
		}
		if !t.broker.Publish(e, types) {
			return false, nil
		}
		t.delivered = e.ID
	}
	if batch.Newest > t.delivered {
		if !t.broker.Publish(&redline.Event{ID: batch.Newest}, types) {
			return false, nil
		}
		t.delivered = batch.Newest
	}
	return true, nil
}

// goBack is for a look that failed: it forgets what was settled without an
// event, and no longer trusts what is kept in memory.
func (t *Tailer) goBack(err error) error {
	t.from, t.doubt = t.delivered, true
	t.distrust()
	t.broker.unsettle()
	return err
}

// checkEpoch asks, after a failure, whether the log is still the same. Where it
// isn't, everybody has to begin again.
func (t *Tailer) checkEpoch(ctx context.Context) error {
	if !t.doubt {
		return nil
	}
	epoch, err := t.log.Epoch(ctx)
	if err != nil {
		return fmt.Errorf("reading which event log this is: %w", err)
	}
	t.doubt = false
	if epoch != t.broker.logID().epoch() {
		t.started = false
		t.broker.reset()
		return errAnother
	}
	return nil
}

// distrust says that all that is kept in memory may have changed.
func (t *Tailer) distrust() {
	for _, k := range t.options.Kept {
		t.stale[k.Event] = true
	}
}

// refresh has read anew what may have changed. What it causes to be read is the
// state after all events that were visible before the call. What fails keeps nothing
// else from being read.
func (t *Tailer) refresh(ctx context.Context) error {
	var failed []error
	for _, k := range t.options.Kept {
		if !t.stale[k.Event] {
			continue
		}
		if err := k.Refresh(ctx); err != nil {
			failed = append(failed, fmt.Errorf("reading anew what %s is about, after event %d: %w", k.Event, t.delivered, err))
			continue
		}
		delete(t.stale, k.Event)
	}
	return errors.Join(failed...)
}

// begin takes the newest event as the place to go on from.
func (t *Tailer) begin(ctx context.Context) error {
	epoch, err := t.log.Epoch(ctx)
	if err != nil {
		return fmt.Errorf("reading which event log this is: %w", err)
	}
	newest, err := t.log.Newest(ctx)
	if err != nil {
		return fmt.Errorf("reading the newest event's id: %w", err)
	}
	t.distrust()
	if err := t.refresh(ctx); err != nil {
		return err
	}
	t.from, t.delivered, t.started, t.doubt = newest, newest, true, false
	t.broker.start(newest, epoch)
	t.ended.Store(time.Now().UnixNano()) // of what is before it nobody is to be told
	select {
	case <-t.ready:
	default:
		close(t.ready)
	}
	return nil
}

// pause waits for the duration, for ctx, or for a signal if there is one.
func pause(ctx context.Context, d time.Duration, signal <-chan struct{}) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-signal:
	case <-ctx.Done():
	}
}

// orDefault is v, or the default where v is zero.
func orDefault[T comparable](v, otherwise T) T {
	var zero T
	if v == zero {
		return otherwise
	}
	return v
}
