package live_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

func after(id int64) string { return fmt.Sprintf("subscription { events(after: %q) }", cursor(id)) }

func TestWhoResumesIsToldWhatWasMissedAndThenWhatComes(t *testing.T) {
	t.Parallel()
	const missed = 1300 // more than are read at once, or told at once
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, missed), orders: []int64{3, 700}}})
	l := e.listen(after(0))
	defer l.leave()
	for id := int64(1); id <= missed; id++ {
		if id != 3 && id != 700 {
			l.expectEvents(id)
		}
	}
	l.expectCaughtUp(missed)
	e.publish(missed+1, missed+2)
	l.expectEvents(missed+1, missed+2)

	l = e.listen(after(missed + 1))
	defer l.leave()
	l.expectEvents(missed + 2)
	l.expectCaughtUp(missed + 2)
	// Who has missed nothing, and who comes without a cursor, asks the log nothing.
	e.log.change(func(l *outageLog) { l.reads = nil })
	for _, query := range []string{after(missed + 2), "subscription { events }"} {
		l = e.listen(query)
		defer l.leave()
		l.expectCaughtUp(missed + 2)
	}
	if got := e.log.reads; len(got) > 0 {
		t.Errorf("the log was read behind %v", got)
	}
}

// Readers come with a cursor, go at some moment and come back with the last one they
// were told, while events flow. Each is told all that it wants, once, in order and
// without a gap, however often it is caught up.
func TestWhoComesBackWhileEventsFlowMissesNothing(t *testing.T) {
	t.Parallel()
	const begin, total, readers = 200, 1500, 4
	e := newEngine(t, setting{
		log: &outageLog{events: upTo(1, begin)}, tails: true, door: live.DoorOptions{Limits: live.Limits{QueueMessages: total + 10}},
	})
	var reading sync.WaitGroup
	for reader := range readers {
		every := int64(1 + reader%2)
		reading.Go(func() {
			at := rand.Int64N(begin)
			for at/every*every < total/every*every {
				l := e.listen(fmt.Sprintf("subscription { events(every: %d, after: %q) }", every, cursor(at)))
				words := 0
				for left := 1 + rand.IntN(500); left > 0 && at/every*every < total/every*every; left-- {
					m, ok := l.tryNext()
					switch {
					case ok && m.n == 0 && m.value == "caught up" && words == 0 && m.at.ID >= at && m.at.ID < (at/every+1)*every:
						words++
					case !ok || m.n != (at/every+1)*every || m.at.ID != m.n:
						t.Errorf("every %d: after %d came %+v", every, at, m)
						l.leave()
						return
					}
					at = m.at.ID
				}
				l.leave()
			}
		})
	}
	for id := int64(begin + 1); id <= total; id += 3 {
		e.publish(id, min(id+2, total))
	}
	reading.Wait()
}

func TestACursorThatCannotBeGoneOnFromIsRefused(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 20), floor: 10, issued: 25}})
	for name, one := range map[string]struct {
		after string
		code  redline.ErrorCode
	}{
		"too old":      {cursor(9), redline.CodeCursorExpired},
		"older still":  {cursor(0), redline.CodeCursorExpired},
		"another's":    {redline.Cursor{Epoch: epoch + 1, ID: 15}.String(), redline.CodeCursorExpired},
		"never issued": {cursor(26), redline.CodeCursorExpired},
		"garbage":      {"no cursor", redline.CodeInvalid},
		"empty":        {"", redline.CodeInvalid},
		"padded":       {cursor(15) + "=", redline.CodeInvalid},
	} {
		l := e.listen(fmt.Sprintf("subscription { events(after: %q) }", one.after))
		m := l.next()
		if m.code != string(one.code) || !strings.Contains(m.data, `"field":["after"]`) && one.code == redline.CodeInvalid {
			t.Errorf("%s: got %s", name, m.data)
		}
		if m := l.next(); m.event != "complete" {
			t.Errorf("%s: then came %+v", name, m)
		}
		l.expectEnd()
	}
	l := e.listen(after(10)) // just what is kept
	defer l.leave()
	l.expectEvents(upTo(11, 20)...)
	l.expectCaughtUp(20)
}

// A node may be behind the one that the cursor is from.
func TestACursorAheadOfTheHeadIsWaitedFor(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 5)}})
	e.log.add(6, 7, 8, 9) // which this node has not looked at yet
	there := e.listen("subscription { events }")
	defer there.leave()
	there.expectCaughtUp(5)
	ahead := e.listen(after(8))
	defer ahead.leave()
	ahead.expectCaughtUp(8)
	for id := int64(6); id <= 9; id++ {
		e.broker.Publish(levelEvent(id), everyType)
	}
	there.expectEvents(6, 7, 8, 9)
	ahead.expectEvents(9)
}

func TestWhoIsCaughtUpWaitsForTheDatabase(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: &outageLog{events: upTo(1, 20)}})
		e.log.change(func(l *outageLog) { l.history = unavailable() })
		e.log.add(21)
		missed, ahead := e.listen(after(18)), e.listen(after(21))
		elapse(time.Minute)
		if got := len(missed.messages) + len(ahead.messages); got > 0 {
			t.Errorf("%d messages came though nothing can be read", got)
		}
		e.log.change(func(l *outageLog) { l.history = nil })
		missed.expectEvents(19, 20)
		missed.expectCaughtUp(20)
		ahead.expectCaughtUp(21)

		// Whatever else goes wrong ends the operation, and waiting ends with its client.
		e.log.change(func(l *outageLog) { l.history = errors.New("no such table") })
		failed := e.listen(after(18))
		if m := failed.next(); !strings.Contains(m.data, "internal error") || strings.Contains(m.data, "table") {
			t.Errorf("got %s", m.data)
		}
		failed.next()
		failed.expectEnd()
		e.log.change(func(l *outageLog) { l.history = unavailable() })
		gone := e.listen(after(18))
		elapse(time.Second)
		gone.leave()
		missed.leave()
		ahead.leave()
	})
}

// At most so many read the log at once, and who waits for that is told all the same.
func TestSoManyReadTheLogAtOnce(t *testing.T) {
	t.Parallel()
	const most, readers = 2, 10
	log := &outageLog{events: upTo(1, 20)}
	var mu sync.Mutex
	reading, highest := 0, 0
	count := func(n int) {
		mu.Lock()
		defer mu.Unlock()
		reading += n
		highest = max(highest, reading)
	}
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: log, broker: live.BrokerOptions{CatchUps: most}})
		release := make(chan struct{})
		log.change(func(l *outageLog) {
			l.reading = func() {
				count(1)
				<-release
				count(-1)
			}
		})
		var all []*listener
		for range readers {
			all = append(all, e.listen(after(18)))
		}
		synctest.Wait()
		if highest != most {
			t.Errorf("%d read at once, not %d", highest, most)
		}
		close(release)
		for _, l := range all {
			l.expectEvents(19, 20)
			l.expectCaughtUp(20)
			l.leave()
		}
		if highest != most {
			t.Errorf("%d read at once, not %d", highest, most)
		}
	})
}

// What was missed isn't hurried: it waits in the log for a reader that is slow to
// take it.
func TestWhoIsSlowToTakeWhatWasMissedIsWaitedFor(t *testing.T) {
	t.Parallel()
	const missed, most = 2000, 1000
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: &outageLog{events: upTo(1, missed)}, door: live.DoorOptions{Limits: live.Limits{QueueMessages: most}}})
		l := e.ask(ask{query: after(0), stalled: true})
		synctest.Wait()
		if s := e.door.Stats(); s.Waiting == 0 || s.Waiting > most/2 || s.CutOff > 0 {
			t.Errorf("%d messages wait, and %d were cut off", s.Waiting, s.CutOff)
		}
		l.resume()
		l.expectEvents(upTo(1, missed)...)
		l.expectCaughtUp(missed)
		l.leave()
	})
}

// What happens while it is caught up is held for it, but not without end.
func TestWhatIsHeldForWhoIsCaughtUpIsBounded(t *testing.T) {
	t.Parallel()
	const missed, most = 900, 300
	for name, limits := range map[string]live.Limits{
		"by messages": {QueueMessages: most}, "by bytes": {QueueMessages: 1 << 20, QueueBytes: most * 1000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, setting{log: &outageLog{events: upTo(1, missed)}, door: live.DoorOptions{Limits: limits}})
				query := fmt.Sprintf("subscription { events(after: %q, bytes: 1000) }", cursor(0))
				slow := e.ask(ask{query: query, stalled: true})
				synctest.Wait()
				last := int64(missed)
				for ; e.door.Stats().CutOff == 0 && last < missed+10*most; last++ {
					e.publish(last+1, last+1)
					synctest.Wait()
				}
				if held := last - missed; held > most+1 || held < most/2 {
					t.Errorf("%d events were held", held)
				}
				slow.resume()
				at := int64(0)
				for m, ok := slow.tryNext(); ok; m, ok = slow.tryNext() {
					if m.n != at+1 || m.at.ID != m.n {
						t.Fatalf("after %d came %+v", at, m)
					}
					at = m.n
				}
				// It goes on from the last that it was told.
				again := e.ask(ask{query: query, lastEventID: cursor(at)})
				again.expectEvents(upTo(at+1, last)...)
				again.expectCaughtUp(last)
				again.leave()
			})
		})
	}
}

// A log that turns out to be another one, while somebody is told or is caught up.
func TestAnotherLogEndsWhatIsUnderWay(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: upTo(1, 100)}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.member.expectCaughtUp(100)
		other := func(l *outageLog) { l.events, l.epoch = upTo(1, 50), epoch+1 }
		gate := make(chan struct{})
		tl.schema.change(func(s *schema) {
			s.telling = func(name string, _ []redline.Telling) {
				if name == "waits" {
					<-gate
				}
			}
		})
		caughtUp := tl.listen(fmt.Sprintf(`subscription { events(name: "waits", after: %q) }`, cursor(50)))
		told := tl.listen(`subscription { events(name: "waits", every: 3) }`)
		synctest.Wait()
		tl.log.change(other)
		tl.tailer.Wake()
		elapse(time.Minute)
		tl.member.expectRefused(redline.CodeCursorExpired)
		close(gate)
		for _, l := range []*listener{caughtUp, told} {
			m := l.next()
			for ; m.code == ""; m = l.next() {
				if m.n > 100 {
					t.Errorf("of the other log came %+v", m)
				}
			}
			if m.code != string(redline.CodeCursorExpired) {
				t.Errorf("got %s", m.data)
			}
			l.next()
			l.expectEnd()
		}
	})
}

// The log is replaced while a group is about to tell of an event: its members are
// told that, and nothing else.
func TestAnotherLogEndsAGroupThatIsTelling(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: upTo(1, 100)}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.member.expectCaughtUp(100)
		gate := make(chan struct{})
		tl.schema.change(func(s *schema) {
			s.telling = func(_ string, what []redline.Telling) {
				if what[0].Event != nil {
					<-gate
				}
			}
		})
		tl.log.add(101)
		tl.tailer.Wake()
		elapse(time.Second)
		tl.log.change(func(l *outageLog) { l.events = upTo(1, 50) })
		tl.tailer.Wake()
		elapse(time.Minute)
		close(gate)
		tl.member.expectRefused(redline.CodeCursorExpired)
		tl.schema.change(func(s *schema) { s.telling = nil })
		late := tl.listen("subscription { events }")
		defer late.leave()
		late.expectCaughtUp(50)
		tl.log.add(51)
		late.expectEvents(51)
	})
}
