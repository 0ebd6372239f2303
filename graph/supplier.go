package graph

import (
	"errors"
	"fmt"
	"time"

	"redline"
	"redline/graph/model"
	"redline/graph/scalar"
)

// What a supplier shows is more than its members: how it stands with us is read
// for those who may know it, and what it offers and has sent have pages.

// supplierLastSeenAt is when a supplier last told us anything.
func (*writer) supplierLastSeenAt(_ *field, s *redline.Supplier) *time.Time {
	if s.Standing == nil {
		return nil
	}
	return s.Standing.LastSeenAt
}

// supplierStatus says how a supplier keeps to what was agreed.
func (*writer) supplierStatus(_ *field, s *redline.Supplier) *redline.SupplierStatus {
	if s.Standing == nil {
		return nil
	}
	return &s.Standing.Status
}

// supplierTerms are what was agreed with a supplier.
func (*writer) supplierTerms(_ *field, s *redline.Supplier) *redline.SupplierTerms { return termsOf(s) }

func termsOf(s *redline.Supplier) *redline.SupplierTerms {
	if s.Standing == nil {
		return nil
	}
	return &s.Standing.Terms
}

// supplierItems is a page of what a supplier offers.
func (w *writer) supplierItems(f *field, s *redline.Supplier) (*model.SupplierItemConnection, error) {
	return supplierPage(w, f, s, &w.answer.items)
}

// supplierFeeds is a page of what came of a supplier's feeds.
func (w *writer) supplierFeeds(f *field, s *redline.Supplier) (*model.SupplierFeedConnection, error) {
	return supplierPage(w, f, s, &w.answer.feeds)
}

// supplierPage is a page of what a supplier has.
func supplierPage[T any](w *writer, f *field, s *redline.Supplier, in *shelf[T]) (*model.Connection[T], error) {
	if w.page.field != f {
		page, err := pageAsked(w.op.Variables, f)
		w.page = pageArguments{field: f, key: pageKeyOf(w.path[0].field, page), err: err}
	}
	place := func() string { return w.place(f) }
	if w.page.err != nil {
		return nil, w.answer.tellOnce(w.page.err, place)
	}
	return shownPage(w.answer, in, w.page.key, s.ID, place)
}

// pageArguments is a field's request for pages, or why it can't be read.
type pageArguments struct {
	field *field
	key   pageKey
	err   error
}

// shownPage is a supplier's page, which was read with those of all other suppliers
// of the answer. Arguments that are refused are told of once.
func shownPage[T any](a *answer, in *shelf[T], k pageKey, supplierID string, place func() string) (*model.Connection[T], error) {
	page, refused := in.page(k, supplierID)
	switch {
	case page != nil:
		return &model.Connection[T]{Page: page}, nil
	case refused == nil:
		return nil, fmt.Errorf("a page of the supplier %s was not read", supplierID)
	}
	return nil, a.tellOnce(refused, place)
}

// tellOnce is why a request for pages is refused, where it wasn't told yet.
func (a *answer) tellOnce(refused error, place func() string) error {
	if a.toldBefore(place()) {
		return nil
	}
	return refused
}

// pageAsked reads the arguments of a supplier's pages.
func pageAsked(variables map[string]any, f *field) (page redline.PageRequest, err error) {
	args := f.node.ArgumentMap(variables)
	if v := args["first"]; v != nil {
		n, err := scalar.UnmarshalInt(v)
		if err != nil {
			return page, inArgument("first", err)
		}
		page.First = &n
	}
	if v := args["after"]; v != nil {
		s, err := scalar.UnmarshalString(v)
		if err != nil {
			return page, inArgument("after", err)
		}
		page.After = &s
	}
	page.Count = f.of.asks("totalCount")
	return page, nil
}

// inArgument says in which argument a scalar was refused.
func inArgument(name string, err error) error {
	var refusal *redline.Error
	if errors.As(err, &refusal) {
		return refusal.At(name)
	}
	return err
}

// wantItems asks for a page of each supplier's items.
func wantItems(b *batch, parents []any, f *field) {
	wantPages(b, parents, f, &b.itemPages, &b.answer.items)
}

// wantFeeds asks for a page of each supplier's feeds.
func wantFeeds(b *batch, parents []any, f *field) {
	wantPages(b, parents, f, &b.feedPages, &b.answer.feeds)
}

// wantPages asks for a page of each supplier that wasn't read yet. Where the
// arguments can't be read, the field itself says so.
func wantPages[T any](b *batch, parents []any, f *field, wanted *map[pageKey]*wantedPages, in *shelf[T]) {
	page, err := pageAsked(b.variables, f)
	if err != nil {
		return
	}
	k := pageKeyOf(b.root, page)
	for _, o := range parents {
		id := o.(*redline.Supplier).ID
		if page, refused := in.page(k, id); page != nil || refused != nil {
			continue
		}
		if *wanted == nil {
			*wanted = map[pageKey]*wantedPages{}
		}
		if (*wanted)[k] == nil {
			(*wanted)[k] = &wantedPages{page: page, suppliers: map[string]bool{}}
		}
		(*wanted)[k].suppliers[id] = true
	}
}

// itemsRead tells the items that wantItems had read.
func itemsRead(p *preloader, parent any, f *field, tell func(any)) {
	pageRead(p, parent, f, tell, &p.answer.items)
}

// feedsRead tells the feeds that wantFeeds had read.
func feedsRead(p *preloader, parent any, f *field, tell func(any)) {
	pageRead(p, parent, f, tell, &p.answer.feeds)
}

func pageRead[T any](p *preloader, parent any, f *field, tell func(any), in *shelf[T]) {
	page, err := pageAsked(p.variables, f)
	if err != nil {
		return
	}
	if read, _ := in.page(pageKeyOf(p.root, page), parent.(*redline.Supplier).ID); read != nil {
		for _, item := range read.Items {
			tell(item)
		}
	}
}
