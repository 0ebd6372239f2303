package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	"redline"
)

// hold keeps a feed that would empty too much for a person to decide on, in place
// of what was kept before. Where a newer one is kept already it is refused. What
// is missing before it is told of as if it had been applied.
func (f *feed) hold(ctx context.Context, head feedHead) error {
	newer, err := f.newerHeld(ctx)
	if err != nil {
		return err
	}
	if newer != "" {
		field := "asOf"
		if f.in.Sequence != nil {
			field = "sequence"
		}
		return redline.Errorf(redline.CodeSequenceStale, []string{field}, "%s is newer, and waits for a person to decide on it", newer)
	}
	f.unknown.tell(false) // what it says of them counts once it is applied
	kept := f.in
	kept.AsOf, kept.SupplierID = f.at, &f.supplier.ID
	input, err := json.Marshal(kept)
	if err != nil {
		return fmt.Errorf("keeping a feed: %w", err)
	}
	_, err = f.tx.ExecContext(ctx, `/* feeds.hold */ WITH replaced AS (
			UPDATE supplier_feeds_held SET status = 'DISMISSED' WHERE supplier_id = $2 AND status = 'HELD'
		), seen AS (
			UPDATE supplier_feed_heads SET seen = greatest(seen, $3) WHERE supplier_id = $2
		)
		INSERT INTO supplier_feeds_held (id, supplier_id, status, sequence, as_of, reference, input, actor, held_at)
		VALUES ($1, $2, 'HELD', $3, $4, $5, $6, $7, $8)`,
		f.id, f.supplier.ID, f.in.Sequence, f.at, f.reference, string(input), f.by.Subject, f.now)
	if err != nil {
		return dbError("keeping a feed", err)
	}
	facts := redline.Attributes{
		{Name: "emptied", Value: strconv.Itoa(f.emptied)}, {Name: "of", Value: strconv.Itoa(f.stocked)},
		{Name: "limitPercent", Value: strconv.Itoa(f.supplier.ZeroingLimitPercent)}, {Name: "feed", Value: f.reference},
		{Name: "asOf", Value: stamp(f.at)},
	}
	f.held = true
	f.conflict(conflictOpening{
		kind: redline.ConflictMassZeroing, cause: f.zeroingCause(), supplierID: &f.supplier.ID, facts: facts, held: heldFeed{f.id},
		summary: fmt.Sprintf("A feed of %s would empty %d of its %d levels with stock.", f.supplier.Code, f.emptied, f.stocked),
	})
	return f.tellGap(ctx, head)
}

func (f *feed) zeroingCause() string { return "MASS_ZEROING " + f.supplier.ID }

// heldFeed is what a conflict about a feed needs to have it applied.
type heldFeed struct {
	FeedID string `json:"feedId"`
}

// newerHeld names the feed that is kept for a person, if it is newer than this one:
// by its sequence, or where one of them has none by its time.
func (f *feed) newerHeld(ctx context.Context) (string, error) {
	var reference, newer string
	err := scanRows(ctx, f.tx, "reading which feeds wait", `/* feeds.waiting */ SELECT reference FROM supplier_feeds_held
		WHERE supplier_id = $1 AND status = 'HELD' AND coalesce(sequence > $2, as_of > $3)`,
		[]any{f.supplier.ID, f.in.Sequence, f.at}, []any{&reference}, func() error {
			newer = reference
			return nil
		})
	return newer, err
}

// dismissOlder notes a feed as the newest of all that there is, and lets go of a feed that is kept for a person, where this one says
// more newly what all of the supplier's stock is.
func (f *feed) dismissOlder(ctx context.Context) error {
	done, err := f.tx.ExecContext(ctx, `/* feeds.drop_held */ WITH stated AS (
			UPDATE supplier_feed_heads SET full_sequence = $2, full_as_of = $3 WHERE supplier_id = $1 AND coalesce(full_as_of <= $3, true)
		)
		UPDATE supplier_feeds_held SET status = 'DISMISSED'
		WHERE supplier_id = $1 AND status = 'HELD' AND NOT coalesce(sequence > $2, as_of > $3)`, f.supplier.ID, f.in.Sequence, f.at)
	if err != nil {
		return dbError("dismissing older feeds", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return err
	}
	f.dismissConflict(f.zeroingCause(), "A newer feed was applied: "+f.reference+".")
	return nil
}

// applyHeldFeed applies a feed that was kept, whatever it empties and whatever was
// applied since; but what is known of a level that is newer stands.
func (m *mutation) applyHeldFeed(ctx context.Context, feedID string) error {
	var kept struct {
		feedSupplier
		Reference string
		Input     []byte
	}
	err := m.tx.GetContext(ctx, &kept, `/* feeds.held */ SELECT s.id, s.code, s.confirm_within_seconds, h.reference, h.input
		FROM supplier_feeds_held h JOIN suppliers s ON s.id = h.supplier_id WHERE h.id = $1`, feedID)
	if err != nil {
		return dbError("reading a feed that was kept", err)
	}
	f := &feed{mutation: m, id: feedID, supplier: kept.feedSupplier, statement: statement{reference: kept.Reference}, decided: true}
	if err := json.Unmarshal(kept.Input, &f.in); err != nil {
		return fmt.Errorf("reading a feed that was kept: %w", err)
	}
	// It was refused or not when it came; what can't be applied now is left out.
	f.at, f.in.OnRowError = f.in.AsOf, redline.SkipRow
	head, err := m.lockFeedHead(ctx, f.supplier.ID)
	if err != nil {
		return err
	}
	if err := m.endHeld(ctx, feedID, "APPLIED"); err != nil {
		return err
	}
	f.sequence, f.measure = f.in.Sequence, f.in.Measure
	if err := f.read(ctx); err != nil {
		return err
	}
	if err := f.apply(ctx); err != nil {
		return err
	}
	if err := f.keepDecided(ctx); err != nil {
		return err
	}
	return f.advance(ctx, head)
}

// dismissHeldFeed lets go of a feed that was kept.
func (m *mutation) dismissHeldFeed(ctx context.Context, feedID string) error {
	return m.endHeld(ctx, feedID, "DISMISSED")
}

// endHeld says what became of a feed that was kept. Where somebody else has said
// so meanwhile the transaction is run again.
func (m *mutation) endHeld(ctx context.Context, feedID, status string) error {
	done, err := m.tx.ExecContext(ctx, `/* feeds.decide */ UPDATE supplier_feeds_held SET status = $2 WHERE id = $1 AND status = 'HELD'`, feedID, status)
	if err != nil {
		return dbError("ending a feed that was kept", err)
	}
	if n, err := done.RowsAffected(); err != nil || n == 0 {
		return errMoved
	}
	return nil
}
