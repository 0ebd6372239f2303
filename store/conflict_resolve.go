package store

import (
	"context"
	"slices"
	"strings"

	"redline"
)

// ConflictResolve closes a conflict: RESOLVED does what the contract says of its
// kind, in the name of the principal, and DISMISSED nothing else. Where that
// can't be done the conflict stays open. It returns the conflict's id.
//
// The conflict is read without a lock, since what it does to orders and levels
// is locked before any conflict; it is closed last, where it still is as it was
// read, and else all of it is done again. So of several who resolve one, and of
// a rule that settles it, one closes it, and the others are told that it is.
func (s *Store) ConflictResolve(
	ctx context.Context, p redline.Principal, in redline.ConflictResolveInput,
) (string, redline.Outcome, error) {
	r := request{action: "conflictResolve", key: in.IdempotencyKey, input: in, subject: in.ConflictID}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		c, err := m.resolvable(ctx, in)
		if err != nil {
			return "", err
		}
		if in.Status == redline.ConflictResolved {
			if err := effects[c.Kind](ctx, m, c, in); err != nil {
				return "", err
			}
		} else if err := m.dismiss(ctx, c); err != nil {
			return "", err
		}
		m.closeConflict(c, in.Status, in.Resolution)
		return c.ID, nil
	})
}

// resolvable reads the conflict that is to be closed, and refuses what can't be
// done to it.
func (m *mutation) resolvable(ctx context.Context, in redline.ConflictResolveInput) (*redline.Conflict, error) {
	if in.Status != redline.ConflictResolved && in.Status != redline.ConflictDismissed {
		return nil, redline.Invalid([]string{"status"}, "a conflict becomes RESOLVED or DISMISSED, not %.40q", in.Status)
	}
	if strings.TrimSpace(in.Resolution) == "" {
		return nil, redline.Invalid([]string{"resolution"}, "say why")
	}
	if err := checkText("resolution", &in.Resolution); err != nil {
		return nil, err
	}
	q := &query{}
	q.seeConflicts(m.by)
	q.and("c.id = %s", in.ConflictID)
	var rows []heldConflict
	if err := m.tx.SelectContext(ctx, &rows, "/* conflicts.lock */ "+selectHeld+q.where(), q.args...); err != nil {
		return nil, dbError("reading a conflict", err)
	}
	if len(rows) == 0 {
		return nil, redline.NotFound([]string{"conflictId"}, "there is no conflict %.60q", in.ConflictID)
	}
	c := rows[0].conflict()
	switch {
	case !m.by.Everywhere():
		return nil, redline.Errorf(redline.CodeForbidden, []string{"conflictId"}, "conflicts are settled by those who work for us")
	case !slices.Contains(redline.ConflictMachine.To(c.Status), in.Status):
		return nil, closedConflict(c, in.Status)
	case in.Mapping != nil && (in.Status != redline.ConflictResolved || !mapped(c.Kind)):
		return nil, redline.Invalid([]string{"mapping"}, "a mapping is for resolving UNMAPPED_SKU and PACK_MISMATCH")
	case in.Mapping != nil && !m.by.Has(redline.ScopeCatalogWrite):
		return nil, redline.Errorf(redline.CodeForbidden, []string{"mapping"}, "what a supplier's SKU stands for is for holders of %s", redline.ScopeCatalogWrite)
	case in.Status == redline.ConflictResolved && c.Kind == redline.ConflictPriceMismatch && !m.by.Has(redline.ScopeCatalogCost):
		return nil, redline.Errorf(redline.CodeForbidden, []string{"status"}, "what things cost is for holders of %s", redline.ScopeCatalogCost)
	}
	return c, expectVersion(in.ExpectedVersion, c.Version)
}

// mapped reports whether resolving a kind maps a SKU.
func mapped(kind redline.ConflictKind) bool {
	return kind == redline.ConflictUnmappedSKU || kind == redline.ConflictPackMismatch
}

// closedConflict says that a conflict is closed, and why.
func closedConflict(c *redline.Conflict, to redline.ConflictStatus) *redline.Error {
	e := redline.Errorf(redline.CodeInvalidTransition, []string{"status"}, "the conflict is %s already: %s", c.Status, *c.Resolution)
	e.From, e.To, e.Allowed = string(c.Status), string(to), strs(redline.ConflictMachine.To(c.Status))
	return e
}
