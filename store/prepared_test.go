package store_test

import (
	"fmt"
	"net/url"
	"testing"

	"redline"
	"redline/store"
)

// A statement is prepared once for a connection; after that it is one round trip,
// in a transaction as outside.
func TestStatementsArePreparedOnce(t *testing.T) {
	w, y := newSpiedWorld(t)
	w.Store.DB().SetMaxOpenConns(1)
	do := func() {
		_, err := w.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("tea")}, redline.ProductParts{})
		w.must(err)
		o := w.place(shop, line("sauce", 1))
		w.must(w.cancel(shop, o))
	}
	do()
	before := y.prepared.Load()
	if before == 0 {
		t.Error("nothing was prepared")
	}
	do()
	equal(t, "prepared again", y.prepared.Load()-before, int64(0))
}

// A table that changes under a prepared statement costs nobody an answer, and
// neither does a pooler that discards it.
func TestPreparedStatementsOutlivedByTheirTables(t *testing.T) {
	w := newWorld(t)
	db := w.DB()
	db.SetMaxOpenConns(1)
	for _, change := range []string{
		`CREATE TABLE narrow (n integer); INSERT INTO narrow VALUES (1)`,
		`ALTER TABLE narrow ALTER n TYPE bigint`,
		`DEALLOCATE ALL`,
	} {
		w.exec(change)
		var n int64
		w.must(db.GetContext(w.ctx, &n, `SELECT n FROM narrow WHERE n = $1`, 1))
		equal(t, "after "+change, n, int64(1))
	}

	// In a transaction the error is that of the first try, and the next one is fine.
	w.exec(`ALTER TABLE narrow ALTER n TYPE text`)
	tx, err := db.BeginTxx(w.ctx, nil)
	w.must(err)
	var s string
	err = tx.GetContext(w.ctx, &s, `SELECT n FROM narrow WHERE n = $1`, "1")
	if err == nil {
		t.Fatal("the type of a statement's parameter changed, and it ran")
	}
	w.must(tx.Rollback())
	w.must(db.GetContext(w.ctx, &s, `SELECT n FROM narrow WHERE n = $1`, "1"))
	equal(t, "the text", s, "1")
}

// After a migration that changes what a statement gives, the first change on each
// connection failed with an internal error. So did one after a pooler had
// discarded the connection's statements.
func TestChangesAfterAMigration(t *testing.T) {
	w := newWorld(t)
	s, err := store.Open(w.ctx, w.url, store.Options{MaxConns: 4, StatementTimeout: patience, Patience: patience})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	for _, change := range []string{
		`SELECT 1`,
		`ALTER TABLE supplier_items ALTER minimum_order_quantity TYPE bigint; ALTER TABLE products ALTER currency TYPE varchar`,
	} {
		w.exec(change)
		for range 4 {
			_, _, err := s.OrderPlace(w.ctx, shop, wants(line("tea", 1)))
			w.must(err)
			_, err = s.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{{Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: 1}},
			})
			w.must(err)
		}
	}
	w.checkBooks()
}

// A connection keeps so many statements and no more, and those that are used.
func TestPreparedStatementsAreBounded(t *testing.T) {
	w, y := newSpiedWorld(t)
	db := w.DB()
	db.SetMaxOpenConns(1)
	var n int
	for i := range 2 * store.PreparedMax {
		w.must(db.GetContext(w.ctx, &n, fmt.Sprintf(`SELECT %d WHERE $1`, i), true))
		w.must(db.GetContext(w.ctx, &n, `SELECT 0 WHERE $1::boolean`, true)) // always the last but one
	}
	w.must(db.GetContext(w.ctx, &n, `SELECT count(*) FROM pg_prepared_statements`))
	equal(t, "kept", n, store.PreparedMax)
	equal(t, "prepared", y.prepared.Load(), int64(2*store.PreparedMax+1))
}

// A database URL that asks for parameters as texts broke every placement.
func TestParametersAreBinaryWhateverTheURLSays(t *testing.T) {
	w := newWorld(t)
	u, err := url.Parse(w.url)
	w.must(err)
	q := u.Query()
	q.Set("binary_parameters", "no")
	u.RawQuery = q.Encode()
	s, err := store.Open(w.ctx, u.String(), store.Options{MaxConns: 4, StatementTimeout: patience, Patience: patience})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	_, _, err = s.OrderPlace(w.ctx, shop, wants(line("tea", 1)))
	w.must(err)
}

// With an option nothing is prepared.
func TestUnprepared(t *testing.T) {
	w := newWorld(t)
	s, err := store.Open(w.ctx, w.url, store.Options{Unprepared: true, MaxConns: 4})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	s.DB().SetMaxOpenConns(1)
	_, err = s.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("tea")}, redline.ProductParts{})
	w.must(err)
	var n int
	w.must(s.DB().GetContext(w.ctx, &n, `SELECT count(*) FROM pg_prepared_statements`))
	equal(t, "prepared", n, 0)
}
