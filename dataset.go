package redline

// Dataset is what an empty database can be filled with in one go. Relations
// are set by the ids in it.
type Dataset struct {
	Suppliers     []*Supplier
	Locations     []*Location
	LeadTimeDays  map[string]int // by location id
	Products      []*Product
	SupplierItems []*SupplierItem
	// Levels carry their opening quantities; each opens with a ledger line.
	Levels []*InventoryLevel
	// Orders are complete, with lines, parts, shipments and history. What their
	// parts hold open is committed at their levels.
	Orders []*Order
}
