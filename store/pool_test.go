package store_test

import (
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"redline"
	"redline/store"
)

// A row that everybody wants once took all connections, so that those who only
// read waited for it too; and who waited too long was told of a fault.
func TestWhoWaitsForARowKeepsNobodyWaiting(t *testing.T) {
	w := newWorld(t)
	const conns = 6
	small, err := store.Open(w.ctx, w.url, store.Options{MaxConns: conns})
	w.must(err)
	t.Cleanup(func() { _ = small.Close() })

	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `SELECT 1 FROM inventory_levels WHERE id = $1 FOR UPDATE`, w.level("tea", "tokyo").ID)
	w.must(err)

	var wg sync.WaitGroup
	var done atomic.Int32
	answers := make([]error, 4*conns)
	for i := range answers {
		wg.Go(func() {
			_, _, answers[i] = small.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 1)}})
			done.Add(1)
		})
	}
	w.await("all connections for changes to wait", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == conns/2
	})
	for range 2 * conns {
		_, err := small.Products(w.ctx, redline.Anonymous(), redline.ProductFilter{}, redline.ProductOrder{}, redline.PageRequest{}, redline.ProductParts{})
		w.must(err)
	}
	if n := done.Load(); n > 0 {
		t.Errorf("%d changes had ended before readers were served", n)
	}
	wg.Wait() // the row stays locked
	for _, err := range answers {
		var e *redline.Error
		if !errors.As(err, &e) || e.Code != redline.CodeUnavailable || e.RetryAfter == 0 {
			t.Errorf("who waited too long is told %v", err)
		}
	}
	w.must(tx.Rollback())
	w.place(shop, line("tea", 1))
	w.checkBooks()
}

// await looks until something is so.
func (w *world) await(what string, is func() bool) {
	w.t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-w.ctx.Done():
			w.t.Fatalf("waiting for %s: %v", what, w.ctx.Err())
		}
	}
}
