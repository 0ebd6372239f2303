package graph

import (
	"context"
	"strings"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// scope implements the directive @scope for root fields, which gqlgen asks it for;
// beneath them the writers do, with what the contract says. Changes that
// somebody known was refused are audited.
func (r *resolver) scope(ctx context.Context, _ any, next graphql.Resolver, anyOf []string) (any, error) {
	p := redline.PrincipalFrom(ctx)
	if p.Has(anyOf...) {
		return next(ctx)
	}
	fc := graphql.GetFieldContext(ctx)
	refused := refuse(p, anyOf)
	if fc.Object == "Mutation" && p.Authenticated() {
		r.store.RefusedAtDoor(ctx, p, fc.Field.Name, refused.Code)
	}
	return nil, refused
}

// refuse says which scopes are missing.
func refuse(p redline.Principal, anyOf []string) *redline.Error {
	scopes := strings.Join(anyOf, " or ")
	if !p.Authenticated() {
		return redline.Errorf(redline.CodeUnauthenticated, nil, "this needs a token with the scope %s", scopes)
	}
	return redline.Errorf(redline.CodeForbidden, nil, "this needs the scope %s, which the token doesn't have", scopes)
}
