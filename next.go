package redline

import "slices"

// mayCancel: suppliers reject, they don't cancel; whoever sees an order
// otherwise may cancel it with the right scope.
func mayCancel(p Principal) bool {
	return p.Role != RoleSupplier && p.Has(ScopeOrdersWrite, ScopeOrdersManage)
}

// holdable: something of the order can still be stopped.
func (o *Order) holdable() bool { return !o.Held() && o.waiting() }

// waiting: something of the order is neither shipped nor cancelled.
func (o *Order) waiting() bool {
	return slices.ContainsFunc(o.Lines, func(l *OrderLine) bool { return l.Open+l.Backordered > 0 })
}

// cancellable: something is left to cancel, or to ask a supplier to.
func (o *Order) cancellable() bool {
	return !o.Held() && (slices.ContainsFunc(o.Lines, func(l *OrderLine) bool { return l.Backordered > 0 }) ||
		slices.ContainsFunc(o.FulfillmentOrders, func(f *FulfillmentOrder) bool { return f.cancelsBy() != "" }))
}

// NextFor says what an order, with its parts and shipments loaded, may become
// next by a principal's hand.
func (o *Order) NextFor(p Principal) []OrderStatus {
	next := []OrderStatus{}
	if o.Held() {
		if p.Has(ScopeOrdersManage) {
			free := *o
			free.HoldReason = nil
			next = append(next, free.RollUp())
		}
		return next
	}
	t := Transition{Order: o, By: p}
	fulfills := p.Has(ScopeFulfillmentsWrite, ScopeOrdersManage)
	if fulfills && len(t.parts(ActAccept)) > 0 {
		next = append(next, OrderProcessing)
	}
	if p.Has(ScopeOrdersManage) && o.holdable() {
		next = append(next, OrderOnHold)
	}
	if fulfills && len(t.parts(ActShip)) > 0 {
		next = append(next, OrderShipped)
	}
	if fulfills && slices.ContainsFunc(o.FulfillmentOrders, func(f *FulfillmentOrder) bool {
		return f.TouchableBy(p) && slices.ContainsFunc(f.Fulfillments, func(s *Fulfillment) bool { return s.Status == ShipmentShipped })
	}) {
		next = append(next, OrderDelivered)
	}
	if o.cancellable() && mayCancel(p) {
		next = append(next, OrderCancelled)
	}
	return next
}
