package live_test

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline/live"
)

func TestBadMessagesCloseWith4400(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for _, message := range []string{
		``, ` `, `null`, `[]`, `"ping"`, `7`, `{`, `{}`, `{}{}`, `{"type":"ping"} x`,
		`{"type":null}`, `{"type":7}`, `{"type":""}`, `{"type":"start"}`, `{"type":"connection_terminate"}`,
		`{"Type":"ping"}`, `{"type":"Ping"}`,
		`{"type":"connection_ack"}`, `{"type":"next","id":"1","payload":{}}`, `{"type":"error","id":"1","payload":[]}`,
		`{"type":"ping","payload":[]}`, `{"type":"ping","payload":"x"}`, `{"type":"pong","payload":1}`,
		`{"type":"ping","payload":{"authorization":1}}`,
		`{"type":"connection_init","payload":true}`, `{"type":"connection_init","payload":{"authorization":["x"]}}`,
		`{"type":"complete"}`, `{"type":"complete","id":""}`, `{"type":"complete","id":1}`, `{"type":"complete","id":null}`,
		`{"type":"subscribe","payload":{"query":"{hello}"}}`,
		`{"type":"subscribe","id":null,"payload":{"query":"{hello}"}}`,
		`{"type":"subscribe","id":7,"payload":{"query":"{hello}"}}`,
		`{"type":"subscribe","id":"","payload":{"query":"{hello}"}}`,
		`{"type":"subscribe","id":"` + strings.Repeat("x", 129) + `","payload":{"query":"{hello}"}}`,
		`{"type":"subscribe","id":"1"}`, `{"type":"subscribe","id":"1","payload":null}`, `{"type":"subscribe","id":"1","payload":"{hello}"}`,
		`{"type":"subscribe","id":"1","payload":{}}`, `{"type":"subscribe","id":"1","payload":{"query":null}}`,
		`{"type":"subscribe","id":"1","payload":{"Query":"{hello}"}}`,
		`{"type":"subscribe","id":"1","payload":{"query":{"hello":1}}}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{hello}","operationName":1}}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":[]}}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{hello}","variables":"{}"}}`,
		`{"type":"subscribe","id":"1","payload":{"query":"{hello}","extensions":1}}`,
		"{\"type\":\"ping\",\"payload\":{\"a\":\"\xff\"}}",
		strings.Repeat("[", 20_000),
	} {
		c := r.connect("")
		c.send(message)
		reason, before := c.expectClose(live.CloseBadMessage)
		if !strings.HasPrefix(reason, "Invalid message: ") || len(before) > 0 {
			t.Errorf("%.80s: closed with %q after %v", message, reason, before)
		}
	}
}

func TestABinaryMessageClosesWith4400(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).connect("")
	if err := c.conn.WriteMessage(websocket.BinaryMessage, []byte(`{"type":"ping"}`)); err != nil {
		t.Fatal(err)
	}
	c.expectClose(live.CloseBadMessage)
}

func TestNoInitClosesWith4408(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{socket: live.WebSocketOptions{InitTimeout: 20 * time.Millisecond}})
	c := r.dial(nil)
	// Being alive doesn't help.
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
	c.expectClose(live.CloseInitTimeout)
}

func TestAnInitInTimeStopsTheClock(t *testing.T) {
	t.Parallel()
	const short = 20 * time.Millisecond
	r := newRig(t, setting{socket: live.WebSocketOptions{InitTimeout: short}})
	c := r.connect("")
	for began := time.Now(); time.Since(began) < 3*short; {
		c.expectQuiet()
	}
}

func TestSubscribeBeforeAckClosesWith4401(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.dial(nil)
	c.subscribe("1", "{ hello }")
	c.expectClose(live.CloseUnauthorized)

	c = r.dial(nil)
	c.send(`{"type":"ping","payload":` + authorizationJSON("Bearer x") + `}`)
	c.expectClose(live.CloseUnauthorized)
}

func TestASecondInitClosesWith4429(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).connect("")
	c.init("")
	c.expectClose(live.CloseSecondInit)
}

func TestAnIDInUseClosesWith4409(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for _, running := range []string{"subscription { events }", "{ hangs }"} {
		c := r.connect("")
		id := strings.Repeat("й", 60) // two bytes each: the reason has to be cut
		c.subscribe(id, running)
		c.subscribe(id, "{ hello }")
		reason, _ := c.expectClose(live.CloseIDInUse)
		if !strings.HasPrefix(reason, "Subscriber for йй") {
			t.Errorf("closed with %q", reason)
		}
	}
}

func TestAnotherSubprotocolClosesWith4406(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for _, offered := range [][]string{nil, {"graphql-ws"}, {"Graphql-Transport-Ws"}} {
		c := r.dial(&websocket.Dialer{Subprotocols: offered})
		c.expectClose(live.CloseBadSubprotocol)
	}
	c := r.dial(&websocket.Dialer{Subprotocols: []string{"graphql-ws", subprotocol}})
	if got := c.conn.Subprotocol(); got != subprotocol {
		t.Errorf("of two, %q was chosen", got)
	}
}

// Messages are counted as they are sent: none is compressed, whatever a client offers.
func TestCompressionIsNotTakenUp(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	dialer := websocket.Dialer{Subprotocols: []string{subprotocol}, EnableCompression: true}
	conn, response, err := dialer.Dial(r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	defer func() { _ = response.Body.Close() }()
	if taken := response.Header.Values("Sec-WebSocket-Extensions"); len(taken) > 0 {
		t.Errorf("the extensions %q were taken up", taken)
	}
}

// What is still on its way when a message is too big has to be read, or the
// reset that answers it overtakes the close frame.
func TestTooBigClosesWith1009AndThePeerSeesIt(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const limit = 1000
		r := newRig(t, setting{secure: secure, socket: live.WebSocketOptions{MaxMessageBytes: limit, Linger: patience}})

		c := r.connect("")
		padding := limit - len(`{"type":"ping","payload":{"p":""}}`)
		c.send(`{"type":"ping","payload":{"p":"` + strings.Repeat("x", padding) + `"}}`)
		if m, text := c.read(); m.Type != "pong" {
			t.Fatalf("a message of just the limit was answered by %s", text)
		}

		for _, size := range []int{limit + 1, 8 << 20} {
			c := r.connect("")
			// One that goes on sending, as a browser does, instead of answering.
			c.conn.SetCloseHandler(func(int, string) error { return nil })
			sent := make(chan error, 1)
			go func() { sent <- c.conn.WriteMessage(websocket.TextMessage, bytes.Repeat([]byte{' '}, size)) }()
			c.expectClose(live.CloseTooBig)
			if err := await(t, sent, "the message to be sent"); err != nil {
				t.Errorf("of %d bytes not all were read: %v", size, err)
			}
			_ = c.conn.Close()
		}
	})
}

func TestTooManyOperationsAreAnError(t *testing.T) {
	t.Parallel()
	const most = 3
	r := newRig(t, setting{socket: live.WebSocketOptions{MaxOperations: most}})
	c := r.connect("")
	for n := range most {
		c.follow(strconv.Itoa(n), "subscription { events }", 0)
	}
	c.subscribe("more", "{ hello }")
	if _, extensions := c.expectError("more"); extensions["code"] != "TOO_MANY_OPERATIONS" || extensions["presented"] != true {
		t.Errorf("the error has %v", extensions)
	}
	c.send(`{"id":"0","type":"complete"}`)
	c.subscribe("more", "{ hello }")
	if m, text := c.read(); m.Type != "next" || m.ID != "more" {
		t.Errorf("when one had ended came %s", text)
	}
}

// Whoever asks for what nobody else asks for takes memory that nobody shares: of such
// subscriptions there are so many, and one more is told so. One that is shared costs
// nothing, and one that has ended makes room.
func TestTooManyDifferentSubscriptionsAreAnError(t *testing.T) {
	t.Parallel()
	const most = 3
	r := newRig(t, setting{broker: live.BrokerOptions{MaxGroups: most}})
	c, other := r.connect(""), r.connect("")
	named := func(n int) string { return fmt.Sprintf("subscription { events(name: %q) }", strconv.Itoa(n)) }
	for n := range most {
		c.follow(strconv.Itoa(n), named(n), 0)
	}
	other.follow("same", named(0), 0)
	other.subscribe("more", named(most))
	if _, extensions := other.expectError("more"); extensions["presented"] != true {
		t.Errorf("the error has %v", extensions)
	}
	if groups := r.door.Stats().Groups; groups != most {
		t.Errorf("there are %d groups", groups)
	}
	c.send(`{"id":"1","type":"complete"}`)
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`) // messages are taken one after the other
	other.follow("more", named(most), 0)
}

func TestAFloodOfMessagesIsSlowedDown(t *testing.T) {
	t.Parallel()
	const rate, burst, count = 400, 5, 45
	r := newRig(t, setting{socket: live.WebSocketOptions{MessagesPerSecond: rate, MessageBurst: burst}})
	c := r.dial(nil)
	began := time.Now()
	for range count {
		c.send(`{"type":"ping"}`)
	}
	for range count {
		c.expect(`{"type":"pong"}`)
	}
	if least := (count - burst) * time.Second / rate; time.Since(began) < least {
		t.Errorf("%d messages took %v, less than %v", count, time.Since(began), least)
	}
}
