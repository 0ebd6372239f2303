package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// scope implements the directive @scope. gqlgen calls it for each field that
// carries it, and for each field whose type does.
//
// A field that is refused in each object of a list is one error, where it is
// nullable: it is null each time, and told of once. Changes that somebody known
// was refused are audited.
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
	if !fc.Field.Definition.Type.NonNull && answerFrom(ctx).toldBefore(placeOf(fc)) {
		return nil, nil
	}
	refused := refuse(p, anyOf)
	if fc.Object == "Mutation" && p.Authenticated() {
		r.store.RefusedAtDoor(ctx, p, fc.Field.Name, refused.Code)
	}
	return nil, refused
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

// refuse says which scopes are missing.
func refuse(p redline.Principal, anyOf []string) *redline.Error {
	scopes := strings.Join(anyOf, " or ")
	if !p.Authenticated() {
		return redline.Errorf(redline.CodeUnauthenticated, nil, "this needs a token with the scope %s", scopes)
	}
	return redline.Errorf(redline.CodeForbidden, nil, "this needs the scope %s, which the token doesn't have", scopes)
}
