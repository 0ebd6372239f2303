package main

import (
	"bytes"
	"context"
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
	stop := d.start(ctx)
	err = d.all(ctx)
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

// gatewayArgs let the drill see the end of a stop soon.
var gatewayArgs = []string{"--drain-budget", "8s", "--drain-spread", "1s"}

func (d *drilling) say(format string, args ...any) { fmt.Fprintf(d.out, format+"\n", args...) }

// breaks notes a promise that was broken.
func (d *drilling) breaks(format string, args ...any) {
	what := fmt.Sprintf(format, args...)
	d.broken = append(d.broken, what)
	d.say("  BROKEN: %s", what)
}

// prepare makes the tokens and the stock.
func (d *drilling) prepare(ctx context.Context) (err error) {
	if d.shop, err = d.redline.Token(ctx, "storefront", "drill.example"); err != nil {
		return err
	}
	if d.operator, err = d.redline.Token(ctx, "operator", "drill-operator"); err != nil {
		return err
	}
	c := newClient(d.addr, d.operator)
	defer c.http.CloseIdleConnections()
	for sku, n := range map[string]int{plentySKU: 1_000_000, scarceSKU: 500} {
		a, class := c.ask(ctx, `mutation($input: InventoryAdjustInput!) { inventoryAdjust(input: $input) { userErrors { code message } } }`, map[string]any{
			"input": map[string]any{"idempotencyKey": "stock-" + sku, "reason": "RECEIVED", "changes": []any{
				map[string]any{"stock": map[string]any{"sku": sku, "locationCode": warehouse}, "delta": n}}},
		})
		if class != answered || !bytes.Contains(a.Data["inventoryAdjust"], []byte(`"userErrors":[]`)) {
			return fmt.Errorf("setting up the stock of %s: %s %s", sku, class, a.Data["inventoryAdjust"])
		}
	}
	return d.db.DB.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM events`).Scan(&d.from)
}

// start starts the users, and returns what stops them.
func (d *drilling) start(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var all sync.WaitGroup
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
		all.Go(func() { d.order(ctx) })
		all.Go(func() { d.read(ctx) })
	}
	all.Go(func() { d.probe(ctx, "/healthz", &d.healthz) })
	all.Go(func() { d.probe(ctx, "/readyz", &d.readyz) })
	return func() { cancel(); all.Wait() }
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
	if back >= recovery {
		d.breaks("%s: not all was as before within %s", f.title, recovery)
	}
	d.judge(f, orders, pages, healthz, readyz)
	return nil
}

// memoryMax is what the gateway may take, whatever is done to it.
const memoryMax = 700 << 20

// await waits until the gateway is ready, a page is read and an order is placed.
func (d *drilling) await(ctx context.Context) (time.Duration, error) {
	began := time.Now()
	page, shop := newClient(d.addr, ""), newClient(d.addr, d.shop)
	defer page.http.CloseIdleConnections()
	defer shop.http.CloseIdleConnections()
	probing := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: time.Second}
	for time.Since(began) < recovery {
		if d.probeOnce(ctx, probing, "/readyz") == "200" {
			_, read := page.ask(ctx, pageQuery, nil)
			_, asked := shop.ask(ctx, `{ orders(first: 1) { nodes { number } } }`, nil)
			if read == answered && asked == answered {
				return time.Since(began), ctx.Err()
			}
		}
		if pause(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return 0, ctx.Err()
		}
	}
	return recovery, nil
}

// dashboardsSaw settles the dashboards' accounts.
func (d *drilling) dashboardsSaw(ctx context.Context) error {
	var upTo int64
	if err := d.db.DB.QueryRowContext(ctx, `SELECT coalesce(max(id), 0) FROM events WHERE type = 'level.changed'`).Scan(&upTo); err != nil {
		return fmt.Errorf("reading the event log: %w", err)
	}
	until := time.Now().Add(recovery)
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
	missed, repeated, connects := 0, 0, 0
	var gap time.Duration
	for _, w := range d.watching {
		m, r := w.account(log)
		c, g, odd := w.since()
		missed, repeated, connects, gap = missed+m, repeated+r, connects+c, max(gap, g)
		for _, what := range odd {
			d.breaks("a dashboard was told %.300s", what)
		}
	}
	d.say("  dashboards  %d events for each of %d · missed %d · repeated %d · connected anew %d times · longest gap %s",
		len(log), len(d.watching), missed, repeated, connects, brief(gap))
	if missed+repeated > 0 {
		d.breaks("the dashboards missed %d events, and were told %d again", missed, repeated)
	}
	return nil
}

// enough is how many answers there have to be for one in a hundred to mean something.
const enough = 200

// judge says which promises were broken to the users who did nothing.
func (d *drilling) judge(f fault, orders, pages, healthz, readyz summary) {
	for who, s := range map[string]summary{"orders": orders, "pages": pages} {
		for class, n := range s.count {
			if !f.allows(class) {
				d.breaks("%s: %d %s were answered %q", f.title, n, who, class)
			}
		}
		if slowest := s.quantile(1); slowest > f.slowest {
			d.breaks("%s: one of the %s took %s", f.title, who, brief(slowest))
		}
		if f.usual > 0 && len(s.took) > enough && s.quantile(0.99) > f.usual {
			d.breaks("%s: one in a hundred %s took %s or longer", f.title, who, brief(s.quantile(0.99)))
		}
	}
	for path, s := range map[string]summary{"/healthz": healthz, "/readyz": readyz} {
		for class, n := range s.count {
			unready := path == "/readyz" && f.unready && class == "503"
			if class != "200" && !unready && !f.down {
				d.breaks("%s: %s answered %q %d times", f.title, path, class, n)
			}
		}
		if slowest := s.quantile(1); slowest > 2*time.Second && !f.down {
			d.breaks("%s: %s took %s", f.title, path, brief(slowest))
		}
	}
}

// books looks, at the end, whether what was acknowledged is there, once, and nothing
// was sold that wasn't there; and at what the gateway logged.
func (d *drilling) books(ctx context.Context) error {
	stored := map[string]string{}
	rows, err := d.db.DB.QueryContext(ctx, `SELECT external_reference, number FROM orders WHERE owner_subject = 'drill.example'`)
	if err != nil {
		return fmt.Errorf("reading the orders: %w", err)
	}
	defer func() { _ = rows.Close() }()
	twice := 0
	for rows.Next() {
		var reference, number string
		if err := rows.Scan(&reference, &number); err != nil {
			return fmt.Errorf("reading the orders: %w", err)
		}
		if _, is := stored[reference]; is {
			twice++
		}
		stored[reference] = number
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the orders: %w", err)
	}
	lost := 0
	for reference, number := range d.acked.numbers {
		if stored[reference] != number {
			lost++
		}
	}
	var oversold int
	if err := d.db.DB.QueryRowContext(ctx, oversoldQuery).Scan(&oversold); err != nil {
		return fmt.Errorf("adding the stock up: %w", err)
	}
	d.say("\nthe books\n  lost %d · placed twice %d · oversold %d", lost, twice, oversold)
	if lost+twice+oversold > 0 {
		d.breaks("%d acknowledged orders are lost, %d were placed twice, %d levels are oversold", lost, twice, oversold)
	}
	log, err := d.redline.Log()
	if err != nil {
		return err
	}
	for _, fault := range []string{"panic", "internal error", "DATA RACE", "fatal error"} {
		if n := bytes.Count(log, []byte(fault)); n > 0 {
			d.breaks("the gateway logged %q %d times", fault, n)
		}
	}
	return nil
}

// oversoldQuery counts the levels of which more is promised than is there, by the orders'
// own lines.
const oversoldQuery = `SELECT count(*) FROM inventory_levels l JOIN products p ON p.id = l.product_id
	LEFT JOIN LATERAL (SELECT coalesce(sum(fl.quantity - fl.shipped), 0) AS open FROM fulfillment_order_lines fl
		JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id JOIN order_lines ol ON ol.id = fl.order_line_id
		WHERE f.location_id = l.location_id AND ol.product_id = l.product_id AND f.status NOT IN ('CANCELLED', 'REJECTED', 'CLOSED')) held ON true
	WHERE p.sku IN ('` + plentySKU + `', '` + scarceSKU + `') AND (held.open > l.on_hand OR held.open <> l.committed)`

// encoded is what always can be written as JSON.
func encoded(v any) []byte {
	text, _ := json.Marshal(v)
	return text
}
