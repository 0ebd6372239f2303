package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// agedWorld is a world in which cajun's stock has to be confirmed within an hour,
// and was two hours ago.
func agedWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600)})
	w.age()
	return w
}

// age makes all stock two hours old, of which nobody could know before it is.
func (w *world) age() {
	w.t.Helper()
	w.exec(`UPDATE inventory_levels SET as_of = now() - interval '2 hours'`)
	w.exec(`UPDATE suppliers SET stale_due_at = '-infinity'`)
}

// sweeps marks what is stale, and checks how much that was.
func (w *world) sweeps(want int) {
	w.t.Helper()
	n, err := w.MarkStale(w.ctx)
	w.must(err)
	equal(w.t, "levels that a sweep changed", n, want)
	w.checkBooks()
}

// openConflicts are the causes of the conflicts that are open.
func (w *world) openConflicts() []string {
	w.t.Helper()
	var open []string
	w.must(w.DB().SelectContext(w.ctx, &open, `SELECT cause FROM conflicts WHERE status = 'OPEN' ORDER BY cause`))
	return open
}

// A level that its supplier hasn't confirmed in time turns stale, once: with a
// version, a ledger line that moves nothing, and an event that says that it
// wasn't before.
func TestLevelsTurnStale(t *testing.T) {
	w := agedWorld(t)
	before := w.level("sauce", "cajun")
	w.sweeps(1)
	after := w.level("sauce", "cajun")
	before.Version++
	before.Stale = true
	equal(t, "the level", after, before)
	lines, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reasons: []redline.MovementReason{redline.ReasonStale}}, redline.PageRequest{})
	w.must(err)
	equal(t, "ledger lines", len(lines.Items), 1)
	equal(t, "what it says", []any{lines.Items[0].LevelVersion, len(lines.Items[0].Changes), lines.Items[0].Actor}, []any{after.Version, 0, "redline"})
	var told []bool
	w.must(w.DB().SelectContext(w.ctx, &told, `SELECT b::boolean FROM (SELECT payload FROM events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1) AS e,
		LATERAL (VALUES (1, payload->'before'->>'stale'), (2, payload->'level'->>'stale')) AS v (n, b) ORDER BY n`, after.ID))
	equal(t, "stale before and after, as it is told", told, []bool{false, true})
	w.sweeps(0)
	w.age()
	w.sweeps(0)

	// Whoever agreed on nothing has its stock confirmed for ever, as ours is.
	for _, at := range [][2]string{{"tea", "tokyo"}, {"pads", "east"}} {
		equal(t, "stale: "+at[0], w.level(at[0], at[1]).Stale, false)
	}
	levels, err := w.Levels(w.ctx, operator, redline.InventoryFilter{StaleOnly: ref(true)}, redline.PageRequest{})
	w.must(err)
	equal(t, "stale levels", len(levels.Items), 1)
}

// A gateway doesn't look at a supplier's levels before the first can be due; terms
// that change are looked at at once.
func TestStaleLevelsAreLookedForWhenTheyCanBeDue(t *testing.T) {
	w, y := newSpiedWorld(t)
	look := func(what string, want bool) {
		t.Helper()
		sent, _ := y.during(func() { w.sweeps(0) })
		looked := slices.ContainsFunc(sent, func(s statement) bool { return strings.Contains(s.text, "l.stale <> coalesce") })
		equal(t, what+": it looked at levels", looked, want)
	}
	look("at first", true)
	look("nothing can be due", false)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600)})
	look("new terms", true)
	look("nothing can be due yet", false)
	w.agree(redline.SupplierTermsSetInput{ZeroingLimitPercent: ref(7)})
	look("other terms", false)
	var due time.Duration
	w.must(w.DB().GetContext(w.ctx, &due, `SELECT (extract(epoch FROM s.stale_due_at - l.as_of) * 1e9)::bigint FROM suppliers s, inventory_levels l
		WHERE s.code = 'cajun' AND l.id = $1`, w.level("sauce", "cajun").ID))
	equal(t, "it is due", due, time.Hour)
}

// Each door by which a supplier speaks of its stock makes it fresh again, and
// nobody else's does.
func TestStaleLevelsAreConfirmed(t *testing.T) {
	w := agedWorld(t)
	w.sweeps(1)
	count := func(p redline.Principal, basis redline.CountBasis) {
		t.Helper()
		_, err := w.InventorySet(w.ctx, p, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
			Stock: w.at("sauce", "cajun"), OnHand: 60, Basis: basis,
		}}})
		w.must(err)
	}
	is := func(what string, stale bool) {
		t.Helper()
		equal(t, what+": stale", w.level("sauce", "cajun").Stale, stale)
		equal(t, what+": a conflict is open", len(w.openConflicts()) == 1, stale)
		w.checkBooks()
	}
	is("at first", true)
	w.adjust(operator, "sauce", "cajun", 1)
	is("adjusted by us", true)
	count(operator, redline.CountBasis{Override: ref(true)})
	is("counted by us", true)
	_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), AllowStale: true, Lines: []redline.LineInput{
		{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])},
	}})
	w.must(err)
	is("sold from", true)
	w.adjust(cajun, "sauce", "cajun", 1)
	is("adjusted by its supplier", false)
	w.age()
	w.sweeps(1)
	is("silent again", true)
	count(cajun, redline.CountBasis{Override: ref(true)})
	is("counted by its supplier", false)
	w.sweeps(0)
}

// Terms that change make fresh what is in time by the new ones, and settle what
// was said of the old.
func TestLongerTermsMakeLevelsFresh(t *testing.T) {
	w := agedWorld(t)
	w.sweeps(1)
	equal(t, "open conflicts", len(w.openConflicts()), 1)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3 * 3600)})
	w.sweeps(1)
	equal(t, "stale", w.level("sauce", "cajun").Stale, false)
	equal(t, "open conflicts", len(w.openConflicts()), 0)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(60)})
	w.sweeps(1)
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(0)})
	w.sweeps(1)
	equal(t, "stale", w.level("sauce", "cajun").Stale, false)
	equal(t, "open conflicts", len(w.openConflicts()), 0)
}

// A supplier that tells nothing of its stock opens one conflict, and one that tells
// of a part of it opens none.
func TestSilenceOpensOneConflict(t *testing.T) {
	w := agedWorld(t)
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, redline.SupplierItemUpsertInput{
		ProductID: w.id["tea"], SupplierSKU: "T", Unit: redline.UnitBag, PackQuantity: 1, MinimumOrderQuantity: 1, OrderMultiple: 1,
	})
	w.must(err)
	w.adjust(cajun, "tea", "cajun", 1) // a second level of cajun's, confirmed now
	w.sweeps(1)
	equal(t, "a part is confirmed: open conflicts", len(w.openConflicts()), 0)
	w.age()
	w.sweeps(1)
	cause := "STALE_FEED " + w.id["supplier cajun"]
	equal(t, "silent: open conflicts", w.openConflicts(), []string{cause})
	var facts redline.Attributes
	var summary string
	w.must(w.DB().QueryRowContext(w.ctx, `SELECT facts, summary FROM conflicts WHERE cause = $1`, cause).Scan(&facts, &summary))
	equal(t, "its facts", []string{facts[0].Name, facts[1].Name, facts[1].Value, facts[2].Name, facts[2].Value},
		[]string{"silentSince", "confirmWithinSeconds", "3600", "staleLevels", "2"})
	if !strings.HasPrefix(summary, "cajun has told nothing of its stock since ") {
		t.Errorf("it says %q", summary)
	}
	w.age()
	w.sweeps(0)
	equal(t, "still silent: open conflicts", w.openConflicts(), []string{cause})
}

// A feed that confirmed nothing doesn't end a silence; one that found a level as it
// was does. Once it is over a silence is told of anew, though no level turns stale by
// it, but not what was dismissed.
func TestSilenceEndsWhereStockIsConfirmed(t *testing.T) {
	w := agedWorld(t)
	w.sweeps(1)
	cause := []string{"STALE_FEED " + w.id["supplier cajun"]}
	w.submit(cajun, w.feedOf(redline.FeedPartial, 0, says("nobody's", 1)), 0, 0, 1)
	equal(t, "after a row that was rejected", w.openConflicts(), append(cause, "UNMAPPED_SKU "+w.id["supplier cajun"]+" nobody's"))
	w.exec(`DELETE FROM conflicts WHERE kind = 'UNMAPPED_SKU'`)
	w.exec(`UPDATE inventory_levels SET as_of = now() - interval '1 minute', stale = false`)
	w.submit(cajun, w.feedOf(redline.FeedPartial, 0, says("65", 2)), 0, 1, 0)
	equal(t, "after a level that was as it was told", w.openConflicts(), []string(nil))

	w.exec(`UPDATE inventory_levels SET stale = true WHERE location_id = $1`, w.id["cajun"])
	w.age()
	w.sweeps(0)
	equal(t, "silent, and stale already", w.openConflicts(), cause)
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
	w.must(err)
	w.must(w.settle(operator, page.Items[0].ID, redline.ConflictDismissed))
	w.exec(`UPDATE suppliers SET stale_due_at = '-infinity'`)
	w.sweeps(0)
	equal(t, "dismissed, and silent still", w.openConflicts(), []string(nil))
}

// More levels than one transaction changes, by two gateways at once: each is
// marked once, and the conflict tells of all of them.
func TestManyLevelsTurnStale(t *testing.T) {
	w := agedWorld(t)
	const n = 2100
	w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency)
		SELECT 'prod_0000000000e008' || lpad(n::text, 12, '0'), 'many-' || n, 'Many', 'Many', 'PIECE', 1, 'USD' FROM generate_series(1, $1) n`, n)
	w.exec(`WITH l AS (
			INSERT INTO inventory_levels (id, product_id, location_id, version, as_of)
			SELECT 'lvl_0000000000e008' || lpad(n::text, 12, '0'), 'prod_0000000000e008' || lpad(n::text, 12, '0'), $2, 1, now() - interval '2 hours'
			FROM generate_series(1, $1) n RETURNING *
		), told AS (INSERT INTO events (type, subject_id, at, payload) SELECT 'level.changed', id, now(), '{}' FROM l)
		INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, actor, actor_role, changes, occurred_at, recorded_at)
		SELECT 'mov_' || substr(id, 5), product_id, location_id, 1, 'COUNTED', 'olga', 'OPERATOR', '[]', now(), now() FROM l`, n, w.id["cajun"])
	marked := make([]int, 3)
	for _, err := range atOnce(len(marked), func(i int) (err error) {
		marked[i], err = w.MarkStale(w.ctx)
		return err
	}) {
		w.must(err)
	}
	rest, err := w.MarkStale(w.ctx)
	w.must(err)
	equal(t, "levels that were marked", marked[0]+marked[1]+marked[2]+rest, n+1)
	var facts redline.Attributes
	w.must(w.DB().QueryRowContext(w.ctx, `SELECT facts FROM conflicts WHERE status = 'OPEN'`).Scan(&facts))
	equal(t, "what the conflict tells", facts[2].Value, "2101")
	w.sweeps(0)
}

// A level is confirmed while it is found to be stale: it ends fresh, however they
// come, and nothing is told twice.
func TestConfirmingWhileLevelsTurnStale(t *testing.T) {
	w := agedWorld(t)
	for range 10 {
		for _, err := range atOnce(4, func(i int) (err error) {
			if i < 2 {
				_, err = w.MarkStale(w.ctx)
				return err
			}
			_, err = w.InventoryAdjust(w.ctx, cajun, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: []redline.InventoryChange{{Stock: w.at("sauce", "cajun"), State: redline.StateOnHand, Delta: 1}},
			})
			return err
		}) {
			w.must(err)
		}
		equal(t, "stale", w.level("sauce", "cajun").Stale, false)
		equal(t, "open conflicts", len(w.openConflicts()), 0)
		w.checkBooks()
		w.age()
	}
}

// Whoever doesn't want stale stock is neither promised it nor sold it, whether an
// order is allocated under the locks or before them.
func TestStaleStockIsLeftOut(t *testing.T) {
	w := agedWorld(t)
	w.sweeps(1) // 64 of sauce at cajun's; there are 3 in the east
	want := func(n int, stale bool, reference *string) error {
		in := wants(line("sauce", n))
		in.AllowStale, in.ExternalReference = stale, reference
		_, _, err := w.OrderPlace(w.ctx, shop, in)
		return err
	}
	for _, reference := range []func() *string{func() *string { return nil }, func() *string { return ref(key()) }} {
		e := refused(t, want(4, false, reference()), redline.CodeInsufficientStock, "lines.0.quantity")
		equal(t, "what is wanted, and there", []int{e.Requested, e.Available}, []int{4, 3})
		named := wants(redline.LineInput{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])})
		named.ExternalReference = reference()
		_, _, err := w.OrderPlace(w.ctx, shop, named)
		refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity")
	}
	for _, c := range []struct {
		stale bool
		want  int
	}{{true, 9}, {false, 3}} {
		promised, err := w.Promises(w.ctx, shop, []redline.AvailabilityLine{{ProductID: w.id["sauce"], Quantity: 9}}, c.stale)
		w.must(err)
		equal(t, "what is promised", promised[0].Available, c.want)
	}
	inStock := func(is bool, includeStale *bool) []string {
		page, err := w.Products(w.ctx, shop, redline.ProductFilter{InStock: &is, IncludeStale: includeStale}, redline.ProductOrder{}, redline.PageRequest{}, redline.ProductParts{})
		w.must(err)
		skus := ids(page.Items, func(p *redline.Product) string { return p.SKU })
		slices.Sort(skus)
		return skus
	}
	w.must(want(3, false, nil))
	for _, yes := range []*bool{nil, ref(true)} {
		equal(t, "in stock, with what is stale", inStock(true, yes), []string{"pads", "sauce", "tea"})
		equal(t, "out of stock, with what is stale", inStock(false, yes), []string(nil))
	}
	equal(t, "in stock, without what is stale", inStock(true, ref(false)), []string{"pads", "tea"})
	equal(t, "out of stock, without what is stale", inStock(false, ref(false)), []string{"sauce"})
	w.must(want(64, true, nil))
	w.checkBooks()
}

// A feed makes fresh what it states, and settles the silence; one of too long ago
// leaves stale what is stale, since nobody knows how it is now.
func TestFeedsConfirmLevels(t *testing.T) {
	w := agedWorld(t)
	w.maps("tea", "T", redline.UnitBag, 1)
	w.adjust(operator, "tea", "cajun", 5)
	w.age()
	w.sweeps(2)
	old := w.feedOf(redline.FeedPartial, 0, says("T", 3))
	old.AsOf = old.AsOf.Add(-90 * time.Minute)
	w.submit(cajun, old, 1, 0, 0)
	equal(t, "after an old feed: stale", w.level("tea", "cajun").Stale, true)
	w.checkBooks()
	w.submit(cajun, w.feedOf(redline.FeedPartial, 0, says("T", 3), says("65", 3)), 2, 0, 0)
	for _, sku := range []string{"tea", "sauce"} {
		equal(t, "after a feed: stale", w.level(sku, "cajun").Stale, false)
	}
	equal(t, "open conflicts", len(w.openConflicts()), 0)
	w.sweeps(0)
}

// A feed that changes nothing, and so makes no version, confirms levels all the
// same, while they are found to be stale.
func TestFeedsWhileLevelsTurnStale(t *testing.T) {
	w := agedWorld(t)
	for range 10 {
		feed := w.feedOf(redline.FeedFull, 0, says("65", 2))
		for _, err := range atOnce(3, func(i int) (err error) {
			if i < 2 {
				_, err = w.MarkStale(w.ctx)
				return err
			}
			_, err = w.SupplierFeedSubmit(w.ctx, cajun, feed)
			return err
		}) {
			w.must(err)
		}
		equal(t, "stale", w.level("sauce", "cajun").Stale, false)
		equal(t, "open conflicts", len(w.openConflicts()), 0)
		w.checkBooks()
		w.age()
	}
}

// A level that a feed of long ago made was fresh, and not looked at again before
// the whole agreed time was over from then on.
func TestLevelsThatOldFeedsMakeAreStaleInTime(t *testing.T) {
	w := newWorld(t)
	w.sells("old")
	w.sells("older")
	w.agree(redline.SupplierTermsSetInput{ConfirmWithinSeconds: ref(3600)})
	w.sweeps(0)
	sequence := int64(0)
	feed := func(sku string, ago time.Duration, onHand int) time.Time {
		t.Helper()
		sequence++
		in := w.feedOf(redline.FeedPartial, sequence, says(sku, onHand))
		in.AsOf = in.AsOf.Add(-ago).Truncate(time.Microsecond)
		w.submit(cajun, in, 1, 0, 0)
		return in.AsOf
	}
	is := func(what, sku string, stale bool, due time.Time) {
		t.Helper()
		equal(t, what+": stale", w.level("of "+sku, "cajun").Stale, stale)
		var at time.Time
		w.must(w.DB().GetContext(w.ctx, &at, `SELECT stale_due_at FROM suppliers WHERE code = 'cajun'`))
		if !at.Equal(due) {
			t.Errorf("%s: looked at again at %v, not at %v", what, at, due)
		}
		w.checkBooks()
	}
	var first time.Time
	w.must(w.DB().GetContext(w.ctx, &first, `SELECT stale_due_at FROM suppliers WHERE code = 'cajun'`))
	feed("older", 3*time.Hour, 1)
	is("made three hours late", "older", true, first)
	w.sweeps(0)
	at := feed("old", 45*time.Minute, 1)
	is("made in time", "old", false, at.Add(time.Hour))
	at = feed("older", 50*time.Minute, 2)
	is("confirmed in time", "older", false, at.Add(time.Hour))
}
