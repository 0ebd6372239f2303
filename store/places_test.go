package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/store"
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

// Whoever needs places that somebody else is reading, and who doesn't get on, is told to
// try again as soon as if it had waited for a connection; however many they are.
func TestPlacesAreWaitedForWithPatience(t *testing.T) {
	w := newWorld(t)
	const patience = 300 * time.Millisecond
	s, err := store.Open(w.ctx, w.url, store.Options{ReadPatience: patience})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	tx, err := w.DB().BeginTx(w.ctx, nil)
	w.must(err)
	_, err = tx.ExecContext(w.ctx, `LOCK TABLE locations IN ACCESS EXCLUSIVE MODE`)
	w.must(err)
	read := make(chan error, 1)
	go func() { read <- s.RefreshPlaces(w.ctx) }()
	w.await("somebody to read the places", func() bool {
		var waiting int
		w.must(w.DB().GetContext(w.ctx, &waiting, `SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()`))
		return waiting == 1
	})
	var all sync.WaitGroup
	began := time.Now()
	for range 50 {
		all.Go(func() {
			_, err := s.Locations(w.ctx)
			wantUnavailable(t, "who needs places", err, time.Since(began), patience+2*time.Second)
		})
	}
	gone, leave := context.WithCancel(w.ctx)
	leave()
	if _, err := s.Locations(gone); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone: %v", err)
	}
	all.Wait()
	w.must(tx.Rollback())
	w.must(<-read)
	_, err = s.Locations(w.ctx)
	w.must(err)
}

// A location goes from one supplier to another, and nobody has called RefreshPlaces
// yet: what is written from then on is the other's. Parts went to the old one, for good.
func TestPartsGoToWhoseLocationItIs(t *testing.T) {
	w := newWorld(t)
	w.must(w.RefreshPlaces(w.ctx))
	whose := func(what, code string, parts ...redline.OrderPlaceInput) {
		w.exec(`UPDATE locations SET supplier_id = $1 WHERE code = 'cajun'`, w.id["supplier "+code])
		for i, got := range w.placeTogether(w.Store, shop, parts...) {
			w.must(got.err)
			o := w.order(operator, got.id)
			equal(t, fmt.Sprint(what, ": the supplier of order ", i), *w.part(o, "cajun").SupplierID, w.id["supplier "+code])
			equal(t, what+": what is shown at once", *w.part(got.outcome.Order, "cajun").SupplierID, w.id["supplier "+code])
			equal(t, what+": the old one sees it", w.order(cajun, got.id) != nil, code == "cajun")
			equal(t, what+": the new one sees it", w.order(tokyo, got.id) != nil, code == "tokyo")
		}
	}
	from := func() redline.OrderPlaceInput {
		in := wants(line("sauce", 1))
		in.Lines[0].LocationID = ref(w.id["cajun"])
		return in
	}
	whose("alone", "tokyo", from())
	whose("alone, back", "cajun", from())
	whose("together", "tokyo", from(), from(), from())
	named := from()
	named.ExternalReference = ref("web-1")
	whose("with a reference", "cajun", named)

	// What is told of its stock is told to the new one, whose word it is.
	w.exec(`UPDATE locations SET supplier_id = $1 WHERE code = 'cajun'`, w.id["supplier tokyo"])
	w.adjust(operator, "sauce", "cajun", 1)
	var told string
	w.must(w.DB().GetContext(w.ctx, &told, `SELECT payload->>'supplierCode' FROM events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1`,
		w.level("sauce", "cajun").ID))
	equal(t, "who is told of the stock", told, "tokyo")
	w.checkBooks()
}

// Each line that named a location which there isn't cost a look at all places, and
// each change of stock that named one took whatever look was under way.
func TestUnknownLocationsCostOneLook(t *testing.T) {
	w, y := newSpiedWorld(t)
	in := wants()
	for range 50 {
		l := line("sauce", 1)
		l.LocationID = ref(redline.NewID(redline.PrefixLocation))
		in.Lines = append(in.Lines, l)
	}
	looks := func(sent []statement) (n int) {
		for _, s := range sent {
			if strings.Contains(s.text, "FROM locations ORDER BY code") {
				n++
			}
		}
		return n
	}
	sent, _ := y.during(func() {
		_, _, err := w.OrderPlace(w.ctx, shop, in)
		equal(t, "refusals", len(refusals(t, err)), 50)
	})
	equal(t, "looks for an order", looks(sent), 1)

	changes := make([]redline.InventoryChange, 50)
	for i := range changes {
		changes[i] = redline.InventoryChange{
			Stock: redline.StockKey{SKU: ref("sauce"), LocationID: ref(redline.NewID(redline.PrefixLocation))}, State: redline.StateOnHand, Delta: 1,
		}
	}
	sent, _ = y.during(func() {
		_, err := w.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: changes,
		})
		equal(t, "refusals", len(refusals(t, err)), 50)
	})
	equal(t, "looks for an adjustment", looks(sent), 1)
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

// One supplier isn't told how another stands, nor what was agreed with it.
func TestStandingsAreForThoseWhoSpeakForASupplier(t *testing.T) {
	w := newWorld(t)
	w.adjust(tokyo, "tea", "tokyo", 1)
	w.adjust(cajun, "sauce", "cajun", 1)
	ids := []string{w.id["supplier tokyo"], w.id["supplier cajun"]}
	for _, c := range []struct {
		who  redline.Principal
		sees []bool
	}{{operator, []bool{true, true}}, {tokyo, []bool{true, false}}, {cajun, []bool{false, true}}, {shop, []bool{false, false}}, {redline.Anonymous(), []bool{false, false}}} {
		seen, err := w.Standings(w.ctx, c.who, ids)
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
