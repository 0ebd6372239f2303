package live

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"

	"redline"
)

// History reads what is settled of the event log, for those who come with a
// cursor. The store implements it.
type History interface {
	// EventsBetween returns the events of these types behind after and up to
	// upTo, which is settled, by id: at most limit, and the position up to which
	// that is all. Where the log no longer reaches back to after it is a
	// redline.Error CURSOR_EXPIRED, and never a part of them.
	EventsBetween(ctx context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error)
	// LastIssued is the newest id that the log has given out, 0 before the first.
	LastIssued(ctx context.Context) (int64, error)
}

// BrokerOptions tune a Broker. The zero value of each means its default, but for
// History, which is required.
type BrokerOptions struct {
	History History
	// CatchUps is how many operations may be reading the log at once, to be told
	// what they missed; the others wait. Default 4.
	CatchUps int
	// MaxGroups is how many different subscriptions may be executed, however many
	// watch each of them: those of who may see the same and asks for the same are one.
	// One more gets an error with the code UNAVAILABLE. Default 50,000.
	MaxGroups int
	// Tracer makes the way of an event whose trace is recorded spans of that trace.
	// Nil makes none.
	Tracer trace.Tracer
	// Logger is told of panics in live operations. Default slog.Default().
	Logger *slog.Logger
}

// Broker hands each published event to the live operations that it concerns.
// Each of them tells all of its events, in the order in which they were
// published, until its reader is cut off; none ever waits for another, nor the
// publisher for any.
type Broker struct {
	options BrokerOptions
	// head is the id of the newest event that every group's queue has.
	head atomic.Int64
	// settled is the position up to which nothing is still to come: the head, or
	// past ids that were never used.
	settled atomic.Int64
	// log is a logID: which log these are positions of.
	log atomic.Uint64
	// wake asks the tailer to look.
	wake  func()
	stats stats

	mu     sync.Mutex
	groups map[groupKey]*group
	// snapshots are those that are being read, or were just now.
	snapshots map[groupKey]*snapshot
	index     index
	closed    bool
	// begun is closed while the place in the log is known, and open where it isn't
	// yet, or the log has turned out to be another one.
	begun chan struct{}
	// moved is closed, and made anew, when settled moves or the log is another one;
	// nil where nobody waits.
	moved chan struct{}

	// ctx ends with the broker.
	ctx    context.Context //nolint:containedctx // It is the broker's lifetime.
	cancel context.CancelFunc
	// running are the groups' goroutines.
	running  sync.WaitGroup
	catchUps chan struct{}
}

// NewBroker makes a broker that nobody follows.
func NewBroker(options BrokerOptions) (*Broker, error) {
	if options.History == nil {
		return nil, errors.New("broker: a History is required")
	}
	if options.CatchUps < 0 || options.MaxGroups < 0 {
		return nil, errors.New("broker: CatchUps and MaxGroups must not be negative")
	}
	options.MaxGroups = orDefault(options.MaxGroups, 50_000)
	options.CatchUps = orDefault(options.CatchUps, 4)
	options.Logger = orDefault(options.Logger, slog.Default())
	if options.Tracer == nil {
		options.Tracer = noop.NewTracerProvider().Tracer("")
	}
	b := &Broker{
		options: options, begun: make(chan struct{}), wake: func() {},
		groups: map[groupKey]*group{}, snapshots: map[groupKey]*snapshot{}, index: newIndex(), catchUps: make(chan struct{}, options.CatchUps),
	}
	b.ctx, b.cancel = context.WithCancel(context.Background())
	return b, nil
}

// logID tells one log from another that this process has followed: by the epoch
// that its cursors have, and, should that be the same though ids went back, by how
// often the process has begun anew.
type logID uint64

func (l logID) epoch() uint32 { return uint32(l >> 32) }

func (b *Broker) logID() logID { return logID(b.log.Load()) }

// Head is the id of the newest event published, or where the log began for
// this process. Whoever resumes from it misses nothing that is yet to come.
func (b *Broker) Head() int64 { return b.head.Load() }

// Cursor writes an event's position for clients.
func (b *Broker) Cursor(id int64) string {
	return redline.Cursor{Epoch: b.logID().epoch(), ID: id}.String()
}

// told are the types of events that live operations tell of.
var told = map[string]bool{redline.EventLevel: true, redline.EventOrder: true, redline.EventConflict: true}

// interest returns the types of events that somebody wants.
func (b *Broker) interest() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.index.types))
}

// Publish hands the event to all whom it concerns, and moves the head on to it.
// read are the types of events that were looked for between the head and this
// event. If somebody wants a type that is not among them, having come after the
// looking began, Publish does nothing and returns false: what lies behind the
// head is to be read again. Call it from one goroutine, with ids that rise; the
// event must have been visible in the log. One without content only moves the
// head.
func (b *Broker) Publish(e *redline.Event, read []string) bool {
	before := b.head.Load()
	b.mu.Lock()
	defer b.mu.Unlock()
	for wanted := range b.index.types {
		if !slices.Contains(read, wanted) {
			return false
		}
	}
	if told[e.Type()] {
		b.stats.events.Add(1)
		var traced *tracedEvent
		if e.Trace != "" {
			traced = b.trace(e)
			defer traced.span.End()
		}
		b.index.each(e, func(g *group) { g.offer(pending{event: e, before: before, traced: traced}) })
	}
	// Only now, so that whoever reads the head and then finds a group with nothing
	// to tell knows that nothing up to the head is still to come.
	b.head.Store(e.ID)
	b.settleLocked(e.ID)
	return true
}

// settle says that nothing up to a position is still to come.
func (b *Broker) settle(upTo int64) {
	if upTo <= b.settled.Load() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settleLocked(upTo)
}

func (b *Broker) settleLocked(upTo int64) {
	b.settled.Store(max(upTo, b.settled.Load()))
	b.tellMoved()
}

// unsettle says that no more is known than that the head is settled: ids behind it
// that were never used may be given out again.
func (b *Broker) unsettle() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.settled.Store(b.head.Load())
}

// tellMoved has everybody look who waits for settled to move. The caller holds mu.
func (b *Broker) tellMoved() {
	if b.moved != nil {
		close(b.moved)
		b.moved = nil
	}
}

// awaitSettled waits until nothing up to a position of a log is still to come.
func (b *Broker) awaitSettled(ctx context.Context, upTo int64, log logID) error {
	for {
		b.mu.Lock()
		if !b.knowsPlace() || b.logID() != log {
			b.mu.Unlock()
			return redline.CursorExpired()
		}
		if b.settled.Load() >= upTo {
			b.mu.Unlock()
			return nil
		}
		if b.moved == nil {
			b.moved = make(chan struct{})
		}
		moved := b.moved
		b.mu.Unlock()
		b.wake()
		select {
		case <-moved:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// start sets the head to where the tailer begins, in which log.
func (b *Broker) start(head int64, epoch uint32) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.log.Store(uint64(epoch)<<32 | uint64(uint32(b.log.Load())+1))
	b.head.Store(head)
	b.settled.Store(head)
	if !b.knowsPlace() {
		close(b.begun)
	}
}

// knowsPlace reports whether the place in the log is known. The caller holds mu.
func (b *Broker) knowsPlace() bool {
	select {
	case <-b.begun:
		return true
	default:
		return false
	}
}

// awaitPlace waits until the place in the log is known, and returns which log that
// is.
func (b *Broker) awaitPlace(ctx context.Context) (log logID, err error) {
	b.mu.Lock()
	begun := b.begun
	b.mu.Unlock()
	select {
	case <-begun:
		return b.logID(), nil
	case <-ctx.Done():
		return 0, context.Cause(ctx)
	}
}

// reset ends all live operations because the log is not the one it was: what
// they were told is no beginning of what they would be told. Who comes now waits
// until start says where the other one begins.
func (b *Broker) reset() {
	b.mu.Lock()
	if b.knowsPlace() {
		b.begun = make(chan struct{})
	}
	b.tellMoved()
	clear(b.snapshots)
	b.mu.Unlock()
	for _, g := range b.all() {
		g.fail(redline.CursorExpired())
	}
}

// Close ends all live operations and waits for their goroutines. Clients with
// one of them were to be told to come back before.
func (b *Broker) Close() {
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.cancel()
	for _, g := range b.all() {
		b.retire(g)
	}
	b.running.Wait()
}

func (b *Broker) all() []*group {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Values(b.groups))
}

// errClosed is a broker that takes nobody on any more.
var errClosed = redline.Errorf(redline.CodeUnavailable, nil, "the gateway is stopping: come back in a moment")

// join makes an operation a member of its group, which is made where there is
// none. From then on it is told of all that is published behind the head, or
// behind its own position where that is further. join returns that head. log is the one
// in which it stands.
func (b *Broker) join(op *operation, x *execution, from int64, log logID) (head int64, err error) {
	p := redline.PrincipalFrom(x.ctx)
	key, err := keyOf(x, p)
	if err != nil {
		return 0, err
	}
	var made *group
	for {
		b.mu.Lock()
		if b.closed || !b.knowsPlace() || b.logID() != log {
			err = redline.CursorExpired()
			if b.closed {
				err = errClosed
			}
			b.mu.Unlock()
			return 0, err
		}
		g := b.groups[key]
		if g == nil && len(b.groups) >= b.options.MaxGroups {
			b.mu.Unlock()
			return 0, errTooManyGroups
		}
		if g == nil {
			if g = made; g != nil {
				b.groups[key] = g
				b.index.add(g)
			}
		}
		if g != nil {
			head = b.head.Load()
			here := op.joined(g)
			joined := here && g.add(op, max(from, head))
			if !joined && (here || g.empty()) {
				b.forget(g) // it has failed, or is nobody's
			}
			b.mu.Unlock()
			switch {
			case joined:
				return head, nil
			case !here:
				return 0, errEnded
			}
			made = nil
			continue
		}
		b.mu.Unlock()
		if made, err = b.newGroup(key, x, p); err != nil {
			return 0, err
		}
	}
}

// errTooManyGroups is what one more subscription is told that nobody else has.
var errTooManyGroups = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: 10 * time.Second,
	Message: "too many different subscriptions are running at this gateway; try again later",
}

// newGroup begins the operation once more, on the group's own behalf.
func (b *Broker) newGroup(key groupKey, x *execution, p redline.Principal) (*group, error) {
	own, err := b.another(x, p)
	if err != nil {
		return nil, err
	}
	return newGroup(b, key, own), nil
}

// another begins an operation once more, on behalf of all who are like the
// principal. It ends with the broker.
func (b *Broker) another(x *execution, p redline.Principal) (*execution, error) {
	own, refused := x.again(redline.WithPrincipal(redline.WithRequestID(b.ctx, redline.RequestIDFrom(x.ctx)), p))
	if refused != nil {
		return nil, refused
	}
	return own, nil
}

// leave takes an operation out of its group.
func (b *Broker) leave(op *operation, g *group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if g.remove(op) == 0 {
		b.forget(g)
	}
}

// retire forgets a group: who comes with its key makes another one.
func (b *Broker) retire(g *group) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(g)
}

// forget takes a group out, if it is there still. The caller holds mu.
func (b *Broker) forget(g *group) {
	if b.groups[g.key] == g {
		delete(b.groups, g.key)
		b.index.remove(g)
	}
}
