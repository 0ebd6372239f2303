package store

import (
	"context"
	"errors"
	"slices"

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
		in := m.input.(redline.OrderPlaceInput)
		if err := checkPlacement(m.by, &in); err != nil {
			m.refuse(err)
			continue
		}
		orders = append(orders, newPlacement(m, in))
	}
	orders, err := t.prepareOrders(ctx, orders)
	if err != nil || len(orders) == 0 {
		return err
	}
	// An order alone needs one statement less if it locks at once. With a reference
	// it doesn't: the insert may wait for whoever uses the same one, which is better
	// done before the levels are locked than behind them.
	if b.locksFirst || len(all) == 1 && orders[0].in.ExternalReference == nil {
		levels, err := t.lockProducts(ctx, wantedBy(orders))
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

	there, err := t.readShelves(ctx, wantedBy(orders))
	if err != nil {
		return err
	}
	placed, _ := allocateAll(orders, there)
	if err := t.insertPlaced(ctx, placed); err != nil {
		return err
	}
	levels, err := t.lockProducts(ctx, wantedBy(orders))
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
	numbers, err := t.findProducts(ctx, wantedBy(orders), len(orders))
	if err != nil {
		return nil, err
	}
	if err := t.findLocations(ctx, wantedBy(orders)); err != nil {
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
	return t.refuseDuplicates(ctx, made)
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
	err := scanRows(ctx, t.tx, "looking for references", `/* orders.references */ SELECT owner_issuer, owner_subject, external_reference FROM orders
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

// insertPlaced makes the parts of allocated orders and writes all of them.
func (t *transaction) insertPlaced(ctx context.Context, placed []*placement) error {
	if len(placed) == 0 {
		return nil
	}
	orders := make([]*redline.Order, len(placed))
	var parts []*redline.FulfillmentOrder
	for i, pl := range placed {
		pl.split()
		orders[i] = pl.order
		parts = append(parts, pl.order.FulfillmentOrders...)
	}
	if err := t.freezePacks(ctx, parts); err != nil {
		return err
	}
	err := insertOrders(ctx, t.tx, orders)
	if err != nil && len(orders) == 1 && violates(err, "order_reference_once") {
		return errDuplicate()
	}
	return err
}

// freezePacks has the lines of new parts keep how their suppliers name and pack
// what they are asked for.
func (t *transaction) freezePacks(ctx context.Context, parts []*redline.FulfillmentOrder) error {
	lines := map[packKey][]*redline.FulfillmentOrderLine{}
	products, suppliers := texts(), texts()
	for _, f := range parts {
		if f.SupplierID == nil {
			continue
		}
		for _, l := range f.Lines {
			k := packKey{l.OrderLine.ProductID, *f.SupplierID}
			if lines[k] == nil {
				products.text(k.product)
				suppliers.text(k.supplier)
			}
			lines[k] = append(lines[k], l)
		}
	}
	if products.n == 0 {
		return nil
	}
	var items []*redline.SupplierItem
	err := t.tx.SelectContext(ctx, &items, `/* orders.packs */ SELECT DISTINCT ON (product_id, supplier_id) id, supplier_id, product_id, supplier_sku,
		unit, pack_quantity, minimum_order_quantity, order_multiple FROM supplier_items
		WHERE (product_id, supplier_id) IN (SELECT * FROM unnest($1::text[], $2::text[])) ORDER BY product_id, supplier_id, id`,
		products, suppliers)
	if err != nil {
		return dbError("reading the packs of suppliers", err)
	}
	for _, i := range items {
		for _, l := range lines[packKey{i.ProductID, i.SupplierID}] {
			l.Freeze(i)
		}
	}
	return nil
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
