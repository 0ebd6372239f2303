package store_test

import (
	"strings"
	"testing"

	"redline"
)

// wants places an order that may wait for stock, and returns it whole.
func (w *world) wants(p redline.Principal, lines ...redline.LineInput) *redline.Order {
	w.t.Helper()
	id, _, err := w.OrderPlace(w.ctx, p, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines, AllowBackorder: true, AllowStale: true})
	w.must(err)
	return w.order(p, id)
}

// waits is how much of an order's only line is open, backordered, shipped and
// cancelled.
func (w *world) waits(id string) [4]int {
	w.t.Helper()
	l := w.order(operator, id).Lines[0]
	return [4]int{l.Open, l.Backordered, l.Shipped, l.Cancelled}
}

// Stock that arrives goes to those who wait, oldest first, in the transaction
// that brings it, and its cursor lies behind what they got.
func TestArrivalFillsTheOldestFirst(t *testing.T) {
	w := newWorld(t)
	first, second, third := w.wants(shop, line("pads", 20)), w.wants(rival, line("pads", 5)), w.wants(shop, line("pads", 2))
	equal(t, "the first", w.waits(first.ID), [4]int{14, 6, 0, 0})

	result, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived,
		Changes: []redline.InventoryChange{{Stock: w.at("pads", "west"), State: redline.StateOnHand, Delta: 9}},
	})
	w.must(err)
	l := result.Rows[0].Level
	equal(t, "what the level has left, as it is answered", [3]int{l.OnHand, l.Committed, l.Available}, [3]int{13, 13, 0})
	equal(t, "the level's version, as it is answered", l.Version, w.level("pads", "west").Version)
	equal(t, "the first", w.waits(first.ID), [4]int{20, 0, 0, 0})
	equal(t, "the second", w.waits(second.ID), [4]int{3, 2, 0, 0})
	equal(t, "the third", w.waits(third.ID), [4]int{0, 2, 0, 0})

	var newest int64
	w.must(w.DB().GetContext(w.ctx, &newest, `SELECT max(id) FROM events`))
	equal(t, "the cursor", result.EventID, newest)
	filled := w.order(operator, first.ID)
	equal(t, "the order's version", filled.Version, 2)
	equal(t, "its parts", len(filled.FulfillmentOrders), 3)
	moved, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reference: &first.Number}, redline.PageRequest{First: ref(1)})
	w.must(err)
	equal(t, "the ledger line", []any{moved.Items[0].Reason, moved.Items[0].Actor}, []any{redline.ReasonCommitted, redline.System().Subject})
	audited, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{Subject: &first.ID}, redline.PageRequest{First: ref(1)})
	w.must(err)
	equal(t, "the audit", []string{audited.Items[0].Actor, audited.Items[0].Action}, []string{redline.System().Subject, "backorderFill"})
	w.checkBooks()
}

// What cancelling gives back goes to those who wait; so does what is counted,
// transferred, or no longer unavailable.
func TestWhateverMakesStockAvailableFills(t *testing.T) {
	w := newWorld(t)
	all := w.place(shop, line("pads", 14))
	o := w.wants(rival, line("pads", 20))
	equal(t, "it waits", w.waits(o.ID), [4]int{0, 20, 0, 0})
	w.must(w.cancel(shop, all))
	equal(t, "after the other was cancelled", w.waits(o.ID), [4]int{14, 6, 0, 0})

	_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: w.at("pads", "east"), OnHand: 12, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	w.must(err)
	equal(t, "after a count", w.waits(o.ID), [4]int{16, 4, 0, 0})

	adjust := func(deltas ...int) {
		in := redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonCorrected}
		for i, n := range deltas {
			state := []redline.InventoryState{redline.StateUnavailable, redline.StateOnHand}[i]
			in.Changes = append(in.Changes, redline.InventoryChange{Stock: w.at("pads", "west"), State: state, Delta: n})
		}
		_, err := w.InventoryAdjust(w.ctx, operator, in)
		w.must(err)
	}
	adjust(3, 3)
	equal(t, "after some came in that can't be sold", w.waits(o.ID), [4]int{16, 4, 0, 0})
	adjust(-3)
	equal(t, "after it could", w.waits(o.ID), [4]int{19, 1, 0, 0})

	w.must(w.reject(operator, w.part(w.order(operator, o.ID), "west")))
	equal(t, "after west has refused its first part", w.waits(o.ID), [4]int{15, 5, 0, 0})
	w.adjust(operator, "pads", "west", 2)
	equal(t, "west has refused", w.waits(o.ID), [4]int{15, 5, 0, 0})
	_, err = w.InventoryTransfer(w.ctx, operator, redline.InventoryTransferInput{
		IdempotencyKey: key(), ProductID: w.id["pads"], FromLocationID: w.id["west"], ToLocationID: w.id["east"], Quantity: 6,
	})
	w.must(err)
	equal(t, "after a transfer", w.waits(o.ID), [4]int{20, 0, 0, 0})
	w.checkBooks()
}

// What a location refuses goes to another, as a part like any other, and what
// none has is backordered; never back to who has refused it.
func TestWhatIsRefusedGoesElsewhere(t *testing.T) {
	w := newWorld(t)
	o := w.wants(shop, line("sauce", 3))
	w.must(w.reject(operator, w.part(o, "east")))
	now := w.stands(o, redline.OrderPending, "cajun", redline.PartSubmitted)
	f := w.part(now, "cajun")
	equal(t, "as cajun packs it", []any{*f.Lines[0].SupplierSKU, *f.Lines[0].PackQuantity, *f.Lines[0].SupplierQuantity}, []any{"65", 32, 1})
	equal(t, "it has a day to answer", f.AcknowledgeBy.Sub(f.SubmittedAt).Hours(), 24.0)
	equal(t, "the version", f.Version, 1)
	equal(t, "cajun sees it", len(w.order(cajun, o.ID).FulfillmentOrders), 1)

	w.adjust(operator, "sauce", "west", 1)
	w.must(w.accept(cajun, f, redline.LineResponse{LineID: f.Lines[0].ID, Accepted: 1}))
	now = w.stands(o, redline.OrderProcessing, "cajun", redline.PartPartiallyAccepted)
	equal(t, "the rest that west has", w.part(now, "west").Lines[0].Quantity, 1)
	equal(t, "the line", w.waits(o.ID), [4]int{2, 1, 0, 0})
	w.adjust(cajun, "sauce", "cajun", 5)
	w.adjust(operator, "sauce", "east", 5)
	equal(t, "who has refused isn't asked again", w.waits(o.ID), [4]int{2, 1, 0, 0})
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "nor by the job", n, 0)
	w.adjust(operator, "sauce", "west", 1)
	equal(t, "who hasn't, is", w.waits(o.ID), [4]int{3, 0, 0, 0})
	w.checkBooks()
}

// A line that has to come from one location waits for that one, and an order
// that may take no stale stock for what is confirmed.
func TestWhereALineMayComeFrom(t *testing.T) {
	w := newWorld(t)
	here := w.wants(shop, redline.LineInput{SKU: ref("pads"), Quantity: 5, LocationID: ref(w.id["west"])})
	equal(t, "from west alone", w.waits(here.ID), [4]int{4, 1, 0, 0})
	w.adjust(operator, "pads", "east", 5)
	equal(t, "east doesn't matter", w.waits(here.ID), [4]int{4, 1, 0, 0})
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "nor to the job", n, 0)
	w.adjust(operator, "pads", "west", 5)
	equal(t, "west does", w.waits(here.ID), [4]int{5, 0, 0, 0})

	w.exec(`UPDATE inventory_levels SET stale = true WHERE location_id = $1`, w.id["tokyo"])
	id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 2)}, AllowBackorder: true,
	})
	w.must(err)
	equal(t, "what is stale isn't taken", w.waits(id), [4]int{0, 2, 0, 0})
	n, err = w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "nor by the job", n, 0)
	w.adjust(tokyo, "tea", "tokyo", 1)
	equal(t, "until it is confirmed", w.waits(id), [4]int{2, 0, 0, 0})
	w.checkBooks()
}

// A held order gets nothing, which others get instead; once it is released it
// gets what is there then.
func TestHeldOrdersAreNotFilled(t *testing.T) {
	w := newWorld(t)
	held, next := w.wants(shop, line("tea", 22)), w.wants(shop, line("tea", 1))
	w.must(w.hold(held))
	w.adjust(tokyo, "tea", "tokyo", 4)
	equal(t, "the held one", w.waits(held.ID), [4]int{20, 2, 0, 0})
	equal(t, "the next", w.waits(next.ID), [4]int{1, 0, 0, 0})
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "the job fills", n, 0)
	w.must(w.release(held))
	equal(t, "the released one", w.waits(held.ID), [4]int{22, 0, 0, 0})
	equal(t, "what is left", w.level("tea", "tokyo").Available, 1)
	w.checkBooks()
}

// An order that somebody else works on is left out when stock arrives, so that
// nobody waits for it; a job fills it.
func TestWhoIsLeftOutIsFilledByTheJob(t *testing.T) {
	w := newWorld(t)
	o := w.wants(shop, line("tea", 23))
	tx, err := w.DB().BeginTxx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `SELECT 1 FROM orders WHERE id = $1 FOR UPDATE`, o.ID)
	w.must(err)
	w.adjust(tokyo, "tea", "tokyo", 3)
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "the job, which doesn't wait either, fills", n, 0)
	w.must(tx.Rollback())
	equal(t, "it waits", w.waits(o.ID), [4]int{20, 3, 0, 0})
	n, err = w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "the job fills", n, 1)
	equal(t, "it has", w.waits(o.ID), [4]int{23, 0, 0, 0})
	n, err = w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "and then nothing", n, 0)
	w.checkBooks()
}

// A regression: one order that can't be filled kept the job from all the others.
func TestTheJobLeavesOutWhatCannotBeFilled(t *testing.T) {
	w := newWorld(t)
	bad, good := w.wants(shop, line("tea", 22)), w.wants(shop, line("tea", 1))
	w.exec(`ALTER TABLE orders ADD CONSTRAINT broken CHECK (id <> '` + bad.ID + `' OR version = 1)`)
	tx, err := w.DB().BeginTxx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `SELECT 1 FROM orders FOR UPDATE`)
	w.must(err)
	w.adjust(tokyo, "tea", "tokyo", 3)
	w.must(tx.Rollback())
	n, err := w.FillBackorders(w.ctx)
	equal(t, "the job fills", n, 1)
	if err == nil || !strings.Contains(err.Error(), bad.ID) {
		t.Errorf("of the one that can't be filled the job says %v", err)
	}
	equal(t, "the good one", w.waits(good.ID), [4]int{1, 0, 0, 0})
	equal(t, "the bad one", w.waits(bad.ID), [4]int{20, 2, 0, 0})
	w.exec(`ALTER TABLE orders DROP CONSTRAINT broken`)
	n, err = w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "once it can be, the job fills", n, 1)
	w.checkBooks()
}

// A regression: what comes back of an order went to a younger one that waits, and
// where nobody else waits to nobody.
func TestWhatComesBackServesItsOwnOrderInTurn(t *testing.T) {
	w := newWorld(t)
	older, younger := w.wants(shop, line("tea", 25)), w.wants(rival, line("tea", 3))
	w.must(w.ship(tokyo, w.part(older, "tokyo")))
	back := func(n int) {
		t.Helper()
		id, err := w.announce(shop, older, n)
		w.must(err)
		w.must(w.receive(operator, id, n, 0, nil))
	}
	back(3)
	equal(t, "the older", w.waits(older.ID), [4]int{3, 2, 20, 0})
	equal(t, "the younger", w.waits(younger.ID), [4]int{0, 3, 0, 0})
	back(4)
	equal(t, "the older", w.waits(older.ID), [4]int{5, 0, 20, 0})
	equal(t, "the younger", w.waits(younger.ID), [4]int{2, 1, 0, 0})
	w.checkBooks()
}

// A regression: what a location refused was given in the same transaction to
// another order, at that location.
func TestARefusalIsNoArrival(t *testing.T) {
	w := newWorld(t)
	first, next := w.place(shop, line("tea", 20)), w.wants(rival, line("tea", 5))
	f := w.part(first, "tokyo")
	w.must(w.accept(tokyo, f, redline.LineResponse{LineID: f.Lines[0].ID, Accepted: 18}))
	equal(t, "what is available", w.level("tea", "tokyo").Available, 2)
	equal(t, "the next, after some was refused", w.waits(next.ID), [4]int{0, 5, 0, 0})
	whole := w.wants(shop, line("tea", 2))
	w.must(w.reject(tokyo, w.part(whole, "tokyo")))
	equal(t, "the next, after all was refused", w.waits(next.ID), [4]int{0, 5, 0, 0})
	// Another order may ask all the same: the stock is there, as it is told.
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "the job fills", n, 1)
	equal(t, "the next", w.waits(next.ID), [4]int{2, 3, 0, 0})
	w.checkBooks()
}

// A regression: a location that had rejected a part, and shipped a little of it all
// the same, was asked for the rest again.
func TestWhoRejectedAndShippedIsNotAskedAgain(t *testing.T) {
	w := newWorld(t)
	o := w.wants(shop, line("tea", 5))
	f := w.part(o, "tokyo")
	w.must(w.reject(tokyo, f))
	w.must(w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 2}))
	equal(t, "it waits", w.waits(o.ID), [4]int{0, 3, 2, 0})
	n, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "the job fills", n, 0)
	w.adjust(tokyo, "tea", "tokyo", 7)
	equal(t, "it waits", w.waits(o.ID), [4]int{0, 3, 2, 0})
	refused(t, w.ship(tokyo, f), redline.CodeInvalidTransition, "fulfillmentOrderId")
	w.must(w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 1}))
	equal(t, "what left", w.waits(o.ID), [4]int{0, 2, 3, 0})
	w.adjust(operator, "tea", "east", 2)
	equal(t, "another is asked", w.waits(o.ID), [4]int{2, 0, 3, 0})
	w.checkBooks()
}

// Adjustments that share a transaction fill one order in their turns: one that
// is refused leaves what the others gave.
func TestAdjustmentsTogetherFill(t *testing.T) {
	w := newWorld(t)
	o := w.wants(shop, line("tea", 30))
	errs := atOnce(12, func(i int) error {
		delta := 1
		if i%4 == 3 {
			delta = -50
		}
		_, err := w.InventoryAdjust(w.ctx, tokyo, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonCorrected,
			Changes: []redline.InventoryChange{{Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: delta}},
		})
		return err
	})
	for i, err := range errs {
		if i%4 == 3 {
			refused(t, err, redline.CodeInsufficientStock, "changes.0.delta")
		} else {
			w.must(err)
		}
	}
	// Two batches may have run side by side, and one have left the order out.
	_, err := w.FillBackorders(w.ctx)
	w.must(err)
	equal(t, "it has", w.waits(o.ID), [4]int{29, 1, 0, 0})
	w.checkBooks()
}

// Two fills of one backorder: what arrives at two places at once, and the job
// beside them, give it what it waits for and no more.
func TestTwoFillsOfOneBackorder(t *testing.T) {
	w := newWorld(t)
	for range 10 {
		east, west := w.level("pads", "east").OnHand, w.level("pads", "west").OnHand
		o := w.wants(shop, line("pads", w.level("pads", "east").Available+w.level("pads", "west").Available+3))
		for _, err := range atOnce(4, func(i int) error {
			switch i {
			case 0, 1:
				w.adjust(operator, "pads", []string{"east", "west"}[i], 3)
				return nil
			default:
				_, err := w.FillBackorders(w.ctx)
				return err
			}
		}) {
			w.must(err)
		}
		_, err := w.FillBackorders(w.ctx)
		w.must(err)
		got := w.waits(o.ID)
		equal(t, "the order waits for", got[1], 0)
		equal(t, "what is left", w.level("pads", "east").Available+w.level("pads", "west").Available, 3)
		equal(t, "on hand", w.level("pads", "east").OnHand+w.level("pads", "west").OnHand, east+west+6)
		w.must(w.cancel(shop, o))
	}
	w.checkBooks()
}

// Fill against cancel: whichever comes first, nothing is held for an order that
// is cancelled.
func TestFillAgainstCancel(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		before := w.level("tea", "tokyo").Available
		o := w.wants(shop, line("tea", before+5))
		for _, err := range atOnce(3, func(i int) error {
			switch i {
			case 0:
				return w.cancel(shop, o)
			case 1:
				w.adjust(tokyo, "tea", "tokyo", 5)
				return nil
			default:
				_, err := w.FillBackorders(w.ctx)
				return err
			}
		}) {
			w.must(err)
		}
		equal(t, "the order", w.waits(o.ID), [4]int{0, 0, 0, before + 5})
		l := w.level("tea", "tokyo")
		equal(t, "the level", [2]int{l.Committed, l.Available}, [2]int{0, before + 5})
	}
	w.checkBooks()
}

// Reject against cancel: one of them wins, or both in turn; in the end nothing
// is held, and nothing was given back twice.
func TestRejectAgainstCancel(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		before := w.level("tea", "tokyo").Available
		o := w.place(shop, line("tea", 5))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return w.cancel(shop, o)
			}
			return w.reject(tokyo, w.part(o, "tokyo"))
		})
		w.must(errs[0]) // what was rejected is backordered, and is cancelled too
		if errs[1] != nil {
			refused(t, errs[1], redline.CodeInvalidTransition, "fulfillmentOrderId")
		}
		equal(t, "the order", w.waits(o.ID), [4]int{0, 0, 0, 5})
		equal(t, "what is available", w.level("tea", "tokyo").Available, before)
	}
	w.checkBooks()
}

// Count against sale, of our own: a count that overrides and an order race for the last of a
// level; the order has it, and the count that would take it away is refused, or
// the count comes first, and the order waits.
func TestOwnCountAgainstSale(t *testing.T) {
	w := newWorld(t)
	for range 20 {
		w.must(w.countTo("pads", "west", 4))
		var id string
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				return w.countTo("pads", "west", 1)
			}
			var err error
			id, _, err = w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
				IdempotencyKey: key(), AllowBackorder: true, AllowStale: true,
				Lines: []redline.LineInput{{SKU: ref("pads"), Quantity: 4, LocationID: ref(w.id["west"])}},
			})
			return err
		})
		w.must(errs[1])
		if errs[0] != nil {
			refused(t, errs[0], redline.CodeInsufficientStock, "counts.0.onHand")
			equal(t, "the sale came first", w.waits(id), [4]int{4, 0, 0, 0})
		} else {
			equal(t, "the count came first", w.waits(id), [4]int{1, 3, 0, 0})
		}
		w.must(w.cancel(shop, w.order(operator, id)))
	}
	w.checkBooks()
}

// countTo counts what is on hand of a product at a location.
func (w *world) countTo(sku, location string, n int) error {
	_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: w.at(sku, location), OnHand: n, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	return err
}
