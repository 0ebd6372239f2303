package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// InventoryAdjust adds to levels and takes from them.
func (m mutation) InventoryAdjust(ctx context.Context, input redline.InventoryAdjustInput) (*model.InventoryPayload, error) {
	return m.stock(ctx, func(p redline.Principal) (*redline.InventoryResult, error) {
		return m.store.InventoryAdjust(ctx, p, input)
	})
}

// InventorySet states absolute counts.
func (m mutation) InventorySet(ctx context.Context, input redline.InventorySetInput) (*model.InventoryPayload, error) {
	return m.stock(ctx, func(p redline.Principal) (*redline.InventoryResult, error) {
		return m.store.InventorySet(ctx, p, input)
	})
}

// InventoryTransfer moves stock from one location to another.
func (m mutation) InventoryTransfer(ctx context.Context, input redline.InventoryTransferInput) (*model.InventoryPayload, error) {
	return m.stock(ctx, func(p redline.Principal) (*redline.InventoryResult, error) {
		return m.store.InventoryTransfer(ctx, p, input)
	})
}
