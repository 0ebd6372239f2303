package store_test

import (
	"testing"

	"redline"
)

// An order's row and its relations are statements of their own: between them
// the order may move on, and then the version of the one was shown with the
// lines, or the history, of the other.
func TestAVersionIsShownWithItsLines(t *testing.T) {
	w := newWorld(t)
	placed := w.place(shop, line("tea", 3))
	read := func() *redline.Order {
		found, err := w.OrdersByID(w.ctx, shop, []string{placed.ID})
		w.must(err)
		return found[placed.ID]
	}
	withLines, historyAlone := read(), read()
	w.must(w.cancel(shop, placed)) // between the row and its relations

	w.must(w.LoadOrders(w.ctx, shop, []*redline.Order{withLines}, redline.OrderParts{Lines: true, History: true}))
	equal(t, "the state of the lines", []any{withLines.Version, withLines.Status, withLines.Lines[0].Cancelled, len(withLines.History)},
		[]any{2, redline.OrderCancelled, 3, 2})
	w.must(w.LoadOrders(w.ctx, shop, []*redline.Order{historyAlone}, redline.OrderParts{History: true}))
	equal(t, "the history of the row", []any{historyAlone.Version, historyAlone.Status, len(historyAlone.History)},
		[]any{1, redline.OrderPending, 1})

	// A hold's reason isn't for suppliers, however late it is read.
	held := w.place(shop, line("tea", 3))
	found, err := w.OrdersByID(w.ctx, tokyo, []string{held.ID})
	w.must(err)
	_, _, err = w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: held.ID, Reason: "fraud?"})
	w.must(err)
	o := found[held.ID]
	w.must(w.LoadOrders(w.ctx, tokyo, []*redline.Order{o}, redline.OrderParts{Lines: true}))
	equal(t, "what the supplier sees", []any{o.Status, o.HoldReason}, []any{redline.OrderOnHold, (*string)(nil)})
	w.checkBooks()
}
