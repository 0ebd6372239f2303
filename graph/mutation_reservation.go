package graph

import (
	"context"

	"redline"
	"redline/graph/model"
)

// ReservationCreate holds stock for a while.
func (m mutation) ReservationCreate(
	ctx context.Context, input redline.ReservationCreateInput,
) (*model.ReservationPayload, error) {
	return change(ctx, m, aReservation, Store.ReservationCreate, input)
}

// ReservationExtend holds it for longer.
func (m mutation) ReservationExtend(
	ctx context.Context, input redline.ReservationExtendInput,
) (*model.ReservationPayload, error) {
	return change(ctx, m, aReservation, Store.ReservationExtend, input)
}

// ReservationRelease gives it back.
func (m mutation) ReservationRelease(
	ctx context.Context, input redline.ReservationReleaseInput,
) (*model.ReservationPayload, error) {
	return change(ctx, m, aReservation, Store.ReservationRelease, input)
}
