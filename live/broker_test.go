package live_test

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"redline"
	"redline/live"
)

// Members come, with and without a cursor, read, stall and leave while events are
// published. Each is told all that it wants from where it began, once and in order,
// and how the others do makes no difference.
func TestEveryMemberIsToldTheLogFromWhereItBegan(t *testing.T) {
	t.Parallel()
	type member struct {
		*listener
		every, at int64
	}
	rapid.Check(t, func(rt *rapid.T) {
		e := newEngine(t, setting{})
		defer e.stop()
		var members []*member
		var head int64
		some := func(rt *rapid.T) *member {
			if len(members) == 0 {
				rt.Skip("nobody is there")
			}
			return members[rapid.IntRange(0, len(members)-1).Draw(rt, "member")]
		}
		// following is the next event that a member wants.
		following := func(m *member) int64 {
			for _, id := range e.log.events {
				if id > m.at && id%m.every == 0 {
					return id
				}
			}
			return 0
		}
		rt.Repeat(map[string]func(*rapid.T){
			"come": func(rt *rapid.T) {
				m := &member{every: rapid.Int64Range(1, 3).Draw(rt, "every"), at: head}
				query := fmt.Sprintf("subscription { events(every: %d) }", m.every)
				if rapid.Bool().Draw(rt, "with a cursor") {
					m.at = rapid.Int64Range(0, head).Draw(rt, "after")
					query = fmt.Sprintf("subscription { events(every: %d, after: %q) }", m.every, cursor(m.at))
				}
				m.listener = e.listen(query)
				for id := following(m); id > 0; id = following(m) {
					m.expectEvents(id)
					m.at = id
				}
				m.expectCaughtUp(head)
				members = append(members, m)
			},
			"publish": func(rt *rapid.T) {
				for range rapid.IntRange(1, 5).Draw(rt, "events") {
					head += rapid.Int64Range(1, 3).Draw(rt, "gap")
					e.publish(head, head)
				}
				if e.broker.Head() != head {
					rt.Fatalf("the head is %d after %d", e.broker.Head(), head)
				}
			},
			"read": func(rt *rapid.T) {
				m := some(rt)
				m.resume()
				for n := rapid.IntRange(0, 10).Draw(rt, "events"); n > 0 && following(m) > 0; n-- {
					id := following(m)
					m.expectEvents(id)
					m.at = id
				}
			},
			"stall":  func(rt *rapid.T) { some(rt).stall() },
			"resume": func(rt *rapid.T) { some(rt).resume() },
			"leave": func(rt *rapid.T) {
				m := some(rt)
				m.leave()
				for i := range members {
					if members[i] == m {
						members = append(members[:i], members[i+1:]...)
						break
					}
				}
			},
		})
		for _, m := range members {
			m.resume()
			for id := following(m); id > 0; id = following(m) {
				m.expectEvents(id)
				m.at = id
			}
			m.leave()
			if rest := m.rest(); len(rest) > 0 {
				rt.Fatalf("beyond what was wanted came %v", rest)
			}
		}
		if s := e.door.Stats(); s.Groups > 0 || s.Subscriptions > 0 || s.Streams > 0 || s.Waiting > 0 {
			rt.Fatalf("when all have left there is %+v", s)
		}
	})
}

// Many come to one group and go from it while a tailer publishes as fast as it can:
// from where it was told that it is caught up, each has all of the log.
func TestWhoComesAndGoesDisturbsNobody(t *testing.T) {
	t.Parallel()
	const total, visitors = 2000, 8
	e := newEngine(t, setting{tails: true, door: live.DoorOptions{Limits: live.Limits{QueueMessages: total + 10}}})
	stays := e.listen("subscription { events }")
	defer stays.leave()
	stays.expectCaughtUp(0)
	stop := make(chan struct{})
	var visiting sync.WaitGroup
	for range visitors {
		visiting.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				l := e.listen("subscription { events }")
				m := l.next()
				if m.value != "caught up" {
					t.Errorf("at first came %+v", m)
				}
				at := m.at.ID
				for left := rand.IntN(50); left > 0 && at < total; left-- {
					if m = l.next(); m.n != at+1 || m.at != (redline.Cursor{Epoch: epoch, ID: m.n}) {
						t.Errorf("after %d came %+v", at, m)
						break
					}
					at = m.n
				}
				l.leave()
			}
		})
	}
	for id := int64(1); id <= total; id += 4 {
		e.publish(id, id+3)
		if id%100 == 1 {
			// So that it goes on for as long as they come and go.
			stays.expectEvents(upTo(max(id-100, 1), id-1)...)
		}
	}
	close(stop)
	stays.expectEvents(upTo(total-99, total)...)
	visiting.Wait()
	for id := range int64(total) {
		if got := e.schema.answered(id + 1); got != 1 {
			t.Errorf("event %d was executed %d times", id+1, got)
		}
	}
}
