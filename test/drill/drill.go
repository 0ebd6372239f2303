package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"redline/test/internal/measure"
)

// drilling is a drill under way.
type drilling struct {
	options
	out      io.Writer
	database string // its folder
	db       *measure.Database
	relay    *relay
	redline  *measure.Redline
	gateway  *measure.Target
	addr     string
	// The tokens of a storefront and of an operator.
	shop, operator string

	orders, pages, healthz, readyz tally
	acked                          acknowledged
	watching                       []*dashboard
	outstaying                     []*outstayer
	// scarce is how much there was of the product that runs out.
	scarce int
	// from is the event up to which the dashboards' accounts are settled.
	from   int64
	broken []string
}

// drill runs a whole drill. Whatever it started has ended when it returns.
func drill(ctx context.Context, o options, out io.Writer) (err error) {
	began := time.Now()
	d := &drilling{options: o, out: out, acked: acknowledged{numbers: map[string]string{}}}
	dir, err := os.MkdirTemp(o.dir, "redline-drill-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user, who passes through it
		return fmt.Errorf("letting Postgres through: %w", err)
	}
	d.database = filepath.Join(dir, "database")
	if d.db, err = measure.OpenDatabase(ctx, d.database); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.db.Close()) }()
	relay, url, err := newRelay(ctx, d.db.URL())
	if err != nil {
		return err
	}
	d.relay = relay
	defer func() { err = errors.Join(err, relay.close()) }()
	if d.redline, err = measure.NewRedline(ctx, o.redline, gatewayArgs, dir, url); err != nil {
		return err
	}
	if d.gateway, err = d.redline.Start(ctx, "--demo"); err != nil {
		return err
	}
	defer func() { d.gateway.Stop() }()
	d.addr = d.gateway.Addr
	if err := d.prepare(ctx); err != nil {
		return err
	}
	leave, stop := d.start(ctx)
	err = d.all(ctx)
	leave()
	if err == nil {
		err = d.sellOut(ctx)
	}
	if err == nil {
		d.say("\nafter the last order")
		err = d.dashboardsSaw(ctx)
	}
	stop()
	if err != nil {
		return err
	}
	if err := d.books(ctx); err != nil {
		return err
	}
	d.say("\n%d orders were acknowledged; the drill took %s", len(d.acked.numbers), time.Since(began).Round(time.Second))
	if len(d.broken) > 0 {
		return fmt.Errorf("%d promises were broken:\n  %s", len(d.broken), strings.Join(d.broken, "\n  "))
	}
	d.say("no promise was broken")
	return nil
}

// drainBudget is how long the gateway may take to stop: so that the end of it is seen soon.
const drainBudget = 8 * time.Second

var gatewayArgs = []string{"--drain-budget", drainBudget.String(), "--drain-spread", "1s"}

func (d *drilling) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// breaks notes a promise that was broken.
func (d *drilling) breaks(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	d.broken = append(d.broken, what)
	d.say("  BROKEN: %s", what)
}

// prepare makes the tokens, and the stock of what there is enough of.
func (d *drilling) prepare(ctx context.Context) (err error) {
	if d.shop, err = d.redline.Token(ctx, "storefront", "drill.example"); err != nil {
		return err
	}
	if d.operator, err = d.redline.Token(ctx, "operator", "drill-operator"); err != nil {
		return err
	}
	if err := d.receive(ctx, plentySKU, 1_000_000); err != nil {
		return err
	}
	const left = `SELECT sum(greatest(l.available, 0)) FROM inventory_levels l JOIN products p ON p.id = l.product_id WHERE p.sku = $1`
	if err := d.db.DB.QueryRowContext(ctx, left, scarceSKU).Scan(&d.scarce); err != nil {
		return fmt.Errorf("reading the stock of %s: %w", scarceSKU, err)
	}
	return d.db.DB.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM events`).Scan(&d.from)
}

// receive puts stock in.
func (d *drilling) receive(ctx context.Context, sku string, n int) error {
	c := newClient(d.addr, d.operator)
	defer c.http.CloseIdleConnections()
	a, class := c.ask(ctx, `mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) { userErrors { code message } } }`, map[string]any{
		"input": map[string]any{"idempotencyKey": rand.Text(), "reason": "RECEIVED", "changes": []any{
			map[string]any{"stock": map[string]any{"sku": sku, "locationCode": warehouse}, "delta": n}}},
	})
	if class != answered || !bytes.Contains(a.Data["inventoryAdjust"], []byte(`"userErrors":[]`)) {
		return fmt.Errorf("receiving %s: %s %s", sku, class, a.Data["inventoryAdjust"])
	}
	return nil
}

// replenish puts in some of the product that runs out, so that it does so again.
func (d *drilling) replenish(ctx context.Context) error {
	const few = 4
	d.scarce += few
	return d.receive(ctx, scarceSKU, few)
}

// start starts the users, and returns what has all leave but the dashboards, and what
// stops those too.
func (d *drilling) start(ctx context.Context) (leave, stop func()) {
	busy, away := context.WithCancel(ctx)
	ctx, cancel := context.WithCancel(ctx)
	var users, all sync.WaitGroup
	for _, o := range outstayers() {
		d.outstaying = append(d.outstaying, o)
		o.began = time.Now()
		users.Go(func() { o.stay(busy, d) })
	}
	for range d.dashboards {
		w := &dashboard{}
		d.watching = append(d.watching, w)
		all.Go(func() { w.watch(ctx, d.addr, d.operator) })
	}
	for _, w := range d.watching { // who begins with the next change has a place before the first order
		for !w.isLive() && ctx.Err() == nil {
			pause(ctx, 10*time.Millisecond)
		}
	}
	for range d.users {
		users.Go(func() { d.order(busy) })
		users.Go(func() { d.read(busy) })
	}
	users.Go(func() { d.probe(busy, "/healthz", &d.healthz) })
	users.Go(func() { d.probe(busy, "/readyz", &d.readyz) })
	leave = func() { away(); users.Wait() }
	return leave, func() { leave(); cancel(); all.Wait() }
}

// all tries all faults, one after the other, and looks after each at what users saw.
func (d *drilling) all(ctx context.Context) error {
	for _, f := range d.faults() {
		if !d.only.MatchString(f.title) {
			continue
		}
		if err := d.try(ctx, f); err != nil {
			return fmt.Errorf("%s: %w", f.title, err)
		}
	}
	return nil
}

// recovery is how long it may take, after a fault is over, until all is as it was.
const recovery = 20 * time.Second

func (d *drilling) try(ctx context.Context, f fault) error {
	if err := d.replenish(ctx); err != nil {
		return err
	}
	for _, t := range []*tally{&d.orders, &d.pages, &d.healthz, &d.readyz} {
		t.take()
	}
	d.say("\n%s", f.title)
	if err := f.run(ctx); err != nil {
		return err
	}
	back, err := d.await(ctx)
	if err != nil {
		return err
	}
	before := time.Now()
	for _, t := range []*tally{&d.orders, &d.pages, &d.healthz, &d.readyz} {
		t.settle(ctx, before)
	}
	orders, pages, healthz, readyz := d.orders.take(), d.pages.take(), d.healthz.take(), d.readyz.take()
	d.say("  orders      %s\n  pages       %s\n  /healthz    %s\n  /readyz     %s", orders, pages, healthz, readyz)
	if err := d.dashboardsSaw(ctx); err != nil {
		return err
	}
	if peak, known := measure.Peak(d.gateway.PID()); known {
		d.say("  gateway     %d MB at most · all as before %s after the end", peak>>20, brief(back))
		if peak > memoryMax {
			d.breaks("%s: the gateway has had %d MB", f.title, peak>>20)
		}
	}
	if back >= d.within(recovery) {
		d.breaks("%s: not all was as before within %s", f.title, d.within(recovery))
	}
	d.judge(f, orders, pages, healthz, readyz)
	d.judgeRefusals(f, orders, pages)
	return nil
}

// memoryMax is what the gateway may take, whatever is done to it.
const memoryMax = 700 << 20

// await waits until the gateway is ready, a page is read and an order is placed.
func (d *drilling) await(ctx context.Context) (time.Duration, error) {
	began, key := time.Now(), rand.Text()
	page, shop := newClient(d.addr, ""), newClient(d.addr, d.shop)
	defer page.http.CloseIdleConnections()
	defer shop.http.CloseIdleConnections()
	probing := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: d.within(time.Second)}
	for time.Since(began) < d.within(recovery) {
		if d.probeOnce(ctx, probing, "/readyz") == "200" {
			_, read := page.ask(ctx, pageQuery, nil)
			// Asked for with the same key until it is placed.
			placed, _ := d.place(ctx, shop, key, plentySKU)
			if read == answered && placed == answered {
				return time.Since(began), ctx.Err()
			}
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return d.within(recovery), nil
}

// dashboardsSaw settles the dashboards' accounts, up to the last event that is in the log
// or of which any of them was told.
func (d *drilling) dashboardsSaw(ctx context.Context) error {
	var upTo int64
	if err := d.db.DB.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM events WHERE type = 'level.changed'`).Scan(&upTo); err != nil {
		return fmt.Errorf("reading the event log: %w", err)
	}
	for _, w := range d.watching {
		upTo = max(upTo, w.newest())
	}
	until := time.Now().Add(d.within(recovery))
	for _, w := range d.watching {
		for w.newest() < upTo && upTo > d.from && time.Now().Before(until) {
			if pause(ctx, 10*time.Millisecond); ctx.Err() != nil {
				return ctx.Err()
			}
		}
	}
	rows, err := d.db.DB.QueryContext(ctx, `SELECT id FROM events WHERE type = 'level.changed' AND id > $1 AND id <= $2 ORDER BY id`, d.from, upTo)
	if err != nil {
		return fmt.Errorf("reading the event log: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var log []int64
	for rows.Next() {
		var id int64
		if err := rows.Scan(&id); err != nil {
			return fmt.Errorf("reading the event log: %w", err)
		}
		log = append(log, id)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the event log: %w", err)
	}
	d.from = max(d.from, upTo)
	missed, repeated, phantoms, connects := 0, 0, 0, 0
	var gap time.Duration
	for _, w := range d.watching {
		m, r, p := w.account(log, upTo)
		c, g, odd := w.since()
		missed, repeated, phantoms, connects, gap = missed+m, repeated+r, phantoms+p, connects+c, max(gap, g)
		for _, what := range odd {
			d.breaks("a dashboard was told %.300s", what)
		}
	}
	d.say("  dashboards  %d events for each of %d · missed %d · repeated %d · not in the log %d · connected anew %d times · longest gap %s",
		len(log), len(d.watching), missed, repeated, phantoms, connects, brief(gap))
	if missed+repeated+phantoms > 0 {
		d.breaks("the dashboards missed %d events, were told %d again and %d that aren't in the log", missed, repeated, phantoms)
	}
	return nil
}

// probed is what a health path may take, before an orchestrator has had enough.
const probed = 2 * time.Second

// enough is how many answers there have to be for one in a hundred to mean something.
const enough = 200

// judge says which promises were broken to the users who did nothing.
func (d *drilling) judge(f fault, orders, pages, healthz, readyz summary) {
	for who, s := range map[string]summary{"orders": orders, "pages": pages} {
		if len(s.took) == 0 && !f.short {
			d.breaks("%s: none of the %s was answered", f.title, who)
		}
		for class, n := range s.count {
			if !f.allows(class) {
				d.breaks("%s: %d %s were answered %q", f.title, n, who, class)
			}
		}
		if slowest := s.quantile(1); slowest > d.within(f.slowest) {
			d.breaks("%s: one of the %s took %s", f.title, who, brief(slowest))
		}
		if f.usual > 0 && len(s.took) > enough && s.quantile(0.99) > d.within(f.usual) {
			d.breaks("%s: one in a hundred %s took %s or longer", f.title, who, brief(s.quantile(0.99)))
		}
	}
	for path, s := range map[string]summary{"/healthz": healthz, "/readyz": readyz} {
		if len(s.took) == 0 && !f.short {
			d.breaks("%s: %s wasn't answered once", f.title, path)
		}
		for class, n := range s.count {
			unready := path == "/readyz" && f.unready && class == "503"
			if class != "200" && !unready && !f.down {
				d.breaks("%s: %s answered %q %d times", f.title, path, class, n)
			}
		}
		if slowest := s.quantile(1); slowest > d.within(probed) && !f.down {
			d.breaks("%s: %s took %s", f.title, path, brief(slowest))
		}
	}
}

// encoded is what always can be written as JSON.
func encoded(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}
