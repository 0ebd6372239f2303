package migrations_test

import (
	"testing"

	"github.com/lib/pq"

	"redline/internal/pgtest"
	"redline/migrations"
)

// A log that is there already becomes the first of the partitions, with all that was in
// it and for all who may write it, and can be made whole again.
func TestTheLogThatWasThere(t *testing.T) {
	ctx, db := openBefore(t, "00010_log_in_partitions.sql")
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	exec := func(text string) {
		t.Helper()
		_, err := db.ExecContext(ctx, text)
		must(err)
	}
	role := pgtest.NewRole(t)
	exec(`GRANT SELECT, INSERT ON events TO ` + pq.QuoteIdentifier(role))
	exec(`INSERT INTO events (type, subject_id, at, payload)
		SELECT 'level.changed', 'nobody', clock_timestamp(), '{}' FROM generate_series(1, 250000)`)
	read := func() (n, newest int64) {
		t.Helper()
		must(db.QueryRowContext(ctx, `SELECT count(*), max(id) FROM events`).Scan(&n, &newest))
		return n, newest
	}
	for range 2 {
		_, err := migrations.Up(ctx, db)
		must(err)
		if n, newest := read(); n != 250_000 || newest != 250_000 {
			t.Errorf("after going up there are %d events up to %d", n, newest)
		}
		var where string
		must(db.QueryRowContext(ctx, `SELECT string_agg(name || ' ' || begins || ' ' || ends, ', ' ORDER BY begins) FROM event_partitions`).Scan(&where))
		if where != "events_1 1 350001, events_350001 350001 600001, events_600001 600001 850001" {
			t.Errorf("the partitions are %s", where)
		}
		_, err = migrations.Down(ctx, db)
		must(err)
		if n, newest := read(); n != 250_000 || newest != 250_000 {
			t.Errorf("after going down there are %d events up to %d", n, newest)
		}
		exec(`GRANT SELECT, INSERT ON events TO ` + pq.QuoteIdentifier(role))
	}
	_, err := migrations.Up(ctx, db)
	must(err)
	var may, mayNot bool
	must(db.QueryRowContext(ctx, `SELECT has_table_privilege($1, 'events', 'INSERT') AND has_table_privilege($1, 'events', 'SELECT'),
		has_table_privilege($1, 'events', 'DELETE') OR has_table_privilege($1, 'events_1', 'INSERT')`, role).Scan(&may, &mayNot))
	if !may || mayNot {
		t.Errorf("who could write the log still can: %t, and more than that: %t", may, mayNot)
	}
	exec(`INSERT INTO events (type, subject_id, at, payload) VALUES ('level.changed', 'nobody', clock_timestamp(), '{}')`)
	if _, newest := read(); newest != 250_001 {
		t.Errorf("the ids go on at %d", newest)
	}
}
