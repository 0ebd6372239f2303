package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"redline"
)

const (
	// snapshotMax is how many subjects a state may have.
	snapshotMax = 50_000
	// snapshotsAtOnce is how many states are read at the same time: each keeps a
	// connection for long, and the rows that it sees from being vacuumed.
	snapshotsAtOnce = 3
)

// readState reads a state, in one transaction that sees the database as it is now.
// All of it may take as long as one statement may. With too many others at it, it
// waits as long as ctx lets it.
func (s *Store) readState(
	ctx context.Context, read func(ctx context.Context, tx *sqlx.Tx, at time.Time) ([]*redline.Event, error),
) (*redline.State, error) {
	select {
	case s.snapshots <- struct{}{}:
		defer func() { <-s.snapshots }()
	case <-ctx.Done():
		return nil, dbError("waiting for others to read their snapshots", ctx.Err())
	}
	ctx, cancel := context.WithTimeout(ctx, s.statementTimeout)
	defer cancel()
	leave, err := s.db.enter(ctx)
	if err != nil {
		return nil, dbError("beginning a snapshot", err)
	}
	defer leave()
	tx, err := s.db.pool.BeginTxx(ctx, &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true})
	if err != nil {
		return nil, dbError("beginning a snapshot", err)
	}
	defer func() { _ = tx.Rollback() }() // it has changed nothing
	// The first statement takes the snapshot, and then looks at the sequence, which has
	// no versions: what the snapshot sees was given its ids before.
	var seen string
	var at time.Time
	state := &redline.State{}
	err = tx.QueryRowxContext(ctx, `/* state.snapshot */ SELECT pg_current_snapshot()::text, clock_timestamp(), `+lastIssued+` FROM events_id`).
		Scan(&seen, &at, &state.UpTo)
	if err != nil {
		return nil, dbError("taking a snapshot", err)
	}
	if state.Seen, err = parseSnapshot(seen); err != nil {
		return nil, err
	}
	if state.Events, err = read(ctx, tx, at); err != nil {
		return nil, err
	}
	slices.SortFunc(state.Events, func(a, b *redline.Event) int { return strings.Compare(a.Subject(), b.Subject()) })
	return state, nil
}

// parseSnapshot reads the text of a pg_snapshot: xmin:xmax:those,running,between.
func parseSnapshot(text string) (redline.TxSnapshot, error) {
	var seen redline.TxSnapshot
	parts := strings.Split(text, ":")
	ok := len(parts) == 3
	number := func(s string) uint64 {
		n, err := strconv.ParseUint(s, 10, 64)
		ok = ok && err == nil
		return n
	}
	if ok {
		seen.Xmin, seen.Xmax = number(parts[0]), number(parts[1])
		if parts[2] != "" {
			for _, xid := range strings.Split(parts[2], ",") {
				seen.Running = append(seen.Running, number(xid))
			}
		}
	}
	if !ok {
		return redline.TxSnapshot{}, fmt.Errorf("reading the snapshot %q", text)
	}
	return seen, nil
}

// boundState ends a statement that finds the subjects of a state: with one more than a
// state may have, which tells that there are too many.
var boundState = fmt.Sprintf(" LIMIT %d", snapshotMax+1)

func tooMany(what string) error {
	return redline.Invalid([]string{"filter"}, "the filter leaves more than %d %s: narrow it", snapshotMax, what)
}

// LevelsState is the state of the levels that the principal may see and that meet a
// filter, by id; of more than 50,000 it is INVALID.
func (s *Store) LevelsState(ctx context.Context, p redline.Principal, f redline.InventoryFilter) (*redline.State, error) {
	q := &query{}
	q.seeStock(p, "l.location_id")
	q.levelsThat(f)
	return s.levelsState(ctx, q)
}

// AvailabilityState is the state of the levels of what is on sale that meet a filter,
// by id, for anybody who is then shown no more of them than what can be sold. Of more
// than 50,000 it is INVALID.
func (s *Store) AvailabilityState(ctx context.Context, f redline.InventoryFilter) (*redline.State, error) {
	q := &query{}
	q.and("p.active")
	q.levelsThat(f)
	return s.levelsState(ctx, q)
}

func (s *Store) levelsState(ctx context.Context, q *query) (*redline.State, error) {
	// Beside the level stands what its events tell, from the same snapshot.
	text := `/* state.levels */ SELECT ` + levelColumns + `, p.sku, p.category, p.active, loc.code, loc.supplier_id, sup.code FROM inventory_levels l
		JOIN products p ON p.id = l.product_id JOIN locations loc ON loc.id = l.location_id LEFT JOIN suppliers sup ON sup.id = loc.supplier_id` +
		q.where() + boundState
	return s.readState(ctx, func(ctx context.Context, tx *sqlx.Tx, at time.Time) ([]*redline.Event, error) {
		var events []*redline.Event
		var e redline.LevelEvent
		into := append(intoLevel(&e.Level), &e.SKU, &e.Category, &e.Active, &e.LocationCode, &e.SupplierID, &e.SupplierCode)
		err := scanRows(ctx, tx, "reading the state of levels", text, q.args, into, func() error {
			if len(events) == snapshotMax {
				return tooMany("levels")
			}
			one := e
			events = append(events, &redline.Event{At: at, Level: &one})
			return nil
		})
		return events, err
	})
}

// ordersReadAtOnce is how many orders one statement reads whole.
const ordersReadAtOnce = 5_000

// OrdersState is the state of the orders that the principal may see and that meet a
// filter, by id; of those with the ids given, unless that is nil. Each is as the event
// log tells of it: whole, for those who see all of it. Of more than 50,000 it is
// INVALID.
func (s *Store) OrdersState(ctx context.Context, p redline.Principal, f redline.OrderFilter, orderIDs []string) (*redline.State, error) {
	q := &query{}
	q.seeOrders(p)
	q.ordersThat(p, f)
	in(q, "o.id", orderIDs)
	return s.readState(ctx, func(ctx context.Context, tx *sqlx.Tx, at time.Time) ([]*redline.Event, error) {
		// First which, which is cheap, so that too many cost no more than to find out.
		var ids []string
		if err := tx.SelectContext(ctx, &ids, `/* state.orders */ SELECT o.id FROM orders o`+q.where()+boundState, q.args...); err != nil {
			return nil, dbError("finding the orders of a state", err)
		}
		if len(ids) > snapshotMax {
			return nil, tooMany("orders")
		}
		events := make([]*redline.Event, 0, len(ids))
		for some := range slices.Chunk(ids, ordersReadAtOnce) {
			orders, err := ordersToChange(ctx, tx, "reading the state of orders", some)
			if err != nil {
				return nil, err
			}
			for _, o := range orders {
				events = append(events, &redline.Event{At: at, Order: asTold(o)})
			}
		}
		return events, nil
	})
}

// asTold is an order as the event log would tell of it now: without what its JSON
// leaves out, people's data above all. It concerns whoever has a part of it.
func asTold(o *redline.Order) *redline.OrderEvent {
	e := &redline.OrderEvent{To: o.Status}
	o.ShipTo = nil
	if o.Customer != nil {
		o.Customer = &redline.Customer{ID: o.Customer.ID}
	}
	for _, l := range o.Lines {
		l.OrderID, l.Product = "", nil
	}
	for _, f := range o.FulfillmentOrders {
		e.Suppliers = appendSet(e.Suppliers, f.SupplierCode)
		f.Order, f.ShipTo = nil, nil
		for _, l := range f.Lines {
			l.FulfillmentOrderID, l.OrderLine = "", nil
		}
		for _, sent := range f.Fulfillments {
			sent.FulfillmentOrderID = ""
			for _, l := range sent.Lines {
				l.FulfillmentID, l.FulfillmentOrderLineID, l.OrderLine = "", "", nil
			}
		}
	}
	if len(o.Returns) == 0 {
		o.Returns = nil
	}
	for _, r := range o.Returns {
		r.Order = nil
		for _, l := range r.Lines {
			l.ReturnID, l.OrderLine = "", nil
		}
	}
	e.Order = *o
	return e
}

// ConflictsState is the state of the conflicts that are open and that the principal
// may see, by id; of more than 50,000 it is INVALID.
func (s *Store) ConflictsState(ctx context.Context, p redline.Principal) (*redline.State, error) {
	q := &query{}
	q.seeConflicts(p)
	q.and("c.status = %s", string(redline.ConflictOpen))
	return s.readState(ctx, func(ctx context.Context, tx *sqlx.Tx, at time.Time) ([]*redline.Event, error) {
		var rows []heldConflict
		if err := tx.SelectContext(ctx, &rows, "/* state.conflicts */ "+selectTold+q.where()+boundState, q.args...); err != nil {
			return nil, dbError("reading the state of conflicts", err)
		}
		if len(rows) > snapshotMax {
			return nil, tooMany("conflicts")
		}
		events := make([]*redline.Event, len(rows))
		for i, r := range rows {
			events[i] = &redline.Event{At: at, Conflict: &redline.ConflictEvent{Conflict: r.Conflict, SupplierCode: r.SupplierCode}}
		}
		return events, nil
	})
}
