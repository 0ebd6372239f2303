package store

import (
	"context"
	"slices"
	"strings"

	"github.com/lib/pq"

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
	err := t.tx.SelectContext(ctx, &ids, `WITH waiting AS MATERIALIZED (
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

// loadLocked loads orders whole and unmasked, oldest first. Their rows are
// locked, by a statement before this one: that which waited for a lock began
// before it.
func (t *transaction) loadLocked(ctx context.Context, ids []string) ([]*redline.Order, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	r := readsOrders(redline.Principal{Role: redline.RoleAdmin}, redline.OrderParts{Lines: true, Parts: true, BriefProducts: true})
	q := &query{}
	q.and("o.id = ANY(%s)", pq.Array(ids))
	found, err := r.orders(ctx, t.tx, "reading locked orders", r.selectFrom(q)+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	orders := make([]*redline.Order, len(found))
	for i, o := range found {
		orders[i] = o.Order
	}
	slices.SortFunc(orders, func(a, b *redline.Order) int {
		if c := a.PlacedAt.Compare(b.PlacedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return orders, nil
}

// fill gives what is available in locked levels to the orders that lockWaiting
// locked, oldest first, as System: by rule, whoever made the stock available. It
// is called once for waiting orders, after all that the mutation does to these
// levels, and the newest event of the mutation is then one of these.
func (m *mutation) fill(ctx context.Context, waiting []*redline.Order, levels map[levelKey]*lockedLevel) error {
	_, err := m.fillUp(ctx, waiting, levels)
	return err
}

// fillUp is fill, and says how many orders it gave something.
func (m *mutation) fillUp(ctx context.Context, waiting []*redline.Order, levels map[levelKey]*lockedLevel) (int, error) {
	if len(waiting) == 0 {
		return 0, nil
	}
	there := shelvesOf(levels)
	var filled []*redline.Transition
	for _, o := range waiting {
		t := redline.NewTransition(o, redline.System(), m.now)
		if t.Assign(there); t.Changed() {
			filled = append(filled, t)
		}
	}
	if len(filled) == 0 {
		return 0, nil
	}
	by := m.byRule("backorderFill")
	for _, t := range filled {
		if err := by.applyEffects(t.Order.Number, t.TakeStock(), levels); err != nil {
			return 0, err
		}
	}
	return len(filled), by.writeOrders(ctx, filled)
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
