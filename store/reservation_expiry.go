package store

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"redline"
)

const (
	// expireBatch is how many reservations one transaction gives back, and expireLines
	// how many lines they have together in the sweep, but for a single one that has
	// more.
	expireBatch = 100
	expireLines = 1000
	// dueMost is how many reservations that are due on its levels a call has given
	// back, in such transactions, before it looks again.
	dueMost = 10 * expireBatch
)

// errDue says that reservations are due on levels that a transaction has locked: at
// most dueMost of them. It decides on nothing before they are released: that is done
// in transactions of their own, which begin with the locks that come before those of
// levels.
type errDue struct{ reservations []string }

func (*errDue) Error() string { return "reservations are due on the levels that were locked" }

// errNothingDue says that nothing is to be told of, and the transaction ends as if it
// had not been.
var errNothingDue = errors.New("no reservation is due")

// lapsed are the reservations that are due and yet count as held, for as long as it
// takes to settle some calls: what is held too long is never sold twice.
type lapsed struct {
	// horizon is the clock behind the locks of the first transaction that found some
	// due. Those that end later count as held, so that there are ever fewer to
	// release: on a level where one ends every other moment nobody else would ever
	// come to decide. It is nil as long as none was found.
	horizon *time.Time
	// stuck are the ids of those that can't be given back.
	stuck []string
}

// until sets the horizon, once.
func (d *lapsed) until(now time.Time) {
	if d.horizon == nil {
		d.horizon = &now
	}
}

// releasing is somebody giving reservations back; headway is for when it has ended.
type releasing struct {
	ended   chan struct{}
	headway bool
}

// dueColumn is, in the statement that locks the levels l, the ids of reservations that
// are due on them, with spaces between them; null where none is. It is looked up once,
// by a clock that is read behind all locks, and costs next to nothing where no
// reservation of anybody is due. Which come first is left open: an order would have all
// of them be looked at for each portion. One that the transaction has itself
// made something else isn't ACTIVE any more. It returns the statement's arguments, too.
func (t *transaction) dueColumn(args []any) (string, []any) {
	if t.givesBack {
		return `NULL::text`, args
	}
	n := len(args)
	return fmt.Sprintf(`(SELECT string_agg(due.id, ' ') FROM (SELECT r.id FROM reservations r
		WHERE r.status = 'ACTIVE'
			AND r.expires_at <= coalesce($%d::timestamptz, (SELECT clock_timestamp() FROM (SELECT count(*) FROM l) AS locked))
			AND r.id <> ALL($%d::text[]) AND EXISTS (SELECT 1 FROM reservation_lines rl WHERE rl.reservation_id = r.id
				AND (rl.product_id, rl.location_id) IN (SELECT l.product_id, l.location_id FROM l))
		LIMIT %d) AS due)`, n+1, n+2, dueMost), append(args, t.held.horizon, texts(t.held.stuck...))
}

// release gives back what reservations hold that a transaction found due, for it to
// be run again. That is headway even where others were quicker: none of these is due
// any more. Those that can't be given back count as held from then on.
//
// Of many who come upon the same ones here, one gives them back, and the others wait
// for that without a connection: they would only queue for each of its rows.
func (s *Store) release(ctx context.Context, ids []string, held *lapsed) (headway bool, err error) {
	mine := &releasing{ended: make(chan struct{})}
	if other, found := s.releases.LoadOrStore(ids[0], mine); found {
		theirs := other.(*releasing)
		select {
		case <-theirs.ended:
			return theirs.headway, nil
		case <-ctx.Done():
			return false, dbError("waiting for reservations to be given back", ctx.Err())
		}
	}
	defer func() {
		s.releases.Delete(ids[0])
		mine.headway = headway
		close(mine.ended)
	}()
	for portion := range slices.Chunk(ids, expireBatch) {
		var stuck map[string]error
		_, stuck, err = s.expireAll(ctx, portion, false)
		for id, why := range stuck {
			held.stuck = append(held.stuck, id)
			if _, told := s.stuck.LoadOrStore(id, true); !told {
				s.log.ErrorContext(ctx, "a reservation can't be given back, and counts as held", "reservation", id, "error", why)
			}
		}
		if err != nil {
			break
		}
	}
	if redline.HasCode(err, redline.CodeOutcomeUnknown) {
		// What nobody knows is what became of them, and not of the calls: who looks
		// again finds out.
		return false, nil
	}
	return err == nil, err
}

// ExpireReservations gives back what reservations hold that are due, the oldest
// first, in short transactions, and returns how many they were. Those that somebody
// else works on at the moment are left to them. One that can't be given back
// doesn't keep the others from it; the error says why.
func (s *Store) ExpireReservations(ctx context.Context) (int, error) {
	ctx = background(ctx)
	total := 0
	var left []string
	var failed error
	for {
		ids, more, err := s.dueReservations(ctx, left)
		if err != nil || len(ids) == 0 {
			return total, errors.Join(failed, err)
		}
		n, stuck, err := s.expireAll(ctx, ids, true)
		total += n
		for id, why := range stuck {
			left, failed = append(left, id), errors.Join(failed, why)
		}
		if err != nil || n+len(stuck) == 0 || !more {
			return total, errors.Join(failed, err)
		}
	}
}

// expireAll expires those of the reservations that are due and returns how many they
// were. Where one of them can't be given back, each is expired alone: stuck says why
// which of them could not. It fails where none could for now.
func (s *Store) expireAll(ctx context.Context, ids []string, skip bool) (total int, stuck map[string]error, err error) {
	total, err = s.expire(ctx, ids, skip)
	var e *redline.Error
	switch {
	case err == nil || errors.As(err, &e): // which is UNAVAILABLE, or nobody knows
		return total, nil, err
	case len(ids) == 1:
		return 0, map[string]error{ids[0]: err}, nil
	}
	stuck = map[string]error{}
	for _, id := range ids {
		n, one, err := s.expireAll(ctx, []string{id}, skip)
		if err != nil {
			return total, stuck, err
		}
		total += n
		maps.Copy(stuck, one)
	}
	return total, stuck, nil
}

// dueReservations are as many reservations that are due as one transaction gives
// back, but for some; more says that there may be others.
func (s *Store) dueReservations(ctx context.Context, but []string) (ids []string, more bool, err error) {
	var found []struct {
		ID    string
		Lines int
	}
	// The statement's own time, unlike the clock, is one for the index to go by.
	err = s.db.SelectContext(ctx, &found, `/* reservations.due */ SELECT r.id, (SELECT count(*) FROM reservation_lines l WHERE l.reservation_id = r.id) AS lines
		FROM reservations r WHERE r.status = 'ACTIVE' AND r.expires_at <= statement_timestamp() AND r.id <> ALL($2::text[])
		ORDER BY r.expires_at, r.id LIMIT $1`, expireBatch, texts(but...))
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
	text := `/* reservations.expire */ WITH due AS MATERIALIZED (
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
