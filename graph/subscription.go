package graph

import (
	"context"
	"errors"
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
	if len(what) > 1 && t.beside(out[0]).Err != nil && !isSlow(t.beside(out[0]).Err) {
		out = out[:0]
		for i := range what {
			out = append(out, prepare(ctx, r, t, what[i:i+1])...)
		}
	}
	return out
}

// isSlow reports whether reading failed because of the database, which would fail
// for each of several as it did for all of them.
func isSlow(err error) bool {
	return redline.HasCode(err, redline.CodeUnavailable) || errors.Is(err, context.DeadlineExceeded)
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
	t := availabilityTeller(f)
	t.query.After, t.query.Snapshot, t.query.Latest = after, snapshot, delivery == model.DeliveryLatest
	t.query.State = state(func(ctx context.Context) (*redline.State, error) {
		return s.store.AvailabilityState(ctx, f.stored())
	}, func(e *redline.Event) bool { return e.Level.Active && f.concerns(e.Level) })
	return follow(ctx, s.resolver, t)
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
	t := inventoryTeller(p, f)
	t.query.After, t.query.Snapshot, t.query.Latest = after, snapshot, delivery == model.DeliveryLatest
	t.query.State = state(func(ctx context.Context) (*redline.State, error) {
		return s.store.LevelsState(ctx, p, f.stored())
	}, func(e *redline.Event) bool { return e.Level.VisibleTo(p) && f.kind(e.Level) == model.EventKindChange })
	return follow(ctx, s.resolver, t)
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
	t := orderTeller(p, f)
	t.query.After, t.query.Snapshot, t.query.Latest = after, snapshot, delivery == model.DeliveryLatest
	t.query.State = state(func(ctx context.Context) (*redline.State, error) {
		stored, ids := f.stored()
		return s.store.OrdersState(ctx, p, stored, ids)
	}, func(e *redline.Event) bool {
		return e.Order.Order.VisibleTo(p) && f.kind(e.Order, p) == model.EventKindChange
	})
	return follow(ctx, s.resolver, t)
}

// ConflictChanged tells of conflicts to whoever may see them, as they may see them.
func (s subscription) ConflictChanged(ctx context.Context, after *string, snapshot bool) (<-chan *model.ConflictEvent, error) {
	p := redline.PrincipalFrom(ctx)
	t := conflictTeller(p)
	t.query.After, t.query.Snapshot = after, snapshot
	t.query.State = state(func(ctx context.Context) (*redline.State, error) { return s.store.ConflictsState(ctx, p) }, t.query.Wants)
	return follow(ctx, s.resolver, t)
}
