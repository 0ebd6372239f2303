package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"

	"redline/test/internal/measure"
)

// changesClients is the most clients that changes are measured with.
const changesClients = 32

// lifeJob is a job whose things go through all steps: as many as make each step
// take a second or so of each that placing is measured for.
func (b *bench) lifeJob(clients int) job {
	j := job{Conns: clients, Seed: rand.Uint64(), Headers: jsonHeaders(b.shop)}
	j.Place = placing{Run: strconv.FormatUint(rand.Uint64(), 36), Products: b.orderable}
	j.Life = &living{Things: max(2*clients, int(b.measure.Seconds()*float64(100+20*clients))), Operator: jsonHeaders(b.operator)}
	return j
}

// measureChanges measures holds, shipments and returns, beside orders.
func (b *bench) measureChanges(ctx context.Context) error {
	if !b.wants(nameChanges) {
		return nil
	}
	for _, clients := range b.clients {
		if clients > changesClients {
			continue
		}
		b.say("\n%s: holds, shipments and returns, %d clients", nameChanges, clients)
		if err := b.db.Checkpoint(ctx); err != nil {
			return err
		}
		c := b.results.addChanges(clients)
		for round := range b.fewerRounds() {
			if err := b.withServer(ctx, func(t *measure.Target) error { return b.live(ctx, t, c, round) }); err != nil {
				return err
			}
		}
	}
	return nil
}

// live goes through all steps with one server, and records each.
func (b *bench) live(ctx context.Context, t *measure.Target, c *cell, round int) error {
	j := b.lifeJob(c.clients)
	j.Addr = t.Addr
	var m *meter
	defer func() {
		if m != nil { // it was broken off
			m.end()
		}
	}()
	err := tellLoad(ctx, j, time.Duration(len(lifeSteps))*patience, func(r report) {
		b.acknowledged += r.Placed
		switch {
		case r.Measuring:
			m = &meter{server: t.PID(), master: b.db.Master}
			m.start(ctx)
		case m != nil && r.Step != "":
			server, postgres := m.end()
			// It was measured, and so can't fail.
			_ = b.record(c, r.Step, round, func() (measurement, error) { return r.measurement(m.peak, server, postgres), nil })
		}
	})
	if err != nil {
		return fmt.Errorf("%s with %d clients, round %d: %w", nameChanges, c.clients, round+1, err)
	}
	return nil
}
