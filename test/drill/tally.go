package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// tally counts what one kind of user was answered, and how fast.
type tally struct {
	mu    sync.Mutex
	count map[string]int
	took  []time.Duration
	// refused is what the answers took that were UNAVAILABLE, to what was asked since marked.
	refused []time.Duration
	marked  time.Time
	// open are the requests that wait for their answers, by when they were asked.
	open map[*time.Time]struct{}
}

// The classes of answers that aren't codes.
const (
	answered = "ok"
	soldOut  = "sold out"
	// noGateway: nobody listens, or the connection ended.
	noGateway = "no connection"
	// noAnswer: the client gave up waiting.
	noAnswer = "no answer"
	// held is an attacker whose connection stood when the attack was over.
	held = "still open"
	// unavailable is how the class of a refusal ends.
	unavailable = "UNAVAILABLE"
)

func (t *tally) note(class string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.noteLocked(class, took)
}

func (t *tally) noteLocked(class string, took time.Duration) {
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[class]++
	t.took = append(t.took, took)
}

// mark has only those refusals count that are asked for from now on.
func (t *tally) mark() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.refused, t.marked = nil, time.Now()
}

// answers is how many there have been.
func (t *tally) answers() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.took)
}

// refusals is how many of those that count there have been.
func (t *tally) refusals() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.refused)
}

// ask notes that a request is under way, and returns what notes its answer.
func (t *tally) ask(ctx context.Context) (note func(class string)) {
	began := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil {
		t.open = map[*time.Time]struct{}{}
	}
	t.open[&began] = struct{}{}
	return func(class string) {
		took := time.Since(began)
		t.mu.Lock()
		defer t.mu.Unlock()
		delete(t.open, &began)
		if ctx.Err() != nil { // who is told to leave gives up waiting
			return
		}
		t.noteLocked(class, took)
		if strings.HasSuffix(class, unavailable) && !began.Before(t.marked) {
			t.refused = append(t.refused, took)
		}
	}
}

// settle waits until all that was asked before a time is answered, or given up by its
// client, so that what hangs is counted too.
func (t *tally) settle(ctx context.Context, before time.Time) {
	for ctx.Err() == nil && t.waits(before) {
		pause(ctx, 10*time.Millisecond)
	}
}

func (t *tally) waits(before time.Time) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for began := range t.open {
		if began.Before(before) {
			return true
		}
	}
	return false
}

// take returns what was counted since the last time.
func (t *tally) take() summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := summary{t.count, t.took, t.refused}
	t.count, t.took, t.refused, t.marked = nil, nil, nil, time.Time{}
	slices.Sort(s.took)
	slices.Sort(s.refused)
	return s
}

// summary is what users of one kind saw of one fault.
type summary struct {
	count map[string]int
	took  []time.Duration // from the shortest
	// refused is what the refusals took that count, from the shortest.
	refused []time.Duration
}

// quantile is what that share of the answers took at most; 0 of none.
func (s summary) quantile(share float64) time.Duration { return quantile(s.took, share) }

// quantile is what that share of some times is at most; 0 of none.
func quantile(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// String tells how many were answered how, the most frequent first, and how fast.
func (s summary) String() string {
	if len(s.count) == 0 {
		return "nothing was asked"
	}
	return fmt.Sprintf("%-44s p50 %s · p99 %s · max %s", classes(s.count), brief(s.quantile(0.5)), brief(s.quantile(0.99)), brief(s.quantile(1)))
}

// classes tells how many there were of each class, the most frequent first.
func classes(count map[string]int) string {
	names := slices.SortedFunc(maps.Keys(count), func(a, b string) int {
		return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(names))
	for i, class := range names {
		parts[i] = fmt.Sprintf("%s %d", class, count[class])
	}
	return strings.Join(parts, " · ")
}

// brief is a time in three digits.
func brief(d time.Duration) string {
	switch {
	case d < time.Second:
		return fmt.Sprintf("%.3g ms", float64(d)/float64(time.Millisecond))
	default:
		return fmt.Sprintf("%.3g s", d.Seconds())
	}
}
