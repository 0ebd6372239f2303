package store

import (
	"context"
	"slices"
	"time"

	"redline"
)

// rowsMax is how many rows one call may change.
const rowsMax = 10_000

// adjustable are the states and reasons that a caller may set by hand.
var (
	adjustable       = []redline.InventoryState{redline.StateOnHand, redline.StateSafetyStock, redline.StateUnavailable, redline.StateIncoming}
	adjustableReason = []redline.MovementReason{
		redline.ReasonReceived, redline.ReasonSold, redline.ReasonReturned, redline.ReasonCorrected, redline.ReasonDamaged,
	}
)

// InventoryAdjust adds to and takes from levels. Rows that name the same level
// are summed, and make one change of it. Adjustments that arrive together share
// a transaction, each with its own outcome.
func (s *Store) InventoryAdjust(
	ctx context.Context, p redline.Principal, in redline.InventoryAdjustInput,
) (*redline.InventoryResult, error) {
	c := newCall(ctx, p, request{action: "inventoryAdjust", key: &in.IdempotencyKey, input: in})
	if err := s.adjustments.do(ctx, c, len(in.Changes)); err != nil {
		return nil, err
	}
	return s.stockResult(ctx, c)
}

// adjust makes the adjustments of calls in one transaction.
func (s *Store) adjust(calls []*call, answered func(i int)) {
	listen(calls, answered)
	s.settle(context.Background(), calls, 0, stockWork(func(m *mutation) *rowSet {
		return adjustRows(m.by, m.input.(redline.InventoryAdjustInput))
	}))
}

// adjustRows are the rows of an adjustment.
func adjustRows(p redline.Principal, in redline.InventoryAdjustInput) *rowSet {
	rows := &rowSet{list: "changes", keys: make([]redline.StockKey, len(in.Changes)), onError: in.OnRowError}
	for i, c := range in.Changes {
		rows.keys[i] = c.Stock
	}
	rows.check = func() error {
		if !slices.Contains(adjustableReason, in.Reason) {
			return redline.Invalid([]string{"reason"}, "%.40q is not a reason to adjust by hand", in.Reason)
		}
		if err := checkText("reference", in.Reference); err != nil {
			return err
		}
		for i, c := range in.Changes {
			if !slices.Contains(adjustable, c.State) {
				rows.refuse(i, redline.Invalid([]string{"state"}, "%.40q is not set by hand", c.State))
			}
			if c.Delta == 0 || abs(c.Delta) > redline.MaxQuantity {
				rows.refuse(i, redline.Invalid([]string{"delta"}, "a delta is not 0 and at most %d either way", redline.MaxQuantity))
			}
		}
		return nil
	}
	rows.apply = func(_ context.Context, m *mutation) error {
		for i, c := range in.Changes {
			l := rows.level(i)
			if l == nil {
				continue
			}
			if c.ExpectedVersion != nil && *c.ExpectedVersion != l.Version {
				rows.refuse(i, versionMismatch([]string{"expectedVersion"}, *c.ExpectedVersion, l.Version))
			}
			if n := abs(c.Delta) * rows.refs[i].pack; n > redline.MaxQuantity {
				rows.refuse(i, redline.Invalid([]string{"delta"}, "%d base units are more than %d", n, redline.MaxQuantity))
			}
		}
		// The rows of one level are one change: where their sum is refused, all
		// of them are.
		for _, group := range rows.byLevel() {
			l := rows.level(group[0])
			delta := redline.Delta{}
			for _, i := range group {
				delta[in.Changes[i].State] += in.Changes[i].Delta * rows.refs[i].pack
			}
			err := m.change(l, stockChange{
				delta: delta, fact: l.fact(p), reason: in.Reason, reference: in.Reference, confirms: confirmedBy(p, l, m.now),
			})
			if err != nil {
				rows.refuseChange(group, l, delta, l.fact(p), err)
			}
		}
		return nil
	}
	return rows
}

// InventorySet states absolute counts of what is on hand. Each level may be
// named once.
func (s *Store) InventorySet(
	ctx context.Context, p redline.Principal, in redline.InventorySetInput,
) (*redline.InventoryResult, error) {
	r := request{action: "inventorySet", key: &in.IdempotencyKey, input: in}
	return s.changeStock(ctx, p, r, func(*mutation) *rowSet { return countRows(in) })
}

// countRows are the rows of a count.
func countRows(in redline.InventorySetInput) *rowSet {
	rows := &rowSet{list: "counts", keys: make([]redline.StockKey, len(in.Counts)), onError: in.OnRowError}
	in.Counts = slices.Clone(in.Counts)
	for i, c := range in.Counts {
		rows.keys[i] = c.Stock
		in.Counts[i].Basis.CountedAt = stored(c.Basis.CountedAt)
	}
	rows.check = func() error {
		if err := checkText("reference", in.Reference); err != nil {
			return err
		}
		for i, c := range in.Counts {
			if c.OnHand < 0 || c.OnHand > redline.MaxQuantity {
				rows.refuse(i, redline.Invalid([]string{"onHand"}, "a count is from 0 to %d", redline.MaxQuantity))
			}
			if err := checkBasis(c.Basis); err != nil {
				rows.refuse(i, err)
			}
		}
		return nil
	}
	rows.apply = func(ctx context.Context, m *mutation) error {
		// Nobody can say which of two counts of one level is true: none is taken.
		for _, group := range rows.byLevel() {
			if len(group) == 1 {
				continue
			}
			for _, i := range group {
				rows.refuse(i, redline.Invalid([]string{"stock"}, "the level is named by %d rows, first by row %d", len(group), group[0]))
			}
		}
		moved, err := m.sinceCounts(ctx, rows, in.Counts)
		if err != nil {
			return err
		}
		for i, c := range in.Counts {
			if l := rows.level(i); l != nil {
				if err := rows.count(m, i, c, moved[i], in.Reference); err != nil {
					rows.refuse(i, err)
				}
			}
		}
		return nil
	}
	return rows
}

// count states what is on hand of one row, or says why it can't.
func (r *rowSet) count(m *mutation, i int, c redline.InventoryCount, moved since, reference *string) *redline.Error {
	l := r.level(i)
	count, asOf := c.OnHand*r.refs[i].pack, m.now
	switch b := c.Basis; {
	case b.ExpectedVersion != nil && *b.ExpectedVersion != l.Version:
		return versionMismatch([]string{"basis", "expectedVersion"}, *b.ExpectedVersion, l.Version)
	case b.CountedAt != nil && b.CountedAt.After(m.now):
		return redline.Invalid([]string{"basis", "countedAt"}, "a count can't be made at %s, which lies ahead", stamp(*b.CountedAt))
	case b.CountedAt != nil && moved.restated:
		return redline.Invalid([]string{"basis", "countedAt"}, "a count made after %s stands already", stamp(*b.CountedAt))
	case b.CountedAt != nil:
		count, asOf = max(count+moved.stock, 0), *b.CountedAt
	}
	if count > redline.MaxQuantity {
		return redline.Invalid([]string{"onHand"}, "%d base units are more than %d", count, redline.MaxQuantity)
	}
	delta := redline.Delta{redline.StateOnHand: count - l.OnHand}
	err := m.change(l, stockChange{
		delta: delta, fact: l.fact(m.by), reason: redline.ReasonCounted, reference: reference, occurredAt: asOf,
		confirms: confirmedBy(m.by, l, asOf),
	})
	if err != nil {
		r.refuseChange([]int{i}, l, delta, l.fact(m.by), err)
	}
	return nil
}

func checkBasis(b redline.CountBasis) *redline.Error {
	n := 0
	for _, set := range []bool{b.ExpectedVersion != nil, b.CountedAt != nil, b.Override != nil} {
		if set {
			n++
		}
	}
	if n != 1 {
		return redline.Invalid([]string{"basis"}, "a count stands on one of expectedVersion, countedAt and override")
	}
	if b.Override != nil && !*b.Override {
		return redline.Invalid([]string{"basis", "override"}, "override can only be true")
	}
	return nil
}

// sinceCounts reads, for each row counted at a moment, what its level's ledger
// says of the time since.
func (m *mutation) sinceCounts(ctx context.Context, rows *rowSet, counts []redline.InventoryCount) (map[int]since, error) {
	var index []int
	products, locations, at := texts(), texts(), times()
	for i, c := range counts {
		if l := rows.level(i); l != nil && c.Basis.CountedAt != nil {
			index = append(index, i)
			products.text(l.ProductID)
			locations.text(l.LocationID)
			at.time(*c.Basis.CountedAt)
		}
	}
	found, err := m.sinceEach(ctx, products, locations, at)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	out := make(map[int]since, len(found))
	for n, f := range found {
		out[index[n]] = f
	}
	return out, nil
}

// InventoryTransfer moves what is available from one location to another. It
// answers two rows: the location that gave and the one that got.
func (s *Store) InventoryTransfer(
	ctx context.Context, p redline.Principal, in redline.InventoryTransferInput,
) (*redline.InventoryResult, error) {
	r := request{action: "inventoryTransfer", key: &in.IdempotencyKey, input: in}
	return s.changeStock(ctx, p, r, func(*mutation) *rowSet { return transferRows(in) })
}

// transferRows are the two rows of a transfer.
func transferRows(in redline.InventoryTransferInput) *rowSet {
	rows := &rowSet{onError: redline.RollBack}
	rows.keys = []redline.StockKey{
		{ProductID: &in.ProductID, LocationID: &in.FromLocationID}, {ProductID: &in.ProductID, LocationID: &in.ToLocationID},
	}
	rows.paths = map[int]map[string]string{
		0: {"locationId": "fromLocationId", "productId": "productId"}, 1: {"locationId": "toLocationId", "productId": "productId"},
	}
	rows.check = func() error {
		if err := checkText("reference", in.Reference); err != nil {
			return err
		}
		if in.Quantity < 1 || in.Quantity > redline.MaxQuantity {
			return redline.Invalid([]string{"quantity"}, "a quantity is from 1 to %d", redline.MaxQuantity)
		}
		if in.FromLocationID == in.ToLocationID {
			return redline.Invalid([]string{"toLocationId"}, "stock can't be moved to where it is")
		}
		return nil
	}
	rows.apply = func(_ context.Context, m *mutation) error {
		if rows.level(0) == nil || rows.level(1) == nil {
			return nil
		}
		for i, n := range []int{-in.Quantity, in.Quantity} {
			l, delta := rows.level(i), redline.Delta{redline.StateOnHand: n}
			// Never a fact: what isn't available can't be moved.
			err := m.change(l, stockChange{delta: delta, reason: redline.ReasonTransferred, reference: in.Reference})
			if err != nil {
				rows.refuseChange([]int{i}, l, delta, false, err)
				return nil
			}
		}
		return nil
	}
	return rows
}

// confirmedBy is when a level is known to be true, where its source speaks of
// it: a supplier of its own stock, anybody of ours. What was heard since an
// older count isn't taken back.
func confirmedBy(p redline.Principal, l *lockedLevel, at time.Time) *time.Time {
	if l.at.Kind == redline.LocationSupplier && p.Role != redline.RoleSupplier {
		return nil
	}
	if at.Before(l.AsOf) {
		at = l.AsOf
	}
	return &at
}
