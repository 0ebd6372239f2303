package store

import (
	"context"
	"sync/atomic"
	"time"
)

// queueMax is how many may wait at one gate. Whoever comes when so many wait is
// turned away at once: it would hardly be let in before its patience ends.
const queueMax = 1000

// gate lets so many in at once as its slots have room for. Others wait in order, a
// bounded number of them for a bounded time, and are then turned away.
type gate struct {
	slots chan struct{}
	// queued is how many wait now.
	queued atomic.Int64

	waits, waitedFor, turnedAway atomic.Int64
}

func newGate(slots int) *gate { return &gate{slots: make(chan struct{}, slots)} }

// enter waits to be let in. Where that takes longer than the patience, or too many
// wait, it is turnedAway, and what ctx ended with where that ended first. Whoever
// was let in leaves.
func (g *gate) enter(ctx context.Context, patience time.Duration) error {
	_, err := g.enterOr(ctx, nil, patience)
	return err
}

// enterOr waits as enter does, for a place of the gate or one of another's that is
// beside it, nil for none; leave gives back the one that came free first.
func (g *gate) enterOr(ctx context.Context, beside chan struct{}, patience time.Duration) (leave func(), err error) {
	leaveBeside := func() { <-beside }
	select {
	case beside <- struct{}{}:
		return leaveBeside, nil
	default:
	}
	select {
	case g.slots <- struct{}{}:
		return g.leave, nil
	default:
	}
	defer g.queued.Add(-1)
	if g.queued.Add(1) > queueMax && !inBackground(ctx) {
		g.turnedAway.Add(1)
		return nil, errTurnedAway
	}
	g.waits.Add(1)
	began := time.Now()
	defer func() { g.waitedFor.Add(int64(time.Since(began))) }()
	wait := time.NewTimer(patience)
	defer wait.Stop()
	select {
	case beside <- struct{}{}:
		return leaveBeside, nil
	case g.slots <- struct{}{}:
		return g.leave, nil
	case <-wait.C:
		g.turnedAway.Add(1)
		return nil, errTurnedAway
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (g *gate) leave() { <-g.slots }

// background marks what runs beside the requests. It is never turned away for the
// number of those who wait, and waits longer than they do: it has to get on while
// they keep coming.
func background(ctx context.Context) context.Context {
	return context.WithValue(ctx, backgroundKey{}, true)
}

func inBackground(ctx context.Context) bool {
	is, _ := ctx.Value(backgroundKey{}).(bool)
	return is
}

type backgroundKey struct{}
