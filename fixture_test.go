package redline_test

import (
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redline"
)

// Two suppliers and the shop that the tests are about.
const (
	acme   = "acme"
	globex = "globex"
	issuer = "https://issuer.example"
	shop   = "shop"
	buyer  = "C-7"
)

// placedAt is when the orders of the tests are placed.
var placedAt = time.Date(2025, 3, 1, 9, 0, 0, 0, time.UTC)

// as makes a principal of a role with the role's own scopes.
func as(role redline.Role, suppliers ...string) redline.Principal {
	p := redline.Principal{
		Issuer: issuer, Subject: fmt.Sprintf("%s %v", role, suppliers), Role: role,
		Scopes: redline.DefaultScopes(role), Suppliers: suppliers,
	}
	switch role {
	case redline.RoleStorefront:
		p.Subject = shop
	case redline.RoleCustomer:
		p.Customer = buyer
	}
	return p
}

// narrowed is a principal whose token names its scopes.
func narrowed(p redline.Principal, scopes ...string) redline.Principal {
	p.Scopes = scopes
	return p
}

// everybody is one principal of each kind that acts differently.
func everybody() []redline.Principal {
	return []redline.Principal{
		redline.Anonymous(),
		as(redline.RoleStorefront),
		as(redline.RoleCustomer),
		narrowed(as(redline.RoleCustomer), redline.ScopeOrdersRead),
		as(redline.RoleSupplier, acme),
		as(redline.RoleSupplier, globex),
		as(redline.RoleSupplier, acme, globex),
		as(redline.RoleSupplier),
		narrowed(as(redline.RoleSupplier, acme), redline.ScopeOrdersRead),
		as(redline.RoleOperator),
		narrowed(as(redline.RoleOperator), redline.ScopeOrdersRead, redline.ScopeOrdersManage),
		narrowed(as(redline.RoleOperator), redline.ScopeOrdersRead, redline.ScopeFulfillmentsWrite),
		as(redline.RoleAdmin),
	}
}

func ptr[T any](v T) *T { return &v }

func money(t interface{ Fatalf(string, ...any) }, s string) *redline.Money {
	d, err := redline.ParseDecimal(s)
	if err != nil {
		t.Fatalf("ParseDecimal(%q): %v", s, err)
	}
	return &redline.Money{Amount: d, Currency: "EUR"}
}

// newOrder is an order without lines, with all that a supplier must not see.
func newOrder(t interface{ Fatalf(string, ...any) }) *redline.Order {
	return &redline.Order{
		ID: redline.NewID(redline.PrefixOrder), Number: "R-1", OwnerIssuer: issuer, OwnerSubject: shop,
		ExternalReference: ptr("shop-reference"),
		Customer:          &redline.Customer{ID: ptr(buyer), Name: ptr("Ana Trujillo"), Email: ptr("ana@example.com")},
		Total:             money(t, "31.50"),
		ShipTo:            &redline.Address{Name: ptr("Ana Trujillo"), Lines: []string{"Avda. de la Constitución 2222"}, City: "México D.F.", Country: "MX"},
		Version:           1, PlacedAt: placedAt, UpdatedAt: placedAt,
		Status:  redline.OrderPending,
		History: []*redline.OrderStatusChange{{To: redline.OrderPending, Actor: ptr(shop), At: placedAt}},
	}
}

// addLine adds a line of which some is backordered; parts add what is open.
func addLine(t interface{ Fatalf(string, ...any) }, o *redline.Order, product string, backordered int) {
	l := &redline.OrderLine{
		ID: fmt.Sprintf("line %d", len(o.Lines)), OrderID: o.ID, ProductID: product, Quantity: backordered, Backordered: backordered,
		UnitPrice: money(t, "2.10"), Discount: money(t, "0"), Total: money(t, "31.50"),
		Product: &redline.Product{ID: product},
	}
	o.Lines = append(o.Lines, l)
}

// addPart adds a part at a location of ours, or of a supplier, which holds the
// given quantities of the order's lines, by their place. Lines of 0 are left
// out.
func addPart(o *redline.Order, location, supplier string, quantities ...int) *redline.FulfillmentOrder {
	f := &redline.FulfillmentOrder{
		ID: "part at " + location, OrderID: o.ID, LocationID: location, Status: redline.PartSubmitted, Version: 1,
		SubmittedAt: placedAt, Order: o, ShipTo: o.ShipTo,
	}
	if supplier != "" {
		f.SupplierID, f.SupplierCode = ptr("id of "+supplier), &supplier
	}
	for i, n := range quantities {
		if n == 0 {
			continue
		}
		line := o.Lines[i]
		line.Quantity += n
		line.Open += n
		f.Lines = append(f.Lines, &redline.FulfillmentOrderLine{
			ID: f.ID + ", " + line.ID, FulfillmentOrderID: f.ID, OrderLineID: line.ID, Quantity: n, OrderLine: line,
		})
	}
	o.FulfillmentOrders = append(o.FulfillmentOrders, f)
	return f
}

// places are where the tests' orders are fulfilled.
var places = []struct{ location, supplier string }{{"east", ""}, {"west", ""}, {"acme's", acme}, {"globex's", globex}}

// sources are the places, without stock.
func sources() (all []redline.Source) {
	for _, p := range places {
		s := redline.Source{LocationID: p.location, Code: p.location, Kind: redline.LocationWarehouse}
		if p.supplier != "" {
			s.Kind, s.SupplierID, s.SupplierCode, s.AcknowledgeWithin = redline.LocationSupplier, ptr("id of "+p.supplier), &p.supplier, time.Hour
		}
		all = append(all, s)
	}
	return all
}

// drawOrder draws an order that was just placed: some lines, parts at some of
// four locations, and some of it backordered.
func drawOrder(t *rapid.T) *redline.Order {
	o := newOrder(t)
	for i := range rapid.IntRange(1, 3).Draw(t, "lines") {
		product := rapid.SampledFrom([]string{"hot sauce", "chai"}).Draw(t, "product")
		addLine(t, o, product, rapid.IntRange(0, 4).Draw(t, fmt.Sprintf("backordered of line %d", i)))
	}
	o.AllowStale = rapid.Bool().Draw(t, "may take what is stale")
	if rapid.Bool().Draw(t, "from one place") {
		o.Lines[0].LocationID = ptr(rapid.SampledFrom(places).Draw(t, "place").location)
	}
	for _, at := range places {
		if !rapid.Bool().Draw(t, "a part at "+at.location) {
			continue
		}
		quantities := rapid.SliceOfN(rapid.IntRange(0, 5), len(o.Lines), len(o.Lines)).Draw(t, "quantities")
		for _, n := range quantities {
			if n > 0 {
				addPart(o, at.location, at.supplier, quantities...)
				break
			}
		}
	}
	for _, l := range o.Lines {
		if l.Quantity == 0 {
			l.Quantity, l.Backordered = 1, 1
		}
	}
	o.Status = o.RollUp()
	return o
}

// clone copies an order and everything in it that a transition could change.
func clone(o *redline.Order) *redline.Order {
	c := *o
	c.Lines, c.FulfillmentOrders, c.History = nil, nil, nil
	lines := map[*redline.OrderLine]*redline.OrderLine{}
	for _, l := range o.Lines {
		lines[l] = ptr(*l)
		c.Lines = append(c.Lines, lines[l])
	}
	for _, f := range o.FulfillmentOrders {
		part := *f
		part.Order, part.Lines, part.Fulfillments = &c, nil, part.Fulfillments[:0:0]
		for _, l := range f.Lines {
			line := *l
			if l.Accepted != nil {
				line.Accepted = ptr(*l.Accepted)
			}
			line.OrderLine = lines[l.OrderLine]
			part.Lines = append(part.Lines, &line)
		}
		for _, s := range f.Fulfillments {
			shipment := *s
			shipment.Lines = nil
			for _, l := range s.Lines {
				shipment.Lines = append(shipment.Lines, ptr(*l))
			}
			part.Fulfillments = append(part.Fulfillments, &shipment)
		}
		c.FulfillmentOrders = append(c.FulfillmentOrders, &part)
	}
	for _, h := range o.History {
		c.History = append(c.History, ptr(*h))
	}
	return &c
}

// mustEqual compares deeply.
func mustEqual(t interface{ Fatalf(string, ...any) }, got, want any, format string, args ...any) {
	if h, ok := t.(testing.TB); ok {
		h.Helper()
	}
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %+v, want %+v", fmt.Sprintf(format, args...), got, want)
	}
}

// domainError is the domain error that err has to be.
func domainError(t interface{ Fatalf(string, ...any) }, err error) *redline.Error {
	if h, ok := t.(testing.TB); ok {
		h.Helper()
	}
	var e *redline.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an error of the domain", err)
	}
	return e
}
