package store

import (
	"context"
	"encoding/json"
	"fmt"

	"redline"
)

// orderOfReturn finds the order that a return is of.
const orderOfReturn = "o.id = (SELECT r.order_id FROM returns r WHERE r.id = %s)"

// ReturnsByID finds returns that the principal may see, each with its order.
func (s *Store) ReturnsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Return, error) {
	return partsOfOrders(ctx, s, p, redline.OrderParts{Lines: true, Parts: true, Returns: true},
		`/* orders.of_returns */ SELECT DISTINCT order_id FROM returns WHERE id = ANY($1)`, ids,
		func(o *redline.Order, found func(string, *redline.Return)) {
			for _, r := range o.Returns {
				found(r.ID, r)
			}
		})
}

// returnChange is one change of what comes back of an order.
type returnChange struct {
	request
	// cond and arg find the order, and field is the input's path to arg.
	cond, arg, field string
	note             noted
	apply            func(ctx context.Context, m *mutation, t *redline.Transition) (returnID string, err error)
}

// changeReturn locks an order, changes what comes back of it and writes what
// came of that. It returns the return's id.
func (s *Store) changeReturn(ctx context.Context, p redline.Principal, c returnChange) (string, redline.Outcome, error) {
	c.subject = c.arg
	return mutate(ctx, s, p, c.request, func(ctx context.Context, m *mutation) (string, error) {
		if err := checkText(c.note.field, c.note.text); err != nil {
			return "", err
		}
		o, err := m.lockOrder(ctx, c.cond, c.arg)
		if err != nil {
			return "", err
		}
		if o == nil {
			return "", noReturn(c.field, c.arg)
		}
		t := redline.NewTransition(o, p, m.now)
		id, err := c.apply(ctx, m, t)
		if err != nil {
			return "", err
		}
		_, err = m.writeChange(ctx, t)
		return id, err
	})
}

func noReturn(field, id string) error {
	what := "return"
	if field == "orderId" {
		what = "order"
	}
	return redline.NotFound([]string{field}, "there is no %s %.60q that you may work on", what, id)
}

// ReturnCreate announces goods of an order that come back. It is for whoever
// may see the order, but not for its suppliers.
func (s *Store) ReturnCreate(ctx context.Context, p redline.Principal, in redline.ReturnCreateInput) (string, redline.Outcome, error) {
	return s.changeReturn(ctx, p, returnChange{
		request: request{action: "returnCreate", key: &in.IdempotencyKey, input: in},
		cond:    "o.id = %s", arg: in.OrderID, field: "orderId", note: noted{in.Reason, "reason"},
		apply: func(_ context.Context, _ *mutation, t *redline.Transition) (string, error) {
			if p.Role == redline.RoleSupplier {
				return "", noReturn("orderId", in.OrderID)
			}
			r, err := t.Announce(in.Lines, in.Reason)
			if err != nil {
				return "", err
			}
			return r.ID, nil
		},
	})
}

// ReturnReceive tells what came in of a return. What is restocked is on hand,
// and goes to the orders that wait for it.
func (s *Store) ReturnReceive(ctx context.Context, p redline.Principal, in redline.ReturnReceiveInput) (string, redline.Outcome, error) {
	return s.changeReturn(ctx, p, returnChange{
		request: request{action: "returnReceive", key: &in.IdempotencyKey, input: in},
		cond:    orderOfReturn, arg: in.ReturnID, field: "returnId",
		apply: func(ctx context.Context, m *mutation, t *redline.Transition) (string, error) {
			// What the principal may not receive looks like what isn't there.
			r := t.Order.For(p).Return(in.ReturnID)
			if r == nil || !p.Everywhere() && p.Role != redline.RoleSupplier {
				return "", noReturn("returnId", in.ReturnID)
			}
			if err := expectVersion(in.ExpectedVersion, r.Version); err != nil {
				return "", err
			}
			at, err := m.arrival(ctx, in.LocationID)
			if err != nil {
				return "", err
			}
			return r.ID, t.Receive(r.ID, in.Lines, at)
		},
	})
}

// arrival finds a location where goods come in, if one is named, and refuses one
// where the principal can't take them in: a supplier does so at its own.
func (m *mutation) arrival(ctx context.Context, locationID *string) (*redline.Location, error) {
	if locationID == nil {
		return nil, nil
	}
	if err := m.goBy(ctx, func(known *places) bool { return known.byID[*locationID] != nil }); err != nil {
		return nil, err
	}
	at := m.places.byID[*locationID]
	if at == nil || !m.by.Everywhere() && (at.Supplier == nil || !m.by.SpeaksFor(at.Supplier.Code)) {
		return nil, redline.NotFound([]string{"locationId"}, "there is no location %.60q where you may take goods in", *locationID)
	}
	return &at.Location, nil
}

// ReturnCancel gives up what has not come back of a return. It is for whoever
// may announce one.
func (s *Store) ReturnCancel(ctx context.Context, p redline.Principal, in redline.ReturnCancelInput) (string, redline.Outcome, error) {
	return s.changeReturn(ctx, p, returnChange{
		request: request{action: "returnCancel", key: in.IdempotencyKey, input: in},
		cond:    orderOfReturn, arg: in.ReturnID, field: "returnId", note: noted{in.Reason, "reason"},
		apply: func(_ context.Context, _ *mutation, t *redline.Transition) (string, error) {
			if p.Role == redline.RoleSupplier {
				return "", noReturn("returnId", in.ReturnID)
			}
			if err := expectVersion(in.ExpectedVersion, t.Order.Return(in.ReturnID).Version); err != nil {
				return "", err
			}
			t.Note = in.Reason
			return in.ReturnID, t.GiveUp(in.ReturnID)
		},
	})
}

// returnShipment is what resolving SHIP_AFTER_CANCEL does: a return is opened of
// what has left, as far as none is announced of it already.
func (m *mutation) returnShipment(ctx context.Context, text json.RawMessage) error {
	var held heldShipments
	if err := json.Unmarshal(text, &held); err != nil {
		return fmt.Errorf("reading what a conflict holds: %w", err)
	}
	o, err := m.lockHeld(ctx, "o.id = %s", held.OrderID)
	if err != nil {
		return err
	}
	sent := map[string]int{}
	for _, id := range held.ShipmentIDs {
		_, s := o.Shipment(id)
		for _, l := range s.Lines {
			sent[l.OrderLineID] += l.Quantity
		}
	}
	var lines []redline.ReturnLineInput
	for _, l := range o.Lines {
		if n := min(sent[l.ID], o.Returnable(l)); n > 0 {
			lines = append(lines, redline.ReturnLineInput{OrderLineID: l.ID, Quantity: n})
		}
	}
	if len(lines) == 0 {
		return nil
	}
	reason := "It left after it was cancelled."
	t := redline.NewTransition(o, m.by, m.now)
	if _, err := t.Announce(lines, &reason); err != nil {
		return err
	}
	_, err = m.writeChange(ctx, t)
	return err
}
