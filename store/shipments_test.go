package store_test

import (
	"strings"
	"testing"
	"time"

	"redline"
)

// send tells of a shipment of a part.
func (w *world) send(p redline.Principal, in redline.FulfillmentCreateInput) error {
	if in.IdempotencyKey == "" {
		in.IdempotencyKey = key()
	}
	_, _, err := w.FulfillmentCreate(w.ctx, p, in)
	return err
}

func (w *world) markShipped(p redline.Principal, shipment string) error {
	_, _, err := w.FulfillmentMarkShipped(w.ctx, p, redline.FulfillmentShippedInput{FulfillmentID: shipment})
	return err
}

func (w *world) markFailed(p redline.Principal, shipment string) error {
	_, _, err := w.FulfillmentMarkFailed(w.ctx, p, redline.FulfillmentEndInput{FulfillmentID: shipment, Reason: "lost"})
	return err
}

func (w *world) cancelShipment(p redline.Principal, shipment string) error {
	_, _, err := w.FulfillmentCancel(w.ctx, p, redline.FulfillmentEndInput{FulfillmentID: shipment, Reason: "damaged while packing"})
	return err
}

// some is a quantity of a part's first line.
func some(f *redline.FulfillmentOrder, n int) []redline.ShipLine {
	return []redline.ShipLine{{LineID: f.Lines[0].ID, Quantity: n}}
}

// teaAtTokyo is an order of tea, and its part at tokyo.
func (w *world) teaAtTokyo(n int) (*redline.Order, *redline.FulfillmentOrder) {
	w.t.Helper()
	o := w.place(shop, line("tea", n))
	return o, w.part(o, "tokyo")
}

// counts are what is on hand, committed and short of a level.
func (w *world) counts(sku, location string) []int {
	w.t.Helper()
	l := w.level(sku, location)
	return []int{l.OnHand, l.Committed, l.Shortfall}
}

// disagreements are the open conflicts of a kind, the newest first.
func (w *world) disagreements(kind redline.ConflictKind) []*redline.Conflict {
	w.t.Helper()
	found, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen), Kind: &kind}, redline.PageRequest{First: ref(50)})
	w.must(err)
	return found.Items
}

func (w *world) resolve(c *redline.Conflict) error {
	_, _, err := w.ConflictResolve(w.ctx, operator, redline.ConflictResolveInput{
		ConflictID: c.ID, Status: redline.ConflictResolved, Resolution: "so be it",
	})
	return err
}

// A pending shipment keeps its quantity to itself, and takes stock when it
// leaves, not before.
func TestPendingShipment(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(5)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 3), Carrier: ref("Parcel"), Pending: true}))
	now := w.stands(o, redline.OrderProcessing, "tokyo", redline.PartInProgress)
	s := w.part(now, "tokyo").Fulfillments[0]
	equal(t, "the shipment", []any{s.Status, s.ShippedAt == nil, s.Lines[0].Quantity}, []any{redline.ShipmentPending, true, 3})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{20, 5, 0})

	e := refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 3), Pending: true}),
		redline.CodeInvalid, "lines.0.quantity")
	equal(t, "the refusal", e.Message, "quantity is from 1 to what remains of the line, 2; the rest is in shipments that are pending ("+s.ID+
		"), of which to tell that they are on their way")
	equal(t, "conflicts of what has not left", len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)
	w.unchanged(func() {
		refused(t, w.deliver(tokyo, s.ID), redline.CodeInvalidTransition, "fulfillmentId")
		refused(t, w.markFailed(tokyo, s.ID), redline.CodeInvalidTransition, "fulfillmentId")
		refused(t, w.markShipped(cajun, s.ID), redline.CodeNotFound, "fulfillmentId")
		_, _, err := w.FulfillmentCancel(w.ctx, tokyo, redline.FulfillmentEndInput{FulfillmentID: s.ID, Reason: " "})
		refused(t, err, redline.CodeInvalid, "reason")
		_, _, err = w.FulfillmentMarkShipped(w.ctx, tokyo, redline.FulfillmentShippedInput{FulfillmentID: s.ID, Carrier: ref("")})
		refused(t, err, redline.CodeInvalid, "carrier")
		_, _, err = w.FulfillmentMarkShipped(w.ctx, tokyo, redline.FulfillmentShippedInput{FulfillmentID: s.ID, ShippedAt: ref(time.Now().Add(time.Hour))})
		refused(t, err, redline.CodeInvalid, "shippedAt")
		refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true, ShippedAt: &o.PlacedAt}), redline.CodeInvalid, "shippedAt")
	})

	// The rest leaves on its own; then what is pending, with what is known of it by now.
	w.must(w.ship(tokyo, f))
	w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartInProgress)
	refused(t, w.ship(tokyo, f), redline.CodeInvalid, "lines")
	id, _, err := w.FulfillmentMarkShipped(w.ctx, tokyo, redline.FulfillmentShippedInput{FulfillmentID: s.ID, TrackingNumber: ref("T 7")})
	w.must(err)
	equal(t, "the part", id, f.ID)
	now = w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	_, s = now.Shipment(s.ID)
	equal(t, "the shipment", []any{s.Status, s.ShippedAt != nil, *s.Carrier, *s.TrackingNumber}, []any{redline.ShipmentShipped, true, "Parcel", "T 7"})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{15, 0, 0})
	e = refused(t, w.markShipped(tokyo, s.ID), redline.CodeInvalidTransition, "fulfillmentId")
	equal(t, "the refusal", []any{e.From, e.To, e.Allowed}, []any{"SHIPPED", "SHIPPED", []string{"DELIVERED", "FAILED"}})
	w.checkBooks()
}

// A shipment that will not leave gives back what it held to the part, and one
// that will not arrive keeps the order from being delivered.
func TestShipmentsThatEnd(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(5)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
	first := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0].ID
	w.must(w.cancelShipment(tokyo, first))
	refused(t, w.cancelShipment(tokyo, first), redline.CodeInvalidTransition, "fulfillmentId")
	now := w.stands(o, redline.OrderProcessing, "tokyo", redline.PartInProgress)
	equal(t, "why", *now.History[len(now.History)-1].Note, "damaged while packing")
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 2)}))
	w.must(w.ship(tokyo, f))
	now = w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	shipments := w.part(now, "tokyo").Fulfillments
	w.must(w.deliver(tokyo, shipments[1].ID))
	w.must(w.markFailed(tokyo, shipments[2].ID))
	refused(t, w.deliver(tokyo, shipments[2].ID), redline.CodeInvalidTransition, "fulfillmentId")
	w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{15, 0, 0})

	// A cancelled shipment is none of those that have to arrive.
	o, f = w.teaAtTokyo(2)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
	w.must(w.cancelShipment(tokyo, w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0].ID))
	w.must(w.ship(tokyo, f))
	w.must(w.setStatus(operator, o, redline.OrderDelivered))
	w.stands(o, redline.OrderDelivered, "tokyo", redline.PartClosed)
	w.checkBooks()
}

// A hold keeps what is pending where it is; what has left it can't stop.
func TestShipmentsOfAHeldOrder(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(5)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1)}))
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1)}))
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1), Pending: true}))
	w.must(w.hold(o))
	s := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments
	w.unchanged(func() {
		refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}), redline.CodeInvalidTransition, "fulfillmentOrderId")
		e := refused(t, w.markShipped(tokyo, s[2].ID), redline.CodeInvalidTransition, "fulfillmentId")
		equal(t, "allowed", e.Allowed, []string{"CANCELLED"})
	})
	w.must(w.deliver(tokyo, s[0].ID))
	w.must(w.markFailed(tokyo, s[1].ID))
	w.must(w.cancelShipment(tokyo, s[2].ID))
	w.stands(o, redline.OrderOnHold, "tokyo", redline.PartInProgress)
	w.checkBooks()
}

// Cancelling an order cancels what is pending of it; shipping it ships that too.
func TestWholeOrderTakesItsPendingShipments(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		to       redline.OrderStatus
		part     redline.FulfillmentOrderStatus
		shipment redline.FulfillmentStatus
		onHand   int
	}{
		{redline.OrderCancelled, redline.PartCancelled, redline.ShipmentCancelled, 10},
		{redline.OrderShipped, redline.PartClosed, redline.ShipmentShipped, 7},
	} {
		o := w.place(shop, line("pads", 3))
		f := w.part(o, "east")
		w.must(w.send(operator, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1), Pending: true}))
		w.must(w.setStatus(operator, o, c.to))
		now := w.stands(o, c.to, "east", c.part)
		equal(t, "the shipment", w.part(now, "east").Fulfillments[0].Status, c.shipment)
		equal(t, "the stock", w.counts("pads", "east"), []int{c.onHand, 0, 0})
	}
	w.checkBooks()
}

// A supplier that had made a shipment ready, and sent it before it was called
// off with its part, is taken by its word: once.
func TestPendingShipmentLeftAfterItsPartWasCancelled(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(4)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
	w.must(w.cancel(shop, o))
	_, _, err := w.FulfillmentOrderAcceptCancellation(w.ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID})
	w.must(err)
	s := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0]
	equal(t, "the shipment", s.Status, redline.ShipmentCancelled)
	w.must(w.markShipped(tokyo, s.ID))
	now := w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the shipment, as told", w.part(now, "tokyo").Fulfillments[0].Status, redline.ShipmentShipped)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{16, 0, 0})
	equal(t, "who is told", len(w.disagreements(redline.ConflictShipAfterCancel)), 1)
	w.unchanged(func() { refused(t, w.markShipped(tokyo, s.ID), redline.CodeInvalidTransition, "fulfillmentId") })

	// What we called off ourselves hasn't left, and what has been shipped since
	// leaves nothing for what was called off.
	own := w.place(shop, line("pads", 3))
	f = w.part(own, "east")
	w.must(w.send(operator, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
	w.must(w.cancel(shop, own))
	ours := w.part(w.order(operator, own.ID), "east").Fulfillments[0].ID
	o, f = w.teaAtTokyo(4)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
	theirs := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0].ID
	w.must(w.cancelShipment(tokyo, theirs))
	w.must(w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 1}))
	w.unchanged(func() {
		e := refused(t, w.markShipped(operator, ours), redline.CodeInvalidTransition, "fulfillmentId")
		equal(t, "allowed", e.Allowed, []string{})
		refused(t, w.markShipped(tokyo, theirs), redline.CodeInvalid, "fulfillmentId")
	})
	w.checkBooks()
}

// What a supplier ships after its part was cancelled is a fact: it counts as
// shipped, its stock falls once, and a person is told. A return is the way back.
func TestShipAfterCancel(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(5)
	w.must(w.cancel(shop, o))
	w.stands(o, redline.OrderCancelled, "tokyo", redline.PartCancelled)
	w.unchanged(func() {
		refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}), redline.CodeInvalidTransition, "fulfillmentOrderId")
		refused(t, w.send(cajun, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID}), redline.CodeNotFound, "fulfillmentOrderId")
	})
	in := redline.FulfillmentCreateInput{
		IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: some(f, 2), Carrier: ref("Parcel"), TrackingNumber: ref("T 1"),
	}
	w.must(w.send(tokyo, in))
	w.must(w.send(tokyo, in)) // the same word again
	now := w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	l := now.Lines[0]
	equal(t, "the line", []int{l.Open, l.Backordered, l.Shipped, l.Cancelled}, []int{0, 0, 2, 3})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{18, 0, 0})

	// The same parcel under another key is no other parcel, and another is.
	in.IdempotencyKey = key()
	refused(t, w.send(tokyo, in), redline.CodeDuplicate, "trackingNumber")
	in.Lines, in.TrackingNumber = nil, ref("T 2")
	w.must(w.send(operator, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, TrackingNumber: ref("T 2")}))
	in.IdempotencyKey = key()
	refused(t, w.send(tokyo, in), redline.CodeDuplicate, "trackingNumber")
	now = w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the line", []int{now.Lines[0].Shipped, now.Lines[0].Cancelled}, []int{5, 0})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{15, 0, 0})
	w.checkBooks()

	open := w.disagreements(redline.ConflictShipAfterCancel)
	equal(t, "open conflicts", len(open), 1)
	c := open[0]
	equal(t, "the conflict", []any{c.Cause, *c.SubjectID, *c.SupplierID, c.Version}, []any{"SHIP_AFTER_CANCEL " + f.ID, f.ID, *f.SupplierID, 2})
	facts := map[string]string{}
	for _, a := range c.Facts {
		facts[a.Name] = a.Value
	}
	equal(t, "the facts", []string{facts["order"], facts["carrier"], facts["trackingNumber"], facts["shipped tea"]}, []string{o.Number, "Parcel", "T 2", "3"})
	if facts["cancelledAt"] == "" || facts["shippedAt"] == "" {
		t.Errorf("it isn't said when: %v", facts)
	}
	w.must(w.resolve(c))
	now = w.order(shop, o.ID)
	equal(t, "returns", len(now.Returns), 1)
	equal(t, "the return", []any{now.Returns[0].Status, len(now.Returns[0].Lines), now.Returns[0].Lines[0].Quantity}, []any{redline.ReturnRequested, 1, 5})
	equal(t, "open conflicts", len(w.disagreements(redline.ConflictShipAfterCancel)), 0)
	w.checkBooks()
}

// Our own warehouses don't ship what was cancelled.
func TestOurOwnShipNothingAfterCancel(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 3))
	f := w.part(o, "east")
	w.must(w.cancel(shop, o))
	w.unchanged(func() {
		refused(t, w.ship(operator, f), redline.CodeInvalidTransition, "fulfillmentOrderId")
		refused(t, w.ship(operator, f, some(f, 1)...), redline.CodeInvalidTransition, "fulfillmentOrderId")
	})
}

// A supplier that rejected and ships all the same takes what is backordered; and
// what it ships beyond its count shows as a shortfall of what others were promised.
func TestShipAfterReject(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(15)
	w.must(w.reject(tokyo, f))
	equal(t, "the line", w.order(operator, o.ID).Lines[0].Backordered, 15)
	other, _ := w.teaAtTokyo(20)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 6)}))
	now := w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartClosed)
	l := now.Lines[0]
	equal(t, "the line", []int{l.Open, l.Backordered, l.Shipped, l.Cancelled}, []int{0, 9, 6, 0})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{14, 20, 6})
	equal(t, "conflicts", len(w.disagreements(redline.ConflictShipAfterCancel)), 1)
	equal(t, "the other", w.order(operator, other.ID).Lines[0].Open, 20)
	equal(t, "what is oversold", len(w.disagreements(redline.ConflictOversold)), 1)
	w.checkBooks()
}

// More than was left is refused, and where its supplier says so a person is told:
// to resolve it is to take the supplier at its word.
func TestMoreShippedThanWasLeft(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(5)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1), TrackingNumber: ref("T 1")}))
	refused(t, w.send(operator, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 5)}), redline.CodeInvalid, "lines.0.quantity")
	refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 0)}), redline.CodeInvalid, "lines.0.quantity")
	refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 5), TrackingNumber: ref("T 1")}),
		redline.CodeDuplicate, "trackingNumber")
	equal(t, "conflicts", len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)

	in := redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: some(f, 7), TrackingNumber: ref("T 2")}
	for range 2 { // told twice, it is one disagreement
		refused(t, w.send(tokyo, in), redline.CodeInvalid, "lines.0.quantity")
	}
	open := w.disagreements(redline.ConflictQuantityExceedsOrder)
	equal(t, "conflicts", len(open), 1)
	equal(t, "the conflict", []any{open[0].Cause, *open[0].SubjectID, open[0].Version}, []any{"QUANTITY_EXCEEDS_ORDER " + f.ID, f.ID, 1})
	equal(t, "its facts", open[0].Facts, redline.Attributes{
		{Name: "order", Value: o.Number}, {Name: "shipped tea", Value: "7"}, {Name: "left tea", Value: "4"}, {Name: "trackingNumber", Value: "T 2"},
	})
	w.stands(o, redline.OrderPartiallyShipped, "tokyo", redline.PartInProgress)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{19, 4, 0})

	w.must(w.resolve(open[0]))
	now := w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the line", []int{now.Lines[0].Shipped, w.part(now, "tokyo").Fulfillments[1].Lines[0].Quantity}, []int{5, 4})
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{12, 0, 0})
	w.checkBooks()

	// Of a part that is closed nothing is left.
	refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 1)}), redline.CodeInvalidTransition, "fulfillmentOrderId")
	open = w.disagreements(redline.ConflictQuantityExceedsOrder)
	equal(t, "conflicts", len(open), 1)
	w.must(w.resolve(open[0]))
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{11, 0, 0})
	w.checkBooks()
}

// Resolving took the same goods from stock a second time, where their supplier had
// corrected what it had told: the conflict stayed open. What it tells last stands.
func TestCorrectedAfterMoreThanWasLeft(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name    string
		correct func(o *redline.Order, f *redline.FulfillmentOrder) error
	}{
		{"all of it left", func(_ *redline.Order, f *redline.FulfillmentOrder) error {
			return w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 4)})
		}},
		{"what was made ready left", func(o *redline.Order, f *redline.FulfillmentOrder) error {
			w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
			open := w.disagreements(redline.ConflictQuantityExceedsOrder)
			e := refused(t, w.resolve(open[0]), redline.CodeInvalid, "conflictId")
			s := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0].ID
			if !strings.Contains(e.Message, s) {
				t.Errorf("%q doesn't name the shipment %s", e.Message, s)
			}
			return w.markShipped(tokyo, s)
		}},
		{"the whole order was set to SHIPPED", func(o *redline.Order, _ *redline.FulfillmentOrder) error {
			return w.setStatus(operator, o, redline.OrderShipped)
		}},
		{"it left after it was cancelled", func(o *redline.Order, f *redline.FulfillmentOrder) error {
			w.must(w.cancel(shop, o))
			return w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 4)})
		}},
	} {
		o, f := w.teaAtTokyo(4)
		onHand := w.level("tea", "tokyo").OnHand
		refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 5)}), redline.CodeInvalid, "lines.0.quantity")
		open := w.disagreements(redline.ConflictQuantityExceedsOrder)
		equal(t, "conflicts before "+c.name, len(open), 1)
		w.must(c.correct(o, f))
		equal(t, "conflicts once "+c.name, len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)
		refused(t, w.resolve(open[0]), redline.CodeInvalidTransition, "status")
		equal(t, "the stock once "+c.name, w.counts("tea", "tokyo"), []int{onHand - 4, 0, 0})
	}
	w.checkBooks()
}

// Goods within the order, of which some are pending, were taken for more than was
// left; and resolving that took what is pending from stock a second time.
func TestMoreThanWasLeftBesidePending(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(6)
	w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 4), Pending: true}))
	s := w.part(w.order(tokyo, o.ID), "tokyo").Fulfillments[0].ID
	e := refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 6)}), redline.CodeInvalid, "lines.0.quantity")
	if !strings.Contains(e.Message, s) {
		t.Errorf("%q doesn't name the shipment %s", e.Message, s)
	}
	equal(t, "conflicts", len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)

	refused(t, w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 7)}), redline.CodeInvalid, "lines.0.quantity")
	w.must(w.resolve(w.disagreements(redline.ConflictQuantityExceedsOrder)[0]))
	w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{13, 0, 0})
	refused(t, w.markShipped(tokyo, s), redline.CodeInvalid, "fulfillmentId")
	w.checkBooks()
}

// A supplier that made the call again once a person had taken it at its word was
// refused, and opened the conflict anew.
func TestToldAgainOnceResolved(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(4)
	in := redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: some(f, 5), TrackingNumber: ref("T 1")}
	refused(t, w.send(tokyo, in), redline.CodeInvalid, "lines.0.quantity")
	w.must(w.resolve(w.disagreements(redline.ConflictQuantityExceedsOrder)[0]))
	stock := []int{15, 0, 0}
	equal(t, "the stock", w.counts("tea", "tokyo"), stock)
	w.unchanged(func() {
		id, outcome, err := w.FulfillmentCreate(w.ctx, tokyo, in)
		w.must(err)
		equal(t, "the answer", []any{id, outcome.Replayed, outcome.EventID > 0}, []any{f.ID, true, true})
		in.Lines = some(f, 6)
		refused(t, w.send(tokyo, in), redline.CodeIdempotencyKeyReused, "idempotencyKey")
	})
	equal(t, "conflicts", len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)
	w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the stock", w.counts("tea", "tokyo"), stock)

	// A key that has come to something else keeps that.
	o, f = w.teaAtTokyo(4)
	in = redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: some(f, 5)}
	refused(t, w.send(tokyo, in), redline.CodeInvalid, "lines.0.quantity")
	other, g := w.teaAtTokyo(1)
	in.FulfillmentOrderID, in.Lines = g.ID, nil
	w.must(w.send(tokyo, in))
	w.must(w.resolve(w.disagreements(redline.ConflictQuantityExceedsOrder)[0]))
	w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
	w.must(w.send(tokyo, in))
	w.stands(other, redline.OrderShipped, "tokyo", redline.PartClosed)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{9, 0, 0})
	w.checkBooks()
}

// The call is made again while a person takes the supplier at its word: however
// the two meet, the goods leave once, and nothing is left open.
func TestToldAgainWhileResolved(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		w.adjust(tokyo, "tea", "tokyo", 3)
		before := w.level("tea", "tokyo").OnHand
		o, f := w.teaAtTokyo(2)
		in := redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: f.ID, Lines: some(f, 3)}
		refused(t, w.send(tokyo, in), redline.CodeInvalid, "lines.0.quantity")
		open := w.disagreements(redline.ConflictQuantityExceedsOrder)
		errs := atOnce(3, func(i int) error {
			if i == 0 {
				return w.resolve(open[0])
			}
			return w.send(tokyo, in)
		})
		w.must(errs[0])
		for _, err := range errs[1:] {
			if err == nil {
				continue
			}
			if e := refusals(t, err)[0]; e.Code != redline.CodeInvalid && e.Code != redline.CodeIdempotencyInProgress {
				t.Errorf("told again, it is %v", e)
			}
		}
		w.must(w.send(tokyo, in))
		w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
		equal(t, "conflicts", len(w.disagreements(redline.ConflictQuantityExceedsOrder)), 0)
		equal(t, "the stock", w.counts("tea", "tokyo"), []int{before - 3, 0, 0})
	}
	w.checkBooks()
}

// Told late, a shipment happened when it left: a count made after that has left
// it out already, whichever of the two is told first.
func TestShippedBeforeACount(t *testing.T) {
	w := newWorld(t)
	for _, shipmentFirst := range []bool{true, false} {
		o, f := w.teaAtTokyo(4)
		onHand := w.level("tea", "tokyo").OnHand
		ship := func() {
			w.must(w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, ShippedAt: &o.PlacedAt}))
		}
		counted := w.order(shop, o.ID).PlacedAt.Add(time.Millisecond)
		count := func() {
			w.await("the count's moment to be past", func() bool {
				var now time.Time
				w.must(w.DB().GetContext(w.ctx, &now, `SELECT clock_timestamp()`))
				return now.After(counted)
			})
			_, err := w.count(tokyo, redline.InventoryCount{
				Stock: w.at("tea", "tokyo"), OnHand: onHand - 4, Basis: redline.CountBasis{CountedAt: &counted},
			})
			w.must(err)
		}
		if shipmentFirst {
			ship()
			count()
		} else {
			count()
			ship()
		}
		equal(t, "the stock", w.counts("tea", "tokyo"), []int{onHand - 4, 0, 0})
		var occurred time.Time
		w.must(w.DB().GetContext(w.ctx, &occurred, `SELECT occurred_at FROM inventory_movements WHERE reference = $1 AND reason = 'SHIPPED'`, o.Number))
		equal(t, "the ledger line's moment", occurred.Equal(o.PlacedAt), true)
	}
	w.checkBooks()
}

// Marking a pending shipment as shipped and cancelling the order race: what
// leaves was not given back, and what was given back doesn't leave.
func TestMarkShippedAgainstCancel(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		w.adjust(operator, "pads", "east", 2)
		before := w.level("pads", "east").OnHand
		o := w.place(shop, line("pads", 2))
		f := w.part(o, "east")
		w.must(w.send(operator, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Pending: true}))
		s := w.part(w.order(operator, o.ID), "east").Fulfillments[0].ID
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return w.markShipped(operator, s)
			}
			return w.cancel(shop, o)
		})
		if (errs[0] == nil) == (errs[1] == nil) {
			t.Fatalf("not one of them won: %v", errs)
		}
		status, onHand := redline.OrderCancelled, before
		if errs[0] == nil {
			status, onHand = redline.OrderShipped, before-2
		}
		equal(t, "the order", w.order(shop, o.ID).Status, status)
		equal(t, "the stock", w.counts("pads", "east"), []int{onHand, 0, 0})
	}
	w.checkBooks()
}

// A supplier ships while its customer cancels: whoever comes first, the goods
// have left once, and count as shipped.
func TestSupplierShipsAgainstCancel(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		w.adjust(tokyo, "tea", "tokyo", 2)
		before := w.level("tea", "tokyo").OnHand
		o, f := w.teaAtTokyo(2)
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return w.send(tokyo, redline.FulfillmentCreateInput{FulfillmentOrderID: f.ID, Lines: some(f, 2)})
			}
			return w.cancel(shop, o)
		})
		w.must(errs[0])
		w.stands(o, redline.OrderShipped, "tokyo", redline.PartClosed)
		equal(t, "the stock", w.counts("tea", "tokyo"), []int{before - 2, 0, 0})
		late := 0
		if errs[1] == nil { // the cancellation came first
			late = 1
		}
		open := 0
		for _, c := range w.disagreements(redline.ConflictShipAfterCancel) {
			if *c.SubjectID == f.ID {
				open++
			}
		}
		equal(t, "conflicts", open, late)
	}
	w.checkBooks()
}

// One parcel that left after a cancellation, told of by several calls at once,
// with one key and with several: it takes stock once.
func TestShipAfterCancelToldAtOnce(t *testing.T) {
	w := newWorld(t)
	o, f := w.teaAtTokyo(6)
	w.must(w.cancel(shop, o))
	keys := []string{key(), key()}
	won := map[string]bool{}
	errs := atOnce(6, func(i int) error {
		return w.send(tokyo, redline.FulfillmentCreateInput{
			IdempotencyKey: keys[i%2], FulfillmentOrderID: f.ID, Lines: some(f, 2), TrackingNumber: ref("T 1"),
		})
	})
	for i, err := range errs {
		if err == nil {
			won[keys[i%2]] = true
			continue
		}
		if e := refusals(t, err)[0]; e.Code != redline.CodeDuplicate && e.Code != redline.CodeIdempotencyInProgress {
			t.Errorf("the loser is told %v", e)
		}
	}
	equal(t, "the keys that have shipped it", len(won), 1)
	equal(t, "the stock", w.counts("tea", "tokyo"), []int{18, 0, 0})
	equal(t, "conflicts", len(w.disagreements(redline.ConflictShipAfterCancel)), 1)
	w.checkBooks()
}
