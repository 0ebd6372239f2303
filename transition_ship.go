package redline

import (
	"slices"
	"strconv"
	"time"
)

// ShipLine is how much of one line of a part a shipment holds.
type ShipLine struct {
	LineID   string
	Quantity int
}

// Shipment is what is told of a shipment. A zero ShippedAt is now.
type Shipment struct {
	Carrier        *string
	TrackingNumber *string
	TrackingURL    *string
	ShippedAt      *time.Time
}

// clockSkew is by how much another's clock may be behind ours.
const clockSkew = 5 * time.Minute

// shippable are the statuses from which a part ships; shipping accepts.
var shippable = []FulfillmentOrderStatus{PartSubmitted, PartAccepted, PartPartiallyAccepted, PartInProgress}

// Ship ships lines of a part, or all that remains where lines is nil. A part
// with nothing left is closed.
func (t *Transition) Ship(partID string, lines []ShipLine, s Shipment) error {
	f, err := t.part(partID, PartInProgress, shippable...)
	if err != nil {
		return err
	}
	if s.ShippedAt != nil && (s.ShippedAt.After(t.Now) || s.ShippedAt.Before(t.Order.PlacedAt.Add(-clockSkew))) {
		return Invalid([]string{"shippedAt"}, "a shipment leaves between when the order was placed, %s, and now",
			t.Order.PlacedAt.Format(time.RFC3339))
	}
	if lines != nil && len(lines) == 0 {
		return Invalid([]string{"lines"}, "an empty list ships nothing; leave lines out to ship all that remains")
	}
	quantities := map[string]int{}
	for i, l := range lines {
		at := func(name string) []string { return []string{"lines", strconv.Itoa(i), name} }
		j := slices.IndexFunc(f.Lines, func(x *FulfillmentOrderLine) bool { return x.ID == l.LineID })
		if j < 0 {
			return NotFound(at("lineId"), "this fulfilment order has no line %.60q", l.LineID)
		}
		if _, twice := quantities[l.LineID]; twice {
			return Invalid(at("lineId"), "the line is named twice")
		}
		if rest := f.Remaining(f.Lines[j]); l.Quantity < 1 || l.Quantity > rest {
			return Invalid(at("quantity"), "quantity is from 1 to what remains of the line, %d", rest)
		}
		quantities[l.LineID] = l.Quantity
	}
	if lines == nil {
		for _, l := range f.Lines {
			quantities[l.ID] = f.Remaining(l)
		}
	}
	t.ship(f, quantities, s)
	return nil
}

func (t *Transition) ship(f *FulfillmentOrder, quantities map[string]int, s Shipment) {
	t.touch(f)
	at := t.Now
	if s.ShippedAt != nil {
		at = *s.ShippedAt
	}
	shipment := &Fulfillment{
		ID: NewID(PrefixFulfillment), FulfillmentOrderID: f.ID, Status: ShipmentShipped,
		Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, TrackingURL: s.TrackingURL, ShippedAt: &at,
	}
	for _, l := range f.Lines {
		if l.Accepted == nil {
			all := l.Quantity
			l.Accepted = &all
		}
		n := quantities[l.ID]
		if n == 0 {
			continue
		}
		l.Shipped += n
		line := t.Order.Line(l.OrderLineID)
		line.Open -= n
		line.Shipped += n
		t.stock = append(t.stock, StockEffect{
			ProductID: line.ProductID, LocationID: f.LocationID,
			Delta: Delta{StateCommitted: -n}, Reason: ReasonShipped, Ship: n,
		})
		shipment.Lines = append(shipment.Lines, &FulfillmentLine{
			FulfillmentID: shipment.ID, FulfillmentOrderLineID: l.ID, OrderLineID: l.OrderLineID, Quantity: n,
		})
	}
	f.Fulfillments = append(f.Fulfillments, shipment)
	t.shipped = append(t.shipped, shipment)
	f.Status = PartInProgress
	if f.remaining() == 0 {
		f.Status = PartClosed
	}
}

// Deliver marks a shipment as delivered. It is a fact, and so taken while the
// order is held too.
func (t *Transition) Deliver(shipmentID string, at *time.Time) error {
	f, s := t.Order.Shipment(shipmentID)
	if f == nil || !f.TouchableBy(t.By) {
		return NotFound([]string{"fulfillmentId"}, "there is no shipment %.60q that you may work on", shipmentID)
	}
	return t.deliver(f, s, at)
}

func (t *Transition) deliver(f *FulfillmentOrder, s *Fulfillment, at *time.Time) error {
	if s.Status != ShipmentShipped {
		e := Errorf(CodeInvalidTransition, []string{"fulfillmentId"}, "a shipment that is %s can't become %s", s.Status, ShipmentDelivered)
		e.From, e.To, e.Allowed = string(s.Status), string(ShipmentDelivered), []string{}
		return e
	}
	when := t.Now
	if at != nil {
		when = *at
	}
	if when.After(t.Now) || when.Before(*s.ShippedAt) {
		return Invalid([]string{"deliveredAt"}, "deliveredAt lies between when it was shipped, %s, and now", s.ShippedAt.Format(time.RFC3339))
	}
	t.touch(f)
	s.Status, s.DeliveredAt = ShipmentDelivered, &when
	return nil
}
