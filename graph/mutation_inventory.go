package graph

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"redline"
	"redline/graph/model"
)

// InventoryAdjust adds to levels and takes from them.
func (m mutation) InventoryAdjust(ctx context.Context, input redline.InventoryAdjustInput) (*model.InventoryPayload, error) {
	return stock(ctx, m, Store.InventoryAdjust, input)
}

// InventorySet states absolute counts.
func (m mutation) InventorySet(ctx context.Context, input redline.InventorySetInput) (*model.InventoryPayload, error) {
	return stock(ctx, m, Store.InventorySet, input)
}

// InventoryTransfer moves stock from one location to another.
func (m mutation) InventoryTransfer(ctx context.Context, input redline.InventoryTransferInput) (*model.InventoryPayload, error) {
	return stock(ctx, m, Store.InventoryTransfer, input)
}

// stock runs a mutation of stock.
func stock[I any](
	ctx context.Context, m mutation,
	do func(s Store, ctx context.Context, p redline.Principal, input I) (*redline.InventoryResult, error), input I,
) (*model.InventoryPayload, error) {
	p := m.preloader(ctx)
	result, err := do(m.store, ctx, p.principal, input)
	if err != nil {
		refused, ok := m.refusal(ctx, err)
		if !ok {
			return nil, err
		}
		answer := &model.InventoryPayload{UserErrors: refused}
		return answer, load(ctx, p, []*model.InventoryPayload{answer})
	}
	answer := &model.InventoryPayload{Replayed: result.Replayed, Cursor: m.position(result.Outcome), Rows: rowsOf(result)}
	err = m.readBack(ctx, func() error {
		if result.ReadError != nil {
			return result.ReadError
		}
		return load(ctx, p, []*model.InventoryPayload{answer})
	})
	if err != nil {
		showBare(ctx, p.root, answer.Rows, err)
	}
	return answer, nil
}

func rowsOf(result *redline.InventoryResult) []*model.InventoryRow {
	rows := make([]*model.InventoryRow, len(result.Rows))
	for i, row := range result.Rows {
		rows[i] = &model.InventoryRow{Index: row.Index, Level: row.Level, LevelID: row.LevelID, UserErrors: typed(row.Errors)}
	}
	return rows
}

// showBare leaves of a payload's rows what needs no reading, and tells at the
// rows why.
func showBare(ctx context.Context, asked *field, rows []*model.InventoryRow, err error) {
	for _, row := range rows {
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
				Object: asked.of.info.name, Field: graphql.CollectedField{Field: rows.node},
			}), err)
		}
	}
}
