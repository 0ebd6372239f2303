package live_test

import (
	"context"
	"net/http"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/gorilla/websocket"

	"redline/live"
)

// knock dials, and returns what it was answered. It hangs up at the test's end.
func (r *rig) knock(from string) (conn *websocket.Conn, status int, header http.Header) {
	r.t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}}
	conn, response, err := dialer.Dial(r.url, http.Header{"X-From": {from}})
	if response == nil {
		r.t.Fatal(err)
	}
	_ = response.Body.Close()
	if err == nil {
		r.t.Cleanup(func() { _ = conn.Close() })
	}
	return conn, response.StatusCode, response.Header
}

// refused dials until a new socket is refused.
func (r *rig) refused() {
	r.t.Helper()
	waitFor(r.t, "new sockets to be refused", func() bool {
		_, status, _ := r.knock("")
		return status == http.StatusServiceUnavailable
	})
}

func TestTooManyConnectionsAreRefused(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{door: live.DoorOptions{MaxConnections: 3, MaxPerAddress: 2}})
	open := func(from string, want int) *websocket.Conn {
		t.Helper()
		conn, status, header := r.knock(from)
		if status != want {
			t.Fatalf("one more of %q: status %d, want %d", from, status, want)
		}
		after, err := strconv.Atoi(header.Get("Retry-After"))
		if refused := want != http.StatusSwitchingProtocols; refused && (err != nil || after < 1 || after > 10) {
			t.Errorf("refused with Retry-After %q", header.Get("Retry-After"))
		}
		return conn
	}
	first := open("a", http.StatusSwitchingProtocols)
	// Streams are counted as sockets are.
	stream := r.listen("subscription { events }")
	stream.expectCaughtUp(0)
	open("a", http.StatusSwitchingProtocols)
	open("a", http.StatusServiceUnavailable)
	stream.leave()
	open("a", http.StatusTooManyRequests)
	open("b", http.StatusSwitchingProtocols)
	open("c", http.StatusServiceUnavailable)
	if got := r.door.Stats().TurnedAway; got != 3 {
		t.Errorf("%d were turned away; want 3", got)
	}

	// A socket that has gone makes room for another one.
	_ = first.Close()
	waitFor(t, "room", func() bool {
		_, status, _ := r.knock("a")
		return status == http.StatusSwitchingProtocols
	})
}

// Whoever has an IPv6 address has 2^64 of them: they are one sender, whichever way one
// of them is written.
func TestAddressesOfANetworkAreOne(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{door: live.DoorOptions{MaxPerAddress: 2}})
	want := func(from string, want int) *websocket.Conn {
		t.Helper()
		conn, status, _ := r.knock(from)
		if status != want {
			t.Fatalf("one more of %q: status %d, want %d", from, status, want)
		}
		return conn
	}
	first := want("2001:db8::1", http.StatusSwitchingProtocols)
	want("2001:db8:0:0:ffff::2", http.StatusSwitchingProtocols)
	want("2001:DB8::3", http.StatusTooManyRequests)
	want("2001:db8:0:1::1", http.StatusSwitchingProtocols)
	want("192.0.2.1", http.StatusSwitchingProtocols)
	want("::ffff:192.0.2.1", http.StatusSwitchingProtocols)
	want("192.0.2.1", http.StatusTooManyRequests)
	want("192.0.2.2", http.StatusSwitchingProtocols)

	_ = first.Close()
	waitFor(t, "room", func() bool {
		_, status, _ := r.knock("2001:db8::4")
		return status == http.StatusSwitchingProtocols
	})
}

func TestConnectionsAreLetInAtAPace(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{door: live.DoorOptions{ConnectRate: 1, ConnectBurst: 3}})
	for range 3 {
		if _, status, _ := r.knock(""); status != http.StatusSwitchingProtocols {
			t.Fatalf("of a burst, one was answered %d", status)
		}
	}
	// Whoever is refused costs nobody else a place, so that it isn't refused for ever.
	refused := 0
	waitFor(t, "one to be let in", func() bool {
		_, status, header := r.knock("")
		switch status {
		case http.StatusSwitchingProtocols:
			return true
		case http.StatusServiceUnavailable:
			refused++
		default:
			t.Errorf("one was answered %d", status)
		}
		if after, err := strconv.Atoi(header.Get("Retry-After")); err != nil || after < 1 || after > 10 {
			t.Errorf("refused with Retry-After %q", header.Get("Retry-After"))
		}
		return false
	})
	if got := r.door.Stats().TurnedAway; got != int64(refused) || got == 0 {
		t.Errorf("%d were turned away, and %d were refused", got, refused)
	}
}

func TestStreamsAreLetInAtAPaceAndToldToComeBack(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{door: live.DoorOptions{ConnectRate: 1, ConnectBurst: 2}})
	refused := 0
	for n := range 3 {
		l := e.listen("{ hello }")
		m := l.next()
		if wait, err := strconv.Atoi(m.retry); n == 2 && (err != nil || wait < 1000 || wait > 10_000) || n < 2 && m.event != "next" {
			t.Errorf("number %d was told %q", n, l.text.String())
		}
		if m.retry != "" {
			refused++
			l.expectEnd()
			// A browser's stream that is answered anything else is given up for good.
			if l.status != 0 && l.status != http.StatusOK || l.header.Get("Content-Type") != "text/event-stream" {
				t.Errorf("answered %d with %v", l.status, l.header)
			}
		}
	}
	waitFor(t, "one to be let in", func() bool {
		m := e.listen("{ hello }").next()
		if m.event != "next" {
			refused++
		}
		return m.event == "next"
	})
	if got := e.door.Stats().TurnedAway; got != int64(refused) {
		t.Errorf("%d were turned away, and %d were refused", got, refused)
	}
}

func TestADrainIsSpread(t *testing.T) {
	t.Parallel()
	for name, one := range map[string]struct {
		spread, pace time.Duration
		members      int
	}{
		"evenly":                   {100 * time.Millisecond, 10 * time.Millisecond, 10},
		"a few don't need so long": {time.Hour, 20 * time.Millisecond, 10},
		"not at all":               {0, 0, 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := newEngine(t, setting{door: live.DoorOptions{DrainSpread: one.spread}})
				began := time.Now()
				ended := make(chan time.Duration, one.members)
				for range one.members {
					l := e.listen("subscription { events }")
					l.expectCaughtUp(0)
					go func() {
						<-l.over
						ended <- time.Since(began)
					}()
				}
				done := e.shutdown(t.Context())
				for n := range one.members {
					if got := <-ended; got != time.Duration(n)*one.pace {
						t.Errorf("number %d ended after %v, not %v", n, got, time.Duration(n)*one.pace)
					}
				}
				if err := <-done; err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestADrainingGatewayTakesNobodyAndLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	c.follow("1", "subscription { events }", 0)
	l := r.listen("subscription { events }")
	l.expectCaughtUp(0)
	done := r.shutdown(t.Context())
	if reason, _ := c.expectClose(live.CloseRestart); reason != cursor(0) {
		t.Errorf("the reason is %q", reason)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
	if _, status, header := r.knock(""); status != http.StatusServiceUnavailable || header.Get("Retry-After") == "" {
		t.Errorf("afterwards: status %d, %v", status, header)
	}
	late := r.listen("subscription { events }")
	if m := late.next(); m.retry == "" {
		t.Errorf("a stream was answered %+v", m)
	}
	late.expectEnd()
	r.publish(1, 1)
	if s := r.door.Stats(); s.Sockets+s.Streams+s.Subscriptions+s.Groups+s.Waiting > 0 || s.Executions > 0 {
		t.Errorf("afterwards there is %+v", s)
	}
	// Once more says the same.
	if err := r.door.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestADrainLetsAStreamsMutationBeAnswered(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	l := e.listen("mutation { works }")
	await(t, e.schema.hanging, "the mutation")
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	done := e.shutdown(ctx)
	e.schema.release <- struct{}{}
	if m := l.next(); m.value != "done" {
		t.Errorf("it was answered %+v", m)
	}
	if m := l.next(); m.event != "complete" && m.retry == "" {
		t.Errorf("then came %+v", m)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatMakeNoSenseAreRefused(t *testing.T) {
	t.Parallel()
	log := &outageLog{}
	broker, err := live.NewBroker(live.BrokerOptions{History: log})
	if err != nil {
		t.Fatal(err)
	}
	door, err := live.NewDoor(broker, live.DoorOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range []live.WebSocketOptions{
		{MaxOperations: -1}, {PingInterval: -1},
	} {
		if _, err := live.NewWebSocket(door, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	for _, o := range []live.DoorOptions{
		{MaxConnections: -1}, {MaxPerAddress: -1}, {ConnectRate: -1}, {ConnectBurst: -1}, {DrainSpread: -1},
		{Limits: live.Limits{QueueMessages: -1}}, {Limits: live.Limits{QueueBytes: -1}},
	} {
		if _, err := live.NewDoor(broker, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if _, err := live.NewDoor(nil, live.DoorOptions{}); err == nil {
		t.Error("a door without a broker was accepted")
	}
	for _, o := range []live.StreamOptions{{Heartbeat: -1}, {WriteTimeout: -1}, {RequestTimeout: -1}} {
		if _, err := live.NewStreams(door, o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	for _, o := range []live.BrokerOptions{{}, {History: log, CatchUps: -1}} {
		if _, err := live.NewBroker(o); err == nil {
			t.Errorf("%+v was accepted", o)
		}
	}
	if _, err := live.NewTailer(log, broker, live.TailerOptions{Batch: -1}); err == nil {
		t.Error("a batch below 0 was accepted")
	}
}
