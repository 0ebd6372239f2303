package store_test

import (
	"fmt"
	"testing"

	"redline"
)

// What the statements of a feed are for.
const (
	// feedRead is whose it is and its place in the order of feeds, the supplier's
	// locations, the items of the SKUs, the levels, and what moved since.
	feedRead = 2 + 2 + 2
	// feedAdvance is the head of the feeds, and the conflicts that are settled: their
	// locks, suppliers and rows.
	feedAdvance = 1 + 3
	// feedFull is the stock that is left out, which feeds are missing, and older ones
	// that wait.
	feedFull = 3
	// feedConfirm is what is as it was told.
	feedConfirm = 1
	// feedChange is who waits, levels, locked, and what changed of them.
	feedChange = 1 + 2
	// feedKept is what came of it.
	feedKept   = 1
	feedAlways = mutationOverhead + feedRead + feedKept + feedAdvance + supplierSeen
)

// A feed of many rows takes as many statements as one of few.
func TestStatementsOfFeeds(t *testing.T) {
	w, y := newSpiedWorld(t)
	const most = 1000
	w.exec(stockCajun(most))
	for _, n := range []int{10, most} {
		rows := make([]redline.SupplierFeedRow, n)
		for i := range rows {
			rows[i] = says(fmt.Sprint("c-", i+1), 10+n%7)
		}
		all := func(mode redline.FeedMode) redline.SupplierFeedInput { return w.feedOf(mode, 0, rows...) }
		w.submit(cajun, all(redline.FeedPartial), n, 0, 0)
		in := all(redline.FeedPartial)
		w.costs(y, fmt.Sprint("a feed of ", n, " rows, none changed"), feedAlways+feedConfirm, func() { w.submit(cajun, in, 0, n, 0) })
		rows[0].Quantity++
		in = all(redline.FeedPartial)
		w.costs(y, fmt.Sprint("a feed of ", n, " rows, one changed"), feedAlways+feedConfirm+feedChange, func() { w.submit(cajun, in, 1, n-1, 0) })
		for i := range rows {
			rows[i].Quantity++
		}
		in = all(redline.FeedPartial)
		w.costs(y, fmt.Sprint("a feed of ", n, " rows, all changed"), feedAlways+feedChange, func() { w.submit(cajun, in, n, 0, 0) })
	}
	in := w.feedOf(redline.FeedFull, 0)
	for i := range most {
		in.Rows = append(in.Rows, says(fmt.Sprint("c-", i+1), 30))
	}
	w.costs(y, "a full feed", feedAlways+feedFull+feedChange, func() { w.submit(cajun, in, most+1, 0, 0) })
	// Rows that fail are no more statements, but for the conflicts' own.
	in = w.feedOf(redline.FeedPartial, 0)
	for i := range most {
		in.Rows = append(in.Rows, says(fmt.Sprint("nobody's ", i), 30))
	}
	w.costs(y, "a feed of SKUs that nobody knows", feedAlways-feedAdvance+3+3, func() { w.submit(cajun, in, 0, 0, most) })
}
