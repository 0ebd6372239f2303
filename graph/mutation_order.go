package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// OrderPlace places an order.
func (m mutation) OrderPlace(ctx context.Context, input redline.OrderPlaceInput) (*model.OrderPayload, error) {
	return change(ctx, m, anOrder, Store.OrderPlace, input)
}

// OrderCancel cancels what hasn't shipped of an order.
func (m mutation) OrderCancel(ctx context.Context, input redline.OrderCancelInput) (*model.OrderPayload, error) {
	return change(ctx, m, anOrder, Store.OrderCancel, input)
}

// OrderHold stops an order.
func (m mutation) OrderHold(ctx context.Context, input redline.OrderHoldInput) (*model.OrderPayload, error) {
	return change(ctx, m, anOrder, Store.OrderHold, input)
}

// OrderReleaseHold lets a held order go on.
func (m mutation) OrderReleaseHold(ctx context.Context, input redline.OrderReleaseHoldInput) (*model.OrderPayload, error) {
	return change(ctx, m, anOrder, Store.OrderReleaseHold, input)
}

// OrderSetStatus moves every part of an order that the caller may touch.
func (m mutation) OrderSetStatus(ctx context.Context, input redline.OrderStatusInput) (*model.OrderPayload, error) {
	return change(ctx, m, anOrder, Store.OrderSetStatus, input)
}
