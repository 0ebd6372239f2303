package graph

import (
	"context"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph/generated"
	"redline/graph/model"
)

// fieldByField is the room as gqlgen's own execution has it, from the root to the
// last field. It answers the same, and is what the tests hold the writers
// against: what the writers do beneath root fields, it does in gqlgen's form.
type fieldByField struct{ *resolver }

// fieldByField returns its executor.
func (g *Graph) fieldByField() *executor.Executor {
	r := fieldByField{g.resolver}
	return g.executor(executable(g.resolver.contract.schema, r, r.scope))
}

func (fieldByField) Product() generated.ProductResolver { return product{} }

func (fieldByField) Supplier() generated.SupplierResolver { return supplier{} }

func (fieldByField) Conflict() generated.ConflictResolver { return conflict{} }

// scope is asked for each field that carries the directive, and for each field
// whose type does. A field that is refused in each object of a list is one error,
// where it is nullable: it is null each time, and told of once.
func (r fieldByField) scope(ctx context.Context, obj any, next graphql.Resolver, anyOf []string) (any, error) {
	if redline.PrincipalFrom(ctx).Has(anyOf...) {
		return next(ctx)
	}
	fc := graphql.GetFieldContext(ctx)
	// The two lists that the contract says are empty rather than refused.
	switch obj.(type) {
	case *redline.Product:
		if fc.Field.Name == "supplierItems" {
			return []*redline.SupplierItem{}, nil
		}
	case *model.SupplierFeedPayload:
		if fc.Field.Name == "conflicts" {
			return []*redline.Conflict{}, nil
		}
	}
	if own := answerFrom(ctx); own != nil && !fc.Field.Definition.Type.NonNull && own.toldBefore(placeOf(fc)) {
		return nil, nil
	}
	return r.resolver.scope(ctx, obj, next, anyOf)
}

// placeOf names where a field stands in the answer, whichever object of a list
// it is of.
func placeOf(fc *graphql.FieldContext) string {
	var b strings.Builder
	for _, step := range fc.Path() {
		if name, ok := step.(ast.PathName); ok {
			b.WriteString("/" + string(name))
		}
	}
	return b.String()
}

// product, supplier and conflict have the resolvers of what isn't a plain member.
type (
	product  struct{}
	supplier struct{}
	conflict struct{}
)

// Attributes are the product's named facts.
func (product) Attributes(_ context.Context, p *redline.Product) ([]*redline.Attribute, error) {
	return attributes(p.Attributes), nil
}

// Facts are those that each side told.
func (conflict) Facts(_ context.Context, c *redline.Conflict) ([]*redline.Attribute, error) {
	return attributes(c.Facts), nil
}

func attributes(list redline.Attributes) []*redline.Attribute {
	out := make([]*redline.Attribute, len(list))
	for i := range list {
		out[i] = &list[i]
	}
	return out
}

// Availability is what of the product can be sold.
func (product) Availability(_ context.Context, p *redline.Product, includeStale bool) (*redline.ProductAvailability, error) {
	if !includeStale {
		return p.Fresh, nil
	}
	return p.Availability, nil
}

// LastSeenAt is when the supplier last told us anything.
func (supplier) LastSeenAt(_ context.Context, s *redline.Supplier) (*time.Time, error) {
	if s.Standing == nil {
		return nil, nil
	}
	return s.Standing.LastSeenAt, nil
}

// Status is how the supplier keeps to what was agreed.
func (supplier) Status(_ context.Context, s *redline.Supplier) (*redline.SupplierStatus, error) {
	if s.Standing == nil {
		return nil, nil
	}
	return &s.Standing.Status, nil
}

// Terms are what was agreed.
func (supplier) Terms(_ context.Context, s *redline.Supplier) (*redline.SupplierTerms, error) {
	if s.Standing == nil {
		return nil, nil
	}
	return &s.Standing.Terms, nil
}

// Items is a page of what the supplier offers.
func (supplier) Items(ctx context.Context, s *redline.Supplier, first *int, after *string) (*model.SupplierItemConnection, error) {
	return pageFieldByField(ctx, s, first, after, &answerFrom(ctx).items)
}

// Feeds is a page of what came of the supplier's feeds.
func (supplier) Feeds(ctx context.Context, s *redline.Supplier, first *int, after *string) (*model.SupplierFeedConnection, error) {
	return pageFieldByField(ctx, s, first, after, &answerFrom(ctx).feeds)
}

func pageFieldByField[T any](ctx context.Context, s *redline.Supplier, first *int, after *string, in *shelf[T]) (*model.Connection[T], error) {
	page, fc := redline.PageRequest{First: first, After: after}, graphql.GetFieldContext(ctx)
	for _, f := range graphql.CollectFieldsCtx(ctx, []string{fc.Field.Definition.Type.Name()}) {
		page.Count = page.Count || f.Name == "totalCount"
	}
	root := ctx.Value(planKey{}).(*plan).root(string(fc.Path()[0].(ast.PathName)))
	return shownPage(answerFrom(ctx), in, pageKeyOf(root, page), s.ID, func() string { return placeOf(fc) })
}
