package server

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// mostPoints is where counting stops. A number in JSON holds it exactly.
const mostPoints = 1 << 50

func plus(a, b int64) int64 { return min(a+b, mostPoints) } // neither is more

func times(a, b int64) int64 {
	if a > 0 && b > mostPoints/a {
		return mostPoints
	}
	return a * b
}

// price is what a selection set costs: so much once, and so much for each entry of
// the page that it is selected of.
type price struct{ once, each int64 }

func (p price) plus(q price) price { return price{plus(p.once, q.once), plus(p.each, q.each)} }

func (p price) orMore(q price) price { return price{max(p.once, q.once), max(p.each, q.each)} }

// priced is a selection set on one type, priced as far as that can be done
// without the variables. What hangs on them is priced for each request.
//
// A fragment is one priced for each type that it is spread on, however often. So
// a document takes room and time in proportion to its text, whatever it expands to.
type priced struct {
	// fixed is the price of what hangs on no variable.
	fixed price
	// open are the parts that do.
	open []part
	// anyOf are alternatives, of which the dearest counts: what an object costs that
	// may be of several types.
	anyOf []*priced
	// number is its own among those of an operation that are priced once for a
	// request, or 0.
	number int
}

func (p *priced) settled() bool { return len(p.open) == 0 && len(p.anyOf) == 0 }

// part is a field, or the selections of a fragment, that hangs on variables.
type part struct {
	unless, when []*ast.Value // of @skip and of @include, where they are variables
	field        *pricedField
	set          *priced
}

// pricedField is a field of a document with what it leads to.
type pricedField struct {
	rate  rate
	node  *ast.Field
	under *priced // nil of a scalar
}

// priceList has the price of each operation of a document by its name.
type priceList map[string]*operationPrice

type operationPrice struct {
	root *priced
	// numbered is how many sets are priced once for a request.
	numbered int
}

// cost is what an operation costs with these variables, as they were coerced. resumed
// says that it goes on from the Last-Event-ID of a stream.
func (o *operationPrice) cost(variables map[string]any, resumed bool) int64 {
	q := quote{variables: variables, resumed: resumed}
	if o.numbered > 0 {
		q.known = make([]price, o.numbered+1)
		q.done = make([]bool, o.numbered+1)
	}
	return q.set(o.root).once
}

// quote prices an operation for one request.
type quote struct {
	variables map[string]any
	resumed   bool
	known     []price
	done      []bool
}

func (q *quote) set(p *priced) price {
	if q.done != nil && q.done[p.number] {
		return q.known[p.number]
	}
	total := p.fixed
	for i := range p.open {
		total = total.plus(q.part(&p.open[i]))
	}
	var dearest price
	for _, one := range p.anyOf {
		dearest = dearest.orMore(q.set(one))
	}
	total = total.plus(dearest)
	if p.number > 0 {
		q.known[p.number], q.done[p.number] = total, true
	}
	return total
}

func (q *quote) part(p *part) price {
	for _, condition := range p.unless {
		if truth(valueOf(condition, q.variables)) {
			return price{}
		}
	}
	for _, condition := range p.when {
		if !truth(valueOf(condition, q.variables)) {
			return price{}
		}
	}
	if p.field == nil {
		return q.set(p.set)
	}
	var under price
	if p.field.under != nil {
		under = q.set(p.field.under)
	}
	return p.field.price(under, q.variables, q.resumed)
}

// price is that of a field whose selections have a price.
func (f *pricedField) price(under price, variables map[string]any, resumed bool) price {
	own := plus(f.rate.weight, under.once)
	switch {
	case f.rate.sizes:
		own = plus(own, times(f.rate.length(f.node, variables), under.each))
	default:
		own = plus(own, times(assumedPage, under.each))
	}
	switch {
	case f.rate.sized:
		return price{each: own}
	case f.rate.list && !f.rate.sizes:
		own = times(f.rate.length(f.node, variables), own)
	case f.rate.begins:
		own = times(f.rate.events(f.node, variables, resumed), own)
	}
	own = plus(own, f.rate.base)
	if f.rate.rows {
		for _, argument := range f.node.Arguments {
			own = plus(own, entriesIn(valueOf(argument.Value, variables), variables))
		}
	}
	return price{once: own}
}

// hangs reports whether the price of the field itself hangs on variables, or as that of a
// subscription on where it goes on from.
func (f *pricedField) hangs() bool {
	if f.rate.begins {
		return true
	}
	if len(f.rate.slicing) == 0 && !f.rate.rows {
		return false
	}
	for _, argument := range f.node.Arguments {
		if hasVariable(argument.Value) {
			return true
		}
	}
	return false
}

func hasVariable(value *ast.Value) bool {
	if value.Kind == ast.Variable {
		return true
	}
	for _, child := range value.Children {
		if hasVariable(child.Value) {
			return true
		}
	}
	return false
}

// pricing prices one document.
type pricing struct {
	tariff    *tariff
	doc       *ast.QueryDocument
	fields    map[*ast.Field]*pricedField
	fragments map[fragmentOn]*priced
	numbered  int
}

type fragmentOn struct{ fragment, object string }

// prices prices a valid document.
func (t *tariff) prices(doc *ast.QueryDocument) priceList {
	list := make(priceList, len(doc.Operations))
	for _, operation := range doc.Operations {
		p := &pricing{tariff: t, doc: doc, fields: map[*ast.Field]*pricedField{}, fragments: map[fragmentOn]*priced{}}
		root := t.schema.Query
		switch operation.Operation {
		case ast.Mutation:
			root = t.schema.Mutation
		case ast.Subscription:
			root = t.schema.Subscription
		}
		list[operation.Name] = &operationPrice{root: p.set(operation.SelectionSet, root), numbered: p.numbered}
	}
	return list
}

// set prices selections on a type.
func (p *pricing) set(selections ast.SelectionSet, of *ast.Definition) *priced {
	if !of.IsAbstractType() {
		return p.concrete(selections, of)
	}
	whole := &priced{}
	for _, object := range p.tariff.schema.GetPossibleTypes(of) {
		one := p.concrete(selections, object)
		if one.settled() {
			whole.fixed = whole.fixed.orMore(one.fixed)
			continue
		}
		whole.anyOf = append(whole.anyOf, one)
	}
	if len(whole.anyOf) > 0 && whole.fixed != (price{}) {
		whole.anyOf = append(whole.anyOf, &priced{fixed: whole.fixed})
		whole.fixed = price{}
	}
	return whole
}

// concrete prices selections on an object type.
func (p *pricing) concrete(selections ast.SelectionSet, of *ast.Definition) *priced {
	total := &priced{}
	for _, selection := range selections {
		switch selection := selection.(type) {
		case *ast.Field:
			p.field(total, selection)
		case *ast.InlineFragment:
			if p.applies(selection.TypeCondition, of) {
				p.spread(total, selection.Directives, p.concrete(selection.SelectionSet, of))
			}
		case *ast.FragmentSpread:
			p.spread(total, selection.Directives, p.fragment(selection.Name, of))
		}
	}
	return total
}

func (p *pricing) applies(condition string, to *ast.Definition) bool {
	if condition == "" || condition == to.Name {
		return true
	}
	for _, object := range p.tariff.schema.PossibleTypes[condition] {
		if object.Name == to.Name {
			return true
		}
	}
	return false
}

func (p *pricing) fragment(name string, on *ast.Definition) *priced {
	key := fragmentOn{name, on.Name}
	if known, ok := p.fragments[key]; ok {
		return known
	}
	total := &priced{}
	if definition := p.doc.Fragments.ForName(name); definition != nil && p.applies(definition.TypeCondition, on) {
		total = p.concrete(definition.SelectionSet, on)
	}
	if !total.settled() {
		p.numbered++
		total.number = p.numbered
	}
	p.fragments[key] = total
	return total
}

// field adds a field to what its selection set costs.
func (p *pricing) field(total *priced, node *ast.Field) {
	f, known := p.fields[node]
	if !known {
		f = &pricedField{rate: p.tariff.of(node.Definition), node: node}
		if leadsTo := p.tariff.schema.Types[node.Definition.Type.Name()]; leadsTo != nil && leadsTo.IsCompositeType() {
			f.under = p.set(node.SelectionSet, leadsTo)
		}
		p.fields[node] = f
	}
	one, skipped := conditions(node.Directives)
	if skipped {
		return
	}
	settled := f.under == nil || f.under.settled()
	if one.certain() && settled && !f.hangs() {
		var under price
		if f.under != nil {
			under = f.under.fixed
		}
		total.fixed = total.fixed.plus(f.price(under, nil, false))
		return
	}
	one.field = f
	total.open = append(total.open, one)
}

// spread adds a fragment's selections to what theirs cost.
func (p *pricing) spread(total *priced, directives ast.DirectiveList, set *priced) {
	one, skipped := conditions(directives)
	switch {
	case skipped:
	case one.certain() && set.settled():
		total.fixed = total.fixed.plus(set.fixed)
	default:
		one.set = set
		total.open = append(total.open, one)
	}
}

// conditions reads @skip and @include, and reports whether they leave something
// out whatever the variables are.
func conditions(directives ast.DirectiveList) (p part, skipped bool) {
	for _, d := range directives {
		argument := d.Arguments.ForName("if")
		if argument == nil {
			continue
		}
		variable := argument.Value.Kind == ast.Variable
		switch {
		case d.Name == "skip" && variable:
			p.unless = append(p.unless, argument.Value)
		case d.Name == "include" && variable:
			p.when = append(p.when, argument.Value)
		case d.Name == "skip":
			skipped = skipped || truth(argument.Value)
		case d.Name == "include":
			skipped = skipped || !truth(argument.Value)
		}
	}
	return p, skipped
}

func (p *part) certain() bool { return len(p.unless) == 0 && len(p.when) == 0 }
