package main

import (
	"context"
	"sync"
	"time"

	"redline/test/internal/measure"
)

// measurement is what one system did in one round.
type measurement struct {
	// Rate is requests or orders a second.
	Rate float64
	// P50 and P99 are latencies in milliseconds.
	P50, P99 float64
	// ServerCPU and DatabaseCPU are milliseconds of processor time for 1,000
	// requests or orders; negative: not known.
	ServerCPU, DatabaseCPU float64
	// Resident is the most memory that the server had, in bytes; 0: not known.
	Resident int64
	// Again is how often the server asked to be asked again.
	Again int
	// checked is how many answers were compared with what they have to be.
	checked int
	// placed is how many orders were acknowledged, with those of the warm-up.
	placed int
}

// meter reads what a measurement costs the machine.
type meter struct {
	server, master int // process ids; server 0: there is none
	begun          [2]time.Duration
	known          [2]bool
	peak           int64
	sampling       sync.WaitGroup
	stop           context.CancelFunc
}

// sampleEvery is how often memory is looked at.
const sampleEvery = 50 * time.Millisecond

// start begins a measurement. It is ended by end.
func (m *meter) start(ctx context.Context) {
	m.read(&m.begun, &m.known)
	ctx, m.stop = context.WithCancel(ctx)
	m.sampling.Go(func() {
		tick := time.NewTicker(sampleEvery)
		defer tick.Stop()
		for m.server != 0 {
			if n, ok := measure.Resident(m.server); ok {
				m.peak = max(m.peak, n)
			}
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
}

// end ends the measurement: it returns the processor time of the server and of
// Postgres; negative where it isn't known, or nothing was begun.
func (m *meter) end() (server, postgres time.Duration) {
	if m.stop == nil {
		return -1, -1
	}
	m.stop()
	m.sampling.Wait()
	var now [2]time.Duration
	var known [2]bool
	m.read(&now, &known)
	out := [2]time.Duration{-1, -1}
	for i := range out {
		if m.known[i] && known[i] {
			out[i] = now[i] - m.begun[i]
		}
	}
	return out[0], out[1]
}

func (m *meter) read(cpu *[2]time.Duration, known *[2]bool) {
	if m.server != 0 {
		cpu[0], known[0] = measure.CPU(m.server)
	}
	cpu[1], known[1] = measure.ClusterCPU(m.master)
}

// perThousand is a processor time for 1,000 of n, in milliseconds.
func perThousand(cpu time.Duration, n int) float64 {
	if cpu < 0 || n == 0 {
		return -1
	}
	return float64(cpu.Microseconds()) / float64(n)
}

// ask runs a job against a target and measures it.
func (b *bench) ask(ctx context.Context, t *measure.Target, j job) (measurement, error) {
	j.Addr = t.Addr
	m := &meter{server: t.PID(), master: b.db.Master}
	defer m.end() // where it was broken off
	server, postgres := time.Duration(-1), time.Duration(-1)
	r, err := runLoad(ctx, j, func() { m.start(ctx) }, func() { server, postgres = m.end() })
	if err != nil {
		return measurement{}, err
	}
	return r.measurement(m.peak, server, postgres), nil
}

// measurement is what a load generator reports, with what it cost.
func (r report) measurement(resident int64, server, postgres time.Duration) measurement {
	return measurement{
		Rate: float64(r.Requests) / r.Seconds, P50: r.P50, P99: r.P99, Resident: resident, Again: r.Again, checked: r.Checked, placed: r.Placed,
		ServerCPU: perThousand(server, r.Requests), DatabaseCPU: perThousand(postgres, r.Requests),
	}
}

// series is what one system did in all rounds.
type series []measurement

// of is the median of one figure.
func (s series) of(figure func(measurement) float64) float64 {
	var values []float64
	for _, m := range s {
		values = append(values, figure(m))
	}
	return measure.Median(values)
}

// to is the median of the rounds' ratios to another system's rates, which
// outlives a machine that is faster in one round than in another.
func (s series) to(other series) float64 {
	var values []float64
	for i := range min(len(s), len(other)) {
		if other[i].Rate > 0 {
			values = append(values, s[i].Rate/other[i].Rate)
		}
	}
	return measure.Median(values)
}
