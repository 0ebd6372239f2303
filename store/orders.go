package store

import (
	"context"
	"maps"
	"slices"

	"github.com/lib/pq"

	"redline"
)

var orderSorts = map[redline.OrderSortField]sorting{
	redline.OrdersByPlacedAt:  {tag: "placed", column: "o.placed_at", cast: "timestamptz", id: "o.id", prefix: redline.PrefixOrder},
	redline.OrdersByUpdatedAt: {tag: "updated", column: "o.updated_at", cast: "timestamptz", id: "o.id", prefix: redline.PrefixOrder},
	redline.OrdersByTotal:     {tag: "total", column: "o.total", cast: "numeric", id: "o.id", prefix: redline.PrefixOrder},
}

// ordersThat narrows a query to the orders, under the alias o, that meet a filter of
// the principal's. What a supplier doesn't see, it can't search by.
func (q *query) ordersThat(p redline.Principal, f redline.OrderFilter) {
	if p.Role == redline.RoleSupplier && f.CustomerID != nil {
		q.and("false")
	}
	in(q, "o.status", strs(f.Statuses))
	if f.CustomerID != nil {
		q.and("o.customer_id = %s", *f.CustomerID)
	}
	if f.SupplierID != nil {
		q.and("o.id IN (SELECT order_id FROM fulfillment_orders WHERE supplier_id = %s)", *f.SupplierID)
		if p.Role == redline.RoleSupplier {
			q.and("%s IN "+q.suppliersOf(p), *f.SupplierID)
		}
	}
	if f.ProductID != nil {
		if p.Role == redline.RoleSupplier {
			q.and(`o.id IN (SELECT f.order_id FROM order_lines ol JOIN fulfillment_order_lines fl ON fl.order_line_id = ol.id
				JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
				WHERE ol.product_id = %s AND f.supplier_id IN `+q.suppliersOf(p)+`)`, *f.ProductID)
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
}

// Orders lists the orders that the principal may see, with the relations that
// are needed; the newest first where no order is given.
func (s *Store) Orders(
	ctx context.Context, p redline.Principal, f redline.OrderFilter, by redline.OrderSort, page redline.PageRequest,
	need redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	if by.Field == "" {
		by = redline.OrderSort{Field: redline.OrdersByPlacedAt, Direction: redline.Descending}
	}
	q := &query{}
	q.seeOrders(p)
	if p.Role == redline.RoleSupplier && by.Field == redline.OrdersByTotal {
		q.and("false") // as ordersThat has it of what a supplier doesn't see
	}
	q.ordersThat(p, f)
	sort := orderSorts[by.Field]
	sort.desc = by.Direction == redline.Descending
	r := readsOrders(p, need)
	return pageBy(ctx, s, r.reader(s), "orders", r.selectFrom(q), q, sort, page, func(o *redline.Order) (string, string) {
		switch by.Field {
		case redline.OrdersByUpdatedAt:
			return stamp(o.UpdatedAt), o.ID
		case redline.OrdersByTotal:
			return o.Total.Amount.String(), o.ID
		}
		return stamp(o.PlacedAt), o.ID
	})
}

// OrderBy finds one order that the principal may see, with the relations that
// are needed, or nil.
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
	r := readsOrders(p, need)
	found, err := r.reader(s)(ctx, "reading an order", "/* orders.by */ "+r.selectFrom(q)+q.where(), q.args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
}

// OrdersByID finds orders that the principal may see, without their relations.
func (s *Store) OrdersByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Order, error) {
	return s.ordersByID(ctx, p, ids, redline.OrderParts{})
}

func (s *Store) ordersByID(
	ctx context.Context, p redline.Principal, ids []string, need redline.OrderParts,
) (map[string]*redline.Order, error) {
	q := &query{}
	q.seeOrders(p)
	q.and("o.id = ANY(%s)", pq.Array(ids))
	r := readsOrders(p, need)
	found, err := r.reader(s)(ctx, "reading orders", "/* orders.by_id */ "+r.selectFrom(q)+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	return keyed(found, func(o *redline.Order) string { return o.ID }), nil
}

// LoadOrders fills relations of orders that the principal may see, as it may
// see them. With lines or parts the orders' state is read again, as it was when
// they were so; the history ends at the version that an order then has. Lines
// come with their products. Parts come with location, supplier, address, lines
// and shipments, and with the next statuses of orders and parts.
func (s *Store) LoadOrders(ctx context.Context, p redline.Principal, orders []*redline.Order, need redline.OrderParts) error {
	if len(orders) == 0 || need == (redline.OrderParts{}) {
		return nil
	}
	byID := keyed(orders, func(o *redline.Order) string { return o.ID })
	q := &query{}
	q.seeOrders(p)
	q.and("o.id = ANY(%s)", pq.Array(slices.Collect(maps.Keys(byID))))
	r := readsOrders(p, need)
	found, err := r.located(ctx, s, "reading the relations of orders", "/* orders.relations */ "+r.selectFrom(q)+q.where(), q.args)
	if err != nil {
		return err
	}
	for _, now := range found {
		r.fill(byID[now.ID], now)
	}
	return nil
}

// fill gives an order the relations that were read now.
func (r orderRead) fill(o *redline.Order, now wholeOrder) {
	was := now.Version
	if !r.need.Lines {
		was = o.Version
	}
	until := 0
	for until < len(now.versions) && now.versions[until] <= was {
		until++
	}
	shown := r.shown(now.Order)
	if r.need.Lines {
		o.Status, o.HoldReason, o.Version, o.UpdatedAt = shown.Status, shown.HoldReason, shown.Version, shown.UpdatedAt
		o.Lines = shown.Lines
	}
	if r.need.Parts {
		o.FulfillmentOrders, o.NextStatuses = shown.FulfillmentOrders, shown.NextStatuses
		for _, f := range o.FulfillmentOrders {
			f.Order = o
		}
	}
	if r.need.Returns {
		o.Returns = shown.Returns
		for _, back := range o.Returns {
			back.Order = o
		}
	}
	if r.need.History {
		o.History = shown.History[:until]
	}
}
