package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/lib/pq"

	"redline/embeddedpg"
)

// stopTimeout is how long the private Postgres may take to stop.
const stopTimeout = 20 * time.Second

// databaseFlags say which Postgres to use.
type databaseFlags struct {
	DatabaseURL string `placeholder:"URL" help:"Postgres 15 or newer, as postgres://user:password@host:port/name. Left out, a private one runs in the data directory."`
	DataDir     string `default:".redline" help:"Where the private Postgres and the signing key live."`
}

// check refuses a URL that no database can be reached by. What it says never holds
// the password.
func (f *databaseFlags) check() error {
	if f.DatabaseURL == "" {
		return nil
	}
	u, err := url.Parse(f.DatabaseURL)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return errors.New("--database-url (REDLINE_DATABASE_URL) has to be of the form postgres://user:password@host:port/name")
	}
	if _, err := pq.NewConfig(f.DatabaseURL); err != nil {
		password, _ := u.User.Password()
		for _, secret := range []string{password, u.Query().Get("password"), u.Query().Get("sslpassword")} {
			if secret != "" && strings.Contains(err.Error(), strconv.Quote(secret)) {
				return errors.New("--database-url (REDLINE_DATABASE_URL) can't be read")
			}
		}
		return fmt.Errorf("--database-url (REDLINE_DATABASE_URL): %w", err)
	}
	return nil
}

// database is the Postgres in use.
type database struct {
	url string
	// private is ours to stop; nil where --database-url names another.
	private *embeddedpg.Server
}

// open says which Postgres to use. Where none is set it starts the private one.
func (f *databaseFlags) open(ctx context.Context, log *slog.Logger) (*database, error) {
	if f.DatabaseURL != "" {
		return &database{url: f.DatabaseURL}, nil
	}
	pg, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: f.DataDir, Log: log})
	if err != nil {
		return nil, err
	}
	return &database{url: pg.URL(), private: pg}, nil
}

// stop ends the private Postgres, if there is one.
func (d *database) stop(ctx context.Context) error {
	if d.private == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer cancel()
	if err := d.private.Stop(ctx); err != nil {
		return fmt.Errorf("stopping the private Postgres: %w", err)
	}
	return nil
}

// whileUp returns a context that ends with the given one, or once the private
// Postgres has ended by itself; an outside one may come back. release is to be
// called in the end.
func (d *database) whileUp(ctx context.Context) (up context.Context, release func()) {
	up, cancel := context.WithCancel(ctx)
	if d.private == nil {
		return up, cancel
	}
	var watcher sync.WaitGroup
	watcher.Go(func() {
		defer cancel()
		select {
		case <-d.private.Done():
		case <-up.Done():
		}
	})
	return up, func() { cancel(); watcher.Wait() }
}

// lost says why the private Postgres ended, if it did so by itself.
func (d *database) lost() error {
	if d.private == nil {
		return nil
	}
	return d.private.Err()
}
