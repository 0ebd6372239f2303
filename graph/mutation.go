package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

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

// payload runs a mutation of one object and answers it. What was changed is
// read again, under the caller's rights, where the mutation doesn't come with it
// as the caller may see it. Where the field that shows it wasn't selected, or is
// closed to the caller, only a replay is: whose key it was, and what it made,
// may be of another by now. The mutation stands whatever comes of that.
func payload[T any](
	ctx context.Context, m mutation, field string,
	read func(ctx context.Context, p redline.Principal, id string, done redline.Outcome) (*T, error),
	do func(redline.Principal) (id string, done redline.Outcome, err error),
) (*model.Payload[T], error) {
	p := m.preloader(ctx)
	id, done, err := do(p.principal)
	if err != nil {
		refused, ok := userErrors(err)
		if !ok {
			return nil, err
		}
		answer := &model.Payload[T]{UserErrors: refused}
		return answer, load(ctx, p, []*model.Payload[T]{answer})
	}
	answer := &model.Payload[T]{Replayed: done.Replayed, Cursor: m.position(done)}
	shown := p.root.of.asks(field) && p.allows(p.root.of, field)
	if !shown && !done.Replayed {
		return answer, nil
	}
	answer.Err = m.readBack(ctx, func() error {
		found, err := read(ctx, p.principal, id, done)
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

// order runs a mutation of an order.
func (m mutation) order(
	ctx context.Context, do func(redline.Principal) (orderID string, done redline.Outcome, err error),
) (*model.OrderPayload, error) {
	read := func(ctx context.Context, p redline.Principal, id string, done redline.Outcome) (*redline.Order, error) {
		if done.Order != nil {
			return done.Order, nil
		}
		found, err := m.store.OrdersByID(ctx, p, []string{id})
		return found[id], err
	}
	return payload(ctx, m, "order", read, do)
}

// part runs a mutation of a fulfilment order.
func (m mutation) part(
	ctx context.Context, do func(redline.Principal) (partID string, done redline.Outcome, err error),
) (*model.FulfillmentOrderPayload, error) {
	read := func(ctx context.Context, p redline.Principal, id string, _ redline.Outcome) (*redline.FulfillmentOrder, error) {
		found, err := m.store.FulfillmentOrdersByID(ctx, p, []string{id})
		return found[id], err
	}
	return payload(ctx, m, "fulfillmentOrder", read, do)
}

// stock runs a mutation of stock.
func (m mutation) stock(
	ctx context.Context, do func(redline.Principal) (*redline.InventoryResult, error),
) (*model.InventoryPayload, error) {
	p := m.preloader(ctx)
	result, err := do(p.principal)
	if err != nil {
		refused, ok := userErrors(err)
		if !ok {
			return nil, err
		}
		answer := &model.InventoryPayload{UserErrors: refused}
		return answer, load(ctx, p, []*model.InventoryPayload{answer})
	}
	answer := &model.InventoryPayload{
		Replayed: result.Replayed, Cursor: m.position(result.Outcome), Rows: make([]*model.InventoryRow, len(result.Rows)),
	}
	for i, row := range result.Rows {
		answer.Rows[i] = &model.InventoryRow{Index: row.Index, Level: row.Level, UserErrors: typed(row.Errors)}
	}
	err = m.readBack(ctx, func() error {
		if result.ReadError != nil {
			return result.ReadError
		}
		return load(ctx, p, []*model.InventoryPayload{answer})
	})
	if err != nil {
		showBare(ctx, p.root, answer, err)
	}
	return answer, nil
}

// showBare leaves of a payload what needs no reading, and tells at its rows why.
func showBare(ctx context.Context, asked *field, answer *model.InventoryPayload, err error) {
	for _, row := range answer.Rows {
		row.Level = nil
		for i, e := range row.UserErrors {
			if short, ok := e.(*model.InsufficientStock); ok {
				row.UserErrors[i] = &model.GenericUserError{Code: short.Code, Message: short.Message, Field: short.Field}
			}
		}
	}
	for _, rows := range asked.of.fields {
		if rows.node.Name == "rows" && !rows.of.asksOnly("index") {
			graphql.AddError(graphql.WithFieldContext(ctx, &graphql.FieldContext{
				Object: "InventoryPayload", Field: graphql.CollectedField{Field: rows.node},
			}), err)
		}
	}
}
