package graph

import (
	"github.com/99designs/gqlgen/graphql"

	"redline"
	"redline/graph/scalar"
)

// What relations want of the batch, where it is more than a line.

func productOfLevel(l *redline.InventoryLevel) (string, **redline.Product) {
	return l.ProductID, &l.Product
}

func locationOfLevel(l *redline.InventoryLevel) (string, **redline.Location) {
	return l.LocationID, &l.Location
}

// wantProduct asks for the product of each parent that has none yet. Whoever
// selects no more than the id, or than an event tells of its own product,
// needs no look.
func wantProduct[P any](of func(*P) (id string, place **redline.Product)) func(*batch, []any, graphql.CollectedField) {
	return func(b *batch, parents []any, f graphql.CollectedField) {
		info := b.contract.types["Product"]
		idOnly := selectsOnly(b.op, f.Selections, info, "id")
		asTold := b.event != nil && b.event.Level != nil && selectsOnly(b.op, f.Selections, info, "id", "sku", "category", "active")
		for _, o := range parents {
			id, place := of(o.(*P))
			switch {
			case *place != nil:
			case asTold && b.event.Level.Level.ProductID == id:
				e := b.event.Level
				b.stub(place, &redline.Product{ID: id, SKU: e.SKU, Category: e.Category, Active: e.Active})
			case idOnly:
				b.stub(place, &redline.Product{ID: id})
			default:
				b.product(id, func(p *redline.Product) { *place = p })
			}
		}
	}
}

// stub gives a product of which no more is known than is asked for, unless
// somebody else asks for the whole of it.
func (b *batch) stub(place **redline.Product, stub *redline.Product) {
	b.stubs[stub] = true
	b.known = append(b.known, func() {
		if *place == nil {
			*place = stub
		}
	})
}

// wantLocation is for locations what wantProduct is for products.
func wantLocation[P any](of func(*P) (id string, place **redline.Location)) func(*batch, []any, graphql.CollectedField) {
	return func(b *batch, parents []any, f graphql.CollectedField) {
		info := b.contract.types["Location"]
		idOnly := selectsOnly(b.op, f.Selections, info, "id")
		asTold := b.event != nil && b.event.Level != nil && selectsOnly(b.op, f.Selections, info, "id", "code")
		for _, o := range parents {
			id, place := of(o.(*P))
			if *place != nil {
				continue
			}
			stub := &redline.Location{ID: id}
			switch {
			case asTold && b.event.Level.Level.LocationID == id:
				stub.Code = b.event.Level.LocationCode
			case !idOnly:
				b.location(id, func(l *redline.Location) { *place = l })
				continue
			}
			b.known = append(b.known, func() {
				if *place == nil {
					*place = stub
				}
			})
		}
	}
}

// wantSupplier asks for the supplier of each parent that has one to come.
func wantSupplier[P any](of func(*P) (id *string, place **redline.Supplier)) func(*batch, []any, graphql.CollectedField) {
	return each(func(b *batch, parent *P) {
		if id, place := of(parent); id != nil && *place == nil {
			b.supplier(*id, func(s *redline.Supplier) { *place = s })
		}
	})
}

var wantParts = each(func(b *batch, o *redline.Order) {
	if o.FulfillmentOrders == nil && b.event == nil {
		b.order(o, redline.OrderParts{Parts: true})
	}
})

var wantHistory = each(func(b *batch, o *redline.Order) {
	switch {
	case o.History != nil:
	case b.event != nil:
		b.histories = append(b.histories, o)
	default:
		b.order(o, redline.OrderParts{History: true})
	}
})

// wantCustomer asks for a customer's name, which events don't carry.
func wantCustomer(b *batch, parents []any, f graphql.CollectedField) {
	if b.event == nil || selectsOnly(b.op, f.Selections, b.contract.types["Customer"], "id") {
		return
	}
	for _, parent := range parents {
		if o := parent.(*redline.Order); o.Customer != nil {
			b.customers = append(b.customers, o)
		}
	}
}

// wantAddress asks for an address, which events don't carry.
var wantAddress = each(func(b *batch, f *redline.FulfillmentOrder) {
	if b.event != nil {
		b.addresses = append(b.addresses, f)
	}
})

// wantItems asks for a page of each supplier's items.
func wantItems(b *batch, parents []any, f graphql.CollectedField) {
	page, ok := itemsPage(b.op, f)
	if !ok {
		return
	}
	for _, o := range parents {
		b.supplierItems(page, o.(*redline.Supplier).ID)
	}
}

// itemsRead tells the items that wantItems had read.
func itemsRead(p *preloader, parent any, f graphql.CollectedField, tell func(any)) {
	page, ok := itemsPage(p.op, f)
	if !ok {
		return
	}
	if read, _ := p.answer.keptItems(itemsKeyOf(page), parent.(*redline.Supplier).ID); read != nil {
		for _, item := range read.Items {
			tell(item)
		}
	}
}

// itemsPage reads the arguments of Supplier.items. ok is false where they can't
// be read; the field itself says so.
func itemsPage(op *graphql.OperationContext, f graphql.CollectedField) (page redline.PageRequest, ok bool) {
	args := f.ArgumentMap(op.Variables)
	if v := args["first"]; v != nil {
		n, err := scalar.UnmarshalInt(v)
		if err != nil {
			return page, false
		}
		page.First = &n
	}
	if v := args["after"]; v != nil {
		s, err := scalar.UnmarshalString(v)
		if err != nil {
			return page, false
		}
		page.After = &s
	}
	page.Count = selects(op, f.Selections, f.Definition.Type.Name(), "totalCount")
	return page, true
}
