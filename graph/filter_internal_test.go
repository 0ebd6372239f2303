package graph

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"redline"
	"redline/graph/model"
)

// few draws from few values, so that filters meet now and then.
func few(name string) *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string { return name + rapid.SampledFrom([]string{"1", "2", "3"}).Draw(t, name) })
}

// narrowing draws a list of a filter: none, an empty one, or a few.
func narrowing[T any](of *rapid.Generator[T]) *rapid.Generator[[]T] {
	return rapid.OneOf(rapid.Just([]T(nil)), rapid.SliceOfN(of, 0, 2))
}

// meets is what a list of a filter means, said another way.
func meets[T comparable](list []T, v T) bool { return list == nil || slices.Contains(list, v) }

func levelEvents() *rapid.Generator[*redline.LevelEvent] {
	return rapid.Custom(func(t *rapid.T) *redline.LevelEvent {
		return &redline.LevelEvent{
			Level: redline.InventoryLevel{
				ProductID: few("product").Draw(t, "product"), LocationID: few("location").Draw(t, "location"),
				Available: rapid.IntRange(0, 4).Draw(t, "available"), ReorderPoint: rapid.IntRange(0, 4).Draw(t, "reorder"),
				Stale: rapid.Bool().Draw(t, "stale"),
			},
			SKU: few("sku").Draw(t, "sku"), Category: few("category").Draw(t, "category"),
			SupplierID: rapid.Ptr(few("supplier"), true).Draw(t, "supplier"), Active: true,
			Before: redline.LevelBefore{Low: rapid.Bool().Draw(t, "was low"), Stale: rapid.Bool().Draw(t, "was stale")},
		}
	})
}

// TestInventoryFilter: told is what the filter meets before or after, and
// REMOVED is what it met before and doesn't any more.
func TestInventoryFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &model.InventoryLiveFilter{
			ProductIds: narrowing(few("product")).Draw(t, "productIds"), Skus: narrowing(few("sku")).Draw(t, "skus"),
			LocationIds: narrowing(few("location")).Draw(t, "locationIds"), Category: narrowing(few("category")).Draw(t, "categories"),
			SupplierID: rapid.Ptr(few("supplier"), true).Draw(t, "supplierId"),
			LowOnly:    rapid.Ptr(rapid.Bool(), true).Draw(t, "lowOnly"), StaleOnly: rapid.Ptr(rapid.Bool(), true).Draw(t, "staleOnly"),
		}
		f, err := inventoryFilter(in)
		if err != nil {
			t.Fatal(err)
		}
		e := levelEvents().Draw(t, "event")
		member := func(low, stale bool) bool {
			return meets(in.ProductIds, e.Level.ProductID) && meets(in.Skus, e.SKU) && meets(in.LocationIds, e.Level.LocationID) &&
				meets(in.Category, e.Category) && (in.SupplierID == nil || e.SupplierID != nil && *e.SupplierID == *in.SupplierID) &&
				(in.LowOnly == nil || !*in.LowOnly || low) && (in.StaleOnly == nil || !*in.StaleOnly || stale)
		}
		before := member(e.Before.Low, e.Before.Stale)
		after := member(e.Level.Available <= e.Level.ReorderPoint, e.Level.Stale)
		checkKind(t, f.kind(e), before, after)
	})
}

func checkKind(t *rapid.T, kind model.EventKind, before, after bool) {
	t.Helper()
	if (kind != "") != (before || after) {
		t.Fatalf("inside before: %v, after: %v, told as %q", before, after, kind)
	}
	if (kind == model.EventKindRemoved) != (before && !after) {
		t.Fatalf("inside before: %v, after: %v, told as %q", before, after, kind)
	}
}

func TestAvailabilityFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &model.AvailabilityLiveFilter{
			ProductIds: narrowing(few("product")).Draw(t, "productIds"), Skus: narrowing(few("sku")).Draw(t, "skus"),
			LocationIds: narrowing(few("location")).Draw(t, "locationIds"), Category: narrowing(few("category")).Draw(t, "categories"),
		}
		f, err := availabilityFilter(in)
		if err != nil {
			t.Fatal(err)
		}
		e := levelEvents().Draw(t, "event")
		want := meets(in.ProductIds, e.Level.ProductID) && meets(in.Skus, e.SKU) &&
			meets(in.LocationIds, e.Level.LocationID) && meets(in.Category, e.Category)
		if f.concerns(e) != want {
			t.Fatalf("concerned: %v, want %v", f.concerns(e), want)
		}
	})
}

func orderEvents() *rapid.Generator[*redline.OrderEvent] {
	statuses := rapid.SampledFrom([]redline.OrderStatus{redline.OrderPending, redline.OrderProcessing, redline.OrderShipped})
	return rapid.Custom(func(t *rapid.T) *redline.OrderEvent {
		e := &redline.OrderEvent{From: rapid.Ptr(statuses, true).Draw(t, "from"), To: statuses.Draw(t, "to")}
		e.Order.ID = few("order").Draw(t, "order")
		e.Order.Customer = &redline.Customer{ID: rapid.Ptr(few("customer"), true).Draw(t, "customer")}
		for i := range rapid.IntRange(1, 3).Draw(t, "parts") {
			line := &redline.OrderLine{ID: string(rune('a' + i)), ProductID: few("product").Draw(t, "product"), Quantity: 1}
			supplier := rapid.Ptr(few("supplier"), true).Draw(t, "supplier")
			e.Order.Lines = append(e.Order.Lines, line)
			e.Order.FulfillmentOrders = append(e.Order.FulfillmentOrders, &redline.FulfillmentOrder{
				ID: "part" + line.ID, SupplierID: supplier, SupplierCode: supplier, Status: redline.PartSubmitted,
				Lines: []*redline.FulfillmentOrderLine{{ID: "of" + line.ID, OrderLineID: line.ID, Quantity: 1}},
			})
		}
		return e
	})
}

// TestOrderFilter: as for levels; and of an order a supplier's filter sees only
// the supplier's own parts and lines, and no customer.
func TestOrderFilter(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		in := &model.OrderLiveFilter{
			OrderIds:   narrowing(few("order")).Draw(t, "orderIds"),
			Statuses:   narrowing(rapid.SampledFrom([]redline.OrderStatus{redline.OrderPending, redline.OrderShipped})).Draw(t, "statuses"),
			CustomerID: rapid.Ptr(few("customer"), true).Draw(t, "customerId"),
			SupplierID: rapid.Ptr(few("supplier"), true).Draw(t, "supplierId"),
			ProductID:  rapid.Ptr(few("product"), true).Draw(t, "productId"),
		}
		f, err := liveOrderFilter(in)
		if err != nil {
			t.Fatal(err)
		}
		e := orderEvents().Draw(t, "event")
		p := redline.Principal{Subject: "s", Role: redline.RoleOperator}
		mine := func(*redline.FulfillmentOrder) bool { return true }
		if rapid.Bool().Draw(t, "as a supplier") {
			p = redline.Principal{Subject: "s", Role: redline.RoleSupplier, Suppliers: []string{"supplier1"}}
			mine = func(part *redline.FulfillmentOrder) bool {
				return part.SupplierCode != nil && *part.SupplierCode == "supplier1"
			}
		}
		concerned := meets(in.OrderIds, e.Order.ID)
		if in.CustomerID != nil {
			id := e.Order.Customer.ID
			concerned = concerned && p.Role == redline.RoleOperator && id != nil && *id == *in.CustomerID
		}
		if in.SupplierID != nil {
			concerned = concerned && slices.ContainsFunc(e.Order.FulfillmentOrders, func(part *redline.FulfillmentOrder) bool {
				return mine(part) && part.SupplierID != nil && *part.SupplierID == *in.SupplierID
			})
		}
		if in.ProductID != nil {
			concerned = concerned && slices.ContainsFunc(e.Order.FulfillmentOrders, func(part *redline.FulfillmentOrder) bool {
				return mine(part) && e.Order.Line(part.Lines[0].OrderLineID).ProductID == *in.ProductID
			})
		}
		before := concerned && e.From != nil && meets(in.Statuses, *e.From)
		after := concerned && meets(in.Statuses, e.To)
		checkKind(t, f.kind(e, p), before, after)
	})
}

func TestLiveFiltersAreBounded(t *testing.T) {
	t.Parallel()
	long := make([]string, filterMax+1)
	statuses := make([]redline.OrderStatus, filterMax+1)
	_, products := inventoryFilter(&model.InventoryLiveFilter{ProductIds: long})
	_, skus := inventoryFilter(&model.InventoryLiveFilter{Skus: long})
	_, locations := availabilityFilter(&model.AvailabilityLiveFilter{LocationIds: long})
	_, category := availabilityFilter(&model.AvailabilityLiveFilter{Category: long})
	_, orders := liveOrderFilter(&model.OrderLiveFilter{OrderIds: long})
	_, states := liveOrderFilter(&model.OrderLiveFilter{Statuses: statuses})
	for name, err := range map[string]error{
		"productIds": products, "skus": skus, "locationIds": locations, "category": category, "orderIds": orders, "statuses": states,
	} {
		var e *redline.Error
		if !errors.As(err, &e) || e.Code != redline.CodeInvalid || strings.Join(e.Field, ".") != "filter."+name {
			t.Errorf("%s of %d: %v", name, filterMax+1, err)
		}
	}
	if _, err := inventoryFilter(&model.InventoryLiveFilter{ProductIds: long[1:]}); err != nil {
		t.Errorf("%d ids: %v", filterMax, err)
	}
}
