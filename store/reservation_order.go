package store

import (
	"context"
	"fmt"
	"slices"

	"redline"
)

// takeOver is the work of a transaction in which an order takes over what a
// reservation holds: at the prices of now, whether or not the products are still on
// sale. The one call is the order's.
func takeOver(ctx context.Context, t *transaction, all []*mutation) error {
	m := all[0]
	in := m.input.(redline.OrderPlaceInput)
	if err := checkPlacement(m.by, &in); err != nil {
		return err
	}
	t.givesBack = true
	lines, err := m.reservationLines(ctx, []string{*in.ReservationID})
	if err != nil {
		return err
	}
	r, err := m.becomes(ctx, *in.ReservationID, nil, redline.ReservationCommitted)
	if err != nil {
		return err
	}
	pl := newPlacement(m, in)
	if err := pl.hold(ctx, lines); err != nil {
		return err
	}
	placed, err := t.prepareOrders(ctx, []*placement{pl})
	if err != nil || len(placed) == 0 {
		return err
	}
	if err := t.insertPlaced(ctx, placed); err != nil {
		return err
	}
	r.OrderID = &pl.order.ID
	if err := m.updateReservation(ctx, r); err != nil {
		return err
	}
	levels, err := t.lockKeys(ctx, levelsOf(lines), false)
	if err != nil {
		return err
	}
	return commitPlaced(placed, levels)
}

// hold gives an order the lines of a reservation: one for each product, in the order
// in which the reservation comes to them, with all that is held of it.
func (w *wanted) hold(ctx context.Context, lines []*redline.ReservationLine) error {
	err := w.goBy(ctx, func(known *places) bool {
		return !slices.ContainsFunc(lines, func(l *redline.ReservationLine) bool { return known.byID[l.LocationID] == nil })
	})
	if err != nil {
		return err
	}
	w.held = true
	index := map[string]int{}
	for _, l := range lines {
		at := w.places.byID[l.LocationID]
		if at == nil {
			return fmt.Errorf("taking a reservation over: there is no location %s", l.LocationID)
		}
		i, listed := index[l.ProductID]
		if !listed {
			i = len(w.lines)
			index[l.ProductID] = i
			w.lines, w.shares = append(w.lines, redline.LineInput{ProductID: &l.ProductID}), append(w.shares, share{})
		}
		w.lines[i].Quantity += l.Quantity
		w.shares[i].takes = append(w.shares[i].takes, redline.Take{Source: at.source(nil, l.Quantity, false), Quantity: l.Quantity})
	}
	return nil
}
