package live_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

func TestNobodyIsToldOfPlaces(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	defer broker.Close()
	for _, of := range []string{"", redline.EventPlaces, "product.changed"} {
		if _, err := broker.Subscribe(t.Context(), of, all); err == nil {
			t.Errorf("subscribed to events of the type %q", of)
		}
	}
}

func TestASubscriberGetsEventsOfItsTypeAlone(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	defer broker.Close()
	want := func(e *redline.Event) bool { return e.Order.Order.ID != "" } // of a level it would panic
	orders, err := broker.Subscribe(t.Context(), redline.EventOrder, want)
	if err != nil {
		t.Fatal(err)
	}
	conflicts, err := broker.Subscribe(t.Context(), redline.EventConflict, func(e *redline.Event) bool { return e.Conflict.VisibleTo(redline.System()) })
	if err != nil {
		t.Fatal(err)
	}
	those := []string{redline.EventLevel, redline.EventOrder, redline.EventConflict}
	for _, e := range []*redline.Event{
		levelEvent(1), {ID: 2, Order: &redline.OrderEvent{}}, {ID: 3, Places: true}, {ID: 4},
		{ID: 5, Order: &redline.OrderEvent{Order: redline.Order{ID: "ord"}}}, {ID: 6, Conflict: &redline.ConflictEvent{}},
	} {
		if !broker.Publish(e, those) || broker.Head() != e.ID {
			t.Errorf("event %d was not published", e.ID)
		}
	}
	if e := await(t, orders, "the order's event"); e.ID != 5 {
		t.Errorf("got event %d", e.ID)
	}
	if e := await(t, conflicts, "the conflict's event"); e.ID != 6 {
		t.Errorf("got event %d", e.ID)
	}
}

// What was not looked for isn't passed over once somebody wants it.
func TestWhatWasReadForTooFewIsNotPublished(t *testing.T) {
	t.Parallel()
	broker := newBroker(t, 0)
	defer broker.Close()
	if !broker.Publish(levelEvent(1), nil) {
		t.Error("with nobody there an event was refused")
	}
	ctx, leave := context.WithCancel(t.Context())
	orders, err := broker.Subscribe(ctx, redline.EventOrder, all)
	if err != nil {
		t.Fatal(err)
	}
	if broker.Publish(levelEvent(3), levels) || broker.Head() != 1 {
		t.Errorf("a subscriber of orders was passed over, up to %d", broker.Head())
	}
	leave()
	drained(orders)
	if !broker.Publish(levelEvent(3), levels) || broker.Head() != 3 {
		t.Errorf("the subscriber has left, and the head is %d", broker.Head())
	}
}

func TestOnlyWhatIsWantedIsAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := &outageLog{events: []int64{1}}
		broker := newBroker(t, 0)
		tailer, err := live.NewTailer(log, broker, live.TailerOptions{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = tailer.Run(ctx) })
		expect := func(when string, want ...string) {
			t.Helper()
			tailer.Wake()
			elapse(poll)
			log.change(func(l *outageLog) {
				slices.Sort(l.types)
				if !slices.Equal(l.types, want) {
					t.Errorf("%s, %v was asked for, not %v", when, l.types, want)
				}
			})
		}
		expect("with nobody there")
		log.change(func(l *outageLog) { l.events = []int64{1, 2, 4} })
		expect("with nobody there and something new")
		if got := broker.Head(); got != 4 {
			t.Errorf("the head is %d", got)
		}
		var leave []context.CancelFunc
		for _, of := range []string{redline.EventOrder, redline.EventLevel, redline.EventLevel} {
			ctx, cancel := context.WithCancel(t.Context())
			leave = append(leave, cancel)
			events, err := broker.Subscribe(ctx, of, all)
			if err != nil {
				t.Fatal(err)
			}
			running.Go(func() { drained(events) })
			if of == redline.EventOrder {
				expect("for orders", redline.EventOrder)
			}
		}
		expect("for both", redline.EventLevel, redline.EventOrder)
		leave[0]()
		leave[1]()
		expect("for the one who is left", redline.EventLevel)
		leave[2]()
		expect("when all have left")
		cancel()
		broker.Close()
		running.Wait()
	})
}

// A look that is under way when somebody joins asked for too little: it is done
// again, and who joined gets all that is behind the head it found.
func TestWhoJoinsDuringALookMissesNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{10}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		var joined <-chan *redline.Event
		tl.log.change(func(l *outageLog) {
			l.events, l.orders = []int64{10, 11, 12, 13, 14}, []int64{12, 14}
			l.looking = func() {
				l.looking = nil
				if got := tl.broker.Head(); got != 10 {
					t.Errorf("the head is %d", got)
				}
				var err error
				if joined, err = tl.broker.Subscribe(t.Context(), redline.EventOrder, all); err != nil {
					t.Error(err)
				}
			}
		})
		tl.log.asked()
		tl.tailer.Wake()
		expectIDs(t, "who was there", tl.delivered(), 11, 13)
		expectIDs(t, "who joined", []int64{await(t, joined, "an order").ID, await(t, joined, "another").ID}, 12, 14)
		expectIDs(t, "asked", tl.log.asked(), 10, 10)
		if got := tl.broker.Head(); got != 14 {
			t.Errorf("the head is %d", got)
		}
	})
}

// Many come and go while the log grows. Whoever was told a head gets all behind
// it that is of its type, once and in order, and nobody holds the others up.
func TestWhoComesAndGoesMissesNothing(t *testing.T) {
	t.Parallel()
	const total, visitors = 3000, 6
	log := &outageLog{events: []int64{1}}
	isOrder := func(id int64) bool { return id%3 == 0 }
	broker, err := live.NewBroker(live.BrokerOptions{Queue: total, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	tailer, err := live.NewTailer(log, broker, live.TailerOptions{Batch: 7, Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var running, visiting sync.WaitGroup
	running.Go(func() { _ = tailer.Run(ctx) })
	await(t, tailer.Ready(), "the tailer")

	// visit joins, reads some events, and leaves. It returns whether it has seen
	// the log's end.
	visit := func(of string) (bool, error) {
		ctx, leave := context.WithCancel(ctx)
		defer leave()
		atLeast := broker.Head()
		events, err := broker.Subscribe(ctx, of, all)
		if err != nil {
			return false, err
		}
		atMost := broker.Head()
		next := func(id int64) int64 {
			for id++; isOrder(id) != (of == redline.EventOrder); id++ {
			}
			return id
		}
		last := int64(0)
		for left := rand.IntN(40); left > 0; left-- {
			if next(max(last, atMost)) > total {
				return true, nil
			}
			e, ok := <-events
			switch {
			case !ok:
				return false, fmt.Errorf("cut off after %d: %w", last, ctx.Err())
			case e.Type() != of:
				return false, fmt.Errorf("event %d is of the type %s", e.ID, e.Type())
			case last == 0 && (e.ID <= atLeast || e.ID > next(atMost)):
				return false, fmt.Errorf("joined between %d and %d, and the first event was %d", atLeast, atMost, e.ID)
			case last > 0 && e.ID != next(last):
				return false, fmt.Errorf("after %d came %d", last, e.ID)
			}
			last = e.ID
		}
		return false, nil
	}
	for i := range visitors {
		visiting.Go(func() {
			for over := false; !over; {
				var err error
				if over, err = visit([]string{redline.EventLevel, redline.EventOrder}[i%2]); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for id := int64(2); id <= total; id++ {
		log.change(func(l *outageLog) {
			l.events = append(l.events, id)
			if isOrder(id) {
				l.orders = append(l.orders, id)
			}
		})
		tailer.Wake()
	}
	visiting.Wait()
	cancel()
	running.Wait()
	broker.Close()
}

// However many commits there are, the log is looked at now and then.
func TestLooksUnderLoadRest(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		const commits = 1000 // one each millisecond
		tl.log.asked()
		for id := int64(2); id < 2+commits; id++ {
			tl.log.change(func(l *outageLog) { l.events = append(l.events, id) })
			tl.tailer.Wake()
			elapse(time.Millisecond)
		}
		if looks := len(tl.log.asked()); looks > commits/4 {
			t.Errorf("%d looks in a second", looks)
		}
		elapse(poll)
		if got := tl.delivered(); len(got) != commits {
			t.Errorf("%d events were delivered", len(got))
		}
	})
}

// placesCalls counts calls of OnPlaces, which fails as long as err is set.
type placesCalls struct {
	mu  sync.Mutex
	n   int
	err error
	saw func()
}

func (p *placesCalls) call(context.Context) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.n++
	if p.saw != nil {
		p.saw()
	}
	return p.err
}

// since returns how often it was called since the last time.
func (p *placesCalls) since() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	n, p.n = p.n, 0
	return n
}

func (p *placesCalls) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = err
}

func expectCalls(t *testing.T, when string, p *placesCalls, want int) {
	t.Helper()
	synctest.Wait()
	if got := p.since(); got != want {
		t.Errorf("%s, places were read %d times, not %d", when, got, want)
	}
}

func TestPlacesAreReadBeforeAnythingLaterIsPublished(t *testing.T) {
	t.Parallel()
	places := &placesCalls{}
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{OnPlaces: places.call}, func(t *testing.T, tl *tail) {
		expectCalls(t, "at the beginning", places, 1)
		places.saw = func() {
			if got := tl.broker.Head(); got > 4 {
				t.Errorf("places are read when the head is %d already", got)
			}
		}
		tl.log.change(func(l *outageLog) { l.events, l.places = []int64{1, 2, 4, 5, 6, 7}, []int64{5, 6} })
		tl.tailer.Wake()
		expectIDs(t, "around the change", tl.delivered(), 2, 4, 7)
		expectCalls(t, "for two changes at once", places, 1)
		places.saw = nil
		tl.log.change(func(l *outageLog) { l.events, l.places = append(l.events, 8), append(l.places, 8) })
		elapse(poll)
		expectCalls(t, "for one change more", places, 1)
		if got := tl.broker.Head(); got != 8 {
			t.Errorf("the head is %d", got)
		}
		elapse(time.Minute)
		expectCalls(t, "while nothing happens", places, 0)
	})
}

func TestPlacesThatCannotBeReadHoldTheLogBack(t *testing.T) {
	t.Parallel()
	places := &placesCalls{}
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{OnPlaces: places.call}, func(t *testing.T, tl *tail) {
		places.fail(errors.New("the table is locked"))
		tl.log.change(func(l *outageLog) { l.events, l.places = []int64{1, 2, 3}, []int64{2} })
		tl.tailer.Wake()
		places.since()
		elapse(time.Minute)
		expectIDs(t, "while places can't be read", tl.delivered())
		if n := places.since(); n < 12 || n > 40 {
			t.Errorf("it was tried %d times in a minute", n)
		}
		places.fail(nil)
		elapse(5 * time.Second)
		expectIDs(t, "then", tl.delivered(), 3)
		expectCalls(t, "then", places, 1)
		if got := strings.Count(tl.logged.String(), "the table is locked"); got != 1 {
			t.Errorf("it was logged %d times:\n%s", got, tl.logged)
		}
	})
}

// After an outage, or in another log, places may be others though no event says so.
func TestPlacesAreReadAfterAnOutageAndInAnotherLog(t *testing.T) {
	t.Parallel()
	places := &placesCalls{}
	inBubble(t, &outageLog{events: []int64{100}}, live.TailerOptions{OnPlaces: places.call}, func(t *testing.T, tl *tail) {
		places.since()
		tl.log.change(func(l *outageLog) { l.err = errors.New("the connection is lost") })
		elapse(time.Minute)
		expectCalls(t, "during the outage", places, 0)
		tl.log.change(func(l *outageLog) { l.err = nil })
		elapse(time.Minute)
		expectCalls(t, "after the outage", places, 1)
		tl.log.change(func(l *outageLog) { l.events = []int64{40} })
		elapse(time.Minute)
		expectCalls(t, "in another log", places, 1)
	})
}
