package graph

import (
	"slices"
	"sync"

	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// contract is what the schema says of its types, in the form in which
// execution asks for it.
type contract struct {
	schema *ast.Schema
	types  map[string]*typeInfo
	// enums are, for each input type, the members that are or hold an enum.
	enums map[string][]*ast.FieldDefinition
	// members are the places of fields in Go types, as they were found.
	members sync.Map
}

// typeInfo is what the schema says of one object type.
type typeInfo struct {
	name string
	// satisfies are the type's own name and its interfaces': the fragments
	// that apply to it.
	satisfies []string
	// scopes are what a caller needs any one of to see such an object at all;
	// nil for everybody.
	scopes []string
	// fieldScopes are what a caller needs for a field, any one of each list:
	// the field's own, and those of the type that it leads to.
	fieldScopes map[string][][]string
	relations   map[string]relation
}

func newContract(schema *ast.Schema) *contract {
	c := &contract{schema: schema, types: map[string]*typeInfo{}, enums: map[string][]*ast.FieldDefinition{}}
	for name, def := range schema.Types {
		if def.Kind == ast.InputObject {
			for _, f := range def.Fields {
				if c.holdsEnum(f.Type.Name(), map[string]bool{}) {
					c.enums[name] = append(c.enums[name], f)
				}
			}
		}
		if def.Kind != ast.Object {
			continue
		}
		t := &typeInfo{
			name: name, satisfies: append([]string{name}, def.Interfaces...),
			scopes: scopesIn(def.Directives), fieldScopes: map[string][][]string{}, relations: relations[name],
		}
		for _, f := range def.Fields {
			if own := scopesIn(f.Directives); own != nil {
				t.fieldScopes[f.Name] = append(t.fieldScopes[f.Name], own)
			}
			if leadsTo := schema.Types[f.Type.Name()]; leadsTo.Kind == ast.Object {
				if theirs := scopesIn(leadsTo.Directives); theirs != nil {
					t.fieldScopes[f.Name] = append(t.fieldScopes[f.Name], theirs)
				}
			}
		}
		c.types[name] = t
	}
	return c
}

// holdsEnum reports whether an input type is an enum or has one in it. seen are
// the types on the way there: they may hold each other.
func (c *contract) holdsEnum(name string, seen map[string]bool) bool {
	def := c.schema.Types[name]
	if def.Kind == ast.Enum {
		return true
	}
	if seen[name] || def.Kind != ast.InputObject {
		return false
	}
	seen[name] = true
	return slices.ContainsFunc(def.Fields, func(f *ast.FieldDefinition) bool { return c.holdsEnum(f.Type.Name(), seen) })
}

// scopesIn returns the scopes that a @scope among the directives names.
func scopesIn(list ast.DirectiveList) []string {
	d := list.ForName("scope")
	if d == nil {
		return nil
	}
	var scopes []string
	for _, v := range d.Arguments.ForName("anyOf").Value.Children {
		scopes = append(scopes, v.Value.Raw)
	}
	return scopes
}

// allows reports whether a principal may ask an object of the type for a field.
func (t *typeInfo) allows(p redline.Principal, field string) bool {
	for _, anyOf := range t.fieldScopes[field] {
		if !p.Has(anyOf...) {
			return false
		}
	}
	return true
}
