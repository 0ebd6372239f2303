package store_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"redline"
	"redline/internal/pgtest"
	"redline/store"
)

// feedRowsMost is how many rows the largest feed has, each of a level of its own.
const feedRowsMost = 10_000

// stockCajun has cajun sell so many products in cases of 12, sku-1 and on, with 10
// cases of each.
func stockCajun(n int) string {
	return fmt.Sprintf(`
		INSERT INTO products (id, sku, name, category, base_unit, price, currency)
		SELECT 'prod_' || n, 'sku-' || n, 'Product ' || n, 'Bench', 'BOTTLE', 12.5, 'USD' FROM generate_series(1, %d) AS n;
		INSERT INTO supplier_items (id, supplier_id, product_id, supplier_sku, unit, pack_quantity)
		SELECT 'sitem_' || n, s.id, 'prod_' || n, 'c-' || n, 'CASE', 12 FROM generate_series(1, %[1]d) AS n, suppliers s WHERE s.code = 'cajun';
		INSERT INTO inventory_levels (id, product_id, location_id, as_of, on_hand, available, version)
		SELECT 'lvl_' || n, 'prod_' || n, loc.id, now(), 120, 120, 1 FROM generate_series(1, %[1]d) AS n, locations loc WHERE loc.code = 'cajun';`, n)
}

// newFeedStore opens a store on a database where cajun has feedRowsMost levels.
func newFeedStore(b *testing.B) *store.Store {
	b.Helper()
	ctx := context.Background()
	url := pgtest.NewFrom(b, "feeds", func(url string) error {
		if err := prepare(ctx, url); err != nil {
			return err
		}
		s, err := store.Open(ctx, url, store.Options{})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		return exec(ctx, s.DB(), stockCajun(feedRowsMost)+`; ANALYZE`)
	})
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s
}

// BenchmarkFeed is a supplier that states all that it has, time and again; of the
// rows some state something new.
func BenchmarkFeed(b *testing.B) {
	for _, c := range []struct {
		name  string
		every int
	}{{"all changed", 1}, {"1 percent changed", 100}, {"none changed", 0}} {
		b.Run(c.name, func(b *testing.B) {
			s := newFeedStore(b)
			in := redline.SupplierFeedInput{
				Mode: redline.FeedFull, Measure: redline.FeedOnHand, OnRowError: redline.SkipRow, Rows: make([]redline.SupplierFeedRow, feedRowsMost),
			}
			for i := range in.Rows {
				in.Rows[i] = says(fmt.Sprintf("c-%d", i+1), 10)
			}
			in.Rows = append(in.Rows[:feedRowsMost-1], says("65", 2))
			round := 0
			b.ReportAllocs()
			for b.Loop() {
				round++
				for i := range in.Rows[:feedRowsMost-1] {
					if c.every > 0 && i%c.every == 0 {
						in.Rows[i].Quantity = 10 + round%5
					}
				}
				in.IdempotencyKey, in.AsOf = key(), time.Now()
				r, err := s.SupplierFeedSubmit(context.Background(), cajun, in)
				if err != nil {
					b.Fatal(err)
				}
				if r.Rejected > 0 || len(r.Conflicts) > 0 {
					b.Fatalf("%d rejected, %d conflicts", r.Rejected, len(r.Conflicts))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*feedRowsMost), "ns/row")
		})
	}
}
