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
		"feeds":      {want: wantFeeds, page: feedsRead},
		"lastSeenAt": {want: wantStanding},
		"status":     {want: wantStanding},
		"terms":      {want: wantStanding, next: one(termsOf)},
	},
	"SupplierItem": {
		"supplier": {next: one(func(i *redline.SupplierItem) *redline.Supplier { return i.Supplier })},
		"product": {
			products: true,
			want:     wantProduct(func(i *redline.SupplierItem) (string, **redline.Product) { return i.ProductID, &i.Product }),
			next:     one(func(i *redline.SupplierItem) *redline.Product { return i.Product }),
		},
		"versions": {
			want: each(func(b *batch, i *redline.SupplierItem) {
				if i.Versions == nil {
					b.versions = append(b.versions, i)
				}
			}),
			owned: true, next: many(func(i *redline.SupplierItem) []*redline.SupplierItemVersion { return i.Versions }),
		},
	},
	"SupplierItemVersion": {
		"product": {
			products: true,
			want:     wantProduct(func(v *redline.SupplierItemVersion) (string, **redline.Product) { return v.ProductID, &v.Product }),
			next:     one(func(v *redline.SupplierItemVersion) *redline.Product { return v.Product }),
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

	"Reservation": {"lines": {owned: true, next: many(func(r *redline.Reservation) []*redline.ReservationLine { return r.Lines })}},
	"ReservationLine": {
		"product": {
			products: true,
			want:     wantProduct(func(l *redline.ReservationLine) (string, **redline.Product) { return l.ProductID, &l.Product }),
			next:     one(func(l *redline.ReservationLine) *redline.Product { return l.Product }),
		},
		"location": {
			want: wantLocation(func(l *redline.ReservationLine) (string, **redline.Location) { return l.LocationID, &l.Location }),
			next: one(func(l *redline.ReservationLine) *redline.Location { return l.Location }),
		},
	},

	"Order": {
		"lines": {
			want: each(func(b *batch, o *redline.Order) {
				if o.Lines == nil && !b.told(o) {
					b.order(o, redline.OrderParts{Lines: true})
				}
			}),
			owned: true, next: many(func(o *redline.Order) []*redline.OrderLine { return o.Lines }),
		},
		"fulfillmentOrders": {
			want:  wantParts,
			owned: true, next: many(func(o *redline.Order) []*redline.FulfillmentOrder { return o.FulfillmentOrders }),
		},
		"returns": {
			want: each(func(b *batch, o *redline.Order) {
				if o.Returns == nil && !b.told(o) {
					b.order(o, redline.OrderParts{Returns: true})
				}
			}),
			owned: true, next: many(func(o *redline.Order) []*redline.Return { return o.Returns }),
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
	"Return": {
		"order": {next: one(func(r *redline.Return) *redline.Order { return r.Order })},
		"lines": {owned: true, next: many(func(r *redline.Return) []*redline.ReturnLine { return r.Lines })},
	},
	"ReturnLine": {"orderLine": {next: one(func(l *redline.ReturnLine) *redline.OrderLine { return l.OrderLine })}},

	"Conflict": {
		"supplier": {
			want: wantSupplier(func(c *redline.Conflict) (*string, **redline.Supplier) { return c.SupplierID, &c.Supplier }),
			next: one(func(c *redline.Conflict) *redline.Supplier { return c.Supplier }),
		},
		"subject": {
			want: each(func(b *batch, c *redline.Conflict) {
				if c.SubjectID != nil && c.Subject == nil {
					b.subjects = append(b.subjects, c)
				}
			}),
			next: func(parent any, tell func(any)) {
				if subject := parent.(*redline.Conflict).Subject; subject != nil {
					tell(subject)
				}
			},
		},
	},

	"Client": {
		"suppliers": {next: many(func(c *redline.Client) []*redline.Supplier { return c.Suppliers })},
		"secrets":   {owned: true, next: many(func(c *redline.Client) []*redline.ClientSecret { return c.Secrets })},
	},

	"Viewer": {"suppliers": {next: many(func(v *model.Viewer) []*redline.Supplier { return v.Suppliers })}},
	"InventoryPayload": {
		"rows":       {owned: true, next: many(func(p *model.InventoryPayload) []*model.InventoryRow { return p.Rows })},
		"userErrors": {owned: true, next: errorsOf(func(p *model.InventoryPayload) []model.UserError { return p.UserErrors })},
	},
	"InventoryRow": {
		"level":      {want: wantLevel, owned: true, next: one(func(r *model.InventoryRow) *redline.InventoryLevel { return r.Level })},
		"userErrors": {owned: true, next: errorsOf(func(r *model.InventoryRow) []model.UserError { return r.UserErrors })},
	},
	"OrderPayload":            payloadOf[redline.Order]("order"),
	"FulfillmentOrderPayload": payloadOf[redline.FulfillmentOrder]("fulfillmentOrder"),
	"SupplierFeedPayload": {
		"conflicts":  {owned: true, next: many(func(p *model.SupplierFeedPayload) []*redline.Conflict { return p.Conflicts })},
		"rows":       {owned: true, next: many(func(p *model.SupplierFeedPayload) []*model.InventoryRow { return p.Rows })},
		"userErrors": {owned: true, next: errorsOf(func(p *model.SupplierFeedPayload) []model.UserError { return p.UserErrors })},
	},
	"ReservationPayload":  payloadOf[redline.Reservation]("reservation"),
	"ReturnPayload":       payloadOf[redline.Return]("return"),
	"SupplierItemPayload": payloadOf[redline.SupplierItem]("supplierItem"),
	"SupplierPayload":     payloadOf[redline.Supplier]("supplier"),
	"ConflictPayload":     payloadOf[redline.Conflict]("conflict"),
	"ClientPayload":       payloadOf[redline.Client]("client"),
	"InsufficientStock":   {"product": {next: one(func(e *model.InsufficientStock) *redline.Product { return e.Product })}},

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
	"ConflictEvent": {"conflict": {next: one(func(e *model.ConflictEvent) *redline.Conflict { return e.Of })}},
}

// freshAvailability is Product.availability without what is stale.
var freshAvailability = relation{
	want: each(func(b *batch, p *redline.Product) {
		if p.Availability == nil {
			b.availability = append(b.availability, p)
		}
		if p.Fresh == nil {
			b.known = append(b.known, func() { p.Fresh = p.Availability.Fresh() })
		}
	}),
	owned: true, next: one(func(p *redline.Product) *redline.ProductAvailability { return p.Fresh }),
}

// payloadOf are the relations of a payload that shows one object.
func payloadOf[T any](field string) map[string]relation {
	return map[string]relation{
		field:        {next: one(func(p *model.Payload[T]) *T { return p.Now })},
		"userErrors": {owned: true, next: errorsOf(func(p *model.Payload[T]) []model.UserError { return p.UserErrors })},
	}
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
