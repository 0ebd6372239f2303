package graph

import (
	"maps"
	"slices"

	"redline"
	"redline/graph/model"
)

// set is a list of a filter, made for looking up. A nil set narrows nothing,
// an empty one leaves nothing.
type set[T ~string] map[T]bool

func (s set[T]) has(v T) bool { return s == nil || s[v] }

// list lists the members; nil of a set that narrows nothing.
func (s set[T]) list() []T {
	if s == nil {
		return nil
	}
	return slices.AppendSeq([]T{}, maps.Keys(s))
}

// terms are the members as terms of a kind.
func (s set[T]) terms(kind redline.TermKind) []redline.Term {
	terms := []redline.Term{}
	for v := range s {
		terms = append(terms, redline.Term{Kind: kind, Value: string(v)})
	}
	return terms
}

// setOf makes a set of one list of a filter.
func setOf[T ~string](name string, list []T) (set[T], error) {
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

// terms are what of an event decides first whether it can be of interest under
// the filter, and to a principal: whatever leaves the fewest.
func (f *levelFilter) terms(p redline.Principal) []redline.Term {
	switch {
	case f.products != nil:
		return f.products.terms(redline.TermProduct)
	case f.skus != nil:
		return f.skus.terms(redline.TermSKU)
	case f.locations != nil:
		return f.locations.terms(redline.TermLocation)
	case f.supplier != nil:
		return []redline.Term{{Kind: redline.TermSupplier, Value: *f.supplier}}
	case p.Role == redline.RoleSupplier:
		return termsOfSupplier(p)
	case f.categories != nil:
		return f.categories.terms(redline.TermCategory)
	}
	return nil
}

// termsOfSupplier are those of the suppliers that a supplier's principal speaks
// for; nil, which narrows nothing, for everybody else.
func termsOfSupplier(p redline.Principal) []redline.Term {
	if p.Role != redline.RoleSupplier {
		return nil
	}
	terms := []redline.Term{}
	for _, code := range p.Suppliers {
		terms = append(terms, redline.Term{Kind: redline.TermCode, Value: code})
	}
	return terms
}

// stored is the filter as the repositories have it.
func (f *levelFilter) stored() redline.InventoryFilter {
	stored := redline.InventoryFilter{
		ProductIDs: f.products.list(), Skus: f.skus.list(), LocationIDs: f.locations.list(), Category: f.categories.list(), SupplierID: f.supplier,
	}
	if f.low {
		stored.LowOnly = &f.low
	}
	if f.stale {
		stored.StaleOnly = &f.stale
	}
	return stored
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

// terms are what of an event decides first whether it can be of interest under
// the filter, and to a principal: whatever leaves the fewest.
func (f *orderFilter) terms(p redline.Principal) []redline.Term {
	one := func(kind redline.TermKind, value string) []redline.Term {
		return []redline.Term{{Kind: kind, Value: value}}
	}
	switch {
	case f.orders != nil:
		return f.orders.terms(redline.TermOrder)
	case p.Role == redline.RoleCustomer:
		return one(redline.TermCustomer, p.Customer)
	case f.customer != nil:
		return one(redline.TermCustomer, *f.customer)
	case p.Role == redline.RoleStorefront:
		return one(redline.TermOwner, p.Subject)
	case f.product != nil:
		return one(redline.TermProduct, *f.product)
	case p.Role == redline.RoleSupplier:
		return termsOfSupplier(p)
	case f.supplier != nil:
		return one(redline.TermSupplier, *f.supplier)
	}
	return nil
}

// stored is the filter as the repositories have it, and the orders' ids, nil
// where it doesn't name any.
func (f *orderFilter) stored() (stored redline.OrderFilter, ids []string) {
	return redline.OrderFilter{
		Statuses: f.statuses.list(), CustomerID: f.customer, SupplierID: f.supplier, ProductID: f.product,
	}, f.orders.list()
}
