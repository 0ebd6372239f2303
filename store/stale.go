package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"redline"
)

// staleBatch is how many levels one transaction of MarkStale changes.
const staleBatch = 500

// errNothingStale says that there was nothing to change, and the transaction
// ends as if it had not been.
var errNothingStale = errors.New("no level has to become stale")

// causeStaleFeed is the cause of the conflict of a supplier that has fallen
// silent about its stock.
func causeStaleFeed(supplierID string) string { return "STALE_FEED " + supplierID }

// MarkStale makes levels stale that their suppliers have not confirmed for longer
// than was agreed, and those fresh that are in time by terms that have changed
// since: each with a version, a ledger line without quantities, and an event, in
// short transactions. Where nothing of a supplier's stock was confirmed in time a
// STALE_FEED conflict is opened, unless one was dismissed since. It returns how
// many levels it changed.
//
// When a level was confirmed has no index, which would cost every change of a
// level its update in place. So it goes by supplier, and looks at all levels of
// one no sooner than the first of them can be due. Levels that somebody else
// works on, and suppliers that another gateway looks at, are left to them.
func (s *Store) MarkStale(ctx context.Context) (int, error) {
	ctx = background(ctx)
	var suppliers []string
	err := s.db.SelectContext(ctx, &suppliers, `/* stale.suppliers_due */ SELECT id FROM suppliers WHERE stale_due_at <= clock_timestamp() ORDER BY id`)
	if err != nil {
		return 0, dbError("looking for suppliers whose stock may be stale", err)
	}
	total := 0
	var failed error
	for _, id := range suppliers {
		n, err := s.markStaleOf(ctx, id)
		total += n
		failed = errors.Join(failed, err)
	}
	return total, failed
}

// markStaleOf is MarkStale for one supplier.
func (s *Store) markStaleOf(ctx context.Context, supplierID string) (int, error) {
	total := 0
	for {
		terms, levels, err := s.wronglyStale(ctx, supplierID)
		switch {
		case err != nil:
			return total, err
		case len(levels) == 0:
			if err := s.tellSilence(ctx, supplierID, total > 0); err != nil {
				return total, err
			}
			return total, s.nextStale(ctx, supplierID, terms)
		}
		r := request{action: "markStale", subject: supplierID}
		n, _, err := mutate(ctx, s, redline.System(), r, func(ctx context.Context, m *mutation) (int, error) {
			return m.markStale(ctx, supplierID, terms, levels[:min(len(levels), staleBatch)])
		})
		if total += n; errors.Is(err, errNothingStale) {
			return total, nil // others are at work on them
		}
		if err != nil {
			return total, fmt.Errorf("marking stale levels: %w", err)
		}
	}
}

// wronglyStale are levels of a supplier that are stale and ought not to be by its
// terms, or the other way round: one more than a transaction changes, if there are
// so many.
func (s *Store) wronglyStale(ctx context.Context, supplierID string) (redline.SupplierTerms, []string, error) {
	var rows []struct {
		Terms redline.SupplierTerms
		ID    *string
	}
	err := s.db.SelectContext(ctx, &rows, `/* stale.levels */ SELECT `+termsColumns+`, l.id FROM suppliers s LEFT JOIN LATERAL (
			SELECT l.id FROM locations loc JOIN inventory_levels l ON l.location_id = loc.id
			WHERE loc.supplier_id = s.id AND l.stale <> coalesce(l.as_of < statement_timestamp() - s.confirm_within_seconds * interval '1 second', false)
			LIMIT $2) AS l ON true
		WHERE s.id = $1`, supplierID, staleBatch+1)
	if err != nil {
		return redline.SupplierTerms{}, nil, dbError("looking for stale levels", err)
	}
	var ids []string
	for _, r := range rows {
		ids = appendSet(ids, r.ID)
	}
	if len(rows) == 0 {
		return redline.SupplierTerms{}, nil, nil
	}
	return rows[0].Terms, ids, nil
}

// nextStale notes when the first of a supplier's levels can be due, unless its
// terms have changed meanwhile.
func (s *Store) nextStale(ctx context.Context, supplierID string, terms redline.SupplierTerms) error {
	tx, release, err := s.begin(ctx, false)
	if err != nil {
		return err
	}
	defer release()
	// Who makes a level or one fresh, as of whatever moment, moves this sooner at the
	// end of its transaction (see seen). Behind the lock what they did is seen.
	if _, err := tx.ExecContext(ctx, `/* stale.lock_supplier */ SELECT FROM suppliers WHERE id = $1 FOR NO KEY UPDATE`, supplierID); err != nil {
		return dbError("locking a supplier", err)
	}
	_, err = tx.ExecContext(ctx, `/* stale.next_due */ UPDATE suppliers s SET stale_due_at = coalesce(s.confirm_within_seconds * interval '1 second' + least(clock_timestamp(),
			(SELECT min(l.as_of) FROM locations loc JOIN inventory_levels l ON l.location_id = loc.id
				WHERE loc.supplier_id = s.id AND NOT l.stale)), 'infinity')
		WHERE s.id = $1 AND s.version = $2`, supplierID, terms.Version)
	if err != nil {
		return dbError("noting when stock can be stale", err)
	}
	if err := tx.Commit(); err != nil {
		return dbError("noting when stock can be stale", err)
	}
	return nil
}

// freshAsOf notes that a level of a supplier's is fresh that was not, or not there,
// and as of when: it may be due sooner than all that were.
func (t *transaction) freshAsOf(supplierID string, at time.Time) {
	if t.fresh == nil {
		t.fresh = map[string]time.Time{}
	}
	if oldest, ok := t.fresh[supplierID]; ok {
		at = earlier(at, oldest)
	}
	t.fresh[supplierID] = at
}

// markStale makes those of a supplier's levels stale, or fresh, that nobody else
// works on and that still have to be.
func (m *mutation) markStale(ctx context.Context, supplierID string, terms redline.SupplierTerms, ids []string) (int, error) {
	m.givesBack = true // what is available stays so, whatever is due
	var free []string
	err := m.tx.SelectContext(ctx, &free, `/* stale.lock_levels */ SELECT l.id FROM inventory_levels l WHERE l.id = ANY($1::text[]) FOR NO KEY UPDATE OF l SKIP LOCKED`, texts(ids...))
	if err != nil {
		return 0, dbError("locking stale levels", err)
	}
	levels, err := m.lockLevels(ctx, nil, `l.id = ANY($1::text[])`, texts(free...))
	if err != nil {
		return 0, err
	}
	n := 0
	for _, l := range inOrder(levels) {
		stale := terms.Outdated(l.AsOf, m.now)
		if stale == l.Stale {
			continue // it was confirmed meanwhile
		}
		n++
		c := stockChange{reason: redline.ReasonStale, stale: &stale}
		if !stale {
			c.reason = redline.ReasonCorrected
		}
		if err := m.change(l, c); err != nil {
			return 0, fmt.Errorf("marking %s at %s: %w", l.SKU, l.at.Code, err)
		}
	}
	if n == 0 {
		return 0, errNothingStale
	}
	m.subjects = append(m.subjects, supplierID)
	return n, nil
}

// inOrder are locked levels in the order in which they were locked.
func inOrder(levels map[levelKey]*lockedLevel) []*lockedLevel {
	all := make([]*lockedLevel, 0, len(levels))
	for _, l := range levels {
		all = append(all, l)
	}
	slices.SortFunc(all, func(a, b *lockedLevel) int {
		return cmp.Or(strings.Compare(a.ProductID, b.ProductID), strings.Compare(a.LocationID, b.LocationID))
	})
	return all
}

// silence is a supplier's, of whose stock nothing was confirmed in time.
type silence struct {
	name          string
	since         time.Time
	within, stale int
	// told: a conflict about it is open, and dismissed: one was dismissed since.
	told, dismissed bool
}

// readSilence reads whether a supplier is silent, for longer than was agreed; nil
// where it isn't.
func readSilence(ctx context.Context, db queryer, supplierID string) (*silence, error) {
	var s silence
	var silent *silence
	err := scanRows(ctx, db, "reading how long a supplier has been silent", `/* stale.silence */ SELECT t.name, t.since, t.confirm_within_seconds, t.stale,
			EXISTS (SELECT 1 FROM conflicts c WHERE c.cause = $2 AND c.status = 'OPEN'),
			EXISTS (SELECT 1 FROM conflicts c WHERE c.supplier_id = $1 AND c.opened_at > t.since AND c.cause = $2 AND c.status = 'DISMISSED')
		FROM (SELECT s.name, s.confirm_within_seconds, max(l.as_of) AS since, count(*) FILTER (WHERE l.stale) AS stale
			FROM suppliers s JOIN locations loc ON loc.supplier_id = s.id JOIN inventory_levels l ON l.location_id = loc.id
			WHERE s.id = $1 GROUP BY s.id) AS t
		WHERE t.since < clock_timestamp() - t.confirm_within_seconds * interval '1 second'`,
		[]any{supplierID, causeStaleFeed(supplierID)},
		[]any{&s.name, &s.since, &s.within, &s.stale, &s.told, &s.dismissed}, func() error {
			silent = &s
			return nil
		})
	return silent, err
}

// tellSilence opens the conflict of a supplier of whose stock nothing was confirmed
// in time, or tells of it again where more of it has become stale.
func (s *Store) tellSilence(ctx context.Context, supplierID string, more bool) error {
	silent, err := readSilence(ctx, s.db, supplierID)
	if err != nil || silent == nil || silent.dismissed || silent.told && !more {
		return err
	}
	r := request{action: "markStale", subject: supplierID}
	_, _, err = mutate(ctx, s, redline.System(), r, func(ctx context.Context, m *mutation) (struct{}, error) {
		m.givesBack = true
		// Whoever confirms one of them waits, and settles what is told here.
		if _, err := m.lockLevels(ctx, nil, itsLevels, supplierID); err != nil {
			return struct{}{}, err
		}
		silent, err := readSilence(ctx, m.tx, supplierID)
		if err == nil && (silent == nil || silent.dismissed) {
			err = errNothingStale
		}
		if err != nil {
			return struct{}{}, err
		}
		m.subjects = append(m.subjects, supplierID)
		m.conflict(conflictOpening{
			kind: redline.ConflictStaleFeed, cause: causeStaleFeed(supplierID), supplierID: &supplierID, subjectID: &supplierID,
			summary: fmt.Sprintf("%s has told nothing of its stock since %s; %d levels are stale.",
				silent.name, silent.since.UTC().Format(time.RFC3339), silent.stale),
			facts: redline.Attributes{
				{Name: "silentSince", Value: stamp(silent.since)},
				{Name: "confirmWithinSeconds", Value: strconv.Itoa(silent.within)},
				{Name: "staleLevels", Value: strconv.Itoa(silent.stale)},
			},
		})
		return struct{}{}, nil
	})
	if err != nil && !errors.Is(err, errNothingStale) {
		return fmt.Errorf("telling of a supplier's silence: %w", err)
	}
	return nil
}

// itsLevels are the levels of a supplier's stock, whose id is $1.
const itsLevels = `l.location_id IN (SELECT id FROM locations WHERE supplier_id = $1)`

// confirmLevels has all levels of a supplier's stock count as confirmed now, and
// what that makes available go to those who wait for it.
func (m *mutation) confirmLevels(ctx context.Context, supplierID string) error {
	var products []string
	err := m.tx.SelectContext(ctx, &products, `/* stale.products */ SELECT DISTINCT l.product_id FROM inventory_levels l WHERE l.stale AND l.available > 0 AND `+itsLevels, supplierID)
	if err != nil {
		return dbError("reading what is stale", err)
	}
	waiting, err := m.lockWaiting(ctx, products)
	if err != nil {
		return err
	}
	levels, err := m.lockLevels(ctx, nil, itsLevels, supplierID)
	if err != nil {
		return err
	}
	fresh := false
	for _, l := range inOrder(levels) {
		if err := m.change(l, stockChange{reason: redline.ReasonCorrected, confirms: &m.now, stale: &fresh}); err != nil {
			return fmt.Errorf("confirming %s at %s: %w", l.SKU, l.at.Code, err)
		}
	}
	return m.fill(ctx, waiting, levels)
}
