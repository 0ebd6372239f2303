package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// ReturnCreate announces goods that come back.
func (m mutation) ReturnCreate(ctx context.Context, input redline.ReturnCreateInput) (*model.ReturnPayload, error) {
	return change(ctx, m, aReturn, Store.ReturnCreate, input)
}

// ReturnReceive tells what came in, and what became of it.
func (m mutation) ReturnReceive(ctx context.Context, input redline.ReturnReceiveInput) (*model.ReturnPayload, error) {
	return change(ctx, m, aReturn, Store.ReturnReceive, input)
}

// ReturnCancel gives up what has not come back.
func (m mutation) ReturnCancel(ctx context.Context, input redline.ReturnCancelInput) (*model.ReturnPayload, error) {
	return change(ctx, m, aReturn, Store.ReturnCancel, input)
}
