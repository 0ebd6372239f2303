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

// payload runs a mutation of one object and answers it. What was changed is
// read again, under the caller's rights, so that a replay and a first answer
// are made the same way; it isn't where the field that shows it wasn't selected
// or is closed to the caller. The mutation stands whatever comes of that.
func payload[T any](
	ctx context.Context, m mutation, field string,
	read func(Store, context.Context, redline.Principal, []string) (map[string]*T, error),
	do func(redline.Principal) (id string, done redline.Outcome, err error),
) (*model.Payload[T], error) {
	p, f := m.preloader(ctx), selection(ctx)
	id, done, err := do(p.principal)
	if err != nil {
		refused, ok := userErrors(err)
		if !ok {
			return nil, err
		}
		answer := &model.Payload[T]{UserErrors: refused}
		return answer, load(ctx, p, []*model.Payload[T]{answer}, f.Selections)
	}
	answer := &model.Payload[T]{Replayed: done.Replayed, Cursor: m.position(done)}
	info := m.contract.types[f.Definition.Type.Name()]
	if !selects(p.op, f.Selections, info.name, field) || !info.allows(p.principal, field) {
		return answer, nil
	}
	found, err := read(m.store, ctx, p.principal, []string{id})
	if err == nil {
		answer.Now = found[id]
		err = load(ctx, p, []*model.Payload[T]{answer}, f.Selections)
	}
	answer.Err = err
	return answer, nil
}

// order runs a mutation of an order.
func (m mutation) order(
	ctx context.Context, do func(redline.Principal) (orderID string, done redline.Outcome, err error),
) (*model.OrderPayload, error) {
	return payload(ctx, m, "order", Store.OrdersByID, do)
}

// part runs a mutation of a fulfilment order.
func (m mutation) part(
	ctx context.Context, do func(redline.Principal) (partID string, done redline.Outcome, err error),
) (*model.FulfillmentOrderPayload, error) {
	return payload(ctx, m, "fulfillmentOrder", Store.FulfillmentOrdersByID, do)
}

// stock runs a mutation of stock.
func (m mutation) stock(
	ctx context.Context, do func(redline.Principal) (*redline.InventoryResult, error),
) (*model.InventoryPayload, error) {
	p, f := m.preloader(ctx), selection(ctx)
	result, err := do(p.principal)
	if err != nil {
		refused, ok := userErrors(err)
		if !ok {
			return nil, err
		}
		answer := &model.InventoryPayload{UserErrors: refused}
		return answer, load(ctx, p, []*model.InventoryPayload{answer}, f.Selections)
	}
	answer := &model.InventoryPayload{
		Replayed: result.Replayed, Cursor: m.position(result.Outcome), Rows: make([]*model.InventoryRow, len(result.Rows)),
	}
	for i, row := range result.Rows {
		answer.Rows[i] = &model.InventoryRow{Index: row.Index, Level: row.Level, UserErrors: typed(row.Errors)}
	}
	if err := load(ctx, p, []*model.InventoryPayload{answer}, f.Selections); err != nil {
		// What was done stands: the rows are told, without the levels.
		graphql.AddError(ctx, err)
		for _, row := range answer.Rows {
			row.Level = nil
		}
	}
	return answer, nil
}
