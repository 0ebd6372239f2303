package store

import (
	"database/sql"
	"time"
)

// PoolStats are one pool's connections, and those who wait for them.
type PoolStats struct {
	// InUse and Idle are how many connections there are, and Max how many there may be.
	InUse, Idle, Max int
	// Waits is how often somebody had to wait for one since the start, and Waited for
	// how long in all.
	Waits  int64
	Waited time.Duration
	// TurnedAway is how many were told UNAVAILABLE because none came free in time.
	TurnedAway int64
}

// Stats are the pools' figures: for reads, with the event log's own connection, and
// for changes.
type Stats struct{ Reads, Writes PoolStats }

// Stats tells the figures as they are now.
func (s *Store) Stats() Stats {
	stats := Stats{
		Reads:  poolStats(s.db.pool.Stats(), s.db.gate),
		Writes: poolStats(s.writes.Stats(), s.slots, s.batches),
	}
	stats.Writes.TurnedAway += s.placements.turnedAway.Load() + s.adjustments.turnedAway.Load()
	return stats
}

func poolStats(pool sql.DBStats, gates ...*gate) PoolStats {
	stats := PoolStats{InUse: pool.InUse, Idle: pool.Idle, Max: pool.MaxOpenConnections}
	for _, g := range gates {
		stats.Waits += g.waits.Load()
		stats.Waited += time.Duration(g.waitedFor.Load())
		stats.TurnedAway += g.turnedAway.Load()
	}
	return stats
}
