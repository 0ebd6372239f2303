package store

import (
	"context"
	"time"

	"github.com/lib/pq"

	"redline"
)

// termMax is the longest time that can be agreed on, in seconds: a year.
const termMax = 31_536_000

// SupplierTermsSet changes what was agreed with a supplier; a term that is left
// out stays. Where nothing differs there is no new version. It is for those who
// work for us: no supplier sets its own. It returns the supplier's id.
func (s *Store) SupplierTermsSet(ctx context.Context, p redline.Principal, in redline.SupplierTermsSetInput) (string, redline.Outcome, error) {
	r := request{action: "supplierTermsSet", key: in.IdempotencyKey, input: in, subject: in.SupplierID}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		if !p.Everywhere() {
			return "", redline.Errorf(redline.CodeForbidden, nil, "what is agreed with suppliers is set by those who work for us")
		}
		if refused := checkTerms(in); len(refused) > 0 {
			return "", refused
		}
		var rows []struct{ Terms redline.SupplierTerms }
		err := m.tx.SelectContext(ctx, &rows, `/* supplier_terms.lock */ SELECT `+termsColumns+` FROM suppliers s WHERE s.id = $1 FOR NO KEY UPDATE OF s`, in.SupplierID)
		if err != nil {
			return "", dbError("locking a supplier", err)
		}
		if len(rows) == 0 {
			return "", redline.NotFound([]string{"supplierId"}, "there is no supplier %.60q", in.SupplierID)
		}
		t := rows[0].Terms
		if err := expectVersion(in.ExpectedVersion, t.Version); err != nil {
			return "", err
		}
		if n := in.ConfirmWithinSeconds; n != nil && *n == 0 {
			t.ConfirmWithinSeconds = nil
		} else if n != nil {
			t.ConfirmWithinSeconds = n
		}
		if n := in.AcknowledgeWithinSeconds; n != nil {
			t.AcknowledgeWithinSeconds = *n
		}
		if n := in.ZeroingLimitPercent; n != nil {
			t.ZeroingLimitPercent = *n
		}
		m.subjects = append(m.subjects, in.SupplierID)
		// Levels are looked at by the new terms as soon as can be: see MarkStale.
		_, err = m.tx.ExecContext(ctx, `/* supplier_terms.update */ UPDATE suppliers s SET confirm_within_seconds = $2::integer, acknowledge_within_seconds = $3::integer,
				zeroing_limit_percent = $4::integer, version = s.version + 1,
				stale_due_at = CASE WHEN s.confirm_within_seconds IS DISTINCT FROM $2 THEN '-infinity' ELSE s.stale_due_at END
			WHERE s.id = $1 AND (s.confirm_within_seconds, s.acknowledge_within_seconds, s.zeroing_limit_percent) IS DISTINCT FROM ($2, $3, $4)`,
			in.SupplierID, t.ConfirmWithinSeconds, t.AcknowledgeWithinSeconds, t.ZeroingLimitPercent)
		if err != nil {
			return "", dbError("writing a supplier's terms", err)
		}
		return in.SupplierID, nil
	})
}

// checkTerms checks what needs no database.
func checkTerms(in redline.SupplierTermsSetInput) redline.Errors {
	var refused redline.Errors
	check := func(field string, n *int, least, most int, what string) {
		if n != nil && (*n < least || *n > most) {
			refused = append(refused, redline.Invalid([]string{field}, what, least, most))
		}
	}
	check("confirmWithinSeconds", in.ConfirmWithinSeconds, 0, termMax, "the time to confirm a level in is from %d, which is for ever, to %d seconds")
	check("acknowledgeWithinSeconds", in.AcknowledgeWithinSeconds, 1, termMax, "the time to answer in is from %d to %d seconds")
	check("zeroingLimitPercent", in.ZeroingLimitPercent, 0, 100, "a share is from %d to %d per cent")
	return refused
}

// Standings says how suppliers stand with us, of those that the principal speaks
// for: one supplier isn't told it of another. When they were last seen changes all
// the time, and is in no object but those that ask here.
func (s *Store) Standings(ctx context.Context, p redline.Principal, supplierIDs []string) (map[string]*redline.SupplierStanding, error) {
	q := &query{}
	q.and("s.id = ANY(%s)", pq.Array(supplierIDs))
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleSupplier:
		q.and("s.code = ANY(%s)", pq.Array(p.Suppliers))
	default:
		return nil, nil
	}
	var rows []struct {
		ID         string
		LastSeenAt *time.Time `db:"last_seen_at"`
		Terms      redline.SupplierTerms
		Now        time.Time
	}
	err := s.db.SelectContext(ctx, &rows, `/* supplier_terms.of_suppliers */ SELECT s.id, s.last_seen_at, `+termsColumns+`, clock_timestamp() AS now FROM suppliers s`+q.where(), q.args...)
	if err != nil {
		return nil, dbError("reading how suppliers stand", err)
	}
	out := make(map[string]*redline.SupplierStanding, len(rows))
	for _, r := range rows {
		standing := &redline.SupplierStanding{LastSeenAt: r.LastSeenAt, Status: redline.SupplierUp, Terms: r.Terms}
		// One that never told us anything has been silent for as long as one can be.
		if r.Terms.ConfirmWithinSeconds != nil && (r.LastSeenAt == nil || r.Terms.Outdated(*r.LastSeenAt, r.Now)) {
			standing.Status = redline.SupplierDegraded
		}
		out[r.ID] = standing
	}
	return out, nil
}
