package model

import "redline"

// InventoryPayload answers the mutations of stock.
type InventoryPayload struct {
	Rows       []*InventoryRow
	UserErrors []UserError
	Replayed   bool
	Cursor     *string
}

// SupplierFeedPayload answers a supplier's feed.
type SupplierFeedPayload struct {
	Applied    int
	Unchanged  int
	Rejected   int
	Emptied    int
	Held       bool
	Conflicts  []*redline.Conflict
	Rows       []*InventoryRow
	UserErrors []UserError
	Replayed   bool
	Cursor     *string
}

// InventoryRow is what came of one row of the input.
type InventoryRow struct {
	Index int
	Level *redline.InventoryLevel
	// LevelID is the id of a level that is read where it is asked for.
	LevelID    string
	UserErrors []UserError
}

// Payload answers a mutation of one object.
type Payload[T any] struct {
	// Now is the object as it is after the mutation, and Err why it couldn't
	// be read. The mutation stands either way.
	Now        *T
	Err        error
	UserErrors []UserError
	Replayed   bool
	Cursor     *string
	// Secret is that of an OAuth client, where the mutation has just made one.
	Secret *string
}

// Changed is the object that the mutation changed.
func (p *Payload[T]) Changed() (*T, error) { return p.Now, p.Err }

type (
	// OrderPayload answers the mutations of orders.
	OrderPayload = Payload[redline.Order]
	// FulfillmentOrderPayload answers the mutations of fulfilment orders.
	FulfillmentOrderPayload = Payload[redline.FulfillmentOrder]
	// ReservationPayload answers the mutations of reservations.
	ReservationPayload = Payload[redline.Reservation]
	// ReturnPayload answers the mutations of returns.
	ReturnPayload = Payload[redline.Return]
	// SupplierItemPayload answers the mutation of a supplier's item.
	SupplierItemPayload = Payload[redline.SupplierItem]
	// SupplierPayload answers the mutation of a supplier's terms.
	SupplierPayload = Payload[redline.Supplier]
	// ConflictPayload answers the mutation of a conflict.
	ConflictPayload = Payload[redline.Conflict]
	// ClientPayload answers the mutations of OAuth clients.
	ClientPayload = Payload[redline.Client]
)
