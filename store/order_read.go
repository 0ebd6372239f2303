package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"github.com/lib/pq"

	"redline"
)

// An order is read with its relations by one statement, and so as it was at one
// moment: each relation is gathered into a column of its row.

const (
	orderColumns = `o.id, o.number, o.owner_issuer, o.owner_subject, o.external_reference, o.customer_id, o.customer_name,
		o.customer_email, o.status, o.hold_reason, o.currency, o.total, o.ship_to, o.version, o.placed_at,
		o.updated_at, o.allow_stale`

	// What is left open is the products' details, if they are wanted.
	gatherLines = `(SELECT json_agg(json_build_array(ol.id, ol.product_id, ol.location_id, ol.quantity, ol.open, ol.backordered, ol.shipped,
			ol.cancelled, ol.returned, ol.unit_price, ol.discount, ol.total,
			p.sku, p.name, p.brand, p.category, p.base_unit, p.price, p.currency, p.active, p.version%s) ORDER BY ol.position)
		FROM order_lines ol JOIN products p ON p.id = ol.product_id WHERE ol.order_id = o.id)`
	gatherDetails = `, p.description, p.attributes, p.created_at, p.updated_at`

	// The condition is on whose parts are read.
	gatherParts = `(SELECT json_agg(json_build_array(f.id, f.location_id, f.supplier_id, sup.code, f.status, f.status_before, f.version, f.submitted_at,
			f.acknowledge_by,
			(SELECT json_agg(json_build_array(fl.id, fl.order_line_id, fl.quantity, fl.accepted, fl.shipped, fl.withdrawn, fl.supplier_sku,
					fl.supplier_unit, fl.pack_quantity, fl.supplier_quantity) ORDER BY ol.position)
				FROM fulfillment_order_lines fl JOIN order_lines ol ON ol.id = fl.order_line_id WHERE fl.fulfillment_order_id = f.id),
			(SELECT json_agg(json_build_array(s.id, s.status, s.carrier, s.tracking_number, s.tracking_url, s.shipped_at, s.delivered_at,
					(SELECT json_agg(json_build_array(sl.fulfillment_order_line_id, fl.order_line_id, sl.quantity) ORDER BY fl.id)
						FROM fulfillment_lines sl JOIN fulfillment_order_lines fl ON fl.id = sl.fulfillment_order_line_id
						WHERE sl.fulfillment_id = s.id)) ORDER BY s.id)
				FROM fulfillments s WHERE s.fulfillment_order_id = f.id)) ORDER BY f.id)
		FROM fulfillment_orders f LEFT JOIN suppliers sup ON sup.id = f.supplier_id WHERE f.order_id = o.id%s)`

	gatherHistory = `(SELECT json_agg(json_build_array(h.order_version, h.from_status, h.to_status, h.actor, h.note, h.at)
			ORDER BY h.order_version)
		FROM order_status_changes h WHERE h.order_id = o.id)`

	// The condition is on whose returns are read.
	gatherReturns = `(SELECT json_agg(json_build_array(r.id, r.status, r.reason, r.version, r.created_at, r.updated_at,
			(SELECT json_agg(json_build_array(rl.id, rl.order_line_id, rl.quantity, rl.restocked, rl.written_off,
					(SELECT json_agg(json_build_array(i.supplier_id, i.restocked, i.written_off) ORDER BY i.supplier_id)
						FROM return_receipts i WHERE i.return_line_id = rl.id)) ORDER BY rl.id)
				FROM return_lines rl WHERE rl.return_id = r.id)) ORDER BY r.id)
		FROM returns r WHERE r.order_id = o.id%s)`
)

// orderRead says how orders are read: by whom, and with what.
type orderRead struct {
	by   redline.Principal
	need redline.OrderParts
}

// readsOrders completes what is needed: what may come next follows from the
// lines, and a supplier's share of a line, and of a return, from its parts, and what
// came back of it from the returns.
func readsOrders(p redline.Principal, need redline.OrderParts) orderRead {
	need.Lines = need.Lines || need.Parts || need.Returns
	if p.Role == redline.RoleSupplier && need.Lines {
		need.Parts, need.Returns = true, true
	}
	return orderRead{by: p, need: need}
}

// selectFrom begins the statement. A supplier's principal is given its own parts
// alone.
func (r orderRead) selectFrom(q *query) string {
	columns := []string{orderColumns, "NULL", "NULL", "NULL", "NULL"}
	if r.need.Lines {
		details := gatherDetails
		if r.need.BriefProducts {
			details = ""
		}
		columns[1] = fmt.Sprintf(gatherLines, details)
	}
	if r.need.Parts {
		whose := ""
		if r.by.Role == redline.RoleSupplier {
			whose = " AND f.supplier_id IN " + q.suppliersOf(r.by)
		}
		columns[2] = fmt.Sprintf(gatherParts, whose)
	}
	if r.need.History {
		columns[3] = gatherHistory
	}
	if r.need.Returns {
		whose := ""
		if r.by.Role == redline.RoleSupplier {
			whose = ` AND EXISTS (SELECT FROM return_lines rl JOIN fulfillment_order_lines fl ON fl.order_line_id = rl.order_line_id AND fl.shipped > 0
				JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id WHERE rl.return_id = r.id AND f.supplier_id IN ` + q.suppliersOf(r.by) + `)`
		}
		columns[4] = fmt.Sprintf(gatherReturns, whose)
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM orders o"
}

// orderRow is where orders are scanned into.
type orderRow struct {
	redline.Order
	customer                       redline.Customer
	total                          redline.Money
	shipTo                         []byte
	lines, parts, changes, returns *string
}

func (r *orderRow) into() []any {
	o := &r.Order
	return []any{
		&o.ID, &o.Number, &o.OwnerIssuer, &o.OwnerSubject, &o.ExternalReference, &r.customer.ID, &r.customer.Name, &r.customer.Email,
		&o.Status, &o.HoldReason, &r.total.Currency, &r.total.Amount, &r.shipTo, whole{&o.Version}, &o.PlacedAt, &o.UpdatedAt, &o.AllowStale,
		&r.lines, &r.parts, &r.changes, &r.returns,
	}
}

// wholeOrder is an order, unmasked, with what was read of it.
type wholeOrder struct {
	*redline.Order
	// versions are those of the history's lines.
	versions []int
}

// orders reads orders whole, each as it is for those who see all of it. Their
// parts have no locations yet.
func (r orderRead) orders(ctx context.Context, db queryer, doing, text string, args []any) ([]wholeOrder, error) {
	var found []wholeOrder
	var row orderRow
	err := scanRows(ctx, db, doing, text, args, row.into(), func() error {
		one := row
		o, err := r.order(&one)
		if err != nil {
			return fmt.Errorf("reading the order %s: %w", row.ID, err)
		}
		found = append(found, o)
		return nil
	})
	return found, err
}

// ordersToChange reads orders with all that a change of them looks at and tells of,
// unmasked.
func ordersToChange(ctx context.Context, db queryer, doing string, ids []string) ([]*redline.Order, error) {
	r := readsOrders(redline.Principal{Role: redline.RoleAdmin}, redline.OrderParts{Lines: true, Parts: true, Returns: true, BriefProducts: true})
	q := &query{}
	q.and("o.id = ANY(%s)", pq.Array(ids))
	found, err := r.orders(ctx, db, doing, "/* orders.whole */ "+r.selectFrom(q)+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	orders := make([]*redline.Order, len(found))
	for i, o := range found {
		orders[i] = o.Order
	}
	return orders, nil
}

// locate gives the parts of orders their locations and suppliers.
func (s *Store) locate(ctx context.Context, orders []wholeOrder) error {
	at, err := s.placesOf(ctx)
	if err != nil {
		return err
	}
	for _, o := range orders {
		for _, f := range o.FulfillmentOrders {
			if f.Location, err = at.location(ctx, f.LocationID); err != nil {
				return err
			}
			f.Supplier = f.Location.Supplier
		}
	}
	return nil
}

func (r orderRead) order(row *orderRow) (wholeOrder, error) {
	o := &row.Order
	o.Customer, o.Total = &row.customer, &row.total
	whole := wholeOrder{Order: o}
	if row.shipTo != nil {
		o.ShipTo = &redline.Address{}
		if err := json.Unmarshal(row.shipTo, o.ShipTo); err != nil {
			return whole, fmt.Errorf("its address: %w", err)
		}
	}
	if r.need.Lines {
		n := nestedOf(row.lines)
		o.Lines = r.lines(n, o)
		if err := n.failed("its lines"); err != nil {
			return whole, err
		}
	}
	if r.need.Parts {
		n := nestedOf(row.parts)
		o.FulfillmentOrders = orderParts(n, o)
		if err := n.failed("its parts"); err != nil {
			return whole, err
		}
	}
	if r.need.Returns {
		n := nestedOf(row.returns)
		o.Returns = orderReturns(n, o)
		if err := n.failed("its returns"); err != nil {
			return whole, err
		}
	}
	if r.need.History {
		n := nestedOf(row.changes)
		o.History, whole.versions = orderHistory(n, o)
		if err := n.failed("its history"); err != nil {
			return whole, err
		}
	}
	return whole, nil
}

func (r orderRead) lines(n *nested, o *redline.Order) []*redline.OrderLine {
	lines := []*redline.OrderLine{}
	n.rows(func() {
		l := &redline.OrderLine{
			ID: n.str(), OrderID: o.ID, ProductID: n.str(), LocationID: optional(n, n.str), Quantity: n.int(), Open: n.int(), Backordered: n.int(), Shipped: n.int(),
			Cancelled: n.int(), Returned: n.int(), UnitPrice: n.money(o), Discount: n.money(o), Total: n.money(o),
		}
		p := &redline.Product{
			ID: l.ProductID, SKU: n.str(), Name: n.str(), Brand: optional(n, n.str), Category: n.str(), BaseUnit: n.unit(),
			Price: redline.Money{Amount: n.decimal(), Currency: n.str()}, Active: n.bool(), Version: n.int(),
		}
		if !r.need.BriefProducts {
			p.Description, p.Attributes, p.CreatedAt, p.UpdatedAt = optional(n, n.str), n.attributes(), n.time(), n.time()
		}
		l.Product = p
		lines = append(lines, l)
	})
	return lines
}

// money is an amount in an order's currency.
func (n *nested) money(o *redline.Order) *redline.Money {
	return &redline.Money{Amount: n.decimal(), Currency: o.Total.Currency}
}

func (n *nested) attributes() redline.Attributes {
	a := redline.Attributes{}
	if text := n.raw(); text != "[]" && n.err == nil {
		n.err = a.Scan([]byte(text))
	}
	return a
}

// orderParts reads an order's parts; the lines must be there.
func orderParts(n *nested, o *redline.Order) []*redline.FulfillmentOrder {
	parts := []*redline.FulfillmentOrder{}
	n.rows(func() {
		f := &redline.FulfillmentOrder{
			ID: n.str(), OrderID: o.ID, LocationID: n.str(), SupplierID: optional(n, n.str), SupplierCode: optional(n, n.str),
			Status: n.partStatus(), StatusBefore: optional(n, n.partStatus), Version: n.int(), SubmittedAt: n.time(), AcknowledgeBy: optional(n, n.time),
			Order: o, ShipTo: o.ShipTo, Lines: []*redline.FulfillmentOrderLine{}, Fulfillments: []*redline.Fulfillment{},
		}
		n.rows(func() {
			l := &redline.FulfillmentOrderLine{
				ID: n.str(), FulfillmentOrderID: f.ID, OrderLineID: n.str(), Quantity: n.int(), Accepted: optional(n, n.int), Shipped: n.int(),
				Withdrawn: n.int(), SupplierSKU: optional(n, n.str), SupplierUnit: optional(n, n.unit), PackQuantity: optional(n, n.int),
				SupplierQuantity: optional(n, n.int),
			}
			l.OrderLine = o.Line(l.OrderLineID)
			f.Lines = append(f.Lines, l)
		})
		n.rows(func() { f.Fulfillments = append(f.Fulfillments, shipment(n, o, f)) })
		parts = append(parts, f)
	})
	return parts
}

func (n *nested) partStatus() redline.FulfillmentOrderStatus {
	return redline.FulfillmentOrderStatus(n.str())
}

func (n *nested) unit() redline.UnitOfMeasure { return redline.UnitOfMeasure(n.str()) }

func shipment(n *nested, o *redline.Order, f *redline.FulfillmentOrder) *redline.Fulfillment {
	s := &redline.Fulfillment{
		ID: n.str(), FulfillmentOrderID: f.ID, Status: redline.FulfillmentStatus(n.str()), Carrier: optional(n, n.str),
		TrackingNumber: optional(n, n.str), TrackingURL: optional(n, n.str), ShippedAt: optional(n, n.time), DeliveredAt: optional(n, n.time),
	}
	n.rows(func() {
		l := &redline.FulfillmentLine{FulfillmentID: s.ID, FulfillmentOrderLineID: n.str(), OrderLineID: n.str(), Quantity: n.int()}
		l.OrderLine = o.Line(l.OrderLineID)
		s.Lines = append(s.Lines, l)
	})
	return s
}

// orderReturns reads an order's returns; the lines must be there.
func orderReturns(n *nested, o *redline.Order) []*redline.Return {
	returns := []*redline.Return{}
	n.rows(func() {
		r := &redline.Return{
			ID: n.str(), OrderID: o.ID, Status: redline.ReturnStatus(n.str()), Reason: optional(n, n.str), Version: n.int(),
			CreatedAt: n.time(), UpdatedAt: n.time(), Order: o,
		}
		n.rows(func() {
			l := &redline.ReturnLine{
				ID: n.str(), ReturnID: r.ID, OrderLineID: n.str(), Quantity: n.int(), Restocked: n.int(), WrittenOff: n.int(),
			}
			n.rows(func() {
				in := &redline.ReturnReceipt{SupplierID: optional(n, n.str), Restocked: n.int(), WrittenOff: n.int()}
				l.Receipts = append(l.Receipts, in)
			})
			l.OrderLine = o.Line(l.OrderLineID)
			r.Lines = append(r.Lines, l)
		})
		returns = append(returns, r)
	})
	return returns
}

func orderHistory(n *nested, o *redline.Order) ([]*redline.OrderStatusChange, []int) {
	history, versions := []*redline.OrderStatusChange{}, []int(nil)
	n.rows(func() {
		versions = append(versions, n.int())
		h := &redline.OrderStatusChange{OrderID: o.ID}
		if from := optional(n, n.str); from != nil {
			status := redline.OrderStatus(*from)
			h.From = &status
		}
		h.To, h.Actor, h.Note, h.At = redline.OrderStatus(n.str()), optional(n, n.str), optional(n, n.str), n.time()
		history = append(history, h)
	})
	return history, versions
}

// shown is an order as the principal sees it, with what was read of it and what
// may come next.
func (r orderRead) shown(o *redline.Order) *redline.Order {
	for _, f := range o.FulfillmentOrders {
		f.NextStatuses = f.NextFor(r.by, o.Held())
	}
	if r.by.Role == redline.RoleSupplier {
		o = o.For(r.by)
		// What was read and is empty isn't what wasn't read.
		if r.need.Lines && o.Lines == nil {
			o.Lines = []*redline.OrderLine{}
		}
		if r.need.Parts && o.FulfillmentOrders == nil {
			o.FulfillmentOrders = []*redline.FulfillmentOrder{}
		}
		if r.need.History && o.History == nil {
			o.History = []*redline.OrderStatusChange{}
		}
	}
	if r.need.Parts {
		o.NextStatuses = o.NextFor(r.by)
	}
	return o
}

// reader reads orders as the principal sees them.
func (r orderRead) reader(s *Store) reader[*redline.Order] {
	return func(ctx context.Context, doing, text string, args []any) ([]*redline.Order, error) {
		found, err := r.located(ctx, s, doing, text, args)
		if err != nil {
			return nil, err
		}
		out := make([]*redline.Order, len(found))
		for i, o := range found {
			out[i] = r.shown(o.Order)
		}
		return out, nil
	}
}

// located reads orders whole, with the locations of their parts.
func (r orderRead) located(ctx context.Context, s *Store, doing, text string, args []any) ([]wholeOrder, error) {
	found, err := r.orders(ctx, s.db, doing, text, args)
	if err != nil || !r.need.Parts {
		return found, err
	}
	return found, s.locate(ctx, found)
}
