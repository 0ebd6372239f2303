package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// ClientCreate makes an OAuth client.
func (m mutation) ClientCreate(ctx context.Context, input redline.ClientCreateInput) (*model.ClientPayload, error) {
	return change(ctx, m, aClient, Store.ClientCreate, input)
}

// ClientRotateSecret gives it another secret.
func (m mutation) ClientRotateSecret(ctx context.Context, input redline.ClientRotateSecretInput) (*model.ClientPayload, error) {
	return change(ctx, m, aClient, Store.ClientRotateSecret, input)
}

// ClientRevoke ends it.
func (m mutation) ClientRevoke(ctx context.Context, input redline.ClientRevokeInput) (*model.ClientPayload, error) {
	return change(ctx, m, aClient, Store.ClientRevoke, input)
}
