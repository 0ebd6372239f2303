package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
)

// preloader fills the relations that a selection asks for, of all objects of a
// level at once, before the generated code reads them. It follows the
// selection, so that it ends where that does, however the data hang together;
// and it leaves alone what the principal hasn't the scope for.
//
// On the way it counts what the answer comes to, and stops with a tooLarge
// where that is too much: an object is read once and written as often as the
// selection leads to it, which can be a power of the number of objects.
//
// A preloader belongs to one root field, or one event, and to one goroutine.
type preloader struct {
	store     Store
	contract  *contract
	op        *graphql.OperationContext
	principal redline.Principal
	// answer keeps what no object has a place for, and counts what is written.
	answer *answer
	// event is the event under way, where there is one: what its payload lacks
	// is read, and none of the history after it.
	event *redline.Event
	// products are those known already: a level leads back to its product
	// without a look. stubs are not among them: they are for those who ask for
	// no more than is known anyway.
	products map[string]*redline.Product
	stubs    map[*redline.Product]bool
}

func (r *resolver) preloader(ctx context.Context) *preloader {
	return &preloader{
		store: r.store, contract: r.contract, op: graphql.GetOperationContext(ctx),
		principal: redline.PrincipalFrom(ctx), answer: answerFrom(ctx), products: map[string]*redline.Product{}, stubs: map[*redline.Product]bool{},
	}
}

// relation is a field that leads to other objects.
type relation struct {
	// want asks the batch for what the parents lack of the relation.
	want func(b *batch, parents []any, field graphql.CollectedField)
	// next tells the objects that the field leads to, once the batch has run;
	// nil where they lead no further.
	next func(parent any, tell func(any))
	// page is for a field with pages of its own, which no object has a place
	// for; it tells the items, and stands instead of next.
	page func(p *preloader, parent any, field graphql.CollectedField, tell func(any))
}

// group is objects of one type that are asked for the same selection, each of
// them once.
type group struct {
	info *typeInfo
	objs []any
	// times is how often each of the objects is written.
	times []int
	sel   ast.SelectionSet
}

// telling tells objects one by one, each with how often it is written; the
// same object may come again.
type telling func(tell func(o any, times int))

// listed tells the members of a list.
func listed[T any](objs []T) telling {
	return func(tell func(any, int)) {
		for _, o := range objs {
			tell(o, 1)
		}
	}
}

// load fills what a selection asks of objects, which may be of several types.
// An object counts as often as it is in the list.
func load[T any](ctx context.Context, p *preloader, objs []T, sel ast.SelectionSet) error {
	return p.run(ctx, p.groups(nil, sel, listed(objs)))
}

// loadPage fills what a selection on a connection asks of the items of its page.
func loadPage[T any](ctx context.Context, p *preloader, connection string, page *redline.Page[T], sel ast.SelectionSet) error {
	level, err := p.pageGroups(nil, connection, sel, 1, listed(page.Items))
	if err != nil {
		return err
	}
	return p.run(ctx, level)
}

// groups sorts objects by type, each of them once, and adds them to a level.
func (p *preloader) groups(level []group, sel ast.SelectionSet, each telling) []group {
	type place struct{ group, obj int }
	start := len(level)
	seen := map[any]place{}
	each(func(o any, times int) {
		if at, ok := seen[o]; ok {
			level[at.group].times[at.obj] += times
			return
		}
		info := p.contract.types[typeOf(o)]
		if info == nil {
			return
		}
		if known, ok := o.(*redline.Product); ok && p.products[known.ID] == nil && !p.stubs[known] {
			p.products[known.ID] = known
		}
		i := start
		for i < len(level) && level[i].info != info {
			i++
		}
		if i == len(level) {
			level = append(level, group{info: info, sel: sel})
		}
		g := &level[i]
		seen[o] = place{i, len(g.objs)}
		g.objs, g.times = append(g.objs, o), append(g.times, times)
	})
	return level
}

// pageGroups adds the items of pages for each way in which a selection on
// their connection leads to them.
func (p *preloader) pageGroups(level []group, connection string, sel ast.SelectionSet, pages int, each telling) ([]group, error) {
	items := 0
	each(func(_ any, times int) { items += times })
	info := p.contract.types[connection]
	for _, f := range graphql.CollectFields(p.op, sel, info.satisfies) {
		cost := pages * named(f)
		switch f.Name {
		case "nodes":
			level = p.groups(level, f.Selections, each)
		case "edges":
			edge := p.contract.types[f.Definition.Type.Name()]
			for _, of := range graphql.CollectFields(p.op, f.Selections, edge.satisfies) {
				cost += items * named(of)
				if of.Name == "node" {
					level = p.groups(level, of.Selections, each)
				}
			}
		case "pageInfo":
			for _, of := range graphql.CollectFields(p.op, f.Selections, []string{"PageInfo"}) {
				cost += pages * named(of)
			}
		}
		if err := p.answer.spend(cost); err != nil {
			return nil, err
		}
	}
	return level, nil
}

// step is one field of one group, on the way to the next level.
type step struct {
	group group
	field graphql.CollectedField
	// relation is empty where the field leads nowhere, or the principal hasn't
	// the scope for it.
	relation relation
	// closed is true of the latter: null is written.
	closed bool
}

// run goes down level by level: what all groups of a level lack is read
// together, and then leads to the groups of the next.
func (p *preloader) run(ctx context.Context, level []group) error {
	for len(level) > 0 {
		b := newBatch(p)
		var steps []step
		for _, g := range level {
			for _, f := range graphql.CollectFields(p.op, g.sel, g.info.satisfies) {
				s := step{group: g, field: f, closed: !g.info.allows(p.principal, f.Name)}
				if !s.closed {
					s.relation = g.info.relations[f.Name]
				}
				if s.relation.want != nil {
					s.relation.want(b, g.objs, f)
				}
				steps = append(steps, s)
			}
		}
		if err := b.run(ctx); err != nil {
			return err
		}
		level = nil
		for _, s := range steps {
			if err := p.answer.spend(p.cost(s)); err != nil {
				return err
			}
			var err error
			if level, err = p.follow(level, s); err != nil {
				return err
			}
		}
	}
	return nil
}

// follow adds what a step leads to to a level.
func (p *preloader) follow(level []group, s step) ([]group, error) {
	if s.relation.page != nil {
		pages := 0
		for _, n := range s.group.times {
			pages += n
		}
		return p.pageGroups(level, s.field.Definition.Type.Name(), s.field.Selections, pages, s.children(func(parent any, tell func(any)) {
			s.relation.page(p, parent, s.field, tell)
		}))
	}
	if s.relation.next != nil {
		level = p.groups(level, s.field.Selections, s.children(s.relation.next))
	}
	return level, nil
}

// children tells what the objects of a step lead to: each child as often as
// all of its parents.
func (s step) children(next func(parent any, tell func(any))) telling {
	return func(tell func(any, int)) {
		for i, parent := range s.group.objs {
			next(parent, func(o any) { tell(o, s.group.times[i]) })
		}
	}
}
