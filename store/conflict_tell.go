package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"time"

	"redline"
)

// conflictOpening is something that two sides disagree on, as a change found it.
type conflictOpening struct {
	kind redline.ConflictKind
	// cause tells it from all others: of those that are open there is one for
	// each cause.
	cause string
	// supplierID is whom it is about, and may see it; subjectID is what.
	supplierID, subjectID *string
	summary               string
	facts                 redline.Attributes
	// held is what resolving it needs, as JSON; nil is nothing, and leaves what is
	// held for an open one.
	held any
	// join, where it is set, makes the facts and what is held of what is held for an
	// open one, while nobody else changes that.
	join func(held json.RawMessage) (redline.Attributes, any, error)
}

// conflictStep is what a mutation has to say of the conflict of one cause.
type conflictStep struct {
	cause string
	// opening is what it tells; nil where it closes it. With known set it is for
	// one that is open already, and opens none.
	opening *conflictOpening
	known   bool
	// status is what it becomes where it is closed, and resolution why.
	status     redline.ConflictStatus
	resolution string
	// closes is the conflict that a person closes, as it was read; nil where a
	// rule closes what is open.
	closes *redline.Conflict
}

// conflict has a conflict opened when the transaction ends. Where one is open
// for its cause already it is told of again: its summary, facts and what is held
// are those of now, with a version and an event where they differ, and nothing
// is done where they don't. The conflict is among the mutation's opened ones
// either way. Of what a mutation says of one cause the last counts.
//
// A mutation that is refused, by refuse and not by an error, leaves its conflicts
// behind, and the refusal's audit entry, but nothing else.
func (m *mutation) conflict(o conflictOpening) {
	m.steps = append(m.steps, conflictStep{cause: o.cause, opening: &o})
}

// retell is conflict for one that is open already; where none is, none is opened.
func (m *mutation) retell(o conflictOpening) {
	m.steps = append(m.steps, conflictStep{cause: o.cause, opening: &o, known: true})
}

// settleConflict has the conflict of a cause closed when the transaction ends,
// by rule: in the system's name, whoever caused it. Where none is open nothing
// happens.
func (m *mutation) settleConflict(cause, resolution string) {
	m.steps = append(m.steps, conflictStep{cause: cause, status: redline.ConflictResolved, resolution: resolution})
}

// dismissConflict is settleConflict where nothing was done of what resolving the
// conflict does.
func (m *mutation) dismissConflict(cause, resolution string) {
	m.steps = append(m.steps, conflictStep{cause: cause, status: redline.ConflictDismissed, resolution: resolution})
}

// closeConflict has a conflict that was read closed when the transaction ends,
// by whoever asked. Where it is another by then the transaction is run again.
func (m *mutation) closeConflict(c *redline.Conflict, status redline.ConflictStatus, resolution string) {
	m.steps = append(m.steps, conflictStep{cause: c.Cause, status: status, resolution: resolution, closes: c})
}

// conflictSteps are what the mutation has to say, one step for a cause, by
// cause; nothing where it failed for a reason that the audit isn't told.
func (m *mutation) conflictSteps() []conflictStep {
	if len(m.steps) == 0 || m.err != nil && refusalsOf(m.err) == nil {
		return nil
	}
	last := map[string]conflictStep{}
	for _, s := range m.steps {
		before, ok := last[s.cause]
		switch {
		case ok && before.closes != nil:
			continue // who closes it has done what ends it
		case ok && s.known && before.opening != nil:
			s.known = before.known
		}
		last[s.cause] = s
	}
	steps := slices.Collect(maps.Values(last))
	slices.SortFunc(steps, func(a, b conflictStep) int { return cmp.Compare(a.cause, b.cause) })
	return steps
}

// openConflict is the conflict that is open for a cause, while a transaction
// ends. Nobody else opens or closes one of that cause meanwhile.
type openConflict struct {
	redline.Conflict
	// was is the version of its row, 0 where there is none yet, and changed says
	// that the row is to be written.
	was          int
	changed      bool
	supplierCode *string
}

// openConflicts are those of the causes that a transaction speaks of, and what
// it changes.
type openConflicts struct {
	byCause map[string]*openConflict
	// codes are those of the suppliers that conflicts are about, by id.
	codes   map[string]string
	changed []*openConflict
}

// writeConflicts opens and closes what the mutations have gathered, gathers the
// events of it, and notes what the audit is told.
func (t *transaction) writeConflicts(ctx context.Context, all []*mutation) error {
	tellers := slices.Concat(all, t.rules)
	// What follows by rule from a mutation comes after it, and before the next.
	slices.SortStableFunc(tellers, func(a, b *mutation) int { return cmp.Compare(a.n, b.n) })
	steps := make([][]conflictStep, len(tellers))
	causes, suppliers := map[string]bool{}, map[string]bool{}
	for i, m := range tellers {
		steps[i] = m.conflictSteps()
		for _, s := range steps[i] {
			causes[s.cause] = true
			if s.opening != nil && s.opening.supplierID != nil {
				suppliers[*s.opening.supplierID] = true
			}
		}
	}
	if len(causes) > 0 {
		open, err := t.lockConflicts(ctx, slices.Sorted(maps.Keys(causes)), slices.Sorted(maps.Keys(suppliers)))
		if err != nil {
			return err
		}
		for i, m := range tellers {
			for _, s := range steps[i] {
				if err := m.step(open, s); err != nil {
					return err
				}
			}
		}
		if err := t.saveConflicts(ctx, open.changed); err != nil {
			return err
		}
	}
	for _, m := range all {
		if m.whenOpened != nil {
			m.whenOpened()
		}
	}
	return nil
}

// causeLocks is the number of locks that stand for all causes there are, and
// causeClass tells them from locks that stand for other things.
const (
	causeLocks = 64
	causeClass = 0x636f6e66
)

// lockConflicts locks causes, and reads the conflicts that are open for them.
// The row of a conflict that is yet to be opened can't be locked; so it is a lock
// for the cause that is taken, in one order, and held to the end, which is near.
func (t *transaction) lockConflicts(ctx context.Context, causes, suppliers []string) (*openConflicts, error) {
	numbers := map[int]bool{}
	for _, cause := range causes {
		h := fnv.New32a()
		_, _ = h.Write([]byte(cause)) // a hash never fails
		numbers[int(h.Sum32()%causeLocks)] = true
	}
	locks := ints()
	for _, n := range slices.Sorted(maps.Keys(numbers)) {
		locks.int(n)
	}
	var lock, id, code string
	var now time.Time
	err := scanRows(ctx, t.tx, "locking the causes of conflicts", `/* conflicts.lock_causes */ SELECT pg_advisory_xact_lock($1::integer, n), clock_timestamp()
		FROM unnest($2::integer[]) AS n`, []any{causeClass, locks}, []any{&lock, &now}, func() error { return nil })
	if err != nil {
		return nil, err
	}
	if now.After(t.now) { // the last is behind all the locks
		t.now = now
	}
	open := &openConflicts{byCause: map[string]*openConflict{}, codes: map[string]string{}}
	if len(suppliers) > 0 {
		err = scanRows(ctx, t.tx, "reading the suppliers of conflicts", `/* conflicts.suppliers */ SELECT id, code FROM suppliers WHERE id = ANY($1::text[])`,
			[]any{texts(suppliers...)}, []any{&id, &code}, func() error {
				open.codes[id] = code
				return nil
			})
		if err != nil {
			return nil, err
		}
	}
	var rows []heldConflict
	err = t.tx.SelectContext(ctx, &rows, "/* conflicts.open */ "+selectHeld+` WHERE c.status = 'OPEN' AND c.cause = ANY($1::text[])`, texts(causes...))
	if err != nil {
		return nil, dbError("reading open conflicts", err)
	}
	for _, r := range rows {
		c := r.conflict()
		open.byCause[c.Cause] = &openConflict{Conflict: *c, was: c.Version, supplierCode: r.SupplierCode}
	}
	return open, nil
}

// step does what a mutation says of one cause.
func (m *mutation) step(open *openConflicts, s conflictStep) error {
	c := open.byCause[s.cause]
	switch {
	case s.closes != nil && (c == nil || c.ID != s.closes.ID || c.Version != s.closes.Version):
		return errMoved
	case s.opening == nil && c == nil, s.known && c == nil:
		return nil
	case s.opening == nil:
		delete(open.byCause, s.cause)
		at := m.now
		c.Status, c.Resolution, c.ResolvedAt = s.status, &s.resolution, &at
		if s.closes == nil {
			m.ended = append(m.ended, c.ID)
		} else {
			m.subjects = append(m.subjects, c.ID)
		}
		return m.changeConflict(open, c)
	}
	summary, facts, holds, held := s.opening.summary, s.opening.facts, s.opening.held, json.RawMessage(nil)
	if s.opening.join != nil {
		var before json.RawMessage
		if c != nil {
			before = c.Held
		}
		var err error
		if facts, holds, err = s.opening.join(before); err != nil {
			return err
		}
	}
	if facts == nil {
		facts = redline.Attributes{}
	}
	if holds != nil {
		var err error
		if held, err = json.Marshal(holds); err != nil {
			return fmt.Errorf("writing what resolving a conflict needs: %w", err)
		}
	}
	switch {
	case c == nil:
		c = &openConflict{Conflict: redline.Conflict{
			ID: redline.NewID(redline.PrefixConflict), Kind: s.opening.kind, Status: redline.ConflictOpen, Cause: s.cause,
			SupplierID: s.opening.supplierID, SubjectID: s.opening.subjectID, OpenedAt: m.now,
		}}
		if c.SupplierID != nil {
			code := open.codes[*c.SupplierID]
			c.supplierCode = &code
		}
		open.byCause[s.cause] = c
	case held == nil: // what somebody holds for it isn't lost by what holds nothing
		held = c.Held
	}
	if c.Version > 0 && c.Summary == summary && slices.Equal(c.Facts, facts) && bytes.Equal(c.Held, held) {
		m.opened = append(m.opened, &c.Conflict)
		return nil
	}
	c.Summary, c.Facts, c.Held = summary, facts, held
	told := c.Conflict
	told.Version++
	told.UpdatedAt = m.now
	m.opened = append(m.opened, &told)
	m.news = append(m.news, c.ID)
	return m.changeConflict(open, c)
}

// changeConflict gives a conflict another version, and gathers its event.
func (m *mutation) changeConflict(open *openConflicts, c *openConflict) error {
	c.Version++
	c.UpdatedAt = m.now
	if !c.changed {
		c.changed = true
		open.changed = append(open.changed, c)
	}
	return m.tell(redline.EventConflict, c.ID, &redline.ConflictEvent{Conflict: c.Conflict, SupplierCode: c.supplierCode})
}

// conflictColumns are rows of conflicts as they are written.
type conflictColumns struct {
	id, kind, status, cause, supplier, subject, summary, facts, held, resolution, version, was, opened, updated, resolved *column
}

func newConflictColumns() conflictColumns {
	return conflictColumns{
		texts(), texts(), texts(), texts(), texts(), texts(), texts(), jsons(), jsons(), texts(), ints(), ints(), times(), times(), times(),
	}
}

func (k conflictColumns) add(c *openConflict) error {
	facts, err := json.Marshal(c.Facts)
	if err != nil {
		return fmt.Errorf("writing the facts of a conflict: %w", err)
	}
	k.id.text(c.ID)
	k.kind.text(string(c.Kind))
	k.status.text(string(c.Status))
	k.cause.text(c.Cause)
	maybe(k.supplier, (*column).text, c.SupplierID)
	maybe(k.subject, (*column).text, c.SubjectID)
	k.summary.text(c.Summary)
	k.facts.blob(facts)
	if c.Held == nil {
		k.held.null()
	} else {
		k.held.blob(c.Held)
	}
	maybe(k.resolution, (*column).text, c.Resolution)
	k.version.int(c.Version)
	k.was.int(c.was)
	k.opened.time(c.OpenedAt)
	k.updated.time(c.UpdatedAt)
	maybe(k.resolved, (*column).time, c.ResolvedAt)
	return nil
}

// saveConflicts writes the rows that changed: first those that are there, so
// that what is closed makes room for another of its cause.
func (t *transaction) saveConflicts(ctx context.Context, changed []*openConflict) error {
	known, fresh := newConflictColumns(), newConflictColumns()
	for _, c := range changed {
		rows := known
		if c.was == 0 {
			rows = fresh
		}
		if err := rows.add(c); err != nil {
			return err
		}
	}
	if known.id.n > 0 {
		done, err := t.tx.ExecContext(ctx, `/* conflicts.update */ UPDATE conflicts c SET status = n.status, summary = n.summary, facts = n.facts, held = n.held,
				resolution = n.resolution, version = n.version, updated_at = n.updated_at, resolved_at = n.resolved_at
			FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::json[], $6::json[], $7::text[], $8::integer[],
				$9::timestamptz[], $10::timestamptz[])
				AS n (id, was, status, summary, facts, held, resolution, version, updated_at, resolved_at)
			WHERE c.id = n.id AND c.version = n.was AND c.status = 'OPEN'`,
			known.id, known.was, known.status, known.summary, known.facts, known.held, known.resolution, known.version,
			known.updated, known.resolved)
		if err != nil {
			return dbError("writing conflicts", err)
		}
		if n, err := done.RowsAffected(); err != nil || n != int64(known.id.n) {
			return errMoved
		}
	}
	if fresh.id.n == 0 {
		return nil
	}
	_, err := t.tx.ExecContext(ctx, `/* conflicts.insert */ INSERT INTO conflicts (id, kind, status, cause, supplier_id, subject_id, summary, facts, held, resolution,
			version, opened_at, updated_at, resolved_at)
		SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::json[], $9::json[],
			$10::text[], $11::integer[], $12::timestamptz[], $13::timestamptz[], $14::timestamptz[])`,
		fresh.id, fresh.kind, fresh.status, fresh.cause, fresh.supplier, fresh.subject, fresh.summary, fresh.facts, fresh.held,
		fresh.resolution, fresh.version, fresh.opened, fresh.updated, fresh.resolved)
	if err != nil {
		return dbError("writing new conflicts", err)
	}
	return nil
}
