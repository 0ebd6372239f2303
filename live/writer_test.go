package live_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"redline/live"
)

// boundless are limits that nobody comes near to.
var boundless = live.DoorOptions{Limits: live.Limits{QueueMessages: 1 << 30, QueueBytes: 1 << 40}}

// A few writers write to all sockets. One that takes nothing holds up none of them,
// for as long as it takes nothing.
func TestASocketThatIsNotReadHoldsUpNobody(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const sockets, padding, total = 8, 64 << 10, 150
		r := newRig(t, setting{secure: secure, door: boundless, socket: live.WebSocketOptions{WriteTimeout: patience, MaxMessageBytes: 1 << 20}})
		query := fmt.Sprintf("subscription { events(bytes: %d) }", padding)
		want := func(id int64) string {
			return next("1", "events", fmt.Sprint(id, " ", strings.Repeat("x", padding)), id)
		}
		stalled := r.connectSlow("")
		stalled.follow("1", query, 0)
		var reading sync.WaitGroup
		for range sockets {
			c := r.connect("")
			c.follow("1", query, 0)
			reading.Go(func() {
				for id := int64(1); id <= total; id++ {
					if _, body, err := c.conn.ReadMessage(); err != nil || string(body) != want(id) {
						t.Errorf("event %d: got %.100s, %v", id, body, err)
						return
					}
				}
			})
		}
		r.publish(1, total)
		reading.Wait()
		if got := r.door.Stats().Waiting; got == 0 {
			t.Error("nothing waits for the one that isn't read")
		}
		for id := int64(1); id <= total; id++ {
			stalled.expect(want(id))
		}
		stalled.expectQuiet()
	})
}

// Messages wait together and are written together, of every length whose frame is
// made another way than the one before.
func TestMessagesOfEveryLengthArriveIntactAndInOrder(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const first, last = 100, 160 // ids of three digits
		sizes := []int{125, 126, 127, 65535, 65536, 65537}
		r := newRig(t, setting{secure: secure, door: boundless, socket: live.WebSocketOptions{WriteTimeout: patience}, log: &outageLog{events: []int64{first - 1}}})
		c := r.connectSlow("")
		padding := map[string]string{}
		for i, size := range sizes {
			id := fmt.Sprint(i)
			n := size - len(event(id, first))
			if n < 0 {
				t.Fatalf("a message has %d bytes at least", len(event(id, first)))
			}
			c.follow(id, fmt.Sprintf("subscription { events(bytes: %d) }", n), first-1)
			padding[id] = strings.Repeat("x", n)
		}
		for id := int64(first); id <= last; id++ {
			r.publish(id, id)
		}
		told := map[string]int64{}
		for range len(sizes) * (last - first + 1) {
			m, text := c.read()
			id := first + told[m.ID]
			if want := next(m.ID, "events", fmt.Sprint(id, " ", padding[m.ID]), id); text != want {
				t.Fatalf("got  %.200s of %d bytes\nwant %.200s of %d", text, len(text), want, len(want))
			}
			told[m.ID]++
		}
		c.expectQuiet()
	})
}

func TestPongsOfEveryLengthArrive(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		c := newRig(t, setting{secure: secure}).connect("")
		var pongs []string
		c.conn.SetPongHandler(func(data string) error {
			pongs = append(pongs, data)
			return nil
		})
		sizes := []int{0, 1, 125}
		for _, size := range sizes {
			if err := c.conn.WriteControl(websocket.PingMessage, []byte(strings.Repeat("p", size)), time.Now().Add(patience)); err != nil {
				t.Fatal(err)
			}
		}
		c.expectQuiet() // which is behind all of them
		if len(pongs) != len(sizes) {
			t.Fatalf("%d pongs came", len(pongs))
		}
		for i, size := range sizes {
			if len(pongs[i]) != size {
				t.Errorf("a pong has %d bytes, not %d", len(pongs[i]), size)
			}
		}
	})
}

// Who goes in the middle of something is told goodbye between two messages, and not
// hung up on.
func TestThePeersCloseIsAnsweredWhateverIsBeingWritten(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const padding, total = 64 << 10, 150
		r := newRig(t, setting{secure: secure, door: boundless, socket: live.WebSocketOptions{WriteTimeout: patience, Linger: patience}})
		for _, code := range []int{websocket.CloseNormalClosure, websocket.CloseNoStatusReceived} {
			c := r.connectSlow("")
			head := r.broker.Head()
			c.follow("1", fmt.Sprintf("subscription { events(bytes: %d) }", padding), head)
			r.publish(head+1, head+total)
			waitFor(t, "the network to be full", func() bool { return r.schema.answered(head+total) > 0 })
			words := []byte{}
			if code != websocket.CloseNoStatusReceived {
				words = websocket.FormatCloseMessage(code, "")
			}
			if err := c.conn.WriteMessage(websocket.CloseMessage, words); err != nil {
				t.Fatal(err)
			}
			messages := 0
			for {
				_, body, err := c.conn.ReadMessage()
				if err != nil {
					if !websocket.IsCloseError(err, code) {
						t.Errorf("the socket ended with %v, not %d", err, code)
					}
					break
				}
				if messages++; len(body) < padding {
					t.Errorf("a message has %d bytes", len(body))
				}
			}
			if messages == total {
				t.Error("all was written, though nobody was to read it")
			}
		}
		waitFor(t, "the sockets' end", func() bool { return r.door.Stats().Sockets == 0 })
	})
}

// A peer that goes and takes nothing any more isn't waited for without end.
func TestThePeersCloseIsNotAnsweredForEver(t *testing.T) {
	t.Parallel()
	overEach(t, func(t *testing.T, secure bool) {
		const padding, total = 64 << 10, 150
		r := newRig(t, setting{secure: secure, door: boundless, socket: live.WebSocketOptions{WriteTimeout: patience, Linger: 20 * time.Millisecond}})
		c := r.connectSlow("")
		c.follow("1", fmt.Sprintf("subscription { events(bytes: %d) }", padding), 0)
		r.publish(1, total)
		waitFor(t, "the network to be full", func() bool { return r.schema.answered(total) > 0 })
		if err := c.conn.WriteMessage(websocket.CloseMessage, nil); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "the socket's end", func() bool { return r.door.Stats().Sockets == 0 })
	})
}
