package graph

import (
	"fmt"
	"reflect"

	"github.com/vektah/gqlparser/v2/ast"
)

// compiler makes the plan of an operation. Conditions are resolved with the
// variables of one request; the plan is for all requests that answer them alike.
type compiler struct {
	contract  *contract
	doc       *ast.QueryDocument
	variables map[string]any
	// made are the objects that were compiled: fragments that are used often are
	// compiled once, or a small document could have an enormous plan.
	made map[string]*object
	// size is about what all of it takes in memory, in bytes.
	size int
}

// What a plan takes in memory, in bytes: for each object that is asked for, for
// each of its fields, and for each field that may lead to several types.
var (
	bytesPerObject   = int(reflect.TypeFor[object]().Size())
	bytesPerField    = int(reflect.TypeFor[field]().Size() + reflect.TypeFor[relation]().Size())
	bytesPerAbstract = kinds * int(reflect.TypeFor[*object]().Size())
)

// compile makes the plan of a valid operation.
func (c *contract) compile(doc *ast.QueryDocument, op *ast.OperationDefinition, variables map[string]any) *plan {
	root := c.schema.Query
	switch op.Operation {
	case ast.Mutation:
		root = c.schema.Mutation
	case ast.Subscription:
		root = c.schema.Subscription
	}
	compiler := &compiler{contract: c, doc: doc, variables: variables, made: map[string]*object{}}
	o := compiler.object(c.types[root.Name], []*ast.Field{{SelectionSet: op.SelectionSet}})
	return &plan{kind: op.Operation, roots: o.fields, asksHead: op.Operation == ast.Query && o.asks("eventHead", "events"), size: compiler.size}
}

// merged is a field with all others of the same name in the answer.
type merged struct{ nodes []*ast.Field }

// object compiles what fields that were merged ask of an object of a type.
func (c *compiler) object(info *typeInfo, asked []*ast.Field) *object {
	key := []byte(info.name)
	for _, f := range asked {
		key = fmt.Appendf(key, " %p", f)
	}
	if o := c.made[string(key)]; o != nil {
		return o
	}
	var found []merged
	visited := map[string]bool{}
	for _, f := range asked {
		found = c.collect(found, info, f.SelectionSet, visited)
	}
	o := &object{info: info, fields: make([]field, len(found))}
	for i, m := range found {
		f := &o.fields[i]
		*f = c.field(info, m)
		o.cost += f.cost
		if f.relation != nil {
			o.followed = append(o.followed, i)
		}
		if info.weighs(f.index) && (f.relation == nil || f.relation.next == nil && f.relation.page == nil) {
			o.heavy = append(o.heavy, i)
		}
		o.asksProducts = o.asksProducts || f.asksProducts()
		o.asksDetails = o.asksDetails || f.asksDetails()
	}
	o.cost = max(o.cost, 1) // its braces, where all fields are skipped
	o.asksDetails = o.asksDetails || info.name == "Product" && o.asks("description", "attributes", "createdAt", "updatedAt")
	c.made[string(key)] = o
	c.size += bytesPerObject + len(found)*bytesPerField
	return o
}

// collect adds the fields of a selection to those found, in the order of the
// specification's CollectFields.
func (c *compiler) collect(found []merged, info *typeInfo, selections ast.SelectionSet, visited map[string]bool) []merged {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if c.included(s.Directives) {
				found = add(found, s)
			}
		case *ast.InlineFragment:
			if c.included(s.Directives) && info.satisfies(s.TypeCondition) {
				found = c.collect(found, info, s.SelectionSet, visited)
			}
		case *ast.FragmentSpread:
			if visited[s.Name] || !c.included(s.Directives) {
				continue
			}
			visited[s.Name] = true
			if fragment := c.doc.Fragments.ForName(s.Name); info.satisfies(fragment.TypeCondition) {
				found = c.collect(found, info, fragment.SelectionSet, visited)
			}
		}
	}
	return found
}

func add(found []merged, f *ast.Field) []merged {
	for i := range found {
		if found[i].nodes[0].Alias == f.Alias {
			found[i].nodes = append(found[i].nodes, f)
			return found
		}
	}
	return append(found, merged{[]*ast.Field{f}})
}

// included answers @skip and @include.
func (c *compiler) included(directives ast.DirectiveList) bool {
	return !c.holds(directives.ForName("skip"), false) && c.holds(directives.ForName("include"), true)
}

func (c *compiler) holds(d *ast.Directive, otherwise bool) bool {
	if d == nil {
		return otherwise
	}
	return c.answer(d.Arguments.ForName("if").Value, false)
}

// answer is what a truth value of the document is for the request; the other
// where it is a variable that the request leaves out.
func (c *compiler) answer(v *ast.Value, otherwise bool) bool {
	if v.Kind != ast.Variable {
		return v.Raw == "true"
	}
	if given, ok := c.variables[v.Raw].(bool); ok {
		return given
	}
	return otherwise
}

// emptied are the lists that the contract says are empty rather than refused.
var emptied = map[string]bool{"Product.supplierItems": true, "SupplierFeedPayload.conflicts": true}

// field compiles one field of objects of a type.
func (c *compiler) field(info *typeInfo, m merged) field {
	node := m.nodes[0]
	f := field{
		node: node, index: info.index[node.Name], key: []byte(`,"` + node.Alias + `":`),
		nonNull: node.Definition.Type.NonNull, cost: 1 + len(node.Alias)/textUnit,
		needs: info.needs[node.Name], emptied: emptied[info.name+"."+node.Name],
	}
	c.size += cap(f.key)
	if known, ok := info.relations[node.Name]; ok {
		f.relation = &known
	}
	if includeStale := node.Arguments.ForName("includeStale"); includeStale != nil && info.name == "Product" && !c.answer(includeStale.Value, true) {
		f.fresh, f.relation = true, &freshAvailability
	}
	name := node.Definition.Type.Name()
	def := c.contract.schema.Types[name]
	switch {
	case name == "" || def.BuiltIn:
	case def.Kind == ast.Object:
		f.of = c.object(c.contract.types[name], m.nodes)
	case def.IsAbstractType():
		f.kinds = make([]*object, kinds)
		c.size += bytesPerAbstract
		for _, possible := range c.contract.schema.GetPossibleTypes(def) {
			to := c.contract.types[possible.Name]
			f.kinds[to.kind] = c.object(to, m.nodes)
		}
	}
	return f
}
