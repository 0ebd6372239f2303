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
	w.await("all connections for orders to wait", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == max(conns/2-2, 1) // the others are for changes of other kinds
	})
	_, err = small.InventoryTransfer(w.ctx, operator, redline.InventoryTransferInput{
		IdempotencyKey: key(), ProductID: w.id["pads"], FromLocationID: w.id["east"], ToLocationID: w.id["west"], Quantity: 1,
	})
	w.must(err)
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

// One row that somebody holds kept all orders of a batch waiting for the whole
// patience, and then until the one that wanted it had given up.
func TestAHeldRowKeepsStrangersForAMoment(t *testing.T) {
	w := newWorld(t)
	s, err := store.Open(w.ctx, w.url, store.Options{StatementTimeout: patience, Patience: 12 * time.Second})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `SELECT 1 FROM inventory_levels WHERE id = $1 FOR UPDATE`, w.level("tea", "tokyo").ID)
	w.must(err)
	orders := []redline.OrderPlaceInput{wants(line("pads", 1)), wants(line("tea", 1))}
	errs := make([]error, len(orders))
	w.together(s, len(orders), func(i int) {
		_, _, errs[i] = s.OrderPlace(w.ctx, shop, orders[i])
		if i == 0 { // the row is held until the stranger is answered
			_ = tx.Rollback()
		}
	})
	w.must(errors.Join(errs...))
	w.checkBooks()
}
