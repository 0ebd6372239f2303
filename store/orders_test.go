package store_test

import (
	"strings"
	"testing"

	"redline"
)

// The calls below change an order or a part and return what came of it.

func (w *world) accept(p redline.Principal, f *redline.FulfillmentOrder, answers ...redline.LineResponse) error {
	_, _, err := w.FulfillmentOrderAccept(w.ctx, p, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, Lines: answers})
	return err
}

func (w *world) reject(p redline.Principal, f *redline.FulfillmentOrder) error {
	_, _, err := w.FulfillmentOrderReject(w.ctx, p, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, Reason: ref("no glass")})
	return err
}

func (w *world) ship(p redline.Principal, f *redline.FulfillmentOrder, lines ...redline.ShipLine) error {
	_, _, err := w.FulfillmentCreate(w.ctx, p, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: lines})
	return err
}

func (w *world) deliver(p redline.Principal, shipment string) error {
	_, _, err := w.FulfillmentMarkDelivered(w.ctx, p, redline.FulfillmentDeliveredInput{FulfillmentID: shipment})
	return err
}

func (w *world) cancel(p redline.Principal, o *redline.Order) error {
	_, _, err := w.OrderCancel(w.ctx, p, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: o.ID, Reason: "changed my mind"})
	return err
}

func (w *world) hold(o *redline.Order) error {
	_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: "fraud check"})
	return err
}

func (w *world) release(o *redline.Order) error {
	_, _, err := w.OrderReleaseHold(w.ctx, operator, redline.OrderReleaseHoldInput{OrderID: o.ID})
	return err
}

func (w *world) setStatus(p redline.Principal, o *redline.Order, to redline.OrderStatus) error {
	_, _, err := w.OrderSetStatus(w.ctx, p, redline.OrderStatusInput{IdempotencyKey: key(), OrderID: o.ID, Status: to})
	return err
}

// stands checks where an order and one of its parts stand.
func (w *world) stands(o *redline.Order, status redline.OrderStatus, location string, part redline.FulfillmentOrderStatus) *redline.Order {
	w.t.Helper()
	now := w.order(operator, o.ID)
	if f := w.part(now, location); now.Status != status || f.Status != part {
		w.t.Fatalf("the order is %s and its part at %s %s, not %s and %s", now.Status, location, f.Status, status, part)
	}
	return now
}

func TestOrderMovesToDelivered(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 4), line("tea", 6))
	ours, theirs := w.part(o, "east"), w.part(o, "tokyo")
	steps := []struct {
		do     func() error
		status redline.OrderStatus
		ours   redline.FulfillmentOrderStatus
		theirs redline.FulfillmentOrderStatus
	}{
		{func() error { return w.accept(tokyo, theirs) }, redline.OrderProcessing, redline.PartSubmitted, redline.PartAccepted},
		{func() error { return w.ship(tokyo, theirs, redline.ShipLine{LineID: theirs.Lines[0].ID, Quantity: 2}) },
			redline.OrderPartiallyShipped, redline.PartSubmitted, redline.PartInProgress},
		{func() error { return w.ship(operator, ours) }, redline.OrderPartiallyShipped, redline.PartClosed, redline.PartInProgress},
		{func() error { return w.ship(tokyo, theirs) }, redline.OrderShipped, redline.PartClosed, redline.PartClosed},
		{func() error { return w.deliver(tokyo, w.part(w.order(operator, o.ID), "tokyo").Fulfillments[0].ID) },
			redline.OrderShipped, redline.PartClosed, redline.PartClosed},
		{func() error { return w.deliver(operator, w.part(w.order(operator, o.ID), "tokyo").Fulfillments[1].ID) },
			redline.OrderShipped, redline.PartClosed, redline.PartClosed},
		{func() error { return w.deliver(operator, w.part(w.order(operator, o.ID), "east").Fulfillments[0].ID) },
			redline.OrderDelivered, redline.PartClosed, redline.PartClosed},
	}
	var history []redline.OrderStatus
	last := o.Status
	for i, s := range steps {
		w.must(s.do())
		now := w.stands(o, s.status, "east", s.ours)
		w.stands(o, s.status, "tokyo", s.theirs)
		equal(t, "the version", now.Version, o.Version+i+1)
		if s.status != last {
			history = append(history, s.status)
		}
		last = s.status
	}
	now := w.order(operator, o.ID)
	told := []redline.OrderStatus{}
	for i, h := range now.History[1:] {
		told = append(told, h.To)
		equal(t, "from where", *h.From, now.History[i].To)
	}
	equal(t, "the history", told, history)
	equal(t, "who accepted", *now.History[1].Actor, tokyo.Subject)
	tea := w.level("tea", "tokyo")
	equal(t, "what shipped is gone", []int{tea.OnHand, tea.Committed}, []int{14, 0})
	refused(t, w.deliver(tokyo, w.part(now, "tokyo").Fulfillments[0].ID), redline.CodeInvalidTransition, "fulfillmentId")
	w.checkBooks()
}

func TestCancelAsksTheSupplierWhoHasTakenItOn(t *testing.T) {
	w := newWorld(t)
	o := w.wants(shop, line("pads", 16), line("tea", 3))
	theirs := w.part(o, "tokyo")
	w.must(w.accept(tokyo, theirs))
	w.must(w.cancel(shop, o))
	now := w.stands(o, redline.OrderProcessing, "tokyo", redline.PartCancellationRequested)
	w.stands(o, redline.OrderProcessing, "east", redline.PartCancelled)
	equal(t, "what it was", *w.part(now, "tokyo").StatusBefore, redline.PartAccepted)
	equal(t, "the pads, given back and no longer waited for", []int{now.Lines[0].Cancelled, w.level("pads", "east").Committed}, []int{16, 0})
	equal(t, "the tea, which is still held", []int{now.Lines[1].Open, w.level("tea", "tokyo").Committed}, []int{3, 3})
	w.unchanged(func() {
		e := refused(t, w.cancel(shop, o), redline.CodeInvalidTransition, "orderId")
		equal(t, "from, to and allowed", []any{e.From, e.To, e.Allowed}, []any{"PROCESSING", "CANCELLED", []string{}})
		if !strings.Contains(e.Message, theirs.ID) {
			t.Errorf("the refusal doesn't say who is being asked: %s", e.Message)
		}
		e = refused(t, w.setStatus(operator, o, redline.OrderCancelled), redline.CodeInvalidTransition, "status")
		equal(t, "an operator may", e.Allowed, []string{"SHIPPED"})
		refused(t, w.answer(cajun, theirs, true), redline.CodeNotFound, "fulfillmentOrderId")
		_, _, err := w.FulfillmentOrderAcceptCancellation(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{
			FulfillmentOrderID: theirs.ID, Lines: []redline.LineResponse{{LineID: theirs.Lines[0].ID}},
		})
		refused(t, err, redline.CodeInvalid, "lines")
	})

	w.must(w.answer(tokyo, theirs, false))
	w.stands(o, redline.OrderProcessing, "tokyo", redline.PartAccepted)
	w.must(w.cancel(shop, o))
	w.must(w.ship(tokyo, theirs, redline.ShipLine{LineID: theirs.Lines[0].ID, Quantity: 1}))
	w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartInProgress)
	w.must(w.cancel(shop, o))
	w.must(w.answer(tokyo, theirs, true))
	now = w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the tea, shipped and cancelled", []int{now.Lines[1].Shipped, now.Lines[1].Cancelled, w.level("tea", "tokyo").Committed}, []int{1, 2, 0})
	e := refused(t, w.answer(tokyo, theirs, true), redline.CodeInvalidTransition, "fulfillmentOrderId")
	equal(t, "from and to", []string{e.From, e.To}, []string{"CLOSED", "CLOSED"})
	w.checkBooks()
}

// answer answers what a part's supplier was asked: to cancel it.
func (w *world) answer(p redline.Principal, f *redline.FulfillmentOrder, yes bool) error {
	in := redline.FulfillmentOrderRespondInput{IdempotencyKey: ref(key()), FulfillmentOrderID: f.ID}
	do := w.FulfillmentOrderRejectCancellation
	if yes {
		do = w.FulfillmentOrderAcceptCancellation
	}
	_, _, err := do(w.ctx, p, in)
	return err
}

func TestHoldStopsEverythingButFacts(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 1), line("tea", 5))
	theirs, ours := w.part(o, "tokyo"), w.part(o, "east")
	w.must(w.ship(tokyo, theirs, redline.ShipLine{LineID: theirs.Lines[0].ID, Quantity: 1}))
	w.must(w.hold(o))
	held := w.stands(o, redline.OrderOnHold, "tokyo", redline.PartInProgress)
	equal(t, "what may come next", held.NextStatuses, []redline.OrderStatus{redline.OrderPartiallyShipped})
	w.unchanged(func() {
		for _, err := range []error{w.accept(operator, ours), w.reject(operator, ours), w.ship(operator, ours), w.ship(tokyo, theirs)} {
			e := refused(t, err, redline.CodeInvalidTransition, "fulfillmentOrderId")
			equal(t, "allowed", e.Allowed, []string{})
		}
		e := refused(t, w.cancel(shop, o), redline.CodeInvalidTransition, "orderId")
		equal(t, "a shop may", []any{e.From, e.Allowed}, []any{"ON_HOLD", []string{}})
		for _, to := range []redline.OrderStatus{redline.OrderProcessing, redline.OrderShipped, redline.OrderDelivered, redline.OrderCancelled} {
			e := refused(t, w.setStatus(operator, o, to), redline.CodeInvalidTransition, "status")
			equal(t, "an operator may", []any{e.From, e.To, e.Allowed}, []any{"ON_HOLD", string(to), []string{"PARTIALLY_SHIPPED"}})
		}
		refused(t, w.hold(o), redline.CodeInvalidTransition, "orderId")
	})
	w.must(w.deliver(tokyo, w.part(held, "tokyo").Fulfillments[0].ID))
	w.stands(o, redline.OrderOnHold, "tokyo", redline.PartInProgress)

	w.must(w.release(o))
	now := w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartInProgress)
	if now.HoldReason != nil {
		t.Errorf("a released order has the reason %q", *now.HoldReason)
	}
	refused(t, w.release(o), redline.CodeInvalidTransition, "orderId")
	w.must(w.ship(tokyo, theirs))
	w.must(w.ship(operator, ours))
	e := refused(t, w.hold(o), redline.CodeInvalidTransition, "orderId")
	equal(t, "nothing is left to hold", e.Allowed, []string{"DELIVERED"})
	_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: " "})
	refused(t, err, redline.CodeInvalid, "reason")
	w.checkBooks()
}

func TestSetStatus(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 2), line("tea", 3))
	refused(t, w.setStatus(operator, o, redline.OrderDelivered), redline.CodeInvalidTransition, "status")
	refused(t, w.setStatus(operator, o, redline.OrderPending), redline.CodeInvalidTransition, "status")
	refused(t, w.setStatus(operator, o, redline.OrderPartiallyShipped), redline.CodeInvalidTransition, "status")
	refused(t, w.setStatus(operator, o, redline.OrderOnHold), redline.CodeInvalidTransition, "status")

	// A supplier moves its own part alone.
	w.must(w.setStatus(tokyo, o, redline.OrderProcessing))
	w.stands(o, redline.OrderProcessing, "tokyo", redline.PartAccepted)
	w.stands(o, redline.OrderProcessing, "east", redline.PartSubmitted)
	w.unchanged(func() {
		e := refused(t, w.setStatus(tokyo, o, redline.OrderProcessing), redline.CodeInvalidTransition, "status")
		equal(t, "a supplier may", e.Allowed, []string{"SHIPPED"})
		refused(t, w.setStatus(tokyo, o, redline.OrderCancelled), redline.CodeInvalidTransition, "status")
		refused(t, w.setStatus(cajun, o, redline.OrderShipped), redline.CodeNotFound, "orderId")
	})
	w.must(w.setStatus(tokyo, o, redline.OrderShipped))
	w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartClosed)
	w.must(w.setStatus(tokyo, o, redline.OrderDelivered))
	w.stands(o, redline.OrderPartiallyShipped, "east", redline.PartSubmitted)

	w.must(w.setStatus(operator, o, redline.OrderProcessing))
	w.stands(o, redline.OrderPartiallyShipped, "east", redline.PartAccepted)
	w.must(w.setStatus(operator, o, redline.OrderShipped))
	w.stands(o, redline.OrderShipped, "east", redline.PartClosed)
	w.must(w.setStatus(operator, o, redline.OrderDelivered))
	w.stands(o, redline.OrderDelivered, "east", redline.PartClosed)

	gone := w.place(shop, line("pads", 2), line("tea", 3))
	w.must(w.setStatus(operator, gone, redline.OrderCancelled))
	w.stands(gone, redline.OrderCancelled, "tokyo", redline.PartCancelled)
	w.checkBooks()
}

func TestExpectedVersions(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 3))
	f := w.part(o, "tokyo")
	stale, now := ref(o.Version+1), ref(o.Version)
	w.unchanged(func() {
		_, _, cancel := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: o.ID, ExpectedVersion: stale})
		_, _, hold := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: "x", ExpectedVersion: stale})
		_, _, release := w.OrderReleaseHold(w.ctx, operator, redline.OrderReleaseHoldInput{OrderID: o.ID, ExpectedVersion: stale})
		_, _, set := w.OrderSetStatus(w.ctx, operator, redline.OrderStatusInput{
			IdempotencyKey: key(), OrderID: o.ID, Status: redline.OrderShipped, ExpectedVersion: stale,
		})
		_, _, accept := w.FulfillmentOrderAccept(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, ExpectedVersion: stale})
		_, _, reject := w.FulfillmentOrderReject(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, ExpectedVersion: stale})
		for _, err := range []error{cancel, hold, release, set, accept, reject} {
			e := refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
			equal(t, "the versions", []int{e.Expected, e.Actual}, []int{*stale, *now})
		}
	})
	_, _, err := w.FulfillmentOrderAccept(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, ExpectedVersion: ref(f.Version)})
	w.must(err)
	_, _, err = w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: "x", ExpectedVersion: ref(o.Version + 1)})
	w.must(err)
	w.checkBooks()
}

// A refused text is named by the field of the input that held it.
func TestLongReasons(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 3))
	f := w.part(o, "tokyo")
	long := ref(strings.Repeat("x", 501))
	w.unchanged(func() {
		_, _, err := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: o.ID, Reason: *long})
		refused(t, err, redline.CodeInvalid, "reason")
		_, _, err = w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: *long})
		refused(t, err, redline.CodeInvalid, "reason")
		_, _, err = w.FulfillmentOrderReject(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID, Reason: long})
		refused(t, err, redline.CodeInvalid, "reason")
		_, _, err = w.OrderSetStatus(w.ctx, operator, redline.OrderStatusInput{
			IdempotencyKey: key(), OrderID: o.ID, Status: redline.OrderShipped, Note: long,
		})
		refused(t, err, redline.CodeInvalid, "note")
	})
}
