// Package migrations holds the database's schema as numbered SQL files, and
// applies them.
package migrations

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
)

// insufficientPrivilege is the SQLSTATE of what a role may not do.
const insufficientPrivilege = "42501"

//go:embed *.sql
var files embed.FS

// Status is where one migration stands.
type Status struct {
	Version int64
	Name    string
	// AppliedAt is zero while it is pending.
	AppliedAt time.Time
}

// provider applies the migrations under a session lock, so that of several
// gateways that start at once one migrates and the others wait for it.
func provider(db *sql.DB) (*goose.Provider, error) {
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(1, 300))
	if err != nil {
		return nil, fmt.Errorf("making the migration lock: %w", err)
	}
	root, err := fs.Sub(files, ".")
	if err != nil {
		return nil, fmt.Errorf("opening the migrations: %w", err)
	}
	p, err := goose.NewProvider(goose.DialectPostgres, db, root, goose.WithSessionLocker(locker))
	if err != nil {
		return nil, fmt.Errorf("reading the migrations: %w", err)
	}
	return p, nil
}

// Up applies all that is pending and returns the names of what it applied.
func Up(ctx context.Context, db *sql.DB) ([]string, error) {
	p, err := provider(db)
	if err != nil {
		return nil, err
	}
	done, err := p.Up(ctx)
	var names []string
	for _, r := range done {
		names = append(names, r.Source.Path)
	}
	var pe *pq.Error
	if errors.As(err, &pe) && pe.Code == insufficientPrivilege {
		err = fmt.Errorf("%w; this role may not change the schema: run `redline migrate up` as the owner of the tables", err)
	}
	if err != nil {
		return names, fmt.Errorf("migrating up (applied %v before it failed): %w", names, err)
	}
	return names, nil
}

// Down takes the newest migration back and returns its name, or "" where there
// is none.
func Down(ctx context.Context, db *sql.DB) (string, error) {
	p, err := provider(db)
	if err != nil {
		return "", err
	}
	r, err := p.Down(ctx)
	if errors.Is(err, goose.ErrNoNextVersion) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("migrating down: %w", err)
	}
	return r.Source.Path, nil
}

// List says where each migration stands, oldest first.
func List(ctx context.Context, db *sql.DB) ([]Status, error) {
	p, err := provider(db)
	if err != nil {
		return nil, err
	}
	all, err := p.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("reading the state of the migrations: %w", err)
	}
	out := make([]Status, len(all))
	for i, s := range all {
		out[i] = Status{Version: s.Source.Version, Name: s.Source.Path, AppliedAt: s.AppliedAt}
	}
	return out, nil
}
