package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"redline/embeddedpg"
)

// stopTimeout is how long the private Postgres may take to stop.
const stopTimeout = 20 * time.Second

// databaseFlags say which Postgres to use.
type databaseFlags struct {
	DatabaseURL string `placeholder:"URL" help:"Postgres 15 or newer, as postgres://user:password@host:port/name. Left out, a private one runs in the data directory."`
	DataDir     string `default:".redline" help:"Where the private Postgres and the signing key live."`
}

// open answers the database's URL. Where none is set it starts the private
// Postgres, which stop ends; stop may be called without one.
func (f *databaseFlags) open(ctx context.Context, log *slog.Logger) (url string, stop func() error, err error) {
	if f.DatabaseURL != "" {
		return f.DatabaseURL, func() error { return nil }, nil
	}
	pg, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: f.DataDir, Log: log})
	if err != nil {
		return "", nil, fmt.Errorf("starting the private Postgres: %w", err)
	}
	return pg.URL(), func() error {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
		defer cancel()
		if err := pg.Stop(ctx); err != nil {
			return fmt.Errorf("stopping the private Postgres: %w", err)
		}
		return nil
	}, nil
}

// firstError keeps what went wrong first in front of what went wrong cleaning up.
func firstError(first, then error) error {
	if first == nil {
		return then
	}
	return errors.Join(first, then)
}
