package redline

import "time"

// ReturnStatus is where a return stands.
type ReturnStatus string

// The statuses of a return.
const (
	ReturnRequested         ReturnStatus = "REQUESTED"
	ReturnPartiallyReceived ReturnStatus = "PARTIALLY_RECEIVED"
	ReturnReceived          ReturnStatus = "RECEIVED"
	ReturnCancelled         ReturnStatus = "CANCELLED"
)

// Return is goods of an order that come back.
type Return struct {
	ID        string       `json:"id"`
	OrderID   string       `json:"orderId" db:"order_id"`
	Status    ReturnStatus `json:"status"`
	Reason    *string      `json:"reason,omitempty"`
	Version   int          `json:"version"`
	CreatedAt time.Time    `json:"createdAt" db:"created_at"`
	UpdatedAt time.Time    `json:"updatedAt" db:"updated_at"`

	Lines []*ReturnLine `json:"lines" db:"-"`
	Order *Order        `json:"-" db:"-"`
}

// IsNode marks a Return as a Node.
func (*Return) IsNode() {}

// ReturnLine is how much of an order line comes back, in base units.
// Restocked + WrittenOff is what has been received of Quantity.
type ReturnLine struct {
	ID          string `json:"id"`
	ReturnID    string `json:"-" db:"return_id"`
	OrderLineID string `json:"orderLineId" db:"order_line_id"`
	Quantity    int    `json:"quantity"`
	Restocked   int    `json:"restocked"`
	WrittenOff  int    `json:"writtenOff" db:"written_off"`

	OrderLine *OrderLine `json:"-" db:"-"`
}
