package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// mutation has the resolvers of the type Mutation, in the files by topic.
type mutation struct{ *resolver }

// position is where the event log stood after a mutation; nil where it wrote
// no event.
func (m mutation) position(done redline.Outcome) *string {
	if done.EventID == 0 {
		return nil
	}
	cursor := m.live.Cursor(done.EventID)
	return &cursor
}

// unread is why what a mutation changed couldn't be read back. The change
// stands, and its answer says so.
type unread struct{ cause error }

func (u *unread) Error() string { return "reading back what was changed: " + u.cause.Error() }

// Unwrap gives the reason.
func (u *unread) Unwrap() error { return u.cause }

// readBack reads what a mutation changed. All that goes wrong is an unread, a
// panic too: by now there is an answer to give.
func (m mutation) readBack(ctx context.Context, read func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			logPanic(ctx, m.log, v)
			err = errPanicked
		}
		if err != nil {
			err = &unread{err}
		}
	}()
	return read()
}

// changed is what mutations change: the field of their payload that shows it,
// and how it is read.
type changed[T any] struct {
	field string
	find  func(s Store, ctx context.Context, p redline.Principal, ids []string) (map[string]*T, error)
}

var (
	anOrder       = changed[redline.Order]{"order", Store.OrdersByID}
	aPart         = changed[redline.FulfillmentOrder]{"fulfillmentOrder", Store.FulfillmentOrdersByID}
	aReservation  = changed[redline.Reservation]{"reservation", Store.ReservationsByID}
	aReturn       = changed[redline.Return]{"return", Store.ReturnsByID}
	aConflict     = changed[redline.Conflict]{"conflict", Store.ConflictsByID}
	aSupplierItem = changed[redline.SupplierItem]{"supplierItem", Store.SupplierItemsByID}
	aSupplier     = changed[redline.Supplier]{"supplier", suppliersByID}
	aClient       = changed[redline.Client]{"client", Store.ClientsByID}
)

func suppliersByID(s Store, ctx context.Context, _ redline.Principal, ids []string) (map[string]*redline.Supplier, error) {
	return s.SuppliersByID(ctx, ids)
}

// read reads what was changed, under the caller's rights, where the mutation
// doesn't come with it as the caller may see it.
func (c changed[T]) read(ctx context.Context, s Store, p redline.Principal, id string, done redline.Outcome) (*T, error) {
	if known, ok := any(done.Order).(*T); ok && known != nil {
		return known, nil
	}
	found, err := c.find(s, ctx, p, []string{id})
	return found[id], err
}

// change runs a mutation of one object and answers it. What was changed is read
// again. Where the field that shows it wasn't selected, or is closed to the
// caller, only a replay is: whose key it was, and what it made, may be of another
// by now. The mutation stands whatever comes of that.
func change[T, I any](
	ctx context.Context, m mutation, of changed[T],
	do func(s Store, ctx context.Context, p redline.Principal, input I) (id string, done redline.Outcome, err error), input I,
) (*model.Payload[T], error) {
	p := m.preloader(ctx)
	id, done, err := do(m.store, ctx, p.principal, input)
	if err != nil {
		refused, ok := m.refusal(ctx, err)
		if !ok {
			return nil, err
		}
		answer := &model.Payload[T]{UserErrors: refused}
		return answer, load(ctx, p, []*model.Payload[T]{answer})
	}
	answer := &model.Payload[T]{Replayed: done.Replayed, Cursor: m.position(done)}
	if done.Secret != "" {
		answer.Secret = &done.Secret
	}
	shown := p.root.of.asks(of.field) && p.allows(p.root.of, of.field)
	if !shown && !done.Replayed {
		return answer, nil
	}
	answer.Err = m.readBack(ctx, func() error {
		found, err := of.read(ctx, m.store, p.principal, id, done)
		if err != nil {
			return err
		}
		if found == nil && done.Replayed {
			answer.Cursor = nil
			answer.UserErrors = typed(redline.Errors{redline.NotFound([]string{"idempotencyKey"}, "what this key made is not yours to see")})
		}
		if shown {
			answer.Now = found
		}
		return load(ctx, p, []*model.Payload[T]{answer})
	})
	return answer, nil
}
