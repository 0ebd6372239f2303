package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

const (
	// linesMax is how many lines one order may have.
	linesMax = 500
	// nameMax is the longest name, city or reference, in bytes.
	nameMax = 200
	// acknowledgeWithin is how long a supplier has to answer its part.
	acknowledgeWithin = 24 * time.Hour
)

// OrderPlace places an order: what is available is committed, and the order
// split into a part for each location, in one transaction. It is refused where
// a line can't be served, unless backorders are allowed.
func (s *Store) OrderPlace(ctx context.Context, p redline.Principal, in redline.OrderPlaceInput) (string, redline.Outcome, error) {
	return mutate(ctx, s, p, request{action: "orderPlace", key: &in.IdempotencyKey, input: in},
		func(ctx context.Context, m *mutation) (string, error) {
			pl, err := m.preparePlacement(ctx, in)
			if err != nil {
				return "", err
			}
			if err := pl.allocate(ctx); err != nil {
				return "", err
			}
			if err := pl.commit(); err != nil {
				return "", err
			}
			if err := pl.insert(ctx); err != nil {
				return "", err
			}
			return pl.order.ID, nil
		})
}

// placement is an order being placed.
type placement struct {
	m        *mutation
	in       redline.OrderPlaceInput
	order    *redline.Order
	products []*redline.Product
	levels   map[levelKey]*lockedLevel
	// taken is what each level gives to the order.
	taken map[levelKey]int
	parts map[string]*redline.FulfillmentOrder
}

// preparePlacement checks the input and finds the products, their prices and
// the order's number.
func (m *mutation) preparePlacement(ctx context.Context, in redline.OrderPlaceInput) (*placement, error) {
	if err := checkPlacement(m.by, &in); err != nil {
		return nil, err
	}
	var ids, skus []string
	for _, l := range in.Lines {
		ids, skus = appendSet(ids, l.ProductID), appendSet(skus, l.SKU)
	}
	var rows []struct {
		redline.Product
		Number string
		Now    time.Time
	}
	err := m.tx.SelectContext(ctx, &rows, `SELECT `+productColumns+`, (SELECT nextval('order_numbers'))::text AS number,
		clock_timestamp() AS now FROM products p WHERE p.id = ANY($1) OR p.sku = ANY($2)`, pq.Array(ids), pq.Array(skus))
	if err != nil {
		return nil, dbError("reading the products of an order", err)
	}
	byID, bySKU := map[string]*redline.Product{}, map[string]*redline.Product{}
	pl := &placement{m: m, in: in, taken: map[levelKey]int{}, parts: map[string]*redline.FulfillmentOrder{}}
	var number string
	for i := range rows {
		product := &rows[i].Product
		byID[product.ID], bySKU[product.SKU] = product, product
		number, m.now = rows[i].Number, rows[i].Now
	}
	var refused redline.Errors
	for i, l := range in.Lines {
		field, name, known := "productId", l.ProductID, byID
		if name == nil {
			field, name, known = "sku", l.SKU, bySKU
		}
		product := known[*name]
		if product == nil || !product.Active {
			refused = append(refused, redline.NotFound(append(indexPath("lines", i), field), "there is no product %.60q on sale", *name))
		}
		pl.products = append(pl.products, product)
	}
	if len(refused) > 0 {
		return nil, refused
	}
	return pl, pl.newOrder(number)
}

// checkPlacement checks what needs no database, and fills in the customer's own
// id where a customer orders.
func checkPlacement(p redline.Principal, in *redline.OrderPlaceInput) error {
	var refused redline.Errors
	if len(in.Lines) < 1 || len(in.Lines) > linesMax {
		return redline.Invalid([]string{"lines"}, "an order has 1 to %d lines, not %d", linesMax, len(in.Lines))
	}
	for i, l := range in.Lines {
		if (l.ProductID == nil) == (l.SKU == nil) {
			refused = append(refused, redline.Invalid(indexPath("lines", i), "name the product by one of productId and sku"))
		}
		if l.Quantity < 1 || l.Quantity > redline.MaxQuantity {
			refused = append(refused, redline.Invalid(append(indexPath("lines", i), "quantity"), "a quantity is from 1 to %d", redline.MaxQuantity))
		}
	}
	texts := map[string]*string{
		"externalReference": in.ExternalReference, "customer.id": in.Customer.ID, "customer.name": in.Customer.Name, "customer.email": in.Customer.Email,
	}
	if a := in.ShipTo; a != nil {
		texts["shipTo.name"], texts["shipTo.city"], texts["shipTo.region"] = a.Name, &a.City, a.Region
		texts["shipTo.postalCode"], texts["shipTo.country"] = a.PostalCode, &a.Country
		if len(a.Lines) < 1 || len(a.Lines) > 10 {
			refused = append(refused, redline.Invalid([]string{"shipTo", "lines"}, "an address has 1 to 10 lines"))
		}
		for i := range a.Lines {
			texts[fmt.Sprintf("shipTo.lines.%d", i)] = &a.Lines[i]
		}
	}
	refused = append(refused, checkTexts(texts)...)
	if p.Role == redline.RoleCustomer {
		if in.Customer.ID != nil && *in.Customer.ID != p.Customer {
			refused = append(refused, redline.Errorf(redline.CodeForbidden, []string{"customer", "id"}, "you may order for yourself alone"))
		}
		in.Customer.ID = &p.Customer
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// newOrder makes the order with its lines and money, before anything is
// allocated to it.
func (pl *placement) newOrder(number string) error {
	m, in := pl.m, pl.in
	currency := pl.products[0].Price.Currency
	o := &redline.Order{
		ID: redline.NewID(redline.PrefixOrder), Number: number, OwnerIssuer: m.by.Issuer, OwnerSubject: m.by.Subject,
		ExternalReference: in.ExternalReference, Customer: &redline.Customer{ID: in.Customer.ID, Name: in.Customer.Name, Email: in.Customer.Email},
		ShipTo: in.ShipTo, Version: 1, FulfillmentOrders: []*redline.FulfillmentOrder{},
	}
	var total redline.Decimal
	for i, l := range in.Lines {
		p := pl.products[i]
		if p.Price.Currency != currency {
			return redline.Invalid(indexPath("lines", i), "the product is priced in %s and the order's first in %s; one order has one currency", p.Price.Currency, currency)
		}
		sum, ok := p.Price.Amount.Times(l.Quantity, redline.MinorUnits(currency))
		if ok {
			total, ok = total.Plus(sum)
		}
		if !ok {
			return redline.Invalid(append(indexPath("lines", i), "quantity"), "the order's total is too large to be counted")
		}
		price := p.Price
		o.Lines = append(o.Lines, &redline.OrderLine{
			ID: redline.NewID(redline.PrefixOrderLine), OrderID: o.ID, ProductID: p.ID, Quantity: l.Quantity, Product: p,
			UnitPrice: &price, Discount: &redline.Money{Currency: currency}, Total: &redline.Money{Amount: sum, Currency: currency},
		})
	}
	o.Total = &redline.Money{Amount: total, Currency: currency}
	pl.order = o
	return nil
}

// allocate locks all levels of the order's products and spreads the lines over
// them. Lines that want the same product see what earlier ones have taken.
func (pl *placement) allocate(ctx context.Context) error {
	products := make([]string, len(pl.products))
	for i, p := range pl.products {
		products[i] = p.ID
	}
	var err error
	if pl.levels, err = pl.m.lockLevels(ctx, `l.product_id = ANY($1)`, pq.Array(products)); err != nil {
		return err
	}
	named, err := pl.namedLocations(ctx)
	if err != nil {
		return err
	}
	packs, err := pl.packs(ctx, products)
	if err != nil {
		return err
	}
	var refused redline.Errors
	for i, line := range pl.order.Lines {
		in := pl.in.Lines[i]
		if in.LocationID != nil && !named[*in.LocationID] {
			refused = append(refused, redline.NotFound(append(indexPath("lines", i), "locationId"), "there is no location %.60q", *in.LocationID))
			continue
		}
		var sources []redline.Source
		there := 0
		for k, l := range pl.levels {
			if k.product != line.ProductID || in.LocationID != nil && k.location != *in.LocationID {
				continue
			}
			left := l.Available - pl.taken[k]
			there += left
			sources = append(sources, redline.Source{
				LocationID: k.location, Code: l.LocationCode, Kind: l.Kind, LeadTimeDays: l.LeadTimeDays, Available: left,
			})
		}
		takes, missing := redline.Allocate(line.Quantity, sources)
		if missing > 0 && !pl.in.AllowBackorder {
			e := redline.Errorf(redline.CodeInsufficientStock, append(indexPath("lines", i), "quantity"),
				"%d of %s are wanted, and %d are available", line.Quantity, line.Product.SKU, there)
			e.Product, e.Requested, e.Available = line.Product, line.Quantity, min(there, 1<<31-1)
			refused = append(refused, e)
			continue
		}
		line.Backordered = missing
		for _, t := range takes {
			line.Open += t.Quantity
			pl.give(line, levelKey{line.ProductID, t.Source.LocationID}, t.Quantity, packs)
		}
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// give adds a share of a line to the part of its location.
func (pl *placement) give(line *redline.OrderLine, k levelKey, quantity int, packs map[levelKey]*redline.SupplierItem) {
	pl.taken[k] += quantity
	l := pl.levels[k]
	f := pl.parts[k.location]
	if f == nil {
		f = &redline.FulfillmentOrder{
			ID: redline.NewID(redline.PrefixFulfillmentOrder), OrderID: pl.order.ID, LocationID: k.location, SupplierID: l.SupplierID,
			SupplierCode: l.SupplierCode, Status: redline.PartSubmitted, Version: 1, SubmittedAt: pl.m.now, Fulfillments: []*redline.Fulfillment{},
		}
		if f.SupplierID != nil {
			by := pl.m.now.Add(acknowledgeWithin)
			f.AcknowledgeBy = &by
		}
		pl.parts[k.location] = f
		pl.order.FulfillmentOrders = append(pl.order.FulfillmentOrders, f)
	}
	fl := &redline.FulfillmentOrderLine{
		ID: redline.NewID(redline.PrefixFulfillmentOrderLine), FulfillmentOrderID: f.ID, OrderLineID: line.ID, Quantity: quantity,
	}
	if f.SupplierID != nil {
		// Frozen as it is now: a later mapping is for later orders.
		if i := packs[levelKey{line.ProductID, *f.SupplierID}]; i != nil {
			n := redline.SupplierQuantity(quantity, i.PackQuantity, i.MinimumOrderQuantity, i.OrderMultiple)
			fl.SupplierSKU, fl.SupplierUnit, fl.PackQuantity, fl.SupplierQuantity = &i.SupplierSKU, &i.Unit, &i.PackQuantity, &n
		}
	}
	f.Lines = append(f.Lines, fl)
}

// packs finds how suppliers name and pack the products, by product and supplier.
func (pl *placement) packs(ctx context.Context, products []string) (map[levelKey]*redline.SupplierItem, error) {
	suppliers := []string{}
	for _, l := range pl.levels {
		suppliers = appendSet(suppliers, l.SupplierID)
	}
	out := map[levelKey]*redline.SupplierItem{}
	if len(suppliers) == 0 {
		return out, nil
	}
	var items []*redline.SupplierItem
	err := pl.m.tx.SelectContext(ctx, &items, `SELECT DISTINCT ON (product_id, supplier_id) id, supplier_id, product_id, supplier_sku,
		unit, pack_quantity, minimum_order_quantity, order_multiple FROM supplier_items
		WHERE product_id = ANY($1) AND supplier_id = ANY($2) ORDER BY product_id, supplier_id, id`, pq.Array(products), pq.Array(suppliers))
	if err != nil {
		return nil, dbError("reading the packs of suppliers", err)
	}
	for _, i := range items {
		out[levelKey{i.ProductID, i.SupplierID}] = i
	}
	return out, nil
}

// namedLocations says which of the locations that lines ask for exist.
func (pl *placement) namedLocations(ctx context.Context) (map[string]bool, error) {
	var ids []string
	for _, l := range pl.in.Lines {
		ids = appendSet(ids, l.LocationID)
	}
	found := map[string]bool{}
	if len(ids) == 0 {
		return found, nil
	}
	var existing []string
	if err := pl.m.tx.SelectContext(ctx, &existing, `SELECT id FROM locations WHERE id = ANY($1)`, pq.Array(ids)); err != nil {
		return nil, dbError("reading the locations of an order", err)
	}
	for _, id := range existing {
		found[id] = true
	}
	return found, nil
}

// commit takes what was allocated from the levels.
func (pl *placement) commit() error {
	keys := slices.SortedFunc(maps.Keys(pl.taken), func(a, b levelKey) int {
		return cmp.Or(strings.Compare(a.product, b.product), strings.Compare(a.location, b.location))
	})
	for _, k := range keys {
		n := pl.taken[k]
		err := pl.m.change(pl.levels[k], stockChange{
			delta: redline.Delta{redline.StateCommitted: n}, reason: redline.ReasonCommitted, reference: &pl.order.Number,
		})
		if err != nil {
			return fmt.Errorf("committing %d of %s at %s: %w", n, k.product, k.location, err)
		}
	}
	return nil
}

// insert writes the order and tells of it.
func (pl *placement) insert(ctx context.Context) error {
	o, m := pl.order, pl.m
	o.PlacedAt, o.UpdatedAt = m.now, m.now
	o.Status = o.RollUp()
	actor := m.by.Subject
	o.History = []*redline.OrderStatusChange{{OrderID: o.ID, To: o.Status, Actor: &actor, At: m.now}}
	if err := insertOrders(ctx, m.tx, []*redline.Order{o}); err != nil {
		if violates(err, "order_reference_once") {
			return redline.Errorf(redline.CodeDuplicate, []string{"externalReference"}, "you have placed an order with this reference already")
		}
		return err
	}
	var suppliers []string
	for _, f := range o.FulfillmentOrders {
		suppliers = appendSet(suppliers, f.SupplierCode)
	}
	m.tellOrder(o, nil, nil, suppliers)
	return nil
}

// tellOrder gathers the event of a new version of an order.
func (m *mutation) tellOrder(o *redline.Order, from *redline.OrderStatus, part *string, suppliers []string) {
	m.subjects = append(m.subjects, o.ID)
	m.events = append(m.events, eventRow{Type: redline.EventOrder, Subject: o.ID, At: m.now, Payload: redline.OrderEvent{
		Order: *o, From: from, To: o.Status, FulfillmentOrderID: part, Suppliers: suppliers,
	}})
}

// nameProducts fills the products of refusals, which know their ids.
func (m *mutation) nameProducts(ctx context.Context, refused []*redline.Error) error {
	if len(refused) == 0 {
		return nil
	}
	var ids []string
	for _, e := range refused {
		ids = append(ids, e.Product.ID)
	}
	var found []*redline.Product
	if err := m.tx.SelectContext(ctx, &found, selectProducts+` WHERE p.id = ANY($1)`, pq.Array(ids)); err != nil {
		return dbError("reading products", err)
	}
	byID := map[string]*redline.Product{}
	for _, p := range found {
		byID[p.ID] = p
	}
	for _, e := range refused {
		e.Product = byID[e.Product.ID]
	}
	return nil
}
