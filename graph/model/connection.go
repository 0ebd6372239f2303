package model

import "redline"

// Connection is a page of a list as the contract shows it.
type Connection[T any] struct{ Page *redline.Page[T] }

// Edge is one item of a page with its cursor.
type Edge[T any] struct {
	Cursor string
	Node   T
}

// PageInfo says what lies before and after a page.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	StartCursor     *string
	EndCursor       *string
}

// Nodes are the items of the page.
func (c *Connection[T]) Nodes() []T { return c.Page.Items }

// Edges are the items of the page with their cursors.
func (c *Connection[T]) Edges() []Edge[T] {
	edges := make([]Edge[T], len(c.Page.Items))
	for i, item := range c.Page.Items {
		edges[i] = Edge[T]{Cursor: c.Page.Cursors[i], Node: item}
	}
	return edges
}

// PageInfo says what lies before and after the page.
func (c *Connection[T]) PageInfo() PageInfo {
	info := PageInfo{HasNextPage: c.Page.HasNext, HasPreviousPage: c.Page.HasPrevious}
	if n := len(c.Page.Cursors); n > 0 {
		info.StartCursor, info.EndCursor = &c.Page.Cursors[0], &c.Page.Cursors[n-1]
	}
	return info
}

// TotalCount is the length of the whole list, nil where it wasn't asked for or
// is too long to be counted.
func (c *Connection[T]) TotalCount() *int { return c.Page.Total }

// The connections and edges of the contract.
type (
	// ProductConnection is a page of products.
	ProductConnection = Connection[*redline.Product]
	// ProductEdge is a product in a page.
	ProductEdge = Edge[*redline.Product]
	// SupplierConnection is a page of suppliers.
	SupplierConnection = Connection[*redline.Supplier]
	// SupplierEdge is a supplier in a page.
	SupplierEdge = Edge[*redline.Supplier]
	// SupplierItemConnection is a page of supplier items.
	SupplierItemConnection = Connection[*redline.SupplierItem]
	// SupplierItemEdge is a supplier item in a page.
	SupplierItemEdge = Edge[*redline.SupplierItem]
	// SupplierFeedConnection is a page of what came of a supplier's feeds.
	SupplierFeedConnection = Connection[*redline.SupplierFeed]
	// SupplierFeedEdge is what came of a feed in a page.
	SupplierFeedEdge = Edge[*redline.SupplierFeed]
	// InventoryLevelConnection is a page of levels.
	InventoryLevelConnection = Connection[*redline.InventoryLevel]
	// InventoryLevelEdge is a level in a page.
	InventoryLevelEdge = Edge[*redline.InventoryLevel]
	// InventoryMovementConnection is a page of the ledger.
	InventoryMovementConnection = Connection[*redline.InventoryMovement]
	// InventoryMovementEdge is a movement in a page.
	InventoryMovementEdge = Edge[*redline.InventoryMovement]
	// OrderConnection is a page of orders.
	OrderConnection = Connection[*redline.Order]
	// OrderEdge is an order in a page.
	OrderEdge = Edge[*redline.Order]
	// FulfillmentOrderConnection is a page of fulfilment orders.
	FulfillmentOrderConnection = Connection[*redline.FulfillmentOrder]
	// FulfillmentOrderEdge is a fulfilment order in a page.
	FulfillmentOrderEdge = Edge[*redline.FulfillmentOrder]
	// ConflictConnection is a page of conflicts.
	ConflictConnection = Connection[*redline.Conflict]
	// ConflictEdge is a conflict in a page.
	ConflictEdge = Edge[*redline.Conflict]
	// AuditEntryConnection is a page of the audit.
	AuditEntryConnection = Connection[*redline.AuditEntry]
	// AuditEntryEdge is an audit entry in a page.
	AuditEntryEdge = Edge[*redline.AuditEntry]
	// ClientConnection is a page of OAuth clients.
	ClientConnection = Connection[*redline.Client]
	// ClientEdge is an OAuth client in a page.
	ClientEdge = Edge[*redline.Client]
)
