package traffic

import (
	"cmp"
	"context"
	"fmt"
	"slices"
)

const queryOrder = `query TrafficOrder($id: ID!) { order(by: { id: $id }) { status
	fulfillmentOrders { id status location { code } supplier { code } lines { id quantity accepted shipped } fulfillments { id status } } } }`

// orderNow is an order as the gateway tells it.
type orderNow struct {
	Status            string
	FulfillmentOrders []part
}

// part is a fulfilment order.
type part struct {
	ID, Status string
	Location   struct{ Code string }
	Supplier   *struct{ Code string }
	Lines      []struct {
		ID                string
		Quantity, Shipped int
		Accepted          *int
	}
	Fulfillments []struct{ ID, Status string }
}

func (p *part) supplier() string {
	if p.Supplier == nil {
		return ""
	}
	return p.Supplier.Code
}

const partSelection = "fulfillmentOrder { order { status } }"

var (
	acceptPart       = mutation{"fulfillmentOrderAccept", "FulfillmentOrderRespondInput", partSelection}
	rejectPart       = mutation{"fulfillmentOrderReject", "FulfillmentOrderRespondInput", partSelection}
	acceptCancelling = mutation{"fulfillmentOrderAcceptCancellation", "FulfillmentOrderRespondInput", partSelection}
	rejectCancelling = mutation{"fulfillmentOrderRejectCancellation", "FulfillmentOrderRespondInput", partSelection}
	ship             = mutation{"fulfillmentCreate", "FulfillmentCreateInput", partSelection}
	markShipped      = mutation{"fulfillmentMarkShipped", "FulfillmentShippedInput", partSelection}
	markDelivered    = mutation{"fulfillmentMarkDelivered", "FulfillmentDeliveredInput", partSelection}
	markFailed       = mutation{"fulfillmentMarkFailed", "FulfillmentEndInput", partSelection}
)

// step is what is done next for an order, and after how many ticks at least and at
// most somebody looks at it again.
type step struct {
	kind        Kind
	mutation    mutation
	as          Actor
	input       map[string]any
	least, most int
}

// followUp does for the order or the return that has been due longest what is to be
// done next.
func (s *simulation) followUp(ctx context.Context) (kind Kind, err error) {
	e := s.errands.take()
	if e.back != nil {
		kind, err = s.takeBack(ctx, e.back)
		if err != nil && !isRefused(err) {
			s.errands.add(e, s.tick+s.between(20, 60))
		}
		return kind, err
	}
	var answer struct{ Order *orderNow }
	if err := s.Gateway.Ask(ctx, operator, queryOrder, map[string]any{"id": e.order}, &answer); err != nil {
		s.errands.add(e, s.tick+s.between(20, 60))
		return Idle, err
	}
	next := s.nextStep(answer.Order)
	if next == nil {
		return s.wait(ctx, e, answer.Order)
	}
	e.waits = 0
	var done struct {
		FulfillmentOrder *struct{ Order struct{ Status string } }
	}
	if err := s.change(ctx, next.as, next.mutation, next.input, &done); err != nil {
		s.errands.add(e, s.tick+s.between(20, 60))
		return next.kind, err
	}
	if done.FulfillmentOrder != nil {
		switch done.FulfillmentOrder.Order.Status {
		case "DELIVERED":
			s.noteDelivered(e)
			return next.kind, nil
		case "CANCELLED":
			return next.kind, nil
		}
	}
	s.errands.add(e, s.tick+s.between(next.least, next.most))
	return next.kind, nil
}

// nextStep is the first thing that somebody can do for an order; nil where there is
// nothing. Suppliers that are silent do nothing. What is on its way arrives once all the rest
// has left that can.
func (s *simulation) nextStep(o *orderNow) *step {
	if o == nil || o.Status == "ON_HOLD" {
		return nil
	}
	slices.SortStableFunc(o.FulfillmentOrders, func(a, b part) int { return cmp.Compare(a.Location.Code, b.Location.Code) })
	var next, arrival *step
	for i := range o.FulfillmentOrders {
		p := &o.FulfillmentOrders[i]
		if s.outage.silent(p.supplier()) {
			continue
		}
		if next != nil {
			if p.inHand() { // it isn't kept waiting for a parcel to arrive
				next.least, next.most = min(next.least, 10), min(next.most, 40)
			}
			continue
		}
		if next = s.stepOf(p); next == nil && arrival == nil {
			arrival = s.arrivalOf(p)
		}
	}
	if next == nil {
		return arrival
	}
	return next
}

// inHand is whether there may be something to do for a part before it has left.
func (p *part) inHand() bool {
	return slices.Contains([]string{"SUBMITTED", "ACCEPTED", "PARTIALLY_ACCEPTED", "IN_PROGRESS", "CANCELLATION_REQUESTED"}, p.Status)
}

// stepOf is what is done next for a part of an order that is in hand.
func (s *simulation) stepOf(p *part) *step {
	as, about := by(p.supplier()), map[string]any{"fulfillmentOrderId": p.ID}
	switch p.Status {
	case "SUBMITTED":
		draw := s.random.Float64()
		switch {
		case p.Supplier != nil && draw < 0.03:
			about["reason"] = "no longer made"
			return &step{Reject, rejectPart, as, about, 5, 20}
		case p.Supplier != nil && draw < 0.06 && p.Lines[0].Quantity > 1:
			about["lines"] = s.somewhatLess(p)
			return &step{Accept, acceptPart, as, about, 20, 80}
		}
		return &step{Accept, acceptPart, as, about, 10, 80}
	case "CANCELLATION_REQUESTED":
		if s.chance(0.2) {
			about["reason"] = "it is packed already"
			return &step{Reject, rejectCancelling, as, about, 10, 40}
		}
		return &step{Cancel, acceptCancelling, as, about, 5, 20}
	}
	for _, f := range p.Fulfillments {
		if f.Status == "PENDING" {
			return &step{Ship, markShipped, as, map[string]any{"fulfillmentId": f.ID}, 60, 200}
		}
	}
	switch p.Status {
	case "ACCEPTED", "PARTIALLY_ACCEPTED", "IN_PROGRESS":
		return s.shipping(p, as, about)
	}
	return nil
}

// arrivalOf is what becomes of the first parcel of a part that is on its way: nearly all
// arrive.
func (s *simulation) arrivalOf(p *part) *step {
	for _, f := range p.Fulfillments {
		if f.Status != "SHIPPED" {
			continue
		}
		of := map[string]any{"fulfillmentId": f.ID}
		if s.chance(0.005) {
			of["reason"] = "lost by the carrier"
			return &step{Lose, markFailed, by(p.supplier()), of, 5, 20}
		}
		return &step{Deliver, markDelivered, by(p.supplier()), of, 5, 20}
	}
	return nil
}

// shipping ships what remains of a part, sometimes a piece of it, and sometimes it
// is made ready first.
func (s *simulation) shipping(p *part, as Actor, about map[string]any) *step {
	about["carrier"] = []string{"UPS", "FedEx", "DHL", "USPS"}[s.random.IntN(4)]
	about["trackingNumber"] = fmt.Sprintf("TR%09d", s.random.IntN(1_000_000_000))
	if s.chance(0.15) {
		about["pending"] = true
		return &step{Ship, ship, as, about, 10, 40}
	}
	first := p.Lines[0]
	due := first.Quantity
	if first.Accepted != nil {
		due = *first.Accepted
	}
	if left := due - first.Shipped; left > 1 && s.chance(0.08) {
		about["lines"] = []any{map[string]any{"lineId": first.ID, "quantity": left / 2}}
		return &step{Ship, ship, as, about, 20, 60}
	}
	return &step{Ship, ship, as, about, 60, 200}
}

// somewhatLess accepts all of a part but a piece of its first line.
func (s *simulation) somewhatLess(p *part) []any {
	var lines []any
	for i, l := range p.Lines {
		accepted := l.Quantity
		if i == 0 {
			accepted = s.between(1, l.Quantity-1)
		}
		lines = append(lines, map[string]any{"lineId": l.ID, "accepted": accepted})
	}
	return lines
}

// patience is how often an order of ours may be looked at in vain before its customer
// gives up what is still missing.
const patience = 6

// wait is for an order for which nobody can do anything now: it is done with, or
// something of it isn't there, or with a supplier that is silent.
func (s *simulation) wait(ctx context.Context, e *errand, o *orderNow) (Kind, error) {
	if o == nil {
		return Idle, nil
	}
	switch o.Status {
	case "DELIVERED":
		s.noteDelivered(e)
		return Idle, nil
	case "CANCELLED", "SHIPPED": // of what was shipped something got lost
		return Idle, nil
	}
	e.waits++
	if e.own && e.waits > patience && o.Status != "ON_HOLD" {
		e.waits = 0
		s.errands.add(e, s.tick+s.between(20, 60))
		return Cancel, s.change(ctx, shop, cancelOrder, map[string]any{"orderId": e.order, "reason": "it took too long"}, nil)
	}
	// The more often in vain, the longer until somebody looks again.
	s.errands.add(e, s.tick+min(40*e.waits, 1000)+s.between(0, 40))
	return Idle, nil
}

var receiveReturn = mutation{"returnReceive", "ReturnReceiveInput", ""}

// takeBack is what the warehouse does with a return that has arrived.
func (s *simulation) takeBack(ctx context.Context, back *comingBack) (Kind, error) {
	broken := 0
	if s.chance(0.3) {
		broken = s.between(1, back.quantity)
	}
	input := map[string]any{
		"returnId": back.id, "lines": []any{map[string]any{"lineId": back.line, "restock": back.quantity - broken, "writeOff": broken}},
	}
	err := s.change(ctx, operator, receiveReturn, input, nil)
	if isRefused(err) && len(s.world.warehouses) > 0 { // it was shipped from several places: it came in at ours
		input["locationId"] = s.world.warehouses[0]
		err = s.change(ctx, operator, receiveReturn, input, nil)
	}
	return Receive, err
}
