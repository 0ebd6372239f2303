package live

import (
	"context"
	"runtime/debug"
	"sync"

	"redline"
)

// ending is why the broker ended a subscription by itself.
type ending int

const (
	endSlow     ending = iota // its queue overflowed
	endClosed                 // the broker was closed
	endReset                  // the log is another one than before
	endPanicked               // its filter panicked
)

// maxInHand is how many events a resolver may hold that it has not answered
// yet. The pipeline behind it holds two or three; where there are more the
// resolver leaves events out, and the oldest count as answered.
const maxInHand = 64

// pending is an event that a subscriber is still to be told of.
type pending struct {
	event *redline.Event
	// before is the id of the event published before it: a subscriber that was
	// told of all its events before this one can resume from there.
	before int64
}

// subscription is one subscriber of a broker, with its queue. Its goroutine
// pumps the queue into the channel that Subscribe returned.
type subscription struct {
	broker    *Broker
	eventType string
	want      func(*redline.Event) bool
	// operation is the websocket operation that it belongs to, or nil.
	operation *operation
	out       chan *redline.Event
	wake      chan struct{} // one place: the queue has something
	cut       chan struct{} // closed by end

	mu sync.Mutex
	// pending holds the events not yet answered, oldest first. The first
	// inHand of them are with the resolver, the others wait in the queue.
	// Without an operation nobody answers, and inHand stays 0.
	pending []pending
	inHand  int
	once    sync.Once
}

// wants asks the subscriber, and survives it.
func (s *subscription) wants(e *redline.Event) (wanted, panicked bool) {
	defer func() {
		if r := recover(); r != nil {
			s.broker.options.Logger.Error("a subscriber's filter panicked",
				"panic", r, "event", e.ID, "stack", string(debug.Stack()))
			wanted, panicked = false, true
		}
	}()
	return s.want(e), false
}

// offer queues an event, and reports false where the queue was full: then the
// subscription has to be ended. The event is kept even so, since nobody who
// resumes may skip it.
func (s *subscription) offer(p pending) bool {
	s.mu.Lock()
	full := len(s.pending)-s.inHand >= s.broker.options.Queue
	s.pending = append(s.pending, p)
	s.mu.Unlock()
	if full {
		return false
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return true
}

// pump moves events from the queue to the channel until ctx ends or the
// subscription is cut.
func (s *subscription) pump(ctx context.Context) {
	defer s.broker.pumps.Done()
	defer close(s.out)
	defer s.broker.remove(s)
	for {
		e := s.take()
		if e == nil {
			select {
			case <-s.wake:
			case <-s.cut:
				return
			case <-ctx.Done():
				return
			}
			continue
		}
		select {
		case s.out <- e:
		case <-s.cut:
			return
		case <-ctx.Done():
			return
		}
	}
}

// take returns the next event of the queue, or nil. With an operation the
// event counts as in the resolver's hand from now on: the answer may come
// before the pump runs again.
func (s *subscription) take() *redline.Event {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inHand == len(s.pending) {
		return nil
	}
	e := s.pending[s.inHand].event
	if s.operation == nil {
		s.drop()
		return e
	}
	s.inHand++
	if s.inHand > maxInHand {
		s.inHand--
		s.drop()
	}
	return e
}

// answered says that the client's queue has the answer to the oldest event in
// the resolver's hand.
func (s *subscription) answered() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.inHand > 0 {
		s.inHand--
		s.drop()
	}
}

// drop forgets the oldest pending event, and lets go of the memory of a queue
// that became empty. The caller holds mu.
func (s *subscription) drop() {
	s.pending[0] = pending{}
	s.pending = s.pending[1:]
	if len(s.pending) == 0 {
		s.pending = nil
	}
}

// position is the id of the event from which the subscriber can resume, given
// the broker's head as it was before the call.
func (s *subscription) position(head int64) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.pending) > 0 {
		return s.pending[0].before
	}
	return head
}

// end cuts the subscription. Its socket hears of it first, so that an operation
// whose stream was cut never looks like one that came to its end.
func (s *subscription) end(why ending) {
	s.once.Do(func() {
		if s.operation != nil {
			s.operation.streamEnded(why)
		}
		close(s.cut)
	})
}
