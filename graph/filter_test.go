package graph_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// TestFiltersAreBounded: every list in a filter of the contract.
func TestFiltersAreBounded(t *testing.T) {
	t.Parallel()
	const most = 1_000
	r := newRoom(newEventLog())
	schema := r.Schema().Schema()
	for _, root := range []*ast.Definition{schema.Query, schema.Subscription} {
		for _, f := range root.Fields {
			arg := f.Arguments.ForName("filter")
			if arg == nil {
				continue
			}
			for _, list := range schema.Types[arg.Type.Name()].Fields {
				if list.Type.Elem == nil {
					continue
				}
				member := "x"
				if enum := schema.Types[list.Type.Name()]; enum.Kind == ast.Enum {
					member = enum.EnumValues[0].Name
				}
				variables, err := json.Marshal(map[string]any{"f": map[string]any{list.Name: slices.Repeat([]string{member}, most+1)}})
				if err != nil {
					t.Fatal(err)
				}
				query := fmt.Sprintf("%s($f:%s){%s(filter:$f){__typename}}", strings.ToLower(root.Name), arg.Type, f.Name)
				got := *r.start(t.Context(), principal(redline.RoleAdmin), query, string(variables))()
				if !slices.Equal(got.codes(), []string{"INVALID"}) || strings.Join(got.Errors[0].Extensions.Field, ".") != "filter."+list.Name {
					t.Errorf("%s of %d %s: %+v", f.Name, most+1, list.Name, got.Errors)
				}
			}
		}
	}
}
