package main

import (
	"cmp"
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
}

// The classes of answers that aren't codes.
const (
	answered = "ok"
	soldOut  = "sold out"
	// noGateway: nobody listens, or the connection ended.
	noGateway = "no connection"
	// noAnswer: the client gave up waiting.
	noAnswer = "no answer"
)

func (t *tally) note(class string, took time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.count == nil {
		t.count = map[string]int{}
	}
	t.count[class]++
	t.took = append(t.took, took)
}

// take returns what was counted since the last time.
func (t *tally) take() summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := summary{t.count, t.took}
	t.count, t.took = nil, nil
	slices.Sort(s.took)
	return s
}

// summary is what users of one kind saw of one fault.
type summary struct {
	count map[string]int
	took  []time.Duration // from the shortest
}

// quantile is what that share of the answers took at most; 0 of none.
func (s summary) quantile(share float64) time.Duration {
	if len(s.took) == 0 {
		return 0
	}
	return s.took[min(int(share*float64(len(s.took))), len(s.took)-1)]
}

// String tells how many were answered how, the most frequent first, and how fast.
func (s summary) String() string {
	classes := slices.SortedFunc(maps.Keys(s.count), func(a, b string) int {
		return cmp.Or(cmp.Compare(s.count[b], s.count[a]), cmp.Compare(a, b))
	})
	parts := make([]string, len(classes))
	for i, class := range classes {
		parts[i] = fmt.Sprintf("%s %d", class, s.count[class])
	}
	if len(parts) == 0 {
		return "nothing was asked"
	}
	return fmt.Sprintf("%-44s p50 %s · p99 %s · max %s", strings.Join(parts, " · "), brief(s.quantile(0.5)), brief(s.quantile(0.99)), brief(s.quantile(1)))
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
