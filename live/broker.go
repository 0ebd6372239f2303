package live

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"sync/atomic"

	"redline"
)

// ErrClosed is returned by Subscribe after Close.
var ErrClosed = errors.New("the broker is closed")

// BrokerOptions tune a Broker. The zero value of each means its default.
type BrokerOptions struct {
	// Queue is how many events may wait for one subscriber. The one that
	// doesn't fit cuts it off. Default 1,000. An empty queue costs nothing.
	Queue int
	// Logger is told of panics in subscribers' filters. Default slog.Default().
	Logger *slog.Logger
}

// Broker hands each published event to the subscribers that want it. Every
// subscriber gets all of its events in the order in which they were published,
// until it is cut off; none ever waits for another, nor the publisher for any.
type Broker struct {
	options BrokerOptions
	// head is the id of the newest event that every subscriber's queue has.
	head atomic.Int64

	mu sync.Mutex
	// subscribers are the subscribers by the type of events that they want; a
	// type that nobody wants isn't there.
	subscribers map[string]map[*subscription]struct{}
	closed      bool
	pumps       sync.WaitGroup
}

// NewBroker makes a broker without subscribers.
func NewBroker(options BrokerOptions) (*Broker, error) {
	if options.Queue < 0 {
		return nil, errors.New("broker: the queue must not be negative")
	}
	options.Queue = orDefault(options.Queue, 1000)
	options.Logger = orDefault(options.Logger, slog.Default())
	return &Broker{options: options, subscribers: map[string]map[*subscription]struct{}{}}, nil
}

// Head is the id of the newest event published, or where the log began for
// this process. Whoever resumes from it misses nothing that is yet to come.
func (b *Broker) Head() int64 { return b.head.Load() }

// told are the types of events that subscribers are told of.
var told = []string{redline.EventLevel, redline.EventOrder, redline.EventConflict}

// Subscribe returns a channel with every event of one type, redline.EventLevel,
// redline.EventOrder or redline.EventConflict, for which want returns true: of
// those behind the head all, of those up to it none. The channel closes when ctx
// ends, when the broker closes, and when the subscriber is cut off because it let
// its queue overflow. The events are shared: they are not to be changed.
//
// want is called in the publisher's goroutine, under the broker's lock, with
// events of that type alone: it has to be cheap and must not call the broker.
// If it panics, only its own subscriber ends.
//
// If ctx belongs to an operation on a WebSocket, being cut off closes the
// socket with 4013 and the cursor to resume from; see the package on what the
// resolver owes for that.
func (b *Broker) Subscribe(ctx context.Context, eventType string, want func(*redline.Event) bool) (<-chan *redline.Event, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("subscribing: %w", err)
	}
	if !slices.Contains(told, eventType) {
		return nil, fmt.Errorf("subscribing: nobody is told of events of the type %q", eventType)
	}
	s := &subscription{
		broker: b, eventType: eventType, want: want, operation: operationFrom(ctx),
		out:  make(chan *redline.Event),
		wake: make(chan struct{}, 1),
		cut:  make(chan struct{}),
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, fmt.Errorf("subscribing: %w", ErrClosed)
	}
	if s.operation != nil {
		s.operation.follow(s)
	}
	if b.subscribers[eventType] == nil {
		b.subscribers[eventType] = map[*subscription]struct{}{}
	}
	b.subscribers[eventType][s] = struct{}{}
	b.pumps.Add(1)
	go s.pump(ctx)
	return s.out, nil
}

// interest returns the types of events that somebody wants.
func (b *Broker) interest() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Collect(maps.Keys(b.subscribers))
}

// Publish hands the event to all who want it, and moves the head on to it. read
// are the types of events that were looked for between the head and this event.
// If somebody wants a type that is not among them, having come after the
// looking began, Publish does nothing and returns false: what lies behind the
// head is to be read again. Call it from one goroutine, with ids that rise; the
// event must have been visible in the log. One without content only moves the
// head.
func (b *Broker) Publish(e *redline.Event, read []string) bool {
	before := b.head.Load()
	var slow, panicked []*subscription
	b.mu.Lock()
	for wanted := range b.subscribers {
		if !slices.Contains(read, wanted) {
			b.mu.Unlock()
			return false
		}
	}
	for s := range b.subscribers[e.Type()] {
		wanted, failed := s.wants(e)
		switch {
		case failed:
			panicked = append(panicked, s)
			b.forget(s)
		case wanted && !s.offer(pending{event: e, before: before}):
			slow = append(slow, s)
			b.forget(s)
		}
	}
	// Only now, so that whoever reads the head and then finds a queue empty
	// knows that nothing up to the head is still to come.
	b.head.Store(e.ID)
	b.mu.Unlock()
	for _, s := range slow {
		s.end(endSlow)
	}
	for _, s := range panicked {
		s.end(endPanicked)
	}
	return true
}

// Close ends all subscriptions and waits for their goroutines. Sockets with
// one of them are told to come back, with 1012.
func (b *Broker) Close() {
	b.endAll(endClosed, true)
	b.pumps.Wait()
}

// start sets the head to where the tailer begins.
func (b *Broker) start(head int64) { b.head.Store(head) }

// reset ends all subscriptions because the log is not the one it was: what
// they were told is no beginning of what they would be told.
func (b *Broker) reset() {
	b.endAll(endReset, false)
}

func (b *Broker) endAll(why ending, closing bool) {
	b.mu.Lock()
	b.closed = b.closed || closing
	all := b.subscribers
	b.subscribers = map[string]map[*subscription]struct{}{}
	b.mu.Unlock()
	for _, group := range all {
		for s := range group {
			s.end(why)
		}
	}
}

func (b *Broker) remove(s *subscription) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.forget(s)
}

// forget takes a subscriber out, if it is there still. The caller holds mu.
func (b *Broker) forget(s *subscription) {
	group := b.subscribers[s.eventType]
	delete(group, s)
	if len(group) == 0 {
		delete(b.subscribers, s.eventType)
	}
}
