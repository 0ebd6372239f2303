package store_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/lib/pq"
	"pgregory.net/rapid"

	"redline"
	"redline/internal/pgtest"
	"redline/store"
)

// together has calls of a store gather, in their order, and share a transaction
// as far as one takes them.
func (w *world) together(s *store.Store, n int, call func(i int)) {
	w.t.Helper()
	queued, release := s.Gather()
	var calls sync.WaitGroup
	for i := range n {
		calls.Go(func() { call(i) })
		w.await("a call to queue", func() bool { return queued() == i+1 })
	}
	release()
	calls.Wait()
}

// placed is what came of an order.
type placed struct {
	id      string
	outcome redline.Outcome
	err     error
}

// placeTogether places orders in one batch.
func (w *world) placeTogether(s *store.Store, p redline.Principal, orders ...redline.OrderPlaceInput) []placed {
	w.t.Helper()
	out := make([]placed, len(orders))
	w.together(s, len(orders), func(i int) {
		id, outcome, err := s.OrderPlace(w.ctx, p, orders[i])
		out[i] = placed{id, outcome, err}
	})
	return out
}

// wants is an order's input with a key of its own.
func wants(lines ...redline.LineInput) redline.OrderPlaceInput {
	return redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines}
}

// spied opens another store on the world's database, which calls back before it
// sends a statement that contains a text; only the first time.
func (w *world) spied(text string, then func()) *store.Store {
	w.t.Helper()
	s, y := openSpied(w.t, w.ctx, w.url)
	var once sync.Once
	y.waitsFor(text, func() { once.Do(then) })
	return s
}

func TestOrdersThatArriveTogetherShareATransaction(t *testing.T) {
	w, y := newSpiedWorld(t)
	w.place(shop, line("tea", 1), line("pads", 1)) // what a connection reads once is read
	orders := make([]redline.OrderPlaceInput, 20)
	for i := range orders {
		orders[i] = wants(line("sauce", 1), line("pads", 1))
	}
	var all []placed
	sent, _ := y.during(func() { all = w.placeTogether(w.Store, shop, orders...) })
	if len(sent) > mutationOverhead+placing+1 {
		t.Errorf("20 orders take %d statements:%s", len(sent), quoted(sent))
	}
	for i, got := range all {
		if i >= 13 { // 14 pads, of which one was sold
			refused(t, got.err, redline.CodeInsufficientStock, "lines.1.quantity")
			continue
		}
		w.must(got.err)
		alike(t, "what is shown at once is what is read", got.outcome.Order, w.order(shop, got.id))
	}
	w.checkBooks()
}

func TestWhatIsShownAtOnceIsWhatIsRead(t *testing.T) {
	w := newWorld(t)
	in := wants(line("pads", 12), line("sauce", 5), line("tea", 1), line("pads", 1))
	in.ShipTo = &redline.Address{Lines: []string{"1 Main St"}, City: "Springfield", Country: "US"}
	in.Customer, in.ExternalReference, in.AllowBackorder = redline.CustomerInput{Name: ref("Ann")}, ref("web-7"), true
	for _, p := range []redline.Principal{shop, operator, buyer, cajun} {
		in.IdempotencyKey = key()
		id, outcome, err := w.OrderPlace(w.ctx, p, in)
		w.must(err)
		if p.Role == redline.RoleSupplier && w.order(p, id) == nil {
			equal(t, "what the caller may not see", outcome.Order, (*redline.Order)(nil))
			continue
		}
		alike(t, "what "+p.Subject+" is shown", outcome.Order, w.order(p, id))
	}
	w.checkBooks()
}

// An order that locks its levels before it is written is placed at the moment of its
// ledger line; it was told to be placed before others that it waited for.
func TestAnOrderIsPlacedBehindItsLocks(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 1))
	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reference: &o.Number}, redline.PageRequest{})
	w.must(err)
	at := page.Items[0].RecordedAt
	equal(t, "updated", o.UpdatedAt, at)
	equal(t, "placed", o.PlacedAt, at)
	equal(t, "submitted", o.FulfillmentOrders[0].SubmittedAt, at)
	equal(t, "in the history", o.History[0].At, at)
}

// The ledger lines of a batch are of one moment: their ids, which settle what is
// newer, were in no order, and a level's versions came shuffled.
func TestALedgerIsListedByVersions(t *testing.T) {
	w := newWorld(t)
	orders := make([]redline.OrderPlaceInput, 20)
	for i := range orders {
		orders[i] = wants(line("tea", 1))
	}
	for _, got := range w.placeTogether(w.Store, shop, orders...) {
		w.must(got.err)
	}
	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{ProductIDs: []string{w.id["tea"]}}, redline.PageRequest{First: ref(30)})
	w.must(err)
	var versions, falling []int
	for _, m := range page.Items {
		versions, falling = append(versions, m.LevelVersion), append(falling, len(page.Items)-len(falling))
	}
	equal(t, "versions, newest first", versions, falling)
}

// A NUL byte is nothing that Postgres takes: the statement that writes the whole
// batch fails.
func TestAPoisonedOrderFailsAlone(t *testing.T) {
	w := newWorld(t)
	orders := []redline.OrderPlaceInput{wants(line("tea", 8)), wants(line("tea", 8)), wants(line("tea", 8)), wants(line("tea", 4)), wants(line("pads", 1))}
	orders[1].Customer.Name = ref("Bobby\x00Tables")
	for i, got := range w.placeTogether(w.Store, shop, orders...) {
		if i == 1 {
			var pe *pq.Error
			if !errors.As(got.err, &pe) {
				t.Errorf("the poisoned order: %v", got.err)
			}
			continue
		}
		w.must(got.err)
		equal(t, "placed now", got.outcome.Replayed, false)
	}
	equal(t, "what the others got", w.level("tea", "tokyo").Committed, 20)
	w.checkBooks()
}

// Each of those who share a transaction has its own key, rights, errors and audit.
func TestMembersOfABatchHaveTheirOwn(t *testing.T) {
	w := newWorld(t)
	before := wants(line("pads", 1))
	first, _, err := w.OrderPlace(w.ctx, shop, before)
	w.must(err)
	other := before
	other.Lines = []redline.LineInput{line("pads", 2)}
	twice := wants(line("pads", 1))
	foreign := wants(line("pads", 1))
	foreign.Customer.ID = ref("bob")
	referenced, again := wants(line("pads", 1)), wants(line("pads", 1))
	referenced.ExternalReference, again.ExternalReference = ref("web-1"), ref("web-1")
	calls := []struct {
		p    redline.Principal
		in   redline.OrderPlaceInput
		want string // the code, and what the audit says
	}{
		{shop, before, "replayed"}, {shop, other, "IDEMPOTENCY_KEY_REUSED"}, {rival, before, "OK"}, {shop, twice, "OK"},
		{shop, twice, "IDEMPOTENCY_IN_PROGRESS"}, {buyer, foreign, "FORBIDDEN"}, {buyer, wants(line("pads", 1)), "OK"},
		{shop, wants(line("old", 1)), "NOT_FOUND"}, {rival, wants(line("tea", 21)), "INSUFFICIENT_STOCK"}, {shop, wants(line("tea", 20)), "OK"},
		{rival, wants(line("tea", 1)), "INSUFFICIENT_STOCK"}, {shop, referenced, "OK"}, {shop, again, "DUPLICATE"}, {rival, again, "OK"},
	}
	got := make([]placed, len(calls))
	w.together(w.Store, len(calls), func(i int) {
		id, outcome, err := w.OrderPlace(redline.WithRequestID(w.ctx, fmt.Sprint("request-", i)), calls[i].p, calls[i].in)
		got[i] = placed{id, outcome, err}
	})
	for i, c := range calls {
		what := fmt.Sprintf("call %d, %s", i, c.want)
		var entries []struct{ Actor, Outcome string }
		w.must(w.DB().SelectContext(w.ctx, &entries, `SELECT actor, outcome FROM audit_entries WHERE request_id = $1`, fmt.Sprint("request-", i)))
		switch c.want {
		case "replayed":
			equal(t, what, []any{got[i].id, got[i].outcome.Replayed, len(entries)}, []any{first, true, 0})
			continue
		case "OK":
			w.must(got[i].err)
			equal(t, what+": the newest event", w.newestEvent(got[i].id), got[i].outcome.EventID)
			equal(t, what+": whose order", w.order(operator, got[i].id).OwnerSubject, c.p.Subject)
		default:
			equal(t, what, refusals(t, got[i].err)[0].Code, redline.ErrorCode(c.want))
			if c.want == "IDEMPOTENCY_IN_PROGRESS" {
				equal(t, what, len(entries), 0)
				continue
			}
		}
		if len(entries) != 1 || entries[0].Actor != c.p.Subject || entries[0].Outcome != c.want {
			t.Errorf("%s: the audit says %+v", what, entries)
		}
	}
	equal(t, "there was some at the time", refusals(t, got[8].err)[0].Available, 20)
	equal(t, "there was none at the time", refusals(t, got[10].err)[0].Available, 0)
	w.checkBooks()
}

func (w *world) newestEvent(subject string) int64 {
	w.t.Helper()
	var id int64
	w.must(w.DB().GetContext(w.ctx, &id, `SELECT max(id) FROM events WHERE subject_id = $1`, subject))
	return id
}

// Between the look at the levels and their locks, somebody else takes of them:
// the batch is run again with the locks first, and stays one transaction. It was
// dissolved into one transaction for each order.
func TestABatchGetsWhatTheLocksShow(t *testing.T) {
	w := newWorld(t)
	moved := 0
	s := w.spied("INSERT INTO orders", func() {
		moved++
		w.adjust(operator, "pads", "east", -7) // leaves 3, and 4 in the west
	})
	all := w.placeTogether(s, shop, wants(line("pads", 2)), wants(line("pads", 3)), wants(line("pads", 3)), wants(line("pads", 2)))
	equal(t, "moved", moved, 1)
	for i, want := range []map[string]int{{"east": 2}, {"west": 3}, nil, {"east": 1, "west": 1}} {
		if want == nil {
			e := refused(t, all[i].err, redline.CodeInsufficientStock, "lines.0.quantity")
			equal(t, "what is there", e.Available, 2)
			continue
		}
		w.must(all[i].err)
		equal(t, fmt.Sprint("order ", i), w.shares(w.order(shop, all[i].id)), want)
	}
	var transactions int
	w.must(w.DB().GetContext(w.ctx, &transactions, `SELECT count(DISTINCT xmin::text) FROM orders`))
	equal(t, "transactions of the orders", transactions, 1)
	w.checkBooks()
}

// An order alone whose levels change between the look and the locks was answered
// with an internal error, where it had a reference.
func TestAnOrderWithAReferenceGetsWhatTheLocksShow(t *testing.T) {
	w := newWorld(t)
	s := w.spied("INSERT INTO orders", func() { w.adjust(operator, "pads", "east", -7) })
	in := wants(line("pads", 4))
	in.ExternalReference = ref("web-1")
	id, outcome, err := s.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "placed now", outcome.Replayed, false)
	equal(t, "what it gets", w.shares(w.order(shop, id)), map[string]int{"west": 4})
	w.checkBooks()
}

// Wherever a client goes away, its order either happened or can be asked for by
// its key.
func TestAClientThatGoesAway(t *testing.T) {
	for _, phase := range []string{"queued", "INSERT INTO orders", "COMMIT"} {
		t.Run(phase, func(t *testing.T) {
			w := newWorld(t)
			ctx, cancel := context.WithCancel(w.ctx)
			defer cancel()
			s := w.Store
			if phase != "queued" {
				s = w.spied(phase, cancel)
			}
			orders := []redline.OrderPlaceInput{wants(line("tea", 5)), wants(line("tea", 5)), wants(line("tea", 5))}
			queued, release := s.Gather()
			errs := make([]error, len(orders))
			var calls sync.WaitGroup
			for i, in := range orders {
				calls.Go(func() {
					from := w.ctx
					if i == 1 {
						from = ctx
					}
					_, _, errs[i] = s.OrderPlace(from, shop, in)
				})
				w.await("a call to queue", func() bool { return queued() == i+1 })
			}
			if phase == "queued" {
				cancel()
				w.await("a call to leave", func() bool { return queued() == 2 })
			}
			release()
			calls.Wait()
			w.must(errs[0])
			w.must(errs[2])
			equal(t, "the client that went is told that nothing was done", errs[1] != nil, phase == "queued")
			_, outcome, err := w.OrderPlace(w.ctx, shop, orders[1])
			w.must(err)
			equal(t, "it was done before", outcome.Replayed, phase != "queued")
			equal(t, "once", w.level("tea", "tokyo").Committed, 15)
			w.checkBooks()
		})
	}
}

// The backend dies under a batch: nothing was done, or nobody can say.
func TestABackendThatDiesUnderABatch(t *testing.T) {
	for phase, want := range map[string]redline.ErrorCode{
		"INSERT INTO orders": redline.CodeUnavailable, "INSERT INTO events": redline.CodeUnavailable, "COMMIT": redline.CodeOutcomeUnknown,
	} {
		t.Run(phase, func(t *testing.T) {
			w := newWorld(t)
			s := w.spied(phase, func() {
				w.exec(`SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
					WHERE datname = current_database() AND state = 'idle in transaction' AND pid <> pg_backend_pid()`)
			})
			orders := []redline.OrderPlaceInput{wants(line("tea", 5)), wants(line("tea", 5)), wants(line("old", 5))}
			for i, got := range w.placeTogether(s, shop, orders...) {
				code := errorCode(got.err)
				if code != want {
					t.Errorf("order %d: %v, and not %s", i, got.err, want)
				}
			}
			for _, in := range orders[:2] {
				_, outcome, err := s.OrderPlace(w.ctx, shop, in)
				w.must(err)
				equal(t, "it was done before", outcome.Replayed, false)
			}
			equal(t, "once", w.level("tea", "tokyo").Committed, 10)
			w.checkBooks()
		})
	}
}

// Two gateways on one database, each with batches of orders that name their
// products in opposite order, and with adjustments and cancellations between them.
func TestTwoGatewaysBatchOnOneDatabase(t *testing.T) {
	w := newWorld(t)
	var gateways []*store.Store
	for range 2 {
		s, err := store.Open(w.ctx, w.url, store.Options{StatementTimeout: patience, Patience: patience})
		w.must(err)
		t.Cleanup(func() { _ = s.Close() })
		gateways = append(gateways, s)
	}
	// Of all but tea there is enough for everybody, whoever comes first.
	w.adjust(operator, "sauce", "east", 500)
	w.adjust(operator, "pads", "east", 500)
	standing := w.place(shop, line("sauce", 10), line("pads", 2))
	lines := []redline.LineInput{line("pads", 1), line("sauce", 1), line("tea", 1)}
	backwards := slices.Clone(lines)
	slices.Reverse(backwards)
	sold := make([]bool, 120)
	for i, err := range atOnce(len(sold), func(i int) error {
		s := gateways[i%2]
		switch i % 6 {
		case 4:
			_, err := s.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: []redline.InventoryChange{
					{Stock: w.at("sauce", "cajun"), State: redline.StateOnHand, Delta: 1}, {Stock: w.at("pads", "cajun"), State: redline.StateOnHand, Delta: 1},
				},
			})
			return err
		case 5:
			_, _, err := s.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: standing.ID, Reason: "late"})
			if errorCode(err) == redline.CodeInvalidTransition {
				return nil
			}
			return err
		}
		in := wants(lines...)
		if i%2 == 0 {
			in = wants(backwards...)
		}
		_, _, err := s.OrderPlace(w.ctx, shop, in)
		sold[i] = err == nil
		if errorCode(err) == redline.CodeInsufficientStock {
			return nil
		}
		return err
	}) {
		if err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	n := 0
	for _, yes := range sold {
		if yes {
			n++
		}
	}
	equal(t, "orders that got the last bottles of tea", n, 20)
	equal(t, "tea", w.level("tea", "tokyo").Available, 0)
	w.checkBooks()
}

// Orders that share a transaction come off exactly as they do one by one.
func TestABatchIsItsOrdersOneByOne(t *testing.T) {
	w := newWorld(t)
	// The same shop once more: what comes of a template has the same ids.
	url := pgtest.NewFrom(t, "store", func(url string) error { return prepare(w.ctx, url) })
	one, err := store.Open(w.ctx, url, store.Options{StatementTimeout: patience, Patience: patience})
	w.must(err)
	t.Cleanup(func() { _ = one.Close() })
	rapid.Check(t, func(r *rapid.T) {
		restock := rapid.IntRange(0, 30).Draw(r, "restock")
		orders := make([]redline.OrderPlaceInput, rapid.IntRange(2, 8).Draw(r, "orders"))
		for i := range orders {
			var lines []redline.LineInput
			for range rapid.IntRange(1, 3).Draw(r, "lines") {
				l := line(rapid.SampledFrom([]string{"pads", "sauce", "tea", "old"}).Draw(r, "sku"), rapid.IntRange(1, 12).Draw(r, "quantity"))
				if rapid.IntRange(0, 4).Draw(r, "somewhere") == 0 {
					l.LocationID = ref(w.id[rapid.SampledFrom([]string{"east", "west", "cajun"}).Draw(r, "location")])
				}
				lines = append(lines, l)
			}
			orders[i] = wants(lines...)
			orders[i].AllowBackorder = rapid.IntRange(0, 5).Draw(r, "backorder") == 0
		}
		come := func(s *store.Store, place func() []placed) []string {
			if restock > 0 {
				_, err := s.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
					IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: []redline.InventoryChange{
						{Stock: w.at("pads", "west"), State: redline.StateOnHand, Delta: restock}, {Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: restock},
					},
				})
				w.must(err)
			}
			var out []string
			for _, got := range place() {
				out = append(out, told(t, w, got))
			}
			return append(out, w.stockOf(s))
		}
		together := come(w.Store, func() []placed { return w.placeTogether(w.Store, shop, orders...) })
		alone := come(one, func() (all []placed) {
			for _, in := range orders {
				id, outcome, err := one.OrderPlace(w.ctx, shop, in)
				all = append(all, placed{id, outcome, err})
			}
			return all
		})
		if !slices.Equal(together, alone) {
			r.Fatalf("together:\n%s\none by one:\n%s", strings.Join(together, "\n"), strings.Join(alone, "\n"))
		}
	})
	w.checkBooks()
}

// told is what a caller is told of its order, but for ids and times.
func told(t *testing.T, w *world, got placed) string {
	t.Helper()
	if got.err != nil {
		var out []string
		for _, e := range refusals(t, got.err) {
			out = append(out, fmt.Sprint(e, e.Requested, e.Available))
		}
		return strings.Join(out, ", ")
	}
	out := string(got.outcome.Order.Status)
	for _, l := range got.outcome.Order.Lines {
		out += fmt.Sprint(" ", l.Product.SKU, l.Open, l.Backordered)
	}
	return out + fmt.Sprint(w.shares(got.outcome.Order))
}

// stockOf is the stock of a shop, as text.
func (w *world) stockOf(s *store.Store) string {
	w.t.Helper()
	var all string
	w.must(s.DB().GetContext(w.ctx, &all, `SELECT string_agg(concat_ws(' ', product_id, location_id, on_hand, committed, available, version), E'\n'
		ORDER BY product_id, location_id) FROM inventory_levels`))
	return all
}
