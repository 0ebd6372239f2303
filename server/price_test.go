package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"redline/server"
)

// contract is the public contract, answered with nothing, to see what asking costs.
func contract(tb testing.TB, options server.ExecOptions) *served {
	tb.Helper()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		tb.Fatal(err)
	}
	schema := &instantSchema{schema: gqlparser.MustLoadSchema(&ast.Source{Input: string(text)}), data: []byte(`{}`)}
	exec, err := server.NewExecutor(func() *executor.Executor { return executor.New(schema) }, options)
	if err != nil {
		tb.Fatal(err)
	}
	s := newServed(tb, func(o *server.Options) { o.Executor = exec })
	s.executions = &schema.executions
	return s
}

// costOf is what an answer says that its operation cost; -1 where it says nothing.
func costOf(tb testing.TB, a answer) int64 {
	tb.Helper()
	var said struct {
		Extensions struct{ Cost *struct{ Requested int64 } }
	}
	if err := json.Unmarshal([]byte(a.body), &said); err != nil {
		tb.Fatalf("%v: %s", err, a.body)
	}
	if said.Extensions.Cost == nil {
		return -1
	}
	return said.Extensions.Cost.Requested
}

// What operations cost, as docs/limits.md says it.
func TestCosts(t *testing.T) {
	t.Parallel()
	s := contract(t, server.ExecOptions{})
	rows := func(n int) string {
		return "[" + strings.TrimSuffix(strings.Repeat(`{"stock":{"sku":"a"},"delta":1},`, n), ",") + "]"
	}
	for _, test := range []struct {
		query, variables string
		want             int64
	}{
		{`{ eventHead }`, ``, 1}, // nothing costs nothing
		{`{ viewer { role } }`, ``, 1},
		{`{ viewer { role suppliers { name } } }`, ``, 1 + 10},
		{`{ a: viewer { role } b: viewer { role } }`, ``, 2},
		{`{ products { nodes { sku } } }`, ``, 1 + 50},
		{`{ products(first: 3) { nodes { sku price { amount } } } }`, ``, 1 + 3*2},
		{`{ products(first: 3) { edges { node { sku } } } }`, ``, 1 + 3*2},
		{`{ products(first: 3) { nodes { sku } edges { node { sku } } pageInfo { hasNextPage } totalCount } }`, ``, 1 + 3 + 3*2 + 1 + 10},
		{`{ products(last: 7) { nodes { sku } } }`, ``, 1 + 7},
		{`query($n: Int = 9) { products(first: $n) { nodes { sku } } }`, ``, 1 + 9},
		{`query($n: Int) { products(first: $n) { nodes { sku } } }`, ``, 1 + 50},
		{`query($n: Int) { products(first: $n) { nodes { sku } } }`, `{"n":null}`, 1 + 50},
		{`query($n: Int) { products(first: $n) { nodes { sku } } }`, `{"n":4}`, 1 + 4},
		{`query($n: Int) { products(first: $n) { nodes { sku } } }`, `{"n":"250"}`, 1 + 250},
		{`query($n: Int) { products(first: $n) { nodes { sku } } }`, `{"n":"+250"}`, 1 + 250},
		{`{ products(first: -5) { nodes { sku } } }`, ``, 1},
		{`{ products(first: 3) { ...page } } fragment page on ProductConnection { nodes { ...product } } fragment product on Product { sku price { amount } }`, ``, 1 + 3*2},
		{`query($n: Int!) { a: products(first: $n) { ...page } b: products(first: 2) { ...page } } fragment page on ProductConnection { nodes { sku } }`, `{"n":4}`, 1 + 4 + 1 + 2},
		{`{ suppliers(first: 2) { nodes { items(first: 4) { nodes { product { sku } } } } } }`, ``, 1 + 2*(1+1+4*2)},
		{`query($n: Int!) { suppliers(first: $n) { nodes { items(first: $n) { nodes { id } } } } }`, `{"n":5}`, 1 + 5*(1+1+5)},
		{`query($s: Boolean!) { viewer { role } products(first: 3) @skip(if: $s) { nodes { sku } } }`, `{"s":true}`, 1},
		{`query($s: Boolean!) { viewer { role } products(first: 3) @skip(if: $s) { nodes { sku } } }`, `{"s":false}`, 1 + 1 + 3},
		{`query($s: Boolean!) { viewer { role } ...p @include(if: $s) } fragment p on Query { products(first: 3) { nodes { sku } } }`, `{"s":true}`, 1 + 1 + 3},
		{`{ viewer { role } products(first: 3) @include(if: false) { nodes { sku } } }`, ``, 1},
		{`{ nodes(ids: ["a", "b", "c"]) { id } }`, ``, 3},
		{`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, `{"ids":["a","b"]}`, 2},
		{`query($id: ID!) { nodes(ids: [$id, "b"]) { id } }`, `{"id":"a"}`, 2},
		{`query($ids: [ID!]!) { nodes(ids: $ids) { id } }`, `{"ids":"a"}`, 1},
		// Of several types the dearest counts.
		{`{ node(id: "a") { id ... on Product { price { amount } } ... on Order { total { amount } lines { id } } } }`, ``, 1 + 1 + 10},
		{`query($n: Int!) { node(id: "a") { ... on Product { price { amount } } ... on Supplier { items(first: $n) { nodes { id } } } } }`, `{"n":0}`, 1 + 1},
		{`query($n: Int!) { node(id: "a") { ... on Product { price { amount } } ... on Supplier { items(first: $n) { nodes { id } } } } }`, `{"n":8}`, 1 + 1 + 8},
		{`{ events(first: 10) { nodes { kind ... on OrderEvent { order { id } } } } }`, ``, 1 + 10*2},
		{`{ availability(lines: [{productId: "a", quantity: 1}, {productId: "b", quantity: 1}]) { available promises { quantity } } }`, ``, 2 * (1 + 10)},
		// A change: 10, its rows, and its answer, whose rows are as many.
		{`mutation($c: [InventoryChange!]!) { inventoryAdjust(input: {idempotencyKey: "a", reason: SOLD, changes: $c}) { replayed } }`, `{"c":` + rows(7) + `}`, 10 + 7 + 1},
		{`mutation($i: InventoryAdjustInput!) { inventoryAdjust(input: $i) { rows { level { version } } } }`, `{"i":{"idempotencyKey":"a","reason":"SOLD","changes":` + rows(7) + `}}`, 10 + 7 + 1 + 7*2},
		{`mutation { orderHold(input: {orderId: "a", reason: "b"}) { order { id } } }`, ``, 10 + 2},
	} {
		body, err := json.Marshal(map[string]any{"query": test.query, "variables": json.RawMessage("null")})
		if test.variables != "" {
			body, err = json.Marshal(map[string]any{"query": test.query, "variables": json.RawMessage(test.variables)})
		}
		if err != nil {
			t.Fatal(err)
		}
		for range 2 { // the second time it is known
			if got := costOf(t, s.do(t, call{body: string(body)})); got != test.want {
				t.Errorf("%s %s costs %d; want %d", test.query, test.variables, got, test.want)
			}
		}
	}
}

// A cost over the maximum is refused before anything runs, however large it is.
func TestMaxCost(t *testing.T) {
	t.Parallel()
	s := contract(t, server.ExecOptions{MaxCost: 100})
	if got := s.query(t, `{ products(first: 99) { nodes { sku } } }`); costOf(t, got) != 100 {
		t.Errorf("at the maximum: %s", got.body)
	}
	for first, cost := range map[int64]int64{100: 101, 2147483647: 2147483648} {
		got := s.query(t, fmt.Sprintf(`{ products(first: %d) { nodes { sku } } }`, first))
		got.wantError(t, http.StatusBadRequest, "LIMIT_EXCEEDED", "points")
		response, _ := got.graphql(t)
		if e := response.Errors[0].Extensions; e["limit"] != "cost" || e["value"] != float64(cost) || e["maximum"] != float64(100) || costOf(t, got) != cost {
			t.Errorf("refused with %s", got.body)
		}
	}
	const huge = 2147483647
	got := s.query(t, fmt.Sprintf(`{ s: suppliers(first: %d) { nodes { items(first: %[1]d) { nodes { supplier { items(first: %[1]d) { nodes { id } } } } } } } }`, huge))
	got.wantError(t, http.StatusBadRequest, "LIMIT_EXCEEDED")
	if costOf(t, got) != 1<<50 {
		t.Errorf("what can't be counted costs %d", costOf(t, got))
	}
}

// A subscription that begins with a snapshot, or with what was missed, pays for it.
func TestCostsOfSubscriptions(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../schema.graphqls")
	if err != nil {
		t.Fatal(err)
	}
	schema := &instantSchema{schema: gqlparser.MustLoadSchema(&ast.Source{Input: string(text)})}
	exec, err := server.NewExecutor(func() *executor.Executor { return executor.New(schema) }, server.ExecOptions{MaxCost: 1})
	if err != nil {
		t.Fatal(err)
	}
	s := newServed(t, func(o *server.Options) { o.Executor, o.Streams = exec, toldStreams{} })
	for _, test := range []struct {
		arguments, variables string
		want                 float64
	}{
		{``, ``, 10 + 2}, {`(snapshot: false)`, ``, 10 + 2}, {`(after: null)`, ``, 10 + 2}, {`(after: $a, snapshot: $s)`, `{}`, 10 + 2},
		{`(snapshot: true)`, ``, 10 + 1000*2}, {`(snapshot: $s)`, `{"s":true}`, 10 + 1000*2}, {`(snapshot: $s, after: "c")`, `{"s":true}`, 10 + 1000*2},
		{`(after: "c")`, ``, 10 + 100*2}, {`(after: $a)`, `{"a":"c"}`, 10 + 100*2},
	} {
		declared := ""
		if strings.Contains(test.arguments, "$s") {
			declared += "$s: Boolean! = false "
		}
		if strings.Contains(test.arguments, "$a") {
			declared += "$a: Cursor"
		}
		head := "subscription"
		if declared != "" {
			head += "(" + declared + ")"
		}
		if test.variables == "" {
			test.variables = "{}"
		}
		body, err := json.Marshal(map[string]any{
			"query": head + " { inventoryChanged" + test.arguments + " { level { onHand } } }", "variables": json.RawMessage(test.variables),
		})
		if err != nil {
			t.Fatal(err)
		}
		// A stream that is opened again says by its Last-Event-ID what it missed.
		for lastEventID, want := range map[string]float64{"": test.want, "c": max(test.want, 10+100*2)} {
			header := http.Header{"Accept": {"text/event-stream"}, "Last-Event-Id": {lastEventID}}
			got := s.do(t, call{body: string(body), header: header})
			response, _ := got.graphql(t)
			if len(response.Errors) != 1 || response.Errors[0].Extensions["value"] != want {
				t.Errorf("%s %s, Last-Event-ID %q: %s, want %v", test.arguments, test.variables, lastEventID, got.body, want)
			}
		}
	}
}
