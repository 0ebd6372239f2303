package graph

import (
	"context"
	"time"

	"redline"
	"redline/graph/model"
)

// subscription has the resolvers of the type Subscription.
type subscription struct{ *resolver }

// eventTimeout bounds what is read beside one event. The event is told without
// it where that takes longer.
const eventTimeout = 10 * time.Second

// telling is how a subscription tells events: which of them, as what, and
// where the reason goes why what was asked for beside one couldn't be read.
type telling[T any] struct {
	want func(*redline.Event) bool
	tell func(*redline.Event) *T
	fail func(*T, error)
}

// stream subscribes to the log and tells events one by one, until ctx ends or
// the log's broker cuts the subscriber off. Its goroutine ends with ctx.
func stream[T any](ctx context.Context, r *resolver, t telling[T]) (<-chan *T, error) {
	events, err := r.live.Subscribe(ctx, t.want)
	if err != nil {
		return nil, err
	}
	told := make(chan *T)
	r.streams.Go(func() {
		defer close(told)
		for e := range events {
			next := prepare(ctx, r, t, e)
			if next == nil {
				return
			}
			select {
			case told <- next:
			case <-ctx.Done():
				return
			}
		}
	})
	return told, nil
}

// prepare makes what is told of an event, with all that was asked for beside
// it. It returns nil where it panicked before there was anything to tell.
func prepare[T any](ctx context.Context, r *resolver, t telling[T], e *redline.Event) (next *T) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, r.log, v)
			if next != nil {
				t.fail(next, errPanicked)
			}
		}
	}()
	next = t.tell(e)
	p := r.preloader(ctx)
	p.event = e
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	if err := load(ctx, p, []*T{next}, selection(ctx).Selections); err != nil {
		t.fail(next, err)
	}
	return next
}

// AvailabilityChanged tells anybody what storefronts would notice.
func (s subscription) AvailabilityChanged(
	ctx context.Context, filter *model.AvailabilityLiveFilter,
) (<-chan *model.AvailabilityEvent, error) {
	f, err := availabilityFilter(filter)
	if err != nil {
		return nil, err
	}
	return stream(ctx, s.resolver, telling[model.AvailabilityEvent]{
		want: func(e *redline.Event) bool {
			return e.Level != nil && e.Level.ChangesAvailability() && f.concerns(e.Level)
		},
		tell: func(e *redline.Event) *model.AvailabilityEvent {
			level := e.Level.Level
			return &model.AvailabilityEvent{
				Cursor: s.live.Cursor(e.ID), Kind: model.EventKindChange, At: e.At,
				Available: &level.Available, Stale: &level.Stale, Of: &level,
			}
		},
		fail: func(e *model.AvailabilityEvent, err error) { e.Err = err },
	})
}

// InventoryChanged tells of levels to whoever may see them.
func (s subscription) InventoryChanged(
	ctx context.Context, filter *model.InventoryLiveFilter,
) (<-chan *model.InventoryEvent, error) {
	p := redline.PrincipalFrom(ctx)
	f, err := inventoryFilter(filter)
	if err != nil {
		return nil, err
	}
	return stream(ctx, s.resolver, telling[model.InventoryEvent]{
		want: func(e *redline.Event) bool {
			return e.Level != nil && e.Level.VisibleTo(p) && f.kind(e.Level) != ""
		},
		tell: func(e *redline.Event) *model.InventoryEvent {
			level, reason := e.Level.Level, e.Level.Reason
			return &model.InventoryEvent{
				Cursor: s.live.Cursor(e.ID), Kind: f.kind(e.Level), At: e.At,
				Reason: &reason, Changes: e.Level.Changes, Of: &level,
			}
		},
		fail: func(e *model.InventoryEvent, err error) { e.Err = err },
	})
}

// OrderChanged tells of orders to whoever may see them, as they may see them.
func (s subscription) OrderChanged(ctx context.Context, filter *model.OrderLiveFilter) (<-chan *model.OrderEvent, error) {
	p := redline.PrincipalFrom(ctx)
	f, err := liveOrderFilter(filter)
	if err != nil {
		return nil, err
	}
	return stream(ctx, s.resolver, telling[model.OrderEvent]{
		want: func(e *redline.Event) bool {
			return e.Order != nil && e.Order.VisibleTo(p) && f.kind(e.Order, p) != ""
		},
		tell: func(e *redline.Event) *model.OrderEvent {
			to := e.Order.To
			next := &model.OrderEvent{
				Cursor: s.live.Cursor(e.ID), Kind: f.kind(e.Order, p), At: e.At,
				From: e.Order.From, To: &to, Of: orderAsTold(e.Order, p),
			}
			if id := e.Order.FulfillmentOrderID; id != nil {
				next.Part = next.Of.Part(*id)
			}
			return next
		},
		fail: func(e *model.OrderEvent, err error) { e.Err = err },
	})
}
