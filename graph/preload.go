package graph

import (
	"context"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// preloader fills the relations that a plan asks for, of all objects of a level
// at once, before the objects are written. It follows the plan, so that it ends
// where that does, however the data hang together; and it leaves alone what the
// principal hasn't the scope for.
//
// On the way it counts what the answer comes to, and stops with a tooLarge
// where that is too much: an object is read once and written as often as the
// plan leads to it, which can be a power of the number of objects.
//
// A preloader belongs to one root field, or one event, and to one goroutine.
type preloader struct {
	store     Store
	variables map[string]any
	principal redline.Principal
	// answer keeps what no object has a place for, and counts what is written.
	answer *answer
	// root is the field that all begins with.
	root *field
	// asksProducts is true where the plan asks for products by their ids.
	asksProducts bool
	// events are those under way, where there are some: what their payloads lack
	// is read, and none of the history after them.
	events []*redline.Event
	// products are those known already, kept where some are asked for: a level
	// leads back to its product without a look. stubs are not among them:
	// products and locations for those who ask for no more than is known anyway.
	products map[string]*redline.Product
	stubs    map[any]bool
}

// preloader is that of the field under way, which is one of a root.
func (r *resolver) preloader(ctx context.Context) *preloader {
	root := asked(ctx)
	return &preloader{
		store: r.store, variables: graphql.GetOperationContext(ctx).Variables,
		principal: redline.PrincipalFrom(ctx), answer: answerFrom(ctx), root: root, asksProducts: root.asksProducts(),
	}
}

// relation is a field that leads to other objects.
type relation struct {
	// want asks the batch for what the parents lack of the relation.
	want func(b *batch, parents []any, f *field)
	// products is true where it asks for products by their ids.
	products bool
	// next tells the objects that the field leads to, once the batch has run;
	// nil where they lead no further.
	next func(parent any, tell func(any))
	// owned is true where next tells each object of one parent alone, so that
	// nobody has to look whether it was told before. Where one comes twice all
	// the same, it is followed twice.
	owned bool
	// page is for a field with pages of its own, which no object has a place
	// for; it tells the items, and stands instead of next.
	page func(p *preloader, parent any, f *field, tell func(any))
}

// group is objects of one type that are asked for the same, each of them once.
type group struct {
	of   *object
	objs []any
	// times is how often each of the objects is written.
	times []int
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

// load fills what the root field asks of objects, which may be of several
// types. An object counts as often as it is in the list.
func load[T any](ctx context.Context, p *preloader, objs []T) error {
	g := gathering{p: p, size: len(objs)}
	if err := g.gather(p.root, false, listed(objs)); err != nil {
		return err
	}
	return p.run(ctx, g.level)
}

// loadPage fills what the root field, a connection, asks of the items of its page.
func loadPage[T any](ctx context.Context, p *preloader, page *redline.Page[T]) error {
	return loadItems(ctx, p, 1, page.Items)
}

// loadItems is loadPage for items of so many pages: of none where they are more of
// a page that was counted already.
func loadItems[T any](ctx context.Context, p *preloader, pages int, items []T) error {
	g := gathering{p: p, size: len(items)}
	if err := g.gatherPage(p.root, pages, listed(items)); err != nil {
		return err
	}
	return p.run(ctx, g.level)
}

// allows reports whether the principal may ask an object for a field; whoever
// doesn't ask may.
func (p *preloader) allows(o *object, name string) bool {
	for i := range o.fields {
		if f := &o.fields[i]; f.node.Name == name && f.needs&^p.answer.open != 0 {
			return false
		}
	}
	return true
}

// run goes down level by level: what all groups of a level lack is read
// together, and then leads to the groups of the next.
func (p *preloader) run(ctx context.Context, level []group) error {
	for len(level) > 0 {
		var b *batch // there is none where nothing can be lacking
		for _, g := range level {
			for _, at := range g.of.followed {
				if f := &g.of.fields[at]; f.relation.want != nil && f.needs&^p.answer.open == 0 {
					if b == nil {
						b = newBatch(p)
					}
					f.relation.want(b, g.objs, f)
				}
			}
		}
		if b != nil {
			if err := b.run(ctx); err != nil {
				return err
			}
		}
		next := gathering{p: p}
		for _, g := range level {
			if err := p.answer.spend(p.cost(g)); err != nil {
				return err
			}
			for _, at := range g.of.followed {
				if f := &g.of.fields[at]; f.needs&^p.answer.open == 0 {
					if err := next.follow(f, g); err != nil {
						return err
					}
				}
			}
		}
		level = next.level
	}
	return nil
}

// gathering sorts the objects of the next level by what is asked of them.
type gathering struct {
	p     *preloader
	level []group
	// size is how many objects are expected of one field, for their room.
	size int
}

// follow adds what a field leads to from the objects of a group: each child as
// often as all of its parents.
func (g *gathering) follow(f *field, from group) error {
	r := f.relation
	if r.next == nil && r.page == nil {
		return nil
	}
	g.size = len(from.objs)
	children := func(tell func(any, int)) {
		times := 0
		each := func(o any) { tell(o, times) }
		for i, parent := range from.objs {
			times = from.times[i]
			if r.page != nil {
				r.page(g.p, parent, f, each)
			} else {
				r.next(parent, each)
			}
		}
	}
	if r.page != nil {
		pages := 0
		for _, n := range from.times {
			pages += n
		}
		return g.gatherPage(f, pages, children)
	}
	return g.gather(f, r.owned, children)
}

// fewObjects is for how many objects a group has room at least: lists that one
// object has are mostly no longer.
const fewObjects = 6

// gather adds the objects that a field leads to, each once unless they are
// distinct anyhow. Those that lead no further are counted at once.
func (g *gathering) gather(f *field, distinct bool, each telling) error {
	s := sorting{gathering: g, field: f, distinct: distinct, start: len(g.level)}
	each(s.told)
	return g.p.answer.spend(s.values)
}

// sorting is what gather keeps while it is told the objects of one field.
type sorting struct {
	*gathering
	field    *field
	distinct bool
	// start is where the field's groups begin in the level.
	start int
	seen  places
	// values is what those that lead no further come to.
	values int
}

// told takes in one object.
func (s *sorting) told(o any, times int) {
	of := s.field.of
	if of == nil {
		kind := kindOf(o)
		if kind < 0 {
			return
		}
		of = s.field.kinds[kind]
	}
	s.p.know(o)
	if len(of.followed) == 0 {
		s.values += times * of.weight(o, s.p.answer.open)
		return
	}
	if !s.distinct {
		if at := s.seen.find(s.level[s.start:], o); at != nil {
			*at += times
			return
		}
	}
	i := s.start
	for i < len(s.level) && s.level[i].of != of {
		i++
	}
	if i == len(s.level) {
		room := max(s.size, fewObjects)
		s.level = append(s.level, group{of: of, objs: make([]any, 0, room), times: make([]int, 0, room)})
	}
	to := &s.level[i]
	if !s.distinct {
		s.seen.note(o, i-s.start, len(to.objs))
	}
	to.objs, to.times = append(to.objs, o), append(to.times, times)
}

// gatherPage adds the items of pages, which are distinct, for each way in which a
// field that is a connection leads to them.
func (g *gathering) gatherPage(f *field, pages int, each telling) error {
	items := 0
	each(func(_ any, times int) { items += times })
	for i := range f.of.fields {
		way := &f.of.fields[i]
		cost := pages * way.cost
		switch way.node.Name {
		case "edges":
			cost += items * way.of.cost
		case "pageInfo":
			cost += pages * way.of.cost
		}
		if err := g.p.answer.spend(cost); err != nil {
			return err
		}
	}
	var err error
	f.items(func(way *field) {
		if err == nil {
			err = g.gather(way, true, each)
		}
	})
	return err
}

// know keeps a product for those who ask for it by its id.
func (p *preloader) know(o any) {
	if !p.asksProducts {
		return
	}
	if known, ok := o.(*redline.Product); ok && p.products[known.ID] == nil && !p.stubs[known] {
		if p.products == nil {
			p.products = map[string]*redline.Product{}
		}
		p.products[known.ID] = known
	}
}

// places finds objects that were told before: one by one as long as there are
// few, which they mostly are.
type places struct {
	first []any
	at    []place
	rest  map[any]place
}

// place is where an object is: the group and its place there.
type place struct{ group, obj int }

// fewPlaces is how many objects are looked through one by one.
const fewPlaces = 16

// find returns where it is counted how often an object is written, nil where it
// wasn't told before.
func (s *places) find(level []group, o any) *int {
	at, ok := s.rest[o]
	if i := slices.Index(s.first, o); i >= 0 {
		at, ok = s.at[i], true
	}
	if !ok {
		return nil
	}
	return &level[at.group].times[at.obj]
}

func (s *places) note(o any, group, obj int) {
	if len(s.first) < fewPlaces {
		s.first, s.at = append(s.first, o), append(s.at, place{group, obj})
		return
	}
	if s.rest == nil {
		s.rest = map[any]place{}
	}
	s.rest[o] = place{group, obj}
}
