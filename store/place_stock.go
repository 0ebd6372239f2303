package store

import (
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

// take takes a quantity from a shelf; a negative one is given back.
func (s shelves) take(product, location string, n int) {
	i := slices.IndexFunc(s[product], func(of redline.Source) bool { return of.LocationID == location })
	s[product][i].Available -= n
}

// allocate spreads an order's lines over what is there. Lines that want the
// same product see what earlier ones have taken. Where a line can't be served,
// and backorders aren't allowed, the order is refused, and takes nothing.
func (s shelves) allocate(pl *placement) ([]share, redline.Errors) {
	shares := make([]share, len(pl.products))
	var refused redline.Errors
	for i, product := range pl.products {
		in := pl.in.Lines[i]
		if in.LocationID != nil && pl.places.byID[*in.LocationID] == nil {
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
		if missing > 0 && !pl.in.AllowBackorder {
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
			s.take(pl.products[i].ID, t.Source.LocationID, -t.Quantity)
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
		} else if shares, refused := there.allocate(pl); len(refused) > 0 {
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
