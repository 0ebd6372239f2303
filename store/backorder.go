package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"redline"
)

// waitingMax is how many waiting orders one transaction looks at. Those that
// wait behind them a job fills.
const waitingMax = 100

// lockWaiting locks the orders that wait for stock of products, but for those
// named, and loads them whole, oldest first. Whoever may make stock available
// calls it before it locks levels, and fill afterwards. An order that another
// transaction holds is left out, so that nobody waits: a job fills it.
func (t *transaction) lockWaiting(ctx context.Context, products []string, but ...string) ([]*redline.Order, error) {
	if len(products) == 0 {
		return nil, nil
	}
	// Who waits comes first: there are few, and orders without end.
	var ids []string
	err := t.tx.SelectContext(ctx, &ids, `/* backorders.waiting */ WITH waiting AS MATERIALIZED (
			SELECT DISTINCT order_id FROM order_lines WHERE product_id = ANY($1::text[]) AND backordered > 0
		)
		SELECT o.id FROM waiting JOIN orders o ON o.id = waiting.order_id
		WHERE o.hold_reason IS NULL AND NOT o.id = ANY($2::text[])
		ORDER BY o.placed_at, o.id LIMIT $3 FOR NO KEY UPDATE OF o SKIP LOCKED`, texts(products...), texts(but...), waitingMax)
	if err != nil {
		return nil, dbError("locking the orders that wait for stock", err)
	}
	return t.loadLocked(ctx, ids)
}

// lockOrders locks orders, in the one order in which everybody does, and loads
// them whole and unmasked.
func (t *transaction) lockOrders(ctx context.Context, ids []string) (map[string]*redline.Order, error) {
	var locked []string
	err := t.tx.SelectContext(ctx, &locked, `/* backorders.lock_orders */ SELECT id FROM orders WHERE id = ANY($1::text[]) ORDER BY id FOR NO KEY UPDATE`, texts(ids...))
	if err != nil {
		return nil, dbError("locking orders", err)
	}
	found, err := t.loadLocked(ctx, locked)
	return keyed(found, func(o *redline.Order) string { return o.ID }), err
}

// loadLocked loads orders whole and unmasked, oldest first. Their rows are
// locked, by a statement before this one: that which waited for a lock began
// before it.
func (t *transaction) loadLocked(ctx context.Context, ids []string) ([]*redline.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	orders, err := ordersToChange(ctx, t.tx, "reading locked orders", ids)
	if err != nil {
		return nil, err
	}
	byAge(orders)
	return orders, nil
}

// byAge sorts orders, oldest first.
func byAge(orders []*redline.Order) {
	slices.SortFunc(orders, func(a, b *redline.Order) int {
		return cmp.Or(a.PlacedAt.Compare(b.PlacedAt), strings.Compare(a.ID, b.ID))
	})
}

// fill gives what is available in locked levels to the orders that lockWaiting
// locked, oldest first, as System: by rule, whoever made the stock available. It
// is called after all that the mutation does to these levels, and the newest event
// of the mutation is then one of these.
func (m *mutation) fill(ctx context.Context, waiting []*redline.Order, levels map[levelKey]*lockedLevel) error {
	filled := m.assign(waiting, levels)
	if len(filled) == 0 {
		return nil
	}
	return m.byRule(actionFill).carryOut(ctx, filled, levels)
}

// actionFill is what the audit calls it.
const actionFill = "backorderFill"

// assign assigns what is available in levels to orders, and returns the
// transitions of those that got something.
func (m *mutation) assign(waiting []*redline.Order, levels map[levelKey]*lockedLevel) []*redline.Transition {
	var filled []*redline.Transition
	var there shelves
	for _, o := range waiting {
		if there == nil {
			there = shelvesOf(levels)
		}
		t := redline.NewTransition(o, redline.System(), m.now)
		if t.Assign(there); t.Changed() {
			filled = append(filled, t)
		}
	}
	return filled
}

// byRule is who does, as System, what follows by rule from what the mutation
// does: its audit entries are its own, and its events are the mutation's too.
func (m *mutation) byRule(action string) *mutation {
	rule := &mutation{
		transaction: m.transaction, n: m.n,
		call: &call{request: request{action: action}, by: redline.System(), requestID: m.requestID},
	}
	m.rules = append(m.rules, rule)
	return rule
}

// errNothingToFill says that no order got anything, and that there is nothing to
// commit.
var errNothingToFill = errors.New("no order that waits could be filled")

// FillBackorders gives stock to orders that wait for it while it is there: where
// whoever brought it found their rows taken, or too many of them. It does so oldest
// first, in short transactions, as System, and returns how many orders got
// something. Orders that another works on are left to the next time. One that can't
// be filled doesn't keep the others from it; the error says why.
func (s *Store) FillBackorders(ctx context.Context) (int, error) {
	ctx = background(ctx)
	total := 0
	var left []string
	var failed error
	for {
		ids, err := s.fillable(ctx, left)
		if err != nil || len(ids) == 0 {
			return total, errors.Join(failed, err)
		}
		n, stuck, err := s.fillEach(ctx, ids)
		total += n
		for _, id := range ids {
			if why := stuck[id]; why != nil {
				left, failed = append(left, id), errors.Join(failed, why)
			}
		}
		if err != nil || n+len(stuck) == 0 || len(ids) < waitingMax {
			return total, errors.Join(failed, err)
		}
	}
}

// fillEach fills orders and returns how many got something. Where one of them can't
// be filled, each is filled alone: stuck says why which of them could not. It fails
// where none could for now.
func (s *Store) fillEach(ctx context.Context, ids []string) (total int, stuck map[string]error, err error) {
	total, _, err = mutate(ctx, s, redline.System(), request{action: actionFill}, func(ctx context.Context, m *mutation) (int, error) {
		return m.fillOrders(ctx, ids)
	})
	var e *redline.Error
	switch {
	case errors.Is(err, errNothingToFill):
		return 0, nil, nil
	case err == nil || errors.As(err, &e) && refusalsOf(err) == nil: // which is UNAVAILABLE, or nobody knows
		return total, nil, err
	case len(ids) == 1:
		return 0, map[string]error{ids[0]: fmt.Errorf("filling the order %s: %w", ids[0], err)}, nil
	}
	stuck = map[string]error{}
	for _, id := range ids {
		n, one, err := s.fillEach(ctx, []string{id})
		if err != nil {
			return total, stuck, err
		}
		total += n
		maps.Copy(stuck, one)
	}
	return total, stuck, nil
}

// fillable are the oldest orders of which something waits that is available
// somewhere where it may come from, by the rules of redline.Transition.Assign, but
// for some.
func (s *Store) fillable(ctx context.Context, but []string) ([]string, error) {
	var ids []string
	// What is there of what is wanted comes first: mostly that is nothing.
	err := s.db.SelectContext(ctx, &ids, `/* backorders.find */ WITH wanted AS MATERIALIZED (
			SELECT DISTINCT product_id FROM order_lines WHERE backordered > 0
		), there AS MATERIALIZED (
			SELECT l.product_id, l.location_id, l.stale FROM wanted JOIN inventory_levels l USING (product_id) WHERE l.available > 0
		)
		SELECT id FROM (
			SELECT DISTINCT o.placed_at, o.id FROM there
			JOIN order_lines ol ON ol.product_id = there.product_id AND ol.backordered > 0
				AND (ol.location_id IS NULL OR ol.location_id = there.location_id)
			JOIN orders o ON o.id = ol.order_id AND o.hold_reason IS NULL AND (o.allow_stale OR NOT there.stale)
			WHERE o.id <> ALL($2::text[]) AND NOT EXISTS (
				SELECT 1 FROM fulfillment_orders f JOIN fulfillment_order_lines fl ON fl.fulfillment_order_id = f.id
				JOIN order_lines refused ON refused.id = fl.order_line_id
				WHERE f.order_id = o.id AND f.location_id = there.location_id AND refused.product_id = there.product_id
					AND (f.status = 'REJECTED' OR fl.accepted + fl.withdrawn < fl.quantity)
			)
		) AS fillable ORDER BY placed_at, id LIMIT $1`, waitingMax, texts(but...))
	if err != nil {
		return nil, dbError("looking for orders that can be filled", err)
	}
	return ids, nil
}

// fillOrders fills those of some orders that nobody else works on.
func (m *mutation) fillOrders(ctx context.Context, ids []string) (int, error) {
	var locked []string
	err := m.tx.SelectContext(ctx, &locked, `/* backorders.lock_free_orders */ SELECT id FROM orders WHERE id = ANY($1::text[]) AND hold_reason IS NULL
		ORDER BY id FOR NO KEY UPDATE SKIP LOCKED`, texts(ids...))
	if err != nil {
		return 0, dbError("locking orders that can be filled", err)
	}
	waiting, err := m.loadLocked(ctx, locked)
	if err != nil {
		return 0, err
	}
	products := map[string]bool{}
	for _, o := range waiting {
		for _, l := range o.Lines {
			if l.Backordered > 0 {
				products[l.ProductID] = true
			}
		}
	}
	if len(products) == 0 {
		return 0, errNothingToFill
	}
	levels, err := m.lockAll(ctx, slices.Collect(maps.Keys(products)))
	if err != nil {
		return 0, err
	}
	filled := m.assign(waiting, levels)
	if len(filled) == 0 {
		return 0, errNothingToFill
	}
	return len(filled), m.carryOut(ctx, filled, levels)
}

// lockAll locks all levels of products.
func (t *transaction) lockAll(ctx context.Context, products []string) (map[levelKey]*lockedLevel, error) {
	return t.lockLevels(ctx, nil, `l.product_id = ANY($1::text[])`, texts(products...))
}
