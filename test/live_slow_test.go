package test_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// heavy is followed by slow readers: an answer is long, because its fields have
// long names, so that few of them are more than the network holds.
func heavy(delivery string) string {
	var fields strings.Builder
	for i := range 22 {
		fmt.Fprintf(&fields, " %s%d: version", strings.Repeat("x", 800), i)
	}
	return `subscription($filter: InventoryLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		inventoryChanged(filter: $filter, after: $after, snapshot: $snapshot, delivery: ` + delivery + `) { cursor kind level { id version` + fields.String() + ` } } }`
}

// Readers stop reading while others go on. Over a websocket and over server-sent
// events they are cut off, and go on with the cursor without a gap or a repeat;
// with LATEST they are not, and have the last state of everything once they read
// again. Nobody else notices, and when all have left nothing of them is left.
//
// That nobody notices is no matter of time here: the others have every event
// before the slow ones read on.
func TestLiveSlowReaders(t *testing.T) {
	t.Parallel()
	const others, batches = 20, 6
	s := start(t, ownDir(t), "--pprof-addr", "127.0.0.1:0", "--queue-bytes", fmt.Sprint(3<<20))
	profiles, err := s.awaitLog("profiling", startPatience)
	if err != nil {
		t.Fatal(err)
	}
	db := s.database(t)
	// Connections that are kept would stay behind as goroutines.
	operator := s.as(operatorToken(t)).through(&http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}})
	categories := []any{"Brake pads"}
	var stock [][2]string
	for _, l := range operator.pages(t, "inventoryLevels", pagesOfLevels, vars{"filter": vars{"category": categories}}) {
		stock = append(stock, [2]string{text(l, "product.sku"), text(l, "location.code")})
	}
	// change changes all of it several times, and returns the last event's place.
	change := func(times int) (last int64) {
		t.Helper()
		for range times {
			m := adjustment(operator, 1, stock...)
			last = position(t, operator.do(t, m.name, m.input, "cursor").text("cursor"))
		}
		return last
	}
	change(1)
	settled := func(ctx context.Context) map[string]float64 {
		// It collects the garbage first.
		if _, err := get(ctx, fmt.Sprint("http://", profiles["addr"], "/debug/pprof/heap?gc=1&debug=1")); err != nil {
			return nil
		}
		f, err := s.readFigures(ctx)
		if err != nil {
			return nil
		}
		return f
	}
	baseline := settled(t.Context())

	one := func(name, query string, slow <-chan struct{}) *follower {
		return &follower{
			name: name, token: operator.token, query: query, variables: vars{"filter": vars{"category": categories}}, slow: slow,
			addr: func(int) string { return s.addr }, whole: !strings.Contains(query, "LATEST"),
		}
	}
	quick := make([]*follower, others)
	for i := range quick {
		quick[i] = one(fmt.Sprint("quick ", i), liveLevels, nil)
		quick[i].stream = i%4 == 3
	}
	stopQuick := follow(t, quick...)
	areLive(t, quick)
	log := func() []entry {
		return readLog(t, db, "level.changed", "{level,version}", `SELECT p->>'category' = $1, false`, categories[0])
	}

	// First those who want every event.
	readOn := make(chan struct{})
	slow := []*follower{one("slow", heavy("EVERY"), readOn), one("slow stream", heavy("EVERY"), readOn)}
	slow[1].stream = true
	stopSlow := follow(t, slow...)
	areLive(t, slow)
	last := change(batches)
	waitAll(t, quick, "every event, while others are slow", func(f *follower) bool { return f.last >= last })
	s.becomes(t, "cutting the slow ones off", func(f map[string]float64) bool {
		return f["redline_live_cut_off_total"]-baseline["redline_live_cut_off_total"] == 2
	})
	close(readOn)
	waitAll(t, slow, "the last event, having been cut off", func(f *follower) bool { return f.last >= last && f.live })
	for _, f := range slow {
		n := f.check(t, log(), last)
		t.Logf("%s: %d events; %s", f.name, n, f.tally)
	}
	if slow[0].tally.tooSlow != 1 || slow[0].tally.connects != 2 || slow[1].tally.connects != 2 {
		t.Errorf("the slow ones were not cut off once: %s; %s", slow[0].tally, slow[1].tally)
	}
	stopSlow()

	// Then one who wants the newest.
	readOn = make(chan struct{})
	latest := one("slow, latest", heavy("LATEST"), readOn)
	stopLatest := follow(t, latest)
	areLive(t, []*follower{latest})
	before := s.figures(t)
	last = change(batches)
	waitAll(t, quick, "every event, while another one is slow", func(f *follower) bool { return f.last >= last })
	after := s.becomes(t, "one answer's standing for others", func(f map[string]float64) bool {
		return f["redline_live_coalesced_total"]-before["redline_live_coalesced_total"] > float64(len(stock))
	})
	if n := after["redline_live_cut_off_total"] - before["redline_live_cut_off_total"]; n != 0 {
		t.Errorf("with LATEST %v readers were cut off", n)
	}
	close(readOn)
	waitAll(t, []*follower{latest}, "the last event", func(f *follower) bool { return f.last >= last })
	newest := map[string]int{}
	for _, e := range log() {
		if e.ID > latest.first {
			newest[e.Subject] = e.Number
		}
	}
	for id, version := range newest {
		if latest.versions[id] != version {
			t.Errorf("of %s it has version %d; it is at %d", id, latest.versions[id], version)
		}
	}
	t.Logf("of %d events of %d levels it was told %d, with %v coalesced", batches*len(stock), len(newest), len(latest.tale),
		after["redline_live_coalesced_total"]-before["redline_live_coalesced_total"])
	if len(newest) != len(stock) || len(latest.tale) >= batches*len(stock) {
		t.Errorf("of %d levels it was told %d, in %d events", len(stock), len(newest), len(latest.tale))
	}
	stopLatest()
	for _, f := range quick {
		f.check(t, log(), last)
		if f.tally.connects != 1 {
			t.Errorf("%s was disturbed: %s", f.name, f.tally)
		}
	}
	stopQuick()

	const goroutines, bytes = "go_goroutines", "go_memstats_heap_inuse_bytes"
	var left map[string]float64
	defer func() {
		t.Logf("goroutines: %v before, %v after; in use: %.1f MiB before, %.1f after", baseline[goroutines], left[goroutines], baseline[bytes]/(1<<20), left[bytes]/(1<<20))
	}()
	eventually(t, "having no more goroutines and memory than before", func(ctx context.Context) bool {
		left = settled(ctx)
		// What the slow ones let wait is 8 MiB.
		return left != nil && left["redline_live_subscriptions"] == 0 && left[goroutines] <= baseline[goroutines]+5 && left[bytes] <= baseline[bytes]+(4<<20)
	})
}
