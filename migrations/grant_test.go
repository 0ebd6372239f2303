package migrations_test

import (
	"strings"
	"testing"

	"redline/internal/pgtest"
	"redline/migrations"
)

// Whoever adds a table or a sequence says what a gateway does to it. Partitions are
// reached through their table.
func TestGrantKnowsEveryTable(t *testing.T) {
	ctx, db := open(t)
	if _, err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	role := pgtest.NewRole(t)
	if err := migrations.Grant(ctx, db, role); err != nil {
		t.Fatal(err)
	}
	var unknown string
	err := db.QueryRowContext(ctx, `SELECT coalesce(string_agg(c.relname, ' '), '') FROM pg_class c
		WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND c.relname NOT LIKE 'goose%'
			AND NOT CASE c.relkind WHEN 'S' THEN has_sequence_privilege($1, c.oid, 'USAGE') ELSE has_table_privilege($1, c.oid, 'SELECT') END`,
		role).Scan(&unknown)
	if err != nil {
		t.Fatal(err)
	}
	if unknown != "" {
		t.Errorf("nothing is granted on %s", unknown)
	}
}

// Rights mean nothing to the owner: taking them from it would only stop it.
func TestGrantRefuses(t *testing.T) {
	ctx, db := open(t)
	if _, err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	var owner string
	if err := db.QueryRowContext(ctx, `SELECT current_user`).Scan(&owner); err != nil {
		t.Fatal(err)
	}
	for role, word := range map[string]string{owner: "owner", "nobody at all": "no role", `"; DROP TABLE events; --`: "no role"} {
		if err := migrations.Grant(ctx, db, role); err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("%s: %v", role, err)
		}
	}
	why, err := migrations.Unrestrained(ctx, db)
	if err != nil || why == "" {
		t.Errorf("the owner is said to be bound: %q, %v", why, err)
	}
}
