package store_test

import (
	"slices"
	"testing"
	"time"

	"redline"
)

// The table of what may become of a part, and what may not from where.
func TestPartTransitions(t *testing.T) {
	w := newWorld(t)
	type call struct {
		name string
		do   func(o *redline.Order, f *redline.FulfillmentOrder) error
		to   redline.FulfillmentOrderStatus
	}
	some := func(f *redline.FulfillmentOrder, n int) redline.ShipLine {
		return redline.ShipLine{LineID: f.Lines[0].ID, Quantity: n}
	}
	accept := call{"accept", func(_ *redline.Order, f *redline.FulfillmentOrder) error { return w.accept(tokyo, f) }, redline.PartAccepted}
	acceptSome := call{"accept a part", func(_ *redline.Order, f *redline.FulfillmentOrder) error {
		return w.accept(tokyo, f, redline.LineResponse{LineID: f.Lines[0].ID, Accepted: 3})
	}, redline.PartPartiallyAccepted}
	reject := call{"reject", func(_ *redline.Order, f *redline.FulfillmentOrder) error { return w.reject(tokyo, f) }, redline.PartRejected}
	shipSome := call{"ship a part", func(_ *redline.Order, f *redline.FulfillmentOrder) error {
		return w.ship(tokyo, f, some(f, 2))
	}, redline.PartInProgress}
	ship := call{"ship the rest", func(_ *redline.Order, f *redline.FulfillmentOrder) error { return w.ship(tokyo, f) }, redline.PartClosed}
	cancel := call{"cancel", func(o *redline.Order, _ *redline.FulfillmentOrder) error { return w.cancel(shop, o) }, redline.PartCancelled}
	shipLate, ask := call{shipSome.name, shipSome.do, redline.PartClosed}, call{cancel.name, cancel.do, redline.PartCancellationRequested}
	all := []call{accept, acceptSome, reject, shipSome, ship, cancel}
	for _, from := range []struct {
		name    string
		by      []call
		allowed []call
		next    []string
	}{
		{"SUBMITTED", nil, all, []string{"ACCEPTED", "PARTIALLY_ACCEPTED", "REJECTED", "IN_PROGRESS", "CLOSED"}},
		{"ACCEPTED", []call{accept}, []call{shipSome, ship, ask}, []string{"IN_PROGRESS", "CLOSED"}},
		{"PARTIALLY_ACCEPTED", []call{acceptSome}, []call{shipSome, ship, ask}, []string{"IN_PROGRESS", "CLOSED"}},
		{"IN_PROGRESS", []call{shipSome}, []call{shipSome, ship, ask}, []string{"IN_PROGRESS", "CLOSED"}},
		// What a supplier ships all the same is taken as a fact.
		{"REJECTED", []call{reject}, []call{shipLate, ship}, []string{}},
		{"CLOSED", []call{ship}, nil, []string{}},
		{"CANCELLED", []call{cancel}, []call{shipLate, ship}, []string{}},
	} {
		start := func() (*redline.Order, *redline.FulfillmentOrder) {
			o := w.place(shop, line("tea", 5))
			for _, c := range from.by {
				w.must(c.do(o, w.part(o, "tokyo")))
			}
			return o, w.part(o, "tokyo")
		}
		for _, c := range all {
			if from.name == "CLOSED" && c.name == shipSome.name {
				continue // more than was left: TestMoreShippedThanWasLeft
			}
			o, f := start()
			can := slices.IndexFunc(from.allowed, func(a call) bool { return a.name == c.name })
			before := w.part(w.order(operator, o.ID), "tokyo")
			if can >= 0 {
				c = from.allowed[can]
				w.must(c.do(o, f))
				after := w.part(w.order(operator, o.ID), "tokyo")
				equal(t, c.name+" from "+from.name+" leads to", after.Status, c.to)
				equal(t, c.name+" counts the version on", after.Version, before.Version+1)
			} else if !(from.name == "REJECTED" && c.name == "cancel") { // its backorder can be cancelled
				w.unchanged(func() {
					err := c.do(o, f)
					if c.name == "cancel" {
						refused(t, err, redline.CodeInvalidTransition, "orderId")
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
	}
	w.checkBooks()
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

func TestShipmentsTimes(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 3))
	in := redline.FulfillmentCreateInput{
		IdempotencyKey: key(), FulfillmentOrderID: w.part(o, "tokyo").ID, Carrier: ref("Parcel"), TrackingNumber: ref("T 1"),
		TrackingURL: ref("https://example.com/T1"), ShippedAt: ref(time.Now().Add(time.Hour)),
	}
	_, _, err := w.FulfillmentCreate(w.ctx, tokyo, in)
	refused(t, err, redline.CodeInvalid, "shippedAt")
	in.ShippedAt = ref(o.PlacedAt.Add(-time.Hour))
	_, _, err = w.FulfillmentCreate(w.ctx, tokyo, in)
	refused(t, err, redline.CodeInvalid, "shippedAt")
	shipped := o.PlacedAt.Add(-time.Minute) // a clock may be a little behind
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

// Cancel and ship race on one order: exactly one of them wins, and the stock is
// given back once or shipped once. It is our own: what a supplier ships after the
// cancellation is a fact.
func TestCancelAgainstShip(t *testing.T) {
	w := newWorld(t)
	const rounds, quantity = 25, 2
	cancelled, shipped := 0, 0
	for range rounds {
		w.adjust(operator, "pads", "east", quantity)
		before := w.level("pads", "east")
		o := w.place(shop, line("pads", quantity))
		f := w.part(o, "east")
		errs := atOnce(4, func(i int) error {
			if i%2 == 0 {
				return w.cancel(shop, o)
			}
			return w.ship(operator, f)
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
		after := w.level("pads", "east")
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
