package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"testing"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"redline"
	"redline/graph"
)

// feedRows is the longest feed.
const feedRows = 10_000

// mill is a repository that takes any feed and does nothing.
type mill struct {
	graph.Store
	rows int
}

func (m *mill) SupplierFeedSubmit(_ context.Context, _ redline.Principal, in redline.SupplierFeedInput) (*redline.FeedResult, error) {
	m.rows = len(in.Rows)
	return &redline.FeedResult{Applied: len(in.Rows)}, nil
}

// feedVariables are those of a feed, as a transport reads them. The executor
// writes into them.
func feedVariables(rows int) map[string]any {
	list := make([]any, rows)
	for i := range list {
		list[i] = map[string]any{
			"supplierSku": fmt.Sprint("SKU-", i), "locationCode": "ACME-1", "unit": "CASE", "quantity": json.Number(fmt.Sprint(i % 500)), "cost": "12.50",
		}
	}
	return map[string]any{"input": map[string]any{
		"idempotencyKey": "k", "mode": "FULL", "asOf": "2024-05-31T08:00:00Z", "sequence": "7", "rows": list,
	}}
}

// BenchmarkFeedInput measures what reading the longest feed costs the door, from
// the variables to the call of the repository.
func BenchmarkFeedInput(b *testing.B) {
	store := &mill{}
	e := graph.New(graph.Options{Store: store, Live: newEventLog(), Log: slog.New(slog.DiscardHandler)}).Executor()
	e.SetQueryCache(gql.MapCache[*ast.QueryDocument]{})
	who := principal(redline.RoleSupplier)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		variables := feedVariables(feedRows)
		b.StartTimer()
		ctx := gql.StartOperationTrace(redline.WithPrincipal(b.Context(), who))
		op, refused := e.CreateOperationContext(ctx, &gql.RawParams{
			Query: `mutation($input:SupplierFeedInput!){supplierFeedSubmit(input:$input){applied userErrors{message}}}`, Variables: variables,
		})
		if refused != nil {
			b.Fatal(refused)
		}
		responses, ctx := e.DispatchOperation(ctx, op)
		if got := responses(ctx); len(got.Errors) > 0 || store.rows != feedRows {
			b.Fatal(got.Errors)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/feedRows, "ns/row")
}
