package store_test

import (
	"testing"

	"redline"
)

// A sweep deletes keys after a week, and feeds that were decided on after ninety
// days. What still waits for a person stays, however old it is.
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
	w.exec(`UPDATE supplier_feeds_held SET held_at = held_at - interval '89 days'`)
	sweeps("too early", 0)
	w.exec(`UPDATE supplier_feeds_held SET held_at = held_at - interval '2 days'`)
	sweeps("after ninety days", 1)
	equal(t, "what waits", w.feedsHeld(), []string{"feed 3 HELD"})
	w.exec(`UPDATE idempotency_keys SET created_at = created_at - interval '2 days'`)
	sweeps("after a week", keys)
	w.must(w.dismissFeeds())
	sweeps("once it was decided on", 1)
	equal(t, "what waits", w.feedsHeld(), []string(nil))
}

// dismissFeeds dismisses what waits for a person.
func (w *world) dismissFeeds() error {
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{
		Kind: ref(redline.ConflictMassZeroing), Status: ref(redline.ConflictOpen),
	}, redline.PageRequest{})
	w.must(err)
	return w.settle(operator, page.Items[0].ID, redline.ConflictDismissed)
}
