package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// Clients lists OAuth clients.
func (q query) Clients(ctx context.Context, supplierID *string, first *int, after *string) (*model.ClientConnection, error) {
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.Client], error) {
			return q.store.Clients(ctx, p, redline.ClientFilter{SupplierID: supplierID}, page)
		})
}
