package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"redline"
)

const (
	// pulseFresh is for how long a pulse that was read is told to all who ask.
	pulseFresh = time.Second
	// pulseSettles is how long after its end a minute may still be added to: a
	// transaction reads the clock behind its locks, and commits within mutationTimeout.
	pulseSettles = 2 * mutationTimeout
)

// shopPulse is how busy the shop was, as it was read last. Dashboards ask for it every few
// seconds: however many there are, it is read once for all of them, and of that only
// what isn't known for good.
type shopPulse struct {
	// reading lets in one, who looks at what follows.
	reading *gate
	// readAt is when it was read, by our clock, and at by the database's.
	readAt, at time.Time
	// minutes are the last so many before at without a gap, the oldest first.
	minutes []redline.PulseMinute
}

// Pulse tells how many orders were placed, and how many units moved, in each of the
// last minutes, 1 to PulseMax; nil to whoever doesn't see everybody's. It is a second
// old at most. The result is the caller's own.
func (s *Store) Pulse(ctx context.Context, p redline.Principal, minutes int) (*redline.Pulse, error) {
	if minutes < 1 || minutes > redline.PulseMax {
		return nil, redline.Invalid([]string{"minutes"}, "a pulse is of 1 to %d minutes, not %d", redline.PulseMax, minutes)
	}
	if !p.Everywhere() {
		return nil, nil
	}
	known := &s.shopPulse
	// As patiently as for a connection: where none is to be had, each of many who wait in a
	// row would find that out after all who are before it.
	if err := known.reading.enter(ctx, s.db.patience); err != nil {
		return nil, dbError("waiting for the pulse to be read", err)
	}
	defer known.reading.leave()
	if time.Since(known.readAt) >= pulseFresh || len(known.minutes) < minutes {
		if err := s.readPulse(ctx, max(minutes, len(known.minutes))); err != nil {
			return nil, err
		}
	}
	return &redline.Pulse{At: known.at, Minutes: slices.Clone(known.minutes[len(known.minutes)-minutes:])}, nil
}

// readPulse reads the last minutes: of those that are known and settled, nothing.
func (s *Store) readPulse(ctx context.Context, minutes int) error {
	known := &s.shopPulse
	asked := time.Now()
	var now []time.Time
	if err := s.look(ctx, "reading the clock", &now, `/* pulse.clock */ SELECT clock_timestamp()`); err != nil {
		return err
	}
	running := now[0].UTC().Truncate(time.Minute)
	fresh := make([]redline.PulseMinute, minutes)
	from := running // the first that isn't settled
	for i := range fresh {
		at := running.Add(time.Duration(i+1-minutes) * time.Minute)
		fresh[i].At = at
		if settled := known.settled(at); settled != nil {
			fresh[i] = *settled
		} else if at.Before(from) {
			from = at
		}
	}
	var found []struct {
		Minute int64
		Orders int
		Units  int64
	}
	err := s.look(ctx, "reading the pulse", &found, `/* pulse.minutes */ SELECT floor(extract(epoch FROM placed_at) / 60)::bigint AS minute, count(*) AS orders, 0 AS units
		FROM orders WHERE placed_at >= $1 AND placed_at < $2 GROUP BY 1
		UNION ALL SELECT floor(extract(epoch FROM recorded_at) / 60)::bigint, 0, sum(abs(on_hand_delta))
		FROM inventory_movements WHERE recorded_at >= $1 AND recorded_at < $2 AND on_hand_delta <> 0 GROUP BY 1`,
		from, running.Add(time.Minute))
	if err != nil {
		return err
	}
	first := fresh[0].At.Unix() / 60
	for i := range fresh {
		if !fresh[i].At.Before(from) {
			fresh[i].Orders, fresh[i].Units = 0, 0
		}
	}
	for _, f := range found {
		m := f.Minute - first
		if m < 0 || m >= int64(minutes) {
			return fmt.Errorf("reading the pulse: it has a minute %d, which nobody asked for", f.Minute)
		}
		fresh[m].Orders += f.Orders
		fresh[m].Units += f.Units
	}
	known.readAt, known.at, known.minutes = asked, now[0], fresh
	return nil
}

// settled is a minute that is known, and to which nothing is added any more; nil of
// another.
func (k *shopPulse) settled(at time.Time) *redline.PulseMinute {
	if len(k.minutes) == 0 || k.at.Before(at.Add(time.Minute+pulseSettles)) {
		return nil
	}
	i := int(at.Sub(k.minutes[0].At) / time.Minute)
	if at.Before(k.minutes[0].At) || i >= len(k.minutes) {
		return nil
	}
	return &k.minutes[i]
}
