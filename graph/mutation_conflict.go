package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// ConflictResolve settles a conflict, or dismisses it.
func (m mutation) ConflictResolve(ctx context.Context, input redline.ConflictResolveInput) (*model.ConflictPayload, error) {
	return change(ctx, m, aConflict, Store.ConflictResolve, input)
}
