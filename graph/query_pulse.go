package graph

import (
	"context"

	"redline"
)

// Pulse says how busy the shop is, and this gateway.
func (q query) Pulse(ctx context.Context, minutes int) (*redline.Pulse, error) {
	if q.load == nil {
		return nil, nil
	}
	return single(ctx, q.resolver, func(p redline.Principal) (*redline.Pulse, error) {
		pulse, err := q.store.Pulse(ctx, p, minutes)
		if pulse != nil {
			pulse.Load = q.load()
		}
		return pulse, err
	})
}
