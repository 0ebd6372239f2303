package store_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/lib/pq"

	"redline"
	"redline/internal/pgtest"
	"redline/migrations"
	"redline/store"
)

// What is written down stays so: not even the owner of the tables may change it.
func TestTheLedgerAndTheAuditAreAppendOnly(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("tea", 1))
	for _, table := range []string{"audit_entries", "inventory_movements"} {
		for _, statement := range []string{"UPDATE " + table + " SET id = id", "DELETE FROM " + table, "TRUNCATE " + table} {
			_, err := w.DB().ExecContext(w.ctx, statement)
			var pe *pq.Error
			if !errors.As(err, &pe) || pe.Code != "42501" {
				t.Errorf("%s: %v", statement, err)
			}
		}
	}
	w.checkBooks()
}

// A level made for a change that is refused is taken back; a foreign key from the
// ledger wanted the right to change the ledger for that.
func TestALevelOfARefusedChangeIsTakenBack(t *testing.T) {
	w := newWorld(t)
	w.unchanged(func() {
		_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonCorrected, Changes: []redline.InventoryChange{w.tweak("tea", "west", -1)},
		})
		refused(t, err, redline.CodeInsufficientStock, "changes.0.delta")
	})
	w.checkBooks()
}

// A gateway can do all that it does as a role with the rights that are granted to it,
// which can neither change the schema nor what was written down.
func TestAGatewaysRoleHasWhatItNeedsAndNoMore(t *testing.T) {
	t.Parallel()
	w, _ := newLargeWorld(t)
	role := pgtest.NewRole(t)
	w.must(migrations.Grant(w.ctx, w.DB().DB, role))
	w.must(migrations.Grant(w.ctx, w.DB().DB, role))
	s, err := store.Open(w.ctx, w.url+"&role="+role, store.Options{})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	w.Store = s
	why, err := migrations.Unrestrained(w.ctx, s.DB().DB)
	w.must(err)
	equal(t, "whether rights bind it", why, "")
	applied, err := migrations.Up(w.ctx, s.DB().DB)
	w.must(err)
	equal(t, "what is pending", len(applied), 0)
	for _, a := range slices.Concat(w.askStock(), w.askOrders(), w.askRest()) {
		if err := a.run(); err != nil {
			t.Errorf("%s: %v", a.what, err)
		}
	}
	for _, statement := range []string{
		`UPDATE audit_entries SET outcome = ''`, `DELETE FROM audit_entries`, `TRUNCATE audit_entries`, `UPDATE events SET at = now()`,
		`DELETE FROM events`, `UPDATE inventory_movements SET reason = ''`, `DELETE FROM inventory_movements`, `DELETE FROM orders`,
		`CREATE TABLE mine ()`, `ALTER TABLE orders ADD COLUMN mine int`, `DROP TABLE events`,
		`DELETE FROM events_1`, `SELECT FROM events_rest`, `DROP TABLE events_1`, `UPDATE event_log SET floor = 0`, `UPDATE tickets SET expires_at = now()`,
		`UPDATE goose_db_version SET version_id = 0`, `SELECT setval('events_id', 1)`,
	} {
		_, err := s.DB().ExecContext(w.ctx, statement)
		var pe *pq.Error
		if !errors.As(err, &pe) || pe.Code != "42501" {
			t.Errorf("%s: %v", statement, err)
		}
	}
}
