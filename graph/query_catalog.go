package graph

import (
	"context"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"redline"
	"redline/graph/model"
)

// Product finds one product.
func (q query) Product(ctx context.Context, by redline.ProductBy) (*redline.Product, error) {
	return single(ctx, q.resolver, func(p redline.Principal) (*redline.Product, error) {
		return q.store.ProductBy(ctx, p, by, productParts(ctx))
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
			return q.store.Products(ctx, p, f, value(orderBy), page, productParts(ctx))
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

// product has the resolvers of the type Product.
type product struct{}

// Attributes are the product's named facts. The domain keeps them in a type of
// their own, which gqlgen can't bind.
func (product) Attributes(_ context.Context, p *redline.Product) ([]*redline.Attribute, error) {
	out := make([]*redline.Attribute, len(p.Attributes))
	for i := range p.Attributes {
		out[i] = &p.Attributes[i]
	}
	return out, nil
}

// supplier has the resolvers of the type Supplier.
type supplier struct{}

// LastSeenAt is when the supplier last told us anything. One supplier isn't
// told it of another.
func (supplier) LastSeenAt(ctx context.Context, s *redline.Supplier) (*time.Time, error) {
	if !redline.PrincipalFrom(ctx).SpeaksFor(s.Code) {
		return nil, nil
	}
	return s.LastSeenAt, nil
}

// Items is a page of what the supplier offers, which was read with those of all
// other suppliers of the answer. Arguments that are refused are told of once.
func (supplier) Items(ctx context.Context, s *redline.Supplier, first *int, after *string) (*model.SupplierItemConnection, error) {
	a := answerFrom(ctx)
	page, refused := a.keptItems(itemsKeyOf(pageOf(ctx, first, after, nil, nil)), s.ID)
	switch {
	case page != nil:
		return &model.SupplierItemConnection{Page: page}, nil
	case refused == nil:
		return nil, fmt.Errorf("the items of the supplier %s were not read", s.ID)
	case a.toldBefore(place(graphql.GetFieldContext(ctx))):
		return nil, nil
	}
	return nil, refused
}
