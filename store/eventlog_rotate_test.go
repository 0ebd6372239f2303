package store_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/lib/pq"

	"redline"
	"redline/internal/pgtest"
	"redline/store"
)

// newLog is a world whose log goes on at id 300,001: ten ids for which there is no
// partition, and then partitions of ten ids each, two of them.
func newLog(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	w.exec(`SELECT setval('events_id', 300000)`)
	equal(t, "how many partitions were made", w.makePartitions(10), 2)
	return w
}

func (w *world) makePartitions(width int) (made int) {
	w.t.Helper()
	w.must(w.DB().GetContext(w.ctx, &made, `SELECT make_event_partitions($1)`, width))
	return made
}

// partitions are the names of the log's partitions, the net last.
func (w *world) partitions() []string {
	w.t.Helper()
	var names []string
	w.must(w.DB().SelectContext(w.ctx, &names, `SELECT name::text FROM event_partitions ORDER BY begins`))
	return names
}

// log writes events, each in a transaction of its own.
func (w *world) log(n int) (ids []int64) {
	w.t.Helper()
	for range n {
		var id int64
		w.must(w.DB().GetContext(w.ctx, &id, `INSERT INTO events (type, subject_id, at, payload)
			VALUES ('order.changed', 'nobody', clock_timestamp(), '{}') RETURNING id`))
		ids = append(ids, id)
	}
	return ids
}

// ageLog makes the events up to an id two hours old.
func (w *world) ageLog(upTo int64) {
	w.t.Helper()
	_, err := w.DB().ExecContext(w.ctx, `UPDATE events SET at = clock_timestamp() - interval '2 hours' WHERE id <= $1`, upTo)
	w.must(err)
}

func (w *world) rotate() int {
	w.t.Helper()
	n, err := w.RotateLog(w.ctx, time.Hour)
	w.must(err)
	return n
}

// between reads all of the log between two positions, in batches.
func (w *world) between(after, upTo int64, limit int) ([]int64, error) {
	var ids []int64
	for {
		batch, err := w.EventsBetween(w.ctx, after, upTo, everyType, limit)
		if err != nil {
			return ids, err
		}
		ids = append(ids, idsOf(batch.Events)...)
		if !batch.More {
			equal(w.t, "where the last batch ends", batch.UpTo, upTo)
			return ids, nil
		}
		if batch.UpTo <= after {
			w.t.Fatalf("a batch behind %d ends at %d", after, batch.UpTo)
		}
		after = batch.UpTo
	}
}

// What is past its time goes, by partitions and out of the net, and the log says from
// where on it is whole; that it is the same log doesn't change.
func TestRotateLog(t *testing.T) {
	w := newLog(t)
	ours := w.follow(w.Store, 300_000)
	epoch, err := ours.log.Epoch(w.ctx)
	w.must(err)
	ids := w.log(35)
	wantIDs(t, "the reader", w.mustNext(ours), ids)
	equal(t, "the partitions", w.partitions(), []string{"events_1", "events_100001", "events_300011", "events_300021"})
	var inNet int
	w.must(w.DB().GetContext(w.ctx, &inNet, `SELECT count(*) FROM events_rest`))
	equal(t, "the events for which there was no partition", inNet, 15)
	equal(t, "what is rotated while all is young but what is empty", w.rotate(), 2)
	equal(t, "what is rotated then", w.rotate(), 0)
	begins, err := w.LogFloor(w.ctx)
	w.must(err)
	equal(t, "where the log begins before anything was dropped", begins, int64(0))

	w.ageLog(ids[14])
	if n := w.rotate(); n != 2 { // the first, and one that is empty
		t.Errorf("%d were dropped", n)
	}
	floor := ids[9] // of the net; the next are in a partition with younger ones
	equal(t, "the partitions", w.partitions()[0], "events_300011")
	begins, err = w.LogFloor(w.ctx)
	w.must(err)
	equal(t, "where the log begins", begins, floor)
	for _, limit := range []int{1, 7, 1000} {
		for i, after := range ids {
			got, err := w.between(after, ids[34], limit)
			if after < floor {
				refused(t, err, redline.CodeCursorExpired, "")
				continue
			}
			w.must(err)
			wantIDs(t, "who goes on", got, ids[i+1:])
		}
	}
	_, err = ours.log.Settled(w.ctx, floor-1, everyType, 100)
	refused(t, err, redline.CodeCursorExpired, "")
	batch, err := ours.log.Settled(w.ctx, floor, everyType, 100)
	w.must(err)
	wantIDs(t, "the follower", idsOf(batch.Events), ids[10:])
	equal(t, "the last id given out", batch.Issued, ids[34])

	// Where nothing is left a reader begins behind what there was.
	w.ageLog(ids[34])
	w.rotate()
	newest, err := ours.log.Newest(w.ctx)
	w.must(err)
	equal(t, "the newest", newest, ids[34])
	batch, err = ours.log.Settled(w.ctx, newest, everyType, 100)
	w.must(err)
	equal(t, "what is behind it", len(batch.Events), 0)
	again, err := ours.log.Epoch(w.ctx)
	w.must(err)
	equal(t, "the epoch", again, epoch)
	last, err := w.LastIssued(w.ctx)
	w.must(err)
	equal(t, "the last id given out", last, ids[34])
}

// Two partitions are kept ready, wide enough for a day.
func TestRotateLogMakesRoom(t *testing.T) {
	w := newWorld(t)
	equal(t, "what is made once the first was begun", w.rotate(), 1)
	equal(t, "what is made where there is room", w.rotate(), 0)
	w.exec(`SELECT setval('events_id', 100000)`)
	equal(t, "what is made where the first ends", w.rotate(), 0)
	id := w.log(1)[0]
	equal(t, "what is made where the second begins", w.rotate(), 1)
	equal(t, "the partitions", w.partitions(), []string{"events_1", "events_100001", "events_200001", "events_300001"})
	var where string
	w.must(w.DB().GetContext(w.ctx, &where, `SELECT tableoid::regclass::text FROM events WHERE id = $1`, id))
	equal(t, "where the event is", where, "events_100001")

	// All but one of 250,000 ids are of the last day.
	w.exec(`UPDATE events SET at = clock_timestamp() - interval '25 hours'`)
	w.exec(`SELECT setval('events_id', 101000)`)
	w.log(1)
	w.exec(`SELECT setval('events_id', 350000)`)
	equal(t, "what is made after a busy day", w.makeRoom(), 2)
	var widths []int
	w.must(w.DB().SelectContext(w.ctx, &widths, `SELECT ends - begins FROM event_partitions WHERE begins > 350000 ORDER BY begins`))
	equal(t, "how wide they are", widths, []int{249_999, 249_999})
}

func (w *world) makeRoom() (made int) {
	w.t.Helper()
	w.must(w.DB().GetContext(w.ctx, &made, `SELECT make_event_partitions()`))
	return made
}

// A transaction that is open on the log isn't waited for longer than writers can be
// held up, and nothing is lost by it.
func TestRotateLogGivesWay(t *testing.T) {
	w := newLog(t)
	ids := w.log(25)
	w.ageLog(ids[24])
	open := w.begin()
	l := w.level("pads", "east")
	open.lock(l)
	held := open.tell(l)
	begin := time.Now()
	n := w.rotate()
	if n != 2 { // those that were made
		t.Errorf("%d were rotated while the log was being written", n)
	}
	t.Logf("giving way took %v", time.Since(begin))
	_, err := w.between(ids[9], ids[24], 100)
	w.must(err)
	w.log(1) // and nobody is in the way of other writers
	open.commit()
	if n := w.rotate(); n != 3 {
		t.Errorf("%d were dropped then", n)
	}
	got, err := w.between(ids[19], held, 100)
	w.must(err)
	wantIDs(t, "who goes on from where a young event keeps the rest", got, append(slices.Clone(ids[20:]), held))

	// Two at once: one does it, and the other nothing.
	lock := w.begin()
	_, err = lock.tx.ExecContext(w.ctx, `LOCK TABLE ONLY events IN SHARE UPDATE EXCLUSIVE MODE`)
	w.must(err)
	w.ageLog(held)
	equal(t, "what is rotated while another does it", w.rotate(), 0)
	lock.rollback()
}

// Whoever reads while partitions are dropped is given all that is behind its cursor,
// or told that it isn't there any more.
func TestEventsBetweenIsNeverPartial(t *testing.T) {
	w := newWorld(t)
	w.exec(`SELECT setval('events_id', 300000)`)
	const wide, parts = 20, 12
	var ids []int64
	for len(ids) < wide*parts {
		w.makePartitions(wide)
		ids = append(ids, w.log(wide)...)
	}
	last := ids[len(ids)-1]
	done := make(chan struct{})
	var reading sync.WaitGroup
	var whole, expired [4]int
	for i := range whole {
		reading.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				from := rand.IntN(len(ids))
				batch, err := w.EventsBetween(w.ctx, ids[from], last, everyType, 1000)
				if e := (*redline.Error)(nil); errors.As(err, &e) && e.Code == redline.CodeCursorExpired {
					expired[i]++
					continue
				}
				if err != nil {
					t.Error(err)
					return
				}
				whole[i]++
				if got := idsOf(batch.Events); !slices.Equal(got, ids[from+1:]) {
					t.Errorf("behind %d it was given %d of %d events", ids[from], len(got), len(ids)-from-1)
					return
				}
			}
		})
	}
	for i := wide - 1; i < len(ids); i += wide {
		w.ageLog(ids[i])
		eventually(t, "what is old is dropped", func() bool {
			w.rotate()
			var left int
			w.must(w.DB().GetContext(w.ctx, &left, `SELECT count(*) FROM event_partitions p, events e
				WHERE e.id >= p.begins AND e.id < p.ends AND e.id <= $1 AND p.ends <= $1`, ids[i]))
			return left == 0
		})
	}
	close(done)
	reading.Wait()
	t.Logf("whole: %v, expired: %v", whole, expired)
	for i := range whole {
		if whole[i] == 0 || expired[i] == 0 {
			t.Errorf("reader %d: %d whole, %d expired: this shows nothing", i, whole[i], expired[i])
		}
	}
}

// Partitions are made while everybody writes, and nobody is refused or lost.
func TestRotateLogWhileItIsWritten(t *testing.T) {
	w := newLog(t)
	ours := w.follow(w.Store, 300_000)
	writeFor, cancel := context.WithTimeout(w.ctx, 3*time.Second)
	defer cancel()
	var writing sync.WaitGroup
	var mu sync.Mutex
	var want []int64
	for range 6 {
		writing.Go(func() {
			for writeFor.Err() == nil {
				var ids []int64
				err := w.DB().SelectContext(w.ctx, &ids, `INSERT INTO events (type, subject_id, at, payload)
					SELECT 'order.changed', 'nobody', clock_timestamp(), '{}' FROM generate_series(1, 3) RETURNING id`)
				if err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				want = append(want, ids...)
				mu.Unlock()
			}
		})
	}
	// Whoever comes first makes them: the function, or the job that calls it.
	before := len(w.partitions())
	for writeFor.Err() == nil {
		w.makePartitions(1000)
		w.rotate()
	}
	writing.Wait()
	// While the net is written to without a pause it may be had by nobody else; then
	// the next run makes them.
	w.makePartitions(1000)
	made := len(w.partitions()) - before
	slices.Sort(want)
	var got []int64
	for {
		ids := w.mustNext(ours)
		if len(ids) == 0 {
			break
		}
		got = append(got, ids...)
	}
	wantIDs(t, "the reader", got, want)
	t.Logf("%d events, %d partitions made", len(want), made)
	if made == 0 {
		t.Error("no partition was made")
	}
}

// Nothing but an hour or more can be asked for, whoever asks; and only a gateway may.
func TestRotateLogIsBounded(t *testing.T) {
	w := newWorld(t)
	_, err := w.RotateLog(w.ctx, time.Hour-time.Second)
	refused(t, err, redline.CodeInvalid, "")
	_, err = w.DB().ExecContext(w.ctx, `SELECT drop_event_partitions('59 minutes')`)
	if pe := (*pq.Error)(nil); !errors.As(err, &pe) || pe.Code != "22023" {
		t.Errorf("under an hour: %v", err)
	}
	s, err := store.Open(w.ctx, w.url+"&role="+pgtest.NewRole(t), store.Options{})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	for _, text := range []string{`SELECT make_event_partitions()`, `SELECT drop_event_partitions('1 day')`} {
		_, err := s.DB().ExecContext(w.ctx, text)
		if pe := (*pq.Error)(nil); !errors.As(err, &pe) || pe.Code != "42501" || !strings.Contains(pe.Message, "function") {
			t.Errorf("%s as anybody: %v", text, err)
		}
	}
}

// One read for catch-up looks at so many ids and no more, and says that there are others.
func TestEventsBetweenLooksAtSoManyIDs(t *testing.T) {
	w := newWorld(t)
	w.exec(`SELECT setval('events_id', 500000)`)
	id := w.log(1)[0]
	batch, err := w.EventsBetween(w.ctx, 1000, id, everyType, 10)
	w.must(err)
	equal(t, "the events of the first look", len(batch.Events), 0)
	equal(t, "where it ends", batch.UpTo, int64(201_000))
	equal(t, "whether there is more", batch.More, true)
	got, err := w.between(1000, id, 10)
	w.must(err)
	wantIDs(t, "who goes on", got, []int64{id})
}

// An event tells of the transaction that it was committed in.
func TestEventsTellTheirTransaction(t *testing.T) {
	w := newWorld(t)
	ours := w.follow(w.Store, 0)
	w.mustNext(ours)
	after := ours.after
	x := w.begin()
	l := w.level("pads", "east")
	xid := x.lock(l)
	x.tell(l)
	x.tell(l)
	x.commit()
	batch, err := ours.log.Settled(w.ctx, after, everyType, 100)
	w.must(err)
	between, err := w.EventsBetween(w.ctx, after, batch.UpTo, everyType, 100)
	w.must(err)
	for who, events := range map[string][]*redline.Event{"Settled": batch.Events, "EventsBetween": between.Events} {
		if len(events) != 2 || events[0].Xid != uint64(xid) || events[1].Xid != uint64(xid) {
			t.Errorf("%s: %d events, not two of transaction %d", who, len(events), xid)
		}
	}
	equal(t, "the last id given out", batch.Issued, batch.UpTo)
}
