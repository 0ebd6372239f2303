package store

import (
	"context"
	"database/sql/driver"

	"github.com/lib/pq"

	"redline"
)

// Through returns the options with something between the pool and the driver.
func (o Options) Through(wrap func(*pq.Connector) driver.Connector) Options {
	o.wrap = wrap
	return o
}

// What a connection between the pool and the driver has to be.
type (
	PQConn      = pqConn
	PQStatement = pqStatement
)

// PreparedMax is how many prepared statements one connection keeps.
const PreparedMax = preparedMax

// WithdrawNewest takes back the promises that a level can't keep, as a conflict
// that is resolved does.
func (s *Store) WithdrawNewest(ctx context.Context, p redline.Principal, levelID string) error {
	_, _, err := mutate(ctx, s, p, request{action: "test"}, func(ctx context.Context, m *mutation) (bool, error) {
		return true, m.withdrawNewest(ctx, levelID)
	})
	return err
}

// AgePulse has the pulse that was read last be as old as if nobody had asked for long.
func (s *Store) AgePulse() {
	s.shopPulse.reading.slots <- struct{}{}
	defer s.shopPulse.reading.leave()
	s.shopPulse.last.readAt = s.shopPulse.last.readAt.Add(-pulseFresh)
}
