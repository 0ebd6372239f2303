package live_test

import (
	"context"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline"
	"redline/live"
)

// A mutation that was running when the gateway stopped was committed, and its
// client told nothing but 1012.
func TestADrainLetsWhatRunsBeAnswered(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, live.WebSocketOptions{}, 0)
	c := r.connect("")
	c.subscribe("stream", `subscription { events(name: "x") }`)
	await(t, r.schema.subscribed, "the subscription")
	c.subscribe("1", "mutation { works }")
	await(t, r.schema.hanging, "the mutation")
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	stopped := r.shutdown(ctx, "bye")
	r.refused()     // the drain has begun
	r.publish(1, 1) // and subscriptions go on meanwhile
	c.expect(`{"id":"stream","type":"next","payload":{"data":{"events":"1 "}}}`)
	r.schema.release <- struct{}{}
	c.expect(`{"id":"1","type":"next","payload":{"data":{"works":"done"},"extensions":{"field":"works"}}}`, `{"id":"1","type":"complete"}`)
	if reason, _ := c.expectClose(live.CloseRestart); reason != (redline.Cursor{Epoch: epoch, ID: 1}).String() {
		t.Errorf("the reason is %q", reason)
	}
	if err := await(t, stopped, "the shutdown"); err != nil {
		t.Error(err)
	}
}

// refused dials until a new socket is refused.
func (r *rig) refused() {
	r.t.Helper()
	for until := time.Now().Add(patience); time.Now().Before(until); {
		conn, resp, err := websocket.DefaultDialer.Dial(r.url, nil) //nolint:bodyclose // gorilla's needs no closing
		if err == nil {
			_ = conn.Close()
			continue
		}
		if resp != nil && resp.StatusCode == http.StatusServiceUnavailable {
			return
		}
	}
	r.t.Fatal("new sockets are taken")
}

// What runs too long for a drain is told to come back before time is up.
func TestADrainGivesUpOnWhatRunsTooLong(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, live.WebSocketOptions{}, 0)
	c := r.connect("")
	c.subscribe("1", "mutation { works }")
	await(t, r.schema.hanging, "the mutation")
	ctx, cancel := context.WithTimeout(context.Background(), 1500*time.Millisecond)
	defer cancel()
	stopped := r.shutdown(ctx, "bye")
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
	r := newRig(t, nil, live.WebSocketOptions{Authenticate: tokens{"Bearer full": full, "Bearer fewer": fewer}.authenticate}, 0)
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
	r := newRig(t, nil, live.WebSocketOptions{
		QueueMessages: 1_000_000, QueueBytes: 1 << 30, MessagesPerSecond: 1_000_000, MessageBurst: 1_000_000, WriteTimeout: patience,
	}, 0)
	c := r.dial(slowDialer())
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
