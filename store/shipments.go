package store

import (
	"context"

	"redline"
)

// orderOfShipment finds the order that a shipment is of.
const orderOfShipment = `o.id = (SELECT f.order_id FROM fulfillments s JOIN fulfillment_orders f ON f.id = s.fulfillment_order_id
	WHERE s.id = %s)`

// FulfillmentCreate tells of a shipment, which takes what it holds from stock
// when it leaves: now, unless it is pending.
//
// What a supplier ships after its part has ended is taken as a fact, and opens
// SHIP_AFTER_CANCEL. Where a supplier tells of more than was left to ship, the
// refusal leaves QUANTITY_EXCEEDS_ORDER behind, until it tells of another
// shipment of the part.
func (s *Store) FulfillmentCreate(
	ctx context.Context, p redline.Principal, in redline.FulfillmentCreateInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentCreate", key: &in.IdempotencyKey, input: in, subject: in.FulfillmentOrderID}
	_, outcome, err := mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (changedOrder, error) {
		var none changedOrder
		o, err := m.lockOrder(ctx, orderOfPart, in.FulfillmentOrderID)
		if err != nil {
			return none, err
		}
		if o == nil || !o.Part(in.FulfillmentOrderID).TouchableBy(p) {
			return none, redline.NotFound([]string{"fulfillmentOrderId"}, "there is no fulfilment order %.60q that you may work on", in.FulfillmentOrderID)
		}
		if err := checkParcel(in.Carrier, in.TrackingNumber); err != nil {
			return none, err
		}
		f := o.Part(in.FulfillmentOrderID)
		t := redline.NewTransition(o, p, m.now)
		if err := t.Ship(f.ID, in.Lines, shipmentOf(in)); err != nil {
			if told := t.Excess(); told != nil && !in.Pending && p.Role == redline.RoleSupplier {
				if err := m.tellExcess(ctx, o, f, in, told); err != nil {
					return none, err
				}
				m.refuse(err)
				return none, nil
			}
			return none, err
		}
		part, err := m.writeChange(ctx, t)
		return changedOrder{OrderID: o.ID, PartID: part}, err
	})
	return in.FulfillmentOrderID, outcome, err
}

// shipmentOf is the shipment that a call tells of.
func shipmentOf(in redline.FulfillmentCreateInput) redline.Shipment {
	return redline.Shipment{
		Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, ShippedAt: stored(in.ShippedAt), Pending: in.Pending,
	}
}

// checkParcel refuses names of a parcel that are empty or too long.
func checkParcel(carrier, trackingNumber *string) error {
	if refused := checkTexts(map[string]*string{"carrier": carrier, "trackingNumber": trackingNumber}); len(refused) > 0 {
		return refused
	}
	return nil
}

// changeShipment changes one shipment of an order. It answers the part that the
// shipment belongs to.
func (s *Store) changeShipment(
	ctx context.Context, p redline.Principal, r request, shipmentID string, note noted, apply func(*redline.Transition) error,
) (string, redline.Outcome, error) {
	o, outcome, err := s.changeOrder(ctx, p, orderChange{
		request: r, cond: orderOfShipment, arg: shipmentID, field: "fulfillmentId", what: "shipment", note: note, apply: apply,
		touches: func(o *redline.Order) bool {
			f, _ := o.Shipment(shipmentID)
			return f != nil && f.TouchableBy(p)
		},
	})
	return o.PartID, outcome, err
}

// FulfillmentMarkShipped tells that a pending shipment is on its way, which
// takes what it holds from stock.
func (s *Store) FulfillmentMarkShipped(
	ctx context.Context, p redline.Principal, in redline.FulfillmentShippedInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentMarkShipped", key: in.IdempotencyKey, input: in}
	return s.changeShipment(ctx, p, r, in.FulfillmentID, noted{}, func(t *redline.Transition) error {
		if err := checkParcel(in.Carrier, in.TrackingNumber); err != nil {
			return err
		}
		return t.MarkShipped(in.FulfillmentID, redline.Shipment{
			Carrier: in.Carrier, TrackingNumber: in.TrackingNumber, TrackingURL: in.TrackingURL, ShippedAt: stored(in.ShippedAt),
		})
	})
}

// FulfillmentMarkDelivered tells that a shipment has arrived.
func (s *Store) FulfillmentMarkDelivered(
	ctx context.Context, p redline.Principal, in redline.FulfillmentDeliveredInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentMarkDelivered", key: in.IdempotencyKey, input: in}
	return s.changeShipment(ctx, p, r, in.FulfillmentID, noted{},
		func(t *redline.Transition) error { return t.Deliver(in.FulfillmentID, stored(in.DeliveredAt)) })
}

// FulfillmentMarkFailed tells that a shipment will not arrive.
func (s *Store) FulfillmentMarkFailed(
	ctx context.Context, p redline.Principal, in redline.FulfillmentEndInput,
) (string, redline.Outcome, error) {
	return s.endShipment(ctx, p, "fulfillmentMarkFailed", in, (*redline.Transition).Fail)
}

// FulfillmentCancel gives up a pending shipment.
func (s *Store) FulfillmentCancel(
	ctx context.Context, p redline.Principal, in redline.FulfillmentEndInput,
) (string, redline.Outcome, error) {
	return s.endShipment(ctx, p, "fulfillmentCancel", in, (*redline.Transition).CancelShipment)
}

func (s *Store) endShipment(
	ctx context.Context, p redline.Principal, action string, in redline.FulfillmentEndInput, end func(*redline.Transition, string) error,
) (string, redline.Outcome, error) {
	r := request{action: action, key: in.IdempotencyKey, input: in}
	return s.changeShipment(ctx, p, r, in.FulfillmentID, noted{&in.Reason, "reason"}, func(t *redline.Transition) error {
		if err := needReason(in.Reason); err != nil {
			return err
		}
		return end(t, in.FulfillmentID)
	})
}
