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

// teller is how a subscription tells events: which of those of one type, as
// what, and where to note what came of reading what was asked for beside one.
type teller[T any] struct {
	of     string
	want   func(*redline.Event) bool
	tell   func(*redline.Event) *T
	beside func(*T) *model.Beside
}

// stream subscribes to the log and tells events one by one, until ctx ends or
// the log's broker cuts the subscriber off. Its goroutine ends with ctx.
func stream[T any](ctx context.Context, r *resolver, t teller[T]) (<-chan *T, error) {
	events, err := r.live.Subscribe(ctx, t.of, t.want)
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
func prepare[T any](ctx context.Context, r *resolver, t teller[T], e *redline.Event) (next *T) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, r.log, v)
			if next != nil {
				t.beside(next).Err = errPanicked
			}
		}
	}()
	next = t.tell(e)
	prepared := r.newAnswer(ctx)
	t.beside(next).Shown = func(ctx context.Context) { answerFrom(ctx).adopt(prepared) }
	p := r.preloader(withAnswer(ctx, prepared))
	p.event = e
	ctx, cancel := context.WithTimeout(ctx, eventTimeout)
	defer cancel()
	if err := load(ctx, p, []*T{next}); err != nil {
		t.beside(next).Err = err
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
	return stream(ctx, s.resolver, teller[model.AvailabilityEvent]{
		of: redline.EventLevel,
		want: func(e *redline.Event) bool {
			return e.Level.ChangesAvailability() && f.concerns(e.Level)
		},
		tell: func(e *redline.Event) *model.AvailabilityEvent {
			level := e.Level.Level
			return &model.AvailabilityEvent{
				Cursor: s.live.Cursor(e.ID), Kind: model.EventKindChange, At: e.At,
				Available: &level.Available, Stale: &level.Stale, Of: &level,
			}
		},
		beside: func(e *model.AvailabilityEvent) *model.Beside { return &e.Beside },
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
	return stream(ctx, s.resolver, teller[model.InventoryEvent]{
		of: redline.EventLevel,
		want: func(e *redline.Event) bool {
			return e.Level.VisibleTo(p) && f.kind(e.Level) != ""
		},
		tell: func(e *redline.Event) *model.InventoryEvent {
			level, reason := e.Level.Level, e.Level.Reason
			return &model.InventoryEvent{
				Cursor: s.live.Cursor(e.ID), Kind: f.kind(e.Level), At: e.At,
				Reason: &reason, Changes: e.Level.Changes, Of: &level,
			}
		},
		beside: func(e *model.InventoryEvent) *model.Beside { return &e.Beside },
	})
}

// OrderChanged tells of orders to whoever may see them, as they may see them.
func (s subscription) OrderChanged(ctx context.Context, filter *model.OrderLiveFilter) (<-chan *model.OrderEvent, error) {
	p := redline.PrincipalFrom(ctx)
	f, err := liveOrderFilter(filter)
	if err != nil {
		return nil, err
	}
	return stream(ctx, s.resolver, teller[model.OrderEvent]{
		of: redline.EventOrder,
		want: func(e *redline.Event) bool {
			return e.Order.VisibleTo(p) && f.kind(e.Order, p) != ""
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
		beside: func(e *model.OrderEvent) *model.Beside { return &e.Beside },
	})
}

// ConflictChanged tells of conflicts to whoever may see them, as they may see them.
func (s subscription) ConflictChanged(ctx context.Context) (<-chan *model.ConflictEvent, error) {
	p := redline.PrincipalFrom(ctx)
	return stream(ctx, s.resolver, teller[model.ConflictEvent]{
		of:   redline.EventConflict,
		want: func(e *redline.Event) bool { return e.Conflict.VisibleTo(p) },
		tell: func(e *redline.Event) *model.ConflictEvent {
			conflict := *e.Conflict.Conflict.For(p)
			return &model.ConflictEvent{Cursor: s.live.Cursor(e.ID), Kind: model.EventKindChange, At: e.At, Of: &conflict}
		},
		beside: func(e *model.ConflictEvent) *model.Beside { return &e.Beside },
	})
}
