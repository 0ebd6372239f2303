package graph_test

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"redline"
	"redline/graph"
)

// dusty is a repository of two products, each with stock that is confirmed and
// stock that is stale.
type dusty struct {
	graph.Store
	reads int
	told  []bool
}

func (d *dusty) product(id string) *redline.Product { return &redline.Product{ID: id, SKU: id} }

func (d *dusty) Products(
	_ context.Context, _ redline.Principal, _ redline.ProductFilter, _ redline.ProductOrder, _ redline.PageRequest, need redline.ProductParts,
) (*redline.Page[*redline.Product], error) {
	page := &redline.Page[*redline.Product]{Items: []*redline.Product{d.product("a"), d.product("b")}, Cursors: make([]string, 2)}
	if need.Availability {
		at, _ := d.Availability(context.Background(), []string{"a", "b"})
		for _, p := range page.Items {
			p.Availability = redline.TotalAvailability(at[p.ID])
		}
	}
	return page, nil
}

func (d *dusty) Availability(_ context.Context, ids []string) (map[string][]*redline.LocationAvailability, error) {
	d.reads++
	found := map[string][]*redline.LocationAvailability{}
	for i, id := range slices.Sorted(slices.Values(ids)) {
		found[id] = []*redline.LocationAvailability{
			{Available: 10 + i, Location: &redline.Location{ID: "fresh"}}, {Available: 5, Stale: true, Location: &redline.Location{ID: "stale"}},
		}
	}
	return found, nil
}

func (d *dusty) Promises(
	_ context.Context, _ redline.Principal, lines []redline.AvailabilityLine, includeStale bool,
) ([]*redline.Availability, error) {
	d.told = append(d.told, includeStale)
	return []*redline.Availability{{Product: d.product(lines[0].ProductID)}}, nil
}

// TestStaleStockBesideFresh: the same availability under several names, each
// with its own argument, is read once and right under each.
func TestStaleStockBesideFresh(t *testing.T) {
	t.Parallel()
	const all, fresh = `{"available":%d,"locations":[{"available":%d,"location":{"id":"fresh"}},{"available":5,"location":{"id":"stale"}}]}`,
		`{"available":%d,"locations":[{"available":%d,"location":{"id":"fresh"}}]}`
	const fields = `{available locations{available location{id}}}`
	for declared, c := range map[string]struct{ query, variables string }{
		"in the document": {`{products{nodes{a:availability` + fields + ` b:availability(includeStale:false)` + fields + ` c:availability(includeStale:true)` + fields + `}}}`, ""},
		"in variables": {`query($no:Boolean!,$yes:Boolean!){products{nodes{a:availability` + fields + ` b:availability(includeStale:$no)` + fields +
			` c:availability(includeStale:$yes)` + fields + `}}}`, `{"no":false,"yes":true}`},
		"by default": {`query($no:Boolean=false,$left:Boolean){products{nodes{...f}}} fragment f on Product{a:availability` + fields + ` b:availability(includeStale:$no)` + fields +
			` c:availability(includeStale:$left)` + fields + `}`, ""},
	} {
		store := &dusty{}
		got := furnished(store, newEventLog()).run(t, redline.Anonymous(), c.query, c.variables)
		want := ""
		for i := range 2 {
			whole, part := fmt.Sprintf(all, 15+i, 10+i), fmt.Sprintf(fresh, 10+i, 10+i)
			want += fmt.Sprintf(`,{"a":%s,"b":%s,"c":%s}`, whole, part, whole)
		}
		if want = `{"products":{"nodes":[` + want[1:] + `]}}`; string(got.Data) != want || len(got.Errors) > 0 {
			t.Errorf("%s: got %s, %+v\nwant %s", declared, got.Data, got.Errors, want)
		}
		if store.reads != 1 {
			t.Errorf("%s: read %d times", declared, store.reads)
		}
	}
}

// TestStaleVariableOfEachRequest: a document is compiled once, and each request
// of it gets what it asks for.
func TestStaleVariableOfEachRequest(t *testing.T) {
	t.Parallel()
	r := furnished(&dusty{}, newEventLog())
	for range 2 {
		for given, want := range map[string]string{`{"s":true}`: "15", `{"s":false}`: "10", `{}`: "15"} {
			got := r.run(t, redline.Anonymous(), `query($s:Boolean){products{nodes{availability(includeStale:$s){available}}}}`, given)
			if want := `{"products":{"nodes":[{"availability":{"available":` + want + `}}`; len(got.Data) < len(want) || string(got.Data[:len(want)]) != want {
				t.Errorf("%s: got %s, %+v", given, got.Data, got.Errors)
			}
		}
	}
	got := r.run(t, redline.Anonymous(), `query($s:Boolean){products{nodes{availability(includeStale:$s){available}}}}`, `{"s":null}`)
	if !slices.Equal(got.codes(), []string{"GRAPHQL_VALIDATION_FAILED"}) {
		t.Errorf("null: got %s, %+v", got.Data, got.Errors)
	}
}

// TestPromisesWithoutStaleStock: Query.availability hands its argument on.
func TestPromisesWithoutStaleStock(t *testing.T) {
	t.Parallel()
	store := &dusty{}
	r := furnished(store, newEventLog())
	for _, args := range []string{"", ",includeStale:false", ",includeStale:true"} {
		if got := r.run(t, redline.Anonymous(), `{availability(lines:[{productId:"a",quantity:1}]`+args+`){requested}}`, ""); len(got.Errors) > 0 {
			t.Errorf("%+v", got.Errors)
		}
	}
	if !slices.Equal(store.told, []bool{true, false, true}) {
		t.Errorf("asked for %v", store.told)
	}
}
