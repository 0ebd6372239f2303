package store_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"syscall"
	"testing"

	"redline"
	"redline/internal/pgtest"
	"redline/migrations"
	"redline/store"
)

// benchEvents is how many events one run of the benchmark reads: one of an order
// for each two of levels, as placements write them.
const benchEvents = 20_000

// BenchmarkEventLog is what reading the log costs a gateway, by who listens: from
// the log in Postgres to the events.
func BenchmarkEventLog(b *testing.B) {
	ctx := b.Context()
	s, err := store.Open(ctx, pgtest.New(b), store.Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	if _, err := migrations.Up(ctx, s.DB().DB); err != nil {
		b.Fatal(err)
	}
	order := redline.Order{ID: redline.NewID(redline.PrefixOrder), Number: "100001", Status: "PLACED"}
	for range 2 {
		order.Lines = append(order.Lines, &redline.OrderLine{ID: redline.NewID(redline.PrefixOrderLine), ProductID: redline.NewID(redline.PrefixProduct), Quantity: 2})
	}
	level := redline.LevelEvent{
		Level:  redline.InventoryLevel{ID: redline.NewID(redline.PrefixLevel), ProductID: "prod_0", OnHand: 100, Available: 90},
		Active: true, Changes: []redline.QuantityChange{{State: redline.StateCommitted, Delta: 2, After: 10}},
	}
	orderText, err := json.Marshal(redline.OrderEvent{Order: order, To: "PLACED"})
	if err != nil {
		b.Fatal(err)
	}
	levelText, err := json.Marshal(level)
	if err != nil {
		b.Fatal(err)
	}
	// write writes the events and returns the newest one's id.
	write := func() (newest int64) {
		err := s.DB().GetContext(ctx, &newest, `WITH written AS (INSERT INTO events (type, subject_id, at, payload)
			SELECT CASE WHEN n % 3 = 0 THEN 'order.changed' ELSE 'level.changed' END, 'x' || n, clock_timestamp(),
				CASE WHEN n % 3 = 0 THEN $2::jsonb ELSE jsonb_set($3::jsonb, '{level,productId}', to_jsonb('prod_' || n % 10000)) END
			FROM generate_series(1, $1::int) n RETURNING id) SELECT max(id) FROM written`, benchEvents, string(orderText), string(levelText))
		if err != nil {
			b.Fatal(err)
		}
		return newest
	}
	for who, types := range map[string][]string{
		"nobody": nil, "levels": {redline.EventLevel}, "orders": {redline.EventOrder},
	} {
		b.Run(fmt.Sprint("listens=", who), func(b *testing.B) {
			log := s.EventLog()
			defer func() { _ = log.Close() }()
			from, err := log.Newest(ctx)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			began := cpu(b)
			b.ResetTimer()
			for b.Loop() {
				for newest := write(); from < newest; {
					batch, err := log.Settled(ctx, from, types, 500)
					if err != nil {
						b.Fatal(err)
					}
					from = batch.UpTo
				}
			}
			b.ReportMetric(float64(cpu(b)-began)/float64(b.N)/benchEvents, "cpu-ns/event")
		})
	}
}

// cpu is the processor time that this process has taken, in nanoseconds.
func cpu(b *testing.B) int64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return u.Utime.Nano() + u.Stime.Nano()
}
