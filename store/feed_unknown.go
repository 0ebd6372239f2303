package store

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"time"

	"redline"
)

// heldRows is what a conflict about a SKU, or a unit of one, needs to have applied
// what feeds said of it: of each location the newest.
type heldRows struct {
	SupplierID string    `json:"supplierId"`
	Rows       []heldRow `json:"rows"`
}

// heldRow is a row of a feed, which always says of which location, and what its
// feed said of all of them.
type heldRow struct {
	redline.SupplierFeedRow
	Measure   redline.FeedMeasure `json:"measure"`
	AsOf      time.Time           `json:"asOf"`
	Sequence  *int64              `json:"sequence,omitempty"`
	Reference string              `json:"reference"`
}

// join adds rows of a feed to those that are held. Of each location the newest
// stands, whatever its unit: one SKU stands for one product, and so for one level
// there. Rows of one feed that state one level all stay, since nobody can say which
// of them is true.
func (h *heldRows) join(rows []heldRow) {
	same := func(r heldRow) func(heldRow) bool {
		return func(o heldRow) bool { return *o.LocationCode == *r.LocationCode }
	}
	rows = slices.DeleteFunc(slices.Clone(rows), func(r heldRow) bool {
		return slices.ContainsFunc(h.Rows, func(o heldRow) bool { return same(r)(o) && o.AsOf.After(r.AsOf) })
	})
	h.Rows = append(slices.DeleteFunc(h.Rows, func(o heldRow) bool { return slices.ContainsFunc(rows, same(o)) }), rows...)
}

// unknown gathers the rows whose SKU, or its unit, is not known: one conflict for
// each of them, with all that was said of it.
type unknown struct {
	f    *feed
	by   map[unknownSKU][]heldRow
	list []unknownSKU
}

type unknownSKU struct {
	sku  string
	unit redline.UnitOfMeasure
	item string
}

// sku refuses a row, and keeps what it said.
func (u *unknown) sku(i int, unit redline.UnitOfMeasure, e *redline.Error) {
	f, fit := u.f, len(u.f.errors[i]) == 0
	f.refuseRow(i, e)
	k := unknownSKU{f.in.Rows[i].SupplierSKU, unit, f.rows[i].item}
	rows, known := u.by[k]
	if !known {
		u.list = append(u.list, k)
	}
	if fit { // else it couldn't be applied either
		s, row := f.states(i), f.in.Rows[i]
		row.LocationCode = &f.locations[f.rows[i].location].Code
		rows = append(rows, heldRow{row, s.measure, s.at, s.sequence, s.reference})
	}
	u.by[k] = rows
}

// tell opens the conflicts. Where the feed is taken they hold its rows, beside what
// they held; else they hold what they held.
func (u *unknown) tell(taken bool) {
	for _, k := range u.list {
		o := unknownConflict(u.f.supplier, k)
		o.join = joinRows(o, u.by[k], taken)
		u.f.conflict(o)
	}
}

// joinRows has a conflict tell of what it holds: where they are taken, rows of a feed
// among it.
func joinRows(o conflictOpening, rows []heldRow, taken bool) func(json.RawMessage) (redline.Attributes, any, error) {
	return func(before json.RawMessage) (redline.Attributes, any, error) {
		held := heldRows{SupplierID: *o.supplierID}
		if before != nil {
			if err := json.Unmarshal(before, &held); err != nil {
				return nil, nil, fmt.Errorf("reading what feeds said: %w", err)
			}
		}
		if taken {
			held.join(rows)
		}
		if len(held.Rows) == 0 {
			return appendRows(o.facts, rows), nil, nil
		}
		return appendRows(o.facts, held.Rows), held, nil
	}
}

// appendRows tells of rows in the facts of a conflict: what was said, by the unit if
// one was named, where, by which feed and as of when.
func appendRows(facts redline.Attributes, rows []heldRow) redline.Attributes {
	unit := slices.ContainsFunc(facts, func(a redline.Attribute) bool { return a.Name == "unit" }) // what it is about
	facts = slices.Clone(facts)
	for _, r := range rows {
		facts = append(facts, redline.Attribute{Name: "quantity", Value: strconv.Itoa(r.Quantity)})
		if r.Unit != nil && !unit {
			facts = append(facts, redline.Attribute{Name: "unit", Value: string(*r.Unit)})
		}
		facts = append(facts, redline.Attribute{Name: "location", Value: *r.LocationCode},
			redline.Attribute{Name: "feed", Value: r.Reference}, redline.Attribute{Name: "asOf", Value: stamp(r.AsOf)})
	}
	return facts
}

// unknownConflict is the conflict about a SKU that isn't mapped, or a unit of one.
func unknownConflict(of feedSupplier, k unknownSKU) conflictOpening {
	o := conflictOpening{
		kind: redline.ConflictUnmappedSKU, cause: causeUnmappedSKU(of.ID, k.sku), supplierID: &of.ID,
		summary: fmt.Sprintf("%s speaks of %.60q, which is not mapped to a product.", of.Code, k.sku),
		facts:   redline.Attributes{{Name: "supplierSku", Value: k.sku}},
	}
	if k.unit != "" {
		o.kind, o.cause = redline.ConflictPackMismatch, causePackMismatch(of.ID, k.sku, k.unit)
		o.summary = fmt.Sprintf("%s counts %.60q by the %s, which is not mapped.", of.Code, k.sku, k.unit)
		o.facts = append(o.facts, redline.Attribute{Name: "unit", Value: string(k.unit)})
	}
	if k.item != "" {
		o.subjectID = &k.item
	}
	return o
}

func causeUnmappedSKU(supplierID, sku string) string { return "UNMAPPED_SKU " + supplierID + " " + sku }

func causePackMismatch(supplierID, sku string, unit redline.UnitOfMeasure) string {
	return "PACK_MISMATCH " + supplierID + " " + sku + " " + string(unit)
}

// applyMapped applies what feeds said of a supplier's SKU, and of its units, that
// are known by an item, and settles what was not known of them; or it says why it
// can't, which leaves that open. Where retold is set rows whose own unit is still
// not known are told of as that, and aren't refused. The supplier's place in its
// feeds is locked.
func (m *mutation) applyMapped(ctx context.Context, i *redline.SupplierItem, base redline.UnitOfMeasure, retold bool) (redline.Errors, error) {
	causes := texts(causeUnmappedSKU(i.SupplierID, i.SupplierSKU))
	for _, unit := range []redline.UnitOfMeasure{i.Unit, base} {
		causes.text(causePackMismatch(i.SupplierID, i.SupplierSKU, unit))
	}
	held := heldRows{SupplierID: i.SupplierID}
	var cause string
	var text []byte
	var open []string
	err := scanRows(ctx, m.tx, "reading what feeds said of a SKU", `/* feeds.unknown_told */ SELECT cause, held FROM conflicts WHERE cause = ANY($1::text[]) AND status = 'OPEN'`,
		[]any{causes}, []any{&cause, &text}, func() error {
			open = append(open, cause)
			if text == nil {
				return nil
			}
			var said heldRows
			if err := json.Unmarshal(text, &said); err != nil {
				return fmt.Errorf("reading what feeds said: %w", err)
			}
			held.join(said.Rows)
			return nil
		})
	if err != nil || len(open) == 0 {
		return nil, err
	}
	refused, err := m.applyHeldRows(ctx, held, retold)
	if len(refused) > 0 || err != nil {
		return refused, err
	}
	for _, cause := range open {
		m.settleConflict(cause, "What was missing was mapped.")
	}
	return nil, nil
}

// applyHeldRows applies what feeds said of a SKU, or a unit of it, that is known
// now, or says why it can't, by the member of the mapping. What is known of a level
// that is newer stands, and so does a newer feed of all there is, which left the SKU
// out.
func (m *mutation) applyHeldRows(ctx context.Context, held heldRows, retold bool) (redline.Errors, error) {
	if len(held.Rows) == 0 {
		return nil, nil
	}
	var by struct {
		feedSupplier
		FullAsOf     *time.Time `db:"full_as_of"`
		FullSequence *int64     `db:"full_sequence"`
	}
	err := m.tx.GetContext(ctx, &by, `/* feeds.unknown_supplier */ SELECT s.id, s.code, s.confirm_within_seconds, h.full_as_of, h.full_sequence
		FROM suppliers s JOIN supplier_feed_heads h ON h.supplier_id = s.id WHERE s.id = $1`, held.SupplierID)
	if err != nil {
		return nil, dbError("reading whose feeds said it", err)
	}
	f := &feed{
		mutation: m, supplier: by.feedSupplier, decided: true,
		in: redline.SupplierFeedInput{Mode: redline.FeedPartial, OnRowError: redline.SkipRow},
	}
	for _, r := range held.Rows {
		if full := by.FullAsOf; full != nil && (r.AsOf.Before(*full) ||
			r.AsOf.Equal(*full) && r.Sequence != nil && by.FullSequence != nil && *r.Sequence < *by.FullSequence) {
			continue
		}
		f.in.Rows = append(f.in.Rows, r.SupplierFeedRow)
		f.each = append(f.each, &statement{r.AsOf, r.Reference, r.Sequence, r.Measure})
	}
	if len(f.in.Rows) == 0 {
		return nil, nil
	}
	if err := f.read(ctx); err != nil {
		return nil, err
	}
	members := map[string][]string{"unit": {"unit"}, "quantity": {"packQuantity"}}
	var refused redline.Errors
	for _, e := range slices.Concat(f.errors...) {
		if e.Code != redline.CodeSequenceStale && (e.Code != redline.CodePackMismatch || !retold) {
			of := *e
			of.Field = members[e.Field[len(e.Field)-1]]
			refused = append(refused, &of)
		}
	}
	if len(refused) > 0 {
		return refused, nil
	}
	return nil, f.apply(ctx)
}
