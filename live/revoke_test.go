package live_test

import (
	"context"
	"errors"
	"io"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"redline"
	"redline/live"
)

// revocation says whether the tokens of the client "bad" are revoked.
type revocation struct{ atomic.Bool }

func (r *revocation) of(p redline.Principal) bool { return r.Load() && p.ClientID == "bad" }

func (r *revocation) revoke() { r.Store(true) }

// ofClient is a supplier's principal whose token a client got.
func ofClient(id string) redline.Principal {
	p := supplier([]string{redline.ScopeInventoryRead}, []string{"a"}, time.Now().Add(time.Hour))
	p.ClientID = id
	return p
}

// readCaughtUp reads a stream until it has caught up.
func readCaughtUp(t *testing.T, body io.Reader) {
	t.Helper()
	for head := ""; !strings.Contains(head, "caught up"); {
		b := make([]byte, 512)
		n, err := body.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		head += string(b[:n])
	}
}

// awaitQueued waits until so many messages wait to be written.
func awaitQueued(t *testing.T, door *live.Door, messages int) {
	t.Helper()
	for door.Stats().Waiting < messages {
		select {
		case <-time.After(time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("nothing waits")
		}
	}
}

func TestARevokedClientsSocketsCloseAndNoOthers(t *testing.T) {
	t.Parallel()
	var revoked revocation
	r := newRig(t, setting{door: live.DoorOptions{Revoked: revoked.of}, socket: live.WebSocketOptions{Authenticate: tokens{
		"Bearer bad": ofClient("bad"), "Bearer good": ofClient("good"), "Bearer none": supplier(nil, []string{"a"}, time.Time{}),
	}.authenticate}})
	clients := map[string]*client{}
	for _, name := range []string{"Bearer bad", "Bearer good", "Bearer none", ""} {
		clients[name] = r.connect(name)
		clients[name].follow("1", "subscription { events }", 0)
	}
	idle := r.connect("Bearer bad")
	r.door.Revoke() // of nobody
	r.publish(1, 1)
	for _, c := range clients {
		c.expect(event("1", 1))
	}
	revoked.revoke()
	r.door.Revoke()
	r.publish(2, 2)
	for name, c := range clients {
		if name != "Bearer bad" {
			c.expect(event("1", 2))
			c.expectQuiet()
		}
	}
	for _, c := range []*client{clients["Bearer bad"], idle} {
		if reason, before := c.expectClose(live.CloseForbidden); reason != "Token revoked" || len(before) > 0 {
			t.Errorf("the socket closes because %q, after %v", reason, before)
		}
	}
}

// What waits for a client that was revoked is not for it any more.
func TestWhatWaitsForARevokedClientIsNotWritten(t *testing.T) {
	t.Parallel()
	const padding, total = 512 << 10, 60
	var revoked revocation
	bad := ofClient("bad")
	r := newRig(t, setting{principal: &bad, door: live.DoorOptions{Revoked: revoked.of, Limits: live.Limits{QueueBytes: 1 << 30}}})
	slow := r.connectSlow("")
	slow.follow("1", "subscription { events(bytes: 524288) }", 0)
	r.publish(1, total)
	// More waits than the network takes, since nobody reads.
	awaitQueued(t, r.door, total/4)
	revoked.revoke()
	r.door.Revoke()
	_, before := slow.expectClose(live.CloseForbidden)
	if len(before) > total*3/4 {
		t.Errorf("%d of %d messages of %d bytes were written", len(before), total, padding)
	}
}

func TestARevokedClientsStreamsEndWithAnError(t *testing.T) {
	t.Parallel()
	const message = `"message":"the token was revoked"`
	for accept, want := range map[string][2]string{
		"text/event-stream": {"event: next\ndata: {\"errors\":[{", "event: complete\ndata:\n\n"},
		"multipart/mixed":   {`{"payload":{"errors":[{`, "\r\n--graphql--\r\n"},
	} {
		t.Run(accept, func(t *testing.T) {
			t.Parallel()
			var revoked revocation
			bad := ofClient("bad")
			r := newRig(t, setting{principal: &bad, door: live.DoorOptions{Revoked: revoked.of}})
			stream := r.get("subscription { events }", accept)
			readCaughtUp(t, stream.body)
			revoked.revoke()
			r.door.Revoke()
			r.publish(1, 1)
			rest, err := io.ReadAll(stream.body)
			got := string(rest)
			if err != nil || !strings.Contains(got, want[0]) || !strings.Contains(got, message) || !strings.Contains(got, `"code":"UNAUTHENTICATED"`) ||
				!strings.HasSuffix(got, want[1]) || strings.Contains(got, `"1 "`) {
				t.Errorf("at last came %q, %v", got, err)
			}
		})
	}
}

// Who is revoked is looked for again and again: a stream that was found twice before its
// error was written ended without a word, since the second time threw the error away.
func TestAStreamThatIsFoundRevokedTwiceEndsWithAnError(t *testing.T) {
	t.Parallel()
	const total = 60
	var revoked revocation
	bad := ofClient("bad")
	r := newRig(t, setting{principal: &bad, door: live.DoorOptions{Revoked: revoked.of, Limits: live.Limits{QueueBytes: 1 << 30}}})
	stream := r.get("subscription { events(bytes: 524288) }", "text/event-stream")
	readCaughtUp(t, stream.body)
	r.publish(1, total)
	// Nobody reads, and its writer waits for the network.
	awaitQueued(t, r.door, total/4)
	revoked.revoke()
	r.door.Revoke()
	r.door.Revoke()
	rest, err := io.ReadAll(stream.body)
	if got := string(rest); err != nil || !strings.Contains(got, "the token was revoked") || !strings.HasSuffix(got, "event: complete\ndata:\n\n") {
		t.Errorf("at last came %q, %v", got[max(len(got)-500, 0):], err)
	}
}

// However a token comes in, one that was revoked a moment ago is found: who looked
// through the connections may have been there before.
func TestARevokedTokenIsFoundWhereItComesIn(t *testing.T) {
	t.Parallel()
	var revoked revocation
	revoked.revoke()
	bad := ofClient("bad")
	door := live.DoorOptions{Revoked: revoked.of}
	known := live.WebSocketOptions{Authenticate: tokens{"Bearer bad": bad, "Bearer good": ofClient("good")}.authenticate}

	r := newRig(t, setting{principal: &bad, door: door})
	r.dial(nil).expectClose(live.CloseForbidden)
	rest, err := io.ReadAll(r.get("subscription { events }", "text/event-stream").body)
	if got := string(rest); err != nil || !strings.Contains(got, "the token was revoked") || strings.Contains(got, "caught up") {
		t.Errorf("its stream is %q, %v", got, err)
	}

	r = newRig(t, setting{door: door, socket: known})
	c := r.dial(nil)
	c.init("Bearer bad")
	if _, before := c.expectClose(live.CloseForbidden); len(before) > 0 {
		t.Errorf("it is told %v", before)
	}
	c = r.connect("Bearer good")
	c.follow("1", "subscription { events }", 0)
	c.refresh("Bearer bad")
	if _, before := c.expectClose(live.CloseForbidden); len(before) > 0 {
		t.Errorf("it is told %v", before)
	}
}

// Nothing that was committed after a revocation reaches the client: before anything
// later is published the gateway has seen it out.
func TestARevocationInTheLogComesBeforeWhatIsLater(t *testing.T) {
	t.Parallel()
	var revoked revocation
	bad := ofClient("bad")
	var r *rig
	refresh := func(context.Context) error {
		if r != nil {
			revoked.revoke()
			r.door.Revoke()
		}
		return nil
	}
	places := &placesCalls{}
	set := setting{principal: &bad, tails: true, door: live.DoorOptions{Revoked: revoked.of}, tailer: keeping(places)}
	set.tailer.Kept = append(set.tailer.Kept, live.Kept{Event: redline.EventClients, Refresh: refresh})
	rig := newRig(t, set)
	c := rig.connect("")
	c.follow("1", "subscription { events }", 0)
	rig.publish(1, 1)
	c.expect(event("1", 1))
	places.since()
	rig.log.change(func(l *outageLog) { l.events, l.clients, r = append(l.events, 2, 3, 4), []int64{3}, rig })
	rig.tailer.Wake()
	_, before := c.expectClose(live.CloseForbidden)
	if len(before) > 0 {
		// 2 was committed before, and may have been told.
		t.Logf("before it, %d was told", len(before))
	}
	for _, m := range before {
		if strings.Contains(string(m.Payload), cursor(4)) {
			t.Errorf("of what came later it was told %s", m.Payload)
		}
	}
	if n := places.since(); n != 0 {
		t.Errorf("places were read %d times, because clients changed", n)
	}
}

// What can't be read anew alone is tried again, and both are after an outage.
func TestEachThingThatIsKeptIsReadForItsOwnEvents(t *testing.T) {
	t.Parallel()
	places, clients := &placesCalls{}, &placesCalls{}
	options := keeping(places)
	options.Kept = append(options.Kept, live.Kept{Event: redline.EventClients, Refresh: clients.call})
	inBubble(t, &outageLog{events: []int64{1}}, options, func(t *testing.T, tl *tail) {
		expect := func(when string, ofPlaces, ofClients int) {
			t.Helper()
			synctest.Wait()
			if p, c := places.since(), clients.since(); p != ofPlaces || c != ofClients {
				t.Errorf("%s, places were read %d times and clients %d times; want %d and %d", when, p, c, ofPlaces, ofClients)
			}
		}
		expect("at the beginning", 1, 1)
		tl.log.change(func(l *outageLog) { l.events, l.clients = append(l.events, 2, 3), []int64{2} })
		tl.tailer.Wake()
		expectIDs(t, "behind a client", tl.delivered(), 3)
		expect("when a client changed", 0, 1)
		tl.log.change(func(l *outageLog) { l.events, l.places = append(l.events, 4, 5), []int64{4} })
		elapse(poll)
		expect("when a place changed", 1, 0)
		tl.log.change(func(l *outageLog) {
			l.events, l.clients, l.places = append(l.events, 6, 7), []int64{2, 6}, []int64{4, 7}
		})
		elapse(poll)
		expect("when both changed", 1, 1)
		places.fail(errors.New("the table is locked"))
		tl.log.change(func(l *outageLog) {
			l.events, l.clients, l.places = append(l.events, 8, 9), append(l.clients, 9), append(l.places, 8)
		})
		elapse(poll)
		synctest.Wait()
		if clients.since() == 0 {
			t.Error("what can't be read of places holds clients back")
		}
	})
}
