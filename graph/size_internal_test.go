package graph

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"

	"redline"
)

// counted is what an answer of small was counted as, and what it has.
func counted(t *testing.T, query string) (values, has int) {
	t.Helper()
	e := New(Options{Store: small{}, Live: onlyEvent{}, Log: slog.New(slog.NewTextHandler(io.Discard, nil))}).Executor()
	var own *answer
	e.AroundResponses(func(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
		own = answerFrom(ctx)
		return next(ctx)
	})
	p := redline.Principal{Subject: "s", Role: redline.RoleAdmin, Scopes: redline.DefaultScopes(redline.RoleAdmin)}
	ctx := graphql.StartOperationTrace(redline.WithPrincipal(t.Context(), p))
	op, refused := e.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
	if refused != nil {
		t.Fatal(refused)
	}
	responses, ctx := e.DispatchOperation(ctx, op)
	got := responses(ctx)
	if len(got.Errors) > 0 {
		t.Fatal(got.Errors)
	}
	var data map[string]any
	if err := json.Unmarshal(got.Data, &data); err != nil {
		t.Fatal(err)
	}
	for _, root := range data {
		has += valuesIn(root)
	}
	return int(own.values.Load()), has
}

// valuesIn counts the fields of objects and the scalars in lists.
func valuesIn(v any) int {
	n := 0
	switch v := v.(type) {
	case map[string]any:
		for _, member := range v {
			n += 1 + valuesIn(member)
		}
	case []any:
		for _, member := range v {
			switch member.(type) {
			case map[string]any:
				n += valuesIn(member)
			default:
				n++
			}
		}
	}
	return n
}

// small is a repository of a few things, as they are once all was read.
type small struct{ Store }

func (small) order() *redline.Order {
	text, money := "x", &redline.Money{Currency: "EUR"}
	product := &redline.Product{
		ID: "prod_1", SKU: "S-1", Attributes: redline.Attributes{{Name: "a", Value: "b"}, {Name: "c", Value: "d"}},
		Availability: &redline.ProductAvailability{Locations: []*redline.LocationAvailability{
			{Location: &redline.Location{ID: "loc_1"}}, {Location: &redline.Location{ID: "loc_2"}, Stale: true},
		}},
		SupplierItems: []*redline.SupplierItem{},
	}
	o := &redline.Order{
		ID: "ord_1", Customer: &redline.Customer{ID: &text}, Total: money, NextStatuses: []redline.OrderStatus{"A", "B", "C"},
		History: []*redline.OrderStatusChange{{Note: &text}, {}},
		Lines: []*redline.OrderLine{
			{ID: "line_1", ProductID: product.ID, Product: product, Total: money}, {ID: "line_2", ProductID: product.ID, Product: product},
		},
	}
	o.Returns = []*redline.Return{{ID: "ret_1", Order: o, Lines: []*redline.ReturnLine{{OrderLine: o.Lines[0]}, {OrderLine: o.Lines[1]}}}, {ID: "ret_2", Order: o}}
	for range 3 {
		o.FulfillmentOrders = append(o.FulfillmentOrders, &redline.FulfillmentOrder{
			ID: "fo_1", Order: o, ShipTo: &redline.Address{Lines: []string{"a", "b"}}, NextStatuses: []redline.FulfillmentOrderStatus{"A"},
			Lines: []*redline.FulfillmentOrderLine{{ID: "foline_1", OrderLine: o.Lines[0]}},
		})
	}
	return o
}

func (s small) OrderBy(context.Context, redline.Principal, redline.OrderBy, redline.OrderParts) (*redline.Order, error) {
	return s.order(), nil
}

func (s small) OrdersByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.Order, error) {
	return map[string]*redline.Order{ids[0]: s.order()}, nil
}

func (s small) Orders(
	context.Context, redline.Principal, redline.OrderFilter, redline.OrderSort, redline.PageRequest, redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	return &redline.Page[*redline.Order]{Items: []*redline.Order{s.order(), s.order()}, Cursors: make([]string, 2)}, nil
}

func (s small) Conflicts(
	context.Context, redline.Principal, redline.ConflictFilter, redline.PageRequest,
) (*redline.Page[*redline.Conflict], error) {
	id := redline.NewID(redline.PrefixOrder)
	return &redline.Page[*redline.Conflict]{Items: []*redline.Conflict{
		{Facts: redline.Attributes{{Name: "a"}, {Name: "b"}}, SubjectID: &id, Supplier: &redline.Supplier{Standing: &redline.SupplierStanding{}}}, {},
	}, Cursors: make([]string, 2)}, nil
}

func (s small) ReservationsByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.Reservation, error) {
	line := &redline.ReservationLine{Product: s.order().Lines[0].Product, Location: &redline.Location{ID: "loc_1"}}
	return map[string]*redline.Reservation{ids[0]: {Lines: []*redline.ReservationLine{line, line}}}, nil
}

func (small) SupplierFeedSubmit(context.Context, redline.Principal, redline.SupplierFeedInput) (*redline.FeedResult, error) {
	return &redline.FeedResult{InventoryResult: redline.InventoryResult{Rows: []*redline.InventoryRow{
		{LevelID: "lvl_1"}, {LevelID: "lvl_2"}, {Errors: redline.Errors{redline.Invalid([]string{"a", "b", "c"}, "no")}},
	}}, Conflicts: []*redline.Conflict{{Facts: redline.Attributes{{}, {}}}}}, nil
}

func (small) LevelsByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error) {
	found := map[string]*redline.InventoryLevel{}
	for _, id := range ids {
		found[id] = &redline.InventoryLevel{ID: id}
	}
	return found, nil
}

func (s small) EventsBetween(context.Context, int64, int64, []string, int) (redline.EventBatch, error) {
	return redline.EventBatch{UpTo: 42, Events: []*redline.Event{
		{ID: 1, Level: &redline.LevelEvent{Active: true, Changes: make([]redline.QuantityChange, 3), Before: redline.LevelBefore{Stale: true}}},
		{ID: 2, Order: &redline.OrderEvent{Order: *s.order()}}, {ID: 3, Order: &redline.OrderEvent{Order: *s.order()}},
		{ID: 4, Conflict: &redline.ConflictEvent{Conflict: redline.Conflict{Facts: redline.Attributes{{}, {}}}}},
	}}, nil
}

func (small) LogFloor(context.Context) (int64, error) { return 0, nil }

func (small) AuditEntries(
	context.Context, redline.Principal, redline.AuditFilter, redline.PageRequest,
) (*redline.Page[*redline.AuditEntry], error) {
	return &redline.Page[*redline.AuditEntry]{Items: []*redline.AuditEntry{{ID: "a"}, {ID: "b"}}, Cursors: make([]string, 2)}, nil
}

func (small) OrderHold(context.Context, redline.Principal, redline.OrderHoldInput) (string, redline.Outcome, error) {
	return "", redline.Outcome{}, redline.Errors{redline.Invalid([]string{"a", "b"}, "no"), {
		Code: redline.CodeInvalidTransition, From: "A", To: "B", Allowed: []string{"C", "D", "E"},
	}}
}

// TestAnswersAreCounted: as many values are counted as the answer has.
func TestAnswersAreCounted(t *testing.T) {
	t.Parallel()
	id := redline.NewID(redline.PrefixOrder)
	for _, query := range []string{
		`{order(by:{id:"x"}){id number __typename holdReason}}`,
		`{a:order(by:{id:"x"}){id lines{id}} b:order(by:{id:"x"}){number} ...again} fragment again on Query{a:order(by:{id:"x"}){status}}`,
		`{order(by:{id:"x"}){total{amount currency} customer{id name} nextStatuses history{from to note at}}}`,
		`{order(by:{id:"x"}){...on Order{lines{...l} again:lines{id total{amount}}}}} fragment l on OrderLine{id product{attributes{name value} price{currency}}}`,
		`{order(by:{id:"x"}){fulfillmentOrders{id nextStatuses shipTo{city lines} lines{orderLine{id product{id}} accepted} order{fulfillmentOrders{order{history{to}}}}}}}`,
		`{order(by:{id:"x"}){lines{product{availability{available locations{stale location{id supplier{id}}}} supplierItems{id}}}}}`,
		`{order(by:{id:"x"}){lines{product{availability{locations{stale location{id}}} fresh:availability(includeStale:false){available locations{asOf location{id}}}}}}}`,
		`{order(by:{id:"x"}){returns{id reason lines{quantity orderLine{id product{id}}} order{returns{id}}}}}`,
		`{conflicts{nodes{id facts{name value} supplier{id terms{version}} subject{__typename id ...on Order{number lines{id}}}}}}`,
		`{reservation(id:"x"){status lines{quantity product{id attributes{name}} location{id code}}}}`,
		`mutation{supplierFeedSubmit(input:{idempotencyKey:"k",mode:FULL,asOf:"2024-05-31T08:00:00Z",rows:[]}){applied rows{index level{id onHand} userErrors{field}} conflicts{id facts{name}}}}`,
		`{orders{totalCount nodes{id} edges{cursor node{id lines{id}}} pageInfo{hasNextPage endCursor}}}`,
		`{auditEntries{nodes{id outcome} edges{node{actor}}}}`,
		`{viewer{subject scopes suppliers{id}}}`,
		`{events(types:[]){nodes{cursor} cursor hasMore}}`,
		`{events{hasMore nodes{__typename cursor ...on InventoryEvent{reason changes{delta} level{id product{id}}} ...on ConflictEvent{conflict{facts{name}}}}}}`,
		`{events(types:[AVAILABILITY,ORDER]){a:nodes{kind ...on AvailabilityEvent{product{id}} ...on OrderEvent{order{nextStatuses lines{id quantity}}}} b:nodes{at}}}`,
		`{nodes(ids:["` + id + `","` + id + `","` + id + `"]){id ...on Order{number lines{id}}}}`,
		`mutation{orderHold(input:{orderId:"x",reason:"r"}){userErrors{__typename code field ...on InvalidTransition{allowed from}} order{id}}}`,
	} {
		values, has := counted(t, query)
		if values != has || has == 0 {
			t.Errorf("%s: counted as %d values, and has %d", query, values, has)
		}
	}
}

// TestEmptyObjectsCount: an object whose fields are all skipped counts as one
// value. Once it counted as none, and a small document was answered with
// hundreds of megabytes of braces.
func TestEmptyObjectsCount(t *testing.T) {
	t.Parallel()
	for query, want := range map[string]int{
		`{order(by:{id:"x"}){lines{id @skip(if:true)}}}`:                                  1 + 2,
		`{order(by:{id:"x"}){id @skip(if:true)}}`:                                         1,
		`{order(by:{id:"x"}){lines{product{attributes{name @skip(if:true)}}}}}`:           1 + 2 + 2 + 4,
		`{orders{nodes{id @skip(if:true)}}}`:                                              1 + 2,
		`{orders{edges{cursor @skip(if:true)} pageInfo{hasNextPage @include(if:false)}}}`: 1 + 2 + 1 + 1,
		`{orders{edges{node{id @skip(if:true)}}}}`:                                        1 + 2 + 2,
	} {
		if values, _ := counted(t, query); values != want {
			t.Errorf("%s: counted as %d values, want %d", query, values, want)
		}
	}
}

// TestTextsCount: an answer is no smaller for having few long texts, or fields
// with long names.
func TestTextsCount(t *testing.T) {
	t.Parallel()
	name := strings.Repeat("n", 5*textUnit)
	plain, _ := counted(t, `{order(by:{id:"x"}){lines{id}}}`)
	long, _ := counted(t, `{order(by:{id:"x"}){lines{`+name+`:id}}}`)
	if extra := len(small{}.order().Lines) * len(name) / textUnit; long != plain+extra {
		t.Errorf("a name of %d bytes makes %d values of %d, want %d more", len(name), long, plain, extra)
	}
	text := strings.Repeat("t", 5*textUnit)
	c := newContract(New(Options{}).schema.Schema())
	product := &object{info: c.types["Product"], fields: []field{{index: c.types["Product"].index["description"]}}, heavy: []int{0}}
	if n := product.weight(&redline.Product{Description: &text}, 0); n != len(text)/textUnit {
		t.Errorf("a text of %d bytes counts %d more", len(text), n)
	}
}

// TestPartsWeigh: every text, list and object that is a part of an object
// weighs, or its size would be missed.
func TestPartsWeigh(t *testing.T) {
	t.Parallel()
	c := newContract(New(Options{}).schema.Schema())
	for _, v := range objects {
		c.checkWeighs(t, kindNames[kindOf(v)])
	}
}

func (c *contract) checkWeighs(t *testing.T, name string) {
	t.Helper()
	for _, f := range c.schema.Types[name].Fields {
		if relation := relations[name][f.Name]; relation.next != nil || relation.page != nil || strings.HasPrefix(f.Name, "__") {
			continue
		}
		to := c.types[f.Type.Name()]
		if (f.Type.Elem != nil || f.Type.Name() == "String" || to != nil) && !c.types[name].weighs(c.types[name].index[f.Name]) {
			t.Errorf("%s.%s weighs nothing", name, f.Name)
		}
		if to != nil {
			c.checkWeighs(t, to.name)
		}
	}
}
