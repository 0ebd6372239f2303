package redline

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"time"
)

// UnitOfMeasure is what a quantity counts. Products are counted in a base
// unit; a supplier may sell them by another.
type UnitOfMeasure string

// The units of the contract.
const (
	UnitPiece    UnitOfMeasure = "PIECE"
	UnitBottle   UnitOfMeasure = "BOTTLE"
	UnitJar      UnitOfMeasure = "JAR"
	UnitCan      UnitOfMeasure = "CAN"
	UnitBag      UnitOfMeasure = "BAG"
	UnitBox      UnitOfMeasure = "BOX"
	UnitPack     UnitOfMeasure = "PACK"
	UnitCase     UnitOfMeasure = "CASE"
	UnitSet      UnitOfMeasure = "SET"
	UnitPair     UnitOfMeasure = "PAIR"
	UnitKilogram UnitOfMeasure = "KILOGRAM"
	UnitLitre    UnitOfMeasure = "LITRE"
)

// Units lists all units.
var Units = []UnitOfMeasure{
	UnitPiece, UnitBottle, UnitJar, UnitCan, UnitBag, UnitBox, UnitPack, UnitCase, UnitSet, UnitPair, UnitKilogram, UnitLitre,
}

// Product is something that a storefront sells. Its stock is counted in
// BaseUnit. Products are withdrawn (Active false), never deleted.
//
// The fields below the blank line are relations: filled where a query asks for
// them, nil otherwise.
type Product struct {
	ID          string
	SKU         string
	Name        string
	Description *string
	Brand       *string
	Category    string
	BaseUnit    UnitOfMeasure `db:"base_unit"`
	Price       Money
	Active      bool
	Attributes  Attributes
	Version     int
	CreatedAt   time.Time `db:"created_at"`
	UpdatedAt   time.Time `db:"updated_at"`

	Availability *ProductAvailability `db:"-"`
	// Fresh is Availability without what is stale, filled where it is asked for.
	Fresh         *ProductAvailability `db:"-"`
	Inventory     *ProductInventory    `db:"-"`
	SupplierItems []*SupplierItem      `db:"-"`
}

// ProductParts says what of products to load. The zero value is all but the
// relations.
type ProductParts struct {
	Availability bool
	// Brief leaves out what is long or seldom asked for: Description, Attributes,
	// CreatedAt and UpdatedAt stay empty.
	Brief bool
}

// Attribute is a named fact, such as a brake disc's diameter.
type Attribute struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Attributes is a list of named facts in the order that they were given.
type Attributes []Attribute

// ProductAvailability is what of a product can be sold, and from where.
type ProductAvailability struct {
	Available int
	Locations []*LocationAvailability
}

// Fresh is what of it isn't stale.
func (a *ProductAvailability) Fresh() *ProductAvailability {
	var fresh []*LocationAvailability
	for _, at := range a.Locations {
		if !at.Stale {
			fresh = append(fresh, at)
		}
	}
	return TotalAvailability(fresh)
}

// LocationAvailability is what of a product can be sold from one location.
type LocationAvailability struct {
	ProductID  string `db:"product_id"`
	LocationID string `db:"location_id"`
	Available  int
	Stale      bool
	AsOf       time.Time `db:"as_of"`

	Location *Location `db:"-"`
}

// ProductInventory totals the levels that the caller may see.
type ProductInventory struct {
	OnHand    int
	Available int
	Incoming  int
	// Low is true where every level is at or under its reorder point.
	Low    bool
	Levels []*InventoryLevel
}

// TotalLevels adds levels up. A level that is short takes nothing from the
// others: it has 0 available. Sums stop at the contract's 32 bits.
func TotalLevels(levels []*InventoryLevel) *ProductInventory {
	t := &ProductInventory{Low: len(levels) > 0, Levels: levels}
	for _, l := range levels {
		t.OnHand = addInt32(t.OnHand, l.OnHand)
		t.Available = addInt32(t.Available, l.Available)
		t.Incoming = addInt32(t.Incoming, l.Incoming)
		t.Low = t.Low && l.Low()
	}
	return t
}

// TotalAvailability adds up what can be sold. Sums stop at 32 bits.
func TotalAvailability(at []*LocationAvailability) *ProductAvailability {
	t := &ProductAvailability{Locations: at}
	for _, l := range at {
		t.Available = addInt32(t.Available, l.Available)
	}
	return t
}

func addInt32(a, b int) int { return min(a+b, 1<<31-1) }

// Supplier is a third party whose stock and fulfilment we show as ours.
type Supplier struct {
	ID   string
	Code string
	Name string
	// LastSeenAt is when it last told us anything; nil where it never has.
	LastSeenAt *time.Time `db:"last_seen_at"`

	// Standing is filled where a query asks for it, for those who may know.
	Standing *SupplierStanding `db:"-"`
}

// SupplierStatus says how a supplier keeps to what was agreed.
type SupplierStatus string

// The statuses of a supplier. DEGRADED: its calls fail and are retried, or it
// has been silent for longer than agreed. DOWN: the circuit is open.
const (
	SupplierUp       SupplierStatus = "UP"
	SupplierDegraded SupplierStatus = "DEGRADED"
	SupplierDown     SupplierStatus = "DOWN"
)

// SupplierStanding is how a supplier stands with us.
type SupplierStanding struct {
	// LastSeenAt is when it last told us anything; nil where it never has.
	LastSeenAt *time.Time
	Status     SupplierStatus
	Terms      SupplierTerms
}

// SupplierTerms are what was agreed with a supplier.
type SupplierTerms struct {
	// ConfirmWithinSeconds is how long a level stays confirmed; nil is for ever.
	ConfirmWithinSeconds *int `db:"confirm_within_seconds"`
	// AcknowledgeWithinSeconds is how long it may take to answer its part of an
	// order. Default: a day.
	AcknowledgeWithinSeconds int `db:"acknowledge_within_seconds"`
	// ZeroingLimitPercent is the share of its levels with stock that a FULL feed
	// may empty; more waits for a person. Default: 20.
	ZeroingLimitPercent int `db:"zeroing_limit_percent"`
	Version             int
}

// Outdated reports whether what was confirmed at a moment has not been for
// longer than was agreed.
func (t SupplierTerms) Outdated(confirmed, now time.Time) bool {
	return t.ConfirmWithinSeconds != nil && now.Sub(confirmed) > time.Duration(*t.ConfirmWithinSeconds)*time.Second
}

// SupplierItem is how one supplier names, packs and prices one product.
type SupplierItem struct {
	ID          string
	SupplierID  string `db:"supplier_id"`
	ProductID   string `db:"product_id"`
	SupplierSKU string `db:"supplier_sku"`
	GTIN        *string
	// Unit is the supplier's; PackQuantity is how many base units one of it holds.
	Unit         UnitOfMeasure
	PackQuantity int `db:"pack_quantity"`
	// MinimumOrderQuantity and OrderMultiple are in supplier units.
	MinimumOrderQuantity int  `db:"minimum_order_quantity"`
	OrderMultiple        int  `db:"order_multiple"`
	LeadTimeDays         *int `db:"lead_time_days"`
	// Cost is for one supplier unit, and nil for whoever may not see it.
	Cost    *Money
	Version int

	Supplier *Supplier              `db:"-"`
	Product  *Product               `db:"-"`
	Versions []*SupplierItemVersion `db:"-"`
}

// SupplierItemVersion is a supplier's item as it was from one change to the
// next. What was ordered under one keeps its pack.
type SupplierItemVersion struct {
	SupplierItemID       string `db:"supplier_item_id"`
	Version              int
	ProductID            string `db:"product_id"`
	GTIN                 *string
	Unit                 UnitOfMeasure
	PackQuantity         int  `db:"pack_quantity"`
	MinimumOrderQuantity int  `db:"minimum_order_quantity"`
	OrderMultiple        int  `db:"order_multiple"`
	LeadTimeDays         *int `db:"lead_time_days"`
	// Cost is nil for whoever may not see it.
	Cost  *Money
	Actor string
	At    time.Time

	Product *Product `db:"-"`
}

// SupplierQuantity is what to order of the supplier for a number of base
// units: rounded up to whole packs, to the minimum and to the multiple.
func SupplierQuantity(base, pack, minimum, multiple int) int {
	n := max((base+pack-1)/pack, minimum)
	return (n + multiple - 1) / multiple * multiple
}

// LocationKind says whose a location is and what happens there.
type LocationKind string

// The kinds of location. Only a SUPPLIER location belongs to a supplier.
const (
	LocationWarehouse LocationKind = "WAREHOUSE"
	LocationStore     LocationKind = "STORE"
	LocationSupplier  LocationKind = "SUPPLIER"
)

// Location is a place where stock lies.
type Location struct {
	ID         string
	Code       string
	Name       string
	Kind       LocationKind
	SupplierID *string `db:"supplier_id"`

	Supplier *Supplier `db:"-"`
}

// The marker methods make these types members of the contract's interface Node.

// IsNode marks a Product as a Node.
func (*Product) IsNode() {}

// IsNode marks a Supplier as a Node.
func (*Supplier) IsNode() {}

// IsNode marks a SupplierItem as a Node.
func (*SupplierItem) IsNode() {}

// IsNode marks a Location as a Node.
func (*Location) IsNode() {}

// Scan reads a jsonb column.
func (a *Attributes) Scan(src any) error {
	b, ok := src.([]byte)
	if !ok {
		return fmt.Errorf("reading attributes: got %T", src)
	}
	return json.Unmarshal(b, a)
}

// Value writes a jsonb column.
func (a Attributes) Value() (driver.Value, error) {
	if a == nil {
		return "[]", nil
	}
	b, err := json.Marshal([]Attribute(a))
	return string(b), err
}
