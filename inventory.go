package redline

import "time"

// MaxQuantity is the largest quantity that anything in Redline may have.
const MaxQuantity = 1_000_000_000

// InventoryLevel is the stock of one product at one location, in base units.
//
// OnHand + Shortfall = Available + Reserved + Committed + SafetyStock +
// Unavailable, and Available or Shortfall is 0. Incoming stands apart.
type InventoryLevel struct {
	ID           string    `json:"id"`
	ProductID    string    `json:"productId" db:"product_id"`
	LocationID   string    `json:"locationId" db:"location_id"`
	OnHand       int       `json:"onHand" db:"on_hand"`
	Reserved     int       `json:"reserved"`
	Committed    int       `json:"committed"`
	SafetyStock  int       `json:"safetyStock" db:"safety_stock"`
	Unavailable  int       `json:"unavailable"`
	Available    int       `json:"available"`
	Shortfall    int       `json:"shortfall"`
	Incoming     int       `json:"incoming"`
	ReorderPoint int       `json:"reorderPoint" db:"reorder_point"`
	Version      int       `json:"version"`
	AsOf         time.Time `json:"asOf" db:"as_of"`
	Stale        bool      `json:"stale"`

	Product  *Product  `json:"-" db:"-"`
	Location *Location `json:"-" db:"-"`
}

// IsNode marks an InventoryLevel as a Node.
func (*InventoryLevel) IsNode() {}

// Low reports whether the level is at or under its reorder point.
func (l *InventoryLevel) Low() bool { return l.Available <= l.ReorderPoint }

// Oversold is by how much what is promised exceeds what there is to keep it
// with, and 0 where it doesn't. A safety stock promises nothing to anybody.
func (l *InventoryLevel) Oversold() int { return max(l.Reserved+l.Committed+l.Unavailable-l.OnHand, 0) }

// InventoryState names one of a level's quantities.
type InventoryState string

// The states of stock. Available and shortfall follow from them.
const (
	StateOnHand      InventoryState = "ON_HAND"
	StateReserved    InventoryState = "RESERVED"
	StateCommitted   InventoryState = "COMMITTED"
	StateSafetyStock InventoryState = "SAFETY_STOCK"
	StateUnavailable InventoryState = "UNAVAILABLE"
	StateIncoming    InventoryState = "INCOMING"
)

// States lists the states in the order in which changes are told.
var States = []InventoryState{
	StateOnHand, StateReserved, StateCommitted, StateSafetyStock, StateUnavailable, StateIncoming,
}

// Quantity points at the quantity of a state.
func (l *InventoryLevel) Quantity(s InventoryState) *int {
	switch s {
	case StateOnHand:
		return &l.OnHand
	case StateReserved:
		return &l.Reserved
	case StateCommitted:
		return &l.Committed
	case StateSafetyStock:
		return &l.SafetyStock
	case StateUnavailable:
		return &l.Unavailable
	case StateIncoming:
		return &l.Incoming
	}
	return nil
}

// Delta is a change of some of a level's quantities.
type Delta map[InventoryState]int

// ErrNegative and ErrShort are why a change of a level is refused.
var (
	// ErrNegative: a quantity would exceed MaxQuantity, or fall below 0.
	ErrNegative = Invalid(nil, "a quantity of the level would fall below 0 or exceed %d", MaxQuantity)
	// ErrShort: less would be there than is taken or claimed.
	ErrShort = Errorf(CodeInsufficientStock, nil, "there is not enough available stock")
)

// Apply changes the level's quantities by a delta, with a new version, and
// returns what changed. A change of our own that would make the level short,
// or shorter, is refused with ErrShort; a fact that a supplier reports is
// taken, and shows as Shortfall; but nobody takes more than is on hand. Nothing
// is changed where an error comes back.
func (l *InventoryLevel) Apply(d Delta, fact bool) ([]QuantityChange, error) {
	next := *l
	changes := make([]QuantityChange, 0, len(d))
	for _, s := range States {
		n := d[s]
		if n == 0 {
			continue
		}
		q := next.Quantity(s)
		switch { // before the sum, which may be too large for an int
		case n < -*q && s == StateOnHand:
			return nil, ErrShort
		case n < -*q || n > MaxQuantity-*q:
			return nil, ErrNegative
		}
		*q += n
		changes = append(changes, QuantityChange{State: s, Delta: n, After: *q})
	}
	net := next.OnHand - next.Reserved - next.Committed - next.SafetyStock - next.Unavailable
	next.Available, next.Shortfall = max(net, 0), max(-net, 0)
	if next.Shortfall > l.Shortfall && !fact {
		return nil, ErrShort
	}
	next.Version++
	*l = next
	return changes, nil
}

// MovementReason says why stock changed.
type MovementReason string

// The reasons of movements.
const (
	ReasonReceived     MovementReason = "RECEIVED"
	ReasonSold         MovementReason = "SOLD"
	ReasonShipped      MovementReason = "SHIPPED"
	ReasonReturned     MovementReason = "RETURNED"
	ReasonCounted      MovementReason = "COUNTED"
	ReasonCorrected    MovementReason = "CORRECTED"
	ReasonDamaged      MovementReason = "DAMAGED"
	ReasonTransferred  MovementReason = "TRANSFERRED"
	ReasonSupplierFeed MovementReason = "SUPPLIER_FEED"
	ReasonReserved     MovementReason = "RESERVED"
	ReasonReleased     MovementReason = "RELEASED"
	ReasonExpired      MovementReason = "EXPIRED"
	ReasonCommitted    MovementReason = "COMMITTED"
	ReasonCancelled    MovementReason = "CANCELLED"
	// ReasonStale: its supplier has not confirmed the level in time. No quantity
	// changed.
	ReasonStale MovementReason = "STALE"
)

// InventoryMovement is one line of the append-only stock ledger.
type InventoryMovement struct {
	ID           string
	ProductID    string
	LocationID   string
	Changes      []QuantityChange
	Reason       MovementReason
	Reference    *string
	Actor        string
	LevelVersion int
	OccurredAt   time.Time
	RecordedAt   time.Time

	Product  *Product
	Location *Location
}

// IsNode marks an InventoryMovement as a Node.
func (*InventoryMovement) IsNode() {}

// QuantityChange is what one movement did to one state of a level.
type QuantityChange struct {
	State InventoryState `json:"state"`
	Delta int            `json:"delta"`
	After int            `json:"after"`
}

// Availability is what could be promised now for one wanted line.
type Availability struct {
	Product   *Product
	Requested int
	Available int
	Promises  []*Promise
}

// Promise is a part of what could be promised, from one location.
type Promise struct {
	Location     *Location
	Quantity     int
	LeadTimeDays *int
}

// Source is a location that could serve a line, for Allocate.
type Source struct {
	LocationID   string
	Code         string
	Kind         LocationKind
	LeadTimeDays *int
	Available    int
	// Stale says that its supplier has not confirmed it in time.
	Stale bool
	// SupplierID and SupplierCode are nil for our own locations, and
	// AcknowledgeWithin is how long a supplier may take to answer.
	SupplierID, SupplierCode *string
	AcknowledgeWithin        time.Duration
}

// before orders sources: our own before a supplier's, then the shorter lead
// time (an unknown one is the longest), then one that can serve it all, then
// by code so that the choice is always the same.
func (s Source) before(t Source, want int) bool {
	if a, b := s.Kind == LocationSupplier, t.Kind == LocationSupplier; a != b {
		return b
	}
	if a, b := leadTime(s), leadTime(t); a != b {
		return a < b
	}
	if a, b := s.Available >= want, t.Available >= want; a != b {
		return a
	}
	return s.Code < t.Code
}

func leadTime(s Source) int {
	switch {
	case s.LeadTimeDays != nil:
		return *s.LeadTimeDays
	case s.Kind == LocationSupplier:
		return MaxQuantity
	}
	return 0
}
