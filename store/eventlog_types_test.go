package store_test

import (
	"crypto/rand"
	"encoding/json"
	"strings"
	"testing"

	"redline"
)

// Of events that nobody asks for a reader learns where they end, and no more.
func TestEventLogOfTypes(t *testing.T) {
	w := newWorld(t)
	x := w.begin()
	l := w.level("pads", "east")
	x.lock(l)
	first := x.tell(l)
	x.commit()
	_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{line("tea", 1)}})
	w.must(err)
	w.exec(`UPDATE locations SET name = 'Far' WHERE code = 'east'`)
	var all []struct {
		ID   int64
		Type string
	}
	w.must(w.DB().SelectContext(w.ctx, &all, `SELECT id, type FROM events WHERE id >= $1 ORDER BY id`, first))
	newest := all[len(all)-1].ID

	log := w.follow(w.Store, 0).log
	for _, types := range [][]string{nil, {}, {redline.EventLevel}, {redline.EventOrder}, {redline.EventPlaces}, {redline.EventOrder, redline.EventPlaces}, everyType} {
		var want []int64
		for _, e := range all {
			for _, of := range types {
				if e.Type == of {
					want = append(want, e.ID)
				}
			}
		}
		batch, err := log.Settled(w.ctx, first-1, types, 100)
		w.must(err)
		wantIDs(t, "who asks for "+strings.Join(types, " and "), idsOf(batch.Events), want)
		if batch.Newest != newest || batch.UpTo < newest || batch.More {
			t.Errorf("for %v the newest is %d up to %d, more %t; the log's is %d", types, batch.Newest, batch.UpTo, batch.More, newest)
		}
		for i, e := range batch.Events {
			if (e.Level != nil) == (e.Order != nil) && e.Kept == "" || e.At.IsZero() {
				t.Errorf("event %d of %v is %+v", i, types, e)
			}
		}
		if len(want) < 2 {
			continue
		}
		batch, err = log.Settled(w.ctx, first-1, types, 1)
		w.must(err)
		if len(batch.Events) != 1 || !batch.More || batch.UpTo != want[0] || batch.Newest != want[0] {
			t.Errorf("one of %v is %d events up to %d, the newest %d, more %t", types, len(batch.Events), batch.UpTo, batch.Newest, batch.More)
		}
	}
}

// Large events come a few at a time, and one that is larger than any batch alone.
func TestEventLogOfLargeEvents(t *testing.T) {
	w := newWorld(t)
	ours := w.follow(w.Store, 0)
	w.mustNext(ours)
	const mega = 1 << 20
	var told []int64
	for _, size := range []int{mega / 3, mega / 3, mega / 3, mega / 3, mega / 3, 3 * mega, 3 * mega, 10} {
		random := make([]byte, size*3/4)
		_, err := rand.Read(random)
		w.must(err)
		payload, err := json.Marshal(map[string]any{"sku": random}) // what compresses badly
		w.must(err)
		var id int64
		w.must(w.DB().GetContext(w.ctx, &id, `INSERT INTO events (type, subject_id, at, payload) VALUES ($1, 'large', clock_timestamp(), $2) RETURNING id`,
			redline.EventLevel, string(payload)))
		told = append(told, id)
	}
	var got []int64
	var sizes []int
	for more := true; more; {
		batch, err := ours.log.Settled(w.ctx, ours.after, everyType, 100)
		w.must(err)
		got, sizes = append(got, idsOf(batch.Events)...), append(sizes, len(batch.Events))
		ours.after, more = batch.UpTo, batch.More
	}
	wantIDs(t, "the reader", got, told)
	if len(sizes) != 4 || sizes[0] > 4 {
		t.Errorf("it was given batches of %v events", sizes)
	}
}

// Whoever changes what gateways keep of suppliers and locations writes an event.
func TestEventLogTellsOfPlaces(t *testing.T) {
	w := newWorld(t)
	ours := w.follow(w.Store, 0)
	w.mustNext(ours)
	tells := func(statement string, want int) {
		t.Helper()
		w.exec(statement)
		batch, err := ours.log.Settled(w.ctx, ours.after, everyType, 100)
		w.must(err)
		ours.after = batch.UpTo
		for _, e := range batch.Events {
			if e.Type() != redline.EventPlaces {
				t.Errorf("%s: told of %+v", statement, e)
			}
		}
		if len(batch.Events) != want {
			t.Errorf("%s: told of %d times", statement, len(batch.Events))
		}
	}
	tells(`INSERT INTO suppliers (id, code, name) VALUES ('sup_x', 'x', 'X'), ('sup_y', 'y', 'Y')`, 1)
	tells(`UPDATE suppliers SET last_seen_at = now()`, 0)
	tells(`UPDATE suppliers SET name = 'Z', last_seen_at = now() WHERE code = 'x'`, 1)
	tells(`UPDATE suppliers SET code = 'z' WHERE code = 'x'`, 1)
	tells(`INSERT INTO locations (id, code, name, kind, supplier_id) VALUES ('loc_x', 'x', 'X', 'SUPPLIER', 'sup_x')`, 1)
	tells(`UPDATE locations SET lead_time_days = 4 WHERE code = 'x'`, 1)
	tells(`DELETE FROM locations WHERE code = 'x'`, 1)
	tells(`DELETE FROM suppliers WHERE code IN ('y', 'z')`, 1)
	tells(`SELECT 1`, 0)
	// With another idea of where tables are.
	tells(`SET search_path = pg_temp; UPDATE public.locations SET name = 'Garden'; RESET search_path`, 1)
}
