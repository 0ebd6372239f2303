package histories_test

import (
	"flag"
	"strconv"
	"sync"
	"testing"

	"pgregory.net/rapid"
)

// many histories have everything in them.
const many = 300

// TestEveryHistoryKeepsTheBooks: whatever callers do, side by side, no piece is
// sold twice or lost, no key works twice, and each version was told once.
func TestEveryHistoryKeepsTheBooks(t *testing.T) {
	if err := flag.Set("rapid.checks", strconv.Itoa(histories(t))); err != nil {
		t.Fatal(err)
	}
	ctx, s, url := open(t)
	rapid.Check(t, func(rt *rapid.T) {
		stock := rapid.SliceOfN(rapid.IntRange(0, 12), levels, levels).Draw(rt, "stock")
		callers := rapid.SliceOfN(rapid.SliceOfN(drawStep(len(moves)), 12, 30), 2, 4).Draw(rt, "callers")
		// Little of our own, so that suppliers have something to do.
		for i := range stock {
			if i%4 < 2 {
				stock[i] /= 4
			}
		}
		w := newWorld(ctx, rt, s, stock)
		// Something to begin with, so that callers meet at it.
		for _, n := range rapid.SliceOfN(rapid.IntRange(0, 47), 4, 8).Draw(rt, "orders") {
			place(w, step{On: n, N: n % 5, M: n % 7})
		}
		var running sync.WaitGroup
		for _, steps := range callers {
			running.Go(func() {
				for _, step := range steps {
					w.take(step)
				}
			})
		}
		running.Wait()
		// What a job does is done by now, or soon: nobody waits for it here.
		if _, err := w.ExpireReservations(ctx); err != nil {
			rt.Fatal(err)
		}
		if _, err := s.FillBackorders(ctx); err != nil {
			rt.Fatal(err)
		}
		w.check()
	})
	if err := s.Close(); err != nil { // whoever had a connection tells of its deadlocks now
		t.Fatal(err)
	}
	if n := deadlocks(ctx, t, url); n > 0 {
		t.Errorf("%d deadlocks", n)
	}
	// What never succeeded was never tried. Of a few histories that may be chance.
	for _, m := range moves {
		if !m.job && happened.times[m.what] == 0 && histories(t) >= many {
			t.Errorf("in %d histories nobody could %s", histories(t), m.what)
		}
	}
	t.Logf("what succeeded: %v", happened.times)
}
