package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"redline"
)

// levelKey names a level.
type levelKey struct{ product, location string }

// lockedLevel is a level whose row this transaction holds, with what events,
// allocation and errors want to know of its product and location.
type lockedLevel struct {
	redline.InventoryLevel
	SKU          string
	Category     string
	Active       bool
	LocationCode string               `db:"location_code"`
	Kind         redline.LocationKind `db:"location_kind"`
	SupplierID   *string              `db:"location_supplier_id"`
	SupplierCode *string              `db:"location_supplier_code"`
	LeadTimeDays *int                 `db:"location_lead_time"`
	Now          time.Time            `db:"now"`
	dirty        bool
}

func (l *lockedLevel) key() levelKey { return levelKey{l.ProductID, l.LocationID} }

// fact reports whether what the principal says of this level is a supplier's
// own word on its own stock, which is taken even where it leaves us short.
func (l *lockedLevel) fact(p redline.Principal) bool {
	return l.Kind == redline.LocationSupplier && p.Role == redline.RoleSupplier
}

// lockLevels locks levels, in the one order in which everybody does, and reads
// the clock behind the locks. The condition speaks of the alias l.
func (m *mutation) lockLevels(ctx context.Context, cond string, args ...any) (map[levelKey]*lockedLevel, error) {
	var rows []*lockedLevel
	// The locks come first, row by row and in order; the clock is read with each
	// row after its lock, so that the latest reading lies behind all of them.
	err := m.tx.SelectContext(ctx, &rows, `WITH l AS MATERIALIZED (
			SELECT `+levelColumns+` FROM inventory_levels l WHERE `+cond+`
			ORDER BY l.product_id, l.location_id FOR NO KEY UPDATE OF l
		)
		SELECT `+levelColumns+`, p.sku, p.category, p.active, loc.code AS location_code, loc.kind AS location_kind,
			loc.supplier_id AS location_supplier_id, s.code AS location_supplier_code, loc.lead_time_days AS location_lead_time,
			clock_timestamp() AS now
		FROM l JOIN products p ON p.id = l.product_id JOIN locations loc ON loc.id = l.location_id
		LEFT JOIN suppliers s ON s.id = loc.supplier_id`, args...)
	if err != nil {
		return nil, dbError("locking levels", err)
	}
	out := make(map[levelKey]*lockedLevel, len(rows))
	for _, r := range rows {
		out[r.key()] = r
		if r.Now.After(m.now) {
			m.now = r.Now
		}
	}
	return out, nil
}

// lockKeys locks the levels with these keys. Those that don't exist are made,
// empty, where create says so.
func (m *mutation) lockKeys(ctx context.Context, keys []levelKey, create bool) (map[levelKey]*lockedLevel, error) {
	products, locations, ids := make([]string, len(keys)), make([]string, len(keys)), make([]string, len(keys))
	for i, k := range keys {
		products[i], locations[i] = k.product, k.location
		ids[i] = redline.NewID(redline.PrefixLevel)
	}
	if create {
		_, err := m.tx.ExecContext(ctx, `INSERT INTO inventory_levels (id, product_id, location_id, as_of)
			SELECT k.id, k.product_id, k.location_id, clock_timestamp()
			FROM unnest($1::text[], $2::text[], $3::text[]) AS k (id, product_id, location_id)
			WHERE NOT EXISTS (SELECT 1 FROM inventory_levels l WHERE (l.product_id, l.location_id) = (k.product_id, k.location_id))
			ORDER BY k.product_id, k.location_id
			ON CONFLICT (product_id, location_id) DO NOTHING`, pq.Array(ids), pq.Array(products), pq.Array(locations))
		if err != nil {
			return nil, dbError("making levels", err)
		}
	}
	return m.lockLevels(ctx, `(l.product_id, l.location_id) IN (SELECT * FROM unnest($1::text[], $2::text[]))`,
		pq.Array(products), pq.Array(locations))
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
	// confirms is set where the source of the level says that it is true now.
	confirms *time.Time
}

// movementJSON is a ledger line as the SQL below takes it.
type movementJSON struct {
	ID         string                   `json:"id"`
	ProductID  string                   `json:"product_id"`
	LocationID string                   `json:"location_id"`
	Version    int                      `json:"level_version"`
	Reason     redline.MovementReason   `json:"reason"`
	Reference  *string                  `json:"reference"`
	OnHand     int                      `json:"on_hand_delta"`
	Reserved   int                      `json:"reserved_delta"`
	Committed  int                      `json:"committed_delta"`
	Safety     int                      `json:"safety_stock_delta"`
	Unavail    int                      `json:"unavailable_delta"`
	Incoming   int                      `json:"incoming_delta"`
	Changes    []redline.QuantityChange `json:"changes"`
	OccurredAt time.Time                `json:"occurred_at"`
	RecordedAt time.Time                `json:"recorded_at"`
}

// stockWrites gathers what changed of levels, to be written in one go.
type stockWrites struct {
	levels    []*lockedLevel
	movements []movementJSON
}

// change applies a change to a locked level and gathers what it writes and
// tells. What the rules refuse comes back as redline.ErrShort or ErrNegative.
func (m *mutation) change(l *lockedLevel, c stockChange) error {
	before := redline.LevelBefore{Available: l.Available, Low: l.Low(), Stale: l.Stale}
	changes, err := l.Apply(c.delta, c.fact)
	if err != nil {
		return err
	}
	if c.confirms != nil {
		l.AsOf, l.Stale = *c.confirms, false
	}
	if c.occurredAt.IsZero() {
		c.occurredAt = m.now
	}
	if !l.dirty {
		l.dirty = true
		m.stock.levels = append(m.stock.levels, l)
	}
	m.stock.movements = append(m.stock.movements, movementJSON{
		ID: redline.NewID(redline.PrefixMovement), ProductID: l.ProductID, LocationID: l.LocationID, Version: l.Version,
		Reason: c.reason, Reference: c.reference, Changes: changes, OccurredAt: c.occurredAt, RecordedAt: m.now,
		OnHand: c.delta[redline.StateOnHand], Reserved: c.delta[redline.StateReserved], Committed: c.delta[redline.StateCommitted],
		Safety: c.delta[redline.StateSafetyStock], Unavail: c.delta[redline.StateUnavailable], Incoming: c.delta[redline.StateIncoming],
	})
	m.events = append(m.events, eventRow{Type: redline.EventLevel, Subject: l.ID, At: m.now, Payload: redline.LevelEvent{
		Level: l.InventoryLevel, SKU: l.SKU, Category: l.Category, LocationCode: l.LocationCode, SupplierID: l.SupplierID,
		SupplierCode: l.SupplierCode, Active: l.Active, Before: before, Reason: c.reason, Changes: changes,
	}})
	return nil
}

// writeStock writes the changed levels and their ledger lines.
func (m *mutation) writeStock(ctx context.Context) error {
	if len(m.stock.levels) == 0 {
		return nil
	}
	states := make([]redline.InventoryLevel, len(m.stock.levels))
	for i, l := range m.stock.levels {
		states[i] = l.InventoryLevel
	}
	levels, err := jsonText(states)
	if err != nil {
		return err
	}
	movements, err := jsonText(m.stock.movements)
	if err != nil {
		return err
	}
	_, err = m.tx.ExecContext(ctx, `WITH changed AS (
			UPDATE inventory_levels l SET on_hand = n."onHand", reserved = n.reserved, committed = n.committed,
				safety_stock = n."safetyStock", unavailable = n.unavailable, available = n.available, shortfall = n.shortfall,
				incoming = n.incoming, version = n.version, as_of = n."asOf", stale = n.stale
			FROM jsonb_to_recordset($1) AS n (id text, "onHand" int, reserved int, committed int, "safetyStock" int,
				unavailable int, available int, shortfall int, incoming int, version int, "asOf" timestamptz, stale boolean)
			WHERE l.id = n.id
		)
		INSERT INTO inventory_movements (id, product_id, location_id, level_version, reason, reference, actor, actor_role,
			on_hand_delta, reserved_delta, committed_delta, safety_stock_delta, unavailable_delta, incoming_delta, changes,
			occurred_at, recorded_at)
		SELECT n.id, n.product_id, n.location_id, n.level_version, n.reason, n.reference, $3, $4, n.on_hand_delta,
			n.reserved_delta, n.committed_delta, n.safety_stock_delta, n.unavailable_delta, n.incoming_delta, n.changes,
			n.occurred_at, n.recorded_at
		FROM jsonb_to_recordset($2) AS n (id text, product_id text, location_id text, level_version int, reason text,
			reference text, on_hand_delta int, reserved_delta int, committed_delta int, safety_stock_delta int,
			unavailable_delta int, incoming_delta int, changes jsonb, occurred_at timestamptz, recorded_at timestamptz)`,
		levels, movements, m.by.Subject, string(m.by.Role))
	if err != nil {
		return dbError("writing levels and ledger", err)
	}
	m.stock = stockWrites{}
	return nil
}
