package graph

import (
	"time"

	"redline"
	"redline/graph/model"
)

// teller is how events of one type are told a principal, by a subscription or by
// Query.events: which of them, as what, and where to note what came of reading
// what was asked for beside one. Its query has the Type, the Terms and Wants.
type teller[T any] struct {
	query  redline.LiveQuery
	tell   func(redline.Telling) *T
	beside func(*T) *model.Beside
}

// availabilityTeller tells anybody what storefronts would notice.
func availabilityTeller(f *levelFilter) teller[model.AvailabilityEvent] {
	return teller[model.AvailabilityEvent]{
		query: redline.LiveQuery{
			Type: redline.EventLevel, Terms: f.terms(redline.Anonymous()),
			Wants: func(e *redline.Event) bool { return e.Level.ChangesAvailability() && f.concerns(e.Level) },
		},
		tell: func(what redline.Telling) *model.AvailabilityEvent {
			next := &model.AvailabilityEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, unfiltered), At: atOf(what)}
			if what.Event != nil {
				level := what.Event.Level.Level
				next.Available, next.Stale, next.Of = &level.Available, &level.Stale, &level
			}
			return next
		},
		beside: func(e *model.AvailabilityEvent) *model.Beside { return &e.Beside },
	}
}

// inventoryTeller tells of levels to whoever may see them.
func inventoryTeller(p redline.Principal, f *levelFilter) teller[model.InventoryEvent] {
	kind := func(e *redline.Event) model.EventKind { return f.kind(e.Level) }
	return teller[model.InventoryEvent]{
		query: redline.LiveQuery{
			Type: redline.EventLevel, Terms: f.terms(p),
			Wants: func(e *redline.Event) bool { return e.Level.VisibleTo(p) && kind(e) != "" },
		},
		tell: func(what redline.Telling) *model.InventoryEvent {
			next := &model.InventoryEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, kind), At: atOf(what)}
			if what.Event != nil {
				level := what.Event.Level.Level
				next.Of = &level
			}
			if what.Event != nil && !what.InState {
				reason := what.Event.Level.Reason
				next.Reason, next.Changes = &reason, what.Event.Level.Changes
			}
			return next
		},
		beside: func(e *model.InventoryEvent) *model.Beside { return &e.Beside },
	}
}

// orderTeller tells of orders to whoever may see them, as they may see them.
func orderTeller(p redline.Principal, f *orderFilter) teller[model.OrderEvent] {
	kind := func(e *redline.Event) model.EventKind { return f.kind(e.Order, p) }
	return teller[model.OrderEvent]{
		query: redline.LiveQuery{
			Type: redline.EventOrder, Terms: f.terms(p),
			Wants: func(e *redline.Event) bool { return e.Order.VisibleTo(p) && kind(e) != "" },
		},
		tell: func(what redline.Telling) *model.OrderEvent {
			next := &model.OrderEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, kind), At: atOf(what)}
			if what.Event == nil {
				return next
			}
			e := what.Event.Order
			to := e.To
			next.From, next.To, next.Of = e.From, &to, orderAsTold(e, p)
			if id := e.FulfillmentOrderID; id != nil {
				next.Part = next.Of.Part(*id)
			}
			return next
		},
		beside: func(e *model.OrderEvent) *model.Beside { return &e.Beside },
	}
}

// conflictTeller tells of conflicts to whoever may see them, as they may see them.
func conflictTeller(p redline.Principal) teller[model.ConflictEvent] {
	return teller[model.ConflictEvent]{
		query: redline.LiveQuery{
			Type: redline.EventConflict, Terms: termsOfSupplier(p),
			Wants: func(e *redline.Event) bool { return e.Conflict.VisibleTo(p) },
		},
		tell: func(what redline.Telling) *model.ConflictEvent {
			next := &model.ConflictEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, unfiltered), At: atOf(what)}
			if what.Event != nil {
				conflict := *what.Event.Conflict.Conflict.For(p)
				next.Of = &conflict
			}
			return next
		},
		beside: func(e *model.ConflictEvent) *model.Beside { return &e.Beside },
	}
}

// unfiltered is what an event is where no filter makes anything else of it.
func unfiltered(*redline.Event) model.EventKind { return model.EventKindChange }

// kindOfTelling is what is told: of an event, what it is under the filter.
func kindOfTelling(what redline.Telling, filtered func(*redline.Event) model.EventKind) model.EventKind {
	switch {
	case what.Event == nil:
		return model.EventKindCaughtUp
	case what.InState:
		return model.EventKindSnapshot
	}
	return filtered(what.Event)
}

// atOf is when what is told came to be.
func atOf(what redline.Telling) time.Time {
	if what.Event == nil {
		return what.At
	}
	return what.Event.At
}
