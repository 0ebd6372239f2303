package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
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

// Each supplier sees what is about itself, whoever works for us all of it, and
// others nothing; costs are for those who may know them.
func TestWhoSeesWhichConflicts(t *testing.T) {
	w := newWorld(t)
	ours, cajuns, tokyos := w.gap("ours", "1"), w.gap("cajun's", "1"), w.gap("tokyo's", "1")
	ours.SupplierID, tokyos.SupplierID = nil, ref(w.id["supplier tokyo"])
	price := redline.Conflict{
		Kind: redline.ConflictPriceMismatch, Cause: "price", SupplierID: cajuns.SupplierID, Summary: "Another cost.",
		Facts: redline.Attributes{{Name: "agreed", Value: "2.50"}}, Held: []byte(`{"secret": 1}`),
	}
	for _, c := range []redline.Conflict{ours, cajuns, tokyos, price} { // opened in this order
		_, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Open: []redline.Conflict{c}})
		w.must(err)
	}
	var all []string
	w.must(w.DB().SelectContext(w.ctx, &all, `SELECT id FROM conflicts`))
	blind := cajun
	blind.Scopes = []string{redline.ScopeConflictsRead}
	for _, c := range []struct {
		by   redline.Principal
		want []string
	}{
		{operator, []string{"price 1", "tokyo's 1", "cajun's 1", "ours 1"}}, {cajun, []string{"price 1", "cajun's 1"}}, {blind, []string{"price 0", "cajun's 1"}},
		{tokyo, []string{"tokyo's 1"}}, {supplierPrincipal("cajun", "tokyo"), []string{"price 1", "tokyo's 1", "cajun's 1"}},
		{shop, nil}, {buyer, nil}, {redline.Anonymous(), nil}, {supplierPrincipal("nobody"), nil},
	} {
		page, err := w.Conflicts(w.ctx, c.by, redline.ConflictFilter{}, redline.PageRequest{Count: true})
		w.must(err)
		cause := func(c *redline.Conflict) string {
			if (c.SupplierID == nil) != (c.Supplier == nil) {
				t.Errorf("%s comes without its supplier", c.Cause)
			}
			return fmt.Sprintf("%s %d", c.Cause, len(c.Facts))
		}
		equal(t, c.by.Subject+" sees", ids(page.Items, cause), c.want)
		equal(t, c.by.Subject+" counts", *page.Total, len(c.want))
		found, err := w.ConflictsByID(w.ctx, c.by, all)
		w.must(err)
		var byID []string
		for _, v := range found {
			byID = append(byID, cause(v))
		}
		slices.Sort(byID)
		slices.Sort(c.want)
		equal(t, c.by.Subject+" finds", byID, c.want)
	}
}

func TestConflictsByStatusAndKind(t *testing.T) {
	w := newWorld(t)
	for i := range 9 {
		c := w.gap(fmt.Sprintf("cause %d", i), "1")
		if i%3 == 0 {
			c.Kind = redline.ConflictStaleFeed
		}
		_, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Open: []redline.Conflict{c}})
		w.must(err)
	}
	_, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Settle: []string{"cause 3", "cause 4"}})
	w.must(err)
	for _, c := range []struct {
		f    redline.ConflictFilter
		want string
	}{
		{redline.ConflictFilter{}, "876543210"},
		{redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, "8765210"},
		{redline.ConflictFilter{Status: ref(redline.ConflictResolved)}, "43"},
		{redline.ConflictFilter{Kind: ref(redline.ConflictStaleFeed)}, "630"},
		{redline.ConflictFilter{Kind: ref(redline.ConflictStaleFeed), Status: ref(redline.ConflictOpen)}, "60"},
		{redline.ConflictFilter{Status: ref(redline.ConflictDismissed)}, ""},
	} {
		var got string
		page := redline.PageRequest{First: ref(2)}
		for {
			found, err := w.Conflicts(w.ctx, operator, c.f, page)
			w.must(err)
			for _, v := range found.Items {
				got += v.Cause[len(v.Cause)-1:]
			}
			if !found.HasNext {
				break
			}
			page.After = &found.Cursors[1]
		}
		equal(t, fmt.Sprintf("%v", c.f), got, c.want)
	}
}

// Who reports less than is promised of its stock opens a conflict; it tells what
// is there now, and ends when that is enough again.
func TestAnOversoldLevelHasAConflict(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("tea", 15))
	l := w.level("tea", "tokyo")
	// told is each conflict's status and version, and what is on hand.
	told := func() string {
		page, err := w.Conflicts(w.ctx, tokyo, redline.ConflictFilter{Kind: ref(redline.ConflictOversold)}, redline.PageRequest{})
		w.must(err)
		var all string
		for _, c := range page.Items {
			equal(t, "subject", []any{*c.SubjectID, *c.SupplierID}, []any{l.ID, w.id["supplier tokyo"]})
			i := slices.IndexFunc(c.Facts, func(a redline.Attribute) bool { return a.Name == "onHand" })
			all += fmt.Sprintf("%s v%d: %s; ", c.Status, c.Version, c.Facts[i].Value)
		}
		return all
	}
	for _, step := range []struct {
		delta int
		want  string
	}{
		{-5, ""}, {-3, "OPEN v1: 12; "}, {-2, "OPEN v2: 10; "}, {4, "OPEN v3: 14; "}, {1, "RESOLVED v4: 14; "}, {5, "RESOLVED v4: 14; "},
		{-10, "OPEN v1: 10; RESOLVED v4: 14; "},
	} {
		w.adjust(tokyo, "tea", "tokyo", step.delta)
		equal(t, fmt.Sprintf("after %+d", step.delta), told(), step.want)
		w.checkBooks()
	}
	_, err := w.InventoryAdjust(w.ctx, tokyo, redline.InventoryAdjustInput{
		IdempotencyKey: key(), Reason: redline.ReasonCorrected,
		Changes: []redline.InventoryChange{w.tweak("tea", "tokyo", -5), w.tweak("tea", "east", -1)},
	})
	if err == nil {
		t.Error("a supplier has changed our stock")
	}
	equal(t, "what is refused tells nothing", told(), "OPEN v1: 10; RESOLVED v4: 14; ")
	w.checkBooks()
}

// open opens a conflict of a test and returns its id.
func (w *world) open(c redline.Conflict) string {
	w.t.Helper()
	opened, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Open: []redline.Conflict{c}})
	w.must(err)
	return opened[0].ID
}

// settle closes a conflict, or says why it can't be.
func (w *world) settle(p redline.Principal, id string, status redline.ConflictStatus) error {
	_, _, err := w.ConflictResolve(w.ctx, p, redline.ConflictResolveInput{ConflictID: id, Status: status, Resolution: "so be it"})
	return err
}

func TestAConflictIsClosedOnce(t *testing.T) {
	w := newWorld(t)
	for status, cause := range map[redline.ConflictStatus]string{redline.ConflictResolved: "A", redline.ConflictDismissed: "B"} {
		id, k := w.open(w.gap(cause, "1")), key()
		in := redline.ConflictResolveInput{IdempotencyKey: &k, ConflictID: id, Status: status, Resolution: "we know", ExpectedVersion: ref(1)}
		got, outcome, err := w.ConflictResolve(redline.WithRequestID(w.ctx, "req "+cause), operator, in)
		w.must(err)
		equal(t, "the first time", []any{got, outcome.Replayed, outcome.EventID > 0}, []any{id, false, true})
		got, outcome, err = w.ConflictResolve(w.ctx, operator, in)
		w.must(err)
		equal(t, "with the same key", []any{got, outcome.Replayed}, []any{id, true})
		for _, to := range []redline.ConflictStatus{redline.ConflictResolved, redline.ConflictDismissed} {
			e := refused(t, w.settle(operator, id, to), redline.CodeInvalidTransition, "status")
			equal(t, "why", []any{e.From, e.To, e.Allowed, e.Message}, []any{
				string(status), string(to), []string{}, fmt.Sprintf("the conflict is %s already: we know", status),
			})
		}
		entries := w.audited("req " + cause)
		equal(t, "the audit", []any{len(entries), entries[0].Actor, entries[0].Action, *entries[0].Subject, entries[0].Outcome},
			[]any{1, operator.Subject, "conflictResolve", id, "OK"})
		found, err := w.ConflictsByID(w.ctx, operator, []string{id})
		w.must(err)
		c := found[id]
		equal(t, "the conflict", []any{c.Status, *c.Resolution, c.Version, c.ResolvedAt != nil}, []any{status, "we know", 2, true})
		equal(t, "the next of the cause is another", w.open(w.gap(cause, "1")) == id, false)
	}
	w.checkBooks()
}

func TestWhatCannotBeResolved(t *testing.T) {
	w := newWorld(t)
	id := w.open(w.gap("A", "1"))
	in := func(change func(*redline.ConflictResolveInput)) redline.ConflictResolveInput {
		in := redline.ConflictResolveInput{ConflictID: id, Status: redline.ConflictResolved, Resolution: "why"}
		change(&in)
		return in
	}
	unknown := redline.NewID(redline.PrefixConflict)
	for what, c := range map[string]struct {
		by   redline.Principal
		in   redline.ConflictResolveInput
		code redline.ErrorCode
		path string
	}{
		"opened":          {operator, in(func(in *redline.ConflictResolveInput) { in.Status = redline.ConflictOpen }), redline.CodeInvalid, "status"},
		"for no reason":   {operator, in(func(in *redline.ConflictResolveInput) { in.Resolution = " \n" }), redline.CodeInvalid, "resolution"},
		"for too many":    {operator, in(func(in *redline.ConflictResolveInput) { in.Resolution = strings.Repeat("x", 501) }), redline.CodeInvalid, "resolution"},
		"unknown":         {operator, in(func(in *redline.ConflictResolveInput) { in.ConflictID = unknown }), redline.CodeNotFound, "conflictId"},
		"another's":       {tokyo, in(func(*redline.ConflictResolveInput) {}), redline.CodeNotFound, "conflictId"},
		"by its supplier": {cajun, in(func(*redline.ConflictResolveInput) {}), redline.CodeForbidden, "conflictId"},
		"by a shop":       {shop, in(func(*redline.ConflictResolveInput) {}), redline.CodeNotFound, "conflictId"},
		"an older one":    {operator, in(func(in *redline.ConflictResolveInput) { in.ExpectedVersion = ref(2) }), redline.CodeVersionMismatch, "expectedVersion"},
		"with a mapping": {operator, in(func(in *redline.ConflictResolveInput) {
			in.Mapping = &redline.ConflictMappingInput{ProductID: w.id["tea"], Unit: redline.UnitCase, PackQuantity: 1}
		}), redline.CodeInvalid, "mapping"},
	} {
		t.Run(what, func(t *testing.T) {
			_, _, err := w.ConflictResolve(w.ctx, c.by, c.in)
			refused(t, err, c.code, c.path)
		})
	}
	equal(t, "the conflict", w.conflictRows(), []string{"A OPEN 1 v1 -"})
	w.checkBooks()
}

// Of many who close one conflict at the same time one does.
func TestResolveTwiceAtOnce(t *testing.T) {
	w := newWorld(t)
	id := w.open(w.gap("A", "1"))
	closed := 0
	for _, err := range atOnce(12, func(i int) error {
		return w.settle(operator, id, []redline.ConflictStatus{redline.ConflictResolved, redline.ConflictDismissed}[i%2])
	}) {
		if err == nil {
			closed++
			continue
		}
		refused(t, err, redline.CodeInvalidTransition, "status")
	}
	equal(t, "who closed it", closed, 1)
	w.checkBooks()
}

// A conflict that is told of again while somebody closes it is closed as it is
// then; one that a rule settles meanwhile is the rule's.
func TestResolveAgainstTheRuleThatSettlesIt(t *testing.T) {
	w := newWorld(t)
	for round := range 10 {
		cause := fmt.Sprintf("cause %d", round)
		id := w.open(w.gap(cause, "1"))
		errs := atOnce(8, func(i int) error {
			switch {
			case i < 2:
				return w.settle(operator, id, redline.ConflictResolved)
			case i == 2:
				_, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Settle: []string{cause}})
				return err
			default:
				c := w.gap(cause, fmt.Sprint(i))
				_, _, err := w.Tell(w.ctx, operator, nil, store.Telling{Open: []redline.Conflict{c}})
				return err
			}
		})
		var resolution string
		w.must(w.DB().GetContext(w.ctx, &resolution, `SELECT resolution FROM conflicts WHERE id = $1`, id))
		mine := 0
		for i, err := range errs {
			switch {
			case err == nil && i < 2:
				mine++
			case err != nil && i < 2:
				e := refused(t, err, redline.CodeInvalidTransition, "status")
				equal(t, "who was too late is told why", strings.HasSuffix(e.Message, ": "+resolution), true)
			default:
				w.must(err)
			}
		}
		equal(t, "who closed it says why", resolution, map[int]string{0: "by rule", 1: "so be it"}[mine])
	}
	w.checkBooks()
}
