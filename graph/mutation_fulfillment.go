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
	return m.part(ctx, func(p redline.Principal) (string, redline.Outcome, error) {
		return m.store.FulfillmentOrderAccept(ctx, p, input)
	})
}

// FulfillmentOrderReject refuses a part.
func (m mutation) FulfillmentOrderReject(
	ctx context.Context, input redline.FulfillmentOrderRespondInput,
) (*model.FulfillmentOrderPayload, error) {
	return m.part(ctx, func(p redline.Principal) (string, redline.Outcome, error) {
		return m.store.FulfillmentOrderReject(ctx, p, input)
	})
}

// FulfillmentCreate tells of a shipment.
func (m mutation) FulfillmentCreate(
	ctx context.Context, input redline.FulfillmentCreateInput,
) (*model.FulfillmentOrderPayload, error) {
	return m.part(ctx, func(p redline.Principal) (string, redline.Outcome, error) {
		return m.store.FulfillmentCreate(ctx, p, input)
	})
}

// FulfillmentMarkDelivered tells that a shipment has arrived.
func (m mutation) FulfillmentMarkDelivered(
	ctx context.Context, input redline.FulfillmentDeliveredInput,
) (*model.FulfillmentOrderPayload, error) {
	return m.part(ctx, func(p redline.Principal) (string, redline.Outcome, error) {
		return m.store.FulfillmentMarkDelivered(ctx, p, input)
	})
}
