package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline"
)

// at is a cursor of the scripted gateway's log.
func at(id int64) string { return redline.Cursor{Epoch: 7, ID: id}.String() }

// turn is what the scripted gateway does with one connection. It returns to end
// it without a word.
type turn func(c *scripted)

// scripted is one connection to it.
type scripted struct {
	t    *testing.T
	w    http.ResponseWriter
	r    *http.Request
	conn *websocket.Conn
	id   string
}

// subscribed lets the watch in, waits for it to subscribe, and returns the
// variables.
func (c *scripted) subscribed() map[string]any {
	c.open()
	if m := c.read(); m.Type != "connection_init" {
		c.t.Errorf("%s came first", m.Type)
	}
	c.write(message{Type: "connection_ack"})
	return c.subscription()
}

func (c *scripted) open() {
	conn, err := (&websocket.Upgrader{Subprotocols: []string{"graphql-transport-ws"}}).Upgrade(c.w, c.r, nil)
	if err != nil {
		c.t.Error(err)
		return
	}
	c.conn = conn
}

func (c *scripted) subscription() map[string]any {
	m := c.read()
	c.id = m.ID
	var p struct{ Variables map[string]any }
	if err := json.Unmarshal(m.Payload, &p); err != nil || m.Type != "subscribe" {
		c.t.Errorf("%s %s instead of subscribe", m.Type, m.Payload)
	}
	return p.Variables
}

func (c *scripted) read() (m message) {
	if c.conn == nil {
		return m
	}
	_ = c.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	if err := c.conn.ReadJSON(&m); err != nil {
		c.t.Error(err)
	}
	return m
}

func (c *scripted) write(m message) {
	if c.conn == nil {
		return
	}
	if err := c.conn.WriteJSON(m); err != nil {
		c.t.Error(err)
	}
}

// tell sends an event of each kind, the first at the given place.
func (c *scripted) tell(from int64, kinds ...string) {
	for i, kind := range kinds {
		cursor := at(from + int64(i))
		e := map[string]any{"cursor": cursor, "kind": kind, "at": "2026-11-28T12:00:00Z"}
		if kind != kindCaughtUp {
			e["available"], e["product"], e["location"] = from+int64(i), map[string]any{"sku": "A"}, map[string]any{"code": "W"}
		}
		b, err := json.Marshal(map[string]any{"data": map[string]any{"change": e}, "extensions": map[string]any{"cursor": cursor}})
		if err != nil {
			c.t.Error(err)
		}
		c.write(message{ID: c.id, Type: "next", Payload: b})
	}
}

func (c *scripted) refuse(code string) {
	c.write(message{ID: c.id, Type: "error", Payload: json.RawMessage(`[{"message": "so it is", "extensions": {"code": "` + code + `"}}]`)})
}

func (c *scripted) close(code int, reason string) {
	if c.conn == nil {
		return
	}
	if err := c.conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason)); err != nil {
		c.t.Error(err)
	}
	c.gone() // so that the frame isn't lost in a reset
}

// gone waits until the watch hangs up.
func (c *scripted) gone() {
	if c.conn != nil {
		_, _, _ = c.conn.ReadMessage()
	}
}

// after checks where a subscription begins.
func after(t *testing.T, variables map[string]any, want string) {
	got, _ := variables["after"].(string)
	if got != want {
		t.Errorf("it begins after %q; want %q", got, want)
	}
}

const (
	caughtUp = kindCaughtUp
	news     = "CHANGE"
)

// A watch over connections that end in all sorts of ways: what it prints, what
// it says, and where it goes on.
func TestWatchReconnects(t *testing.T) {
	t.Parallel()
	unfinished := redline.Cursor{Epoch: 7, ID: 40, InSnapshot: true}.String()
	for name, test := range map[string]struct {
		cmd   watchCmd
		turns []turn
		// lines are the ends of the lines printed.
		lines []string
		// says are in what is said, in this order; fails is in the error.
		says  []string
		fails string
	}{
		"goes on where it was": {
			watchCmd{Count: 4}, []turn{
				func(c *scripted) { after(c.t, c.subscribed(), ""); c.tell(1, caughtUp, news) },
				func(c *scripted) { after(c.t, c.subscribed(), at(2)); c.tell(3, news, news, caughtUp, news) },
			},
			[]string{"2 available", "3 available", "4 available", "6 available"},
			[]string{"watching availability", "the connection was lost (the websocket ended without a word); reconnecting", "reconnected after", "s: caught up with 2 changes", "to go on from here: --after=" + at(6)}, "",
		},
		"twice, and with nothing missed": {
			watchCmd{Count: 1, After: at(9)}, []turn{
				func(c *scripted) { after(c.t, c.subscribed(), at(9)); c.tell(9, caughtUp) },
				func(c *scripted) { after(c.t, c.subscribed(), at(9)); c.tell(9, caughtUp) },
				func(c *scripted) { after(c.t, c.subscribed(), at(9)); c.tell(10, news) },
			},
			[]string{"10 available"},
			[]string{"caught up; nothing was missed; watching", "lost", "reconnected after", "caught up; nothing was missed\n", "lost", "--after=" + at(10)}, "",
		},
		"a restart tells how far": {
			watchCmd{Count: 2}, []turn{
				func(c *scripted) { c.subscribed(); c.tell(1, caughtUp, news); c.close(closeRestart, at(20)) },
				func(c *scripted) { after(c.t, c.subscribed(), at(20)); c.tell(21, caughtUp, news) },
			},
			[]string{"2 available", "22 available"}, []string{"lost", "1012, it restarts", "nothing was missed"}, "",
		},
		"a slow reader goes on where it read": {
			watchCmd{Count: 2, Latest: true}, []turn{
				func(c *scripted) { c.subscribed(); c.tell(1, caughtUp, news); c.close(closeSlowReader, at(1)) },
				func(c *scripted) {
					v := c.subscribed()
					after(c.t, v, at(2))
					if v["delivery"] != "LATEST" {
						c.t.Error("it asks for delivery", v["delivery"])
					}
					c.tell(3, news)
				},
			},
			[]string{"2 available", "3 available"}, []string{"4013, we read too slowly"}, "",
		},
		"too many at once": {
			watchCmd{Count: 1}, []turn{
				func(c *scripted) {
					c.w.Header().Set("Retry-After", "1")
					http.Error(c.w, "", http.StatusServiceUnavailable)
				},
				func(c *scripted) { c.subscribed(); c.refuse("UNAVAILABLE"); c.gone() },
				func(c *scripted) { after(c.t, c.subscribed(), ""); c.tell(1, caughtUp, news) },
			},
			[]string{"2 available"}, []string{"no connection yet (opening the websocket: 503", "no connection yet (the gateway refused: UNAVAILABLE", "reconnected after", "live from now"}, "",
		},
		"an expired cursor": {
			watchCmd{Count: 1, After: at(3)}, []turn{func(c *scripted) {
				after(c.t, c.subscribed(), at(3))
				c.refuse("CURSOR_EXPIRED")
				after(c.t, c.subscription(), "")
				c.tell(90, caughtUp, news)
			}},
			[]string{"91 available"}, []string{"the cursor has expired: so it is", "was missed; going on from now", "watching availability"}, "",
		},
		"an expired cursor and a snapshot": {
			watchCmd{Count: 1, After: at(3), Snapshot: true}, []turn{func(c *scripted) {
				c.subscribed()
				c.refuse("CURSOR_EXPIRED")
				if v := c.subscription(); v["snapshot"] != true || v["after"] != nil {
					c.t.Error("it loads anew with", v)
				}
				c.tell(90, kindSnapshot, kindSnapshot, caughtUp, "REMOVED")
			}},
			[]string{"SNAPSHOT A at W: 90 available", "SNAPSHOT A at W: 91 available", "REMOVED A at W: 93 available"},
			[]string{"the cursor has expired: so it is", "loading the snapshot anew", "the snapshot is complete: 2"}, "",
		},
		"a snapshot that was cut off": {
			watchCmd{Count: 1, Snapshot: true}, []turn{
				func(c *scripted) {
					c.subscribed()
					c.write(message{ID: c.id, Type: "next", Payload: json.RawMessage(`{"data": {"change": {"kind": "SNAPSHOT", "cursor": "` + unfinished + `"}}}`)})
					c.close(closeRestart, unfinished)
				},
				func(c *scripted) { after(c.t, c.subscribed(), unfinished); c.tell(50, kindSnapshot, caughtUp, news) },
			},
			[]string{"SNAPSHOT", "SNAPSHOT A at W: 50 available", "52 available"}, []string{"lost", "reconnected after", "the snapshot is complete: 1"}, "",
		},
		"a token that is refused": {
			watchCmd{}, []turn{func(c *scripted) { c.open(); c.read(); c.close(4403, "Forbidden") }}, nil, nil, "the token is not valid (4403)",
		},
		"a token that ends": {
			watchCmd{}, []turn{func(c *scripted) { c.subscribed(); c.tell(1, caughtUp); c.close(4403, "Forbidden") }},
			nil, []string{"to go on from here: --after=" + at(1)}, "the token is not valid (4403)",
		},
		"too much of the rate": {
			watchCmd{Count: 1}, []turn{
				func(c *scripted) {
					c.subscribed()
					c.write(message{ID: c.id, Type: "error", Payload: json.RawMessage(`[{"message": "slower", "extensions": {"code": "RATE_LIMITED", "retryAfterMs": 20}}]`)})
					c.gone()
				},
				func(c *scripted) { c.subscribed(); c.tell(1, caughtUp, news) },
			},
			[]string{"2 available"}, []string{"RATE_LIMITED: slower", "reconnected after"}, "",
		},
		"a proxy that knows us not": {
			watchCmd{}, []turn{func(c *scripted) { http.Error(c.w, "", http.StatusUnauthorized) }}, nil, nil, "opening the websocket: 401",
		},
		"rights that don't suffice": {
			watchCmd{}, []turn{func(c *scripted) { c.subscribed(); c.refuse("FORBIDDEN"); c.gone() }}, nil, nil, "the gateway refused: FORBIDDEN: so it is",
		},
		"not to reconnect": {
			watchCmd{Count: 3}, []turn{func(c *scripted) { c.subscribed(); c.tell(1, caughtUp, news) }},
			[]string{"2 available"}, []string{"--after=" + at(2)}, "ended without a word",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := test.cmd
			cmd.What, cmd.Reconnect = "availability", name != "not to reconnect"
			out, said, err := watchScripted(t, &cmd, test.turns)
			if err == nil && test.fails != "" || err != nil && (test.fails == "" || !strings.Contains(err.Error(), test.fails)) {
				t.Errorf("it ended with %v; want %q", err, test.fails)
			}
			lines := strings.Split(strings.TrimSuffix(out, "\n"), "\n")
			if !slices.EqualFunc(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), test.lines, strings.HasSuffix) {
				t.Errorf("it printed %q; want %q", lines, test.lines)
			}
			rest := said
			for _, word := range test.says {
				_, behind, found := strings.Cut(rest, word)
				if !found {
					t.Fatalf("it said nothing of %q, or not in this order:\n%s", word, said)
				}
				rest = behind
			}
		})
	}
}

// A gateway that says nothing any more is given up, and one that only pings is not.
func TestWatchNoticesSilence(t *testing.T) {
	t.Parallel()
	const silence = 200 * time.Millisecond
	gateway := script(t, []turn{
		func(c *scripted) {
			c.subscribed()
			tick := time.NewTicker(silence / 2)
			defer tick.Stop()
			for range 4 {
				<-tick.C
				_ = c.conn.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Second))
			}
			c.tell(1, caughtUp)
			c.gone()
		},
		func(c *scripted) { after(c.t, c.subscribed(), at(1)); c.tell(2, news) },
	})
	var out, said bytes.Buffer
	w := &watching{
		watchCmd: &watchCmd{What: "availability", URL: gateway, Count: 1, Reconnect: true},
		io:       streams{&out, &said}, silence: silence,
	}
	if err := w.follow(t.Context()); !errors.Is(err, errEnough) {
		t.Error(err)
	}
	if !strings.Contains(said.String(), "lost (nothing came from the gateway for 200ms)") || strings.Count(said.String(), "lost") != 1 {
		t.Error(said.String())
	}
}

func watchScripted(t *testing.T, cmd *watchCmd, turns []turn) (out, said string, err error) {
	t.Helper()
	cmd.URL = script(t, turns)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var o, e bytes.Buffer
	err = cmd.Run(ctx, streams{&o, &e})
	return o.String(), e.String(), err
}

// script serves one turn for each connection, and wants all of them to be taken.
func script(t *testing.T, turns []turn) string {
	t.Helper()
	var mu sync.Mutex
	var running sync.WaitGroup
	taken := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		mu.Lock()
		n := taken
		taken++
		mu.Unlock()
		if n >= len(turns) {
			t.Error("it connected once more")
			return
		}
		c := &scripted{t: t, w: w, r: r}
		turns[n](c)
		if c.conn != nil {
			_ = c.conn.Close()
		}
	}))
	t.Cleanup(func() {
		s.Close()
		running.Wait()
		if taken != len(turns) {
			t.Errorf("%d connections; want %d", taken, len(turns))
		}
	})
	return s.URL
}

func TestPausesGrowAndAreBounded(t *testing.T) {
	t.Parallel()
	for attempt := range 40 {
		bound := min(maxPause, 2*minPause<<min(attempt, 10))
		if p := pause(attempt); p < minPause || p >= bound {
			t.Errorf("attempt %d after %s; want less than %s", attempt, p, bound)
		}
	}
	if retryAfter(http.Header{"Retry-After": {"3"}}) != 3*time.Second || retryAfter(http.Header{}) != 0 ||
		retryAfter(http.Header{"Retry-After": {"soon"}}) != 0 {
		t.Error("Retry-After is misread")
	}
	if d := retryAfter(http.Header{"Retry-After": {time.Now().Add(time.Minute).UTC().Format(http.TimeFormat)}}); d < 50*time.Second || d > time.Minute {
		t.Error("Retry-After with a date is", d)
	}
}

// A place that no gateway could have told isn't told as one to go on from; how long a
// refusal asks to wait is heeded.
func TestWatchRefusals(t *testing.T) {
	t.Parallel()
	_, said, err := watchScripted(t, &watchCmd{What: "availability", After: "garbage", Reconnect: true}, []turn{func(c *scripted) { c.subscribed(); c.refuse("INVALID"); c.gone() }})
	if err == nil || strings.Contains(said, "garbage") {
		t.Errorf("it ended with %v and said %q", err, said)
	}
	if _, _, wait := refusal(json.RawMessage(`[{"extensions": {"code": "RATE_LIMITED", "retryAfterMs": 1500}}]`)); wait != 1500*time.Millisecond {
		t.Errorf("it waits %s", wait)
	}
}
