package model

import "redline"

// InventoryPayload answers the mutations of stock.
type InventoryPayload struct {
	Rows       []*InventoryRow
	UserErrors []UserError
	Replayed   bool
	Cursor     *string
}

// InventoryRow is what came of one row of the input.
type InventoryRow struct {
	Index      int
	Level      *redline.InventoryLevel
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
}

// Changed is the object that the mutation changed.
func (p *Payload[T]) Changed() (*T, error) { return p.Now, p.Err }

type (
	// OrderPayload answers the mutations of orders.
	OrderPayload = Payload[redline.Order]
	// FulfillmentOrderPayload answers the mutations of fulfilment orders.
	FulfillmentOrderPayload = Payload[redline.FulfillmentOrder]
)
