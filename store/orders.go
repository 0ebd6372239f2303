package store

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/lib/pq"

	"redline"
)

const orderColumns = `o.id, o.number, o.owner_issuer, o.owner_subject, o.external_reference, o.customer_id, o.customer_name,
	o.customer_email, o.status, o.hold_reason, o.currency, o.total AS total_amount, o.ship_to, o.version, o.placed_at, o.updated_at`

const selectOrders = `SELECT ` + orderColumns + ` FROM orders o`

type orderRow struct {
	redline.Order
	CustomerID    *string `db:"customer_id"`
	CustomerName  *string `db:"customer_name"`
	CustomerEmail *string `db:"customer_email"`
	Currency      string
	TotalAmount   redline.Decimal `db:"total_amount"`
	ShipToJSON    []byte          `db:"ship_to"`
}

func (r *orderRow) order() (*redline.Order, error) {
	o := r.Order
	o.Customer = &redline.Customer{ID: r.CustomerID, Name: r.CustomerName, Email: r.CustomerEmail}
	o.Total = &redline.Money{Amount: r.TotalAmount, Currency: r.Currency}
	var err error
	o.ShipTo, err = address(o.ID, r.ShipToJSON)
	return &o, err
}

// address reads an order's address; nil where it has none.
func address(orderID string, stored []byte) (*redline.Address, error) {
	if stored == nil {
		return nil, nil
	}
	a := &redline.Address{}
	if err := json.Unmarshal(stored, a); err != nil {
		return nil, fmt.Errorf("reading the address of order %s: %w", orderID, err)
	}
	return a, nil
}

var orderSorts = map[redline.OrderSortField]sorting{
	redline.OrdersByPlacedAt:  {tag: "placed", column: "o.placed_at", cast: "timestamptz", id: "o.id", prefix: redline.PrefixOrder},
	redline.OrdersByUpdatedAt: {tag: "updated", column: "o.updated_at", cast: "timestamptz", id: "o.id", prefix: redline.PrefixOrder},
	redline.OrdersByTotal:     {tag: "total", column: "o.total", cast: "numeric", id: "o.id", prefix: redline.PrefixOrder},
}

// Orders lists the orders that the principal may see; the newest first where
// no order is given. The relations are not loaded: see LoadOrders.
func (s *Store) Orders(
	ctx context.Context, p redline.Principal, f redline.OrderFilter, by redline.OrderSort, page redline.PageRequest,
	need redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	if by.Field == "" {
		by = redline.OrderSort{Field: redline.OrdersByPlacedAt, Direction: redline.Descending}
	}
	q := &query{}
	q.seeOrders(p)
	if p.Role == redline.RoleSupplier {
		// What a supplier doesn't see, it can't search by or sort by.
		if f.CustomerID != nil || by.Field == redline.OrdersByTotal {
			q.and("false")
		}
	}
	in(q, "o.status", strs(f.Statuses))
	if f.CustomerID != nil {
		q.and("o.customer_id = %s", *f.CustomerID)
	}
	if f.SupplierID != nil {
		q.and("o.id IN (SELECT order_id FROM fulfillment_orders WHERE supplier_id = %s)", *f.SupplierID)
		if p.Role == redline.RoleSupplier {
			q.and("%s IN "+suppliersOf, *f.SupplierID, pq.Array(p.Suppliers))
		}
	}
	if f.ProductID != nil {
		if p.Role == redline.RoleSupplier {
			q.and(`o.id IN (SELECT f.order_id FROM order_lines ol JOIN fulfillment_order_lines fl ON fl.order_line_id = ol.id
				JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
				WHERE ol.product_id = %s AND f.supplier_id IN `+suppliersOf+`)`, *f.ProductID, pq.Array(p.Suppliers))
		} else {
			q.and("o.id IN (SELECT order_id FROM order_lines WHERE product_id = %s)", *f.ProductID)
		}
	}
	if f.PlacedFrom != nil {
		q.and("o.placed_at >= %s", *f.PlacedFrom)
	}
	if f.PlacedTo != nil {
		q.and("o.placed_at < %s", *f.PlacedTo)
	}
	if f.UpdatedSince != nil {
		q.and("o.updated_at >= %s", *f.UpdatedSince)
	}
	if f.Search != nil {
		// By number, or by the shop's own reference for those who see it.
		if p.Role == redline.RoleSupplier {
			q.and("o.number = %s", *f.Search)
		} else {
			q.and("(o.number = %s OR o.external_reference = %s)", *f.Search, *f.Search)
		}
	}
	sort := orderSorts[by.Field]
	sort.desc = by.Direction == redline.Descending
	rows, err := pageOf(ctx, s, selectOrders, q, sort, page, func(r *orderRow) (string, string) {
		switch by.Field {
		case redline.OrdersByUpdatedAt:
			return stamp(r.UpdatedAt), r.ID
		case redline.OrdersByTotal:
			return r.TotalAmount.String(), r.ID
		}
		return stamp(r.PlacedAt), r.ID
	})
	if err != nil {
		return nil, err
	}
	var bad error
	out := mapPage(rows, func(r *orderRow) *redline.Order {
		o, err := r.order()
		if err != nil {
			bad = err
			return nil
		}
		return o.For(p)
	})
	if bad != nil {
		return nil, bad
	}
	return out, s.LoadOrders(ctx, p, out.Items, need)
}

// OrderBy finds one order that the principal may see, or nil.
func (s *Store) OrderBy(
	ctx context.Context, p redline.Principal, by redline.OrderBy, need redline.OrderParts,
) (*redline.Order, error) {
	q := &query{}
	q.seeOrders(p)
	switch {
	case by.ID != nil:
		q.and("o.id = %s", *by.ID)
	case by.Number != nil:
		q.and("o.number = %s", *by.Number)
	case by.ExternalReference != nil:
		q.and("(o.owner_issuer, o.owner_subject, o.external_reference) = (%s, %s, %s)", p.Issuer, p.Subject, *by.ExternalReference)
	default:
		return nil, redline.Invalid([]string{"by"}, "say which order: by id, number or externalReference")
	}
	found, err := s.orders(ctx, p, q)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], s.LoadOrders(ctx, p, found[:1], need)
}

// OrdersByID finds orders that the principal may see.
func (s *Store) OrdersByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Order, error) {
	q := &query{}
	q.seeOrders(p)
	q.and("o.id = ANY(%s)", pq.Array(ids))
	found, err := s.orders(ctx, p, q)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.Order, len(found))
	for _, o := range found {
		out[o.ID] = o
	}
	return out, nil
}

func (s *Store) orders(ctx context.Context, p redline.Principal, q *query) ([]*redline.Order, error) {
	var rows []*orderRow
	if err := s.db.SelectContext(ctx, &rows, selectOrders+q.where(), q.args...); err != nil {
		return nil, dbError("reading orders", err)
	}
	out := make([]*redline.Order, len(rows))
	for i, r := range rows {
		o, err := r.order()
		if err != nil {
			return nil, err
		}
		out[i] = o.For(p)
	}
	return out, nil
}

// LoadOrders fills relations of orders that the principal may see, as it may
// see them. With lines or parts the orders' state is read again beside the
// lines; the history ends at the version that an order then has. Lines come with
// their products. Parts come with location, supplier, address, lines and
// shipments, and with the next statuses of orders and parts.
func (s *Store) LoadOrders(ctx context.Context, p redline.Principal, orders []*redline.Order, need redline.OrderParts) error {
	if len(orders) == 0 {
		return nil
	}
	supplier := p.Role == redline.RoleSupplier
	// A supplier's share of a line follows from its parts; what may come next
	// follows from the lines.
	lines, parts := need.Lines || need.Parts, need.Parts || supplier && need.Lines
	index := newOrderIndex(orders)
	if lines {
		if err := index.loadLines(ctx, s.db, true); err != nil {
			return err
		}
	}
	if parts {
		if err := index.loadParts(ctx, s.db, p); err != nil {
			return err
		}
	}
	if need.History {
		if err := index.loadHistory(ctx, s.db); err != nil {
			return err
		}
	}
	for _, o := range orders {
		if parts {
			for _, f := range o.FulfillmentOrders {
				f.NextStatuses = f.NextFor(p, o.Held())
			}
		}
		if supplier {
			masked := o.For(p)
			*o = *masked
			for _, f := range o.FulfillmentOrders {
				f.Order = o
			}
		}
		if parts {
			o.NextStatuses = o.NextFor(p)
		}
	}
	return nil
}
