package store_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
)

// subject is what an event says of its subject, as the log has it: a list without
// members is the same as none. "" is a conflict that is closed.
func subject(t testing.TB, e *redline.Event) string {
	t.Helper()
	var v any
	switch {
	case e.Level != nil:
		v = []any{e.Level.Level, e.Level.SKU, e.Level.Category, e.Level.LocationCode, e.Level.SupplierID, e.Level.SupplierCode, e.Level.Active}
	case e.Order != nil:
		v = []any{e.Order.Order, e.Order.To}
	case e.Conflict.Conflict.Status != redline.ConflictOpen:
		return ""
	default:
		v = e.Conflict
	}
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(bytes.ReplaceAll(text, []byte(`[]`), []byte(`null`)))
}

func version(e *redline.Event) int {
	switch {
	case e.Level != nil:
		return e.Level.Level.Version
	case e.Order != nil:
		return e.Order.Order.Version
	}
	return e.Conflict.Conflict.Version
}

// subjects are those of a state, by id.
func (w *world) subjects(s *redline.State) map[string]string {
	w.t.Helper()
	out := map[string]string{}
	for i, e := range s.Events {
		if e.ID != 0 || e.Xid != 0 || e.At.IsZero() {
			w.t.Errorf("a subject of a state has the id %d and the transaction %d, at %v", e.ID, e.Xid, e.At)
		}
		if i > 0 && s.Events[i-1].Subject() >= e.Subject() {
			w.t.Errorf("%s comes after %s", e.Subject(), s.Events[i-1].Subject())
		}
		out[e.Subject()] = subject(w.t, e)
	}
	return out
}

// states are the three that there are, as somebody who sees everything reads them.
func (w *world) states() map[string]func() (*redline.State, error) {
	return map[string]func() (*redline.State, error){
		redline.EventLevel: func() (*redline.State, error) { return w.LevelsState(w.ctx, operator, redline.InventoryFilter{}) },
		redline.EventOrder: func() (*redline.State, error) {
			return w.OrdersState(w.ctx, operator, redline.OrderFilter{}, nil)
		},
		redline.EventConflict: func() (*redline.State, error) { return w.ConflictsState(w.ctx, operator) },
	}
}

// oversell has a supplier run out of what is promised and find it again, until ctx ends.
func (w *world) oversell(ctx context.Context) error {
	for ctx.Err() == nil {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{
			{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])},
		}})
		for _, n := range []int{0, 2} {
			_, counted := w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
				{Stock: redline.StockKey{SKU: ref("sauce"), LocationCode: ref("cajun")}, OnHand: 64 * n, Basis: redline.CountBasis{Override: ref(true)}},
			}})
			err = errors.Join(err, counted)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// stateBetween is a state of levels that has seen an event behind the position from, and
// not another whose id was given out before it: its transaction is held at its COMMIT. That
// happens by itself where many write, but not whenever a machine is busy.
func (w *world) stateBetween() (kind string, from int64, s *redline.State) {
	w.t.Helper()
	slow, network := w.behindProxy()
	from, err := w.follow(w.Store, 0).log.Newest(w.ctx)
	w.must(err)
	network.cut.Store(silence)
	held := make(chan error, 1)
	go func() {
		_, err := slow.InventoryAdjust(w.ctx, operator, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonCorrected,
			Changes: []redline.InventoryChange{{Stock: w.at("tea", "tokyo"), State: redline.StateOnHand, Delta: 1}},
		})
		held <- err
	}()
	w.await("a COMMIT to be held", func() bool {
		carries := network.still.TryRLock()
		if carries {
			network.still.RUnlock()
		}
		return !carries
	})
	w.adjust(operator, "sauce", "east", 1)
	kind = redline.EventLevel
	s, err = w.states()[kind]()
	network.still.Unlock()
	w.must(errors.Join(err, <-held))
	return kind, from, s
}

// A state and the events behind it of transactions that it hasn't seen are all that
// there is, and each subject's versions one after another, whoever writes meanwhile.
func TestStateAndLogAreWhole(t *testing.T) {
	w := newWorld(t)
	type taken struct {
		kind string
		from int64
		*redline.State
	}
	kind, from, between := w.stateBetween()
	all := []taken{{kind, from, between}}
	writeFor, cancel := context.WithTimeout(w.ctx, 2*time.Second)
	defer cancel()
	var working sync.WaitGroup
	failed := make([]error, 8)
	for i := range failed {
		working.Go(func() {
			if i == 0 {
				failed[i] = w.oversell(writeFor)
			} else {
				failed[i] = w.stress(writeFor, []string{"pads", "sauce"})
			}
		})
	}
	var mu sync.Mutex
	for kind, state := range w.states() {
		log := w.follow(w.Store, 0)
		working.Go(func() {
			for writeFor.Err() == nil {
				from, err := log.log.Newest(w.ctx)
				if err != nil {
					t.Error(err)
					return
				}
				s, err := state()
				if err != nil {
					t.Error(err)
					return
				}
				if s.UpTo < from {
					t.Errorf("a state is up to %d, and %d was settled before", s.UpTo, from)
				}
				mu.Lock()
				all = append(all, taken{kind, from, s})
				mu.Unlock()
				select {
				case <-time.After(time.Duration(50+rand.IntN(200)) * time.Millisecond):
				case <-writeFor.Done():
				}
			}
		})
	}
	working.Wait()
	w.must(errors.Join(failed...))

	last, err := w.LastIssued(w.ctx)
	w.must(err)
	end := map[string]map[string]string{}
	for kind, state := range w.states() {
		s, err := state()
		w.must(err)
		end[kind] = w.subjects(s)
	}
	skipped, within, changes := 0, 0, 0
	for _, s := range all {
		now, at := w.subjects(s.State), map[string]int{}
		for _, e := range s.Events {
			at[e.Subject()] = version(e)
		}
		for after, more := s.from, true; more; {
			batch, err := w.EventsBetween(w.ctx, after, last, []string{s.kind}, 500)
			w.must(err)
			after, more = batch.UpTo, batch.More
			for _, e := range batch.Events {
				id := e.Subject()
				if s.Seen.Saw(e.Xid) {
					if skipped++; e.ID > s.UpTo {
						t.Errorf("a state up to %d has seen the event %d", s.UpTo, e.ID)
					}
					continue
				}
				if e.ID <= s.UpTo {
					within++
				}
				// What isn't in a state of conflicts may be one that was closed, and begins anywhere.
				if changes++; version(e) != at[id]+1 && (s.kind != redline.EventConflict || at[id] > 0) {
					t.Fatalf("%s has the version %d after %d", id, version(e), at[id])
				}
				at[id] = version(e)
				if now[id] = subject(t, e); now[id] == "" {
					delete(now, id)
				}
			}
		}
		if !reflect.DeepEqual(now, end[s.kind]) {
			for id, want := range end[s.kind] {
				if now[id] != want {
					t.Fatalf("of %s a state and the log say\n%s\nand the table says\n%s", id, now[id], want)
				}
			}
			t.Fatalf("a state and the log have %d subjects, and the table %d", len(now), len(end[s.kind]))
		}
	}
	t.Logf("%d states, %d changes behind them; %d events they had seen, and %d they hadn't though their ids were given out", len(all), changes, skipped, within)
	if skipped == 0 || within == 0 {
		t.Error("nothing was to be told apart: this shows nothing")
	}
	w.checkBooks()
}

// A subject of a state is what the log's last event of it says, and nothing more.
func TestStateIsAsTheLogTells(t *testing.T) {
	w := newWorld(t)
	from, err := w.LastIssued(w.ctx)
	w.must(err)
	o := w.place(shop, line("sauce", 40), line("pads", 2))
	id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}, Customer: redline.CustomerInput{ID: ref("ann"), Name: ref("Ann"), Email: ref("a@example.com")},
		ShipTo: &redline.Address{Lines: []string{"1 Road"}, City: "Town", Country: "US"},
	})
	w.must(err)
	w.must(w.ship(operator, w.part(o, "east")))
	shipped := w.order(operator, o.ID)
	for _, l := range shipped.Lines {
		if l.Shipped > 0 {
			_, _, err := w.ReturnCreate(w.ctx, operator, redline.ReturnCreateInput{
				IdempotencyKey: key(), OrderID: o.ID, Lines: []redline.ReturnLineInput{{OrderLineID: l.ID, Quantity: 1}}})
			w.must(err)
			break
		}
	}
	_, err = w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: redline.StockKey{SKU: ref("sauce"), LocationCode: ref("cajun")}, OnHand: 0, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	w.must(err)
	upTo, err := w.LastIssued(w.ctx)
	w.must(err)
	batch, err := w.EventsBetween(w.ctx, from, upTo, everyType, 1000)
	w.must(err)
	newest := map[string]*redline.Event{}
	for _, e := range batch.Events {
		newest[e.Subject()] = e
	}
	told := map[string]int{}
	for kind, state := range w.states() {
		s, err := state()
		w.must(err)
		for _, e := range s.Events {
			n := newest[e.Subject()]
			if n == nil {
				continue // of before
			}
			told[kind]++
			if got, want := subject(t, e), subject(t, n); got != want {
				t.Errorf("of %s a state says\n%s\nand the log\n%s", e.Subject(), got, want)
			}
			if e.Order == nil {
				continue
			}
			// Nothing is in it that the log doesn't tell.
			text, err := json.Marshal(e.Order)
			w.must(err)
			var again redline.OrderEvent
			w.must(json.Unmarshal(text, &again))
			e.Order.Order.PlacedAt, e.Order.Order.UpdatedAt = e.Order.Order.PlacedAt.UTC(), e.Order.Order.UpdatedAt.UTC()
			if !reflect.DeepEqual(*e.Order, again) {
				t.Errorf("of order %s more is told than\n%s", e.Subject(), text)
			}
			for _, f := range e.Order.Order.FulfillmentOrders {
				if f.SupplierCode != nil && !slices.Contains(e.Order.Suppliers, *f.SupplierCode) {
					t.Errorf("order %s doesn't concern %s", e.Subject(), *f.SupplierCode)
				}
			}
		}
	}
	if told[redline.EventLevel] < 3 || told[redline.EventOrder] != 2 || told[redline.EventConflict] != 1 {
		t.Errorf("compared were %v", told)
	}
	one, err := w.OrdersState(w.ctx, shop, redline.OrderFilter{}, []string{id})
	w.must(err)
	equal(t, "the one that was asked for", len(one.Events), 1)
}

// A state has what the lists have, whoever asks and for whatever.
func TestStateHasWhatTheListsHave(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("sauce", 40), line("pads", 2))
	w.place(rival, line("tea", 2))
	_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}, Customer: redline.CustomerInput{ID: ref("ann")},
	})
	w.must(err)
	_, err = w.InventorySet(w.ctx, cajun, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
		{Stock: redline.StockKey{SKU: ref("sauce"), LocationCode: ref("cajun")}, OnHand: 0, Basis: redline.CountBasis{Override: ref(true)}},
	}})
	w.must(err)
	same := func(what string, s *redline.State, err error, want []string) {
		t.Helper()
		w.must(err)
		got := []string{}
		for _, e := range s.Events {
			got = append(got, e.Subject())
		}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: the state has %v, and the list %v", what, got, want)
		}
	}
	total := map[string]int{}
	for who, p := range map[string]redline.Principal{
		"anybody": redline.Anonymous(), "shop": shop, "rival": rival, "buyer": buyer, "cajun": cajun, "tokyo": tokyo, "operator": operator,
	} {
		for i, f := range []redline.InventoryFilter{
			{}, {ProductIDs: []string{w.id["sauce"], w.id["tea"]}}, {Skus: []string{"pads"}}, {LocationIDs: []string{w.id["east"]}}, {ProductIDs: []string{}},
			{SupplierID: ref(w.id["supplier cajun"])}, {Category: []string{"Brakes", "Drinks"}}, {LowOnly: ref(true)}, {StaleOnly: ref(true)},
		} {
			page, err := w.Levels(w.ctx, p, f, redline.PageRequest{})
			w.must(err)
			var ids []string
			for _, l := range page.Items {
				ids = append(ids, l.ID)
			}
			total["levels"] += len(ids)
			s, err := w.LevelsState(w.ctx, p, f)
			same(fmt.Sprint("levels for ", who, " by filter ", i), s, err, ids)
		}
		for i, f := range []redline.OrderFilter{
			{}, {Statuses: []redline.OrderStatus{redline.OrderPending}}, {CustomerID: ref("ann")}, {SupplierID: ref(w.id["supplier cajun"])},
			{ProductID: ref(w.id["tea"])}, {PlacedFrom: ref(time.Now().Add(-time.Hour))}, {Search: ref("100001")},
		} {
			page, err := w.Orders(w.ctx, p, f, redline.OrderSort{}, redline.PageRequest{}, redline.OrderParts{})
			w.must(err)
			var ids []string
			for _, o := range page.Items {
				ids = append(ids, o.ID)
			}
			total["orders"] += len(ids)
			s, err := w.OrdersState(w.ctx, p, f, nil)
			same(fmt.Sprint("orders for ", who, " by filter ", i), s, err, ids)
			s, err = w.OrdersState(w.ctx, p, f, append(slices.Clone(ids), "ord_x"))
			same(fmt.Sprint("orders for ", who, " by ids and filter ", i), s, err, ids)
			s, err = w.OrdersState(w.ctx, p, f, []string{})
			same(fmt.Sprint("no orders for ", who), s, err, nil)
		}
		page, err := w.Conflicts(w.ctx, p, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
		w.must(err)
		var ids []string
		for _, c := range page.Items {
			ids = append(ids, c.ID)
		}
		total["conflicts"] += len(ids)
		s, err := w.ConflictsState(w.ctx, p)
		same("conflicts for "+who, s, err, ids)
	}
	t.Log(total)
	if total["conflicts"] != 2 {
		t.Errorf("%d conflicts were seen, by cajun and operator", total["conflicts"])
	}

	w.exec(`UPDATE products SET active = false WHERE sku = 'tea'`)
	s, err := w.AvailabilityState(w.ctx, redline.InventoryFilter{ProductIDs: []string{w.id["pads"], w.id["tea"]}})
	w.must(err)
	equal(t, "what is on sale of pads and tea", len(s.Events), 2)
	for _, e := range s.Events {
		if e.Level.SKU != "pads" || !e.Level.Active {
			t.Errorf("%+v is on sale", e.Level)
		}
	}
}

// A state has so many subjects, and not one more.
func TestStateIsBounded(t *testing.T) {
	t.Parallel()
	w, _ := newLargeWorld(t)
	s, err := w.LevelsState(w.ctx, operator, redline.InventoryFilter{})
	w.must(err)
	equal(t, "all levels", len(s.Events), 50_000)
	w.exec(`INSERT INTO inventory_levels (id, product_id, location_id, as_of) SELECT 'lvl_x', p.id, l.id, now() FROM products p, locations l
		WHERE NOT EXISTS (SELECT FROM inventory_levels v WHERE (v.product_id, v.location_id) = (p.id, l.id)) LIMIT 1`)
	_, err = w.LevelsState(w.ctx, operator, redline.InventoryFilter{})
	refused(t, err, redline.CodeInvalid, "filter")
	_, err = w.OrdersState(w.ctx, operator, redline.OrderFilter{}, nil)
	refused(t, err, redline.CodeInvalid, "filter")
	begin := time.Now()
	s, err = w.OrdersState(w.ctx, operator, redline.OrderFilter{PlacedFrom: ref(time.Now().Add(-7000 * 10 * time.Minute))}, nil)
	w.must(err)
	t.Logf("%d orders took %v", len(s.Events), time.Since(begin))
	if len(s.Events) < 6990 || len(s.Events) > 7000 {
		t.Errorf("of seven weeks there are %d orders", len(s.Events))
	}
}

// So many states are read at once, and who comes then waits for one of them to be done.
func TestStatesTakeTurns(t *testing.T) {
	w := newWorld(t)
	lock := w.begin()
	_, err := lock.tx.ExecContext(w.ctx, `LOCK TABLE inventory_levels IN ACCESS EXCLUSIVE MODE`)
	w.must(err)
	var reading sync.WaitGroup
	for range 3 {
		reading.Go(func() {
			if _, err := w.LevelsState(w.ctx, operator, redline.InventoryFilter{}); err != nil {
				t.Error(err)
			}
		})
	}
	eventually(t, "three wait for the table", func() bool {
		var n int
		w.must(w.DB().GetContext(w.ctx, &n, `SELECT count(*) FROM pg_locks WHERE relation = 'inventory_levels'::regclass AND NOT granted`))
		return n == 3
	})
	short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	_, err = w.ConflictsState(short, operator)
	refused(t, err, redline.CodeUnavailable, "")
	if !strings.Contains(fmt.Sprint(errors.Unwrap(err)), "waiting for others") {
		t.Errorf("the fourth failed with %v", errors.Unwrap(err))
	}
	lock.rollback()
	reading.Wait()
	_, err = w.ConflictsState(w.ctx, operator)
	w.must(err)
}
