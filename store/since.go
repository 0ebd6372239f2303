package store

import (
	"context"

	"redline"
)

// since is what a level's ledger says of the time since a moment: of what
// happened after it, whenever that was recorded. A shipment that left before a
// count and was told of after it is in the count already.
type since struct {
	// stock is by how much stock on hand has moved, and claims by how much what is
	// taken of it or kept back has.
	stock, claims int
	// restated: a newer statement of what is on hand stands, and counted: the newest
	// one is of what was there, and not of what was available.
	restated, counted bool
}

const (
	// movedSince sums up ledger lines v. Statements of what is on hand moved
	// nothing but the books.
	movedSince = `coalesce(sum(v.on_hand_delta) FILTER (WHERE NOT ` + restatement + `), 0),
		coalesce(sum(v.reserved_delta + v.committed_delta + v.safety_stock_delta + v.unavailable_delta), 0),
		coalesce(bool_or(` + restatement + `), false)`
	// restatement says whether a ledger line v states what is on hand.
	restatement = `(v.reason IN ('` + string(redline.ReasonCounted) + `', '` + string(redline.ReasonSupplierFeed) + `'))`
)

func (s *since) into() []any { return []any{whole{&s.stock}, whole{&s.claims}, &s.restated} }

// sinceEach reads what happened to levels since a moment of each. It is read under
// the levels' locks, so that nothing is missed.
func (t *transaction) sinceEach(ctx context.Context, products, locations, at *column) ([]since, error) {
	if products.n == 0 {
		return nil, nil
	}
	out := make([]since, products.n)
	var n int
	var one since
	var confirmed, confirmedOnHand bool
	// Nothing happens later than it is recorded.
	err := scanRows(ctx, t.tx, "reading what moved since a statement of stock", `/* inventory.moved_since */ SELECT k.n, `+movedSince+`,
			coalesce(bool_or(`+restatement+` AND v.occurred_at > coalesce(l.available_at, k.at)), false),
			coalesce(bool_or(l.confirmed_at > k.at), false),
			coalesce(bool_or(l.confirmed_at > greatest(l.available_at, k.at)), false)
		FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS k (product_id, location_id, at, n)
		JOIN inventory_levels l ON (l.product_id, l.location_id) = (k.product_id, k.location_id)
		LEFT JOIN inventory_movements v ON (v.product_id, v.location_id) = (k.product_id, k.location_id)
			AND v.recorded_at > k.at AND v.occurred_at > k.at
		GROUP BY k.n`, []any{products, locations, at}, append([]any{&n}, append(one.into(), &one.counted, &confirmed, &confirmedOnHand)...), func() error {
		one.restated, one.counted = one.restated || confirmed, one.counted || confirmedOnHand
		out[n-1] = one
		return nil
	})
	return out, err
}
