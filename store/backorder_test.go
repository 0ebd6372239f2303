package store_test

import (
	"testing"

	"redline"
)

// wants places an order that may wait for stock, and returns it whole.
func (w *world) wants(p redline.Principal, lines ...redline.LineInput) *redline.Order {
	w.t.Helper()
	id, _, err := w.OrderPlace(w.ctx, p, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines, AllowBackorder: true, AllowStale: true})
	w.must(err)
	return w.order(p, id)
}

// waits is how much of an order's only line is open, backordered, shipped and
// cancelled.
func (w *world) waits(id string) [4]int {
	w.t.Helper()
	l := w.order(operator, id).Lines[0]
	return [4]int{l.Open, l.Backordered, l.Shipped, l.Cancelled}
}

// Stock that arrives goes to those who wait, oldest first, in the transaction
// that brings it, and its cursor lies behind what they got.
func TestArrivalFillsTheOldestFirst(t *testing.T) {
	w := newWorld(t)
	first, second, third := w.wants(shop, line("pads", 20)), w.wants(rival, line("pads", 5)), w.wants(shop, line("pads", 2))
	equal(t, "the first", w.waits(first.ID), [4]int{14, 6, 0, 0})

	result, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived,
		Changes: []redline.InventoryChange{{Stock: w.at("pads", "west"), State: redline.StateOnHand, Delta: 9}},
	})
	w.must(err)
	l := result.Rows[0].Level
	equal(t, "what the level has left, as it is answered", [3]int{l.OnHand, l.Committed, l.Available}, [3]int{13, 13, 0})
	equal(t, "the level's version, as it is answered", l.Version, w.level("pads", "west").Version)
	equal(t, "the first", w.waits(first.ID), [4]int{20, 0, 0, 0})
	equal(t, "the second", w.waits(second.ID), [4]int{3, 2, 0, 0})
	equal(t, "the third", w.waits(third.ID), [4]int{0, 2, 0, 0})

	var newest int64
	w.must(w.DB().GetContext(w.ctx, &newest, `SELECT max(id) FROM events`))
	equal(t, "the cursor", result.EventID, newest)
	filled := w.order(operator, first.ID)
	equal(t, "the order's version", filled.Version, 2)
	equal(t, "its parts", len(filled.FulfillmentOrders), 3)
	moved, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reference: &first.Number}, redline.PageRequest{First: ref(1)})
	w.must(err)
	equal(t, "the ledger line", []any{moved.Items[0].Reason, moved.Items[0].Actor}, []any{redline.ReasonCommitted, redline.System().Subject})
	audited, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{Subject: &first.ID}, redline.PageRequest{First: ref(1)})
	w.must(err)
	equal(t, "the audit", []string{audited.Items[0].Actor, audited.Items[0].Action}, []string{redline.System().Subject, "backorderFill"})
	w.checkBooks()
}
