package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"redline"
)

// fullCajun has cajun sell s0 to s3 beside its sauce, with a case of each; all
// that it has is five levels.
func fullCajun(t *testing.T) (*world, []redline.SupplierFeedRow) {
	t.Helper()
	w := newWorld(t)
	rows := []redline.SupplierFeedRow{says("65", 2)}
	for i := range 4 {
		w.sells(fmt.Sprint("s", i))
		rows = append(rows, says(fmt.Sprint("s", i), 1))
	}
	w.submit(cajun, w.feedOf(redline.FeedFull, 1, rows...), 4, 1, 0)
	return w, rows
}

// onHand is what there is of cajun's five.
func (w *world) onHand() []int {
	var all []int
	for _, sku := range []string{"sauce", "of s0", "of s1", "of s2", "of s3"} {
		all = append(all, w.level(sku, "cajun").OnHand)
	}
	return all
}

// feedsHeld are what became of the feeds that were kept.
func (w *world) feedsHeld() []string {
	w.t.Helper()
	var all []string
	w.must(w.DB().SelectContext(w.ctx, &all, `SELECT reference || ' ' || status FROM supplier_feeds_held ORDER BY id`))
	return all
}

// What a full feed leaves out the supplier no longer has: as of then.
func TestFullFeedEmptiesWhatItOmits(t *testing.T) {
	w, rows := fullCajun(t)
	in := w.feedOf(redline.FeedFull, 2, rows[:4]...)
	r := w.submit(cajun, in, 1, 4, 0) // one of five is no more than 20 %
	equal(t, "emptied, held", []any{r.Emptied, r.Held}, []any{1, false})
	equal(t, "on hand", w.onHand(), []int{64, 12, 12, 12, 0})
	w.submit(cajun, w.feedOf(redline.FeedFull, 3, rows...), 1, 4, 0)
	in = w.feedOf(redline.FeedFull, 4, rows[:4]...)
	w.adjust(cajun, "of s3", "cajun", 5)
	w.submit(cajun, in, 1, 4, 0)
	equal(t, "what came since is there", w.onHand(), []int{64, 12, 12, 12, 5})

	// A row that fails names its product all the same, wherever it could be.
	failing := append([]redline.SupplierFeedRow{says("s0", -1)}, rows[2:]...)
	failing[1].Unit, failing[2].LocationCode = ref(redline.UnitBox), ref("nowhere")
	r = w.submit(cajun, w.feedOf(redline.FeedFull, 5, append(failing, rows[0])...), 1, 1, 3)
	equal(t, "refused", rowErrors(r), []string{"INVALID rows.0.quantity", "PACK_MISMATCH rows.1.unit", "NOT_FOUND rows.2.locationCode"})
	equal(t, "on hand", w.onHand(), []int{64, 12, 12, 12, 12})

	// A count that is newer stands, whatever a feed leaves out.
	in = w.feedOf(redline.FeedFull, 6, rows[:4]...)
	_, err := w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
		Stock: redline.StockKey{SupplierSKU: ref("s3")}, OnHand: 3, Basis: redline.CountBasis{Override: ref(true)},
	}}})
	w.must(err)
	w.submit(cajun, in, 0, 4, 0)
	equal(t, "on hand", w.onHand(), []int{64, 12, 12, 12, 36})
	// Tokyo's stock is not cajun's to leave out.
	equal(t, "tea", w.level("tea", "tokyo").OnHand, 20)
	w.checkBooks()
}

// A feed that would empty too much waits for a person: nothing of it is applied.
func TestFeedThatEmptiesTooMuch(t *testing.T) {
	w, rows := fullCajun(t)
	levels := w.onHand()
	held := w.feedOf(redline.FeedFull, 2, slices.Clone(rows[1:4])...)
	held.Rows[0].Quantity = 0 // told or left out, it is empty
	r := w.submit(cajun, held, 0, 0, 0)
	equal(t, "the conflict", []string{fact(t, r.Conflicts, redline.ConflictMassZeroing, "emptied"), fact(t, r.Conflicts, redline.ConflictMassZeroing, "of")}, []string{"3", "5"})
	equal(t, "the levels", []any{w.onHand(), r.Rows[1].LevelID}, []any{levels, w.level("of s1", "cajun").ID})
	again := w.submit(cajun, held, 0, 0, 0)
	equal(t, "replayed", []any{again.Replayed, again.Conflicts[0].ID}, []any{true, r.Conflicts[0].ID})
	blind := cajun
	blind.Scopes = []string{redline.ScopeInventoryWrite}
	unseen := w.submit(blind, held, 0, 0, 0)
	equal(t, "held, though no conflict is seen", []any{r.Held, again.Held, unseen.Held, r.Emptied, len(unseen.Conflicts)}, []any{true, true, true, 0, 0})

	// A newer one takes its place; an older one does not.
	newer := w.feedOf(redline.FeedFull, 4)
	equal(t, "the same conflict", w.submit(cajun, newer, 0, 0, 0).Conflicts[0].ID, r.Conflicts[0].ID)
	equal(t, "kept", w.feedsHeld(), []string{"feed 2 DISMISSED", "feed 4 HELD"})
	w.refusedFeed(cajun, w.feedOf(redline.FeedFull, 3), redline.CodeSequenceStale, "sequence")
	equal(t, "open", w.openKinds(), []string{"MASS_ZEROING", "SEQUENCE_GAP"})

	// What states some of the stock leaves it waiting; a newer one of all settles it.
	w.submit(cajun, w.feedOf(redline.FeedPartial, 5, says("s0", 5)), 1, 0, 0)
	equal(t, "open", w.openKinds(), []string{"MASS_ZEROING", "SEQUENCE_GAP"})
	w.submit(cajun, w.feedOf(redline.FeedFull, 6, rows...), 1, 4, 0)
	equal(t, "kept", w.feedsHeld(), []string{"feed 2 DISMISSED", "feed 4 DISMISSED"})
	equal(t, "open", w.openKinds(), []string(nil))
	// It was not applied: whoever sent it and asks again must not be told that it was.
	if c := w.submit(cajun, newer, 0, 0, 0).Conflicts[0]; c.Status != redline.ConflictDismissed || *c.Resolution != "A newer feed was applied: feed 6." {
		t.Errorf("the conflict is %s: %s", c.Status, *c.Resolution)
	}

	// The limit is the supplier's own.
	w.exec(`UPDATE suppliers SET zeroing_limit_percent = 100 WHERE code = 'cajun'`)
	w.submit(cajun, w.feedOf(redline.FeedFull, 7), 5, 0, 0)
	equal(t, "on hand", w.onHand(), []int{0, 0, 0, 0, 0})
	w.exec(`UPDATE suppliers SET zeroing_limit_percent = 0 WHERE code = 'cajun'`)
	w.submit(cajun, w.feedOf(redline.FeedFull, 8, rows...), 5, 0, 0)
	w.submit(cajun, w.feedOf(redline.FeedFull, 9, rows[1:]...), 0, 0, 0)
	equal(t, "open", w.openKinds(), []string{"MASS_ZEROING"})
	w.checkBooks()
}

// What is kept for a person has come: it is not missing, whatever is applied after
// it, though what is missing before it is told of at once.
func TestHeldFeedIsNotMissing(t *testing.T) {
	w, rows := fullCajun(t)
	gap := func(r *redline.FeedResult) []string {
		return []string{fact(t, r.Conflicts, redline.ConflictSequenceGap, "from"), fact(t, r.Conflicts, redline.ConflictSequenceGap, "to")}
	}
	w.submit(cajun, w.feedOf(redline.FeedFull, 2), 0, 0, 0)
	w.submit(cajun, w.feedOf(redline.FeedFull, 3), 0, 0, 0)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 4, says("s0", 2)), 1, 0, 0)
	equal(t, "open", w.openKinds(), []string{"MASS_ZEROING"})
	r := w.submit(cajun, w.feedOf(redline.FeedFull, 6), 0, 0, 0)
	equal(t, "missing before one that is kept", gap(r), []string{"5", "5"})
	equal(t, "missing after it", gap(w.submit(cajun, w.feedOf(redline.FeedPartial, 9, says("s0", 3)), 1, 0, 0)), []string{"5", "8"})

	// Applying it makes up for none that came after it.
	w.must(w.settle(operator, zeroing(t, r), redline.ConflictResolved))
	equal(t, "on hand", w.onHand(), []int{0, 36, 0, 0, 0})
	equal(t, "open", w.openKinds(), []string{"SEQUENCE_GAP"})
	w.submit(cajun, w.feedOf(redline.FeedFull, 10, rows...), 5, 0, 0)
	equal(t, "open", w.openKinds(), []string(nil))
	w.checkBooks()
}

// zeroing is the conflict about a feed that would empty too much.
func zeroing(t *testing.T, r *redline.FeedResult) string {
	t.Helper()
	for _, c := range r.Conflicts {
		if c.Kind == redline.ConflictMassZeroing {
			return c.ID
		}
	}
	t.Fatalf("no feed waits: %+v", r.Conflicts)
	return ""
}

// A full feed confirms what it leaves out too, though there was none of it: else
// it would be stale for ever.
func TestFullFeedConfirmsWhatIsEmpty(t *testing.T) {
	w, rows := fullCajun(t)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600)})
	r := w.submit(cajun, w.feedOf(redline.FeedFull, 2, rows[:4]...), 1, 4, 0)
	equal(t, "emptied", r.Emptied, 1)
	w.age()
	w.sweeps(5)
	r = w.submit(cajun, w.feedOf(redline.FeedFull, 3, rows[:4]...), 4, 0, 0)
	equal(t, "emptied, and stale", []any{r.Emptied, w.level("of s3", "cajun").Stale}, []any{0, false})

	// While it is fresh it is confirmed without a version.
	before, in := w.level("of s3", "cajun"), w.feedOf(redline.FeedFull, 4, rows[:4]...)
	w.submit(cajun, in, 0, 4, 0)
	after := w.level("of s3", "cajun")
	equal(t, "confirmed", []any{after.Version, after.AsOf.Equal(in.AsOf.Truncate(time.Microsecond))}, []any{before.Version, true})
	w.checkBooks()
}
