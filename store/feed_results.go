package store

import (
	"context"

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
