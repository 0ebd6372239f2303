package live_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

// outageLog is a log whose outages happen when a test wants them to. It stands
// in for the store's, which a test can't make fail at a given moment; that the
// real one settles is tested with the store.
type outageLog struct {
	mu      sync.Mutex
	events  []int64
	orders  []int64 // those of the events that are orders'
	places  []int64 // and those that tell of places
	settled int64   // 0: the newest event
	err     error
	hangs   bool
	calls   []int64 // the positions that Settled was asked for
	when    []time.Time
	types   []string // those that the last look asked for
	looking func()   // is called while a look is under way
}

func (l *outageLog) Newest(context.Context) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest(), l.err
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
	batch := redline.EventBatch{UpTo: max(l.settled, l.newest())}
	for _, id := range l.events {
		if id <= after {
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
	return batch, nil
}

// event is the event with an id: of a level, but where it is said otherwise.
func (l *outageLog) event(id int64) *redline.Event {
	switch {
	case slices.Contains(l.orders, id):
		return &redline.Event{ID: id, Order: &redline.OrderEvent{}}
	case slices.Contains(l.places, id):
		return &redline.Event{ID: id, Places: true}
	default:
		return levelEvent(id)
	}
}

// change changes the log while nobody reads it.
func (l *outageLog) change(f func(*outageLog)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l)
}

// asked returns the positions asked for since the last call.
func (l *outageLog) asked() (calls []int64) {
	l.change(func(l *outageLog) { calls, l.calls, l.when = l.calls, nil, nil })
	return calls
}

// tail is a tailer at work inside a synctest bubble, with one subscriber.
type tail struct {
	log    *outageLog
	broker *live.Broker
	tailer *live.Tailer
	logged *bytes.Buffer

	mu   sync.Mutex
	got  []int64
	over bool // the subscription has ended
}

func (tl *tail) delivered() []int64 {
	synctest.Wait()
	tl.mu.Lock()
	defer tl.mu.Unlock()
	return slices.Clone(tl.got)
}

// inBubble runs a tailer in virtual time, where nothing moves but by its leave.
func inBubble(t *testing.T, log *outageLog, options live.TailerOptions, test func(*testing.T, *tail)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tl := &tail{log: log, broker: newBroker(t, 0), logged: &bytes.Buffer{}}
		options.Logger = slog.New(slog.NewTextHandler(tl.logged, nil))
		var err error
		if tl.tailer, err = live.NewTailer(log, tl.broker, options); err != nil {
			t.Fatal(err)
		}
		events, err := tl.broker.Subscribe(t.Context(), redline.EventLevel, all)
		if err != nil {
			t.Fatal(err)
		}
		read := make(chan struct{})
		go func() {
			defer close(read)
			for e := range events {
				tl.mu.Lock()
				tl.got = append(tl.got, e.ID)
				tl.mu.Unlock()
			}
			tl.mu.Lock()
			tl.over = true
			tl.mu.Unlock()
		}()
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- tl.tailer.Run(ctx) }()
		synctest.Wait()
		test(t, tl)
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Run returned %v", err)
		}
		tl.broker.Close()
		<-read
	})
}

func expectIDs(t *testing.T, what string, got []int64, want ...int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

const poll = 250 * time.Millisecond

// elapse lets virtual time go by, and everything happen that it brings.
func elapse(d time.Duration) {
	<-time.After(d)
	synctest.Wait()
}

func TestTheTailerGoesOnFromTheNewest(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1, 2, 5}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		select {
		case <-tl.tailer.Ready():
		default:
			t.Error("not ready after the first look")
		}
		if got := tl.broker.Head(); got != 5 {
			t.Errorf("the head is %d", got)
		}
		tl.log.change(func(l *outageLog) { l.events = append(l.events, 6, 9) })
		expectIDs(t, "before anybody looks", tl.delivered())
		tl.tailer.Wake()
		expectIDs(t, "after Wake", tl.delivered(), 6, 9)
		tl.log.change(func(l *outageLog) { l.events = append(l.events, 10) })
		elapse(poll)
		expectIDs(t, "after a poll", tl.delivered(), 6, 9, 10)
		if got := tl.broker.Head(); got != 10 {
			t.Errorf("the head is %d", got)
		}
		if got := tl.tailer.LastLook(); !got.Equal(time.Now()) {
			t.Errorf("the last look was at %v, it is %v", got, time.Now())
		}
		if err := tl.tailer.Run(t.Context()); err == nil {
			t.Error("Run ran twice")
		}
		if tl.logged.Len() > 0 {
			t.Errorf("without an outage it logged %s", tl.logged)
		}
	})
}

func TestManyWakesAreOneLook(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.log.asked()
		tl.log.change(func(*outageLog) {
			// The first wakes the tailer, which waits for this to return.
			for range 1000 {
				tl.tailer.Wake()
			}
		})
		synctest.Wait()
		if got := len(tl.log.asked()); got > 2 {
			t.Errorf("%d looks", got)
		}
	})
}

func TestALongBacklogIsReadWithoutPauses(t *testing.T) {
	t.Parallel()
	const batch, total = 10, 95
	inBubble(t, &outageLog{}, live.TailerOptions{Batch: batch}, func(t *testing.T, tl *tail) {
		var want []int64
		for id := int64(1); id <= total; id++ {
			want = append(want, id)
		}
		tl.log.change(func(l *outageLog) { l.events = want })
		began := time.Now()
		tl.tailer.Wake()
		expectIDs(t, "the backlog", tl.delivered(), want...)
		if took := time.Since(began); took > 0 {
			t.Errorf("it took %v", took)
		}
	})
}

// A crash may give out ids again that a rollback took, so what was settled
// without an event is only skipped as long as nothing fails.
func TestAfterAnOutageTheTailerGoesOnFromWhatItDelivered(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.log.change(func(l *outageLog) { l.events, l.settled = []int64{1, 2}, 8 })
		tl.tailer.Wake()
		expectIDs(t, "before", tl.delivered(), 2)
		tl.log.asked()
		elapse(poll)
		expectIDs(t, "asked while healthy", tl.log.asked(), 8)

		tl.log.change(func(l *outageLog) { l.err = errors.New("the connection is lost") })
		elapse(poll)
		expectIDs(t, "asked when it failed", tl.log.asked(), 8)
		tl.log.change(func(l *outageLog) { l.err, l.events, l.settled = nil, []int64{1, 2, 4, 7}, 7 })
		elapse(time.Minute)
		expectIDs(t, "after", tl.delivered(), 2, 4, 7)
		expectIDs(t, "asked after", tl.log.asked()[:1], 2)
	})
}

func TestWhatIsNoLongerSettledIsLookedAtAgain(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1}, settled: 8}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.log.change(func(l *outageLog) { l.events, l.settled = []int64{1, 3}, 5 })
		tl.tailer.Wake()
		expectIDs(t, "the reused id", tl.delivered(), 3)
		if tl.logged.Len() > 0 {
			t.Errorf("it logged %s", tl.logged)
		}
	})
}

func TestAnotherLogThanBeforeEndsTheSubscriptions(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{100}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.log.change(func(l *outageLog) { l.events = []int64{40} })
		tl.tailer.Wake()
		expectIDs(t, "of the other log", tl.delivered())
		if !tl.over {
			t.Error("the subscription goes on")
		}
		elapse(time.Minute)
		if got := tl.broker.Head(); got != 40 {
			t.Errorf("the head is %d", got)
		}
		events, err := tl.broker.Subscribe(t.Context(), redline.EventLevel, all)
		if err != nil {
			t.Fatal(err)
		}
		tl.log.change(func(l *outageLog) { l.events = []int64{40, 41} })
		if e := <-events; e.ID != 41 {
			t.Errorf("a new subscriber gets %d", e.ID)
		}
		if got := strings.Count(tl.logged.String(), "level=ERROR"); got != 1 {
			t.Errorf("it logged %s", tl.logged)
		}
	})
}

func TestAnOutageIsLoggedOnceAndTriedEverMoreSeldom(t *testing.T) {
	t.Parallel()
	down := &outageLog{events: []int64{1}, err: errors.New("no route to the database")}
	inBubble(t, down, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		// It begins in an outage: it is not ready, and nobody is told anything.
		elapse(time.Minute)
		select {
		case <-tl.tailer.Ready():
			t.Error("ready while the log can't be read")
		default:
		}
		if !tl.tailer.LastLook().IsZero() {
			t.Errorf("the last look was at %v", tl.tailer.LastLook())
		}
		tl.log.change(func(l *outageLog) { l.err = nil })
		elapse(time.Minute)
		<-tl.tailer.Ready()

		// Another one, in which everybody goes on calling Wake.
		looked := tl.tailer.LastLook()
		tl.log.asked()
		tl.log.change(func(l *outageLog) { l.err = errors.New("Postgres restarts") })
		for range 60 * 100 {
			tl.tailer.Wake()
			elapse(10 * time.Millisecond)
		}
		if age := time.Since(tl.tailer.LastLook()); age < time.Minute || tl.tailer.LastLook().Before(looked) {
			t.Errorf("the last successful look is %v old", age)
		}
		tl.log.change(func(l *outageLog) {
			if len(l.when) < 12 || len(l.when) > 40 {
				t.Errorf("%d looks in a minute", len(l.when))
			}
			for i := 1; i < len(l.when); i++ {
				if gap := l.when[i].Sub(l.when[i-1]); gap < 50*time.Millisecond || gap > 5*time.Second {
					t.Errorf("looks %v apart", gap)
				}
			}
			l.err, l.events = nil, []int64{1, 2}
		})
		elapse(5 * time.Second)
		expectIDs(t, "after the outages", tl.delivered(), 2)
		for level, want := range map[string]int{"ERROR": 2, "INFO": 2} {
			if got := strings.Count(tl.logged.String(), "level="+level); got != want {
				t.Errorf("%d lines of level %s, want %d:\n%s", got, level, want, tl.logged)
			}
		}
	})
}

func TestALookThatHangsIsGivenUp(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{LookTimeout: time.Second}, func(t *testing.T, tl *tail) {
		tl.log.change(func(l *outageLog) { l.hangs = true })
		elapse(poll + time.Second)
		tl.log.change(func(l *outageLog) { l.hangs, l.events = false, []int64{1, 2} })
		elapse(time.Second)
		expectIDs(t, "after it", tl.delivered(), 2)
		// And a hanging look doesn't hold up the end.
		tl.log.change(func(l *outageLog) { l.hangs = true })
		elapse(poll)
	})
}

func TestNothingIsPublishedTwiceOrOutOfOrder(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: []int64{1}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.log.change(func(l *outageLog) { l.events = []int64{1, 2, 4, 3, 5} })
		tl.tailer.Wake()
		elapse(time.Minute)
		expectIDs(t, "of a log out of order", tl.delivered(), 2, 4, 5)
		if !strings.Contains(tl.logged.String(), "event 3 came after 4") {
			t.Errorf("it logged %s", tl.logged)
		}
	})
}
