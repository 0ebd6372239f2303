package main

import (
	"context"
	"database/sql"
	_ "embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	_ "github.com/lib/pq" // the driver

	"redline/embeddedpg"
)

var (
	//go:embed grow.sql
	growSQL string
	//go:embed prepare.sql
	prepareSQL string
	//go:embed supplier.sql
	supplierSQL string
	//go:embed books.sql
	booksSQL string
)

// Connections of the server's that read, and so as many for the limit.
const readConns = 10

// stopTimeout is how long any process may take to stop.
const stopTimeout = 20 * time.Second

// database is the private Postgres that all measurements share.
type database struct {
	pg     *embeddedpg.Server
	db     *sql.DB // for preparing and for checking, not for measuring
	master int     // the process id of the postmaster
	bin    string  // the folder with Postgres' programs
}

// openDatabase starts a Postgres in dir, as the product would but for room for
// pgbench's connections. It is durable.
func openDatabase(ctx context.Context, dir string) (*database, error) {
	pg, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: dir, Settings: map[string]string{"max_connections": "300"}})
	if err != nil {
		return nil, err
	}
	d := &database{pg: pg}
	if err := d.inspect(filepath.Join(dir, "postgres")); err != nil {
		return nil, errors.Join(err, d.close())
	}
	if d.db, err = sql.Open("postgres", pg.URL()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), d.close())
	}
	return d, nil
}

// inspect reads from the cluster's files which process serves it and where its
// programs are.
func (d *database) inspect(cluster string) error {
	pid, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return fmt.Errorf("looking for Postgres' process: %w", err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	if d.master, err = strconv.Atoi(first); err != nil {
		return fmt.Errorf("looking for Postgres' process: %w", err)
	}
	opts, err := os.ReadFile(filepath.Join(cluster, "postmaster.opts"))
	if err != nil {
		return fmt.Errorf("looking for Postgres' programs: %w", err)
	}
	program, _, _ := strings.Cut(string(opts), ` "`)
	d.bin = filepath.Dir(program)
	return nil
}

// close stops Postgres, even where the benchmark was broken off.
func (d *database) close() error {
	var err error
	if d.db != nil {
		err = d.db.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	return errors.Join(err, d.pg.Stop(ctx))
}

// grow makes a shop of the demo's data, and leaves the tables as they would be
// after a quiet night: vacuumed, with statistics, and written to disk.
func (d *database) grow(ctx context.Context, products, orders int) error {
	return d.fill(ctx, map[string]int{"products": products, "orders": orders}, growSQL, prepareSQL)
}

// supply adds the supplier that sends feeds, in the same manner.
func (d *database) supply(ctx context.Context, items int) error {
	return d.fill(ctx, map[string]int{"items": items}, supplierSQL)
}

// fill runs scripts, which are told how much of what there is to be.
func (d *database) fill(ctx context.Context, sizes map[string]int, scripts ...string) error {
	tx, err := d.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("growing the data: %w", err)
	}
	defer func() { _ = tx.Rollback() }() // after a COMMIT this does nothing
	for what, n := range sizes {
		if _, err := tx.ExecContext(ctx, `SELECT set_config('bench.' || $1, $2, true)`, what, strconv.Itoa(n)); err != nil {
			return fmt.Errorf("growing the data: %w", err)
		}
	}
	for _, text := range scripts {
		if _, err := tx.ExecContext(ctx, text); err != nil {
			return fmt.Errorf("growing the data: %w", err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("growing the data: %w", err)
	}
	if _, err := d.db.ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("vacuuming: %w", err)
	}
	return d.checkpoint(ctx)
}

// checkpoint writes to disk what is still in memory, so that no measurement
// pays for what was written before it.
func (d *database) checkpoint(ctx context.Context) error {
	super, err := sql.Open("postgres", d.pg.SuperuserURL())
	if err != nil {
		return fmt.Errorf("opening the database as its superuser: %w", err)
	}
	_, err = super.ExecContext(ctx, `CHECKPOINT`)
	if err = errors.Join(err, super.Close()); err != nil {
		return fmt.Errorf("writing a checkpoint: %w", err)
	}
	return nil
}

// ordersOf counts the orders that a subject has placed.
func (d *database) ordersOf(ctx context.Context, subject string) (int, error) {
	var n int
	err := d.db.QueryRowContext(ctx, `SELECT count(*) FROM orders WHERE (owner_issuer, owner_subject) = ('redline', $1)`, subject).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the orders of %s: %w", subject, err)
	}
	return n, nil
}

// checkBooks fails where anything doesn't add up.
func (d *database) checkBooks(ctx context.Context) error {
	rows, err := d.db.QueryContext(ctx, booksSQL)
	if err != nil {
		return fmt.Errorf("checking the books: %w", err)
	}
	defer func() { _ = rows.Close() }()
	var faults []error
	for rows.Next() {
		var fault string
		var n int
		if err := rows.Scan(&fault, &n); err != nil {
			return fmt.Errorf("checking the books: %w", err)
		}
		faults = append(faults, fmt.Errorf("the books: %d %s", n, fault))
	}
	return errors.Join(append(faults, rows.Err())...)
}

// text reads one text, such as a setting.
func (d *database) text(ctx context.Context, query string) (string, error) {
	var s string
	if err := d.db.QueryRowContext(ctx, query).Scan(&s); err != nil {
		return "", fmt.Errorf("reading %q: %w", query, err)
	}
	return s, nil
}

// texts reads one column.
func (d *database) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := d.db.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, fmt.Errorf("reading %q: %w", query, err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			return nil, fmt.Errorf("reading %q: %w", query, err)
		}
		all = append(all, s)
	}
	return all, rows.Err()
}
