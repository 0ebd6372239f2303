package redline_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redline"
)

// TestOrderVisibleTo is whose orders are whose.
func TestOrderVisibleTo(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	addPart(o, "east", "", 1)
	addPart(o, "acme's", acme, 1)
	change := func(p redline.Principal, f func(*redline.Principal)) redline.Principal {
		f(&p)
		return p
	}
	storefront, customer := as(redline.RoleStorefront), as(redline.RoleCustomer)
	for name, c := range map[string]struct {
		p    redline.Principal
		want bool
	}{
		"nobody we know":               {redline.Anonymous(), false},
		"the shop":                     {storefront, true},
		"another shop":                 {change(storefront, func(p *redline.Principal) { p.Subject = "other" }), false},
		"the shop of another issuer":   {change(storefront, func(p *redline.Principal) { p.Issuer = "other" }), false},
		"a shop with a customer claim": {change(storefront, func(p *redline.Principal) { p.Subject, p.Customer = "other", buyer }), false},
		"the customer":                 {customer, true},
		"another customer":             {change(customer, func(p *redline.Principal) { p.Customer = "C-8" }), false},
		"the customer's namesake":      {change(customer, func(p *redline.Principal) { p.Issuer = "other" }), false},
		"a customer named as the shop": {change(customer, func(p *redline.Principal) { p.Subject, p.Customer = shop, "" }), false},
		"a supplier with a part":       {as(redline.RoleSupplier, acme), true},
		"a supplier of several":        {as(redline.RoleSupplier, globex, acme), true},
		"a supplier without a part":    {as(redline.RoleSupplier, globex), false},
		"a supplier of none":           {as(redline.RoleSupplier), false},
		"an operator":                  {as(redline.RoleOperator), true},
		"an admin":                     {as(redline.RoleAdmin), true},
		"a role that there isn't":      {change(as(redline.RoleAdmin), func(p *redline.Principal) { p.Role = "ROOT" }), false},
	} {
		mustEqual(t, o.VisibleTo(c.p), c.want, "whether %s sees the order", name)
	}
	guests := *o
	guests.Customer = nil
	mustEqual(t, guests.VisibleTo(customer), false, "whether a customer sees an order without one")
	guests.Customer = &redline.Customer{}
	mustEqual(t, guests.VisibleTo(customer), false, "whether a customer sees a guest's order")
	mustEqual(t, guests.VisibleTo(change(customer, func(p *redline.Principal) { p.Customer = "" })), false, "whether no customer sees a guest's order")
}

// TestOrderForOthers: whoever isn't a supplier gets the order itself.
func TestOrderForOthers(t *testing.T) {
	t.Parallel()
	o := orderOfFour(t, acme)
	for _, p := range everybody() {
		if got := o.For(p); (got == o) != (p.Role != redline.RoleSupplier) {
			t.Errorf("%s gets the order itself: %v", p.Subject, got == o)
		}
	}
}

// TestOrderForSupplier moves random orders on, and looks at them as suppliers
// do: their own share, which adds up, and nothing else.
func TestOrderForSupplier(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		o := drawOrder(t)
		moveOn(t, o)
		before := clone(o)
		by := as(redline.RoleSupplier, rapid.SliceOfDistinct(rapid.SampledFrom([]string{acme, globex}), rapid.ID).Draw(t, "codes")...)
		got := o.For(by)
		mustEqual(t, o, before, "the order that was looked at")

		if got.OwnerIssuer+got.OwnerSubject != "" || got.ExternalReference != nil || got.Customer != nil || got.HoldReason != nil ||
			got.Total != nil || got.ShipTo != nil {
			t.Fatalf("a supplier sees the shop's side: %+v", got)
		}
		mustEqual(t, []any{got.ID, got.Number, got.Status, got.Version, got.PlacedAt, got.UpdatedAt},
			[]any{o.ID, o.Number, o.Status, o.Version, o.PlacedAt, o.UpdatedAt}, "what anybody sees")
		checkShare(t, o, got, by)

		mustEqual(t, len(got.History), len(o.History), "the history's length")
		for i, h := range got.History {
			was := o.History[i]
			mustEqual(t, *h, redline.OrderStatusChange{OrderID: was.OrderID, From: was.From, To: was.To, At: was.At}, "a line of history")
		}
		b, err := json.Marshal(got)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range o.FulfillmentOrders {
			if !f.TouchableBy(by) && strings.Contains(string(b), f.ID) {
				t.Fatalf("a supplier sees %s: %s", f.ID, b)
			}
		}
		mustEqual(t, got.For(by), got, "looked at twice")
	})
}

// moveOn applies some transitions, whatever becomes of them.
func moveOn(t *rapid.T, o *redline.Order) {
	m := &orderMachine{order: o, committed: holdings(o), now: placedAt, people: everybody()}
	for range rapid.IntRange(0, 8).Draw(t, "steps") {
		by := m.draw(t)
		tr := redline.NewTransition(o, by, m.now.Add(time.Minute))
		tr.Note = ptr("between us")
		var err error
		to := rapid.SampledFrom([]redline.OrderStatus{
			redline.OrderProcessing, redline.OrderShipped, redline.OrderDelivered, redline.OrderCancelled, redline.OrderOnHold,
		}).Draw(t, "to")
		var part *redline.FulfillmentOrder
		if len(o.FulfillmentOrders) > 0 {
			part = rapid.SampledFrom(o.FulfillmentOrders).Draw(t, "part")
		}
		switch {
		case to == redline.OrderOnHold:
			err = tr.Hold("because")
		case part != nil && rapid.Bool().Draw(t, "a part"):
			moves := partMoves(part)
			status := rapid.SampledFrom([]redline.FulfillmentOrderStatus{
				redline.PartAccepted, redline.PartPartiallyAccepted, redline.PartRejected, redline.PartInProgress, redline.PartClosed,
			}).Draw(t, "part to")
			err = moves[status][0].apply(tr)
		default:
			err = tr.SetStatus(to)
		}
		if err == nil {
			tr.Finish()
		}
	}
}

// checkShare: the parts that a supplier sees are its own, and the lines what
// they hold of each.
func checkShare(t *rapid.T, o, got *redline.Order, by redline.Principal) {
	var want []*redline.FulfillmentOrder
	quantity, open, shipped := map[string]int{}, map[string]int{}, map[string]int{}
	for _, f := range o.FulfillmentOrders {
		if f.SupplierCode == nil || !slices.Contains(by.Suppliers, *f.SupplierCode) {
			continue
		}
		want = append(want, f)
		for _, l := range f.Lines {
			quantity[l.OrderLineID] += l.Quantity
			open[l.OrderLineID] += f.Remaining(l)
			shipped[l.OrderLineID] += l.Shipped
		}
	}
	mustEqual(t, len(got.FulfillmentOrders), len(want), "the number of parts")
	mustEqual(t, len(got.Lines), len(quantity), "the number of lines")
	for i, f := range got.FulfillmentOrders {
		mustEqual(t, []any{f.ID, f.Status, f.Version, f.ShipTo, quantities(f)},
			[]any{want[i].ID, want[i].Status, want[i].Version, o.ShipTo, quantities(want[i])}, "a part of the supplier's own")
		if f.Order != got {
			t.Fatalf("%s leads to an order that isn't the supplier's view", f.ID)
		}
		for _, l := range f.Lines {
			if l.OrderLine != got.Line(l.OrderLineID) {
				t.Fatalf("%s leads to a line that isn't the supplier's share", l.ID)
			}
		}
		mustEqual(t, len(f.Fulfillments), len(want[i].Fulfillments), "the number of shipments")
		for j, s := range f.Fulfillments {
			was := want[i].Fulfillments[j]
			mustEqual(t, []any{s.ID, s.Status, s.ShippedAt, s.DeliveredAt, len(s.Lines)},
				[]any{was.ID, was.Status, was.ShippedAt, was.DeliveredAt, len(was.Lines)}, "a shipment")
			for k, l := range s.Lines {
				mustEqual(t, l.Quantity, was.Lines[k].Quantity, "what a shipment holds")
				if l.OrderLine != got.Line(was.Lines[k].OrderLineID) {
					t.Fatalf("%s leads to a line that isn't the supplier's share", s.ID)
				}
			}
		}
	}
	for _, l := range got.Lines {
		was := o.Line(l.ID)
		mustEqual(t, *l, redline.OrderLine{
			ID: was.ID, OrderID: was.OrderID, ProductID: was.ProductID, Product: was.Product,
			Quantity: quantity[l.ID], Open: open[l.ID], Shipped: shipped[l.ID], Cancelled: quantity[l.ID] - open[l.ID] - shipped[l.ID],
		}, "the share of a line")
		if l.Cancelled < 0 || l.Quantity > was.Quantity {
			t.Fatalf("the share doesn't add up: %+v of %+v", *l, *was)
		}
	}
}

func TestFind(t *testing.T) {
	t.Parallel()
	o := orderOfFour(t, acme)
	mustEqual(t, o.Line(o.Lines[0].ID), o.Lines[0], "a line")
	mustEqual(t, o.Part(o.FulfillmentOrders[0].ID), o.FulfillmentOrders[0], "a part")
	mustEqual(t, o.Line("?"), (*redline.OrderLine)(nil), "a line that there isn't")
	mustEqual(t, o.Part("?"), (*redline.FulfillmentOrder)(nil), "a part that there isn't")
}
