package redline_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redline"
)

var orderStatuses = []redline.OrderStatus{
	redline.OrderPending, redline.OrderProcessing, redline.OrderOnHold, redline.OrderPartiallyShipped,
	redline.OrderShipped, redline.OrderDelivered, redline.OrderCancelled,
}

// level names the stock that a part holds.
type level struct{ product, location string }

// holdings is what the open parts of an order hold committed.
func holdings(o *redline.Order) map[level]int {
	held := map[level]int{}
	for _, f := range o.FulfillmentOrders {
		for _, l := range f.Lines {
			if n := f.Remaining(l); n != 0 {
				held[level{o.Line(l.OrderLineID).ProductID, f.LocationID}] += n
			}
		}
	}
	return held
}

// orderMachine applies random transitions to one order, beside a model of what
// is committed for it.
type orderMachine struct {
	order     *redline.Order
	committed map[level]int
	now       time.Time
	people    []redline.Principal
}

// TestTransitionsKeepTheBooks applies whatever anybody may try, in any order,
// and checks after each step that the books balance.
func TestTransitionsKeepTheBooks(t *testing.T) {
	t.Parallel()
	// Some states are many steps deep: one run of rapid's 100 orders misses them.
	for round := range 5 {
		t.Run(fmt.Sprint(round), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, keepsTheBooks)
		})
	}
}

func keepsTheBooks(t *rapid.T) {
	o := drawOrder(t)
	m := &orderMachine{order: o, committed: holdings(o), now: placedAt, people: everybody()}
	actions := map[string]func(*rapid.T){
		"hold":      m.hold,
		"release":   m.release,
		"cancel":    m.cancel,
		"setStatus": m.setStatus,
		"offers":    m.offers,
		"fill":      m.fill,
		"accept":    m.accept,
		"reject":    m.reject,
		"answer":    m.answer,
		"withdraw":  m.withdraw,
		"ship":      m.ship,
		"shipment":  m.shipment,
		"":          m.invariants,
	}
	t.Repeat(actions)
}

func (m *orderMachine) draw(t *rapid.T) redline.Principal {
	// Whoever may do the most is drawn the most, or little would happen.
	if rapid.Bool().Draw(t, "by an operator") {
		return as(redline.RoleOperator)
	}
	return rapid.SampledFrom(m.people).Draw(t, "by")
}

// drawSlip is by how much a quantity may be out of its bounds: mostly 0.
func drawSlip(t *rapid.T) int {
	return rapid.SampledFrom([]int{0, 0, 0, 1}).Draw(t, "slip")
}

// drawPart is a part of the order; nil where all of it is backordered.
func (m *orderMachine) drawPart(t *rapid.T) *redline.FulfillmentOrder {
	if len(m.order.FulfillmentOrders) == 0 {
		return nil
	}
	return rapid.SampledFrom(m.order.FulfillmentOrders).Draw(t, "part")
}

// step applies one transition, which has to be taken where the rules say so,
// and checks everything that holds for any. did is what it does.
func (m *orderMachine) step(
	t *rapid.T, by redline.Principal, allowed bool, did redline.Action, apply func(*redline.Transition) error,
) bool {
	m.now = m.now.Add(time.Minute)
	before := clone(m.order)
	tr := redline.NewTransition(m.order, by, m.now)
	tr.Note = rapid.SampledFrom([]*string{nil, ptr("a note")}).Draw(t, "note")
	err := apply(tr)
	if (err == nil) != allowed {
		t.Fatalf("allowed is %v, and the answer %v", allowed, err)
	}
	if err != nil {
		mustEqual(t, m.order, before, "the order after a refusal")
		checkRefusal(t, m.order, by, domainError(t, err))
		return false
	}
	if len(tr.Loose()) > 0 {
		m.assign(t, tr)
	}
	m.checkChange(t, before, by, did, tr, tr.Finish())
	return true
}

// assign assigns what a transition made loose to what there is, and checks that
// nothing goes where it may not.
func (m *orderMachine) assign(t *rapid.T, tr *redline.Transition) {
	there := map[string][]redline.Source{}
	free := map[level]int{}
	for _, product := range []string{"hot sauce", "chai"} {
		for _, s := range sources() {
			s.Available = rapid.IntRange(0, 3).Draw(t, product+" at "+s.LocationID)
			s.Stale = s.SupplierID != nil && rapid.Bool().Draw(t, "stale")
			there[product] = append(there[product], s)
			free[level{product, s.LocationID}] = s.Available
		}
	}
	before := clone(m.order)
	offered := map[string][]redline.Source{}
	for product, of := range there {
		offered[product] = slices.Clone(of)
	}
	tr.Assign(there)
	for _, f := range m.order.FulfillmentOrders[len(before.FulfillmentOrders):] {
		for _, l := range f.Lines {
			line := m.order.Line(l.OrderLineID)
			free[level{line.ProductID, f.LocationID}] -= l.Quantity
			if !mayCome(before, line, f.LocationID, offered[line.ProductID]) {
				t.Fatalf("%s was assigned to %s", line.ID, f.LocationID)
			}
		}
	}
	for product, of := range there {
		for _, s := range of {
			mustEqual(t, s.Available, free[level{product, s.LocationID}], "what is left of %s at %s", product, s.LocationID)
			if s.Available < 0 {
				t.Fatalf("more of %s than there is was taken at %s", product, s.LocationID)
			}
		}
	}
	for _, line := range m.order.Lines {
		for _, s := range there[line.ProductID] {
			if line.Backordered > 0 && s.Available > 0 && !m.order.Held() && mayCome(before, line, s.LocationID, there[line.ProductID]) {
				t.Fatalf("%s waits, and %d are at %s", line.ID, s.Available, s.LocationID)
			}
		}
	}
}

// mayCome is the rule of where a line may come from.
func mayCome(o *redline.Order, line *redline.OrderLine, location string, there []redline.Source) bool {
	for _, s := range there {
		if s.LocationID == location && s.Stale && !o.AllowStale {
			return false
		}
	}
	for _, f := range o.FulfillmentOrders {
		for _, l := range f.Lines {
			refused := f.Status == redline.PartRejected || l.Accepted != nil && *l.Accepted+l.Withdrawn < l.Quantity
			if refused && f.LocationID == location && o.Line(l.OrderLineID).ProductID == line.ProductID {
				return false
			}
		}
	}
	return line.LocationID == nil || *line.LocationID == location
}

// fill assigns what is backordered, as stock does that arrives.
func (m *orderMachine) fill(t *rapid.T) {
	m.now = m.now.Add(time.Minute)
	before := clone(m.order)
	tr := redline.NewTransition(m.order, redline.System(), m.now)
	m.assign(t, tr)
	if !tr.Changed() {
		mustEqual(t, m.order, before, "the order that got nothing")
		return
	}
	m.checkChange(t, before, redline.System(), assigned, tr, tr.Finish())
}

// checkRefusal checks the facts that the code of a refusal promises.
func checkRefusal(t *rapid.T, o *redline.Order, by redline.Principal, e *redline.Error) {
	if e.Code != redline.CodeInvalidTransition {
		return
	}
	want := texts(o.NextFor(by))
	if slices.Equal(e.Field, []string{"fulfillmentOrderId"}) {
		want = nil
		for _, f := range o.FulfillmentOrders {
			if f.TouchableBy(by) && e.From == string(f.Status) {
				want = append(want, fmt.Sprint(texts(f.NextFor(by, o.Held()))))
			}
		}
		if !slices.Contains(want, fmt.Sprint(e.Allowed)) {
			t.Fatalf("allowed is %v, and no %s part of the caller's may become that, but %v", e.Allowed, e.From, want)
		}
		return
	}
	if slices.Equal(e.Field, []string{"fulfillmentId"}) {
		from := redline.FulfillmentStatus(e.From)
		if ours := texts(afterShipment(from, o.Held(), true)); !slices.Equal(e.Allowed, ours) {
			mustEqual(t, e.Allowed, texts(afterShipment(from, o.Held(), false)), "what a shipment may become that is %s", e.From)
		}
		return
	}
	if slices.Equal(e.Field, []string{"status"}) {
		want = texts(settable(o, by))
	} else {
		mustEqual(t, e.Field, []string{"orderId"}, "the path")
	}
	mustEqual(t, e.From, string(o.Status), "from")
	mustEqual(t, e.Allowed, want, "allowed")
}

func texts[S ~string](in []S) []string {
	out := []string{}
	for _, s := range in {
		out = append(out, string(s))
	}
	return out
}

// assigned is what is done where stock arrives. It moves no status.
const assigned redline.Action = "assign"

func (m *orderMachine) checkChange(
	t *rapid.T, before *redline.Order, by redline.Principal, did redline.Action, tr *redline.Transition, c redline.Change,
) {
	o := m.order
	if (before.Status == redline.OrderCancelled || before.Status == redline.OrderDelivered) && len(tr.Late()) == 0 {
		t.Fatalf("an order that was %s has changed", before.Status)
	}
	mustEqual(t, o.Version, before.Version+1, "the order's version")
	mustEqual(t, o.UpdatedAt, m.now, "updatedAt")
	mustEqual(t, c.From, before.Status, "from")
	if o.Status != before.Status && !slices.Contains(redline.OrderMachine.To(before.Status, did), o.Status) {
		t.Fatalf("an order that was %s is %s by %q, which its table doesn't know", before.Status, o.Status, did)
	}
	m.checkParts(t, before, c, tr.Late())
	m.checkStock(t, before, c)

	var told []string
	all := before.Held() != o.Held() || wholeCancelled(before, o)
	for _, f := range o.FulfillmentOrders {
		if f.SupplierCode != nil && (all || slices.Contains(c.Parts, f)) && !slices.Contains(told, *f.SupplierCode) {
			told = append(told, *f.SupplierCode)
		}
	}
	slices.Sort(told)
	suppliers := slices.Sorted(slices.Values(c.Suppliers))
	if !slices.Equal(suppliers, told) {
		t.Fatalf("told are %v, want %v", suppliers, told)
	}

	noted := o.Status != before.Status || tr.Note != nil
	mustEqual(t, c.History != nil, noted, "whether the history grows")
	if !noted {
		mustEqual(t, len(o.History), len(before.History), "the history's length")
		return
	}
	mustEqual(t, o.History[len(before.History):], []*redline.OrderStatusChange{c.History}, "what the history gained")
	mustEqual(t, *c.History, redline.OrderStatusChange{
		OrderID: o.ID, From: &before.Status, To: o.Status, Actor: &by.Subject, Note: tr.Note, At: m.now,
	}, "the line of history")
}

// wholeCancelled: the order was cancelled, and not only what a supplier was asked
// for.
func wholeCancelled(before, after *redline.Order) bool {
	for i, was := range before.FulfillmentOrders {
		asked := was.Status == redline.PartCancellationRequested
		if now := after.FulfillmentOrders[i]; asked && now.Version != was.Version {
			return false
		} else if !asked && now.Status == redline.PartCancellationRequested {
			return true
		}
	}
	for i, l := range after.Lines {
		if l.Cancelled > before.Lines[i].Cancelled {
			return true
		}
	}
	return false
}

// checkParts: a part has a new version where, and only where, it changed, and
// what is at an end stays so.
func (m *orderMachine) checkParts(t *rapid.T, before *redline.Order, c redline.Change, lateOnes []redline.LateShipment) {
	var shipments []*redline.Fulfillment
	for _, f := range m.order.FulfillmentOrders[len(before.FulfillmentOrders):] {
		mustEqual(t, []any{f.Status, f.Version, slices.Contains(c.Parts, f), slices.Contains(c.Made, f)},
			[]any{redline.PartSubmitted, 1, true, true}, "a new part")
		mustEqual(t, f.AcknowledgeBy != nil, f.SupplierID != nil, "whether a supplier has to answer")
	}
	mustEqual(t, len(c.Made), len(m.order.FulfillmentOrders)-len(before.FulfillmentOrders), "the number of new parts")
	for i, was := range before.FulfillmentOrders {
		f := m.order.FulfillmentOrders[i]
		same := *f
		same.Version, same.Order = was.Version, was.Order
		changed := !sameParts(&same, was)
		mustEqual(t, slices.Contains(c.Parts, f), changed, "whether %s is among the changed parts", f.ID)
		want := was.Version
		if changed {
			want++
		}
		mustEqual(t, f.Version, want, "the version of %s", f.ID)
		late := f.SupplierCode != nil && f.Status == redline.PartClosed &&
			slices.ContainsFunc(lateOnes, func(l redline.LateShipment) bool { return l.Part == f })
		if !was.IsOpen() && !late && (f.Status != was.Status || !reflect.DeepEqual(quantities(f), quantities(was))) {
			t.Fatalf("%s was %s and has become %s, from %v to %v", f.ID, was.Status, f.Status, quantities(was), quantities(f))
		}
		mustEqual(t, f.StatusBefore != nil, f.Status == redline.PartCancellationRequested, "whether %s knows what it was", f.ID)
		if before.Held() && m.order.Held() && withdrawn(f) == withdrawn(was) && !reflect.DeepEqual(quantities(f), quantities(was)) {
			t.Fatalf("%s moved while the order was held", f.ID)
		}
		shipments = append(shipments, f.Fulfillments[len(was.Fulfillments):]...)
	}
	mustEqual(t, len(c.Shipments), len(shipments), "the number of new shipments")
	for _, s := range shipments {
		ready := s.Status == redline.ShipmentShipped && s.ShippedAt != nil || s.Status == redline.ShipmentPending && s.ShippedAt == nil
		if !slices.Contains(c.Shipments, s) || !ready || len(s.Lines) == 0 {
			t.Fatalf("%+v is not a new shipment among %v", *s, c.Shipments)
		}
	}
}

func withdrawn(f *redline.FulfillmentOrder) (n int) {
	for _, l := range f.Lines {
		n += l.Withdrawn
	}
	return n
}

// sameParts compares what parts hold, not where they point.
func sameParts(a, b *redline.FulfillmentOrder) bool {
	return a.Status == b.Status && reflect.DeepEqual(quantities(a), quantities(b)) && reflect.DeepEqual(a.Fulfillments, b.Fulfillments)
}

// quantities are a part's lines in numbers; an unanswered line has accepted -1.
func quantities(f *redline.FulfillmentOrder) (out [][3]int) {
	for _, l := range f.Lines {
		accepted := -1
		if l.Accepted != nil {
			accepted = *l.Accepted
		}
		out = append(out, [3]int{l.Quantity, accepted, l.Shipped})
	}
	return out
}

// checkStock applies the effects to the model, which has to end at what the
// parts now hold and never be negative on the way.
func (m *orderMachine) checkStock(t *rapid.T, before *redline.Order, c redline.Change) {
	shipped := map[level]int{}
	for _, e := range c.Stock {
		at := level{e.ProductID, e.LocationID}
		n := e.Delta[redline.StateCommitted]
		if e.Reason == redline.ReasonShipped {
			shipped[at] += e.Ship
		} else {
			mustEqual(t, e.Ship, 0, "what leaves %v by a %s", at, e.Reason)
		}
		if e.Fact {
			mustEqual(t, e.Delta, redline.Delta{}, "what a fact gives back at %v", at)
			continue
		}
		mustEqual(t, e.Delta, redline.Delta{redline.StateCommitted: n}, "the delta at %v", at)
		if n == 0 || (n > 0) != (e.Reason == redline.ReasonCommitted) {
			t.Fatalf("a %s committed %d more at %v", e.Reason, n, at)
		}
		if m.committed[at] += n; m.committed[at] < 0 {
			t.Fatalf("at %v more was given back than was committed: %d", at, m.committed[at])
		}
		if m.committed[at] == 0 {
			delete(m.committed, at)
		}
		if e.Reason == redline.ReasonShipped {
			mustEqual(t, e.Ship, -n, "what leaves %v", at)
		}
	}
	mustEqual(t, m.committed, holdings(m.order), "what is committed, against what the parts hold")

	left := map[level]int{}
	for i, f := range m.order.FulfillmentOrders[:len(before.FulfillmentOrders)] {
		for j, l := range f.Lines {
			if n := l.Shipped - before.FulfillmentOrders[i].Lines[j].Shipped; n != 0 {
				left[level{m.order.Line(l.OrderLineID).ProductID, f.LocationID}] += n
			}
		}
	}
	mustEqual(t, shipped, left, "what left, against what the parts have shipped")
}

// invariants hold between any two steps.
func (m *orderMachine) invariants(t *rapid.T) {
	o := m.order
	mustEqual(t, o.Status, o.RollUp(), "the status, against the roll-up")
	mustEqual(t, o.Held(), o.HoldReason != nil, "held, against having a reason")
	open, shipped := map[string]int{}, map[string]int{}
	for _, f := range o.FulfillmentOrders {
		left := 0
		sent, pending := map[string]int{}, map[string]int{}
		for _, s := range f.Fulfillments {
			for _, l := range s.Lines {
				switch s.Status {
				case redline.ShipmentPending:
					pending[l.FulfillmentOrderLineID] += l.Quantity
				case redline.ShipmentCancelled:
				default:
					sent[l.FulfillmentOrderLineID] += l.Quantity
				}
			}
		}
		for _, l := range f.Lines {
			n := f.Remaining(l)
			if n < 0 {
				t.Fatalf("%d remains of %s", n, l.ID)
			}
			mustEqual(t, l.Shipped, sent[l.ID], "shipped of %s, against its shipments", l.ID)
			if pending[l.ID] > n {
				t.Fatalf("%d are pending of %s, of which %d remain", pending[l.ID], l.ID, n)
			}
			left += n
			open[l.OrderLineID] += n
			shipped[l.OrderLineID] += l.Shipped
		}
		mustEqual(t, f.IsOpen(), left > 0, "whether %s, which is %s and has %d left, is open", f.ID, f.Status, left)
	}
	for _, l := range o.Lines {
		mustEqual(t, l.Open+l.Backordered+l.Shipped+l.Cancelled, l.Quantity, "the sum of %+v", *l)
		mustEqual(t, l.Open, open[l.ID], "open of %s, against what its parts hold", l.ID)
		mustEqual(t, l.Shipped, shipped[l.ID], "shipped of %s, against its parts", l.ID)
		if min(l.Open, l.Backordered, l.Shipped, l.Cancelled) < 0 {
			t.Fatalf("a quantity is negative: %+v", *l)
		}
	}
}

func (m *orderMachine) accept(t *rapid.T) {
	by, f := m.draw(t), m.drawPart(t)
	if f == nil {
		return
	}
	was := clone(m.order)
	ok := f.TouchableBy(by) && !m.order.Held() && f.Status == redline.PartSubmitted
	var responses []redline.LineResponse
	want := redline.PartAccepted
	if rapid.Bool().Draw(t, "line by line") {
		total, slip := 0, drawSlip(t)
		for _, l := range f.Lines {
			asked := f.Remaining(l)
			n := rapid.IntRange(-slip, asked+slip).Draw(t, "accepted")
			ok = ok && n >= 0 && n <= asked
			if n < asked {
				want = redline.PartPartiallyAccepted
			}
			total += n
			responses = append(responses, redline.LineResponse{LineID: l.ID, Accepted: n})
		}
		ok = ok && total > 0
	}
	did := redline.ActAccept
	if want == redline.PartPartiallyAccepted {
		did = redline.ActAcceptSome
	}
	if m.step(t, by, ok, did, func(tr *redline.Transition) error { return tr.Accept(f.ID, responses) }) {
		mustEqual(t, f.Status, want, "the part's status")
		for i, l := range m.order.Lines {
			mustEqual(t, l.Open+l.Backordered, was.Lines[i].Open+was.Lines[i].Backordered, "what %s still waits for", l.ID)
		}
	}
}

func (m *orderMachine) reject(t *rapid.T) {
	by, f := m.draw(t), m.drawPart(t)
	if f == nil {
		return
	}
	ok := f.TouchableBy(by) && !m.order.Held() && f.Status == redline.PartSubmitted
	if m.step(t, by, ok, redline.ActReject, func(tr *redline.Transition) error { return tr.Reject(f.ID) }) {
		mustEqual(t, f.Status, redline.PartRejected, "the part's status")
	}
}

// answer answers what a part's supplier may have been asked: to cancel it.
func (m *orderMachine) answer(t *rapid.T) {
	by, f := m.draw(t), m.drawPart(t)
	if f == nil {
		return
	}
	ok := f.TouchableBy(by) && !m.order.Held() && f.Status == redline.PartCancellationRequested
	was := clone(m.order).Part(f.ID)
	if rapid.Bool().Draw(t, "yes") {
		if m.step(t, by, ok, redline.ActAcceptCancellation, func(tr *redline.Transition) error { return tr.AcceptCancellation(f.ID) }) {
			mustEqual(t, f.Status, ended(f), "the part's status")
		}
	} else if m.step(t, by, ok, redline.ActRejectCancellation, func(tr *redline.Transition) error { return tr.RejectCancellation(f.ID) }) {
		mustEqual(t, f.Status, *was.StatusBefore, "the part's status")
		mustEqual(t, quantities(f), quantities(was), "what the part holds")
	}
}

// ended is what a part is of which nothing more is to be shipped.
func ended(f *redline.FulfillmentOrder) redline.FulfillmentOrderStatus {
	if slices.ContainsFunc(f.Lines, func(l *redline.FulfillmentOrderLine) bool { return l.Shipped > 0 }) {
		return redline.PartClosed
	}
	return redline.PartCancelled
}

// withdraw takes off a part what its location can't keep.
func (m *orderMachine) withdraw(t *rapid.T) {
	f := m.drawPart(t)
	if f == nil {
		return
	}
	l := rapid.SampledFrom(f.Lines).Draw(t, "line")
	rest, slip := f.Remaining(l), drawSlip(t)
	n := rapid.IntRange(min(1-slip, rest), rest+slip).Draw(t, "withdrawn")
	was := clone(m.order)
	ok := n >= 1 && n <= rest
	if !m.step(t, redline.System(), ok, redline.ActWithdraw, func(tr *redline.Transition) error { return tr.Withdraw(f.ID, l.ID, n) }) {
		return
	}
	mustEqual(t, f.Remaining(l), rest-n, "what remains of the line")
	if !f.IsOpen() {
		mustEqual(t, f.Status, ended(f), "the part's status")
		return
	}
	mustEqual(t, f.Status, was.Part(f.ID).Status, "the part's status")
}

// shippableOf is how much of a part's line could be told as shipped.
func shippableOf(o *redline.Order, f *redline.FulfillmentOrder, l *redline.FulfillmentOrderLine) int {
	if !f.IsOpen() {
		line := o.Line(l.OrderLineID)
		return min(l.Quantity-l.Shipped, line.Cancelled+line.Backordered)
	}
	n := f.Remaining(l)
	for _, s := range f.Fulfillments {
		for _, sent := range s.Lines {
			if s.Status == redline.ShipmentPending && sent.FulfillmentOrderLineID == l.ID {
				n -= sent.Quantity
			}
		}
	}
	return n
}

func (m *orderMachine) ship(t *rapid.T) {
	by, f := m.draw(t), m.drawPart(t)
	if f == nil {
		return
	}
	s := redline.Shipment{Pending: rapid.Bool().Draw(t, "pending")}
	late := !f.IsOpen()
	ok := f.TouchableBy(by) && !m.order.Held() && (!late || f.SupplierCode != nil && !s.Pending)
	ok = ok && (!s.Pending || f.Status != redline.PartCancellationRequested)
	remaining, most := 0, 0
	for _, l := range f.Lines {
		remaining += f.Remaining(l)
		n := shippableOf(m.order, f, l)
		most += n
	}
	var lines []redline.ShipLine
	told := most
	if rapid.Bool().Draw(t, "line by line") {
		slip := drawSlip(t)
		for _, l := range f.Lines {
			if rapid.Bool().Draw(t, "of "+l.ID) {
				n := shippableOf(m.order, f, l)
				q := rapid.IntRange(min(1-slip, n), n+slip).Draw(t, "shipped")
				ok = ok && q >= 1 && q <= n
				if lines == nil {
					told = 0
				}
				told += q
				lines = append(lines, redline.ShipLine{LineID: l.ID, Quantity: q})
			}
		}
	}
	if late && lines == nil {
		told = 0
		for _, l := range f.Lines {
			n := l.Quantity
			if l.Accepted != nil && f.Status != redline.PartRejected {
				n = *l.Accepted
			}
			told += n - l.Shipped
			ok = ok && n-l.Shipped <= shippableOf(m.order, f, l)
		}
	}
	ok = ok && told > 0
	want := redline.PartInProgress
	if late || !s.Pending && told == remaining {
		want = redline.PartClosed
	}
	did := redline.ActShip
	switch {
	case s.Pending:
		did = redline.ActPrepare
	case late:
		did = redline.ActShipLate
	}
	if m.step(t, by, ok, did, func(tr *redline.Transition) error { return tr.Ship(f.ID, lines, s) }) {
		mustEqual(t, f.Status, want, "the part's status")
	}
}

// afterShipment is the rules' table of shipments.
func afterShipment(s redline.FulfillmentStatus, held, ours bool) []redline.FulfillmentStatus {
	switch {
	case s == redline.ShipmentCancelled && !held && !ours: // it may have left all the same
		return []redline.FulfillmentStatus{redline.ShipmentShipped}
	case s == redline.ShipmentPending && held:
		return []redline.FulfillmentStatus{redline.ShipmentCancelled}
	case s == redline.ShipmentPending:
		return []redline.FulfillmentStatus{redline.ShipmentShipped, redline.ShipmentCancelled}
	case s == redline.ShipmentShipped:
		return []redline.FulfillmentStatus{redline.ShipmentDelivered, redline.ShipmentFailed}
	}
	return nil
}

// shipment tries to move a shipment on.
func (m *orderMachine) shipment(t *rapid.T) {
	var shipments []*redline.Fulfillment
	for _, f := range m.order.FulfillmentOrders {
		shipments = append(shipments, f.Fulfillments...)
	}
	by := m.draw(t)
	to := rapid.SampledFrom([]redline.FulfillmentStatus{
		redline.ShipmentShipped, redline.ShipmentDelivered, redline.ShipmentFailed, redline.ShipmentCancelled,
	}).Draw(t, "to")
	did := map[redline.FulfillmentStatus]redline.Action{
		redline.ShipmentShipped: redline.ActShip, redline.ShipmentDelivered: redline.ActDeliver, redline.ShipmentFailed: redline.ActFail,
	}[to] // a shipment that is given up leaves the order as it was
	move := func(tr *redline.Transition, id string) error {
		switch to {
		case redline.ShipmentShipped:
			return tr.MarkShipped(id, redline.Shipment{})
		case redline.ShipmentDelivered:
			return tr.Deliver(id, nil)
		case redline.ShipmentFailed:
			return tr.Fail(id)
		}
		return tr.CancelShipment(id)
	}
	if len(shipments) == 0 { // nothing was sent, and so nothing arrives
		m.step(t, by, false, did, func(tr *redline.Transition) error { return move(tr, "a shipment") })
		return
	}
	s := rapid.SampledFrom(shipments).Draw(t, "shipment")
	f := m.order.Part(s.FulfillmentOrderID)
	ok := f.TouchableBy(by) && slices.Contains(afterShipment(s.Status, m.order.Held(), f.SupplierCode == nil), to)
	if s.Status == redline.ShipmentCancelled {
		if !f.IsOpen() {
			did = redline.ActShipLate
		}
		for _, sent := range s.Lines {
			ok = ok && sent.Quantity <= m.mayLeave(f, sent.FulfillmentOrderLineID)
		}
	}
	if m.step(t, by, ok, did, func(tr *redline.Transition) error { return move(tr, s.ID) }) {
		mustEqual(t, s.Status, to, "the shipment's status")
		switch to {
		case redline.ShipmentShipped:
			mustEqual(t, *s.ShippedAt, m.now, "shippedAt")
		case redline.ShipmentDelivered:
			mustEqual(t, *s.DeliveredAt, m.now, "deliveredAt")
		}
	}
}

// mayLeave is how much of a line of a part may still leave, or have left.
func (m *orderMachine) mayLeave(f *redline.FulfillmentOrder, lineID string) int {
	i := slices.IndexFunc(f.Lines, func(l *redline.FulfillmentOrderLine) bool { return l.ID == lineID })
	l := f.Lines[i]
	if !f.IsOpen() {
		line := m.order.Line(l.OrderLineID)
		return min(l.Quantity-l.Shipped, line.Cancelled+line.Backordered)
	}
	n := f.Remaining(l)
	for _, s := range f.Fulfillments {
		for _, sent := range s.Lines {
			if s.Status == redline.ShipmentPending && sent.FulfillmentOrderLineID == lineID {
				n -= sent.Quantity
			}
		}
	}
	return n
}

// waits: something of the order is neither shipped nor cancelled.
func (m *orderMachine) waits() bool {
	return slices.ContainsFunc(m.order.Lines, func(l *redline.OrderLine) bool { return l.Open+l.Backordered > 0 })
}

func (m *orderMachine) hold(t *rapid.T) {
	ok := !m.order.Held() && m.waits()
	if m.step(t, as(redline.RoleOperator), ok, redline.ActHold, func(tr *redline.Transition) error { return tr.Hold("fraud?") }) {
		mustEqual(t, m.order.Status, redline.OrderOnHold, "the status")
	}
}

func (m *orderMachine) release(t *rapid.T) {
	offered := m.order.NextFor(as(redline.RoleOperator))
	if m.step(t, as(redline.RoleOperator), m.order.Held(), redline.ActRelease, (*redline.Transition).ReleaseHold) {
		mustEqual(t, []redline.OrderStatus{m.order.Status}, offered, "the status, against what was offered")
	}
}

func (m *orderMachine) cancel(t *rapid.T) {
	by := rapid.SampledFrom(m.people).Draw(t, "by")
	asks := func(f *redline.FulfillmentOrder) bool {
		return f.SupplierCode != nil && f.Status != redline.PartSubmitted
	}
	ok := slices.ContainsFunc(m.order.Lines, func(l *redline.OrderLine) bool { return l.Backordered > 0 })
	for _, f := range m.order.FulfillmentOrders {
		ok = ok || f.IsOpen() && f.Status != redline.PartCancellationRequested
	}
	ok = ok && !m.order.Held() && by.Role != redline.RoleSupplier && by.Has(redline.ScopeOrdersWrite, redline.ScopeOrdersManage)
	before := clone(m.order)
	if !m.step(t, by, ok, redline.ActCancel, (*redline.Transition).Cancel) {
		return
	}
	asked := map[string]int{}
	for i, f := range m.order.FulfillmentOrders {
		was := before.FulfillmentOrders[i]
		want := was.Status
		switch {
		case !was.IsOpen():
		case asks(was):
			want = redline.PartCancellationRequested
			for _, l := range f.Lines {
				asked[l.OrderLineID] += f.Remaining(l)
			}
			if was.Status != want {
				mustEqual(t, *f.StatusBefore, was.Status, "what %s was", f.ID)
			}
		default:
			want = ended(f)
		}
		mustEqual(t, f.Status, want, "the status of %s", f.ID)
	}
	for i, l := range m.order.Lines {
		was := before.Lines[i]
		mustEqual(t, []int{l.Cancelled, l.Open, l.Backordered}, []int{was.Cancelled + was.Open + was.Backordered - asked[l.ID], asked[l.ID], 0},
			"cancelled, open and backordered of %s", l.ID)
	}
	m.step(t, by, false, redline.ActCancel, (*redline.Transition).Cancel)
}

func (m *orderMachine) setStatus(t *rapid.T) {
	by := m.draw(t)
	to := rapid.SampledFrom(orderStatuses).Draw(t, "to")
	did := map[redline.OrderStatus]redline.Action{
		redline.OrderProcessing: redline.ActAccept, redline.OrderShipped: redline.ActShip, redline.OrderDelivered: redline.ActDeliver,
		redline.OrderCancelled: redline.ActCancel,
	}[to]
	m.step(t, by, accepts(m.order, by, to), did, func(tr *redline.Transition) error { return tr.SetStatus(to) })
}

// accepts says whether SetStatus takes a status: what was offered, but a hold
// and its end, which have actions of their own.
func accepts(o *redline.Order, by redline.Principal, to redline.OrderStatus) bool {
	return !o.Held() && to != redline.OrderOnHold && slices.Contains(o.NextFor(by), to)
}

// offers tries everything on a copy: what is offered is taken, and leads where
// it was said to; what isn't offered is not reached.
func (m *orderMachine) offers(t *rapid.T) {
	for _, by := range m.people {
		m.offersTo(t, by)
	}
}

func (m *orderMachine) offersTo(t *rapid.T, by redline.Principal) {
	held := m.order.Held()
	try := func(apply func(*redline.Transition) error) (*redline.Order, error) {
		c := clone(m.order)
		tr := redline.NewTransition(c, by, m.now)
		err := apply(tr)
		if err == nil {
			tr.Finish()
		}
		return c, err
	}
	for _, to := range orderStatuses {
		_, err := try(func(tr *redline.Transition) error { return tr.SetStatus(to) })
		mustEqual(t, err == nil, accepts(m.order, by, to), "whether %s takes %s, with %v", m.order.Status, to, err)
	}
	if next := m.order.NextFor(by); slices.Contains(next, redline.OrderOnHold) {
		if _, err := try(func(tr *redline.Transition) error { return tr.Hold("why") }); err != nil {
			t.Fatalf("a hold is offered and refused: %v", err)
		}
	}
	for _, f := range m.order.FulfillmentOrders {
		next := f.NextFor(by, held)
		for to, moves := range partMoves(f) {
			reached := false
			for _, move := range moves {
				// Scopes are the door's business.
				if move.fulfills && !by.Has(redline.ScopeFulfillmentsWrite) {
					continue
				}
				c, err := try(move.apply)
				reached = reached || err == nil && f.IsOpen() && c.Part(f.ID).Status == to && c.Part(f.ID).Version > f.Version
			}
			mustEqual(t, reached, slices.Contains(next, to), "whether %s can become %s, of what is offered, %v", f.Status, to, next)
		}
	}
}

// partMove is one way for a part to change.
type partMove struct {
	fulfills bool
	apply    func(*redline.Transition) error
}

// partMoves are the ways in which a part comes to each status.
func partMoves(f *redline.FulfillmentOrder) map[redline.FulfillmentOrderStatus][]partMove {
	var fewer []redline.LineResponse
	var one []redline.ShipLine
	short := false
	for _, l := range f.Lines {
		n := f.Remaining(l)
		if n > 0 && !short {
			short = true
			n--
		}
		fewer = append(fewer, redline.LineResponse{LineID: l.ID, Accepted: n})
		if one == nil && f.Order != nil && shippableOf(f.Order, f, l) > 0 {
			one = []redline.ShipLine{{LineID: l.ID, Quantity: 1}}
		}
	}
	accept := func(r []redline.LineResponse) partMove {
		return partMove{true, func(tr *redline.Transition) error { return tr.Accept(f.ID, r) }}
	}
	ship := func(s redline.Shipment) partMove {
		return partMove{true, func(tr *redline.Transition) error { return tr.Ship(f.ID, one, s) }}
	}
	unpack := partMove{true, func(tr *redline.Transition) error {
		if tr.Order.Held() { // taken, but not a step onwards
			return errors.New("held")
		}
		for _, s := range tr.Order.Part(f.ID).Fulfillments {
			if s.Status == redline.ShipmentPending {
				return tr.CancelShipment(s.ID)
			}
		}
		return tr.CancelShipment("none")
	}}
	shipAll := partMove{true, func(tr *redline.Transition) error {
		part := tr.Order.Part(f.ID)
		for _, s := range part.Fulfillments {
			if s.Status == redline.ShipmentPending {
				if err := tr.MarkShipped(s.ID, redline.Shipment{}); err != nil {
					return err
				}
			}
		}
		if part.Status == redline.PartClosed {
			return nil
		}
		return tr.Ship(f.ID, nil, redline.Shipment{})
	}}
	reject := partMove{true, func(tr *redline.Transition) error { return tr.Reject(f.ID) }}
	cancel := partMove{false, (*redline.Transition).Cancel}
	yes := partMove{true, func(tr *redline.Transition) error { return tr.AcceptCancellation(f.ID) }}
	no := partMove{true, func(tr *redline.Transition) error { return tr.RejectCancellation(f.ID) }}
	return map[redline.FulfillmentOrderStatus][]partMove{
		redline.PartAccepted:              {accept(nil), no},
		redline.PartPartiallyAccepted:     {accept(fewer), no},
		redline.PartRejected:              {reject},
		redline.PartInProgress:            {ship(redline.Shipment{}), ship(redline.Shipment{Pending: true}), unpack, no},
		redline.PartClosed:                {shipAll, cancel, yes},
		redline.PartCancelled:             {cancel, yes},
		redline.PartCancellationRequested: {cancel},
	}
}
