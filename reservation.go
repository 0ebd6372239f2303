package redline

import (
	"slices"
	"time"
)

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

// Reservation holds stock for a while, for whoever's token made it.
type Reservation struct {
	ID           string
	OwnerIssuer  string `db:"owner_issuer"`
	OwnerSubject string `db:"owner_subject"`
	// CustomerID is the customer, of that issuer, whose it is; nil where it is the
	// subject's.
	CustomerID *string `db:"customer_id"`
	Reference  *string
	Status     ReservationStatus
	// ExpiresAt is the instant from which on it holds nothing.
	ExpiresAt time.Time `db:"expires_at"`
	Version   int
	// OrderID is the order that took it over.
	OrderID *string `db:"order_id"`

	Lines []*ReservationLine `db:"-"`
}

// IsNode marks a Reservation as a Node.
func (*Reservation) IsNode() {}

// reservationNext is the reservations' state machine. An ACTIVE one becomes
// EXPIRED by the clock, and the others by somebody's hand; one that is extended
// stays ACTIVE.
var reservationNext = map[ReservationStatus][]ReservationStatus{
	ReservationActive: {ReservationActive, ReservationCommitted, ReservationReleased, ReservationExpired},
}

// Become makes the reservation, by somebody's hand, what it is to be from now on,
// with a new version. One that is due has expired, whether or not that was noted.
func (r *Reservation) Become(to ReservationStatus, now time.Time) error {
	field := []string{"reservationId"}
	if r.Status == ReservationExpired || r.Status == ReservationActive && !now.Before(r.ExpiresAt) {
		return Errorf(CodeReservationExpired, field, "the reservation has expired, at %s", r.ExpiresAt.UTC().Format(time.RFC3339Nano))
	}
	allowed := reservationNext[r.Status]
	if !slices.Contains(allowed, to) {
		e := Errorf(CodeInvalidTransition, field, "a reservation that is %s can't become %s", r.Status, to)
		e.From, e.To, e.Allowed = string(r.Status), string(to), []string{}
		return e
	}
	r.Status = to
	r.Version++
	return nil
}

// ReservationLine is what a reservation holds of one level, in base units.
type ReservationLine struct {
	ReservationID string `db:"reservation_id"`
	ProductID     string `db:"product_id"`
	LocationID    string `db:"location_id"`
	Quantity      int

	Product  *Product  `db:"-"`
	Location *Location `db:"-"`
}
