package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"redline"
	"redline/graph"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// levelEvent tells of a level that had one available and has five.
func levelEvent(id int64) *redline.Event {
	return &redline.Event{ID: id, At: time.Unix(1_000, 0).UTC(), Level: &redline.LevelEvent{
		Level: redline.InventoryLevel{
			ID: "lvl_1", ProductID: "prod_1", LocationID: "loc_1", OnHand: 5, Available: 5, ReorderPoint: 2, Version: 2,
		},
		SKU: "SKU-1", Category: "brakes", LocationCode: "ACME-1", SupplierID: ptr("sup_1"), SupplierCode: ptr("acme"), Active: true,
		Before: redline.LevelBefore{Available: 1, Low: true}, Reason: redline.ReasonReceived,
		Changes: []redline.QuantityChange{{State: redline.StateOnHand, Delta: 4, After: 5}},
	}}
}

// orderEvent tells that the supplier acme has taken its part of an order on.
func orderEvent(id int64) *redline.Event {
	return &redline.Event{ID: id, At: time.Unix(1_000, 0).UTC(), Order: &redline.OrderEvent{
		Order: redline.Order{
			ID: "ord_1", Number: "R-1", OwnerIssuer: "tests", OwnerSubject: "somebody", ExternalReference: ptr("shop-7"),
			Customer: &redline.Customer{ID: ptr("customer-1")}, Status: redline.OrderProcessing, Version: 2,
			Lines: []*redline.OrderLine{
				{ID: "line_1", ProductID: "prod_1", Quantity: 2, Open: 2},
				{ID: "line_2", ProductID: "prod_2", Quantity: 3, Open: 3},
			},
			FulfillmentOrders: []*redline.FulfillmentOrder{
				{ID: "fo_1", LocationID: "loc_1", SupplierID: ptr("sup_1"), SupplierCode: ptr("acme"), Status: redline.PartAccepted, Version: 2,
					Lines: []*redline.FulfillmentOrderLine{{ID: "foline_1", OrderLineID: "line_1", Quantity: 2, Accepted: ptr(2)}}},
				{ID: "fo_2", LocationID: "loc_2", Status: redline.PartSubmitted, Version: 1,
					Lines: []*redline.FulfillmentOrderLine{{ID: "foline_2", OrderLineID: "line_2", Quantity: 3}}},
			},
			Returns: []*redline.Return{{
				ID: "ret_1", OrderID: "ord_1", Status: redline.ReturnRequested,
				Lines: []*redline.ReturnLine{{ID: "retline_1", OrderLineID: "line_2", Quantity: 1}},
			}},
		},
		From: ptr(redline.OrderPending), To: redline.OrderProcessing, FulfillmentOrderID: ptr("fo_1"), Suppliers: []string{"acme"},
	}}
}

// watch subscribes and returns the answers as they come. It has joined the log
// once it returns.
func watch(t *testing.T, r *room, log *eventLog, p redline.Principal, query string) func() *reply {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	next := r.start(ctx, p, query, "")
	select {
	case <-log.joined:
	case <-time.After(10 * time.Second):
		t.Fatalf("%s: didn't subscribe: %+v", query, next())
	}
	t.Cleanup(cancel)
	return next
}

// TestEventsNeedNoQuery: what the log tells of a change is enough for those who
// ask for no more. There is no repository here.
func TestEventsNeedNoQuery(t *testing.T) {
	t.Parallel()
	level, order := levelEvent(7), orderEvent(8)
	cases := []struct {
		by          redline.Principal
		event       *redline.Event
		query, want string
	}{
		{redline.Anonymous(), level,
			`{availabilityChanged{kind at available stale product{id sku category active} location{id code}}}`,
			`{"kind":"CHANGE","at":"1970-01-01T00:16:40Z","available":5,"stale":false,
			  "product":{"id":"prod_1","sku":"SKU-1","category":"brakes","active":true},"location":{"id":"loc_1","code":"ACME-1"}}`},
		{principal(redline.RoleSupplier), level,
			`{inventoryChanged{kind reason changes{state delta after} level{id onHand version product{sku} location{code}}}}`,
			`{"kind":"CHANGE","reason":"RECEIVED","changes":[{"state":"ON_HAND","delta":4,"after":5}],
			  "level":{"id":"lvl_1","onHand":5,"version":2,"product":{"sku":"SKU-1"},"location":{"code":"ACME-1"}}}`},
		{principal(redline.RoleOperator), level, `{inventoryChanged(filter:{lowOnly:true}){kind}}`, `{"kind":"REMOVED"}`},
		{principal(redline.RoleOperator), order,
			`{orderChanged{kind from to fulfillmentOrder{id order{id}} order{externalReference customer{id} nextStatuses
			  returns{id status order{number} lines{quantity orderLine{id quantity}}} lines{id product{id}} fulfillmentOrders{id nextStatuses lines{orderLine{id open}}}}}}`,
			`{"kind":"CHANGE","from":"PENDING","to":"PROCESSING","fulfillmentOrder":{"id":"fo_1","order":{"id":"ord_1"}},
			  "order":{"externalReference":"shop-7","customer":{"id":"customer-1"},"nextStatuses":["PROCESSING","ON_HOLD","SHIPPED","CANCELLED"],
			  "returns":[{"id":"ret_1","status":"REQUESTED","order":{"number":"R-1"},"lines":[{"quantity":1,"orderLine":{"id":"line_2","quantity":3}}]}],
			  "lines":[{"id":"line_1","product":{"id":"prod_1"}},{"id":"line_2","product":{"id":"prod_2"}}],
			  "fulfillmentOrders":[{"id":"fo_1","nextStatuses":["IN_PROGRESS","CLOSED","CANCELLATION_REQUESTED"],"lines":[{"orderLine":{"id":"line_1","open":2}}]},
			  {"id":"fo_2","nextStatuses":["ACCEPTED","PARTIALLY_ACCEPTED","REJECTED","IN_PROGRESS","CLOSED","CANCELLED"],
			   "lines":[{"orderLine":{"id":"line_2","open":3}}]}]}}`},
		{principal(redline.RoleSupplier), order,
			`{orderChanged{order{externalReference customer{id} total{amount} nextStatuses lines{id quantity} fulfillmentOrders{id order{id}}}}}`,
			`{"order":{"externalReference":null,"customer":null,"total":null,"nextStatuses":["SHIPPED"],
			  "lines":[{"id":"line_1","quantity":2}],"fulfillmentOrders":[{"id":"fo_1","order":{"id":"ord_1"}}]}}`},
		{principal(redline.RoleStorefront), order, `{orderChanged{order{number}}}`, `{"order":{"number":"R-1"}}`},
		{principal(redline.RoleCustomer), order, `{orderChanged(filter:{statuses:[PENDING]}){kind}}`, `{"kind":"REMOVED"}`},
	}
	for _, c := range cases {
		t.Run(string(c.by.Role)+c.query, func(t *testing.T) {
			t.Parallel()
			log := newEventLog()
			next := watch(t, newRoom(log), log, c.by, "subscription"+c.query)
			log.append(c.event)
			got := next()
			var data map[string]any
			var want any
			if err := json.Unmarshal(got.Data, &data); err != nil || len(got.Errors) > 0 {
				t.Fatalf("%v, %+v", err, got.Errors)
			}
			if err := json.Unmarshal([]byte(c.want), &want); err != nil {
				t.Fatal(err)
			}
			for _, event := range data {
				if !reflect.DeepEqual(event, want) {
					t.Errorf("got  %v\nwant %v", event, want)
				}
			}
		})
	}
	t.Cleanup(func() { // once they all were told
		if !reflect.DeepEqual(order, orderEvent(8)) || !reflect.DeepEqual(level, levelEvent(7)) {
			t.Error("an event that all share was changed by one who was told of it")
		}
	})
}

// TestEventsOfOthers: nobody is told of what isn't theirs. Each is told of the
// last event, which is everybody's, and of nothing before it.
func TestEventsOfOthers(t *testing.T) {
	t.Parallel()
	other := principal(redline.RoleSupplier)
	other.Suppliers = []string{"another"}
	stranger := principal(redline.RoleStorefront)
	stranger.Subject = "stranger"
	neighbour := principal(redline.RoleCustomer)
	neighbour.Customer = "customer-2"

	withdrawn := levelEvent(1)
	withdrawn.Level.Active = false
	unnoticed := levelEvent(2)
	unnoticed.Level.Before.Available = unnoticed.Level.Level.Available
	cases := []struct {
		by           redline.Principal
		query        string
		hidden, told *redline.Event
	}{
		{other, `{inventoryChanged{cursor}}`, levelEvent(1), ofAnother(levelEvent(2))},
		{other, `{orderChanged{cursor}}`, orderEvent(1), ofAnother(orderEvent(2))},
		{principal(redline.RoleSupplier), `{orderChanged(filter:{productId:"prod_2"}){cursor}}`, orderEvent(1), ofProduct(orderEvent(2), "prod_2")},
		{stranger, `{orderChanged{cursor}}`, orderEvent(1), ofOwner(orderEvent(2), "stranger")},
		{neighbour, `{orderChanged{cursor}}`, orderEvent(1), ofCustomer(orderEvent(2), "customer-2")},
		{redline.Anonymous(), `{availabilityChanged{cursor}}`, withdrawn, levelEvent(2)},
		{redline.Anonymous(), `{availabilityChanged{cursor}}`, unnoticed, levelEvent(3)},
		{principal(redline.RoleOperator), `{inventoryChanged{cursor}}`, orderEvent(1), levelEvent(2)},
		{principal(redline.RoleOperator), `{orderChanged{cursor}}`, levelEvent(1), orderEvent(2)},
	}
	for i, c := range cases {
		t.Run(fmt.Sprint(i, c.by.Role, c.query), func(t *testing.T) {
			t.Parallel()
			log := newEventLog()
			next := watch(t, newRoom(log), log, c.by, "subscription"+c.query)
			log.append(c.hidden)
			log.append(c.told)
			if got := next(); !strings.Contains(string(got.Data), log.Cursor(c.told.ID)) {
				t.Errorf("told of %s, %+v; want the event %d", got.Data, got.Errors, c.told.ID)
			}
		})
	}
}

// ofAnother makes an event one of another supplier.
func ofAnother(e *redline.Event) *redline.Event {
	code := "another"
	if e.Level != nil {
		e.Level.SupplierCode = &code
		return e
	}
	e.Order.Order.FulfillmentOrders[0].SupplierCode = &code
	e.Order.Suppliers = []string{code}
	return e
}

func ofProduct(e *redline.Event, id string) *redline.Event {
	e.Order.Order.Lines[0].ProductID = id
	return e
}

func ofOwner(e *redline.Event, subject string) *redline.Event {
	e.Order.Order.OwnerSubject = subject
	return e
}

func ofCustomer(e *redline.Event, id string) *redline.Event {
	e.Order.Order.Customer.ID = &id
	return e
}

// nameplates is a repository of products that are called what their ids are.
type nameplates struct {
	graph.Store
	reads atomic.Int64
}

func (n *nameplates) ProductsOf(_ context.Context, ids []string) (map[string]*redline.Product, error) {
	n.reads.Add(1)
	found := map[string]*redline.Product{}
	for _, id := range ids {
		found[id] = &redline.Product{ID: id, Name: id}
	}
	return found, nil
}

// TestWhatIsToldTogetherIsReadTogether: the names of three products with one
// look, each beside its own event; and a snapshot's subjects, and the word that
// all was told, are what their kind says.
func TestWhatIsToldTogetherIsReadTogether(t *testing.T) {
	t.Parallel()
	names, log := &nameplates{}, newEventLog()
	next := watch(t, furnished(names, log), log, principal(redline.RoleOperator),
		`subscription{inventoryChanged{cursor kind reason changes{delta} level{id product{id name}}}}`)
	first, second := levelEvent(1), levelEvent(2)
	second.Level.Level.ProductID = "prod_2"
	log.tell(redline.Telling{Event: first, InState: true, Cursor: "a"}, redline.Telling{Event: second, Cursor: "b"}, redline.Telling{Cursor: "c"})
	for _, want := range []string{
		`{"inventoryChanged":{"cursor":"a","kind":"SNAPSHOT","reason":null,"changes":[],"level":{"id":"lvl_1","product":{"id":"prod_1","name":"prod_1"}}}}`,
		`{"inventoryChanged":{"cursor":"b","kind":"CHANGE","reason":"RECEIVED","changes":[{"delta":4}],"level":{"id":"lvl_1","product":{"id":"prod_2","name":"prod_2"}}}}`,
		`{"inventoryChanged":{"cursor":"c","kind":"CAUGHT_UP","reason":null,"changes":[],"level":null}}`,
	} {
		if got := next(); string(got.Data) != want || len(got.Errors) > 0 {
			t.Errorf("got  %s, %+v\nwant %s", got.Data, got.Errors, want)
		}
	}
	if got := names.reads.Load(); got != 1 {
		t.Errorf("products were read %d times", got)
	}
}

// stall is a repository of one supplier and what it offers.
type stall struct {
	graph.Store
	reads atomic.Int64
}

func (*stall) SuppliersByID(context.Context, []string) (map[string]*redline.Supplier, error) {
	return map[string]*redline.Supplier{"sup_1": {ID: "sup_1"}}, nil
}

func (s *stall) SupplierItemsOfSuppliers(
	context.Context, redline.Principal, []string, redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierItem], error) {
	s.reads.Add(1)
	return map[string]*redline.Page[*redline.SupplierItem]{
		"sup_1": {Items: []*redline.SupplierItem{{ID: "sitem_1", ProductID: "prod_1"}}, Cursors: []string{"c"}},
	}, nil
}

// TestEventsReadItemsOnce: however often an event shows a supplier.
func TestEventsReadItemsOnce(t *testing.T) {
	t.Parallel()
	s, log := &stall{}, newEventLog()
	next := watch(t, furnished(s, log), log, principal(redline.RoleOperator),
		`subscription{orderChanged{fulfillmentOrder{supplier{items{nodes{id product{id}}}}}
		  order{fulfillmentOrders{order{fulfillmentOrders{supplier{items{nodes{id product{id}}}}}}}}}}`)
	for id := range int64(3) {
		e := orderEvent(id)
		e.Order.Order.FulfillmentOrders[1].SupplierID = ptr("sup_1")
		log.append(e)
		got := next()
		parts := len(e.Order.Order.FulfillmentOrders)
		if n, want := strings.Count(string(got.Data), `{"id":"sitem_1","product":{"id":"prod_1"}}`), 1+parts*parts; n != want || len(got.Errors) > 0 {
			t.Errorf("the item is shown %d times, want %d: %s, %+v", n, want, got.Data, got.Errors)
		}
		if reads := s.reads.Load(); reads != id+1 {
			t.Errorf("event %d: read %d times", id, reads)
		}
	}
}

// TestEventIsToldWithoutWhatFailed: the event goes out in any case, with an
// error in place of what couldn't be read beside it, and so do those after it.
func TestEventIsToldWithoutWhatFailed(t *testing.T) {
	t.Parallel()
	log := newEventLog()
	r := newRoom(log)
	// There is no repository to read the name from.
	next := watch(t, r, log, principal(redline.RoleOperator), `subscription{inventoryChanged{cursor level{product{name}}}}`)
	for id := range int64(3) {
		log.append(levelEvent(id))
		got := next()
		if want := fmt.Sprintf(`{"inventoryChanged":{"cursor":%q,"level":null}}`, log.Cursor(id)); string(got.Data) != want {
			t.Errorf("got %s, want %s", got.Data, want)
		}
		if !slices.Equal(got.codes(), []string{"INTERNAL"}) || fmt.Sprint(got.Errors[0].Path) != "[inventoryChanged level]" {
			t.Errorf("got %+v", got.Errors)
		}
	}
	if !strings.Contains(r.log.String(), "nil pointer") {
		t.Errorf("the cause isn't logged: %s", r.log)
	}
}

func TestSubscriptionRefusesItsFilter(t *testing.T) {
	t.Parallel()
	ids := strings.TrimSuffix(strings.Repeat(`"x",`, 1_001), ",")
	got := newRoom(newEventLog()).start(t.Context(), redline.Anonymous(), `subscription{availabilityChanged(filter:{skus:[`+ids+`]}){cursor}}`, "")()
	if !slices.Equal(got.codes(), []string{"INVALID"}) || strings.Join(got.Errors[0].Extensions.Field, ".") != "filter.skus" {
		t.Errorf("got %+v", got.Errors)
	}
}
