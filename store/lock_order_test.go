package store_test

import (
	"testing"

	"redline"
)

// deadlocks is how many deadlocks Postgres has ended in the world's database. Who
// lost one was run again, and knows nothing of it. Each connection tells of its own
// when it is asked to, so that all of them are.
func (w *world) deadlocks() (n int) {
	w.t.Helper()
	for range w.DB().Stats().Idle {
		conn, err := w.DB().Connx(w.ctx)
		w.must(err)
		defer func() { w.must(conn.Close()) }()
		_, err = conn.ExecContext(w.ctx, `SELECT pg_stat_force_next_flush()`)
		w.must(err)
	}
	w.must(w.DB().GetContext(w.ctx, &n, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`))
	return n
}

// crossed runs two calls while a row is held: the second begins when the first
// waits for the row, and the row is given back when both wait. Both have to
// succeed, and neither may have waited for what the other had while it had what
// the other waited for.
func (w *world) crossed(row string, first, second func() error) {
	w.t.Helper()
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(w.ctx, row)
	w.must(err)
	done := make(chan error, 2)
	for n, call := range []func() error{first, second} {
		go func() { done <- call() }()
		w.await("a call to wait", func() bool {
			var waiting int
			w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity
				WHERE wait_event_type = 'Lock' AND datname = current_database()`))
			return waiting == n+1
		})
	}
	w.must(tx.Rollback())
	w.must(<-done)
	w.must(<-done)
	equal(w.t, "deadlocks", w.deadlocks(), 0)
	w.checkBooks()
}

// takes changes how long an item of cajun's takes.
func (w *world) takes(product, sku string, pack, days int) error {
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, redline.SupplierItemUpsertInput{
		ProductID: w.id[product], SupplierSKU: sku, Unit: redline.UnitCase, PackQuantity: pack, MinimumOrderQuantity: 1, OrderMultiple: 1,
		LeadTimeDays: &days,
	})
	return err
}

// receives adds to what is on hand at cajun's of products.
func (w *world) receives(products ...string) error {
	in := redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived}
	for _, p := range products {
		in.Changes = append(in.Changes, redline.InventoryChange{Stock: w.at(p, "cajun"), State: redline.StateOnHand, Delta: 1})
	}
	_, err := w.InventoryAdjust(w.ctx, operator, in)
	return err
}

// The rows that are held while calls cross.
const (
	sauceAtCajun = `SELECT FROM inventory_levels l JOIN locations loc ON loc.id = l.location_id WHERE loc.code = 'cajun' FOR UPDATE OF l`
	itemOfSauce  = `SELECT FROM supplier_items WHERE supplier_sku = '65' FOR UPDATE`
	cajunItself  = `SELECT FROM suppliers WHERE code = 'cajun' FOR UPDATE`
)

// A feed confirmed one level and waited to make another for who changed how long
// an item takes, who waited for the first.
func TestFeedThatMakesALevelAgainstItemsDoesNotDeadlock(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	in := w.feedOf(redline.FeedPartial, 0, says("65", 2), says("new", 1))
	w.crossed(itemOfSauce, func() error { return w.takes("sauce", "65", 32, 9) }, func() error {
		_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
		return err
	})
}

// A feed confirmed one level and waited to make another for who had made it, who
// waited for the first.
func TestFeedThatMakesALevelAgainstAdjustmentsDoesNotDeadlock(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	in := w.feedOf(redline.FeedPartial, 0, says("65", 2), says("new", 1))
	w.crossed(sauceAtCajun, func() error {
		_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
		return err
	}, func() error { return w.receives("sauce", "of new") })
	equal(t, "what is on hand", w.level("of new", "cajun").OnHand, 13)
}

// A feed gave an item its first cost and waited to make a level for who changed
// how long that item takes, who waited for the item.
func TestFeedWithCostsAgainstItemsDoesNotDeadlock(t *testing.T) {
	w := newWorld(t)
	w.sells("new")
	row := says("new", 1)
	row.Cost = decimal(t, "1.25")
	in := w.feedOf(redline.FeedPartial, 0, says("65", 2), row)
	w.crossed(sauceAtCajun, func() error {
		_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
		return err
	}, func() error { return w.takes("of new", "new", 12, 9) })
}

// Who resolved a conflict by a mapping waited to make a level for who had made it,
// who waited to know how long the mapped item takes.
func TestMappingThatMakesALevelAgainstAdjustmentsDoesNotDeadlock(t *testing.T) {
	w := newWorld(t)
	w.feed(cajun, w.feedOf(redline.FeedPartial, 0, says("new", 4)))
	page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{}, redline.PageRequest{})
	w.must(err)
	w.crossed(cajunItself, func() error {
		_, _, err := w.ConflictResolve(w.ctx, operator, redline.ConflictResolveInput{
			ConflictID: page.Items[0].ID, Status: redline.ConflictResolved, Resolution: "it is new",
			Mapping: &redline.ConflictMappingInput{ProductID: w.id["tea"], Unit: redline.UnitCase, PackQuantity: 3},
		})
		return err
	}, func() error { return w.receives("tea") })
	equal(t, "what is on hand", w.level("tea", "cajun").OnHand, 13)
}

// Making a level looked up how long its item takes by locking all levels of the
// product at the supplier's, out of their order.
func TestMakingLevelsLocksNoOthers(t *testing.T) {
	w := newWorld(t)
	w.must(w.takes("sauce", "65", 32, 9))
	w.exec(`INSERT INTO locations (id, code, name, kind, supplier_id) VALUES ($1, 'cajun-2', 'cajun-2', 'SUPPLIER', $2)`,
		redline.NewID(redline.PrefixLocation), w.id["supplier cajun"])
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	defer func() { _ = tx.Rollback() }()
	_, err = tx.ExecContext(w.ctx, sauceAtCajun)
	w.must(err)
	w.adjust(operator, "sauce", "cajun-2", 1)
	w.must(tx.Rollback())
	w.checkBooks()
}
