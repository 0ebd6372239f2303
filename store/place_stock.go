package store

import (
	"context"
	"fmt"
	"maps"
	"slices"

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

func (s shelves) add(product string, at *place, available int) {
	s[product] = append(s[product], redline.Source{
		LocationID: at.ID, Code: at.Code, Kind: at.Kind, LeadTimeDays: at.LeadTimeDays, Available: available,
	})
}

// readShelves reads what there is of the products that are wanted, and locks nothing.
func (t *transaction) readShelves(ctx context.Context, all []*wanted) (shelves, error) {
	type shelf struct {
		product, location string
		available         int
	}
	var read []shelf
	var one shelf
	err := scanRows(ctx, t.tx, "reading what is available", `SELECT product_id, location_id, available FROM inventory_levels
		WHERE product_id = ANY($1::text[])`, []any{texts(slices.Collect(maps.Keys(productsOf(all)))...)},
		[]any{&one.product, &one.location, whole{&one.available}}, func() error {
			read = append(read, one)
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = t.goBy(ctx, func(known *places) bool {
		return !slices.ContainsFunc(read, func(at shelf) bool { return known.byID[at.location] == nil })
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
		there.add(at.product, location, at.available)
	}
	return there, nil
}

// shelvesOf are what there is in locked levels.
func shelvesOf(levels map[levelKey]*lockedLevel) shelves {
	there := shelves{}
	for _, l := range levels {
		there.add(l.ProductID, l.at, l.Available)
	}
	return there
}

// take takes a quantity from a shelf; a negative one is given back.
func (s shelves) take(product, location string, n int) {
	i := slices.IndexFunc(s[product], func(of redline.Source) bool { return of.LocationID == location })
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
		if in.LocationID != nil && w.places.byID[*in.LocationID] == nil {
			refused = append(refused, redline.NotFound(append(indexPath("lines", i), "locationId"), "there is no location %.60q", *in.LocationID))
			continue
		}
		sources := s[product.ID]
		if in.LocationID != nil {
			at := slices.IndexFunc(sources, func(of redline.Source) bool { return of.LocationID == *in.LocationID })
			if at < 0 {
				sources = nil
			} else {
				sources = sources[at : at+1]
			}
		}
		takes, missing := redline.Allocate(in.Quantity, sources)
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
