package test_test

import (
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// contract is the published schema.
var contract = sync.OnceValues(func() (*ast.Schema, error) {
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		return nil, err
	}
	return gqlparser.LoadSchema(&ast.Source{Name: "schema.graphqls", Input: string(text)})
})

func schema(t testing.TB) *ast.Schema {
	t.Helper()
	s, err := contract()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rootFields are the fields of Query, Mutation or Subscription.
func rootFields(d *ast.Definition) ast.FieldList {
	var out ast.FieldList
	for _, f := range d.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			out = append(out, f)
		}
	}
	return out
}

// scopesOf are those of a @scope directive; nil where there is none.
func scopesOf(directives ast.DirectiveList) []string {
	d := directives.ForName("scope")
	if d == nil {
		return nil
	}
	var out []string
	for _, child := range d.Arguments.ForName("anyOf").Value.Children {
		out = append(out, child.Value.Raw)
	}
	return out
}

// call writes the shortest operation that asks for a root field: with what it
// requires and no more.
func call(s *ast.Schema, operation string, f *ast.FieldDefinition) string {
	return fmt.Sprintf("%s { %s }", operation, field(s, f))
}

func field(s *ast.Schema, f *ast.FieldDefinition) string {
	var arguments []string
	for _, a := range f.Arguments {
		if a.Type.NonNull && a.DefaultValue == nil {
			arguments = append(arguments, a.Name+": "+sample(s, a.Type))
		}
	}
	out := f.Name
	if len(arguments) > 0 {
		out += "(" + strings.Join(arguments, ", ") + ")"
	}
	if s.Types[f.Type.Name()].IsCompositeType() {
		out += " { __typename }"
	}
	return out
}

// sample writes a value of an input type, of something that doesn't exist.
func sample(s *ast.Schema, t *ast.Type) string {
	if t.Elem != nil {
		return "[" + sample(s, t.Elem) + "]"
	}
	switch def := s.Types[t.NamedType]; {
	case def.Kind == ast.Enum:
		return def.EnumValues[0].Name
	case def.Kind == ast.InputObject:
		var members []string
		for i, f := range def.Fields {
			first := def.Directives.ForName("oneOf") != nil && i == 0
			if first || f.Type.NonNull && f.DefaultValue == nil {
				members = append(members, f.Name+": "+sample(s, f.Type))
			}
		}
		return "{" + strings.Join(members, ", ") + "}"
	case def.Name == "Int":
		return "1"
	case def.Name == "Boolean":
		return "true"
	case def.Name == "DateTime":
		return `"2024-01-01T00:00:00Z"`
	}
	return `"none"`
}
