package live_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline"
	"redline/live"
)

// told returns the ids of the events that came, by operation.
func told(t *testing.T, messages []serverMessage) map[string][]int64 {
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
		if _, err := fmt.Sscan(payload.Data.Events, &id); err != nil {
			t.Fatalf("%s: %v", m.Payload, err)
		}
		out[m.ID] = append(out[m.ID], id)
	}
	return out
}

// checkResume checks that a client which was told of these events, and resumes
// from the cursor, misses none: an operation wants every so manieth, from first
// on.
func checkResume(t *testing.T, told map[string][]int64, first int64, reason string, operations map[string]int64) {
	t.Helper()
	cursor, err := redline.ParseCursor(reason)
	if err != nil || cursor.Epoch != epoch {
		t.Fatalf("the reason %q is no cursor: %v", reason, err)
	}
	for id, every := range operations {
		want := (first + every - 1) / every * every
		for _, got := range told[id] {
			if got != want {
				t.Fatalf("every %d: told of %d, want %d", every, got, want)
			}
			want += every
		}
		if want <= cursor.ID {
			t.Errorf("every %d: not told of %d, and the cursor is already %d", every, want, cursor.ID)
		}
	}
}

func TestASlowReaderIsCutOffAloneAndCanResume(t *testing.T) {
	t.Parallel()
	const padding, queue, total = 4 << 10, 50, 6000
	for name, limits := range map[string]struct {
		options live.WebSocketOptions
		queue   int
	}{
		"by messages":         {live.WebSocketOptions{QueueMessages: queue}, total},
		"by bytes":            {live.WebSocketOptions{QueueMessages: total, QueueBytes: queue * padding}, total},
		"by two operations":   {live.WebSocketOptions{QueueMessages: queue}, total},
		"by the broker alone": {live.WebSocketOptions{QueueMessages: total, QueueBytes: 1 << 30}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, nil, limits.options, limits.queue)
			slow := r.dial(slowDialer())
			slow.init("")
			slow.expect(`{"type":"connection_ack"}`)
			operations := map[string]int64{"1": 1}
			if name == "by two operations" {
				operations["3"] = 3
			}
			for id, every := range operations {
				slow.subscribe(id, fmt.Sprintf(`subscription { events(name: "slow", every: %d, bytes: %d) }`, every, padding))
				await(t, r.schema.subscribed, "the slow one's subscription")
			}
			fast := r.connect("")
			if name != "by the broker alone" {
				// Its queue of 1 asks of everybody to keep pace with this loop.
				fast.subscribe("f", `subscription { events(name: "fast") }`)
				await(t, r.schema.subscribed, "the fast one's subscription")
			}

			// slow reads nothing until it was cut off.
			var last int64
			for cut := false; !cut && last < total; {
				last++
				r.publish(last, last)
				if name != "by the broker alone" {
					fast.expect(fmt.Sprintf(`{"id":"f","type":"next","payload":{"data":{"events":"%d "}}}`, last))
				}
				select {
				case <-r.schema.ended:
					cut = true
				default:
				}
			}
			if last == total {
				await(t, r.schema.ended, "the slow reader to be cut off")
			}
			reason, before := slow.expectClose(live.CloseSlowReader)
			checkResume(t, told(t, before), 1, reason, operations)
			fast.expectQuiet()
		})
	}
}

func TestAMessageAloneMayBeLongerThanTheQueue(t *testing.T) {
	t.Parallel()
	c := newRig(t, nil, live.WebSocketOptions{QueueBytes: 1}, 0).connect("")
	for range 3 {
		c.subscribe("1", "{ large(bytes: 100000) }")
		m, text := c.read()
		if m.Type != "next" || len(text) < 100_000 {
			t.Fatalf("got %.100s", text)
		}
		c.expect(`{"id":"1","type":"complete"}`)
	}
}

func TestADrainTellsEverybodyFromWhereToResume(t *testing.T) {
	t.Parallel()
	const sockets, first = 20, 101
	r := newRig(t, nil, live.WebSocketOptions{
		DrainSpread: 20 * time.Millisecond, QueueMessages: 1 << 30, QueueBytes: 1 << 40,
	}, 1<<30)
	r.publish(first-1, first-1)
	type result struct {
		reason string
		told   map[string][]int64
	}
	results := make(chan result, sockets)
	operations := map[string]int64{"1": 1, "2": 2, "7": 7}
	for range sockets {
		c := r.connect("")
		for id, every := range operations {
			c.subscribe(id, fmt.Sprintf(`subscription { events(name: "x", every: %d) }`, every))
			await(t, r.schema.subscribed, "the subscription")
		}
		go func() {
			var messages []serverMessage
			for {
				var m serverMessage
				err := c.conn.ReadJSON(&m)
				var closed *websocket.CloseError
				if errors.As(err, &closed) && closed.Code == live.CloseRestart {
					results <- result{closed.Text, told(t, messages)}
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
	done := r.shutdown(t.Context(), "going")
	// One without operations can go on from where it is.
	reason, _ := idle.expectClose(live.CloseRestart)
	if cursor, err := redline.ParseCursor(reason); err != nil || cursor.ID < first {
		t.Errorf("the idle socket's reason is %q", reason)
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
}

func TestAQuietOperationResumesFromTheHead(t *testing.T) {
	t.Parallel()
	const head = 10_000
	r := newRig(t, nil, live.WebSocketOptions{}, head)
	c := r.connect("")
	c.subscribe("1", `subscription { events(name: "x", every: 5000) }`)
	await(t, r.schema.subscribed, "the subscription")
	r.publish(1, head-1)
	c.expect(`{"id":"1","type":"next","payload":{"data":{"events":"5000 "}}}`)
	done := r.shutdown(t.Context(), "going")
	reason, _ := c.expectClose(live.CloseRestart)
	// Not from 5000, its newest, which may soon be older than what is kept.
	if want := (redline.Cursor{Epoch: epoch, ID: head - 1}).String(); reason != want {
		t.Errorf("the reason is %q, want %q", reason, want)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestAResolverThatLeavesEventsOutResumesFromNotFarBack(t *testing.T) {
	t.Parallel()
	const every, head, far = 500, 1000, 100
	r := newRig(t, nil, live.WebSocketOptions{}, head)
	c := r.connect("")
	c.subscribe("1", fmt.Sprintf(`subscription { picky(name: "x", every: %d, mark: %d) }`, every, head))
	await(t, r.schema.subscribed, "the subscription")
	r.publish(1, head)
	await(t, r.schema.marked, "the last answer")
	done := r.shutdown(t.Context(), "going")
	reason, _ := c.expectClose(live.CloseRestart)
	cursor, err := redline.ParseCursor(reason)
	if err != nil || cursor.ID < head-far || cursor.ID > head {
		t.Errorf("the cursor is %+v, %v", cursor, err)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestADrainingGatewayTakesNoSocketsAndSaysWhatItWasTold(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, live.WebSocketOptions{Cursor: func(int64) string { return "" }}, 0)
	c := r.connect("")
	done := r.shutdown(t.Context(), "a new release")
	if reason, _ := c.expectClose(live.CloseRestart); reason != "a new release" {
		t.Errorf("the reason is %q", reason)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}}
	_, response, err := dialer.Dial(r.url, nil)
	if response == nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	if response.StatusCode != http.StatusServiceUnavailable || response.Header.Get("Retry-After") == "" {
		t.Errorf("afterwards: status %d, %v", response.StatusCode, response.Header)
	}
}

func TestAClosedBrokerEndsNoOperationAsIfItWereComplete(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, live.WebSocketOptions{}, 0)
	c := r.connect("")
	c.subscribe("1", `subscription { events(name: "x") }`)
	await(t, r.schema.subscribed, "the subscription")
	r.broker.Close()
	if _, before := c.expectClose(live.CloseRestart); len(before) > 0 {
		t.Errorf("before the close came %v", before)
	}
}

func TestAShutdownThatRunsOutOfTimeCutsWhoIsLeft(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil, live.WebSocketOptions{Linger: time.Hour}, 0)
	c := r.connect("")
	// It reads, but it never answers the close frame nor goes away.
	c.conn.SetCloseHandler(func(int, string) error { return nil })
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	err := r.transport.Shutdown(ctx, "going")
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 left") {
		t.Errorf("shutting down: %v", err)
	}
}
