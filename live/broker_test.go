package live_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"redline"
	"redline/live"
)

func newBroker(t interface{ Fatal(...any) }, queue int) *live.Broker {
	broker, err := live.NewBroker(live.BrokerOptions{Queue: queue, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	return broker
}

func all(*redline.Event) bool { return true }

// levels are all the types of events that these tests publish.
var levels = []string{redline.EventLevel}

// levelEvent is an event of some level.
func levelEvent(id int64) *redline.Event {
	return &redline.Event{ID: id, Level: &redline.LevelEvent{}}
}

// Every subscriber gets the events that it wants, all of them from when it came
// to when it left, once and in order.
func TestEverySubscriberGetsItsEventsInOrder(t *testing.T) {
	t.Parallel()
	type subscriber struct {
		every  int64
		cancel context.CancelFunc
		events <-chan *redline.Event
		want   []int64
		left   bool
	}
	rapid.Check(t, func(t *rapid.T) {
		broker := newBroker(t, 0)
		defer broker.Close()
		var subscribers []*subscriber
		var head int64
		t.Repeat(map[string]func(*rapid.T){
			"subscribe": func(t *rapid.T) {
				s := &subscriber{every: rapid.Int64Range(1, 4).Draw(t, "every")}
				var ctx context.Context
				ctx, s.cancel = context.WithCancel(context.Background())
				var err error
				s.events, err = broker.Subscribe(ctx, redline.EventLevel, func(e *redline.Event) bool { return e.ID%s.every == 0 })
				if err != nil {
					t.Fatal(err)
				}
				subscribers = append(subscribers, s)
			},
			"publish": func(t *rapid.T) {
				head += rapid.Int64Range(1, 3).Draw(t, "gap")
				broker.Publish(levelEvent(head), levels)
				if broker.Head() != head {
					t.Fatalf("the head is %d after %d", broker.Head(), head)
				}
				for _, s := range subscribers {
					if !s.left && head%s.every == 0 {
						s.want = append(s.want, head)
					}
				}
			},
			"read": func(t *rapid.T) {
				if len(subscribers) == 0 {
					return
				}
				s := subscribers[rapid.IntRange(0, len(subscribers)-1).Draw(t, "reader")]
				for n := rapid.IntRange(0, len(s.want)).Draw(t, "events"); n > 0 && !s.left; n-- {
					if e := <-s.events; e.ID != s.want[0] {
						t.Fatalf("got event %d, want %d", e.ID, s.want[0])
					}
					s.want = s.want[1:]
				}
			},
			"leave": func(t *rapid.T) {
				if len(subscribers) == 0 {
					return
				}
				s := subscribers[rapid.IntRange(0, len(subscribers)-1).Draw(t, "leaver")]
				s.cancel()
				s.left = true
				got := drained(s.events)
				if len(got) > len(s.want) || !slices.Equal(got, s.want[:len(got)]) {
					t.Fatalf("while leaving got %v of %v", got, s.want)
				}
				s.want = nil
			},
		})
		for _, s := range subscribers {
			for ; !s.left && len(s.want) > 0; s.want = s.want[1:] {
				if e := <-s.events; e.ID != s.want[0] {
					t.Fatalf("got event %d, want %d", e.ID, s.want[0])
				}
			}
			s.cancel()
			if rest := drained(s.events); len(rest) > 0 {
				t.Fatalf("beyond what was wanted came %v", rest)
			}
		}
	})
}

// drained reads until the channel closes.
func drained(events <-chan *redline.Event) (ids []int64) {
	for e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

func TestAFullQueueCutsOffItsSubscriberAlone(t *testing.T) {
	t.Parallel()
	const queue = 3
	broker := newBroker(t, queue)
	defer broker.Close()
	slow, err := broker.Subscribe(t.Context(), redline.EventLevel, all)
	if err != nil {
		t.Fatal(err)
	}
	fast, err := broker.Subscribe(t.Context(), redline.EventLevel, all)
	if err != nil {
		t.Fatal(err)
	}
	const total = 10
	for id := int64(1); id <= total; id++ {
		broker.Publish(levelEvent(id), levels)
		if e := await(t, fast, "the fast one's event"); e == nil || e.ID != id {
			t.Fatalf("the fast one got %v, want %d", e, id)
		}
	}
	// One more than the queue may be on its way to the channel. What comes is
	// the beginning, without a gap.
	got := drained(slow)
	if len(got) > queue+1 {
		t.Errorf("the slow one got %v", got)
	}
	for i, id := range got {
		if id != int64(i+1) {
			t.Errorf("the slow one got %v", got)
		}
	}
}

func TestASubscriptionEndsWithItsContext(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	defer broker.Close()
	ctx, cancel := context.WithCancel(t.Context())
	events, err := broker.Subscribe(ctx, redline.EventLevel, all)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	drained(events)
	if _, err := broker.Subscribe(ctx, redline.EventLevel, all); !errors.Is(err, context.Canceled) {
		t.Errorf("subscribing with a context that has ended: %v", err)
	}
	broker.Publish(levelEvent(1), levels)
}

func TestCloseEndsEverySubscription(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	var open []<-chan *redline.Event
	for range 5 {
		events, err := broker.Subscribe(t.Context(), redline.EventLevel, all)
		if err != nil {
			t.Fatal(err)
		}
		open = append(open, events)
	}
	broker.Publish(levelEvent(1), levels)
	broker.Close()
	for _, events := range open {
		if got := drained(events); len(got) > 0 {
			t.Errorf("a closed subscription still gave %v", got)
		}
	}
	if _, err := broker.Subscribe(t.Context(), redline.EventLevel, all); !errors.Is(err, live.ErrClosed) {
		t.Errorf("subscribing to a closed broker: %v", err)
	}
	broker.Close()
}

func TestAFilterThatPanicsEndsItsSubscriberAlone(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	defer broker.Close()
	bad, err := broker.Subscribe(t.Context(), redline.EventLevel, func(*redline.Event) bool { panic("no") })
	if err != nil {
		t.Fatal(err)
	}
	good, err := broker.Subscribe(t.Context(), redline.EventLevel, all)
	if err != nil {
		t.Fatal(err)
	}
	broker.Publish(levelEvent(1), levels)
	if e := await(t, good, "the event"); e.ID != 1 {
		t.Errorf("got event %d", e.ID)
	}
	if got := drained(bad); len(got) > 0 {
		t.Errorf("the bad one got %v", got)
	}
}
