package store

import (
	"context"

	"redline"
)

// FulfillmentCreate tells of a shipment, which takes what it holds from stock.
func (s *Store) FulfillmentCreate(
	ctx context.Context, p redline.Principal, in redline.FulfillmentCreateInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentCreate", key: &in.IdempotencyKey, input: in}
	return s.changePart(ctx, p, r, in.FulfillmentOrderID, nil, noted{}, func(t *redline.Transition) error {
		texts := map[string]*string{"carrier": in.Carrier, "trackingNumber": in.TrackingNumber}
		if refused := checkTexts(texts); len(refused) > 0 {
			return refused
		}
		return t.Ship(in.FulfillmentOrderID, in.Lines, redline.Shipment{
			Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, ShippedAt: stored(in.ShippedAt),
		})
	})
}

// FulfillmentMarkDelivered tells that a shipment has arrived. It answers the
// part that the shipment belongs to.
func (s *Store) FulfillmentMarkDelivered(
	ctx context.Context, p redline.Principal, in redline.FulfillmentDeliveredInput,
) (string, redline.Outcome, error) {
	o, outcome, err := s.changeOrder(ctx, p, orderChange{
		request: request{action: "fulfillmentMarkDelivered", key: in.IdempotencyKey, input: in},
		cond:    `o.id = (SELECT f.order_id FROM fulfillments s JOIN fulfillment_orders f ON f.id = s.fulfillment_order_id WHERE s.id = %s)`,
		arg:     in.FulfillmentID, field: "fulfillmentId", what: "shipment",
		touches: func(o *redline.Order) bool {
			f, _ := o.Shipment(in.FulfillmentID)
			return f != nil && f.TouchableBy(p)
		},
		apply: func(t *redline.Transition) error { return t.Deliver(in.FulfillmentID, stored(in.DeliveredAt)) },
	})
	return o.PartID, outcome, err
}
