package live_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"redline"
	"redline/live"
)

// The executor changes the variables that it is given. They were once shared by all
// operations of a group, and a client with two of them ended the process by a ping
// with other rights.
func TestManyOperationsWithVariablesAreBegunAgainAtOnce(t *testing.T) {
	t.Parallel()
	const operations = 20
	r := newRig(t, setting{tails: true, socket: live.WebSocketOptions{Authenticate: rights().authenticate}})
	c := r.connect("Bearer a")
	for n := range operations {
		c.send(fmt.Sprintf(`{"id":"%d","type":"subscribe","payload":{"query":"subscription($n: Narrow) { events(narrow: $n) }",`+
			`"variables":{"n":{"low":true,"skus":["A","B"]}}}}`, n))
	}
	expectNexts := func() {
		t.Helper()
		for range operations {
			if m, text := c.read(); m.Type != "next" {
				t.Fatalf("got %s", text)
			}
		}
	}
	expectNexts()
	for id := int64(1); id <= 20; id++ {
		c.refreshed("Bearer " + []string{"a", "b"}[id%2])
		r.publish(id, id)
		expectNexts()
	}
}

// What waits of a snapshot is dropped with the rest when its reader is cut off. The
// cursor once went on behind it, and its subjects were never told.
func TestASnapshotThatIsCutOffBeginsAgain(t *testing.T) {
	t.Parallel()
	const subjects, most = 50, 5000
	r := newRig(t, setting{door: live.DoorOptions{Limits: live.Limits{QueueMessages: 500, QueueBytes: 1 << 30}}})
	r.states(func(context.Context) (*redline.State, error) { return stateOf(subjects, 0), nil })
	c := r.connectSlow("")
	c.follow("1", "subscription { events(bytes: 65536) }", 0)
	last := int64(0)
	waiting := func(least int) {
		t.Helper()
		ticker := time.NewTicker(time.Millisecond)
		defer ticker.Stop()
		for until := time.Now().Add(patience); r.door.Stats().Waiting < least; <-ticker.C {
			if time.Now().After(until) {
				t.Fatal("nothing waits")
			}
		}
	}
	for last < most && r.door.Stats().Waiting < 10 {
		last++
		r.publish(last, last)
	}
	waiting(1)
	c.subscribe("2", `subscription { events(snapshot: true, name: "s") }`)
	waiting(subjects)
	for r.door.Stats().CutOff == 0 && last < 2*most {
		last++
		r.publish(last, last)
	}
	reason, before := c.expectClose(live.CloseSlowReader)
	told := 0
	for _, m := range before {
		if m.ID == "2" {
			told++
		}
	}
	if at, err := redline.ParseCursor(reason); err != nil || !at.InSnapshot && told < subjects {
		t.Errorf("of %d subjects %d were told, and the cursor is %+v, %v", subjects, told, at, err)
	}
}

// The same where the gateway goes away while the snapshot is being read.
func TestADrainWhileASnapshotIsReadBeginsItAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{log: &outageLog{events: upTo(1, 2)}})
	reading := make(chan struct{}, 1)
	r.states(func(ctx context.Context) (*redline.State, error) {
		reading <- struct{}{}
		<-ctx.Done()
		return nil, ctx.Err()
	})
	c := r.connect("")
	c.subscribe("1", withState)
	await(t, reading, "the reading")
	done := r.shutdown(context.Background())
	reason, _ := c.expectClose(live.CloseRestart)
	if at, err := redline.ParseCursor(reason); err != nil || !at.InSnapshot {
		t.Errorf("the cursor is %+v, %v", at, err)
	}
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}

// A snapshot that nobody waits for any more is not read on.
func TestASnapshotIsReadForNobody(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	reading, ended := make(chan struct{}, 1), make(chan struct{}, 1)
	r.states(func(ctx context.Context) (*redline.State, error) {
		reading <- struct{}{}
		<-ctx.Done()
		ended <- struct{}{}
		return nil, ctx.Err()
	})
	c := r.connect("")
	c.subscribe("1", withState)
	await(t, reading, "the reading")
	c.send(`{"id":"1","type":"complete"}`)
	await(t, ended, "the reading's end")
	c.expectQuiet()
}
