package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// cursorMax is the longest page cursor that is looked at.
const cursorMax = 1_000

// pageOf reads the page arguments of the field under way.
func pageOf(ctx context.Context, first *int, after *string, last *int, before *string) (redline.PageRequest, error) {
	op, field := graphql.GetOperationContext(ctx), graphql.GetFieldContext(ctx).Field
	if last != nil && !given(field, "first", op.Variables) {
		// The contract's default for first is for those who say nothing.
		first = nil
	}
	page := redline.PageRequest{
		First: first, After: after, Last: last, Before: before,
		Count: selects(op, field.Selections, field.Definition.Type.Name(), "totalCount"),
	}
	return page, checkPage(page)
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

func checkPage(page redline.PageRequest) error {
	if page.First != nil && page.Last != nil {
		return redline.Invalid([]string{"last"}, "ask for first or for last, not for both")
	}
	for _, size := range []struct {
		name string
		n    *int
	}{{"first", page.First}, {"last", page.Last}} {
		if size.n != nil && (*size.n < 1 || *size.n > redline.PageMax) {
			return redline.Invalid([]string{size.name}, "%s is from 1 to %d, not %d", size.name, redline.PageMax, *size.n)
		}
	}
	for _, bound := range []struct {
		name   string
		cursor *string
	}{{"after", page.After}, {"before", page.Before}} {
		if bound.cursor != nil && len(*bound.cursor) > cursorMax {
			return redline.Invalid([]string{bound.name}, "this is not a cursor of the list: it is longer than %d bytes", cursorMax)
		}
	}
	return nil
}
