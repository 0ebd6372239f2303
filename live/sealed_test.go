package live_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline/live"
)

// open asks for a stream of events over TLS, in the version of HTTP that is wanted.
// Nothing of what comes is read.
func (r *rig) open(t *testing.T, version int, query string) io.Reader {
	t.Helper()
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: r.trust.RootCAs}, ForceAttemptHTTP2: version == 2}
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "https"+strings.TrimPrefix(r.url, "wss")+"?query="+url.QueryEscape(query), nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Accept", "text/event-stream")
	response, err := transport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_ = response.Body.Close()
		transport.CloseIdleConnections()
	})
	if response.ProtoMajor != version {
		t.Fatalf("it came by %s", response.Proto)
	}
	return response.Body
}

// A stream whose client takes nothing ends, whichever way it comes, and holds up
// nobody. What it was told is whole up to a place from which it can go on.
func TestASlowStreamOverTLSIsCutOffAlone(t *testing.T) {
	t.Parallel()
	const padding, queue, total = 64 << 10, 50, 3000
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", version), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, setting{secure: true, door: live.DoorOptions{Limits: live.Limits{QueueMessages: queue, QueueBytes: 1 << 30}}})
			slow := r.open(t, version, fmt.Sprintf("subscription { events(bytes: %d) }", padding))
			beside := r.open(t, version, "subscription { events }")
			expectText(t, beside, ":\n\n"+nextEvent("caught up", 0))
			fast := r.connect("")
			fast.follow("f", "subscription { events }", 0)
			var last int64
			for ; r.door.Stats().CutOff == 0 && last < total; last++ {
				r.publish(last+1, last+1)
				fast.expect(event("f", last+1))
				expectText(t, beside, nextEvent(fmt.Sprint(last+1, " "), last+1))
			}
			told, err := io.ReadAll(slow)
			if err != nil {
				t.Logf("the slow stream ended with %v", err) // cut in a write that was never taken
			}
			ids := regexp.MustCompile(`"events":"(\d+) x+"\},"extensions":\{"cursor":"([^"]+)"\}\}\n\n`).FindAllStringSubmatch(string(told), -1)
			for i, m := range ids {
				if m[1] != strconv.Itoa(i+1) || m[2] != cursor(int64(i+1)) {
					t.Fatalf("the event %d is %s, with the cursor of %+v", i+1, m[1], parsed(t, m[2]))
				}
			}
			if len(ids) == 0 || int64(len(ids)) >= last {
				t.Errorf("it was told of %d of %d events", len(ids), last)
			}
			waitFor(t, "the slow stream's end", func() bool { return r.door.Stats().Streams <= 1 })
			// And it can go on from the last one that it was told of.
			again := r.connect("")
			at := int64(len(ids))
			again.subscribe("1", after(at))
			for id := at + 1; id <= last; id++ {
				again.expect(event("1", id))
			}
		})
	}
}

// A stream with nothing to tell lives for longer than a write may take, whichever way it
// comes, and is told what happens then.
func TestAQuietStreamOverTLSStaysOpen(t *testing.T) {
	t.Parallel()
	const beats = 3
	for _, version := range []int{1, 2} {
		t.Run(fmt.Sprint("HTTP/", version), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, setting{secure: true, stream: live.StreamOptions{WriteTimeout: 400 * time.Millisecond, Heartbeat: 600 * time.Millisecond}})
			quiet := r.open(t, version, "subscription { events }")
			expectText(t, quiet, ":\n\n"+nextEvent("caught up", 0)+strings.Repeat(":\n\n", beats))
			r.publish(1, 1)
			told := bufio.NewReader(quiet)
			for {
				line, err := told.ReadString('\n')
				if err != nil {
					t.Fatalf("after %q: %v", line, err)
				}
				if line == "id: "+cursor(1)+"\n" {
					break
				}
			}
		})
	}
}

// nextEvent is how a stream of events tells something at a position.
func nextEvent(value string, at int64) string {
	return "event: next\nid: " + cursor(at) + "\n" +
		`data: {"data":{"events":"` + value + `"},"extensions":{"cursor":"` + cursor(at) + `"}}` + "\n\n"
}

// What gorilla itself says on a socket leaves between what a writer writes.
func TestABrokenFrameIsAnsweredOverTLS(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		c := newRig(t, setting{secure: secure}).connect("")
		if _, err := c.conn.NetConn().Write([]byte{0xff, 0x80, 0, 0, 0, 0}); err != nil { // reserved bits and opcode
			t.Fatal(err)
		}
		if _, _, err := c.conn.ReadMessage(); !websocket.IsCloseError(err, websocket.CloseProtocolError) {
			t.Errorf("the socket ended with %v", err)
		}
	})
}

// A TLS without the engine's connections beneath works as well, if with a goroutine
// for each socket that is told something.
func TestSocketsOverAnothersTLS(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{secure: true, door: boundless, bare: true})
	c := r.connect("")
	c.follow("1", "subscription { events }", 0)
	r.publish(1, 100)
	for id := int64(1); id <= 100; id++ {
		c.expect(event("1", id))
	}
}
