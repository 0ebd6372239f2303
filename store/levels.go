package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

const (
	levelColumns = `l.id, l.product_id, l.location_id, l.on_hand, l.reserved, l.committed, l.safety_stock, l.unavailable,
		l.available, l.shortfall, l.incoming, l.reorder_point, l.version, l.as_of, l.stale`
	selectLevels = `SELECT ` + levelColumns + ` FROM inventory_levels l`

	// availableAt gathers what can be sold of a product into one text, which is
	// cheaper for Postgres and for us than as many rows, or JSON: location,
	// available, stale and as of with spaces between them, and a comma between
	// the levels. None of these has either in it, but for the time, which is last.
	availableAt = `string_agg(concat_ws(' ', l.location_id, l.available, l.stale, l.as_of), ',')`
)

// intoLevel is where levelColumns are scanned into.
func intoLevel(l *redline.InventoryLevel) []any {
	return []any{
		&l.ID, &l.ProductID, &l.LocationID, whole{&l.OnHand}, whole{&l.Reserved}, whole{&l.Committed}, whole{&l.SafetyStock},
		whole{&l.Unavailable}, whole{&l.Available}, whole{&l.Shortfall}, whole{&l.Incoming}, whole{&l.ReorderPoint},
		whole{&l.Version}, &l.AsOf, &l.Stale,
	}
}

// levelReader reads levels with their locations.
func (s *Store) levelReader() reader[*redline.InventoryLevel] {
	return func(ctx context.Context, doing, text string, args []any) ([]*redline.InventoryLevel, error) {
		var found []*redline.InventoryLevel
		var l redline.InventoryLevel
		err := scanRows(ctx, s.db, doing, text, args, intoLevel(&l), func() error {
			one := l
			found = append(found, &one)
			return nil
		})
		if err != nil {
			return nil, err
		}
		at, err := s.placesOf(ctx)
		if err != nil {
			return nil, err
		}
		for _, l := range found {
			if l.Location, err = at.location(ctx, l.LocationID); err != nil {
				return nil, err
			}
		}
		return found, nil
	}
}

// availability reads what availableAt gathered, by the locations' codes.
func (p *placesOf) availability(ctx context.Context, productID string, gathered *string) ([]*redline.LocationAvailability, error) {
	if gathered == nil {
		return nil, nil
	}
	n := strings.Count(*gathered, ",") + 1
	rows, out := make([]redline.LocationAvailability, n), make([]*redline.LocationAvailability, n)
	rest := *gathered
	for i := range rows {
		var one, available, stale, asOf string
		one, rest, _ = strings.Cut(rest, ",")
		a := &rows[i]
		a.ProductID = productID
		a.LocationID, one, _ = strings.Cut(one, " ")
		available, one, _ = strings.Cut(one, " ")
		stale, asOf, _ = strings.Cut(one, " ")
		a.Stale = stale == "t"
		var err error
		if a.Available, err = strconv.Atoi(available); err != nil {
			return nil, fmt.Errorf("reading the availability of %s: %w", productID, err)
		}
		if a.AsOf, err = pq.ParseTimestamp(time.UTC, asOf); err != nil {
			return nil, fmt.Errorf("reading the availability of %s: %w", productID, err)
		}
		if a.Location, err = p.location(ctx, a.LocationID); err != nil {
			return nil, err
		}
		out[i] = a
	}
	slices.SortFunc(out, func(a, b *redline.LocationAvailability) int { return strings.Compare(a.Location.Code, b.Location.Code) })
	return out, nil
}

// Availability finds what of products can be sold and from where, by product.
// It is for anybody.
func (s *Store) Availability(ctx context.Context, productIDs []string) (map[string][]*redline.LocationAvailability, error) {
	var id string
	var gathered *string
	sold := map[string]*string{}
	err := scanRows(ctx, s.db, "reading availability", `/* availability.of_products */ SELECT l.product_id, `+availableAt+` FROM inventory_levels l
		WHERE l.product_id = ANY($1) GROUP BY l.product_id`, []any{pq.Array(productIDs)}, []any{&id, &gathered}, func() error {
		sold[id] = gathered
		return nil
	})
	if err != nil {
		return nil, err
	}
	at, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	out := make(map[string][]*redline.LocationAvailability, len(sold))
	for id, gathered := range sold {
		if out[id], err = at.availability(ctx, id, gathered); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// levelsThat narrows a query to the levels, under the alias l, that meet a filter.
func (q *query) levelsThat(f redline.InventoryFilter) {
	in(q, "l.product_id", f.ProductIDs)
	in(q, "l.location_id", f.LocationIDs)
	if f.Skus != nil {
		q.and("l.product_id IN (SELECT id FROM products WHERE sku = ANY(%s))", pq.Array(f.Skus))
	}
	if f.Category != nil {
		q.and("l.product_id IN (SELECT id FROM products WHERE category = ANY(%s))", pq.Array(f.Category))
	}
	if f.SupplierID != nil {
		q.and("l.location_id IN (SELECT id FROM locations WHERE supplier_id = %s)", *f.SupplierID)
	}
	if f.LowOnly != nil && *f.LowOnly {
		q.and("l.available <= l.reorder_point")
	}
	if f.StaleOnly != nil && *f.StaleOnly {
		q.and("l.stale")
	}
}

// Levels lists the levels that the principal may see, by id.
func (s *Store) Levels(
	ctx context.Context, p redline.Principal, f redline.InventoryFilter, page redline.PageRequest,
) (*redline.Page[*redline.InventoryLevel], error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.levelsThat(f)
	by := sorting{tag: "level", column: "l.id", id: "l.id", prefix: redline.PrefixLevel}
	return pageBy(ctx, s, s.levelReader(), "levels", selectLevels, q, by, page, func(l *redline.InventoryLevel) (string, string) { return "", l.ID })
}

// LevelsByID finds levels that the principal may see.
func (s *Store) LevelsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.and("l.id = ANY(%s)", pq.Array(ids))
	found, err := s.levelReader()(ctx, "reading levels", "/* levels.by_id */ "+selectLevels+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	return keyed(found, func(l *redline.InventoryLevel) string { return l.ID }), nil
}

// LevelsOfProducts finds the levels of products that the principal may see, by
// product.
func (s *Store) LevelsOfProducts(
	ctx context.Context, p redline.Principal, productIDs []string,
) (map[string][]*redline.InventoryLevel, error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.and("l.product_id = ANY(%s)", pq.Array(productIDs))
	found, err := s.levelReader()(ctx, "reading levels of products", "/* levels.of_products */ "+selectLevels+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(found, func(a, b *redline.InventoryLevel) int { return strings.Compare(a.Location.Code, b.Location.Code) })
	out := map[string][]*redline.InventoryLevel{}
	for _, l := range found {
		out[l.ProductID] = append(out[l.ProductID], l)
	}
	return out, nil
}

const selectMovements = `SELECT m.id, m.product_id, m.location_id, m.level_version, m.reason, m.reference, m.actor, m.actor_role,
	m.changes, m.occurred_at, m.recorded_at FROM inventory_movements m`

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
}

// movements shows ledger lines to a principal, with their locations.
func (s *Store) movements(ctx context.Context, p redline.Principal, rows []*movementRow) ([]*redline.InventoryMovement, error) {
	at, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*redline.InventoryMovement, len(rows))
	for i, r := range rows {
		if out[i], err = r.movement(p); err != nil {
			return nil, dbError("reading a ledger line", err)
		}
		if out[i].Location, err = at.location(ctx, r.LocationID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// movement shows a ledger line.
func (r *movementRow) movement(p redline.Principal) (*redline.InventoryMovement, error) {
	m := &redline.InventoryMovement{
		ID: r.ID, ProductID: r.ProductID, LocationID: r.LocationID, LevelVersion: r.LevelVersion, Reason: r.Reason,
		Reference: r.Reference, Actor: actorFor(p, r.Actor, r.ActorRole), OccurredAt: r.OccurredAt, RecordedAt: r.RecordedAt,
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
	rows, err := pageOf(ctx, s, "movements", selectMovements, q, by, page, func(r *movementRow) (string, string) { return stamp(r.RecordedAt), r.ID })
	if err != nil {
		return nil, err
	}
	return mapPage(rows, func(rows []*movementRow) ([]*redline.InventoryMovement, error) { return s.movements(ctx, p, rows) })
}

// MovementsByID finds ledger lines that the principal may see.
func (s *Store) MovementsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryMovement, error) {
	q := &query{}
	q.seeStock(p, "m.location_id")
	q.and("m.id = ANY(%s)", pq.Array(ids))
	rows, err := structs[*movementRow](s)(ctx, "reading ledger lines", "/* movements.by_id */ "+selectMovements+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	found, err := s.movements(ctx, p, rows)
	return keyed(found, func(m *redline.InventoryMovement) string { return m.ID }), err
}
