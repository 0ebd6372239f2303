package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
	"redline/internal/pgtest"
	"redline/store"
)

// eventually waits until something is so.
func eventually(t testing.TB, what string, is func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	end := time.NewTimer(time.Minute)
	defer end.Stop()
	for !is() {
		select {
		case <-tick.C:
		case <-end.C:
			t.Fatalf("it never came to be: %s", what)
		}
	}
}

// everyType are all types of events.
var everyType = []string{redline.EventLevel, redline.EventOrder, redline.EventConflict, redline.EventPlaces}

// follower reads a log from a position on.
type follower struct {
	log   *store.EventLog
	after int64
}

func (w *world) follow(s *store.Store, after int64) *follower {
	w.t.Helper()
	f := &follower{log: s.EventLog(), after: after}
	w.t.Cleanup(func() { _ = f.log.Close() })
	return f
}

// next reads what is settled behind the last event read.
func (f *follower) next(ctx context.Context, limit int) ([]int64, error) {
	batch, err := f.log.Settled(ctx, f.after, everyType, limit)
	if err != nil {
		return nil, err
	}
	f.after = batch.UpTo
	return idsOf(batch.Events), nil
}

func idsOf(events []*redline.Event) []int64 {
	ids := []int64{}
	for _, e := range events {
		ids = append(ids, e.ID)
	}
	return ids
}

// mustNext is next where nothing is in the way.
func (w *world) mustNext(f *follower) []int64 {
	w.t.Helper()
	ids, err := f.next(w.ctx, 100)
	w.must(err)
	return ids
}

// wantIDs compares what a reader was given.
func wantIDs(t *testing.T, who string, got, want []int64) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s was given the events %v, not %v", who, got, want)
	}
}

// writer is a transaction that writes as the store does, step by step: it locks
// a row first and then tells of it.
type writer struct {
	w  *world
	tx *sqlx.Tx
}

func (w *world) begin() *writer {
	w.t.Helper()
	tx, err := w.DB().BeginTxx(w.ctx, nil)
	w.must(err)
	w.t.Cleanup(func() { _ = tx.Rollback() })
	return &writer{w, tx}
}

// lock locks a level and returns the transaction's id, which this gives it.
func (x *writer) lock(l *redline.InventoryLevel) int64 {
	x.w.t.Helper()
	x.get(new(string), `SELECT id FROM inventory_levels WHERE id = $1 FOR NO KEY UPDATE`, l.ID)
	var xid int64
	x.get(&xid, `SELECT pg_current_xact_id()::text::bigint`)
	return xid
}

// tell writes an event of a level and returns its id.
func (x *writer) tell(l *redline.InventoryLevel) int64 {
	x.w.t.Helper()
	payload, err := json.Marshal(redline.LevelEvent{Level: *l})
	x.w.must(err)
	var id int64
	x.get(&id, `INSERT INTO events (type, subject_id, at, payload) VALUES ($1, $2, clock_timestamp(), $3) RETURNING id`,
		redline.EventLevel, l.ID, string(payload))
	return id
}

func (x *writer) get(dest any, text string, args ...any) {
	x.w.t.Helper()
	x.w.must(x.tx.GetContext(x.w.ctx, dest, text, args...))
}

func (x *writer) commit()   { x.w.t.Helper(); x.w.must(x.tx.Commit()) }
func (x *writer) rollback() { x.w.t.Helper(); x.w.must(x.tx.Rollback()) }

// unsound is another way to follow the log, that doesn't work.
type unsound struct {
	w    *world
	text string
	xid  int64
	id   int64
}

// naive goes on from the highest id that it has seen.
func (w *world) naive(after int64) *unsound {
	return &unsound{w: w, id: after, text: `SELECT id, xid::text::bigint AS xid FROM events WHERE id > $2 AND $1::bigint IS NOT NULL ORDER BY id`}
}

// fenced goes by (xid, id), up to the oldest transaction that is still running.
func (w *world) fenced(after int64) *unsound {
	r := &unsound{w: w, id: after, text: `SELECT id, xid::text::bigint AS xid FROM events
		WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) AND (xid::text::bigint, id) > ($1, $2) ORDER BY xid, id`}
	w.must(w.DB().GetContext(w.ctx, &r.xid, `SELECT xid::text::bigint FROM events WHERE id = $1`, after))
	return r
}

// windowed goes by windows of xids, from one such fence to the next, and by id
// within each.
func (w *world) windowed() *unsound {
	r := &unsound{w: w, text: `SELECT id, (pg_snapshot_xmin(pg_current_snapshot())::text::bigint - 1) AS xid FROM events
		WHERE xid < pg_snapshot_xmin(pg_current_snapshot()) AND xid::text::bigint > $1 AND $2::bigint IS NOT NULL ORDER BY id`}
	w.must(w.DB().GetContext(w.ctx, &r.xid, `SELECT coalesce(max(xid::text::bigint), 0) FROM events`))
	return r
}

// next reads on.
func (r *unsound) next() []int64 {
	r.w.t.Helper()
	var rows []struct{ ID, XID int64 }
	r.w.must(r.w.DB().SelectContext(r.w.ctx, &rows, r.text, r.xid, r.id))
	ids := []int64{}
	for _, row := range rows {
		ids = append(ids, row.ID)
		r.id, r.xid = row.ID, row.XID
	}
	return ids
}

// xmin is the fence: the oldest transaction that is running, in the cluster.
func (w *world) xmin() int64 {
	w.t.Helper()
	var x int64
	w.must(w.DB().GetContext(w.ctx, &x, `SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint`))
	return x
}

// Three transactions that overlap, as any three may, are enough to break what
// other cursors do:
//
//	early   begins ......................... tells v2 of row, commits
//	open            begins, tells of other ............................ commits
//	late                     tells v1 of row, commits
//
// By id it is: other, v1, v2. By xid it is: early's v2, other, late's v1.
func TestEventLogOfThreeTransactions(t *testing.T) {
	w := newWorld(t)
	row, other, own := w.level("pads", "east"), w.level("tea", "tokyo"), w.level("sauce", "east")
	ours := w.follow(w.Store, 0)
	start := w.mustNext(ours)
	newest := start[len(start)-1]
	naive, fenced, windowed := w.naive(newest), w.fenced(newest), w.windowed()

	early, open, late := w.begin(), w.begin(), w.begin()
	early.lock(own) // its place among the xids
	fence := open.lock(other)
	idOther := open.tell(other)
	late.lock(row)
	v1 := late.tell(row)
	late.commit()
	early.lock(row)
	v2 := early.tell(row)
	early.commit()
	if idOther > v1 || v1 > v2 {
		t.Fatalf("the ids are %d, %d and %d: the sequence gives them in the order of asking", idOther, v1, v2)
	}
	// Other tests share the cluster, and with it the fence.
	eventually(t, "the open transaction is the oldest", func() bool { return w.xmin() == fence })

	gotNaive, gotFenced, gotWindowed := naive.next(), fenced.next(), windowed.next()
	short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	if ids, err := ours.next(short, 100); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("while a writer is at work the log was settled: %v, %v", ids, err)
	}
	open.commit()
	eventually(t, "all three are behind the fence", func() bool { return w.xmin() > late.xidOf(v1) })

	want := []int64{idOther, v1, v2}
	wantIDs(t, "our reader", w.mustNext(ours), want)
	wantIDs(t, "our reader, a second time,", w.mustNext(ours), []int64{})
	wantIDs(t, "a new reader", w.mustNext(w.follow(w.Store, newest)), want)

	// The traps are real: one event lost, and two of one row swapped.
	wantIDs(t, "the naive reader", append(gotNaive, naive.next()...), []int64{v1, v2})
	wantIDs(t, "the reader behind a fence", append(gotFenced, fenced.next()...), []int64{v2, idOther, v1})
	wantIDs(t, "the reader of windows", append(gotWindowed, windowed.next()...), []int64{v2, idOther, v1})
}

// xidOf is the id of the transaction that wrote an event.
func (x *writer) xidOf(id int64) int64 {
	x.w.t.Helper()
	var xid int64
	x.w.must(x.w.DB().GetContext(x.w.ctx, &xid, `SELECT xid::text::bigint FROM events WHERE id = $1`, id))
	return xid
}

// A transaction left open in another database of the cluster holds every fence
// back, but not us.
func TestEventLogAndAnotherDatabase(t *testing.T) {
	w := newWorld(t)
	ours := w.follow(w.Store, 0)
	start := w.mustNext(ours)
	fenced := w.fenced(start[len(start)-1])

	elsewhere, err := sqlx.ConnectContext(w.ctx, "postgres", pgtest.New(t))
	w.must(err)
	t.Cleanup(func() { _ = elsewhere.Close() })
	left, err := elsewhere.BeginTxx(w.ctx, nil)
	w.must(err)
	t.Cleanup(func() { _ = left.Rollback() })
	_, err = left.ExecContext(w.ctx, `CREATE TABLE events (id bigint); INSERT INTO events VALUES (1)`)
	w.must(err)
	var xid int64
	w.must(left.GetContext(w.ctx, &xid, `SELECT pg_current_xact_id()::text::bigint`))

	l := w.level("pads", "east")
	var told []int64
	var last int64
	for range 3 {
		x := w.begin()
		last = x.lock(l)
		told = append(told, x.tell(l))
		x.commit()
	}
	soon, cancel := context.WithTimeout(w.ctx, 10*time.Second)
	defer cancel()
	got, err := ours.next(soon, 100)
	w.must(err)
	wantIDs(t, "our reader", got, told)
	if fence := w.xmin(); fence > xid {
		t.Errorf("the fence is at %d, past the open transaction %d", fence, xid)
	}
	wantIDs(t, "the reader behind a fence", fenced.next(), []int64{})
	w.must(left.Rollback())
	eventually(t, "the fence moves on", func() bool { return w.xmin() > last })
	wantIDs(t, "the reader behind a fence, in the end,", fenced.next(), told)
}

// A transaction left open on the log holds it back; what begins later doesn't.
func TestEventLogWaitsForWriters(t *testing.T) {
	w := newWorld(t)
	spied, y := openSpied(t, w.ctx, w.url)
	ours := w.follow(spied, 0)
	w.mustNext(ours)
	a, b := w.level("pads", "east"), w.level("tea", "tokyo")

	open := w.begin()
	open.lock(a)
	first := open.tell(a)
	later := w.begin()
	later.lock(b)
	second := later.tell(b)
	later.commit()

	short, cancel := context.WithTimeout(w.ctx, 50*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := ours.next(short, 100)
	if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "writers of the event log") {
		t.Errorf("it isn't said what was waited for: %v", err)
	}
	if read := ours.log.LastRead(); read.Before(began) {
		t.Errorf("a log that is held back answers nevertheless: last at %v, and it was asked from %v on", read, began)
	}
	if newest, err := w.follow(spied, 0).log.Newest(short); err == nil {
		t.Errorf("the newest settled event was %d while an older one was being written", newest)
	}

	// A reader that waits is not held back by those who begin meanwhile.
	looks := make(chan struct{}, 100)
	y.waitsFor("virtualtransaction", func() {
		select {
		case looks <- struct{}{}:
		default:
		}
	})
	type answer struct {
		ids []int64
		err error
	}
	answers := make(chan answer, 1)
	go func() {
		ids, err := ours.next(w.ctx, 100)
		answers <- answer{ids, err}
	}()
	look := func() {
		t.Helper()
		select {
		case got := <-answers:
			t.Fatalf("the reader didn't wait: %v", got)
		case <-looks:
		}
	}
	look()
	look() // at the second look the writers to wait for are known
	third := w.begin()
	third.lock(b)
	idThird := third.tell(b)
	look()
	open.commit()
	got := <-answers
	w.must(got.err)
	wantIDs(t, "the reader that waited", got.ids, []int64{first, second})
	third.commit()
	wantIDs(t, "the reader, then,", w.mustNext(ours), []int64{idThird})
}

// What was rolled back leaves gaps, and nothing waits for them.
func TestEventLogPassesOverWhatWasRolledBack(t *testing.T) {
	w := newWorld(t)
	spied, y := openSpied(t, w.ctx, w.url)
	ours := w.follow(spied, 0)
	w.mustNext(ours)
	l := w.level("pads", "east")
	var told []int64
	for i := range 6 {
		x := w.begin()
		x.lock(l)
		id := x.tell(l)
		if i%2 == 0 {
			x.rollback()
			continue
		}
		x.commit()
		told = append(told, id)
	}
	wantIDs(t, "the reader", w.mustNext(ours), told)
	x := w.begin()
	x.lock(l)
	last := x.tell(l)
	x.rollback()
	wantIDs(t, "the reader of a log whose newest id was rolled back", w.mustNext(ours), []int64{})
	if ours.after < last {
		t.Errorf("the position is %d, and %d is settled too", ours.after, last)
	}
	sent, trips := y.during(func() { w.mustNext(ours) })
	if len(sent) != 1 || trips != 1 {
		t.Errorf("looking at a log that stands still took %d statements in %d round trips: %v", len(sent), trips, sent)
	}
	newest, err := ours.log.Newest(w.ctx)
	w.must(err)
	if newest != told[len(told)-1] {
		t.Errorf("the newest event is %d, not %d", newest, told[len(told)-1])
	}
}

// A batch ends where it has to, and the next goes on there.
func TestEventLogInBatches(t *testing.T) {
	w := newWorld(t)
	all := w.mustNext(w.follow(w.Store, 0))
	var stored []int64
	w.must(w.DB().SelectContext(w.ctx, &stored, `SELECT id FROM events ORDER BY id`))
	wantIDs(t, "the reader", all, stored)
	for limit := 1; limit <= len(all)+1; limit++ {
		f := w.follow(w.Store, 0)
		var got []int64
		for {
			ids, err := f.next(w.ctx, limit)
			w.must(err)
			if len(ids) > limit {
				t.Errorf("asked for %d events, it gave %d", limit, len(ids))
			}
			if len(ids) == 0 {
				break
			}
			got = append(got, ids...)
		}
		wantIDs(t, "the reader of batches", got, all)
		w.must(f.log.Close())
	}
}

// One look costs one round trip while the log stands still, three where there
// is something new, and each is over at once.
func TestEventLogCost(t *testing.T) {
	w := newWorld(t)
	spied, y := openSpied(t, w.ctx, w.url)
	ours := w.follow(spied, 0)
	w.mustNext(ours)
	const looks = 200
	begin := time.Now()
	sent, trips := y.during(func() {
		for range looks {
			w.mustNext(ours)
		}
	})
	t.Logf("a look at a log that stands still: %v", time.Since(begin)/looks)
	if len(sent) != looks || trips != looks {
		t.Errorf("%d looks at a log that stands still took %d statements in %d round trips", looks, len(sent), trips)
	}
	l := w.level("pads", "east")
	var spent time.Duration
	for range looks {
		x := w.begin()
		x.lock(l)
		id := x.tell(l)
		x.commit()
		sent, trips = y.during(func() {
			begin := time.Now()
			wantIDs(t, "the reader", w.mustNext(ours), []int64{id})
			spent += time.Since(begin)
		})
		if len(sent) != 3 || trips != 3 {
			t.Fatalf("a look that finds an event took %d statements in %d round trips: %v", len(sent), trips, sent)
		}
	}
	t.Logf("a look that finds an event: %v", spent/looks)
}
