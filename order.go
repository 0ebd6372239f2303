package redline

import (
	"slices"
	"time"
)

// OrderStatus is where an order stands. It is rolled up from its parts, but
// for ON_HOLD.
type OrderStatus string

// The statuses of an order.
const (
	OrderPending          OrderStatus = "PENDING"
	OrderProcessing       OrderStatus = "PROCESSING"
	OrderOnHold           OrderStatus = "ON_HOLD"
	OrderPartiallyShipped OrderStatus = "PARTIALLY_SHIPPED"
	OrderShipped          OrderStatus = "SHIPPED"
	OrderDelivered        OrderStatus = "DELIVERED"
	OrderCancelled        OrderStatus = "CANCELLED"
)

// Order is what a customer bought: lines, and the parts in which locations
// fulfil them. Its JSON is what the event log tells of it, which holds no
// people's data but the customer's id.
//
// Lines, FulfillmentOrders, History and Returns are relations: filled where a query
// asks for them.
type Order struct {
	ID                string      `json:"id"`
	Number            string      `json:"number"`
	OwnerIssuer       string      `json:"ownerIssuer" db:"owner_issuer"`
	OwnerSubject      string      `json:"ownerSubject" db:"owner_subject"`
	ExternalReference *string     `json:"externalReference,omitempty" db:"external_reference"`
	Customer          *Customer   `json:"customer,omitempty" db:"-"`
	Status            OrderStatus `json:"status"`
	// HoldReason is set while the order is held, and only then.
	HoldReason *string  `json:"holdReason,omitempty" db:"hold_reason"`
	Total      *Money   `json:"total,omitempty" db:"-"`
	ShipTo     *Address `json:"-" db:"-"`
	// AllowStale says whether the order may take stock that is stale.
	AllowStale bool      `json:"allowStale" db:"allow_stale"`
	Version    int       `json:"version"`
	PlacedAt   time.Time `json:"placedAt" db:"placed_at"`
	UpdatedAt  time.Time `json:"updatedAt" db:"updated_at"`

	Lines             []*OrderLine         `json:"lines" db:"-"`
	FulfillmentOrders []*FulfillmentOrder  `json:"fulfillmentOrders" db:"-"`
	History           []*OrderStatusChange `json:"-" db:"-"`
	Returns           []*Return            `json:"returns,omitempty" db:"-"`
	// NextStatuses is what the order may become next by the hand of whoever
	// asked; filled from NextFor.
	NextStatuses []OrderStatus `json:"-" db:"-"`
}

// IsNode marks an Order as a Node.
func (*Order) IsNode() {}

// Customer is who bought. ID is the shop's own, and nil for a guest.
type Customer struct {
	ID    *string `json:"id,omitempty"`
	Name  *string `json:"-"`
	Email *string `json:"-"`
}

// Address is where a shipment goes.
type Address struct {
	Name       *string  `json:"name,omitempty"`
	Lines      []string `json:"lines"`
	City       string   `json:"city"`
	Region     *string  `json:"region,omitempty"`
	PostalCode *string  `json:"postalCode,omitempty"`
	Country    string   `json:"country"`
}

// OrderLine is one product of an order, in base units.
// Quantity = Open + Backordered + Shipped + Cancelled; Returned is part of Shipped.
type OrderLine struct {
	ID        string `json:"id"`
	OrderID   string `json:"-" db:"order_id"`
	ProductID string `json:"productId" db:"product_id"`
	// LocationID is where it has to come from, where the shop said so.
	LocationID  *string `json:"locationId,omitempty" db:"location_id"`
	Quantity    int     `json:"quantity"`
	Open        int     `json:"open"`
	Backordered int     `json:"backordered"`
	Shipped     int     `json:"shipped"`
	Cancelled   int     `json:"cancelled"`
	Returned    int     `json:"returned"`
	// The money is nil for whoever may not see prices. Discount is an amount.
	UnitPrice *Money `json:"unitPrice,omitempty" db:"-"`
	Discount  *Money `json:"discount,omitempty" db:"-"`
	Total     *Money `json:"total,omitempty" db:"-"`

	Product *Product `json:"-" db:"-"`
}

// IsNode marks an OrderLine as a Node.
func (*OrderLine) IsNode() {}

// OrderStatusChange is one line of an order's history. Actor and Note are nil
// for whoever may not see them.
type OrderStatusChange struct {
	OrderID string       `db:"order_id"`
	From    *OrderStatus `db:"from_status"`
	To      OrderStatus  `db:"to_status"`
	Actor   *string
	Note    *string
	At      time.Time
}

// Held reports whether an operator holds the order.
func (o *Order) Held() bool { return o.Status == OrderOnHold }

// RollUp says what the status of an order is, from its lines and parts. It is
// the only place that decides it.
func (o *Order) RollUp() OrderStatus {
	if o.HoldReason != nil {
		return OrderOnHold
	}
	var quantity, cancelled, shipped, waiting int
	for _, l := range o.Lines {
		quantity += l.Quantity
		cancelled += l.Cancelled
		shipped += l.Shipped
		waiting += l.Open + l.Backordered
	}
	switch {
	case cancelled == quantity:
		return OrderCancelled
	case shipped == 0 && slices.ContainsFunc(o.FulfillmentOrders, (*FulfillmentOrder).working):
		return OrderProcessing
	case shipped == 0:
		return OrderPending
	case waiting > 0:
		return OrderPartiallyShipped
	case slices.ContainsFunc(o.FulfillmentOrders, (*FulfillmentOrder).undelivered):
		return OrderShipped
	}
	return OrderDelivered
}

// Line finds a line by its id, or returns nil.
func (o *Order) Line(id string) *OrderLine {
	for _, l := range o.Lines {
		if l.ID == id {
			return l
		}
	}
	return nil
}

// Part finds a fulfilment order by its id, or returns nil.
func (o *Order) Part(id string) *FulfillmentOrder {
	for _, f := range o.FulfillmentOrders {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// Shipment finds a shipment by its id, and the part that it belongs to, or
// returns nils.
func (o *Order) Shipment(id string) (*FulfillmentOrder, *Fulfillment) {
	for _, f := range o.FulfillmentOrders {
		for _, s := range f.Fulfillments {
			if s.ID == id {
				return f, s
			}
		}
	}
	return nil, nil
}

// VisibleTo reports whether a principal may see the order. The parts must be
// loaded. The repositories say the same in SQL.
func (o *Order) VisibleTo(p Principal) bool {
	switch p.Role {
	case RoleOperator, RoleAdmin:
		return true
	case RoleStorefront:
		return p.Authenticated() && o.OwnerIssuer == p.Issuer && o.OwnerSubject == p.Subject
	case RoleCustomer:
		return o.OwnerIssuer == p.Issuer && o.Customer != nil && o.Customer.ID != nil && *o.Customer.ID == p.Customer
	case RoleSupplier:
		return slices.ContainsFunc(o.FulfillmentOrders, func(f *FulfillmentOrder) bool { return f.TouchableBy(p) })
	}
	return false
}

// For returns the order as a principal who may see it may see it. A supplier
// gets its own parts, its own share of the lines that they fulfil and the
// returns of what it shipped, and no customer, prices, references of the shop,
// reasons, or actors and notes of the history; what its parts no longer hold
// counts as cancelled. Everybody else
// gets the order itself. Relations that aren't loaded stay so; a supplier's
// lines need the parts, and what came back of them the returns.
func (o *Order) For(p Principal) *Order {
	if p.Role != RoleSupplier {
		return o
	}
	c := *o
	c.OwnerIssuer, c.OwnerSubject = "", ""
	c.ExternalReference, c.Customer, c.HoldReason, c.Total, c.ShipTo = nil, nil, nil, nil, nil
	c.FulfillmentOrders, c.Lines, c.History, c.Returns = nil, nil, nil, nil
	share := map[string]*OrderLine{}
	for _, f := range o.FulfillmentOrders {
		if !f.TouchableBy(p) {
			continue
		}
		part := *f
		part.Lines = nil
		for _, l := range f.Lines {
			s := share[l.OrderLineID]
			if s == nil {
				s = &OrderLine{ID: l.OrderLineID}
				share[l.OrderLineID] = s
			}
			s.Quantity += l.Quantity - l.Withdrawn
			s.Open += f.Remaining(l)
			s.Shipped += l.Shipped
			s.Cancelled += l.Quantity - l.Withdrawn - f.Remaining(l) - l.Shipped
			line := *l
			line.OrderLine = s
			part.Lines = append(part.Lines, &line)
		}
		part.Order = &c
		part.Fulfillments = nil
		for _, s := range f.Fulfillments {
			shipment := *s
			shipment.Lines = nil
			for _, l := range s.Lines {
				shipment.Lines = append(shipment.Lines, &FulfillmentLine{
					OrderLineID: l.OrderLineID, Quantity: l.Quantity, OrderLine: share[l.OrderLineID],
				})
			}
			part.Fulfillments = append(part.Fulfillments, &shipment)
		}
		c.FulfillmentOrders = append(c.FulfillmentOrders, &part)
	}
	for _, l := range o.Lines {
		if s := share[l.ID]; s != nil {
			s.OrderID, s.ProductID, s.Product = l.OrderID, l.ProductID, l.Product
			c.Lines = append(c.Lines, s)
		}
	}
	if o.Returns != nil {
		c.Returns = []*Return{}
	}
	mine := suppliersOf(c.FulfillmentOrders)
	for _, r := range o.Returns {
		if seen := r.forSupplier(&c, share, mine); seen != nil {
			c.Returns = append(c.Returns, seen)
		}
	}
	for _, h := range o.History {
		c.History = append(c.History, &OrderStatusChange{OrderID: h.OrderID, From: h.From, To: h.To, At: h.At})
	}
	return &c
}

// OrderParts says which relations of orders to load.
type OrderParts struct {
	Lines   bool
	Parts   bool
	History bool
	Returns bool
	// BriefProducts says that the lines' products may be so: see ProductParts.
	BriefProducts bool
}
