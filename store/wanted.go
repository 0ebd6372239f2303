package store

import (
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"redline"
)

// wanted is what a call wants of stock: the lines of an order that is being
// placed, or of a reservation.
type wanted struct {
	*mutation
	lines []redline.LineInput
	// allowBackorder says that a line may get less than it wants.
	allowBackorder bool
	// allowStale says that it may come from stock that is stale.
	allowStale bool
	// held says that a reservation holds it, so that shares are known from the
	// start; it stands for products that were withdrawn since, too.
	held     bool
	products []*redline.Product
	// shares is what each line gets, and from where.
	shares []share
}

// wantedBy is what orders want.
func wantedBy(orders []*placement) []*wanted {
	all := make([]*wanted, len(orders))
	for i, pl := range orders {
		all[i] = &pl.wanted
	}
	return all
}

// checkLines checks of lines what needs no database.
func checkLines(lines []redline.LineInput) redline.Errors {
	var refused redline.Errors
	for i, l := range lines {
		if (l.ProductID == nil) == (l.SKU == nil) {
			refused = append(refused, redline.Invalid(indexPath("lines", i), "name the product by one of productId and sku"))
		}
		if l.Quantity < 1 || l.Quantity > redline.MaxQuantity {
			refused = append(refused, redline.Invalid(append(indexPath("lines", i), "quantity"), "a quantity is from 1 to %d", redline.MaxQuantity))
		}
	}
	return refused
}

// findProducts reads the products of lines, each with nil where one is not on
// sale, and draws so many numbers for orders. Where no product is found there is
// no number.
func (t *transaction) findProducts(ctx context.Context, all []*wanted, n int) ([]string, error) {
	byID, bySKU := map[string]*redline.Product{}, map[string]*redline.Product{}
	for _, w := range all {
		for _, l := range w.lines {
			if l.ProductID != nil {
				byID[*l.ProductID] = nil
			} else {
				bySKU[*l.SKU] = nil
			}
		}
	}
	var rows []struct {
		redline.Product
		Now     time.Time
		Numbers *string
	}
	// The numbers come with the first row.
	err := t.tx.SelectContext(ctx, &rows, `/* orders.wanted_products */ SELECT `+productColumns+`, clock_timestamp() AS now, CASE WHEN row_number() OVER () = 1 THEN
			(SELECT string_agg(nextval('order_numbers')::text, ' ') FROM generate_series(1, $3::integer)) END AS numbers
		FROM products p WHERE p.id = ANY($1::text[]) OR p.sku = ANY($2::text[])`,
		texts(slices.Collect(maps.Keys(byID))...), texts(slices.Collect(maps.Keys(bySKU))...), n)
	if err != nil {
		return nil, dbError("reading the products of lines", err)
	}
	numbers := make([]string, n)
	for i := range rows {
		product := &rows[i].Product
		byID[product.ID], bySKU[product.SKU], t.now = product, product, rows[i].Now
		if rows[i].Numbers != nil {
			numbers = strings.Fields(*rows[i].Numbers)
		}
	}
	for _, w := range all {
		for _, l := range w.lines {
			var product *redline.Product
			if l.ProductID != nil {
				product = byID[*l.ProductID]
			} else {
				product = bySKU[*l.SKU]
			}
			if product != nil && !product.Active && !w.held {
				product = nil
			}
			w.products = append(w.products, product)
		}
	}
	return numbers, nil
}

// at is the input's path to a line, or to the reservation that it comes from.
func (w *wanted) at(i int, field ...string) []string {
	if w.held {
		return []string{"reservationId"}
	}
	return append(indexPath("lines", i), field...)
}

// findMissing refuses products that aren't on sale, and tells beside them of
// locations that aren't there; where these alone are wrong, allocating refuses
// them, beside what is short.
func (w *wanted) findMissing() error {
	if !slices.Contains(w.products, nil) {
		return nil
	}
	var refused redline.Errors
	for i, l := range w.lines {
		if e := w.unplaced(i); e != nil {
			refused = append(refused, e)
		}
		if w.products[i] != nil {
			continue
		}
		field, name := "productId", l.ProductID
		if name == nil {
			field, name = "sku", l.SKU
		}
		refused = append(refused, redline.NotFound(append(indexPath("lines", i), field), "there is no product %.60q on sale", *name))
	}
	return refused
}

// unplaced refuses a line that names a location that isn't there.
func (w *wanted) unplaced(i int) *redline.Error {
	id := w.lines[i].LocationID
	if id == nil || w.places.byID[*id] != nil {
		return nil
	}
	return redline.NotFound(append(indexPath("lines", i), "locationId"), "there is no location %.60q", *id)
}

// findLocations finds which of the locations that lines name exist.
func (t *transaction) findLocations(ctx context.Context, all []*wanted) error {
	return t.goBy(ctx, func(known *places) bool {
		for _, w := range all {
			for _, l := range w.lines {
				if l.LocationID != nil && known.byID[*l.LocationID] == nil {
					return false
				}
			}
		}
		return true
	})
}

// productsOf are the products that are wanted, by their ids.
func productsOf(all []*wanted) map[string]*redline.Product {
	products := map[string]*redline.Product{}
	for _, w := range all {
		for _, p := range w.products {
			products[p.ID] = p
		}
	}
	return products
}

// lockProducts locks all levels of the products that are wanted.
func (t *transaction) lockProducts(ctx context.Context, all []*wanted) (map[levelKey]*lockedLevel, error) {
	products := productsOf(all)
	return t.lockLevels(ctx, products, `l.product_id = ANY($1::text[])`, texts(slices.Collect(maps.Keys(products))...))
}
