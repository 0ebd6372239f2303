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
	// maxSlow is the share of frames that may: a browser's process has pauses that no page makes.
	maxSlow = 0.002
	// maxGrowth is how much more memory may be in use at the end than after the first minute.
	maxGrowth = 0.10
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
	"sorted":    "sorted by what is available, which changes",
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
	faults := []error{w.page.correct(int64(w.changes.made), levels, units)}
	if w.judge {
		faults = append(faults, w.page.fast(), w.page.steady())
	}
	if err := errors.Join(faults...); err != nil {
		return err
	}
	if w.write != "" {
		return measure.WriteTable(w.write, tableBegin, tableEnd, table)
	}
	return nil
}

func (w *watching) markdown(facts string) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d levels, %.0f changes a second for %s: %d changes, each of which the page was told once.\n\n",
		w.levels, float64(w.changes.made)/w.changes.took.Seconds(), w.changes.took.Round(time.Second), w.changes.made)
	b.WriteString("| | frames | half took up to | 99 % up to | longest | over 50 ms | dropped | longest task | most work of a task |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, u := range w.page.uses {
		fmt.Fprintf(&b, "| %s | %d | %.1f ms | %.1f ms | %.0f ms | %d | %d of %d | %.0f ms | %.0f ms |\n", titles[u.name],
			len(u.frames), quantile(u.frames, 0.5), quantile(u.frames, 0.99), quantile(u.frames, 1), over(u.frames),
			u.dropped, u.drawn+u.dropped, quantile(u.tasks, 1), quantile(u.cpu, 1))
	}
	b.WriteString("\nMemory in use, once its garbage was collected, minute by minute: ")
	for i, m := range w.page.memory {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "%.1f", float64(m.Heap)/1e6)
	}
	fmt.Fprintf(&b, " MB.\n\n%s\n", facts)
	return b.String()
}

// correct says where the page shows anything else than there is.
func (p *page) correct(changes, levels, units int64) error {
	if e := p.end; e.Events != changes || e.Refused != 0 || e.Levels != levels || e.Units != units {
		return fmt.Errorf("there were %d changes, and there are %d units at %d levels; the page was told of %d changes, refused %d, and shows %d units at %d levels",
			changes, units, levels, e.Events, e.Refused, e.Units, e.Levels)
	}
	return nil
}

// fast says where frames are slow.
func (p *page) fast() error {
	var faults []error
	for _, u := range p.uses {
		if n := over(u.frames); len(u.frames) == 0 || float64(n) > maxSlow*float64(len(u.frames)) {
			faults = append(faults, fmt.Errorf("%s: %d of %d frames took more than %d ms", titles[u.name], n, len(u.frames), slow))
		}
	}
	return errors.Join(faults...)
}

// steady says where memory grows. The first look is left out: what is made once is made
// within the first minute.
func (p *page) steady() error {
	if len(p.memory) < 3 {
		return nil
	}
	first, last := p.memory[1].Heap, p.memory[len(p.memory)-1].Heap
	if float64(last) > (1+maxGrowth)*float64(first) {
		return fmt.Errorf("the page had %d bytes of heap after a minute, and has %d at the end", first, last)
	}
	return nil
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
