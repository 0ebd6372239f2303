package store_test

import (
	"strings"
	"testing"
	"time"

	"redline"
)

// gift is a row of a SKU that nobody has mapped, at one of cajun's locations.
func gift(n int, location string) redline.SupplierFeedRow {
	return redline.SupplierFeedRow{SupplierSKU: "GIFT", Quantity: n, LocationCode: ref(location)}
}

// secondCajun gives cajun another location.
func (w *world) secondCajun() {
	w.t.Helper()
	w.id["cajun 2"] = redline.NewID(redline.PrefixLocation)
	w.exec(`INSERT INTO locations (id, code, name, kind, supplier_id) VALUES ($1, 'cajun 2', 'The other', 'SUPPLIER', $2)`,
		w.id["cajun 2"], w.id["supplier cajun"])
}

// theOpen is the one conflict of a kind that is open.
func (w *world) theOpen(kind redline.ConflictKind) *redline.Conflict {
	w.t.Helper()
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen), Kind: &kind}, redline.PageRequest{})
	w.must(err)
	if len(page.Items) != 1 {
		w.t.Fatalf("%d conflicts of %s are open", len(page.Items), kind)
	}
	return page.Items[0]
}

// giftIs maps GIFT to cases of a number of pads: by resolving its conflict, or by an
// upsert.
func (w *world) giftIs(pack int, byUpsert bool) {
	w.t.Helper()
	if byUpsert {
		w.maps("pads", "GIFT", redline.UnitCase, pack)
		return
	}
	_, _, err := w.ConflictResolve(w.ctx, operator, redline.ConflictResolveInput{
		ConflictID: w.theOpen(redline.ConflictUnmappedSKU).ID, Status: redline.ConflictResolved, Resolution: "it is a gift",
		Mapping: &redline.ConflictMappingInput{ProductID: w.id["pads"], Unit: redline.UnitCase, PackQuantity: pack},
	})
	w.must(err)
}

func byEither(t *testing.T, test func(t *testing.T, byUpsert bool)) {
	t.Run("resolved", func(t *testing.T) { test(t, false) })
	t.Run("upserted", func(t *testing.T) { test(t, true) })
}

// A regression: mapping a SKU brought back the stock that a newer full feed, which
// left it out, says is gone.
func TestMappingWhatANewerFullFeedLeftOut(t *testing.T) {
	byEither(t, func(t *testing.T, byUpsert bool) {
		w := newWorld(t)
		w.submit(cajun, w.feedOf(redline.FeedFull, 1, bottles(60), gift(3, "cajun")), 1, 0, 1)
		in := w.feedOf(redline.FeedFull, 2, bottles(60))
		w.submit(cajun, in, 0, 1, 0)
		w.giftIs(12, byUpsert)
		equal(t, "left out", w.shelf("pads", "cajun"), "none")
		equal(t, "open", w.openKinds(), []string(nil))
		w.checkBooks()
	})
	byEither(t, func(t *testing.T, byUpsert bool) {
		w := newWorld(t)
		w.submit(cajun, w.feedOf(redline.FeedFull, 1, bottles(60), gift(2, "cajun")), 1, 0, 1)
		w.submit(cajun, w.feedOf(redline.FeedFull, 2, bottles(60), gift(3, "cajun")), 0, 1, 1)
		w.giftIs(12, byUpsert)
		equal(t, "stated by the newest", w.shelf("pads", "cajun"), "36")
		w.checkBooks()
	})
}

// A regression: of a SKU that isn't mapped only what the last feed said was kept, and
// nothing of it where that was refused.
func TestMappingAppliesAllThatFeedsSaid(t *testing.T) {
	byEither(t, func(t *testing.T, byUpsert bool) {
		w := newWorld(t)
		w.secondCajun()
		w.submit(cajun, w.feedOf(redline.FeedPartial, 1, gift(9, "cajun")), 0, 0, 1)
		w.submit(cajun, w.feedOf(redline.FeedPartial, 2, gift(3, "cajun")), 0, 0, 1)
		other := w.feedOf(redline.FeedPartial, 3, gift(2, "cajun 2"))
		other.Measure = redline.FeedAvailable
		w.submit(cajun, other, 0, 0, 1)
		w.submit(cajun, w.feedOf(redline.FeedPartial, 4, gift(-1, "cajun")), 0, 0, 1)
		rolled := w.feedOf(redline.FeedPartial, 5, gift(7, "cajun"))
		rolled.OnRowError = redline.RollBack
		w.refusedFeed(cajun, rolled, redline.CodeUnmappedSKU, "rows.0.supplierSku")
		w.giftIs(4, byUpsert)
		equal(t, "both", []string{w.shelf("pads", "cajun"), w.shelf("pads", "cajun 2")}, []string{"12", "8"})
		var lines []string
		w.must(w.DB().SelectContext(w.ctx, &lines, `SELECT reference FROM inventory_movements WHERE product_id = $1
			AND reason = 'SUPPLIER_FEED' ORDER BY location_id = $2`, w.id["pads"], w.id["cajun 2"]))
		equal(t, "the ledger", lines, []string{"feed 2", "feed 3"})
		equal(t, "open", w.openKinds(), []string(nil))
		w.checkBooks()
	})
}

// What an upsert can't apply of what feeds said stays open: as the unit that isn't
// known, or as it was.
func TestUpsertOfWhatDoesNotFit(t *testing.T) {
	w := newWorld(t)
	row := gift(3, "cajun")
	row.Unit = ref(redline.UnitBox)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 1, row), 0, 0, 1)
	w.maps("pads", "GIFT", redline.UnitCase, 4)
	equal(t, "open", w.openKinds(), []string{"PACK_MISMATCH"})
	equal(t, "nothing yet", w.shelf("pads", "cajun"), "none")
	w.maps("pads", "GIFT", redline.UnitBox, 2)
	equal(t, "open", w.openKinds(), []string(nil))
	equal(t, "three boxes", w.shelf("pads", "cajun"), "6")

	w.submit(cajun, w.feedOf(redline.FeedPartial, 2, says("HUGE", 1_000_000_000)), 0, 0, 1)
	w.maps("pads", "HUGE", redline.UnitCase, 4)
	equal(t, "open", w.openKinds(), []string{"UNMAPPED_SKU"})
	w.checkBooks()
}

// A feed that waits for a person says nothing until it is applied: then what it says
// of SKUs that aren't mapped is kept.
func TestHeldFeedOfUnknownSKUs(t *testing.T) {
	for status, want := range map[redline.ConflictStatus]string{redline.ConflictDismissed: "none", redline.ConflictResolved: "36"} {
		t.Run(string(status), func(t *testing.T) {
			w, _ := fullCajun(t)
			w.submit(cajun, w.feedOf(redline.FeedFull, 2, gift(3, "cajun")), 0, 0, 1)
			w.must(w.settle(operator, w.theOpen(redline.ConflictMassZeroing).ID, status))
			w.giftIs(12, false)
			equal(t, "the pads", w.shelf("pads", "cajun"), want)
			w.checkBooks()
		})
	}
}

// A regression: a conflict about a price outlived its cause.
func TestPricesThatMatchAgain(t *testing.T) {
	w := newWorld(t)
	states := func(cost string) {
		_, err := w.SupplierFeedSubmit(w.ctx, cajun, w.feedOf(redline.FeedPartial, 0,
			redline.SupplierFeedRow{SupplierSKU: "65", Quantity: 2, Cost: decimal(t, cost)}))
		w.must(err)
	}
	states("9.75")
	equal(t, "open", w.openKinds(), []string{"PRICE_MISMATCH"})
	states("2.5")
	equal(t, "the agreed one is stated", w.openKinds(), []string(nil))
	states("9.75")
	in := w.sauceItem()
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	equal(t, "nothing is agreed", w.openKinds(), []string{"PRICE_MISMATCH"})
	in.IdempotencyKey, in.Cost = nil, decimal(t, "9.75")
	_, _, err = w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	equal(t, "the stated one is agreed", w.openKinds(), []string(nil))
	states("9.75")
	equal(t, "and stated", w.openKinds(), []string(nil))
	w.checkBooks()
}

// A conflict about what isn't mapped tells whoever maps it what was said, by which
// feed and as of when; a mapping that doesn't fit is refused by its member.
func TestWhatAnUnknownSKUTells(t *testing.T) {
	w := newWorld(t)
	names := func(c *redline.Conflict) string {
		var all []string
		for _, f := range c.Facts {
			all = append(all, f.Name)
		}
		return strings.Join(all, " ")
	}
	boxes, jars := gift(3, "cajun"), says("65", 1)
	boxes.Unit, jars.Unit = ref(redline.UnitBox), ref(redline.UnitJar)
	in := w.feedOf(redline.FeedPartial, 7, boxes, jars)
	r := w.submit(cajun, in, 0, 0, 2)
	unmapped := w.theOpen(redline.ConflictUnmappedSKU)
	equal(t, "of a SKU", names(unmapped), "supplierSku quantity unit location feed asOf")
	told := func(name string) string { return fact(t, r.Conflicts, redline.ConflictUnmappedSKU, name) }
	equal(t, "what was said", []string{told("quantity"), told("unit"), told("location"), told("feed")}, []string{"3", "BOX", "cajun", "feed 7"})
	at, err := time.Parse(time.RFC3339Nano, told("asOf"))
	w.must(err)
	equal(t, "as of", at.Equal(in.AsOf.Truncate(time.Microsecond)), true)
	equal(t, "of a unit", names(w.theOpen(redline.ConflictPackMismatch)), "supplierSku unit quantity location feed asOf")

	for member, mapping := range map[string]redline.ConflictMappingInput{
		"unit": {Unit: redline.UnitCase, PackQuantity: 4}, "packQuantity": {Unit: redline.UnitBox, PackQuantity: redline.MaxQuantity},
	} {
		mapping.ProductID = w.id["pads"]
		_, _, err := w.ConflictResolve(w.ctx, operator, redline.ConflictResolveInput{
			ConflictID: unmapped.ID, Status: redline.ConflictResolved, Resolution: "it is a gift", Mapping: &mapping,
		})
		if all := refusals(t, err); len(all) != 1 || strings.Join(all[0].Field, ".") != "mapping."+member {
			t.Errorf("%s: refused by %v", member, err)
		}
	}
	w.checkBooks()
}
