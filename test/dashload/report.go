package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"

	"redline/test/internal/measure"
)

const (
	// slow is how long no frame is to take, in milliseconds.
	slow = 50
	// maxSlow is the share of frames and of tasks that may: a browser's process has pauses that no page makes.
	maxSlow = 0.002
	// settled is after how many minutes what grows is a leak: until then the levels get their first movements.
	settled = 2
	// maxGrowth is how much more memory may be in use at the end than then.
	maxGrowth = 0.10
	// minRate is the share of the rate at which the changes are to have been made, or else nothing was shown.
	minRate = 0.95
)

// The comments between which the table stands.
const (
	tableBegin = "<!-- dashload: begin -->"
	tableEnd   = "<!-- dashload: end -->"
)

// titles are what the table calls the uses.
var titles = map[string]string{
	"still":     "nobody touches it",
	"scrolling": "scrolling through all levels",
	"moved":     "sorted by what moved last",
	"sorted":    "sorted by what is available",
	"searching": "typing a search",
}

// report prints what was seen, and judges it.
func (w *watching) report(ctx context.Context) error {
	levels, units, err := w.stock(ctx)
	if err != nil {
		return err
	}
	version, err := w.db.Version(ctx)
	if err != nil {
		return err
	}
	table := w.markdown(fmt.Sprintf("%s. %s, %s. %s.", time.Now().UTC().Format("2 January 2006"), measure.Machine(), runtime.Version(), version))
	fmt.Fprintf(w.out, "\n%s", table)
	if err := w.page.correct(int64(w.changes.made), levels, units); err != nil {
		return err
	}
	// What was measured is written, whatever is thought of it.
	if w.write != "" {
		if err := measure.WriteTable(w.write, tableBegin, tableEnd, table); err != nil {
			return err
		}
	}
	if !w.judge {
		return nil
	}
	return errors.Join(w.page.fast(), w.page.steady(), w.changes.kept())
}

func (w *watching) markdown(facts string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d levels, %.0f changes a second for %s: %d changes, each of which the page was told once. At the end its totals, and %d rows that were "+
		"compared, were the database's.\n\n",
		w.levels, w.changes.reached(), w.changes.took.Round(time.Second), w.changes.made, w.page.end.Compared)
	b.WriteString("| | frames | p50 ms | p99 ms | longest ms | over 50 ms | tasks | p50 ms | p99 ms | longest ms | over 50 ms | most work ms | presented p50 ms | p99 ms | dropped |\n" +
		"|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n")
	for _, u := range w.page.uses {
		fmt.Fprintf(&b, "| %s |%s |%s | %.0f | %.1f | %.1f | %.1f %% |\n", titles[u.name], spread(u.frames), spread(u.tasks), quantile(u.cpu, 1),
			quantile(u.pictures, 0.5), quantile(u.pictures, 0.99), 100*float64(u.dropped)/float64(max(1, len(u.pictures)+u.dropped)))
	}
	b.WriteString("\nMemory in use, once garbage was collected: ")
	for i, m := range w.page.memory {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.1f", float64(m.Heap)/1e6)
	}
	fmt.Fprintf(&b, " MB, a minute or more apart; %+.0f KB a minute from the third on. Nodes and listeners of the document: ", slope(w.page.since(settled))/1e3)
	for i, m := range w.page.memory {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%d and %d", m.Nodes, m.Listeners)
	}
	fmt.Fprintf(&b, ".\n\n%s\n", facts)
	return b.String()
}

// spread is how many times there are, and how long they are.
func spread(ms []float64) string {
	return fmt.Sprintf(" %d | %.1f | %.1f | %.0f | %d", len(ms), quantile(ms, 0.5), quantile(ms, 0.99), quantile(ms, 1), over(ms))
}

// correct says where the page shows anything else than there is.
func (p *page) correct(changes, levels, units int64) error {
	if e := p.end; e.Events != changes || e.Refused != 0 || e.Levels != levels || e.Units != units {
		return fmt.Errorf("there were %d changes, and there are %d units at %d levels; the page was told of %d changes, refused %d, and shows %d units at %d levels",
			changes, units, levels, e.Events, e.Refused, e.Units, e.Levels)
	}
	return nil
}

// fast says where frames or tasks are slow.
func (p *page) fast() error {
	var faults []error
	for _, u := range p.uses {
		for what, ms := range map[string][]float64{"frames": u.frames, "tasks": u.tasks} {
			if n := over(ms); len(ms) == 0 || float64(n) > maxSlow*float64(len(ms)) {
				faults = append(faults, fmt.Errorf("%s: %d of %d %s took more than %d ms", titles[u.name], n, len(ms), what, slow))
			}
		}
	}
	return errors.Join(faults...)
}

// since are the looks at memory from a minute on.
func (p *page) since(minute float64) []memory {
	i := slices.IndexFunc(p.memory, func(m memory) bool { return m.Minutes >= minute })
	if i < 0 {
		return nil
	}
	return p.memory[i:]
}

// steady says where memory grows.
func (p *page) steady() error {
	looks := p.since(settled)
	if len(looks) < 2 {
		return nil
	}
	first, last := looks[0].Heap, looks[len(looks)-1].Heap
	if float64(last) > (1+maxGrowth)*float64(first) {
		return fmt.Errorf("the page had %d bytes of heap after %.1f minutes, and has %d at the end", first, looks[0].Minutes, last)
	}
	return nil
}

// slope is by how many bytes a minute the heap grows, by least squares.
func slope(looks []memory) float64 {
	var minutes, bytes, products, squares float64
	for _, m := range looks {
		minutes += m.Minutes / float64(len(looks))
		bytes += float64(m.Heap) / float64(len(looks))
	}
	for _, m := range looks {
		products += (m.Minutes - minutes) * (float64(m.Heap) - bytes)
		squares += (m.Minutes - minutes) * (m.Minutes - minutes)
	}
	if squares == 0 {
		return 0
	}
	return products / squares
}

func over(ms []float64) int {
	n := 0
	for _, v := range ms {
		if v > slow {
			n++
		}
	}
	return n
}

// quantile is the value that this share of all isn't above; 0 of none.
func quantile(values []float64, share float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[int(share*float64(len(sorted)-1))]
}
