package main

import (
	"fmt"
	"slices"
	"strings"

	"redline/test/internal/measure"
)

// feedCell is a kind of feed, alone or beside orders, in several rounds.
type feedCell struct {
	kind   feedKind
	beside bool
	runs   []feedRun
}

func (r *results) addFeeds(clients int) *cell {
	r.beside = &cell{name: nameFeed, clients: clients, series: map[string]series{}}
	return r.beside
}

func (r *results) addFeed(k feedKind, beside bool, run feedRun) {
	for _, c := range r.feeds {
		if c.kind == k && c.beside == beside {
			c.runs = append(c.runs, run)
			return
		}
	}
	r.feeds = append(r.feeds, &feedCell{k, beside, []feedRun{run}})
}

func (r *results) addChanges(clients int) *cell {
	c := &cell{name: nameChanges, clients: clients, series: map[string]series{}}
	r.changes = append(r.changes, c)
	return c
}

func (r *results) changesTable(b *strings.Builder) {
	if len(r.changes) == 0 {
		return
	}
	b.WriteString("\n| changes | clients | of orderPlace | calls/s | p50 ms | p99 ms | server CPU | Postgres CPU | memory |\n|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	busy := ""
	for _, c := range r.changes {
		for _, step := range c.systems {
			fmt.Fprintf(b, "| %s | %d | %s | %s |\n", step, c.clients, c.ratio(step, stepPlace, "%.1f ×", 1), c.series[step].figures())
			if n := c.series[step].of(func(m measurement) float64 { return float64(m.Again) }); n > 0 {
				busy += fmt.Sprintf("\nAt %s with %d clients the server was too busy and asked to be asked again %.0f times a round; the latencies hold that.\n",
					step, c.clients, n)
			}
		}
	}
	b.WriteString(busy)
}

func (r *results) feedTables(b *strings.Builder) {
	if len(r.feeds) == 0 {
		return
	}
	b.WriteString("\n| feed | rows that changed | orders meanwhile | s, median | s, worst | rows/s | server CPU | Postgres CPU | memory before | 2nd feed | 10th feed |\n" +
		"|---|--:|---|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	slices.SortStableFunc(r.feeds, func(x, y *feedCell) int {
		if x.beside == y.beside {
			return 0
		} else if x.beside {
			return 1
		}
		return -1
	})
	for _, c := range r.feeds {
		b.WriteString(c.row(r.beside.clients))
	}
	b.WriteString("\n| orders while feeds come | clients | of no feed | orders/s | p50 ms | p99 ms | server CPU | Postgres CPU | memory | asked again |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, system := range append([]string{systemNoFeed}, r.besideSystems()...) {
		if s := r.beside.series[system]; len(s) > 0 {
			fmt.Fprintf(b, "| %s | %d | %s | %s | %.0f |\n", system, r.beside.clients, r.beside.ratio(system, systemNoFeed, "%.0f %%", 100), s.figures(),
				s.of(func(m measurement) float64 { return float64(m.Again) }))
		}
	}
	b.WriteString(r.verdict())
}

// besideSystems are the feeds beside which orders were placed, in the order of
// their kinds.
func (r *results) besideSystems() []string {
	var out []string
	for _, k := range feedKinds {
		out = append(out, k.system())
	}
	return out
}

// all are the times of all feeds of a cell, in seconds.
func (c *feedCell) all() []float64 {
	var out []float64
	for _, run := range c.runs {
		out = append(out, run.seconds()...)
	}
	return out
}

// of is the median of a figure of the rounds, of those that have it.
func (c *feedCell) of(figure func(feedRun) (float64, bool)) float64 {
	var values []float64
	for _, run := range c.runs {
		if v, ok := figure(run); ok {
			values = append(values, v)
		}
	}
	if len(values) == 0 {
		return -1
	}
	return measure.Median(values)
}

// peak is the most memory during the nth feed of a server.
func (c *feedCell) peak(n int) float64 {
	return c.of(func(run feedRun) (float64, bool) {
		if len(run.peaks) < n {
			return 0, false
		}
		return megabytes(run.peaks[n-1]), true
	})
}

func (c *feedCell) row(clients int) string {
	all := c.all()
	if len(all) == 0 {
		return ""
	}
	orders := "–"
	if c.beside {
		orders = fmt.Sprintf("%d clients", clients)
	}
	rate := c.of(func(run feedRun) (float64, bool) {
		sum := 0.0
		for _, s := range run.seconds() {
			sum += s
		}
		return float64(run.rows) / sum, sum > 0
	})
	cpu := func(pick func(feedRun) float64) string {
		return known("%.0f", c.of(func(run feedRun) (float64, bool) { return pick(run), true }))
	}
	return fmt.Sprintf("| %s | %s | %s | %.2f | %.2f | %.0f | %s | %s | %s | %s | %s |\n", c.kind.mode, c.kind.about, orders,
		measure.Median(all), slices.Max(all), rate,
		cpu(func(run feedRun) float64 { return perThousand(run.server, run.rows) }),
		cpu(func(run feedRun) float64 { return perThousand(run.postgres, run.rows) }),
		known("%.0f MB", c.of(func(run feedRun) (float64, bool) { return megabytes(run.before), true })),
		known("%.0f MB", c.peak(2)), known("%.0f MB", c.peak(feedsInTurn)))
}

// verdict says whether what feeds are meant to keep to was kept.
func (r *results) verdict() string {
	n, worst, grown := 0, 0.0, 0.0
	for _, c := range r.feeds {
		if all := c.all(); c.beside && len(all) > 0 {
			n, worst = n+len(all), max(worst, slices.Max(all))
		}
		if second, last := c.peak(2), c.peak(feedsInTurn); second > 0 && last > 0 {
			grown = max(grown, last/second)
		}
	}
	var b strings.Builder
	if n > 0 {
		held := "held"
		if worst >= feedAim.Seconds() {
			held = "not held"
		}
		fmt.Fprintf(&b, "\nThe aim of less than %s a feed while orders are placed was %s: of %d feeds the slowest took %.2f s.", feedAim, held, n, worst)
	}
	if grown > 0 {
		fmt.Fprintf(&b, " While it took its tenth feed a server had at most %.0f %% of the memory that it had while it took its second.", 100*grown)
	}
	if b.Len() > 0 {
		b.WriteString("\n")
	}
	return b.String()
}
