package graph

import (
	"context"

	"redline"
)

// Store is what the resolvers ask of the repositories. A method that takes a
// principal sees only that principal's rows: maps hold what is visible and
// leave out the rest, and slices keep the order of what they were asked for.
// Refusals are redline.Error or redline.Errors.
type Store interface {
	CatalogStore
	InventoryStore
	OrderStore
	FulfillmentStore
	ReservationStore
	ReturnStore
	ConflictStore
	ClientStore
	AuditStore
	StateStore
	EventStore
	PulseStore
}

// CatalogStore reads products, suppliers and locations.
type CatalogStore interface {
	// Products and ProductBy come with the relations that are needed. ProductBy
	// returns nil where there is no such product.
	Products(ctx context.Context, p redline.Principal, f redline.ProductFilter, o redline.ProductOrder, page redline.PageRequest, need redline.ProductParts) (*redline.Page[*redline.Product], error)
	ProductBy(ctx context.Context, p redline.Principal, by redline.ProductBy, need redline.ProductParts) (*redline.Product, error)
	ProductsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Product, error)
	// ProductsOf is for products reached through something that the caller
	// sees already: withdrawn ones are among them.
	ProductsOf(ctx context.Context, ids []string) (map[string]*redline.Product, error)

	Suppliers(ctx context.Context, page redline.PageRequest) (*redline.Page[*redline.Supplier], error)
	SuppliersByID(ctx context.Context, ids []string) (map[string]*redline.Supplier, error)
	SuppliersByCode(ctx context.Context, codes []string) ([]*redline.Supplier, error)
	// Standings says how suppliers stand with us, of those that the principal
	// speaks for. Suppliers come without it, here and below.
	Standings(ctx context.Context, p redline.Principal, supplierIDs []string) (map[string]*redline.SupplierStanding, error)
	// SupplierTermsSet returns the supplier's id.
	SupplierTermsSet(ctx context.Context, p redline.Principal, in redline.SupplierTermsSetInput) (string, redline.Outcome, error)

	// SupplierItemsOfSuppliers returns the same page of each supplier's items.
	// Items come with their supplier, here and below.
	SupplierItemsOfSuppliers(ctx context.Context, p redline.Principal, supplierIDs []string, page redline.PageRequest) (map[string]*redline.Page[*redline.SupplierItem], error)
	SupplierItemsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.SupplierItem, error)
	SupplierItemsOfProducts(ctx context.Context, p redline.Principal, productIDs []string) (map[string][]*redline.SupplierItem, error)

	// FeedsOfSuppliers returns the same page of what came of each supplier's feeds,
	// the newest first.
	FeedsOfSuppliers(ctx context.Context, p redline.Principal, supplierIDs []string, page redline.PageRequest) (map[string]*redline.Page[*redline.SupplierFeed], error)

	// ItemVersions returns the versions of items, newest first, with their products.
	ItemVersions(ctx context.Context, p redline.Principal, itemIDs []string) (map[string][]*redline.SupplierItemVersion, error)
	// SupplierItemUpsert returns the item's id.
	SupplierItemUpsert(ctx context.Context, p redline.Principal, in redline.SupplierItemUpsertInput) (string, redline.Outcome, error)

	// Locations come with their suppliers.
	Locations(ctx context.Context) ([]*redline.Location, error)
	LocationsByID(ctx context.Context, ids []string) (map[string]*redline.Location, error)
}

// InventoryStore reads and changes levels. Levels and movements come with
// their location, and that with its supplier; without their product.
type InventoryStore interface {
	// Availability comes with its locations, by product.
	Availability(ctx context.Context, productIDs []string) (map[string][]*redline.LocationAvailability, error)
	// Promises answers each line, with product and locations.
	Promises(ctx context.Context, p redline.Principal, lines []redline.AvailabilityLine, includeStale bool) ([]*redline.Availability, error)

	Levels(ctx context.Context, p redline.Principal, f redline.InventoryFilter, page redline.PageRequest) (*redline.Page[*redline.InventoryLevel], error)
	LevelsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error)
	LevelsOfProducts(ctx context.Context, p redline.Principal, productIDs []string) (map[string][]*redline.InventoryLevel, error)
	Movements(ctx context.Context, p redline.Principal, f redline.MovementFilter, page redline.PageRequest) (*redline.Page[*redline.InventoryMovement], error)
	MovementsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.InventoryMovement, error)

	InventoryAdjust(ctx context.Context, p redline.Principal, in redline.InventoryAdjustInput) (*redline.InventoryResult, error)
	InventorySet(ctx context.Context, p redline.Principal, in redline.InventorySetInput) (*redline.InventoryResult, error)
	InventoryTransfer(ctx context.Context, p redline.Principal, in redline.InventoryTransferInput) (*redline.InventoryResult, error)
	// SupplierFeedSubmit's rows name their levels by id.
	SupplierFeedSubmit(ctx context.Context, p redline.Principal, in redline.SupplierFeedInput) (*redline.FeedResult, error)
}

// OrderStore reads and changes orders. Its mutations return the order's id, and
// in the outcome the order itself where they know it as the principal may see it.
type OrderStore interface {
	// Orders and OrderBy come with the relations that are needed, as LoadOrders
	// fills them. OrderBy returns nil where there is no such order.
	Orders(ctx context.Context, p redline.Principal, f redline.OrderFilter, s redline.OrderSort, page redline.PageRequest, need redline.OrderParts) (*redline.Page[*redline.Order], error)
	OrderBy(ctx context.Context, p redline.Principal, by redline.OrderBy, need redline.OrderParts) (*redline.Order, error)
	OrdersByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Order, error)
	// OrderLinesByID returns lines with their products.
	OrderLinesByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.OrderLine, error)
	// LoadOrders fills relations in place, as the principal may see them: lines
	// with products; parts with all that belongs to them, and the next statuses
	// of orders and parts; history up to the order's version.
	LoadOrders(ctx context.Context, p redline.Principal, orders []*redline.Order, need redline.OrderParts) error

	OrderPlace(ctx context.Context, p redline.Principal, in redline.OrderPlaceInput) (string, redline.Outcome, error)
	OrderCancel(ctx context.Context, p redline.Principal, in redline.OrderCancelInput) (string, redline.Outcome, error)
	OrderHold(ctx context.Context, p redline.Principal, in redline.OrderHoldInput) (string, redline.Outcome, error)
	OrderReleaseHold(ctx context.Context, p redline.Principal, in redline.OrderReleaseHoldInput) (string, redline.Outcome, error)
	OrderSetStatus(ctx context.Context, p redline.Principal, in redline.OrderStatusInput) (string, redline.Outcome, error)
}

// FulfillmentStore reads and changes fulfilment orders, which come complete:
// with their order, its lines and its parts. Its mutations return the
// fulfilment order's id.
type FulfillmentStore interface {
	FulfillmentOrders(ctx context.Context, p redline.Principal, f redline.FulfillmentOrderFilter, page redline.PageRequest) (*redline.Page[*redline.FulfillmentOrder], error)
	FulfillmentOrdersByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.FulfillmentOrder, error)
	FulfillmentsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Fulfillment, error)

	FulfillmentOrderAccept(ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput) (string, redline.Outcome, error)
	FulfillmentOrderReject(ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput) (string, redline.Outcome, error)
	FulfillmentCreate(ctx context.Context, p redline.Principal, in redline.FulfillmentCreateInput) (string, redline.Outcome, error)
	FulfillmentMarkShipped(ctx context.Context, p redline.Principal, in redline.FulfillmentShippedInput) (string, redline.Outcome, error)
	FulfillmentMarkDelivered(ctx context.Context, p redline.Principal, in redline.FulfillmentDeliveredInput) (string, redline.Outcome, error)
	FulfillmentMarkFailed(ctx context.Context, p redline.Principal, in redline.FulfillmentEndInput) (string, redline.Outcome, error)
	FulfillmentCancel(ctx context.Context, p redline.Principal, in redline.FulfillmentEndInput) (string, redline.Outcome, error)
	FulfillmentOrderAcceptCancellation(ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput) (string, redline.Outcome, error)
	FulfillmentOrderRejectCancellation(ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput) (string, redline.Outcome, error)
}

// ReservationStore reads and changes reservations, which come with their lines,
// and those with product and location. Its mutations return the reservation's id.
type ReservationStore interface {
	ReservationsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Reservation, error)
	ReservationCreate(ctx context.Context, p redline.Principal, in redline.ReservationCreateInput) (string, redline.Outcome, error)
	ReservationExtend(ctx context.Context, p redline.Principal, in redline.ReservationExtendInput) (string, redline.Outcome, error)
	ReservationRelease(ctx context.Context, p redline.Principal, in redline.ReservationReleaseInput) (string, redline.Outcome, error)
}

// ReturnStore reads and changes returns, which come complete: with their order,
// its lines and its parts. Its mutations return the return's id.
type ReturnStore interface {
	ReturnsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Return, error)
	ReturnCreate(ctx context.Context, p redline.Principal, in redline.ReturnCreateInput) (string, redline.Outcome, error)
	ReturnReceive(ctx context.Context, p redline.Principal, in redline.ReturnReceiveInput) (string, redline.Outcome, error)
	ReturnCancel(ctx context.Context, p redline.Principal, in redline.ReturnCancelInput) (string, redline.Outcome, error)
}

// ConflictStore reads and settles conflicts, which come with their supplier.
// Its mutation returns the conflict's id.
type ConflictStore interface {
	Conflicts(ctx context.Context, p redline.Principal, f redline.ConflictFilter, page redline.PageRequest) (*redline.Page[*redline.Conflict], error)
	ConflictsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Conflict, error)
	ConflictResolve(ctx context.Context, p redline.Principal, in redline.ConflictResolveInput) (string, redline.Outcome, error)
}

// PulseStore tells how busy the shop is.
type PulseStore interface {
	// Pulse comes without a Load; nil for a principal that doesn't see everybody's
	// orders and stock.
	Pulse(ctx context.Context, p redline.Principal, minutes int) (*redline.Pulse, error)
}

// ClientStore reads and changes OAuth clients, which come with their suppliers. Its
// mutations return the client's id, and a new secret in the outcome.
type ClientStore interface {
	Clients(ctx context.Context, p redline.Principal, f redline.ClientFilter, page redline.PageRequest) (*redline.Page[*redline.Client], error)
	ClientsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Client, error)
	ClientCreate(ctx context.Context, p redline.Principal, in redline.ClientCreateInput) (string, redline.Outcome, error)
	ClientRotateSecret(ctx context.Context, p redline.Principal, in redline.ClientRotateSecretInput) (string, redline.Outcome, error)
	ClientRevoke(ctx context.Context, p redline.Principal, in redline.ClientRevokeInput) (string, redline.Outcome, error)
}

// StateStore reads what live queries are about, as it is now, each in one snapshot
// of the database.
type StateStore interface {
	LevelsState(ctx context.Context, p redline.Principal, f redline.InventoryFilter) (*redline.State, error)
	// AvailabilityState has the levels of what is on sale, whoever asks.
	AvailabilityState(ctx context.Context, f redline.InventoryFilter) (*redline.State, error)
	// OrdersState narrows to orders with these ids, unless they are nil. Orders come
	// whole, as events carry them.
	OrdersState(ctx context.Context, p redline.Principal, f redline.OrderFilter, orderIDs []string) (*redline.State, error)
	// ConflictsState has those that are open.
	ConflictsState(ctx context.Context, p redline.Principal) (*redline.State, error)
}

// EventStore reads what is settled of the event log.
type EventStore interface {
	// EventsBetween returns the events of these types behind after and up to upTo,
	// by id: at most limit, and the position up to which that is all. Where the log
	// no longer reaches back to after it is CURSOR_EXPIRED, and never a part of them.
	EventsBetween(ctx context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error)
	// LogFloor is the position behind which the log is whole: 0 as long as nothing
	// was dropped.
	LogFloor(ctx context.Context) (int64, error)
	// LastIssued is the newest id that the log has given out, 0 before the first.
	LastIssued(ctx context.Context) (int64, error)
}

// AuditStore reads the audit, and is told of what no repository would see.
type AuditStore interface {
	// RefusedAtDoor notes that a principal was refused a mutation before it
	// reached a repository.
	RefusedAtDoor(ctx context.Context, p redline.Principal, action string, code redline.ErrorCode)
	AuditEntries(ctx context.Context, p redline.Principal, f redline.AuditFilter, page redline.PageRequest) (*redline.Page[*redline.AuditEntry], error)
	AuditEntriesByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.AuditEntry, error)
}

// Live is what the resolvers ask of the event log's broker.
type Live interface {
	// Follow takes on what the resolver of a live operation, whose context it is,
	// wants to be told of. From then on the query's Tell is called, and what it
	// makes ready is taken from the resolver's channel.
	Follow(ctx context.Context, q *redline.LiveQuery) error
	// Head is the newest settled event, 0 before the first.
	Head() int64
	// Cursor writes an event's position for callers.
	Cursor(eventID int64) string
}
