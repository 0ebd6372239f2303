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
	// pulseSlice is how many minutes are read at once. Three hours of a busy shop are
	// millions of rows, which no one statement has the time for.
	pulseSlice = 5
)

// shopPulse is how busy the shop was, as it was read last. Dashboards ask for it every few
// seconds: however many there are, it is read once for all of them, and of that only
// what isn't known for good.
type shopPulse struct {
	// reading lets in one, who looks at what was read last.
	reading *gate
	last    pulseRead
}

// pulseRead is a pulse as it was read once.
type pulseRead struct {
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
	if time.Since(known.last.readAt) >= pulseFresh || len(known.last.minutes) < minutes {
		if err := s.readPulse(ctx, max(minutes, len(known.last.minutes))); err != nil {
			return nil, err
		}
	}
	all := known.last.minutes
	return &redline.Pulse{At: known.last.at, Minutes: slices.Clone(all[len(all)-minutes:])}, nil
}

// readPulse reads the last minutes: of those that are known and settled, nothing. It goes
// back from the last, a slice at a time, and each is known from then on: where one fails,
// whoever asks next goes on from there.
func (s *Store) readPulse(ctx context.Context, minutes int) error {
	before, asked := s.shopPulse.last, time.Now()
	var now []time.Time
	if err := s.look(ctx, "reading the clock", &now, `/* pulse.clock */ SELECT clock_timestamp()`); err != nil {
		return err
	}
	running := now[0].UTC().Truncate(time.Minute)
	all := make([]redline.PulseMinute, minutes)
	for i := range all {
		all[i].At = running.Add(time.Duration(i+1-minutes) * time.Minute)
	}
	for first := minutes; first > 0; {
		end := first
		first--
		if settled := before.settled(all[first].At); settled != nil {
			all[first] = *settled
		} else {
			for first > 0 && end-first < pulseSlice && before.settled(all[first-1].At) == nil {
				first--
			}
			if err := s.readMinutes(ctx, all[first:end]); err != nil {
				return err
			}
		}
		s.shopPulse.last = pulseRead{readAt: asked, at: now[0], minutes: all[first:]}
	}
	return nil
}

// readMinutes reads what happened in minutes that follow each other.
func (s *Store) readMinutes(ctx context.Context, minutes []redline.PulseMinute) error {
	from := minutes[0].At
	var found []struct {
		Minute int64
		Orders int
		Units  int64
	}
	err := s.look(ctx, "reading the pulse", &found, `/* pulse.minutes */ SELECT floor(extract(epoch FROM placed_at) / 60)::bigint AS minute, count(*) AS orders, 0 AS units
		FROM orders WHERE placed_at >= $1 AND placed_at < $2 GROUP BY 1
		UNION ALL SELECT floor(extract(epoch FROM recorded_at) / 60)::bigint, 0, sum(abs(on_hand_delta))
		FROM inventory_movements WHERE recorded_at >= $1 AND recorded_at < $2 AND on_hand_delta <> 0 GROUP BY 1`,
		from, from.Add(time.Duration(len(minutes))*time.Minute))
	if err != nil {
		return err
	}
	for _, f := range found {
		m := f.Minute - from.Unix()/60
		if m < 0 || m >= int64(len(minutes)) {
			return fmt.Errorf("reading the pulse: it has a minute %d, which nobody asked for", f.Minute)
		}
		minutes[m].Orders += f.Orders
		minutes[m].Units += f.Units
	}
	return nil
}

// settled is a minute that is known, and to which nothing is added any more; nil of
// another.
func (k *pulseRead) settled(at time.Time) *redline.PulseMinute {
	if len(k.minutes) == 0 || k.at.Before(at.Add(time.Minute+pulseSettles)) {
		return nil
	}
	i := int(at.Sub(k.minutes[0].At) / time.Minute)
	if at.Before(k.minutes[0].At) || i >= len(k.minutes) {
		return nil
	}
	return &k.minutes[i]
}
