package live

import "redline"

// index finds the groups that an event may concern, without asking the others.
type index struct {
	// all are the groups by the type of events that they want which no term
	// narrows.
	all map[string]map[*group]struct{}
	// byTerm are the others, by each of their terms.
	byTerm map[indexKey]map[*group]struct{}
	// types are how many groups want events of each type.
	types map[string]int
}

type indexKey struct {
	eventType string
	term      redline.Term
}

func newIndex() index {
	return index{
		all: map[string]map[*group]struct{}{}, byTerm: map[indexKey]map[*group]struct{}{}, types: map[string]int{},
	}
}

func (i *index) add(g *group) {
	q := g.x.query
	i.types[q.Type]++
	if q.Terms == nil {
		put(i.all, q.Type, g)
	}
	for _, t := range q.Terms {
		put(i.byTerm, indexKey{q.Type, t}, g)
	}
}

func (i *index) remove(g *group) {
	q := g.x.query
	if i.types[q.Type]--; i.types[q.Type] == 0 {
		delete(i.types, q.Type)
	}
	if q.Terms == nil {
		take(i.all, q.Type, g)
	}
	for _, t := range q.Terms {
		take(i.byTerm, indexKey{q.Type, t}, g)
	}
}

// each calls f with each group that an event may concern, once.
func (i *index) each(e *redline.Event, f func(*group)) {
	kind := e.Type()
	for g := range i.all[kind] {
		f(g)
	}
	if len(i.byTerm) == 0 {
		return
	}
	for _, t := range e.Terms() {
		for g := range i.byTerm[indexKey{kind, t}] {
			// An order has several products and suppliers, and a group may want
			// more than one of them.
			if g.seen != e.ID {
				g.seen = e.ID
				f(g)
			}
		}
	}
}

func put[K comparable](m map[K]map[*group]struct{}, key K, g *group) {
	if m[key] == nil {
		m[key] = map[*group]struct{}{}
	}
	m[key][g] = struct{}{}
}

func take[K comparable](m map[K]map[*group]struct{}, key K, g *group) {
	if delete(m[key], g); len(m[key]) == 0 {
		delete(m, key)
	}
}
