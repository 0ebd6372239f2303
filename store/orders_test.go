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

func TestCancelIsRefusedWhereASupplierHasTakenItOn(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 1), line("tea", 1))
	w.must(w.accept(tokyo, w.part(o, "tokyo")))
	w.unchanged(func() {
		e := refused(t, w.cancel(shop, o), redline.CodeInvalidTransition, "")
		equal(t, "from, to and allowed", []any{e.From, e.To, e.Allowed}, []any{"PROCESSING", "CANCELLED", []string{}})
		e = refused(t, w.setStatus(operator, o, redline.OrderCancelled), redline.CodeInvalidTransition, "")
		equal(t, "an operator may", e.Allowed, []string{"PROCESSING", "ON_HOLD", "SHIPPED"})
	})
	w.checkBooks()
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
		e := refused(t, w.cancel(shop, o), redline.CodeInvalidTransition, "")
		equal(t, "a shop may", []any{e.From, e.Allowed}, []any{"ON_HOLD", []string{}})
		for _, to := range []redline.OrderStatus{redline.OrderProcessing, redline.OrderShipped, redline.OrderDelivered, redline.OrderCancelled} {
			e := refused(t, w.setStatus(operator, o, to), redline.CodeInvalidTransition, "")
			equal(t, "an operator may", []any{e.From, e.To, e.Allowed}, []any{"ON_HOLD", string(to), []string{"PARTIALLY_SHIPPED"}})
		}
		refused(t, w.hold(o), redline.CodeInvalidTransition, "")
	})
	w.must(w.deliver(tokyo, w.part(held, "tokyo").Fulfillments[0].ID))
	w.stands(o, redline.OrderOnHold, "tokyo", redline.PartInProgress)

	w.must(w.release(o))
	now := w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartInProgress)
	if now.HoldReason != nil {
		t.Errorf("a released order has the reason %q", *now.HoldReason)
	}
	refused(t, w.release(o), redline.CodeInvalidTransition, "")
	w.must(w.ship(tokyo, theirs))
	w.must(w.ship(operator, ours))
	e := refused(t, w.hold(o), redline.CodeInvalidTransition, "")
	equal(t, "nothing is left to hold", e.Allowed, []string{"DELIVERED"})
	_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: " "})
	refused(t, err, redline.CodeInvalid, "reason")
	w.checkBooks()
}

func TestSetStatus(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 2), line("tea", 3))
	refused(t, w.setStatus(operator, o, redline.OrderDelivered), redline.CodeInvalidTransition, "")
	refused(t, w.setStatus(operator, o, redline.OrderPending), redline.CodeInvalidTransition, "")
	refused(t, w.setStatus(operator, o, redline.OrderPartiallyShipped), redline.CodeInvalidTransition, "")
	refused(t, w.setStatus(operator, o, redline.OrderOnHold), redline.CodeInvalidTransition, "")

	// A supplier moves its own part alone.
	w.must(w.setStatus(tokyo, o, redline.OrderProcessing))
	w.stands(o, redline.OrderProcessing, "tokyo", redline.PartAccepted)
	w.stands(o, redline.OrderProcessing, "east", redline.PartSubmitted)
	w.unchanged(func() {
		e := refused(t, w.setStatus(tokyo, o, redline.OrderProcessing), redline.CodeInvalidTransition, "")
		equal(t, "a supplier may", e.Allowed, []string{"SHIPPED"})
		refused(t, w.setStatus(tokyo, o, redline.OrderCancelled), redline.CodeInvalidTransition, "")
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
