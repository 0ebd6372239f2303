package redline

import (
	"slices"
	"strconv"
	"time"
)

// ReturnStatus is where a return stands.
type ReturnStatus string

// The statuses of a return.
const (
	ReturnRequested         ReturnStatus = "REQUESTED"
	ReturnPartiallyReceived ReturnStatus = "PARTIALLY_RECEIVED"
	ReturnReceived          ReturnStatus = "RECEIVED"
	ReturnCancelled         ReturnStatus = "CANCELLED"
)

// Return is goods of an order that come back.
type Return struct {
	ID        string       `json:"id"`
	OrderID   string       `json:"orderId" db:"order_id"`
	Status    ReturnStatus `json:"status"`
	Reason    *string      `json:"reason,omitempty"`
	Version   int          `json:"version"`
	CreatedAt time.Time    `json:"createdAt" db:"created_at"`
	UpdatedAt time.Time    `json:"updatedAt" db:"updated_at"`

	Lines []*ReturnLine `json:"lines" db:"-"`
	Order *Order        `json:"-" db:"-"`
}

// IsNode marks a Return as a Node.
func (*Return) IsNode() {}

// ReturnLine is how much of an order line comes back, in base units.
// Restocked + WrittenOff is what has been received of Quantity.
type ReturnLine struct {
	ID          string `json:"id"`
	ReturnID    string `json:"-" db:"return_id"`
	OrderLineID string `json:"orderLineId" db:"order_line_id"`
	Quantity    int    `json:"quantity"`
	Restocked   int    `json:"restocked"`
	WrittenOff  int    `json:"writtenOff" db:"written_off"`
	// Receipts are whose goods came in: at most one for each owner.
	Receipts []*ReturnReceipt `json:"receipts,omitempty" db:"-"`

	OrderLine *OrderLine `json:"-" db:"-"`
}

// ReturnReceipt is how much has come in of the goods that one supplier shipped.
// SupplierID is nil for our own, and for what nobody can tell whose it was.
type ReturnReceipt struct {
	SupplierID *string `json:"supplierId,omitempty"`
	Restocked  int     `json:"restocked"`
	WrittenOff int     `json:"writtenOff"`
}

// receive notes what has come in of the line, and whose goods these were.
func (l *ReturnLine) receive(whose *string, restocked, writtenOff int) {
	l.Restocked += restocked
	l.WrittenOff += writtenOff
	i := slices.IndexFunc(l.Receipts, func(r *ReturnReceipt) bool { return sameSupplier(r.SupplierID, whose) })
	if i < 0 {
		i = len(l.Receipts)
		l.Receipts = append(l.Receipts, &ReturnReceipt{SupplierID: whose})
	}
	l.Receipts[i].Restocked += restocked
	l.Receipts[i].WrittenOff += writtenOff
}

func sameSupplier(a, b *string) bool { return a == nil && b == nil || a != nil && b != nil && *a == *b }

// rest is what of the line has not come back yet.
func (l *ReturnLine) rest() int { return l.Quantity - l.Restocked - l.WrittenOff }

// line finds a line by its id, or returns nil.
func (r *Return) line(id string) *ReturnLine {
	for _, l := range r.Lines {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// open: something of the return may still come back.
func (r *Return) open() bool { return len(ReturnMachine.To(r.Status)) > 0 }

// Return finds a return by its id, or returns nil.
func (o *Order) Return(id string) *Return {
	for _, r := range o.Returns {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// Returnable is how much of a line may yet be announced to come back: what was
// shipped, less what has come back and what is on its way.
func (o *Order) Returnable(l *OrderLine) int {
	n := l.Shipped - l.Returned
	for _, r := range o.Returns {
		for _, announced := range r.Lines {
			if r.open() && announced.OrderLineID == l.ID {
				n -= announced.rest()
			}
		}
	}
	return n
}

// sentFrom are the parts that shipped some of a line, one for each location, of
// those that a principal may touch.
func (o *Order) sentFrom(lineID string, p Principal) (parts []*FulfillmentOrder) {
	for _, f := range o.FulfillmentOrders {
		known := slices.ContainsFunc(parts, func(k *FulfillmentOrder) bool { return k.LocationID == f.LocationID })
		if known || !f.TouchableBy(p) {
			continue
		}
		if slices.ContainsFunc(f.Lines, func(l *FulfillmentOrderLine) bool { return l.OrderLineID == lineID && l.Shipped > 0 }) {
			parts = append(parts, f)
		}
	}
	return parts
}

// away is how much of a line suppliers have shipped that has not come in as theirs.
func (o *Order) away(lineID string, whose func(supplierID *string) bool) (n int) {
	for _, f := range o.FulfillmentOrders {
		for _, l := range f.Lines {
			if l.OrderLineID == lineID && whose(f.SupplierID) {
				n += l.Shipped
			}
		}
	}
	for _, r := range o.Returns {
		for _, l := range r.Lines {
			for _, in := range l.Receipts {
				if l.OrderLineID == lineID && whose(in.SupplierID) {
					n -= in.Restocked + in.WrittenOff
				}
			}
		}
	}
	return n
}

// forSupplier is the return as a supplier may see it who fulfils these shares of
// the order's lines: of what it shipped itself, with what came in of that, and
// without a reason, which others gave; nil where it shipped none of it.
func (r *Return) forSupplier(o *Order, share map[string]*OrderLine, mine func(supplierID *string) bool) *Return {
	c := *r
	c.Reason, c.Order, c.Lines = nil, o, nil
	for _, l := range r.Lines {
		s := share[l.OrderLineID]
		if s == nil || s.Shipped == 0 {
			continue
		}
		line := *l
		line.Quantity = min(l.Quantity, s.Shipped)
		line.Restocked, line.WrittenOff, line.Receipts = 0, 0, nil
		for _, in := range l.Receipts {
			if mine(in.SupplierID) {
				line.receive(in.SupplierID, in.Restocked, in.WrittenOff)
			}
		}
		s.Returned += line.Restocked + line.WrittenOff
		line.OrderLine = s
		c.Lines = append(c.Lines, &line)
	}
	if c.Lines == nil {
		return nil
	}
	return &c
}

// Announce opens a return of what was shipped. Nothing moves before it comes in.
func (t *Transition) Announce(lines []ReturnLineInput, reason *string) (*Return, error) {
	o := t.Order
	if len(lines) == 0 {
		return nil, Invalid([]string{"lines"}, "say what comes back")
	}
	r := &Return{
		ID: NewID(PrefixReturn), OrderID: o.ID, Status: ReturnRequested, Reason: reason, CreatedAt: t.Now, UpdatedAt: t.Now, Order: o,
	}
	var refused Errors
	for i, in := range lines {
		at := func(name string) []string { return []string{"lines", strconv.Itoa(i), name} }
		line := o.Line(in.OrderLineID)
		if line == nil {
			refused = append(refused, NotFound(at("orderLineId"), "this order has no line %.60q", in.OrderLineID))
			continue
		}
		if slices.ContainsFunc(r.Lines, func(l *ReturnLine) bool { return l.OrderLineID == line.ID }) {
			refused = append(refused, Invalid(at("orderLineId"), "the line is named twice"))
		} else if most := o.Returnable(line); in.Quantity < 1 || in.Quantity > most {
			refused = append(refused,
				Invalid(at("quantity"), "quantity is from 1 to what was shipped of the line and is not coming back yet, %d", most))
		}
		r.Lines = append(r.Lines, &ReturnLine{
			ID: NewID(PrefixReturnLine), ReturnID: r.ID, OrderLineID: line.ID, Quantity: in.Quantity, OrderLine: line,
		})
	}
	if len(refused) > 0 {
		return nil, refused
	}
	o.Returns = append(o.Returns, r)
	t.change(r)
	return r, nil
}

// change notes that a return has a new version, and whom that concerns.
func (t *Transition) change(r *Return) {
	r.Version++
	r.UpdatedAt = t.Now
	t.returns = append(t.returns, r)
	for _, f := range t.Order.FulfillmentOrders {
		sent := slices.ContainsFunc(f.Lines, func(l *FulfillmentOrderLine) bool {
			return l.Shipped > 0 && slices.ContainsFunc(r.Lines, func(back *ReturnLine) bool { return back.OrderLineID == l.OrderLineID })
		})
		if sent {
			t.concerned = append(t.concerned, f)
		}
	}
}

// mayTurn refuses what can't be done to a return as it stands.
func mayTurn(r *Return, a Action, to ReturnStatus) error {
	if ReturnMachine.Can(r.Status, a) {
		return nil
	}
	e := Errorf(CodeInvalidTransition, []string{"returnId"}, "a return that is %s can't become %s", r.Status, to)
	e.From, e.To, e.Allowed = string(r.Status), string(to), []string{}
	for _, next := range ReturnMachine.To(r.Status) {
		e.Allowed = append(e.Allowed, string(next))
	}
	return e
}

// Receive takes in some of a return, or all of it. What is restocked is on hand
// at the location, which the caller has made sure is one that it may use; or,
// where that is nil, where the line was shipped from. What is written off is
// gone. Operators receive anything, and a supplier what it shipped itself.
//
// Where several have shipped the line, it is the goods of whose location it is that
// have come in.
func (t *Transition) Receive(returnID string, receipts []ReturnReceiptInput, at *Location) error {
	o := t.Order
	r, seen := o.Return(returnID), o.For(t.By).Return(returnID)
	if r == nil || seen == nil || !t.By.Everywhere() && t.By.Role != RoleSupplier {
		return NotFound([]string{"returnId"}, "there is no return %.60q that you may receive", returnID)
	}
	if err := mayTurn(r, ActReceive, ReturnReceived); err != nil {
		return err
	}
	if len(receipts) == 0 {
		return Invalid([]string{"lines"}, "say what came in")
	}
	named := map[string]bool{}
	var in []*arrival
	var refused, unplaced Errors
	for i, got := range receipts {
		path := func(name string) []string { return []string{"lines", strconv.Itoa(i), name} }
		if seen.line(got.LineID) == nil {
			refused = append(refused, NotFound(path("lineId"), "this return has no line %.60q", got.LineID))
			continue
		}
		if named[got.LineID] {
			refused = append(refused, Invalid(path("lineId"), "the line is named twice"))
			continue
		}
		named[got.LineID] = true
		a := &arrival{ReturnLine: r.line(got.LineID), ReturnReceiptInput: got}
		parts := o.sentFrom(a.OrderLineID, t.By)
		rest := min(a.rest(), o.away(a.OrderLineID, t.receives(parts)))
		switch {
		case got.Restock < 0 || got.Restock > rest:
			refused = append(refused, Invalid(path("restock"), "restock is from 0 to what has not come back of the line, %d", rest))
			continue
		case got.WriteOff < 0 || got.WriteOff > rest-got.Restock:
			refused = append(refused, Invalid(path("writeOff"), "writeOff is from 0 to what has not come back of the line, %d", rest-got.Restock))
			continue
		case got.Restock+got.WriteOff == 0:
			refused = append(refused, Invalid(path("restock"), "nothing of the line came in; leave it out"))
			continue
		}
		if !a.locate(parts, at) {
			unplaced = Errors{Invalid([]string{"locationId"}, "a line was shipped from %d places; say where it came in", len(parts))}
			continue
		}
		in = append(in, a)
	}
	if refused = append(refused, unplaced...); len(refused) > 0 {
		return refused
	}
	for _, got := range in {
		t.takeIn(got)
	}
	if slices.ContainsFunc(r.Lines, func(l *ReturnLine) bool { return l.rest() > 0 }) {
		ReturnMachine.move(&r.Status, ActReceiveSome, ReturnPartiallyReceived)
	} else {
		ReturnMachine.move(&r.Status, ActReceive, ReturnReceived)
	}
	t.change(r)
	return nil
}

// receives says whose goods the caller may take in, of a line that parts shipped.
func (t *Transition) receives(parts []*FulfillmentOrder) func(supplierID *string) bool {
	if t.By.Everywhere() {
		return func(*string) bool { return true }
	}
	return suppliersOf(parts)
}

// suppliersOf says who fulfils one of some parts.
func suppliersOf(parts []*FulfillmentOrder) func(supplierID *string) bool {
	return func(supplierID *string) bool {
		return slices.ContainsFunc(parts, func(f *FulfillmentOrder) bool { return sameSupplier(f.SupplierID, supplierID) })
	}
}

// arrival is what came in of a line of a return.
type arrival struct {
	*ReturnLine
	ReturnReceiptInput
	// location is where it is restocked, and whose are the goods; nil is ours, or
	// that nobody can tell.
	location string
	whose    *string
}

// locate finds out where something came in, of a line that parts have shipped, and
// whose goods it is. It reports false where somebody has to say where that was.
func (a *arrival) locate(parts []*FulfillmentOrder, at *Location) bool {
	switch {
	case at != nil:
		a.location, a.whose = at.ID, at.SupplierID
	case len(parts) == 1:
		a.location = parts[0].LocationID
	case a.Restock > 0:
		return false
	}
	if len(parts) > 0 && !slices.ContainsFunc(parts, func(f *FulfillmentOrder) bool { return !sameSupplier(f.SupplierID, parts[0].SupplierID) }) {
		a.whose = parts[0].SupplierID
	}
	return true
}

// takeIn takes in what came in of a line: as its owner's as far as the owner has
// shipped it, and the rest as nobody's.
func (t *Transition) takeIn(a *arrival) {
	line, mine := t.Order.Line(a.OrderLineID), a.Restock+a.WriteOff
	if a.whose != nil {
		mine = max(0, min(mine, t.Order.away(line.ID, func(id *string) bool { return sameSupplier(id, a.whose) })))
	}
	restocked := min(a.Restock, mine)
	if mine > 0 {
		a.receive(a.whose, restocked, mine-restocked)
	}
	if rest := a.Restock + a.WriteOff - mine; rest > 0 {
		a.receive(nil, a.Restock-restocked, rest-(a.Restock-restocked))
	}
	line.Returned += a.Restock + a.WriteOff
	if a.Restock > 0 {
		t.stock = append(t.stock, StockEffect{
			ProductID: line.ProductID, LocationID: a.location, Delta: Delta{StateOnHand: a.Restock}, Reason: ReasonReturned,
		})
	}
}

// GiveUp ends a return: what has not come back will not.
func (t *Transition) GiveUp(returnID string) error {
	r := t.Order.Return(returnID)
	if r == nil {
		return NotFound([]string{"returnId"}, "there is no return %.60q", returnID)
	}
	to := ReturnCancelled
	if r.Status == ReturnPartiallyReceived {
		to = ReturnReceived
	}
	if err := mayTurn(r, ActCancel, to); err != nil {
		return err
	}
	ReturnMachine.move(&r.Status, ActCancel, to)
	t.change(r)
	return nil
}
