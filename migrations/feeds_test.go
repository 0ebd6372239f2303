package migrations_test

import (
	"testing"

	"redline/migrations"
)

// What came of feeds isn't known of those that were there before, but for one that waits
// for a person.
func TestTheFeedThatWaited(t *testing.T) {
	ctx, db := openBefore(t, "00013_feed_results.sql")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	exec := func(text string) {
		t.Helper()
		_, err := db.ExecContext(ctx, text)
		must(err)
	}
	exec(`INSERT INTO suppliers (id, code, name) VALUES ('sup_1', 'acme', 'Acme'), ('sup_2', 'other', 'Other')`)
	exec(`INSERT INTO supplier_feeds_held (id, supplier_id, status, sequence, as_of, reference, input, actor, held_at)
		SELECT 'feed_' || n, 'sup_' || 1 + n % 2, CASE WHEN n < 3 THEN 'HELD' ELSE 'APPLIED' END, n, now(), 'feed', input::json, 'erp', now()
		FROM (VALUES (1, '{"mode": "FULL", "measure": "AVAILABLE", "rows": [{}, {}]}'), (2, '{"mode": "FULL", "measure": "ON_HAND", "rows": null}'),
			(3, '{"mode": "FULL", "measure": "ON_HAND", "rows": []}')) AS k (n, input)`)
	exec(`INSERT INTO audit_entries (id, at, issuer, actor, role, action, subject, request_id, outcome)
		VALUES ('audit_1', now(), 'redline', 'erp', 'SUPPLIER', 'supplierFeedSubmit', 'sup_2', '', 'OK')`)
	_, err := migrations.Up(ctx, db)
	must(err)
	var kept string
	must(db.QueryRowContext(ctx, `SELECT string_agg(concat_ws(' ', id, mode, measure, actor, actor_role, rows, applied), ', ' ORDER BY id) FROM supplier_feeds`).Scan(&kept))
	if kept != "feed_1 FULL AVAILABLE erp SUPPLIER 2 0, feed_2 FULL ON_HAND erp OPERATOR 0 0" {
		t.Errorf("what is kept: %s", kept)
	}
}
