package store_test

import (
	"strings"
	"testing"
	"time"

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

// The table of what may become of a part, and what may not from where.
func TestPartTransitions(t *testing.T) {
	type call struct {
		name string
		do   func(w *world, o *redline.Order, f *redline.FulfillmentOrder) error
		to   redline.FulfillmentOrderStatus
	}
	some := func(f *redline.FulfillmentOrder, n int) redline.ShipLine {
		return redline.ShipLine{LineID: f.Lines[0].ID, Quantity: n}
	}
	accept := call{"accept", func(w *world, _ *redline.Order, f *redline.FulfillmentOrder) error { return w.accept(tokyo, f) }, redline.PartAccepted}
	acceptSome := call{"accept a part", func(w *world, _ *redline.Order, f *redline.FulfillmentOrder) error {
		return w.accept(tokyo, f, redline.LineResponse{LineID: f.Lines[0].ID, Accepted: 3})
	}, redline.PartPartiallyAccepted}
	reject := call{"reject", func(w *world, _ *redline.Order, f *redline.FulfillmentOrder) error { return w.reject(tokyo, f) }, redline.PartRejected}
	shipSome := call{"ship a part", func(w *world, _ *redline.Order, f *redline.FulfillmentOrder) error {
		return w.ship(tokyo, f, some(f, 2))
	}, redline.PartInProgress}
	ship := call{"ship the rest", func(w *world, _ *redline.Order, f *redline.FulfillmentOrder) error { return w.ship(tokyo, f) }, redline.PartClosed}
	cancel := call{"cancel", func(w *world, o *redline.Order, _ *redline.FulfillmentOrder) error { return w.cancel(shop, o) }, redline.PartCancelled}
	all := []call{accept, acceptSome, reject, shipSome, ship, cancel}
	for _, from := range []struct {
		name    string
		by      []call
		allowed []call
		next    []string
	}{
		{"SUBMITTED", nil, all, []string{"ACCEPTED", "PARTIALLY_ACCEPTED", "REJECTED", "IN_PROGRESS", "CLOSED"}},
		{"ACCEPTED", []call{accept}, []call{shipSome, ship}, []string{"IN_PROGRESS", "CLOSED"}},
		{"PARTIALLY_ACCEPTED", []call{acceptSome}, []call{shipSome, ship}, []string{"IN_PROGRESS", "CLOSED"}},
		{"IN_PROGRESS", []call{shipSome}, []call{shipSome, ship}, []string{"IN_PROGRESS", "CLOSED"}},
		{"REJECTED", []call{reject}, nil, []string{}},
		{"CLOSED", []call{ship}, nil, []string{}},
		{"CANCELLED", []call{cancel}, nil, []string{}},
	} {
		t.Run(from.name, func(t *testing.T) {
			w := newWorld(t)
			start := func() (*redline.Order, *redline.FulfillmentOrder) {
				o := w.place(shop, line("tea", 5))
				for _, c := range from.by {
					w.must(c.do(w, o, w.part(o, "tokyo")))
				}
				return o, w.part(o, "tokyo")
			}
			for _, c := range all {
				o, f := start()
				can := false
				for _, a := range from.allowed {
					can = can || a.name == c.name
				}
				before := w.part(w.order(operator, o.ID), "tokyo")
				if can {
					w.must(c.do(w, o, f))
					after := w.part(w.order(operator, o.ID), "tokyo")
					equal(t, c.name+" leads to", after.Status, c.to)
					equal(t, c.name+" counts the version on", after.Version, before.Version+1)
				} else if !(from.name == "REJECTED" && c.name == "cancel") { // its backorder can be cancelled
					w.unchanged(func() {
						err := c.do(w, o, f)
						if c.name == "cancel" {
							refused(t, err, redline.CodeInvalidTransition, "")
							return
						}
						e := refused(t, err, redline.CodeInvalidTransition, "fulfillmentOrderId")
						equal(t, c.name+" is refused from", e.From, from.name)
						equal(t, c.name+" is refused with", e.Allowed, from.next)
					})
				}
				// Give the stock back to the next one.
				w.adjust(tokyo, "tea", "tokyo", 5)
			}
			w.checkBooks()
		})
	}
}

func TestPartOfOursCancelsAtAnyTime(t *testing.T) {
	w := newWorld(t)
	accepted := w.place(shop, line("pads", 3))
	w.must(w.accept(operator, w.part(accepted, "east")))
	w.must(w.cancel(shop, accepted))
	w.stands(accepted, redline.OrderCancelled, "east", redline.PartCancelled)

	begun := w.place(shop, line("pads", 3))
	f := w.part(begun, "east")
	w.must(w.ship(operator, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 1}))
	w.must(w.cancel(shop, begun))
	o := w.stands(begun, redline.OrderShipped, "east", redline.PartClosed)
	equal(t, "the line", []int{o.Lines[0].Shipped, o.Lines[0].Cancelled, o.Lines[0].Open}, []int{1, 2, 0})
	w.must(w.setStatus(operator, begun, redline.OrderDelivered))
	w.stands(begun, redline.OrderDelivered, "east", redline.PartClosed)
	l := w.level("pads", "east")
	equal(t, "given back", []int{l.OnHand, l.Committed, l.Available}, []int{9, 0, 9})
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

func TestPartialAccept(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 5), line("tea", 4), line("tea", 3))
	f := w.part(o, "tokyo")
	answer := func(n ...int) (all []redline.LineResponse) {
		for i, accepted := range n {
			all = append(all, redline.LineResponse{LineID: f.Lines[i].ID, Accepted: accepted, Reason: ref("few")})
		}
		return all
	}
	q := []int{f.Lines[0].Quantity, f.Lines[1].Quantity, f.Lines[2].Quantity}
	w.unchanged(func() {
		refused(t, w.accept(tokyo, f, answer(q[0], q[1])...), redline.CodeInvalid, "lines")
		refused(t, w.accept(tokyo, f, answer(0, 0, 0)...), redline.CodeInvalid, "lines")
		refused(t, w.accept(tokyo, f, answer(q[0], q[1], q[2]+1)...), redline.CodeInvalid, "lines.2.accepted")
		refused(t, w.accept(tokyo, f, answer(q[0], -1, q[2])...), redline.CodeInvalid, "lines.1.accepted")
		refused(t, w.accept(tokyo, f, append(answer(q...), answer(1)...)...), redline.CodeInvalid, "lines.3.lineId")
		refused(t, w.accept(tokyo, f, redline.LineResponse{LineID: o.Lines[0].ID, Accepted: 1}), redline.CodeNotFound, "lines.0.lineId")
	})
	w.must(w.accept(tokyo, f, answer(q[0]-1, q[1], 0)...))
	now := w.stands(o, redline.OrderProcessing, "tokyo", redline.PartPartiallyAccepted)
	f = w.part(now, "tokyo")
	for i, accepted := range []int{q[0] - 1, q[1], 0} {
		l := f.Lines[i]
		ol := now.Line(l.OrderLineID)
		equal(t, "the line", []int{*l.Accepted, ol.Open, ol.Backordered}, []int{accepted, accepted, ol.Quantity - accepted})
	}
	equal(t, "committed", w.level("tea", "tokyo").Committed, q[0]+q[1]-1)
	equal(t, "the reasons", *now.History[len(now.History)-1].Note, "few; few; few")

	refused(t, w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[2].ID, Quantity: 1}), redline.CodeInvalid, "lines.0.quantity")
	refused(t, w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: q[0]}), redline.CodeInvalid, "lines.0.quantity")
	once := redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 1}
	refused(t, w.ship(tokyo, f, once, once), redline.CodeInvalid, "lines.1.lineId")
	w.must(w.ship(tokyo, f))
	w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartClosed) // the rest is backordered
	w.must(w.cancel(shop, o))
	w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	w.checkBooks()
}

func TestRejectBackorders(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 5), line("pads", 1))
	f := w.part(o, "tokyo")
	_, _, err := w.FulfillmentOrderReject(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{
		FulfillmentOrderID: f.ID, Lines: []redline.LineResponse{{LineID: f.Lines[0].ID}},
	})
	refused(t, err, redline.CodeInvalid, "lines")
	w.must(w.reject(tokyo, f))
	now := w.stands(o, redline.OrderPending, "tokyo", redline.PartRejected)
	equal(t, "the line", []int{now.Lines[0].Open, now.Lines[0].Backordered}, []int{0, 5})
	equal(t, "the level", []int{w.level("tea", "tokyo").Committed, w.level("tea", "tokyo").Available}, []int{0, 20})
	equal(t, "why", *now.History[1].Note, "no glass")
	w.must(w.cancel(shop, o))
	w.stands(o, redline.OrderCancelled, "tokyo", redline.PartRejected)
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

func TestShipmentsTimes(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 3))
	in := redline.FulfillmentCreateInput{
		IdempotencyKey: key(), FulfillmentOrderID: w.part(o, "tokyo").ID, Carrier: ref("Parcel"), TrackingNumber: ref("T 1"),
		TrackingURL: ref("https://example.com/T1"), ShippedAt: ref(time.Now().Add(time.Hour)),
	}
	_, _, err := w.FulfillmentCreate(w.ctx, tokyo, in)
	refused(t, err, redline.CodeInvalid, "shippedAt")
	shipped := o.PlacedAt.Add(-time.Hour)
	in.ShippedAt = &shipped
	_, _, err = w.FulfillmentCreate(w.ctx, tokyo, in)
	w.must(err)
	s := w.part(w.order(operator, o.ID), "tokyo").Fulfillments[0]
	equal(t, "the shipment", []any{*s.Carrier, *s.TrackingNumber, *s.TrackingURL, s.ShippedAt.Equal(shipped), s.Lines[0].Quantity},
		[]any{"Parcel", "T 1", "https://example.com/T1", true, 3})
	for _, at := range []time.Time{shipped.Add(-time.Second), time.Now().Add(time.Hour)} {
		_, _, err = w.FulfillmentMarkDelivered(w.ctx, tokyo, redline.FulfillmentDeliveredInput{FulfillmentID: s.ID, DeliveredAt: &at})
		refused(t, err, redline.CodeInvalid, "deliveredAt")
	}
	_, _, err = w.FulfillmentMarkDelivered(w.ctx, tokyo, redline.FulfillmentDeliveredInput{FulfillmentID: s.ID, DeliveredAt: &shipped})
	w.must(err)
	w.stands(o, redline.OrderDelivered, "tokyo", redline.PartClosed)
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

// Cancel and ship race on one order: exactly one of them wins, and the stock is
// given back once or shipped once.
func TestCancelAgainstShip(t *testing.T) {
	w := newWorld(t)
	const rounds, quantity = 25, 2
	cancelled, shipped := 0, 0
	for range rounds {
		w.adjust(tokyo, "tea", "tokyo", quantity)
		before := w.level("tea", "tokyo")
		o := w.place(shop, line("tea", quantity))
		f := w.part(o, "tokyo")
		errs := atOnce(4, func(i int) error {
			if i%2 == 0 {
				return w.cancel(shop, o)
			}
			return w.ship(tokyo, f)
		})
		won := 0
		for i, err := range errs {
			if err == nil {
				won++
				if i%2 == 0 {
					cancelled++
				} else {
					shipped++
				}
				continue
			}
			if e := refusals(t, err)[0]; e.Code != redline.CodeInvalidTransition {
				t.Errorf("the loser is told %v", e)
			}
		}
		equal(t, "winners", won, 1)
		after := w.level("tea", "tokyo")
		equal(t, "committed", after.Committed, 0)
		switch w.order(operator, o.ID).Status {
		case redline.OrderCancelled:
			equal(t, "given back", after.Available, before.Available)
		case redline.OrderShipped:
			equal(t, "shipped", []int{after.OnHand, after.Available}, []int{before.OnHand - quantity, before.Available - quantity})
		default:
			t.Errorf("the order is neither shipped nor cancelled")
		}
	}
	equal(t, "rounds", cancelled+shipped, rounds)
	w.checkBooks()
}
