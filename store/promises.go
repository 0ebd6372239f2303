package store

import (
	"context"

	"github.com/lib/pq"

	"redline"
)

// Promises says what could be promised now for wanted lines, spread over the
// locations as placing an order would. Nothing is held: lines that want the
// same product are each answered alone. includeStale: with stock that its
// supplier has not confirmed in time. A product that isn't on sale is refused by
// its line.
func (s *Store) Promises(ctx context.Context, p redline.Principal, lines []redline.AvailabilityLine, includeStale bool) ([]*redline.Availability, error) {
	ids := make([]string, len(lines))
	for i, l := range lines {
		ids[i] = l.ProductID
	}
	products, err := s.ProductsByID(ctx, p, ids)
	if err != nil {
		return nil, err
	}
	var refused redline.Errors
	for i, l := range lines {
		if q := products[l.ProductID]; q == nil || !q.Active {
			refused = append(refused, redline.NotFound(append(indexPath("lines", i), "productId"), "there is no product %.60q on sale", l.ProductID))
		}
		if l.Quantity < 1 || l.Quantity > redline.MaxQuantity {
			refused = append(refused, redline.Invalid(append(indexPath("lines", i), "quantity"), "a quantity is from 1 to %d", redline.MaxQuantity))
		}
	}
	if len(refused) > 0 {
		return nil, refused
	}

	var rows []struct {
		ProductID    string `db:"product_id"`
		LocationID   string `db:"location_id"`
		LeadTimeDays *int   `db:"lead_time_days"`
		Available    int
	}
	err = s.db.SelectContext(ctx, &rows, `/* promises.levels */ SELECT l.product_id, l.location_id, l.lead_time_days, l.available FROM inventory_levels l
		WHERE l.product_id = ANY($1) AND l.available > 0 AND ($2 OR NOT l.stale)`, pq.Array(ids), includeStale)
	if err != nil {
		return nil, dbError("reading what could be promised", err)
	}
	at, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	sources := map[string][]redline.Source{}
	for _, r := range rows {
		loc, err := at.location(ctx, r.LocationID)
		if err != nil {
			return nil, err
		}
		sources[r.ProductID] = append(sources[r.ProductID], at.byID[loc.ID].source(r.LeadTimeDays, r.Available, false))
	}
	out := make([]*redline.Availability, len(lines))
	for i, l := range lines {
		takes, missing := redline.Allocate(l.Quantity, sources[l.ProductID])
		a := &redline.Availability{Product: products[l.ProductID], Requested: l.Quantity, Available: l.Quantity - missing, Promises: []*redline.Promise{}}
		for _, t := range takes {
			a.Promises = append(a.Promises, &redline.Promise{
				Location: at.locations[t.Source.LocationID], Quantity: t.Quantity, LeadTimeDays: t.Source.LeadTimeDays,
			})
		}
		out[i] = a
	}
	return out, nil
}
