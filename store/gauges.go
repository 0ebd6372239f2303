package store

import (
	"context"
	"time"
)

// OpenConflicts are the conflicts of one kind that are open.
type OpenConflicts struct {
	Kind string
	N    int
	// Oldest is how many seconds the oldest has been open.
	Oldest float64
}

// ConflictGauges counts the conflicts that are open, by kind; kinds without any are
// left out. It is for metrics, and shows nobody's.
func (s *Store) ConflictGauges(ctx context.Context) ([]OpenConflicts, error) {
	var found []OpenConflicts
	err := s.look(ctx, "counting open conflicts", &found, `/* gauges.conflicts */ SELECT kind, count(*) AS n,
			extract(epoch FROM clock_timestamp() - min(opened_at)) AS oldest
		FROM conflicts WHERE status = 'OPEN' GROUP BY kind`)
	return found, err
}

// SupplierGauge is how a supplier is doing.
type SupplierGauge struct {
	Code string
	// SeenAt is when it was last heard of, nil for never.
	SeenAt *time.Time `db:"seen_at"`
	// Stale is how many of its levels were not confirmed in time.
	Stale int
}

// SupplierGauges says how all suppliers are doing. It is for metrics.
func (s *Store) SupplierGauges(ctx context.Context) ([]SupplierGauge, error) {
	var found []SupplierGauge
	err := s.look(ctx, "looking at suppliers", &found, `/* gauges.suppliers */ SELECT s.code, s.last_seen_at AS seen_at, coalesce(stale.n, 0) AS stale
		FROM suppliers s LEFT JOIN (
			SELECT loc.supplier_id, count(*) AS n FROM inventory_levels l JOIN locations loc ON loc.id = l.location_id
			WHERE l.stale GROUP BY loc.supplier_id) AS stale ON stale.supplier_id = s.id`)
	return found, err
}
