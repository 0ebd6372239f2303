package store_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"redline"
	"redline/store"
)

// raceExpiry lets an act on each of many reservations race against their time, a
// sweep, and others who want their stock. Each either ends as the act would have it
// or is expired, and what it held is given back or taken over once.
func (w *world) raceExpiry(t *testing.T, act func(id string) error, won redline.ReservationStatus) {
	t.Helper()
	w.adjust(operator, "tea", "tokyo", 100)
	ids := make([]string, 24)
	for i := range ids {
		ids[i] = w.reserve(shop, line("tea", 4))
	}
	w.exec(`UPDATE reservations SET expires_at = clock_timestamp() + random() * interval '60 milliseconds'`)
	errs := atOnce(len(ids)+4, func(i int) error {
		switch i - len(ids) {
		case 0, 1:
			_, err := w.ExpireReservations(w.ctx)
			return err
		case 2, 3:
			_, _, err := w.OrderPlace(w.ctx, rival, redline.OrderPlaceInput{
				IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{line("tea", 40)},
			})
			return err
		}
		return act(ids[i])
	})
	for _, err := range errs[len(ids):] {
		w.must(err)
	}
	w.checkBooks()
	for i, id := range ids {
		if status := w.reservation(shop, id).Status; errs[i] == nil {
			equal(t, "what won", status, won)
		} else {
			refused(t, errs[i], redline.CodeReservationExpired, "reservationId")
			equal(t, "what lost", status, redline.ReservationExpired)
		}
	}
	_, err := w.ExpireReservations(w.ctx)
	w.must(err)
	w.checkBooks()
}

func TestExpireAgainstCommit(t *testing.T) {
	w := newWorld(t)
	w.raceExpiry(t, func(id string) error { _, err := w.takeOver(shop, id); return err }, redline.ReservationCommitted)
}

func TestExpireAgainstExtend(t *testing.T) {
	w := newWorld(t)
	w.raceExpiry(t, func(id string) error { return w.extend(shop, id) }, redline.ReservationActive)
}

func TestExpireAgainstRelease(t *testing.T) {
	w := newWorld(t)
	w.raceExpiry(t, func(id string) error { return w.letGo(shop, id) }, redline.ReservationReleased)
}

// An order that has begun to take a reservation over before its time came gets it,
// whoever else wants the stock meanwhile.
func TestAnOrderThatIsTakingOverWinsAgainstTheClock(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 20))
	w.exec(`UPDATE reservations SET expires_at = clock_timestamp() + interval '2 seconds'`)
	wanting := make(chan error, 1)
	s := w.spied("UPDATE reservations", func() {
		w.await("its time to come", func() bool { return w.reservation(shop, id).Status == redline.ReservationExpired })
		n, err := w.ExpireReservations(w.ctx)
		if n != 0 || err != nil {
			t.Errorf("a sweep expired %d that were at work: %v", n, err)
		}
		go func() {
			_, _, err := w.OrderPlace(w.ctx, rival, wants(line("tea", 20)))
			wanting <- err
		}()
	})
	_, _, err := s.OrderPlace(w.ctx, shop, takesOver(id))
	w.must(err)
	refused(t, <-wanting, redline.CodeInsufficientStock, "lines.0.quantity")
	equal(t, "the reservation", w.reservation(shop, id).Status, redline.ReservationCommitted)
	w.checkBooks()
}

func TestReleaseTwice(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("pads", 12))
	released := 0
	for _, err := range atOnce(8, func(int) error { return w.letGo(shop, id) }) {
		if err == nil {
			released++
			continue
		}
		refused(t, err, redline.CodeInvalidTransition, "reservationId")
	}
	equal(t, "released", released, 1)
	equal(t, "the ledger", len(w.ledger("pads", "east")), 2)
	w.checkBooks()
}

func TestTwoOrdersTakeOneReservationOver(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("pads", 12))
	placed := 0
	for _, err := range atOnce(8, func(int) error { _, err := w.takeOver(shop, id); return err }) {
		if err == nil {
			placed++
			continue
		}
		refused(t, err, redline.CodeInvalidTransition, "reservationId")
	}
	equal(t, "placed", placed, 1)
	equal(t, "committed", w.level("pads", "east").Committed+w.level("pads", "west").Committed, 12)
	w.checkBooks()
}

func TestCommitAgainstRelease(t *testing.T) {
	w := newWorld(t)
	for range 8 {
		id := w.reserve(shop, line("tea", 2))
		errs := atOnce(2, func(i int) error {
			if i == 0 {
				_, err := w.takeOver(shop, id)
				return err
			}
			return w.letGo(shop, id)
		})
		equal(t, "whether one won", (errs[0] == nil) != (errs[1] == nil), true)
		equal(t, "how it ended", w.reservation(shop, id).Status == redline.ReservationCommitted, errs[0] == nil)
		for _, err := range errs {
			if err != nil {
				refused(t, err, redline.CodeInvalidTransition, "reservationId")
			}
		}
	}
	w.checkBooks()
}

func TestTwoGatewaysExpireAtOnce(t *testing.T) {
	w := newWorld(t)
	other, err := store.Open(w.ctx, w.url, store.Options{StatementTimeout: patience, Patience: patience})
	w.must(err)
	t.Cleanup(func() { _ = other.Close() })
	ids := make([]string, 14)
	for i := range ids {
		ids[i] = w.reserve(shop, line("pads", 1), line("sauce", 1))
	}
	w.endTime(ids...)
	counts := make([]int, 6)
	for _, err := range atOnce(len(counts), func(i int) (err error) {
		counts[i], err = []*store.Store{w.Store, other}[i%2].ExpireReservations(w.ctx)
		return err
	}) {
		w.must(err)
	}
	total := 0
	for _, n := range counts {
		total += n
	}
	last, err := w.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "expired in all", total+last, len(ids))
	w.checkBooks()
}

// A gateway that has seen that a reservation is due finds that another was quicker.
func TestAnotherGatewayExpiresFirst(t *testing.T) {
	w := newWorld(t)
	w.endTime(w.reserve(shop, line("tea", 20)))
	s := w.spied("WITH due AS", func() {
		n, err := w.ExpireReservations(w.ctx)
		if n != 1 || err != nil {
			t.Errorf("the other expired %d: %v", n, err)
		}
	})
	n, err := s.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "what is left to expire", n, 0)

	// The same where it is on the way to placing an order.
	w.endTime(w.reserve(shop, line("tea", 20)))
	s = w.spied("WITH due AS", func() { _, _ = w.ExpireReservations(w.ctx) })
	_, _, err = s.OrderPlace(w.ctx, rival, wants(line("tea", 20)))
	w.must(err)
	w.checkBooks()
}

// A regression: those who came upon the same reservations were refused UNAVAILABLE
// once others had released them first time after time.
func TestManyDecideWhileReservationsLapse(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "tea", "tokyo", 1000)
	const carts, callers, each = 150, 16, 8
	for range carts {
		w.reserve(shop, line("tea", 1))
	}
	w.exec(`UPDATE reservations r SET expires_at = clock_timestamp() + n * interval '4 milliseconds'
		FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM reservations) AS o WHERE o.id = r.id`)
	for i, err := range atOnce(callers, func(i int) error {
		for range each {
			if i%4 == 0 {
				if _, _, err := w.OrderPlace(w.ctx, rival, wants(line("tea", 1))); err != nil {
					return err
				}
			} else if _, _, err := w.ReservationCreate(w.ctx, rival, reserves(line("tea", 1))); err != nil {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("caller %d: %v", i, err)
		}
	}
	w.checkBooks()
}

// A regression: whoever came first released all that was due in one transaction,
// however much it was, while everybody else waited for that.
func TestWhatIsDueIsReleasedInPortions(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "tea", "tokyo", 1000)
	ids := make([]string, 230)
	for i := range ids {
		ids[i] = w.reserve(shop, line("tea", 1))
	}
	w.endTime(ids...)
	w.place(rival, line("tea", 1020))
	var portions []int
	w.must(w.DB().SelectContext(w.ctx, &portions, `SELECT count(*) FROM inventory_movements WHERE reason = 'EXPIRED'
		GROUP BY xmin ORDER BY min(level_version)`))
	equal(t, "the portions", portions, []int{100, 100, 30})
	w.checkBooks()
}

// A regression: a caller whose own change had not even begun was told that nobody
// knows what became of it, where the answer to the COMMIT of what was due was lost.
func TestALostCommitOfWhatIsDueIsNobodysOutcome(t *testing.T) {
	for name, cut := range map[string]int32{"before": loseBefore, "after": loseAfter} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			s, p := w.behindProxy()
			w.endTime(w.reserve(shop, line("tea", 20)))
			p.cut.Store(cut)
			_, _, err := s.OrderPlace(w.ctx, rival, wants(line("tea", 20)))
			w.must(err)
			equal(t, "whether the answer was lost", p.cut.Load(), pass)
			w.checkBooks()
		})
	}
}

// A regression: one reservation that can't be given back, since the books are
// damaged, kept everybody from changing its levels. What it holds stays held.
func TestAReservationThatCannotBeGivenBack(t *testing.T) {
	w := newWorld(t)
	var log bytes.Buffer
	s, err := store.Open(w.ctx, w.url, store.Options{Log: slog.New(slog.NewTextHandler(&log, nil))})
	w.must(err)
	t.Cleanup(func() { _ = s.Close() })
	bad, good := w.reserve(shop, line("tea", 4)), w.reserve(shop, line("tea", 6))
	w.endTime(bad, good)
	w.exec(`UPDATE reservation_lines SET quantity = 400 WHERE reservation_id = $1`, bad)
	for range 3 {
		_, _, err = s.OrderPlace(w.ctx, rival, wants(line("tea", 4)))
		w.must(err)
	}
	_, _, err = s.OrderPlace(w.ctx, rival, wants(line("tea", 5)))
	equal(t, "what is left", refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity").Available, 4)
	equal(t, "how often the log tells of it", strings.Count(log.String(), bad), 1)
	other := w.reserve(shop, line("tea", 1))
	w.endTime(other)
	n, err := s.ExpireReservations(w.ctx)
	equal(t, "what the sweep gives back, and whether it says what it can't", []any{n, err != nil}, []any{1, true})

	w.exec(`UPDATE reservation_lines SET quantity = 4 WHERE reservation_id = $1`, bad)
	n, err = s.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "once the books are mended", n, 1)
	w.checkBooks()
}
