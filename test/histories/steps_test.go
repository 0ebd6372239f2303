package histories_test

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"pgregory.net/rapid"

	"redline"
)

// step is one call of a history, as it was drawn: which, on what, how much.
// What there is to pick from is known only when it is made.
type step struct {
	Do, On, N, M int
	// Twice is whether it is sent twice at once, with one key.
	Twice bool
}

func drawStep(kinds int) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{
			Do: rapid.IntRange(0, kinds-1).Draw(t, "do"), On: rapid.IntRange(0, 47).Draw(t, "on"),
			N: rapid.IntRange(0, 11).Draw(t, "n"), M: rapid.IntRange(0, 7).Draw(t, "m"),
			Twice: rapid.IntRange(0, 5).Draw(t, "twice") == 0,
		}
	})
}

// outcome is what one call came to.
type outcome struct {
	id       string
	replayed bool
	err      error
}

func (o outcome) String() string {
	if o.err != nil {
		return o.err.Error()
	}
	return fmt.Sprintf("%s (replayed: %t)", o.id, o.replayed)
}

// expected are the refusals that a random history may meet.
var expected = []redline.ErrorCode{
	redline.CodeInvalid, redline.CodeNotFound, redline.CodeInsufficientStock, redline.CodeVersionMismatch, redline.CodeInvalidTransition,
	redline.CodeIdempotencyInProgress, redline.CodeReservationExpired, redline.CodeSequenceStale, redline.CodeDuplicate, redline.CodeForbidden,
	redline.CodeUnmappedSKU, redline.CodePackMismatch,
}

// happened counts what succeeded, over all histories.
var happened = struct {
	sync.Mutex
	times map[string]int
}{times: map[string]int{}}

func (w *world) succeeded(what string) {
	happened.Lock()
	defer happened.Unlock()
	happened.times[what]++
}

// do makes a call, or the same one twice at once, and holds what came of it
// against what a key promises. It returns the id of what was changed, "" where
// the call was refused.
func (w *world) do(s step, what string, call func(key string) outcome) string {
	key := redline.NewID("key")
	n := 1
	if s.Twice {
		n = 2
	}
	outcomes := make([]outcome, n)
	var calls sync.WaitGroup
	for i := range outcomes {
		calls.Go(func() { outcomes[i] = call(key) })
	}
	calls.Wait()
	w.note("%s %+v: %+v", what, s, outcomes)
	var done []outcome
	for _, o := range outcomes {
		switch refused := codes(o.err); {
		case o.err == nil:
			done = append(done, o)
		case len(refused) == 0 || slices.ContainsFunc(refused, func(c redline.ErrorCode) bool { return !slices.Contains(expected, c) }):
			w.fault("%s: %v", what, o.err)
		}
	}
	if len(done) == 0 {
		return ""
	}
	w.succeeded(what)
	if len(done) == 2 && (done[0].id != done[1].id || done[0].replayed == done[1].replayed) {
		w.fault("%s: two calls with one key came to %+v", what, done)
	}
	if len(done) == 1 && done[0].replayed {
		w.fault("%s: nothing but a replay came of a key", what)
	}
	return done[0].id
}

// codes are the codes of a refusal; none of a fault.
func codes(err error) (codes []redline.ErrorCode) {
	var many redline.Errors
	var one *redline.Error
	switch {
	case errors.As(err, &many):
		for _, e := range many {
			codes = append(codes, e.Code)
		}
	case errors.As(err, &one):
		codes = append(codes, one.Code)
	}
	return codes
}

func ref[T any](v T) *T { return &v }

// called makes an outcome of what most calls return.
func called(id string, o redline.Outcome, err error) outcome { return outcome{id, o.Replayed, err} }

// counted makes an outcome of what calls on stock return.
func counted(r *redline.InventoryResult, err error) outcome {
	if err != nil {
		return outcome{err: err}
	}
	return outcome{replayed: r.Replayed}
}

// take makes one step.
func (w *world) take(s step) { moves[s.Do].make(w, s) }

// stockist is who may change the stock of a level: its supplier, where it has
// one and N is even, else an operator.
func (w *world) stockist(s step) redline.Principal {
	if at := s.On % 4; at >= 2 && s.N%2 == 0 {
		return w.people.suppliers[at-2]
	}
	return w.people.operator
}

// pick finds an order that is as wanted, beginning with a drawn one; where there
// is none, the drawn one, so that refusals are met as well. It is nil where there
// is no order yet.
func (w *world) pick(s step, wanted func(*redline.Order) bool) *redline.Order {
	w.mu.Lock()
	ids := slices.Clone(w.orders)
	w.mu.Unlock()
	var first *redline.Order
	for i := range ids {
		o, err := w.order(ids[(s.On+i)%len(ids)])
		if err != nil || o == nil {
			w.fault("reading an order: %v", err)
			return nil
		}
		if wanted(o) {
			return o
		}
		if first == nil {
			first = o
		}
		if s.N == 0 {
			break
		}
	}
	return first
}

// by is who works on a part: its supplier, now and then an operator.
func (w *world) by(s step, f *redline.FulfillmentOrder) redline.Principal {
	if f.SupplierID == nil || s.M%3 == 0 {
		return w.people.operator
	}
	return w.people.suppliers[slices.Index(w.suppliers, *f.SupplierID)]
}

// lines are one or two lines of an order.
func (w *world) lines(s step) []redline.LineInput {
	lines := []redline.LineInput{{ProductID: &w.products[s.On%3], Quantity: s.N + 1}}
	if s.M%2 == 1 {
		lines = append(lines, redline.LineInput{ProductID: &w.products[s.M%3], Quantity: s.M})
	}
	if s.M == 6 {
		lines[0].LocationID = &w.locations[s.N%4]
	}
	return lines
}

// onPart makes a call on a part in one of the statuses from, or on any where
// there is none.
func onPart(
	what string, from []redline.FulfillmentOrderStatus, call func(w *world, s step, f *redline.FulfillmentOrder, by redline.Principal, key string) outcome,
) move {
	wanted := func(f *redline.FulfillmentOrder) bool { return slices.Contains(from, f.Status) }
	return move{what: what, make: func(w *world, s step) {
		o := w.pick(s, func(o *redline.Order) bool { return slices.ContainsFunc(o.FulfillmentOrders, wanted) })
		if o == nil || len(o.FulfillmentOrders) == 0 {
			return
		}
		f := o.FulfillmentOrders[s.N%len(o.FulfillmentOrders)]
		if i := slices.IndexFunc(o.FulfillmentOrders, wanted); i >= 0 && s.N > 0 {
			f = o.FulfillmentOrders[i]
		}
		w.do(s, what, func(key string) outcome { return call(w, s, f, w.by(s, f), key) })
	}}
}

// onShipment makes a call on a shipment that is from, or on any where there is
// none.
func onShipment(
	what string, from redline.FulfillmentStatus, call func(w *world, s step, id string, by redline.Principal, key string) outcome,
) move {
	return move{what: what, make: func(w *world, s step) {
		var found *redline.Fulfillment
		var of *redline.FulfillmentOrder
		w.pick(s, func(o *redline.Order) bool {
			for _, f := range o.FulfillmentOrders {
				for _, shipment := range f.Fulfillments {
					if found == nil || shipment.Status == from {
						found, of = shipment, f
					}
				}
			}
			return found != nil && found.Status == from
		})
		if found != nil {
			w.do(s, what, func(key string) outcome { return call(w, s, found.ID, w.by(s, of), key) })
		}
	}}
}

// onOrder makes a call on an order in one of the statuses from, or on any where
// there is none.
func onOrder(what string, from []redline.OrderStatus, call func(w *world, s step, o *redline.Order, key string) outcome) move {
	return move{what: what, make: func(w *world, s step) {
		if o := w.pick(s, func(o *redline.Order) bool { return slices.Contains(from, o.Status) }); o != nil {
			w.do(s, what, func(key string) outcome { return call(w, s, o, key) })
		}
	}}
}

// move is a kind of step.
type move struct {
	what string
	make func(w *world, s step)
	// job: nobody asks for it, and nobody is told.
	job bool
}

// job is a step that nobody asked for.
func job(what string, run func(w *world) (int, error)) move {
	return move{what: what, job: true, make: func(w *world, _ step) {
		if _, err := run(w); err != nil {
			w.fault("%s: %v", what, err)
		}
	}}
}

// sequences number the feeds of a world's suppliers, now and then with a gap or
// a step back.
func sequence(s step) *int64 {
	if s.M%2 == 0 {
		return nil
	}
	return ref(int64(s.On + s.N))
}

// rows are what a feed tells: of one product or of all.
func (w *world) rows(s step, supplier int) []redline.SupplierFeedRow {
	var rows []redline.SupplierFeedRow
	for i := range 3 {
		if s.M < 4 || i == s.On%3 {
			rows = append(rows, redline.SupplierFeedRow{SupplierSKU: w.sku(supplier, i), Quantity: (s.N + i) % 5})
		}
	}
	if s.N == 11 {
		rows = append(rows, redline.SupplierFeedRow{SupplierSKU: w.name + " unknown", Quantity: 1})
	}
	return rows
}

// until is some moment around now.
func until(s step) time.Time { return time.Now().Add(-time.Duration(s.N) * 10 * time.Millisecond) }
