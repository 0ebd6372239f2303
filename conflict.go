package redline

import (
	"encoding/json"
	"time"
)

// ConflictKind says what two sides disagree on.
type ConflictKind string

// The kinds of conflict. The contract says what opens each, and what resolving
// it does.
const (
	ConflictOversold             ConflictKind = "OVERSOLD"
	ConflictStaleFeed            ConflictKind = "STALE_FEED"
	ConflictUnmappedSKU          ConflictKind = "UNMAPPED_SKU"
	ConflictPackMismatch         ConflictKind = "PACK_MISMATCH"
	ConflictSequenceGap          ConflictKind = "SEQUENCE_GAP"
	ConflictMassZeroing          ConflictKind = "MASS_ZEROING"
	ConflictShipAfterCancel      ConflictKind = "SHIP_AFTER_CANCEL"
	ConflictQuantityExceedsOrder ConflictKind = "QUANTITY_EXCEEDS_ORDER"
	ConflictPriceMismatch        ConflictKind = "PRICE_MISMATCH"
)

// ConflictKinds are all of them.
var ConflictKinds = []ConflictKind{
	ConflictOversold, ConflictStaleFeed, ConflictUnmappedSKU, ConflictPackMismatch, ConflictSequenceGap, ConflictMassZeroing,
	ConflictShipAfterCancel, ConflictQuantityExceedsOrder, ConflictPriceMismatch,
}

// ConflictStatus is where a conflict stands. It is OPEN until it becomes one
// of the others, once.
type ConflictStatus string

// The statuses of a conflict.
const (
	ConflictOpen      ConflictStatus = "OPEN"
	ConflictResolved  ConflictStatus = "RESOLVED"
	ConflictDismissed ConflictStatus = "DISMISSED"
)

// Conflict is something that two sides disagree on and no rule could settle.
// Its JSON is what the event log tells of it.
type Conflict struct {
	ID         string         `json:"id"`
	Kind       ConflictKind   `json:"kind"`
	Status     ConflictStatus `json:"status"`
	Cause      string         `json:"cause"`
	SupplierID *string        `json:"supplierId,omitempty" db:"supplier_id"`
	SubjectID  *string        `json:"subjectId,omitempty" db:"subject_id"`
	Summary    string         `json:"summary"`
	Facts      Attributes     `json:"facts"`
	Resolution *string        `json:"resolution,omitempty"`
	Version    int            `json:"version"`
	OpenedAt   time.Time      `json:"openedAt" db:"opened_at"`
	UpdatedAt  time.Time      `json:"updatedAt" db:"updated_at"`
	ResolvedAt *time.Time     `json:"resolvedAt,omitempty" db:"resolved_at"`
	// Held is what resolving it needs. It is nobody's to see.
	Held json.RawMessage `json:"-" db:"-"`

	Supplier *Supplier `json:"-" db:"-"`
	// Subject is what SubjectID names, for those who may see that.
	Subject Node `json:"-" db:"-"`
}

// IsNode marks a Conflict as a Node.
func (*Conflict) IsNode() {}

// ConflictEvent tells of one new version of a conflict.
type ConflictEvent struct {
	Conflict Conflict `json:"conflict"`
	// SupplierCode is the code of the supplier that it is about, nil where it is
	// about none.
	SupplierCode *string `json:"supplierCode,omitempty"`
}

// VisibleTo reports whether a principal may see the conflict. The repositories
// say the same in SQL.
func (e *ConflictEvent) VisibleTo(p Principal) bool {
	return p.Everywhere() || e.SupplierCode != nil && p.SpeaksFor(*e.SupplierCode)
}

// For returns the conflict as a principal who may see it may see it: what
// things cost is only for holders of catalog:cost.
func (c *Conflict) For(p Principal) *Conflict {
	if c.Kind != ConflictPriceMismatch || p.Has(ScopeCatalogCost) {
		return c
	}
	masked := *c
	masked.Facts = Attributes{}
	return &masked
}

// ConflictFilter narrows a list of conflicts; nil members don't.
type ConflictFilter struct {
	Status *ConflictStatus
	Kind   *ConflictKind
}
