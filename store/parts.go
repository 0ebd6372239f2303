package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"redline"
)

// FulfillmentOrders lists the fulfilment orders that the principal may see,
// oldest first: a supplier's inbox. Those that are overdue, where only they are
// asked for, come by their deadlines. Each comes with its order, complete.
func (s *Store) FulfillmentOrders(
	ctx context.Context, p redline.Principal, f redline.FulfillmentOrderFilter, page redline.PageRequest,
) (*redline.Page[*redline.FulfillmentOrder], error) {
	q := &query{}
	q.seeParts(p)
	in(q, "f.status", strs(f.Statuses))
	if f.SupplierID != nil {
		q.and("f.supplier_id = %s", *f.SupplierID)
	}
	if f.LocationID != nil {
		q.and("f.location_id = %s", *f.LocationID)
	}
	by := sorting{tag: "part", column: "f.submitted_at", cast: "timestamptz", id: "f.id", prefix: redline.PrefixFulfillmentOrder}
	if f.Overdue != nil {
		// Said plainly where it is asked for, so that an index finds the few.
		overdue := "f.status = 'SUBMITTED' AND f.acknowledge_by < statement_timestamp()"
		if *f.Overdue {
			by.tag, by.column = "overdue", "f.acknowledge_by"
		} else {
			overdue = "(" + overdue + ") IS NOT TRUE"
		}
		q.and(overdue)
	}
	rows, err := pageOf(ctx, s, "fulfillment_orders", selectPartKeys, q, by, page, func(r *partKey) (string, string) {
		if by.column == "f.acknowledge_by" {
			return stamp(*r.AcknowledgeBy), r.ID
		}
		return stamp(r.SubmittedAt), r.ID
	})
	if err != nil {
		return nil, err
	}
	ids := make([]string, len(rows.Items))
	for i, r := range rows.Items {
		ids[i] = r.OrderID
	}
	orders, err := s.ordersByID(ctx, p, ids, completeOrder)
	if err != nil {
		return nil, err
	}
	return mapPage(rows, func(rows []*partKey) ([]*redline.FulfillmentOrder, error) {
		parts := make([]*redline.FulfillmentOrder, len(rows))
		for i, r := range rows {
			parts[i] = orders[r.OrderID].Part(r.ID)
		}
		return parts, nil
	})
}

const selectPartKeys = `SELECT f.id, f.order_id, f.submitted_at, f.acknowledge_by FROM fulfillment_orders f JOIN orders o ON o.id = f.order_id`

type partKey struct {
	ID            string
	OrderID       string     `db:"order_id"`
	SubmittedAt   time.Time  `db:"submitted_at"`
	AcknowledgeBy *time.Time `db:"acknowledge_by"`
}

// completeOrder is an order with lines and parts.
var completeOrder = redline.OrderParts{Lines: true, Parts: true}

// partsOfOrders looks rows up by the ids of a table that leads to orders, and
// picks what is wanted out of those orders as the principal sees them.
func partsOfOrders[T any](
	ctx context.Context, s *Store, p redline.Principal, need redline.OrderParts, orderIDs string, ids []string, pick func(*redline.Order, func(id string, v T)),
) (map[string]T, error) {
	var orders []string
	if err := s.db.SelectContext(ctx, &orders, orderIDs, pq.Array(ids)); err != nil {
		return nil, dbError("looking up the orders of ids", err)
	}
	found, err := s.ordersByID(ctx, p, orders, need)
	if err != nil {
		return nil, err
	}
	wanted := make(map[string]bool, len(ids))
	for _, id := range ids {
		wanted[id] = true
	}
	out := map[string]T{}
	for _, o := range found {
		pick(o, func(id string, v T) {
			if wanted[id] {
				out[id] = v
			}
		})
	}
	return out, nil
}

// FulfillmentOrdersByID finds fulfilment orders that the principal may see,
// each with its order.
func (s *Store) FulfillmentOrdersByID(
	ctx context.Context, p redline.Principal, ids []string,
) (map[string]*redline.FulfillmentOrder, error) {
	return partsOfOrders(ctx, s, p, completeOrder, `/* orders.of_fulfillment_orders */ SELECT DISTINCT order_id FROM fulfillment_orders WHERE id = ANY($1)`, ids,
		func(o *redline.Order, found func(string, *redline.FulfillmentOrder)) {
			for _, f := range o.FulfillmentOrders {
				found(f.ID, f)
			}
		})
}

// FulfillmentsByID finds shipments that the principal may see.
func (s *Store) FulfillmentsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Fulfillment, error) {
	return partsOfOrders(ctx, s, p, completeOrder, `/* orders.of_fulfillments */ SELECT DISTINCT f.order_id FROM fulfillments s
		JOIN fulfillment_orders f ON f.id = s.fulfillment_order_id WHERE s.id = ANY($1)`, ids,
		func(o *redline.Order, found func(string, *redline.Fulfillment)) {
			for _, f := range o.FulfillmentOrders {
				for _, shipment := range f.Fulfillments {
					found(shipment.ID, shipment)
				}
			}
		})
}

// OrderLinesByID finds order lines that the principal may see.
func (s *Store) OrderLinesByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.OrderLine, error) {
	return partsOfOrders(ctx, s, p, completeOrder, `/* orders.of_lines */ SELECT DISTINCT order_id FROM order_lines WHERE id = ANY($1)`, ids,
		func(o *redline.Order, found func(string, *redline.OrderLine)) {
			for _, l := range o.Lines {
				found(l.ID, l)
			}
		})
}
