package store_test

import (
	"context"
	_ "embed"
	"fmt"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"redline/internal/pgtest"
	"redline/migrations"
	"redline/store"
)

//go:embed testdata/large.sql
var largeSQL string

// newLargeWorld is a world with the stock and the orders of years, and with a
// spy on its store.
func newLargeWorld(t testing.TB) (*world, *spy) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	t.Cleanup(cancel)
	url := pgtest.NewFrom(t, "large", func(url string) error { return prepareLarge(ctx, url) })
	// As on the disks of today, where a page anywhere costs about as much as the next.
	s, y := openSpied(t, ctx, url+"&random_page_cost=1.1")
	return &world{Store: s, t: t, ctx: ctx, url: url}, y
}

// largeID is the id of the nth of a type, counted from 0.
func largeID(prefix string, n int) string { return fmt.Sprintf("%s_0000000000e008%012d", prefix, n) }

// prepareLarge migrates and fills a database. The foreign keys and the indexes
// are off meanwhile: checked and made all at once in the end they cost a fraction.
func prepareLarge(ctx context.Context, url string) error {
	s, err := store.Open(ctx, url, store.Options{StatementTimeout: 2 * time.Minute})
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if _, err := migrations.Up(ctx, s.DB().DB); err != nil {
		return err
	}
	var keys []struct{ Drop, Add string }
	err = s.DB().SelectContext(ctx, &keys, `SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS drop,
		format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS add
		FROM pg_constraint WHERE contype = 'f'
		UNION ALL SELECT format('DROP INDEX %s', indexrelid::regclass), pg_get_indexdef(indexrelid)
		FROM pg_index WHERE indrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'public'::regnamespace)
			AND indexrelid NOT IN (SELECT conindid FROM pg_constraint)`)
	if err != nil {
		return err
	}
	for _, k := range keys {
		if err := exec(ctx, s.DB(), k.Drop); err != nil {
			return err
		}
	}
	if err := exec(ctx, s.DB(), largeSQL); err != nil {
		return err
	}
	for _, k := range keys {
		if err := exec(ctx, s.DB(), k.Add); err != nil {
			return err
		}
	}
	return exec(ctx, s.DB(), `VACUUM ANALYZE`)
}

func exec(ctx context.Context, db *sqlx.DB, text string) error {
	if _, err := db.ExecContext(ctx, text); err != nil {
		return fmt.Errorf("%.60s: %w", text, err)
	}
	return nil
}
