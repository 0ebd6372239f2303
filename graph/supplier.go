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
// for those who may know it, and what it offers has pages.

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
	if w.items.field != f {
		page, err := itemsPage(w.op.Variables, f)
		w.items = itemsRequest{field: f, key: itemsKeyOf(w.path[0].field, page), err: err}
	}
	place := func() string { return w.place(f) }
	if w.items.err != nil {
		return w.answer.refusedItems(w.items.err, place)
	}
	return w.answer.shownItems(w.items.key, s.ID, place)
}

// itemsRequest is a field's request for suppliers' items, or why it can't be read.
type itemsRequest struct {
	field *field
	key   itemsKey
	err   error
}

// shownItems is a page of a supplier's items, which was read with those of all
// other suppliers of the answer. Arguments that are refused are told of once.
func (a *answer) shownItems(k itemsKey, supplierID string, place func() string) (*model.SupplierItemConnection, error) {
	page, refused := a.keptItems(k, supplierID)
	switch {
	case page != nil:
		return &model.SupplierItemConnection{Page: page}, nil
	case refused == nil:
		return nil, fmt.Errorf("the items of the supplier %s were not read", supplierID)
	}
	return a.refusedItems(refused, place)
}

// refusedItems is what is shown where a request for items is refused: null, and
// why where it wasn't told yet.
func (a *answer) refusedItems(refused error, place func() string) (*model.SupplierItemConnection, error) {
	if a.toldBefore(place()) {
		return nil, nil
	}
	return nil, refused
}

// itemsPage reads the arguments of Supplier.items.
func itemsPage(variables map[string]any, f *field) (page redline.PageRequest, err error) {
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

// wantItems asks for a page of each supplier's items. Where the arguments can't
// be read, the field itself says so.
func wantItems(b *batch, parents []any, f *field) {
	page, err := itemsPage(b.variables, f)
	if err != nil {
		return
	}
	for _, o := range parents {
		b.supplierItems(page, o.(*redline.Supplier).ID)
	}
}

// itemsRead tells the items that wantItems had read.
func itemsRead(p *preloader, parent any, f *field, tell func(any)) {
	page, err := itemsPage(p.variables, f)
	if err != nil {
		return
	}
	if read, _ := p.answer.keptItems(itemsKeyOf(p.root, page), parent.(*redline.Supplier).ID); read != nil {
		for _, item := range read.Items {
			tell(item)
		}
	}
}
