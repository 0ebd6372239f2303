package model

import (
	"time"

	"redline"
)

// AvailabilityEvent tells a storefront of one location's stock of a product.
type AvailabilityEvent struct {
	Cursor    string
	Kind      EventKind
	At        time.Time
	Available *int
	Stale     *bool

	// Of has the product and the location, as far as they were asked for. Err
	// is why they couldn't be read: the event itself is told in any case.
	Of  *redline.InventoryLevel
	Err error
}

// Product is what the stock is of.
func (e *AvailabilityEvent) Product() (*redline.Product, error) { return e.Of.Product, e.Err }

// Location is where the stock lies.
func (e *AvailabilityEvent) Location() (*redline.Location, error) { return e.Of.Location, e.Err }

// InventoryEvent tells of one new version of a level.
type InventoryEvent struct {
	Cursor  string
	Kind    EventKind
	At      time.Time
	Reason  *redline.MovementReason
	Changes []redline.QuantityChange

	// Of is the level right after the change; Err is why what belongs to it
	// couldn't be read.
	Of  *redline.InventoryLevel
	Err error
}

// Level is the level right after the change.
func (e *InventoryEvent) Level() (*redline.InventoryLevel, error) {
	if e.Err != nil {
		return nil, e.Err
	}
	return e.Of, nil
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
	// reader's. Err is why what belongs to them couldn't be read.
	Of   *redline.Order
	Part *redline.FulfillmentOrder
	Err  error
}

// Order is the order right after the change.
func (e *OrderEvent) Order() (*redline.Order, error) {
	if e.Err != nil {
		return nil, e.Err
	}
	return e.Of, nil
}

// FulfillmentOrder is the part that changed, where exactly one did.
func (e *OrderEvent) FulfillmentOrder() (*redline.FulfillmentOrder, error) {
	if e.Err != nil {
		return nil, e.Err
	}
	return e.Part, nil
}
