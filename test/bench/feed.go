package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"redline/test/internal/measure"
)

const (
	// supplierCode is whose feeds are sent.
	supplierCode = "bench-supplier"
	// feedsInTurn is how many feeds one server takes, one after the other.
	feedsInTurn = 10
	// feedAim is how long a feed of 10,000 rows may take while orders are placed.
	feedAim = 2 * time.Second
	// packsOfEach is how many packs the supplier has of each item at first.
	packsOfEach = 100_000
)

// feedKind is a way to state all of a supplier's stock.
type feedKind struct {
	mode  string
	about string
	every int // of so many rows one states another quantity than before; 0: none does
}

var feedKinds = []feedKind{
	{"PARTIAL", "all", 1}, {"PARTIAL", "1 %", 100}, {"PARTIAL", "none", 0},
	{"FULL", "all", 1}, {"FULL", "1 %", 100}, {"FULL", "none", 0},
}

// feeder is the supplier: it knows what it has said of each of its items.
type feeder struct {
	b        *bench
	token    string
	packs    []int // of each item
	sequence int
}

// feedRun is what came of feeds that one server took.
type feedRun struct {
	rows   int
	took   []time.Duration // each
	peaks  []int64         // the most resident memory of the server while it took each
	before int64           // the same, before the first
	// server and postgres are the processor time of all of them; negative: not known.
	server, postgres time.Duration
	// again is how often the server asked to be asked again.
	again int
}

// newFeeder makes the supplier, with its items and its stock.
func (b *bench) newFeeder(ctx context.Context) (*feeder, error) {
	b.say("\nadding a supplier with %d items", b.items)
	if b.items/2 > b.orderable {
		return nil, fmt.Errorf("--items is %d, and half of them are more than the %d products that are ordered", b.items, b.orderable)
	}
	if err := b.db.supply(ctx, b.items); err != nil {
		return nil, err
	}
	token, err := b.redline.Token(ctx, "supplier", supplierCode, "--supplier", supplierCode)
	if err != nil {
		return nil, err
	}
	f := &feeder{b: b, token: token, packs: make([]int, 2*(b.items/2))}
	for i := range f.packs {
		f.packs[i] = packsOfEach
	}
	return f, nil
}

// What the command's own `redline feed` asks for.
const feedText = `mutation($input: SupplierFeedInput!) { supplierFeedSubmit(input: $input) {
  applied unchanged rejected replayed conflicts { id kind summary }
  rows { index userErrors { code message field } } userErrors { code message field } } }`

// next is the next feed of a kind, and how many of its rows say something new.
func (f *feeder) next(k feedKind) (body []byte, changed int, err error) {
	type row struct {
		SupplierSKU string `json:"supplierSku"`
		Quantity    int    `json:"quantity"`
	}
	f.sequence++
	rows := make([]row, len(f.packs))
	for i := range f.packs {
		if k.every > 0 && (i+f.sequence)%k.every == 0 {
			f.packs[i] = packsOfEach + f.sequence
			changed++
		}
		rows[i] = row{fmt.Sprintf("B%06d", i), f.packs[i]}
	}
	body, err = json.Marshal(map[string]any{"query": feedText, "variables": map[string]any{"input": map[string]any{
		"idempotencyKey": "feed-" + strconv.Itoa(f.sequence), "mode": k.mode, "sequence": f.sequence,
		"asOf": time.Now().UTC().Format(time.RFC3339Nano), "rows": rows,
	}}})
	return body, changed, err
}

// feedAnswer is the answer to a feed.
type feedAnswer struct {
	Data struct {
		SupplierFeedSubmit struct {
			Applied, Unchanged, Rejected int
			Replayed                     bool
			Conflicts                    []json.RawMessage
			Rows                         []struct {
				Index      int
				UserErrors []json.RawMessage
			}
			UserErrors []struct{ Code string }
		} `json:"supplierFeedSubmit"`
	}
	Errors []struct {
		Extensions struct{ Code string }
	}
}

// check says what is wrong with the answer to a feed.
func (a *feedAnswer) check(rows, changed int) error {
	p := &a.Data.SupplierFeedSubmit
	if len(a.Errors) > 0 || len(p.UserErrors) > 0 || len(p.Conflicts) > 0 || len(p.Rows) != rows {
		return fmt.Errorf("%d rows, %v, %v, conflicts %s: %w", len(p.Rows), a.Errors, p.UserErrors, p.Conflicts, errStrange)
	}
	if p.Applied != changed || p.Unchanged != rows-changed || p.Rejected > 0 {
		return fmt.Errorf("applied %d, unchanged %d, rejected %d, where %d of %d were new: %w", p.Applied, p.Unchanged, p.Rejected, changed, rows, errStrange)
	}
	for i, r := range p.Rows {
		if r.Index != i || len(r.UserErrors) > 0 {
			return fmt.Errorf("row %d is answered as %d with %s: %w", i, r.Index, r.UserErrors, errStrange)
		}
	}
	return nil
}

// code is why there is no answer yet, or "".
func (a *feedAnswer) code() string {
	for _, e := range a.Errors {
		return e.Extensions.Code
	}
	for _, e := range a.Data.SupplierFeedSubmit.UserErrors {
		return e.Code
	}
	return ""
}

// send sends one feed, checks its answer and adds it to a run.
func (f *feeder) send(ctx context.Context, c *client, t *measure.Target, k feedKind, run *feedRun) error {
	body, changed, err := f.next(k)
	if err != nil {
		return err
	}
	request := appendRequest(nil, "POST /graphql", t.Addr, jsonHeaders(f.token), body)
	m := &meter{server: t.PID(), master: f.b.db.Master}
	m.start(ctx)
	begun := time.Now()
	status, answer, err := c.do(request)
	var a feedAnswer
	for try := 1; err == nil; try++ {
		took := time.Since(begun)
		a = feedAnswer{}
		if err = json.Unmarshal(answer, &a); err != nil {
			break
		}
		if code := a.code(); try == tries || code != "UNAVAILABLE" && code != "OUTCOME_UNKNOWN" && code != "IDEMPOTENCY_IN_PROGRESS" {
			run.took = append(run.took, took)
			break
		}
		run.again++
		<-time.After(again)
		status, answer, err = c.do(request)
	}
	server, postgres := m.end()
	if err == nil {
		err = a.check(len(f.packs), changed)
	}
	if err != nil {
		return fmt.Errorf("feed %d was answered with status %d, %.300s: %w", f.sequence, status, answer, err)
	}
	f.b.checked++
	run.rows += len(f.packs)
	run.peaks = append(run.peaks, m.peak)
	run.server, run.postgres = plus(run.server, server), plus(run.postgres, postgres)
	return nil
}

// plus adds a processor time, where both are known.
func plus(sum, d time.Duration) time.Duration {
	if sum < 0 || d < 0 {
		return -1
	}
	return sum + d
}

// run sends feeds to a server, one after the other, as long as more says so.
func (f *feeder) run(ctx context.Context, t *measure.Target, k feedKind, more func(sent int) bool) (run feedRun, err error) {
	c, err := dial(ctx, t.Addr, time.Now().Add(feedsInTurn*patience))
	if err != nil {
		return run, fmt.Errorf("connecting: %w", err)
	}
	defer c.close()
	stop := context.AfterFunc(ctx, c.close)
	defer stop()
	run.before, _ = measure.Resident(t.PID())
	for sent := 0; more(sent); sent++ {
		if err := f.send(ctx, c, t, k, &run); err != nil {
			return run, err
		}
	}
	return run, nil
}

// placeBeside places orders of all products, also of those that only the supplier
// has, while feeds of a kind are sent; with none the orders are all there is.
func (f *feeder) placeBeside(ctx context.Context, t *measure.Target, k *feedKind) (m measurement, run feedRun, err error) {
	b := f.b
	j := b.placeJob(false, b.conns)
	j.Addr, j.Measure, j.Place.Supplied = t.Addr, 3*b.measure, len(f.packs)/2
	cost := &meter{server: t.PID(), master: b.db.Master}
	defer cost.end() // where it was broken off
	over, fed := make(chan struct{}), make(chan error, 1)
	server, postgres := time.Duration(-1), time.Duration(-1)
	feeding := false
	placing, cancel := context.WithCancel(ctx)
	defer cancel()
	r, err := runLoad(placing, j, func() {
		cost.start(ctx)
		if k == nil {
			return
		}
		feeding = true
		go func() {
			var err error
			run, err = f.run(placing, t, *k, func(sent int) bool {
				select {
				case <-over:
					return sent == 0 // one at least
				default:
					return true
				}
			})
			if err != nil {
				cancel()
			}
			fed <- err
		}()
	}, func() { server, postgres = cost.end() })
	close(over)
	if feeding {
		if fault := <-fed; fault != nil {
			err = fault
		}
	}
	b.acknowledged += r.Placed
	if err != nil {
		return m, run, err
	}
	if feeding { // what of it was the feeds' isn't known
		server, postgres = -1, -1
	}
	return r.measurement(cost.peak, server, postgres), run, nil
}

// measureFeeds measures feeds alone, and beside orders.
func (b *bench) measureFeeds(ctx context.Context) error {
	if !b.wants(nameFeed) {
		return nil
	}
	f, err := b.newFeeder(ctx)
	if err != nil {
		return err
	}
	b.say("feeds of %d rows, %d in turn; and beside orders of two lines, uniform over products, %d clients", len(f.packs), feedsInTurn, b.conns)
	beside := b.results.addFeeds(b.conns)
	for round := range b.fewerRounds() {
		for _, k := range feedKinds {
			err := b.withServer(ctx, func(t *measure.Target) error {
				run, err := f.run(ctx, t, k, func(sent int) bool { return sent < feedsInTurn })
				return f.record(k, false, round, run, err)
			})
			if err != nil {
				return err
			}
		}
		turns := []func() error{func() error {
			return b.withServer(ctx, func(t *measure.Target) error {
				return b.record(beside, systemNoFeed, round, func() (measurement, error) {
					m, _, err := f.placeBeside(ctx, t, nil)
					return m, err
				})
			})
		}}
		for _, k := range feedKinds {
			if k.mode != "FULL" { // which does all that the other does
				continue
			}
			turns = append(turns, func() error {
				return b.withServer(ctx, func(t *measure.Target) error {
					var run feedRun
					err := b.record(beside, k.system(), round, func() (m measurement, err error) {
						m, run, err = f.placeBeside(ctx, t, &k)
						return m, err
					})
					return f.record(k, true, round, run, err)
				})
			})
		}
		if err := inTurn(round, turns...); err != nil {
			return err
		}
	}
	return f.checkStock(ctx)
}

// system is what the orders' table calls placing beside such feeds.
func (k feedKind) system() string { return k.mode + ", " + k.about + " changed" }

// record says what came of feeds and keeps it.
func (f *feeder) record(k feedKind, beside bool, round int, run feedRun, err error) error {
	if err != nil {
		return fmt.Errorf("%s beside orders %t, round %d: %w", k.system(), beside, round+1, err)
	}
	if beside { // what of it was the orders' isn't known
		run.server, run.postgres = -1, -1
	}
	f.b.results.addFeed(k, beside, run)
	f.b.say("  round %d  %-20s %s", round+1, k.system(), run)
	return nil
}

// checkStock fails unless the supplier has what it said last, in base units, and
// all of it is as of a feed.
func (f *feeder) checkStock(ctx context.Context) error {
	rows, err := f.b.db.texts(ctx, `SELECT l.on_hand::numeric / i.pack_quantity FROM supplier_items i
		JOIN suppliers s ON s.id = i.supplier_id AND s.code = $1 JOIN locations loc ON loc.supplier_id = s.id
		JOIN inventory_levels l ON (l.product_id, l.location_id) = (i.product_id, loc.id)
		WHERE NOT l.stale AND l.confirmed_at IS NOT NULL OR l.version > 1 ORDER BY i.supplier_sku`, supplierCode)
	if err != nil {
		return err
	}
	var faults []error
	if len(rows) != len(f.packs) {
		faults = append(faults, fmt.Errorf("of %d of the supplier's %d items it is known what there is", len(rows), len(f.packs)))
	}
	for i, text := range rows[:min(len(rows), len(f.packs))] {
		if n, err := strconv.ParseFloat(text, 64); err != nil || n != float64(f.packs[i]) {
			faults = append(faults, fmt.Errorf("of item %d the supplier has %s packs, and said %d", i, text, f.packs[i]))
		}
	}
	return errors.Join(faults[:min(len(faults), 5)]...)
}

// fewerRounds is how many rounds feeds and changes take.
func (b *bench) fewerRounds() int { return max(1, b.rounds/2) }

// seconds are the times of feeds, sorted.
func (r feedRun) seconds() []float64 {
	var out []float64
	for _, d := range r.took {
		out = append(out, d.Seconds())
	}
	slices.Sort(out)
	return out
}

// String is one line for whoever watches.
func (r feedRun) String() string {
	s := r.seconds()
	if len(s) == 0 {
		return "no feed"
	}
	text := fmt.Sprintf("%d feeds   median %.2f s   worst %.2f s", len(s), measure.Median(s), s[len(s)-1])
	if r.server >= 0 && r.postgres >= 0 {
		text += fmt.Sprintf("   server %.0f ms   Postgres %.0f ms", perThousand(r.server, r.rows), perThousand(r.postgres, r.rows))
	}
	text += fmt.Sprintf("   %.0f MB, then", megabytes(r.before))
	for _, p := range r.peaks {
		text += fmt.Sprintf(" %.0f", megabytes(p))
	}
	if r.again > 0 {
		text += fmt.Sprintf("   asked again %d times", r.again)
	}
	return text
}
