// Package histories runs random histories of everything that changes stock and
// orders, by several callers at once, against a real Postgres, and checks what
// has to be true afterwards, whatever they did. HISTORIES says how many; see
// `make histories`.
package histories_test

import (
	"context"
	"os"
	"strconv"
	"testing"
	"time"

	"redline/internal/pgtest"
	"redline/migrations"
	"redline/store"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// few is how many histories a run of all tests goes through.
const few = 50

// histories is how many histories to run.
func histories(t *testing.T) int {
	t.Helper()
	text := os.Getenv("HISTORIES")
	if text == "" {
		return few
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		t.Fatalf("HISTORIES is %q, and no number of histories", text)
	}
	return n
}

// limit bounds a run of histories, however slow the machine is.
const limit = 2 * time.Hour

// patience is how long a call waits for another: who wins is what is tested
// here, and not how soon.
const patience = time.Minute

// open makes a database with nothing in it, and a gateway's store on it.
func open(t *testing.T) (context.Context, *store.Store, string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	url := pgtest.NewFrom(t, "migrated", func(url string) error { return migrate(ctx, url) })
	s, err := store.Open(ctx, url, store.Options{
		MaxConns: 30, StatementTimeout: patience, Patience: patience,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return ctx, s, url
}

// deadlocks is how many deadlocks Postgres has ended in a database, whose
// connections are all closed. Who lost one was run again, and knows nothing of it.
func deadlocks(ctx context.Context, t *testing.T, url string) (n int) {
	t.Helper()
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	if err := s.DB().GetContext(ctx, &n, `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`); err != nil {
		t.Fatal(err)
	}
	return n
}

func migrate(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url, store.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	_, err = migrations.Up(ctx, s.DB().DB)
	return err
}
