package store

import (
	"context"
	"slices"

	"github.com/lib/pq"

	"redline"
)

// selectFeeds has what came of feeds. What a person has decided on a feed stands with
// what was kept of it.
const selectFeeds = `SELECT f.id, f.supplier_id, f.sequence, f.mode, f.measure, f.as_of, f.received_at, f.actor, f.actor_role, f.rows AS row_count, f.applied,
		f.unchanged, f.rejected, f.emptied, coalesce(h.status, 'APPLIED') AS status
	FROM supplier_feeds f LEFT JOIN supplier_feeds_held h ON h.id = f.id`

// resultRow is a row of selectFeeds.
type resultRow struct {
	redline.SupplierFeed
	ActorRole redline.Role `db:"actor_role"`
}

// FeedsOfSuppliers lists what came of the feeds of each of some suppliers, the newest
// first, as far as the principal may see it: the same page of each, with one statement
// for all. Only First, After and Count are heeded.
func (s *Store) FeedsOfSuppliers(
	ctx context.Context, p redline.Principal, supplierIDs []string, page redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierFeed], error) {
	read := func(ctx context.Context, doing, text string, args []any) ([]*redline.SupplierFeed, error) {
		rows, err := structs[*resultRow](s)(ctx, doing, text, args)
		if err != nil {
			return nil, err
		}
		feeds := make([]*redline.SupplierFeed, len(rows))
		for i, r := range rows {
			feeds[i] = &r.SupplierFeed
			feeds[i].Actor = actorFor(p, r.Actor, r.ActorRole)
		}
		return feeds, nil
	}
	return pagesOfSuppliers(ctx, s, read, ofSuppliers{
		name: "supplier_feeds", selectFrom: selectFeeds, from: "supplier_feeds f", column: "f.supplier_id",
		see: func(q *query) { q.seeFeeds(p) },
		by:  sorting{tag: "feed", column: "f.received_at", cast: "timestamptz", id: "f.id", prefix: redline.PrefixFeed, desc: true},
	}, supplierIDs, page, func(f *redline.SupplierFeed) (supplierID, value, id string) {
		return f.SupplierID, stamp(f.ReceivedAt), f.ID
	})
}

// ofSuppliers is a list that each supplier has one of.
type ofSuppliers struct {
	// name is the list's: its statements are name.of_suppliers and
	// name.count_of_suppliers.
	name string
	// selectFrom selects its items, from is the table alone, and column has the
	// supplier's id.
	selectFrom, from, column string
	// see narrows it to what a principal may see.
	see func(*query)
	by  sorting
}

// pagesOfSuppliers runs the same page of each supplier's list, with one statement for
// all. key gives an item's supplier, sort value and id.
func pagesOfSuppliers[T any](
	ctx context.Context, s *Store, read reader[T], list ofSuppliers, supplierIDs []string, page redline.PageRequest,
	key func(T) (supplierID, value, id string),
) (map[string]*redline.Page[T], error) {
	n, _, err := pageSize(page)
	if err != nil {
		return nil, err
	}
	q := &query{}
	list.see(q)
	suppliers := q.arg(pq.Array(supplierIDs))
	q.conds = append(q.conds, list.column+" = wanted.id")
	all := query{conds: slices.Clone(q.conds), args: slices.Clone(q.args)} // without the cursor: what is counted
	if page.After != nil {
		if err := q.bound(list.by, "after", *page.After); err != nil {
			return nil, err
		}
	}
	dir := ""
	if list.by.desc {
		dir = " DESC"
	}
	text := `/* ` + list.name + `.of_suppliers */ SELECT of_one.* FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (` +
		list.selectFrom + q.where() + ` ORDER BY ` + list.by.column + dir + `, ` + list.by.id + dir + ` LIMIT ` + q.arg(n+1) + `) AS of_one`
	found, err := read(ctx, "reading what suppliers have", text, q.args)
	if err != nil {
		return nil, err
	}
	out := map[string]*redline.Page[T]{}
	for _, id := range supplierIDs {
		out[id] = &redline.Page[T]{HasPrevious: page.After != nil}
	}
	for _, item := range found {
		supplierID, value, id := key(item)
		of := out[supplierID]
		if len(of.Items) == n {
			of.HasNext = true
			continue
		}
		of.Items = append(of.Items, item)
		of.Cursors = append(of.Cursors, encodeCursor(list.by, value, id))
	}
	if !page.Count {
		return out, nil
	}
	var counts []struct {
		ID string
		N  int
	}
	text = `/* ` + list.name + `.count_of_suppliers */ SELECT wanted.id, of_one.n FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (
		SELECT count(*) AS n FROM (SELECT 1 FROM ` + list.from + all.where() + ` LIMIT ` +
		all.arg(countMax+1) + `) AS counted) AS of_one`
	if err := s.db.SelectContext(ctx, &counts, text, all.args...); err != nil {
		return nil, dbError("counting what suppliers have", err)
	}
	for _, c := range counts {
		if c.N <= countMax {
			out[c.ID].Total = &c.N
		}
	}
	return out, nil
}

// keepResult keeps what came of a feed.
func (f *feed) keepResult(ctx context.Context, kept *feedOutcome) error {
	_, err := f.tx.ExecContext(ctx, `/* supplier_feeds.insert */ INSERT INTO supplier_feeds (id, supplier_id, sequence, mode, measure, as_of,
			received_at, actor, actor_role, rows, applied, unchanged, rejected, emptied)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		f.id, f.supplier.ID, f.in.Sequence, string(f.in.Mode), string(f.in.Measure), f.at, f.now, f.by.Subject, string(f.by.Role), len(f.in.Rows),
		kept.Applied, kept.Unchanged, kept.Rejected, kept.Emptied)
	if err != nil {
		return dbError("keeping what came of a feed", err)
	}
	return nil
}

// keepDecided keeps what came of a feed once a person has had it applied. Of one that was
// kept by a version before 00013_feed_results.sql nothing is there yet: then who sent it
// is taken for what they were when they last sent one.
func (f *feed) keepDecided(ctx context.Context) error {
	rejected := 0
	for _, errs := range f.errors {
		rejected += min(len(errs), 1)
	}
	_, err := f.tx.ExecContext(ctx, `/* supplier_feeds.decide */ WITH known AS (
			UPDATE supplier_feeds SET applied = $2, unchanged = $3, rejected = $4, emptied = $5 WHERE id = $1 RETURNING id
		)
		INSERT INTO supplier_feeds (id, supplier_id, sequence, mode, measure, as_of, received_at, actor, actor_role, rows, applied, unchanged, rejected, emptied)
		SELECT h.id, h.supplier_id, h.sequence, $6, $7, h.as_of, h.held_at, h.actor,
			coalesce((SELECT a.role FROM audit_entries a WHERE a.subject = h.supplier_id AND a.actor = h.actor AND a.action = 'supplierFeedSubmit'
				ORDER BY a.at DESC LIMIT 1), 'OPERATOR'), $8::integer, $2, $3, $4, $5
		FROM supplier_feeds_held h WHERE h.id = $1 AND NOT EXISTS (SELECT FROM known)`,
		f.id, f.applied, f.unchanged, rejected, f.omitted, string(f.in.Mode), string(f.in.Measure), len(f.in.Rows))
	if err != nil {
		return dbError("keeping what came of a feed that was kept", err)
	}
	return nil
}
