package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

const selectAudit = `SELECT a.id, a.at, a.issuer, a.actor, a.role, a.action, a.subject, a.request_id, a.outcome FROM audit_entries a`

// AuditEntries lists who did or tried what, newest first. Whether the principal
// may read it is its scope's matter; it holds everybody's.
func (s *Store) AuditEntries(
	ctx context.Context, p redline.Principal, f redline.AuditFilter, page redline.PageRequest,
) (*redline.Page[*redline.AuditEntry], error) {
	q := &query{}
	q.seeAudit(p)
	if f.Subject != nil {
		q.and("a.subject = %s", *f.Subject)
	}
	if f.Actor != nil {
		q.and("a.actor = %s", *f.Actor)
	}
	if f.From != nil {
		q.and("a.at >= %s", *f.From)
	}
	if f.To != nil {
		q.and("a.at < %s", *f.To)
	}
	by := sorting{tag: "audit", column: "a.at", cast: "timestamptz", id: "a.id", prefix: redline.PrefixAuditEntry, desc: true}
	return pageOf(ctx, s, "audit", selectAudit, q, by, page, func(a *redline.AuditEntry) (string, string) { return stamp(a.At), a.ID })
}

// AuditEntriesByID finds audit entries.
func (s *Store) AuditEntriesByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.AuditEntry, error) {
	q := &query{}
	q.seeAudit(p)
	q.and("a.id = ANY(%s)", pq.Array(ids))
	return byID(ctx, s, "reading audit entries", "/* audit.by_id */ "+selectAudit, q, func(a *redline.AuditEntry) string { return a.ID })
}

// seeAudit: the audit tells of everybody, and so is for those who see everybody.
func (q *query) seeAudit(p redline.Principal) {
	if !p.Everywhere() {
		q.and("false")
	}
}

// auditDone is the outcome of what succeeded; refusals have their codes.
const auditDone = "OK"

// auditRefusal tells of a change that was refused, after it was rolled back. A
// client that went away doesn't keep its refusal out of the audit.
func (s *Store) auditRefusal(ctx context.Context, p redline.Principal, action, subject string, refused redline.Errors) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	err := s.audit(ctx, p, action, auditCodes(refused), auditSubject(subject))
	if err != nil {
		s.log.ErrorContext(ctx, "a refusal could not be written to the audit",
			"error", fmt.Errorf("auditing a refused %s: %w", action, err))
	}
}

// auditSubject is an id that the audit names; what a caller made up isn't worth
// an index.
func auditSubject(subject string) string {
	if redline.IDPrefix(subject) == "" {
		return ""
	}
	return subject
}

// auditCodes are the codes of a refusal, each once.
func auditCodes(refused redline.Errors) string {
	codes := make([]string, 0, len(refused))
	for _, e := range refused {
		if code := string(e.Code); !slices.Contains(codes, code) {
			codes = append(codes, code)
		}
	}
	return strings.Join(codes, " ")
}

// RefusedAtDoor tells of a change that was refused before it reached a
// repository, for want of a scope.
func (s *Store) RefusedAtDoor(ctx context.Context, p redline.Principal, action string, code redline.ErrorCode) {
	s.auditRefusal(ctx, p, action, "", redline.Errors{{Code: code}})
}

// audit writes one entry in a transaction of its own, so that it can't be
// written twice.
func (s *Store) audit(ctx context.Context, p redline.Principal, action, outcome, subject string) error {
	tx, release, err := s.begin(ctx, false)
	if err != nil {
		return err
	}
	defer release()
	_, err = tx.ExecContext(ctx, `/* audit.refused */ INSERT INTO audit_entries (id, issuer, actor, role, action, subject, request_id, outcome)
		VALUES ($1, $2, $3, $4, $5, nullif($6, ''), $7, $8)`,
		redline.NewID(redline.PrefixAuditEntry), p.Issuer, p.Subject, string(p.Role), action, subject, redline.RequestIDFrom(ctx), outcome)
	if err != nil {
		return dbError("writing the audit", err)
	}
	return tx.Commit()
}
