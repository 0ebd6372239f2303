package graph_test

import (
	"context"
	"strings"
	"testing"

	"redline"
	"redline/graph"
)

// offers is a repository of one supplier that offers one product. Its events
// and orders are told without their products and locations.
type offers struct{ graph.Store }

func (offers) Suppliers(context.Context, redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	return &redline.Page[*redline.Supplier]{Items: []*redline.Supplier{{ID: "sup_1"}}, Cursors: make([]string, 1)}, nil
}

func (offers) SupplierItemsOfSuppliers(
	_ context.Context, _ redline.Principal, ids []string, _ redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierItem], error) {
	out := map[string]*redline.Page[*redline.SupplierItem]{}
	for _, id := range ids {
		item := &redline.SupplierItem{ID: "item_1", SupplierID: id, ProductID: "prod_1", Supplier: &redline.Supplier{ID: id}}
		out[id] = &redline.Page[*redline.SupplierItem]{Items: []*redline.SupplierItem{item}, Cursors: make([]string, 1)}
	}
	return out, nil
}

func (offers) ProductsOf(_ context.Context, ids []string) (map[string]*redline.Product, error) {
	found := map[string]*redline.Product{}
	for _, id := range ids {
		found[id] = &redline.Product{ID: id, SKU: "BRK-1", Name: "Brake disc"}
	}
	return found, nil
}

func (offers) LocationsByID(_ context.Context, ids []string) (map[string]*redline.Location, error) {
	found := map[string]*redline.Location{}
	for _, id := range ids {
		found[id] = &redline.Location{ID: id, Code: "BER", Name: "Berlin"}
	}
	return found, nil
}

// TestStubsAreNotTakenForTheWhole: where the plan comes back to an object, and
// asks for more there than its id, that is read. Once it was answered with
// names that were empty.
func TestStubsAreNotTakenForTheWhole(t *testing.T) {
	t.Parallel()
	r := furnished(offers{}, newEventLog())
	got := r.run(t, principal(redline.RoleOperator),
		`{suppliers{nodes{items{nodes{product{id} supplier{items{nodes{product{id name}}}}}}}}}`, "")
	want := `{"suppliers":{"nodes":[{"items":{"nodes":[{"product":{"id":"prod_1"},` +
		`"supplier":{"items":{"nodes":[{"product":{"id":"prod_1","name":"Brake disc"}}]}}}]}}]}}`
	if string(got.Data) != want || len(got.Errors) > 0 {
		t.Errorf("got %s, %+v\nwant %s", got.Data, got.Errors, want)
	}
}

// TestStubsOfEvents is the same for what events tell of: parts lead back to
// their order, and one level may be asked for under two names.
func TestStubsOfEvents(t *testing.T) {
	t.Parallel()
	o := redline.Order{ID: "ord_1", Lines: []*redline.OrderLine{{ID: "line_1", ProductID: "prod_1"}}}
	o.FulfillmentOrders = []*redline.FulfillmentOrder{{ID: "fo_1", LocationID: "loc_1"}}
	orders := &redline.Event{ID: 1, Order: &redline.OrderEvent{Order: o}}
	levels := &redline.Event{ID: 2, Level: &redline.LevelEvent{
		SKU: "BRK-1", LocationCode: "BER", Level: redline.InventoryLevel{ID: "lvl_1", ProductID: "prod_1", LocationID: "loc_1"},
	}}
	for _, c := range []struct {
		query, want string
		event       *redline.Event
	}{
		{
			`subscription{orderChanged{order{lines{product{id}} fulfillmentOrders{order{lines{product{id name}}}}}}}`,
			`{"orderChanged":{"order":{"lines":[{"product":{"id":"prod_1"}}],` +
				`"fulfillmentOrders":[{"order":{"lines":[{"product":{"id":"prod_1","name":"Brake disc"}}]}}]}}}`, orders,
		},
		{
			`subscription{orderChanged{order{fulfillmentOrders{location{id} order{fulfillmentOrders{location{id name}}}}}}}`,
			`{"orderChanged":{"order":{"fulfillmentOrders":[{"location":{"id":"loc_1"},` +
				`"order":{"fulfillmentOrders":[{"location":{"id":"loc_1","name":"Berlin"}}]}}]}}}`, orders,
		},
		{
			`subscription{inventoryChanged{level{product{id} location{id}} of:level{product{sku} location{code}}}}`,
			`{"inventoryChanged":{"level":{"product":{"id":"prod_1"},"location":{"id":"loc_1"}},` +
				`"of":{"product":{"sku":"BRK-1"},"location":{"code":"BER"}}}}`, levels,
		},
	} {
		log := newEventLog()
		next := watch(t, furnished(offers{}, log), log, principal(redline.RoleOperator), c.query)
		log.append(c.event)
		if got := next(); string(got.Data) != c.want || len(got.Errors) > 0 {
			t.Errorf("%s\n got %s, %+v\nwant %s", c.query, got.Data, got.Errors, c.want)
		}
	}
}

// TestRootFieldsShareNoItems: root fields run at the same time, and each fills
// in what it asks for. Once they did so in the same objects: names were empty
// that others had not read yet, and the race detector told of it.
func TestRootFieldsShareNoItems(t *testing.T) {
	t.Parallel()
	r := furnished(offers{}, newEventLog())
	const want = `{"a":{"nodes":[{"items":{"nodes":[{"product":{"id":"prod_1"}}]}}]},` +
		`"b":{"nodes":[{"items":{"nodes":[{"product":{"id":"prod_1","name":"Brake disc"}}]}}]}}`
	for range 100 {
		got := r.run(t, principal(redline.RoleOperator),
			`{a:suppliers{nodes{items{nodes{product{id}}}}} b:suppliers{nodes{items{nodes{product{id name}}}}}}`, "")
		if string(got.Data) != want || len(got.Errors) > 0 {
			t.Fatalf("got %s, %+v\nwant %s", got.Data, got.Errors, want)
		}
	}
}

// discontinued is offers whose product is gone.
type discontinued struct{ offers }

func (discontinued) ProductsOf(context.Context, []string) (map[string]*redline.Product, error) {
	return nil, nil
}

// TestStubsOfWhatIsNotThere: what was looked for and isn't there is missing for
// all who ask for it. Once it had an empty name where others asked for its id.
func TestStubsOfWhatIsNotThere(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		`{suppliers{nodes{items{nodes{product{id}}} again:items{nodes{product{name}}}}}}`,
		`{suppliers{nodes{items{nodes{product{id} supplier{items{nodes{product{name}}}}}}}}}`,
	} {
		got := furnished(discontinued{}, newEventLog()).run(t, principal(redline.RoleOperator), query, "")
		if len(got.Errors) == 0 || strings.Contains(string(got.Data), `"name"`) {
			t.Errorf("%s: got %s, %+v", query, got.Data, got.Errors)
		}
	}
}
