package store_test

import (
	"context"
	"database/sql/driver"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/lib/pq"

	"redline"
	"redline/internal/pgtest"
	"redline/store"
)

// benchProducts is how many products, each at two warehouses and a supplier,
// the benchmarks of placing sell.
const benchProducts = 2000

// settle has orders in the tables when Postgres plans for them, as a shop has:
// planned while they are empty, each foreign key would be looked up by reading
// all of its table.
func settle(b *testing.B, s *store.Store) {
	b.Helper()
	for range 300 {
		if err := placeOne(s, false); err != nil {
			b.Fatal(err)
		}
	}
	if _, err := s.DB().ExecContext(context.Background(), `ANALYZE`); err != nil {
		b.Fatal(err)
	}
}

// newCounter opens a store on a database with a full shop, and counts its
// round trips.
func newCounter(b *testing.B) (*store.Store, *atomic.Int64) {
	b.Helper()
	ctx := context.Background()
	url := pgtest.NewFrom(b, "bench", func(url string) error {
		if err := prepare(ctx, url); err != nil {
			return err
		}
		s, err := store.Open(ctx, url, store.Options{})
		if err != nil {
			return err
		}
		defer func() { _ = s.Close() }()
		_, err = s.DB().ExecContext(ctx, fmt.Sprintf(`
			INSERT INTO products (id, sku, name, category, base_unit, price, currency)
			SELECT 'prod_' || n, 'sku-' || n, 'Product ' || n, 'Bench', 'PIECE', 12.5, 'USD' FROM generate_series(1, %d) AS n;
			INSERT INTO inventory_levels (id, product_id, location_id, as_of, on_hand, available, version)
			SELECT 'lvl_' || n || loc.code, 'prod_' || n, loc.id, now(), 900000000, 900000000, 1
			FROM generate_series(1, %[1]d) AS n, locations loc WHERE loc.code <> 'tokyo';
			ANALYZE`, benchProducts))
		return err
	})
	y := &spy{t: b}
	s, err := store.Open(ctx, url, store.Options{}.Through(func(c *pq.Connector) driver.Connector {
		c.Dialer(spyDialer{spy: y})
		return c
	}))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	return s, &y.trips
}

// placeOne places an order of two lines, the first of them of a hot product or
// of any.
func placeOne(s *store.Store, hot bool) error {
	first := 1
	if !hot {
		first = rand.IntN(benchProducts) + 1
	}
	_, _, err := s.OrderPlace(context.Background(), shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), Customer: redline.CustomerInput{ID: ref("c-1"), Name: ref("Ann")},
		Lines: []redline.LineInput{line(fmt.Sprintf("sku-%d", first), 1), line(fmt.Sprintf("sku-%d", rand.IntN(benchProducts)+1), 2)},
	})
	return err
}

// BenchmarkPlace is one client that places orders of two lines.
func BenchmarkPlace(b *testing.B) {
	s, trips := newCounter(b)
	settle(b, s)
	before := trips.Load()
	b.ReportAllocs()
	for b.Loop() {
		if err := placeOne(s, false); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(trips.Load()-before)/float64(b.N), "trips/order")
}

// BenchmarkPlaceTogether is 64 clients, each of whom places one order after the
// other.
func BenchmarkPlaceTogether(b *testing.B) {
	for _, c := range []struct {
		name string
		hot  bool
	}{{"hot", true}, {"uniform", false}} {
		b.Run(c.name, func(b *testing.B) {
			s, trips := newCounter(b)
			settle(b, s)
			before := trips.Load()
			b.ReportAllocs()
			b.ResetTimer()
			var next atomic.Int64
			var clients sync.WaitGroup
			for range 64 {
				clients.Go(func() {
					for next.Add(1) <= int64(b.N) {
						if err := placeOne(s, c.hot); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			clients.Wait()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "orders/s")
			b.ReportMetric(float64(trips.Load()-before)/float64(b.N), "trips/order")
		})
	}
}
