package graph

import (
	"context"
	"slices"
	"time"

	"redline"
	"redline/graph/model"
)

// subscription has the resolvers of the type Subscription.
type subscription struct{ *resolver }

// eventTimeout bounds what is read beside events. They are told without it where
// that takes longer.
const eventTimeout = 10 * time.Second

// teller is how a subscription tells what it follows: as what, and where to note
// what came of reading what was asked for beside it.
type teller[T any] struct {
	query  redline.LiveQuery
	tell   func(redline.Telling) *T
	beside func(*T) *model.Beside
}

// follow has the live engine follow a query for the operation of ctx. What it has
// told comes by the channel, which has room for it: nobody waits here.
func follow[T any](ctx context.Context, r *resolver, t teller[T]) (<-chan *T, error) {
	told := make(chan *T, redline.TellMax)
	t.query.Tell = func(what []redline.Telling) {
		for _, next := range prepareAll(ctx, r, t, what) {
			told <- next
		}
	}
	if err := r.live.Follow(ctx, &t.query); err != nil {
		return nil, err
	}
	return told, nil
}

// prepareAll makes what is told, with all that was asked for beside it. That is
// read together; where it can't be, each thing is told with what there is beside
// it alone.
func prepareAll[T any](ctx context.Context, r *resolver, t teller[T], what []redline.Telling) []*T {
	out := prepare(ctx, r, t, what)
	if len(what) > 1 && t.beside(out[0]).Err != nil {
		out = out[:0]
		for i := range what {
			out = append(out, prepare(ctx, r, t, what[i:i+1])...)
		}
	}
	return out
}

// prepare makes what is told, and reads what was asked for beside it at once.
func prepare[T any](ctx context.Context, r *resolver, t teller[T], what []redline.Telling) (out []*T) {
	out = make([]*T, len(what))
	prepared := r.newAnswer(ctx)
	shown := func(ctx context.Context) { answerFrom(ctx).adopt(prepared) }
	var events []*redline.Event
	var subjects []*T
	for i, one := range what {
		out[i] = t.tell(one)
		t.beside(out[i]).Shown = shown
		if one.Event != nil {
			events, subjects = append(events, one.Event), append(subjects, out[i])
		}
	}
	if len(events) == 0 {
		return out
	}
	if err := loadBeside(withAnswer(ctx, prepared), r, events, subjects); err != nil {
		for _, next := range out {
			t.beside(next).Err = err
		}
	}
	return out
}

// loadBeside reads what was asked for beside events. A panic in it is an error.
func loadBeside[T any](ctx context.Context, r *resolver, events []*redline.Event, subjects []*T) (err error) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, r.log, v)
			err = errPanicked
		}
	}()
	p := r.preloader(ctx)
	p.events = events
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	return load(ctx, p, subjects)
}

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

// state reads the subjects of a query, and leaves those that meet its filter as
// events do.
func state(read func(context.Context) (*redline.State, error), meets func(*redline.Event) bool) func(context.Context) (*redline.State, error) {
	return func(ctx context.Context) (*redline.State, error) {
		s, err := read(ctx)
		if err != nil {
			return nil, err
		}
		s.Events = slices.DeleteFunc(s.Events, func(e *redline.Event) bool { return !meets(e) })
		return s, nil
	}
}

// AvailabilityChanged tells anybody what storefronts would notice.
func (s subscription) AvailabilityChanged(
	ctx context.Context, filter *model.AvailabilityLiveFilter, after *string, snapshot bool, delivery model.Delivery,
) (<-chan *model.AvailabilityEvent, error) {
	f, err := availabilityFilter(filter)
	if err != nil {
		return nil, err
	}
	change := func(*redline.Event) model.EventKind { return model.EventKindChange }
	return follow(ctx, s.resolver, teller[model.AvailabilityEvent]{
		query: redline.LiveQuery{
			Type: redline.EventLevel, Terms: f.terms(redline.Anonymous()),
			After: after, Snapshot: snapshot, Latest: delivery == model.DeliveryLatest,
			Wants: func(e *redline.Event) bool { return e.Level.ChangesAvailability() && f.concerns(e.Level) },
			State: state(func(ctx context.Context) (*redline.State, error) {
				return s.store.AvailabilityState(ctx, f.stored())
			}, func(e *redline.Event) bool { return e.Level.Active && f.concerns(e.Level) }),
		},
		tell: func(what redline.Telling) *model.AvailabilityEvent {
			next := &model.AvailabilityEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, change), At: atOf(what)}
			if what.Event != nil {
				level := what.Event.Level.Level
				next.Available, next.Stale, next.Of = &level.Available, &level.Stale, &level
			}
			return next
		},
		beside: func(e *model.AvailabilityEvent) *model.Beside { return &e.Beside },
	})
}

// InventoryChanged tells of levels to whoever may see them.
func (s subscription) InventoryChanged(
	ctx context.Context, filter *model.InventoryLiveFilter, after *string, snapshot bool, delivery model.Delivery,
) (<-chan *model.InventoryEvent, error) {
	p := redline.PrincipalFrom(ctx)
	f, err := inventoryFilter(filter)
	if err != nil {
		return nil, err
	}
	kind := func(e *redline.Event) model.EventKind { return f.kind(e.Level) }
	return follow(ctx, s.resolver, teller[model.InventoryEvent]{
		query: redline.LiveQuery{
			Type: redline.EventLevel, Terms: f.terms(p),
			After: after, Snapshot: snapshot, Latest: delivery == model.DeliveryLatest,
			Wants: func(e *redline.Event) bool { return e.Level.VisibleTo(p) && kind(e) != "" },
			State: state(func(ctx context.Context) (*redline.State, error) {
				return s.store.LevelsState(ctx, p, f.stored())
			}, func(e *redline.Event) bool { return e.Level.VisibleTo(p) && kind(e) == model.EventKindChange }),
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
	})
}

// OrderChanged tells of orders to whoever may see them, as they may see them.
func (s subscription) OrderChanged(
	ctx context.Context, filter *model.OrderLiveFilter, after *string, snapshot bool, delivery model.Delivery,
) (<-chan *model.OrderEvent, error) {
	p := redline.PrincipalFrom(ctx)
	f, err := liveOrderFilter(filter)
	if err != nil {
		return nil, err
	}
	kind := func(e *redline.Event) model.EventKind { return f.kind(e.Order, p) }
	return follow(ctx, s.resolver, teller[model.OrderEvent]{
		query: redline.LiveQuery{
			Type: redline.EventOrder, Terms: f.terms(p),
			After: after, Snapshot: snapshot, Latest: delivery == model.DeliveryLatest,
			Wants: func(e *redline.Event) bool { return e.Order.VisibleTo(p) && kind(e) != "" },
			State: state(func(ctx context.Context) (*redline.State, error) {
				stored, ids := f.stored()
				return s.store.OrdersState(ctx, p, stored, ids)
			}, func(e *redline.Event) bool { return e.Order.Order.VisibleTo(p) && kind(e) == model.EventKindChange }),
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
	})
}

// ConflictChanged tells of conflicts to whoever may see them, as they may see them.
func (s subscription) ConflictChanged(ctx context.Context, after *string, snapshot bool) (<-chan *model.ConflictEvent, error) {
	p := redline.PrincipalFrom(ctx)
	change := func(*redline.Event) model.EventKind { return model.EventKindChange }
	visible := func(e *redline.Event) bool { return e.Conflict.VisibleTo(p) }
	return follow(ctx, s.resolver, teller[model.ConflictEvent]{
		query: redline.LiveQuery{
			Type: redline.EventConflict, Terms: termsOfSupplier(p), After: after, Snapshot: snapshot, Wants: visible,
			State: state(func(ctx context.Context) (*redline.State, error) { return s.store.ConflictsState(ctx, p) }, visible),
		},
		tell: func(what redline.Telling) *model.ConflictEvent {
			next := &model.ConflictEvent{Cursor: what.Cursor, Kind: kindOfTelling(what, change), At: atOf(what)}
			if what.Event != nil {
				conflict := *what.Event.Conflict.Conflict.For(p)
				next.Of = &conflict
			}
			return next
		},
		beside: func(e *model.ConflictEvent) *model.Beside { return &e.Beside },
	})
}
