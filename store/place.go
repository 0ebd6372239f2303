package store

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"redline"
)

const (
	// linesMax is how many lines one order may have.
	linesMax = 500
	// nameMax is the longest name, city or reference, in bytes.
	nameMax = 200
)

// OrderPlace places an order: what is available is committed, and the order
// split into a part for each location, in one transaction. It is refused where
// a line can't be served, unless backorders are allowed. Orders that arrive
// together share a transaction, each with its own outcome. One that takes a
// reservation over has one of its own, and gets what that holds.
//
// It answers the order's id, and in the outcome of an order that was placed just
// now the order itself, whole, as the principal may see it.
func (s *Store) OrderPlace(ctx context.Context, p redline.Principal, in redline.OrderPlaceInput) (string, redline.Outcome, error) {
	c := newCall(ctx, p, request{action: "orderPlace", key: &in.IdempotencyKey, input: in})
	if in.ReservationID != nil {
		c.subject = *in.ReservationID
		s.settle(ctx, []*call{c}, 0, takeOver)
	} else if err := s.placements.do(ctx, c, len(in.Lines)); err != nil {
		return "", redline.Outcome{}, err
	}
	id, outcome, err := outcomeOf[string](ctx, s, c)
	if o, ok := c.shows.(*redline.Order); ok && err == nil {
		outcome.Order = o
	}
	return id, outcome, err
}

// place places the orders of calls in one transaction.
func (s *Store) place(calls []*call, answered func(i int)) {
	listen(calls, answered)
	s.settle(context.Background(), calls, 0, (&placing{}).place)
}

// placement is an order being placed.
type placement struct {
	wanted
	in    redline.OrderPlaceInput
	order *redline.Order
}

func newPlacement(m *mutation, in redline.OrderPlaceInput) *placement {
	w := wanted{mutation: m, lines: in.Lines, allowBackorder: in.AllowBackorder, allowStale: in.AllowStale}
	return &placement{wanted: w, in: in}
}

// checkPlacement checks what needs no database, and fills in the customer's own
// id where a customer orders.
func checkPlacement(p redline.Principal, in *redline.OrderPlaceInput) error {
	switch {
	case in.ReservationID != nil && in.Lines != nil:
		return redline.Invalid([]string{"reservationId"}, "an order has either lines or a reservation that it takes over")
	case in.ReservationID == nil && (len(in.Lines) < 1 || len(in.Lines) > linesMax):
		return redline.Invalid([]string{"lines"}, "an order has 1 to %d lines, not %d, or a reservation that it takes over", linesMax, len(in.Lines))
	}
	refused := checkLines(in.Lines)
	texts := map[string]*string{
		"externalReference": in.ExternalReference, "customer.id": in.Customer.ID, "customer.name": in.Customer.Name, "customer.email": in.Customer.Email,
	}
	if a := in.ShipTo; a != nil {
		texts["shipTo.name"], texts["shipTo.city"], texts["shipTo.region"] = a.Name, &a.City, a.Region
		texts["shipTo.postalCode"], texts["shipTo.country"] = a.PostalCode, &a.Country
		if len(a.Lines) < 1 || len(a.Lines) > 10 {
			refused = append(refused, redline.Invalid([]string{"shipTo", "lines"}, "an address has 1 to 10 lines"))
		}
		for i := range a.Lines {
			texts[fmt.Sprintf("shipTo.lines.%d", i)] = &a.Lines[i]
		}
	}
	refused = append(refused, checkTexts(texts)...)
	if p.Role == redline.RoleCustomer {
		if in.Customer.ID != nil && *in.Customer.ID != p.Customer {
			refused = append(refused, redline.Errorf(redline.CodeForbidden, []string{"customer", "id"}, "you may order for yourself alone"))
		}
		in.Customer.ID = &p.Customer
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// newOrder makes the order with its lines and money, before anything is
// allocated to it. It is placed now, when it is begun, unless the levels are locked
// before it is written: then the clock behind the locks counts.
func (pl *placement) newOrder(number string) error {
	in := pl.in
	currency := pl.products[0].Price.Currency
	o := &redline.Order{
		ID: redline.NewID(redline.PrefixOrder), Number: number, OwnerIssuer: pl.by.Issuer, OwnerSubject: pl.by.Subject,
		ExternalReference: in.ExternalReference, Customer: &redline.Customer{ID: in.Customer.ID, Name: in.Customer.Name, Email: in.Customer.Email},
		ShipTo: in.ShipTo, AllowStale: in.AllowStale, Version: 1, PlacedAt: pl.now, UpdatedAt: pl.now,
	}
	var total redline.Decimal
	for i, l := range pl.lines {
		p := pl.products[i]
		if p.Price.Currency != currency {
			return redline.Invalid(pl.at(i), "the product is priced in %s and the order's first in %s; one order has one currency", p.Price.Currency, currency)
		}
		sum, ok := p.Price.Amount.Times(l.Quantity, redline.MinorUnits(currency))
		if ok {
			total, ok = total.Plus(sum)
		}
		if !ok {
			return redline.Invalid(pl.at(i, "quantity"), "the order's total is too large to be counted")
		}
		product, price := *p, p.Price // copies for this caller: answers fill in more
		o.Lines = append(o.Lines, &redline.OrderLine{
			ID: redline.NewID(redline.PrefixOrderLine), OrderID: o.ID, ProductID: p.ID, LocationID: l.LocationID, Quantity: l.Quantity,
			Product: &product, UnitPrice: &price, Discount: &redline.Money{Currency: currency}, Total: &redline.Money{Amount: sum, Currency: currency},
		})
	}
	o.Total = &redline.Money{Amount: total, Currency: currency}
	pl.order = o
	return nil
}

// split makes the order's parts out of what its lines get: one for each
// location, in the order in which the lines come to them.
func (pl *placement) split() {
	o := pl.order
	o.FulfillmentOrders, o.Returns = []*redline.FulfillmentOrder{}, []*redline.Return{}
	parts := map[string]*redline.FulfillmentOrder{}
	for i, line := range o.Lines {
		line.Open, line.Backordered = 0, line.Quantity
		o.Serve(parts, line, pl.shares[i].takes, o.PlacedAt)
	}
	for _, f := range o.FulfillmentOrders {
		f.Location = pl.places.byID[f.LocationID].copied()
		f.Supplier = f.Location.Supplier
	}
	slices.SortFunc(o.FulfillmentOrders, func(a, b *redline.FulfillmentOrder) int { return strings.Compare(a.ID, b.ID) }) // as they are read
	o.Status = o.RollUp()
	actor := pl.by.Subject
	o.History = []*redline.OrderStatusChange{{OrderID: o.ID, To: o.Status, Actor: &actor, At: o.PlacedAt}}
}

// shown is the placed order, whole, as its caller may see it; nil where the
// caller may not see it, who placed it all the same.
func (pl *placement) shown() *redline.Order {
	o := pl.order
	if !o.VisibleTo(pl.by) {
		return nil
	}
	for _, f := range o.FulfillmentOrders {
		f.NextStatuses = f.NextFor(pl.by, false)
	}
	o = o.For(pl.by)
	for _, f := range o.FulfillmentOrders {
		f.Order = o
	}
	o.NextStatuses = o.NextFor(pl.by)
	return o
}

// commit takes what the order gets from locked levels, or from what is reserved for
// it there, and tells of it.
func (pl *placement) commit(levels map[levelKey]*lockedLevel) error {
	o := pl.order
	taken := map[levelKey]int{}
	for i, share := range pl.shares {
		for _, take := range share.takes {
			taken[levelKey{pl.products[i].ID, take.Source.LocationID}] += take.Quantity
		}
	}
	keys := slices.SortedFunc(maps.Keys(taken), func(a, b levelKey) int {
		return cmp.Or(strings.Compare(a.product, b.product), strings.Compare(a.location, b.location))
	})
	for _, k := range keys {
		delta := redline.Delta{redline.StateCommitted: taken[k]}
		if pl.held {
			delta[redline.StateReserved] = -taken[k]
		}
		err := pl.change(levels[k], stockChange{delta: delta, reason: redline.ReasonCommitted, reference: &o.Number})
		if err != nil {
			return fmt.Errorf("committing %d of %s at %s: %w", taken[k], k.product, k.location, err)
		}
	}
	var suppliers []string
	for _, f := range o.FulfillmentOrders {
		suppliers = appendSet(suppliers, f.SupplierCode)
	}
	pl.result, pl.shows = o.ID, pl.shown()
	return pl.tellOrder(o, nil, nil, suppliers)
}

// tellOrder gathers the event of a new version of an order.
func (m *mutation) tellOrder(o *redline.Order, from *redline.OrderStatus, part *string, suppliers []string) error {
	m.subjects = append(m.subjects, o.ID)
	return m.tell(redline.EventOrder, o.ID, &redline.OrderEvent{
		Order: *o, From: from, To: o.Status, FulfillmentOrderID: part, Suppliers: suppliers,
	})
}
