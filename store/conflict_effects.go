package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"redline"
)

// effect is what resolving a conflict does beside closing it. What it refuses is
// told of the input of conflictResolve.
type effect func(ctx context.Context, m *mutation, c *redline.Conflict, in redline.ConflictResolveInput) error

// effects are those of all kinds.
var effects = map[redline.ConflictKind]effect{
	redline.ConflictOversold: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		if err := m.withdrawNewest(ctx, *c.SubjectID); err != nil {
			return err
		}
		return m.stillOversold(ctx, *c.SubjectID)
	},
	redline.ConflictStaleFeed: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		m.subjects = append(m.subjects, *c.SupplierID)
		return m.confirmLevels(ctx, *c.SupplierID)
	},
	redline.ConflictUnmappedSKU:  mapAndApply,
	redline.ConflictPackMismatch: mapAndApply,
	redline.ConflictSequenceGap: func(context.Context, *mutation, *redline.Conflict, redline.ConflictResolveInput) error {
		return nil // they are given up
	},
	redline.ConflictMassZeroing: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		var held heldFeed
		if err := readHeld(c, &held); err != nil {
			return err
		}
		m.subjects = append(m.subjects, *c.SupplierID)
		return m.applyHeldFeed(ctx, held.FeedID)
	},
	redline.ConflictShipAfterCancel: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		return m.returnShipment(ctx, c.Held)
	},
	redline.ConflictQuantityExceedsOrder: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		return m.shipAsTold(ctx, c.Held)
	},
	redline.ConflictPriceMismatch: func(ctx context.Context, m *mutation, c *redline.Conflict, _ redline.ConflictResolveInput) error {
		var held heldCost
		if err := readHeld(c, &held); err != nil {
			return err
		}
		return m.setItemCost(ctx, *c.SubjectID, held.Cost)
	},
}

// dismiss lets go of what is kept elsewhere for a conflict that is dismissed.
func (m *mutation) dismiss(ctx context.Context, c *redline.Conflict) error {
	if c.Kind != redline.ConflictMassZeroing {
		return nil
	}
	var held heldFeed
	if err := readHeld(c, &held); err != nil {
		return err
	}
	return m.dismissHeldFeed(ctx, held.FeedID)
}

// readHeld reads what a conflict holds.
func readHeld(c *redline.Conflict, held any) error {
	if err := json.Unmarshal(c.Held, held); err != nil {
		return fmt.Errorf("reading what conflict %s holds: %w", c.ID, err)
	}
	return nil
}

// mapAndApply maps what a conflict is about, unless it is mapped by now, and
// applies what was said of it.
func mapAndApply(ctx context.Context, m *mutation, c *redline.Conflict, in redline.ConflictResolveInput) error {
	// The supplier's place in its feeds is locked before its items, as feeds do.
	if _, err := m.lockFeedHead(ctx, *c.SupplierID); err != nil {
		return err
	}
	sku, unit := unknownOf(c)
	if in.Mapping != nil {
		if unit != "" && string(in.Mapping.Unit) != unit {
			return redline.Invalid([]string{"mapping", "unit"}, "what isn't mapped is the %s", unit)
		}
		err := m.mapItem(ctx, *c.SupplierID, sku, *in.Mapping)
		m.subjects = append(m.subjects, *c.SupplierID)
		return refusedAt(err, "mapping")
	}
	m.subjects = append(m.subjects, *c.SupplierID)
	mapped, err := m.isMapped(ctx, *c.SupplierID, sku, unit)
	if err != nil {
		return err
	}
	if !mapped {
		return redline.Invalid([]string{"mapping"}, "say what it stands for")
	}
	if c.Held == nil {
		return nil
	}
	var held heldRows
	if err := readHeld(c, &held); err != nil {
		return err
	}
	refused, err := m.applyHeldRows(ctx, held, false)
	if err == nil && len(refused) > 0 {
		err = refusedAt(refused, "mapping")
	}
	return err
}

// unknownOf is the SKU that a conflict is about, and the unit of it, which is
// empty where the SKU itself isn't known. Its cause says so.
func unknownOf(c *redline.Conflict) (sku, unit string) {
	sku = strings.TrimPrefix(c.Cause, string(c.Kind)+" "+*c.SupplierID+" ")
	if c.Kind == redline.ConflictPackMismatch {
		end := strings.LastIndexByte(sku, ' ') // no unit has a space in it
		sku, unit = sku[:end], sku[end+1:]
	}
	return sku, unit
}

// isMapped reports whether a supplier's SKU is mapped by now, and the unit of it.
func (m *mutation) isMapped(ctx context.Context, supplierID, sku, unit string) (bool, error) {
	var mapped bool
	err := m.tx.GetContext(ctx, &mapped, `/* conflicts.item_mapped */ SELECT EXISTS (SELECT 1 FROM supplier_items i JOIN products p ON p.id = i.product_id
		WHERE (i.supplier_id, i.supplier_sku) = ($1, $2) AND ($3 = '' OR $3 IN (i.unit, p.base_unit)
			OR EXISTS (SELECT 1 FROM supplier_items o WHERE (o.supplier_id, o.product_id, o.unit) = (i.supplier_id, i.product_id, $3))))`,
		supplierID, sku, unit)
	if err != nil {
		return false, dbError("reading whether a SKU is mapped", err)
	}
	return mapped, nil
}

// refusedAt says of refusals where in the input they are.
func refusedAt(err error, path ...string) error {
	refused := refusalsOf(err)
	if refused == nil {
		return err
	}
	out := make(redline.Errors, len(refused))
	for i, e := range refused {
		out[i] = e.At(path...)
	}
	return out
}
