package store_test

import (
	"testing"

	"redline"
)

// What a supplier can't keep any more is taken off the newest promises, as far
// as it has to be, and goes to who has it, else waits for whoever gets some:
// the same supplier too.
func TestTheNewestPromisesAreWithdrawn(t *testing.T) {
	w := newWorld(t)
	wants := func(n int) *redline.Order {
		return w.place(shop, redline.LineInput{SKU: ref("tea"), Quantity: n})
	}
	oldest, middle, newest := wants(4), wants(6), wants(5)
	w.must(w.accept(tokyo, w.part(middle, "tokyo")))
	w.adjust(operator, "tea", "east", 3) // after they were placed: tokyo alone had any
	w.must(w.countAs(tokyo, "tea", "tokyo", 7))
	level := w.level("tea", "tokyo")
	equal(t, "tokyo is short by", level.Oversold(), 8)

	w.must(w.WithdrawNewest(w.ctx, operator, level.ID))
	equal(t, "the oldest keeps all", w.waits(oldest.ID), [4]int{4, 0, 0, 0})
	now := w.order(operator, middle.ID)
	f := w.part(now, "tokyo")
	equal(t, "tokyo's part of the middle one", []any{f.Status, *f.Lines[0].Accepted, f.Lines[0].Withdrawn}, []any{redline.PartAccepted, 3, 3})
	equal(t, "the newest's part at tokyo", w.part(w.order(operator, newest.ID), "tokyo").Status, redline.PartCancelled)
	equal(t, "the middle one has what east had", w.waits(middle.ID), [4]int{6, 0, 0, 0})
	equal(t, "the newest waits", w.waits(newest.ID), [4]int{0, 5, 0, 0})
	level = w.level("tea", "tokyo")
	equal(t, "the level", []int{level.OnHand, level.Committed, level.Available, level.Oversold()}, []int{7, 7, 0, 0})
	w.must(w.WithdrawNewest(w.ctx, operator, level.ID)) // there is nothing to withdraw
	equal(t, "the level's version", w.level("tea", "tokyo").Version, level.Version)

	w.adjust(tokyo, "tea", "tokyo", 6)
	equal(t, "who waits is served from there again", [2]int{w.waits(middle.ID)[1], w.waits(newest.ID)[1]}, [2]int{0, 0})
	equal(t, "what is left", w.level("tea", "tokyo").Available, 1)
	w.checkBooks()
}

// Two withdrawals of one level, beside sales, cancellations and shipments: the
// books balance, and no promise is withdrawn that could have been kept.
func TestWithdrawalsSideBySide(t *testing.T) {
	w := newWorld(t)
	for range 5 {
		w.must(w.countAs(tokyo, "tea", "tokyo", 20))
		a, b := w.place(shop, line("tea", 8)), w.place(shop, line("tea", 7))
		w.must(w.countAs(tokyo, "tea", "tokyo", 10))
		id := w.level("tea", "tokyo").ID
		for i, err := range atOnce(4, func(i int) error {
			switch i {
			case 0, 1:
				return w.WithdrawNewest(w.ctx, operator, id)
			case 2:
				return w.ship(tokyo, w.part(a, "tokyo"))
			default:
				return w.cancel(shop, b)
			}
		}) {
			if err != nil && i > 1 {
				refused(t, err, redline.CodeInvalidTransition, "fulfillmentOrderId")
			} else {
				w.must(err)
			}
		}
		equal(t, "the level is short by", w.level("tea", "tokyo").Oversold(), 0)
		w.checkBooks()
	}
}

// countAs counts what is on hand of a product, as a supplier.
func (w *world) countAs(p redline.Principal, sku, location string, n int) error {
	_, err := w.InventorySet(w.ctx, p, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: w.at(sku, location), OnHand: n, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	return err
}
