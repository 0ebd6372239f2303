package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"redline/test/internal/measure"
)

//go:embed load.sql
var loadSQL string

// watching is a run under way.
type watching struct {
	options
	out     io.Writer
	db      *measure.Database
	changes *changes
	page    page
}

// spare is how much longer than its length a run may take: to start everything, to read
// traces, and to catch up.
func (o options) spare() time.Duration { return 5*time.Minute + o.length }

// watch does a whole run. Whatever it started has ended when it returns.
func watch(ctx context.Context, o options, out io.Writer) (err error) {
	ctx, cancel := context.WithTimeout(ctx, o.length+o.spare())
	defer cancel()
	w := &watching{options: o, out: out}
	dir, err := os.MkdirTemp(o.dir, "redline-dashload-")
	if err != nil {
		return fmt.Errorf("making a directory: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user, who passes through it
		return fmt.Errorf("letting Postgres through: %w", err)
	}
	if w.db, err = measure.OpenDatabase(ctx, filepath.Join(dir, "database")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.db.Close()) }()
	redline, err := measure.NewRedline(ctx, o.redline, nil, dir, w.db.URL())
	if err != nil {
		return err
	}
	more, err := w.fill(ctx, redline)
	if err != nil {
		return err
	}
	gateway, err := redline.Start(ctx)
	if err != nil {
		return err
	}
	defer gateway.Stop()
	token, err := redline.Token(ctx, "operator", "dashload")
	if err != nil {
		return err
	}
	location, err := w.db.Text(ctx, `SELECT code FROM locations WHERE kind = 'WAREHOUSE' ORDER BY code LIMIT 1`)
	if err != nil {
		return err
	}
	w.changes = &changes{url: "http://" + gateway.Addr + "/graphql", token: token, location: location, products: more, rate: o.rate}
	fmt.Fprintf(out, "%d levels, %d changes a second, for %s\n", o.levels, o.rate, o.length)
	if err := w.follow(ctx, "http://"+gateway.Addr, token); err != nil {
		return fmt.Errorf("%w\nthe end of the server's log:\n%s", err, redline.LastLog())
	}
	return w.report(ctx)
}

// fill loads the demo, and adds products with a level each until there are as many levels as were
// asked for. It returns how many it added.
func (w *watching) fill(ctx context.Context, redline *measure.Redline) (int, error) {
	gateway, err := redline.Start(ctx, "--demo")
	if err != nil {
		return 0, err
	}
	gateway.Stop()
	there, _, err := w.stock(ctx)
	if err != nil {
		return 0, err
	}
	more := w.levels - int(there)
	return more, w.db.Fill(ctx, map[string]int{"more": more}, loadSQL)
}

// stock is how many levels the database has, and how many units on hand.
func (w *watching) stock(ctx context.Context) (levels, units int64, err error) {
	if err := w.db.DB.QueryRowContext(ctx, `SELECT count(*), coalesce(sum(on_hand), 0) FROM inventory_levels`).Scan(&levels, &units); err != nil {
		return 0, 0, fmt.Errorf("counting the stock: %w", err)
	}
	return levels, units, nil
}
