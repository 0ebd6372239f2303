package main

import (
	"math"
	"sync"
	"time"

	"redline"
)

// loadFresh is for how long a load that was counted is told to all who ask: each
// connection is ended at for it.
const loadFresh = time.Second

// load returns what counts what the gateway carries, once in loadFresh at most. It is
// for the time from which on the gateway is wired.
func (g *gateway) load() func() redline.Load {
	began := time.Now()
	var mu sync.Mutex
	var at time.Time
	var known redline.Load
	return func() redline.Load {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(at) < loadFresh {
			return known
		}
		ended := g.tailer.LastEnd()
		if ended.IsZero() {
			ended = began
		}
		at = time.Now()
		stats := g.door.Stats()
		known = redline.Load{
			LogLagMs: milliseconds(at.Sub(ended)), Websockets: stats.Sockets, Streams: stats.Streams, Subscriptions: stats.Subscriptions,
		}
		return known
	}
}

// milliseconds is how many a span has, as the contract's Int holds them: clocks are set
// back, and a log may be out of reach for a month.
func milliseconds(d time.Duration) int {
	return int(min(max(d.Milliseconds(), 0), math.MaxInt32))
}
