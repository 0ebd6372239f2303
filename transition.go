package redline

import (
	"fmt"
	"slices"
	"strconv"
	"time"
)

// Transition is one change of an order under way: who makes it and when, and
// what it has come to so far. The caller holds the order's row locked, applies
// one of the methods below, and writes what Finish tells.
type Transition struct {
	Order *Order
	By    Principal
	// Now is the database's clock, read after the locks.
	Now  time.Time
	Note *string

	from    OrderStatus
	touched []*FulfillmentOrder
	stock   []StockEffect
	shipped []*Fulfillment
	excess  []ToldLine
	// left are the parts of which something has left.
	left []*FulfillmentOrder
	late []LateShipment
	// returns are those that changed, and concerned the parts whose suppliers are
	// told of it.
	returns   []*Return
	concerned []*FulfillmentOrder
	// loose are the products of which something waits for a location now.
	loose    []string
	tellsAll bool
}

// StockEffect is what a change of an order does to a level.
type StockEffect struct {
	ProductID  string
	LocationID string
	Delta      Delta
	Reason     MovementReason
	// Ship is how much leaves the location: OnHand falls by as much of it as
	// is there, since a supplier may ship what its last count didn't know of.
	Ship int
	// Fact is set where it has happened at a supplier's, whatever it leaves us
	// short of.
	Fact bool
	// At is when it happened; nil is now.
	At *time.Time
}

// Frees reports whether there may be more for others afterwards. What left
// before now may be missing from what is on hand already; and what a location has
// refused, or can't keep, has not arrived there.
func (e StockEffect) Frees() bool {
	if e.Reason == ReasonReleased {
		return false
	}
	ship := e.Ship
	if e.At != nil {
		ship = 0
	}
	return e.Delta[StateOnHand]-e.Delta[StateCommitted]-e.Delta[StateReserved]-e.Delta[StateUnavailable]-ship > 0
}

// NewTransition begins a change of an order whose lines, parts and shipments
// are all loaded.
func NewTransition(o *Order, by Principal, now time.Time) *Transition {
	return &Transition{Order: o, By: by, Now: now, from: o.Status}
}

// Changed reports whether anything has come of the transition so far.
func (t *Transition) Changed() bool { return len(t.touched) > 0 }

// Loose are the products of which something has lost its location, or may have
// one again: their levels have to be locked for Assign.
func (t *Transition) Loose() []string { return t.loose }

// Left are the parts of which something has left by it, once for each shipment.
func (t *Transition) Left() []*FulfillmentOrder { return t.left }

// OnlyPart is the id of the part that changed or is new, where it is one.
func (t *Transition) OnlyPart() *string {
	if len(t.touched) != 1 {
		return nil
	}
	return &t.touched[0].ID
}

// Stock is what the transition does to levels and TakeStock has not handed out.
func (t *Transition) Stock() []StockEffect { return t.stock }

// TakeStock hands out what the transition does to levels, once.
func (t *Transition) TakeStock() []StockEffect {
	stock := t.stock
	t.stock = nil
	return stock
}

// Change is what a finished transition has to write.
type Change struct {
	// From is the status before; Order.Status is the one after.
	From OrderStatus
	// Parts are the fulfilment orders that changed, each with its new version.
	Parts []*FulfillmentOrder
	// Made are those of Parts that are new.
	Made []*FulfillmentOrder
	// Shipments are the new ones.
	Shipments []*Fulfillment
	// Returns are those that changed or are new, each with its new version.
	Returns []*Return
	// Stock is what TakeStock has not handed out before.
	Stock []StockEffect
	// History is nil where the status stayed and nothing was noted.
	History *OrderStatusChange
	// Suppliers are the codes of those who are told.
	Suppliers []string
}

// Finish rolls the status up, counts the versions on and says what to write.
func (t *Transition) Finish() Change {
	o := t.Order
	c := Change{From: t.from, Parts: t.touched, Shipments: t.shipped, Returns: t.returns, Stock: t.stock, Suppliers: []string{}}
	for _, f := range t.touched {
		if f.Version == 0 {
			c.Made = append(c.Made, f)
		}
		f.Version++
	}
	told := slices.Concat(t.touched, t.concerned)
	if t.tellsAll {
		told = o.FulfillmentOrders
	}
	for _, f := range told {
		if f.SupplierCode != nil && !slices.Contains(c.Suppliers, *f.SupplierCode) {
			c.Suppliers = append(c.Suppliers, *f.SupplierCode)
		}
	}
	o.Status = o.RollUp()
	o.Version++
	o.UpdatedAt = t.Now
	if o.Status != t.from || t.Note != nil {
		from, actor := t.from, t.By.Subject
		c.History = &OrderStatusChange{OrderID: o.ID, From: &from, To: o.Status, Actor: &actor, Note: t.Note, At: t.Now}
		o.History = append(o.History, c.History)
	}
	return c
}

func (t *Transition) touch(f *FulfillmentOrder) {
	if !slices.Contains(t.touched, f) {
		t.touched = append(t.touched, f)
	}
}

// loosen has some of a line, which no part holds any more, wait for a location.
func (t *Transition) loosen(line *OrderLine, n int) {
	if line.Backordered += n; line.Backordered > 0 {
		t.loose = append(t.loose, line.ProductID)
	}
}

// giveBack returns what the part still holds of a line to its location.
func (t *Transition) giveBack(f *FulfillmentOrder, line *OrderLine, n int, reason MovementReason) {
	if n == 0 {
		return
	}
	line.Open -= n
	t.stock = append(t.stock, StockEffect{
		ProductID: line.ProductID, LocationID: f.LocationID, Delta: Delta{StateCommitted: -n}, Reason: reason,
	})
}

// part finds a fulfilment order that the caller may work on now, and of which
// something may be done that makes it what it is to become.
func (t *Transition) part(id string, to FulfillmentOrderStatus, a Action) (*FulfillmentOrder, error) {
	f := t.Order.Part(id)
	if f == nil || !f.TouchableBy(t.By) {
		return nil, NotFound([]string{"fulfillmentOrderId"}, "there is no fulfilment order %.60q that you may work on", id)
	}
	if t.Order.Held() {
		return nil, t.refusePart(f, to, "the order is on hold, and nothing of it moves until it is released")
	}
	if !PartMachine.Can(f.Status, a) {
		return nil, t.refusePart(f, to, fmt.Sprintf("a fulfilment order that is %s can't become %s", f.Status, to))
	}
	return f, nil
}

// become has something done make a part what it is now.
func (f *FulfillmentOrder) become(a Action, to FulfillmentOrderStatus) {
	was := f.Status
	PartMachine.move(&f.Status, a, to)
	f.StatusBefore = nil
	if to == PartCancellationRequested {
		f.StatusBefore = &was
	}
}

func (t *Transition) refusePart(f *FulfillmentOrder, to FulfillmentOrderStatus, why string) *Error {
	e := Errorf(CodeInvalidTransition, []string{"fulfillmentOrderId"}, "%s", why)
	e.From, e.To, e.Allowed = string(f.Status), string(to), []string{}
	for _, s := range f.NextFor(t.By, t.Order.Held()) {
		e.Allowed = append(e.Allowed, string(s))
	}
	return e
}

// LineResponse answers one line of a fulfilment order.
type LineResponse struct {
	LineID   string
	Accepted int
	Reason   *string
}

// Accept takes a part on: all of it where responses is nil, else what they say,
// and then every line has to be answered. What isn't accepted is loose: see
// Assign.
func (t *Transition) Accept(partID string, responses []LineResponse) error {
	to, a := PartAccepted, ActAccept
	if responses != nil {
		to, a = PartPartiallyAccepted, ActAcceptSome
	}
	f, err := t.part(partID, to, a)
	if err != nil {
		return err
	}
	accepted := map[string]int{}
	for _, l := range f.Lines {
		accepted[l.ID] = f.Remaining(l)
	}
	if responses != nil {
		if accepted, err = answers(f, responses); err != nil {
			return err
		}
	}
	t.accept(f, accepted)
	return nil
}

// answers reads the responses to a part, whose lines have all to be answered.
func answers(f *FulfillmentOrder, responses []LineResponse) (map[string]int, error) {
	accepted := map[string]int{}
	total := 0
	var refused Errors
	for i, r := range responses {
		at := func(name string) []string { return []string{"lines", strconv.Itoa(i), name} }
		l := f.line(r.LineID)
		_, twice := accepted[r.LineID]
		switch {
		case l == nil:
			refused = append(refused, NotFound(at("lineId"), "this fulfilment order has no line %.60q", r.LineID))
		case twice:
			refused = append(refused, Invalid(at("lineId"), "the line is answered twice"))
		case r.Accepted < 0 || r.Accepted > f.Remaining(l):
			refused = append(refused, Invalid(at("accepted"), "accepted is from 0 to what the line is asked for, %d", f.Remaining(l)))
		}
		accepted[r.LineID] = r.Accepted
		total += r.Accepted
	}
	wrong := len(refused) > 0 // then what seems to be missing may be what is wrong
	for _, l := range f.Lines {
		if _, ok := accepted[l.ID]; !ok && !wrong {
			refused = append(refused, Invalid([]string{"lines"}, "line %s isn't answered; answer each line, or leave lines out to accept all", l.ID))
		}
	}
	switch {
	case len(refused) > 0:
		return nil, refused
	case total == 0:
		return nil, Invalid([]string{"lines"}, "nothing is accepted; to refuse all of it, reject the fulfilment order")
	}
	return accepted, nil
}

func (t *Transition) accept(f *FulfillmentOrder, accepted map[string]int) {
	t.touch(f)
	all := true
	for _, l := range f.Lines {
		n, rest := accepted[l.ID], f.Remaining(l)-accepted[l.ID]
		line := t.Order.Line(l.OrderLineID)
		t.giveBack(f, line, rest, ReasonReleased)
		t.loosen(line, rest)
		l.Accepted = &n
		all = all && rest == 0
	}
	if all {
		f.become(ActAccept, PartAccepted)
	} else {
		f.become(ActAcceptSome, PartPartiallyAccepted)
	}
}

// Reject refuses a part; all of it is loose.
func (t *Transition) Reject(partID string) error {
	f, err := t.part(partID, PartRejected, ActReject)
	if err != nil {
		return err
	}
	t.touch(f)
	for _, l := range f.Lines {
		line, n := t.Order.Line(l.OrderLineID), f.Remaining(l)
		t.giveBack(f, line, n, ReasonReleased)
		t.loosen(line, n)
	}
	f.become(ActReject, PartRejected)
	return nil
}

// Withdraw takes some of what a part still has to ship of a line off it, because
// its location can't keep what was promised: by rule, whoever may work on the
// part. It is loose, or cancelled where that is what the supplier was asked for.
func (t *Transition) Withdraw(partID, lineID string, n int) error {
	f := t.Order.Part(partID)
	if f == nil || f.line(lineID) == nil {
		return NotFound(nil, "the order has no line %.60q of a fulfilment order %.60q", lineID, partID)
	}
	l := f.line(lineID)
	rest := f.Remaining(l) - n
	if n < 1 || rest < 0 {
		return Invalid(nil, "%d can't be withdrawn of %d that remain", n, f.Remaining(l))
	}
	t.touch(f)
	line, accepted := t.Order.Line(l.OrderLineID), l.Shipped+rest
	t.giveBack(f, line, n, ReasonReleased)
	if f.Status == PartCancellationRequested {
		line.Cancelled += n
	} else {
		t.loosen(line, n)
	}
	l.Accepted = &accepted
	l.Withdrawn += n
	if f.pending(l) > rest {
		t.dropPending(f)
	}
	if f.remaining() == 0 {
		f.become(ActWithdraw, f.ended())
	}
	return nil
}

// ended is what a part is of which nothing more is to be shipped.
func (f *FulfillmentOrder) ended() FulfillmentOrderStatus {
	if f.hasShipped() {
		return PartClosed
	}
	return PartCancelled
}

// Hold stops an order until it is released.
func (t *Transition) Hold(reason string) error {
	if !t.Order.holdable() {
		return t.refuse("orderId", OrderOnHold)
	}
	t.Order.HoldReason, t.Note, t.tellsAll = &reason, &reason, true
	return nil
}

// ReleaseHold lets a held order go on.
func (t *Transition) ReleaseHold() error {
	if !t.Order.Held() {
		e := t.refuse("orderId", t.Order.Status)
		e.Message = fmt.Sprintf("the order is %s, not on hold", t.Order.Status)
		return e
	}
	t.Order.HoldReason, t.tellsAll = nil, true
	for _, l := range t.Order.Lines {
		t.loosen(l, 0)
	}
	return nil
}

// Cancel cancels all of an order that can be cancelled at once, and gives back
// exactly what the order still holds of it; of what suppliers have taken on they
// are asked. It is refused where nothing is left to cancel or to ask for.
func (t *Transition) Cancel() error { return t.cancel("orderId") }

// cancel is Cancel, asked for by a field of the input.
func (t *Transition) cancel(field string) error {
	o := t.Order
	if !o.cancellable() || !mayCancel(t.By) {
		e := t.refuse(field, OrderCancelled)
		for _, f := range o.FulfillmentOrders {
			if mayCancel(t.By) && !o.Held() && f.Status == PartCancellationRequested {
				e.Message = fmt.Sprintf("the supplier of fulfilment order %s is being asked to cancel it, and nothing else is left to cancel", f.ID)
			}
		}
		return e
	}
	t.tellsAll = true
	for _, f := range o.FulfillmentOrders {
		switch f.cancelsBy() {
		case ActCancel:
			t.end(f, ActCancel)
		case ActAsk:
			t.touch(f)
			f.become(ActAsk, PartCancellationRequested)
		}
	}
	for _, l := range o.Lines {
		l.Cancelled += l.Backordered
		l.Backordered = 0
	}
	return nil
}

// end cancels what a part still has to ship.
func (t *Transition) end(f *FulfillmentOrder, a Action) {
	t.touch(f)
	t.dropPending(f)
	for _, l := range f.Lines {
		line, n := t.Order.Line(l.OrderLineID), f.Remaining(l)
		t.giveBack(f, line, n, ReasonCancelled)
		line.Cancelled += n
	}
	f.become(a, f.ended())
}

// AcceptCancellation cancels a part as its supplier was asked to.
func (t *Transition) AcceptCancellation(partID string) error {
	to := PartCancelled
	if f := t.Order.Part(partID); f != nil {
		to = f.ended()
	}
	f, err := t.part(partID, to, ActAcceptCancellation)
	if err != nil {
		return err
	}
	t.end(f, ActAcceptCancellation)
	return nil
}

// RejectCancellation has a part that its supplier was asked to cancel go on as
// what it was.
func (t *Transition) RejectCancellation(partID string) error {
	f, err := t.part(partID, PartInProgress, ActRejectCancellation)
	if err != nil {
		return err
	}
	t.touch(f)
	f.become(ActRejectCancellation, *f.StatusBefore)
	return nil
}

// SetStatus moves every part that the caller may touch: PROCESSING accepts,
// SHIPPED ships what remains, DELIVERED marks delivered, CANCELLED cancels.
func (t *Transition) SetStatus(to OrderStatus) error {
	if to == OrderCancelled {
		return t.cancel("status")
	}
	if to == OrderOnHold || t.Order.Held() || !slices.Contains(t.Order.NextFor(t.By), to) {
		e := t.refuse("status", to)
		if to == OrderOnHold && !t.Order.Held() {
			e.Message = "a hold needs a reason, which a status alone doesn't give: use orderHold"
		}
		return e
	}
	switch to {
	case OrderProcessing:
		for _, f := range t.parts(ActAccept) {
			if err := t.Accept(f.ID, nil); err != nil {
				return err
			}
		}
		return nil
	case OrderShipped:
		for _, f := range t.parts(ActShip) {
			t.shipRest(f)
		}
		return nil
	default: // OrderDelivered
		for _, f := range t.Order.FulfillmentOrders {
			for _, s := range f.Fulfillments {
				if f.TouchableBy(t.By) && s.Status == ShipmentShipped {
					if err := t.Deliver(s.ID, nil); err != nil {
						return err
					}
				}
			}
		}
		return nil
	}
}

// parts are those that the caller may touch and of which something may be done.
func (t *Transition) parts(a Action) (parts []*FulfillmentOrder) {
	for _, f := range t.Order.FulfillmentOrders {
		if f.TouchableBy(t.By) && PartMachine.Can(f.Status, a) {
			parts = append(parts, f)
		}
	}
	return parts
}

// refuse says at a field of the input why an order can't become something. What
// it may become instead is by the same field: a status alone doesn't hold.
func (t *Transition) refuse(field string, to OrderStatus) *Error {
	why := fmt.Sprintf("an order that is %s can't become %s by your hand", t.Order.Status, to)
	if t.Order.Held() {
		why = "the order is on hold, and nothing of it moves until it is released"
	}
	e := Errorf(CodeInvalidTransition, []string{field}, "%s", why)
	e.From, e.To, e.Allowed = string(t.Order.Status), string(to), []string{}
	for _, s := range t.Order.NextFor(t.By) {
		if field != "status" || s != OrderOnHold {
			e.Allowed = append(e.Allowed, string(s))
		}
	}
	return e
}
