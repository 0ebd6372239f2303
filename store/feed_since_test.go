package store_test

import (
	"testing"
	"time"

	"redline"
)

// sauceAtCajun wants a number of sauce from cajun's own stock.
func (w *world) sauceAtCajun(n int) redline.LineInput {
	return redline.LineInput{SKU: ref("sauce"), Quantity: n, LocationID: ref(w.id["cajun"])}
}

// sauces are what there is of cajun's sauce: on hand, committed, available and
// shortfall.
func (w *world) sauces() []int {
	l := w.level("sauce", "cajun")
	return []int{l.OnHand, l.Committed, l.Available, l.Shortfall}
}

// bottles counts sauce in bottles.
func bottles(n int) redline.SupplierFeedRow {
	return redline.SupplierFeedRow{SupplierSKU: "65", Quantity: n, Unit: ref(redline.UnitBottle)}
}

// What moved since a feed was true is added to what it says; what was promised
// since stays promised.
func TestFeedAndWhatMovedSince(t *testing.T) {
	w := newWorld(t)
	before := w.place(shop, w.sauceAtCajun(10))
	in := w.feedOf(redline.FeedPartial, 0, bottles(60))
	w.shipFromCajun(before)
	after := w.place(shop, w.sauceAtCajun(7))
	w.adjust(cajun, "sauce", "cajun", 5)
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "counted before a shipment and a delivery", w.sauces(), []int{60 - 10 + 5, 7, 48, 0})

	// A shipment that left before the count and is told of after it is in the count.
	left := w.now()
	in = w.feedOf(redline.FeedPartial, 0, bottles(50))
	_, _, err := w.FulfillmentCreate(w.ctx, cajun, redline.FulfillmentCreateInput{
		IdempotencyKey: key(), FulfillmentOrderID: w.part(after, "cajun").ID, ShippedAt: &left,
	})
	w.must(err)
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "counted after a shipment", w.sauces(), []int{50, 0, 50, 0})

	// More has gone since than there was.
	in = w.feedOf(redline.FeedPartial, 0, bottles(3))
	w.adjust(cajun, "sauce", "cajun", -10)
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "never below 0", w.sauces(), []int{0, 0, 0, 0})

	// A statement isn't a movement: what a newer one changed isn't counted twice.
	old := w.feedOf(redline.FeedPartial, 0, bottles(40))
	old.AsOf = w.now()
	w.submit(cajun, old, 1, 0, 0)
	again := w.feedOf(redline.FeedPartial, 0, bottles(41))
	again.AsOf = old.AsOf
	w.submit(cajun, again, 1, 0, 0)
	equal(t, "stated twice as of one moment", w.sauces(), []int{41, 0, 41, 0})
	w.checkBooks()
}

// What a supplier says is available for us leaves out what we have claimed when
// it says so; what we claim since comes off.
func TestFeedOfWhatIsAvailable(t *testing.T) {
	w := newWorld(t)
	w.place(shop, w.sauceAtCajun(10))
	_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonCorrected,
		Changes: []redline.InventoryChange{{Stock: w.at("sauce", "cajun"), State: redline.StateSafetyStock, Delta: 4}},
	})
	w.must(err)
	available := func(n int) redline.SupplierFeedInput {
		in := w.feedOf(redline.FeedPartial, 0, bottles(n))
		in.Measure = redline.FeedAvailable
		return in
	}
	in := available(30)
	then := w.place(shop, w.sauceAtCajun(5))
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "claimed since", w.sauces(), []int{30 + 14, 15, 25, 0})

	in = available(25)
	w.shipFromCajun(then)
	w.submit(cajun, in, 0, 1, 0)
	equal(t, "what we shipped was claimed", w.sauces(), []int{39, 10, 25, 0})

	in = available(0)
	in.Mode = redline.FeedPartial
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "nothing for us", w.sauces(), []int{14, 10, 0, 0})
	w.checkBooks()
}

// A fact is taken even where it breaks promises; what it brings goes to those who
// wait.
func TestFeedShortAndBack(t *testing.T) {
	w := newWorld(t)
	w.place(shop, w.sauceAtCajun(40))
	r := w.submit(cajun, w.feedOf(redline.FeedPartial, 1, says("65", 1)), 1, 0, 0)
	equal(t, "short", w.sauces(), []int{32, 40, 0, 8})
	equal(t, "the conflict", kindsOf(r.Conflicts), []string{"OVERSOLD"})
	id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), AllowBackorder: true, AllowStale: true, Lines: []redline.LineInput{w.sauceAtCajun(20)},
	})
	w.must(err)
	equal(t, "waiting", w.order(shop, id).Lines[0].Backordered, 20)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 2, says("65", 2)), 1, 0, 0)
	equal(t, "filled", []int{w.order(shop, id).Lines[0].Backordered, w.order(shop, id).Lines[0].Open}, []int{0, 20})
	equal(t, "and sold", w.sauces(), []int{64, 60, 4, 0})
	equal(t, "open", w.openKinds(), []string(nil))
	w.checkBooks()
}

// A level that its supplier confirms late enough stays stale, and isn't told of
// again each time.
func TestFeedThatIsTooOldToConfirm(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	w.exec(`UPDATE suppliers SET confirm_within_seconds = 60 WHERE code = 'cajun'`)
	w.must(w.RefreshPlaces(w.ctx))
	ago := func(d time.Duration) redline.SupplierFeedInput {
		in := w.feedOf(redline.FeedPartial, 0, says("new", 2))
		in.AsOf = in.AsOf.Add(-d)
		return in
	}
	w.submit(cajun, ago(48*time.Hour), 1, 0, 0)
	w.exec(`UPDATE inventory_levels SET stale = true WHERE id = $1`, w.level("of new", "cajun").ID)
	in := ago(time.Hour)
	w.submit(cajun, in, 0, 1, 0)
	l := w.level("of new", "cajun")
	equal(t, "an hour ago", []any{l.Stale, l.AsOf.Equal(in.AsOf.Truncate(time.Microsecond))}, []any{true, true})
	w.submit(cajun, ago(0), 1, 0, 0)
	equal(t, "now", w.level("of new", "cajun").Stale, false)
	w.checkBooks()
}

// The first cost that a supplier states is its item's; another than was agreed is
// for a person, and the quantity is taken.
func TestFeedWithCosts(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	cost := func(s string) *redline.Decimal {
		d, err := redline.ParseDecimal(s)
		w.must(err)
		return &d
	}
	rows := []redline.SupplierFeedRow{{SupplierSKU: "65", Quantity: 3, Cost: cost("9.75")}, {SupplierSKU: "new", Quantity: 1, Cost: cost("4")}}
	blind := cajun
	blind.Scopes = []string{redline.ScopeInventoryWrite, redline.ScopeConflictsRead}
	equal(t, "without catalog:cost", rowErrors(w.submit(blind, w.feedOf(redline.FeedPartial, 1, rows...), 0, 0, 2)),
		[]string{"FORBIDDEN rows.0.cost", "FORBIDDEN rows.1.cost"})
	negative := []redline.SupplierFeedRow{{SupplierSKU: "65", Quantity: 3, Cost: cost("-1")}}
	equal(t, "negative", rowErrors(w.submit(cajun, w.feedOf(redline.FeedPartial, 2, negative...), 0, 0, 1)), []string{"INVALID rows.0.cost"})

	r := w.submit(cajun, w.feedOf(redline.FeedPartial, 3, rows...), 2, 0, 0)
	equal(t, "the conflict", []any{kindsOf(r.Conflicts), fact(t, r.Conflicts, redline.ConflictPriceMismatch, "agreed"), fact(t, r.Conflicts, redline.ConflictPriceMismatch, "stated")},
		[]any{[]string{"PRICE_MISMATCH"}, "2.50", "9.75"})
	items, err := w.SupplierItemsOfProducts(w.ctx, cajun, []string{w.id["sauce"], w.id["of new"]})
	w.must(err)
	sauce, fresh := items[w.id["sauce"]][0], items[w.id["of new"]][0]
	equal(t, "the subject", *r.Conflicts[0].SubjectID, sauce.ID)
	equal(t, "the costs", []string{sauce.Cost.Amount.String(), fresh.Cost.Amount.String(), fresh.Cost.Currency}, []string{"2.50", "4.00", "USD"})
	equal(t, "the versions", []int{sauce.Version, fresh.Version}, []int{1, 2})
	versions, err := w.ItemVersions(w.ctx, cajun, []string{fresh.ID})
	w.must(err)
	equal(t, "the versions of the new one", []any{len(versions[fresh.ID]), versions[fresh.ID][0].Actor, *versions[fresh.ID][0].Cost},
		[]any{2, cajun.Subject, *fresh.Cost})
	equal(t, "on hand", []int{w.level("sauce", "cajun").OnHand, w.level("of new", "cajun").OnHand}, []int{96, 12})
	w.submit(cajun, w.feedOf(redline.FeedPartial, 4, redline.SupplierFeedRow{SupplierSKU: "new", Quantity: 1, Cost: cost("4.00")}), 0, 1, 0)
	w.checkBooks()
}

// A supplier that counts or moves by a name or a unit that isn't mapped opens the
// conflict that its feeds would, and keeps what a feed said.
func TestUnknownUnitsOfCountsOpenConflicts(t *testing.T) {
	w := newWorld(t)
	set := func(k redline.StockKey) error {
		_, err := w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), OnRowError: redline.RollBack, Counts: []redline.InventoryCount{
			{Stock: k, OnHand: 5, Basis: redline.CountBasis{Override: ref(true)}},
		}})
		return err
	}
	refused(t, set(redline.StockKey{SupplierSKU: ref("nobody's")}), redline.CodeUnmappedSKU, "counts.0.stock.supplierSku")
	refused(t, set(redline.StockKey{SKU: ref("sauce"), Unit: ref(redline.UnitBox)}), redline.CodePackMismatch, "counts.0.stock.unit")
	refused(t, set(redline.StockKey{SupplierSKU: ref("a\x01b")}), redline.CodeUnmappedSKU, "counts.0.stock.supplierSku")
	equal(t, "open", w.openKinds(), []string{"PACK_MISMATCH", "UNMAPPED_SKU"})
	r := w.submit(cajun, w.feedOf(redline.FeedPartial, 1, says("nobody's", 3)), 0, 0, 1)
	held := func() (n int) {
		w.must(w.DB().GetContext(w.ctx, &n, `SELECT coalesce(json_array_length(held->'rows'), 0) FROM conflicts WHERE id = $1`, r.Conflicts[0].ID))
		return n
	}
	equal(t, "rows held", held(), 1)
	_, err := w.InventoryAdjust(w.ctx, cajun, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived, OnRowError: redline.SkipRow, Changes: []redline.InventoryChange{
			{Stock: redline.StockKey{SupplierSKU: ref("nobody's")}, State: redline.StateOnHand, Delta: 1},
			{Stock: redline.StockKey{SupplierSKU: ref("65")}, State: redline.StateOnHand, Delta: 1},
		},
	})
	w.must(err)
	equal(t, "rows held still", held(), 1)
	// We name our own stock; no supplier has to map it.
	_, err = w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: redline.StockKey{SupplierSKU: ref("ours"), LocationCode: ref("cajun")}, OnHand: 5, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	refused(t, err, redline.CodeUnmappedSKU, "counts.0.stock.supplierSku")
	equal(t, "open", w.openKinds(), []string{"PACK_MISMATCH", "UNMAPPED_SKU"})
	w.checkBooks()
}

// A regression: a shipment that was told of after a feed of what is available, and had
// left before it, was taken to be left out of what is on hand by that feed, to which
// what we had promised was added: what had left was for sale again.
func TestShippedBeforeAFeed(t *testing.T) {
	for _, c := range []struct {
		name     string
		measures []redline.FeedMeasure
		// says is how many bottles each feed tells of. Of the 64 on hand 7 are promised.
		says []int
	}{
		{name: "available", measures: []redline.FeedMeasure{redline.FeedAvailable}, says: []int{60}},
		{name: "available, unchanged", measures: []redline.FeedMeasure{redline.FeedAvailable}, says: []int{57}},
		{name: "on hand", measures: []redline.FeedMeasure{redline.FeedOnHand}, says: []int{60}},
		{name: "on hand, unchanged", measures: []redline.FeedMeasure{redline.FeedOnHand}, says: []int{64}},
		{name: "on hand, then available", measures: []redline.FeedMeasure{redline.FeedOnHand, redline.FeedAvailable}, says: []int{57, 57}},
		{name: "on hand, then available, unchanged", measures: []redline.FeedMeasure{redline.FeedOnHand, redline.FeedAvailable}, says: []int{64, 57}},
		{name: "available, then on hand", measures: []redline.FeedMeasure{redline.FeedAvailable, redline.FeedOnHand}, says: []int{57, 57}},
		{name: "available, then on hand, unchanged", measures: []redline.FeedMeasure{redline.FeedAvailable, redline.FeedOnHand}, says: []int{50, 57}},
		{name: "available twice", measures: []redline.FeedMeasure{redline.FeedAvailable, redline.FeedAvailable}, says: []int{50, 51}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := newWorld(t)
			o := w.place(shop, w.sauceAtCajun(7))
			left := w.now()
			for i, measure := range c.measures {
				in := w.feedOf(redline.FeedPartial, 0, bottles(c.says[i]))
				in.Measure = measure
				_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
				w.must(err)
			}
			_, _, err := w.FulfillmentCreate(w.ctx, cajun, redline.FulfillmentCreateInput{
				IdempotencyKey: key(), FulfillmentOrderID: w.part(o, "cajun").ID, ShippedAt: &left,
			})
			w.must(err)
			// Nothing is promised any more: what the supplier said last is there.
			said := c.says[len(c.says)-1]
			equal(t, "the stock", w.sauces(), []int{said, 0, said, 0})
			w.checkBooks()
		})
	}
}

// A regression: a supplier that has nothing for us was taken to have all that we had
// promised, though there was less.
func TestNothingAvailableIsNoStock(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE suppliers SET zeroing_limit_percent = 100 WHERE code = 'cajun'`)
	w.place(shop, w.sauceAtCajun(24))
	w.submit(cajun, w.feedOf(redline.FeedPartial, 1, bottles(0)), 1, 0, 0)
	equal(t, "nothing there", w.sauces(), []int{0, 24, 0, 24})
	in := w.feedOf(redline.FeedPartial, 2, bottles(0))
	in.Measure = redline.FeedAvailable
	w.submit(cajun, in, 0, 1, 0)
	equal(t, "nothing available", w.sauces(), []int{0, 24, 0, 24})
	w.submit(cajun, w.feedOf(redline.FeedPartial, 3, bottles(10)), 1, 0, 0)
	full := w.feedOf(redline.FeedFull, 4)
	full.Measure = redline.FeedAvailable
	w.adjust(cajun, "sauce", "cajun", 2)
	w.submit(cajun, full, 0, 0, 0)
	equal(t, "left out, and what came since", w.sauces(), []int{12, 24, 0, 12})
	equal(t, "open", w.openKinds(), []string{"OVERSOLD"})
	in = w.feedOf(redline.FeedPartial, 5, bottles(1))
	in.Measure = redline.FeedAvailable
	w.submit(cajun, in, 1, 0, 0)
	equal(t, "one is available", w.sauces(), []int{25, 24, 1, 0})
	equal(t, "open", w.openKinds(), []string(nil))
	w.checkBooks()
}
