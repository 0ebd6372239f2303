package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// FulfillmentOrderAccept takes a part on.
func (m mutation) FulfillmentOrderAccept(
	ctx context.Context, input redline.FulfillmentOrderRespondInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentOrderAccept, input)
}

// FulfillmentOrderReject refuses a part.
func (m mutation) FulfillmentOrderReject(
	ctx context.Context, input redline.FulfillmentOrderRespondInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentOrderReject, input)
}

// FulfillmentOrderAcceptCancellation lets a part be cancelled.
func (m mutation) FulfillmentOrderAcceptCancellation(
	ctx context.Context, input redline.FulfillmentOrderRespondInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentOrderAcceptCancellation, input)
}

// FulfillmentOrderRejectCancellation goes on with a part that was to be cancelled.
func (m mutation) FulfillmentOrderRejectCancellation(
	ctx context.Context, input redline.FulfillmentOrderRespondInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentOrderRejectCancellation, input)
}

// FulfillmentCreate tells of a shipment.
func (m mutation) FulfillmentCreate(
	ctx context.Context, input redline.FulfillmentCreateInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentCreate, input)
}

// FulfillmentMarkShipped tells that a pending shipment is on its way.
func (m mutation) FulfillmentMarkShipped(
	ctx context.Context, input redline.FulfillmentShippedInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentMarkShipped, input)
}

// FulfillmentMarkDelivered tells that a shipment has arrived.
func (m mutation) FulfillmentMarkDelivered(
	ctx context.Context, input redline.FulfillmentDeliveredInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentMarkDelivered, input)
}

// FulfillmentMarkFailed tells that a shipment will not arrive.
func (m mutation) FulfillmentMarkFailed(
	ctx context.Context, input redline.FulfillmentEndInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentMarkFailed, input)
}

// FulfillmentCancel tells that a pending shipment will not leave.
func (m mutation) FulfillmentCancel(
	ctx context.Context, input redline.FulfillmentEndInput,
) (*model.FulfillmentOrderPayload, error) {
	return change(ctx, m, aPart, Store.FulfillmentCancel, input)
}
