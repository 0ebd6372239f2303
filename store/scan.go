package store

import (
	"context"
	"database/sql"
	"fmt"
)

// queryer is the pool for reads or a transaction.
type queryer interface {
	QueryContext(ctx context.Context, text string, args ...any) (*sql.Rows, error)
}

// scanRows runs a statement and scans each row into the same places; each takes
// out of them what it keeps. Where many rows are read this costs a fraction of
// what finding each column's field by its name does.
func scanRows(ctx context.Context, db queryer, doing, text string, args []any, into []any, each func() error) error {
	if pool, is := db.(*readPool); is {
		leave, err := pool.enter(ctx)
		if err != nil {
			return dbError(doing, err)
		}
		defer leave()
	}
	rows, err := db.QueryContext(ctx, text, args...)
	if err != nil {
		return dbError(doing, err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := rows.Scan(into...); err != nil {
			return dbError(doing, err)
		}
		if err := each(); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return dbError(doing, err)
	}
	return nil
}

// whole scans a whole number without a detour over its text.
type whole struct{ to *int }

// Scan takes what lib/pq makes of an integer.
func (w whole) Scan(src any) error {
	n, ok := src.(int64)
	if !ok {
		return fmt.Errorf("reading a whole number: got %T", src)
	}
	*w.to = int(n)
	return nil
}
