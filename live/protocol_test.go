package live_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/gorilla/websocket"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"redline"
	"redline/live"
)

func TestQueriesMutationsAndSubscriptionsRun(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	c.subscribe("1", "{ hello }")
	c.expect(
		`{"id":"1","type":"next","payload":{"data":{"hello":"hello"},"extensions":{"field":"hello"}}}`,
		`{"id":"1","type":"complete"}`,
	)
	c.send(`{"id":"2","type":"subscribe","payload":{"query":"mutation B($by: Int!) { bump(by: $by) } query Q { hello }",` +
		`"operationName":"B","variables":{"by":41},"extensions":null}}`)
	c.expect(
		`{"id":"2","type":"next","payload":{"data":{"bump":42},"extensions":{"field":"bump"}}}`,
		`{"id":"2","type":"complete"}`,
	)
	c.subscribe("3", "subscription { n: events }")
	c.expect(next("3", "n", "caught up", 0))
	r.publish(1, 1)
	c.expect(next("3", "n", "1 ", 1))
	c.subscribe("4", `{ fails }`)
	c.expect(
		`{"id":"4","type":"next","payload":{"errors":[{"message":"it failed","extensions":{"presented":true}}],"data":null}}`,
		`{"id":"4","type":"complete"}`,
	)
	c.expectQuiet()
}

func TestAnIDIsAnyText(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).connect("")
	for _, id := range []string{`"quoted\"`, "новый", "<&>", strings.Repeat("x", 128)} {
		c.subscribe(id, "{ hello }")
		for _, kind := range []string{"next", "complete"} {
			if m, text := c.read(); m.ID != id || m.Type != kind {
				t.Fatalf("got %s, want %s of %q", text, kind, id)
			}
		}
	}
}

func TestWhatIsRefusedBeforeItRunsIsAnError(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).connect("")
	for query, wants := range map[string]string{
		"{ unknown }":                         "Cannot query field",
		"{ hello":                             "Expected Name",
		"{ large }":                           "required",
		"subscription { refused }":            errRefused.Error(),
		"query A { hello } query B { hello }": "not found",
		"subscription { events(name: 1) }":    "String cannot represent",
		"":                                    "no operation",
	} {
		c.subscribe("same", query)
		message, extensions := c.expectError("same")
		if !strings.Contains(message, wants) || extensions["presented"] != true {
			t.Errorf("%s: %q with %v, want %q, presented", query, message, extensions, wants)
		}
		// No complete comes after it, and the id is free.
		c.expectQuiet()
	}
}

func TestAPanicIsOneInternalError(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	for i, query := range []string{"{ panics }", "subscription { panics }", "subscription { badFilter }"} {
		c.subscribe("1", query)
		if i > 0 {
			// It is caught up before it has an event to trip over.
			if _, text := c.read(); !strings.Contains(text, cursor(r.broker.Head())) {
				t.Errorf("%s: at first came %s", query, text)
			}
			r.publish(int64(i), int64(i))
		}
		if message, _ := c.expectError("1"); message != "internal error" {
			t.Errorf("%s: %q", query, message)
		}
		c.expectQuiet()
	}
	c.subscribe("1", "{ hello }")
	if m, text := c.read(); m.Type != "next" {
		t.Errorf("after the panics came %s", text)
	}
}

// brokenParameters is an extension that panics before there is an operation.
type brokenParameters struct{}

func (brokenParameters) ExtensionName() string                   { return "BrokenParameters" }
func (brokenParameters) Validate(graphql.ExecutableSchema) error { return nil }
func (brokenParameters) MutateOperationParameters(context.Context, *graphql.RawParams) *gqlerror.Error {
	panic("no parameters")
}

func TestWhateverBreaksAroundAnOperationIsOneInternalError(t *testing.T) {
	t.Parallel()
	for name, breaks := range map[string]func(*executor.Executor){
		"an extension": func(e *executor.Executor) { e.Use(brokenParameters{}) },
		"the presenter": func(e *executor.Executor) {
			e.SetErrorPresenter(func(context.Context, error) *gqlerror.Error { panic("no error") })
		},
		"what the presenter gives": func(e *executor.Executor) {
			e.SetErrorPresenter(func(context.Context, error) *gqlerror.Error {
				return &gqlerror.Error{Extensions: map[string]any{"unwritable": func() {}}}
			})
		},
	} {
		r := newRig(t, setting{})
		breaks(r.exec)
		c := r.connect("")
		for _, query := range []string{"{ fails }", "{ panics }"} {
			c.subscribe("1", query)
			if message, _ := c.expectError("1"); message != "internal error" {
				t.Errorf("%s: %s gave %q", name, query, message)
			}
			c.expectQuiet()
		}
	}
}

func TestWhatAnOperationStillHadToSayIsDroppedWhenItIsEnded(t *testing.T) {
	t.Parallel()
	const total, padding = 4000, 8 << 10
	fewer := supplier(nil, nil, time.Time{})
	more := fewer
	more.Suppliers, more.Scopes = []string{"hot"}, []string{redline.ScopeInventoryRead}
	for name, one := range map[string]struct {
		end  func(*client)
		last string // contained in the first message that isn't an old one
	}{
		"by the client": {func(c *client) {
			c.send(`{"id":"1","type":"complete"}`)
			c.subscribe("1", "{ hello }")
		}, `"hello"`},
		"by other rights": {func(c *client) { c.refresh("Bearer fewer") }, `"pong"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, setting{
				socket: live.WebSocketOptions{Authenticate: tokens{"Bearer more": more, "Bearer fewer": fewer}.authenticate},
				door:   live.DoorOptions{Limits: live.Limits{QueueMessages: total + 10, QueueBytes: 1 << 30}},
			})
			c := r.connectSlow("Bearer more")
			c.subscribe("1", fmt.Sprintf(`subscription { scoped(bytes: %d, mark: %d) }`, padding, total))
			c.expect(next("1", "scoped", "caught up", 0))
			// Several times what the network takes while nobody reads.
			r.publish(1, total)
			await(t, r.schema.marked, "the last answer")
			one.end(c)
			for old := 0; ; old++ {
				_, text := c.read()
				if strings.Contains(text, one.last) {
					break
				}
				if old > total/2 || !strings.Contains(text, `"type":"next"`) {
					t.Fatalf("after %d old answers came %.100s", old, text)
				}
			}
		})
	}
}

func TestAPanickingAuthenticateClosesTheSocket(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{socket: live.WebSocketOptions{
		Authenticate: func(context.Context, string, bool) (redline.Principal, error) { panic("no") },
	}})
	c := r.dial(nil)
	c.init("")
	c.expectClose(live.CloseInternal)
}

func TestCompleteIsTheLastOfAnOperation(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	c := r.connect("")
	for round := range int64(20) {
		c.follow("1", "subscription { events }", 2*round)
		r.publish(2*round+1, 2*round+1)
		c.expect(event("1", 2*round+1))
		c.send(`{"id":"1","type":"complete"}`)
		c.expectQuiet()
		r.publish(2*round+2, 2*round+2)
		c.expectQuiet()
	}
	if s := r.door.Stats(); s.Subscriptions > 0 || s.Groups > 0 {
		t.Errorf("%d subscriptions are left in %d groups", s.Subscriptions, s.Groups)
	}
	// A query that is under way is not answered any more.
	c.subscribe("1", "{ hangs }")
	await(t, r.schema.hanging, "the query")
	c.send(`{"id":"1","type":"complete"}`)
	c.expectQuiet()
	// Nobody minds one that never was.
	c.send(`{"id":"never","type":"complete"}`)
	c.expectQuiet()
}

func TestPingAndPong(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).dial(nil)
	// Also before connection_init.
	c.send(`{"type":"ping"}`)
	c.expect(`{"type":"pong"}`)
	c.send(`{"type":"ping","payload":null}`)
	c.expect(`{"type":"pong"}`)
	c.send(`{"type":"ping","payload":{"a": [1, 2.50, "é"]}}`)
	c.expect(`{"type":"pong","payload":{"a": [1, 2.50, "é"]}}`)
	c.send(`{"type":"pong"}`)
	c.send(`{"type":"pong","payload":{"unasked":true}}`)
	c.expectQuiet()
	c.init("")
	c.expect(`{"type":"connection_ack"}`)
}

// pinging are options with which a socket that gives no sign of life is dropped
// after a few seconds, of which a busy machine takes some for itself.
var pinging = live.WebSocketOptions{PingInterval: 20 * time.Millisecond, WriteTimeout: 3 * time.Second}

func TestThePeerIsPingedAndLivesByItsPongs(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{socket: pinging}).connect("")
	began := time.Now()
	c.conn.SetPingHandler(func(string) error {
		if time.Since(began) > pinging.WriteTimeout+4*pinging.PingInterval {
			return c.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"ping"}`))
		}
		return c.conn.WriteControl(websocket.PongMessage, nil, time.Now().Add(patience))
	})
	c.expect(`{"type":"pong"}`)
}

func TestAPeerThatAnswersNoPingIsDropped(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{socket: pinging}).connect("")
	c.conn.SetPingHandler(func(string) error { return nil })
	c.expectClose(websocket.CloseAbnormalClosure)
}

func TestThePeersPingsAreAnswered(t *testing.T) {
	t.Parallel()
	c := newRig(t, setting{}).connect("")
	pongs := make(chan string, 1)
	c.conn.SetPongHandler(func(data string) error {
		pongs <- data
		return c.conn.WriteControl(websocket.CloseMessage, nil, time.Now().Add(patience))
	})
	if err := c.conn.WriteControl(websocket.PingMessage, []byte("there?"), time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	c.expectClose(websocket.CloseNoStatusReceived)
	if got := await(t, pongs, "the pong"); got != "there?" {
		t.Errorf("the pong says %q", got)
	}
}

func TestABrokenFrameIsToldSo(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	for frame, code := range map[string]int{
		// A text frame without a mask, which a client must not send.
		"\x81\x02{}and more": websocket.CloseProtocolError,
		// One of 2^64-1 bytes, which is no length.
		"\x81\xff\xff\xff\xff\xff\xff\xff\xff\xff" + "maskand more": live.CloseTooBig,
	} {
		c := r.connect("")
		if _, err := c.conn.NetConn().Write([]byte(frame)); err != nil {
			t.Fatal(err)
		}
		c.expectClose(code)
	}
}

func TestTheHandlerReturnsAndItsRequestEnds(t *testing.T) {
	t.Parallel()
	p := redline.Principal{Issuer: "us", Subject: "sam", Role: redline.RoleOperator}
	r := newRig(t, setting{principal: &p})
	c := r.connect("")
	await(t, r.returned, "the handler's return")
	// The request's values are still there: its principal and its id.
	c.subscribe("1", "{ whoami }")
	c.expect(`{"id":"1","type":"next","payload":{"data":{"whoami":"OPERATOR sam of us in req-1"},"extensions":{"field":"whoami"}}}`)
}

func TestAQueryHasATimeAndASubscriptionHasNot(t *testing.T) {
	t.Parallel()
	const short = 30 * time.Millisecond
	r := newRig(t, setting{socket: live.WebSocketOptions{RequestTimeout: short}})
	c := r.connect("")
	c.follow("s", "subscription { events }", 0)
	c.subscribe("q", "{ hangs }")
	m, text := c.read()
	if m.ID != "q" || !strings.Contains(text, context.DeadlineExceeded.Error()) {
		t.Errorf("the query answered %s", text)
	}
	c.expect(`{"id":"q","type":"complete"}`)
	r.publish(1, 1)
	c.expect(event("s", 1))
}

func TestAnotherTransportGetsWhatIsNoWebsocket(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	plain, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.transport.Supports(plain) {
		t.Error("a plain GET is taken for a websocket")
	}
}
