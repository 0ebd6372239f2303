package redline

import (
	"fmt"
	"time"
)

// FeedMode says what a feed means for what it omits.
type FeedMode string

// The modes of a feed. FULL: what it omits, the supplier no longer has.
const (
	FeedPartial FeedMode = "PARTIAL"
	FeedFull    FeedMode = "FULL"
)

// FeedMeasure says what a feed's quantities are.
type FeedMeasure string

// The measures. AVAILABLE is what is free for us to sell: our own claims on it
// are added.
const (
	FeedOnHand    FeedMeasure = "ON_HAND"
	FeedAvailable FeedMeasure = "AVAILABLE"
)

// SupplierFeedInput is a supplier's own statement of its stock.
type SupplierFeedInput struct {
	IdempotencyKey string            `json:"-"`
	SupplierID     *string           `json:"supplierId,omitempty"`
	Mode           FeedMode          `json:"mode"`
	Measure        FeedMeasure       `json:"measure"`
	Sequence       *int64            `json:"sequence,omitempty"`
	AsOf           time.Time         `json:"asOf"`
	OnRowError     OnRowError        `json:"onRowError"`
	DryRun         bool              `json:"dryRun,omitempty"`
	Rows           []SupplierFeedRow `json:"rows"`
}

// Reference is what a feed is called in the ledger, in conflicts and in messages:
// by its sequence, or where it has none by the beginning of its key.
func (in *SupplierFeedInput) Reference() string {
	if in.Sequence != nil {
		return fmt.Sprintf("feed %d", *in.Sequence)
	}
	return fmt.Sprintf("feed %.40s", in.IdempotencyKey)
}

// SupplierFeedRow is what a feed says of one SKU. Quantity is in Unit; left
// out, that is the item's own. Cost is for one of the item's own unit.
type SupplierFeedRow struct {
	SupplierSKU  string         `json:"supplierSku"`
	LocationCode *string        `json:"locationCode,omitempty"`
	Unit         *UnitOfMeasure `json:"unit,omitempty"`
	Quantity     int            `json:"quantity"`
	Cost         *Decimal       `json:"cost,omitempty"`
}

// FeedResult is what came of a feed.
type FeedResult struct {
	InventoryResult
	Applied   int
	Unchanged int
	Rejected  int
	// Emptied are those of Applied that no row states: a full feed left them out.
	Emptied int
	// Held says that it waits for a person, and nothing of it was applied.
	Held bool
	// Conflicts are those that the feed opened, or that tell of it again.
	Conflicts []*Conflict
}

// SupplierFeedStatus says what became of a feed.
type SupplierFeedStatus string

// The statuses of a feed. One that is held waits for a person, and one that was dismissed
// did and was let go of: nothing of either was applied.
const (
	SupplierFeedApplied   SupplierFeedStatus = "APPLIED"
	SupplierFeedHeld      SupplierFeedStatus = "HELD"
	SupplierFeedDismissed SupplierFeedStatus = "DISMISSED"
)

// SupplierFeed is what came of one feed that was applied, or kept for a person.
type SupplierFeed struct {
	ID         string
	SupplierID string `db:"supplier_id"`
	Sequence   *int64
	Mode       FeedMode
	Measure    FeedMeasure
	AsOf       time.Time `db:"as_of"`
	ReceivedAt time.Time `db:"received_at"`
	// Actor is the subject of whoever sent it. A supplier is told of one that was none
	// only the role.
	Actor  string
	Status SupplierFeedStatus
	// RowCount is how many rows it had. What came of them is as in FeedResult.
	RowCount  int `db:"row_count"`
	Applied   int
	Unchanged int
	Rejected  int
	Emptied   int
}
