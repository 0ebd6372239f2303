package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
)

// table says how rows of one table are sent: column by column, each of which is
// one parameter of a statement.
type table struct {
	name string
	// columns and types stand beside each other.
	columns, types []string
	// first is the number of the first parameter.
	first int
}

// orderTables are the tables of an order, and the parameters of the statements
// that write orders: in the one order in all of them.
var orderTables = func() (t struct {
	orders, lines, parts, partLines, history, shipments, shipmentLines, returns, returnLines, receipts table
}) {
	first := 1
	define := func(name, columns string) table {
		t := table{name: name, first: first}
		for column := range strings.SplitSeq(columns, ",") {
			words := strings.Fields(column)
			t.columns, t.types = append(t.columns, words[0]), append(t.types, words[1])
		}
		first += len(t.columns)
		return t
	}
	t.orders = define("orders", `id text, number text, owner_issuer text, owner_subject text, external_reference text,
		customer_id text, customer_name text, customer_email text, status text, hold_reason text, currency text, total numeric,
		ship_to json, version integer, placed_at timestamptz, updated_at timestamptz, allow_stale boolean`)
	t.lines = define("order_lines", `id text, order_id text, position integer, product_id text, quantity integer, open integer,
		backordered integer, shipped integer, cancelled integer, unit_price numeric, discount numeric, total numeric, location_id text, returned integer`)
	t.parts = define("fulfillment_orders", `id text, order_id text, location_id text, supplier_id text, status text,
		version integer, submitted_at timestamptz, acknowledge_by timestamptz, status_before text`)
	t.partLines = define("fulfillment_order_lines", `id text, fulfillment_order_id text, order_line_id text, quantity integer,
		accepted integer, shipped integer, supplier_sku text, supplier_unit text, pack_quantity integer, supplier_quantity integer,
		withdrawn integer`)
	t.history = define("order_status_changes", `order_id text, order_version integer, from_status text, to_status text, actor text,
		note text, at timestamptz`)
	t.shipments = define("fulfillments", `id text, fulfillment_order_id text, status text, carrier text, tracking_number text,
		tracking_url text, shipped_at timestamptz, delivered_at timestamptz`)
	t.shipmentLines = define("fulfillment_lines", `fulfillment_id text, fulfillment_order_line_id text, quantity integer`)
	t.returns = define("returns", `id text, order_id text, status text, reason text, version integer, created_at timestamptz,
		updated_at timestamptz`)
	t.returnLines = define("return_lines", `id text, return_id text, order_line_id text, quantity integer, restocked integer,
		written_off integer`)
	t.receipts = define("return_receipts", `return_line_id text, supplier_id text, restocked integer, written_off integer`)
	return t
}()

// from is the rows that were sent, under the alias n.
func (t *table) from() string {
	parameters := make([]string, len(t.types))
	for i, typ := range t.types {
		if typ == "numeric" {
			typ = "text"
		}
		parameters[i] = fmt.Sprintf("$%d::%s[]", t.first+i, typ)
	}
	return "unnest(" + strings.Join(parameters, ", ") + ") AS n (" + strings.Join(t.columns, ", ") + ")"
}

// insert inserts the rows that were sent.
func (t *table) insert() string {
	values := make([]string, len(t.columns))
	for i, column := range t.columns {
		values[i] = "n." + column
		if t.types[i] == "numeric" {
			values[i] += "::numeric"
		}
	}
	return "INSERT INTO " + t.name + " (" + strings.Join(t.columns, ", ") + ") SELECT " + strings.Join(values, ", ") + " FROM " + t.from()
}

// insertText inserts orders, and more before them.
func insertText(name, more string) string {
	t := &orderTables
	return `/* ` + name + ` */ WITH ` + more + `orders AS (` + t.orders.insert() + `), lines AS (` + t.lines.insert() + `), parts AS (` + t.parts.insert() +
		`), part_lines AS (` + t.partLines.insert() + `) ` + t.history.insert()
}

// The statements that write orders: each writes all of it in one round trip.
// Foreign keys are looked at when the statement ends.
var (
	insertOrdersText = insertText("orders.insert", "")
	// Nothing of an order that is placed now has been shipped, and Postgres would
	// make ready to write two tables more all the same.
	insertShippedText = insertText("orders.insert_shipped", "shipments AS ("+orderTables.shipments.insert()+
		"), shipment_lines AS ("+orderTables.shipmentLines.insert()+"), ")
	updateOrdersText = updateText("orders.update", "")
	// Few changes of an order are of what comes back.
	updateReturnsText = updateText("orders.update_returns", "returns AS ("+orderTables.returns.insert()+`
			ON CONFLICT (id) DO UPDATE SET status = excluded.status, version = excluded.version, updated_at = excluded.updated_at
		), return_lines AS (`+orderTables.returnLines.insert()+`
			ON CONFLICT (id) DO UPDATE SET restocked = excluded.restocked, written_off = excluded.written_off
		), return_receipts AS (`+orderTables.receipts.insert()+`
			ON CONFLICT (return_line_id, supplier_id) DO UPDATE SET restocked = excluded.restocked, written_off = excluded.written_off
		), `)
)

// updateText updates orders, and writes more before them.
func updateText(name, more string) string {
	t := &orderTables
	return `/* ` + name + ` */ WITH ` + more + `changed AS (
				UPDATE orders o SET status = n.status, hold_reason = n.hold_reason, version = n.version, updated_at = n.updated_at
				FROM ` + t.orders.from() + ` WHERE o.id = n.id
			), lines AS (
				UPDATE order_lines l SET open = n.open, backordered = n.backordered, shipped = n.shipped, cancelled = n.cancelled,
					returned = n.returned
				FROM ` + t.lines.from() + ` WHERE l.id = n.id
					AND (l.open, l.backordered, l.shipped, l.cancelled, l.returned)
						IS DISTINCT FROM (n.open, n.backordered, n.shipped, n.cancelled, n.returned)
			), parts AS (` + t.parts.insert() + `
				ON CONFLICT (id) DO UPDATE SET status = excluded.status, status_before = excluded.status_before, version = excluded.version
			), part_lines AS (` + t.partLines.insert() + `
				ON CONFLICT (id) DO UPDATE SET accepted = excluded.accepted, shipped = excluded.shipped, withdrawn = excluded.withdrawn
			), shipments AS (` + t.shipments.insert() + `
				ON CONFLICT (id) DO UPDATE SET status = excluded.status, carrier = excluded.carrier, tracking_number = excluded.tracking_number,
					tracking_url = excluded.tracking_url, shipped_at = excluded.shipped_at, delivered_at = excluded.delivered_at
			), shipment_lines AS (` + t.shipmentLines.insert() + ` ON CONFLICT DO NOTHING) ` + t.history.insert()
}

// orderRows gathers rows of several orders, table by table.
type orderRows struct {
	orders, lines, parts, partLines, history, shipments, shipmentLines, returns, returnLines, receipts []*column
}

func newOrderRows() *orderRows {
	t := &orderTables
	return &orderRows{
		t.orders.empty(), t.lines.empty(), t.parts.empty(), t.partLines.empty(), t.history.empty(), t.shipments.empty(), t.shipmentLines.empty(),
		t.returns.empty(), t.returnLines.empty(), t.receipts.empty(),
	}
}

// empty are the columns of no rows.
func (t *table) empty() []*column {
	out := make([]*column, len(t.types))
	for i, typ := range t.types {
		switch typ {
		case "integer":
			out[i] = ints()
		case "timestamptz":
			out[i] = times()
		case "json":
			out[i] = jsons()
		case "boolean":
			out[i] = booleans()
		default: // text, and numbers that are written as such
			out[i] = texts()
		}
	}
	return out
}

// addRow adds a row, whose values are those of the columns.
func addRow(to []*column, values ...any) {
	for i, value := range values {
		c := to[i]
		switch v := value.(type) {
		case string:
			c.text(v)
		case *string:
			maybe(c, (*column).text, v)
		case int:
			c.int(v)
		case *int:
			maybe(c, (*column).int, v)
		case bool:
			c.boolean(v)
		case time.Time:
			c.time(v)
		case *time.Time:
			maybe(c, (*column).time, v)
		case redline.Decimal:
			c.text(v.String())
		case json.RawMessage:
			if v == nil {
				c.null()
			} else {
				c.blob(v)
			}
		default:
			panic(fmt.Sprintf("a %T is no value of a column", value))
		}
	}
}

// textOf is a pointer to a string-like value as one to a string.
func textOf[T ~string](v *T) *string {
	if v == nil {
		return nil
	}
	s := string(*v)
	return &s
}

func (r *orderRows) add(o *redline.Order) error {
	var shipTo json.RawMessage
	if o.ShipTo != nil {
		var err error
		if shipTo, err = json.Marshal(o.ShipTo); err != nil {
			return fmt.Errorf("writing the address of an order: %w", err)
		}
	}
	c := o.Customer
	if c == nil {
		c = &redline.Customer{}
	}
	addRow(r.orders, o.ID, o.Number, o.OwnerIssuer, o.OwnerSubject, o.ExternalReference, c.ID, c.Name, c.Email, string(o.Status),
		o.HoldReason, o.Total.Currency, o.Total.Amount, shipTo, o.Version, o.PlacedAt, o.UpdatedAt, o.AllowStale)
	for i, l := range o.Lines {
		addRow(r.lines, l.ID, o.ID, i, l.ProductID, l.Quantity, l.Open, l.Backordered, l.Shipped, l.Cancelled, l.UnitPrice.Amount,
			l.Discount.Amount, l.Total.Amount, l.LocationID, l.Returned)
	}
	return nil
}

func (r *orderRows) addPart(f *redline.FulfillmentOrder) {
	addRow(r.parts, f.ID, f.OrderID, f.LocationID, f.SupplierID, string(f.Status), f.Version, f.SubmittedAt, f.AcknowledgeBy,
		textOf(f.StatusBefore))
	for _, l := range f.Lines {
		addRow(r.partLines, l.ID, f.ID, l.OrderLineID, l.Quantity, l.Accepted, l.Shipped, l.SupplierSKU, textOf(l.SupplierUnit),
			l.PackQuantity, l.SupplierQuantity, l.Withdrawn)
	}
	for _, s := range f.Fulfillments {
		addRow(r.shipments, s.ID, f.ID, string(s.Status), s.Carrier, s.TrackingNumber, s.TrackingURL, s.ShippedAt, s.DeliveredAt)
		for _, l := range s.Lines {
			addRow(r.shipmentLines, s.ID, l.FulfillmentOrderLineID, l.Quantity)
		}
	}
}

func (r *orderRows) addReturn(v *redline.Return) {
	addRow(r.returns, v.ID, v.OrderID, string(v.Status), v.Reason, v.Version, v.CreatedAt, v.UpdatedAt)
	for _, l := range v.Lines {
		addRow(r.returnLines, l.ID, v.ID, l.OrderLineID, l.Quantity, l.Restocked, l.WrittenOff)
		for _, in := range l.Receipts {
			addRow(r.receipts, l.ID, in.SupplierID, in.Restocked, in.WrittenOff)
		}
	}
}

// addHistory adds the change that an order's version came with.
func (r *orderRows) addHistory(version int, h *redline.OrderStatusChange) {
	addRow(r.history, h.OrderID, version, textOf(h.From), string(h.To), *h.Actor, h.Note, h.At)
}

// insertOrders writes new orders with all that belongs to them.
func insertOrders(ctx context.Context, tx *sqlx.Tx, orders []*redline.Order) error {
	rows := newOrderRows()
	for _, o := range orders {
		if err := rows.add(o); err != nil {
			return err
		}
		for _, f := range o.FulfillmentOrders {
			rows.addPart(f)
		}
		// A new order has as much history as it has versions.
		for i, h := range o.History {
			rows.addHistory(i+1, h)
		}
	}
	if rows.shipments[0].n > 0 {
		return write(ctx, tx, "inserting shipped orders", insertShippedText, append(rows.placed(), rows.shipped()...))
	}
	return write(ctx, tx, "inserting orders", insertOrdersText, rows.placed())
}

// orderUpdate is a changed order, and what changed of it.
type orderUpdate struct {
	*redline.Order
	redline.Change
}

// updateOrders writes changed orders, each of them once: themselves, their
// lines, and the parts and returns that changed or are new. The orders' rows are
// locked.
func updateOrders(ctx context.Context, tx *sqlx.Tx, changed []orderUpdate) error {
	rows := newOrderRows()
	for _, u := range changed {
		if err := rows.add(u.Order); err != nil {
			return err
		}
		for _, f := range u.Parts {
			rows.addPart(f)
		}
		for _, v := range u.Change.Returns {
			rows.addReturn(v)
		}
		if u.Change.History != nil {
			rows.addHistory(u.Version, u.Change.History)
		}
	}
	if rows.returns[0].n > 0 {
		return write(ctx, tx, "updating orders and returns", updateReturnsText, append(append(rows.placed(), rows.shipped()...), rows.returned()...))
	}
	return write(ctx, tx, "updating orders", updateOrdersText, append(rows.placed(), rows.shipped()...))
}

// placed are the columns of the tables that every order has rows in, and
// shipped and returned those of the others, as the statements number them.
func (r *orderRows) placed() []any { return argsOf(r.orders, r.lines, r.parts, r.partLines, r.history) }

func (r *orderRows) shipped() []any { return argsOf(r.shipments, r.shipmentLines) }

func (r *orderRows) returned() []any { return argsOf(r.returns, r.returnLines, r.receipts) }

func argsOf(tables ...[]*column) []any {
	var args []any
	for _, columns := range tables {
		for _, c := range columns {
			args = append(args, c)
		}
	}
	return args
}

func write(ctx context.Context, tx *sqlx.Tx, doing, text string, args []any) error {
	if _, err := tx.ExecContext(ctx, text, args...); err != nil {
		return dbError(doing, err)
	}
	return nil
}
