package store

import (
	"context"
	"errors"
	"runtime"
	"slices"
	"testing"
	"time"

	"redline"
)

// gathering is a gatherer whose batches wait until they are let go.
type gathering struct {
	*gatherer[int]
	batches chan []int
	letGo   chan struct{}
}

func newGathering(patience time.Duration, most int) *gathering {
	g := &gathering{batches: make(chan []int, 100), letGo: make(chan struct{})}
	g.gatherer = newGatherer(patience, most, func(calls []int, _ func(int)) {
		g.batches <- calls
		<-g.letGo
	})
	return g
}

// add adds a call and waits until it is queued, or taken; its end comes back.
func (g *gathering) add(ctx context.Context, call, weight int) <-chan error {
	g.mu.Lock()
	before := len(g.queue)
	g.mu.Unlock()
	end := make(chan error, 1)
	go func() { end <- g.do(ctx, call, weight) }()
	for len(g.batches) == 0 {
		g.mu.Lock()
		queued := len(g.queue) > before
		g.mu.Unlock()
		if queued {
			break
		}
		runtime.Gosched()
	}
	return end
}

func TestBatchesTakeCallsInTheirOrder(t *testing.T) {
	t.Parallel()
	g := newGathering(time.Minute, gatherWorkers)
	var ends []<-chan error
	for i := range gatherWorkers { // each finds a worker idle
		ends = append(ends, g.add(t.Context(), i, 1))
		if got := <-g.batches; !slices.Equal(got, []int{i}) {
			t.Fatalf("an idle worker takes %v", got)
		}
	}
	var want []int
	for i := range 2 * gatherCalls {
		ends = append(ends, g.add(t.Context(), 100+i, 1))
		want = append(want, 100+i)
	}
	for _, batch := range [][]int{want[:gatherCalls], want[gatherCalls:]} {
		g.letGo <- struct{}{}
		if got := <-g.batches; !slices.Equal(got, batch) {
			t.Errorf("a batch takes %v, and not %v", got, batch)
		}
	}
	// Beside large batches a few calls don't run; behind them they do.
	for i := range 3 {
		ends = append(ends, g.add(t.Context(), 500+i, gatherWeight))
	}
	g.letGo <- struct{}{}
	g.letGo <- struct{}{}
	if got := <-g.batches; !slices.Equal(got, []int{500}) {
		t.Errorf("a batch of heavy calls takes %v", got)
	}
	close(g.letGo)
	for _, end := range ends {
		if err := <-end; err != nil {
			t.Error(err)
		}
	}
	g.close()
	if err := g.do(t.Context(), 1, 1); !errors.Is(err, errClosed) {
		t.Errorf("after it is closed: %v", err)
	}
}

func TestWhoIsNotTakenMayLeave(t *testing.T) {
	t.Parallel()
	g := newGathering(time.Minute, gatherWorkers)
	gone, leave := context.WithCancel(t.Context())
	var ends []<-chan error
	for i := range gatherWorkers {
		ends = append(ends, g.add(gone, i, 1))
		<-g.batches
	}
	left, stays := g.add(gone, 100, 1), g.add(t.Context(), 101, 1)
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("who left is told %v", err)
	}
	g.letGo <- struct{}{}
	if got := <-g.batches; !slices.Equal(got, []int{101}) {
		t.Errorf("the batch is %v", got)
	}
	close(g.letGo)
	for _, end := range append(ends, stays) {
		if err := <-end; err != nil {
			t.Errorf("who was taken is told %v", err)
		}
	}
	g.close()
}

// Whoever waits for a row that somebody holds doesn't keep those waiting who
// don't want it; and nobody waits longer than its patience.
func TestSlowBatchesLetOthersBy(t *testing.T) {
	t.Parallel()
	g := newGathering(time.Minute, gatherWorkers+1)
	var ends []<-chan error
	for i := range gatherWorkers {
		ends = append(ends, g.add(t.Context(), i, 1))
		<-g.batches
	}
	ends = append(ends, g.add(t.Context(), 100, 1))
	if got := <-g.batches; !slices.Equal(got, []int{100}) {
		t.Errorf("beside the slow ones runs %v", got)
	}
	close(g.letGo)
	for _, end := range ends {
		if err := <-end; err != nil {
			t.Error(err)
		}
	}
	g.close()
}

func TestNobodyWaitsLongerThanItsPatience(t *testing.T) {
	t.Parallel()
	g := newGathering(time.Millisecond, gatherWorkers)
	var ends []<-chan error
	for i := range gatherWorkers {
		ends = append(ends, g.add(t.Context(), i, 1))
		<-g.batches
	}
	var e *redline.Error
	if err := g.do(t.Context(), 100, 1); !errors.As(err, &e) || e.Code != redline.CodeUnavailable || e.RetryAfter == 0 {
		t.Errorf("who waited too long is told %v", err)
	}
	close(g.letGo)
	for _, end := range ends {
		if err := <-end; err != nil {
			t.Errorf("who was taken is told %v", err)
		}
	}
	g.close()
}

// A call whose fate is known isn't kept by others of its batch.
func TestCallsAreAnsweredWhenTheyAreDone(t *testing.T) {
	t.Parallel()
	letGo := make(chan struct{})
	g := newGatherer(time.Minute, gatherWorkers, func(_ []int, answered func(int)) {
		answered(0)
		<-letGo
	})
	if err := g.do(t.Context(), 1, 1); err != nil {
		t.Error(err)
	}
	close(letGo)
	g.close()
}
