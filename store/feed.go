package store

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/lib/pq"

	"redline"
)

// feedAhead is how far a supplier's clock may be ahead of the database's.
const feedAhead = 5 * time.Minute

// feed is a supplier's statement of its stock, while it is taken.
type feed struct {
	*mutation
	// id is that of what is kept of it.
	id       string
	in       redline.SupplierFeedInput
	supplier feedSupplier
	statement
	// each has the statements of the rows of several feeds; nil where all is of one.
	each []*statement
	// unknown are the rows whose SKUs, or their units, aren't mapped.
	unknown *unknown
	// decided: a person has had it applied. Then it is no matter what has been
	// applied since, or how much it empties.
	decided bool

	locations []feedLocation
	rows      []feedRow
	errors    []redline.Errors
	// levels are what it states, by product and location, and named what else its
	// rows may mean, though they are refused.
	levels []feedLevel
	named  []levelKey
	// stocked is how many levels of the supplier have stock, and emptied how many of
	// them it would empty.
	stocked, emptied int
	// locked are the levels that it changes.
	locked             map[levelKey]*lockedLevel
	applied, unchanged int
	// omitted are those of applied that no row states.
	omitted int
	// held says that it is kept for a person.
	held bool
}

// statement is what the levels that a feed states have in common.
type statement struct {
	// at is as of when its quantities are true, and reference what the ledger says
	// of where its changes come from.
	at        time.Time
	reference string
	sequence  *int64
	measure   redline.FeedMeasure
}

// available is as of when levels were stated by what is available of them; nil where
// they were by what is on hand.
func (s *statement) available() *time.Time {
	if s.measure == redline.FeedAvailable {
		return &s.at
	}
	return nil
}

// states is what a row has in common with others.
func (f *feed) states(i int) *statement {
	if f.each != nil {
		return f.each[i]
	}
	return &f.statement
}

// feedSupplier is whose feed it is.
type feedSupplier struct {
	ID   string
	Code string
	redline.SupplierTerms
}

// feedOutcome is what an idempotency key keeps of a feed.
type feedOutcome struct {
	Applied   int          `json:"applied"`
	Unchanged int          `json:"unchanged"`
	Rejected  int          `json:"rejected"`
	Emptied   int          `json:"emptied,omitempty"`
	Held      bool         `json:"held,omitempty"`
	Rows      []rowOutcome `json:"rows"`
	Conflicts []string     `json:"conflicts,omitempty"`
}

// SupplierFeedSubmit takes a supplier's own statement of its stock, in one
// transaction and a number of statements that doesn't depend on its rows. What
// the supplier says is a fact, even where it leaves us short; what moved since it
// was so is added. Feeds of one supplier are taken one after the other, and one
// that is not newer than the last that was applied is refused.
//
// The rows answer their levels' ids; those of a dry run the levels themselves, as
// they would be.
func (s *Store) SupplierFeedSubmit(
	ctx context.Context, p redline.Principal, in redline.SupplierFeedInput,
) (*redline.FeedResult, error) {
	in.AsOf = *stored(&in.AsOf)
	r := request{action: "supplierFeedSubmit", key: &in.IdempotencyKey, input: in}
	if in.SupplierID != nil {
		r.subject = *in.SupplierID
	}
	if in.DryRun {
		r.key = nil // nothing is kept of it
	}
	c := newCall(ctx, p, r)
	s.settle(ctx, []*call{c}, 0, func(ctx context.Context, _ *transaction, all []*mutation) error {
		f := &feed{mutation: all[0], id: redline.NewID(redline.PrefixFeed), in: in}
		return f.submit(ctx)
	})
	kept, outcome, err := outcomeOf[*feedOutcome](ctx, s, c)
	if err != nil {
		return nil, err
	}
	result := &redline.FeedResult{
		Applied: kept.Applied, Unchanged: kept.Unchanged, Rejected: kept.Rejected, Emptied: kept.Emptied, Held: kept.Held,
	}
	result.Outcome = outcome
	if would, ok := c.shows.(*feedShown); ok {
		result.Rows = would.rows
		result.Conflicts, result.ReadError = s.conflictsNow(ctx, p, would.conflicts)
		return result, nil
	}
	if result.Rows, result.ReadError = s.feedRows(ctx, p, kept.Rows); result.ReadError == nil {
		result.Conflicts, result.ReadError = s.feedConflicts(ctx, p, kept.Conflicts)
	}
	return result, nil
}

// submit does what a supplier asks.
func (f *feed) submit(ctx context.Context) error {
	if err := checkKey(&f.in.IdempotencyKey); err != nil {
		return err
	}
	if err := f.check(); err != nil {
		return err
	}
	if err := f.findSupplier(ctx); err != nil {
		return err
	}
	head, err := f.lockFeedHead(ctx, f.supplier.ID)
	if err != nil {
		return err
	}
	if f.in.AsOf.After(f.now.Add(feedAhead)) {
		return redline.Invalid([]string{"asOf"}, "%s lies more than %s ahead", stamp(f.in.AsOf), feedAhead)
	}
	f.statement = statement{earlier(f.in.AsOf, f.now), f.in.Reference(), f.in.Sequence, f.in.Measure}
	if err := f.follows(head); err != nil {
		return err
	}
	if err := f.read(ctx); err != nil {
		return err
	}
	if refused := slices.Concat(f.errors...); len(refused) > 0 && f.in.OnRowError == redline.RollBack {
		if f.in.DryRun {
			return refused
		}
		f.unknown.tell(false)
		f.refuse(refused)
		return nil
	}
	if f.in.Mode == redline.FeedFull && f.emptied*100 > f.stocked*f.supplier.ZeroingLimitPercent {
		if err := f.hold(ctx, head); err != nil {
			return err
		}
		return f.answer(ctx)
	}
	if err := f.apply(ctx); err != nil {
		return err
	}
	// One of which nothing was taken can be mended, and sent again as what it was.
	if f.applied+f.unchanged > 0 || len(f.in.Rows) == 0 {
		if err := f.advance(ctx, head); err != nil {
			return err
		}
	}
	return f.answer(ctx)
}

// check checks what needs no database: the rows one by one are checked later.
func (f *feed) check() error {
	in := f.in
	least := 1
	switch in.Mode {
	case redline.FeedFull:
		least = 0
	case redline.FeedPartial:
	default:
		return redline.Invalid([]string{"mode"}, "%.40q is not a mode of a feed", in.Mode)
	}
	if in.Measure != redline.FeedOnHand && in.Measure != redline.FeedAvailable {
		return redline.Invalid([]string{"measure"}, "%.40q is not a measure of a feed", in.Measure)
	}
	if in.OnRowError != redline.SkipRow && in.OnRowError != redline.RollBack {
		return redline.Invalid([]string{"onRowError"}, "%.40q is not what a row that fails may do", in.OnRowError)
	}
	if n := len(in.Rows); n < least || n > rowsMax {
		return redline.Invalid([]string{"rows"}, "a feed has %d to %d rows, not %d", least, rowsMax, n)
	}
	if in.Sequence != nil && *in.Sequence < 0 {
		return redline.Invalid([]string{"sequence"}, "a sequence is not negative")
	}
	return nil
}

// findSupplier finds whose feed it is, of those whose stock the caller may change.
func (f *feed) findSupplier(ctx context.Context) error {
	q := &query{}
	switch {
	case f.by.Role == redline.RoleSupplier:
		q.and("s.code = ANY(%s)", pq.Array(f.by.Suppliers))
	case !f.by.Everywhere():
		q.and("false")
	case f.in.SupplierID == nil:
		return redline.Invalid([]string{"supplierId"}, "say whose feed it is")
	}
	if f.in.SupplierID != nil {
		q.and("s.id = %s", *f.in.SupplierID)
	}
	var found []feedSupplier
	err := f.tx.SelectContext(ctx, &found, `/* feeds.supplier */ SELECT s.id, s.code, s.confirm_within_seconds, s.zeroing_limit_percent FROM suppliers s`+q.where(), q.args...)
	switch {
	case err != nil:
		return dbError("finding whose feed it is", err)
	case len(found) == 1:
		f.supplier = found[0]
		f.heard = f.supplier.Code
		return nil
	case f.in.SupplierID != nil:
		return redline.NotFound([]string{"supplierId"}, "there is no supplier %.60q whose stock you may change", *f.in.SupplierID)
	case len(found) == 0:
		return redline.NotFound([]string{"supplierId"}, "there is no supplier that your token speaks for")
	}
	return redline.Invalid([]string{"supplierId"}, "your token speaks for several suppliers; say which")
}

// feedHead is the newest feed of a supplier that was applied. seen is the highest
// sequence of those that were applied and those that were kept for a person.
type feedHead struct {
	sequence, seen *int64
	asOf           *time.Time
}

// lockFeedHead locks a supplier's place in its feeds, which comes before all other
// locks but that of the idempotency key, and reads the clock behind it.
func (t *transaction) lockFeedHead(ctx context.Context, supplierID string) (feedHead, error) {
	var head feedHead
	err := scanRows(ctx, t.tx, "locking the head of a supplier's feeds", `/* feeds.lock_head */ INSERT INTO supplier_feed_heads AS h (supplier_id) VALUES ($1)
		ON CONFLICT (supplier_id) DO UPDATE SET supplier_id = excluded.supplier_id
		RETURNING h.sequence, h.seen, h.as_of, clock_timestamp()`,
		[]any{supplierID}, []any{&head.sequence, &head.seen, &head.asOf, &t.now}, func() error { return nil })
	return head, err
}

// follows refuses a feed that is not newer than the last that was applied: by its
// sequence, or where it has none by its time.
func (f *feed) follows(head feedHead) error {
	switch n := f.in.Sequence; {
	case n != nil && head.sequence != nil && *n <= *head.sequence:
		return redline.Errorf(redline.CodeSequenceStale, []string{"sequence"},
			"feed %d is not newer than feed %d, which was applied last", *n, *head.sequence)
	case n == nil && head.asOf != nil && f.in.AsOf.Before(*head.asOf):
		return redline.Errorf(redline.CodeSequenceStale, []string{"asOf"},
			"a feed as of %s is older than the one as of %s, which was applied last", stamp(f.in.AsOf), stamp(*head.asOf))
	}
	return nil
}

// advance makes the feed the newest that was applied, and says what that settles
// and what is missing before it.
func (f *feed) advance(ctx context.Context, head feedHead) error {
	_, err := f.tx.ExecContext(ctx, `/* feeds.move_head */ UPDATE supplier_feed_heads
		SET sequence = greatest(sequence, $2), seen = greatest(seen, $2), as_of = greatest(as_of, $3)
		WHERE supplier_id = $1`, f.supplier.ID, f.in.Sequence, f.at)
	if err != nil {
		return dbError("moving the head of a supplier's feeds", err)
	}
	if f.applied+f.unchanged > 0 && !f.supplier.Outdated(f.at, f.now) {
		f.settleConflict(causeStaleFeed(f.supplier.ID), "Its stock is confirmed by "+f.reference+".")
	}
	if f.in.Mode == redline.FeedFull {
		if err := f.settleGap(ctx, head); err != nil {
			return err
		}
		if err := f.dismissOlder(ctx); err != nil {
			return err
		}
	}
	return f.tellGap(ctx, head)
}

func (f *feed) gapCause() string { return "SEQUENCE_GAP " + f.supplier.ID }

// openGap reads which feeds are missing, the first and the last of them, as the
// open conflict tells it.
func (f *feed) openGap(ctx context.Context) (from, to *int64, err error) {
	err = scanRows(ctx, f.tx, "reading which feeds are missing", `/* feeds.missing */ SELECT min((a.fact->>'value')::bigint), max((a.fact->>'value')::bigint)
		FROM conflicts c, json_array_elements(c.facts) AS a (fact)
		WHERE c.status = 'OPEN' AND c.cause = $1 AND a.fact->>'name' IN ('from', 'to')`,
		[]any{f.gapCause()}, []any{&from, &to}, func() error { return nil })
	return from, to, err
}

// settleGap closes what is missing, where this feed comes after it and says what
// all of the supplier's stock is.
func (f *feed) settleGap(ctx context.Context, head feedHead) error {
	_, to, err := f.openGap(ctx)
	if err != nil || to == nil {
		return err
	}
	n := f.in.Sequence
	if n != nil && *n > *to || n == nil && (head.asOf == nil || !f.at.Before(*head.asOf)) {
		f.settleConflict(f.gapCause(), "All of the supplier's stock was stated anew by "+f.reference+".")
	}
	return nil
}

// tellGap says that feeds are missing between those that were seen and this one.
// Where others are missing already it is told from the first of them, unless this
// one makes up for those.
func (f *feed) tellGap(ctx context.Context, head feedHead) error {
	if n := f.in.Sequence; n == nil || head.seen == nil || *n-1 <= *head.seen {
		return nil
	}
	from, to := *head.seen+1, *f.in.Sequence-1
	first, _, err := f.openGap(ctx)
	if err != nil {
		return err
	}
	if first != nil && (f.held || f.in.Mode != redline.FeedFull) {
		from = min(from, *first)
	}
	what := fmt.Sprintf("The feeds %d to %d of %s are missing, or some of them.", from, to, f.supplier.Code)
	if from == to {
		what = fmt.Sprintf("Feed %d of %s is missing.", from, f.supplier.Code)
	}
	f.conflict(conflictOpening{
		kind: redline.ConflictSequenceGap, cause: f.gapCause(), supplierID: &f.supplier.ID, summary: what,
		facts: redline.Attributes{{Name: "from", Value: fmt.Sprint(from)}, {Name: "to", Value: fmt.Sprint(to)}},
	})
	return nil
}

// feedShown is what a dry run shows, of which nothing is kept.
type feedShown struct {
	rows      []*redline.InventoryRow
	conflicts []*redline.Conflict
}

// answer says what came of the feed: what is kept of it, and what its key keeps, or of
// a dry run what is shown instead.
func (f *feed) answer(ctx context.Context) error {
	kept := &feedOutcome{
		Applied: f.applied, Unchanged: f.unchanged, Emptied: f.omitted, Held: f.held, Rows: make([]rowOutcome, len(f.rows)),
	}
	for i, errs := range f.errors {
		if len(errs) > 0 {
			kept.Rejected++
			kept.Rows[i] = refusedRow(nil, i, errs)
			if at := f.rows[i].location; at != noLocation {
				kept.Rows[i].LocationID = f.locations[at].ID
			}
		}
	}
	for n := range f.levels {
		if v := &f.levels[n]; v.row >= 0 && len(f.errors[v.row]) == 0 {
			kept.Rows[v.row].LevelID = v.id
		}
	}
	f.result, f.subjects, f.skipped = kept, append(f.subjects, f.supplier.ID), slices.Concat(f.errors...)
	f.whenOpened = func() {
		for _, c := range f.opened {
			kept.Conflicts = append(kept.Conflicts, c.ID)
		}
	}
	if f.in.DryRun {
		f.dry = true
		shown := &feedShown{rows: f.wouldBe()}
		f.shows, f.whenOpened = shown, func() { shown.conflicts = f.opened }
		return nil
	}
	return f.keepResult(ctx, kept)
}

// wouldBe are the rows of a dry run.
func (f *feed) wouldBe() []*redline.InventoryRow {
	rows := make([]*redline.InventoryRow, len(f.rows))
	for i, errs := range f.errors {
		rows[i] = &redline.InventoryRow{Index: i, Errors: errs}
	}
	for n := range f.levels {
		v := &f.levels[n]
		if v.row < 0 || len(f.errors[v.row]) > 0 {
			continue
		}
		if l := f.locked[v.levelKey]; l != nil {
			level := l.InventoryLevel
			level.Location = l.at.copied()
			rows[v.row].Level = &level
		} else {
			rows[v.row].LevelID = v.id // of a feed that would be held
		}
	}
	return rows
}

// feedRows tells what a key keeps of rows as the principal may see it now:
// refusals at locations whose stock it sees. The levels are read by their ids,
// where they are asked for.
func (s *Store) feedRows(ctx context.Context, p redline.Principal, outcomes []rowOutcome) ([]*redline.InventoryRow, error) {
	rows, out := make([]redline.InventoryRow, len(outcomes)), make([]*redline.InventoryRow, len(outcomes))
	for i, o := range outcomes {
		rows[i] = redline.InventoryRow{Index: i, LevelID: o.LevelID}
		if len(o.Errors) > 0 {
			rows[i].Errors = o.withhold() // until it is known to be theirs
		}
		out[i] = &rows[i]
	}
	hidden, err := s.hiddenLocations(ctx, p, outcomes)
	if err != nil {
		return out, err
	}
	for i, o := range outcomes {
		if len(o.Errors) > 0 && !hidden[o.LocationID] {
			rows[i].Errors = o.errors(nil)
		}
	}
	return out, nil
}

// feedConflicts reads the conflicts that a feed opened or told of again, of those
// that the principal may see now.
func (s *Store) feedConflicts(ctx context.Context, p redline.Principal, ids []string) ([]*redline.Conflict, error) {
	if len(ids) == 0 || !p.Has(redline.ScopeConflictsRead) {
		return nil, nil
	}
	found, err := s.ConflictsByID(ctx, p, ids)
	if err != nil {
		return nil, err
	}
	var out []*redline.Conflict
	for _, id := range ids {
		if c := found[id]; c != nil {
			out = append(out, c)
		}
	}
	return out, nil
}

// conflictsNow shows conflicts that a dry run would open, all of which are about
// the principal's own supplier.
func (s *Store) conflictsNow(ctx context.Context, p redline.Principal, conflicts []*redline.Conflict) ([]*redline.Conflict, error) {
	if !p.Has(redline.ScopeConflictsRead) {
		return nil, nil
	}
	return conflicts, s.showConflicts(ctx, p, conflicts)
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// noLocation is the location of a row that names none of the supplier's.
const noLocation = math.MaxInt32
