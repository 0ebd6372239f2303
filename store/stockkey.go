package store

import (
	"context"
	"fmt"
	"slices"

	"redline"
)

// stockRef is what a redline.StockKey means: a level, and how many base units
// one unit beside the key is.
type stockRef struct {
	levelKey
	pack int
	// awaited: an order waits for stock of the product.
	awaited bool
}

// stockBook knows what a principal may name: the locations whose stock it may
// touch, and the products and supplier items that its keys speak of.
type stockBook struct {
	by   redline.Principal
	keys []redline.StockKey
	// of is the place of the mutation that asks.
	of        int
	locations []*place
	*stockIndex
}

// stockIndex is what the keys of several books speak of. The supplier items are
// those of any supplier: a book looks only at those of locations that it has.
type stockIndex struct {
	byID  map[string]*bookProduct
	bySKU map[string]*bookProduct
	// items by supplier and its SKU, and by supplier and product.
	byItemSKU map[[2]string][]*bookItem
	byItem    map[[2]string][]*bookItem
}

type bookProduct struct {
	ID       string
	SKU      string
	BaseUnit redline.UnitOfMeasure `db:"base_unit"`
	Awaited  bool
}

// awaitedProduct says whether an order waits for a product p.
const awaitedProduct = `EXISTS (SELECT 1 FROM order_lines ol WHERE ol.product_id = p.id AND ol.backordered > 0) AS awaited`

type bookItem struct {
	ID          string
	SupplierID  string `db:"supplier_id"`
	ProductID   string `db:"product_id"`
	SupplierSKU string `db:"supplier_sku"`
	Unit        redline.UnitOfMeasure
	Pack        int                   `db:"pack_quantity"`
	BaseUnit    redline.UnitOfMeasure `db:"base_unit"`
	Awaited     bool
}

// readStockBooks fills books, with three statements at most, however many there
// are and however many keys they have.
func (t *transaction) readStockBooks(ctx context.Context, books []*stockBook) error {
	if err := t.readBookLocations(ctx, books); err != nil {
		return err
	}
	x := &stockIndex{
		byID: map[string]*bookProduct{}, bySKU: map[string]*bookProduct{},
		byItemSKU: map[[2]string][]*bookItem{}, byItem: map[[2]string][]*bookItem{},
	}
	ids, skus, supplierSKUs := texts(), texts(), texts()
	supplied := false // somebody speaks of a supplier's stock
	for _, b := range books {
		b.stockIndex = x
		for _, k := range b.keys {
			maybe(ids, (*column).text, k.ProductID)
			maybe(skus, (*column).text, k.SKU)
			maybe(supplierSKUs, (*column).text, k.SupplierSKU)
			at, _ := b.location(k)
			supplied = supplied || at != nil && at.SupplierID != nil
		}
	}

	var products []*bookProduct
	err := t.tx.SelectContext(ctx, &products, `/* stock_keys.products */ SELECT p.id, p.sku, p.base_unit, `+awaitedProduct+` FROM products p
		WHERE p.id = ANY($1::text[]) OR p.sku = ANY($2::text[])`, ids, skus)
	if err != nil {
		return dbError("reading the products of a stock key", err)
	}
	found := texts()
	for _, p := range products {
		x.byID[p.ID], x.bySKU[p.SKU] = p, p
		found.text(p.ID)
	}
	if !supplied {
		return nil
	}

	var items []*bookItem
	err = t.tx.SelectContext(ctx, &items, `/* stock_keys.items */ SELECT i.id, i.supplier_id, i.product_id, i.supplier_sku, i.unit, i.pack_quantity, p.base_unit,
			`+awaitedProduct+`
		FROM supplier_items i JOIN products p ON p.id = i.product_id
		WHERE i.supplier_sku = ANY($1::text[]) OR i.product_id = ANY($2::text[]) ORDER BY i.id`, supplierSKUs, found)
	if err != nil {
		return dbError("reading the supplier items of a stock key", err)
	}
	for _, i := range items {
		sku, product := [2]string{i.SupplierID, i.SupplierSKU}, [2]string{i.SupplierID, i.ProductID}
		x.byItemSKU[sku], x.byItem[product] = append(x.byItemSKU[sku], i), append(x.byItem[product], i)
	}
	return nil
}

// readBookLocations finds the locations whose stock each book's principal may
// touch. Whoever may touch all stock finds them in memory; what the others may
// is for the rows to say.
func (t *transaction) readBookLocations(ctx context.Context, books []*stockBook) error {
	of, codes := ints(), texts()
	for i, b := range books {
		if !b.by.Everywhere() && b.by.Role == redline.RoleSupplier {
			for _, code := range b.by.Suppliers {
				of.int(i)
				codes.text(code)
			}
		}
	}
	var rows []struct {
		Book       int
		LocationID string `db:"location_id"`
		Owner      string
	}
	if of.n > 0 {
		err := t.tx.SelectContext(ctx, &rows, `/* stock_keys.locations */ SELECT b.book, loc.id AS location_id, `+placeOwner+` AS owner
			FROM unnest($1::integer[], $2::text[]) AS b (book, code)
			JOIN suppliers sup ON sup.code = b.code JOIN locations loc ON loc.supplier_id = sup.id ORDER BY b.book, loc.code`, of, codes)
		if err != nil {
			return dbError("reading the locations of a stock key", err)
		}
	}
	err := t.goBy(ctx, func(known *places) bool {
		for _, r := range rows {
			if !known.owned(r.LocationID, r.Owner) {
				return false
			}
		}
		return !slices.ContainsFunc(books, func(b *stockBook) bool { return b.by.Everywhere() && !known.haveNamed(b.keys) })
	})
	if err != nil {
		return err
	}
	for _, b := range books {
		if b.by.Everywhere() {
			b.locations = t.places.all
		}
	}
	for _, r := range rows {
		at := t.places.byID[r.LocationID]
		if at == nil {
			return fmt.Errorf("reading the locations of a stock key: there is no location %s", r.LocationID)
		}
		books[r.Book].locations = append(books[r.Book].locations, at)
	}
	return nil
}

// haveNamed reports whether all locations that keys name are among the places.
func (p *places) haveNamed(keys []redline.StockKey) bool {
	return !slices.ContainsFunc(keys, func(k redline.StockKey) bool {
		return k.LocationID != nil && p.byID[*k.LocationID] == nil || k.LocationCode != nil && p.byCode[*k.LocationCode] == nil
	})
}

func appendSet(list []string, v *string) []string {
	if v != nil {
		list = append(list, *v)
	}
	return list
}

// resolve says what a key means. The errors' paths are relative to the key.
func (b *stockBook) resolve(k redline.StockKey) (stockRef, *redline.Error) {
	var ref stockRef
	loc, refused := b.location(k)
	if refused != nil {
		return ref, refused
	}
	var product *bookProduct
	var items []*bookItem
	named := 0
	for _, v := range []*string{k.ProductID, k.SKU, k.SupplierSKU} {
		if v != nil {
			named++
		}
	}
	if named != 1 {
		return ref, redline.Invalid(nil, "name the product by one of productId, sku and supplierSku")
	}
	switch {
	case k.ProductID != nil:
		if product = b.byID[*k.ProductID]; product == nil {
			return ref, redline.NotFound([]string{"productId"}, "there is no product %.60q", *k.ProductID)
		}
	case k.SKU != nil:
		if product = b.bySKU[*k.SKU]; product == nil {
			return ref, redline.NotFound([]string{"sku"}, "there is no product with the SKU %.60q", *k.SKU)
		}
	default:
		if loc.SupplierID == nil {
			return ref, redline.Invalid([]string{"supplierSku"}, "location %s is ours, and has no supplier's SKUs", loc.Code)
		}
		items = b.byItemSKU[[2]string{*loc.SupplierID, *k.SupplierSKU}]
		if len(items) == 0 {
			return ref, redline.Errorf(redline.CodeUnmappedSKU, []string{"supplierSku"},
				"the supplier's SKU %.60q is not mapped to a product", *k.SupplierSKU)
		}
		product = &bookProduct{ID: items[0].ProductID, BaseUnit: items[0].BaseUnit, Awaited: items[0].Awaited}
	}
	if len(items) == 0 && loc.SupplierID != nil {
		items = b.byItem[[2]string{*loc.SupplierID, product.ID}]
		if len(items) == 0 && b.by.Role == redline.RoleSupplier {
			field := "sku"
			if k.ProductID != nil {
				field = "productId"
			}
			return ref, redline.NotFound([]string{field}, "this is not a product that you supply")
		}
	}
	ref.levelKey, ref.awaited = levelKey{product.ID, loc.ID}, product.Awaited
	ref.pack, refused = packOf(k, product, items)
	return ref, refused
}

// unknown is the conflict that a supplier's key opens which was refused, because
// its SKU or a unit of it isn't mapped; nil where it opens none. Nothing is held for
// it: what was counted or moved is not applied later.
func (b *stockBook) unknown(k redline.StockKey, refused *redline.Error) *conflictOpening {
	at, _ := b.location(k)
	if b.by.Role != redline.RoleSupplier || at == nil || at.Supplier == nil {
		return nil
	}
	of := feedSupplier{ID: at.Supplier.ID, Code: at.Supplier.Code}
	var about unknownSKU
	switch refused.Code {
	case redline.CodeUnmappedSKU:
		about.sku = *k.SupplierSKU
	case redline.CodePackMismatch:
		var items []*bookItem
		switch {
		case k.SupplierSKU != nil:
			items = b.byItemSKU[[2]string{of.ID, *k.SupplierSKU}]
		case k.SKU != nil:
			items = b.byItem[[2]string{of.ID, b.bySKU[*k.SKU].ID}]
		default:
			items = b.byItem[[2]string{of.ID, *k.ProductID}]
		}
		about = unknownSKU{items[0].SupplierSKU, *k.Unit, items[0].ID}
	default:
		return nil
	}
	if oddSKU(about.sku) {
		return nil
	}
	o := unknownConflict(of, about)
	o.join = joinRows(o, nil, false)
	return &o
}

// packOf says how many base units one unit beside the key is, by the supplier's
// items that the key means. It never guesses.
func packOf(k redline.StockKey, product *bookProduct, items []*bookItem) (int, *redline.Error) {
	switch {
	case k.Unit == nil && k.SupplierSKU != nil:
		return items[0].Pack, nil
	case k.Unit == nil || *k.Unit == product.BaseUnit:
		return 1, nil
	}
	mismatch := func(format string, args ...any) (int, *redline.Error) {
		return 0, redline.Errorf(redline.CodePackMismatch, []string{"unit"}, format, args...)
	}
	pack, known := 0, string(product.BaseUnit)
	for _, i := range items {
		known += " or " + string(i.Unit)
		switch {
		case i.Unit != *k.Unit || i.Pack == pack:
		case pack != 0:
			return mismatch("the supplier has several packs of this product by the %s; name one by its supplierSku", i.Unit)
		default:
			pack = i.Pack
		}
	}
	if pack == 0 {
		return mismatch("this product isn't counted in %s but in %s", *k.Unit, known)
	}
	return pack, nil
}

// location finds the one location that a key means, of those that the
// principal may touch.
func (b *stockBook) location(k redline.StockKey) (*place, *redline.Error) {
	field, named := "locationId", k.LocationID
	if named == nil {
		field, named = "locationCode", k.LocationCode
	}
	if k.LocationID != nil && k.LocationCode != nil {
		return nil, redline.Invalid([]string{"locationCode"}, "name the location by one of locationId and locationCode")
	}
	if named != nil {
		i := slices.IndexFunc(b.locations, func(l *place) bool {
			return l.ID == *named && field == "locationId" || l.Code == *named && field == "locationCode"
		})
		if i < 0 || k.SupplierID != nil && (b.locations[i].SupplierID == nil || *b.locations[i].SupplierID != *k.SupplierID) {
			return nil, redline.NotFound([]string{field}, "there is no location %.60q whose stock you may change", *named)
		}
		return b.locations[i], nil
	}
	// Left out: the supplier's only one.
	if b.by.Role != redline.RoleSupplier && k.SupplierID == nil {
		return nil, redline.Invalid(nil, "name the location by locationId or locationCode")
	}
	var of []*place
	suppliers := map[string]bool{}
	for _, l := range b.locations {
		if l.SupplierID != nil && (k.SupplierID == nil || *l.SupplierID == *k.SupplierID) {
			of = append(of, l)
			suppliers[*l.SupplierID] = true
		}
	}
	switch {
	case len(of) == 0 && k.SupplierID != nil:
		return nil, redline.NotFound([]string{"supplierId"}, "there is no supplier %.60q whose stock you may change", *k.SupplierID)
	case len(suppliers) > 1:
		return nil, redline.Invalid(nil, "your token speaks for several suppliers; say which by supplierId, or name the location")
	case len(of) != 1:
		return nil, redline.Invalid(nil, "the supplier has %d locations; name one by locationId or locationCode", len(of))
	}
	return of[0], nil
}
