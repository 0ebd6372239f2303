package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"redline"
)

// placing places orders that share a transaction.
//
// What everybody wants is locked last, and for as short as can be: the orders
// are allocated on levels that are merely read, and written, and only then are
// the levels locked and the orders allocated again. Nearly always each gets the
// very same. Where one doesn't, all is undone and done again with the locks
// first: in either case an order gets what the rule gives it under the locks,
// in the order in which the calls came.
type placing struct {
	// locksFirst is set once what was read proved not to be what was locked.
	locksFirst bool
}

// errMoved says that what a transaction went by has changed before it held the
// locks: the levels that orders were allocated on, or whose a location is.
var errMoved = errors.New("the rows have changed before they were locked")

// packKey is a product and a supplier.
type packKey struct{ product, supplier string }

// place is the work of a transaction that places orders.
func (b *placing) place(ctx context.Context, t *transaction, all []*mutation) error {
	orders := make([]*placement, 0, len(all))
	for _, m := range all {
		pl := &placement{mutation: m, in: m.input.(redline.OrderPlaceInput)}
		if err := checkPlacement(m.by, &pl.in); err != nil {
			m.refuse(err)
			continue
		}
		orders = append(orders, pl)
	}
	orders, err := t.prepareOrders(ctx, orders)
	if err != nil || len(orders) == 0 {
		return err
	}
	// An order alone needs one statement less if it locks at once. With a reference
	// it doesn't: the insert may wait for whoever uses the same one, which is better
	// done before the levels are locked than behind them.
	if b.locksFirst || len(all) == 1 && orders[0].in.ExternalReference == nil {
		levels, err := t.lockProducts(ctx, orders)
		if err != nil {
			return err
		}
		for _, pl := range orders {
			pl.order.PlacedAt, pl.order.UpdatedAt = t.now, t.now
		}
		placed, _ := allocateAll(orders, shelvesOf(levels))
		if err := t.insertPlaced(ctx, placed); err != nil {
			return err
		}
		return commitPlaced(placed, levels)
	}

	there, err := t.readShelves(ctx, orders)
	if err != nil {
		return err
	}
	placed, _ := allocateAll(orders, there)
	if err := t.insertPlaced(ctx, placed); err != nil {
		return err
	}
	levels, err := t.lockProducts(ctx, orders)
	if err != nil {
		return err
	}
	if _, same := allocateAll(orders, shelvesOf(levels)); !same {
		b.locksFirst = true
		return errMoved
	}
	return commitPlaced(placed, levels)
}

// prepareOrders finds the products of orders, their prices and numbers, makes
// the orders and refuses those that can't be. It returns the others.
func (t *transaction) prepareOrders(ctx context.Context, orders []*placement) ([]*placement, error) {
	if len(orders) == 0 {
		return nil, nil
	}
	numbers, err := t.findProducts(ctx, orders)
	if err != nil {
		return nil, err
	}
	made := orders[:0]
	for i, pl := range orders {
		if err := pl.findMissing(); err != nil {
			pl.refuse(err)
			continue
		}
		if err := pl.newOrder(numbers[i]); err != nil {
			pl.refuse(err)
			continue
		}
		made = append(made, pl)
	}
	if made, err = t.refuseDuplicates(ctx, made); err != nil {
		return nil, err
	}
	return made, t.findLocations(ctx, made)
}

// findProducts reads the products of orders, each with nil where one is not on
// sale, and draws a number for each order. Where no product is found there is
// no number.
func (t *transaction) findProducts(ctx context.Context, orders []*placement) ([]string, error) {
	byID, bySKU := map[string]*redline.Product{}, map[string]*redline.Product{}
	for _, pl := range orders {
		for _, l := range pl.in.Lines {
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
	err := t.tx.SelectContext(ctx, &rows, `SELECT `+productColumns+`, clock_timestamp() AS now, CASE WHEN row_number() OVER () = 1 THEN
			(SELECT string_agg(nextval('order_numbers')::text, ' ') FROM generate_series(1, $3::integer)) END AS numbers
		FROM products p WHERE p.active AND (p.id = ANY($1::text[]) OR p.sku = ANY($2::text[]))`,
		texts(slices.Collect(maps.Keys(byID))...), texts(slices.Collect(maps.Keys(bySKU))...), len(orders))
	if err != nil {
		return nil, dbError("reading the products of orders", err)
	}
	numbers := make([]string, len(orders))
	for i := range rows {
		product := &rows[i].Product
		byID[product.ID], bySKU[product.SKU], t.now = product, product, rows[i].Now
		if rows[i].Numbers != nil {
			numbers = strings.Fields(*rows[i].Numbers)
		}
	}
	for _, pl := range orders {
		for _, l := range pl.in.Lines {
			if l.ProductID != nil {
				pl.products = append(pl.products, byID[*l.ProductID])
			} else {
				pl.products = append(pl.products, bySKU[*l.SKU])
			}
		}
	}
	return numbers, nil
}

// findMissing refuses an order for products that aren't on sale.
func (pl *placement) findMissing() error {
	var refused redline.Errors
	for i, l := range pl.in.Lines {
		if pl.products[i] != nil {
			continue
		}
		field, name := "productId", l.ProductID
		if name == nil {
			field, name = "sku", l.SKU
		}
		refused = append(refused, redline.NotFound(append(indexPath("lines", i), field), "there is no product %.60q on sale", *name))
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// reference is a shop's own name for an order.
type reference struct{ issuer, subject, reference string }

func (pl *placement) reference() reference {
	return reference{pl.by.Issuer, pl.by.Subject, *pl.in.ExternalReference}
}

// errDuplicate refuses an order whose reference its shop has used before.
func errDuplicate() error {
	return redline.Errorf(redline.CodeDuplicate, []string{"externalReference"}, "you have placed an order with this reference already")
}

// refuseDuplicates refuses orders whose references have been used, and returns
// the others.
func (t *transaction) refuseDuplicates(ctx context.Context, orders []*placement) ([]*placement, error) {
	issuers, subjects, references := texts(), texts(), texts()
	for _, pl := range orders {
		if pl.in.ExternalReference != nil {
			issuers.text(pl.by.Issuer)
			subjects.text(pl.by.Subject)
			references.text(*pl.in.ExternalReference)
		}
	}
	if references.n == 0 {
		return orders, nil
	}
	used := map[reference]bool{}
	var r reference
	err := scanRows(ctx, t.tx, "looking for references", `SELECT owner_issuer, owner_subject, external_reference FROM orders
		WHERE (owner_issuer, owner_subject, external_reference) IN (SELECT * FROM unnest($1::text[], $2::text[], $3::text[]))`,
		[]any{issuers, subjects, references}, []any{&r.issuer, &r.subject, &r.reference}, func() error {
			used[r] = true
			return nil
		})
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(orders, func(pl *placement) bool {
		if pl.in.ExternalReference == nil || !used[pl.reference()] {
			return false
		}
		pl.refuse(errDuplicate())
		return true
	}), nil
}

// findLocations finds which of the locations that orders name exist.
func (t *transaction) findLocations(ctx context.Context, orders []*placement) error {
	return t.goBy(ctx, func(known *places) bool {
		for _, pl := range orders {
			for _, l := range pl.in.Lines {
				if l.LocationID != nil && known.byID[*l.LocationID] == nil {
					return false
				}
			}
		}
		return true
	})
}

// productsOf are the products of orders, by their ids.
func productsOf(orders []*placement) map[string]*redline.Product {
	all := map[string]*redline.Product{}
	for _, pl := range orders {
		for _, p := range pl.products {
			all[p.ID] = p
		}
	}
	return all
}

// lockProducts locks all levels of the products of orders.
func (t *transaction) lockProducts(ctx context.Context, orders []*placement) (map[levelKey]*lockedLevel, error) {
	products := productsOf(orders)
	return t.lockLevels(ctx, products, `l.product_id = ANY($1::text[])`, texts(slices.Collect(maps.Keys(products))...))
}

// readShelves reads what there is of the products of orders, and locks nothing.
func (t *transaction) readShelves(ctx context.Context, orders []*placement) (shelves, error) {
	type shelf struct {
		product, location string
		available         int
	}
	var all []shelf
	var one shelf
	err := scanRows(ctx, t.tx, "reading what is available", `SELECT product_id, location_id, available FROM inventory_levels
		WHERE product_id = ANY($1::text[])`, []any{texts(slices.Collect(maps.Keys(productsOf(orders)))...)},
		[]any{&one.product, &one.location, whole{&one.available}}, func() error {
			all = append(all, one)
			return nil
		})
	if err != nil {
		return nil, err
	}
	err = t.goBy(ctx, func(known *places) bool {
		return !slices.ContainsFunc(all, func(at shelf) bool { return known.byID[at.location] == nil })
	})
	if err != nil {
		return nil, err
	}
	there := shelves{}
	for _, at := range all {
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

// insertPlaced makes the parts of allocated orders and writes all of them.
func (t *transaction) insertPlaced(ctx context.Context, placed []*placement) error {
	if len(placed) == 0 {
		return nil
	}
	packs, err := t.packs(ctx, placed)
	if err != nil {
		return err
	}
	orders := make([]*redline.Order, len(placed))
	for i, pl := range placed {
		pl.split(packs)
		orders[i] = pl.order
	}
	err = insertOrders(ctx, t.tx, orders)
	if err != nil && len(orders) == 1 && violates(err, "order_reference_once") {
		return errDuplicate()
	}
	return err
}

// packs finds how suppliers name and pack what orders take from them.
func (t *transaction) packs(ctx context.Context, placed []*placement) (map[packKey]*redline.SupplierItem, error) {
	out := map[packKey]*redline.SupplierItem{}
	products, suppliers := texts(), texts()
	for _, pl := range placed {
		for i, share := range pl.shares {
			for _, take := range share.takes {
				supplier := pl.places.byID[take.Source.LocationID].SupplierID
				if supplier == nil {
					continue
				}
				k := packKey{pl.products[i].ID, *supplier}
				if _, listed := out[k]; !listed {
					out[k] = nil
					products.text(k.product)
					suppliers.text(k.supplier)
				}
			}
		}
	}
	if products.n == 0 {
		return out, nil
	}
	var items []*redline.SupplierItem
	err := t.tx.SelectContext(ctx, &items, `SELECT DISTINCT ON (product_id, supplier_id) id, supplier_id, product_id, supplier_sku,
		unit, pack_quantity, minimum_order_quantity, order_multiple FROM supplier_items
		WHERE (product_id, supplier_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY product_id, supplier_id, id`,
		products, suppliers)
	if err != nil {
		return nil, dbError("reading the packs of suppliers", err)
	}
	for _, i := range items {
		out[packKey{i.ProductID, i.SupplierID}] = i
	}
	return out, nil
}

// commitPlaced takes what placed orders get from the locked levels, and tells
// of the orders, in the order in which their calls came.
func commitPlaced(placed []*placement, levels map[levelKey]*lockedLevel) error {
	for _, pl := range placed {
		if err := pl.commit(levels); err != nil {
			return err
		}
	}
	return nil
}
