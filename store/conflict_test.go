package store_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"redline"
	"redline/store"
)

// gap is a conflict of a test about a supplier.
func (w *world) gap(cause, fact string) redline.Conflict {
	return redline.Conflict{
		Kind: redline.ConflictSequenceGap, Cause: cause, SupplierID: ref(w.id["supplier cajun"]), Summary: "A gap.",
		Facts: redline.Attributes{{Name: "expected", Value: fact}},
	}
}

// conflictRows are all conflicts, as text, by cause and then by age.
func (w *world) conflictRows() []string {
	w.t.Helper()
	var rows []string
	w.must(w.DB().SelectContext(w.ctx, &rows, `SELECT concat_ws(' ', c.cause, c.status, c.facts->0->>'value', 'v' || c.version, coalesce(c.resolution, '-'))
		FROM conflicts c ORDER BY c.cause, c.opened_at, c.id`))
	return rows
}

func TestConflictsOfACauseAreOne(t *testing.T) {
	w := newWorld(t)
	tell := func(c store.Telling) []string {
		t.Helper()
		opened, _, err := w.Tell(w.ctx, cajun, nil, c)
		w.must(err)
		return ids(opened, func(c *redline.Conflict) string { return fmt.Sprintf("%s v%d", c.Facts[0].Value, c.Version) })
	}
	a1, a2, b := w.gap("A", "1"), w.gap("A", "2"), w.gap("B", "1")
	equal(t, "first told", tell(store.Telling{Open: []redline.Conflict{a1, b}}), []string{"1 v1", "1 v1"})
	before := w.conflictRows()
	equal(t, "told again", tell(store.Telling{Open: []redline.Conflict{b, a1}}), []string{"1 v1", "1 v1"})
	equal(t, "what is told again changes nothing", w.conflictRows(), before)
	equal(t, "told otherwise, twice", tell(store.Telling{Open: []redline.Conflict{a1, a2}}), []string{"2 v2"})
	equal(t, "settled, and opened before that", tell(store.Telling{Open: []redline.Conflict{a1}, Settle: []string{"A", "C"}}), []string(nil))
	equal(t, "opened and settled", tell(store.Telling{Open: []redline.Conflict{a1}, Settle: []string{"A"}}), []string(nil))
	equal(t, "settled and opened", tell(store.Telling{Open: []redline.Conflict{a1}, Settle: []string{"A"}, SettleFirst: true}), []string{"1 v1"})
	equal(t, "settled and told again", tell(store.Telling{Open: []redline.Conflict{a2}, Settle: []string{"A"}, SettleFirst: true}), []string{"2 v2"})
	equal(t, "the conflicts", w.conflictRows(), []string{"A RESOLVED 2 v3 by rule", "A OPEN 2 v2 -", "B OPEN 1 v1 -"})
	w.checkBooks()
}

// What is refused leaves its conflicts behind, what the audit is told of them and
// of the refusal, and nothing else; and no key.
func TestARefusalLeavesItsConflictsBehind(t *testing.T) {
	w := newWorld(t)
	k := key()
	why := redline.Errorf(redline.CodeSequenceStale, []string{"sequence"}, "an older one")
	_, _, err := w.Tell(redline.WithRequestID(w.ctx, "req"), cajun, &k, store.Telling{Open: []redline.Conflict{w.gap("A", "1")}, Refuse: why})
	refused(t, err, redline.CodeSequenceStale, "sequence")
	equal(t, "the conflicts", w.conflictRows(), []string{"A OPEN 1 v1 -"})
	var conflict string
	w.must(w.DB().GetContext(w.ctx, &conflict, `SELECT id FROM conflicts`))
	var told []string
	for _, e := range w.audited("req") {
		subject := ""
		if e.Subject != nil {
			subject = *e.Subject
		}
		told = append(told, e.Actor+" "+e.Outcome+" "+subject)
	}
	slices.Sort(told)
	equal(t, "the audit", told, []string{"erp-cajun SEQUENCE_STALE ", "erp-cajun SEQUENCE_STALE " + conflict})
	opened, outcome, err := w.Tell(w.ctx, cajun, &k, store.Telling{Open: []redline.Conflict{w.gap("A", "2")}})
	w.must(err)
	equal(t, "the key is free", []any{outcome.Replayed, len(opened), opened[0].Version}, []any{false, 1, 2})
	_, _, err = w.Tell(w.ctx, cajun, nil, store.Telling{Open: []redline.Conflict{w.gap("B", "1")}, Refuse: errors.New("a fault")})
	if err == nil {
		t.Error("a fault is no refusal")
	}
	equal(t, "a fault leaves nothing", w.conflictRows(), []string{"A OPEN 2 v2 -"})
	w.checkBooks()
}

// Many who find the same at the same time open one conflict, and each is told
// which; nobody waits for somebody who waits for him.
func TestManyOpenTheSameConflictAtOnce(t *testing.T) {
	w := newWorld(t)
	const crowd, causes = 24, 100
	ids := make([][]string, crowd)
	for i, err := range atOnce(crowd, func(i int) error {
		var open []redline.Conflict
		for n := range causes { // each in another order
			open = append(open, w.gap(fmt.Sprintf("cause %d", (n*7+i*13)%causes), "1"))
		}
		opened, _, err := w.Tell(w.ctx, cajun, nil, store.Telling{Open: open, Settle: []string{fmt.Sprintf("other %d", i)}})
		for _, c := range opened {
			ids[i] = append(ids[i], c.ID)
		}
		return err
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	for i := range ids {
		equal(t, "those that each sees", ids[i], ids[0])
	}
	var n, events int
	w.must(w.DB().GetContext(w.ctx, &n, `SELECT count(*) FROM conflicts`))
	w.must(w.DB().GetContext(w.ctx, &events, `SELECT count(*) FROM events WHERE type = 'conflict.changed'`))
	equal(t, "conflicts and events", []int{n, events, len(ids[0])}, []int{causes, causes, causes})
	w.checkBooks()
}
