package graph

import (
	"slices"

	"redline"
	"redline/graph/model"
)

// What relations want of the batch, where it is more than a line.

func productOfLevel(l *redline.InventoryLevel) (string, **redline.Product) {
	return l.ProductID, &l.Product
}

func locationOfLevel(l *redline.InventoryLevel) (string, **redline.Location) {
	return l.LocationID, &l.Location
}

// wantProduct asks for the product of each parent that has none yet, or less of
// it than is asked for. Whoever selects no more than the id, or than an event
// tells of its own product, needs no look.
func wantProduct[P any](of func(*P) (id string, place **redline.Product)) func(*batch, []any, *field) {
	return func(b *batch, parents []any, f *field) {
		idOnly := f.of.asksOnly("id")
		asTold := f.of.asksOnly("id", "sku", "category", "active")
		for _, o := range parents {
			id, place := of(o.(*P))
			told := b.levelTold(func(l *redline.InventoryLevel) bool { return l.ProductID == id })
			enough := idOnly || told != nil && asTold
			switch {
			case *place != nil && (enough || !b.stubs[*place]):
			case enough:
				stub := &redline.Product{ID: id}
				if told != nil {
					stub.SKU, stub.Category, stub.Active = told.SKU, told.Category, told.Active
				}
				giveStub(b, id, place, stub)
			default:
				*place = nil // and not less than is asked for, where there is none
				b.product(id, func(p *redline.Product) { *place = p })
			}
		}
	}
}

// giveStub gives an object of which no more is known than is asked for, unless
// somebody else asks for the whole of it, or it turned out not to be there. It is told from a whole one
// afterwards: the plan may come back to its place, and ask for more there.
func giveStub[T any](b *batch, id string, place **T, stub *T) {
	if b.stubs == nil {
		b.stubs = map[any]bool{}
	}
	b.stubs[stub] = true
	b.known = append(b.known, func() {
		if *place == nil && !b.missing[id] {
			*place = stub
		}
	})
}

// wantLocation is for locations what wantProduct is for products.
func wantLocation[P any](of func(*P) (id string, place **redline.Location)) func(*batch, []any, *field) {
	return func(b *batch, parents []any, f *field) {
		idOnly := f.of.asksOnly("id")
		asTold := f.of.asksOnly("id", "code")
		for _, o := range parents {
			id, place := of(o.(*P))
			told := b.levelTold(func(l *redline.InventoryLevel) bool { return l.LocationID == id })
			enough := idOnly || told != nil && asTold
			switch {
			case *place != nil && (enough || !b.stubs[*place]):
			case enough:
				stub := &redline.Location{ID: id}
				if told != nil {
					stub.Code = told.LocationCode
				}
				giveStub(b, id, place, stub)
			default:
				*place = nil
				b.location(id, func(l *redline.Location) { *place = l })
			}
		}
	}
}

// wantSupplier asks for the supplier of each parent that has one to come.
func wantSupplier[P any](of func(*P) (id *string, place **redline.Supplier)) func(*batch, []any, *field) {
	return each(func(b *batch, parent *P) {
		if id, place := of(parent); id != nil && *place == nil {
			b.supplier(*id, func(s *redline.Supplier) { *place = s })
		}
	})
}

// levelTold finds among the events under way the newest of a level, nil where
// there is none.
func (b *batch) levelTold(which func(*redline.InventoryLevel) bool) *redline.LevelEvent {
	for _, e := range slices.Backward(b.events) {
		if e.Level != nil && which(&e.Level.Level) {
			return e.Level
		}
	}
	return nil
}

// told reports whether an order is that of an event under way: there is no more
// of it than the event tells.
func (b *batch) told(o *redline.Order) bool {
	return slices.ContainsFunc(b.events, func(e *redline.Event) bool { return e.Order != nil && e.Order.Order.ID == o.ID })
}

var wantParts = each(func(b *batch, o *redline.Order) {
	if o.FulfillmentOrders == nil && !b.told(o) {
		b.order(o, redline.OrderParts{Parts: true})
	}
})

var wantHistory = each(func(b *batch, o *redline.Order) {
	switch {
	case o.History != nil:
	case b.told(o):
		b.histories = append(b.histories, o)
	default:
		b.order(o, redline.OrderParts{History: true})
	}
})

// wantCustomer asks for a customer's name, which events don't carry.
func wantCustomer(b *batch, parents []any, f *field) {
	if f.of.asksOnly("id") {
		return
	}
	for _, parent := range parents {
		if o := parent.(*redline.Order); o.Customer != nil && b.told(o) {
			b.customers = append(b.customers, o)
		}
	}
}

// wantStanding asks how suppliers stand with us.
var wantStanding = each(func(b *batch, s *redline.Supplier) {
	if s.Standing == nil {
		b.standings = append(b.standings, s)
	}
})

// wantLevel asks for the level of a feed's row.
var wantLevel = each(func(b *batch, r *model.InventoryRow) {
	if r.Level == nil && r.LevelID != "" {
		b.rows = append(b.rows, r)
	}
})

// wantAddress asks for an address, which events don't carry.
var wantAddress = each(func(b *batch, f *redline.FulfillmentOrder) {
	if len(b.events) > 0 && b.events[0].Order != nil {
		b.addresses = append(b.addresses, f)
	}
})
