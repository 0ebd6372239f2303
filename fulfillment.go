package redline

import (
	"slices"
	"time"
)

// FulfillmentOrderStatus is where one part of an order stands.
type FulfillmentOrderStatus string

// The statuses of a fulfilment order.
const (
	PartSubmitted             FulfillmentOrderStatus = "SUBMITTED"
	PartAccepted              FulfillmentOrderStatus = "ACCEPTED"
	PartPartiallyAccepted     FulfillmentOrderStatus = "PARTIALLY_ACCEPTED"
	PartRejected              FulfillmentOrderStatus = "REJECTED"
	PartInProgress            FulfillmentOrderStatus = "IN_PROGRESS"
	PartCancellationRequested FulfillmentOrderStatus = "CANCELLATION_REQUESTED"
	PartCancelled             FulfillmentOrderStatus = "CANCELLED"
	PartClosed                FulfillmentOrderStatus = "CLOSED"
)

// FulfillmentOrder is the part of an order that one supplier or warehouse
// fulfils from one location.
type FulfillmentOrder struct {
	ID         string `json:"id"`
	OrderID    string `json:"orderId" db:"order_id"`
	LocationID string `json:"locationId" db:"location_id"`
	// SupplierID and SupplierCode are nil for our own locations.
	SupplierID   *string                `json:"supplierId,omitempty" db:"supplier_id"`
	SupplierCode *string                `json:"supplierCode,omitempty" db:"supplier_code"`
	Status       FulfillmentOrderStatus `json:"status"`
	// StatusBefore is what the part was before its cancellation was asked for.
	StatusBefore  *FulfillmentOrderStatus `json:"statusBefore,omitempty" db:"status_before"`
	Version       int                     `json:"version"`
	SubmittedAt   time.Time               `json:"submittedAt" db:"submitted_at"`
	AcknowledgeBy *time.Time              `json:"acknowledgeBy,omitempty" db:"acknowledge_by"`

	Lines        []*FulfillmentOrderLine `json:"lines" db:"-"`
	Fulfillments []*Fulfillment          `json:"fulfillments" db:"-"`

	Order        *Order                   `json:"-" db:"-"`
	Location     *Location                `json:"-" db:"-"`
	Supplier     *Supplier                `json:"-" db:"-"`
	ShipTo       *Address                 `json:"-" db:"-"`
	NextStatuses []FulfillmentOrderStatus `json:"-" db:"-"`
}

// IsNode marks a FulfillmentOrder as a Node.
func (*FulfillmentOrder) IsNode() {}

// FulfillmentOrderLine is what one part fulfils of one order line, in base
// units. The supplier's SKU, unit and pack are as they were when it was made.
type FulfillmentOrderLine struct {
	ID                 string `json:"id"`
	FulfillmentOrderID string `json:"-" db:"fulfillment_order_id"`
	OrderLineID        string `json:"orderLineId" db:"order_line_id"`
	Quantity           int    `json:"quantity"`
	// Accepted is nil until the part has been answered, or some of it withdrawn.
	Accepted *int `json:"accepted,omitempty"`
	Shipped  int  `json:"shipped"`
	// Withdrawn is how much of Quantity was taken off the part again, because its
	// location couldn't keep it; Accepted is without it.
	Withdrawn    int            `json:"withdrawn,omitempty"`
	SupplierSKU  *string        `json:"supplierSku,omitempty" db:"supplier_sku"`
	SupplierUnit *UnitOfMeasure `json:"supplierUnit,omitempty" db:"supplier_unit"`
	PackQuantity *int           `json:"packQuantity,omitempty" db:"pack_quantity"`
	// SupplierQuantity is in supplier units, rounded up to whole packs.
	SupplierQuantity *int `json:"supplierQuantity,omitempty" db:"supplier_quantity"`

	OrderLine *OrderLine `json:"-" db:"-"`
}

// FulfillmentStatus is where a shipment stands.
type FulfillmentStatus string

// The statuses of a shipment.
const (
	ShipmentPending   FulfillmentStatus = "PENDING"
	ShipmentShipped   FulfillmentStatus = "SHIPPED"
	ShipmentDelivered FulfillmentStatus = "DELIVERED"
	ShipmentFailed    FulfillmentStatus = "FAILED"
	ShipmentCancelled FulfillmentStatus = "CANCELLED"
)

// Fulfillment is a shipment.
type Fulfillment struct {
	ID                 string            `json:"id"`
	FulfillmentOrderID string            `json:"-" db:"fulfillment_order_id"`
	Status             FulfillmentStatus `json:"status"`
	Carrier            *string           `json:"carrier,omitempty"`
	TrackingNumber     *string           `json:"trackingNumber,omitempty" db:"tracking_number"`
	TrackingURL        *string           `json:"trackingUrl,omitempty" db:"tracking_url"`
	ShippedAt          *time.Time        `json:"shippedAt,omitempty" db:"shipped_at"`
	DeliveredAt        *time.Time        `json:"deliveredAt,omitempty" db:"delivered_at"`

	Lines []*FulfillmentLine `json:"lines" db:"-"`
}

// IsNode marks a Fulfillment as a Node.
func (*Fulfillment) IsNode() {}

// FulfillmentLine is how much of an order line a shipment holds.
type FulfillmentLine struct {
	FulfillmentID          string `json:"-" db:"fulfillment_id"`
	FulfillmentOrderLineID string `json:"-" db:"fulfillment_order_line_id"`
	OrderLineID            string `json:"orderLineId" db:"order_line_id"`
	Quantity               int    `json:"quantity"`

	OrderLine *OrderLine `json:"-" db:"-"`
}

// openStatuses are those in which a part still holds stock.
var openStatuses = []FulfillmentOrderStatus{
	PartSubmitted, PartAccepted, PartPartiallyAccepted, PartInProgress, PartCancellationRequested,
}

// IsOpen reports whether the part still holds stock and can be worked on.
func (f *FulfillmentOrder) IsOpen() bool { return slices.Contains(openStatuses, f.Status) }

// Remaining is what the part still has to ship of one of its lines, and what
// it holds committed at its location for it.
func (f *FulfillmentOrder) Remaining(l *FulfillmentOrderLine) int {
	if !f.IsOpen() {
		return 0
	}
	if l.Accepted != nil {
		return *l.Accepted - l.Shipped
	}
	return l.Quantity - l.Shipped
}

// refused: the location has refused some of a line.
func (f *FulfillmentOrder) refused(l *FulfillmentOrderLine) bool {
	return f.Status == PartRejected || l.Accepted != nil && *l.Accepted+l.Withdrawn < l.Quantity
}

func (f *FulfillmentOrder) remaining() (n int) {
	for _, l := range f.Lines {
		n += f.Remaining(l)
	}
	return n
}

func (f *FulfillmentOrder) hasShipped() bool {
	return slices.ContainsFunc(f.Lines, func(l *FulfillmentOrderLine) bool { return l.Shipped > 0 })
}

// working: somebody has taken the part on.
func (f *FulfillmentOrder) working() bool { return f.IsOpen() && f.Status != PartSubmitted }

// undelivered: something has left, and isn't or won't be where it goes.
func (f *FulfillmentOrder) undelivered() bool {
	return slices.ContainsFunc(f.Fulfillments, func(s *Fulfillment) bool {
		return s.Status == ShipmentShipped || s.Status == ShipmentFailed
	})
}

// ours: the part lies at one of our own locations.
func (f *FulfillmentOrder) ours() bool { return f.SupplierCode == nil }

// TouchableBy reports whether a principal may fulfil the part, and see it as a
// supplier does.
func (f *FulfillmentOrder) TouchableBy(p Principal) bool {
	return p.Everywhere() || f.SupplierCode != nil && p.SpeaksFor(*f.SupplierCode)
}

// cancelsBy is what is done to a part whose order is cancelled: it is cancelled
// itself, or its supplier, who has taken it on, is asked; "" where neither can be.
func (f *FulfillmentOrder) cancelsBy() Action {
	switch {
	case !f.ours() && PartMachine.Can(f.Status, ActAsk):
		return ActAsk
	case PartMachine.Can(f.Status, ActCancel):
		return ActCancel
	}
	return ""
}

// NextFor says what the part may become next by a principal's hand. Its lines
// must be loaded. A part is cancelled with its whole order or not at all: where
// Order is set, it is offered only while the order can be.
func (f *FulfillmentOrder) NextFor(p Principal, held bool) []FulfillmentOrderStatus {
	next := []FulfillmentOrderStatus{}
	if held || !f.IsOpen() {
		return next
	}
	for _, v := range PartMachine.Moves {
		if v.From == f.Status && f.offers(v, p) && !slices.Contains(next, v.To) {
			next = append(next, v.To)
		}
	}
	return next
}

// offers reports whether a principal may make a move of an open part's, and
// whether it would lead where it says.
func (f *FulfillmentOrder) offers(v Move[FulfillmentOrderStatus], p Principal) bool {
	fulfills := f.TouchableBy(p) && p.Has(ScopeFulfillmentsWrite)
	// A single unit can't be accepted or shipped in part.
	divisible := f.remaining() > 1
	switch v.Action {
	case ActAccept, ActReject, ActPrepare:
		return fulfills
	case ActAcceptSome:
		return fulfills && divisible
	case ActShip:
		return fulfills && (divisible || v.To == PartClosed)
	case ActCancel, ActAsk:
		return f.cancelsBy() == v.Action && (v.Action == ActAsk || v.To == f.ended()) && mayCancel(p) && (f.Order == nil || f.Order.cancellable())
	case ActAcceptCancellation:
		return fulfills && v.To == f.ended()
	case ActRejectCancellation:
		return fulfills && v.To == *f.StatusBefore
	}
	return false // by rule, or as a fact
}
