package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// scope implements the directive @scope. gqlgen calls it for each field that
// carries it, and for each field whose type does.
//
// A list of fields that are refused for one reason is one error: a nullable
// field is null each time, and told of once.
func (r *resolver) scope(ctx context.Context, obj any, next graphql.Resolver, anyOf []string) (any, error) {
	p := redline.PrincipalFrom(ctx)
	if p.Has(anyOf...) {
		return next(ctx)
	}
	fc := graphql.GetFieldContext(ctx)
	if _, ok := obj.(*redline.Product); ok && fc.Field.Name == "supplierItems" {
		// The one list that the contract says is empty rather than refused.
		return []*redline.SupplierItem{}, nil
	}
	if !fc.Field.Definition.Type.NonNull && answerFrom(ctx).toldBefore(fc.Object+"."+fc.Field.Name) {
		return nil, nil
	}
	return nil, refuse(p, anyOf)
}

// refuse says which scopes are missing.
func refuse(p redline.Principal, anyOf []string) *redline.Error {
	scopes := strings.Join(anyOf, " or ")
	if !p.Authenticated() {
		return redline.Errorf(redline.CodeUnauthenticated, nil, "this needs a token with the scope %s", scopes)
	}
	return redline.Errorf(redline.CodeForbidden, nil, "this needs the scope %s, which the token doesn't have", scopes)
}
