package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"redline"
	"redline/live"
)

// toldBy returns the ids of the events that came by a socket, by operation.
func toldBy(t *testing.T, messages []serverMessage) map[string][]int64 {
	t.Helper()
	out := map[string][]int64{}
	for _, m := range messages {
		if m.Type != "next" {
			t.Errorf("a message %s of %s came before the close", m.Type, m.ID)
			continue
		}
		var payload struct{ Data struct{ Events string } }
		var id int64
		if err := json.Unmarshal(m.Payload, &payload); err != nil {
			t.Fatal(err)
		}
		if payload.Data.Events == "caught up" {
			continue
		}
		if _, err := fmt.Sscan(payload.Data.Events, &id); err != nil {
			t.Fatalf("%.100s: %v", m.Payload, err)
		}
		out[m.ID] = append(out[m.ID], id)
	}
	return out
}

// parsed reads a cursor that has to be of this log.
func parsed(t *testing.T, reason string) redline.Cursor {
	t.Helper()
	at, err := redline.ParseCursor(reason)
	if err != nil || at.Epoch != epoch || at.InSnapshot {
		t.Fatalf("the reason %q is no cursor to go on from: %+v, %v", reason, at, err)
	}
	return at
}

// checkResume checks that a client which was told of these events, and resumes
// from the cursor, misses none: an operation wants every so manieth, from first
// on.
func checkResume(t *testing.T, told map[string][]int64, first int64, reason string, operations map[string]int64) {
	t.Helper()
	at := parsed(t, reason)
	for id, every := range operations {
		want := (first + every - 1) / every * every
		for _, got := range told[id] {
			if got != want {
				t.Fatalf("every %d: told of %d, want %d", every, got, want)
			}
			want += every
		}
		if want <= at.ID {
			t.Errorf("every %d: not told of %d, and the cursor is already %d", every, want, at.ID)
		}
	}
}

func TestASlowReaderIsCutOffAloneAndCanResume(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const padding, queue, total = 64 << 10, 50, 3000
		for name, limits := range map[string]live.Limits{
			"by messages":       {QueueMessages: queue, QueueBytes: 1 << 30},
			"by bytes":          {QueueMessages: total, QueueBytes: queue * padding},
			"by two operations": {QueueMessages: queue, QueueBytes: 1 << 30},
		} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r := newRig(t, setting{secure: secure, door: live.DoorOptions{Limits: limits}})
				slow := r.connectSlow("")
				operations := map[string]int64{"1": 1}
				if name == "by two operations" {
					operations["3"] = 3
				}
				for id, every := range operations {
					slow.follow(id, fmt.Sprintf(`subscription { events(every: %d, bytes: %d) }`, every, padding), 0)
				}
				fast := r.connect("")
				fast.follow("f", "subscription { events }", 0)

				// slow reads nothing until it was cut off.
				var last int64
				for ; r.door.Stats().CutOff == 0 && last < total; last++ {
					r.publish(last+1, last+1)
					fast.expect(event("f", last+1))
				}
				reason, before := slow.expectClose(live.CloseSlowReader)
				told := toldBy(t, before)
				checkResume(t, told, 1, reason, operations)
				fast.expectQuiet()
				waitFor(t, "the slow socket's end", func() bool { return r.door.Stats().Sockets == 1 })
				if got := r.door.Stats(); got.CutOff != 1 {
					t.Errorf("%d were cut off", got.CutOff)
				}

				// And so it can: what follows on the cursor is the rest.
				again := r.connect("")
				at := parsed(t, reason).ID
				again.subscribe("1", after(at))
				for id := at + 1; id <= last; id++ {
					again.expect(event("1", id))
				}
				again.expect(next("1", "events", "caught up", last))
			})
		}
	})
}

// The newest of each subject will do: a reader who takes nothing is kept for no
// more than that, and is cut off for no number of changes.
func TestWhoWantsTheLatestIsToldTheNewestOfEachSubject(t *testing.T) {
	t.Parallel()
	const total = 1000
	synctest.Test(t, func(t *testing.T) {
		// Room for as many as there are subjects, and no more.
		e := newEngine(t, setting{door: live.DoorOptions{Limits: live.Limits{QueueMessages: subjects}}})
		const query = "subscription { events(delivery: LATEST) }"
		slow, fast := e.listen(query), e.listen(query)
		slow.expectCaughtUp(0)
		fast.expectCaughtUp(0)
		slow.stall()
		for id := int64(1); id <= total; id++ {
			e.publish(id, id)
			synctest.Wait()
			if got := e.door.Stats().Waiting; got > subjects {
				t.Fatalf("%d messages wait", got)
			}
		}
		fast.expectEvents(upTo(1, total)...)
		slow.resume()
		// The first was being written when it stalled.
		slow.expectEvents(1)
		slow.expectEvents(upTo(total-subjects+1, total)...)
		if s := e.door.Stats(); s.CutOff > 0 || s.Coalesced != total-1-subjects {
			t.Errorf("%d were cut off, and %d answers had a newer one stand for them", s.CutOff, s.Coalesced)
		}
		e.publish(total+1, total+1)
		slow.expectEvents(total + 1)
		slow.leave()
		fast.leave()
	})
}

// Also of what was missed, the newest that is wanted of each subject will do.
func TestWhoResumesWithTheLatestIsToldTheNewestOfEachSubject(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{events: upTo(1, 45)}})
	l := e.listen(fmt.Sprintf("subscription { events(after: %q, delivery: LATEST) }", cursor(2)))
	defer l.leave()
	l.expectEvents(upTo(36, 45)...)
	l.expectCaughtUp(45)
	// Of the subject 3 the newest that is wanted is 33, though 43 is newer; of 9 it
	// is 39.
	l = e.listen(fmt.Sprintf("subscription { events(every: 3, after: %q, delivery: LATEST) }", cursor(2)))
	defer l.leave()
	l.expectEvents(18, 21, 24, 27, 30, 33, 36, 39, 42, 45)
	l.expectCaughtUp(45)
}

// Who wants the latest and is cut off all the same can resume as well: of each
// subject it was told the newest, or is told it then.
func TestWhoWantsTheLatestAndIsCutOffCanResume(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const padding, total = 64 << 10, 3000
		r := newRig(t, setting{secure: secure, door: live.DoorOptions{Limits: live.Limits{QueueBytes: (subjects - 3) * padding}}})
		slow := r.connectSlow("")
		slow.follow("1", fmt.Sprintf("subscription { events(bytes: %d, delivery: LATEST) }", padding), 0)
		fast := r.connect("")
		fast.follow("f", "subscription { events }", 0)
		var last int64
		for ; r.door.Stats().CutOff == 0 && last < total; last++ {
			r.publish(last+1, last+1)
			fast.expect(event("f", last+1))
		}
		reason, before := slow.expectClose(live.CloseSlowReader)
		at := parsed(t, reason).ID
		newest, previous := map[int64]int64{}, int64(0)
		for _, id := range toldBy(t, before)["1"] {
			if id <= previous {
				t.Errorf("after %d came %d", previous, id)
			}
			previous, newest[id%subjects] = id, id
		}
		for id := last - subjects + 1; id <= last; id++ {
			if newest[id%subjects] < id && at >= id {
				t.Errorf("of a subject %d was told, its newest is %d, and the cursor is already %d", newest[id%subjects], id, at)
			}
		}
	})
}

func TestAMessageAloneMayBeLongerThanTheQueue(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		c := newRig(t, setting{secure: secure, door: live.DoorOptions{Limits: live.Limits{QueueBytes: 1}}}).connect("")
		for range 3 {
			c.subscribe("1", "{ large(bytes: 100000) }")
			m, text := c.read()
			if m.Type != "next" || len(text) < 100_000 {
				t.Fatalf("got %.100s", text)
			}
			c.expect(`{"id":"1","type":"complete"}`)
		}
	})
}

func TestADrainTellsEverybodyFromWhereToResume(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const sockets, first = 20, 101
		r := newRig(t, setting{secure: secure,
			log:  &outageLog{events: []int64{first - 1}},
			door: live.DoorOptions{DrainSpread: 20 * time.Millisecond, Limits: live.Limits{QueueMessages: 1 << 30, QueueBytes: 1 << 40}},
		})
		type result struct {
			reason string
			told   map[string][]int64
		}
		results := make(chan result, sockets)
		operations := map[string]int64{"1": 1, "2": 2, "7": 7}
		for range sockets {
			c := r.connect("")
			for id, every := range operations {
				c.follow(id, fmt.Sprintf("subscription { events(every: %d) }", every), first-1)
			}
			go func() {
				var messages []serverMessage
				for {
					var m serverMessage
					err := c.conn.ReadJSON(&m)
					var closed *websocket.CloseError
					if errors.As(err, &closed) && closed.Code == live.CloseRestart {
						results <- result{closed.Text, toldBy(t, messages)}
						return
					}
					if err != nil {
						t.Error(err)
						results <- result{}
						return
					}
					messages = append(messages, m)
				}
			}()
		}
		idle := r.connect("")

		stop, stopped := make(chan struct{}), make(chan struct{})
		begun := make(chan struct{})
		go func() {
			defer close(stopped)
			for id := int64(first); ; id++ {
				if id == first+50 {
					close(begun)
				}
				select {
				case <-stop:
					return
				default:
					r.publish(id, id)
				}
			}
		}()
		await(t, begun, "the events")
		done := r.shutdown(t.Context())
		// One without operations can go on from where it is.
		reason, _ := idle.expectClose(live.CloseRestart)
		if at := parsed(t, reason); at.ID < first {
			t.Errorf("the idle socket's cursor is %d", at.ID)
		}
		if err := await(t, done, "the shutdown"); err != nil {
			t.Error(err)
		}
		close(stop)
		await(t, stopped, "the publisher")
		for range sockets {
			if result := await(t, results, "a socket's close"); result.reason != "" {
				checkResume(t, result.told, first, result.reason, operations)
			}
		}
	})
}

func TestAQuietOperationResumesFromTheHead(t *testing.T) {
	t.Parallel()
	const head = 9999
	r := newRig(t, setting{})
	c := r.connect("")
	c.follow("1", "subscription { events(every: 5000) }", 0)
	r.publish(1, head)
	c.expect(event("1", 5000))
	done := r.shutdown(t.Context())
	reason, _ := c.expectClose(live.CloseRestart)
	// Not from 5000, its newest, which may soon be older than what is kept.
	if reason != cursor(head) {
		t.Errorf("the reason is %+v", parsed(t, reason))
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestAShutdownThatRunsOutOfTimeCutsWhoIsLeft(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		r := newRig(t, setting{secure: secure, socket: live.WebSocketOptions{Linger: time.Hour}})
		c := r.connect("")
		// It reads, but it never answers the close frame nor goes away.
		c.conn.SetCloseHandler(func(int, string) error { return nil })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		err := await(t, r.shutdown(ctx), "the shutdown")
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 left") {
			t.Errorf("shutting down: %v", err)
		}
	})
}
