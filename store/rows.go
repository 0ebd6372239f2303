package store

import (
	"context"
	"errors"
	"slices"

	"redline"
)

// rowSet is the rows of one change of stock: what each means, the level that
// it changes, and why it was refused.
type rowSet struct {
	// list is the input's name of the rows, "" where they aren't a list of it.
	list string
	// keys say which stock each row means.
	keys []redline.StockKey
	// onError says what a refused row does to the others: with RollBack it
	// refuses the call; with SkipRow the others go through, and the call is
	// refused only where no row is left.
	onError redline.OnRowError
	// paths renames the steps of errors, by row, where rows aren't a list.
	paths map[int]map[string]string
	// check looks at what needs no database: it refuses rows, or with an error
	// the call. apply changes the levels of the rows that aren't refused.
	check func() error
	apply func(context.Context, *mutation) error

	refs   []stockRef
	locked map[levelKey]*lockedLevel
	// waiting are the orders that wait for stock of a product of the transaction.
	waiting []*redline.Order
	errors  []redline.Errors
	// unknown are the conflicts about what a supplier named that isn't mapped.
	unknown []*conflictOpening
	// short are the refusals that owe a product.
	short []*redline.Error
}

// stockWork is the work of a transaction that changes stock, each call of it
// with the rows that rowsOf makes of it. The levels of all calls are locked
// together; then each call changes them in its turn, and one that is refused
// leaves no trace.
func stockWork(rowsOf func(*mutation) *rowSet) work {
	return func(ctx context.Context, t *transaction, all []*mutation) error {
		sets := make(map[*mutation]*rowSet, len(all))
		var asked []*stockBook
		for _, m := range all {
			rows := rowsOf(m)
			rows.errors = make([]redline.Errors, len(rows.keys))
			if n := len(rows.keys); n < 1 || n > rowsMax {
				m.refuse(redline.Invalid([]string{rows.list}, "one call has 1 to %d rows, not %d", rowsMax, n))
				continue
			}
			if err := rows.check(); err != nil {
				m.refuse(err)
				continue
			}
			sets[m] = rows
			asked = append(asked, &stockBook{by: m.by, keys: rows.keys, of: m.n})
		}
		if len(asked) == 0 {
			return nil
		}
		if err := t.readStockBooks(ctx, asked); err != nil {
			return err
		}
		var levels []levelKey
		listed := map[levelKey]bool{}
		for _, book := range asked {
			m := all[book.of]
			for _, k := range sets[m].resolve(book) {
				if !listed[k] {
					listed[k] = true
					levels = append(levels, k)
				}
			}
			for _, o := range sets[m].unknown {
				m.conflict(*o)
			}
		}
		waiting, err := t.lockWaiting(ctx, awaited(sets))
		if err != nil {
			return err
		}
		locked := map[levelKey]*lockedLevel{}
		if len(levels) > 0 {
			if locked, err = t.lockKeys(ctx, levels, true); err != nil {
				return err
			}
		}
		var short []*redline.Error
		for _, m := range all {
			if rows := sets[m]; rows != nil {
				rows.locked, rows.waiting = locked, waiting
				if err := rows.change(ctx, m); err != nil {
					return err
				}
				short = append(short, rows.short...)
			}
		}
		if err := t.nameProducts(ctx, short); err != nil {
			return err
		}
		for _, m := range all {
			if rows := sets[m]; rows != nil && m.err == nil {
				m.result = rows.outcomes()
			}
		}
		return t.takeBack(ctx, locked)
	}
}

// awaited are the products of rows that orders wait for. Whether any does was
// read before the locks: for one that began to wait since, a job finds stock.
func awaited(sets map[*mutation]*rowSet) []string {
	var products []string
	for _, rows := range sets {
		for _, ref := range rows.refs {
			if ref.awaited && !slices.Contains(products, ref.product) {
				products = append(products, ref.product)
			}
		}
	}
	return products
}

// changeStock runs a change of stock in a transaction of its own.
func (s *Store) changeStock(
	ctx context.Context, p redline.Principal, r request, rowsOf func(*mutation) *rowSet,
) (*redline.InventoryResult, error) {
	c := newCall(ctx, p, r)
	s.settle(ctx, []*call{c}, 0, stockWork(rowsOf))
	return s.stockResult(ctx, c)
}

// stockResult tells the caller what came of a change of stock: as it was made,
// or, of a replay, as the caller may see it now.
func (s *Store) stockResult(ctx context.Context, c *call) (*redline.InventoryResult, error) {
	outcomes, outcome, err := outcomeOf[[]rowOutcome](ctx, s, c)
	if err != nil {
		return nil, err
	}
	if made, ok := c.shows.([]*redline.InventoryRow); ok {
		return &redline.InventoryResult{Outcome: outcome, Rows: made}, nil
	}
	result, err := s.replayedResult(ctx, c.by, outcomes, outcome)
	if err != nil {
		result.ReadError = err
	}
	return result, nil
}

// change changes the levels of the rows, or refuses the call and leaves the
// levels as they were. What it returns is why the whole transaction fails.
func (r *rowSet) change(ctx context.Context, m *mutation) error {
	mark := m.mark(r.byLevel(), r)
	err := r.apply(ctx, m)
	if err == nil {
		err = r.refusal()
	}
	switch {
	case err == nil:
		changed := map[levelKey]*lockedLevel{}
		for _, group := range r.byLevel() {
			l := r.level(group[0])
			m.subjects = append(m.subjects, l.ID)
			changed[l.key()] = l
		}
		if err := m.fill(ctx, r.waiting, changed); err != nil {
			return err
		}
		m.shows, m.skipped = r.made(), slices.Concat(r.errors...)
		return nil
	case refusalsOf(err) == nil:
		return err
	}
	m.undo(mark)
	m.refuse(err)
	return nil
}

// stockMark is how a transaction's stock stood before a call.
type stockMark struct {
	levels                          map[*lockedLevel]lockedLevel
	dirty, movements, events, steps int
}

// mark notes how the levels of groups of rows stand.
func (m *mutation) mark(groups [][]int, r *rowSet) stockMark {
	mark := stockMark{map[*lockedLevel]lockedLevel{}, len(m.stock.levels), len(m.stock.movements), len(m.events), len(m.steps)}
	for _, group := range groups {
		l := r.level(group[0])
		mark.levels[l] = *l
	}
	return mark
}

// undo takes back all that was changed since a mark.
func (m *mutation) undo(mark stockMark) {
	for l, before := range mark.levels {
		*l = before
	}
	m.stock.levels, m.stock.movements = m.stock.levels[:mark.dirty], m.stock.movements[:mark.movements]
	m.events, m.steps = m.events[:mark.events], m.steps[:mark.steps]
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
			"%d of %s are wanted at %s, and %d are %s", want, l.SKU, l.at.Code, there, what)
		e.Requested, e.Available, e.Product = want, there, &redline.Product{ID: l.ProductID}
		r.refuse(i, e)
		last := r.errors[i]
		r.short = append(r.short, last[len(last)-1])
	}
}

// resolve finds out what the rows mean and returns the levels to lock, each
// once. Rows that mean nothing are refused, and have no level.
func (r *rowSet) resolve(book *stockBook) []levelKey {
	r.refs = make([]stockRef, len(r.keys))
	var levels []levelKey
	listed := map[levelKey]bool{}
	for i, k := range r.keys {
		ref, refused := book.resolve(k)
		if refused != nil {
			step := []string{"stock"}
			if r.list == "" {
				step = nil
			}
			if o := book.unknown(k, refused); o != nil {
				r.unknown = append(r.unknown, o)
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
	return levels
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

// refusal is why the call is refused, or nil where it isn't.
func (r *rowSet) refusal() error {
	refused := 0
	for _, errs := range r.errors {
		if len(errs) > 0 {
			refused++
		}
	}
	if refused == 0 || r.onError == redline.SkipRow && refused < len(r.errors) {
		return nil
	}
	// Both rows of a transfer name one product, and say the same of it.
	return slices.CompactFunc(slices.Concat(r.errors...), func(a, b *redline.Error) bool {
		return a.Code == b.Code && slices.Equal(a.Field, b.Field)
	})
}

// made is what came of the rows: levels as they are now, and refusals.
func (r *rowSet) made() []*redline.InventoryRow {
	out := make([]*redline.InventoryRow, len(r.errors))
	for i, errs := range r.errors {
		out[i] = &redline.InventoryRow{Index: i, Errors: errs}
		if l := r.level(i); l != nil {
			level := l.InventoryLevel
			level.Location = l.at.copied()
			out[i].Level = &level
		}
	}
	return out
}

// outcomes are what a key keeps of the rows.
func (r *rowSet) outcomes() []rowOutcome {
	out := make([]rowOutcome, len(r.errors))
	for i, errs := range r.errors {
		if len(errs) > 0 {
			out[i] = refusedRow(r.refs, i, errs)
			continue
		}
		out[i].LevelID = r.level(i).ID
	}
	return out
}

// takeBack deletes levels that were made for rows that came to nothing.
func (t *transaction) takeBack(ctx context.Context, locked map[levelKey]*lockedLevel) error {
	untouched := texts()
	for _, l := range locked {
		if !l.dirty && l.Version == 0 {
			untouched.text(l.ID)
		}
	}
	if untouched.n == 0 {
		return nil
	}
	if _, err := t.tx.ExecContext(ctx, `/* inventory.drop_untouched */ DELETE FROM inventory_levels WHERE id = ANY($1::text[])`, untouched); err != nil {
		return dbError("taking back levels", err)
	}
	return nil
}

// nameProducts fills the products of refusals, which know their ids.
func (t *transaction) nameProducts(ctx context.Context, refused []*redline.Error) error {
	if len(refused) == 0 {
		return nil
	}
	ids := texts()
	for _, e := range refused {
		ids.text(e.Product.ID)
	}
	var found []redline.Product
	if err := t.tx.SelectContext(ctx, &found, `/* products.of_rows */ SELECT `+productColumns+` FROM products p WHERE p.id = ANY($1::text[])`, ids); err != nil {
		return dbError("reading products", err)
	}
	byID := map[string]redline.Product{}
	for _, p := range found {
		byID[p.ID] = p
	}
	for _, e := range refused {
		p := byID[e.Product.ID] // each refusal has one of its own: answers fill in more
		e.Product = &p
	}
	return nil
}
