package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// pageOf reads the page arguments of a field. Whether they are fit
// is for the repositories to say.
func pageOf(ctx context.Context, f *field, first *int, after *string, last *int, before *string) redline.PageRequest {
	if last != nil && !given(f.node, "first", graphql.GetOperationContext(ctx).Variables) {
		// The contract's default for first is for those who say nothing.
		first = nil
	}
	return redline.PageRequest{First: first, After: after, Last: last, Before: before, Count: f.of.asks("totalCount")}
}

// given reports whether an argument is in the document, with a value.
func given(field *ast.Field, name string, variables map[string]any) bool {
	arg := field.Arguments.ForName(name)
	if arg == nil {
		return false
	}
	if arg.Value.Kind == ast.Variable {
		_, set := variables[arg.Value.Raw]
		return set
	}
	return true
}
