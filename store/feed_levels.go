package store

import (
	"cmp"
	"context"
	"slices"

	"redline"
)

// read finds out what the feed states, and what would come of it as things are,
// before anything of the stock is locked.
func (f *feed) read(ctx context.Context) error {
	if err := f.resolve(ctx); err != nil {
		return err
	}
	if err := f.readStated(ctx); err != nil {
		return err
	}
	if f.in.Mode == redline.FeedFull {
		if err := f.readOmitted(ctx); err != nil {
			return err
		}
	}
	sum := f.readSince
	if f.each != nil {
		sum = f.readSinceEach
	}
	if err := sum(ctx); err != nil {
		return err
	}
	f.weigh()
	return nil
}

// What is read of a level before it is locked, and levelState whether it was
// confirmed after $1.
const (
	levelStock = `l.id, l.version, l.on_hand, l.reserved + l.committed + l.safety_stock + l.unavailable,
		l.available, l.stale, l.available_at IS NOT NULL`
	levelState = levelStock + `, coalesce(l.confirmed_at > $1, false)`
)

func (v *feedLevel) into() []any {
	return []any{
		&v.id, whole{&v.version}, whole{&v.onHand}, whole{&v.claims}, whole{&v.available}, &v.stale, &v.reckoned,
		&v.restated,
	}
}

// readStated reads the levels that rows state.
func (f *feed) readStated(ctx context.Context) error {
	products, locations, at := texts(), texts(), times()
	for n := range f.levels {
		products.text(f.levels[n].product)
		locations.text(f.levels[n].location)
		at.time(f.levels[n].at)
	}
	var n int
	var v feedLevel
	return scanRows(ctx, f.tx, "reading the levels of a feed", `/* feeds.stated_levels */ SELECT `+levelStock+`, coalesce(l.confirmed_at > k.at, false), k.n
		FROM unnest($1::text[], $2::text[], $3::timestamptz[]) WITH ORDINALITY AS k (product_id, location_id, at, n)
		JOIN inventory_levels l ON (l.product_id, l.location_id) = (k.product_id, k.location_id)`,
		[]any{products, locations, at}, append(v.into(), &n), func() error {
			of := &f.levels[n-1]
			v.levelKey, v.row, v.told, v.statement = of.levelKey, of.row, of.told, of.statement
			*of = v
			return nil
		})
}

// readOmitted reads the levels that no row may have meant: the supplier has no more
// of it. Of those without stock that is confirmed.
func (f *feed) readOmitted(ctx context.Context) error {
	at := texts()
	for _, l := range f.locations {
		at.text(l.ID)
	}
	slices.SortFunc(f.named, levelKey.compare)
	stated := f.levels
	var v feedLevel
	err := scanRows(ctx, f.tx, "reading the stock that a feed leaves out", `/* feeds.omitted_levels */ SELECT l.product_id, l.location_id, `+levelState+`
		FROM inventory_levels l WHERE l.location_id = ANY($2::text[])`,
		[]any{f.at, at}, append([]any{&v.product, &v.location}, v.into()...), func() error {
			if v.onHand > 0 {
				f.stocked++
			}
			_, isStated := slices.BinarySearchFunc(stated, v.levelKey, func(s feedLevel, k levelKey) int { return s.compare(k) })
			_, isNamed := slices.BinarySearchFunc(f.named, v.levelKey, levelKey.compare)
			if !isStated && !isNamed {
				v.row, v.statement = -1, &f.statement
				f.levels = append(f.levels, v)
			}
			return nil
		})
	slices.SortFunc(f.levels, func(a, b feedLevel) int { return a.compare(b.levelKey) })
	return err
}

// readSince reads what happened at the supplier's locations since the feed was
// true. It is one look at the newest of the ledger, and not one for each level.
func (f *feed) readSince(ctx context.Context) error {
	at := texts()
	for _, l := range f.locations {
		at.text(l.ID)
	}
	var k levelKey
	var s since
	return scanRows(ctx, f.tx, "reading what moved since a feed", `/* feeds.moved_since */ SELECT v.product_id, v.location_id, `+movedSince+`
		FROM inventory_movements v WHERE v.location_id = ANY($2::text[]) AND v.recorded_at > $1 AND v.occurred_at > $1
		GROUP BY v.product_id, v.location_id`, []any{f.at, at}, append([]any{&k.product, &k.location}, s.into()...), func() error {
		n, found := slices.BinarySearchFunc(f.levels, k, func(v feedLevel, k levelKey) int { return v.compare(k) })
		if found {
			v := &f.levels[n]
			s.restated = s.restated || v.restated
			v.since = s
		}
		return nil
	})
}

// readSinceEach reads of each level what happened to it since it was as it is stated.
func (f *feed) readSinceEach(ctx context.Context) error {
	products, locations, at := texts(), texts(), times()
	for n := range f.levels {
		products.text(f.levels[n].product)
		locations.text(f.levels[n].location)
		at.time(f.levels[n].at)
	}
	moved, err := f.sinceEach(ctx, products, locations, at)
	for n := range moved {
		f.levels[n].since = moved[n]
	}
	return err
}

// stays reports whether a level that is stale stays so though the feed confirms it,
// which was true too long ago.
func (f *feed) stays(v *feedLevel, stale bool) bool { return stale && f.supplier.Outdated(v.at, f.now) }

// weigh refuses the rows of levels of which something newer is known, and sees
// which levels are as they are told, and which would be emptied.
func (f *feed) weigh() {
	kept := f.levels[:0]
	for _, v := range f.levels {
		if e := f.refusal(&v); e != nil {
			if v.row >= 0 {
				f.refuseRow(v.row, e)
			}
			continue
		}
		after := v.becomes()
		v.same = v.id != "" && after == v.onHand && v.stale == f.stays(&v, v.stale)
		before := v.onHand
		if v.measure == redline.FeedAvailable {
			before, after = v.available, after-v.claims
		}
		if v.onHand > 0 && v.told == 0 && before > 0 && after <= 0 {
			f.emptied++
		}
		kept = append(kept, v)
	}
	f.levels = kept
}

// refusal is why what is told of a level isn't taken.
func (f *feed) refusal(v *feedLevel) *redline.Error {
	if v.restated {
		return redline.Errorf(redline.CodeSequenceStale, []string{"quantity"}, "something newer than %s is known of this level", stamp(v.at))
	}
	if n := v.becomes(); n > redline.MaxQuantity {
		return tooMuch(n)
	}
	return nil
}

// becomes is what is on hand of a level by the feed: what it was told to be, and
// what moved since. Of what was told to be available our own claims, as they were
// then, are still there; but who has nothing for us says so as well where our claims
// are more than there is, and by nothing at all there is never more.
func (v *feedLevel) becomes() int {
	n := v.told + v.since.stock
	if v.measure == redline.FeedAvailable {
		n += v.claims - v.since.claims
		if v.told == 0 {
			n = min(n, v.onHand)
		}
	}
	return max(n, 0)
}

// apply has the levels be what the feed says, and takes the costs that it states.
// Levels that are so already are only confirmed; those that don't exist are made
// before any is locked.
func (f *feed) apply(ctx context.Context) error {
	f.unknown.tell(true)
	var gaining []string
	var missing []levelKey
	for n := range f.levels {
		v := &f.levels[n]
		if v.id == "" {
			missing = append(missing, v.levelKey)
		}
		if f.in.DryRun {
			v.same = false // they are shown
		}
		if after := v.becomes(); (after > v.onHand || v.stale && !v.same) && (len(gaining) == 0 || gaining[len(gaining)-1] != v.product) {
			gaining = append(gaining, v.product)
		}
	}
	if len(missing) > 0 {
		if err := f.awaitItems(ctx, f.supplier.ID); err != nil {
			return err
		}
	}
	if err := f.price(ctx); err != nil {
		return err
	}
	waiting, err := f.lockWaiting(ctx, gaining)
	if err != nil {
		return err
	}
	if err := f.makeLevels(ctx, missing); err != nil {
		return err
	}
	if err := f.confirm(ctx); err != nil {
		return err
	}
	if err := f.lock(ctx); err != nil {
		return err
	}
	if err := f.change(ctx); err != nil {
		return err
	}
	return f.fill(ctx, waiting, f.locked)
}

// confirm notes that levels are as they are told: no version of them, and no event.
// All levels of the feed are locked for it, in their order. Those that have changed
// since they were read are for change to decide.
func (f *feed) confirm(ctx context.Context) error {
	products, locations, versions, at, available := texts(), texts(), ints(), times(), times()
	same := 0
	for n := range f.levels {
		v := &f.levels[n]
		products.text(v.product)
		locations.text(v.location)
		at.time(v.at)
		maybe(available, (*column).time, v.statement.available())
		if v.same {
			same++
			versions.int(v.version)
		} else {
			versions.null()
		}
	}
	if same == 0 {
		return nil
	}
	var n int
	return scanRows(ctx, f.tx, "confirming levels", `/* feeds.confirm_levels */ WITH l AS MATERIALIZED (
			SELECT l.id, k.n, k.at, k.available, coalesce(l.version = k.version, false) AS same
			FROM unnest($1::text[], $2::text[], $3::integer[], $4::timestamptz[], $5::timestamptz[])
				WITH ORDINALITY AS k (product_id, location_id, version, at, available, n)
			JOIN inventory_levels l ON (l.product_id, l.location_id) = (k.product_id, k.location_id)
			ORDER BY l.product_id, l.location_id FOR NO KEY UPDATE OF l
		), confirmed AS (
			UPDATE inventory_levels c SET as_of = greatest(c.as_of, l.at), confirmed_at = l.at, available_at = l.available
			FROM l WHERE c.id = l.id AND l.same
		)
		SELECT n FROM l WHERE NOT same`, []any{products, locations, versions, at, available}, []any{&n}, func() error {
		f.levels[n-1].same = false
		return nil
	})
}

// lock locks the levels that are to be changed. Of those that have changed since
// they were read it is read again what moved.
func (f *feed) lock(ctx context.Context) error {
	var keys []levelKey
	for n := range f.levels {
		if v := &f.levels[n]; !v.same {
			keys = append(keys, v.levelKey)
		}
	}
	if len(keys) == 0 {
		return nil
	}
	var err error
	if f.locked, err = f.lockKeys(ctx, keys, false); err != nil {
		return err
	}
	var moved []int
	products, locations, at := texts(), texts(), times()
	for n := range f.levels {
		v := &f.levels[n]
		if v.same {
			continue
		}
		l := f.locked[v.levelKey]
		if l == nil || l.at.SupplierID == nil || *l.at.SupplierID != f.supplier.ID {
			return errMoved
		}
		if l.Version != v.version {
			moved = append(moved, n)
			products.text(v.product)
			locations.text(v.location)
			at.time(v.at)
		}
		v.id, v.version, v.onHand = l.ID, l.Version, l.OnHand
		v.claims = l.Reserved + l.Committed + l.SafetyStock + l.Unavailable
	}
	newer, err := f.sinceEach(ctx, products, locations, at)
	for i, n := range moved {
		f.levels[n].since = newer[i]
	}
	return err
}

// change changes the locked levels.
func (f *feed) change(ctx context.Context) error {
	late, confirmed, available := texts(), times(), times()
	most := len(f.locked)
	f.stock.levels, f.stock.movements = slices.Grow(f.stock.levels, most), slices.Grow(f.stock.movements, most)
	f.events = slices.Grow(f.events, most)
	for n := range f.levels {
		v := &f.levels[n]
		if v.same {
			f.unchanged += min(v.row+1, 1)
			continue
		}
		if e := f.refusal(v); e != nil {
			if v.row >= 0 && f.in.OnRowError == redline.RollBack {
				return errMoved // it was otherwise a moment ago
			}
			if v.row >= 0 {
				f.refuseRow(v.row, e)
			}
			continue
		}
		l, after := f.locked[v.levelKey], v.becomes()
		asOf := v.at
		if l.Version > 0 && asOf.Before(l.AsOf) { // one that was made now says nothing yet
			asOf = l.AsOf
		}
		if l.Version > 0 && after == l.OnHand && l.Stale == f.stays(v, l.Stale) {
			l.AsOf = asOf
			late.text(l.ID)
			confirmed.time(v.at)
			maybe(available, (*column).time, v.statement.available())
			f.unchanged += min(v.row+1, 1)
			continue
		}
		if by := v.statement.available(); by != nil || v.reckoned {
			late.text(l.ID)
			confirmed.null() // its ledger says so
			maybe(available, (*column).time, by)
		}
		err := f.mutation.change(l, stockChange{
			delta: redline.Delta{redline.StateOnHand: after - l.OnHand}, fact: true, reason: redline.ReasonSupplierFeed,
			reference: &v.reference, occurredAt: v.at, confirms: &asOf,
		})
		if err != nil {
			return err
		}
		switch {
		case v.row >= 0:
			f.applied++
		case after != v.onHand:
			f.applied++
			f.omitted++
		}
	}
	if late.n == 0 || f.in.DryRun {
		return nil
	}
	_, err := f.tx.ExecContext(ctx, `/* feeds.levels_as_of */ UPDATE inventory_levels l SET as_of = greatest(l.as_of, n.confirmed),
			confirmed_at = coalesce(n.confirmed, l.confirmed_at), available_at = n.available
		FROM unnest($1::text[], $2::timestamptz[], $3::timestamptz[]) AS n (id, confirmed, available) WHERE l.id = n.id`,
		late, confirmed, available)
	if err != nil {
		return dbError("confirming levels", err)
	}
	return nil
}

// pricing is a row that states another cost than its item has.
type pricing struct {
	row  int
	cost redline.Decimal
}

// price gives items their first costs. What differs from what was agreed is for a
// person.
func (f *feed) price(ctx context.Context) error {
	var first []pricing
	mismatched, err := f.mismatched(ctx)
	if err != nil {
		return err
	}
	for n := range f.levels {
		i := f.levels[n].row
		if i < 0 || f.in.Rows[i].Cost == nil {
			continue
		}
		switch told, row := *f.in.Rows[i].Cost, &f.rows[i]; {
		case row.cost == nil:
			first = append(first, pricing{i, told})
		case *row.cost != told:
			f.tellPrice(i, told)
		case mismatched[row.item]:
			f.settleConflict(causePriceMismatch(row.item), "The supplier states the agreed cost.")
		}
	}
	return f.firstCosts(ctx, first)
}

// mismatched are the items of which another cost was stated before than was agreed,
// where the feed states costs. Feeds alone open those conflicts.
func (f *feed) mismatched(ctx context.Context) (map[string]bool, error) {
	if !slices.ContainsFunc(f.in.Rows, func(r redline.SupplierFeedRow) bool { return r.Cost != nil }) {
		return nil, nil
	}
	items := map[string]bool{}
	var item string
	err := scanRows(ctx, f.tx, "reading whose costs don't match", `/* feeds.cost_conflicts */ SELECT subject_id FROM conflicts
		WHERE supplier_id = $1 AND kind = $2 AND status = 'OPEN'`,
		[]any{f.supplier.ID, string(redline.ConflictPriceMismatch)}, []any{&item}, func() error {
			items[item] = true
			return nil
		})
	return items, err
}

func causePriceMismatch(itemID string) string { return "PRICE_MISMATCH " + itemID }

// heldCost is what a conflict about an item's cost needs to have it taken.
type heldCost struct {
	Cost redline.Decimal `json:"cost"`
}

func (f *feed) tellPrice(i int, told redline.Decimal) {
	row, sku := &f.rows[i], f.in.Rows[i].SupplierSKU
	f.conflict(conflictOpening{
		kind: redline.ConflictPriceMismatch, cause: causePriceMismatch(row.item), supplierID: &f.supplier.ID, subjectID: &row.item,
		summary: "The supplier " + f.supplier.Code + " states another cost of " + sku + " than was agreed.",
		facts: redline.Attributes{
			{Name: "supplierSku", Value: sku}, {Name: "agreed", Value: row.cost.String()}, {Name: "stated", Value: told.String()},
		},
		held: heldCost{told},
	})
}

// firstCosts gives items that have no cost one, in their products' currencies: a
// version of each. They are locked in the order of their ids.
func (f *feed) firstCosts(ctx context.Context, first []pricing) error {
	if len(first) == 0 {
		return nil
	}
	slices.SortFunc(first, func(a, b pricing) int { return cmp.Compare(f.rows[a.row].item, f.rows[b.row].item) })
	items, costs := texts(), texts()
	for _, p := range first {
		items.text(f.rows[p.row].item)
		costs.text(p.cost.String())
	}
	_, err := f.tx.ExecContext(ctx, `/* feeds.costs */ WITH one AS (
			SELECT DISTINCT ON (k.id) k.id, k.cost::numeric AS cost
			FROM unnest($3::text[], $4::text[]) WITH ORDINALITY AS k (id, cost, n) ORDER BY k.id, k.n
		), locked AS MATERIALIZED (
			SELECT i.id, one.cost, p.currency FROM one JOIN supplier_items i ON i.id = one.id JOIN products p ON p.id = i.product_id
			WHERE i.cost IS NULL ORDER BY i.id FOR NO KEY UPDATE OF i
		), i AS (
			UPDATE supplier_items i SET cost = locked.cost, currency = locked.currency, version = i.version + 1
			FROM locked WHERE i.id = locked.id RETURNING i.*
		) `+keepItems+` FROM i`, f.by.Subject, string(f.by.Role), items, costs)
	if err != nil {
		return dbError("giving items their costs", err)
	}
	return nil
}
