package redline

import "time"

// The inputs of queries and mutations, as the contract names them. Their
// canonical JSON, without the idempotency key, is what a key is bound to.

// ProductBy picks one product; exactly one member is set.
type ProductBy struct {
	ID          *string
	SKU         *string
	GTIN        *string
	SupplierSKU *SupplierSKUInput
}

// SupplierSKUInput names a product as one supplier does.
type SupplierSKUInput struct {
	SupplierID string
	SKU        string
}

// OrderBy picks one order; exactly one member is set. ExternalReference is
// looked up among the caller's own.
type OrderBy struct {
	ID                *string
	Number            *string
	ExternalReference *string
}

// ProductFilter narrows a list of products; nil members don't.
type ProductFilter struct {
	Search     *string
	Category   []string
	Brand      []string
	SupplierID *string
	InStock    *bool
	// IncludeStale says whether stale stock counts for InStock; nil is yes.
	IncludeStale *bool
	Active       *bool
	UpdatedSince *time.Time
}

// SortDirection is ASC or DESC.
type SortDirection string

// The directions.
const (
	Ascending  SortDirection = "ASC"
	Descending SortDirection = "DESC"
)

// ProductOrder sorts a list of products.
type ProductOrder struct {
	Field     ProductOrderField
	Direction SortDirection
}

// ProductOrderField is what products are sorted by.
type ProductOrderField string

// What products may be sorted by.
const (
	ProductsByName      ProductOrderField = "NAME"
	ProductsBySKU       ProductOrderField = "SKU"
	ProductsByPrice     ProductOrderField = "PRICE"
	ProductsByUpdatedAt ProductOrderField = "UPDATED_AT"
)

// InventoryFilter narrows a list of levels; nil members don't.
type InventoryFilter struct {
	ProductIDs  []string
	Skus        []string
	LocationIDs []string
	SupplierID  *string
	Category    []string
	LowOnly     *bool
	StaleOnly   *bool
}

// MovementFilter narrows the ledger; nil members don't.
type MovementFilter struct {
	ProductIDs  []string
	LocationIDs []string
	Reasons     []MovementReason
	Reference   *string
	From        *time.Time
	To          *time.Time
}

// OrderFilter narrows a list of orders; nil members don't.
type OrderFilter struct {
	Statuses     []OrderStatus
	CustomerID   *string
	SupplierID   *string
	ProductID    *string
	PlacedFrom   *time.Time
	PlacedTo     *time.Time
	UpdatedSince *time.Time
	Search       *string
}

// OrderSort sorts a list of orders.
type OrderSort struct {
	Field     OrderSortField
	Direction SortDirection
}

// OrderSortField is what orders are sorted by.
type OrderSortField string

// What orders may be sorted by.
const (
	OrdersByPlacedAt  OrderSortField = "PLACED_AT"
	OrdersByUpdatedAt OrderSortField = "UPDATED_AT"
	OrdersByTotal     OrderSortField = "TOTAL"
)

// FulfillmentOrderFilter narrows a supplier's inbox; nil members don't.
type FulfillmentOrderFilter struct {
	Statuses   []FulfillmentOrderStatus
	SupplierID *string
	LocationID *string
	Overdue    *bool
}

// AuditFilter narrows the audit; nil members don't.
type AuditFilter struct {
	Subject *string
	Actor   *string
	From    *time.Time
	To      *time.Time
}

// AvailabilityLine is one wanted line.
type AvailabilityLine struct {
	ProductID string
	Quantity  int
}

// StockKey says which stock is meant: a product by one of ProductID, SKU and
// SupplierSKU; a location by one of LocationID and LocationCode, which may be
// left out where the supplier has just one. SupplierID says whose SupplierSKU
// it is, where the token doesn't. Quantities beside it are in Unit: left out,
// the supplier's with SupplierSKU, else the base unit.
type StockKey struct {
	ProductID    *string        `json:"productId,omitempty"`
	SKU          *string        `json:"sku,omitempty"`
	SupplierSKU  *string        `json:"supplierSku,omitempty"`
	SupplierID   *string        `json:"supplierId,omitempty"`
	LocationID   *string        `json:"locationId,omitempty"`
	LocationCode *string        `json:"locationCode,omitempty"`
	Unit         *UnitOfMeasure `json:"unit,omitempty"`
}

// OnRowError says what a row that fails does to the others.
type OnRowError string

// What a failing row may do.
const (
	RollBack OnRowError = "ROLL_BACK"
	SkipRow  OnRowError = "SKIP_ROW"
)

// InventoryAdjustInput adds to and takes from levels. Rows that name the same
// level are summed.
type InventoryAdjustInput struct {
	IdempotencyKey string            `json:"-"`
	Reason         MovementReason    `json:"reason"`
	Reference      *string           `json:"reference,omitempty"`
	Changes        []InventoryChange `json:"changes"`
	OnRowError     OnRowError        `json:"onRowError"`
}

// InventoryChange is one row of an adjustment.
type InventoryChange struct {
	Stock           StockKey       `json:"stock"`
	State           InventoryState `json:"state"`
	Delta           int            `json:"delta"`
	ExpectedVersion *int           `json:"expectedVersion,omitempty"`
}

// InventorySetInput states absolute counts. Each level may be named once.
type InventorySetInput struct {
	IdempotencyKey string           `json:"-"`
	Reference      *string          `json:"reference,omitempty"`
	Counts         []InventoryCount `json:"counts"`
	OnRowError     OnRowError       `json:"onRowError"`
}

// InventoryCount is one row of a count.
type InventoryCount struct {
	Stock  StockKey   `json:"stock"`
	OnHand int        `json:"onHand"`
	Basis  CountBasis `json:"basis"`
}

// CountBasis is what a count stands on; exactly one member is set.
type CountBasis struct {
	ExpectedVersion *int       `json:"expectedVersion,omitempty"`
	CountedAt       *time.Time `json:"countedAt,omitempty"`
	Override        *bool      `json:"override,omitempty"`
}

// InventoryTransferInput moves stock from one location to another.
type InventoryTransferInput struct {
	IdempotencyKey string  `json:"-"`
	ProductID      string  `json:"productId"`
	FromLocationID string  `json:"fromLocationId"`
	ToLocationID   string  `json:"toLocationId"`
	Quantity       int     `json:"quantity"`
	Reference      *string `json:"reference,omitempty"`
}

// LineInput is one line of a wanted order: a product by ProductID or SKU, and
// a location where it has to come from there.
type LineInput struct {
	ProductID  *string `json:"productId,omitempty"`
	SKU        *string `json:"sku,omitempty"`
	Quantity   int     `json:"quantity"`
	LocationID *string `json:"locationId,omitempty"`
}

// OrderPlaceInput places an order.
type OrderPlaceInput struct {
	IdempotencyKey    string        `json:"-"`
	ExternalReference *string       `json:"externalReference,omitempty"`
	Customer          CustomerInput `json:"customer"`
	// Either Lines or ReservationID is given.
	Lines          []LineInput `json:"lines"`
	ReservationID  *string     `json:"reservationId,omitempty"`
	ShipTo         *Address    `json:"shipTo,omitempty"`
	AllowBackorder bool        `json:"allowBackorder"`
	// AllowStale says whether it may take stock that is stale.
	AllowStale bool `json:"allowStale"`
}

// CustomerInput is who buys.
type CustomerInput struct {
	ID    *string `json:"id,omitempty"`
	Name  *string `json:"name,omitempty"`
	Email *string `json:"email,omitempty"`
}

// OrderCancelInput cancels what hasn't shipped of an order.
type OrderCancelInput struct {
	IdempotencyKey  string `json:"-"`
	OrderID         string `json:"orderId"`
	Reason          string `json:"reason"`
	ExpectedVersion *int   `json:"expectedVersion,omitempty"`
}

// OrderHoldInput stops an order.
type OrderHoldInput struct {
	IdempotencyKey  *string `json:"-"`
	OrderID         string  `json:"orderId"`
	Reason          string  `json:"reason"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}

// OrderReleaseHoldInput lets a held order go on.
type OrderReleaseHoldInput struct {
	IdempotencyKey  *string `json:"-"`
	OrderID         string  `json:"orderId"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}

// OrderStatusInput moves every part of an order that the caller may touch.
type OrderStatusInput struct {
	IdempotencyKey  string      `json:"-"`
	OrderID         string      `json:"orderId"`
	Status          OrderStatus `json:"status"`
	Note            *string     `json:"note,omitempty"`
	ExpectedVersion *int        `json:"expectedVersion,omitempty"`
}

// FulfillmentOrderRespondInput answers a part of an order.
type FulfillmentOrderRespondInput struct {
	IdempotencyKey     *string        `json:"-"`
	FulfillmentOrderID string         `json:"fulfillmentOrderId"`
	ExpectedVersion    *int           `json:"expectedVersion,omitempty"`
	Lines              []LineResponse `json:"lines,omitempty"`
	Reason             *string        `json:"reason,omitempty"`
}

// FulfillmentCreateInput tells of a shipment.
type FulfillmentCreateInput struct {
	IdempotencyKey     string     `json:"-"`
	FulfillmentOrderID string     `json:"fulfillmentOrderId"`
	Lines              []ShipLine `json:"lines,omitempty"`
	Carrier            *string    `json:"carrier,omitempty"`
	TrackingNumber     *string    `json:"trackingNumber,omitempty"`
	TrackingURL        *string    `json:"trackingUrl,omitempty"`
	ShippedAt          *time.Time `json:"shippedAt,omitempty"`
	// Pending: made ready, and not yet on its way.
	Pending bool `json:"pending,omitempty"`
}

// FulfillmentShippedInput tells that a pending shipment is on its way.
type FulfillmentShippedInput struct {
	IdempotencyKey *string    `json:"-"`
	FulfillmentID  string     `json:"fulfillmentId"`
	Carrier        *string    `json:"carrier,omitempty"`
	TrackingNumber *string    `json:"trackingNumber,omitempty"`
	TrackingURL    *string    `json:"trackingUrl,omitempty"`
	ShippedAt      *time.Time `json:"shippedAt,omitempty"`
}

// FulfillmentEndInput ends a shipment that will not arrive, or not leave.
type FulfillmentEndInput struct {
	IdempotencyKey *string `json:"-"`
	FulfillmentID  string  `json:"fulfillmentId"`
	Reason         string  `json:"reason"`
}

// FulfillmentDeliveredInput tells that a shipment has arrived.
type FulfillmentDeliveredInput struct {
	IdempotencyKey *string    `json:"-"`
	FulfillmentID  string     `json:"fulfillmentId"`
	DeliveredAt    *time.Time `json:"deliveredAt,omitempty"`
}

// ReservationCreateInput holds stock for TTLSeconds.
type ReservationCreateInput struct {
	IdempotencyKey string      `json:"-"`
	Reference      *string     `json:"reference,omitempty"`
	Lines          []LineInput `json:"lines"`
	TTLSeconds     int         `json:"ttlSeconds"`
	// AllowStale says whether it may take stock that is stale.
	AllowStale bool `json:"allowStale"`
}

// ReservationExtendInput has a reservation expire TTLSeconds from now.
type ReservationExtendInput struct {
	IdempotencyKey  *string `json:"-"`
	ReservationID   string  `json:"reservationId"`
	TTLSeconds      int     `json:"ttlSeconds"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}

// ReservationReleaseInput gives back what a reservation holds.
type ReservationReleaseInput struct {
	IdempotencyKey  *string `json:"-"`
	ReservationID   string  `json:"reservationId"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}

// ReturnCreateInput announces goods that come back.
type ReturnCreateInput struct {
	IdempotencyKey string            `json:"-"`
	OrderID        string            `json:"orderId"`
	Lines          []ReturnLineInput `json:"lines"`
	Reason         *string           `json:"reason,omitempty"`
}

// ReturnLineInput is how much of an order line comes back.
type ReturnLineInput struct {
	OrderLineID string `json:"orderLineId"`
	Quantity    int    `json:"quantity"`
}

// ReturnReceiveInput tells what came in of a return, and what became of it.
type ReturnReceiveInput struct {
	IdempotencyKey  string               `json:"-"`
	ReturnID        string               `json:"returnId"`
	Lines           []ReturnReceiptInput `json:"lines"`
	LocationID      *string              `json:"locationId,omitempty"`
	ExpectedVersion *int                 `json:"expectedVersion,omitempty"`
}

// ReturnReceiptInput is what came in of one line of a return.
type ReturnReceiptInput struct {
	LineID   string `json:"lineId"`
	Restock  int    `json:"restock"`
	WriteOff int    `json:"writeOff"`
}

// ReturnCancelInput gives up what has not come back.
type ReturnCancelInput struct {
	IdempotencyKey  *string `json:"-"`
	ReturnID        string  `json:"returnId"`
	Reason          *string `json:"reason,omitempty"`
	ExpectedVersion *int    `json:"expectedVersion,omitempty"`
}

// SupplierItemUpsertInput says how a supplier names, packs and prices a product.
type SupplierItemUpsertInput struct {
	IdempotencyKey       *string       `json:"-"`
	SupplierID           *string       `json:"supplierId,omitempty"`
	ProductID            string        `json:"productId"`
	SupplierSKU          string        `json:"supplierSku"`
	GTIN                 *string       `json:"gtin,omitempty"`
	Unit                 UnitOfMeasure `json:"unit"`
	PackQuantity         int           `json:"packQuantity"`
	MinimumOrderQuantity int           `json:"minimumOrderQuantity"`
	OrderMultiple        int           `json:"orderMultiple"`
	LeadTimeDays         *int          `json:"leadTimeDays,omitempty"`
	Cost                 *Decimal      `json:"cost,omitempty"`
	ExpectedVersion      *int          `json:"expectedVersion,omitempty"`
}

// SupplierTermsSetInput changes what was agreed with a supplier. A term that is
// left out stays.
type SupplierTermsSetInput struct {
	IdempotencyKey *string `json:"-"`
	SupplierID     string  `json:"supplierId"`
	// ConfirmWithinSeconds 0 is for ever.
	ConfirmWithinSeconds     *int `json:"confirmWithinSeconds,omitempty"`
	AcknowledgeWithinSeconds *int `json:"acknowledgeWithinSeconds,omitempty"`
	ZeroingLimitPercent      *int `json:"zeroingLimitPercent,omitempty"`
	ExpectedVersion          *int `json:"expectedVersion,omitempty"`
}

// ConflictResolveInput settles a conflict, or dismisses it.
type ConflictResolveInput struct {
	IdempotencyKey  *string               `json:"-"`
	ConflictID      string                `json:"conflictId"`
	Status          ConflictStatus        `json:"status"`
	Resolution      string                `json:"resolution"`
	Mapping         *ConflictMappingInput `json:"mapping,omitempty"`
	ExpectedVersion *int                  `json:"expectedVersion,omitempty"`
}

// ConflictMappingInput is what an unknown SKU, or a unit of one, stands for.
type ConflictMappingInput struct {
	ProductID    string        `json:"productId"`
	Unit         UnitOfMeasure `json:"unit"`
	PackQuantity int           `json:"packQuantity"`
}
