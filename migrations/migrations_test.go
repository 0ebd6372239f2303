package migrations_test

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	_ "github.com/lib/pq"

	"redline/internal/pgtest"
	"redline/migrations"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func open(t *testing.T) (context.Context, *sql.DB) {
	t.Helper()
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	db, err := sql.Open("postgres", pgtest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return ctx, db
}

// openBefore opens a database as it was before a migration: all were applied, and taken back
// down to that one.
func openBefore(t *testing.T, migration string) (context.Context, *sql.DB) {
	t.Helper()
	ctx, db := open(t)
	if _, err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	for {
		name, err := migrations.Down(ctx, db)
		switch {
		case err != nil:
			t.Fatal(err)
		case name == migration:
			return ctx, db
		case name == "":
			t.Fatalf("there is no %s among the migrations", migration)
		}
	}
}

// schema lists what the migrations have made: every table's columns, indexes,
// constraints, functions with whether all may call them, and triggers, as text.
func schema(t *testing.T, ctx context.Context, db *sql.DB) []string {
	t.Helper()
	rows, err := db.QueryContext(ctx, `
		SELECT concat_ws(' ', 'column', table_name, column_name, data_type, is_nullable, column_default) FROM information_schema.columns
		WHERE table_schema = 'public' AND table_name <> 'goose_db_version'
		UNION ALL SELECT 'index ' || indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'goose_db_version'
		UNION ALL SELECT concat_ws(' ', 'constraint', conrelid::regclass, pg_get_constraintdef(oid)) FROM pg_constraint
		WHERE connamespace = 'public'::regnamespace AND conrelid <> 'goose_db_version'::regclass
		UNION ALL SELECT concat_ws(' ', 'function', proname, has_function_privilege('public', oid, 'EXECUTE')) FROM pg_proc WHERE pronamespace = 'public'::regnamespace
		UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname) FROM pg_trigger WHERE NOT tgisinternal
		UNION ALL SELECT 'sequence ' || sequencename FROM pg_sequences WHERE schemaname = 'public' AND sequencename NOT LIKE 'goose%'
		ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// Each migration can be taken back and applied again, and leaves nothing behind.
func TestUpDownUp(t *testing.T) {
	ctx, db := open(t)
	names, err := migrations.Up(ctx, db)
	if err != nil || len(names) == 0 {
		t.Fatalf("up: %v, applied %v", err, names)
	}
	full := schema(t, ctx, db)
	for left := len(names); left > 0; left-- {
		name, err := migrations.Down(ctx, db)
		if err != nil || name != names[left-1] {
			t.Fatalf("down took back %q, %v; want %q", name, err, names[left-1])
		}
		all, err := migrations.List(ctx, db)
		if err != nil {
			t.Fatal(err)
		}
		for i, s := range all {
			if applied := !s.AppliedAt.IsZero(); applied != (i < left-1) {
				t.Errorf("after taking back %s, applied is %t of %s", name, applied, s.Name)
			}
		}
	}
	if rest := schema(t, ctx, db); len(rest) > 0 {
		t.Errorf("taking all back left %q", rest)
	}
	if name, err := migrations.Down(ctx, db); err != nil || name != "" {
		t.Errorf("down on an empty database: %q, %v", name, err)
	}
	again, err := migrations.Up(ctx, db)
	if err != nil || !slices.Equal(again, names) {
		t.Fatalf("up again: %v, applied %v", err, again)
	}
	if got := schema(t, ctx, db); !slices.Equal(got, full) {
		t.Errorf("the schema differs after down and up again:\n%q\n%q", got, full)
	}
}

// Of several gateways that start at once, one migrates and the others wait.
func TestUpAtOnce(t *testing.T) {
	ctx, db := open(t)
	const gateways = 5
	var wg sync.WaitGroup
	applied := make([][]string, gateways)
	errs := make([]error, gateways)
	for i := range gateways {
		wg.Go(func() { applied[i], errs[i] = migrations.Up(ctx, db) })
	}
	wg.Wait()
	busy := 0
	for i := range gateways {
		if errs[i] != nil {
			t.Error(errs[i])
		}
		if len(applied[i]) > 0 {
			busy++
		}
	}
	if busy != 1 {
		t.Errorf("%d of %d gateways migrated: %s", busy, gateways, fmt.Sprint(applied))
	}
}
