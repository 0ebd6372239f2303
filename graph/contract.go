package graph

import (
	"math/bits"
	"slices"
	"strings"

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
	// hasEnum are the input types that are or hold an enum.
	hasEnum map[string]bool
	// anyOf are the lists of scopes in @scope, of which a caller needs one
	// each; scopes has a bit for each list.
	anyOf [][]string
}

// scopes is a set of lists of scopes: those that something needs, or those of
// which a principal has one.
type scopes uint64

// typeInfo is what the schema says of one object type.
type typeInfo struct {
	name string
	// kind is its number among the kinds; -1 of a root.
	kind int
	// interfaces are those of which the type is one.
	interfaces []string
	// connection is true of a page, of whatever list.
	connection bool
	// scopes are what a caller needs any one of to see such an object at all;
	// nil for everybody.
	scopes []string
	// needs are what a caller needs for a field: what the field's own @scope
	// says, and that of the type that it leads to.
	needs map[string]scopes
	// index numbers the fields as the writers do; 0 is __typename.
	index     map[string]int
	relations map[string]relation
}

func newContract(schema *ast.Schema) *contract {
	c := &contract{schema: schema, types: map[string]*typeInfo{}, enums: map[string][]*ast.FieldDefinition{}, hasEnum: map[string]bool{}}
	for name, def := range schema.Types {
		if def.IsInputType() && c.holdsEnum(name, map[string]bool{}) {
			c.hasEnum[name] = true
		}
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
			name: name, kind: slices.Index(kindNames[:], name), interfaces: def.Interfaces, connection: isPage(name),
			scopes: scopesIn(def.Directives), needs: map[string]scopes{}, index: map[string]int{}, relations: relations[name],
		}
		if t.kind >= 0 {
			for i, field := range kindFields[t.kind] {
				t.index[field] = i
			}
		}
		for _, f := range def.Fields {
			t.needs[f.Name] = c.bit(scopesIn(f.Directives))
			if leadsTo := schema.Types[f.Type.Name()]; leadsTo.Kind == ast.Object {
				t.needs[f.Name] |= c.bit(scopesIn(leadsTo.Directives))
			}
		}
		c.types[name] = t
	}
	return c
}

// isPage reports whether a type is a page, whose fields lead to the items of a list.
func isPage(name string) bool {
	return strings.HasSuffix(name, "Connection") || strings.HasSuffix(name, "Page")
}

// bit is the set of one list of scopes; none of nil.
func (c *contract) bit(anyOf []string) scopes {
	if anyOf == nil {
		return 0
	}
	i := slices.IndexFunc(c.anyOf, func(known []string) bool { return slices.Equal(known, anyOf) })
	if i < 0 {
		i = len(c.anyOf)
		c.anyOf = append(c.anyOf, anyOf)
	}
	return 1 << i
}

// open is the set of lists of which a principal has a scope.
func (c *contract) open(p redline.Principal) (open scopes) {
	for i, anyOf := range c.anyOf {
		if p.Has(anyOf...) {
			open |= 1 << i
		}
	}
	return open
}

// lacking is one of the lists in a set that isn't empty.
func (c *contract) lacking(set scopes) []string { return c.anyOf[bits.TrailingZeros64(uint64(set))] }

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

// satisfies reports whether fragments on a type apply to objects of this one.
func (t *typeInfo) satisfies(condition string) bool {
	return condition == "" || condition == t.name || slices.Contains(t.interfaces, condition)
}

// weighs reports whether a field may weigh more than it costs.
func (t *typeInfo) weighs(index int) bool {
	return t.kind >= 0 && kindWeighs[t.kind] != nil && kindWeighs[t.kind][index]
}
