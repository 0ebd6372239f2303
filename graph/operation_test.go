package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"redline"
	"redline/graph"
)

// TestRefusedArguments runs operations that no repository gets to see.
func TestRefusedArguments(t *testing.T) {
	t.Parallel()
	operator := principal(redline.RoleOperator)
	manyIDs := strings.TrimSuffix(strings.Repeat(`"x",`, 101), ",")
	manyLines := strings.TrimSuffix(strings.Repeat(`{productId:"x",quantity:1},`, 101), ",")
	cases := []struct {
		name, query, variables string
		code                   string
		field                  string // in extensions, its steps joined by dots
	}{
		{"oneOf, two members", `query($b:ProductBy!){product(by:$b){id}}`, `{"b":{"id":"a","sku":"b"}}`, "INVALID", "by"},
		{"oneOf, one of them null", `query($b:ProductBy!){product(by:$b){id}}`, `{"b":{"id":"a","sku":null}}`, "INVALID", "by"},
		{"oneOf, none", `query($b:OrderBy!){order(by:$b){id}}`, `{"b":{}}`, "INVALID", "by"},
		{"oneOf, the one null", `query($b:OrderBy!){order(by:$b){id}}`, `{"b":{"id":null}}`, "INVALID", "by"},
		{"oneOf, deep", `mutation($i:InventorySetInput!){inventorySet(input:$i){replayed}}`,
			`{"i":{"idempotencyKey":"k","counts":[{"stock":{"sku":"a"},"onHand":1,"basis":{"override":true,"expectedVersion":1}}]}}`,
			"INVALID", "input.counts.0.basis"},
		{"oneOf, literal", `{product(by:{id:"a",sku:"b"}){id}}`, ``, "GRAPHQL_VALIDATION_FAILED", ""},
		{"oneOf, nullable variable", `query($i:ID){product(by:{id:$i}){id}}`, `{}`, "GRAPHQL_VALIDATION_FAILED", ""},

		{"enum in another case", `query($o:ProductOrder){products(orderBy:$o){nodes{id}}}`, `{"o":{"field":"name"}}`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"enum in a list", `query($f:OrderFilter){orders(filter:$f){nodes{id}}}`, `{"f":{"statuses":["PENDING","shipped"]}}`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"enum null past its default", `query($d:SortDirection){products(orderBy:{field:NAME,direction:$d}){nodes{id}}}`, `{"d":null}`, "INVALID", "orderBy.direction"},

		{"int of 33 bits, variable", `query($n:Int){products(first:$n){nodes{id}}}`, `{"n":2147483648}`, "INVALID", "first"},
		{"int of 33 bits, literal", `{products(first:2147483648){nodes{id}}}`, ``, "INVALID", "first"},
		{"int beyond 64 bits", `{products(first:99999999999999999999){nodes{id}}}`, ``, "GRAPHQL_VALIDATION_FAILED", ""},
		{"int as a string", `query($n:Int){products(first:$n){nodes{id}}}`, `{"n":"5"}`, "INVALID", "first"},
		{"int with a fraction, variable", `query($n:Int){products(first:$n){nodes{id}}}`, `{"n":2.5}`, "GRAPHQL_VALIDATION_FAILED", ""},
		{"id too long", `query($i:ID!){node(id:$i){id}}`, `{"i":"` + strings.Repeat("é", 201) + `"}`, "INVALID", "id"},
		{"string as a number", `query($b:ProductBy!){product(by:$b){id}}`, `{"b":{"sku":5}}`, "INVALID", "by.sku"},
		{"NUL in a string", `query($b:ProductBy!){product(by:$b){id}}`, `{"b":{"sku":"a\u0000"}}`, "INVALID", "by.sku"},
		{"NUL in an id", `query($i:[ID!]!){nodes(ids:$i){id}}`, `{"i":["a","\u0000"]}`, "INVALID", "ids.1"},
		{"date", `{products(filter:{updatedSince:"yesterday"}){nodes{id}}}`, ``, "INVALID", "filter.updatedSince"},
		{"url", `mutation{fulfillmentCreate(input:{idempotencyKey:"k",fulfillmentOrderId:"x",trackingUrl:"javascript:alert(1)"}){replayed}}`, ``,
			"INVALID", "input.trackingUrl"},

		{"too many ids", `{nodes(ids:[` + manyIDs + `]){id}}`, ``, "INVALID", "ids"},
		{"too many lines", `{availability(lines:[` + manyLines + `]){available}}`, ``, "INVALID", "lines"},
		{"quantity 0", `{availability(lines:[{productId:"x",quantity:1},{productId:"x",quantity:0}]){available}}`, ``, "INVALID", "lines.1.quantity"},
		{"quantity too large", `{availability(lines:[{productId:"x",quantity:1000000001}]){available}}`, ``, "INVALID", "lines.0.quantity"},

		{"@defer", `{products{nodes{...@defer{attributes{name}}}}}`, ``, "GRAPHQL_VALIDATION_FAILED", ""},
		{"introspection", `{__schema{types{name}}}`, ``, "FORBIDDEN", ""},
		{"introspection of a type", `{__type(name:"Order"){name}}`, ``, "FORBIDDEN", ""},
	}
	r := newRoom(newEventLog())
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := r.run(t, operator, c.query, c.variables)
			if len(got.Errors) != 1 || got.Errors[0].Extensions.Code != c.code || got.Errors[0].Message == "" {
				t.Fatalf("want one error with the code %s, got %+v", c.code, got.Errors)
			}
			if field := strings.Join(got.Errors[0].Extensions.Field, "."); field != c.field {
				t.Errorf("want the error at %q, it is at %q", c.field, field)
			}
		})
	}
}

// TestScopes asks for what each scope opens, without it.
func TestScopes(t *testing.T) {
	t.Parallel()
	id := func(prefix string) string { return fmt.Sprintf("{node(id:%q){id}}", redline.NewID(prefix)) }
	cases := []struct{ query, scope string }{
		{`{orders{nodes{id}}}`, redline.ScopeOrdersRead},
		{`{order(by:{id:"x"}){id}}`, redline.ScopeOrdersRead},
		{`{fulfillmentOrders{nodes{id}}}`, redline.ScopeOrdersRead},
		{`{inventoryLevels{nodes{id}}}`, redline.ScopeInventoryRead},
		{`{inventoryMovements{nodes{id}}}`, redline.ScopeInventoryRead},
		{`{auditEntries{nodes{id}}}`, redline.ScopeAuditRead},
		{id(redline.PrefixOrder), redline.ScopeOrdersRead},
		{id(redline.PrefixOrderLine), redline.ScopeOrdersRead},
		{id(redline.PrefixFulfillmentOrder), redline.ScopeOrdersRead},
		{id(redline.PrefixFulfillment), redline.ScopeOrdersRead},
		{id(redline.PrefixLevel), redline.ScopeInventoryRead},
		{id(redline.PrefixMovement), redline.ScopeInventoryRead},
		{id(redline.PrefixSupplierItem), redline.ScopeInventoryRead},
		{id(redline.PrefixAuditEntry), redline.ScopeAuditRead},
		{`mutation{inventoryAdjust(input:{idempotencyKey:"k",reason:SOLD,changes:[]}){replayed}}`, redline.ScopeInventoryWrite},
		{`mutation{inventorySet(input:{idempotencyKey:"k",counts:[]}){replayed}}`, redline.ScopeInventoryWrite},
		{`mutation{inventoryTransfer(input:{idempotencyKey:"k",productId:"p",fromLocationId:"a",toLocationId:"b",quantity:1}){replayed}}`, redline.ScopeInventoryWrite},
		{`mutation{orderPlace(input:{idempotencyKey:"k",customer:{}}){replayed}}`, redline.ScopeOrdersWrite},
		{`mutation{orderCancel(input:{idempotencyKey:"k",orderId:"o",reason:"r"}){replayed}}`, redline.ScopeOrdersWrite},
		{`mutation{orderHold(input:{orderId:"o",reason:"r"}){replayed}}`, redline.ScopeOrdersManage},
		{`mutation{orderReleaseHold(input:{orderId:"o"}){replayed}}`, redline.ScopeOrdersManage},
		{`mutation{orderSetStatus(input:{idempotencyKey:"k",orderId:"o",status:SHIPPED}){replayed}}`, redline.ScopeFulfillmentsWrite},
		{`mutation{fulfillmentOrderAccept(input:{fulfillmentOrderId:"f"}){replayed}}`, redline.ScopeFulfillmentsWrite},
		{`mutation{fulfillmentOrderReject(input:{fulfillmentOrderId:"f"}){replayed}}`, redline.ScopeFulfillmentsWrite},
		{`mutation{fulfillmentCreate(input:{idempotencyKey:"k",fulfillmentOrderId:"f"}){replayed}}`, redline.ScopeFulfillmentsWrite},
		{`mutation{fulfillmentMarkDelivered(input:{fulfillmentId:"f"}){replayed}}`, redline.ScopeFulfillmentsWrite},
		{`subscription{inventoryChanged{cursor}}`, redline.ScopeInventoryRead},
		{`subscription{orderChanged{cursor}}`, redline.ScopeOrdersRead},
	}
	store := &doorkeeper{}
	r := furnished(store, newEventLog())
	t.Cleanup(func() { // once they all were refused
		var want []string
		for _, c := range cases {
			if name, ok := strings.CutPrefix(c.query, "mutation{"); ok {
				name, _, _ = strings.Cut(name, "(")
				want = append(want, name+" FORBIDDEN")
			}
		}
		slices.Sort(want)
		slices.Sort(store.refused)
		if !slices.Equal(store.refused, want) {
			t.Errorf("the audit was told of %v, want %v", store.refused, want)
		}
	})
	for _, c := range cases {
		t.Run(c.query, func(t *testing.T) {
			t.Parallel()
			// Everything but what is needed; no scope implies another.
			var others []string
			for _, s := range redline.DefaultScopes(redline.RoleAdmin) {
				if s != c.scope && (s != redline.ScopeOrdersManage || !strings.Contains(c.query, "orderSetStatus")) {
					others = append(others, s)
				}
			}
			for _, asked := range []struct {
				by   redline.Principal
				code string
			}{
				{redline.Anonymous(), "UNAUTHENTICATED"},
				{principal(redline.RoleAdmin, others...), "FORBIDDEN"},
			} {
				got := r.run(t, asked.by, c.query, "")
				if !slices.Equal(got.codes(), []string{asked.code}) || !strings.Contains(got.Errors[0].Message, c.scope) {
					t.Errorf("want %s, naming %s; got %+v", asked.code, c.scope, got.Errors)
				}
			}
		})
	}
}

// doorkeeper is a repository that is told of what was refused before it.
type doorkeeper struct {
	graph.Store
	mu      sync.Mutex
	refused []string
}

func (d *doorkeeper) RefusedAtDoor(_ context.Context, _ redline.Principal, action string, code redline.ErrorCode) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.refused = append(d.refused, action+" "+string(code))
}

// TestRefusalsAreToldOnce: once for each place in the answer, so that no null is
// taken for "not found".
func TestRefusalsAreToldOnce(t *testing.T) {
	t.Parallel()
	got := newRoom(newEventLog()).run(t, redline.Anonymous(),
		`{a: order(by:{id:"x"}){id} b: order(by:{id:"x"}){id} ...again} fragment again on Query{a: order(by:{id:"x"}){number}}`, "")
	paths := []string{}
	for _, e := range got.Errors {
		paths = append(paths, fmt.Sprint(e.Path))
	}
	slices.Sort(paths)
	if !slices.Equal(paths, []string{"[a]", "[b]"}) {
		t.Errorf("told of at %v", paths)
	}
}

// TestNodesRefusesEach: what is refused of a list is told of where it stands,
// and the others are answered.
func TestNodesRefusesEach(t *testing.T) {
	t.Parallel()
	query := fmt.Sprintf(`{nodes(ids:["nothing",%q,%q]){id}}`, redline.NewID("nokind"), redline.NewID(redline.PrefixOrder))
	got := newRoom(newEventLog()).run(t, redline.Anonymous(), query, "")
	if string(got.Data) != `{"nodes":[null,null,null]}` || !slices.Equal(got.codes(), []string{"UNAUTHENTICATED"}) {
		t.Fatalf("got %s, %+v", got.Data, got.Errors)
	}
	if path := fmt.Sprint(got.Errors[0].Path); path != "[nodes 2]" {
		t.Errorf("the error is at %s", path)
	}
}

func TestViewer(t *testing.T) {
	t.Parallel()
	r := newRoom(newEventLog())
	for _, who := range []redline.Principal{redline.Anonymous(), principal(redline.RoleStorefront), principal(redline.RoleCustomer)} {
		got := r.run(t, who, `{viewer{subject role scopes customerId expiresAt suppliers{id}}}`, "")
		var data struct {
			Viewer struct {
				Subject    string
				Role       redline.Role
				Scopes     []string
				CustomerID *string
				ExpiresAt  *string
				Suppliers  []any
			}
		}
		if err := json.Unmarshal(got.Data, &data); err != nil || len(got.Errors) > 0 {
			t.Fatalf("%v: %v, %+v\n%s", who.Role, err, got.Errors, r.log)
		}
		v := data.Viewer
		if v.Subject != who.Subject || v.Role != who.Role || !slices.Equal(v.Scopes, who.Scopes) ||
			(v.CustomerID != nil) != (who.Customer != "") || v.ExpiresAt != nil || len(v.Suppliers) > 0 {
			t.Errorf("%+v is shown as %+v", who, v)
		}
	}
}

func TestEventHead(t *testing.T) {
	t.Parallel()
	log := newEventLog()
	log.append(&redline.Event{ID: 42})
	got := newRoom(log).run(t, redline.Anonymous(), `query{...f} fragment f on Query{head: eventHead}`, "")
	if want := fmt.Sprintf(`{"head":%q}`, log.Cursor(42)); string(got.Data) != want {
		t.Errorf("want %s, got %s, %+v", want, got.Data, got.Errors)
	}
}

// TestPanicIsOneError: there is no repository, and so whatever asks one panics.
func TestPanicIsOneError(t *testing.T) {
	t.Parallel()
	r := newRoom(newEventLog())
	ctx := redline.WithRequestID(t.Context(), "request-1")
	got := r.start(ctx, redline.Anonymous(), `{locations{id}}`, "")()
	if !slices.Equal(got.codes(), []string{"INTERNAL"}) || got.Errors[0].Message != "internal error" || got.Errors[0].Extensions.RequestID != "request-1" {
		t.Fatalf("got %+v", got.Errors)
	}
	for _, told := range []string{"request-1", "nil pointer", "goroutine"} {
		if !strings.Contains(r.log.String(), told) {
			t.Errorf("the log doesn't tell %q", told)
		}
	}
}

// TestNullDecidesNothing: what is skipped or included can't hang on a null,
// which a variable with a default may be given. Once it was taken for false,
// and at the root it was a panic.
func TestNullDecidesNothing(t *testing.T) {
	t.Parallel()
	r := furnished(newShelf(1, 1, 1), newEventLog())
	for _, c := range []struct{ query, variables, want string }{
		{`query($s:Boolean=true){orders{nodes{id number @include(if:$s)}}}`, `{"s":null}`, ""},
		{`query($s:Boolean=true){orders @skip(if:$s){nodes{id}}}`, `{"s":null}`, ""},
		{`query($s:Boolean=true){...F} fragment F on Query{orders{nodes{...@include(if:$s){id}}}}`, `{"s":null}`, ""},
		{`query($s:Boolean=true){orders{nodes{id number @include(if:$s)}}}`, `{"s":false}`, `{"orders":{"nodes":[{"id":"ord_0"}]}}`},
		{`query($s:Boolean=true){orders{nodes{id number @include(if:$s)}}}`, ``, `{"orders":{"nodes":[{"id":"ord_0","number":"R-0"}]}}`},
	} {
		got := r.run(t, principal(redline.RoleOperator), c.query, c.variables)
		if c.want != "" {
			if string(got.Data) != c.want || len(got.Errors) > 0 {
				t.Errorf("%s with %s: got %s, %+v", c.query, c.variables, got.Data, got.Errors)
			}
			continue
		}
		if !slices.Equal(got.codes(), []string{"GRAPHQL_VALIDATION_FAILED"}) || fmt.Sprint(got.Errors[0].Path) != "[variable s]" {
			t.Errorf("%s with %s: got %s, %+v", c.query, c.variables, got.Data, got.Errors)
		}
	}
}

// severalSuppliers is a repository of three suppliers, and of nothing else.
type severalSuppliers struct{ graph.Store }

func (severalSuppliers) Suppliers(context.Context, redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	return &redline.Page[*redline.Supplier]{Items: []*redline.Supplier{{ID: "sup_1"}, {ID: "sup_2"}, {ID: "sup_3"}}, Cursors: make([]string, 3)}, nil
}

// TestUnreadableArgumentsAreToldOnce: not for each supplier that has the field,
// as they were once.
func TestUnreadableArgumentsAreToldOnce(t *testing.T) {
	t.Parallel()
	got := furnished(severalSuppliers{}, newEventLog()).run(t, principal(redline.RoleOperator),
		`query($n:Int){suppliers{nodes{id items(first:$n){nodes{id}}}}}`, `{"n":3000000000}`)
	if len(got.Errors) != 1 || fmt.Sprint(got.Errors[0].Path) != "[suppliers nodes 0 items]" {
		t.Errorf("got %s, %+v", got.Data, got.Errors)
	}
}
