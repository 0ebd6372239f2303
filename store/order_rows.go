package store

import (
	"context"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
)

// The rows of orders as the SQL below takes them: as JSON, so that many rows of
// many columns are one readable statement.

type orderJSON struct {
	ID                string              `json:"id"`
	Number            string              `json:"number"`
	OwnerIssuer       string              `json:"owner_issuer"`
	OwnerSubject      string              `json:"owner_subject"`
	ExternalReference *string             `json:"external_reference"`
	CustomerID        *string             `json:"customer_id"`
	CustomerName      *string             `json:"customer_name"`
	CustomerEmail     *string             `json:"customer_email"`
	Status            redline.OrderStatus `json:"status"`
	HoldReason        *string             `json:"hold_reason"`
	Currency          string              `json:"currency"`
	Total             redline.Decimal     `json:"total"`
	ShipTo            *redline.Address    `json:"ship_to"`
	Version           int                 `json:"version"`
	PlacedAt          time.Time           `json:"placed_at"`
	UpdatedAt         time.Time           `json:"updated_at"`
}

type lineJSON struct {
	ID          string          `json:"id"`
	OrderID     string          `json:"order_id"`
	Position    int             `json:"position"`
	ProductID   string          `json:"product_id"`
	Quantity    int             `json:"quantity"`
	Open        int             `json:"open"`
	Backordered int             `json:"backordered"`
	Shipped     int             `json:"shipped"`
	Cancelled   int             `json:"cancelled"`
	UnitPrice   redline.Decimal `json:"unit_price"`
	Discount    redline.Decimal `json:"discount"`
	Total       redline.Decimal `json:"total"`
}

type partJSON struct {
	ID            string                         `json:"id"`
	OrderID       string                         `json:"order_id"`
	LocationID    string                         `json:"location_id"`
	SupplierID    *string                        `json:"supplier_id"`
	Status        redline.FulfillmentOrderStatus `json:"status"`
	Version       int                            `json:"version"`
	SubmittedAt   time.Time                      `json:"submitted_at"`
	AcknowledgeBy *time.Time                     `json:"acknowledge_by"`
}

type partLineJSON struct {
	ID               string                 `json:"id"`
	PartID           string                 `json:"fulfillment_order_id"`
	OrderLineID      string                 `json:"order_line_id"`
	Quantity         int                    `json:"quantity"`
	Accepted         *int                   `json:"accepted"`
	Shipped          int                    `json:"shipped"`
	SupplierSKU      *string                `json:"supplier_sku"`
	SupplierUnit     *redline.UnitOfMeasure `json:"supplier_unit"`
	PackQuantity     *int                   `json:"pack_quantity"`
	SupplierQuantity *int                   `json:"supplier_quantity"`
}

type shipmentJSON struct {
	ID             string                    `json:"id"`
	PartID         string                    `json:"fulfillment_order_id"`
	Status         redline.FulfillmentStatus `json:"status"`
	Carrier        *string                   `json:"carrier"`
	TrackingNumber *string                   `json:"tracking_number"`
	TrackingURL    *string                   `json:"tracking_url"`
	ShippedAt      *time.Time                `json:"shipped_at"`
	DeliveredAt    *time.Time                `json:"delivered_at"`
}

type shipmentLineJSON struct {
	ShipmentID string `json:"fulfillment_id"`
	PartLineID string `json:"fulfillment_order_line_id"`
	Quantity   int    `json:"quantity"`
}

type historyJSON struct {
	OrderID string               `json:"order_id"`
	Version int                  `json:"order_version"`
	From    *redline.OrderStatus `json:"from_status"`
	To      redline.OrderStatus  `json:"to_status"`
	Actor   string               `json:"actor"`
	Note    *string              `json:"note"`
	At      time.Time            `json:"at"`
}

// orderRows gathers rows of several orders; its JSON is one parameter.
type orderRows struct {
	Orders        []orderJSON        `json:"orders"`
	Lines         []lineJSON         `json:"lines"`
	Parts         []partJSON         `json:"parts"`
	PartLines     []partLineJSON     `json:"part_lines"`
	Shipments     []shipmentJSON     `json:"shipments"`
	ShipmentLines []shipmentLineJSON `json:"shipment_lines"`
	History       []historyJSON      `json:"history"`
}

// newOrderRows has lists that are empty and not null, as the SQL wants them.
func newOrderRows() *orderRows {
	return &orderRows{
		Orders: []orderJSON{}, Lines: []lineJSON{}, Parts: []partJSON{}, PartLines: []partLineJSON{}, Shipments: []shipmentJSON{},
		ShipmentLines: []shipmentLineJSON{}, History: []historyJSON{},
	}
}

func (r *orderRows) add(o *redline.Order) {
	row := orderJSON{
		ID: o.ID, Number: o.Number, OwnerIssuer: o.OwnerIssuer, OwnerSubject: o.OwnerSubject, ExternalReference: o.ExternalReference,
		Status: o.Status, HoldReason: o.HoldReason, Currency: o.Total.Currency, Total: o.Total.Amount, ShipTo: o.ShipTo,
		Version: o.Version, PlacedAt: o.PlacedAt, UpdatedAt: o.UpdatedAt,
	}
	if c := o.Customer; c != nil {
		row.CustomerID, row.CustomerName, row.CustomerEmail = c.ID, c.Name, c.Email
	}
	r.Orders = append(r.Orders, row)
	for i, l := range o.Lines {
		r.Lines = append(r.Lines, lineJSON{
			ID: l.ID, OrderID: o.ID, Position: i, ProductID: l.ProductID, Quantity: l.Quantity, Open: l.Open, Backordered: l.Backordered,
			Shipped: l.Shipped, Cancelled: l.Cancelled, UnitPrice: l.UnitPrice.Amount, Discount: l.Discount.Amount, Total: l.Total.Amount,
		})
	}
}

func (r *orderRows) addPart(f *redline.FulfillmentOrder) {
	r.Parts = append(r.Parts, partJSON{
		ID: f.ID, OrderID: f.OrderID, LocationID: f.LocationID, SupplierID: f.SupplierID, Status: f.Status, Version: f.Version,
		SubmittedAt: f.SubmittedAt, AcknowledgeBy: f.AcknowledgeBy,
	})
	for _, l := range f.Lines {
		r.PartLines = append(r.PartLines, partLineJSON{
			ID: l.ID, PartID: f.ID, OrderLineID: l.OrderLineID, Quantity: l.Quantity, Accepted: l.Accepted, Shipped: l.Shipped,
			SupplierSKU: l.SupplierSKU, SupplierUnit: l.SupplierUnit, PackQuantity: l.PackQuantity, SupplierQuantity: l.SupplierQuantity,
		})
	}
	for _, s := range f.Fulfillments {
		r.Shipments = append(r.Shipments, shipmentJSON{
			ID: s.ID, PartID: f.ID, Status: s.Status, Carrier: s.Carrier, TrackingNumber: s.TrackingNumber, TrackingURL: s.TrackingURL,
			ShippedAt: s.ShippedAt, DeliveredAt: s.DeliveredAt,
		})
		for _, l := range s.Lines {
			r.ShipmentLines = append(r.ShipmentLines, shipmentLineJSON{ShipmentID: s.ID, PartLineID: l.FulfillmentOrderLineID, Quantity: l.Quantity})
		}
	}
}

// addHistory adds the change that an order's version came with.
func (r *orderRows) addHistory(version int, h *redline.OrderStatusChange) {
	r.History = append(r.History, historyJSON{
		OrderID: h.OrderID, Version: version, From: h.From, To: h.To, Actor: *h.Actor, Note: h.Note, At: h.At,
	})
}

// Both statements below take one JSON object with a list of rows for each
// table, and write all of it in one round trip. Foreign keys are looked at when
// the statement ends.
const insertParts = `
	), parts AS (
		INSERT INTO fulfillment_orders (id, order_id, location_id, supplier_id, status, version, submitted_at, acknowledge_by)
		SELECT n.id, n.order_id, n.location_id, n.supplier_id, n.status, n.version, n.submitted_at, n.acknowledge_by
		FROM jsonb_populate_recordset(NULL::fulfillment_orders, $1::jsonb->'parts') AS n
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version
	), part_lines AS (
		INSERT INTO fulfillment_order_lines (id, fulfillment_order_id, order_line_id, quantity, accepted, shipped, supplier_sku,
			supplier_unit, pack_quantity, supplier_quantity)
		SELECT n.id, n.fulfillment_order_id, n.order_line_id, n.quantity, n.accepted, n.shipped, n.supplier_sku, n.supplier_unit,
			n.pack_quantity, n.supplier_quantity
		FROM jsonb_populate_recordset(NULL::fulfillment_order_lines, $1::jsonb->'part_lines') AS n
		ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted, shipped = excluded.shipped
	), shipments AS (
		INSERT INTO fulfillments (id, fulfillment_order_id, status, carrier, tracking_number, tracking_url, shipped_at, delivered_at)
		SELECT n.id, n.fulfillment_order_id, n.status, n.carrier, n.tracking_number, n.tracking_url, n.shipped_at, n.delivered_at
		FROM jsonb_populate_recordset(NULL::fulfillments, $1::jsonb->'shipments') AS n
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, delivered_at = excluded.delivered_at
	), shipment_lines AS (
		INSERT INTO fulfillment_lines (fulfillment_id, fulfillment_order_line_id, quantity)
		SELECT n.fulfillment_id, n.fulfillment_order_line_id, n.quantity
		FROM jsonb_populate_recordset(NULL::fulfillment_lines, $1::jsonb->'shipment_lines') AS n
		ON CONFLICT DO NOTHING
	)
	INSERT INTO order_status_changes (order_id, order_version, from_status, to_status, actor, note, at)
	SELECT n.order_id, n.order_version, n.from_status, n.to_status, n.actor, n.note, n.at
	FROM jsonb_populate_recordset(NULL::order_status_changes, $1::jsonb->'history') AS n`

// insertOrders writes new orders with all that belongs to them.
func insertOrders(ctx context.Context, tx *sqlx.Tx, orders []*redline.Order) error {
	rows := newOrderRows()
	for _, o := range orders {
		rows.add(o)
		for _, f := range o.FulfillmentOrders {
			rows.addPart(f)
		}
		// A new order has as much history as it has versions.
		for i, h := range o.History {
			rows.addHistory(i+1, h)
		}
	}
	return rows.write(ctx, tx, "inserting orders", `WITH orders AS (
		INSERT INTO orders (id, number, owner_issuer, owner_subject, external_reference, customer_id, customer_name, customer_email,
			status, hold_reason, currency, total, ship_to, version, placed_at, updated_at)
		SELECT n.id, n.number, n.owner_issuer, n.owner_subject, n.external_reference, n.customer_id, n.customer_name, n.customer_email,
			n.status, n.hold_reason, n.currency, n.total, nullif(n.ship_to, 'null'), n.version, n.placed_at, n.updated_at
		FROM jsonb_populate_recordset(NULL::orders, $1::jsonb->'orders') AS n
	), lines AS (
		INSERT INTO order_lines (id, order_id, position, product_id, quantity, open, backordered, shipped, cancelled, unit_price,
			discount, total)
		SELECT n.id, n.order_id, n.position, n.product_id, n.quantity, n.open, n.backordered, n.shipped, n.cancelled, n.unit_price,
			n.discount, n.total
		FROM jsonb_populate_recordset(NULL::order_lines, $1::jsonb->'lines') AS n`+insertParts)
}

// updateOrder writes a changed order: itself, its lines, and the parts that
// changed. The order's row is locked.
func updateOrder(ctx context.Context, tx *sqlx.Tx, o *redline.Order, c redline.Change) error {
	rows := newOrderRows()
	rows.add(o)
	for _, f := range c.Parts {
		rows.addPart(f)
	}
	if c.History != nil {
		rows.addHistory(o.Version, c.History)
	}
	return rows.write(ctx, tx, "updating an order", `WITH changed AS (
		UPDATE orders o SET status = n.status, hold_reason = n.hold_reason, version = n.version, updated_at = n.updated_at
		FROM jsonb_populate_recordset(NULL::orders, $1::jsonb->'orders') AS n WHERE o.id = n.id
	), lines AS (
		UPDATE order_lines l SET open = n.open, backordered = n.backordered, shipped = n.shipped, cancelled = n.cancelled
		FROM jsonb_populate_recordset(NULL::order_lines, $1::jsonb->'lines') AS n WHERE l.id = n.id
			AND (l.open, l.backordered, l.shipped, l.cancelled) IS DISTINCT FROM (n.open, n.backordered, n.shipped, n.cancelled)`+insertParts)
}

func (r *orderRows) write(ctx context.Context, tx *sqlx.Tx, doing, text string) error {
	rows, err := jsonText(r)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, text, rows); err != nil {
		return dbError(doing, err)
	}
	return nil
}
