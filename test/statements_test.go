package test_test

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"redline"
	"redline/graph"
	"redline/live"
	"redline/store"
)

// quietLive is a broker to which nothing is ever published.
type quietLive struct{ *live.Broker }

func (quietLive) Cursor(id int64) string { return redline.Cursor{ID: id}.String() }

// inProcess is the graph on a store on the shared server's database, where
// nobody else's statements are in the way, and a wire to count them on.
func inProcess(t *testing.T) (*executor.Executor, *wire) {
	t.Helper()
	w, url := newWire(t, demo(t))
	s, err := store.Open(t.Context(), url, store.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	broker, err := live.NewBroker(live.BrokerOptions{History: s})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(broker.Close)
	// Places are in memory from the first question for them on.
	if err := s.RefreshPlaces(t.Context()); err != nil {
		t.Fatal(err)
	}
	return graph.New(graph.Options{Store: s, Live: quietLive{broker}, Log: slog.New(slog.DiscardHandler)}).Executor(), w
}

// count runs a query as an operator and returns its statements, and the answer.
func count(t *testing.T, exec *executor.Executor, w *wire, query string) ([]string, answer) {
	t.Helper()
	p := redline.Principal{Issuer: "i", Subject: "s", Role: redline.RoleOperator, Scopes: redline.DefaultScopes(redline.RoleOperator)}
	var response *graphql.Response
	statements := w.during(func() {
		ctx := graphql.StartOperationTrace(redline.WithPrincipal(t.Context(), p))
		op, errs := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
		if errs != nil {
			t.Fatalf("%v for %s", errs, query)
		}
		var next graphql.ResponseHandler
		var answerCtx context.Context
		next, answerCtx = exec.DispatchOperation(ctx, op)
		response = next(answerCtx)
	})
	if len(response.Errors) > 0 {
		t.Fatalf("%v for %s", response.Errors, query)
	}
	return statements, answer{data: parsed(t, response.Data)}
}

// A page of products with availability is one statement, and so is an order with
// all that belongs to it.
func TestStatements(t *testing.T) {
	t.Parallel()
	exec, w := inProcess(t)
	// The most that a query may take is said for each; the pages are long enough
	// for one statement an item to show.
	for name, test := range map[string]struct {
		query string
		most  int
	}{
		"products with levels":       {`{ products(first: 100) { nodes { sku name price { amount } inventory { onHand levels { onHand available location { code supplier { code } } } } } } }`, 2},
		"products with availability": {`{ products(first: 100) { nodes { sku availability { available locations { available location { code } } } } } }`, 1},
		"products with stock that is stale and without": {`{ products(first: 100) { nodes { sku all: availability { available }
			fresh: availability(includeStale: false) { available locations { location { code } } } } } }`, 1},
		"suppliers with how they stand": {`{ suppliers(first: 29) { nodes { code status lastSeenAt terms { version } } } }`, 2},
		"an order": {`{ order(by: {number: "10248"}) { number status lines { quantity product { sku name } }
			history { from to at } } }`, 1},
		"an order with its parts": {`{ order(by: {number: "11077"}) { number status lines { quantity product { sku name } } history { to }
			fulfillmentOrders { status supplier { code } location { code } lines { quantity orderLine { product { sku } } } fulfillments { status lines { quantity } } } } }`, 1},
		"levels with products": {`{ inventoryLevels(first: 100) { nodes { onHand product { sku } location { code } } } }`, 2},
		"movements":            {`{ inventoryMovements(first: 100) { nodes { actor product { sku } location { code } } } }`, 2},
		"suppliers with items": {`{ suppliers(first: 29) { nodes { code items(first: 10) { nodes { supplierSku product { sku } } } } } }`, 3},
	} {
		statements, a := count(t, exec, w, test.query)
		if len(statements) == 0 || len(statements) > test.most {
			t.Errorf("%s: %d statements, more than %d:\n%s", name, len(statements), test.most, strings.Join(statements, "\n--\n"))
		}
		t.Log(name, len(statements))
		if root, _ := a.data.(map[string]any); len(root) != 1 {
			t.Errorf("%s: %v", name, a.data)
		}
	}
}

// How many statements a list takes doesn't depend on how long it is.
func TestStatementsDontGrow(t *testing.T) {
	t.Parallel()
	exec, w := inProcess(t)
	for _, nodes := range []string{
		`orders(first: %d) { nodes { number lines { product { availability { available locations { location { code } } } } } } }`,
		`orders(first: %d) { nodes { number history { to } fulfillmentOrders { supplier { code } fulfillments { lines { quantity orderLine { product { sku } } } } } } }`,
		`fulfillmentOrders(first: %d) { nodes { order { number lines { product { sku } } history { to } } location { code supplier { items(first: 2) { nodes { product { sku } } } } } } }`,
		`products(filter: {search: "NW-"}, first: %d) { nodes { supplierItems { supplier { code } product { inventory { levels { product { sku } } } } } } }`,
		`products(filter: {search: "NW-"}, first: %d) { nodes { supplierItems { cost { amount } versions { version product { sku } } supplier { status } } } }`,
		`inventoryMovements(first: %d) { nodes { product { availability { available } } location { supplier { lastSeenAt } } } }`,
	} {
		few, short := count(t, exec, w, "{ "+fmt.Sprintf(nodes, 5)+" }")
		many, long := count(t, exec, w, "{ "+fmt.Sprintf(nodes, 50)+" }")
		root, _, _ := strings.Cut(nodes, "(")
		if len(short.list(root+".nodes")) != 5 || len(long.list(root+".nodes")) != 50 {
			t.Errorf("%s: pages of %d and %d", nodes, len(short.list(root+".nodes")), len(long.list(root+".nodes")))
		}
		if len(few) != len(many) || len(few) == 0 {
			t.Errorf("%s: %d statements for 5, %d for 50:\n%s", nodes, len(few), len(many), strings.Join(many, "\n--\n"))
		}
	}
}
