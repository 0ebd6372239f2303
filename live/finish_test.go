package live_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/live"
)

// A mutation that was running when the gateway stopped was committed, and its
// client told nothing but 1012.
func TestADrainLetsWhatRunsBeAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	c.follow("stream", "subscription { events }", 0)
	c.subscribe("1", "mutation { works }")
	await(t, r.schema.hanging, "the mutation")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := r.shutdown(ctx)
	r.refused()     // the drain has begun
	r.publish(1, 1) // and subscriptions go on meanwhile
	c.expect(event("stream", 1))
	r.schema.release <- struct{}{}
	c.expect(`{"id":"1","type":"next","payload":{"data":{"works":"done"},"extensions":{"field":"works"}}}`, `{"id":"1","type":"complete"}`)
	if reason, _ := c.expectClose(live.CloseRestart); reason != cursor(1) {
		t.Errorf("the reason is %q", reason)
	}
	if err := await(t, stopped, "the shutdown"); err != nil {
		t.Error(err)
	}
}

// What runs too long for a drain is told to come back before time is up.
func TestADrainGivesUpOnWhatRunsTooLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	c.subscribe("1", "mutation { works }")
	await(t, r.schema.hanging, "the mutation")
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	stopped := r.shutdown(ctx)
	c.expectClose(live.CloseRestart)
	if err := await(t, stopped, "the shutdown"); err != nil {
		t.Error(err)
	}
}

// A mutation that was running when its token's rights changed was committed,
// and its client told FORBIDDEN.
func TestOtherRightsLetAMutationBeAnswered(t *testing.T) {
	t.Parallel()
	full := supplier([]string{redline.ScopeOrdersRead}, []string{"a"}, time.Time{})
	fewer := full
	fewer.Scopes = nil
	r := newRig(t, setting{socket: live.WebSocketOptions{Authenticate: tokens{"Bearer full": full, "Bearer fewer": fewer}.authenticate}})
	c := r.connect("Bearer full")
	c.subscribe("1", "mutation { works }")
	await(t, r.schema.hanging, "the mutation")
	c.refreshed("Bearer fewer")
	r.schema.release <- struct{}{}
	c.expect(`{"id":"1","type":"next","payload":{"data":{"works":"done"},"extensions":{"field":"works"}}}`, `{"id":"1","type":"complete"}`)
}

// Pongs echo what their pings carry, and once weren't counted: a peer that read
// nothing had a gigabyte kept for it.
func TestEchoesOfAPeerThatReadsNothingAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{
		socket: live.WebSocketOptions{MessagesPerSecond: 1_000_000, MessageBurst: 1_000_000, WriteTimeout: patience},
		door:   live.DoorOptions{Limits: live.Limits{QueueMessages: 1_000_000, QueueBytes: 1 << 30}},
	})
	c := r.connectSlow("")
	// Several times what the network takes while nobody reads.
	const pings, bytes = 400, 60_000
	ping := `{"type":"ping","payload":{"x":"` + strings.Repeat("x", bytes) + `"}}`
	for range pings {
		c.send(ping)
	}
	if _, before := c.expectClose(live.CloseSlowReader); len(before) >= pings {
		t.Errorf("all %d pings were echoed", pings)
	}
}
