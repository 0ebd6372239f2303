package store_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"redline"
)

// reading is what one reader was given, in its order.
type reading struct {
	ids      []int64
	versions map[string][]int
	looks    int
}

func (r *reading) take(events []*redline.Event) {
	for _, e := range events {
		r.ids = append(r.ids, e.ID)
		if l := e.Level; l != nil {
			r.versions[l.Level.ID] = append(r.versions[l.Level.ID], l.Level.Version)
		} else if e.Kept == "" {
			r.versions[e.Order.Order.ID] = append(r.versions[e.Order.Order.ID], e.Order.Order.Version)
		}
	}
}

// followAll reads from the log's beginning until the writers are done and the
// log has nothing more.
func (w *world) followAll(limit int, done <-chan struct{}) (*reading, error) {
	r := &reading{versions: map[string][]int{}}
	log := w.EventLog()
	defer func() { _ = log.Close() }()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for after, last := int64(0), false; ; {
		batch, err := log.Settled(w.ctx, after, everyType, limit)
		if err != nil {
			return nil, err
		}
		r.looks++
		r.take(batch.Events)
		after = batch.UpTo
		if len(batch.Events) > 0 {
			continue
		}
		if last {
			return r, nil
		}
		select {
		case <-done:
			last = true
		case <-tick.C:
		}
	}
}

// followNaively reads on from the highest id seen, again and again.
func (w *world) followNaively(done <-chan struct{}) ([]int64, error) {
	var ids []int64
	for after := int64(0); ; {
		var found []int64
		err := w.DB().SelectContext(w.ctx, &found, `SELECT id FROM events WHERE id > $1 ORDER BY id`, after)
		if err != nil {
			return nil, err
		}
		ids = append(ids, found...)
		if len(found) > 0 {
			after = found[len(found)-1]
			continue
		}
		select {
		case <-done:
			return ids, nil
		default:
		}
	}
}

// stress is one goroutine's work on the stock until ctx ends: adjusting up to
// three levels at once, and placing, holding, releasing and cancelling orders.
func (w *world) stress(ctx context.Context, skus []string) error {
	var open []string
	locations := []string{"east", "west"}
	for ctx.Err() == nil {
		var err error
		switch n := rand.IntN(10); {
		case n < 6:
			in := redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived}
			for range 1 + rand.IntN(3) {
				in.Changes = append(in.Changes, redline.InventoryChange{
					Stock: redline.StockKey{SKU: ref(skus[rand.IntN(len(skus))]), LocationCode: ref(locations[rand.IntN(len(locations))])},
					State: redline.StateOnHand, Delta: 1 + rand.IntN(5),
				})
			}
			_, err = w.InventoryAdjust(w.ctx, operator, in)
		case n < 8 || len(open) == 0:
			var id string
			id, _, err = w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
				IdempotencyKey: key(), AllowBackorder: true,
				Lines: []redline.LineInput{line(skus[rand.IntN(len(skus))], 1+rand.IntN(4)), line(skus[rand.IntN(len(skus))], 1)},
			})
			open = append(open, id)
		default:
			i := rand.IntN(len(open))
			id := open[i]
			open = slices.Delete(open, i, i+1)
			for _, step := range []func() error{
				func() error {
					_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: id, Reason: "a look"})
					return err
				},
				func() error {
					_, _, err := w.OrderReleaseHold(w.ctx, operator, redline.OrderReleaseHoldInput{OrderID: id})
					return err
				},
				func() error {
					_, _, err := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: id, Reason: "enough"})
					return err
				},
			} {
				err = errors.Join(err, step())
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Many who write and many who read: each reader is given every event, once, all
// of them in the same order, and each row's versions one after another.
func TestEventLogUnderStress(t *testing.T) {
	w := newWorld(t)
	const writers, readers, levels = 12, 5, 20
	var skus []string
	for i := range levels / 2 { // in two warehouses
		skus = append(skus, fmt.Sprintf("stress-%d", i))
	}
	_, err := w.DB().ExecContext(w.ctx, `INSERT INTO products (id, sku, name, category, base_unit, price, currency)
		SELECT 'prod_' || lpad(n::text, 26, '0'), 'stress-' || n, 'Stress', 'Stress', 'PIECE', 1, 'USD' FROM generate_series(0, $1::int - 1) n`, len(skus))
	w.must(err)

	done := make(chan struct{})
	var reading, writing sync.WaitGroup
	results := make([]*readingOrError, readers)
	for i := range results {
		results[i] = &readingOrError{}
		reading.Go(func() { results[i].reading, results[i].err = w.followAll(5+i*i*20, done) })
	}
	var naive []int64
	var naiveErr error
	reading.Go(func() { naive, naiveErr = w.followNaively(done) })

	writeFor, cancel := context.WithTimeout(w.ctx, 5*time.Second)
	defer cancel()
	failed := make([]error, writers)
	for i := range failed {
		writing.Go(func() { failed[i] = w.stress(writeFor, skus) })
	}
	writing.Wait()
	close(done)
	reading.Wait()
	w.must(errors.Join(failed...))
	w.must(naiveErr)

	var want []int64
	w.must(w.DB().SelectContext(w.ctx, &want, `SELECT id FROM events ORDER BY id`))
	for i, r := range results {
		w.must(r.err)
		if !slices.Equal(r.ids, want) {
			t.Errorf("reader %d was given %d events that are not the log's %d: %s", i, len(r.ids), len(want), firstDifference(r.ids, want))
		}
		for id, versions := range r.versions {
			for n, v := range versions {
				if v != n+1 {
					t.Fatalf("reader %d was given the versions %v of %s", i, versions, id)
				}
			}
		}
	}
	lost := len(want) - len(naive)
	t.Logf("%d events of %d rows, up to id %d; looks of the readers: %d and more; a naive reader lost %d (%.1f %%)",
		len(want), len(results[0].versions), want[len(want)-1], results[readers-1].looks, lost, 100*float64(lost)/float64(len(want)))
	w.checkBooks()
}

type readingOrError struct {
	*reading
	err error
}

func firstDifference(got, want []int64) string {
	for i := range min(len(got), len(want)) {
		if got[i] != want[i] {
			return fmt.Sprintf("at %d it is %d, not %d", i, got[i], want[i])
		}
	}
	return "one is the beginning of the other"
}
