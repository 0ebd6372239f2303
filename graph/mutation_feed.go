package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// SupplierFeedSubmit takes a supplier's own statement of its stock.
func (m mutation) SupplierFeedSubmit(ctx context.Context, input redline.SupplierFeedInput) (*model.SupplierFeedPayload, error) {
	p := m.preloader(ctx)
	result, err := m.store.SupplierFeedSubmit(ctx, p.principal, input)
	if err != nil {
		refused, ok := m.refusal(ctx, err)
		if !ok {
			return nil, err
		}
		answer := &model.SupplierFeedPayload{UserErrors: refused}
		return answer, load(ctx, p, []*model.SupplierFeedPayload{answer})
	}
	answer := &model.SupplierFeedPayload{
		Applied: result.Applied, Unchanged: result.Unchanged, Rejected: result.Rejected,
		Emptied: result.Emptied, Held: result.Held,
		Rows: rowsOf(&result.InventoryResult), Replayed: result.Replayed, Cursor: m.position(result.Outcome),
	}
	for _, c := range result.Conflicts {
		answer.Conflicts = append(answer.Conflicts, c.For(p.principal))
	}
	err = m.readBack(ctx, func() error {
		if result.ReadError != nil {
			return result.ReadError
		}
		return load(ctx, p, []*model.SupplierFeedPayload{answer})
	})
	if err != nil {
		showBare(ctx, p.root, answer.Rows, err)
	}
	return answer, nil
}
