package store_test

import (
	"errors"
	"testing"

	"github.com/lib/pq"

	"redline"
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
