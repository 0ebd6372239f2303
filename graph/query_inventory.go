package graph

import (
	"context"
	"strconv"

	"redline"
	"redline/graph/model"
)

// availabilityLinesMax is the most lines that are promised for at once.
const availabilityLinesMax = 100

// InventoryLevels lists levels.
func (q query) InventoryLevels(
	ctx context.Context, filter *redline.InventoryFilter, first *int, after *string,
) (*model.InventoryLevelConnection, error) {
	f, err := levelsFilter(filter)
	if err != nil {
		return nil, err
	}
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.InventoryLevel], error) {
			return q.store.Levels(ctx, p, f, page)
		})
}

// InventoryMovements lists the ledger.
func (q query) InventoryMovements(
	ctx context.Context, filter *redline.MovementFilter, first *int, after *string,
) (*model.InventoryMovementConnection, error) {
	f, err := movementFilter(filter)
	if err != nil {
		return nil, err
	}
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.InventoryMovement], error) {
			return q.store.Movements(ctx, p, f, page)
		})
}

// Availability says what could be promised now.
func (q query) Availability(ctx context.Context, lines []*redline.AvailabilityLine, includeStale bool) ([]*redline.Availability, error) {
	if len(lines) > availabilityLinesMax {
		return nil, redline.Invalid([]string{"lines"}, "at most %d lines, not %d", availabilityLinesMax, len(lines))
	}
	wanted := make([]redline.AvailabilityLine, len(lines))
	for i, l := range lines {
		if l.Quantity < 1 || l.Quantity > redline.MaxQuantity {
			return nil, redline.Invalid([]string{"lines", strconv.Itoa(i), "quantity"}, "a quantity is from 1 to %d, not %d", redline.MaxQuantity, l.Quantity)
		}
		wanted[i] = *l
	}
	return list(ctx, q.resolver, func(p redline.Principal) ([]*redline.Availability, error) {
		return q.store.Promises(ctx, p, wanted, includeStale)
	})
}
