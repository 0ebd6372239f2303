package graph_test

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph"
)

// window is a repository whose one page of products is there already: what it
// costs to show them is none of its own.
type window struct {
	graph.Store
	page *redline.Page[*redline.Product]
}

func newWindow(products, locations int) *window {
	w := &window{page: &redline.Page[*redline.Product]{HasNext: true}}
	places := make([]*redline.Location, locations)
	for i := range places {
		places[i] = &redline.Location{ID: redline.NewID(redline.PrefixLocation), Code: fmt.Sprint("ACME-", i), Name: fmt.Sprint("Warehouse ", i)}
	}
	for i := range products {
		amount, err := redline.ParseDecimal(fmt.Sprintf("%d.95", 10+i))
		if err != nil {
			panic(err)
		}
		p := &redline.Product{
			ID: redline.NewID(redline.PrefixProduct), SKU: fmt.Sprint("BRK-", i), Name: fmt.Sprint("Brake disc, ventilated, ", i, " mm"), Brand: ptr("Acme"),
			Category: "brakes", BaseUnit: redline.UnitPiece, Price: redline.Money{Amount: amount, Currency: "EUR"}, Active: true, Version: i,
			UpdatedAt: time.Unix(1_700_000_000, 123_456_000).UTC(),
		}
		at := make([]*redline.LocationAvailability, locations)
		for j, place := range places {
			at[j] = &redline.LocationAvailability{
				ProductID: p.ID, LocationID: place.ID, Location: place, Available: 17 * j, AsOf: time.Unix(1_700_000_000, 0).UTC(),
			}
		}
		p.Availability = redline.TotalAvailability(at)
		w.page.Items, w.page.Cursors = append(w.page.Items, p), append(w.page.Cursors, fmt.Sprint("cursor-", i))
	}
	return w
}

func (w *window) Products(
	context.Context, redline.Principal, redline.ProductFilter, redline.ProductOrder, redline.PageRequest, redline.ProductParts,
) (*redline.Page[*redline.Product], error) {
	return w.page, nil
}

func (w *window) ProductBy(context.Context, redline.Principal, redline.ProductBy, redline.ProductParts) (*redline.Product, error) {
	return w.page.Items[0], nil
}

// benchmarkShown measures what running a known document costs, from its
// variables to the bytes of its answer.
func benchmarkShown(b *testing.B, query string, variables map[string]any) {
	b.Helper()
	e := graph.New(graph.Options{Store: newWindow(20, 5), Live: newEventLog(), Log: slog.New(slog.DiscardHandler)}).Executor()
	e.SetQueryCache(gql.MapCache[*ast.QueryDocument]{})
	run := func() *gql.Response {
		ctx := gql.StartOperationTrace(redline.WithPrincipal(b.Context(), redline.Anonymous()))
		op, refused := e.CreateOperationContext(ctx, &gql.RawParams{Query: query, Variables: variables})
		if refused != nil {
			b.Fatal(refused)
		}
		responses, ctx := e.DispatchOperation(ctx, op)
		return responses(ctx)
	}
	got := run()
	if len(got.Errors) > 0 {
		b.Fatal(got.Errors)
	}
	b.SetBytes(int64(len(got.Data)))
	b.ReportAllocs()
	for b.Loop() {
		run()
	}
}

// BenchmarkPageOfProducts shows 20 products, each with what is available at 5
// locations.
func BenchmarkPageOfProducts(b *testing.B) {
	benchmarkShown(b, `query($c:[String!]){products(filter:{category:$c},first:20){nodes{
		id sku name brand category baseUnit active version availability{available locations{available stale asOf location{id code}}}}}}`,
		map[string]any{"c": []any{"brakes"}})
}

// BenchmarkOneProduct shows one of them.
func BenchmarkOneProduct(b *testing.B) {
	benchmarkShown(b, `query($s:String!){product(by:{sku:$s}){
		id sku name price{amount currency} updatedAt availability{available locations{available stale asOf location{id code}}}}}`,
		map[string]any{"s": "BRK-0"})
}
