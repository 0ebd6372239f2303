package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/live"
)

// rights are tokens of one supplier, who may read: what it speaks for differs, and
// one may not read.
func rights() tokens {
	scopes := []string{redline.ScopeInventoryRead, redline.ScopeOrdersRead}
	return tokens{
		"Bearer a": supplier(scopes, []string{"a"}, time.Time{}), "Bearer b": supplier(scopes, []string{"b"}, time.Time{}),
		"Bearer both": supplier(scopes, []string{"b", "a"}, time.Time{}), "Bearer none": supplier(scopes[1:], []string{"a"}, time.Time{}),
	}
}

// scoped is the message that tells the operation of an event, as suppliers see it.
func scoped(n int64, whom string) string {
	return next("1", "scoped", fmt.Sprintf("%d for %s ", n, whom), n)
}

func TestOtherRightsThatAllowItLetAnOperationGoOnWithThem(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{socket: live.WebSocketOptions{Authenticate: rights().authenticate}})
	c, other := r.connect("Bearer a"), r.connect("Bearer a")
	for _, c := range []*client{c, other} {
		c.subscribe("1", "subscription { scoped }")
		c.expect(next("1", "scoped", "caught up", 0))
	}
	r.publish(1, 1)
	for _, c := range []*client{c, other} {
		c.expect(scoped(1, "a"))
	}
	id := int64(1)
	for _, token := range []string{"b", "both", "a"} {
		c.refreshed("Bearer " + token)
		whom := token
		if token == "both" {
			whom = "b+a"
		}
		// The second is told by its new group: until then it is on its way there.
		for range 2 {
			id++
			r.publish(id, id)
			// Not a word of being caught up, and with the new rights.
			c.expect(scoped(id, whom))
			other.expect(scoped(id, "a"))
		}
	}
	if s := r.door.Stats(); s.Groups != 1 || s.Subscriptions != 2 {
		t.Errorf("%d subscriptions are in %d groups, though the rights are the same again", s.Subscriptions, s.Groups)
	}
	c.expectQuiet()
}

func TestRightsThatDoNotAllowItEndAnOperation(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{socket: live.WebSocketOptions{Authenticate: rights().authenticate}})
	c := r.connect("Bearer a")
	c.subscribe("1", "subscription { scoped }")
	c.expect(next("1", "scoped", "caught up", 0))
	c.follow("2", "subscription { events }", 0)
	// Who has only just been told that it is caught up may be on its way still.
	r.publish(1, 1)
	ids := map[string]bool{}
	for range 2 {
		m, _ := c.read()
		ids[m.ID] = true
	}
	if !ids["1"] || !ids["2"] {
		t.Errorf("only %v were told", ids)
	}
	c.refresh("Bearer none")
	// The pong and the error come in any order, and the other goes on.
	pong := false
	for range 2 {
		m, text := c.read()
		switch {
		case m.Type == "pong":
			pong = true
		case m.Type != "error" || m.ID != "1" || !strings.Contains(text, "FORBIDDEN"):
			t.Fatalf("got %s", text)
		}
	}
	if !pong {
		t.Error("no pong came")
	}
	r.publish(2, 2)
	c.expect(event("2", 2))
	// The id is free, and what begins now has the new rights.
	c.subscribe("1", "subscription { scoped }")
	if _, extensions := c.expectError("1"); extensions["code"] != "FORBIDDEN" {
		t.Errorf("ended with %v", extensions)
	}
	c.refreshed("Bearer b")
	c.subscribe("1", "subscription { scoped }")
	c.expect(next("1", "scoped", "caught up", 2))
	r.publish(3, 3)
	got := map[string]bool{}
	for range 2 {
		_, text := c.read()
		got[text] = true
	}
	if !got[scoped(3, "b")] || !got[event("2", 3)] {
		t.Errorf("then came %v", got)
	}
}

// Who is still being caught up goes on where it stands: from the pong on it is told
// what it missed with the new rights alone, and that it is caught up.
func TestOtherRightsWhileBeingCaughtUp(t *testing.T) {
	t.Parallel()
	const missed = 200
	r := newRig(t, setting{log: &outageLog{events: upTo(1, missed)}, socket: live.WebSocketOptions{Authenticate: rights().authenticate}})
	telling := make(chan struct{})
	r.schema.change(func(s *schema) {
		s.telling = func(_ string, what []redline.Telling) {
			if what[0].Event == nil || what[0].Event.ID > 1 {
				<-telling
			}
		}
	})
	c := r.connect("Bearer a")
	c.subscribe("1", fmt.Sprintf("subscription { scoped(after: %q) }", cursor(0)))
	last := int64(1)
	c.expect(scoped(last, "a"))
	c.refresh("Bearer b")
	for m, text := c.read(); m.Type != "pong"; m, text = c.read() {
		if last++; text != scoped(last, "a") {
			t.Fatalf("before the pong came %s", text)
		}
	}
	close(telling)
	for last++; last <= missed; last++ {
		c.expect(scoped(last, "b"))
	}
	c.expect(next("1", "scoped", "caught up", missed))
	c.expectQuiet()
}

// Two changes of rights in quick succession once ended what the last of them
// allows: the second came while the first was being followed.
func TestTwoRefreshesAtOnceEndNothingThatIsAllowed(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{tails: true, socket: live.WebSocketOptions{Authenticate: rights().authenticate}})
	c := r.connect("Bearer a")
	c.subscribe("1", "subscription { scoped }")
	c.expect(next("1", "scoped", "caught up", 0))
	id := int64(0)
	for range 50 {
		c.refresh("Bearer b")
		c.refresh("Bearer a")
		for pongs := 0; pongs < 2; {
			if m, text := c.read(); m.Type == "pong" {
				pongs++
			} else {
				t.Fatalf("got %s", text)
			}
		}
		id++
		r.publish(id, id)
		c.expect(scoped(id, "a"))
	}
}

// Rights change back and forth while events flow: each is told once and in order,
// and from a pong on with the new rights alone.
func TestARefreshWhileEventsFlowLosesAndRepeatsNothing(t *testing.T) {
	t.Parallel()
	const refreshes, wave = 20, 100
	r := newRig(t, setting{
		tails: true, socket: live.WebSocketOptions{Authenticate: rights().authenticate},
		door: live.DoorOptions{Limits: live.Limits{QueueMessages: 10 * wave}},
	})
	c := r.connect("Bearer a")
	c.subscribe("1", "subscription { scoped }")
	c.expect(next("1", "scoped", "caught up", 0))
	last, whom, then := int64(0), "a", "a" // what it was told of, whom for it is, and is to be
	read := func() (pong bool) {
		m, text := c.read()
		if m.Type == "pong" {
			return true
		}
		if last++; text == scoped(last, then) {
			whom = then // which may be before the pong, and is for good
		} else if text != scoped(last, whom) {
			t.Fatalf("got  %s\nwant %s", text, scoped(last, whom))
		}
		return false
	}
	for n := range refreshes {
		token := []string{"b", "a"}[n%2]
		first := last + 1
		published := make(chan struct{})
		go func() {
			defer close(published)
			for id := first; id < first+wave; id++ {
				r.publish(id, id)
			}
		}()
		for range n * wave / refreshes {
			read() // somewhere within the wave
		}
		then = token
		c.refresh("Bearer " + token)
		for !read() {
		}
		for whom = token; last < first+wave-1; {
			read()
		}
		await(t, published, "the publisher")
		// What was published since is told by the group: it has gone over to it.
		r.publish(last+1, last+1)
		read()
	}
	c.expectQuiet()
}
