package store_test

import (
	"encoding/json"
	"testing"

	"redline"
)

// announce opens a return of the first line of an order.
func (w *world) announce(p redline.Principal, o *redline.Order, n int) (string, error) {
	id, _, err := w.ReturnCreate(w.ctx, p, redline.ReturnCreateInput{
		IdempotencyKey: key(), OrderID: o.ID, Lines: []redline.ReturnLineInput{{OrderLineID: o.Lines[0].ID, Quantity: n}}, Reason: ref("too many"),
	})
	return id, err
}

// back reads a return as a principal sees it; nil where it sees none.
func (w *world) back(p redline.Principal, id string) *redline.Return {
	w.t.Helper()
	found, err := w.ReturnsByID(w.ctx, p, []string{id})
	w.must(err)
	return found[id]
}

// receive takes in some of the one line of a return.
func (w *world) receive(p redline.Principal, id string, restock, writeOff int, location *string) error {
	_, _, err := w.ReturnReceive(w.ctx, p, redline.ReturnReceiveInput{
		IdempotencyKey: key(), ReturnID: id, LocationID: location,
		Lines: []redline.ReturnReceiptInput{{LineID: w.back(operator, id).Lines[0].ID, Restock: restock, WriteOff: writeOff}},
	})
	return err
}

// shipped is an order of one line that has shipped whole.
func (w *world) shipped(sku string, n int) *redline.Order {
	w.t.Helper()
	o := w.place(shop, line(sku, n))
	w.must(w.setStatus(operator, o, redline.OrderShipped))
	return w.order(operator, o.ID)
}

// Goods come back in several goes: what is restocked is on hand again where it
// came from, and what is written off is gone.
func TestReturn(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("pads", 5)
	onHand := w.level("pads", "east").OnHand
	id, err := w.announce(shop, o, 4)
	w.must(err)
	r := w.back(shop, id)
	equal(t, "the return", []any{r.Status, *r.Reason, r.Version, r.Order.ID, r.Order.Version, r.Lines[0].OrderLine.ProductID},
		[]any{redline.ReturnRequested, "too many", 1, o.ID, o.Version + 1, w.id["pads"]})
	equal(t, "on hand of what is on its way", w.level("pads", "east").OnHand, onHand)

	// What is on its way isn't announced again.
	_, err = w.announce(operator, o, 2)
	refused(t, err, redline.CodeInvalid, "lines.0.quantity")
	w.must(w.receive(operator, id, 1, 1, nil))
	equal(t, "the return", []any{w.back(shop, id).Status, w.back(shop, id).Version}, []any{redline.ReturnPartiallyReceived, 2})
	refused(t, w.receive(operator, id, 2, 1, nil), redline.CodeInvalid, "lines.0.writeOff")
	w.must(w.receive(operator, id, 2, 0, ref(w.id["west"])))
	r = w.back(shop, id)
	equal(t, "the return", []any{r.Status, r.Lines[0].Restocked, r.Lines[0].WrittenOff, r.Order.Lines[0].Returned, r.Order.Status},
		[]any{redline.ReturnReceived, 3, 1, 4, redline.OrderShipped})
	equal(t, "on hand", []int{w.level("pads", "east").OnHand, w.level("pads", "west").OnHand}, []int{onHand + 1, 6})
	e := refused(t, w.receive(operator, id, 1, 0, nil), redline.CodeInvalidTransition, "returnId")
	equal(t, "the refusal", []any{e.From, e.To, e.Allowed}, []any{"RECEIVED", "RECEIVED", []string{}})

	// A location that never had the product gets a level of it.
	id, err = w.announce(operator, o, 1)
	w.must(err)
	w.must(w.receive(operator, id, 1, 0, ref(w.id["tokyo"])))
	equal(t, "on hand", w.level("pads", "tokyo").OnHand, 1)

	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reasons: []redline.MovementReason{redline.ReasonReturned}}, redline.PageRequest{First: ref(10)})
	w.must(err)
	equal(t, "ledger lines", len(page.Items), 3)
	equal(t, "their reference", *page.Items[0].Reference, o.Number)
	w.checkBooks()

	var payload []byte
	w.must(w.DB().GetContext(w.ctx, &payload, `SELECT payload FROM events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1`, o.ID))
	var told redline.OrderEvent
	w.must(json.Unmarshal(payload, &told))
	equal(t, "the returns that the event tells of", len(told.Order.Returns), 2)
}

func TestReturnRefusals(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("pads", 12) // from both of our warehouses
	l := o.Lines[0].ID
	create := func(p redline.Principal, lines ...redline.ReturnLineInput) error {
		_, _, err := w.ReturnCreate(w.ctx, p, redline.ReturnCreateInput{IdempotencyKey: key(), OrderID: o.ID, Lines: lines})
		return err
	}
	w.unchanged(func() {
		refused(t, create(rival, redline.ReturnLineInput{OrderLineID: l, Quantity: 1}), redline.CodeNotFound, "orderId")
		refused(t, create(shop), redline.CodeInvalid, "lines")
		refused(t, create(shop, redline.ReturnLineInput{OrderLineID: "line_x", Quantity: 1}), redline.CodeNotFound, "lines.0.orderLineId")
		refused(t, create(shop, redline.ReturnLineInput{OrderLineID: l, Quantity: 0}), redline.CodeInvalid, "lines.0.quantity")
		refused(t, create(shop, redline.ReturnLineInput{OrderLineID: l, Quantity: 13}), redline.CodeInvalid, "lines.0.quantity")
		once := redline.ReturnLineInput{OrderLineID: l, Quantity: 1}
		refused(t, create(shop, once, once), redline.CodeInvalid, "lines.1.orderLineId")
	})
	id, err := w.announce(shop, o, 6)
	w.must(err)
	back := w.back(operator, id).Lines[0].ID
	receive := func(p redline.Principal, in redline.ReturnReceiveInput) error {
		in.IdempotencyKey, in.ReturnID = key(), id
		_, _, err := w.ReturnReceive(w.ctx, p, in)
		return err
	}
	one := redline.ReturnReceiptInput{LineID: back, Restock: 1}
	w.unchanged(func() {
		refused(t, receive(shop, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one}}), redline.CodeNotFound, "returnId")
		refused(t, receive(tokyo, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one}}), redline.CodeNotFound, "returnId")
		refused(t, receive(operator, redline.ReturnReceiveInput{}), redline.CodeInvalid, "lines")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{{LineID: back}}}), redline.CodeInvalid, "lines.0.restock")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{{LineID: back, Restock: -1}}}), redline.CodeInvalid, "lines.0.restock")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{{LineID: back, WriteOff: 7}}}), redline.CodeInvalid, "lines.0.writeOff")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{{LineID: "x", Restock: 1}}}), redline.CodeNotFound, "lines.0.lineId")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one, one}, LocationID: ref(w.id["east"])}), redline.CodeInvalid, "lines.1.lineId")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one}}), redline.CodeInvalid, "locationId")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one}, LocationID: ref("loc_x")}), redline.CodeNotFound, "locationId")
		refused(t, receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{one}, ExpectedVersion: ref(9)}), redline.CodeVersionMismatch, "expectedVersion")
		_, _, err := w.ReturnCancel(w.ctx, shop, redline.ReturnCancelInput{ReturnID: id, ExpectedVersion: ref(9)})
		refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
		_, _, err = w.ReturnCancel(w.ctx, rival, redline.ReturnCancelInput{ReturnID: id})
		refused(t, err, redline.CodeNotFound, "returnId")
	})
	// Nothing has to be put anywhere of what is written off.
	w.must(receive(operator, redline.ReturnReceiveInput{Lines: []redline.ReturnReceiptInput{{LineID: back, WriteOff: 2}}}))
	w.checkBooks()
}

// What has not come back will not: that makes an end of a return, and what was
// announced can be announced again.
func TestReturnCancel(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("pads", 5)
	give := func(id string) error {
		_, _, err := w.ReturnCancel(w.ctx, shop, redline.ReturnCancelInput{ReturnID: id, Reason: ref("kept")})
		return err
	}
	id, err := w.announce(shop, o, 5)
	w.must(err)
	w.must(give(id))
	r := w.back(shop, id)
	equal(t, "the return", []any{r.Status, r.Version}, []any{redline.ReturnCancelled, 2})
	history := w.order(shop, o.ID).History
	equal(t, "why", *history[len(history)-1].Note, "kept")
	refused(t, give(id), redline.CodeInvalidTransition, "returnId")
	id, err = w.announce(shop, o, 5)
	w.must(err)
	w.must(w.receive(operator, id, 2, 0, nil))
	w.must(give(id))
	equal(t, "the return", w.back(shop, id).Status, redline.ReturnReceived)
	_, err = w.announce(shop, o, 4)
	refused(t, err, redline.CodeInvalid, "lines.0.quantity")
	_, err = w.announce(shop, o, 3)
	w.must(err)
	w.checkBooks()
}

// A supplier sees of returns what it shipped itself, without anybody's reasons,
// and receives that, at its own places.
func TestReturnOfASupplier(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 4), line("pads", 2))
	w.must(w.setStatus(operator, o, redline.OrderShipped))
	id, _, err := w.ReturnCreate(w.ctx, shop, redline.ReturnCreateInput{
		IdempotencyKey: key(), OrderID: o.ID, Reason: ref("ann's birthday is over"),
		Lines: []redline.ReturnLineInput{{OrderLineID: o.Lines[0].ID, Quantity: 3}, {OrderLineID: o.Lines[1].ID, Quantity: 1}},
	})
	w.must(err)
	all := w.back(operator, id)
	equal(t, "what cajun sees", w.back(cajun, id) == nil, true)
	equal(t, "what a rival sees", w.back(rival, id) == nil, true)
	r := w.back(tokyo, id)
	equal(t, "what tokyo sees", []any{r.Reason == nil, len(r.Lines), r.Lines[0].ID, r.Lines[0].OrderLine.ProductID, r.Order.Customer == nil},
		[]any{true, 1, all.Lines[0].ID, w.id["tea"], true})
	equal(t, "and with its order", len(w.order(tokyo, o.ID).Returns), 1)

	receive := func(line string, location *string) error {
		_, _, err := w.ReturnReceive(w.ctx, tokyo, redline.ReturnReceiveInput{
			IdempotencyKey: key(), ReturnID: id, Lines: []redline.ReturnReceiptInput{{LineID: line, Restock: 3}}, LocationID: location,
		})
		return err
	}
	refused(t, receive(all.Lines[1].ID, nil), redline.CodeNotFound, "lines.0.lineId")
	refused(t, receive(all.Lines[0].ID, ref(w.id["east"])), redline.CodeNotFound, "locationId")
	_, _, err = w.ReturnCreate(w.ctx, tokyo, redline.ReturnCreateInput{IdempotencyKey: key(), OrderID: o.ID, Lines: []redline.ReturnLineInput{{OrderLineID: o.Lines[0].ID, Quantity: 1}}})
	refused(t, err, redline.CodeNotFound, "orderId")
	_, _, err = w.ReturnCancel(w.ctx, tokyo, redline.ReturnCancelInput{ReturnID: id})
	refused(t, err, redline.CodeNotFound, "returnId")
	w.must(receive(all.Lines[0].ID, nil))
	equal(t, "the return", w.back(shop, id).Status, redline.ReturnPartiallyReceived)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{19, 0, 0})
	w.checkBooks()
}

// byTwo is an order of one line that cajun has shipped 3 of, and tokyo 2.
func (w *world) byTwo() *redline.Order {
	w.t.Helper()
	w.adjust(operator, "sauce", "east", -3)
	w.adjust(cajun, "sauce", "cajun", -61)
	w.adjust(operator, "sauce", "tokyo", 2)
	return w.shipped("sauce", 5)
}

// came is how much has come in of the one line of a return, as a principal sees it,
// and of the order's line.
func (w *world) came(p redline.Principal, id string) [4]int {
	w.t.Helper()
	r := w.back(p, id)
	return [4]int{r.Lines[0].Quantity, r.Lines[0].Restocked, r.Lines[0].WrittenOff, r.Order.Lines[0].Returned}
}

// A regression: what came in of one supplier's goods was taken for another's, who
// could not receive its own then.
func TestReturnOfTwoSuppliers(t *testing.T) {
	w := newWorld(t)
	o := w.byTwo()
	id, err := w.announce(shop, o, 5)
	w.must(err)
	refused(t, w.receive(cajun, id, 4, 0, nil), redline.CodeInvalid, "lines.0.restock")
	w.must(w.receive(cajun, id, 2, 1, nil))
	equal(t, "what cajun sees", w.came(cajun, id), [4]int{3, 2, 1, 3})
	equal(t, "what tokyo sees", w.came(tokyo, id), [4]int{2, 0, 0, 0})
	equal(t, "of its order's line", w.order(tokyo, o.ID).Lines[0].Returned, 0)
	refused(t, w.receive(cajun, id, 1, 0, nil), redline.CodeInvalid, "lines.0.restock")
	w.must(w.receive(tokyo, id, 2, 0, nil))
	equal(t, "what tokyo sees", w.came(tokyo, id), [4]int{2, 2, 0, 2})
	equal(t, "what the shop sees", w.came(shop, id), [4]int{5, 4, 1, 5})
	equal(t, "the return", w.back(shop, id).Status, redline.ReturnReceived)
	w.checkBooks()
}

// Whose goods came in follows from where an operator says they did, as far as its
// supplier has shipped any; what nobody can tell is nobody's.
func TestReturnOfTwoSuppliersReceivedByAnOperator(t *testing.T) {
	w := newWorld(t)
	o := w.byTwo()
	id, err := w.announce(shop, o, 4)
	w.must(err)
	refused(t, w.receive(operator, id, 1, 0, nil), redline.CodeInvalid, "locationId")
	w.must(w.receive(operator, id, 2, 1, ref(w.id["tokyo"])))
	equal(t, "what tokyo sees", w.came(tokyo, id), [4]int{2, 2, 0, 2})
	equal(t, "what cajun sees", w.came(cajun, id), [4]int{3, 0, 0, 0})
	refused(t, w.receive(tokyo, id, 1, 0, nil), redline.CodeInvalid, "lines.0.restock")
	w.must(w.receive(cajun, id, 1, 0, nil))
	// Another return of the line is no more of tokyo's.
	id, err = w.announce(shop, o, 1)
	w.must(err)
	refused(t, w.receive(tokyo, id, 1, 0, nil), redline.CodeInvalid, "lines.0.restock")
	w.must(w.receive(operator, id, 0, 1, nil))
	equal(t, "what cajun sees", w.came(cajun, id), [4]int{1, 0, 0, 1})
	w.checkBooks()
}

// What only one supplier has shipped is its own wherever it comes in.
func TestReturnToOurOwnOfASuppliersGoods(t *testing.T) {
	w := newWorld(t)
	id, err := w.announce(shop, w.shipped("tea", 4), 4)
	w.must(err)
	w.must(w.receive(operator, id, 3, 0, ref(w.id["east"])))
	equal(t, "what tokyo sees", w.came(tokyo, id), [4]int{4, 3, 0, 3})
	refused(t, w.receive(tokyo, id, 2, 0, nil), redline.CodeInvalid, "lines.0.restock")
	w.must(w.receive(tokyo, id, 0, 1, nil))
	equal(t, "the return", w.back(shop, id).Status, redline.ReturnReceived)
	w.checkBooks()
}

// What is restocked goes to who waits for it.
func TestReturnFillsBackorders(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("tea", 20)
	id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 3)}, AllowBackorder: true})
	w.must(err)
	equal(t, "backordered", w.order(shop, id).Lines[0].Backordered, 3)
	back, err := w.announce(shop, o, 2)
	w.must(err)
	w.must(w.receive(operator, back, 2, 0, nil))
	l := w.order(shop, id).Lines[0]
	equal(t, "the waiting order", []int{l.Open, l.Backordered}, []int{2, 1})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{2, 2, 0})
	w.checkBooks()
}

// Of two receipts of the same goods one is taken.
func TestReturnReceivedTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("pads", 4)
	onHand := w.level("pads", "east").OnHand
	id, err := w.announce(shop, o, 4)
	w.must(err)
	won := 0
	for _, err := range atOnce(4, func(int) error { return w.receive(operator, id, 3, 0, nil) }) {
		if err == nil {
			won++
		} else if e := refusals(t, err)[0]; e.Code != redline.CodeInvalid {
			t.Errorf("the loser is told %v", e)
		}
	}
	equal(t, "winners", won, 1)
	equal(t, "on hand", w.level("pads", "east").OnHand, onHand+3)
	w.checkBooks()
}

// Two announcements of the same goods race, and one of them is too many.
func TestReturnAnnouncedTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	o := w.shipped("pads", 4)
	won := 0
	for _, err := range atOnce(4, func(int) error {
		_, err := w.announce(shop, o, 3)
		return err
	}) {
		if err == nil {
			won++
		}
	}
	equal(t, "winners", won, 1)
	w.checkBooks()
}
