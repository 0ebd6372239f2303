package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"redline"
)

// levelKey names a level.
type levelKey struct{ product, location string }

// lockedLevel is a level whose row this transaction holds, with what events,
// allocation and errors want to know of its product and location.
type lockedLevel struct {
	redline.InventoryLevel
	SKU      string
	Category string
	Active   bool
	now      time.Time
	// leadTime is that of the supplier's item; nil where only the location says.
	leadTime *int
	// owner is whose its location is, as the row says.
	owner string
	at    *place
	dirty bool
}

func (l *lockedLevel) key() levelKey { return levelKey{l.ProductID, l.LocationID} }

// fact reports whether what the principal says of this level is a supplier's
// own word on its own stock, which is taken even where it leaves us short.
func (l *lockedLevel) fact(p redline.Principal) bool {
	return l.at.Kind == redline.LocationSupplier && p.Role == redline.RoleSupplier
}

// supplierCode is the code of the location's supplier; nil for our own.
func (p *place) supplierCode() *string {
	if p.Supplier == nil {
		return nil
	}
	return &p.Supplier.Code
}

// copied is the location with its supplier, for one caller: answers fill in more.
func (p *place) copied() *redline.Location {
	location := p.Location
	if p.Supplier != nil {
		supplier := *p.Supplier
		location.Supplier = &supplier
	}
	return &location
}

// lockLevels locks levels, in the one order in which everybody does, and reads
// the clock behind the locks. The condition speaks of the alias l. What is known
// of the products need not be read with each of their levels; nil is nothing.
//
// Whose each location is comes with its level. Where that isn't what the
// transaction went by so far, it is errMoved, and newer places are known by then.
// Where reservations are due on the levels it is errDue, so that nobody decides on
// stock that nothing holds any more.
func (t *transaction) lockLevels(
	ctx context.Context, products map[string]*redline.Product, cond string, args ...any,
) (map[levelKey]*lockedLevel, error) {
	out := map[levelKey]*lockedLevel{}
	var l lockedLevel
	var due *string
	into := append(intoLevel(&l.InventoryLevel), &l.leadTime, &l.now, &l.owner, &due)
	whichDue, args := t.dueColumn(args)
	columns, from := levelColumns+`, l.lead_time_days, clock_timestamp(), (SELECT `+placeOwner+` FROM locations loc
		LEFT JOIN suppliers sup ON sup.id = loc.supplier_id WHERE loc.id = l.location_id), `+whichDue, `l`
	if products == nil {
		columns, from = columns+`, p.sku, p.category, p.active`, `l JOIN products p ON p.id = l.product_id`
		into = append(into, &l.SKU, &l.Category, &l.Active)
	}
	// The locks come first, row by row and in order; the clock is read with each
	// row after its lock, so that the latest reading lies behind all of them.
	err := scanRows(ctx, t.tx, "locking levels", `/* inventory.lock_levels */ WITH l AS MATERIALIZED (
			SELECT `+levelColumns+`, l.lead_time_days FROM inventory_levels l WHERE `+cond+`
			ORDER BY l.product_id, l.location_id FOR NO KEY UPDATE OF l
		)
		SELECT `+columns+` FROM `+from, args, into, func() error {
		if l.now.After(t.now) {
			t.now = l.now
		}
		if p := products[l.ProductID]; p != nil {
			l.SKU, l.Category, l.Active = p.SKU, p.Category, p.Active
		}
		one := l
		out[one.key()] = &one
		return nil
	})
	if err != nil {
		return nil, err
	}
	if due != nil {
		t.held.until(t.now)
		return nil, &errDue{strings.Fields(*due)}
	}
	wentBy := t.places
	err = t.goBy(ctx, func(p *places) bool {
		for _, l := range out {
			if t.made[l.LocationID] == nil && !p.owned(l.LocationID, l.owner) {
				return false
			}
		}
		return true
	})
	if err != nil {
		return nil, err
	}
	if wentBy != nil && wentBy != t.places {
		return nil, errMoved
	}
	for _, l := range out {
		if l.at = cmp.Or(t.made[l.LocationID], t.places.byID[l.LocationID]); l.at == nil {
			return nil, fmt.Errorf("locking levels: there is no location %s", l.LocationID)
		}
	}
	return out, nil
}

// lockKeys locks the levels with these keys. Those that don't exist are made,
// empty, where create says so.
func (t *transaction) lockKeys(ctx context.Context, keys []levelKey, create bool) (map[levelKey]*lockedLevel, error) {
	if create {
		missing, suppliers, err := t.missingLevels(ctx, keys)
		if err == nil {
			err = t.awaitItems(ctx, suppliers...)
		}
		if err == nil {
			err = t.makeLevels(ctx, missing)
		}
		if err != nil {
			return nil, err
		}
	}
	products, locations := columnsOf(keys)
	return t.lockLevels(ctx, nil, `(l.product_id, l.location_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`, products, locations)
}

// columnsOf are the products and the locations of keys.
func columnsOf(keys []levelKey) (products, locations *column) {
	products, locations = texts(), texts()
	for _, k := range keys {
		products.text(k.product)
		locations.text(k.location)
	}
	return products, locations
}

// missingLevels are those of these keys of which there is no level, and whose the
// locations of them are.
func (t *transaction) missingLevels(ctx context.Context, keys []levelKey) (missing []levelKey, suppliers []string, err error) {
	products, locations := columnsOf(keys)
	var k levelKey
	var supplier *string
	err = scanRows(ctx, t.tx, "looking for levels", `/* inventory.find_levels */ SELECT k.product_id, k.location_id, loc.supplier_id
		FROM unnest($1::text[], $2::text[]) AS k (product_id, location_id) JOIN locations loc ON loc.id = k.location_id
		WHERE NOT EXISTS (SELECT 1 FROM inventory_levels l WHERE (l.product_id, l.location_id) = (k.product_id, k.location_id))`,
		[]any{products, locations}, []any{&k.product, &k.location, &supplier}, func() error {
			missing, suppliers = append(missing, k), appendSet(suppliers, supplier)
			return nil
		})
	return missing, suppliers, err
}

// makeLevels makes levels, empty, with the lead times of the suppliers' items: the
// quickest, where a product has several. It comes before any level is locked, since
// it waits for whoever makes the same, and behind awaitItems.
func (t *transaction) makeLevels(ctx context.Context, missing []levelKey) error {
	if len(missing) == 0 {
		return nil
	}
	products, locations := columnsOf(missing)
	ids := texts()
	for range missing {
		ids.text(redline.NewID(redline.PrefixLevel))
	}
	_, err := t.tx.ExecContext(ctx, `/* inventory.make_levels */ INSERT INTO inventory_levels (id, product_id, location_id, as_of, lead_time_days)
		SELECT k.id, k.product_id, k.location_id, clock_timestamp(), (SELECT min(i.lead_time_days)
			FROM locations loc JOIN supplier_items i ON i.supplier_id = loc.supplier_id AND i.product_id = k.product_id
			WHERE loc.id = k.location_id)
		FROM unnest($1::text[], $2::text[], $3::text[]) AS k (id, product_id, location_id)
		ORDER BY k.product_id, k.location_id
		ON CONFLICT (product_id, location_id) DO NOTHING`, ids, products, locations)
	if err != nil {
		return dbError("making levels", err)
	}
	return nil
}

// stockChange is one change of one level: one version, one ledger line and one
// event.
type stockChange struct {
	delta     redline.Delta
	fact      bool
	reason    redline.MovementReason
	reference *string
	// occurredAt is when it happened, as told; zero is now.
	occurredAt time.Time
	// confirms is set where the source of the level says that it is true, and as of
	// when. What it says of a time too long ago leaves a stale level stale, and has
	// one that is made begin so.
	confirms *time.Time
	// stale is what the level becomes, whatever was confirmed; nil is nothing else.
	stale *bool
}

// movement is a ledger line, and whose it is.
type movement struct {
	levelKey
	by      redline.Principal
	version int
	change  stockChange
	changes []byte
	at      time.Time
}

// stockWrites gathers what changed of levels, to be written in one go.
type stockWrites struct {
	levels    []*lockedLevel
	movements []movement
}

// change applies a change to a locked level and gathers what it writes and
// tells. What the rules refuse comes back as redline.ErrShort or ErrNegative.
func (m *mutation) change(l *lockedLevel, c stockChange) error {
	before, oversold := redline.LevelBefore{Available: l.Available, Low: l.Low(), Stale: l.Stale}, l.Oversold()
	made := l.Version == 0
	changes, err := l.Apply(c.delta, c.fact)
	if err != nil {
		return err
	}
	if c.confirms != nil {
		l.AsOf, l.Stale = *c.confirms, (l.Stale || made) && l.at.terms.Outdated(*c.confirms, m.now)
	}
	if c.stale != nil {
		l.Stale = *c.stale
	}
	if before.Stale && !l.Stale && l.at.SupplierID != nil {
		m.settleConflict(causeStaleFeed(*l.at.SupplierID), "Its stock is confirmed again.")
	}
	if (made || before.Stale) && !l.Stale && l.at.SupplierID != nil {
		m.freshAsOf(*l.at.SupplierID, l.AsOf)
	}
	if c.occurredAt.IsZero() {
		c.occurredAt = m.now
	}
	if !l.dirty {
		l.dirty = true
		m.stock.levels = append(m.stock.levels, l)
	}
	text, err := json.Marshal(changes)
	if err != nil {
		return fmt.Errorf("writing a ledger line: %w", err)
	}
	m.stock.movements = append(m.stock.movements, movement{levelKey: l.key(), by: m.by, version: l.Version, change: c, changes: text, at: m.now})
	event := redline.LevelEvent{
		Level: l.InventoryLevel, SKU: l.SKU, Category: l.Category, LocationCode: l.at.Code, SupplierID: l.at.SupplierID,
		SupplierCode: l.at.supplierCode(), Active: l.Active, Before: before, Reason: c.reason, Changes: changes,
	}
	m.watchOversold(l, oversold, c)
	return m.tell(redline.EventLevel, l.ID, &event)
}

// writeStock writes the changed levels and their ledger lines.
func (t *transaction) writeStock(ctx context.Context) error {
	if len(t.stock.levels) == 0 {
		return nil
	}
	l := struct {
		id, onHand, reserved, committed, safety, unavailable, available, shortfall, incoming, version, asOf, stale *column
	}{texts(), ints(), ints(), ints(), ints(), ints(), ints(), ints(), ints(), ints(), times(), booleans()}
	for _, v := range t.stock.levels {
		l.id.text(v.ID)
		l.onHand.int(v.OnHand)
		l.reserved.int(v.Reserved)
		l.committed.int(v.Committed)
		l.safety.int(v.SafetyStock)
		l.unavailable.int(v.Unavailable)
		l.available.int(v.Available)
		l.shortfall.int(v.Shortfall)
		l.incoming.int(v.Incoming)
		l.version.int(v.Version)
		l.asOf.time(v.AsOf)
		l.stale.boolean(v.Stale)
	}
	m := struct {
		id, product, location, version, reason, reference, actor, role, changes, occurred, recorded *column
	}{texts(), texts(), texts(), ints(), texts(), texts(), texts(), texts(), jsons(), times(), times()}
	deltas := make([]*column, len(redline.States))
	for i := range deltas {
		deltas[i] = ints()
	}
	for _, v := range t.stock.movements {
		m.id.text(redline.NewID(redline.PrefixMovement))
		m.product.text(v.product)
		m.location.text(v.location)
		m.version.int(v.version)
		m.reason.text(string(v.change.reason))
		maybe(m.reference, (*column).text, v.change.reference)
		m.actor.text(v.by.Subject)
		m.role.text(string(v.by.Role))
		for i, s := range redline.States {
			deltas[i].int(v.change.delta[s])
		}
		m.changes.blob(v.changes)
		m.occurred.time(v.change.occurredAt)
		m.recorded.time(v.at)
	}
	// The deltas are in the order of redline.States.
	_, err := t.tx.ExecContext(ctx, `/* inventory.write_levels */ WITH changed AS (
			UPDATE inventory_levels l SET on_hand = n.on_hand, reserved = n.reserved, committed = n.committed,
				safety_stock = n.safety_stock, unavailable = n.unavailable, available = n.available, shortfall = n.shortfall,
				incoming = n.incoming, version = n.version, as_of = n.as_of, stale = n.stale
			FROM unnest($1::text[], $2::integer[], $3::integer[], $4::integer[], $5::integer[], $6::integer[], $7::integer[],
				$8::integer[], $9::integer[], $10::integer[], $11::timestamptz[], $12::boolean[]) AS n (id, on_hand, reserved, committed,
				safety_stock, unavailable, available, shortfall, incoming, version, as_of, stale)
			WHERE l.id = n.id
		)
		INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role,
			on_hand_delta, reserved_delta, committed_delta, safety_stock_delta, unavailable_delta, incoming_delta, changes,
			occurred_at, recorded_at)
		SELECT * FROM unnest($13::text[], $14::text[], $15::text[], $16::integer[], $17::text[], $18::text[], $19::text[],
			$20::text[], $21::integer[], $22::integer[], $23::integer[], $24::integer[], $25::integer[], $26::integer[],
			$27::json[], $28::timestamptz[], $29::timestamptz[])`,
		l.id, l.onHand, l.reserved, l.committed, l.safety, l.unavailable, l.available, l.shortfall, l.incoming, l.version, l.asOf, l.stale,
		m.id, m.product, m.location, m.version, m.reason, m.reference, m.actor, m.role,
		deltas[0], deltas[1], deltas[2], deltas[3], deltas[4], deltas[5], m.changes, m.occurred, m.recorded)
	if err != nil {
		return dbError("writing levels and ledger", err)
	}
	t.stock = stockWrites{}
	return nil
}
