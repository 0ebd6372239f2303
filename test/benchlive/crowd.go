package main

import (
	"context"
	"fmt"
	"runtime"
)

// crowd are subscribers, of one product or spread over some, on several systems
// in several rounds.
type crowd struct {
	readers, groups int
	of              map[string]*figures
}

// figures are what one system did in all rounds.
type figures struct {
	closed, rate []outcome
	// resident and goes are bytes for each subscriber.
	resident, goes []float64
}

// spreadBatch is of how many products one publication is at most: of one product
// alone it has too few readers for making it to be little beside telling them.
const spreadBatch = 100

// about says whose events they watch.
func (c *crowd) about() string {
	if c.groups == 1 {
		return fmt.Sprintf("%d", c.readers)
	}
	return fmt.Sprintf("%d of %d products", c.readers, c.groups)
}

// measureCrowd runs all systems in turn, round by round.
func (b *bench) measureCrowd(ctx context.Context, c *crowd) error {
	b.say("\n%s subscribers", c.about())
	for round := range b.rounds {
		for i := range b.systems {
			name := b.systems[(i+round)%len(b.systems)]
			err := b.withSystem(ctx, name, func(s *system) error { return b.measureOn(ctx, s, c, round) })
			if err != nil {
				return fmt.Errorf("round %d, %s subscribers: %w", round+1, c.about(), err)
			}
		}
	}
	return nil
}

// measureOn measures one system's memory, how fast it delivers, and how soon.
func (b *bench) measureOn(ctx context.Context, s *system, c *crowd, round int) error {
	before, err := s.settle(ctx)
	if err != nil {
		return err
	}
	return b.withAudience(ctx, s, c.readers, c.groups, func(r *reading) error {
		after, err := s.settle(ctx)
		if err != nil {
			return err
		}
		f := c.figures(s.name)
		f.resident = append(f.resident, float64(after.resident-before.resident)/float64(c.readers))
		f.goes = append(f.goes, float64(after.goes-before.goes)/float64(c.readers))
		closed, err := b.closedLoop(ctx, r)
		if err != nil {
			return err
		}
		rated, err := r.run(ctx, pace{rate: b.rate, window: b.window, active: c.groups, batch: 1, measure: b.measure})
		if err != nil {
			return err
		}
		f.closed, f.rate = append(f.closed, closed), append(f.rate, rated)
		b.say("  round %d  %-12s %8.0f messages/s   %6.2f µs of the server, %5.2f µs of the readers each   %6.1f KB, %6.1f KB resident   at %g/s: first p50 %7.2f ms, last %7.2f ms",
			round+1, systemTitles[s.name], closed.perSecond(), each(closed.server, closed.messages), each(closed.readers, closed.messages),
			f.goes[len(f.goes)-1]/1e3, f.resident[len(f.resident)-1]/1e3, b.rate, percentile(50, rated.first), percentile(50, rated.last))
		return nil
	})
}

// warmPart is the part of a measurement that is run before it, for nothing.
const warmPart = 5

// closedLoop publishes as fast as the slowest reader reads. The bare server is
// asked to write with one goroutine and with as many as there are cores, and the
// faster way is its own.
func (b *bench) closedLoop(ctx context.Context, r *reading) (outcome, error) {
	p := pace{window: b.window, active: len(r.groups), batch: min(len(r.groups), spreadBatch), measure: b.measure / warmPart}
	if _, err := r.run(ctx, p); err != nil {
		return outcome{}, err
	}
	p.measure = b.measure
	best, err := r.run(ctx, p)
	if err != nil || r.s.name != systemBare || runtime.NumCPU() == 1 {
		return best, err
	}
	r.s.writers = runtime.NumCPU()
	other, err := r.run(ctx, p)
	if other.messages == 0 || other.perSecond() < best.perSecond() {
		r.s.writers = 1
		return best, err
	}
	return other, err
}

// lonely is one subscriber beside others whom its events don't concern, in several
// rounds.
type lonely struct {
	others       int
	closed, rate []outcome
}

// measureOthers measures what an event costs and how soon it comes to one
// subscriber, with few others and with many.
func (b *bench) measureOthers(ctx context.Context) error {
	b.say("\none subscriber beside others")
	for round := range b.rounds {
		for i := range b.others {
			others := b.others[(i+round)%len(b.others)]
			l := b.results.lonely(others)
			err := b.withSystem(ctx, systemRedline, func(s *system) error {
				return b.withAudience(ctx, s, 1+others, 1+others, func(r *reading) error { return b.measureLonely(ctx, r, l, round) })
			})
			if err != nil {
				return fmt.Errorf("round %d, %d others: %w", round+1, others, err)
			}
		}
	}
	return nil
}

func (b *bench) measureLonely(ctx context.Context, r *reading, l *lonely, round int) error {
	if _, err := r.s.settle(ctx); err != nil { // of what the others took to subscribe
		return err
	}
	var got [2]outcome
	for i, p := range []pace{{window: 1, active: 1, batch: 1, measure: b.measure}, {rate: b.rate, window: 1, active: 1, batch: 1, measure: b.measure}} {
		var err error
		if got[i], err = r.run(ctx, p); err != nil {
			return err
		}
	}
	l.closed, l.rate = append(l.closed, got[0]), append(l.rate, got[1])
	b.say("  round %d  %6d others   %8.0f µs of the server an event   at %g/s: read after p50 %6.2f ms, and answered after %6.2f ms",
		round+1, l.others, each(got[0].server, got[0].events), b.rate, percentile(50, got[1].first), percentile(50, got[1].answered))
	return nil
}
