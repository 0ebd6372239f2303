package graph

import "redline"

// orderAsTold is the order of an event as a principal who may see it may see
// it, with what it may become next. It is a copy throughout: events are shared
// by all who are told of them, and a preloader fills in the rest.
func orderAsTold(e *redline.OrderEvent, p redline.Principal) *redline.Order {
	o := e.Order
	o.Lines = copies(e.Order.Lines)
	o.FulfillmentOrders = copies(e.Order.FulfillmentOrders)
	for _, f := range o.FulfillmentOrders {
		f.Lines = copies(f.Lines)
		for _, l := range f.Lines {
			l.OrderLine = o.Line(l.OrderLineID)
		}
		f.Fulfillments = copies(f.Fulfillments)
		for _, shipment := range f.Fulfillments {
			shipment.Lines = copies(shipment.Lines)
			for _, l := range shipment.Lines {
				l.OrderLine = o.Line(l.OrderLineID)
			}
		}
		f.NextStatuses = f.NextFor(p, o.Held())
	}
	o.Returns = copies(e.Order.Returns)
	for _, r := range o.Returns {
		r.Lines = copies(r.Lines)
		for _, l := range r.Lines {
			l.OrderLine = o.Line(l.OrderLineID)
		}
	}
	// Before it is masked: what may come next follows from all of it.
	o.NextStatuses = o.NextFor(p)
	seen := o.For(p)
	for _, f := range seen.FulfillmentOrders {
		f.Order = seen
	}
	for _, r := range seen.Returns {
		r.Order = seen
	}
	return seen
}

// copies copies a list and what its members hold. It never returns nil, which
// would stand for a relation that isn't loaded.
func copies[T any](list []*T) []*T {
	out := make([]*T, len(list))
	for i, v := range list {
		c := *v
		out[i] = &c
	}
	return out
}
