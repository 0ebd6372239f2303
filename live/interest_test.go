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

// A resolver can't follow what nobody is told of, nor more than one thing, nor
// anything where there is no live operation; and one that follows nothing is told
// of nothing.
func TestWhatCannotBeFollowed(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	for what, wants := range map[string]string{
		"places": "nobody is told", "twice": "already", "outside": "no live operation", "nothing": "internal error",
	} {
		l := e.listen(fmt.Sprintf("subscription { follows(what: %q) }", what))
		if m := l.next(); !strings.Contains(m.data, wants) || !strings.Contains(m.data, "presented") {
			t.Errorf("%s: got %s, want %q", what, m.data, wants)
		}
		if m := l.next(); m.event != "complete" {
			t.Errorf("%s: then came %+v", what, m)
		}
		l.expectEnd()
	}
}

func TestASubscriberGetsEventsOfItsTypeAlone(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{orders: []int64{2, 5}, places: []int64{3}}})
	orders, levels := e.listen("subscription { orders }"), e.listen("subscription { events }")
	defer orders.leave()
	defer levels.leave()
	orders.expectCaughtUp(0)
	levels.expectCaughtUp(0)
	e.publish(1, 6)
	orders.expectEvents(2, 5)
	levels.expectEvents(1, 4, 6)
}

// What was not looked for isn't passed over once somebody wants it.
func TestWhatWasReadForTooFewIsNotPublished(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	levels := []string{redline.EventLevel}
	if !e.broker.Publish(levelEvent(1), nil) {
		t.Error("with nobody there an event was refused")
	}
	orders := e.listen("subscription { orders }")
	orders.expectCaughtUp(1)
	if e.broker.Publish(levelEvent(3), levels) || e.broker.Head() != 1 {
		t.Errorf("a subscriber of orders was passed over, up to %d", e.broker.Head())
	}
	orders.leave()
	if !e.broker.Publish(levelEvent(3), levels) || e.broker.Head() != 3 {
		t.Errorf("the subscriber has left, and the head is %d", e.broker.Head())
	}
}

func TestOnlyWhatIsWantedIsAskedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: &outageLog{events: []int64{1}}, tails: true})
		expect := func(when string, want ...string) {
			t.Helper()
			e.tailer.Wake()
			elapse(poll)
			e.log.change(func(l *outageLog) {
				slices.Sort(l.types)
				if !slices.Equal(l.types, want) {
					t.Errorf("%s, %v was asked for, not %v", when, l.types, want)
				}
			})
		}
		expect("with nobody there")
		e.log.add(2, 4)
		expect("with nobody there and something new")
		if got := e.broker.Head(); got != 4 {
			t.Errorf("the head is %d", got)
		}
		orders := e.listen("subscription { orders }")
		expect("for orders", redline.EventOrder)
		level, same := e.listen("subscription { events }"), e.listen("subscription { events }")
		expect("for both", redline.EventLevel, redline.EventOrder)
		orders.leave()
		level.leave()
		expect("for the one who is left", redline.EventLevel)
		same.leave()
		expect("when all have left")
	})
}

// A look that is under way when somebody joins asked for too little: it is done
// again, and who joined gets all that is behind the head it found.
func TestWhoJoinsDuringALookMissesNothing(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{10}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		asked := make(chan *listener, 1)
		tl.log.change(func(l *outageLog) {
			l.events, l.orders = []int64{10, 11, 12, 13, 14}, []int64{12, 14}
			l.looking = func() {
				l.looking = nil
				joined := tl.listen("subscription { orders }")
				// It is a member once it is caught up, which takes no look at the log.
				joined.expectCaughtUp(10)
				asked <- joined
			}
		})
		tl.log.asked()
		tl.tailer.Wake()
		expectIDs(t, "who was there", tl.delivered(), 11, 13)
		joined := <-asked
		defer joined.leave()
		joined.expectEvents(12, 14)
		expectIDs(t, "asked", tl.log.asked(), 10, 10)
		if got := tl.broker.Head(); got != 14 {
			t.Errorf("the head is %d", got)
		}
	})
}

// Many come and go while the log grows. Whoever was told a position gets all behind
// it that is of its type, once and in order, and nobody holds the others up.
func TestWhoComesAndGoesMissesNothing(t *testing.T) {
	t.Parallel()
	const total, visitors = 3000, 6
	isOrder := func(id int64) bool { return id%3 == 0 }
	e := newEngine(t, setting{
		log: &outageLog{events: []int64{1}}, tails: true, tailer: live.TailerOptions{Batch: 7},
		door: live.DoorOptions{Limits: live.Limits{QueueMessages: total + 10}},
	})
	// visit joins, reads some events, and leaves. It returns whether it has seen
	// the log's end.
	visit := func(query string, orders bool) bool {
		l := e.listen(query)
		defer l.leave()
		last := int64(-1) // what it was told is the position
		for left := rand.IntN(40); left >= 0; left-- {
			following := last + 1
			for ; isOrder(following) != orders; following++ {
			}
			if last >= 0 && following > total {
				return true
			}
			m, ok := l.tryNext()
			switch {
			case !ok || m.event != "next" || m.code != "":
				t.Errorf("after %d came %+v", last, m)
				return true
			case last < 0 && m.value != "caught up":
				t.Errorf("at first came %q", m.value)
				return true
			case last >= 0 && m.n != following:
				t.Errorf("after %d came %q, want %d", last, m.value, following)
				return true
			}
			last = m.at.ID
		}
		return false
	}
	var visiting sync.WaitGroup
	for i := range visitors {
		visiting.Go(func() {
			for !visit([]string{"subscription { events }", "subscription { orders }"}[i%2], i%2 == 1) {
			}
		})
	}
	for id := int64(2); id <= total; id++ {
		e.log.change(func(l *outageLog) {
			l.events = append(l.events, id)
			if isOrder(id) {
				l.orders = append(l.orders, id)
			}
		})
		e.tailer.Wake()
	}
	visiting.Wait()
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

// keeping has a tailer keep places.
func keeping(places *placesCalls) live.TailerOptions {
	return live.TailerOptions{Kept: []live.Kept{{Event: redline.EventPlaces, Refresh: places.call}}}
}

// placesCalls counts calls of a Refresh, which fails as long as err is set.
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
	inBubble(t, &outageLog{events: []int64{1}}, keeping(places), func(t *testing.T, tl *tail) {
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
	inBubble(t, &outageLog{events: []int64{1}}, keeping(places), func(t *testing.T, tl *tail) {
		places.fail(errors.New("the table is locked"))
		tl.log.change(func(l *outageLog) { l.events, l.places = []int64{1, 2, 3}, []int64{2} })
		tl.tailer.Wake()
		places.since()
		elapse(time.Minute)
		expectIDs(t, "while places can't be read", tl.delivered())
		if n := places.since(); n < 55 || n > 130 {
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
	inBubble(t, &outageLog{events: []int64{100}}, keeping(places), func(t *testing.T, tl *tail) {
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
