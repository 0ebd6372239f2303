// Package traffic makes believable traffic at a gateway that has the demo data,
// as its users would, through its public API alone: customers buy, cancel and send back,
// warehouses and suppliers accept, ship and deliver, suppliers send feeds and fall
// silent now and then, stock that was sold is bought in again, and an operator settles conflicts.
//
// It can go on for days: what it holds in memory is bounded, stock hovers between its
// reorder point and some times that, and orders are only placed as fast as they are
// delivered.
package traffic

import (
	"context"
	"crypto/rand"
	"fmt"
	mathrand "math/rand/v2"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"redline"
)

// MaxRate is the highest rate that can be asked for, in actions a second. One action
// follows another, so that a gateway may be slower than that.
const MaxRate = 1000

// Actor is who asks: a shop (STOREFRONT), an operator (OPERATOR), or a supplier
// (SUPPLIER) by its code.
type Actor struct {
	Role     redline.Role
	Supplier string
}

// Gateway asks a gateway.
type Gateway interface {
	// Ask runs one operation with an actor's token and reads its data into what into points
	// to. What may pass, such as a gateway that is away or asks to come later, it tries
	// again until ctx ends.
	Ask(ctx context.Context, as Actor, query string, variables map[string]any, into any) error
}

// Options are what traffic is made of.
type Options struct {
	Gateway Gateway
	// Rate is how many actions are begun a second, more than 0 and at most MaxRate.
	Rate float64
	// Seed settles what is drawn: with the same seed, rate and data the same is done in the same
	// order, as long as nobody else changes anything, and but for what the gateway
	// does by the clock, such as finding stock stale.
	Seed uint64
	// Actions is after how many it ends; 0: never.
	Actions int
	// Report is called every ReportEvery with what was done so far; nil: nobody is told.
	Report func(Summary)
	// ReportEvery is more than 0 where there is a Report.
	ReportEvery time.Duration
}

// Run makes traffic until ctx ends or there were enough actions, and returns what
// was done. It is an error if there is nothing to buy, or if the gateway refuses
// action after action in a way that trying again doesn't help.
func Run(ctx context.Context, o Options) (Summary, error) {
	if !(o.Rate > 0 && o.Rate <= MaxRate) || o.Actions < 0 {
		return Summary{}, fmt.Errorf("traffic at %g actions a second, %d in all: the rate has to be more than 0 and at most %d, the number not negative", o.Rate, o.Actions, MaxRate)
	}
	if o.Report != nil && o.ReportEvery <= 0 {
		return Summary{}, fmt.Errorf("traffic that is reported every %s: that has to be more than 0", o.ReportEvery)
	}
	s := &simulation{
		Options: o,
		// Two words of seed: the second is any constant.
		random: mathrand.New(mathrand.NewPCG(o.Seed, 0x9e3779b97f4a7c15)),
		run:    "traffic-" + rand.Text()[:8],
	}
	if err := s.readWorld(ctx); err != nil {
		if ctx.Err() != nil {
			return Summary{}, nil
		}
		return Summary{}, fmt.Errorf("reading what there is: %w", err)
	}
	stopReports := s.report()
	defer stopReports()
	defer s.settleOutage(ctx)
	err := s.loop(ctx)
	return s.tally.summary(), err
}

// simulation is traffic under way. It has one goroutine, which does one action after
// the other: only so does the seed settle what happens.
type simulation struct {
	Options
	random *mathrand.Rand
	// run begins the idempotency keys and references of this run, so that another with
	// the same seed isn't taken for a repetition of it.
	run string
	// keys counts the keys so far, and tick the actions: time, as the simulation has it.
	keys, tick int
	world      world
	errands    errands
	// latest is the order that was placed last; empty where it was cancelled.
	latest string
	// delivered are the last orders that arrived, from which some comes back.
	delivered []string
	// sold are the products that warehouses have to look after, each once.
	sold   []int
	isSold map[int]bool
	outage outage
	// failures counts those in a row.
	failures int
	tally    tally
}

// maxFailures is after how many failures in a row that no trying again helps it gives up.
const maxFailures = 20

func (s *simulation) loop(ctx context.Context) error {
	pace := rate.NewLimiter(rate.Limit(s.Rate), max(1, int(s.Rate/4)))
	s.outage.next = s.outageTicks() / 4
	// It is over as well where ctx will end before the next action is due.
	goesOn := func() bool { return (s.Actions == 0 || s.tick < s.Actions) && pace.Wait(ctx) == nil }
	for ; goesOn(); s.tick++ {
		if err := s.once(ctx); err != nil {
			return err
		}
	}
	return nil
}

// once does one action and counts it. It is an error if that was one failure too many.
func (s *simulation) once(ctx context.Context) error {
	kind, err := s.act(ctx)
	if failed := s.tally.count(kind, err, ctx.Err() != nil); !failed {
		s.failures = 0
		return nil
	}
	if s.failures++; s.failures == maxFailures {
		return fmt.Errorf("%d actions in a row failed, the last of them: %s: %w", s.failures, kind, err)
	}
	return nil
}

// maxOpen is how many orders may be under way before no more are placed.
const maxOpen = 500

// act does one action: the first that is drawn and can be done. Buying waits while
// what is due isn't done in time.
func (s *simulation) act(ctx context.Context) (Kind, error) {
	late, supplied := s.errands.late(s.tick), len(s.world.suppliers) > 0
	switch draw := s.random.Float64(); {
	case supplied && s.tick >= s.outage.next:
		return s.turnOutage(ctx)
	case draw < 0.07 && supplied:
		return s.sendFeed(ctx)
	case draw < 0.11 && len(s.sold) >= restockProducts/2 && len(s.world.warehouses) > 0:
		return s.restock(ctx)
	case draw < 0.125:
		return s.settleConflict(ctx)
	case draw < 0.14 && s.latest != "":
		return s.cancel(ctx)
	case draw < 0.155 && len(s.delivered) > 0:
		return s.sendBack(ctx)
	case draw < 0.33 && late < maxLate && len(s.errands.queue) < maxOpen:
		return s.buy(ctx)
	case late >= 0:
		return s.followUp(ctx)
	}
	return s.browse(ctx)
}

// report tells of what was done in a goroutine of its own: a gateway that is away
// holds actions up, and not what is said. The function that it returns ends it.
func (s *simulation) report() (stop func()) {
	if s.Report == nil {
		return func() {}
	}
	done := make(chan struct{})
	var reporter sync.WaitGroup
	reporter.Go(func() {
		ticker := time.NewTicker(s.ReportEvery)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				s.Report(s.tally.summary())
			case <-done:
				return
			}
		}
	})
	return func() { close(done); reporter.Wait() }
}

// between draws a number from least to most.
func (s *simulation) between(least, most int) int { return least + s.random.IntN(most-least+1) }

// chance is true with this probability.
func (s *simulation) chance(p float64) bool { return s.random.Float64() < p }

// key makes an idempotency key.
func (s *simulation) key() string {
	s.keys++
	return fmt.Sprintf("%s-%d", s.run, s.keys)
}
