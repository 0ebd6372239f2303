package graph

import (
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
)

// TestPlace: one field of each object of a list has one place, and is told of
// once; another alias of it has another.
func TestPlace(t *testing.T) {
	t.Parallel()
	at := func(parent *graphql.FieldContext, alias string) *graphql.FieldContext {
		return &graphql.FieldContext{Parent: parent, Field: graphql.CollectedField{Field: &ast.Field{Alias: alias}}}
	}
	list := at(nil, "list")
	var told answer
	for i := range 3 {
		item := &graphql.FieldContext{Parent: list, Index: &i}
		for _, alias := range []string{"a", "b"} {
			if before := told.toldBefore(placeOf(at(item, alias))); before != (i > 0) {
				t.Errorf("%s of item %d was told before: %v", alias, i, before)
			}
		}
	}
	var none *answer
	for range 2 {
		if none.toldBefore("a") {
			t.Error("what keeps nothing remembers")
		}
	}
}
