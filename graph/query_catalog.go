package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// Product finds one product.
func (q query) Product(ctx context.Context, by redline.ProductBy) (*redline.Product, error) {
	return single(ctx, q.resolver, func(p redline.Principal) (*redline.Product, error) {
		return q.store.ProductBy(ctx, p, by, asked(ctx).productParts())
	})
}

// Products lists products.
func (q query) Products(
	ctx context.Context, filter *redline.ProductFilter, orderBy *redline.ProductOrder,
	first *int, after *string, last *int, before *string,
) (*model.ProductConnection, error) {
	f, err := productFilter(filter)
	if err != nil {
		return nil, err
	}
	return connection(ctx, q.resolver, first, after, last, before,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.Product], error) {
			return q.store.Products(ctx, p, f, value(orderBy), page, asked(ctx).productParts())
		})
}

// Suppliers lists suppliers.
func (q query) Suppliers(ctx context.Context, first *int, after *string) (*model.SupplierConnection, error) {
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(_ redline.Principal, page redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
			return q.store.Suppliers(ctx, page)
		})
}

// Locations lists all locations.
func (q query) Locations(ctx context.Context) ([]*redline.Location, error) {
	return list(ctx, q.resolver, func(redline.Principal) ([]*redline.Location, error) {
		return q.store.Locations(ctx)
	})
}
