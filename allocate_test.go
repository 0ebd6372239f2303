package redline_test

import (
	"fmt"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

var kinds = []redline.LocationKind{redline.LocationWarehouse, redline.LocationStore, redline.LocationSupplier}

func drawSources(t *rapid.T) []redline.Source {
	sources := make([]redline.Source, rapid.IntRange(0, 6).Draw(t, "sources"))
	for i := range sources {
		sources[i] = redline.Source{
			LocationID: fmt.Sprint("loc ", i), Code: fmt.Sprint("code ", i), Kind: rapid.SampledFrom(kinds).Draw(t, "kind"),
			LeadTimeDays: rapid.SampledFrom([]*int{nil, ptr(0), ptr(1), ptr(7)}).Draw(t, "lead time"),
			Available:    rapid.IntRange(-2, 9).Draw(t, "available"),
		}
	}
	return rapid.Permutation(sources).Draw(t, "in the order")
}

// TestAllocate: it takes what is there and no more, the same whatever order the
// sources come in, and leaves no source while it takes from a worse one.
func TestAllocate(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		sources, want := drawSources(t), rapid.IntRange(0, 25).Draw(t, "want")
		given := slices.Clone(sources)
		takes, missing := redline.Allocate(want, sources)
		mustEqual(t, sources, given, "the caller's sources")

		there, total := 0, 0
		for _, s := range sources {
			there += max(s.Available, 0)
		}
		for _, k := range takes {
			total += k.Quantity
			if k.Quantity < 1 || k.Quantity > k.Source.Available || !slices.Contains(sources, k.Source) {
				t.Fatalf("%d was taken of %+v", k.Quantity, k.Source)
			}
		}
		mustEqual(t, total+missing, want, "what was taken and what is missing")
		mustEqual(t, total, min(want, there), "what was taken, of %d", there)

		again, rest := redline.Allocate(want, rapid.Permutation(sources).Draw(t, "in another order"))
		mustEqual(t, again, takes, "the same sources in another order")
		mustEqual(t, rest, missing, "what is missing in another order")

		taken := map[string]int{}
		for _, k := range takes {
			taken[k.Source.Code] += k.Quantity
		}
		for _, better := range sources {
			for _, worse := range sources {
				if taken[worse.Code] > 0 && taken[better.Code] < better.Available && preferred(better, worse) {
					t.Fatalf("taken from %+v while there was more at %+v", worse, better)
				}
			}
		}
	})
}

// preferred is the rules' order, as far as it tells two sources apart: our own
// first, then the shorter lead time. Our own has none unless it says so, a
// supplier's silence is the longest.
func preferred(a, b redline.Source) bool {
	if a, b := a.Kind == redline.LocationSupplier, b.Kind == redline.LocationSupplier; a != b {
		return b
	}
	days := func(s redline.Source) int {
		switch {
		case s.LeadTimeDays != nil:
			return *s.LeadTimeDays
		case s.Kind == redline.LocationSupplier:
			return redline.MaxQuantity
		}
		return 0
	}
	return days(a) < days(b)
}

func TestAllocateOrder(t *testing.T) {
	t.Parallel()
	source := func(code string, kind redline.LocationKind, days *int, available int) redline.Source {
		return redline.Source{LocationID: code, Code: code, Kind: kind, LeadTimeDays: days, Available: available}
	}
	for _, c := range []struct {
		name    string
		want    int
		sources []redline.Source
		takes   []string
		missing int
	}{
		{"our own before a quicker supplier", 5, []redline.Source{
			source("a", redline.LocationSupplier, ptr(0), 9), source("b", redline.LocationWarehouse, ptr(9), 3),
		}, []string{"b 3", "a 2"}, 0},
		{"the shorter lead time", 5, []redline.Source{
			source("a", redline.LocationSupplier, ptr(3), 9), source("b", redline.LocationSupplier, ptr(2), 9),
		}, []string{"b 5"}, 0},
		{"an unknown lead time is the longest", 5, []redline.Source{
			source("a", redline.LocationSupplier, nil, 9), source("b", redline.LocationSupplier, ptr(90), 9),
		}, []string{"b 5"}, 0},
		{"one that can serve it all", 5, []redline.Source{
			source("a", redline.LocationStore, nil, 4), source("b", redline.LocationWarehouse, nil, 5),
		}, []string{"b 5"}, 0},
		{"by code where nothing else decides", 5, []redline.Source{
			source("b", redline.LocationStore, nil, 5), source("a", redline.LocationWarehouse, nil, 5),
		}, []string{"a 5"}, 0},
		{"more than there is", 5, []redline.Source{
			source("a", redline.LocationStore, nil, 1), source("b", redline.LocationSupplier, nil, 2), source("c", redline.LocationStore, nil, 0),
		}, []string{"a 1", "b 2"}, 2},
		{"nothing anywhere", 5, nil, nil, 5},
		{"nothing wanted", 0, []redline.Source{source("a", redline.LocationStore, nil, 1)}, nil, 0},
	} {
		takes, missing := redline.Allocate(c.want, c.sources)
		var got []string
		for _, k := range takes {
			got = append(got, fmt.Sprint(k.Source.Code, " ", k.Quantity))
		}
		mustEqual(t, got, c.takes, "%s: the takes", c.name)
		mustEqual(t, missing, c.missing, "%s: what is missing", c.name)
	}
}
