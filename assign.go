package redline

import (
	"slices"
	"time"
)

// Assign gives what is backordered of the order's lines to sources, by product,
// that can serve it, as new parts, and leaves less in the sources. It is how an
// order is filled when stock arrives, and how what a location has refused or
// can't keep finds another one. What no source can give stays backordered.
//
// A line goes only to the location that the shop named, if it did; never to one
// that has refused the product of this order; and to stock that is stale only
// where the order may take that. Nothing is given to an order that is held.
func (t *Transition) Assign(there map[string][]Source) {
	o := t.Order
	if o.HoldReason != nil {
		return
	}
	parts := map[string]*FulfillmentOrder{}
	for _, line := range o.Lines {
		if line.Backordered == 0 {
			continue
		}
		var able []Source
		for _, s := range there[line.ProductID] {
			if o.takesFrom(line, s) {
				able = append(able, s)
			}
		}
		takes, _ := Allocate(line.Backordered, able)
		for _, take := range takes {
			sources := there[line.ProductID]
			i := slices.IndexFunc(sources, func(s Source) bool { return s.LocationID == take.Source.LocationID })
			sources[i].Available -= take.Quantity
			t.stock = append(t.stock, StockEffect{
				ProductID: line.ProductID, LocationID: take.Source.LocationID,
				Delta: Delta{StateCommitted: take.Quantity}, Reason: ReasonCommitted,
			})
		}
		o.Serve(parts, line, takes, t.Now)
	}
	for _, f := range o.FulfillmentOrders {
		if parts[f.LocationID] == f {
			f.Version = 0 // Finish counts it on, and it begins at 1
			t.touch(f)
		}
	}
}

// takesFrom reports whether a line may be served from a source.
func (o *Order) takesFrom(line *OrderLine, s Source) bool {
	return (line.LocationID == nil || *line.LocationID == s.LocationID) && (o.AllowStale || !s.Stale) &&
		!slices.ContainsFunc(o.FulfillmentOrders, func(f *FulfillmentOrder) bool {
			return f.LocationID == s.LocationID && slices.ContainsFunc(f.Lines, func(l *FulfillmentOrderLine) bool {
				return f.refused(l) && o.Line(l.OrderLineID).ProductID == line.ProductID
			})
		})
}

// Serve turns what a line gets from backordered to open: lines of parts, of
// which there is one for each location, made here where it isn't among parts.
func (o *Order) Serve(parts map[string]*FulfillmentOrder, line *OrderLine, takes []Take, at time.Time) {
	for _, take := range takes {
		line.Backordered -= take.Quantity
		line.Open += take.Quantity
		f := parts[take.Source.LocationID]
		if f == nil {
			f = o.newPart(take.Source, at)
			parts[f.LocationID] = f
			o.FulfillmentOrders = append(o.FulfillmentOrders, f)
		}
		f.Lines = append(f.Lines, &FulfillmentOrderLine{
			ID: NewID(PrefixFulfillmentOrderLine), FulfillmentOrderID: f.ID, OrderLineID: line.ID, Quantity: take.Quantity, OrderLine: line,
		})
	}
}

// newPart makes a part of the order at a source. A supplier has to answer it in
// the time that was agreed.
func (o *Order) newPart(s Source, at time.Time) *FulfillmentOrder {
	f := &FulfillmentOrder{
		ID: NewID(PrefixFulfillmentOrder), OrderID: o.ID, LocationID: s.LocationID, SupplierID: s.SupplierID, SupplierCode: s.SupplierCode,
		Status: PartSubmitted, Version: 1, SubmittedAt: at, Fulfillments: []*Fulfillment{}, Order: o, ShipTo: o.ShipTo,
	}
	if f.SupplierID != nil {
		by := at.Add(s.AcknowledgeWithin)
		f.AcknowledgeBy = &by
	}
	return f
}

// Freeze has the line keep how its supplier names, sells and packs it now: a
// later mapping is for later orders.
func (l *FulfillmentOrderLine) Freeze(item *SupplierItem) {
	n := SupplierQuantity(l.Quantity, item.PackQuantity, item.MinimumOrderQuantity, item.OrderMultiple)
	l.SupplierSKU, l.SupplierUnit, l.PackQuantity, l.SupplierQuantity = &item.SupplierSKU, &item.Unit, &item.PackQuantity, &n
}
