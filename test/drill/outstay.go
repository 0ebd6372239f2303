package main

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/gorilla/websocket"
)

// outstayer is a client that begins when the drill does and never finishes, since what
// ends it takes longer than a short fault.
type outstayer struct {
	title string
	// strike is its life, and wants what has to come of it.
	strike func(ctx context.Context, d *drilling) string
	wants  []string
	// earliest and latest are how long the gateway has patience with it.
	earliest, latest time.Duration

	// began is when it began.
	began time.Time
	// came is what came of it, once done is closed, and took after how long.
	came string
	took time.Duration
	done chan struct{}
}

// outstayers are all of them, with what the gateway's defaults have them wait. Those
// aren't flags.
func outstayers() []*outstayer {
	const slack = 15 * time.Second
	all := []*outstayer{
		{title: "headers", strike: slowHeaders, wants: []string{"ended"}, earliest: 4 * time.Second, latest: 5*time.Second + slack},
		{title: "a body", strike: slowBody, wants: []string{"408"}, earliest: 14 * time.Second, latest: 20*time.Second + slack},
		{title: "pongs", strike: mute, wants: []string{"ended"}, earliest: 60 * time.Second, latest: 65*time.Second + slack},
	}
	for _, o := range all {
		o.done = make(chan struct{})
	}
	return all
}

func (o *outstayer) stay(ctx context.Context, d *drilling) {
	defer close(o.done)
	o.came = o.strike(ctx, d)
	o.took = time.Since(o.began)
}

// mute has a socket open, reads it, and answers no ping.
func mute(ctx context.Context, d *drilling) string {
	conn, err := d.socket(ctx, 0)
	if err != nil {
		return failed(err)
	}
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	defer func() { _ = conn.Close() }()
	conn.SetPingHandler(func(string) error { return nil })
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			if _, is := errors.AsType[*websocket.CloseError](err); is {
				return "ended" // with a word or without
			}
			if ctx.Err() != nil {
				return held
			}
			return "ended"
		}
	}
}

// outstayed says what came of those who never finish. A long drill waits for all of them,
// and a short one says whom it didn't wait for.
func (d *drilling) outstayed(ctx context.Context) error {
	for _, o := range d.outstaying {
		if d.outage < 30*time.Second && o.earliest > 30*time.Second && !o.isDone() {
			d.say("  unfinished  %s: not shown, that takes %s, and this drill is shorter", o.title, brief(o.latest))
			continue
		}
		timer := time.NewTimer(time.Until(o.began.Add(o.latest)))
		select {
		case <-o.done:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if !o.isDone() {
			d.breaks("%s: who never finishes is still there after %s", o.title, brief(o.latest))
			continue
		}
		d.say("  unfinished  %s: %s after %s", o.title, o.came, brief(o.took))
		if !slices.Contains(o.wants, o.came) || o.took < o.earliest || o.took > o.latest {
			d.breaks("%s: who never finishes was answered %q after %s", o.title, o.came, brief(o.took))
		}
	}
	return nil
}

func (o *outstayer) isDone() bool {
	select {
	case <-o.done:
		return true
	default:
		return false
	}
}
