package store_test

import (
	"context"
	"testing"
	"time"

	"redline"
	"redline/internal/pgtest"
	"redline/migrations"
	"redline/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// patience is for crowds on a slow disk: what they test is who wins, and not how
// soon.
const patience = time.Minute

// The people of the tests.
var (
	shop     = redline.Principal{Issuer: "redline", Subject: "shop", Role: redline.RoleStorefront, Scopes: redline.DefaultScopes(redline.RoleStorefront)}
	rival    = redline.Principal{Issuer: "redline", Subject: "rival", Role: redline.RoleStorefront, Scopes: redline.DefaultScopes(redline.RoleStorefront)}
	buyer    = redline.Principal{Issuer: "redline", Subject: "ann", Role: redline.RoleCustomer, Customer: "ann", Scopes: redline.DefaultScopes(redline.RoleCustomer)}
	operator = redline.Principal{Issuer: "redline", Subject: "olga", Role: redline.RoleOperator, Scopes: redline.DefaultScopes(redline.RoleOperator)}
	cajun    = supplierPrincipal("cajun")
	tokyo    = supplierPrincipal("tokyo")
)

func supplierPrincipal(codes ...string) redline.Principal {
	return redline.Principal{
		Issuer: "redline", Subject: "erp-" + codes[0], Role: redline.RoleSupplier, Suppliers: codes,
		Scopes: redline.DefaultScopes(redline.RoleSupplier),
	}
}

// world is a store with a little stock in it: two warehouses of ours and two
// suppliers.
//
//	         east   west   cajun   tokyo
//	pads      10      4
//	sauce      3            64
//	tea                            20
type world struct {
	*store.Store
	t   testing.TB
	ctx context.Context
	url string
	// ids by name: products by SKU, locations and suppliers by code.
	id        map[string]string
	committed chan struct{}
}

func newWorld(t *testing.T) *world {
	t.Helper()
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	t.Cleanup(cancel)
	ids := map[string]string{}
	url := pgtest.NewFrom(t, "store", func(url string) error { return prepare(ctx, url) })
	committed := make(chan struct{}, 1)
	s, err := store.Open(ctx, url, allNamed(t, store.Options{MaxConns: 40, StatementTimeout: patience, Patience: patience, Committed: func() {
		select {
		case committed <- struct{}{}:
		default:
		}
	}}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	w := &world{Store: s, t: t, ctx: ctx, url: url, id: ids, committed: committed}
	for _, q := range []string{`SELECT sku, id FROM products`, `SELECT code, id FROM locations`, `SELECT 'supplier ' || code, id FROM suppliers`} {
		rows, err := s.DB().QueryContext(ctx, q)
		w.must(err)
		for rows.Next() {
			var name, id string
			w.must(rows.Scan(&name, &id))
			ids[name] = id
		}
		w.must(rows.Err())
		w.must(rows.Close())
	}
	return w
}

// prepare migrates a database and loads the stock of the table above.
func prepare(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := migrations.Up(ctx, s.DB().DB); err != nil {
		return err
	}
	price, _ := redline.ParseDecimal("2.50")
	d := redline.Dataset{LeadTimeDays: map[string]int{}}
	at := map[string]string{}
	for _, code := range []string{"east", "west"} {
		l := &redline.Location{ID: redline.NewID(redline.PrefixLocation), Code: code, Name: code, Kind: redline.LocationWarehouse}
		at[code] = l.ID
		d.Locations = append(d.Locations, l)
	}
	for i, code := range []string{"cajun", "tokyo"} {
		sup := &redline.Supplier{ID: redline.NewID(redline.PrefixSupplier), Code: code, Name: code}
		d.Suppliers = append(d.Suppliers, sup)
		l := &redline.Location{ID: redline.NewID(redline.PrefixLocation), Code: code, Name: code, Kind: redline.LocationSupplier, SupplierID: &sup.ID}
		at[code] = l.ID
		d.LeadTimeDays[l.ID] = 3 + i
		d.Locations = append(d.Locations, l)
	}
	stock := func(p *redline.Product, onHand map[string]int) {
		for code, n := range onHand {
			d.Levels = append(d.Levels, &redline.InventoryLevel{
				ID: redline.NewID(redline.PrefixLevel), ProductID: p.ID, LocationID: at[code], OnHand: n, ReorderPoint: 2,
			})
		}
	}
	product := func(sku, name, category string, unit redline.UnitOfMeasure) *redline.Product {
		p := &redline.Product{
			ID: redline.NewID(redline.PrefixProduct), SKU: sku, Name: name, Category: category, BaseUnit: unit,
			Price: redline.Money{Amount: price, Currency: "USD"}, Active: true,
		}
		d.Products = append(d.Products, p)
		return p
	}
	item := func(p *redline.Product, supplier int, sku string, pack int) {
		d.SupplierItems = append(d.SupplierItems, &redline.SupplierItem{
			ID: redline.NewID(redline.PrefixSupplierItem), SupplierID: d.Suppliers[supplier].ID, ProductID: p.ID, SupplierSKU: sku,
			Unit: redline.UnitCase, PackQuantity: pack, MinimumOrderQuantity: 1, OrderMultiple: 1, Cost: &redline.Money{Amount: price, Currency: "USD"},
		})
	}
	pads, sauce, tea := product("pads", "Brake pads", "Brakes", redline.UnitPiece), product("sauce", "Hot sauce", "Sauces", redline.UnitBottle),
		product("tea", "Green tea", "Drinks", redline.UnitBag)
	stock(pads, map[string]int{"east": 10, "west": 4})
	stock(sauce, map[string]int{"east": 3, "cajun": 64})
	stock(tea, map[string]int{"tokyo": 20})
	item(sauce, 0, "65", 32)
	item(tea, 1, "T1", 10)
	withdrawn := product("old", "Old part", "Brakes", redline.UnitPiece)
	withdrawn.Active = false
	return s.Load(ctx, operator, d)
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// key makes an idempotency key that no other call has.
func key() string { return redline.NewID("key") }

func ref[T any](v T) *T { return &v }

// line wants a number of a product, named by SKU.
func line(sku string, n int) redline.LineInput { return redline.LineInput{SKU: &sku, Quantity: n} }

// place places an order that has to succeed and returns it, whole.
func (w *world) place(p redline.Principal, lines ...redline.LineInput) *redline.Order {
	w.t.Helper()
	id, _, err := w.OrderPlace(w.ctx, p, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines})
	w.must(err)
	return w.order(p, id)
}

// order reads an order whole, as a principal sees it; nil where it sees none.
func (w *world) order(p redline.Principal, id string) *redline.Order {
	w.t.Helper()
	found, err := w.OrdersByID(w.ctx, p, []string{id})
	w.must(err)
	o := found[id]
	if o == nil {
		return nil
	}
	w.must(w.LoadOrders(w.ctx, p, []*redline.Order{o}, redline.OrderParts{Lines: true, Parts: true, History: true, Returns: true}))
	return o
}

// part is the part of an order at a location.
func (w *world) part(o *redline.Order, location string) *redline.FulfillmentOrder {
	w.t.Helper()
	for _, f := range o.FulfillmentOrders {
		if f.LocationID == w.id[location] {
			return f
		}
	}
	w.t.Fatalf("order %s has no part at %s", o.Number, location)
	return nil
}

// level reads the level of a product at a location.
func (w *world) level(sku, location string) *redline.InventoryLevel {
	w.t.Helper()
	levels, err := w.LevelsOfProducts(w.ctx, operator, []string{w.id[sku]})
	w.must(err)
	for _, l := range levels[w.id[sku]] {
		if l.LocationID == w.id[location] {
			return l
		}
	}
	w.t.Fatalf("there is no level of %s at %s", sku, location)
	return nil
}

// checkBooks checks what has to be true of the rows at any time.
func (w *world) checkBooks() {
	w.t.Helper()
	for what, text := range map[string]string{
		"the ledger adds up to the levels": `SELECT l.id FROM inventory_levels l LEFT JOIN (
				SELECT product_id, location_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved,
					sum(committed_delta) AS committed, sum(safety_stock_delta) AS safety_stock,
					sum(unavailable_delta) AS unavailable, sum(incoming_delta) AS incoming, count(*) AS lines, max(level_version) AS version
				FROM inventory_movements GROUP BY 1, 2) m USING (product_id, location_id)
			WHERE (l.on_hand, l.reserved, l.committed, l.safety_stock, l.unavailable, l.incoming, l.version, l.version)
				IS DISTINCT FROM (m.on_hand, m.reserved, m.committed, m.safety_stock, m.unavailable, m.incoming, m.version, m.lines)`,
		"committed is what open parts hold": `SELECT l.id FROM inventory_levels l LEFT JOIN (
				SELECT ol.product_id, f.location_id, sum(coalesce(fl.accepted, fl.quantity) - fl.shipped) AS held
				FROM fulfillment_order_lines fl JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
				JOIN order_lines ol ON ol.id = fl.order_line_id
				WHERE f.status IN ('SUBMITTED', 'ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED') GROUP BY 1, 2) h
				USING (product_id, location_id) WHERE l.committed <> coalesce(h.held, 0)`,
		"a line's open and shipped are its parts'": `SELECT ol.id FROM order_lines ol LEFT JOIN (
				SELECT fl.order_line_id, sum(fl.shipped) AS shipped, sum(CASE WHEN f.status IN ('SUBMITTED', 'ACCEPTED',
					'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED') THEN coalesce(fl.accepted, fl.quantity) - fl.shipped ELSE 0 END) AS open
				FROM fulfillment_order_lines fl JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id GROUP BY 1) h
				ON h.order_line_id = ol.id WHERE (ol.open, ol.shipped) <> (coalesce(h.open, 0), coalesce(h.shipped, 0))`,
		"reserved is what active reservations hold": `SELECT l.id FROM inventory_levels l LEFT JOIN (
				SELECT rl.product_id, rl.location_id, sum(rl.quantity) AS held FROM reservation_lines rl
				JOIN reservations r ON r.id = rl.reservation_id WHERE r.status = 'ACTIVE' GROUP BY 1, 2) h
				USING (product_id, location_id) WHERE l.reserved <> coalesce(h.held, 0)`,
		"what a part's line has shipped is in its shipments that left": `SELECT fl.id FROM fulfillment_order_lines fl LEFT JOIN (
				SELECT sl.fulfillment_order_line_id, sum(sl.quantity) AS sent FROM fulfillment_lines sl
				JOIN fulfillments s ON s.id = sl.fulfillment_id WHERE s.status IN ('SHIPPED', 'DELIVERED', 'FAILED') GROUP BY 1) s
				ON s.fulfillment_order_line_id = fl.id WHERE fl.shipped <> coalesce(s.sent, 0)`,
		"no more is pending than a part has to ship": `SELECT fl.id FROM fulfillment_order_lines fl
				JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
				JOIN fulfillment_lines sl ON sl.fulfillment_order_line_id = fl.id
				JOIN fulfillments s ON s.id = sl.fulfillment_id AND s.status = 'PENDING'
				GROUP BY fl.id, f.status HAVING sum(sl.quantity) > CASE WHEN f.status IN ('ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS',
					'CANCELLATION_REQUESTED') THEN coalesce(fl.accepted, fl.quantity) - fl.shipped ELSE 0 END`,
		"a shipment has left, or it hasn't": `SELECT id FROM fulfillments WHERE (status IN ('PENDING', 'CANCELLED')) <> (shipped_at IS NULL)`,
		"what came back of a line is what its returns received": `SELECT ol.id FROM order_lines ol LEFT JOIN (
				SELECT order_line_id, sum(restocked + written_off) AS received FROM return_lines GROUP BY 1) r ON r.order_line_id = ol.id
				WHERE ol.returned <> coalesce(r.received, 0)`,
		"what came in of a return's line is what came in of each owner's goods": `SELECT rl.id FROM return_lines rl LEFT JOIN (
				SELECT return_line_id, sum(restocked) AS restocked, sum(written_off) AS written_off FROM return_receipts GROUP BY 1) i
				ON i.return_line_id = rl.id
				WHERE (rl.restocked, rl.written_off) <> (coalesce(i.restocked, 0), coalesce(i.written_off, 0))`,
		"no more comes in of a supplier's goods than it has shipped": `SELECT i.return_line_id FROM return_receipts i
				JOIN return_lines rl ON rl.id = i.return_line_id WHERE i.supplier_id IS NOT NULL
				GROUP BY rl.order_line_id, i.supplier_id, i.return_line_id HAVING sum(i.restocked + i.written_off) > (SELECT sum(fl.shipped)
					FROM fulfillment_order_lines fl JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
					WHERE fl.order_line_id = rl.order_line_id AND f.supplier_id = i.supplier_id)`,
		"no more is announced to come back than was shipped": `SELECT ol.id FROM order_lines ol JOIN return_lines rl ON rl.order_line_id = ol.id
				JOIN returns r ON r.id = rl.return_id AND r.status IN ('REQUESTED', 'PARTIALLY_RECEIVED')
				GROUP BY ol.id HAVING sum(rl.quantity - rl.restocked - rl.written_off) > ol.shipped - ol.returned`,
		"a return is as far as its lines": `SELECT r.id FROM returns r JOIN return_lines l ON l.return_id = r.id GROUP BY r.id
				HAVING r.status = 'REQUESTED' AND sum(l.restocked + l.written_off) > 0
					OR r.status = 'PARTIALLY_RECEIVED' AND sum(l.restocked + l.written_off) IN (0, sum(l.quantity))
					OR r.status = 'RECEIVED' AND sum(l.restocked + l.written_off) = 0
					OR r.status = 'CANCELLED' AND sum(l.restocked + l.written_off) > 0`,
		"each version of a level has one event": `SELECT l.id FROM inventory_levels l
				WHERE l.version <> (SELECT count(*) FROM events e WHERE e.subject_id = l.id)`,
		"each version of an order has one event": `SELECT o.id FROM orders o
				WHERE o.version <> (SELECT count(*) FROM events e WHERE e.subject_id = o.id)`,
		"each version of a conflict has one event": `SELECT c.id FROM conflicts c
				WHERE c.version <> (SELECT count(*) FROM events e WHERE e.subject_id = c.id)`,
		"what is oversold has an open conflict, unless somebody dismissed it": `SELECT l.id FROM inventory_levels l
				WHERE (l.reserved + l.committed > l.on_hand - l.unavailable) <> EXISTS (SELECT 1 FROM conflicts c
					WHERE c.cause = 'OVERSOLD ' || l.id AND c.status = 'OPEN')
				AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.cause = 'OVERSOLD ' || l.id AND c.status = 'DISMISSED')`,
		"every version of an item is kept": `SELECT i.id FROM supplier_items i
				WHERE ARRAY(SELECT v.version FROM supplier_item_versions v WHERE v.supplier_item_id = i.id ORDER BY 1)
					<> ARRAY(SELECT generate_series(1, i.version))`,
		"a level's lead time is that of the supplier's quickest item": `SELECT l.id FROM inventory_levels l
				JOIN locations loc ON loc.id = l.location_id WHERE l.lead_time_days IS DISTINCT FROM (SELECT min(i.lead_time_days)
					FROM supplier_items i WHERE (i.supplier_id, i.product_id) = (loc.supplier_id, l.product_id))`,
		"an order's total is the sum of its lines": `SELECT o.id FROM orders o
				WHERE o.total <> (SELECT sum(total) FROM order_lines l WHERE l.order_id = o.id)`,
	} {
		var bad []string
		w.must(w.DB().SelectContext(w.ctx, &bad, text))
		if len(bad) > 0 {
			w.t.Errorf("not true: %s: %v", what, bad)
		}
	}
}
