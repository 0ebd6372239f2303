package redline_test

import (
	"encoding/json"
	"strings"
	"testing"

	"redline"
)

// TestLevelEventVisibleTo: levels are for those who work everywhere, and a
// supplier's for itself.
func TestLevelEventVisibleTo(t *testing.T) {
	t.Parallel()
	ours := &redline.LevelEvent{Active: true}
	acmes := &redline.LevelEvent{Active: true, SupplierID: ptr("id of acme"), SupplierCode: ptr(acme)}
	for _, p := range everybody() {
		mustEqual(t, ours.VisibleTo(p), p.Everywhere(), "whether %s sees our level", p.Subject)
		mustEqual(t, acmes.VisibleTo(p), p.SpeaksFor(acme), "whether %s sees acme's level", p.Subject)
	}
}

func TestChangesAvailability(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name  string
		event redline.LevelEvent
		want  bool
	}{
		{"as it was", redline.LevelEvent{Active: true}, false},
		{"more", redline.LevelEvent{Active: true, Level: redline.InventoryLevel{Available: 1}}, true},
		{"less", redline.LevelEvent{Active: true, Before: redline.LevelBefore{Available: 1}}, true},
		{"stale", redline.LevelEvent{Active: true, Level: redline.InventoryLevel{Stale: true}}, true},
		{"confirmed", redline.LevelEvent{Active: true, Before: redline.LevelBefore{Stale: true}}, true},
		{"only on hand", redline.LevelEvent{Active: true, Level: redline.InventoryLevel{OnHand: 1, Committed: 1}}, false},
		{"withdrawn", redline.LevelEvent{Level: redline.InventoryLevel{Available: 1}}, false},
	} {
		mustEqual(t, c.event.ChangesAvailability(), c.want, "%s", c.name)
	}
}

// TestOrderEventVisibleTo: whoever sees the order is told; a supplier only of
// what concerns it, and never by being named alone.
func TestOrderEventVisibleTo(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	addPart(o, "acme's", acme, 1)
	addPart(o, "globex's", globex, 1)
	for _, suppliers := range [][]string{{}, {acme}, {globex}, {acme, globex}, {"initech"}} {
		e := &redline.OrderEvent{Order: *o, Suppliers: suppliers}
		for _, p := range everybody() {
			want := o.VisibleTo(p)
			if p.Role == redline.RoleSupplier {
				want = false
				for _, code := range suppliers {
					want = want || p.SpeaksFor(code)
				}
			}
			mustEqual(t, e.VisibleTo(p), want, "whether %s is told of what concerns %v", p.Subject, suppliers)
		}
		initech := as(redline.RoleSupplier, "initech")
		mustEqual(t, e.VisibleTo(initech), false, "whether initech is told of an order without a part of its own")
	}
}

// TestOrderEventHoldsNoPeoplesData: the log keeps the customer's id alone, and
// enough to show each principal its view.
func TestOrderEventHoldsNoPeoplesData(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 1)
	addPart(o, "acme's", acme, 2)
	addPart(o, "globex's", globex, 1)
	mustDo(t, o, as(redline.RoleSupplier, acme), setStatus(redline.OrderShipped))
	b, err := json.Marshal(redline.OrderEvent{Order: *o, To: o.Status, Suppliers: []string{acme}})
	if err != nil {
		t.Fatal(err)
	}
	for _, private := range append([]string{*o.Customer.Name, *o.Customer.Email, o.ShipTo.City}, o.ShipTo.Lines...) {
		if strings.Contains(string(b), private) {
			t.Errorf("the event tells %q: %s", private, b)
		}
	}
	var read redline.OrderEvent
	if err := json.Unmarshal(b, &read); err != nil {
		t.Fatal(err)
	}
	for _, p := range everybody() {
		mustEqual(t, read.Order.VisibleTo(p), o.VisibleTo(p), "whether %s sees the order that was read back", p.Subject)
	}
	for _, l := range o.Lines {
		got := read.Order.Line(l.ID)
		mustEqual(t, [...]int{got.Quantity, got.Open, got.Backordered, got.Shipped, got.Cancelled},
			[...]int{l.Quantity, l.Open, l.Backordered, l.Shipped, l.Cancelled}, "the line that was read back")
	}
	for i, f := range o.FulfillmentOrders {
		got := read.Order.FulfillmentOrders[i]
		mustEqual(t, quantities(got), quantities(f), "the part that was read back")
		mustEqual(t, []any{got.Status, got.Version, got.SupplierCode}, []any{f.Status, f.Version, f.SupplierCode}, "the part that was read back")
	}
	acmes := read.Order.For(as(redline.RoleSupplier, acme))
	mustEqual(t, []int{len(acmes.FulfillmentOrders), acmes.Lines[0].Quantity, acmes.Lines[0].Shipped}, []int{1, 2, 2}, "acme's view")
}
