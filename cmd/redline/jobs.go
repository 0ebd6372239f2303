package main

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync"
	"time"
)

// job is something that is done beside the requests, every so often. Each gateway
// does all of them: what one works on, the others leave out.
type job struct {
	// slug is its name in metrics.
	slug string
	// what it did, as the log says it.
	what  string
	every time.Duration
	// do does what there is to do, and returns how much that was.
	do func(context.Context) (int, error)
}

// jobs are all of them.
func (g *gateway) jobs() []job {
	return []job{
		{"sweep", "deleted idempotency keys and feeds that had outlived their time", 10 * time.Minute, g.store.Sweep},
		{"rotate_log", "made or dropped partitions of the event log", time.Minute, func(ctx context.Context) (int, error) {
			return g.store.RotateLog(ctx, g.keepEvents)
		}},
		// The log tells of it too, and in order, but behind whoever writes to it just then.
		{"refresh_revoked", "read which clients are revoked", time.Second, func(ctx context.Context) (int, error) {
			return 0, g.refreshRevoked(ctx)
		}},
		{"expire_reservations", "expired reservations", time.Second, g.store.ExpireReservations},
		{"fill_backorders", "filled orders that waited", 2 * time.Second, g.store.FillBackorders},
		{"mark_stale", "marked levels stale that were not confirmed in time, or fresh", 5 * time.Second, g.store.MarkStale},
		{"gauges", "read what metrics tell of the database", gaugesEvery, g.gauges},
		{"ready", "tried the checks of readiness", readyEvery, func(ctx context.Context) (int, error) {
			g.server.EachCheck(ctx, g.telemetry.Metrics.Ready)
			return 0, nil
		}},
	}
}

// work does the jobs, side by side, until ctx ends.
func (g *gateway) work(ctx context.Context) {
	var all sync.WaitGroup
	for _, j := range g.jobs() {
		all.Go(func() { g.repeat(ctx, j) })
	}
	all.Wait()
}

// try does what there is to do. One that panics has failed, and is tried again: the
// gateway lives.
func (j job) try(ctx context.Context) (n int, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("it panicked: %v\n%s", v, debug.Stack())
		}
	}()
	return j.do(ctx)
}

// repeat does a job again and again until ctx ends. One that fails time after time
// is told of once.
func (g *gateway) repeat(ctx context.Context, j job) {
	tick := time.NewTicker(j.every)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		n, err := j.try(ctx)
		if ctx.Err() == nil {
			g.telemetry.Metrics.JobRan(j.slug, err)
		}
		if n > 0 {
			g.log.Debug(j.what, "count", n)
		}
		if err != nil && !failing && ctx.Err() == nil {
			g.log.Error("a job failed; it is tried again", "job", j.what, "error", err)
		}
		failing = err != nil
	}
}
