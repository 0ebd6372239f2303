package store_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"redline"
)

// Locations and suppliers are kept in memory: what is known costs no statement,
// and what somebody thought up costs one look, however often.
func TestPlacesAreKept(t *testing.T) {
	w, y := newSpiedWorld(t)
	known := []string{w.id["east"], w.id["cajun"]}
	sent, _ := y.during(func() {
		all, err := w.Locations(w.ctx)
		w.must(err)
		var codes []string
		for _, l := range all {
			codes = append(codes, l.Code)
		}
		equal(t, "the locations", codes, []string{"cajun", "east", "tokyo", "west"})
		found, err := w.LocationsByID(w.ctx, known)
		w.must(err)
		equal(t, "the supplier of a location", found[w.id["cajun"]].Supplier.ID, w.id["supplier cajun"])
		equal(t, "ours has none", found[w.id["east"]].Supplier, (*redline.Supplier)(nil))
	})
	equal(t, "statements for what is known", len(sent), 0)

	w.costs(y, "places that there aren't", 1, func() {
		found, err := w.LocationsByID(w.ctx, append(known, redline.NewID(redline.PrefixLocation), "loc_nonsense"))
		w.must(err)
		equal(t, "found", len(found), 2)
	})
	w.costs(y, "suppliers that there aren't", 1, func() {
		found, err := w.SuppliersByID(w.ctx, []string{redline.NewID(redline.PrefixSupplier)})
		w.must(err)
		equal(t, "found", len(found), 0)
	})
}

// What is handed out belongs to whoever asked: others see none of what it does to it.
func TestPlacesAreTheCallersOwn(t *testing.T) {
	w := newWorld(t)
	read := func() *redline.Location {
		found, err := w.LocationsByID(w.ctx, []string{w.id["cajun"]})
		w.must(err)
		return found[w.id["cajun"]]
	}
	mine := read()
	mine.Code, mine.Supplier.LastSeenAt = "mine", ref(time.Now())
	mine.Supplier = nil
	equal(t, "theirs", []any{read().Code, read().Supplier.LastSeenAt}, []any{"cajun", (*time.Time)(nil)})
}

// A place that was made a moment ago is known as soon as a row tells of it, to all
// who ask at once; one that was renamed, once RefreshPlaces was called.
func TestPlacesAreReadAnew(t *testing.T) {
	w := newWorld(t)
	w.must(w.RefreshPlaces(w.ctx))
	id := redline.NewID(redline.PrefixLocation)
	w.exec(`INSERT INTO locations (id, code, name, kind) VALUES ($1, 'brand-new', 'Brand new', 'STORE')`, id)
	w.exec(`INSERT INTO inventory_levels (id, product_id, location_id, on_hand, available, as_of) VALUES ($1, $2, $3, 7, 7, now())`,
		redline.NewID(redline.PrefixLevel), w.id["tea"], id)

	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			p, err := w.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("tea")}, redline.ProductParts{Availability: true})
			if err != nil {
				t.Error(err)
				return
			}
			var at []string
			for _, l := range p.Availability.Locations {
				at = append(at, l.Location.Code)
			}
			equal(t, "where there is tea", at, []string{"brand-new", "tokyo"})
		})
	}
	all.Wait()

	w.exec(`UPDATE locations SET code = 'renamed' WHERE id = $1`, id)
	w.must(w.RefreshPlaces(w.ctx))
	found, err := w.LocationsByID(w.ctx, []string{id})
	w.must(err)
	equal(t, "the code", found[id].Code, "renamed")

	other := redline.NewID(redline.PrefixLocation)
	w.exec(`INSERT INTO locations (id, code, name, kind) VALUES ($1, 'newer', 'Newer', 'STORE')`, other)
	found, err = w.LocationsByID(w.ctx, []string{other, id})
	w.must(err)
	equal(t, "asked for by its id", found[other].Code, "newer")
}

// Whoever waited for somebody else's look at the places didn't heed its own context.
func TestWhoWaitsForPlacesMayGo(t *testing.T) {
	w := newWorld(t)
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE locations`)
	w.must(err)
	first := make(chan error, 1)
	go func() { first <- w.RefreshPlaces(w.ctx) }()
	w.await("a look to wait for the table", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity
			WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == 1
	})
	gone, leave := context.WithCancel(w.ctx)
	leave()
	if err := w.RefreshPlaces(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who went is told %v", err)
	}
	w.must(tx.Rollback())
	w.must(<-first)
}

// One supplier isn't told when we last heard of another.
func TestLastSeenIsForThoseWhoSpeakForASupplier(t *testing.T) {
	w := newWorld(t)
	w.adjust(tokyo, "tea", "tokyo", 1)
	w.adjust(cajun, "sauce", "cajun", 1)
	ids := []string{w.id["supplier tokyo"], w.id["supplier cajun"]}
	for _, c := range []struct {
		who  redline.Principal
		sees []bool
	}{{operator, []bool{true, true}}, {tokyo, []bool{true, false}}, {cajun, []bool{false, true}}, {shop, []bool{false, false}}, {redline.Anonymous(), []bool{false, false}}} {
		seen, err := w.LastSeen(w.ctx, c.who, ids)
		w.must(err)
		equal(t, "what "+c.who.Subject+" sees", []bool{seen[ids[0]] != nil, seen[ids[1]] != nil}, c.sees)
	}
}

// What is gathered into a column comes out of it as it went in, whatever is in it.
func TestOrdersWithOddTexts(t *testing.T) {
	w := newWorld(t)
	odd := "quo\"ted, [bra]cket \\ back\u2028slash\nnull é 茶 , ] \""
	w.exec(`UPDATE products SET name = $1, description = $1, brand = '', attributes = $2 WHERE sku = 'tea'`, odd,
		`[{"name": "a ] , [", "value": "\"]"}, {"name": "", "value": ""}]`)
	o := w.place(shop, line("tea", 2))
	_, _, err := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: o.ID, Reason: odd[:20]})
	w.must(err)
	now, err := w.OrderBy(w.ctx, shop, redline.OrderBy{ID: &o.ID}, redline.OrderParts{Lines: true, Parts: true, History: true})
	w.must(err)
	products, err := w.ProductsByID(w.ctx, shop, []string{w.id["tea"]})
	w.must(err)
	equal(t, "the product of the line", now.Lines[0].Product, products[w.id["tea"]])
	equal(t, "the name", now.Lines[0].Product.Name, odd)
	equal(t, "the attributes", len(now.Lines[0].Product.Attributes), 2)
	equal(t, "the reason", *now.History[len(now.History)-1].Note, odd[:20])
}
