// Package demo holds what `--demo` loads into an empty database: the suppliers,
// products, stock and orders of the Northwind sample, read into base units and
// exact money, and an auto-parts catalogue in three warehouses.
//
// The data is CSV, embedded in the binary. Load reads and checks all of it and
// returns plain values that refer to each other by code, SKU and number; what
// becomes of them is the caller's business. README.md beside this file tells
// where the data is from and what its columns mean.
package demo

import "time"

// Dataset is all of the demo data. Every reference in it resolves: each SKU,
// supplier code and location code that is named is in its list, once. The
// lists are sorted as their comments say, so that two loads are equal.
type Dataset struct {
	Suppliers     []Supplier     // by code
	Locations     []Location     // by code
	Products      []Product      // by SKU
	SupplierItems []SupplierItem // by product SKU; one for each Northwind product
	Levels        []Level        // by product SKU, then location code
	Customers     []Customer     // by id
	Orders        []Order        // oldest first, then by number
}

// Supplier is a company that keeps and ships its own stock.
type Supplier struct {
	Code string // slug of the name: lower-case ASCII letters, digits and hyphens
	Name string
}

// The kinds of location that the data has, named as in the contract's
// LocationKind.
const (
	KindWarehouse = "WAREHOUSE"
	KindSupplier  = "SUPPLIER"
)

// Location is a place that holds stock: one of our own warehouses, or the one
// place of a supplier, which has the supplier's code and name.
type Location struct {
	Code         string
	Name         string
	Kind         string // KindWarehouse or KindSupplier
	SupplierCode string // empty for a warehouse
	LeadTimeDays int    // from ordering to arrival, at least 1
}

// Attribute is one fact about a product, for people to read.
type Attribute struct {
	Name  string
	Value string
}

// Product is something to sell, counted and priced in its base unit.
type Product struct {
	SKU         string
	Name        string
	Description string // empty where the data has none
	Brand       string // empty where the data has none
	Category    string
	BaseUnit    string // as in the contract's UnitOfMeasure
	Price       string // of one base unit: exact decimal, 2 to 6 decimals
	Currency    string // ISO 4217
	Active      bool   // false: withdrawn, though stock may be left
	Attributes  []Attribute
}

// SupplierItem is how a supplier names, packs and prices a product.
type SupplierItem struct {
	SupplierCode string
	ProductSKU   string
	SupplierSKU  string // unique for the supplier
	Unit         string // the supplier's unit, as in the contract's UnitOfMeasure
	PackQuantity int    // base units in one supplier unit, at least 1
	Cost         string // of one supplier unit: exact decimal, 2 to 6 decimals
	Currency     string // ISO 4217
}

// Level is the stock of one product at one location, in base units. SafetyStock
// is never more than OnHand, so that no level starts with a shortfall.
type Level struct {
	ProductSKU   string
	LocationCode string
	OnHand       int
	Incoming     int
	ReorderPoint int
	SafetyStock  int
}

// Customer is whoever placed an order, under the shop's own id.
type Customer struct {
	ID   string
	Name string
}

// Address is where an order goes. Region and PostalCode may be empty.
type Address struct {
	Name       string
	Lines      []string
	City       string
	Region     string
	PostalCode string
	Country    string // as in the data: "UK", "USA", "Germany"
}

// Order is an order of Northwind's. It is history if ShippedAt is set, and
// open, with all of its lines still to be allocated, if it is nil.
type Order struct {
	Number       string
	CustomerID   string
	CustomerName string
	ShipTo       Address
	PlacedAt     time.Time  // midnight UTC of the order's date
	ShippedAt    *time.Time // midnight UTC; when it was delivered, too: the data has no other date
	Carrier      string     // who shipped it, or is to
	Currency     string     // ISO 4217, of every line
	Lines        []OrderLine
	Total        string // sum of the lines' totals, 2 decimals
}

// OrderLine is a product on an order, both as the supplier counts and prices it
// and in base units. No product is twice on an order.
type OrderLine struct {
	ProductSKU   string
	SupplierCode string // who supplies the product; its location has the same code
	SupplierSKU  string
	SupplierUnit string
	PackQuantity int // base units in one supplier unit

	SupplierQuantity  int    // in supplier units, at least 1
	SupplierUnitPrice string // of one supplier unit, before discount; the data's own decimal
	DiscountRate      string // a fraction from 0 to 1; the data's own decimal

	Quantity  int    // base units: SupplierQuantity × PackQuantity
	UnitPrice string // of one base unit, before discount: half-even to 6 decimals
	Discount  string // 2 decimals, never negative: price × quantity − Total
	Total     string // SupplierUnitPrice × SupplierQuantity × (1 − DiscountRate), half-even to 2 decimals
}
