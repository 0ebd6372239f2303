package store_test

import (
	"testing"

	"redline"
)

// A sweep deletes keys after a week, and what came of feeds, with those that were decided
// on, after ninety days. What still waits for a person stays, however old it is.
func TestSweep(t *testing.T) {
	w, _ := fullCajun(t)
	sweeps := func(what string, want int) {
		t.Helper()
		n, err := w.Sweep(w.ctx)
		w.must(err)
		equal(t, what, n, want)
	}
	for sequence := range int64(2) {
		w.submit(cajun, w.feedOf(redline.FeedFull, 2+sequence), 0, 0, 0)
	}
	equal(t, "what waits", w.feedsHeld(), []string{"feed 2 DISMISSED", "feed 3 HELD"})
	var keys int
	w.must(w.DB().GetContext(w.ctx, &keys, `SELECT count(*) FROM idempotency_keys`))
	w.exec(`UPDATE idempotency_keys SET created_at = created_at - interval '6 days'`)
	ages := func(days int) {
		w.exec(`UPDATE supplier_feeds_held SET held_at = held_at - make_interval(days => $1)`, days)
		w.exec(`UPDATE supplier_feeds SET received_at = received_at - make_interval(days => $1)`, days)
	}
	ages(89)
	sweeps("too early", 0)
	ages(2)
	sweeps("after ninety days", 3) // of three feeds what came of two, and one that was kept
	equal(t, "what came of feeds", w.cameOf(), []string{"FULL 3: 0 rows, 0 0 0 0, held"})
	equal(t, "what waits", w.feedsHeld(), []string{"feed 3 HELD"})
	w.exec(`UPDATE idempotency_keys SET created_at = created_at - interval '2 days'`)
	sweeps("after a week", keys)
	w.must(w.dismissFeeds())
	sweeps("once it was decided on", 2)
	equal(t, "what waits", w.feedsHeld(), []string(nil))
	equal(t, "what came of feeds", w.cameOf(), []string(nil))
}

// A result doesn't outlive what was decided on it, or it would say that a feed was applied
// that was let go of; however the two fall about the end of their time.
func TestSweepLeavesNoResultUndecided(t *testing.T) {
	w, _ := fullCajun(t)
	w.submit(cajun, w.feedOf(redline.FeedFull, 2), 0, 0, 0)
	w.must(w.dismissFeeds())
	w.exec(`DELETE FROM idempotency_keys`)
	const sent = "FULL 2: 0 rows, 0 0 0 0, dismissed"
	w.exec(`UPDATE supplier_feeds_held SET held_at = held_at - interval '90 days'`) // between two looks at the clock
	_, err := w.Sweep(w.ctx)
	w.must(err)
	equal(t, "what came of it", w.cameOf()[0], sent)
	w.exec(`UPDATE supplier_feeds SET received_at = received_at - interval '90 days'`)
	n, err := w.Sweep(w.ctx)
	w.must(err)
	equal(t, "swept together", n, 3)
	equal(t, "what came of feeds", w.cameOf(), []string(nil))
	equal(t, "what was decided", w.feedsHeld(), []string(nil))
}

// dismissFeeds dismisses what waits for a person.
func (w *world) dismissFeeds() error {
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{
		Kind: ref(redline.ConflictMassZeroing), Status: ref(redline.ConflictOpen),
	}, redline.PageRequest{})
	w.must(err)
	return w.settle(operator, page.Items[0].ID, redline.ConflictDismissed)
}
