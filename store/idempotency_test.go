package store_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"redline"
)

func TestOneKeyManyTimesIsOneOrder(t *testing.T) {
	w := newWorld(t)
	in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}}
	ids := make([]string, 50)
	replayed := make([]bool, len(ids))
	placed := 0
	for i, err := range atOnce(len(ids), func(i int) error {
		id, outcome, err := w.OrderPlace(w.ctx, shop, in)
		ids[i], replayed[i] = id, outcome.Replayed
		return err
	}) {
		if err != nil {
			e := refused(t, err, redline.CodeIdempotencyInProgress, "idempotencyKey")
			equal(t, "says when to ask again", e.RetryAfter > 0, true)
			continue
		}
		if !replayed[i] {
			placed++
		}
	}
	equal(t, "placed", placed, 1)
	id, outcome, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "afterwards it is a replay", outcome.Replayed, true)
	for _, got := range ids {
		if got != "" && got != id {
			t.Errorf("one call got the order %s, and another %s", got, id)
		}
	}
	equal(t, "on hand falls once", w.level("pads", "east").Committed, 1)
	equal(t, "the replay tells which event it was", outcome.EventID > 0, true)
	w.checkBooks()
}

func TestKeysAreBoundToInputCallerAndOperation(t *testing.T) {
	w := newWorld(t)
	in := redline.OrderPlaceInput{IdempotencyKey: "monday", Lines: []redline.LineInput{line("pads", 1)}}
	first, _, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)

	other := in
	other.Lines = []redline.LineInput{line("pads", 2)}
	w.unchanged(func() {
		_, _, err = w.OrderPlace(w.ctx, shop, other)
		refused(t, err, redline.CodeIdempotencyKeyReused, "idempotencyKey")
	})
	id, outcome, err := w.OrderPlace(w.ctx, rival, other)
	w.must(err)
	equal(t, "another subject's key is another key", []any{id == first, outcome.Replayed}, []any{false, false})

	elsewhere := shop
	elsewhere.Issuer = "https://elsewhere"
	id, outcome, err = w.OrderPlace(w.ctx, elsewhere, other)
	w.must(err)
	equal(t, "another issuer's key is another key", []any{id == first, outcome.Replayed}, []any{false, false})

	_, outcome, err = w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: "monday", OrderID: first, Reason: "late"})
	w.must(err)
	equal(t, "another operation's key is another key", outcome.Replayed, false)
	w.checkBooks()
}

// A refusal changed nothing, and so its key is free.
func TestRefusalsLeaveTheirKeyFree(t *testing.T) {
	w := newWorld(t)
	in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 21)}}
	_, _, err := w.OrderPlace(w.ctx, shop, in)
	refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity")
	w.adjust(tokyo, "tea", "tokyo", 1)
	_, outcome, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "replayed", outcome.Replayed, false)

	// Another input may use the key of a refusal too.
	in = redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 1)}}
	_, _, err = w.OrderPlace(w.ctx, shop, in)
	refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity")
	in.Lines = []redline.LineInput{line("pads", 1)}
	_, _, err = w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	w.checkBooks()
}

func TestReplaysAreReadUnderPresentRights(t *testing.T) {
	w := newWorld(t)
	both := supplierPrincipal("cajun", "tokyo")
	in := redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived, OnRowError: redline.SkipRow,
		Changes: []redline.InventoryChange{
			{Stock: w.at("sauce", "cajun"), State: redline.StateOnHand, Delta: 5},
			{Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: 5},
			{Stock: w.at("tea", "tokyo"), State: redline.StateReserved, Delta: 5},
		},
	}
	first, err := w.InventoryAdjust(w.ctx, both, in)
	w.must(err)

	// The token speaks for tokyo no more, and meanwhile the level moved on.
	w.adjust(operator, "sauce", "cajun", 1)
	again, err := w.InventoryAdjust(w.ctx, cajun, in)
	w.must(err)
	equal(t, "replayed", again.Replayed, true)
	equal(t, "the same event", again.EventID, first.EventID)
	equal(t, "the level as it is now", again.Rows[0].Level.Version, first.Rows[0].Level.Version+1)
	if again.Rows[1].Level != nil {
		t.Error("a replay shows a level that the caller may not see any more")
	}
	refused(t, again.Rows[2].Errors, redline.CodeNotFound, "changes.2")
	whole, err := w.InventoryAdjust(w.ctx, both, in)
	w.must(err)
	equal(t, "the same refusals", whole.Rows[2].Errors, first.Rows[2].Errors)
	refused(t, first.Rows[2].Errors, redline.CodeInvalid, "changes.2.state")
	w.checkBooks()
}

// errorCode is the code of a refusal for one reason, "" of anything else.
func errorCode(err error) redline.ErrorCode {
	var e *redline.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestLostCommits(t *testing.T) {
	for _, c := range []struct {
		name      string
		cut       int32
		committed bool
	}{{"before Postgres has it", loseBefore, false}, {"after Postgres did it", loseAfter, true}} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			s, proxy := w.behindProxy()
			in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 3)}}
			proxy.cut.Store(c.cut)
			_, _, err := s.OrderPlace(w.ctx, shop, in)
			e := refused(t, err, redline.CodeOutcomeUnknown, "")
			equal(t, "says when to ask again", e.RetryAfter > 0, true)

			id, outcome, err := s.OrderPlace(w.ctx, shop, in)
			// Until Postgres sees that the connection is gone, the key is at work.
			for tick := time.NewTicker(e.RetryAfter / 100); w.ctx.Err() == nil && errorCode(err) == redline.CodeIdempotencyInProgress; <-tick.C {
				id, outcome, err = s.OrderPlace(w.ctx, shop, in)
			}
			w.must(err)
			equal(t, "calling again finds out", outcome.Replayed, c.committed)
			equal(t, "the order is there", w.order(shop, id) != nil, true)
			equal(t, "once", w.level("pads", "east").Committed, 3)
			w.checkBooks()
		})
	}
}

func TestUnreachableDatabase(t *testing.T) {
	w := newWorld(t)
	s, proxy := w.behindProxy()
	w.must(proxy.listener.Close())
	// The pool's connections end with their backends; new ones find nobody.
	w.exec(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
		AND application_name = 'redline'`)
	in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 3)}}
	_, _, err := s.OrderPlace(w.ctx, shop, in)
	e := refused(t, err, redline.CodeUnavailable, "")
	equal(t, "says when to ask again", e.RetryAfter > 0, true)
	_, err = s.ProductsByID(w.ctx, shop, []string{w.id["pads"]})
	refused(t, err, redline.CodeUnavailable, "")
	w.await("the database to be found gone", func() bool { return s.Ping(w.ctx) != nil })
	w.checkBooks()
}

func TestLastBottles(t *testing.T) {
	w := newWorld(t)
	const there, buyers = 20, 64 // 20 of tea: each buys 2
	sold := 0
	for _, err := range atOnce(buyers, func(int) error {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 2)}})
		return err
	}) {
		if err == nil {
			sold++
			continue
		}
		e := refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity")
		equal(t, "what the loser is told is there", e.Available, 0)
	}
	equal(t, "sold", sold, there/2)
	l := w.level("tea", "tokyo")
	equal(t, "the level", []int{l.OnHand, l.Committed, l.Available, l.Shortfall}, []int{there, there, 0, 0})
	w.checkBooks()
}

// Orders that name their products in opposite order, cancels, shipments and
// adjustments, all of the same few rows: everybody takes its locks in the one
// order, and what deadlocks all the same is run again.
func TestNothingDeadlocks(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "pads", "east", 10_000)
	w.adjust(operator, "sauce", "east", 10_000)
	w.adjust(operator, "tea", "tokyo", 10_000)
	lines := []redline.LineInput{line("pads", 1), line("sauce", 1), line("tea", 1)}
	var orders []*redline.Order
	for range 20 {
		orders = append(orders, w.place(shop, lines...))
	}
	backwards := slices.Clone(lines)
	slices.Reverse(backwards)
	calls := []func(i int) error{
		func(int) error {
			_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines})
			return err
		},
		func(int) error {
			_, _, err := w.OrderPlace(w.ctx, rival, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: backwards})
			return err
		},
		func(i int) error {
			_, _, err := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: orders[i%len(orders)].ID, Reason: "late"})
			return err
		},
		func(i int) error {
			_, _, err := w.OrderSetStatus(w.ctx, operator, redline.OrderStatusInput{
				IdempotencyKey: key(), OrderID: orders[i%len(orders)].ID, Status: redline.OrderShipped,
			})
			return err
		},
		func(i int) error {
			_, _, err := w.FulfillmentCreate(w.ctx, tokyo, redline.FulfillmentCreateInput{
				IdempotencyKey: key(), FulfillmentOrderID: w.part(orders[i%len(orders)], "tokyo").ID,
			})
			return err
		},
		func(i int) error {
			changes := []redline.InventoryChange{
				{Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: 1},
				{Stock: w.at("sauce", "east"), State: redline.StateOnHand, Delta: -1},
				{Stock: w.at("pads", "east"), State: redline.StateOnHand, Delta: 1},
				{Stock: w.at("pads", "cajun"), State: redline.StateOnHand, Delta: 1},
			}
			if i%2 == 0 {
				slices.Reverse(changes)
			}
			_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: changes})
			return err
		},
		func(int) error {
			_, err := w.InventoryTransfer(w.ctx, operator, redline.InventoryTransferInput{
				IdempotencyKey: key(), ProductID: w.id["pads"], FromLocationID: w.id["east"], ToLocationID: w.id["tokyo"], Quantity: 1,
			})
			return err
		},
	}
	random := rand.New(rand.NewPCG(1, 2))
	plan := make([][2]int, 200)
	for i := range plan {
		plan[i] = [2]int{random.IntN(len(calls)), random.IntN(len(orders))}
	}
	for i, err := range atOnce(len(plan), func(i int) error { return calls[plan[i][0]](plan[i][1]) }) {
		if err == nil {
			continue
		}
		// The order or its part may be shipped or cancelled already.
		if e := refusals(t, err)[0]; e.Code != redline.CodeInvalidTransition {
			t.Errorf("call %d of kind %d: %v", i, plan[i][0], err)
		}
	}
	w.checkBooks()
}

func TestKeylessCallsAreNotIdempotent(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 1))
	in := redline.OrderHoldInput{OrderID: o.ID, Reason: "fraud check"}
	_, _, err := w.OrderHold(w.ctx, operator, in)
	w.must(err)
	_, _, err = w.OrderHold(w.ctx, operator, in)
	refused(t, err, redline.CodeInvalidTransition, "orderId")

	release := redline.OrderReleaseHoldInput{OrderID: o.ID, IdempotencyKey: ref(key())}
	for i := range 3 {
		_, outcome, err := w.OrderReleaseHold(w.ctx, operator, release)
		w.must(err)
		equal(t, fmt.Sprintf("release %d is a replay", i), outcome.Replayed, i > 0)
	}
	w.checkBooks()
}
