package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"redline"
)

// share is what one line of an order gets.
type share struct {
	takes   []redline.Take
	missing int
}

// shelves are what there is of products and where, by product. Who takes from
// them leaves less to those who come after.
type shelves map[string][]redline.Source

// add puts what is available at a location on a shelf. The lead time is that of
// the level, nil where only the location's is known.
func (s shelves) add(product string, at *place, leadTime *int, available int, stale bool) {
	s[product] = append(s[product], at.source(leadTime, available, stale))
}

// source is a location that has so much available of a product.
func (p *place) source(leadTime *int, available int, stale bool) redline.Source {
	return redline.Source{
		LocationID: p.ID, Code: p.Code, Kind: p.Kind, LeadTimeDays: cmp.Or(leadTime, p.LeadTimeDays), Available: available,
		Stale: stale, SupplierID: p.SupplierID, SupplierCode: p.supplierCode(),
		AcknowledgeWithin: time.Duration(p.terms.AcknowledgeWithinSeconds) * time.Second,
	}
}

// sources are where a product may be taken from: at one location alone, where it
// isn't nil, and not where it is stale, unless that is allowed.
func (s shelves) sources(product string, location *string, allowStale bool) []redline.Source {
	var out []redline.Source
	for _, at := range s[product] {
		if (location == nil || at.LocationID == *location) && (allowStale || !at.Stale) {
			out = append(out, at)
		}
	}
	return out
}

// readShelves reads what there is of the products that are wanted, and locks nothing.
func (t *transaction) readShelves(ctx context.Context, all []*wanted) (shelves, error) {
	type stock struct {
		product, location string
		leadTime          *int
		available         int
		stale             bool
	}
	var read []stock
	var one stock
	err := scanRows(ctx, t.tx, "reading what is available", `/* orders.available_stock */ SELECT product_id, location_id, lead_time_days, available, stale
		FROM inventory_levels WHERE product_id = ANY($1::text[])`, []any{texts(slices.Collect(maps.Keys(productsOf(all)))...)},
		[]any{&one.product, &one.location, &one.leadTime, whole{&one.available}, &one.stale}, func() error {
			read = append(read, one)
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = t.goBy(ctx, func(known *places) bool {
		return !slices.ContainsFunc(read, func(at stock) bool { return known.byID[at.location] == nil })
	})
	if err != nil {
		return nil, err
	}
	there := shelves{}
	for _, at := range read {
		location := t.places.byID[at.location]
		if location == nil {
			return nil, fmt.Errorf("reading what is available: there is no location %s", at.location)
		}
		there.add(at.product, location, at.leadTime, at.available, at.stale)
	}
	return there, nil
}

// shelvesOf are what there is in locked levels.
func shelvesOf(levels map[levelKey]*lockedLevel) shelves {
	there := shelves{}
	for _, l := range levels {
		there.add(l.ProductID, l.at, l.leadTime, l.Available, l.Stale)
	}
	return there
}

// take takes a quantity from a shelf; a negative one is given back.
func (s shelves) take(product, location string, n int) {
	i := slices.IndexFunc(s[product], func(at redline.Source) bool { return at.LocationID == location })
	s[product][i].Available -= n
}

// allocate spreads what lines want over what is there. Lines that want the same
// product see what earlier ones have taken. Where a line can't be served,
// and backorders aren't allowed, all of it is refused, and takes nothing.
func (s shelves) allocate(w *wanted) ([]share, redline.Errors) {
	shares := make([]share, len(w.products))
	var refused redline.Errors
	for i, product := range w.products {
		in := w.lines[i]
		if e := w.unplaced(i); e != nil {
			refused = append(refused, e)
			continue
		}
		takes, missing := redline.Allocate(in.Quantity, s.sources(product.ID, in.LocationID, w.allowStale))
		if missing > 0 && !w.allowBackorder {
			e := redline.Errorf(redline.CodeInsufficientStock, append(indexPath("lines", i), "quantity"),
				"%d of %s are wanted, and %d are available", in.Quantity, product.SKU, in.Quantity-missing)
			short := *product // a copy for this caller: answers fill in more
			e.Product, e.Requested, e.Available = &short, in.Quantity, in.Quantity-missing
			refused = append(refused, e)
			continue
		}
		for _, t := range takes {
			s.take(product.ID, t.Source.LocationID, t.Quantity)
		}
		shares[i] = share{takes, missing}
	}
	if len(refused) == 0 {
		return shares, nil
	}
	for i, share := range shares {
		for _, t := range share.takes {
			s.take(w.products[i].ID, t.Source.LocationID, -t.Quantity)
		}
	}
	return nil, refused
}

// allocateAll allocates orders in the order in which their calls came, and
// returns those that get what they need; the others are refused. same reports
// whether all of them came off as they did before.
func allocateAll(orders []*placement, there shelves) (placed []*placement, same bool) {
	same = true
	used := map[reference]bool{}
	for _, pl := range orders {
		before := pl.shares
		pl.shares, pl.err = nil, nil
		if pl.in.ExternalReference != nil && used[pl.reference()] {
			pl.refuse(errDuplicate())
		} else if shares, refused := there.allocate(&pl.wanted); len(refused) > 0 {
			pl.refuse(refused)
		} else {
			pl.shares = shares
			placed = append(placed, pl)
			if pl.in.ExternalReference != nil {
				used[pl.reference()] = true
			}
		}
		same = same && sameShares(before, pl.shares)
	}
	return placed, same
}

// sameShares reports whether an order gets the very same from the very same
// locations.
func sameShares(a, b []share) bool {
	return slices.EqualFunc(a, b, func(a, b share) bool {
		return a.missing == b.missing && slices.EqualFunc(a.takes, b.takes, func(a, b redline.Take) bool {
			return a.Source.LocationID == b.Source.LocationID && a.Quantity == b.Quantity
		})
	})
}
