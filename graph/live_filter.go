package graph

import (
	"slices"

	"redline"
	"redline/graph/model"
)

// set is a list of a filter, made for looking up. A nil set narrows nothing,
// an empty one leaves nothing.
type set[T comparable] map[T]bool

func (s set[T]) has(v T) bool { return s == nil || s[v] }

// setOf makes a set of one list of a filter.
func setOf[T comparable](name string, list []T) (set[T], error) {
	if err := bounded(filterList{name, len(list)}); err != nil {
		return nil, err
	}
	if list == nil {
		return nil, nil
	}
	s := make(set[T], len(list))
	for _, v := range list {
		s[v] = true
	}
	return s, nil
}

// told says what an event is for somebody whose filter its subject met before
// or meets after it: a change, or the last they are told; "" is nothing to them.
func told(before, after bool) model.EventKind {
	switch {
	case after:
		return model.EventKindChange
	case before:
		return model.EventKindRemoved
	}
	return ""
}

// levelFilter is the filter of a subscription to levels.
type levelFilter struct {
	products, skus, locations, categories set[string]
	supplier                              *string
	low, stale                            bool
}

func availabilityFilter(in *model.AvailabilityLiveFilter) (*levelFilter, error) {
	if in == nil {
		return &levelFilter{}, nil
	}
	return inventoryFilter(&model.InventoryLiveFilter{
		ProductIds: in.ProductIds, Skus: in.Skus, LocationIds: in.LocationIds, Category: in.Category,
	})
}

func inventoryFilter(in *model.InventoryLiveFilter) (*levelFilter, error) {
	f := &levelFilter{}
	if in == nil {
		return f, nil
	}
	f.supplier, f.low, f.stale = in.SupplierID, value(in.LowOnly), value(in.StaleOnly)
	for _, part := range []struct {
		name string
		list []string
		set  *set[string]
	}{
		{"productIds", in.ProductIds, &f.products},
		{"skus", in.Skus, &f.skus},
		{"locationIds", in.LocationIds, &f.locations},
		{"category", in.Category, &f.categories},
	} {
		var err error
		if *part.set, err = setOf(part.name, part.list); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// concerns holds the filter against what doesn't change of a level.
func (f *levelFilter) concerns(e *redline.LevelEvent) bool {
	return f.products.has(e.Level.ProductID) && f.skus.has(e.SKU) && f.locations.has(e.Level.LocationID) &&
		f.categories.has(e.Category) && (f.supplier == nil || e.SupplierID != nil && *e.SupplierID == *f.supplier)
}

// kind says what an event is under the filter.
func (f *levelFilter) kind(e *redline.LevelEvent) model.EventKind {
	if !f.concerns(e) {
		return ""
	}
	meets := func(low, stale bool) bool { return (low || !f.low) && (stale || !f.stale) }
	return told(meets(e.Before.Low, e.Before.Stale), meets(e.Level.Low(), e.Level.Stale))
}

// orderFilter is the filter of a subscription to orders.
type orderFilter struct {
	orders                      set[string]
	statuses                    set[redline.OrderStatus]
	customer, supplier, product *string
}

func liveOrderFilter(in *model.OrderLiveFilter) (*orderFilter, error) {
	f := &orderFilter{}
	if in == nil {
		return f, nil
	}
	f.customer, f.supplier, f.product = in.CustomerID, in.SupplierID, in.ProductID
	var err error
	if f.orders, err = setOf("orderIds", in.OrderIds); err != nil {
		return nil, err
	}
	if f.statuses, err = setOf("statuses", in.Statuses); err != nil {
		return nil, err
	}
	return f, nil
}

// concerns holds the filter against what doesn't change of an order. It looks
// at no more of it than the principal sees: nobody learns by a filter what they
// can't read.
func (f *orderFilter) concerns(o *redline.Order, p redline.Principal) bool {
	if !f.orders.has(o.ID) {
		return false
	}
	if f.customer == nil && f.supplier == nil && f.product == nil {
		return true
	}
	seen := o.For(p)
	if f.customer != nil && (seen.Customer == nil || seen.Customer.ID == nil || *seen.Customer.ID != *f.customer) {
		return false
	}
	if f.supplier != nil && !slices.ContainsFunc(seen.FulfillmentOrders, func(part *redline.FulfillmentOrder) bool {
		return part.SupplierID != nil && *part.SupplierID == *f.supplier
	}) {
		return false
	}
	return f.product == nil || slices.ContainsFunc(seen.Lines, func(l *redline.OrderLine) bool { return l.ProductID == *f.product })
}

// kind says what an event is under the filter to a principal who may see it.
func (f *orderFilter) kind(e *redline.OrderEvent, p redline.Principal) model.EventKind {
	if !f.concerns(&e.Order, p) {
		return ""
	}
	return told(e.From != nil && f.statuses.has(*e.From), f.statuses.has(e.To))
}
