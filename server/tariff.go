package server

import (
	"slices"
	"strings"

	"github.com/vektah/gqlparser/v2/ast"
)

// What the schema leaves unsaid costs these points.
const (
	// objectWeight is that of a field that leads to an object, for each object.
	objectWeight = 1
	// changeWeight is what a mutation costs beside its rows and its answer, and a
	// subscription beside one event.
	changeWeight = 10
	// assumedLength is that of a list of objects of which nothing says how long it is.
	assumedLength = 10
	// assumedPage is that of a page whose size is neither given nor in the contract.
	assumedPage = 50
	// assumedSnapshot is how many events a subscription is paid for that begins with a
	// snapshot, and assumedMissed for one that begins with what was missed.
	assumedSnapshot = 1000
	assumedMissed   = 100
)

// The arguments by which a subscription begins with more than the next event.
const (
	argumentSnapshot = "snapshot"
	argumentAfter    = "after"
)

// The arguments and the fields of pages.
var (
	pageArguments = []string{"first", "last"}
	pageFields    = []string{"nodes", "edges"}
)

// tariff is what the schema says of the cost of its fields: the directives @cost
// and @listSize, after IBM's GraphQL Cost Directive Specification, and the
// defaults.
//
// Source: https://ibm.github.io/graphql-specs/cost-spec.html
type tariff struct {
	schema *ast.Schema
	fields map[*ast.FieldDefinition]rate
}

// rate is what the schema says of one field.
type rate struct {
	// weight is what one object costs, or the field where it is a scalar.
	weight int64
	// list says that there may be several, and assumed how many where no argument
	// says it; of a page that is said of what it sizes.
	list    bool
	assumed int64
	// slicing are the arguments that say it, each as its path.
	slicing [][]string
	// sizes says that this is the length of fields of what it leads to.
	sizes bool
	// sized says that the field's length is said by whatever leads to its object.
	sized bool
	// base is what is paid once, and rows that the entries of lists in the input are
	// paid as well: of changes.
	base int64
	rows bool
	// begins says that the arguments say with how many events it begins: of
	// subscriptions.
	begins bool
}

func newTariff(schema *ast.Schema) *tariff {
	t := &tariff{schema: schema, fields: map[*ast.FieldDefinition]rate{}}
	sized := map[*ast.FieldDefinition]bool{}
	for _, definition := range schema.Types {
		for _, field := range definition.Fields {
			r, sizedFields := t.rate(field)
			switch definition {
			case schema.Mutation:
				r.base, r.rows = changeWeight, true
			case schema.Subscription:
				r.base, r.begins = changeWeight, true
			}
			t.fields[field] = r
			if r.sizes {
				for _, name := range sizedFields {
					sized[schema.Types[field.Type.Name()].Fields.ForName(name)] = true
				}
			}
		}
	}
	for field := range sized {
		r := t.fields[field]
		r.sized = true
		t.fields[field] = r
	}
	return t
}

// rate reads what the schema says of a field, and which fields it sizes.
func (t *tariff) rate(field *ast.FieldDefinition) (r rate, sizedFields []string) {
	leadsTo := t.schema.Types[field.Type.Name()]
	composite := leadsTo != nil && leadsTo.IsCompositeType()
	if composite {
		r.weight = objectWeight
	}
	if d := field.Directives.ForName("cost"); d != nil {
		if weight, ok := numberIn(d.Arguments.ForName("weight"), nil); ok {
			r.weight = weight
		}
	}
	if r.list = composite && field.Type.Elem != nil; r.list {
		r.assumed = assumedLength
	}
	if d := field.Directives.ForName("listSize"); d != nil {
		if assumed, ok := numberIn(d.Arguments.ForName("assumedSize"), nil); ok {
			r.assumed = assumed
		}
		for _, path := range textsIn(d.Arguments.ForName("slicingArguments")) {
			r.slicing = append(r.slicing, strings.Split(path, "."))
		}
		sizedFields = textsIn(d.Arguments.ForName("sizedFields"))
	} else if leadsTo != nil && leadsTo.Kind == ast.Object && !r.list {
		for _, name := range pageArguments {
			if field.Arguments.ForName(name) != nil {
				r.slicing = append(r.slicing, []string{name})
			}
		}
		if len(r.slicing) > 0 {
			sizedFields, r.assumed = pageFields, assumedPage
		}
	}
	sizedFields = slices.DeleteFunc(slices.Clone(sizedFields), func(name string) bool {
		return leadsTo == nil || leadsTo.Fields.ForName(name) == nil
	})
	r.sizes = len(sizedFields) > 0
	return r, sizedFields
}

// of is the rate of a field of a valid document. What the validator knows and the
// schema doesn't have, such as __schema, has the defaults.
func (t *tariff) of(field *ast.FieldDefinition) rate {
	if r, ok := t.fields[field]; ok {
		return r
	}
	r, _ := t.rate(field)
	return r
}

func textsIn(argument *ast.Argument) (texts []string) {
	if argument == nil {
		return nil
	}
	for _, child := range argument.Value.Children {
		texts = append(texts, child.Value.Raw)
	}
	return texts
}

// length is how long a field's list, or what it sizes, is by its arguments.
func (r *rate) length(field *ast.Field, variables map[string]any) int64 {
	if len(r.slicing) == 0 {
		return r.assumed
	}
	longest, said := int64(0), false
	for _, path := range r.slicing {
		if n, ok := r.sliced(field, path, variables); ok {
			longest, said = max(longest, n), true
		}
	}
	if said {
		return longest
	}
	// The contract's own default counts where nothing is said.
	for _, path := range r.slicing {
		if definition := field.Definition.Arguments.ForName(path[0]); len(path) == 1 && definition != nil && definition.DefaultValue != nil {
			if n, ok := numberOf(definition.DefaultValue, nil); ok {
				return max(n, 0)
			}
		}
	}
	return r.assumed
}

func (r *rate) sliced(field *ast.Field, path []string, variables map[string]any) (int64, bool) {
	argument := field.Arguments.ForName(path[0])
	if argument == nil {
		return 0, false
	}
	value := valueOf(argument.Value, variables)
	for _, step := range path[1:] {
		value = memberOf(value, step, variables)
	}
	if n, ok := lengthOf(value); ok {
		return n, true
	}
	n, ok := number(value)
	return max(n, 0), ok
}

// events is how many events a subscription is paid for; resumed says that it goes on from
// the Last-Event-ID of a stream, which stands for a cursor.
func (r *rate) events(field *ast.Field, variables map[string]any, resumed bool) int64 {
	argument := func(name string) any {
		if given := field.Arguments.ForName(name); given != nil {
			return valueOf(given.Value, variables)
		}
		return nil
	}
	after := argument(argumentAfter)
	if value, ok := after.(*ast.Value); ok && value.Kind == ast.NullValue {
		after = nil
	}
	switch {
	case truth(argument(argumentSnapshot)): // also with a cursor, which may be from within one
		return assumedSnapshot
	case after != nil || resumed:
		return assumedMissed
	}
	return 1
}
