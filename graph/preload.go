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
// A preloader belongs to one root field, or one event, and to one goroutine.
type preloader struct {
	store     Store
	contract  *contract
	op        *graphql.OperationContext
	principal redline.Principal
	// answer keeps what no object has a place for.
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

// group is objects of one type that are asked for the same selection.
type group struct {
	info *typeInfo
	objs []any
	sel  ast.SelectionSet
}

// load fills what a selection asks of objects, which may be of several types.
func load[T any](ctx context.Context, p *preloader, objs []T, sel ast.SelectionSet) error {
	return p.run(ctx, p.groups(nil, sel, func(tell func(any)) {
		for _, o := range objs {
			tell(o)
		}
	}))
}

// loadPage fills what a selection on a connection asks of the items of its page.
func loadPage[T any](ctx context.Context, p *preloader, connection string, page *redline.Page[T], sel ast.SelectionSet) error {
	return p.run(ctx, p.pageGroups(nil, connection, sel, func(tell func(any)) {
		for _, o := range page.Items {
			tell(o)
		}
	}))
}

// groups sorts objects by type, each of them once, and adds them to a level.
func (p *preloader) groups(level []group, sel ast.SelectionSet, each func(tell func(any))) []group {
	start := len(level)
	seen := map[any]bool{}
	each(func(o any) {
		info := p.contract.types[typeOf(o)]
		if info == nil || seen[o] {
			return
		}
		seen[o] = true
		if known, ok := o.(*redline.Product); ok && p.products[known.ID] == nil && !p.stubs[known] {
			p.products[known.ID] = known
		}
		for i := start; i < len(level); i++ {
			if level[i].info == info {
				level[i].objs = append(level[i].objs, o)
				return
			}
		}
		level = append(level, group{info: info, objs: []any{o}, sel: sel})
	})
	return level
}

// pageGroups adds the items of a page for each way in which a selection on
// their connection leads to them.
func (p *preloader) pageGroups(level []group, connection string, sel ast.SelectionSet, each func(tell func(any))) []group {
	info := p.contract.types[connection]
	for _, f := range graphql.CollectFields(p.op, sel, info.satisfies) {
		switch f.Name {
		case "nodes":
			level = p.groups(level, f.Selections, each)
		case "edges":
			edge := p.contract.types[f.Definition.Type.Name()]
			for _, node := range graphql.CollectFields(p.op, f.Selections, edge.satisfies) {
				if node.Name == "node" {
					level = p.groups(level, node.Selections, each)
				}
			}
		}
	}
	return level
}

// step is one relation of one group, on the way to the next level.
type step struct {
	relation relation
	field    graphql.CollectedField
	parents  []any
}

// run goes down level by level: what all groups of a level lack is read
// together, and then leads to the groups of the next.
func (p *preloader) run(ctx context.Context, level []group) error {
	for len(level) > 0 {
		b := newBatch(p)
		var steps []step
		for _, g := range level {
			for _, f := range graphql.CollectFields(p.op, g.sel, g.info.satisfies) {
				rel, ok := g.info.relations[f.Name]
				if !ok || !g.info.allows(p.principal, f.Name) {
					continue
				}
				if rel.want != nil {
					rel.want(b, g.objs, f)
				}
				steps = append(steps, step{relation: rel, field: f, parents: g.objs})
			}
		}
		if err := b.run(ctx); err != nil {
			return err
		}
		level = nil
		for _, s := range steps {
			if s.relation.page != nil {
				level = p.pageGroups(level, s.field.Definition.Type.Name(), s.field.Selections, func(tell func(any)) {
					for _, parent := range s.parents {
						s.relation.page(p, parent, s.field, tell)
					}
				})
				continue
			}
			if s.relation.next != nil {
				level = p.groups(level, s.field.Selections, func(tell func(any)) {
					for _, parent := range s.parents {
						s.relation.next(parent, tell)
					}
				})
			}
		}
	}
	return nil
}
