package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"time"

	"redline/test/internal/measure"
)

//go:embed live.sql
var liveSQL string

// bench is one run of the benchmark.
type bench struct {
	options
	out      io.Writer
	begun    time.Time
	db       *measure.Database
	redline  *measure.Redline
	operator string // a token
	location string // where the stock lies that changes
	sample   string // a message as Redline sends it
	stock    map[string]int64
	results  results
	checked  int // messages that were counted
}

// orchestrate runs the whole benchmark. Whatever it started has ended when it
// returns, also where ctx ends first.
func orchestrate(ctx context.Context, o options, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	b := &bench{options: o, out: out, begun: time.Now(), stock: map[string]int64{}}
	if err := b.checkFiles(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(o.dir, "redline-benchlive-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user, who passes through it
		return fmt.Errorf("letting Postgres through: %w", err)
	}
	if b.db, err = measure.OpenDatabase(ctx, filepath.Join(dir, "database")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.db.Close()) }()
	if b.redline, err = measure.NewRedline(ctx, o.redline, o.serve, dir, b.db.URL()); err != nil {
		return err
	}
	if err := b.prepare(ctx); err != nil {
		return err
	}
	for _, n := range b.subscribers {
		if slices.Contains(b.only, nameOne) {
			if err := b.measureCrowd(ctx, b.results.crowd(n, 1)); err != nil {
				return err
			}
		}
	}
	if slices.Contains(b.only, nameSpread) {
		if err := b.measureCrowd(ctx, b.results.crowd(b.spread, b.products)); err != nil {
			return err
		}
	}
	if slices.Contains(b.only, nameOthers) && slices.Contains(b.systems, systemRedline) {
		if err := b.measureOthers(ctx); err != nil {
			return err
		}
	}
	b.say("\n%d messages were counted: each reader got each event once, and in order", b.checked)
	facts, err := b.facts(ctx)
	if err != nil {
		return err
	}
	table := b.results.markdown(facts, b.rate, b.window)
	fmt.Fprintf(out, "\n%s", table)
	if o.write != "" {
		return measure.WriteTable(o.write, tableBegin, tableEnd, table)
	}
	return nil
}

func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.out, format+"\n", args...) }

// readers is the most readers of any measurement.
func (b *bench) readers() int {
	n := 1
	if slices.Contains(b.only, nameOne) {
		n = max(n, slices.Max(b.subscribers))
	}
	if slices.Contains(b.only, nameSpread) {
		n = max(n, b.spread)
	}
	if slices.Contains(b.only, nameOthers) {
		n = max(n, slices.Max(b.others)+1)
	}
	return n
}

// spareFiles is how many files a server has open beside sockets of readers.
const spareFiles = 200

// checkFiles sees that a process may have as many sockets as there are readers. The
// runtime has raised what it has at first to what it may have.
func (b *bench) checkFiles() error {
	limit, err := maxFiles()
	if err != nil {
		return err
	}
	if limit < b.readers()+spareFiles {
		return fmt.Errorf("%d readers need as many open files and %d more, and a process may have %d here: raise it (ulimit -Hn), or measure fewer",
			b.readers(), spareFiles, limit)
	}
	return nil
}

// sku is the nth product that is watched.
func sku(n int) string { return fmt.Sprintf("LV-%06d", n) }

// skus are n of them.
func skus(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = sku(i)
	}
	return all
}

// productName is what they are called.
func productName(sku string) string { return "Watched part " + sku }

// firstStock is how many pieces there are of each before the first event.
const firstStock = 1000

// prepare loads the demo with the real server, adds the products that are
// watched, and takes a message for the bare server to send.
func (b *bench) prepare(ctx context.Context) error {
	watched := max(b.products, slices.Max(b.others)+1)
	b.say("loading the demo and adding %d products", watched)
	s, err := b.redline.Start(ctx, "--demo")
	if err != nil {
		return err
	}
	s.Stop()
	if err := b.db.Fill(ctx, map[string]int{"watched": watched}, liveSQL); err != nil {
		return err
	}
	for _, sku := range skus(watched) {
		b.stock[sku] = firstStock
	}
	if b.location, err = b.db.Text(ctx, `SELECT code FROM locations WHERE kind = 'WAREHOUSE' ORDER BY code LIMIT 1`); err != nil {
		return err
	}
	if b.operator, err = b.redline.Token(ctx, "operator", "bench-operator"); err != nil {
		return err
	}
	return b.withSystem(ctx, systemRedline, func(s *system) error {
		return b.withAudience(ctx, s, 1, 1, func(r *reading) error {
			b.sample = r.a.sample
			b.say("a message has %d bytes: %s", len(b.sample), b.sample)
			return nil
		})
	})
}

// withSystem runs a fresh server for as long as do takes.
func (b *bench) withSystem(ctx context.Context, name string, do func(*system) error) error {
	s, err := b.startSystem(ctx, name)
	if err != nil {
		return fmt.Errorf("starting %s: %w", systemTitles[name], err)
	}
	defer s.stop()
	if err := do(s); err != nil {
		if name == systemRedline {
			return fmt.Errorf("%w\nthe end of the server's log:\n%s", err, b.redline.LastLog())
		}
		return fmt.Errorf("%s: %w", systemTitles[name], err)
	}
	return nil
}

// facts say what was measured on what.
func (b *bench) facts(ctx context.Context) (string, error) {
	version, err := b.db.Version(ctx)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s. %s, %s. %s. Messages of %d bytes; %d rounds of %s each, medians; %s in all.",
		time.Now().UTC().Format("2 January 2006"), measure.Machine(), runtime.Version(), version, len(b.sample), b.rounds, b.measure,
		time.Since(b.begun).Round(time.Second)), nil
}
