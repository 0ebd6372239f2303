package graph_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"redline"
	"redline/graph"
)

// court is a repository of conflicts about things of several kinds.
type court struct {
	graph.Store
	subjects []string
	reads    []string
}

func (c *court) Conflicts(
	context.Context, redline.Principal, redline.ConflictFilter, redline.PageRequest,
) (*redline.Page[*redline.Conflict], error) {
	page := &redline.Page[*redline.Conflict]{}
	for i, id := range c.subjects {
		conflict := &redline.Conflict{ID: fmt.Sprint("conf_", i), SubjectID: &id}
		if id == "" {
			conflict.SubjectID = nil
		}
		page.Items, page.Cursors = append(page.Items, conflict), append(page.Cursors, "c")
	}
	return page, nil
}

func (c *court) LevelsByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error) {
	c.reads = append(c.reads, fmt.Sprint("levels ", len(ids)))
	return map[string]*redline.InventoryLevel{c.subjects[0]: {ID: c.subjects[0], OnHand: 5, ProductID: "prod_1"}}, nil
}

func (c *court) FulfillmentOrdersByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.FulfillmentOrder, error) {
	c.reads = append(c.reads, fmt.Sprint("parts ", len(ids)))
	o := &redline.Order{ID: "ord_1", Number: "R-1"}
	return map[string]*redline.FulfillmentOrder{ids[0]: {ID: ids[0], Order: o, Status: redline.PartCancelled}}, nil
}

func (c *court) LoadOrders(_ context.Context, _ redline.Principal, orders []*redline.Order, _ redline.OrderParts) error {
	c.reads = append(c.reads, fmt.Sprint("orders ", len(orders)))
	for _, o := range orders {
		o.Lines = []*redline.OrderLine{{ID: "line_1", ProductID: "prod_1"}}
	}
	return nil
}

func (c *court) ProductsOf(_ context.Context, ids []string) (map[string]*redline.Product, error) {
	c.reads = append(c.reads, fmt.Sprint("products ", len(ids)))
	return map[string]*redline.Product{"prod_1": {ID: "prod_1", Name: "Brake disc"}}, nil
}

// TestSubjectsOfConflicts: each is found by its id under the caller's rights,
// those of one kind together. What isn't the caller's, or is of a kind that it
// may not look up, is null, and nothing else is.
func TestSubjectsOfConflicts(t *testing.T) {
	t.Parallel()
	level, other, part := redline.NewID(redline.PrefixLevel), redline.NewID(redline.PrefixLevel), redline.NewID(redline.PrefixFulfillmentOrder)
	const query = `{conflicts{nodes{id subject{__typename id ...on InventoryLevel{onHand product{name}} ...on FulfillmentOrder{status order{lines{product{name}}}}}}}}`
	const levelShown, partShown = `{"__typename":"InventoryLevel","id":%q,"onHand":5,"product":{"name":"Brake disc"}}`,
		`{"__typename":"FulfillmentOrder","id":%q,"status":"CANCELLED","order":{"lines":[{"product":{"name":"Brake disc"}}]}}`
	for _, c := range []struct {
		scopes []string
		level  string
		part   string
		reads  []string
	}{
		{
			[]string{redline.ScopeConflictsRead, redline.ScopeInventoryRead, redline.ScopeOrdersRead},
			fmt.Sprintf(levelShown, level), fmt.Sprintf(partShown, part), []string{"levels 2", "orders 1", "parts 1", "products 1"},
		},
		{[]string{redline.ScopeConflictsRead, redline.ScopeInventoryRead}, fmt.Sprintf(levelShown, level), "null", []string{"levels 2", "products 1"}},
		{[]string{redline.ScopeConflictsRead}, "null", "null", nil},
	} {
		store := &court{subjects: []string{level, other, part, "", "nothing", level}}
		got := furnished(store, newEventLog()).run(t, principal(redline.RoleOperator, c.scopes...), query, "")
		want := fmt.Sprintf(`{"conflicts":{"nodes":[{"id":"conf_0","subject":%s},{"id":"conf_1","subject":null},{"id":"conf_2","subject":%s},`+
			`{"id":"conf_3","subject":null},{"id":"conf_4","subject":null},{"id":"conf_5","subject":%s}]}}`, c.level, c.part, c.level)
		if string(got.Data) != want || len(got.Errors) > 0 {
			t.Errorf("%v: got %s, %+v\nwant %s", c.scopes, got.Data, got.Errors, want)
		}
		if slices.Sort(store.reads); !slices.Equal(store.reads, c.reads) {
			t.Errorf("%v: read %q, want %q", c.scopes, store.reads, c.reads)
		}
	}
}

func conflictEvent(id int64, supplier *string) *redline.Event {
	return &redline.Event{ID: id, Conflict: &redline.ConflictEvent{SupplierCode: supplier, Conflict: redline.Conflict{
		ID: "conf_1", Kind: redline.ConflictPriceMismatch, Status: redline.ConflictOpen, Summary: "dearer", Version: 2,
		Facts: redline.Attributes{{Name: "agreed", Value: "1.50"}},
	}}}
}

// TestConflictsAreTold: to those whom they are about and to those who see all,
// and what things cost to those alone who may know it. There is no repository.
func TestConflictsAreTold(t *testing.T) {
	t.Parallel()
	acme, other := ptr("acme"), ptr("another")
	for _, c := range []struct {
		by          redline.Principal
		about       *string
		told, facts string
	}{
		{principal(redline.RoleOperator, redline.ScopeConflictsRead, redline.ScopeCatalogCost), nil, "conf_1", `[{"name":"agreed","value":"1.50"}]`},
		{principal(redline.RoleOperator, redline.ScopeConflictsRead), other, "conf_1", `[]`},
		{principal(redline.RoleSupplier), acme, "conf_1", `[{"name":"agreed","value":"1.50"}]`},
		{principal(redline.RoleSupplier, redline.ScopeConflictsRead), acme, "conf_1", `[]`},
		{principal(redline.RoleSupplier), other, "", ""},
		{principal(redline.RoleSupplier), nil, "", ""},
		{principal(redline.RoleStorefront, redline.ScopeConflictsRead), acme, "", ""},
		{principal(redline.RoleCustomer, redline.ScopeConflictsRead), nil, "", ""},
	} {
		log := newEventLog()
		next := watch(t, newRoom(log), log, c.by, `subscription{conflictChanged{cursor kind conflict{id status version facts{name value} subject{id} supplier{id}}}}`)
		event := conflictEvent(1, c.about)
		log.append(event)
		if c.told != "" {
			want := fmt.Sprintf(`{"conflictChanged":{"cursor":%q,"kind":"CHANGE","conflict":{"id":"conf_1","status":"OPEN","version":2,"facts":%s,"subject":null,"supplier":null}}}`,
				log.Cursor(1), c.facts)
			if got := next(); string(got.Data) != want || len(got.Errors) > 0 {
				t.Errorf("%s: got %s, %+v\nwant %s", c.by.Role, got.Data, got.Errors, want)
			}
			if len(event.Conflict.Conflict.Facts) != 1 {
				t.Error("an event that all share was changed by one who was told of it")
			}
			continue
		}
		log.tell(redline.Telling{Cursor: "the end"})
		if got := next(); !strings.Contains(string(got.Data), "the end") {
			t.Errorf("%s is told of %s", c.by.Role, got.Data)
		}
	}
	got := newRoom(newEventLog()).start(t.Context(), principal(redline.RoleStorefront), `subscription{conflictChanged{cursor}}`, "")()
	if !slices.Equal(got.codes(), []string{"FORBIDDEN"}) {
		t.Errorf("a storefront without the scope: %+v", got)
	}
}

// TestConflictsAreToldWithTheirSubjects: what is asked for beside a conflict is
// as it is now, all of it: a conflict's event tells nothing of orders.
func TestConflictsAreToldWithTheirSubjects(t *testing.T) {
	t.Parallel()
	part := redline.NewID(redline.PrefixFulfillmentOrder)
	store, log := &court{subjects: []string{redline.NewID(redline.PrefixLevel), part}}, newEventLog()
	next := watch(t, furnished(store, log), log, principal(redline.RoleOperator),
		`subscription{conflictChanged{conflict{subject{...on FulfillmentOrder{id order{number lines{product{name}}}}}}}}`)
	for id := range int64(2) {
		e := conflictEvent(id, nil)
		e.Conflict.Conflict.SubjectID = &part
		log.append(e)
		got := next()
		if want := fmt.Sprintf(`{"subject":{"id":%q,"order":{"number":"R-1","lines":[{"product":{"name":"Brake disc"}}]}}}`, part); !strings.Contains(string(got.Data), want) {
			t.Errorf("got %s, %+v, want %s", got.Data, got.Errors, want)
		}
	}
}
