package store_test

import (
	"testing"

	"redline"
)

// Adjustments that share a transaction are made in the order in which they came,
// each on what those before it left; one that is refused leaves no trace.
func TestAdjustmentsThatArriveTogether(t *testing.T) {
	w, y := newSpiedWorld(t)
	w.adjust(operator, "pads", "east", 1) // east has 11
	change := func(sku, location string, delta int) redline.InventoryChange {
		return redline.InventoryChange{Stock: w.at(sku, location), State: redline.StateOnHand, Delta: delta}
	}
	expecting := func(c redline.InventoryChange, version int) redline.InventoryChange {
		c.ExpectedVersion = &version
		return c
	}
	at := w.level("pads", "east").Version
	calls := []struct {
		p       redline.Principal
		onError redline.OnRowError
		changes []redline.InventoryChange
		want    string // the code of the refusal
	}{
		{operator, redline.RollBack, []redline.InventoryChange{change("pads", "east", -5)}, ""},
		{operator, redline.RollBack, []redline.InventoryChange{change("pads", "west", 1), change("pads", "east", -7)}, "INSUFFICIENT_STOCK"},
		{operator, redline.RollBack, []redline.InventoryChange{expecting(change("pads", "east", -6), at+1)}, ""},
		{operator, redline.RollBack, []redline.InventoryChange{expecting(change("pads", "east", 1), at)}, "VERSION_MISMATCH"},
		{cajun, redline.RollBack, []redline.InventoryChange{change("pads", "east", 1)}, "NOT_FOUND"},
		{cajun, redline.SkipRow, []redline.InventoryChange{change("sauce", "cajun", 1), change("tea", "tokyo", 1)}, ""},
		{operator, redline.RollBack, []redline.InventoryChange{change("tea", "east", -1)}, "INSUFFICIENT_STOCK"}, // where there is no level yet
		{operator, redline.RollBack, []redline.InventoryChange{change("tea", "west", 2)}, ""},
	}
	results, errs := make([]*redline.InventoryResult, len(calls)), make([]error, len(calls))
	sent, _ := y.during(func() {
		w.together(w.Store, len(calls), func(i int) {
			results[i], errs[i] = w.InventoryAdjust(w.ctx, calls[i].p, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonCorrected, Changes: calls[i].changes, OnRowError: calls[i].onError,
			})
		})
	})
	// Taking back the level that came to nothing, and naming the products of refusals.
	if most := mutationOverhead + stockRows + supplierSeen + 2; len(sent) > most {
		t.Errorf("they take %d statements, and not at most %d:%s", len(sent), most, quoted(sent))
	}
	for i, c := range calls {
		if c.want != "" {
			equal(t, "call refused", refusals(t, errs[i])[0].Code, redline.ErrorCode(c.want))
			continue
		}
		w.must(errs[i])
	}
	for _, last := range []*redline.InventoryResult{results[2], results[5], results[7]} {
		equal(t, "the newest event", last.EventID, w.newestEvent(last.Rows[0].Level.ID))
	}
	equal(t, "the first as it left the level", results[0].Rows[0].Level.OnHand, 6)
	equal(t, "the third", []int{results[2].Rows[0].Level.OnHand, results[2].Rows[0].Level.Version}, []int{0, at + 2})
	refused(t, results[5].Rows[1].Errors, redline.CodeNotFound, "changes.1.stock.locationCode")
	equal(t, "named by its refusal", refusals(t, errs[1])[0].Product.SKU, "pads")
	equal(t, "what was rolled back", w.level("pads", "west").OnHand, 4)
	equal(t, "a new level", w.level("tea", "west").OnHand, 2)
	var made int
	w.must(w.DB().GetContext(w.ctx, &made, `SELECT count(*) FROM inventory_levels WHERE version = 0`))
	equal(t, "levels that came to nothing", made, 0)
	w.checkBooks()
}
