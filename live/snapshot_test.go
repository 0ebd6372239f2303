package live_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

const withState = "subscription { events(snapshot: true) }"

// stateOf is a state of so many levels, that doesn't contain what was committed by
// the transaction 4 or from the transaction 6 on.
func stateOf(levels int, upTo int64) *redline.State {
	s := &redline.State{Seen: redline.TxSnapshot{Xmin: 4, Xmax: 6, Running: []uint64{4}}, UpTo: upTo}
	for n := range levels {
		s.Events = append(s.Events, &redline.Event{Level: &redline.LevelEvent{Level: redline.InventoryLevel{ID: fmt.Sprint("lvl-", n)}}})
	}
	return s
}

// states has subscriptions read states.
func (e *engine) states(read func(context.Context) (*redline.State, error)) {
	e.schema.change(func(s *schema) { s.state = read })
}

// expectInSnapshot reads what is told while the snapshot isn't complete.
func (l *listener) expectInSnapshot(value string, at int64) {
	l.t.Helper()
	m := l.next()
	if strings.TrimSpace(m.value) != value || m.at != (redline.Cursor{Epoch: epoch, ID: at, InSnapshot: true}) {
		l.t.Fatalf("got %q at %+v (%s), want %q at %d, in a snapshot", m.value, m.at, m.data, value, at)
	}
}

func TestASnapshotIsToldAndThenWhatItDidNotSee(t *testing.T) {
	t.Parallel()
	const levels = 3 * redline.TellMax / 2
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 2)}})
	e.states(func(context.Context) (*redline.State, error) {
		e.publish(3, 8) // while it is read
		return stateOf(levels, 5), nil
	})
	l := e.listen(withState)
	defer l.leave()
	for n := range levels {
		l.expectInSnapshot(fmt.Sprint("state lvl-", n), 2)
	}
	for _, id := range []int64{4, 6, 7, 8} {
		l.expectInSnapshot(fmt.Sprint(id), id)
	}
	l.expectCaughtUp(8)
	e.publish(9, 9)
	l.expectEvents(9)
}

// What a snapshot contains may not have come by the log yet. Before it has, nobody
// can say what the snapshot doesn't contain.
func TestASnapshotWaitsForTheLogToBeSettled(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: &outageLog{events: upTo(1, 2)}})
		e.states(func(context.Context) (*redline.State, error) { return stateOf(1, 5), nil })
		l := e.listen(withState)
		l.expectInSnapshot("state lvl-0", 2)
		e.publish(3, 4)
		elapse(time.Minute)
		if len(l.messages) > 0 {
			t.Errorf("before the log was settled came %+v", l.messages)
		}
		e.publish(5, 5)
		synctest.Wait()
		e.publish(6, 6)
		l.expectInSnapshot("4", 4)
		l.expectCaughtUp(5)
		l.expectEvents(6)
		l.leave()
	})
}

// It is also settled by ids that were never used, or that nobody wants to know of.
func TestASnapshotIsCompleteOnceNothingIsStillToCome(t *testing.T) {
	t.Parallel()
	inBubble(t, &outageLog{events: upTo(1, 2)}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
		tl.states(func(context.Context) (*redline.State, error) { return stateOf(1, 5), nil })
		l := tl.listen(withState)
		defer l.leave()
		l.expectInSnapshot("state lvl-0", 2)
		tl.log.change(func(l *outageLog) { l.settled = 5 })
		elapse(time.Second)
		l.expectCaughtUp(2)
		tl.log.add(6)
		l.expectEvents(6)
	})
}

func TestACursorFromWithinASnapshotBeginsItAgain(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 8)}})
	e.states(func(context.Context) (*redline.State, error) { return stateOf(2, 8), nil })
	inside := redline.Cursor{Epoch: epoch, ID: 3, InSnapshot: true}.String()
	for _, a := range []ask{
		{query: fmt.Sprintf("subscription { events(after: %q) }", inside)},
		{query: fmt.Sprintf("subscription { events(after: %q, snapshot: true) }", inside)},
		{query: "subscription { events }", lastEventID: inside},
		{query: after(5), lastEventID: inside},
	} {
		l := e.ask(a)
		defer l.leave()
		l.expectInSnapshot("state lvl-0", 8)
		l.expectInSnapshot("state lvl-1", 8)
		l.expectCaughtUp(8)
	}
	// A cursor of a complete one goes on from there, whatever else is asked for.
	for _, a := range []ask{
		{query: fmt.Sprintf("subscription { events(after: %q, snapshot: true) }", cursor(7))},
		{query: withState, lastEventID: cursor(7)},
		{query: fmt.Sprintf("subscription { events(after: %q) }", inside), lastEventID: cursor(7)},
	} {
		l := e.ask(a)
		defer l.leave()
		l.expectEvents(8)
		l.expectCaughtUp(8)
	}
	l := e.listen(fmt.Sprintf("subscription { events(after: %q) }", redline.Cursor{Epoch: epoch + 1, ID: 3, InSnapshot: true}.String()))
	l.expectRefused(redline.CodeCursorExpired)
}

// A gateway that stops while a snapshot isn't complete tells its client to begin
// again; and another operation of the socket, that could go on, begins again too.
func TestADrainWithinASnapshotTellsToBeginAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{log: &outageLog{events: upTo(1, 2)}})
	r.states(func(context.Context) (*redline.State, error) { return stateOf(1, 5), nil })
	c := r.connect("")
	c.follow("1", "subscription { events }", 2)
	c.subscribe("2", withState)
	if m, text := c.read(); m.ID != "2" || !strings.Contains(text, "state lvl-0") {
		t.Fatalf("got %s", text)
	}
	done := r.shutdown(t.Context())
	reason, _ := c.expectClose(live.CloseRestart)
	if at, err := redline.ParseCursor(reason); err != nil || !at.InSnapshot || at.Epoch != epoch || at.ID > 2 {
		t.Errorf("the cursor is %+v, %v", at, err)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestAStateThatCannotBeReadIsWaitedFor(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{})
		e.states(func(context.Context) (*redline.State, error) { return nil, unavailable() })
		l := e.listen(withState)
		elapse(time.Minute)
		if len(l.messages) > 0 {
			t.Errorf("while the database can't be reached came %+v", l.messages)
		}
		e.states(func(context.Context) (*redline.State, error) { return stateOf(1, 0), nil })
		l.expectInSnapshot("state lvl-0", 0)
		l.expectCaughtUp(0)
		l.leave()
		elapse(time.Minute) // nor is that state told any more to who comes now
		e.states(func(context.Context) (*redline.State, error) { return nil, errors.New("no such table") })
		l = e.listen(withState)
		if m := l.next(); !strings.Contains(m.data, "internal error") {
			t.Errorf("got %s", m.data)
		}
		l.next()
		l.expectEnd()
	})
}

// Who waits for a log that is gone waits for nothing.
func TestAnotherLogEndsASnapshotThatWaits(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*outageLog){
		"whose ids are lower": func(l *outageLog) { l.events = []int64{1} },
		"of another epoch": func(l *outageLog) {
			l.events, l.epoch, l.err = []int64{1}, epoch+1, errors.New("the connection is lost")
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			inBubble(t, &outageLog{events: upTo(1, 2)}, live.TailerOptions{}, func(t *testing.T, tl *tail) {
				tl.states(func(context.Context) (*redline.State, error) { return stateOf(1, 1000), nil })
				l := tl.listen(withState)
				l.expectInSnapshot("state lvl-0", 2)
				synctest.Wait()
				tl.log.change(change)
				elapse(time.Second)
				tl.log.change(func(l *outageLog) { l.err = nil })
				elapse(time.Minute)
				l.expectRefused(redline.CodeCursorExpired)
			})
		})
	}
}

// Those who come at about the same time and may see the same are told one snapshot,
// which is read and executed once; whoever comes later, or may see something else,
// is told another.
func TestWhoComesAtTheSameTimeSharesASnapshot(t *testing.T) {
	t.Parallel()
	const members = 20
	synctest.Test(t, func(t *testing.T) {
		e := newEngine(t, setting{log: &outageLog{events: upTo(1, 8)}})
		release := make(chan struct{})
		var reads atomic.Int64
		e.states(func(context.Context) (*redline.State, error) {
			reads.Add(1)
			<-release
			return stateOf(3, 5), nil
		})
		var all []*listener
		for n := range members {
			query := withState
			if n%2 == 1 {
				query = "subscription Other { events(delivery: LATEST, snapshot: true) }"
			}
			all = append(all, e.listen(query))
		}
		shop := redline.Principal{Issuer: "us", Subject: "shop", Role: redline.RoleStorefront}
		other := e.ask(ask{query: withState, principal: &shop})
		synctest.Wait()
		if got := reads.Load(); got != 2 {
			t.Errorf("for two kinds of members it was read %d times", got)
		}
		close(release)
		expect := func(l *listener, at int64) {
			t.Helper()
			for n := range 3 {
				l.expectInSnapshot(fmt.Sprint("state lvl-", n), at)
			}
		}
		for _, l := range append(all, other) {
			expect(l, 8)
			l.expectCaughtUp(8)
		}
		// What has changed since it was read follows on it, for who comes a little later.
		e.publish(9, 9)
		late := e.listen(withState)
		expect(late, 8)
		late.expectInSnapshot("9", 9)
		late.expectCaughtUp(9)
		if got := reads.Load(); got != 2 {
			t.Errorf("for one who came a little later it was read, %d times now", got)
		}
		elapse(time.Minute)
		later := e.listen(withState)
		expect(later, 9)
		later.expectCaughtUp(9)
		if got := reads.Load(); got != 3 {
			t.Errorf("for one who came much later it was read %d times", got)
		}
		for _, l := range append(all, other, late, later) {
			l.leave()
		}
	})
}
