package live_test

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

// tail is a tailer at work inside a synctest bubble, with one subscriber.
type tail struct {
	*engine
	member *listener
	logged *bytes.Buffer
}

// delivered are the ids of the events that the subscriber was told of so far.
func (tl *tail) delivered() []int64 {
	synctest.Wait()
	return tl.member.rest()
}

// inBubble runs a tailer in virtual time, where nothing moves but by its leave.
func inBubble(t *testing.T, log *outageLog, options live.TailerOptions, test func(*testing.T, *tail)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		tl := &tail{logged: &bytes.Buffer{}}
		options.Logger = slog.New(slog.NewTextHandler(tl.logged, nil))
		tl.engine = newEngine(t, setting{log: log, tailer: options, tails: true, unready: true})
		tl.member = tl.listen("subscription { events }")
		defer tl.member.leave()
		synctest.Wait()
		test(t, tl)
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
		if look, end := tl.tailer.LastLook(), tl.tailer.LastEnd(); !look.Equal(time.Now()) || !end.Equal(look) {
			t.Errorf("the last look was at %v, to the end at %v, it is %v", look, end, time.Now())
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

// Who works through a backlog goes on, and is behind all the same until it is at the end.
func TestABacklogIsALag(t *testing.T) {
	t.Parallel()
	const batch, total = 10, 95
	inBubble(t, &outageLog{}, live.TailerOptions{Batch: batch}, func(t *testing.T, tl *tail) {
		ages := func() (look, end time.Duration) {
			return time.Since(tl.tailer.LastLook()), time.Since(tl.tailer.LastEnd())
		}
		tl.log.change(func(l *outageLog) {
			for id := int64(1); id <= total; id++ {
				l.events = append(l.events, id)
			}
			l.looking = func() { <-time.After(time.Second) }
		})
		tl.tailer.Wake()
		began := time.Now()
		elapse(7500 * time.Millisecond)
		if look, end := ages(); look != 500*time.Millisecond || end < time.Since(began) {
			t.Errorf("after %d of %d events the last look is %v old, that to the end %v", len(tl.delivered()), total, look, end)
		}
		elapse(2500 * time.Millisecond) // the tenth look is the last
		if look, end := ages(); look != 0 || end != 0 {
			t.Errorf("at the end the last look is %v old, that to the end %v", look, end)
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
	for name, change := range map[string]func(*outageLog){
		"whose ids are lower": func(l *outageLog) { l.events = []int64{40} },
		"of another epoch": func(l *outageLog) {
			// It is noticed when something fails: another server has the database.
			l.events, l.epoch, l.err = []int64{100, 140}, epoch+1, errors.New("the connection is lost")
		},
		"of another epoch in the same session": func(l *outageLog) { // a dump was restored over the tables
			l.events, l.epoch = []int64{100, 140}, epoch+1
		},
		"of which a part is gone": func(l *outageLog) {
			l.events, l.err = []int64{200}, redline.Errorf(redline.CodeCursorExpired, nil, "the log begins after 150")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, &outageLog{events: []int64{100}}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
				tl.member.expectCaughtUp(100)
				tl.log.change(change)
				tl.tailer.Wake()
				elapse(time.Second)
				tl.log.change(func(l *outageLog) { l.err = nil })
				tl.member.expectRefused(redline.CodeCursorExpired)
				elapse(time.Minute)
				head := tl.broker.Head()
				if head != tl.log.newest() {
					t.Errorf("the head is %d", head)
				}
				late := tl.listen("subscription { events }")
				defer late.leave()
				tl.log.add(head + 1)
				for _, want := range []int64{head, head + 1} {
					if m := late.next(); m.at.ID != want || m.at.Epoch != cmp.Or(tl.log.epoch, epoch) {
						t.Errorf("a new subscriber gets %q at %+v, not %d", m.value, m.at, want)
					}
				}
				if got := strings.Count(tl.logged.String(), "level=ERROR"); got != 1 {
					t.Errorf("it logged %s", tl.logged)
				}
			})
		})
	}
}

// Who comes while it isn't known where the log ends waits for it.
func TestWhoComesBeforeThePlaceIsKnownWaitsForIt(t *testing.T) {
	t.Parallel()
	down := &outageLog{events: []int64{5}, err: errors.New("no route to the database")}
	inBubble(t, down, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		after := tl.listen(fmt.Sprintf(`subscription { events(after: %q) }`, cursor(3)))
		defer after.leave()
		elapse(time.Minute)
		if got := len(tl.member.messages) + len(after.messages); got != 0 {
			t.Errorf("%d messages came before the place was known", got)
		}
		tl.log.change(func(l *outageLog) { l.events, l.err = []int64{4, 5}, nil })
		tl.member.expectCaughtUp(5)
		after.expectEvents(4, 5)
		after.expectCaughtUp(5)
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
		if look, end := tl.tailer.LastLook(), tl.tailer.LastEnd(); !look.IsZero() || !end.IsZero() {
			t.Errorf("the last look was at %v, to the end at %v", look, end)
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
		if age := time.Since(tl.tailer.LastLook()); age < time.Minute || tl.tailer.LastLook().Before(looked) || !tl.tailer.LastEnd().Equal(tl.tailer.LastLook()) {
			t.Errorf("the last successful look is %v old, that to the end was at %v", age, tl.tailer.LastEnd())
		}
		tl.log.change(func(l *outageLog) {
			if len(l.when) < 55 || len(l.when) > 130 {
				t.Errorf("%d looks in a minute", len(l.when))
			}
			for i := 1; i < len(l.when); i++ {
				if gap := l.when[i].Sub(l.when[i-1]); gap < 50*time.Millisecond || gap > time.Second+100*time.Millisecond {
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
