package graph

import (
	"github.com/vektah/gqlparser/v2/ast"
)

// plan is what an operation asks for, compiled once: its fields merged and in
// order, fragments and conditions resolved. It is shared by all requests with
// the same document, and never changed.
type plan struct {
	// kind says whether it reads, changes or subscribes.
	kind ast.Operation
	// roots are the fields of the operation itself.
	roots []field
	// asksHead is true where the event log's head is one of them.
	asksHead bool
	// size is about what it takes in memory, in bytes.
	size int
}

// root finds a root field by its name in the answer, or returns nil.
func (p *plan) root(alias string) *field {
	for i := range p.roots {
		if p.roots[i].node.Alias == alias {
			return &p.roots[i]
		}
	}
	return nil
}

// field is one field of an answer's objects.
type field struct {
	// node is the field in the document, the first of those merged.
	node *ast.Field
	// index is the field's number among those of its type; 0 is __typename.
	index int
	// key is its name in the answer as JSON has it, between a comma and a colon.
	key     []byte
	nonNull bool
	// cost is what the field counts for itself, whatever is in it.
	cost int
	// needs are the scopes without which it is refused.
	needs scopes
	// emptied is true of the lists that are empty instead of refused.
	emptied bool
	// fresh is true of a product's availability without what is stale.
	fresh bool
	// relation is how the preloader follows it, nil where it doesn't.
	relation *relation

	// of is what is asked of the object that the field leads to, or of each in
	// its list; nil for scalars, and where it may lead to several types.
	of *object
	// kinds are, for the latter, what is asked of an object of each type.
	kinds []*object
}

// object is what is asked of objects of one type.
type object struct {
	info   *typeInfo
	fields []field
	// cost is what all fields count for themselves, and 1 at least: an object
	// without any is written all the same.
	cost int
	// heavy are the places of the fields that may weigh more than that.
	heavy []int
	// followed are the places of the fields that the preloader follows.
	followed []int
	// asksProducts is true where something beneath asks for products by their ids.
	asksProducts bool
	// asksDetails is true of a product that is asked for what brief ones lack, and
	// where something beneath is such a product.
	asksDetails bool
}

// asksProducts reports whether products are asked for by their ids beneath.
func (f *field) asksProducts() bool {
	for _, to := range f.kinds {
		if to != nil && to.asksProducts {
			return true
		}
	}
	return f.relation != nil && f.relation.products || f.of != nil && f.of.asksProducts
}

// asksDetails reports whether any product beneath is asked for what brief ones
// lack.
func (f *field) asksDetails() bool {
	for _, to := range f.kinds {
		if to != nil && to.asksDetails {
			return true
		}
	}
	return f.of != nil && f.of.asksDetails
}

// asks reports whether an object is asked for any of some fields. Nothing is
// asked of an object that isn't in the plan.
func (o *object) asks(names ...string) bool {
	if o == nil {
		return false
	}
	for i := range o.fields {
		for _, name := range names {
			if o.fields[i].node.Name == name {
				return true
			}
		}
	}
	return false
}

// asksOnly reports whether an object is asked for no fields but these.
func (o *object) asksOnly(names ...string) bool {
	for i := range o.fields {
		known := o.fields[i].index == 0
		for _, name := range names {
			known = known || o.fields[i].node.Name == name
		}
		if !known {
			return false
		}
	}
	return true
}

// items tells the fields that lead to the items of a page: the ways of a
// connection, or the field itself where it is none.
func (f *field) items(tell func(*field)) {
	if !f.of.info.connection {
		tell(f)
		return
	}
	for i := range f.of.fields {
		switch way := &f.of.fields[i]; way.node.Name {
		case "nodes":
			tell(way)
		case "edges":
			for j := range way.of.fields {
				if node := &way.of.fields[j]; node.node.Name == "node" {
					tell(node)
				}
			}
		}
	}
}

// itemsAsk reports whether the items of a page, or the objects that the field
// leads to, are asked for any of some fields.
func (f *field) itemsAsk(names ...string) (asked bool) {
	f.items(func(way *field) { asked = asked || way.of.asks(names...) })
	return asked
}
