package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"redline"
)

const (
	// expireBatch is how many reservations one transaction of the sweep gives back,
	// and expireLines how many lines they have together, but for a single one that
	// has more.
	expireBatch = 100
	expireLines = 1000
)

// errDue says that reservations are due on levels that a transaction has locked. It
// decides on nothing before they are released: that is done in a transaction of
// its own, which begins with the locks that come before those of levels.
type errDue struct{ reservations []string }

func (*errDue) Error() string { return "reservations are due on the levels that were locked" }

// errNothingDue says that nothing is to be told of, and the transaction ends as if it
// had not been.
var errNothingDue = errors.New("no reservation is due")

// dueColumn is, in the statement that locks the levels l, the ids of the reservations
// that are due on them, with spaces between them; null where none is. It is looked
// up once, by a clock that is read behind all locks, and costs next to nothing where
// no reservation of anybody is due. One that the transaction has itself made
// something else isn't ACTIVE any more.
func (t *transaction) dueColumn() string {
	if t.givesBack {
		return `NULL::text`
	}
	return `(SELECT string_agg(r.id, ' ') FROM reservations r
		WHERE r.status = 'ACTIVE' AND r.expires_at <= (SELECT clock_timestamp() FROM (SELECT count(*) FROM l) AS locked)
			AND EXISTS (SELECT 1 FROM reservation_lines rl WHERE rl.reservation_id = r.id
				AND (rl.product_id, rl.location_id) IN (SELECT l.product_id, l.location_id FROM l)))`
}

// ExpireReservations gives back what reservations hold that are due, the oldest
// first, in short transactions, and returns how many they were. Those that somebody
// else works on at the moment are left to them. One that can't be given back
// doesn't keep the others from it; the error says why.
func (s *Store) ExpireReservations(ctx context.Context) (int, error) {
	total := 0
	for {
		ids, more, err := s.dueReservations(ctx)
		if err != nil || len(ids) == 0 {
			return total, err
		}
		n, err := s.expire(ctx, ids, true)
		if err != nil && len(ids) > 1 {
			n, err = s.expireEach(ctx, ids)
		}
		total += n
		if err != nil || n == 0 || !more {
			return total, err
		}
	}
}

// expireEach expires reservations one by one, as far as it goes.
func (s *Store) expireEach(ctx context.Context, ids []string) (total int, failed error) {
	for _, id := range ids {
		n, err := s.expire(ctx, []string{id}, true)
		total += n
		failed = errors.Join(failed, err)
	}
	return total, failed
}

// dueReservations are as many reservations that are due as one transaction gives
// back; more says that there may be others.
func (s *Store) dueReservations(ctx context.Context) (ids []string, more bool, err error) {
	var found []struct {
		ID    string
		Lines int
	}
	// The statement's own time, unlike the clock, is one for the index to go by.
	err = s.db.SelectContext(ctx, &found, `SELECT r.id, (SELECT count(*) FROM reservation_lines l WHERE l.reservation_id = r.id) AS lines
		FROM reservations r WHERE r.status = 'ACTIVE' AND r.expires_at <= statement_timestamp() ORDER BY r.expires_at, r.id LIMIT $1`, expireBatch)
	if err != nil {
		return nil, false, dbError("looking for reservations that are due", err)
	}
	lines := 0
	for _, r := range found {
		if lines += r.Lines; len(ids) > 0 && lines > expireLines {
			return ids, true, nil
		}
		ids = append(ids, r.ID)
	}
	return ids, len(ids) == expireBatch, nil
}

// expire gives back what those of the reservations hold that are due, as System, and
// returns how many they were. Those that somebody else works on are waited for, or
// skipped.
func (s *Store) expire(ctx context.Context, ids []string, skip bool) (int, error) {
	n, _, err := mutate(ctx, s, redline.System(), request{action: "reservationExpire"}, func(ctx context.Context, m *mutation) (int, error) {
		return m.expire(ctx, ids, skip)
	})
	switch {
	case errors.Is(err, errNothingDue):
		return 0, nil
	case refusalsOf(err) != nil: // nobody has asked for this who could be refused it
		return 0, fmt.Errorf("expiring reservations: %s", err.Error())
	}
	return n, err
}

func (m *mutation) expire(ctx context.Context, ids []string, skip bool) (int, error) {
	m.givesBack = true
	lines, waiting, err := m.lockReserved(ctx, ids)
	if err != nil {
		return 0, err
	}
	due, err := m.lockDue(ctx, ids, skip)
	if err != nil {
		return 0, err
	}
	if len(due) == 0 {
		return 0, errNothingDue
	}
	expired := lines[:0]
	for _, l := range lines {
		if due[l.ReservationID] != "" {
			expired = append(expired, l)
		}
	}
	if err := m.giveBack(ctx, expired, due, redline.ReasonExpired, waiting); err != nil {
		return 0, err
	}
	for _, id := range ids {
		if due[id] != "" {
			m.subjects = append(m.subjects, id)
		}
	}
	return len(due), nil
}

// lockDue makes those of the reservations that are due EXPIRED, and returns their
// references by their ids. Whoever extended or took one over before the lock was there
// has won.
func (m *mutation) lockDue(ctx context.Context, ids []string, skip bool) (map[string]string, error) {
	text := `WITH due AS MATERIALIZED (
			SELECT id FROM reservations WHERE id = ANY($1::text[]) AND status = 'ACTIVE' AND expires_at <= clock_timestamp()
			ORDER BY id FOR NO KEY UPDATE`
	if skip {
		text += ` SKIP LOCKED`
	}
	text += `)
		UPDATE reservations r SET status = 'EXPIRED', version = r.version + 1, updated_at = clock_timestamp()
		FROM due WHERE r.id = due.id AND r.status = 'ACTIVE' RETURNING r.id, coalesce(r.reference, r.id), r.updated_at`
	due := map[string]string{}
	var id, reference string
	var at time.Time
	err := scanRows(ctx, m.tx, "expiring reservations", text, []any{texts(ids...)}, []any{&id, &reference, &at}, func() error {
		due[id], m.now = reference, at
		return nil
	})
	return due, err
}
