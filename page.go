package redline

// PageMax is the most that one page holds.
const PageMax = 250

// PageRequest asks for a page of a list: the First after a cursor, or the Last
// before one. Neither means the first 50.
type PageRequest struct {
	First  *int
	After  *string
	Last   *int
	Before *string
	// Count asks for the length of the whole list too, which costs a query.
	Count bool
}

// Page is a part of a list in its order.
type Page[T any] struct {
	Items []T
	// Cursors has one for each item, to go on after it or before it.
	Cursors     []string
	HasNext     bool
	HasPrevious bool
	// Total is the length of the whole list where it was asked for, and nil
	// where it is more than 10,000.
	Total *int
}
