package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"text/tabwriter"

	"redline/migrations"
	"redline/store"
)

type migrateCmd struct {
	databaseFlags `embed:""`
	Up            migrateUpCmd     `cmd:"" help:"Apply all that is pending."`
	Down          migrateDownCmd   `cmd:"" help:"Take the newest migration back."`
	Status        migrateStatusCmd `cmd:"" help:"Show which migrations are applied."`
	Grant         migrateGrantCmd  `cmd:"" help:"Give a role what a gateway needs, and no more: it can't change the schema, nor what stands in ledger and audit."`
}

type (
	migrateUpCmd     struct{}
	migrateDownCmd   struct{}
	migrateStatusCmd struct{}
	migrateGrantCmd  struct {
		Role string `arg:"" help:"An existing role, which owns nothing here."`
	}
)

// with opens the database for the length of a command.
func (f *databaseFlags) with(ctx context.Context, io streams, do func(*store.Store) error) (err error) {
	log := slog.New(slog.NewTextHandler(io.err, &slog.HandlerOptions{Level: slog.LevelWarn}))
	db, err := f.open(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.stop(ctx)) }()
	s, err := store.Open(ctx, db.url, store.Options{MaxConns: 3, Log: log})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// Run applies what is pending.
func (*migrateUpCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Migrate.with(ctx, io, func(s *store.Store) error {
		names, err := migrations.Up(ctx, s.DB().DB)
		for _, n := range names {
			fmt.Fprintln(io.out, "applied", n)
		}
		if err == nil && len(names) == 0 {
			fmt.Fprintln(io.out, "nothing is pending")
		}
		return err
	})
}

// Run takes one migration back.
func (*migrateDownCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Migrate.with(ctx, io, func(s *store.Store) error {
		name, err := migrations.Down(ctx, s.DB().DB)
		switch {
		case err != nil:
			return err
		case name == "":
			fmt.Fprintln(io.out, "nothing is applied")
		default:
			fmt.Fprintln(io.out, "took back", name)
		}
		return nil
	})
}

// Run lists the migrations.
func (*migrateStatusCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Migrate.with(ctx, io, func(s *store.Store) error {
		all, err := migrations.List(ctx, s.DB().DB)
		if err != nil {
			return err
		}
		w := tabwriter.NewWriter(io.out, 0, 4, 2, ' ', 0)
		for _, m := range all {
			at := "pending"
			if !m.AppliedAt.IsZero() {
				at = "applied " + m.AppliedAt.UTC().Format("2006-01-02 15:04:05 UTC")
			}
			fmt.Fprintf(w, "%d\t%s\t%s\n", m.Version, m.Name, at)
		}
		return w.Flush()
	})
}

// Run gives a role the rights of a gateway.
func (g *migrateGrantCmd) Run(ctx context.Context, io streams, c *cli) error {
	return c.Migrate.with(ctx, io, func(s *store.Store) error {
		if err := migrations.Grant(ctx, s.DB().DB, g.Role); err != nil {
			return err
		}
		fmt.Fprintln(io.out, "granted what a gateway needs to", g.Role)
		return nil
	})
}
