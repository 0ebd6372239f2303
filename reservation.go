package redline

import "time"

// ReservationStatus is where a reservation stands. It is ACTIVE until it
// becomes one of the others, once.
type ReservationStatus string

// The statuses of a reservation.
const (
	ReservationActive    ReservationStatus = "ACTIVE"
	ReservationCommitted ReservationStatus = "COMMITTED"
	ReservationReleased  ReservationStatus = "RELEASED"
	ReservationExpired   ReservationStatus = "EXPIRED"
)

// Reservation holds stock for a while, for the subject whose token made it.
type Reservation struct {
	ID           string
	OwnerIssuer  string `db:"owner_issuer"`
	OwnerSubject string `db:"owner_subject"`
	Reference    *string
	Status       ReservationStatus
	// ExpiresAt is the instant from which on it holds nothing.
	ExpiresAt time.Time `db:"expires_at"`
	Version   int
	// OrderID is the order that took it over.
	OrderID *string `db:"order_id"`

	Lines []*ReservationLine `db:"-"`
}

// IsNode marks a Reservation as a Node.
func (*Reservation) IsNode() {}

// ReservationLine is what a reservation holds of one level, in base units.
type ReservationLine struct {
	ReservationID string `db:"reservation_id"`
	ProductID     string `db:"product_id"`
	LocationID    string `db:"location_id"`
	Quantity      int

	Product  *Product  `db:"-"`
	Location *Location `db:"-"`
}
