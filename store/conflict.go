package store

import (
	"context"
	"encoding/json"

	"github.com/lib/pq"

	"redline"
)

const (
	conflictFields = `c.id, c.kind, c.status, c.cause, c.supplier_id, c.subject_id, c.summary, c.facts, c.resolution, c.version,
		c.opened_at, c.updated_at, c.resolved_at`
	selectConflicts = `SELECT ` + conflictFields + ` FROM conflicts c`
	conflictCode    = `(SELECT code FROM suppliers s WHERE s.id = c.supplier_id) AS supplier_code`
	// selectTold reads what the event log tells, and selectHeld what nobody is shown, too.
	selectTold = `SELECT ` + conflictFields + `, ` + conflictCode + ` FROM conflicts c`
	selectHeld = `SELECT ` + conflictFields + `, c.held AS held_json, ` + conflictCode + ` FROM conflicts c`
)

// Conflicts lists conflicts, the newest first, with their suppliers.
func (s *Store) Conflicts(
	ctx context.Context, p redline.Principal, f redline.ConflictFilter, page redline.PageRequest,
) (*redline.Page[*redline.Conflict], error) {
	q := &query{}
	q.seeConflicts(p)
	if f.Status != nil {
		q.and("c.status = %s", string(*f.Status))
	}
	if f.Kind != nil {
		q.and("c.kind = %s", string(*f.Kind))
	}
	by := sorting{tag: "conflicts", column: "c.opened_at", cast: "timestamptz", id: "c.id", prefix: redline.PrefixConflict, desc: true}
	found, err := pageOf(ctx, s, "conflicts", selectConflicts, q, by, page, func(c *redline.Conflict) (string, string) { return stamp(c.OpenedAt), c.ID })
	if err != nil {
		return nil, err
	}
	return found, s.showConflicts(ctx, p, found.Items)
}

// ConflictsByID finds conflicts, with their suppliers.
func (s *Store) ConflictsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Conflict, error) {
	q := &query{}
	q.seeConflicts(p)
	q.and("c.id = ANY(%s)", pq.Array(ids))
	var found []*redline.Conflict
	if err := s.db.SelectContext(ctx, &found, "/* conflicts.by_id */ "+selectConflicts+q.where(), q.args...); err != nil {
		return nil, dbError("reading conflicts", err)
	}
	if err := s.showConflicts(ctx, p, found); err != nil {
		return nil, err
	}
	out := make(map[string]*redline.Conflict, len(found))
	for _, c := range found {
		out[c.ID] = c
	}
	return out, nil
}

// showConflicts gives conflicts, in their places, as the principal may see them.
func (s *Store) showConflicts(ctx context.Context, p redline.Principal, conflicts []*redline.Conflict) error {
	places, err := s.placesOf(ctx)
	if err != nil {
		return err
	}
	for i, c := range conflicts {
		if c.SupplierID != nil {
			if c.Supplier, err = places.supplier(ctx, *c.SupplierID); err != nil {
				return err
			}
		}
		conflicts[i] = c.For(p)
	}
	return nil
}

// heldConflict is a row of conflicts, with what nobody is shown.
type heldConflict struct {
	redline.Conflict
	HeldJSON     []byte  `db:"held_json"`
	SupplierCode *string `db:"supplier_code"`
}

func (r *heldConflict) conflict() *redline.Conflict {
	r.Held = json.RawMessage(r.HeldJSON)
	return &r.Conflict
}
