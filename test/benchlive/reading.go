package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"redline/test/internal/measure"
)

// reading are readers of a system's events.
type reading struct {
	s      *system
	a      *audience
	groups []string // the products that are watched; each reader watches one
}

// withAudience has readers read from a system for as long as do takes. When it
// begins, each has got an event.
func (b *bench) withAudience(ctx context.Context, s *system, readers, groups int, do func(*reading) error) (err error) {
	r := &reading{s: s, groups: skus(groups)}
	if r.a, err = startAudience(ctx, job{Addr: s.Addr, Readers: readers, Groups: r.groups}); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.a.leave()) }()
	if err := r.awaitAll(ctx); err != nil {
		return err
	}
	return do(r)
}

// awaitAll publishes an event of each product, and another where no more readers
// get one, until each has: not every server says when a subscription has begun.
func (r *reading) awaitAll(ctx context.Context) error {
	last := 0 // readers that were behind
	for range probes {
		if last == 0 {
			if err := r.probe(ctx); err != nil {
				return err
			}
		}
		behind, all, err := r.a.command(ctx, r.command(len(r.groups), 1), probePause)
		if err != nil || all {
			return err
		}
		if last != 0 && behind >= last {
			behind = 0
		}
		last = behind
	}
	return fmt.Errorf("subscribing: %w", errSilent)
}

// probe publishes an event of each product.
func (r *reading) probe(ctx context.Context) error {
	for first := 0; first < len(r.groups); first += spreadBatch {
		batch := r.groups[first:min(first+spreadBatch, len(r.groups))]
		if err := r.s.publish(ctx, batch); err != nil {
			return err
		}
		r.happened(batch)
	}
	return nil
}

// happened notes an event of each of some products.
func (r *reading) happened(skus []string) {
	for _, sku := range skus {
		r.s.stock[sku]++
	}
}

// command is one for events of the first so many groups.
func (r *reading) command(active, batch int) command {
	c := command{Active: active, Batch: batch}
	for _, sku := range r.groups {
		c.After = append(c.After, r.s.stock[sku])
	}
	return c
}

// pace says how events come.
type pace struct {
	rate    float64 // publications a second; 0: as fast as they are read
	window  int     // publications under way at most
	active  int     // the groups that they are of
	batch   int     // events in each
	measure time.Duration
}

// outcome is what came of a measurement.
type outcome struct {
	messages, events int
	elapsed          time.Duration
	// first and last are from each event's own time to the first reader and to the
	// last, and answered to the answer to whoever made the change.
	first, last, answered []time.Duration
	// server, postgres and readers are processor time; negative: not known.
	server, postgres, readers time.Duration
}

// perSecond is how many messages were delivered a second.
func (o outcome) perSecond() float64 { return float64(o.messages) / o.elapsed.Seconds() }

// each is a processor time for one of n, in microseconds; negative: not known.
func each(cpu time.Duration, n int) float64 {
	if cpu < 0 || n == 0 {
		return -1
	}
	return float64(cpu.Nanoseconds()) / 1e3 / float64(n)
}

// cost is the processor time that all who take part have used.
type cost [3]time.Duration

func (r *reading) cost() (c cost) {
	for i, of := range []func() (time.Duration, bool){
		func() (time.Duration, bool) { return measure.CPU(r.s.PID()) },
		func() (time.Duration, bool) { return measure.ClusterCPU(r.s.b.db.Master) },
		func() (time.Duration, bool) { return measure.CPU(r.a.PID()) },
	} {
		c[i] = -1
		if used, known := of(); known {
			c[i] = used
		}
	}
	return c
}

func (c cost) since(before cost, i int) time.Duration {
	if c[i] < 0 || before[i] < 0 {
		return -1
	}
	return c[i] - before[i]
}

// publisher makes a measurement's publications, each in a goroutine of its own.
type publisher struct {
	r       *reading
	ctx     context.Context //nolint:containedctx // It is the measurement's.
	fail    context.CancelCauseFunc
	pace    pace
	issued  int
	working sync.WaitGroup
	mu      sync.Mutex
	answers []time.Time
}

// issue begins the next publication.
func (p *publisher) issue() {
	n, slots := p.issued, p.pace.active/p.pace.batch
	p.issued++
	first := n % slots * p.pace.batch
	batch := p.r.groups[first : first+p.pace.batch]
	p.r.happened(batch)
	p.mu.Lock()
	p.answers = append(p.answers, time.Time{})
	p.mu.Unlock()
	p.working.Go(func() {
		if err := p.r.s.publish(p.ctx, batch); err != nil {
			p.fail(err)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.answers[n] = time.Now()
	})
}

// run measures. Each reader has got everything when it returns.
func (r *reading) run(ctx context.Context, p pace) (o outcome, err error) {
	if _, all, err := r.a.command(ctx, r.command(p.active, p.batch), openTimeout); err != nil || !all {
		return o, fmt.Errorf("beginning to measure: %w", errors.Join(err, ctx.Err()))
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	pub := &publisher{r: r, ctx: ctx, fail: cancel, pace: p}
	defer pub.working.Wait() // before it is cancelled: each has its own time
	before := r.cost()
	begun := time.Now()
	done := make([]publication, 0, 1024)
	end := begun.Add(p.measure)
	due, silent := time.NewTimer(0), time.NewTimer(measure.Patience)
	defer due.Stop()
	defer silent.Stop()
	for {
		now := time.Now()
		next := begun // when the next is due
		if p.rate > 0 {
			next = begun.Add(time.Duration(float64(pub.issued) / p.rate * float64(time.Second)))
		}
		more := now.Before(end) && next.Before(end)
		if more && pub.issued-len(done) < p.window && !now.Before(next) {
			pub.issue()
			continue
		}
		if !more && len(done) == pub.issued {
			break
		}
		if more && now.Before(next) {
			due.Reset(next.Sub(now))
		}
		select {
		case t, ok := <-r.a.told:
			if !ok {
				<-r.a.Done
				return o, fmt.Errorf("the readers are gone: %w", errors.Join(ctx.Err(), r.a.Err))
			}
			if t.Fault != "" {
				return o, errors.New(t.Fault)
			}
			if t.Done != nil {
				done = append(done, *t.Done)
				silent.Reset(measure.Patience)
			}
		case <-due.C:
		case <-silent.C:
			return o, fmt.Errorf("%d of %d events were read: %w", len(done), pub.issued, errSilent)
		case <-ctx.Done():
			return o, context.Cause(ctx)
		}
	}
	pub.working.Wait()
	if err := context.Cause(ctx); err != nil {
		return o, err
	}
	after := r.cost()
	o = pub.outcome(begun, done)
	o.server, o.postgres, o.readers = after.since(before, 0), after.since(before, 1), after.since(before, 2)
	r.s.b.checked += o.messages
	return o, nil
}

// outcome adds up what was published.
func (p *publisher) outcome(begun time.Time, done []publication) outcome {
	o := outcome{events: p.issued * p.pace.batch}
	end := begun
	for _, d := range done {
		o.messages += d.Got
		o.first = append(o.first, d.since(d.First))
		o.last = append(o.last, d.since(d.Last))
		o.answered = append(o.answered, d.since(p.answers[d.N].UnixNano()))
		if last := time.Unix(0, d.Last); last.After(end) {
			end = last
		}
	}
	o.elapsed = end.Sub(begun)
	if p.pace.rate > 0 { // the time until the next would have been due is the last one's
		o.elapsed = max(o.elapsed, p.pace.measure)
	}
	return o
}
