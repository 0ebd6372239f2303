package store

import (
	"context"
	"errors"
	"fmt"

	"redline"
)

// ErrNotEmpty says that a database has products already, so that nothing was
// loaded into it.
var ErrNotEmpty = errors.New("the database is not empty: it has products already")

// Load fills an empty database in one transaction, in the name of a principal:
// stock opens with a ledger line for each level, and what open orders hold is
// committed, order by order.
func (s *Store) Load(ctx context.Context, p redline.Principal, d redline.Dataset) error {
	key := "load"
	_, outcome, err := mutate(ctx, s, p, request{action: "load", key: &key}, func(ctx context.Context, m *mutation) (int, error) {
		var filled bool
		if err := m.tx.GetContext(ctx, &filled, `/* load.filled */ SELECT EXISTS (SELECT 1 FROM products)`); err != nil {
			return 0, dbError("looking for products", err)
		}
		if filled {
			return 0, ErrNotEmpty
		}
		if err := m.loadCatalogue(ctx, d); err != nil {
			return 0, err
		}
		if err := m.loadStock(ctx, d); err != nil {
			return 0, err
		}
		if err := m.loadOrders(ctx, d); err != nil {
			return 0, err
		}
		// Foreign keys are checked by plans that a connection keeps: those made for
		// empty tables would read all of what was just loaded.
		if _, err := m.tx.ExecContext(ctx, `/* load.analyze */ ANALYZE suppliers, products, supplier_items, supplier_item_versions, locations, inventory_levels,
			inventory_movements, orders, order_lines, fulfillment_orders, fulfillment_order_lines, fulfillments, fulfillment_lines,
			order_status_changes, events`); err != nil {
			return 0, dbError("gathering statistics", err)
		}
		return len(d.Orders), nil
	})
	if err == nil && outcome.Replayed {
		return ErrNotEmpty
	}
	return err
}

func (m *mutation) insertJSON(ctx context.Context, what, text string, rows any) error {
	b, err := jsonText(rows)
	if err != nil {
		return err
	}
	if _, err := m.tx.ExecContext(ctx, text, b); err != nil {
		return dbError("loading "+what, err)
	}
	return nil
}

func (m *mutation) loadCatalogue(ctx context.Context, d redline.Dataset) error {
	err := m.insertJSON(ctx, "suppliers", `/* load.suppliers */ INSERT INTO suppliers (id, code, name)
		SELECT n."ID", n."Code", n."Name" FROM jsonb_to_recordset($1) AS n ("ID" text, "Code" text, "Name" text)`, d.Suppliers)
	if err != nil {
		return err
	}
	suppliers := map[string]*redline.Supplier{}
	for _, s := range d.Suppliers {
		suppliers[s.ID] = s
	}
	locations := make([]*place, len(d.Locations))
	m.made = map[string]*place{}
	for i, l := range d.Locations {
		locations[i] = &place{Location: *l}
		if days, ok := d.LeadTimeDays[l.ID]; ok {
			locations[i].LeadTimeDays = &days
		}
		if l.SupplierID != nil {
			locations[i].Supplier = suppliers[*l.SupplierID]
		}
		m.made[l.ID] = locations[i]
	}
	err = m.insertJSON(ctx, "locations", `/* load.locations */ INSERT INTO locations (id, code, name, kind, supplier_id, lead_time_days)
		SELECT n."ID", n."Code", n."Name", n."Kind", n."SupplierID", n."LeadTimeDays" FROM jsonb_to_recordset($1)
		AS n ("ID" text, "Code" text, "Name" text, "Kind" text, "SupplierID" text, "LeadTimeDays" int)`, locations)
	if err != nil {
		return err
	}
	err = m.insertJSON(ctx, "products", `/* load.products */ INSERT INTO products (id, sku, name, description, brand, category, base_unit, price, currency,
			active, attributes)
		SELECT n."ID", n."SKU", n."Name", n."Description", n."Brand", n."Category", n."BaseUnit", (n."Price"->>'amount')::numeric,
			n."Price"->>'currency', n."Active", coalesce(nullif(n."Attributes", 'null'), '[]')
		FROM jsonb_to_recordset($1) AS n ("ID" text, "SKU" text, "Name" text, "Description" text, "Brand" text, "Category" text,
			"BaseUnit" text, "Price" jsonb, "Active" boolean, "Attributes" jsonb)`, d.Products)
	if err != nil {
		return err
	}
	err = m.insertJSON(ctx, "supplier items", `/* load.supplier_items */ INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, gtin, unit,
			pack_quantity, minimum_order_quantity, order_multiple, lead_time_days, cost, currency)
		SELECT n."ID", n."SupplierID", n."ProductID", n."SupplierSKU", n."GTIN", n."Unit", n."PackQuantity", n."MinimumOrderQuantity",
			n."OrderMultiple", n."LeadTimeDays", (n."Cost"->>'amount')::numeric, n."Cost"->>'currency'
		FROM jsonb_to_recordset($1) AS n ("ID" text, "SupplierID" text, "ProductID" text, "SupplierSKU" text, "GTIN" text, "Unit" text,
			"PackQuantity" int, "MinimumOrderQuantity" int, "OrderMultiple" int, "LeadTimeDays" int, "Cost" jsonb)`, d.SupplierItems)
	if err != nil {
		return err
	}
	if _, err := m.tx.ExecContext(ctx, "/* load.supplier_item_versions */ "+keepItems+` FROM supplier_items i`, m.by.Subject, string(m.by.Role)); err != nil {
		return dbError("loading supplier items", err)
	}
	return nil
}

// loadStock opens the levels, each with its ledger line.
func (m *mutation) loadStock(ctx context.Context, d redline.Dataset) error {
	err := m.insertJSON(ctx, "levels", `/* load.levels */ INSERT INTO inventory_levels (id, product_id, location_id, reorder_point, as_of, lead_time_days)
		SELECT n.id, n."productId", n."locationId", n."reorderPoint", clock_timestamp(), (SELECT min(i.lead_time_days)
			FROM locations loc JOIN supplier_items i ON i.supplier_id = loc.supplier_id
			WHERE loc.id = n."locationId" AND i.product_id = n."productId")
		FROM jsonb_to_recordset($1) AS n (id text, "productId" text, "locationId" text, "reorderPoint" int)`, d.Levels)
	if err != nil {
		return err
	}
	levels, err := m.lockLevels(ctx, nil, "true")
	if err != nil {
		return err
	}
	for _, opening := range d.Levels {
		l := levels[levelKey{opening.ProductID, opening.LocationID}]
		delta := redline.Delta{}
		for _, s := range redline.States {
			delta[s] = *opening.Quantity(s)
		}
		if err := m.change(l, stockChange{delta: delta, reason: redline.ReasonCounted, confirms: &m.now}); err != nil {
			return fmt.Errorf("opening %s at %s: %w", l.SKU, l.at.Code, err)
		}
	}
	for _, o := range d.Orders {
		held := map[levelKey]int{}
		for _, f := range o.FulfillmentOrders {
			for _, fl := range f.Lines {
				held[levelKey{o.Line(fl.OrderLineID).ProductID, f.LocationID}] += f.Remaining(fl)
			}
		}
		for k, n := range held {
			if n == 0 {
				continue
			}
			err := m.change(levels[k], stockChange{
				delta: redline.Delta{redline.StateCommitted: n}, reason: redline.ReasonCommitted, reference: &o.Number, occurredAt: o.PlacedAt,
			})
			if err != nil {
				return fmt.Errorf("committing stock to order %s: %w", o.Number, err)
			}
		}
	}
	return nil
}

func (m *mutation) loadOrders(ctx context.Context, d redline.Dataset) error {
	if err := insertOrders(ctx, m.tx, d.Orders); err != nil {
		return err
	}
	for _, o := range d.Orders {
		var suppliers []string
		for _, f := range o.FulfillmentOrders {
			suppliers = appendSet(suppliers, f.SupplierCode)
		}
		if err := m.tellOrder(o, nil, nil, suppliers); err != nil {
			return err
		}
	}
	// One audit entry for the load, not one for each order.
	m.subjects = nil
	return nil
}
