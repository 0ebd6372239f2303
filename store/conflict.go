package store

import (
	"encoding/json"

	"redline"
)

// selectConflicts reads conflicts under the alias c.
const selectConflicts = `SELECT c.id, c.kind, c.status, c.cause, c.supplier_id, c.subject_id, c.summary, c.facts, c.resolution, c.version,
	c.opened_at, c.updated_at, c.resolved_at, c.held AS held_json, (SELECT code FROM suppliers s WHERE s.id = c.supplier_id) AS supplier_code
	FROM conflicts c`

// conflictRow is a row of conflicts, with what nobody is shown.
type conflictRow struct {
	redline.Conflict
	HeldJSON     []byte  `db:"held_json"`
	SupplierCode *string `db:"supplier_code"`
}

func (r *conflictRow) conflict() *redline.Conflict {
	r.Held = json.RawMessage(r.HeldJSON)
	return &r.Conflict
}
