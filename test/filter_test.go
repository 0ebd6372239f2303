package test_test

import (
	"testing"
)

// Products of the parts catalogue in our own warehouses, for this file.
const (
	filterSKU      = "BRK-PAD-1037"
	filterOther    = "BRK-PAD-1039"
	filterCategory = "Brake pads"
	otherCategory  = "Batteries"
	otherSKU       = "BAT-STD-1017"
	east           = "WH-EAST"
	central        = "WH-CENTRAL"
)

// Every filter on stock lets through what it names and nothing else. Each
// subscription's list of changes is one list, in the order of the changes.
func TestStockFilters(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	eastID := text(operator.level(t, filterSKU, east), "location.id")
	productID := text(operator.level(t, filterSKU, east), "product.id")

	changes := []struct{ sku, location string }{
		{otherSKU, east}, {filterSKU, central}, {filterOther, east},
		{filterSKU, east}, // passes every filter, so that there is an end to wait for
	}
	skus := []any{filterSKU, filterOther, otherSKU}
	filters := map[string]struct {
		filter vars
		passes func(sku, location string) bool
	}{
		"skus":        {vars{"skus": []any{filterSKU}}, func(sku, _ string) bool { return sku == filterSKU }},
		"several":     {vars{"skus": skus}, func(string, string) bool { return true }},
		"productIds":  {vars{"productIds": []any{productID}}, func(sku, _ string) bool { return sku == filterSKU }},
		"locationIds": {vars{"skus": skus, "locationIds": []any{eastID}}, func(_, location string) bool { return location == east }},
		"category":    {vars{"skus": skus, "category": []any{filterCategory}}, func(sku, _ string) bool { return sku != otherSKU }},
		"both": {vars{"skus": []any{filterSKU}, "locationIds": []any{eastID}},
			func(sku, location string) bool { return sku == filterSKU && location == east }},
	}
	watch, page := s.socket(t, operator.token), s.socket(t, "")
	heard := map[*socket][]string{}
	for name, f := range filters {
		watch.subscribe(name, watchStock, vars{"filter": f.filter})
		page.subscribe(name, watchAvailability, vars{"filter": f.filter})
		heard[watch], heard[page] = append(heard[watch], name), append(heard[page], name)
	}
	await(t, heard)
	cursors := make([]string, len(changes))
	for i, c := range changes {
		cursors[i] = operator.adjust(t, c.sku, c.location, "ON_HAND", 3).text("cursor")
	}
	for name, f := range filters {
		for i, c := range changes {
			if !f.passes(c.sku, c.location) {
				continue
			}
			if e := watch.event(name); text(e, "cursor") != cursors[i] || text(e, "level.product.sku") != c.sku || text(e, "level.location.code") != c.location {
				t.Errorf("stock filtered by %s: %v instead of %s at %s", name, e, c.sku, c.location)
			}
			if e := page.event(name); text(e, "cursor") != cursors[i] || text(e, "product.sku") != c.sku || text(e, "location.code") != c.location {
				t.Errorf("availability filtered by %s: %v instead of %s at %s", name, e, c.sku, c.location)
			}
		}
	}

	// A supplier's own: nothing of a warehouse is its.
	cajunID := supplierID(t, s, cajun)
	watch.subscribe("supplierId", watchStock, vars{"filter": vars{"supplierId": cajunID, "skus": []any{filterSKU, "NW-004"}}})
	await(t, map[*socket][]string{watch: {"supplierId"}})
	operator.adjust(t, filterSKU, east, "ON_HAND", 1)
	end := operator.adjust(t, "NW-004", cajun, "ON_HAND", 1).text("cursor")
	if e := watch.event("supplierId"); text(e, "cursor") != end {
		t.Errorf("filtered by its supplier: %v", e)
	}
}

// lowOnly tells of what is at or under its reorder point, and once, as REMOVED,
// of what no longer is.
func TestLowOnlyIsToldOfWhatLeaves(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	const sku = "BRK-PAD-1080"
	level := operator.level(t, sku, "WH-WEST")
	if num(level, "available") > num(level, "reorderPoint") {
		t.Fatalf("%v isn't low to begin with", level)
	}
	w := s.socket(t, operator.token)
	w.subscribe("low", watchStock, vars{"filter": vars{"skus": []any{sku}, "lowOnly": true}})
	await(t, map[*socket][]string{w: {"low"}})

	toPoint := num(level, "reorderPoint") - num(level, "available")
	for i, step := range []struct {
		delta int
		kind  string
	}{{toPoint, "CHANGE"}, {1, "REMOVED"}, {5, ""}, {-5, ""}, {-1, "CHANGE"}} {
		cursor := operator.adjust(t, sku, "WH-WEST", "ON_HAND", step.delta).text("cursor")
		if step.kind == "" {
			continue // whatever was told of it would come before the next one's
		}
		if e := w.event("low"); text(e, "cursor") != cursor || text(e, "kind") != step.kind {
			t.Errorf("step %d: %v; want %s", i, e, step.kind)
		}
	}
	operator.adjust(t, sku, "WH-WEST", "ON_HAND", -toPoint) // low again, for whoever runs this once more
}

// A subscription to orders by status, id, customer and product.
func TestOrderFilters(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator := s.as(operatorToken(t))
	shop := s.as(shopToken(t, "filters.example"))
	const sku = "BRK-DSC-1085"
	mine := newKey()
	order := func() answer {
		return shop.place(t, orderInput(vars{"id": mine, "name": "F"}, map[string]int{sku: 1}))
	}
	watched := order()
	warm := watched.text("order.id")
	productID := text(operator.level(t, sku, east), "product.id")

	w := s.socket(t, operator.token)
	// A subscription begins where the gateway has read to, which may be before the order.
	w.floor = position(t, watched.text("cursor"))
	filters := map[string]vars{
		"statuses":   {"statuses": []any{"PENDING", "PROCESSING"}, "customerId": mine},
		"orderIds":   {"orderIds": []any{warm}},
		"customerId": {"customerId": mine},
		"productId":  {"productId": productID},
	}
	var ids []string
	for name, f := range filters {
		w.subscribe(name, watchOrders, vars{"filter": f})
		ids = append(ids, name)
	}
	await(t, map[*socket][]string{w: ids})

	elsewhere := shop.place(t, orderInput(vars{"id": "another"}, map[string]int{sku: 1})).text("order.id")
	held := operator.do(t, "orderHold", vars{"orderId": warm, "reason": "r"}, "cursor").text("cursor")
	operator.do(t, "orderSetStatus", vars{"idempotencyKey": newKey(), "orderId": elsewhere, "status": "PROCESSING"}, "cursor")
	released := operator.do(t, "orderReleaseHold", vars{"orderId": warm}, "cursor").text("cursor")
	shipped := operator.do(t, "orderSetStatus", vars{"idempotencyKey": newKey(), "orderId": warm, "status": "SHIPPED"}, selectOrder)
	second := order()

	for _, want := range []struct {
		name, order, kind, to string
	}{
		{"statuses", warm, "REMOVED", "ON_HOLD"},
		{"statuses", warm, "CHANGE", "PENDING"},
		{"statuses", warm, "REMOVED", "SHIPPED"},
		{"statuses", second.text("order.id"), "CHANGE", "PENDING"},
		{"orderIds", warm, "CHANGE", "ON_HOLD"},
		{"orderIds", warm, "CHANGE", "PENDING"},
		{"orderIds", warm, "CHANGE", "SHIPPED"},
		{"customerId", warm, "CHANGE", "ON_HOLD"},
		{"customerId", warm, "CHANGE", "PENDING"},
		{"customerId", warm, "CHANGE", "SHIPPED"},
		{"customerId", second.text("order.id"), "CHANGE", "PENDING"},
		{"productId", elsewhere, "CHANGE", "PENDING"},
		{"productId", warm, "CHANGE", "ON_HOLD"},
		{"productId", elsewhere, "CHANGE", "PROCESSING"},
		{"productId", warm, "CHANGE", "PENDING"},
		{"productId", warm, "CHANGE", "SHIPPED"},
		{"productId", second.text("order.id"), "CHANGE", "PENDING"},
	} {
		e := w.event(want.name)
		if text(e, "order.id") != want.order || text(e, "kind") != want.kind || text(e, "to") != want.to {
			t.Errorf("filtered by %s: %s of %s to %s; want %s of %s to %s (the watched is %s)", want.name,
				text(e, "kind"), text(e, "order.id"), text(e, "to"), want.kind, want.order, want.to, warm)
		}
	}
	if at(shipped.data, "order.status") != "SHIPPED" || held == "" || released == "" {
		t.Errorf("the watched order ended as %s", shipped.body)
	}
}
