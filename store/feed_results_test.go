package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"redline"
)

// feedsOf is a page of what came of cajun's feeds, as somebody sees it.
func (w *world) feedsOf(p redline.Principal, page redline.PageRequest) *redline.Page[*redline.SupplierFeed] {
	w.t.Helper()
	found, err := w.FeedsOfSuppliers(w.ctx, p, []string{w.id["supplier cajun"]}, page)
	w.must(err)
	return found[w.id["supplier cajun"]]
}

// cameOf says what came of cajun's feeds, the newest first: the mode, the sequence, how
// many rows there were, what came of them, and what is left to a person.
func (w *world) cameOf() []string {
	w.t.Helper()
	var all []string
	for _, f := range w.feedsOf(operator, redline.PageRequest{}).Items {
		text := fmt.Sprint(f.Mode, " ", *f.Sequence, ": ", f.RowCount, " rows, ", f.Applied, " ", f.Unchanged, " ", f.Rejected, " ", f.Emptied)
		if f.Status != redline.SupplierFeedApplied {
			text += ", " + strings.ToLower(string(f.Status))
		}
		all = append(all, text)
	}
	return all
}

// What came of a feed is kept with it: once, however often it is sent. Of a dry run
// nothing is, nor of a feed that was refused.
func TestWhatCameOfFeeds(t *testing.T) {
	w, rows := fullCajun(t)
	partial := w.feedOf(redline.FeedPartial, 2, says("s0", 5), says("nobody's", 1), says("s1", 1))
	partial.Measure = redline.FeedAvailable
	w.submit(cajun, partial, 1, 1, 1)
	w.submit(cajun, partial, 1, 1, 1) // replayed
	w.submit(operator, func() redline.SupplierFeedInput {
		in := w.feedOf(redline.FeedFull, 3, rows[:4]...)
		in.SupplierID = ref(w.id["supplier cajun"])
		return in
	}(), 2, 3, 0)
	w.submit(cajun, w.dry(redline.FeedPartial, says("s0", 7)), 1, 0, 0)
	w.refusedFeed(cajun, w.feedOf(redline.FeedPartial, 3, says("s0", 7)), redline.CodeSequenceStale, "sequence")
	all := w.feedOf(redline.FeedPartial, 4, says("s0", 7), says("nobody's", 1))
	all.OnRowError = redline.RollBack
	w.refusedFeed(cajun, all, redline.CodeUnmappedSKU, "rows.1.supplierSku")
	w.submit(cajun, w.feedOf(redline.FeedPartial, 4, says("nobody's", 1)), 0, 0, 1) // taken, though nothing of it was
	equal(t, "what came of them", w.cameOf(), []string{
		"PARTIAL 4: 1 rows, 0 0 1 0", "FULL 3: 4 rows, 2 3 0 1", "PARTIAL 2: 3 rows, 1 1 1 0", "FULL 1: 5 rows, 4 1 0 0",
	})

	newest := w.feedsOf(cajun, redline.PageRequest{}).Items
	second := newest[2]
	equal(t, "whose, and how", []any{second.SupplierID, second.Actor, newest[1].Actor, w.feedsOf(operator, redline.PageRequest{}).Items[1].Actor, second.Measure, second.AsOf.Equal(partial.AsOf)},
		[]any{w.id["supplier cajun"], cajun.Subject, "operator", operator.Subject, redline.FeedAvailable, true})
	if second.ReceivedAt.Before(second.AsOf) || !second.ReceivedAt.Before(newest[1].ReceivedAt) || redline.IDPrefix(second.ID) != redline.PrefixFeed {
		t.Errorf("it was %s as of %s, received %s, and the next %s", second.ID, second.AsOf, second.ReceivedAt, newest[1].ReceivedAt)
	}
	w.checkBooks()
}

// What a person decides on a feed is what came of it.
func TestWhatCameOfHeldFeeds(t *testing.T) {
	w, rows := fullCajun(t)
	w.submit(cajun, w.feedOf(redline.FeedFull, 2, says("nobody's", 1)), 0, 0, 1)
	w.submit(cajun, w.feedOf(redline.FeedFull, 3, rows[0]), 0, 0, 0)
	const first = "FULL 1: 5 rows, 4 1 0 0"
	equal(t, "while one waits", w.cameOf(), []string{"FULL 3: 1 rows, 0 0 0 0, held", "FULL 2: 1 rows, 0 0 1 0, dismissed", first})
	w.must(w.dismissFeeds())
	equal(t, "once it was let go of", w.cameOf(), []string{"FULL 3: 1 rows, 0 0 0 0, dismissed", "FULL 2: 1 rows, 0 0 1 0, dismissed", first})

	r := w.submit(cajun, w.feedOf(redline.FeedFull, 4, rows[0], rows[1], says("s2", -1)), 0, 0, 1)
	w.must(w.settle(operator, zeroing(t, r), redline.ConflictResolved))
	equal(t, "once it was applied", w.cameOf()[0], "FULL 4: 3 rows, 2 2 1 2")
	w.checkBooks()
}

// One that a version kept which knew nothing of results has one once a person has had it
// applied.
func TestWhatCameOfAFeedThatWasKeptWithoutAResult(t *testing.T) {
	w, rows := fullCajun(t)
	r := w.submit(cajun, w.feedOf(redline.FeedFull, 2, rows[0], rows[1], says("s2", -1)), 0, 0, 1)
	sent := w.feedsOf(operator, redline.PageRequest{}).Items[0]
	w.exec(`DELETE FROM supplier_feeds WHERE id = $1`, sent.ID)
	w.must(w.settle(operator, zeroing(t, r), redline.ConflictResolved))
	equal(t, "what came of them", w.cameOf(), []string{"FULL 2: 3 rows, 2 2 1 2", "FULL 1: 5 rows, 4 1 0 0"})
	for who, p := range map[string]redline.Principal{"the operator": operator, "cajun": cajun} {
		got := w.feedsOf(p, redline.PageRequest{}).Items[0]
		equal(t, "what else "+who+" is told", []any{got.ID, got.Measure, got.AsOf, got.ReceivedAt, got.Actor}, []any{sent.ID, sent.Measure, sent.AsOf, sent.ReceivedAt, cajun.Subject})
	}
	w.checkBooks()
}

// Pages of them go by when they were received, and are a supplier's own.
func TestFeedsOfSuppliers(t *testing.T) {
	w := newWorld(t)
	var want []string
	for i := range 5 {
		w.submit(cajun, w.feedOf(redline.FeedPartial, int64(i+1), says("65", 3+i)), 1, 0, 0)
		want = append(want, fmt.Sprint(i+1))
	}
	slices.Reverse(want)
	var got []string
	for page := (redline.PageRequest{First: ref(2), Count: true}); ; {
		found := w.feedsOf(cajun, page)
		for _, f := range found.Items {
			got = append(got, fmt.Sprint(*f.Sequence))
		}
		equal(t, "counted, and whether others come before", []any{*found.Total, found.HasPrevious}, []any{5, page.After != nil})
		if !found.HasNext {
			break
		}
		page.After = &found.Cursors[len(found.Cursors)-1]
	}
	equal(t, "page by page", got, want)

	both := []string{w.id["supplier cajun"], w.id["supplier tokyo"], "sup_none"}
	for who, test := range map[string]struct {
		p    redline.Principal
		want int
	}{
		"cajun": {cajun, 5}, "the operator": {operator, 5}, "tokyo": {tokyo, 0}, "shop": {shop, 0}, "ann": {buyer, 0}, "anybody": {redline.Anonymous(), 0},
	} {
		found, err := w.FeedsOfSuppliers(w.ctx, test.p, both, redline.PageRequest{Count: true})
		w.must(err)
		for i, want := range []int{test.want, 0, 0} {
			page := found[both[i]]
			equal(t, "what "+who+" sees", []int{len(page.Items), *page.Total}, []int{want, want})
		}
	}
	_, err := w.FeedsOfSuppliers(w.ctx, cajun, both, redline.PageRequest{First: ref(251)})
	refused(t, err, redline.CodeInvalid, "first")
	_, err = w.FeedsOfSuppliers(w.ctx, cajun, both, redline.PageRequest{After: ref("nothing")})
	refused(t, err, redline.CodeInvalid, "after")
}
