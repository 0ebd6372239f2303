package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// pageOf reads the page arguments of the field under way. Whether they are fit
// is for the repositories to say.
func pageOf(ctx context.Context, first *int, after *string, last *int, before *string) redline.PageRequest {
	op, field := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field
	if last != nil && !given(field, "first", op.Variables) {
		// The contract's default for first is for those who say nothing.
		first = nil
	}
	return redline.PageRequest{
		First: first, After: after, Last: last, Before: before,
		Count: selects(op, field.Selections, field.Definition.Type.Name(), "totalCount"),
	}
}

// given reports whether an argument is in the document, with a value.
func given(field graphql.CollectedField, name string, variables map[string]any) bool {
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
