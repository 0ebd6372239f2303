package store_test

import (
	"errors"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"redline"
)

// refusals are the reasons of a refusal; none fails the test.
func refusals(t *testing.T, err error) redline.Errors {
	t.Helper()
	var many redline.Errors
	var one *redline.Error
	switch {
	case errors.As(err, &many):
		return many
	case errors.As(err, &one):
		return redline.Errors{one}
	}
	t.Fatalf("this is not a refusal: %v", err)
	return nil
}

// refused checks that a call was refused for one reason, with a code and a path
// into the input such as lines.2.quantity, and returns it.
func refused(t *testing.T, err error, code redline.ErrorCode, path string) *redline.Error {
	t.Helper()
	all := refusals(t, err)
	if len(all) != 1 {
		t.Fatalf("refused for %d reasons, not one: %v", len(all), err)
	}
	if e := all[0]; e.Code != code || strings.Join(e.Field, ".") != path {
		t.Fatalf("refused with %s at %q, not with %s at %q: %v", e.Code, strings.Join(e.Field, "."), code, path, err)
	}
	return all[0]
}

// refusedAt checks that a call was refused for exactly these reasons, written as
// code and path.
func refusedAt(t *testing.T, err error, want ...string) {
	t.Helper()
	var got []string
	for _, e := range refusals(t, err) {
		got = append(got, string(e.Code)+" "+strings.Join(e.Field, "."))
	}
	equal(t, "the refusals", got, want)
}

func equal(t testing.TB, what string, got, want any) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %+v, not %+v", what, got, want)
	}
}

// sorted are the keys of a map in order.
func sorted[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// atOnce runs n calls side by side, started together, and returns their errors.
func atOnce(n int, call func(i int) error) []error {
	errs := make([]error, n)
	start := make(chan struct{})
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			<-start
			errs[i] = call(i)
		})
	}
	close(start)
	all.Wait()
	return errs
}

// exec changes rows behind the store's back, where no method does yet.
func (w *world) exec(statement string, args ...any) {
	w.t.Helper()
	_, err := w.DB().ExecContext(w.ctx, statement, args...)
	w.must(err)
}

// rows are the rows of all that mutations change, as text: what is equal before
// and after has not been touched.
func (w *world) rows() string {
	w.t.Helper()
	var all string
	w.must(w.DB().GetContext(w.ctx, &all, `SELECT concat_ws(E'\n',
		(SELECT string_agg(l::text, E'\n' ORDER BY id) FROM inventory_levels l),
		(SELECT count(*) FROM inventory_movements), (SELECT count(*) FROM events), (SELECT count(*) FROM idempotency_keys),
		(SELECT string_agg(o::text, E'\n' ORDER BY id) FROM orders o),
		(SELECT string_agg(l::text, E'\n' ORDER BY id) FROM order_lines l),
		(SELECT string_agg(f::text, E'\n' ORDER BY id) FROM fulfillment_orders f),
		(SELECT string_agg(l::text, E'\n' ORDER BY id) FROM fulfillment_order_lines l),
		(SELECT string_agg(c::text, E'\n' ORDER BY id) FROM conflicts c),
		(SELECT string_agg(r::text, E'\n' ORDER BY id) FROM returns r), (SELECT string_agg(l::text, E'\n' ORDER BY id) FROM return_lines l),
		(SELECT string_agg(i::text, E'\n' ORDER BY return_line_id, supplier_id) FROM return_receipts i),
		(SELECT string_agg(s::text, E'\n' ORDER BY id) FROM fulfillments s), (SELECT count(*) FROM order_status_changes))`))
	return all
}

// unchanged runs a call and checks that it changed nothing.
func (w *world) unchanged(call func()) {
	w.t.Helper()
	before := w.rows()
	call()
	if after := w.rows(); after != before {
		w.t.Errorf("something has changed:\n%s\n--- before:\n%s", after, before)
	}
}

// adjust changes what is on hand of a product at a location, and has to succeed.
func (w *world) adjust(p redline.Principal, sku, location string, delta int) {
	w.t.Helper()
	_, err := w.InventoryAdjust(w.ctx, p, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonCorrected,
		Changes: []redline.InventoryChange{{Stock: w.at(sku, location), State: redline.StateOnHand, Delta: delta}},
	})
	w.must(err)
}

// at is the stock of a product, by SKU, at a location, by code.
func (w *world) at(sku, location string) redline.StockKey {
	return redline.StockKey{SKU: &sku, LocationCode: &location}
}
