package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"redline/test/internal/measure"
)

// The comments that the tables stand between.
const (
	tableBegin = "<!-- live table: begin; written by make bench-live -->"
	tableEnd   = "<!-- live table: end -->"
)

// What is aimed at.
const (
	aimOfBare  = 0.9  // of the bare server's messages a second, at least
	aimMemory  = 8e3  // bytes for an idle subscriber, at most
	aimOfStock = 0.25 // of stock gqlgen's processor time for a message, at most
	aimFirst   = 5.0  // milliseconds from commit to the first reader, at most
	aimGrowth  = 1.1  // of an event's cost with no others, at most
)

// results are all measurements so far.
type results struct {
	crowds []*crowd
	lone   []*lonely
}

func (r *results) crowd(readers, groups int) *crowd {
	c := &crowd{readers: readers, groups: groups, of: map[string]*figures{}}
	r.crowds = append(r.crowds, c)
	return c
}

func (c *crowd) figures(system string) *figures {
	if c.of[system] == nil {
		c.of[system] = &figures{}
	}
	return c.of[system]
}

func (r *results) lonely(others int) *lonely {
	for _, l := range r.lone {
		if l.others == others {
			return l
		}
	}
	l := &lonely{others: others}
	r.lone = append(r.lone, l)
	return l
}

// of is the median of a figure of the rounds.
func of(all []outcome, figure func(outcome) float64) float64 {
	var values []float64
	for _, o := range all {
		values = append(values, figure(o))
	}
	return measure.Median(values)
}

// ratio is the median of the rounds' ratios of a figure, which outlives a machine
// that is faster in one round than in another; 0 where there is nothing to compare.
func ratio(of, to []outcome, figure func(outcome) float64) float64 {
	var values []float64
	for i := range min(len(of), len(to)) {
		if a, b := figure(of[i]), figure(to[i]); a >= 0 && b > 0 {
			values = append(values, a/b)
		}
	}
	return measure.Median(values)
}

// percentile is one of some times, in milliseconds, of all rounds together.
func percentile(p int, rounds ...[]time.Duration) float64 {
	all := slices.Concat(rounds...)
	if len(all) == 0 {
		return 0
	}
	slices.Sort(all)
	return all[(len(all)-1)*p/100].Seconds() * 1e3
}

// times are one kind of time of all rounds.
func times(all []outcome, pick func(outcome) []time.Duration) [][]time.Duration {
	var out [][]time.Duration
	for _, o := range all {
		out = append(out, pick(o))
	}
	return out
}

func first(o outcome) []time.Duration    { return o.first }
func last(o outcome) []time.Duration     { return o.last }
func answered(o outcome) []time.Duration { return o.answered }

func serverCPU(o outcome) float64  { return each(o.server, o.messages) }
func readersCPU(o outcome) float64 { return each(o.readers, o.messages) }

// figure writes three digits or so that count, or a dash for what isn't known.
func figure(v float64) string {
	switch {
	case v < 0:
		return "–"
	case v < 10:
		return fmt.Sprintf("%.2f", v)
	case v < 100:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.0f", v)
}

// percent writes a ratio, and nothing for none.
func percent(v float64) string {
	if v <= 0 {
		return ""
	}
	return fmt.Sprintf("%.0f %%", 100*v)
}

// markdown is the tables, and what they were measured on.
func (r *results) markdown(facts string, rate float64, window int) string {
	var b strings.Builder
	b.WriteString(facts + "\n")
	if len(r.crowds) > 0 {
		fmt.Fprintf(&b, "\n| subscribers, %d events under way | | of bare gorilla | messages/s | server CPU | of stock gqlgen | readers' CPU | Postgres CPU | p50 ms | p99 ms |\n"+
			"|---|---|--:|--:|--:|--:|--:|--:|--:|--:|\n", window)
		r.rows(&b, (*crowd).closedRow)
		fmt.Fprintf(&b, "\n| subscribers, %g events/s | | messages/s | server CPU | first reader p50 ms | p99 ms | last reader p50 ms | p99 ms |\n"+
			"|---|---|--:|--:|--:|--:|--:|--:|\n", rate)
		r.rows(&b, (*crowd).rateRow)
		b.WriteString("\n| subscribers, idle | | Go's memory for each | resident memory for each |\n|---|---|--:|--:|\n")
		r.rows(&b, (*crowd).memoryRow)
	}
	if len(r.lone) > 0 {
		fmt.Fprintf(&b, "\n| other subscribers | server CPU of an event, µs | of none | Postgres CPU, µs | at %g events/s: read after p50 ms | p99 ms | answered after p50 ms |\n"+
			"|--:|--:|--:|--:|--:|--:|--:|\n", rate)
		for _, l := range r.lone {
			fmt.Fprintf(&b, "| %d | %.0f | %s | %s | %s | %s | %s |\n", l.others, of(l.closed, eventCPU), percent(ratio(l.closed, r.lone[0].closed, eventCPU)),
				figure(of(l.closed, func(o outcome) float64 { return each(o.postgres, o.events) })),
				figure(percentile(50, times(l.rate, first)...)), figure(percentile(99, times(l.rate, first)...)),
				figure(percentile(50, times(l.rate, answered)...)))
		}
	}
	return b.String() + r.verdict()
}

func eventCPU(o outcome) float64 { return each(o.server, o.events) }

// rows writes a row for each system of each crowd.
func (r *results) rows(b *strings.Builder, row func(*crowd, *figures) string) {
	for _, c := range r.crowds {
		for _, system := range []string{systemRedline, systemBare, systemStock} {
			if f := c.of[system]; f != nil {
				fmt.Fprintf(b, "| %s | %s | %s |\n", c.about(), systemTitles[system], row(c, f))
			}
		}
	}
}

// ofBare and ofStock are how a system compares in the closed loop; 0: it doesn't.
func (c *crowd) ofBare(f *figures) float64 {
	bare := c.of[systemBare]
	if bare == nil || bare == f {
		return 0
	}
	return ratio(f.closed, bare.closed, outcome.perSecond)
}

func (c *crowd) ofStock(f *figures) float64 {
	stock := c.of[systemStock]
	if stock == nil || stock == f {
		return 0
	}
	return ratio(f.closed, stock.closed, serverCPU)
}

func (c *crowd) closedRow(f *figures) string {
	postgres := "–"
	if f == c.of[systemRedline] {
		postgres = figure(of(f.closed, func(o outcome) float64 { return each(o.postgres, o.messages) }))
	}
	return fmt.Sprintf("%s | %.0f | %s | %s | %s | %s | %s | %s", percent(c.ofBare(f)), of(f.closed, outcome.perSecond),
		figure(of(f.closed, serverCPU)), percent(c.ofStock(f)), figure(of(f.closed, readersCPU)), postgres,
		figure(percentile(50, times(f.closed, last)...)), figure(percentile(99, times(f.closed, last)...)))
}

func (c *crowd) rateRow(f *figures) string {
	return fmt.Sprintf("%.0f | %s | %s | %s | %s | %s", of(f.rate, outcome.perSecond), figure(of(f.rate, serverCPU)),
		figure(percentile(50, times(f.rate, first)...)), figure(percentile(99, times(f.rate, first)...)),
		figure(percentile(50, times(f.rate, last)...)), figure(percentile(99, times(f.rate, last)...)))
}

func (c *crowd) memoryRow(f *figures) string {
	return fmt.Sprintf("%.1f KB | %.1f KB", measure.Median(f.goes)/1e3, measure.Median(f.resident)/1e3)
}

// verdict says which aims were met, each by its worst figure.
func (r *results) verdict() string {
	var b strings.Builder
	say := func(known, held bool, aim, figure string) {
		not := "not "
		if held {
			not = ""
		}
		if known {
			fmt.Fprintf(&b, "- %s: %smet, %s.\n", aim, not, figure)
		}
	}
	ofBare, ofStock, memory := 0.0, 0.0, 0.0
	for _, c := range r.crowds {
		f := c.of[systemRedline]
		if f == nil {
			continue
		}
		if v := c.ofBare(f); v > 0 && (ofBare == 0 || v < ofBare) {
			ofBare = v
		}
		ofStock, memory = max(ofStock, c.ofStock(f)), max(memory, measure.Median(f.goes))
	}
	say(ofBare > 0, ofBare >= aimOfBare, "At least 90 % of bare gorilla's messages/s", percent(ofBare)+" at the least")
	say(ofStock > 0, ofStock <= aimOfStock, "At most a quarter of stock gqlgen's processor time for a message", percent(ofStock)+" at the most")
	say(memory > 0, memory <= aimMemory, "At most 8 KB for an idle subscriber", fmt.Sprintf("%.1f KB of Go's memory at the most", memory/1e3))
	if len(r.lone) > 0 {
		soonest, grown := percentile(50, times(r.lone[0].rate, first)...), 0.0
		for _, l := range r.lone {
			grown = max(grown, ratio(l.closed, r.lone[0].closed, eventCPU))
		}
		say(true, soonest < aimFirst, "Less than 5 ms from commit to the first reader at p50, idle", figure(soonest)+" ms")
		say(len(r.lone) > 1, grown <= aimGrowth, "An event's cost doesn't grow with groups that it doesn't concern", percent(grown)+" of what it is without any at the most")
	}
	if b.Len() == 0 {
		return ""
	}
	return "\nWhat is aimed at:\n\n" + b.String()
}
