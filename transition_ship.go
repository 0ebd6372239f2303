package redline

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
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
	// Pending: made ready, and not yet on its way.
	Pending bool
}

// ToldLine is what was told of a part's line, and what was left to ship of it.
type ToldLine struct {
	Line *FulfillmentOrderLine
	Told int
	Left int
}

// clockSkew is by how much another's clock may be behind ours.
const clockSkew = 5 * time.Minute

// Ship ships lines of a part, or all that remains where lines is nil; what is
// pending waits for its own word. A part with nothing left is closed.
//
// A part at a supplier that was cancelled or rejected, or closed before all of
// it had shipped, ships as a fact: see shipAfterEnd.
func (t *Transition) Ship(partID string, lines []ShipLine, s Shipment) error {
	if f := t.Order.Part(partID); f != nil && f.TouchableBy(t.By) && !f.IsOpen() && !f.ours() && !t.Order.Held() && !s.Pending {
		return t.shipAfterEnd(f, lines, s)
	}
	a := ActShip
	if s.Pending {
		a = ActPrepare
	}
	f, err := t.part(partID, PartInProgress, a)
	if err != nil {
		return err
	}
	if s.Pending && s.ShippedAt != nil {
		return Invalid([]string{"shippedAt"}, "a shipment that is pending has not left yet")
	}
	if err := t.checkShippedAt(s); err != nil {
		return err
	}
	quantities, err := t.toldOf(f, lines, s, f.unassigned)
	if err != nil {
		return err
	}
	if lines == nil {
		total := 0
		for _, l := range f.Lines {
			quantities[l.ID] = f.unassigned(l)
			total += quantities[l.ID]
		}
		if total == 0 {
			return Invalid([]string{"lines"}, "all that remains is in shipments that are pending; tell of those that they are on their way")
		}
	}
	t.ship(f, quantities, s)
	return nil
}

func (t *Transition) checkShippedAt(s Shipment) error {
	if s.ShippedAt != nil && (s.ShippedAt.After(t.Now) || s.ShippedAt.Before(t.Order.PlacedAt.Add(-clockSkew))) {
		return Invalid([]string{"shippedAt"}, "a shipment leaves between when the order was placed, %s, and now",
			t.Order.PlacedAt.Format(time.RFC3339))
	}
	return nil
}

// toldOf reads how much is told of each line, by the line's id; left is how
// much it may be. What is told beyond that is kept for Excess.
func (t *Transition) toldOf(f *FulfillmentOrder, lines []ShipLine, s Shipment, left func(*FulfillmentOrderLine) int) (map[string]int, error) {
	if lines != nil && len(lines) == 0 {
		return nil, Invalid([]string{"lines"}, "an empty list ships nothing; leave lines out to ship all that remains")
	}
	quantities := map[string]int{}
	var refused Errors
	wrong, over := false, false
	all := make([]ToldLine, 0, len(lines))
	for i, told := range lines {
		at := func(name string) []string { return []string{"lines", strconv.Itoa(i), name} }
		l := f.line(told.LineID)
		_, twice := quantities[told.LineID]
		quantities[told.LineID] = told.Quantity
		if l == nil || twice {
			wrong = true
			e := Invalid(at("lineId"), "the line is named twice")
			if l == nil {
				e = NotFound(at("lineId"), "this fulfilment order has no line %.60q", told.LineID)
			}
			refused = append(refused, e)
			continue
		}
		rest := left(l)
		most := max(rest, f.Remaining(l)) // with what is pending
		all = append(all, ToldLine{Line: l, Told: told.Quantity, Left: most})
		over = over || told.Quantity > most
		if told.Quantity < 1 || told.Quantity > rest {
			wrong = wrong || told.Quantity < 1 || told.Quantity > MaxQuantity
			e := Invalid(at("quantity"), "quantity is from 1 to what remains of the line, %d", rest)
			if told.Quantity > rest && told.Quantity <= most {
				e.Message += fmt.Sprintf("; the rest is in shipments that are pending (%s), of which to tell that they are on their way", f.pendingOf(l))
			}
			refused = append(refused, e)
		}
	}
	switch {
	case len(refused) == 0:
		return quantities, nil
	case wrong || !over:
		return nil, refused
	}
	if err := f.toldBefore(s); err != nil {
		return nil, err
	}
	t.excess = all
	return nil, refused
}

// LateShipment left after its part had ended.
type LateShipment struct {
	Part     *FulfillmentOrder
	Shipment *Fulfillment
}

// Late are the shipments that left although nothing of their parts was to be
// shipped any more.
func (t *Transition) Late() []LateShipment { return t.late }

// Excess is what was told of a shipment's lines, where it was refused because
// that is more of some of them than was left to ship; else it is nil.
func (t *Transition) Excess() []ToldLine { return t.excess }

// toldBefore refuses what is told of a supplier's parcel for a second time,
// where it is no longer on order.
func (f *FulfillmentOrder) toldBefore(s Shipment) error {
	if f.ours() || s.TrackingNumber == nil {
		return nil
	}
	for _, known := range f.Fulfillments {
		if known.Status != ShipmentCancelled && known.TrackingNumber != nil && *known.TrackingNumber == *s.TrackingNumber {
			return Errorf(CodeDuplicate, []string{"trackingNumber"}, "shipment %s of this fulfilment order has this tracking number already", known.ID)
		}
	}
	return nil
}

// ship makes a shipment of a part that is open.
func (t *Transition) ship(f *FulfillmentOrder, quantities map[string]int, s Shipment) {
	shipment := t.newShipment(f, quantities, s)
	if !s.Pending {
		t.leave(f, shipment, s.ShippedAt)
		return
	}
	shipment.Status = ShipmentPending
	t.takeOn(f, ActPrepare)
}

func (t *Transition) newShipment(f *FulfillmentOrder, quantities map[string]int, s Shipment) *Fulfillment {
	t.touch(f)
	shipment := &Fulfillment{
		ID: NewID(PrefixFulfillment), FulfillmentOrderID: f.ID,
		Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, TrackingURL: s.TrackingURL,
	}
	for _, l := range f.Lines {
		if n := quantities[l.ID]; n > 0 {
			shipment.Lines = append(shipment.Lines, &FulfillmentLine{
				FulfillmentID: shipment.ID, FulfillmentOrderLineID: l.ID, OrderLineID: l.OrderLineID, Quantity: n,
			})
		}
	}
	f.Fulfillments = append(f.Fulfillments, shipment)
	t.shipped = append(t.shipped, shipment)
	return shipment
}

// takeOn has somebody at work with a part, which answers whatever it was asked.
func (t *Transition) takeOn(f *FulfillmentOrder, a Action) {
	for _, l := range f.Lines {
		if l.Accepted == nil {
			all := l.Quantity
			l.Accepted = &all
		}
	}
	f.become(a, PartInProgress)
}

// leave has a shipment leave its location, with what the part holds for it.
func (t *Transition) leave(f *FulfillmentOrder, s *Fulfillment, at *time.Time) {
	t.takeOn(f, ActShip)
	t.send(f, s, at)
	for _, sent := range s.Lines {
		n := sent.Quantity
		f.line(sent.FulfillmentOrderLineID).Shipped += n
		line := t.Order.Line(sent.OrderLineID)
		line.Open -= n
		line.Shipped += n
		t.stock = append(t.stock, StockEffect{
			ProductID: line.ProductID, LocationID: f.LocationID,
			Delta: Delta{StateCommitted: -n}, Reason: ReasonShipped, Ship: n, At: at,
		})
	}
	if f.remaining() == 0 {
		f.become(ActShip, PartClosed)
	}
}

func (t *Transition) send(f *FulfillmentOrder, s *Fulfillment, at *time.Time) {
	when := t.Now
	if at != nil {
		when = *at
	}
	s.Status, s.ShippedAt = ShipmentShipped, &when
	t.left = append(t.left, f)
}

// shipAfterEnd takes it as a fact that a supplier's goods have left although
// they were cancelled, or were to come from elsewhere. Where lines is nil, that
// is all that was cancelled of the part. What of it is backordered by now
// counts as shipped; what somebody else is fulfilling can't. Nothing was held
// for it any more, so that the location's stock alone falls.
func (t *Transition) shipAfterEnd(f *FulfillmentOrder, lines []ShipLine, s Shipment) error {
	if err := f.toldBefore(s); err != nil {
		return err
	}
	if err := t.checkShippedAt(s); err != nil {
		return err
	}
	quantities, err := t.toldOf(f, lines, s, t.recoverable)
	if f.unshipped() == 0 || lines == nil && f.cancelled() == 0 {
		return t.refusePart(f, PartInProgress, "a fulfilment order that is "+string(f.Status)+" has nothing left to ship")
	}
	if err != nil {
		return err
	}
	if lines == nil {
		var all []ToldLine
		over := false
		for _, l := range f.Lines {
			n, left := f.cancelledOf(l), t.recoverable(l)
			quantities[l.ID] = n
			if n > 0 {
				all = append(all, ToldLine{Line: l, Told: n, Left: left})
				over = over || n > left
			}
		}
		if over {
			t.excess = all
			return Invalid([]string{"lines"}, "some of what was cancelled is being fulfilled from elsewhere; say which lines have left")
		}
	}
	t.shipLate(f, quantities, s)
	return nil
}

func (t *Transition) shipLate(f *FulfillmentOrder, quantities map[string]int, s Shipment) {
	t.leaveLate(f, t.newShipment(f, quantities, s), s.ShippedAt)
}

// leaveLate has a shipment leave of a part that has ended, as a fact.
func (t *Transition) leaveLate(f *FulfillmentOrder, shipment *Fulfillment, at *time.Time) {
	t.send(f, shipment, at)
	t.late = append(t.late, LateShipment{Part: f, Shipment: shipment})
	rejected := f.Status == PartRejected
	for _, sent := range shipment.Lines {
		n, l, line := sent.Quantity, f.line(sent.FulfillmentOrderLineID), t.Order.Line(sent.OrderLineID)
		first, then := &line.Cancelled, &line.Backordered
		if rejected || f.cancelledOf(l) == 0 { // what was refused waits
			first, then = then, first
		}
		l.Shipped += n
		line.Shipped += n
		k := min(n, *first)
		*first -= k
		*then -= n - k
		t.takeFact(f, line, n, at)
	}
	for _, l := range f.Lines {
		// The rest of what was rejected stays refused, though the part is closed.
		if rejected || l.Accepted != nil && *l.Accepted < l.Shipped {
			all := l.Shipped
			l.Accepted, l.Withdrawn = &all, min(l.Withdrawn, l.Quantity-all)
		}
	}
	f.become(ActShipLate, PartClosed)
}

// takeFact takes what has left a supplier's location without having been held.
func (t *Transition) takeFact(f *FulfillmentOrder, line *OrderLine, n int, at *time.Time) {
	t.stock = append(t.stock, StockEffect{
		ProductID: line.ProductID, LocationID: f.LocationID, Delta: Delta{}, Reason: ReasonShipped, Ship: n, Fact: true, At: at,
	})
}

// recoverable is how much of a line of a part that has ended may have left all
// the same: what it did not ship and nobody else is fulfilling.
func (t *Transition) recoverable(l *FulfillmentOrderLine) int {
	line := t.Order.Line(l.OrderLineID)
	return min(l.Quantity-l.Shipped, line.Cancelled+line.Backordered)
}

// ShipAsTold takes a supplier by its word that it shipped more of lines than
// was left: what is left is shipped, and what is beyond that is gone from its
// location all the same.
func (t *Transition) ShipAsTold(partID string, lines []ShipLine, s Shipment) error {
	f := t.Order.Part(partID)
	if f == nil || f.ours() || !f.TouchableBy(t.By) {
		return NotFound([]string{"fulfillmentOrderId"}, "there is no fulfilment order %.60q at a supplier that you may work on", partID)
	}
	if t.Order.Held() {
		return t.refusePart(f, PartInProgress, "the order is on hold, and nothing of it moves until it is released")
	}
	left := f.Remaining
	if !f.IsOpen() {
		left = t.recoverable
	}
	shipped, total := map[string]int{}, 0
	for _, told := range lines {
		l := f.line(told.LineID)
		if l == nil {
			return NotFound([]string{"lines"}, "fulfilment order %s has no line %.60q", f.ID, told.LineID)
		}
		n := min(told.Quantity, left(l))
		if f.IsOpen() && f.pending(l) > f.Remaining(l)-n {
			t.dropPending(f) // it holds what has left
		}
		shipped[l.ID] = n
		total += n
		if told.Quantity > n {
			t.takeFact(f, t.Order.Line(l.OrderLineID), told.Quantity-n, s.ShippedAt)
		}
	}
	switch {
	case total == 0:
	case f.IsOpen():
		t.ship(f, shipped, s)
	default:
		t.shipLate(f, shipped, s)
	}
	return nil
}

// shipment finds a shipment that the caller may work on, and that may become
// what is wanted. A hold keeps what is pending from leaving; what has left is
// beyond it, and so is what is unpacked.
func (t *Transition) shipment(id string, to FulfillmentStatus) (*FulfillmentOrder, *Fulfillment, error) {
	f, s := t.Order.Shipment(id)
	if f == nil || !f.TouchableBy(t.By) {
		return nil, nil, NotFound([]string{"fulfillmentId"}, "there is no shipment %.60q that you may work on", id)
	}
	next := ShipmentMachine.To(s.Status)
	if s.Status == ShipmentCancelled && f.ours() { // what we called off ourselves hasn't left
		next = nil
	}
	stopped := t.Order.Held() && to == ShipmentShipped
	if slices.Contains(next, to) && !stopped {
		return f, s, nil
	}
	e := Errorf(CodeInvalidTransition, []string{"fulfillmentId"}, "a shipment that is %s can't become %s", s.Status, to)
	if stopped {
		e.Message = "the order is on hold, and nothing of it leaves until it is released"
	}
	e.From, e.To, e.Allowed = string(s.Status), string(to), []string{}
	for _, status := range next {
		if !t.Order.Held() || status != ShipmentShipped {
			e.Allowed = append(e.Allowed, string(status))
		}
	}
	return nil, nil, e
}

// MarkShipped has a pending shipment leave. What is told of it now stands for
// what was told before. One of a supplier's that was called off, or with its part,
// may have left all the same, and that is taken as a fact.
func (t *Transition) MarkShipped(shipmentID string, told Shipment) error {
	f, s, err := t.shipment(shipmentID, ShipmentShipped)
	if err != nil {
		return err
	}
	if err := t.checkShippedAt(told); err != nil {
		return err
	}
	calledOff := s.Status == ShipmentCancelled
	if calledOff {
		if err := f.toldBefore(Shipment{TrackingNumber: cmp.Or(told.TrackingNumber, s.TrackingNumber)}); err != nil {
			return err
		}
		if err := t.mayHaveLeft(f, s); err != nil {
			return err
		}
	}
	t.touch(f)
	s.Carrier, s.TrackingNumber = cmp.Or(told.Carrier, s.Carrier), cmp.Or(told.TrackingNumber, s.TrackingNumber)
	s.TrackingURL = cmp.Or(told.TrackingURL, s.TrackingURL)
	if calledOff && !f.IsOpen() {
		t.leaveLate(f, s, told.ShippedAt)
	} else {
		t.leave(f, s, told.ShippedAt)
	}
	return nil
}

// mayHaveLeft refuses that a shipment that was called off has left where its part
// has less to ship than it holds.
func (t *Transition) mayHaveLeft(f *FulfillmentOrder, s *Fulfillment) error {
	left := f.unassigned
	if !f.IsOpen() {
		left = t.recoverable
	}
	for _, sent := range s.Lines {
		if n := left(f.line(sent.FulfillmentOrderLineID)); sent.Quantity > n {
			return Invalid([]string{"fulfillmentId"}, "the shipment was called off, and holds %d of line %s, of which %d are left; tell of what has left as another",
				sent.Quantity, sent.FulfillmentOrderLineID, n)
		}
	}
	return nil
}

// shipRest ships all that a part still has to ship: what is pending leaves, and
// the rest beside it.
func (t *Transition) shipRest(f *FulfillmentOrder) {
	for _, s := range f.Fulfillments {
		if s.Status == ShipmentPending {
			t.touch(f)
			t.leave(f, s, nil)
		}
	}
	rest := map[string]int{}
	for _, l := range f.Lines {
		rest[l.ID] = f.Remaining(l)
	}
	if f.remaining() > 0 {
		t.ship(f, rest, Shipment{})
	}
}

// Deliver marks a shipment as delivered. It is a fact, and so taken while the
// order is held too.
func (t *Transition) Deliver(shipmentID string, at *time.Time) error {
	f, s, err := t.shipment(shipmentID, ShipmentDelivered)
	if err != nil {
		return err
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

// Fail marks a shipment as one that will not arrive. It is a fact, as a
// delivery is; what was shipped stays so.
func (t *Transition) Fail(shipmentID string) error {
	f, s, err := t.shipment(shipmentID, ShipmentFailed)
	if err != nil {
		return err
	}
	t.touch(f)
	s.Status = ShipmentFailed
	return nil
}

// CancelShipment gives up a pending shipment. What it held is to be shipped by
// another.
func (t *Transition) CancelShipment(shipmentID string) error {
	f, s, err := t.shipment(shipmentID, ShipmentCancelled)
	if err != nil {
		return err
	}
	t.touch(f)
	s.Status = ShipmentCancelled
	return nil
}

// dropPending cancels what is pending of a part that is being cancelled, or has
// less to ship from now on.
func (t *Transition) dropPending(f *FulfillmentOrder) {
	for _, s := range f.Fulfillments {
		if s.Status == ShipmentPending {
			t.touch(f)
			s.Status = ShipmentCancelled
		}
	}
}

func (f *FulfillmentOrder) line(id string) *FulfillmentOrderLine {
	for _, l := range f.Lines {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// pending is how much of a line waits in pending shipments.
func (f *FulfillmentOrder) pending(l *FulfillmentOrderLine) (n int) {
	for _, s := range f.Fulfillments {
		if s.Status != ShipmentPending {
			continue
		}
		for _, sent := range s.Lines {
			if sent.FulfillmentOrderLineID == l.ID {
				n += sent.Quantity
			}
		}
	}
	return n
}

// pendingOf names the pending shipments of a line.
func (f *FulfillmentOrder) pendingOf(l *FulfillmentOrderLine) string {
	var ids []string
	for _, s := range f.Fulfillments {
		if s.Status == ShipmentPending && slices.ContainsFunc(s.Lines, func(sent *FulfillmentLine) bool { return sent.FulfillmentOrderLineID == l.ID }) {
			ids = append(ids, s.ID)
		}
	}
	return strings.Join(ids, ", ")
}

// unassigned is what remains to ship of a line that no pending shipment holds.
func (f *FulfillmentOrder) unassigned(l *FulfillmentOrderLine) int {
	return f.Remaining(l) - f.pending(l)
}

// unshipped is what a part was asked for and did not ship.
func (f *FulfillmentOrder) unshipped() (n int) {
	for _, l := range f.Lines {
		n += l.Quantity - l.Shipped
	}
	return n
}

// cancelledOf is how much of a line was taken from a part that has ended: all
// that it was to ship and didn't. What is refused counts only as long as nothing
// of the part has left.
func (f *FulfillmentOrder) cancelledOf(l *FulfillmentOrderLine) int {
	if f.Status == PartRejected || l.Accepted == nil {
		return l.Quantity - l.Shipped
	}
	return *l.Accepted - l.Shipped
}

func (f *FulfillmentOrder) cancelled() (n int) {
	for _, l := range f.Lines {
		n += f.cancelledOf(l)
	}
	return n
}
