package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// now is the database's clock.
func (w *world) now() time.Time {
	w.t.Helper()
	var at time.Time
	w.must(w.DB().GetContext(w.ctx, &at, `SELECT clock_timestamp()`))
	return at
}

// says is a row that states a quantity of a SKU.
func says(sku string, n int) redline.SupplierFeedRow {
	return redline.SupplierFeedRow{SupplierSKU: sku, Quantity: n}
}

// feedOf is a feed as of now that skips rows that fail.
func (w *world) feedOf(mode redline.FeedMode, sequence int64, rows ...redline.SupplierFeedRow) redline.SupplierFeedInput {
	w.t.Helper()
	in := redline.SupplierFeedInput{
		IdempotencyKey: key(), Mode: mode, Measure: redline.FeedOnHand, AsOf: w.now(), OnRowError: redline.SkipRow, Rows: rows,
	}
	if sequence > 0 {
		in.Sequence = &sequence
	}
	return in
}

// submit submits a feed that has to be taken, and checks its counters: applied,
// unchanged and rejected.
func (w *world) submit(p redline.Principal, in redline.SupplierFeedInput, applied, unchanged, rejected int) *redline.FeedResult {
	w.t.Helper()
	r, err := w.SupplierFeedSubmit(w.ctx, p, in)
	w.must(err)
	w.must(r.ReadError)
	equal(w.t, "applied, unchanged, rejected", []int{r.Applied, r.Unchanged, r.Rejected}, []int{applied, unchanged, rejected})
	return r
}

// refusedFeed submits a feed that has to be refused, for one reason.
func (w *world) refusedFeed(p redline.Principal, in redline.SupplierFeedInput, code redline.ErrorCode, path string) (message string) {
	w.t.Helper()
	_, err := w.SupplierFeedSubmit(w.ctx, p, in)
	return refused(w.t.(*testing.T), err, code, path).Message
}

// rowErrors are the refusals of a feed's rows, each as code and path.
func rowErrors(r *redline.FeedResult) []string {
	var all []string
	for _, row := range r.Rows {
		for _, e := range row.Errors {
			all = append(all, string(e.Code)+" "+strings.Join(e.Field, "."))
		}
	}
	return all
}

// kindsOf are the kinds of a feed's conflicts.
func kindsOf(conflicts []*redline.Conflict) []string {
	var all []string
	for _, c := range conflicts {
		all = append(all, string(c.Kind))
	}
	slices.Sort(all)
	return all
}

// openKinds are the kinds of the conflicts that are open.
func (w *world) openKinds() []string {
	w.t.Helper()
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{First: ref(100)})
	w.must(err)
	return kindsOf(page.Items)
}

// fact is a fact of the one conflict of a kind.
func fact(t *testing.T, conflicts []*redline.Conflict, kind redline.ConflictKind, name string) string {
	t.Helper()
	for _, c := range conflicts {
		for _, f := range c.Facts {
			if c.Kind == kind && f.Name == name {
				return f.Value
			}
		}
	}
	t.Fatalf("no %s tells of %s: %+v", kind, name, conflicts)
	return ""
}

// sells makes a product, counted in bottles, that cajun sells by cases of 12.
func (w *world) sells(sku string) {
	w.t.Helper()
	w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency) VALUES ($1, $2, $2, 'Sauces', 'BOTTLE', 2, 'USD')`,
		redline.NewID(redline.PrefixProduct), "of "+sku)
	var id string
	w.must(w.DB().GetContext(w.ctx, &id, `SELECT id FROM products WHERE sku = $1`, "of "+sku))
	w.id["of "+sku] = id
	w.maps("of "+sku, sku, redline.UnitCase, 12)
}

// maps maps a SKU of cajun's to a product.
func (w *world) maps(product, sku string, unit redline.UnitOfMeasure, pack int) string {
	w.t.Helper()
	id, _, err := w.SupplierItemUpsert(w.ctx, operator, redline.SupplierItemUpsertInput{
		SupplierID: ref(w.id["supplier cajun"]), ProductID: w.id[product], SupplierSKU: sku, Unit: unit, PackQuantity: pack,
		MinimumOrderQuantity: 1, OrderMultiple: 1,
	})
	w.must(err)
	return id
}

// What a supplier says in its own units is what is there, in ours.
func TestFeedStatesStock(t *testing.T) {
	w := newWorld(t)
	before := w.level("sauce", "cajun")
	in := w.feedOf(redline.FeedPartial, 1, says("65", 3))
	r := w.submit(cajun, in, 1, 0, 0)
	l := w.level("sauce", "cajun")
	equal(t, "the level", []any{l.OnHand, l.Available, l.Version, l.AsOf.Equal(in.AsOf.Truncate(time.Microsecond)), l.Stale}, []any{96, 96, before.Version + 1, true, false})
	equal(t, "the row", []any{r.Rows[0].Index, r.Rows[0].LevelID, r.Rows[0].Level}, []any{0, l.ID, (*redline.InventoryLevel)(nil)})
	if r.EventID == 0 || len(r.Conflicts) > 0 || r.Replayed {
		t.Errorf("the answer: %+v", r)
	}
	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{ProductIDs: []string{w.id["sauce"]}, LocationIDs: []string{w.id["cajun"]}}, redline.PageRequest{First: ref(1)})
	w.must(err)
	m := page.Items[0]
	equal(t, "the ledger", []any{m.Reason, *m.Reference, m.Actor, m.Changes, m.OccurredAt.Equal(l.AsOf), m.LevelVersion},
		[]any{redline.ReasonSupplierFeed, "feed 1", cajun.Subject, []redline.QuantityChange{{State: redline.StateOnHand, Delta: 32, After: 96}}, true, l.Version})

	// The same again, as of later: confirmed, and nothing else.
	again := w.feedOf(redline.FeedPartial, 2, says("65", 3))
	r = w.submit(cajun, again, 0, 1, 0)
	confirmed := w.level("sauce", "cajun")
	equal(t, "what is confirmed", []any{confirmed.Version, confirmed.AsOf.Equal(again.AsOf.Truncate(time.Microsecond)), r.EventID, r.Rows[0].LevelID}, []any{l.Version, true, int64(0), l.ID})

	// What is stale is confirmed with a version.
	w.exec(`UPDATE inventory_levels SET stale = true WHERE id = $1`, l.ID)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 3, says("65", 3)), 1, 0, 0)
	fresh := w.level("sauce", "cajun")
	equal(t, "what was stale", []any{fresh.Stale, fresh.Version}, []any{false, l.Version + 1})
	w.checkBooks()
}

func TestFeedMakesLevels(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	w.sells("none")
	in := w.feedOf(redline.FeedPartial, 0, says("new", 2), says("none", 0))
	r := w.submit(cajun, in, 2, 0, 0)
	for i, want := range []int{24, 0} {
		l := w.level([]string{"of new", "of none"}[i], "cajun")
		equal(t, "a new level", []any{l.OnHand, l.Version, l.ID, l.AsOf.Equal(in.AsOf.Truncate(time.Microsecond))}, []any{want, 1, r.Rows[i].LevelID, true})
	}
	w.checkBooks()
}

func TestWhoseFeed(t *testing.T) {
	w := newWorld(t)
	cajunID, tokyoID := w.id["supplier cajun"], w.id["supplier tokyo"]
	both, nobody := supplierPrincipal("cajun", "tokyo"), supplierPrincipal("nobody")
	of := func(supplier *string) redline.SupplierFeedInput {
		in := w.feedOf(redline.FeedPartial, 0, says("65", 1))
		in.SupplierID = supplier
		return in
	}
	w.unchanged(func() {
		w.refusedFeed(both, of(nil), redline.CodeInvalid, "supplierId")
		w.refusedFeed(operator, of(nil), redline.CodeInvalid, "supplierId")
		w.refusedFeed(nobody, of(nil), redline.CodeNotFound, "supplierId")
		w.refusedFeed(tokyo, of(&cajunID), redline.CodeNotFound, "supplierId")
		w.refusedFeed(operator, of(ref("sup_nobody")), redline.CodeNotFound, "supplierId")
		for _, p := range []redline.Principal{shop, buyer, redline.Anonymous()} {
			w.refusedFeed(p, of(&cajunID), redline.CodeNotFound, "supplierId")
		}
	})
	// A supplier's SKUs are its own.
	equal(t, "another's SKU", rowErrors(w.submit(tokyo, of(nil), 0, 0, 1)), []string{"UNMAPPED_SKU rows.0.supplierSku"})
	seen := func() *time.Time {
		standings, err := w.Standings(w.ctx, operator, []string{cajunID, tokyoID})
		w.must(err)
		return standings[cajunID].LastSeenAt
	}
	if seen() != nil {
		t.Error("cajun was seen before it said anything")
	}
	w.submit(operator, of(&cajunID), 1, 0, 0)
	if seen() == nil {
		t.Error("an operator brought cajun's feed, and it was not seen")
	}
	w.submit(both, of(&cajunID), 0, 1, 0)
	w.submit(cajun, of(&cajunID), 0, 1, 0)
	w.submit(cajun, of(nil), 0, 1, 0)
	w.checkBooks()
}

func TestRefusedFeeds(t *testing.T) {
	w := newWorld(t)
	many := make([]redline.SupplierFeedRow, 10_001)
	for i := range many {
		many[i] = says(fmt.Sprint("s", i), 1)
	}
	for path, change := range map[string]func(*redline.SupplierFeedInput){
		"rows":           func(in *redline.SupplierFeedInput) { in.Rows = nil },
		"mode":           func(in *redline.SupplierFeedInput) { in.Mode = "SOME" },
		"measure":        func(in *redline.SupplierFeedInput) { in.Measure = "" },
		"onRowError":     func(in *redline.SupplierFeedInput) { in.OnRowError = "IGNORE" },
		"sequence":       func(in *redline.SupplierFeedInput) { in.Sequence = ref(int64(-1)) },
		"asOf":           func(in *redline.SupplierFeedInput) { in.AsOf = in.AsOf.Add(5*time.Minute + time.Minute) },
		"idempotencyKey": func(in *redline.SupplierFeedInput) { in.IdempotencyKey, in.DryRun = "", true },
	} {
		in := w.feedOf(redline.FeedPartial, 1, says("65", 1))
		change(&in)
		w.unchanged(func() { w.refusedFeed(cajun, in, redline.CodeInvalid, path) })
	}
	in := w.feedOf(redline.FeedFull, 1, many...)
	w.unchanged(func() { w.refusedFeed(cajun, in, redline.CodeInvalid, "rows") })
	// A clock that is ahead a little is ours all the same.
	in = w.feedOf(redline.FeedPartial, 1, says("65", 1))
	in.AsOf = in.AsOf.Add(4 * time.Minute)
	w.submit(cajun, in, 1, 0, 0)
	if at := w.level("sauce", "cajun").AsOf; at.After(w.now()) {
		t.Errorf("a level is true as of %s, which lies ahead", at)
	}
	// It locks out none that is right.
	w.submit(cajun, w.feedOf(redline.FeedPartial, 0, says("65", 2)), 1, 0, 0)
	w.checkBooks()
}

// Of feeds with sequences the newest wins, of those without the one as of the
// latest; a jump says what is missing, and all of the stock makes up for it.
func TestOrderOfFeeds(t *testing.T) {
	w := newWorld(t)
	onHand := func(want int) {
		t.Helper()
		equal(t, "on hand", w.level("sauce", "cajun").OnHand, want)
	}
	start := w.now()
	w.submit(cajun, w.feedOf(redline.FeedPartial, 4, says("65", 4)), 1, 0, 0)
	for _, n := range []int64{4, 3} {
		why := w.refusedFeed(cajun, w.feedOf(redline.FeedPartial, n, says("65", 9)), redline.CodeSequenceStale, "sequence")
		equal(t, "the message", why, fmt.Sprintf("feed %d is not newer than feed 4, which was applied last", n))
	}
	onHand(4 * 32)
	r := w.submit(cajun, w.feedOf(redline.FeedPartial, 6, says("65", 6)), 1, 0, 0)
	gap := func(from, to string) {
		t.Helper()
		equal(t, "missing", []string{fact(t, r.Conflicts, redline.ConflictSequenceGap, "from"), fact(t, r.Conflicts, redline.ConflictSequenceGap, "to")}, []string{from, to})
	}
	gap("5", "5")
	r = w.submit(cajun, w.feedOf(redline.FeedPartial, 7, says("65", 7)), 1, 0, 0)
	equal(t, "told of again", kindsOf(r.Conflicts), []string(nil))
	r = w.submit(cajun, w.feedOf(redline.FeedPartial, 10, says("65", 8)), 1, 0, 0)
	gap("5", "9")
	equal(t, "open", w.openKinds(), []string{"SEQUENCE_GAP"})
	w.refusedFeed(cajun, w.feedOf(redline.FeedPartial, 5, says("65", 9)), redline.CodeSequenceStale, "sequence")
	onHand(8 * 32)

	// Without a sequence the time decides; the sequence stays.
	late := w.feedOf(redline.FeedPartial, 0, says("65", 9))
	late.AsOf = start
	w.refusedFeed(cajun, late, redline.CodeSequenceStale, "asOf")
	timed := w.feedOf(redline.FeedPartial, 0, says("65", 9))
	w.submit(cajun, timed, 1, 0, 0)
	onHand(9 * 32)
	same := w.feedOf(redline.FeedPartial, 0, says("65", 10))
	same.AsOf = timed.AsOf
	w.submit(cajun, same, 1, 0, 0)
	onHand(10 * 32)
	w.refusedFeed(cajun, w.feedOf(redline.FeedPartial, 10, says("65", 1)), redline.CodeSequenceStale, "sequence")

	w.submit(cajun, w.feedOf(redline.FeedFull, 11, says("65", 10)), 0, 1, 0)
	equal(t, "open", w.openKinds(), []string(nil))
	// Another supplier counts for itself.
	w.submit(tokyo, w.feedOf(redline.FeedPartial, 1, says("T1", 2)), 0, 1, 0)
	w.checkBooks()
}

// A feed of which nothing was taken uses up no place in their order: it is mended,
// and sent again as what it was.
func TestFeedOfWhichNothingWasTaken(t *testing.T) {
	w := newWorld(t)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 5, says("65", 3)), 1, 0, 0)
	bad := says("65", 4)
	bad.LocationCode = ref("nowhere")
	for _, mode := range []redline.FeedMode{redline.FeedPartial, redline.FeedFull} {
		r := w.submit(cajun, w.feedOf(mode, 7, bad), 0, 0, 1)
		equal(t, "open", kindsOf(r.Conflicts), []string(nil))
	}
	w.submit(cajun, w.feedOf(redline.FeedPartial, 6, says("65", 5)), 1, 0, 0)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 7, says("65", 4)), 1, 0, 0)
	equal(t, "open", w.openKinds(), []string(nil))
	w.checkBooks()
}

// What is newer of a level stands, whatever the sequence of its feed: whether it
// changed the level or found it so.
func TestNewerStatementOfALevelStands(t *testing.T) {
	w := newWorld(t)
	old := w.feedOf(redline.FeedPartial, 2, says("65", 9))
	w.submit(cajun, w.feedOf(redline.FeedPartial, 1, says("65", 2)), 0, 1, 0)
	r := w.submit(cajun, old, 0, 0, 1)
	equal(t, "older than a feed that changed nothing", rowErrors(r), []string{"SEQUENCE_STALE rows.0.quantity"})
	old = w.feedOf(redline.FeedPartial, 4, says("65", 9))
	_, err := w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
		Stock: redline.StockKey{SupplierSKU: ref("65")}, OnHand: 5, Basis: redline.CountBasis{Override: ref(true)},
	}}})
	w.must(err)
	r = w.submit(cajun, old, 0, 0, 1)
	equal(t, "older than a count", rowErrors(r), []string{"SEQUENCE_STALE rows.0.quantity"})
	old.IdempotencyKey, old.Sequence, old.OnRowError = key(), ref(int64(5)), redline.RollBack
	w.unchanged(func() { w.refusedFeed(cajun, old, redline.CodeSequenceStale, "rows.0.quantity") })

	at := w.now()
	w.submit(cajun, w.feedOf(redline.FeedPartial, 6, says("65", 5)), 0, 1, 0)
	_, err = w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
		Stock: redline.StockKey{SupplierSKU: ref("65")}, OnHand: 1, Basis: redline.CountBasis{CountedAt: &at},
	}}})
	refused(t, err, redline.CodeInvalid, "counts.0.basis.countedAt")
	equal(t, "on hand", w.level("sauce", "cajun").OnHand, 5*32)
	w.checkBooks()
}

func TestRowsOfAFeed(t *testing.T) {
	w := newWorld(t)
	for i := range 8 {
		w.sells(fmt.Sprint("s", i))
	}
	w.maps("of s1", "s1 bag", redline.UnitBag, 3)
	w.id["cajun 2"] = redline.NewID(redline.PrefixLocation)
	w.exec(`INSERT INTO locations (id, code, name, kind, supplier_id) VALUES ($1, 'cajun 2', 'The other', 'SUPPLIER', $2)`,
		w.id["cajun 2"], w.id["supplier cajun"])
	here := func(sku string, n int) redline.SupplierFeedRow {
		return redline.SupplierFeedRow{SupplierSKU: sku, Quantity: n, LocationCode: ref("cajun")}
	}
	by := func(r redline.SupplierFeedRow, unit redline.UnitOfMeasure) redline.SupplierFeedRow {
		r.Unit = &unit
		return r
	}
	rows := []redline.SupplierFeedRow{
		0: here("65", 1), 1: says("s0", 1), 2: here("nobody's", 1), 3: by(here("s1", 2), redline.UnitBag), 4: by(here("s2", 7), redline.UnitBottle),
		5: by(here("s3", 1), redline.UnitBox), 6: {SupplierSKU: "s4", Quantity: 1, LocationCode: ref("east")}, 7: here("s4", -1), 8: here("s5", 1_000_000_000),
		9: here("", 1), 10: here(strings.Repeat("x", 201), 1), 11: here("a\x00b", 1), 12: here("s6", 1), 13: by(here("s6", 1), redline.UnitBottle),
		14: {SupplierSKU: "s6", Quantity: 3, LocationCode: ref("cajun 2")}, 15: by(here("s7", 1), redline.UnitCase), 16: here("nobody's", 4),
	}
	in := w.feedOf(redline.FeedPartial, 1, rows...)
	r := w.submit(cajun, in, 5, 0, 12)
	equal(t, "the refusals", rowErrors(r), []string{
		"INVALID rows.1.locationCode", "UNMAPPED_SKU rows.2.supplierSku", "PACK_MISMATCH rows.5.unit", "NOT_FOUND rows.6.locationCode",
		"INVALID rows.7.quantity", "INVALID rows.8.quantity", "INVALID rows.9.supplierSku", "INVALID rows.10.supplierSku",
		"INVALID rows.11.supplierSku", "INVALID rows.12.supplierSku", "INVALID rows.13.supplierSku", "UNMAPPED_SKU rows.16.supplierSku",
	})
	equal(t, "what names the same level", r.Rows[12].Errors[0].Message, `the level is stated more than once, by the SKU "s6"`)
	equal(t, "the conflicts", kindsOf(r.Conflicts), []string{"PACK_MISMATCH", "UNMAPPED_SKU"})
	for sku, want := range map[string]int{"sauce": 32, "of s1": 6, "of s2": 7, "of s7": 12} {
		equal(t, sku, w.level(sku, "cajun").OnHand, want)
	}
	equal(t, "at the other", w.level("of s6", "cajun 2").OnHand, 36)

	// The same again, as of later, tells of the same conflicts.
	in.IdempotencyKey, in.Sequence, in.AsOf = key(), ref(int64(2)), w.now()
	again := w.submit(cajun, in, 0, 5, 12)
	id := func(c *redline.Conflict) string { return c.ID }
	equal(t, "one conflict for a cause", ids(again.Conflicts, id), ids(r.Conflicts, id))

	// What a row means is refused for all where that is asked for; what can't be
	// mapped is told of all the same.
	in.IdempotencyKey, in.Sequence, in.AsOf, in.OnRowError = key(), ref(int64(3)), w.now(), redline.RollBack
	in.Rows = append(slices.Clone(in.Rows), here("someone's", 1))
	stock := w.level("sauce", "cajun")
	_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
	if all := refusals(t, err); len(all) != 13 || strings.Join(all[12].Field, ".") != "rows.17.supplierSku" {
		t.Errorf("refused: %v", err)
	}
	equal(t, "the level", w.level("sauce", "cajun"), stock)
	equal(t, "open", w.openKinds(), []string{"PACK_MISMATCH", "UNMAPPED_SKU", "UNMAPPED_SKU"})
	// Nothing was applied: its sequence is still to come.
	in.IdempotencyKey, in.OnRowError, in.Rows = key(), redline.RollBack, []redline.SupplierFeedRow{here("65", 2)}
	w.submit(cajun, in, 1, 0, 0)
	w.checkBooks()
}

// Rows that state one level are refused by their SKUs: their numbers were those of
// one call, and no document has them.
func TestRowsOfOneLevelAreNamedBySKU(t *testing.T) {
	w := newWorld(t)
	w.sells("s0")
	r := w.submit(cajun, w.feedOf(redline.FeedPartial, 1, says("s0", 1), says("s0", 1)), 0, 0, 2)
	equal(t, "one SKU", r.Rows[1].Errors[0].Message, `the level is stated more than once, by the SKU "s0"`)
	rows := []redline.SupplierFeedRow{says("s0", 1), says("s0", 2)}
	for i := range 4 {
		sku := fmt.Sprint("bag ", i)
		w.maps("of s0", sku, redline.UnitBag, i+2)
		rows = append(rows, says(sku, i))
	}
	r = w.submit(cajun, w.feedOf(redline.FeedPartial, 2, rows...), 0, 0, 6)
	equal(t, "five", r.Rows[5].Errors[0].Message, `the level is stated more than once, by the SKUs "s0", "bag 0", "bag 1", "bag 2", "bag 3"`)
	w.maps("of s0", "bag 4", redline.UnitBag, 9)
	r = w.submit(cajun, w.feedOf(redline.FeedPartial, 3, append(rows, says("bag 4", 1))...), 0, 0, 7)
	equal(t, "six", r.Rows[0].Errors[0].Message, `the level is stated more than once, by the SKUs "s0", "bag 0", "bag 1", "bag 2", "bag 3" and others`)
	w.checkBooks()
}

// The same key and input have the same answer, under the rights of whoever asks;
// the conflicts are for those who may see them.
func TestFeedReplayed(t *testing.T) {
	w := newWorld(t)
	in := w.feedOf(redline.FeedPartial, 1, says("65", 3), says("new", 1))
	first := w.submit(cajun, in, 1, 0, 1)
	again := w.submit(cajun, in, 1, 0, 1)
	equal(t, "replayed", []any{first.Replayed, again.Replayed, again.EventID}, []any{false, true, first.EventID})
	equal(t, "the rows", again.Rows, first.Rows)
	equal(t, "the conflicts", kindsOf(again.Conflicts), []string{"UNMAPPED_SKU"})
	other := in
	other.Rows = []redline.SupplierFeedRow{says("65", 4)}
	w.refusedFeed(cajun, other, redline.CodeIdempotencyKeyReused, "idempotencyKey")
	blind := cajun
	blind.Scopes = []string{redline.ScopeInventoryWrite}
	equal(t, "without conflicts:read", len(w.submit(blind, in, 1, 0, 1).Conflicts), 0)
	moved := tokyo
	moved.Subject = cajun.Subject
	r, err := w.SupplierFeedSubmit(w.ctx, moved, in)
	w.must(err)
	equal(t, "to another supplier", []any{len(r.Conflicts), rowErrors(r)}, []any{0, []string{"NOT_FOUND rows.1"}})
	w.checkBooks()
}

func TestDryRunOfAFeed(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	var audited, conflicts int
	count := func() []int {
		w.must(w.DB().GetContext(w.ctx, &audited, `SELECT count(*) FROM audit_entries`))
		w.must(w.DB().GetContext(w.ctx, &conflicts, `SELECT count(*) FROM conflicts`))
		return []int{audited, conflicts}
	}
	in := w.feedOf(redline.FeedPartial, 3, says("65", 5), says("new", 2), says("nobody's", 1))
	in.DryRun = true
	before := count()
	w.unchanged(func() {
		r := w.submit(cajun, in, 2, 0, 1)
		equal(t, "the levels", []int{r.Rows[0].Level.OnHand, r.Rows[1].Level.OnHand}, []int{160, 24})
		equal(t, "the location", r.Rows[0].Level.Location.Code, "cajun")
		equal(t, "the conflicts", kindsOf(r.Conflicts), []string{"UNMAPPED_SKU"})
		equal(t, "the event", r.EventID, int64(0))
		full := in
		full.Mode, full.Rows = redline.FeedFull, nil
		r = w.submit(cajun, full, 0, 0, 0)
		equal(t, "the conflicts", kindsOf(r.Conflicts), []string{"MASS_ZEROING"})
		w.submit(cajun, w.dry(redline.FeedPartial, says("65", 2)), 0, 1, 0)
	})
	equal(t, "audited and opened", count(), before)
	in.DryRun = false
	w.submit(cajun, in, 2, 0, 1) // its key and its sequence are still to come
	w.checkBooks()
}

func (w *world) dry(mode redline.FeedMode, rows ...redline.SupplierFeedRow) redline.SupplierFeedInput {
	in := w.feedOf(mode, 0, rows...)
	in.DryRun = true
	return in
}
