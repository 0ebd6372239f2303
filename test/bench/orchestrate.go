package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"redline/test/internal/measure"
)

// The systems that are compared, as the tables name them.
const (
	systemLimit   = "limit"
	systemFlat    = "flat rows"
	systemRedline = "Redline"
	systemPlain   = "pgbench plain"
	systemCTE     = "pgbench CTE"
	systemNoFeed  = "no feed"
)

// shopSubject places the orders whose number is checked.
const shopSubject = "bench-shop"

// seed makes each run ask for the same ids in the same order.
const seed = 20250701

// bench is one run of the benchmark.
type bench struct {
	options
	out     io.Writer
	dir     string
	db      *database
	redline *measure.Redline
	results *results

	operator, shop string // tokens
	orderable      int    // products that are ordered, RL-000000 and on
	// acknowledged is how many orders the server has acknowledged, and written
	// how many pgbench says that it has written.
	acknowledged, written int
	checked               int
}

// orchestrate runs the whole benchmark. Whatever it started has ended when it
// returns, also where ctx ends first.
func orchestrate(ctx context.Context, o options, out io.Writer) (err error) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	dir, err := os.MkdirTemp(o.dir, "redline-bench-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user, who passes through it
		return fmt.Errorf("letting Postgres through: %w", err)
	}
	b := &bench{options: o, out: out, dir: dir, results: &results{}, db: &database{}}
	if b.db.Database, err = measure.OpenDatabase(ctx, filepath.Join(dir, "database")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	if b.redline, err = measure.NewRedline(ctx, o.redline, o.serve, dir, b.db.URL()); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	if err := b.measureReads(ctx); err != nil {
		return err
	}
	if err := b.measurePlacing(ctx); err != nil {
		return err
	}
	if err := b.measureChanges(ctx); err != nil {
		return err
	}
	if err := b.measureFeeds(ctx); err != nil {
		return err
	}
	if o.profile != "" {
		if err := b.takeProfiles(ctx); err != nil {
			return err
		}
	}
	b.say("checking the books")
	if err := b.checkOrders(ctx); err != nil {
		return err
	}
	if err := b.db.checkBooks(ctx); err != nil {
		return err
	}
	b.say("%d answers were checked; %d orders were acknowledged and %d written by pgbench, and each is there once; the books add up",
		b.checked, b.acknowledged, b.written)
	facts, err := b.facts(ctx, time.Since(begun))
	if err != nil {
		return err
	}
	table := b.results.markdown(facts)
	fmt.Fprintf(out, "\n%s", table)
	if o.write != "" {
		return measure.WriteTable(o.write, tableBegin, tableEnd, table)
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

// wants reports whether something is to be measured.
func (b *bench) wants(name string) bool { return slices.Contains(b.only, name) }

// prepare loads the demo with the real server, and grows it.
func (b *bench) prepare(ctx context.Context) error {
	b.say("loading the demo and growing it to %d products and %d orders", b.products, b.orders)
	s, err := b.redline.Start(ctx, "--demo")
	if err != nil {
		return err
	}
	s.Stop()
	if err := b.db.grow(ctx, b.products, b.orders); err != nil {
		return err
	}
	n, err := b.db.Text(ctx, `SELECT count(*) FROM products WHERE sku LIKE 'RL-%'`)
	if err != nil {
		return err
	}
	if b.orderable, err = strconv.Atoi(n); err != nil || b.orderable < 2 {
		return fmt.Errorf("--products is %d, and too few beside the demo's own", b.products)
	}
	if b.operator, err = b.redline.Token(ctx, "operator", "bench-operator"); err != nil {
		return err
	}
	b.shop, err = b.redline.Token(ctx, "storefront", shopSubject)
	return err
}

// withServer runs a fresh server for as long as do takes, so that no
// measurement sees what another left in its memory, or shares the machine with
// a server that it doesn't ask.
func (b *bench) withServer(ctx context.Context, do func(*measure.Target) error, more ...string) error {
	s, err := b.redline.Start(ctx, more...)
	if err != nil {
		return err
	}
	defer s.Stop()
	if err := do(s); err != nil {
		return fmt.Errorf("%w\nthe end of the server's log:\n%s", err, b.redline.LastLog())
	}
	return nil
}

// inTurn runs the systems of a round, in an order that turns with the rounds.
func inTurn(round int, do ...func() error) error {
	for i := range do {
		if err := do[(i+round)%len(do)](); err != nil {
			return err
		}
	}
	return nil
}

// jsonHeaders are what a storefront sends, and who it is.
func jsonHeaders(token string) []string {
	h := []string{"Content-Type: application/json", "Accept: application/json"}
	if token != "" {
		h = append(h, "Authorization: Bearer "+token)
	}
	return h
}

// readJobs are the jobs of a query for the server, and for the limit by its way
// to read.
func (b *bench) readJobs(ctx context.Context, q readQuery) (server job, limits map[string]job, err error) {
	cases, err := q.cases(ctx, b)
	if err != nil {
		return server, nil, fmt.Errorf("reading what %s has to answer: %w", q.name, err)
	}
	if len(cases) == 0 {
		return server, nil, fmt.Errorf("%s has nothing to ask for", q.name)
	}
	token := ""
	if q.operator {
		token = b.operator
	}
	server = job{Conns: b.conns, Warmup: b.warmup, Measure: b.measure, Seed: seed, Headers: jsonHeaders(token)}
	limit, flat := server, server
	limit.Headers = []string{"Accept: application/json"}
	flat.Headers = limit.Headers
	for _, c := range cases {
		want, err := json.Marshal(map[string]any{"data": c.want})
		if err != nil {
			return server, nil, err
		}
		body, err := q.body(c.variables)
		if err != nil {
			return server, nil, err
		}
		server.Reads = append(server.Reads, read{Line: "POST /graphql", Body: body, Want: want})
		limit.Reads = append(limit.Reads, read{Line: "GET /" + q.name + "/" + c.path, Want: want})
		flat.Reads = append(flat.Reads, read{Line: "GET /flat/" + q.name + "/" + c.path, Want: want})
	}
	return server, map[string]job{systemLimit: limit, systemFlat: flat}, nil
}

func (b *bench) measureReads(ctx context.Context) error {
	for _, q := range readQueries {
		if !b.wants(q.name) {
			continue
		}
		b.say("\n%s: %s, %d connections", q.name, q.about, b.conns)
		server, limits, err := b.readJobs(ctx, q)
		if err != nil {
			return err
		}
		b.say("  %d different requests", len(server.Reads))
		cell := b.results.add(q.name, q.about, b.conns)
		for round := range b.rounds {
			turns := []func() error{func() error {
				return b.withServer(ctx, func(t *measure.Target) error {
					return b.record(cell, systemRedline, round, func() (measurement, error) { return b.ask(ctx, t, server) })
				})
			}}
			for _, system := range []string{systemLimit, systemFlat} {
				turns = append(turns, func() error {
					t, err := startLimit(ctx, b.db.URL())
					if err != nil {
						return err
					}
					defer t.Stop()
					return b.record(cell, system, round, func() (measurement, error) { return b.ask(ctx, t, limits[system]) })
				})
			}
			if err := inTurn(round, turns...); err != nil {
				return err
			}
		}
	}
	return nil
}

// record measures, says what came of it and keeps it.
func (b *bench) record(c *cell, system string, round int, measure func() (measurement, error)) error {
	m, err := measure()
	if err != nil {
		return fmt.Errorf("%s of %s, round %d: %w", system, c.name, round+1, err)
	}
	b.checked += m.checked
	c.add(system, m)
	b.say("  round %d  %-14s %s", round+1, system, m)
	return nil
}

// placeJob is a job that places orders. Each has a name of its own in its keys.
func (b *bench) placeJob(hot bool, clients int) job {
	return job{
		Conns: clients, Warmup: b.warmup, Measure: b.measure, Seed: rand.Uint64(), Headers: jsonHeaders(b.shop),
		Place: placing{Run: strconv.FormatUint(rand.Uint64(), 36), Products: b.orderable, Hot: hot},
	}
}

func (b *bench) measurePlacing(ctx context.Context) error {
	var bencher *pgbench
	for _, mode := range []string{nameHot, nameUniform} {
		if !b.wants(mode) {
			continue
		}
		if bencher == nil {
			var err error
			if bencher, err = b.newPgbench(ctx); err != nil {
				return err
			}
		}
		about := map[string]string{nameHot: "the first line always of one product", nameUniform: "uniform over products"}[mode]
		for _, clients := range b.clients {
			b.say("\n%s: orders of two lines, %s, %d clients", mode, about, clients)
			cell := b.results.add(mode, about, clients)
			if err := b.measureCell(ctx, cell, bencher, mode == nameHot); err != nil {
				return err
			}
		}
	}
	return nil
}

func (b *bench) measureCell(ctx context.Context, c *cell, p *pgbench, hot bool) error {
	if err := b.db.Checkpoint(ctx); err != nil {
		return err
	}
	for round := range b.rounds {
		turns := []func() error{func() error {
			return b.withServer(ctx, func(t *measure.Target) error {
				return b.record(c, systemRedline, round, func() (measurement, error) { return b.place(ctx, t, hot, c.clients) })
			})
		}}
		for _, system := range []string{systemPlain, systemCTE} {
			if p.program != "" {
				turns = append(turns, func() error {
					return b.record(c, system, round, func() (measurement, error) { return p.run(ctx, system, hot, c.clients) })
				})
			}
		}
		if err := inTurn(round, turns...); err != nil {
			return err
		}
	}
	return b.checkOrders(ctx)
}

// place places orders with the server.
func (b *bench) place(ctx context.Context, t *measure.Target, hot bool, clients int) (measurement, error) {
	m, err := b.ask(ctx, t, b.placeJob(hot, clients))
	b.acknowledged += m.placed
	return m, err
}

// checkOrders fails unless each order that was acknowledged is there, once, and
// no other.
func (b *bench) checkOrders(ctx context.Context) error {
	for _, who := range []struct {
		subject string
		want    int
	}{{shopSubject, b.acknowledged}, {pgbenchSubject, b.written}} {
		n, err := b.db.ordersOf(ctx, who.subject)
		if err != nil {
			return err
		}
		if n != who.want {
			return fmt.Errorf("%s has %d orders in the database, and %d were acknowledged", who.subject, n, who.want)
		}
	}
	return nil
}
