package main

import (
	"context"
	_ "embed"
	"errors"
	"fmt"

	"redline/test/internal/measure"
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

// database is the private Postgres that all measurements share.
type database struct{ *measure.Database }

// grow makes a shop of the demo's data, and leaves the tables as they would be
// after a quiet night: vacuumed, with statistics, and written to disk.
func (d *database) grow(ctx context.Context, products, orders int) error {
	return d.Fill(ctx, map[string]int{"products": products, "orders": orders}, growSQL, prepareSQL)
}

// supply adds the supplier that sends feeds, in the same manner.
func (d *database) supply(ctx context.Context, items int) error {
	return d.Fill(ctx, map[string]int{"items": items}, supplierSQL)
}

// ordersOf counts the orders that a subject has placed.
func (d *database) ordersOf(ctx context.Context, subject string) (int, error) {
	var n int
	err := d.DB.QueryRowContext(ctx, `SELECT count(*) FROM orders WHERE (owner_issuer, owner_subject) = ('redline', $1)`, subject).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("counting the orders of %s: %w", subject, err)
	}
	return n, nil
}

// checkBooks fails where anything doesn't add up.
func (d *database) checkBooks(ctx context.Context) error {
	rows, err := d.DB.QueryContext(ctx, booksSQL)
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

// texts reads one column.
func (d *database) texts(ctx context.Context, query string, args ...any) ([]string, error) {
	rows, err := d.DB.QueryContext(ctx, query, args...)
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
