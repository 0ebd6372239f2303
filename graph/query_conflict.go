package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// Conflicts lists what needs a person.
func (q query) Conflicts(
	ctx context.Context, status *redline.ConflictStatus, kind *redline.ConflictKind, first *int, after *string,
) (*model.ConflictConnection, error) {
	filter := redline.ConflictFilter{Status: status, Kind: kind}
	return connection(ctx, q.resolver, first, after, nil, nil,
		func(p redline.Principal, page redline.PageRequest) (*redline.Page[*redline.Conflict], error) {
			return q.store.Conflicts(ctx, p, filter, page)
		})
}
