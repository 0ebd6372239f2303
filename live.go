package redline

import (
	"context"
	"slices"
	"time"
)

// LiveQuery is what a live operation wants of the event log. A resolver makes
// one and hands it to the live engine, which decides when something is told.
type LiveQuery struct {
	// Type is the type of the events that it tells of.
	Type string
	// Terms narrow it: an event can only be of interest if one of its own Terms
	// is among them. Nil narrows nothing. They are there so that an event costs
	// nothing to whom it doesn't concern; Wants decides.
	Terms []Term
	// Wants reports whether an event of the type is told. It is called often,
	// from one goroutine at a time, and must be quick.
	Wants func(*Event) bool
	// Tell makes the next answers of the operation ready: one for each thing to
	// tell, in this order, of which there are at most TellMax. It is not called
	// again before they were all taken.
	Tell func(what []Telling)
	// State reads all that the query is about as it is now, in one snapshot.
	State func(ctx context.Context) (*State, error)

	// After is the position behind which events are told, as the caller gave it;
	// nil is from now on.
	After *string
	// Snapshot says that what there is is told first.
	Snapshot bool
	// Latest says that a slow reader wants the newest change of each subject,
	// rather than every one.
	Latest bool
}

// TellMax is how many answers a live query may be asked to make ready at once.
const TellMax = 64

// Telling is one thing that a live query tells: an event, a subject as a
// snapshot has it, or, without an event, that all there was has been told.
type Telling struct {
	Event *Event
	// InState is true where Event is a subject of a State.
	InState bool
	// Cursor is what to tell as its position.
	Cursor string
	// At is when all there was has been told, where there is no Event.
	At time.Time
}

// State is what a live query is about, as one snapshot of the database has it.
type State struct {
	// Events are the subjects, in a stable order. Each is an event that has
	// neither an id nor a state before, and whose At is when the state was read.
	Events []*Event
	// Seen are the transactions whose changes the state contains.
	Seen TxSnapshot
	// UpTo is a position of the log that all those transactions' events are
	// within.
	UpTo int64
}

// TxSnapshot is which transactions a snapshot of Postgres saw: the content of a
// pg_snapshot.
type TxSnapshot struct {
	// Xmin is the oldest transaction that was running, Xmax the first that had
	// not begun.
	Xmin, Xmax uint64
	// Running are those between the two that were running, in rising order.
	Running []uint64
}

// Saw reports whether the changes of a transaction were visible, as
// pg_visible_in_snapshot does of one that has committed.
func (s TxSnapshot) Saw(xid uint64) bool {
	if xid < s.Xmin {
		return true
	}
	if xid >= s.Xmax {
		return false
	}
	_, running := slices.BinarySearch(s.Running, xid)
	return !running
}

// TermKind is what a Term names.
type TermKind uint8

// The kinds of terms. A conflict has those of its supplier alone.
const (
	TermProduct  TermKind = iota + 1 // a product's id
	TermSKU                          // a product's SKU
	TermLocation                     // a location's id
	TermSupplier                     // a supplier's id
	TermCode                         // a supplier's code
	TermCategory                     // a product's category
	TermOrder                        // an order's id
	TermCustomer                     // the shop's own id of a customer
	TermOwner                        // the subject that placed an order
)

// Term is one thing that an event is about.
type Term struct {
	Kind  TermKind
	Value string
}

// Terms are all that an event is about, each once. What it isn't among them for
// is of no interest to a LiveQuery that names terms of that kind.
func (e *Event) Terms() []Term {
	switch {
	case e.Level != nil:
		return e.Level.terms()
	case e.Order != nil:
		return e.Order.terms()
	case e.Conflict != nil:
		return e.Conflict.terms()
	}
	return nil
}

func (e *LevelEvent) terms() []Term {
	terms := []Term{
		{TermProduct, e.Level.ProductID}, {TermSKU, e.SKU}, {TermLocation, e.Level.LocationID}, {TermCategory, e.Category},
	}
	if e.SupplierID != nil {
		terms = append(terms, Term{TermSupplier, *e.SupplierID})
	}
	if e.SupplierCode != nil {
		terms = append(terms, Term{TermCode, *e.SupplierCode})
	}
	return terms
}

func (e *OrderEvent) terms() []Term {
	terms := []Term{{TermOrder, e.Order.ID}, {TermOwner, e.Order.OwnerSubject}}
	add := func(kind TermKind, value *string) {
		if value != nil && !slices.Contains(terms, Term{kind, *value}) {
			terms = append(terms, Term{kind, *value})
		}
	}
	if c := e.Order.Customer; c != nil {
		add(TermCustomer, c.ID)
	}
	for _, l := range e.Order.Lines {
		add(TermProduct, &l.ProductID)
	}
	for _, f := range e.Order.FulfillmentOrders {
		add(TermSupplier, f.SupplierID)
	}
	for _, code := range e.Suppliers {
		add(TermCode, &code)
	}
	return terms
}

func (e *ConflictEvent) terms() []Term {
	if e.SupplierCode == nil {
		return nil
	}
	return []Term{{TermCode, *e.SupplierCode}}
}
