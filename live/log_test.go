package live_test

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"redline"
)

// outageLog is an event log in memory, whose outages happen when a test wants
// them to. It stands in for the store's, both for the tailer and for who catches
// up; that the real one settles is tested with the store.
type outageLog struct {
	mu      sync.Mutex
	events  []int64
	orders  []int64 // those of the events that are orders'
	places  []int64 // and those that tell of places
	clients []int64 // and those that tell of clients
	settled int64   // 0: the newest event
	epoch   uint32  // 0: the usual one
	err     error
	hangs   bool
	calls   []int64     // the positions that Settled was asked for
	when    []time.Time // when it was asked for them, or for its epoch
	types   []string    // those that the last look asked for
	looking func()      // is called while a look is under way

	floor   int64   // what is at or before it is gone
	issued  int64   // the newest id given out; 0: the newest event
	history error   // what who catches up gets instead of an answer
	reads   []int64 // the positions that EventsBetween was asked for
	reading func()  // is called before a read for who catches up
}

func (l *outageLog) Newest(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest(), l.err
}

func (l *outageLog) Epoch(context.Context) (uint32, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.when = append(l.when, time.Now())
	return cmp.Or(l.epoch, epoch), l.err
}

func (l *outageLog) newest() int64 {
	if len(l.events) == 0 {
		return 0
	}
	return l.events[len(l.events)-1]
}

func (l *outageLog) Settled(ctx context.Context, after int64, types []string, limit int) (redline.EventBatch, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.calls, l.when, l.types = append(l.calls, after), append(l.when, time.Now()), types
	if l.looking != nil {
		l.looking()
	}
	if l.hangs {
		l.mu.Unlock()
		<-ctx.Done()
		l.mu.Lock()
		return redline.EventBatch{}, ctx.Err()
	}
	if l.err != nil {
		return redline.EventBatch{}, l.err
	}
	return l.between(after, max(l.settled, l.newest()), types, limit), nil
}

func (l *outageLog) EventsBetween(_ context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error) {
	l.mu.Lock()
	reading := l.reading
	l.mu.Unlock()
	if reading != nil {
		reading()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.reads = append(l.reads, after)
	switch {
	case l.history != nil:
		return redline.EventBatch{}, l.history
	case after < l.floor:
		return redline.EventBatch{}, redline.Errorf(redline.CodeCursorExpired, nil, "the log begins after %d", l.floor)
	}
	return l.between(after, upTo, types, limit), nil
}

func (l *outageLog) LastIssued(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return max(l.issued, l.newest()), l.history
}

// between is what there is behind a position, up to another. The caller holds mu.
func (l *outageLog) between(after, upTo int64, types []string, limit int) redline.EventBatch {
	batch := redline.EventBatch{UpTo: upTo, Issued: max(l.issued, l.newest()), Epoch: cmp.Or(l.epoch, epoch)}
	// A log may be out of order, where a test wants it to.
	for _, id := range l.events {
		if id <= after || id > upTo {
			continue
		}
		batch.Newest = id
		e := l.event(id)
		if !slices.Contains(types, e.Type()) {
			continue
		}
		batch.Events = append(batch.Events, e)
		if len(batch.Events) == limit {
			batch.UpTo, batch.More = id, true
			break
		}
	}
	return batch
}

// event is the event with an id: of a level, but where it is said otherwise.
func (l *outageLog) event(id int64) *redline.Event {
	switch {
	case slices.Contains(l.orders, id):
		return orderEvent(id)
	case slices.Contains(l.places, id):
		return &redline.Event{ID: id, Kept: redline.EventPlaces}
	case slices.Contains(l.clients, id):
		return &redline.Event{ID: id, Kept: redline.EventClients}
	default:
		return levelEvent(id)
	}
}

// subjects is how many levels there are: an event's id says which it tells of.
const subjects = 10

func levelID(id int64) string   { return fmt.Sprint("lvl-", id%subjects) }
func productID(id int64) string { return fmt.Sprint("prd-", id%subjects) }

// levelEvent is an event of the level and the product that its id says, committed
// in a transaction of the same number.
func levelEvent(id int64) *redline.Event {
	return &redline.Event{ID: id, Xid: uint64(id), Level: &redline.LevelEvent{
		Level: redline.InventoryLevel{ID: levelID(id), ProductID: productID(id)},
	}}
}

// orderEvent is an event of an order that has two products, the one that its id
// says and the next.
func orderEvent(id int64) *redline.Event {
	return &redline.Event{ID: id, Xid: uint64(id), Order: &redline.OrderEvent{Order: redline.Order{
		ID: fmt.Sprint("ord-", id), Lines: []*redline.OrderLine{{ProductID: productID(id)}, {ProductID: productID(id + 1)}},
	}}}
}

// change changes the log while nobody reads it.
func (l *outageLog) change(f func(*outageLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

// add adds events.
func (l *outageLog) add(ids ...int64) {
	l.change(func(l *outageLog) { l.events = append(l.events, ids...) })
}

// asked returns the positions asked for since the last call.
func (l *outageLog) asked() (calls []int64) {
	l.change(func(l *outageLog) { calls, l.calls, l.when = l.calls, nil, nil })
	return calls
}

// unavailable is what the store says while the database can't be reached.
func unavailable() error {
	return redline.Errorf(redline.CodeUnavailable, nil, "the database can't be reached")
}

// upTo are the ids from one to another.
func upTo(from, to int64) (ids []int64) {
	for id := from; id <= to; id++ {
		ids = append(ids, id)
	}
	return ids
}
