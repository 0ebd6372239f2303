package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"redline/test/internal/measure"
)

// results are all measurements so far.
type results struct {
	cells     []*cell
	noPgbench bool
	// changes are holds, shipments and returns, beside orders orders beside feeds,
	// and feeds the feeds.
	changes []*cell
	beside  *cell
	feeds   []*feedCell
}

// cell is one load, measured on several systems in several rounds.
type cell struct {
	name, about string
	clients     int
	systems     []string
	series      map[string]series
}

func (r *results) add(name, about string, clients int) *cell {
	c := &cell{name: name, about: about, clients: clients, series: map[string]series{}}
	r.cells = append(r.cells, c)
	return c
}

func (c *cell) add(system string, m measurement) {
	if !slices.Contains(c.systems, system) {
		c.systems = append(c.systems, system)
	}
	c.series[system] = append(c.series[system], m)
}

// String is one line for whoever watches.
func (m measurement) String() string {
	text := fmt.Sprintf("%8.0f /s   p50 %8.2f ms   p99 %8.2f ms", m.Rate, m.P50, m.P99)
	if m.ServerCPU >= 0 {
		text += fmt.Sprintf("   server %6.0f ms", m.ServerCPU)
	}
	if m.DatabaseCPU >= 0 {
		text += fmt.Sprintf("   Postgres %6.0f ms", m.DatabaseCPU)
	}
	if m.Resident > 0 {
		text += fmt.Sprintf("   %4.0f MB", megabytes(m.Resident))
	}
	if m.Again > 0 {
		text += fmt.Sprintf("   asked again %d times", m.Again)
	}
	return text
}

func megabytes(n int64) float64 { return float64(n) / 1e6 }

// known writes a figure, or a dash where it isn't known.
func known(format string, v float64) string {
	if v < 0 || v == 0 && format == "%.0f MB" {
		return "–"
	}
	return fmt.Sprintf(format, v)
}

// latency writes milliseconds with two digits or so that count.
func latency(ms float64) string {
	if ms < 10 {
		return fmt.Sprintf("%.2f", ms)
	}
	return fmt.Sprintf("%.0f", ms)
}

// figures are the cells of a row that all tables have.
func (s series) figures() string {
	cpu := func(pick func(measurement) float64) string { return known("%.0f", s.of(pick)) }
	return fmt.Sprintf("%.0f | %s | %s | %s | %s | %s", s.of(func(m measurement) float64 { return m.Rate }),
		latency(s.of(func(m measurement) float64 { return m.P50 })), latency(s.of(func(m measurement) float64 { return m.P99 })),
		cpu(func(m measurement) float64 { return m.ServerCPU }), cpu(func(m measurement) float64 { return m.DatabaseCPU }),
		known("%.0f MB", s.of(func(m measurement) float64 { return megabytes(m.Resident) })))
}

// ratio writes one system's rate as a multiple of another's.
func (c *cell) ratio(system, to, format string, scale float64) string {
	if system == to || len(c.series[to]) == 0 {
		return ""
	}
	return fmt.Sprintf(format, scale*c.series[system].to(c.series[to]))
}

// markdown is the tables, and what they were measured on.
func (r *results) markdown(facts string) string {
	var b strings.Builder
	b.WriteString(facts + "\n")
	r.table(&b, "\n| query | clients | | of the limit | of flat rows | requests/s | p50 ms | p99 ms | server CPU | Postgres CPU | memory |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		[]string{systemLimit, systemFlat, systemRedline}, func(c *cell, system string) string {
			return fmt.Sprintf("| %s | %d | %s | %s | %s | %s |\n", strings.ToUpper(c.name), c.clients, system,
				c.ratio(system, systemLimit, "%.0f %%", 100), c.ratio(system, systemFlat, "%.0f %%", 100), c.series[system].figures())
		})
	r.table(&b, "\n| orders | clients | | of pgbench plain | of pgbench CTE | orders/s | p50 ms | p99 ms | server CPU | Postgres CPU | memory |\n|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n",
		[]string{systemPlain, systemCTE, systemRedline}, func(c *cell, system string) string {
			return fmt.Sprintf("| %s | %d | %s | %s | %s | %s |\n", strings.TrimPrefix(c.name, "place-"), c.clients, system,
				c.ratio(system, systemPlain, "%.1f ×", 1), c.ratio(system, systemCTE, "%.1f ×", 1), c.series[system].figures())
		})
	r.changesTable(&b)
	r.feedTables(&b)
	if r.noPgbench {
		b.WriteString("\nThis machine has no pgbench, so that there is no measure beside the orders.\n")
	}
	for _, c := range r.cells {
		for _, system := range []string{systemFlat, systemRedline} {
			if ratio := c.series[system].to(c.series[systemLimit]); ratio > 1 {
				fmt.Fprintf(&b, "\nAt %s the limit is no limit: %s reached %.0f %% of it.\n", strings.ToUpper(c.name), system, 100*ratio)
			}
		}
		if n := c.series[systemRedline].of(func(m measurement) float64 { return float64(m.Again) }); n > 0 {
			fmt.Fprintf(&b, "\nAt %s with %d clients the server was too busy and asked to be asked again %.0f times a round; the latencies hold that.\n",
				c.name, c.clients, n)
		}
	}
	return b.String()
}

// table writes one of the tables, if it has rows.
func (r *results) table(b *strings.Builder, head string, systems []string, row func(*cell, string) string) {
	rows := ""
	for _, c := range r.cells {
		for _, system := range systems {
			if len(c.series[system]) > 0 && (len(c.series[systemLimit]) > 0) == slices.Contains(systems, systemLimit) {
				rows += row(c, system)
			}
		}
	}
	if rows != "" {
		b.WriteString(head + rows)
	}
}

// facts say what was measured on what.
func (b *bench) facts(ctx context.Context, took time.Duration) (string, error) {
	version, err := b.db.Version(ctx)
	if err != nil {
		return "", err
	}
	size, err := b.db.Text(ctx, `SELECT pg_size_pretty(pg_database_size(current_database()))`)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s. %s, %s. %s. %d products, 5 locations of ours, %d orders at the start; %d rounds of %s each, medians; %s in all, and %s of database at the end.",
		time.Now().UTC().Format("2 January 2006"), measure.Machine(), runtime.Version(), version, b.products, b.orders, b.rounds, b.measure,
		took.Round(time.Second), size), nil
}

// The comments that the table stands between.
const (
	tableBegin = "<!-- table: begin; written by make bench -->"
	tableEnd   = "<!-- table: end -->"
)
