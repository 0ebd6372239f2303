package migrations_test

import (
	"database/sql"
	"errors"
	"strings"
	"testing"

	"github.com/lib/pq"

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

// asGateway has a connection be of a role that has a gateway's rights.
func asGateway(t *testing.T) *sql.Conn {
	t.Helper()
	ctx, db := open(t)
	if _, err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	role := pgtest.NewRole(t)
	if err := migrations.Grant(ctx, db, role); err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	if _, err := conn.ExecContext(ctx, "SET ROLE "+pq.QuoteIdentifier(role)); err != nil {
		t.Fatal(err)
	}
	return conn
}

// wantDenied wants Postgres to have refused something for want of a right.
func wantDenied(t *testing.T, what string, err error) {
	t.Helper()
	if denied, ok := errors.AsType[*pq.Error](err); !ok || denied.Code != "42501" {
		t.Errorf("%s: %v", what, err)
	}
}

// What runs in the owner's name can be called by those alone to whom that is granted, and
// finds nothing but what is in its own schema, or of Postgres: what is temporary, where it
// isn't named, would come first.
func TestWhatRunsInTheOwnersNameIsNotForAll(t *testing.T) {
	ctx, db := open(t)
	if _, err := migrations.Up(ctx, db); err != nil {
		t.Fatal(err)
	}
	var all, open, lost sql.NullString
	err := db.QueryRowContext(ctx, `WITH mine AS (
			SELECT proname AS name, has_function_privilege('public', oid, 'EXECUTE') AS open,
				coalesce(array_to_string(proconfig, ' '), '') ~ ('search_path=("?' || current_schema() || '"?|pg_catalog), pg_temp( |$)') AS bound
			FROM pg_proc WHERE pronamespace = current_schema()::regnamespace AND prosecdef
		) SELECT string_agg(name, ' ' ORDER BY name), string_agg(name, ' ') FILTER (WHERE open), string_agg(name, ' ') FILTER (WHERE NOT bound) FROM mine`).
		Scan(&all, &open, &lost)
	if err != nil {
		t.Fatal(err)
	}
	if want := "drop_event_partitions make_event_partitions tell_of_clients tell_of_places"; all.String != want {
		t.Errorf("in the owner's name run %s, want %s", all.String, want)
	}
	if open.Valid || lost.Valid {
		t.Errorf("for all are %q, and by the caller's search path go %q", open.String, lost.String)
	}
}

// Who has a gateway's rights can't have the owner run what they like: neither by a function
// of the owner's on a table of their own that writes to another of their own, nor by a type
// of their own that has the name of one that such a function speaks of.
func TestAGatewaysRoleDoesNotBecomeTheOwner(t *testing.T) {
	const take = `CREATE FUNCTION pg_temp.take() RETURNS trigger LANGUAGE plpgsql AS $$
		BEGIN
			GRANT ALL ON public.audit_entries TO public;
			RETURN NEW;
		END
		$$`
	mine := []string{
		take, `CREATE TEMP TABLE mine (n int)`, `CREATE TEMP TABLE events (type text, subject_id text, at timestamptz, payload json)`,
		`CREATE TRIGGER take BEFORE INSERT ON pg_temp.events FOR EACH ROW EXECUTE FUNCTION pg_temp.take()`,
	}
	named := []string{
		`CREATE FUNCTION pg_temp.taken(v pg_catalog.json) RETURNS boolean LANGUAGE plpgsql AS $$
		BEGIN
			GRANT ALL ON public.audit_entries TO public;
			RETURN true;
		END
		$$`,
		`CREATE DOMAIN pg_temp.json AS pg_catalog.json CHECK (pg_temp.taken(VALUE))`,
	}
	for name, attack := range map[string]struct {
		prepare []string
		denied  string
		then    string
	}{
		"tell_of_places on a table of theirs":  {mine, `CREATE TRIGGER tell AFTER INSERT ON mine EXECUTE FUNCTION tell_of_places()`, `INSERT INTO mine VALUES (1)`},
		"tell_of_clients on a table of theirs": {mine, `CREATE TRIGGER tell AFTER INSERT ON mine EXECUTE FUNCTION tell_of_clients()`, `INSERT INTO mine VALUES (1)`},
		"a type of theirs in tell_of_places":   {named, ``, `UPDATE suppliers SET name = name`},
		"a type of theirs in tell_of_clients":  {named, ``, `UPDATE clients SET version = version`},
	} {
		t.Run(name, func(t *testing.T) {
			conn := asGateway(t)
			ctx := t.Context()
			for _, statement := range attack.prepare {
				if _, err := conn.ExecContext(ctx, statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			if attack.denied != "" {
				_, err := conn.ExecContext(ctx, attack.denied)
				wantDenied(t, attack.denied, err)
			}
			_, err := conn.ExecContext(ctx, attack.then)
			if err != nil {
				t.Errorf("%s: %v", attack.then, err)
			}
			_, err = conn.ExecContext(ctx, `DELETE FROM audit_entries`)
			wantDenied(t, "changing what is written down", err)
		})
	}
}

// Who has a gateway's rights revokes clients, and can neither take that back nor give one
// more than it was made with; the owner can't take it back either.
func TestRevokingIsForGood(t *testing.T) {
	conn := asGateway(t)
	ctx := t.Context()
	for _, statement := range []string{
		`INSERT INTO clients (id, name, role, scopes, created_at, created_by, version) VALUES ('cli_1', 'n', 'SUPPLIER', '{orders:read}', now(), 'ada', 1)`,
		`SELECT FROM clients WHERE id = 'cli_1' FOR NO KEY UPDATE`, `UPDATE clients SET last_used_at = now()`,
		`UPDATE clients SET revoked_at = now(), version = version + 1`, `UPDATE clients SET revoked_at = revoked_at, version = version + 1`,
	} {
		if _, err := conn.ExecContext(ctx, statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	back := []string{`UPDATE clients SET revoked_at = NULL`, `UPDATE clients SET revoked_at = now() - interval '2 days'`}
	for _, statement := range append([]string{
		`UPDATE clients SET role = 'ADMIN'`, `UPDATE clients SET scopes = NULL`, `UPDATE clients SET id = 'cli_2'`, `UPDATE clients SET created_by = 'eve'`, `DELETE FROM clients`,
	}, back...) {
		_, err := conn.ExecContext(ctx, statement)
		wantDenied(t, statement, err)
	}
	if _, err := conn.ExecContext(ctx, `RESET ROLE`); err != nil {
		t.Fatal(err)
	}
	for _, statement := range back {
		_, err := conn.ExecContext(ctx, statement)
		wantDenied(t, "the owner: "+statement, err)
	}
}
