package redline

import "sort"

// Take is how much of a wanted quantity one source gives.
type Take struct {
	Source   Source
	Quantity int
}

// Allocate spreads a wanted quantity over sources: our own first, then a
// supplier's, then by lead time. It takes no more of a source than is
// available there, and returns what no source could give.
func Allocate(want int, sources []Source) (takes []Take, missing int) {
	ordered := append([]Source(nil), sources...)
	sort.SliceStable(ordered, func(i, j int) bool { return ordered[i].before(ordered[j], want) })
	missing = want
	for _, s := range ordered {
		if missing == 0 {
			break
		}
		if n := min(s.Available, missing); n > 0 {
			takes = append(takes, Take{Source: s, Quantity: n})
			missing -= n
		}
	}
	return takes, missing
}
