package model

import (
	"context"
	"time"

	"redline"
)

// Beside is what came of reading what was asked for beside an event. The event
// itself is told in any case.
type Beside struct {
	// Err is why it couldn't be read.
	Err error
	// Shown is called before anything that was read is shown, with the context
	// of the answer that shows it.
	Shown func(context.Context)
}

// show returns a thing that was read, or why it wasn't.
func show[T any](ctx context.Context, b Beside, v *T) (*T, error) {
	if b.Err != nil {
		return nil, b.Err
	}
	if b.Shown != nil {
		b.Shown(ctx)
	}
	return v, nil
}

// Event is what is told of one event, as one type of the contract.
type Event interface{ IsEvent() }

// EventPage is a part of the event log as a caller may see it.
type EventPage struct {
	Nodes   []Event
	Cursor  string
	HasMore bool
}

// AvailabilityEvent tells a storefront of one location's stock of a product.
type AvailabilityEvent struct {
	Cursor    string
	Kind      EventKind
	At        time.Time
	Available *int
	Stale     *bool

	// Of has the product and the location, as far as they were asked for; nil where
	// there is no subject, as with CAUGHT_UP, here and below.
	Of *redline.InventoryLevel
	Beside
}

// IsEvent marks an AvailabilityEvent as an Event.
func (*AvailabilityEvent) IsEvent() {}

// Product is what the stock is of.
func (e *AvailabilityEvent) Product(ctx context.Context) (*redline.Product, error) {
	if e.Of == nil {
		return nil, nil
	}
	return show(ctx, e.Beside, e.Of.Product)
}

// Location is where the stock lies.
func (e *AvailabilityEvent) Location(ctx context.Context) (*redline.Location, error) {
	if e.Of == nil {
		return nil, nil
	}
	return show(ctx, e.Beside, e.Of.Location)
}

// InventoryEvent tells of one new version of a level.
type InventoryEvent struct {
	Cursor  string
	Kind    EventKind
	At      time.Time
	Reason  *redline.MovementReason
	Changes []redline.QuantityChange

	// Of is the level right after the change.
	Of *redline.InventoryLevel
	Beside
}

// IsEvent marks an InventoryEvent as an Event.
func (*InventoryEvent) IsEvent() {}

// Level is the level right after the change.
func (e *InventoryEvent) Level(ctx context.Context) (*redline.InventoryLevel, error) {
	return show(ctx, e.Beside, e.Of)
}

// OrderEvent tells of one new version of an order.
type OrderEvent struct {
	Cursor string
	Kind   EventKind
	At     time.Time
	From   *redline.OrderStatus
	To     *redline.OrderStatus

	// Of is the order right after the change, as its reader may see it, and
	// Part the one part that changed, nil where several did or it isn't the
	// reader's.
	Of   *redline.Order
	Part *redline.FulfillmentOrder
	Beside
}

// IsEvent marks an OrderEvent as an Event.
func (*OrderEvent) IsEvent() {}

// Order is the order right after the change.
func (e *OrderEvent) Order(ctx context.Context) (*redline.Order, error) {
	return show(ctx, e.Beside, e.Of)
}

// FulfillmentOrder is the part that changed, where exactly one did.
func (e *OrderEvent) FulfillmentOrder(ctx context.Context) (*redline.FulfillmentOrder, error) {
	return show(ctx, e.Beside, e.Part)
}

// ConflictEvent tells of one new version of a conflict.
type ConflictEvent struct {
	Cursor string
	Kind   EventKind
	At     time.Time

	// Of is the conflict right after the change, as its reader may see it.
	Of *redline.Conflict
	Beside
}

// IsEvent marks a ConflictEvent as an Event.
func (*ConflictEvent) IsEvent() {}

// Conflict is the conflict right after the change.
func (e *ConflictEvent) Conflict(ctx context.Context) (*redline.Conflict, error) {
	return show(ctx, e.Beside, e.Of)
}
