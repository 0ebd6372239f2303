package store

import (
	"database/sql/driver"

	"github.com/lib/pq"
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
