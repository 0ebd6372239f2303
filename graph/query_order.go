package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// Order finds one order.
func (q query) Order(ctx context.Context, by redline.OrderBy) (*redline.Order, error) {
	return single(ctx, q.resolver, func(p redline.Principal) (*redline.Order, error) {
		return q.store.OrderBy(ctx, p, by, asked(ctx).orderParts())
	})
}

// Reservation finds one reservation.
func (q query) Reservation(ctx context.Context, id string) (*redline.Reservation, error) {
	return single(ctx, q.resolver, func(p redline.Principal) (*redline.Reservation, error) {
		found, err := q.store.ReservationsByID(ctx, p, []string{id})
		return found[id], err
	})
}

// Orders lists orders.
func (q query) Orders(
	ctx context.Context, filter *redline.OrderFilter, orderBy *redline.OrderSort,
	first *int, after *string, last *int, before *string,
) (*model.OrderConnection, error) {
	f, err := ordersFilter(filter)
	if err != nil {
		return nil, err
	}
	return connection(ctx, q.resolver, first, after, last, before,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.Order], error) {
			return q.store.Orders(ctx, p, f, value(orderBy), page, asked(ctx).orderParts())
		})
}

// FulfillmentOrders lists a supplier's inbox.
func (q query) FulfillmentOrders(
	ctx context.Context, filter *redline.FulfillmentOrderFilter, first *int, after *string,
) (*model.FulfillmentOrderConnection, error) {
	f, err := partFilter(filter)
	if err != nil {
		return nil, err
	}
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.FulfillmentOrder], error) {
			return q.store.FulfillmentOrders(ctx, p, f, page)
		})
}
