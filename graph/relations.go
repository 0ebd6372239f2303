package graph

import (
	"redline"
	"redline/graph/model"
)

// relations are the fields of each type that lead to other objects, and what
// has to be read for them.
var relations = map[string]map[string]relation{
	"Product": {
		"availability": {
			want: each(func(b *batch, p *redline.Product) {
				if p.Availability == nil {
					b.availability = append(b.availability, p)
				}
			}),
			owned: true, next: one(func(p *redline.Product) *redline.ProductAvailability { return p.Availability }),
		},
		"inventory": {
			want: each(func(b *batch, p *redline.Product) {
				if p.Inventory == nil {
					b.levels = append(b.levels, p)
				}
			}),
			owned: true, next: one(func(p *redline.Product) *redline.ProductInventory { return p.Inventory }),
		},
		"supplierItems": {
			want: each(func(b *batch, p *redline.Product) {
				if p.SupplierItems == nil {
					b.items = append(b.items, p)
				}
			}),
			owned: true, next: many(func(p *redline.Product) []*redline.SupplierItem { return p.SupplierItems }),
		},
	},
	"ProductAvailability": {
		"locations": {owned: true, next: many(func(a *redline.ProductAvailability) []*redline.LocationAvailability { return a.Locations })},
	},
	"LocationAvailability": {
		"location": {next: one(func(a *redline.LocationAvailability) *redline.Location { return a.Location })},
	},
	"ProductInventory": {
		"levels": {owned: true, next: many(func(i *redline.ProductInventory) []*redline.InventoryLevel { return i.Levels })},
	},
	"Supplier": {
		"items":      {want: wantItems, page: itemsRead},
		"lastSeenAt": {want: each(func(b *batch, s *redline.Supplier) { b.lastSeen = append(b.lastSeen, s) })},
	},
	"SupplierItem": {
		"supplier": {next: one(func(i *redline.SupplierItem) *redline.Supplier { return i.Supplier })},
		"product": {
			products: true,
			want:     wantProduct(func(i *redline.SupplierItem) (string, **redline.Product) { return i.ProductID, &i.Product }),
			next:     one(func(i *redline.SupplierItem) *redline.Product { return i.Product }),
		},
	},
	"Location": {
		"supplier": {
			want: wantSupplier(func(l *redline.Location) (*string, **redline.Supplier) { return l.SupplierID, &l.Supplier }),
			next: one(func(l *redline.Location) *redline.Supplier { return l.Supplier }),
		},
	},
	"InventoryLevel": {
		"product": {
			products: true,
			want:     wantProduct(productOfLevel),
			next:     one(func(l *redline.InventoryLevel) *redline.Product { return l.Product }),
		},
		"location": {
			want: wantLocation(locationOfLevel),
			next: one(func(l *redline.InventoryLevel) *redline.Location { return l.Location }),
		},
	},
	"InventoryMovement": {
		"product": {
			products: true,
			want:     wantProduct(func(m *redline.InventoryMovement) (string, **redline.Product) { return m.ProductID, &m.Product }),
			next:     one(func(m *redline.InventoryMovement) *redline.Product { return m.Product }),
		},
		"location": {next: one(func(m *redline.InventoryMovement) *redline.Location { return m.Location })},
	},
	"Availability": {
		"product":  {next: one(func(a *redline.Availability) *redline.Product { return a.Product })},
		"promises": {owned: true, next: many(func(a *redline.Availability) []*redline.Promise { return a.Promises })},
	},
	"Promise": {"location": {next: one(func(p *redline.Promise) *redline.Location { return p.Location })}},

	"Order": {
		"lines": {
			want: each(func(b *batch, o *redline.Order) {
				if o.Lines == nil && b.event == nil {
					b.order(o, redline.OrderParts{Lines: true})
				}
			}),
			owned: true, next: many(func(o *redline.Order) []*redline.OrderLine { return o.Lines }),
		},
		"fulfillmentOrders": {
			want:  wantParts,
			owned: true, next: many(func(o *redline.Order) []*redline.FulfillmentOrder { return o.FulfillmentOrders }),
		},
		"nextStatuses": {want: wantParts},
		"history":      {want: wantHistory},
		"customer":     {want: wantCustomer},
	},
	"OrderLine": {
		"product": {
			products: true,
			want:     wantProduct(func(l *redline.OrderLine) (string, **redline.Product) { return l.ProductID, &l.Product }),
			next:     one(func(l *redline.OrderLine) *redline.Product { return l.Product }),
		},
	},
	"FulfillmentOrder": {
		"order": {next: one(func(f *redline.FulfillmentOrder) *redline.Order { return f.Order })},
		"location": {
			want: wantLocation(func(f *redline.FulfillmentOrder) (string, **redline.Location) { return f.LocationID, &f.Location }),
			next: one(func(f *redline.FulfillmentOrder) *redline.Location { return f.Location }),
		},
		"supplier": {
			want: wantSupplier(func(f *redline.FulfillmentOrder) (*string, **redline.Supplier) { return f.SupplierID, &f.Supplier }),
			next: one(func(f *redline.FulfillmentOrder) *redline.Supplier { return f.Supplier }),
		},
		"lines":        {owned: true, next: many(func(f *redline.FulfillmentOrder) []*redline.FulfillmentOrderLine { return f.Lines })},
		"fulfillments": {owned: true, next: many(func(f *redline.FulfillmentOrder) []*redline.Fulfillment { return f.Fulfillments })},
		"shipTo":       {want: wantAddress},
	},
	"FulfillmentOrderLine": {
		"orderLine": {next: one(func(l *redline.FulfillmentOrderLine) *redline.OrderLine { return l.OrderLine })},
	},
	"Fulfillment":     {"lines": {owned: true, next: many(func(s *redline.Fulfillment) []*redline.FulfillmentLine { return s.Lines })}},
	"FulfillmentLine": {"orderLine": {next: one(func(l *redline.FulfillmentLine) *redline.OrderLine { return l.OrderLine })}},

	"Viewer": {"suppliers": {next: many(func(v *model.Viewer) []*redline.Supplier { return v.Suppliers })}},
	"InventoryPayload": {
		"rows":       {owned: true, next: many(func(p *model.InventoryPayload) []*model.InventoryRow { return p.Rows })},
		"userErrors": {owned: true, next: errorsOf(func(p *model.InventoryPayload) []model.UserError { return p.UserErrors })},
	},
	"InventoryRow": {
		"level":      {owned: true, next: one(func(r *model.InventoryRow) *redline.InventoryLevel { return r.Level })},
		"userErrors": {owned: true, next: errorsOf(func(r *model.InventoryRow) []model.UserError { return r.UserErrors })},
	},
	"OrderPayload": {
		"order":      {next: one(func(p *model.OrderPayload) *redline.Order { return p.Now })},
		"userErrors": {owned: true, next: errorsOf(func(p *model.OrderPayload) []model.UserError { return p.UserErrors })},
	},
	"FulfillmentOrderPayload": {
		"fulfillmentOrder": {next: one(func(p *model.FulfillmentOrderPayload) *redline.FulfillmentOrder { return p.Now })},
		"userErrors":       {owned: true, next: errorsOf(func(p *model.FulfillmentOrderPayload) []model.UserError { return p.UserErrors })},
	},
	"InsufficientStock": {"product": {next: one(func(e *model.InsufficientStock) *redline.Product { return e.Product })}},

	"AvailabilityEvent": {
		"product": {
			products: true,
			want:     wantProduct(func(e *model.AvailabilityEvent) (string, **redline.Product) { return productOfLevel(e.Of) }),
			next:     one(func(e *model.AvailabilityEvent) *redline.Product { return e.Of.Product }),
		},
		"location": {
			want: wantLocation(func(e *model.AvailabilityEvent) (string, **redline.Location) { return locationOfLevel(e.Of) }),
			next: one(func(e *model.AvailabilityEvent) *redline.Location { return e.Of.Location }),
		},
	},
	"InventoryEvent": {"level": {next: one(func(e *model.InventoryEvent) *redline.InventoryLevel { return e.Of })}},
	"OrderEvent": {
		"order":            {next: one(func(e *model.OrderEvent) *redline.Order { return e.Of })},
		"fulfillmentOrder": {next: one(func(e *model.OrderEvent) *redline.FulfillmentOrder { return e.Part })},
	},
}

// one, many and errorsOf make the next of a relation.

func one[P, C any](get func(*P) *C) func(any, func(any)) {
	return func(parent any, tell func(any)) {
		if c := get(parent.(*P)); c != nil {
			tell(c)
		}
	}
}

func many[P, C any](get func(*P) []*C) func(any, func(any)) {
	return func(parent any, tell func(any)) {
		for _, c := range get(parent.(*P)) {
			if c != nil {
				tell(c)
			}
		}
	}
}

func errorsOf[P any](get func(*P) []model.UserError) func(any, func(any)) {
	return func(parent any, tell func(any)) {
		for _, e := range get(parent.(*P)) {
			tell(e)
		}
	}
}

// each makes the want of a relation that looks at one parent at a time.
func each[P any](want func(*batch, *P)) func(*batch, []any, *field) {
	return func(b *batch, parents []any, _ *field) {
		for _, o := range parents {
			want(b, o.(*P))
		}
	}
}
