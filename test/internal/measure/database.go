package measure

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	_ "github.com/lib/pq" // the driver

	"redline/embeddedpg"
)

// Database is the private Postgres that all measurements of a run share.
type Database struct {
	DB     *sql.DB // for preparing and for checking, not for measuring
	Master int     // the process id of the postmaster
	Bin    string  // the folder with Postgres' programs
	pg     *embeddedpg.Server
}

// OpenDatabase starts a Postgres in dir, as the product would but for room for
// more connections. It is durable.
func OpenDatabase(ctx context.Context, dir string) (*Database, error) {
	pg, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: dir, Settings: map[string]string{"max_connections": "300"}})
	if err != nil {
		return nil, err
	}
	d := &Database{pg: pg}
	if err := d.inspect(filepath.Join(dir, "postgres")); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	if d.DB, err = sql.Open("postgres", pg.URL()); err != nil {
		return nil, errors.Join(fmt.Errorf("opening the database: %w", err), d.Close())
	}
	return d, nil
}

// inspect reads from the cluster's files which process serves it and where its
// programs are.
func (d *Database) inspect(cluster string) error {
	pid, err := os.ReadFile(filepath.Join(cluster, "postmaster.pid"))
	if err != nil {
		return fmt.Errorf("looking for Postgres' process: %w", err)
	}
	first, _, _ := strings.Cut(string(pid), "\n")
	if d.Master, err = strconv.Atoi(first); err != nil {
		return fmt.Errorf("looking for Postgres' process: %w", err)
	}
	opts, err := os.ReadFile(filepath.Join(cluster, "postmaster.opts"))
	if err != nil {
		return fmt.Errorf("looking for Postgres' programs: %w", err)
	}
	program, _, _ := strings.Cut(string(opts), ` "`)
	d.Bin = filepath.Dir(program)
	return nil
}

// URL is where the server's role reaches it.
func (d *Database) URL() string { return d.pg.URL() }

// Crash kills the postmaster, as the machine might, and waits until it is gone.
func (d *Database) Crash() error {
	if err := syscall.Kill(d.Master, syscall.SIGKILL); err != nil {
		return fmt.Errorf("killing Postgres: %w", err)
	}
	select {
	case <-d.pg.Done():
	case <-time.After(StopTimeout):
		return fmt.Errorf("the killed Postgres (process %d) is still there after %s", d.Master, StopTimeout)
	}
	_ = d.DB.Close() // its connections are dead
	return nil
}

// Close stops Postgres, even where the benchmark was broken off.
func (d *Database) Close() error {
	var err error
	if d.DB != nil {
		err = d.DB.Close()
	}
	ctx, cancel := context.WithTimeout(context.Background(), StopTimeout)
	defer cancel()
	return errors.Join(err, d.pg.Stop(ctx))
}

// Fill runs scripts, which are told how much of what there is to be by settings
// named bench.*, and leaves the tables as they would be after a quiet night:
// vacuumed, with statistics, and written to disk.
func (d *Database) Fill(ctx context.Context, sizes map[string]int, scripts ...string) error {
	tx, err := d.DB.BeginTx(ctx, nil)
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
	if _, err := d.DB.ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
		return fmt.Errorf("vacuuming: %w", err)
	}
	return d.Checkpoint(ctx)
}

// Checkpoint writes to disk what is still in memory, so that no measurement
// pays for what was written before it.
func (d *Database) Checkpoint(ctx context.Context) error {
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

// Text reads one text, such as a setting.
func (d *Database) Text(ctx context.Context, query string) (string, error) {
	var s string
	if err := d.DB.QueryRowContext(ctx, query).Scan(&s); err != nil {
		return "", fmt.Errorf("reading %q: %w", query, err)
	}
	return s, nil
}

// Version says which Postgres it is, and how durable.
func (d *Database) Version(ctx context.Context) (string, error) {
	return d.Text(ctx, `SELECT 'Postgres ' || current_setting('server_version') || ' (shared_buffers ' || current_setting('shared_buffers')
		|| ', fsync ' || current_setting('fsync') || ', synchronous_commit ' || current_setting('synchronous_commit') || ')'`)
}
