package migrations

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/lib/pq"
)

// gatewayRights are what a gateway does to each table, sequence and function, and no more: what
// is written down in the ledger, the audit and the log can only be added to. To
// lock a row is to update it, as Postgres sees it.
var gatewayRights = []struct{ rights, kind, names string }{
	{"SELECT", "TABLE", "goose_db_version, event_log, products, locations"},
	{"SELECT, INSERT", "TABLE", "audit_entries, inventory_movements, events, order_status_changes, fulfillment_lines, " +
		"reservation_lines, supplier_item_versions, client_suppliers"},
	{"SELECT, UPDATE", "TABLE", "suppliers"},
	{"SELECT, INSERT, UPDATE", "TABLE", "supplier_items, orders, order_lines, fulfillment_orders, fulfillment_order_lines, fulfillments, " +
		"reservations, returns, return_lines, return_receipts, conflicts, supplier_feed_heads"},
	{"SELECT, INSERT, UPDATE (revoked_at, last_used_at, version)", "TABLE", "clients"},
	{"SELECT, INSERT, UPDATE, DELETE", "TABLE", "inventory_levels, idempotency_keys, supplier_feeds, supplier_feeds_held, client_secrets"},
	{"SELECT, INSERT, DELETE", "TABLE", "tickets"},
	{"USAGE", "SEQUENCE", "order_numbers"},
	{"USAGE, SELECT", "SEQUENCE", "events_id"},
	// What makes and drops the partitions of the log does so in the owner's name.
	{"EXECUTE", "FUNCTION", "make_event_partitions, drop_event_partitions"},
}

// Grant gives a role exactly the rights that a gateway needs, in one transaction: what
// else it had on the tables is taken from it. It is to be run again after the schema
// was migrated, by the owner of the tables. A role for which rights mean nothing, a
// superuser or one with the owner's rights, is refused.
func Grant(ctx context.Context, db *sql.DB, role string) (err error) {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("beginning to grant: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, tx.Rollback())
		}
	}()
	var schema string
	var above bool
	err = tx.QueryRowContext(ctx, `SELECT quote_ident(current_schema()), r.rolsuper OR pg_has_role(r.oid, t.relowner, 'MEMBER')
		FROM pg_roles r, pg_class t WHERE r.rolname = $1 AND t.oid = 'audit_entries'::regclass`, role).Scan(&schema, &above)
	switch {
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("there is no role %q", role)
	case err != nil:
		return fmt.Errorf("looking for the role: %w", err)
	case above:
		return fmt.Errorf("the role %q is a superuser or has the rights of the tables' owner: a gateway needs one that has not", role)
	}
	to := pq.QuoteIdentifier(role)
	statements := []string{"REVOKE ALL ON SCHEMA " + schema + " FROM " + to, "GRANT USAGE ON SCHEMA " + schema + " TO " + to}
	for _, g := range gatewayRights {
		statements = append(statements,
			"REVOKE ALL ON "+g.kind+" "+g.names+" FROM "+to, "GRANT "+g.rights+" ON "+g.kind+" "+g.names+" TO "+to)
	}
	for _, s := range statements {
		if _, err := tx.ExecContext(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s, err)
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("granting: %w", err)
	}
	return nil
}

// Unrestrained says why no right that is withheld binds the role of a connection: it is
// a superuser, or may do what the tables' owner may. It is empty where rights bind it.
func Unrestrained(ctx context.Context, db *sql.DB) (why string, err error) {
	err = db.QueryRowContext(ctx, `SELECT CASE WHEN r.rolsuper THEN 'it is a superuser'
			WHEN pg_has_role(current_user, t.relowner, 'USAGE') THEN 'it owns the tables' ELSE '' END
		FROM pg_roles r, pg_class t WHERE r.rolname = current_user AND t.oid = 'audit_entries'::regclass`).Scan(&why)
	if err != nil {
		return "", fmt.Errorf("looking at the rights of the role: %w", err)
	}
	return why, nil
}
