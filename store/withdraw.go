package store

import (
	"context"
	"slices"

	"redline"
)

// withdrawNewest takes promises back that a level can't keep, the newest first,
// until what is reserved and committed is there, as whoever resolves the conflict:
// what they were for goes to other locations, else to backorder. It locks orders,
// and then all levels of the product, and does nothing where all can be kept by
// then. What is reserved stays so: it expires by itself.
func (m *mutation) withdrawNewest(ctx context.Context, levelID string) error {
	var level struct {
		ProductID  string `db:"product_id"`
		LocationID string `db:"location_id"`
		Excess     int
	}
	err := m.tx.GetContext(ctx, &level, `/* withdraw.excess */ SELECT product_id, location_id, reserved + committed + unavailable - on_hand AS excess
		FROM inventory_levels WHERE id = $1`, levelID)
	if err != nil {
		return dbError("reading a level that is oversold", err)
	}
	if level.Excess <= 0 {
		return nil
	}
	// The newest, as far as they are needed for what is short now.
	var promises []struct {
		OrderID string `db:"order_id"`
		PartID  string `db:"part_id"`
		LineID  string `db:"line_id"`
	}
	err = m.tx.SelectContext(ctx, &promises, `/* withdraw.promises */ SELECT order_id, part_id, line_id FROM (
			SELECT f.order_id, f.id AS part_id, fl.id AS line_id, f.submitted_at, held,
				sum(held) OVER (ORDER BY f.submitted_at DESC, f.id DESC, fl.id DESC) AS held_from_here
			FROM order_lines ol JOIN fulfillment_order_lines fl ON fl.order_line_id = ol.id
			JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id
			CROSS JOIN LATERAL (SELECT coalesce(fl.accepted, fl.quantity) - fl.shipped AS held) AS of
			WHERE ol.product_id = $1 AND ol.open > 0 AND f.location_id = $2 AND held > 0
				AND f.status IN ('SUBMITTED', 'ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED')
		) AS newest WHERE held_from_here - held < $3 ORDER BY submitted_at DESC, part_id DESC, line_id DESC`,
		level.ProductID, level.LocationID, level.Excess)
	if err != nil {
		return dbError("looking for the newest promises of a level", err)
	}
	ids := make([]string, len(promises))
	for i, p := range promises {
		ids[i] = p.OrderID
	}
	orders, err := m.lockOrders(ctx, ids)
	if err != nil {
		return err
	}
	levels, err := m.lockAll(ctx, []string{level.ProductID})
	if err != nil {
		return err
	}
	excess := levels[levelKey{level.ProductID, level.LocationID}].Oversold()
	if excess > level.Excess {
		return errMoved // it takes more of them than were looked at
	}
	var changes []*redline.Transition
	of := map[string]*redline.Transition{}
	for _, p := range promises {
		o := orders[p.OrderID]
		f := o.Part(p.PartID)
		for _, l := range f.Lines {
			n := min(excess, f.Remaining(l))
			if l.ID != p.LineID || n == 0 {
				continue
			}
			t := of[o.ID]
			if t == nil {
				t = redline.NewTransition(o, m.by, m.now)
				of[o.ID] = t
				changes = append(changes, t)
			}
			if err := t.Withdraw(f.ID, l.ID, n); err != nil {
				return err
			}
			excess -= n
		}
	}
	if len(changes) == 0 {
		return nil
	}
	slices.Reverse(changes) // what there is elsewhere goes to the oldest first
	return m.carryOut(ctx, changes, levels)
}
