package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// SupplierItemUpsert says how a supplier names, packs and prices a product.
func (m mutation) SupplierItemUpsert(
	ctx context.Context, input redline.SupplierItemUpsertInput,
) (*model.SupplierItemPayload, error) {
	return change(ctx, m, aSupplierItem, Store.SupplierItemUpsert, input)
}

// SupplierTermsSet changes what was agreed with a supplier.
func (m mutation) SupplierTermsSet(ctx context.Context, input redline.SupplierTermsSetInput) (*model.SupplierPayload, error) {
	return change(ctx, m, aSupplier, Store.SupplierTermsSet, input)
}
