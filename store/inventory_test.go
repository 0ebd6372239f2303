package store_test

import (
	"fmt"
	"testing"
	"time"

	"redline"
)

// tweak is one row of an adjustment of what is on hand.
func (w *world) tweak(sku, location string, delta int) redline.InventoryChange {
	return redline.InventoryChange{Stock: w.at(sku, location), State: redline.StateOnHand, Delta: delta}
}

func (w *world) change(p redline.Principal, onError redline.OnRowError, rows ...redline.InventoryChange) (*redline.InventoryResult, error) {
	return w.InventoryAdjust(w.ctx, p, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonReceived, Reference: ref("truck 7"), Changes: rows, OnRowError: onError,
	})
}

func (w *world) count(p redline.Principal, rows ...redline.InventoryCount) (*redline.InventoryResult, error) {
	return w.InventorySet(w.ctx, p, redline.InventorySetInput{IdempotencyKey: key(), Counts: rows})
}

var override = redline.CountBasis{Override: ref(true)}

func TestAdjustSumsTheRowsOfALevel(t *testing.T) {
	w := newWorld(t)
	before := w.level("pads", "east")
	pads := w.tweak("pads", "east", -15) // alone it would be refused
	byID := redline.InventoryChange{
		Stock: redline.StockKey{ProductID: ref(w.id["pads"]), LocationID: ref(w.id["east"])}, State: redline.StateOnHand, Delta: 7,
	}
	safety := pads
	safety.State, safety.Delta = redline.StateSafetyStock, 1
	incoming := pads
	incoming.State, incoming.Delta = redline.StateIncoming, 40
	damaged := pads
	damaged.State, damaged.Delta = redline.StateUnavailable, 1
	result, err := w.change(operator, redline.RollBack, pads, w.tweak("tea", "tokyo", 1), byID, safety, incoming, damaged)
	w.must(err)
	after := w.level("pads", "east")
	equal(t, "the level", []int{after.OnHand, after.SafetyStock, after.Unavailable, after.Incoming, after.Available}, []int{2, 1, 1, 40, 0})
	equal(t, "one version", after.Version, before.Version+1)
	for i, row := range result.Rows {
		equal(t, "the row's index", row.Index, i)
	}
	equal(t, "rows of one level show it", []string{result.Rows[2].Level.ID, result.Rows[5].Level.ID}, []string{after.ID, after.ID})

	moved, err := w.Movements(w.ctx, operator, redline.MovementFilter{ProductIDs: []string{w.id["pads"]}, Reference: ref("truck 7")}, redline.PageRequest{})
	w.must(err)
	equal(t, "one ledger line", len(moved.Items), 1)
	equal(t, "of what changed", moved.Items[0].Changes, []redline.QuantityChange{
		{State: redline.StateOnHand, Delta: -8, After: 2}, {State: redline.StateSafetyStock, Delta: 1, After: 1},
		{State: redline.StateUnavailable, Delta: 1, After: 1}, {State: redline.StateIncoming, Delta: 40, After: 40},
	})
	w.checkBooks()
}

func TestAdjustRefusesRows(t *testing.T) {
	w := newWorld(t)
	version := w.level("pads", "east").Version
	row := func(change func(*redline.InventoryChange)) redline.InventoryChange {
		c := w.tweak("pads", "east", 1)
		change(&c)
		return c
	}
	rows := []redline.InventoryChange{
		w.tweak("pads", "west", 2), // the only good one
		row(func(c *redline.InventoryChange) { c.Delta = 0 }),
		row(func(c *redline.InventoryChange) { c.Delta = redline.MaxQuantity + 1 }),
		row(func(c *redline.InventoryChange) { c.State = redline.StateCommitted }),
		row(func(c *redline.InventoryChange) { c.State = "AVAILABLE" }),
		row(func(c *redline.InventoryChange) { c.ExpectedVersion = ref(version + 1) }),
		row(func(c *redline.InventoryChange) { c.Stock.SKU = ref("nothing") }),
		row(func(c *redline.InventoryChange) { c.Stock.LocationCode = ref("nowhere") }),
		row(func(c *redline.InventoryChange) { c.Stock.LocationID = ref(w.id["east"]) }),
		row(func(c *redline.InventoryChange) { c.Stock.LocationCode = nil }),
		row(func(c *redline.InventoryChange) { c.Stock.ProductID = ref(w.id["pads"]) }),
		row(func(c *redline.InventoryChange) { c.Stock.SKU = nil }),
		row(func(c *redline.InventoryChange) { c.Stock.Unit = ref(redline.UnitBottle) }),
		row(func(c *redline.InventoryChange) { c.Stock.SKU, c.Stock.SupplierSKU = nil, ref("65") }),
		w.tweak("sauce", "east", -4),
		w.tweak("tea", "west", -1), // a level that isn't there
		w.tweak("tea", "east", redline.MaxQuantity), w.tweak("tea", "east", 1),
	}
	want := []string{
		"INVALID changes.1.delta", "INVALID changes.2.delta", "INVALID changes.3.state", "INVALID changes.4.state",
		"VERSION_MISMATCH changes.5.expectedVersion", "NOT_FOUND changes.6.stock.sku", "NOT_FOUND changes.7.stock.locationCode",
		"INVALID changes.8.stock.locationCode", "INVALID changes.9.stock", "INVALID changes.10.stock", "INVALID changes.11.stock",
		"PACK_MISMATCH changes.12.stock.unit", "INVALID changes.13.stock.supplierSku", "INSUFFICIENT_STOCK changes.14.delta",
		"INSUFFICIENT_STOCK changes.15.delta", "INVALID changes.16.delta", "INVALID changes.17.delta",
	}
	w.unchanged(func() {
		_, err := w.change(operator, redline.RollBack, rows...)
		refusedAt(t, err, want...)
		_, err = w.change(operator, redline.SkipRow, rows[1:]...)
		equal(t, "all refused is a refusal", len(refusals(t, err)), len(want))
	})

	result, err := w.change(operator, redline.SkipRow, rows...)
	w.must(err)
	equal(t, "the good row", result.Rows[0].Level.OnHand, 6)
	var all redline.Errors
	for _, r := range result.Rows[1:] {
		if r.Level != nil {
			t.Errorf("row %d was refused and has a level", r.Index)
		}
		all = append(all, r.Errors...)
	}
	refusedAt(t, all, want...)
	levels, err := w.LevelsOfProducts(w.ctx, operator, []string{w.id["tea"]})
	w.must(err)
	equal(t, "levels of tea: none is left of a refused row", len(levels[w.id["tea"]]), 1)
	w.checkBooks()
}

func TestAdjustRefusesCalls(t *testing.T) {
	w := newWorld(t)
	w.unchanged(func() {
		_, err := w.change(operator, redline.RollBack)
		refused(t, err, redline.CodeInvalid, "changes")
		_, err = w.change(operator, redline.RollBack, make([]redline.InventoryChange, 10_001)...)
		refused(t, err, redline.CodeInvalid, "changes")
		_, err = w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonCommitted, Changes: []redline.InventoryChange{w.tweak("pads", "east", 1)},
		})
		refused(t, err, redline.CodeInvalid, "reason")
	})
}

// What we would make short ourselves is refused; a supplier's word is taken.
func TestShortfallIsASuppliersFact(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("pads", 8), line("sauce", 43)) // 3 of ours, 40 of cajun's
	w.unchanged(func() {
		in := w.tweak("pads", "east", -3)
		more := in
		more.State, more.Delta = redline.StateIncoming, 50
		_, err := w.change(operator, redline.RollBack, in, more)
		for i, e := range refusals(t, err) {
			equal(t, "refused", []any{e.Code, e.Requested, e.Available, e.Product.SKU}, []any{redline.CodeInsufficientStock, 3, 2, "pads"})
			equal(t, "path", e.Field, []string{"changes", fmt.Sprint(i), "delta"})
		}
		_, err = w.count(operator, redline.InventoryCount{Stock: w.at("pads", "east"), OnHand: 7, Basis: override})
		refused(t, err, redline.CodeInsufficientStock, "counts.0.onHand")
		_, err = w.count(operator, redline.InventoryCount{Stock: w.at("sauce", "cajun"), OnHand: 39, Basis: override})
		refused(t, err, redline.CodeInsufficientStock, "counts.0.onHand")
		_, err = w.InventoryTransfer(w.ctx, cajun, redline.InventoryTransferInput{
			IdempotencyKey: key(), ProductID: w.id["sauce"], FromLocationID: w.id["cajun"], ToLocationID: w.id["east"], Quantity: 1,
		})
		refused(t, err, redline.CodeNotFound, "toLocationId")
	})

	others := []*redline.InventoryLevel{w.level("sauce", "east"), w.level("pads", "west"), w.level("tea", "tokyo")}
	_, err := w.count(cajun, redline.InventoryCount{Stock: w.at("sauce", "cajun"), OnHand: 30, Basis: override})
	w.must(err)
	l := w.level("sauce", "cajun")
	equal(t, "the level", []int{l.OnHand, l.Committed, l.Available, l.Shortfall}, []int{30, 40, 0, 10})
	equal(t, "the others", []*redline.InventoryLevel{w.level("sauce", "east"), w.level("pads", "west"), w.level("tea", "tokyo")}, others)
	w.adjust(cajun, "sauce", "cajun", -5)
	equal(t, "the shortfall", w.level("sauce", "cajun").Shortfall, 15)
	w.unchanged(func() {
		_, err := w.change(cajun, redline.RollBack, w.tweak("sauce", "cajun", -26))
		refused(t, err, redline.CodeInsufficientStock, "changes.0.delta")
		_, _, err = w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("sauce", 1)}})
		equal(t, "a short level gives nothing", refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity").Available, 0)
	})
	w.adjust(operator, "sauce", "cajun", 5) // we may make it less short
	equal(t, "the shortfall", w.level("sauce", "cajun").Shortfall, 10)
	w.checkBooks()
}

// A supplier may ship what its last count didn't know of.
func TestShippingMoreThanWasCounted(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 15))
	f := w.part(o, "tokyo")
	_, err := w.count(tokyo, redline.InventoryCount{Stock: w.at("tea", "tokyo"), OnHand: 4, Basis: override})
	w.must(err)
	w.must(w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 6}))
	l := w.level("tea", "tokyo")
	equal(t, "the level", []int{l.OnHand, l.Committed, l.Available, l.Shortfall}, []int{0, 9, 0, 9})
	w.must(w.ship(tokyo, f))
	l = w.level("tea", "tokyo")
	equal(t, "the level", []int{l.OnHand, l.Committed, l.Available, l.Shortfall}, []int{0, 0, 0, 0})
	w.checkBooks()
}

func TestCountsStandOnABasis(t *testing.T) {
	w := newWorld(t)
	pads := func(n int, b redline.CountBasis) redline.InventoryCount {
		return redline.InventoryCount{Stock: w.at("pads", "east"), OnHand: n, Basis: b}
	}
	now := func() (at time.Time) {
		w.must(w.DB().GetContext(w.ctx, &at, `SELECT clock_timestamp()`))
		return at
	}
	opened := w.level("pads", "east")
	w.unchanged(func() {
		both := redline.CountBasis{ExpectedVersion: &opened.Version, Override: ref(true)}
		for path, c := range map[string]redline.InventoryCount{
			"basis":             pads(5, redline.CountBasis{}),
			"basis.override":    pads(5, redline.CountBasis{Override: ref(false)}),
			"onHand":            pads(-1, override),
			"basis.countedAt":   pads(5, redline.CountBasis{CountedAt: ref(now().Add(time.Hour))}),
			"stock.supplierSku": {Stock: redline.StockKey{SupplierSKU: ref("65"), LocationCode: ref("east")}, Basis: override},
		} {
			_, err := w.count(operator, c)
			refused(t, err, redline.CodeInvalid, "counts.0."+path)
		}
		_, err := w.count(operator, pads(5, both))
		refused(t, err, redline.CodeInvalid, "counts.0.basis")
		_, err = w.count(operator, pads(redline.MaxQuantity+1, override))
		refused(t, err, redline.CodeInvalid, "counts.0.onHand")
		_, err = w.count(operator, pads(5, redline.CountBasis{ExpectedVersion: ref(opened.Version + 1)}))
		e := refused(t, err, redline.CodeVersionMismatch, "counts.0.basis.expectedVersion")
		equal(t, "the versions", []int{e.Expected, e.Actual}, []int{opened.Version + 1, opened.Version})
	})

	_, err := w.count(operator, pads(12, redline.CountBasis{ExpectedVersion: &opened.Version}))
	w.must(err)
	equal(t, "by version", w.level("pads", "east").OnHand, 12)

	// Between the count and its arrival 3 came, 5 were ordered and 2 of them left.
	counted := now()
	w.adjust(operator, "pads", "east", 3)
	o := w.place(shop, line("pads", 5))
	f := w.part(o, "east")
	w.must(w.ship(operator, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 2}))
	heard := w.level("pads", "east").AsOf
	for range 2 { // said twice, a count is still the same count
		_, err = w.count(operator, pads(20, redline.CountBasis{CountedAt: &counted}))
		w.must(err)
		l := w.level("pads", "east")
		equal(t, "by moment", []int{l.OnHand, l.Committed, l.Available}, []int{21, 3, 18})
		equal(t, "what was heard since isn't taken back", l.AsOf, heard)
	}
	moved, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reasons: []redline.MovementReason{redline.ReasonCounted}}, redline.PageRequest{First: ref(1)})
	w.must(err)
	m := moved.Items[0]
	equal(t, "the ledger tells both times", []bool{m.OccurredAt.Equal(counted), m.RecordedAt.After(counted)}, []bool{true, true})

	_, err = w.count(operator, pads(9, override))
	w.must(err)
	equal(t, "by override", w.level("pads", "east").OnHand, 9)

	// A count that comes late, after a newer one, would undo what is known better.
	w.unchanged(func() {
		_, err := w.count(operator, pads(20, redline.CountBasis{CountedAt: &counted}))
		refused(t, err, redline.CodeInvalid, "counts.0.basis.countedAt")
	})
	w.checkBooks()
}

func TestCountsNameALevelOnce(t *testing.T) {
	w := newWorld(t)
	counts := []redline.InventoryCount{
		{Stock: w.at("pads", "east"), OnHand: 7, Basis: override},
		{Stock: w.at("pads", "west"), OnHand: 7, Basis: override},
		{Stock: redline.StockKey{ProductID: ref(w.id["pads"]), LocationID: ref(w.id["east"])}, OnHand: 8, Basis: override},
	}
	w.unchanged(func() {
		_, err := w.count(operator, counts...)
		refusedAt(t, err, "INVALID counts.0.stock", "INVALID counts.2.stock")
	})
	// Nobody can say which of the two is true: neither is taken.
	result, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: counts, OnRowError: redline.SkipRow})
	w.must(err)
	equal(t, "rows that were refused", []int{len(result.Rows[0].Errors), len(result.Rows[1].Errors), len(result.Rows[2].Errors)}, []int{1, 0, 1})
	equal(t, "the levels", []int{w.level("pads", "east").OnHand, w.level("pads", "west").OnHand}, []int{10, 7})
	w.checkBooks()
}

func TestTransfer(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("pads", 4))
	move := func(p redline.Principal, sku, from, to string, n int) (*redline.InventoryResult, error) {
		return w.InventoryTransfer(w.ctx, p, redline.InventoryTransferInput{
			IdempotencyKey: key(), ProductID: w.id[sku], FromLocationID: w.id[from], ToLocationID: w.id[to], Quantity: n, Reference: ref("van"),
		})
	}
	result, err := move(operator, "pads", "east", "west", 6)
	w.must(err)
	equal(t, "who gave and who got", []int{result.Rows[0].Level.OnHand, result.Rows[1].Level.OnHand}, []int{4, 10})
	_, err = move(operator, "sauce", "east", "west", 1)
	w.must(err)
	equal(t, "a level is made where there was none", w.level("sauce", "west").OnHand, 1)

	w.unchanged(func() {
		_, err := move(operator, "pads", "east", "west", 1)
		e := refused(t, err, redline.CodeInsufficientStock, "quantity")
		equal(t, "what is committed stays", []int{e.Requested, e.Available}, []int{1, 0})
		_, err = move(operator, "tea", "east", "west", 1)
		refused(t, err, redline.CodeInsufficientStock, "quantity")
		_, err = move(operator, "pads", "west", "west", 1)
		refused(t, err, redline.CodeInvalid, "toLocationId")
		for _, n := range []int{0, -1, redline.MaxQuantity + 1} {
			_, err = move(operator, "pads", "west", "east", n)
			refused(t, err, redline.CodeInvalid, "quantity")
		}
		_, err = move(operator, "pads", "nowhere", "west", 1)
		refused(t, err, redline.CodeNotFound, "fromLocationId")
		_, err = move(operator, "pads", "west", "nowhere", 1)
		refused(t, err, redline.CodeNotFound, "toLocationId")
		_, err = move(operator, "nothing", "west", "east", 1)
		refused(t, err, redline.CodeNotFound, "productId")
		_, err = move(cajun, "sauce", "cajun", "tokyo", 1)
		refused(t, err, redline.CodeNotFound, "toLocationId")
	})
	w.adjust(operator, "pads", "east", redline.MaxQuantity-4)
	_, err = move(operator, "pads", "west", "east", 1)
	refused(t, err, redline.CodeInvalid, "quantity")
	w.checkBooks()
}

func TestUnits(t *testing.T) {
	w := newWorld(t)
	row := func(k redline.StockKey, n int) redline.InventoryChange {
		return redline.InventoryChange{Stock: k, State: redline.StateOnHand, Delta: n}
	}
	const pack = 32
	for _, c := range []struct {
		name string
		by   redline.Principal
		key  redline.StockKey
		unit int
	}{
		{"its own SKU, its own unit, its only location", cajun, redline.StockKey{SupplierSKU: ref("65")}, pack},
		{"its own SKU in base units", cajun, redline.StockKey{SupplierSKU: ref("65"), Unit: ref(redline.UnitBottle)}, 1},
		{"our SKU", cajun, redline.StockKey{SKU: ref("sauce")}, 1},
		{"our SKU in cases", cajun, redline.StockKey{SKU: ref("sauce"), Unit: ref(redline.UnitCase)}, pack},
		{"an operator says whose", operator, redline.StockKey{SupplierSKU: ref("65"), SupplierID: ref(w.id["supplier cajun"])}, pack},
		{"an operator says where", operator, redline.StockKey{SupplierSKU: ref("65"), LocationCode: ref("cajun")}, pack},
		{"of two suppliers, this one", supplierPrincipal("cajun", "tokyo"), redline.StockKey{SupplierSKU: ref("65"), SupplierID: ref(w.id["supplier cajun"])}, pack},
	} {
		before := w.level("sauce", "cajun").OnHand
		_, err := w.change(c.by, redline.RollBack, row(c.key, 2))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		equal(t, c.name, w.level("sauce", "cajun").OnHand, before+2*c.unit)
	}
	for _, c := range []struct {
		name string
		by   redline.Principal
		key  redline.StockKey
		code redline.ErrorCode
		path string
	}{
		{"a unit it isn't sold in", cajun, redline.StockKey{SupplierSKU: ref("65"), Unit: ref(redline.UnitJar)}, redline.CodePackMismatch, "unit"},
		{"a SKU it doesn't know", cajun, redline.StockKey{SupplierSKU: ref("66")}, redline.CodeUnmappedSKU, "supplierSku"},
		{"another supplier's SKU", cajun, redline.StockKey{SupplierSKU: ref("T1")}, redline.CodeUnmappedSKU, "supplierSku"},
		{"another supplier's product", cajun, redline.StockKey{SKU: ref("tea")}, redline.CodeNotFound, "sku"},
		{"another supplier's product by id", cajun, redline.StockKey{ProductID: ref(w.id["tea"])}, redline.CodeNotFound, "productId"},
		{"another supplier's place", cajun, redline.StockKey{SKU: ref("sauce"), LocationCode: ref("tokyo")}, redline.CodeNotFound, "locationCode"},
		{"our place", cajun, redline.StockKey{SKU: ref("sauce"), LocationID: ref(w.id["east"])}, redline.CodeNotFound, "locationId"},
		{"another supplier", cajun, redline.StockKey{SupplierSKU: ref("T1"), SupplierID: ref(w.id["supplier tokyo"])}, redline.CodeNotFound, "supplierId"},
		{"one of two suppliers", supplierPrincipal("cajun", "tokyo"), redline.StockKey{SupplierSKU: ref("65")}, redline.CodeInvalid, ""},
		{"a place of another", operator, redline.StockKey{SKU: ref("sauce"), LocationCode: ref("cajun"), SupplierID: ref(w.id["supplier tokyo"])}, redline.CodeNotFound, "locationCode"},
	} {
		path := "changes.0.stock"
		if c.path != "" {
			path += "." + c.path
		}
		t.Log(c.name)
		attempt := func() {
			_, err := w.change(c.by, redline.RollBack, row(c.key, 1))
			refused(t, err, c.code, path)
		}
		if c.code != redline.CodeUnmappedSKU && c.code != redline.CodePackMismatch {
			w.unchanged(attempt)
			continue
		}
		// It waits for somebody to map it, and nothing else is left of it.
		before := *w.level("sauce", "cajun")
		attempt()
		equal(t, "the version after a refusal", w.level("sauce", "cajun").Version, before.Version)
	}
	w.unchanged(func() {
		_, err := w.change(cajun, redline.RollBack, row(redline.StockKey{SupplierSKU: ref("65")}, redline.MaxQuantity/pack+1))
		refused(t, err, redline.CodeInvalid, "changes.0.delta")
		_, err = w.count(cajun, redline.InventoryCount{Stock: redline.StockKey{SupplierSKU: ref("65")}, OnHand: redline.MaxQuantity/pack + 1, Basis: override})
		refused(t, err, redline.CodeInvalid, "counts.0.onHand")
	})
	_, err := w.count(cajun, redline.InventoryCount{Stock: redline.StockKey{SupplierSKU: ref("65")}, OnHand: 3, Basis: override})
	w.must(err)
	equal(t, "three cases", w.level("sauce", "cajun").OnHand, 3*pack)
	w.checkBooks()
}

// A supplier that packs one product in two ways has to say which is meant.
func TestAmbiguousPacks(t *testing.T) {
	w := newWorld(t)
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, redline.SupplierItemUpsertInput{
		ProductID: w.id["sauce"], SupplierSKU: "65-small", Unit: redline.UnitCase, PackQuantity: 6, MinimumOrderQuantity: 1, OrderMultiple: 1,
	})
	w.must(err)
	sauce := func(k redline.StockKey) error {
		_, err := w.change(cajun, redline.RollBack, redline.InventoryChange{Stock: k, State: redline.StateOnHand, Delta: 1})
		return err
	}
	refused(t, sauce(redline.StockKey{SKU: ref("sauce"), Unit: ref(redline.UnitCase)}), redline.CodePackMismatch, "changes.0.stock.unit")
	before := w.level("sauce", "cajun").OnHand
	w.must(sauce(redline.StockKey{SupplierSKU: ref("65-small")}))
	w.must(sauce(redline.StockKey{SKU: ref("sauce")}))
	equal(t, "what was said by name", w.level("sauce", "cajun").OnHand, before+6+1)
	w.checkBooks()
}

func TestSuppliersAreSeenWhenTheyTellUsSomething(t *testing.T) {
	w := newWorld(t)
	seen := func(code string) *time.Time {
		found, err := w.SuppliersByCode(w.ctx, []string{code})
		w.must(err)
		standings, err := w.Standings(w.ctx, operator, []string{found[0].ID})
		w.must(err)
		return standings[found[0].ID].LastSeenAt
	}
	w.adjust(operator, "tea", "tokyo", 1)
	_, err := w.change(tokyo, redline.RollBack, w.tweak("tea", "tokyo", 0))
	refused(t, err, redline.CodeInvalid, "changes.0.delta")
	if seen("tokyo") != nil {
		t.Error("a supplier is seen through others, or through what was refused")
	}
	w.adjust(tokyo, "tea", "tokyo", 1)
	if seen("tokyo") == nil || seen("cajun") != nil {
		t.Errorf("tokyo told us something, and seen are tokyo %v and cajun %v", seen("tokyo"), seen("cajun"))
	}
}

// The moment of a count was told at once to the nanosecond, and read later to the
// microsecond.
func TestTimesAreToldAsTheyAreKept(t *testing.T) {
	w := newWorld(t)
	counted := w.level("pads", "east").AsOf.Add(789)
	result, err := w.count(operator, redline.InventoryCount{
		Stock: w.at("pads", "east"), OnHand: 9, Basis: redline.CountBasis{CountedAt: &counted},
	})
	w.must(err)
	equal(t, "as of", result.Rows[0].Level.AsOf.UTC(), w.level("pads", "east").AsOf.UTC())
}
