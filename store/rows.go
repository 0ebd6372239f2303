package store

import (
	"context"
	"errors"
	"slices"

	"github.com/lib/pq"

	"redline"
)

// rowSet is the rows of one change of stock: what each means, the level that
// it changes, and why it was refused.
type rowSet struct {
	list   string
	refs   []stockRef
	locked map[levelKey]*lockedLevel
	errors []redline.Errors
	// paths renames the steps of errors, by row, where rows aren't a list of
	// the input.
	paths map[int]map[string]string
	// short are the refusals that owe a product.
	short []*redline.Error
}

// changeRows runs a mutation of stock row by row. With RollBack, one refused
// row refuses the call; with SkipRow the others go through, and the call is
// refused only where no row is left.
func (s *Store) changeRows(
	ctx context.Context, p redline.Principal, action, key string, input any, n int, list string, onError redline.OnRowError,
	work func(context.Context, *mutation, *rowSet) error,
) (*redline.InventoryResult, error) {
	outcomes, outcome, err := mutate(ctx, s, p, request{action: action, key: &key, input: input},
		func(ctx context.Context, m *mutation) ([]rowOutcome, error) {
			if n < 1 || n > rowsMax {
				return nil, redline.Invalid([]string{list}, "one call has 1 to %d rows, not %d", rowsMax, n)
			}
			rows := &rowSet{list: list, errors: make([]redline.Errors, n)}
			if err := work(ctx, m, rows); err != nil {
				return nil, err
			}
			if err := m.nameProducts(ctx, rows.short); err != nil {
				return nil, err
			}
			return rows.outcomes(ctx, m, onError)
		})
	if err != nil {
		return nil, err
	}
	var skipped redline.Errors
	for _, row := range outcomes {
		skipped = append(skipped, row.errors(nil)...)
	}
	if len(skipped) > 0 && !outcome.Replayed {
		s.auditRefusal(ctx, p, action, "", skipped)
	}
	result, err := s.inventoryResult(ctx, p, outcomes, outcome)
	if err != nil {
		result.ReadError = err
	}
	return result, nil
}

// refuse says why a row was refused; the error's path is relative to the row.
func (r *rowSet) refuse(i int, e *redline.Error) {
	for n, step := range e.Field {
		if to, ok := r.paths[i][step]; ok {
			e.Field = slices.Clone(e.Field)
			e.Field[n] = to
		}
	}
	r.errors[i] = append(r.errors[i], e.At(indexPath(r.list, i)...))
}

// refuseChange says that the rows of a level ask for more than it allows: of a
// fact more than is on hand, else more than is available.
func (r *rowSet) refuseChange(group []int, l *lockedLevel, d redline.Delta, fact bool, err error) {
	for _, i := range group {
		field := map[string]string{"changes": "delta", "counts": "onHand", "": "quantity"}[r.list]
		if !errors.Is(err, redline.ErrShort) {
			r.refuse(i, redline.Invalid([]string{field}, "%s", redline.ErrNegative.Message))
			continue
		}
		want := 0
		for s, n := range d {
			switch s {
			case redline.StateOnHand:
				want -= n
			case redline.StateIncoming: // stands apart
			default:
				want += n
			}
		}
		there, what := l.Available, "available"
		if fact {
			there, what = l.OnHand, "on hand"
		}
		e := redline.Errorf(redline.CodeInsufficientStock, []string{field},
			"%d of %s are wanted at %s, and %d are %s", want, l.SKU, l.LocationCode, there, what)
		e.Requested, e.Available, e.Product = want, there, &redline.Product{ID: l.ProductID}
		r.refuse(i, e)
		last := r.errors[i]
		r.short = append(r.short, last[len(last)-1])
	}
}

// lock finds out what the rows mean and locks their levels. Rows that mean
// nothing are refused, and have no level.
func (r *rowSet) lock(ctx context.Context, m *mutation, keys []redline.StockKey) error {
	book, err := m.readStockBook(ctx, keys)
	if err != nil {
		return err
	}
	r.refs = make([]stockRef, len(keys))
	var levels []levelKey
	listed := map[levelKey]bool{}
	for i, k := range keys {
		ref, refused := book.resolve(k)
		if refused != nil {
			step := []string{"stock"}
			if r.list == "" {
				step = nil
			}
			r.refuse(i, refused.At(step...))
			continue
		}
		r.refs[i] = ref
		if len(r.errors[i]) == 0 && !listed[ref.levelKey] {
			listed[ref.levelKey] = true
			levels = append(levels, ref.levelKey)
		}
	}
	if len(levels) == 0 {
		return nil
	}
	r.locked, err = m.lockKeys(ctx, levels, true)
	return err
}

// level is the locked level of a row, or nil where the row was refused.
func (r *rowSet) level(i int) *lockedLevel {
	if len(r.errors[i]) > 0 {
		return nil
	}
	return r.locked[r.refs[i].levelKey]
}

// byLevel groups the rows that aren't refused by their levels, in the order of
// their first rows.
func (r *rowSet) byLevel() [][]int {
	at := map[levelKey]int{}
	var groups [][]int
	for i := range r.refs {
		if r.level(i) == nil {
			continue
		}
		k := r.refs[i].levelKey
		n, ok := at[k]
		if !ok {
			n = len(groups)
			at[k] = n
			groups = append(groups, nil)
		}
		groups[n] = append(groups[n], i)
	}
	return groups
}

// outcomes says what came of the rows, and names the levels for the audit.
func (r *rowSet) outcomes(ctx context.Context, m *mutation, onError redline.OnRowError) ([]rowOutcome, error) {
	out := make([]rowOutcome, len(r.errors))
	var all redline.Errors
	refused := 0
	for i, errs := range r.errors {
		if len(errs) > 0 {
			refused++
			all = append(all, errs...)
			out[i] = refusedRow(r.refs, i, errs)
			continue
		}
		out[i].LevelID = r.level(i).ID
	}
	if refused > 0 && (onError != redline.SkipRow || refused == len(r.errors)) {
		// Both rows of a transfer name one product, and say the same of it.
		return nil, slices.CompactFunc(all, func(a, b *redline.Error) bool { return a.Code == b.Code && slices.Equal(a.Field, b.Field) })
	}
	var untouched []string
	for _, l := range r.locked {
		if l.dirty {
			m.subjects = append(m.subjects, l.ID)
		} else if l.Version == 0 {
			untouched = append(untouched, l.ID)
		}
	}
	// Levels that were made for rows that came to nothing.
	if len(untouched) > 0 {
		if _, err := m.tx.ExecContext(ctx, `DELETE FROM inventory_levels WHERE id = ANY($1)`, pq.Array(untouched)); err != nil {
			return nil, dbError("taking back levels", err)
		}
	}
	return out, nil
}
