package store

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

const (
	levelColumns = `l.id, l.product_id, l.location_id, l.on_hand, l.reserved, l.committed, l.safety_stock, l.unavailable,
		l.available, l.shortfall, l.incoming, l.reorder_point, l.version, l.as_of, l.stale`
	selectLevels = `SELECT ` + levelColumns + `, ` + locationColumns + `
		FROM inventory_levels l JOIN locations loc ON loc.id = l.location_id` + joinSupplier
)

type levelRow struct {
	redline.InventoryLevel
	locationRow
}

func (r *levelRow) level() *redline.InventoryLevel {
	l := r.InventoryLevel
	l.Location = r.location()
	return &l
}

// Availability finds what of products can be sold and from where, by product.
// It is for anybody.
func (s *Store) Availability(ctx context.Context, productIDs []string) (map[string][]*redline.LocationAvailability, error) {
	var rows []struct {
		redline.LocationAvailability
		locationRow
	}
	err := s.db.SelectContext(ctx, &rows, `SELECT l.product_id, l.location_id, l.available, l.stale, l.as_of, `+locationColumns+`
		FROM inventory_levels l JOIN locations loc ON loc.id = l.location_id`+joinSupplier+`
		WHERE l.product_id = ANY($1) ORDER BY l.product_id, loc.code`, pq.Array(productIDs))
	if err != nil {
		return nil, dbError("reading availability", err)
	}
	out := map[string][]*redline.LocationAvailability{}
	for i := range rows {
		a := &rows[i].LocationAvailability
		a.Location = rows[i].location()
		out[a.ProductID] = append(out[a.ProductID], a)
	}
	return out, nil
}

// Levels lists the levels that the principal may see, by id.
func (s *Store) Levels(
	ctx context.Context, p redline.Principal, f redline.InventoryFilter, page redline.PageRequest,
) (*redline.Page[*redline.InventoryLevel], error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	in(q, "l.product_id", f.ProductIDs)
	in(q, "l.location_id", f.LocationIDs)
	if f.Skus != nil {
		q.and("l.product_id IN (SELECT id FROM products WHERE sku = ANY(%s))", pq.Array(f.Skus))
	}
	if f.Category != nil {
		q.and("l.product_id IN (SELECT id FROM products WHERE category = ANY(%s))", pq.Array(f.Category))
	}
	if f.SupplierID != nil {
		q.and("loc.supplier_id = %s", *f.SupplierID)
	}
	if f.LowOnly != nil && *f.LowOnly {
		q.and("l.available <= l.reorder_point")
	}
	if f.StaleOnly != nil && *f.StaleOnly {
		q.and("l.stale")
	}
	by := sorting{tag: "level", column: "l.id", id: "l.id", prefix: redline.PrefixLevel}
	rows, err := pageOf(ctx, s, selectLevels, q, by, page, func(r *levelRow) (string, string) { return "", r.InventoryLevel.ID })
	if err != nil {
		return nil, err
	}
	return mapPage(rows, (*levelRow).level), nil
}

// LevelsByID finds levels that the principal may see.
func (s *Store) LevelsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.and("l.id = ANY(%s)", pq.Array(ids))
	rows, err := byID(ctx, s, "reading levels", selectLevels, q, func(r *levelRow) string { return r.InventoryLevel.ID })
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.InventoryLevel, len(rows))
	for id, r := range rows {
		out[id] = r.level()
	}
	return out, nil
}

// LevelsOfProducts finds the levels of products that the principal may see, by
// product.
func (s *Store) LevelsOfProducts(
	ctx context.Context, p redline.Principal, productIDs []string,
) (map[string][]*redline.InventoryLevel, error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.and("l.product_id = ANY(%s)", pq.Array(productIDs))
	var rows []*levelRow
	if err := s.db.SelectContext(ctx, &rows, selectLevels+q.where()+" ORDER BY l.product_id, loc.code", q.args...); err != nil {
		return nil, dbError("reading levels of products", err)
	}
	out := map[string][]*redline.InventoryLevel{}
	for _, r := range rows {
		out[r.ProductID] = append(out[r.ProductID], r.level())
	}
	return out, nil
}

const selectMovements = `SELECT m.id, m.product_id, m.location_id, m.level_version, m.reason, m.reference, m.actor, m.actor_role,
	m.changes, m.occurred_at, m.recorded_at, ` + locationColumns + `
	FROM inventory_movements m JOIN locations loc ON loc.id = m.location_id` + joinSupplier

type movementRow struct {
	ID           string
	ProductID    string `db:"product_id"`
	LocationID   string `db:"location_id"`
	LevelVersion int    `db:"level_version"`
	Reason       redline.MovementReason
	Reference    *string
	Actor        string
	ActorRole    redline.Role `db:"actor_role"`
	Changes      []byte
	OccurredAt   time.Time `db:"occurred_at"`
	RecordedAt   time.Time `db:"recorded_at"`
	locationRow
}

// movement shows a ledger line. Who moved the stock is shown to a supplier
// only where it was a supplier; of the others it learns the role.
func (r *movementRow) movement(p redline.Principal) (*redline.InventoryMovement, error) {
	m := &redline.InventoryMovement{
		ID: r.ID, ProductID: r.ProductID, LocationID: r.LocationID, LevelVersion: r.LevelVersion, Reason: r.Reason,
		Reference: r.Reference, Actor: r.Actor, OccurredAt: r.OccurredAt, RecordedAt: r.RecordedAt, Location: r.location(),
	}
	if p.Role == redline.RoleSupplier && r.ActorRole != redline.RoleSupplier {
		m.Actor = strings.ToLower(string(r.ActorRole))
	}
	return m, json.Unmarshal(r.Changes, &m.Changes)
}

// Movements lists the ledger lines that the principal may see, newest first.
func (s *Store) Movements(
	ctx context.Context, p redline.Principal, f redline.MovementFilter, page redline.PageRequest,
) (*redline.Page[*redline.InventoryMovement], error) {
	q := &query{}
	q.seeStock(p, "m.location_id")
	in(q, "m.product_id", f.ProductIDs)
	in(q, "m.location_id", f.LocationIDs)
	in(q, "m.reason", strs(f.Reasons))
	if f.Reference != nil {
		q.and("m.reference = %s", *f.Reference)
	}
	if f.From != nil {
		q.and("m.recorded_at >= %s", *f.From)
	}
	if f.To != nil {
		q.and("m.recorded_at < %s", *f.To)
	}
	by := sorting{tag: "movement", column: "m.recorded_at", cast: "timestamptz", id: "m.id", prefix: redline.PrefixMovement, desc: true}
	rows, err := pageOf(ctx, s, selectMovements, q, by, page, func(r *movementRow) (string, string) { return stamp(r.RecordedAt), r.ID })
	if err != nil {
		return nil, err
	}
	var bad error
	out := mapPage(rows, func(r *movementRow) *redline.InventoryMovement {
		m, err := r.movement(p)
		if err != nil {
			bad = dbError("reading a ledger line", err)
		}
		return m
	})
	return out, bad
}

// MovementsByID finds ledger lines that the principal may see.
func (s *Store) MovementsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryMovement, error) {
	q := &query{}
	q.seeStock(p, "m.location_id")
	q.and("m.id = ANY(%s)", pq.Array(ids))
	rows, err := byID(ctx, s, "reading ledger lines", selectMovements, q, func(r *movementRow) string { return r.ID })
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.InventoryMovement, len(rows))
	for id, r := range rows {
		if out[id], err = r.movement(p); err != nil {
			return nil, dbError("reading a ledger line", err)
		}
	}
	return out, nil
}
