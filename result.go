package redline

import "time"

// Outcome is what every mutation answers beside its object.
type Outcome struct {
	// Replayed is true where the key was used before, and nothing was done now.
	Replayed bool
	// EventID is the newest event that the mutation wrote, 0 where it wrote none.
	EventID int64
	// Order is the order that the mutation has just made, whole and as the
	// principal may see it; nil where it has to be read.
	Order *Order
	// Secret is the secret that the mutation has just given a client, "" of every
	// other one, and where it was replayed: nobody has it any more by then.
	Secret string
}

// InventoryResult is what came of a mutation of stock.
type InventoryResult struct {
	Outcome
	Rows []*InventoryRow
	// ReadError is why the levels are missing, where they could not be read back
	// after the change was committed. The change stands.
	ReadError error
}

// InventoryRow is what came of one row of the input: a level, or errors.
type InventoryRow struct {
	Index int
	Level *InventoryLevel
	// LevelID is the level's id where Level is left for those to read who ask
	// for it: a feed has thousands.
	LevelID string
	Errors  Errors
}

// AuditEntry is one line of the audit: who did or tried what.
type AuditEntry struct {
	ID string
	At time.Time
	// Issuer and Actor, a token's iss and sub, say who together.
	Issuer    string
	Actor     string
	Role      Role
	Action    string
	Subject   *string
	RequestID string `db:"request_id"`
	Outcome   string
}

// IsNode marks an AuditEntry as a Node.
func (*AuditEntry) IsNode() {}
