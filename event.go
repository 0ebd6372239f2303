package redline

import (
	"slices"
	"time"
)

// Event is one entry of the event log: what one committed change did to one
// level, order or conflict, with the state right after it; or word of a change
// of what gateways keep in memory. Exactly one of Level, Order, Conflict and Kept is
// set, but in an event that can't be read, which has none. For one level, one order and one
// conflict ID order is commit order.
type Event struct {
	ID int64
	At time.Time
	// Xid is the transaction that it was committed in.
	Xid uint64
	// Trace is the traceparent of the request that wrote it, as W3C Trace Context has
	// it; "" where its trace isn't recorded, as of most.
	Trace string
	Level *LevelEvent
	Order *OrderEvent
	// Conflict tells of a conflict that was opened, told of again or closed.
	Conflict *ConflictEvent
	// Kept is the type of an event that says no more than that something was changed
	// which gateways keep in memory: EventPlaces or EventClients.
	Kept string
}

// The types of events, as the log's column holds them.
const (
	EventLevel = "level.changed"
	EventOrder = "order.changed"
	// EventConflict is written where a conflict was opened, told of again or closed.
	EventConflict = "conflict.changed"
	// EventPlaces is written by the database itself where suppliers or locations
	// changed, whoever changed them. It tells the gateways that what they keep of
	// them in memory is old, and is nobody else's.
	EventPlaces = "places.changed"
	// EventClients is written by the database itself where an OAuth client was
	// changed or revoked: what EventPlaces is to places it is to who is revoked.
	EventClients = "clients.changed"
)

// Type is the event's type, "" where it can't be read.
func (e *Event) Type() string {
	switch {
	case e.Level != nil:
		return EventLevel
	case e.Order != nil:
		return EventOrder
	case e.Conflict != nil:
		return EventConflict
	default:
		return e.Kept
	}
}

// Subject is the id of the level, order or conflict that it tells of, "" where
// there is none.
func (e *Event) Subject() string {
	switch {
	case e.Level != nil:
		return e.Level.Level.ID
	case e.Order != nil:
		return e.Order.Order.ID
	case e.Conflict != nil:
		return e.Conflict.Conflict.ID
	default:
		return ""
	}
}

// EventBatch is what one look at the event log found behind a position.
type EventBatch struct {
	// Events are those of the types that were asked for, by ID.
	Events []*Event
	// Newest is the ID of the newest event within the batch's reach, of whatever
	// type, and 0 where there is none.
	Newest int64
	// UpTo is the batch's reach: the position that the next look goes on from.
	UpTo int64
	// More says that the batch was full, and that the log is settled further.
	More bool
	// Issued is the last id that the log had given out when it was looked at.
	Issued int64
	// Epoch tells the log that was read from every other, as the same snapshot has it;
	// 0 where nothing was read.
	Epoch uint32
}

// LevelEvent tells of one new version of a level. Beside the level stands what
// filters and rights look at, so that delivering it needs no query.
type LevelEvent struct {
	Level        InventoryLevel `json:"level"`
	SKU          string         `json:"sku"`
	Category     string         `json:"category"`
	LocationCode string         `json:"locationCode"`
	// Supplier is the id of the location's supplier and SupplierCode its code;
	// both are nil for our own.
	SupplierID   *string `json:"supplierId,omitempty"`
	SupplierCode *string `json:"supplierCode,omitempty"`
	// Active is whether the product is on sale.
	Active  bool             `json:"active"`
	Before  LevelBefore      `json:"before"`
	Reason  MovementReason   `json:"reason"`
	Changes []QuantityChange `json:"changes"`
}

// LevelBefore is what filters look at of the level before the change.
type LevelBefore struct {
	Available int  `json:"available"`
	Low       bool `json:"low"`
	Stale     bool `json:"stale"`
}

// ChangesAvailability reports whether a storefront would notice the change.
func (e *LevelEvent) ChangesAvailability() bool {
	return e.Active && (e.Level.Available != e.Before.Available || e.Level.Stale != e.Before.Stale)
}

// VisibleTo reports whether a principal may see the level. The repositories
// say the same in SQL.
func (e *LevelEvent) VisibleTo(p Principal) bool {
	return p.Everywhere() || e.SupplierCode != nil && p.SpeaksFor(*e.SupplierCode)
}

// OrderEvent tells of one new version of an order, with its lines and parts.
type OrderEvent struct {
	Order Order `json:"order"`
	// From is the status before, nil where the order was just placed.
	From *OrderStatus `json:"from,omitempty"`
	To   OrderStatus  `json:"to"`
	// FulfillmentOrderID is the part that changed, where exactly one did.
	FulfillmentOrderID *string `json:"fulfillmentOrderId,omitempty"`
	// Suppliers are the codes of the suppliers whom it concerns.
	Suppliers []string `json:"suppliers"`
}

// VisibleTo reports whether a principal is told of the change: whoever may see
// the order, but a supplier only of what concerns it.
func (e *OrderEvent) VisibleTo(p Principal) bool {
	if p.Role == RoleSupplier && !slices.ContainsFunc(e.Suppliers, p.SpeaksFor) {
		return false
	}
	return e.Order.VisibleTo(p)
}
