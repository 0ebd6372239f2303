package store

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"redline"
)

const (
	// gatherWorkers is how many batches of one kind run side by side: while one
	// is being committed, the other is made ready.
	gatherWorkers = 2
	// gatherCalls is how many calls one batch takes, and gatherWeight how many
	// lines or rows they come to together, but for a single call that has more.
	gatherCalls  = 64
	gatherWeight = 512
	// gatherSlow is after how long a batch no longer counts as a worker's: most
	// likely it waits for a row that somebody else holds, which those who don't
	// want that row need not wait for.
	gatherSlow = 250 * time.Millisecond
)

// gatherer lets calls that arrive together share a transaction: while batches
// run, the next one gathers. A call that finds a worker idle is run at once, so
// that nobody waits for company. Calls are taken in the order in which they came.
//
// Workers are started when there is something to do and end when there is
// nothing left; close waits for them.
type gatherer[C any] struct {
	// run runs a batch. It may say of each call when that is done; when it
	// returns, all are.
	run func(batch []C, answered func(i int))
	// patience is how long a call waits to be taken.
	patience time.Duration
	// most is how many batches may run side by side where some are slow.
	most int

	turnedAway atomic.Int64

	mu     sync.Mutex
	queue  []*gathered[C]
	closed bool
	// running counts the workers, and slow those of them that take too long.
	running, slow int
	// usual is how many calls batches take, of late.
	usual   int
	workers sync.WaitGroup
}

// gathered is a call in a queue, or in the batch that took it.
type gathered[C any] struct {
	call   C
	weight int
	// answered is closed when the call is done.
	answered chan struct{}
}

func newGatherer[C any](patience time.Duration, most int, run func([]C, func(int))) *gatherer[C] {
	return &gatherer[C]{run: run, patience: patience, most: max(most, gatherWorkers)}
}

// do has a call run in a batch, and returns when that is done. A call that
// waits too long to be taken, or whose caller goes away before it is, is taken
// out, and nothing has happened: that is what an error says. Once it is taken
// it is finished, whatever the caller does.
func (g *gatherer[C]) do(ctx context.Context, call C, weight int) error {
	q := &gathered[C]{call: call, weight: weight, answered: make(chan struct{})}
	if err := g.enter(q); err != nil {
		return err
	}
	patience := time.NewTimer(g.patience)
	defer patience.Stop()
	var gone error
	select {
	case <-q.answered:
		return nil
	case <-patience.C:
		gone = errBusy
	case <-ctx.Done():
		gone = dbError("waiting for a transaction", ctx.Err())
	}
	if g.leave(q) {
		if errors.Is(gone, errBusy) {
			g.turnedAway.Add(1)
		}
		return gone
	}
	<-q.answered
	return nil
}

// enter puts a call at the end of the queue.
func (g *gatherer[C]) enter(q *gathered[C]) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return errClosed
	}
	if len(g.queue) >= queueMax {
		g.turnedAway.Add(1)
		return errBusy
	}
	g.queue = append(g.queue, q)
	g.start()
	return nil
}

// leave takes a call out of the queue. It reports false where a batch has
// taken the call already.
func (g *gatherer[C]) leave(q *gathered[C]) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	for i, waiting := range g.queue {
		if waiting == q {
			g.queue = append(g.queue[:i:i], g.queue[i+1:]...)
			return true
		}
	}
	return false
}

// start starts a worker where there is work that no other will come to soon. It
// takes its first batch at once. The mutex is held.
func (g *gatherer[C]) start() {
	if !g.enough(g.running) || g.running >= g.most {
		return
	}
	g.running++
	batch := g.take()
	g.workers.Go(func() {
		for batch != nil {
			g.answer(batch)
			batch = g.next()
		}
	})
}

// enough reports whether a batch has gathered that may run beside so many
// others: as many calls as batches take of late, since those whom one batch
// answers come back one by one, and smaller transactions for them would cost
// more than they gain. Without any other, a single call is enough. The mutex is held.
func (g *gatherer[C]) enough(others int) bool {
	if others -= g.slow; others <= 0 {
		return len(g.queue) > 0
	}
	return others < gatherWorkers && len(g.queue) >= max(g.usual, 1)
}

// next takes a worker's next batch, or ends the worker: where too little is
// left to do, or others have taken over while its last one was slow.
func (g *gatherer[C]) next() []*gathered[C] {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.enough(g.running - 1) {
		g.running--
		return nil
	}
	return g.take()
}

// take takes a batch from the front of the queue, which isn't empty. The mutex
// is held.
func (g *gatherer[C]) take() []*gathered[C] {
	n, weight := 0, 0
	for n < len(g.queue) && n < gatherCalls {
		weight += g.queue[n].weight
		if n > 0 && weight > gatherWeight {
			break
		}
		n++
	}
	g.usual = max(n, g.usual-g.usual/8)
	batch := g.queue[:n:n]
	g.queue = g.queue[n:]
	if len(g.queue) == 0 {
		g.queue = nil // lets go of what was taken
	}
	return batch
}

// answer runs a batch. While it takes too long, another may run beside it.
func (g *gatherer[C]) answer(batch []*gathered[C]) {
	var slow, done bool
	alarm := time.AfterFunc(gatherSlow, func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if !done {
			slow = true
			g.slow++
			g.start()
		}
	})
	calls := make([]C, len(batch))
	for i, q := range batch {
		calls[i] = q.call
	}
	answered := make([]bool, len(batch))
	tell := func(i int) {
		if !answered[i] {
			answered[i] = true
			close(batch[i].answered)
		}
	}
	g.run(calls, tell)
	alarm.Stop()
	g.mu.Lock()
	done = true
	if slow {
		g.slow--
	}
	g.mu.Unlock()
	for i := range batch {
		tell(i)
	}
}

// close refuses calls that come from now on, and waits for those that are here.
func (g *gatherer[C]) close() {
	g.mu.Lock()
	g.closed = true
	g.mu.Unlock()
	g.workers.Wait()
}

// errClosed is what a change comes to that arrives while the store is closed.
var errClosed = &redline.Error{
	Code: redline.CodeUnavailable, RetryAfter: time.Second,
	Message: "the program is being stopped; nothing was changed; try again shortly",
}
