package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"redline"
)

// orderIndex puts the relations of several orders in their places, each
// relation with one statement for all of the orders.
type orderIndex struct {
	ids   []string
	order map[string]*redline.Order
	line  map[string]*redline.OrderLine
}

func newOrderIndex(orders []*redline.Order) *orderIndex {
	x := &orderIndex{order: map[string]*redline.Order{}, line: map[string]*redline.OrderLine{}}
	for _, o := range orders {
		x.ids = append(x.ids, o.ID)
		x.order[o.ID] = o
	}
	return x
}

type lineRow struct {
	redline.OrderLine
	Currency       string
	UnitPriceValue redline.Decimal `db:"unit_price"`
	DiscountValue  redline.Decimal `db:"discount"`
	TotalValue     redline.Decimal `db:"total"`
	Prod           redline.Product `db:"prod"`
	Of             orderState      `db:"of"`
}

// orderState is what of an order moves with its lines.
type orderState struct {
	Status     redline.OrderStatus
	HoldReason *string `db:"hold_reason"`
	Version    int
	UpdatedAt  time.Time `db:"updated_at"`
}

const lineColumns = `ol.id, ol.order_id, ol.product_id, ol.quantity, ol.open, ol.backordered, ol.shipped, ol.cancelled, ol.returned,
	ol.unit_price, ol.discount, ol.total, o.currency, o.status AS "of.status", o.hold_reason AS "of.hold_reason",
	o.version AS "of.version", o.updated_at AS "of.updated_at"`

const lineProductColumns = `p.id AS "prod.id", p.sku AS "prod.sku", p.name AS "prod.name", p.description AS "prod.description",
	p.brand AS "prod.brand", p.category AS "prod.category", p.base_unit AS "prod.base_unit", p.price AS "prod.price.amount",
	p.currency AS "prod.price.currency", p.active AS "prod.active", p.attributes AS "prod.attributes",
	p.version AS "prod.version", p.created_at AS "prod.created_at", p.updated_at AS "prod.updated_at"`

// loadLines fills the lines, with their products where they are wanted. The
// order may have moved on since its row was read: its state is read with the
// lines once more, so that a version is shown with the lines that it has.
func (x *orderIndex) loadLines(ctx context.Context, db sqlx.QueryerContext, products bool) error {
	text := `SELECT ` + lineColumns + ` FROM order_lines ol JOIN orders o ON o.id = ol.order_id`
	if products {
		text = `SELECT ` + lineColumns + `, ` + lineProductColumns + ` FROM order_lines ol JOIN orders o ON o.id = ol.order_id
			JOIN products p ON p.id = ol.product_id`
	}
	var rows []*lineRow
	if err := sqlx.SelectContext(ctx, db, &rows, text+` WHERE ol.order_id = ANY($1) ORDER BY ol.order_id, ol.position`, pq.Array(x.ids)); err != nil {
		return dbError("reading order lines", err)
	}
	for _, o := range x.order {
		o.Lines = []*redline.OrderLine{}
	}
	for _, r := range rows {
		l := r.OrderLine
		l.UnitPrice = &redline.Money{Amount: r.UnitPriceValue, Currency: r.Currency}
		l.Discount = &redline.Money{Amount: r.DiscountValue, Currency: r.Currency}
		l.Total = &redline.Money{Amount: r.TotalValue, Currency: r.Currency}
		if products {
			l.Product = &r.Prod
		}
		x.line[l.ID] = &l
		o := x.order[l.OrderID]
		o.Status, o.HoldReason, o.Version, o.UpdatedAt = r.Of.Status, r.Of.HoldReason, r.Of.Version, r.Of.UpdatedAt
		o.Lines = append(o.Lines, &l)
	}
	return nil
}

const partColumns = `f.id, f.order_id, f.location_id, f.supplier_id, sup.code AS supplier_code, f.status, f.version,
	f.submitted_at, f.acknowledge_by, o.ship_to, ` + locationColumns

type partRow struct {
	redline.FulfillmentOrder
	ShipToJSON []byte `db:"ship_to"`
	locationRow
}

// loadParts fills the fulfilment orders with their lines and shipments. A
// supplier's principal gets its own alone. The lines must be loaded. The address
// is read anew: it stands on the parts, and a supplier's order no longer has it.
func (x *orderIndex) loadParts(ctx context.Context, db sqlx.QueryerContext, p redline.Principal) error {
	q := &query{}
	q.and("f.order_id = ANY(%s)", pq.Array(x.ids))
	if p.Role == redline.RoleSupplier {
		q.and("f.supplier_id IN "+suppliersOf, pq.Array(p.Suppliers))
	}
	var rows []*partRow
	err := sqlx.SelectContext(ctx, db, &rows, `SELECT `+partColumns+` FROM fulfillment_orders f
		JOIN orders o ON o.id = f.order_id JOIN locations loc ON loc.id = f.location_id LEFT JOIN suppliers sup ON sup.id = f.supplier_id`+q.where()+`
		ORDER BY f.order_id, f.id`, q.args...)
	if err != nil {
		return dbError("reading fulfilment orders", err)
	}
	for _, o := range x.order {
		o.FulfillmentOrders = []*redline.FulfillmentOrder{}
	}
	parts := map[string]*redline.FulfillmentOrder{}
	var ids []string
	for _, r := range rows {
		f := r.FulfillmentOrder
		o := x.order[f.OrderID]
		f.Order, f.Location, f.Supplier = o, r.location(), r.Sup.supplier()
		if f.ShipTo, err = address(o.ID, r.ShipToJSON); err != nil {
			return err
		}
		f.Lines, f.Fulfillments = []*redline.FulfillmentOrderLine{}, []*redline.Fulfillment{}
		parts[f.ID] = &f
		ids = append(ids, f.ID)
		o.FulfillmentOrders = append(o.FulfillmentOrders, &f)
	}
	return x.loadPartRows(ctx, db, parts, ids)
}

func (x *orderIndex) loadPartRows(
	ctx context.Context, db sqlx.QueryerContext, parts map[string]*redline.FulfillmentOrder, ids []string,
) error {
	if len(ids) == 0 {
		return nil
	}
	var lines []*redline.FulfillmentOrderLine
	err := sqlx.SelectContext(ctx, db, &lines, `SELECT fl.id, fl.fulfillment_order_id, fl.order_line_id, fl.quantity, fl.accepted, fl.shipped,
		fl.supplier_sku, fl.supplier_unit, fl.pack_quantity, fl.supplier_quantity
		FROM fulfillment_order_lines fl JOIN order_lines ol ON ol.id = fl.order_line_id
		WHERE fl.fulfillment_order_id = ANY($1) ORDER BY fl.fulfillment_order_id, ol.position`, pq.Array(ids))
	if err != nil {
		return dbError("reading the lines of fulfilment orders", err)
	}
	for _, l := range lines {
		l.OrderLine = x.line[l.OrderLineID]
		f := parts[l.FulfillmentOrderID]
		f.Lines = append(f.Lines, l)
	}

	var shipped []struct {
		redline.Fulfillment
		redline.FulfillmentLine
	}
	err = sqlx.SelectContext(ctx, db, &shipped, `SELECT s.id, s.fulfillment_order_id, s.status, s.carrier, s.tracking_number,
		s.tracking_url, s.shipped_at, s.delivered_at, sl.fulfillment_id, sl.fulfillment_order_line_id, sl.quantity,
		fl.order_line_id FROM fulfillments s JOIN fulfillment_lines sl ON sl.fulfillment_id = s.id
		JOIN fulfillment_order_lines fl ON fl.id = sl.fulfillment_order_line_id
		WHERE s.fulfillment_order_id = ANY($1) ORDER BY s.fulfillment_order_id, s.id, fl.id`, pq.Array(ids))
	if err != nil {
		return dbError("reading shipments", err)
	}
	shipments := map[string]*redline.Fulfillment{}
	for i := range shipped {
		s := shipments[shipped[i].Fulfillment.ID]
		if s == nil {
			s = &shipped[i].Fulfillment
			shipments[s.ID] = s
			f := parts[s.FulfillmentOrderID]
			f.Fulfillments = append(f.Fulfillments, s)
		}
		l := &shipped[i].FulfillmentLine
		l.OrderLine = x.line[l.OrderLineID]
		s.Lines = append(s.Lines, l)
	}
	return nil
}

// loadHistory fills the status changes up to the version that is shown, oldest
// first.
func (x *orderIndex) loadHistory(ctx context.Context, db sqlx.QueryerContext) error {
	var rows []struct {
		redline.OrderStatusChange
		Version int `db:"order_version"`
	}
	err := sqlx.SelectContext(ctx, db, &rows, `SELECT order_id, order_version, from_status, to_status, actor, note, at FROM order_status_changes
		WHERE order_id = ANY($1) ORDER BY order_id, order_version`, pq.Array(x.ids))
	if err != nil {
		return dbError("reading the history of orders", err)
	}
	for _, o := range x.order {
		o.History = []*redline.OrderStatusChange{}
	}
	for i := range rows {
		h := &rows[i].OrderStatusChange
		o := x.order[h.OrderID]
		if o == nil {
			return fmt.Errorf("reading the history of orders: order %s wasn't asked for", h.OrderID)
		}
		if rows[i].Version <= o.Version {
			o.History = append(o.History, h)
		}
	}
	return nil
}
