package store

import (
	"context"
	"fmt"
	"strconv"

	"redline"
)

// causeOversold is the cause of the conflict of a level of which more is
// promised than is there.
func causeOversold(levelID string) string { return "OVERSOLD " + levelID }

// watchOversold opens the conflict of a level that a change has just left with
// more promised than is there, or with more of it than before; keeps what an open
// one tells true; and settles it where the change ended it. A level that was not
// and is not oversold costs nothing.
func (m *mutation) watchOversold(l *lockedLevel, before int, c stockChange) {
	after := l.Oversold()
	switch {
	case before == 0 && after == 0:
	case after == 0:
		m.settleConflict(causeOversold(l.ID), "What is promised is there again.")
	case after > before:
		m.conflict(m.oversold(l, c.reason))
	default:
		m.retell(m.oversold(l, c.reason))
	}
}

// oversold is what there is to tell of a level that is oversold since a change
// for some reason.
func (m *mutation) oversold(l *lockedLevel, reason redline.MovementReason) conflictOpening {
	facts := redline.Attributes{
		{Name: "sku", Value: l.SKU},
		{Name: "location", Value: l.at.Code},
		{Name: "onHand", Value: strconv.Itoa(l.OnHand)},
		{Name: "reserved", Value: strconv.Itoa(l.Reserved)},
		{Name: "committed", Value: strconv.Itoa(l.Committed)},
		{Name: "unavailable", Value: strconv.Itoa(l.Unavailable)},
		{Name: "reason", Value: string(reason)},
	}
	if m.by.Role == redline.RoleSupplier { // who else changed it is not the supplier's to know
		facts = append(facts, redline.Attribute{Name: "toldBy", Value: m.by.Subject})
	}
	id := l.ID
	return conflictOpening{
		kind: redline.ConflictOversold, cause: causeOversold(id), supplierID: l.at.SupplierID, subjectID: &id, facts: facts,
		summary: fmt.Sprintf("%d of %s are promised at %s, and %d are there.",
			l.Reserved+l.Committed, l.SKU, l.at.Code, max(l.OnHand-l.Unavailable, 0)),
	}
}

// stillOversold opens another conflict of a level whose conflict is resolved, where
// what could be withdrawn was not enough: what is reserved can't go elsewhere. It
// ends with the reservations.
func (m *mutation) stillOversold(ctx context.Context, levelID string) error {
	var left *lockedLevel
	for _, l := range m.stock.levels {
		if l.ID == levelID {
			left = l
		}
	}
	if left == nil { // nothing of it was withdrawn
		levels, err := m.lockLevels(ctx, nil, "l.id = $1", levelID)
		if err != nil {
			return err
		}
		for _, l := range levels {
			left = l
		}
	}
	if left.Oversold() > 0 {
		m.byRule("conflictOpen").conflict(m.oversold(left, redline.ReasonReserved))
	}
	return nil
}
