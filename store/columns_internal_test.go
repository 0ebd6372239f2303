package store

import (
	"math"
	"testing"
)

// An integer that Postgres has no room for was silently cut to 32 bits.
func TestColumnsCutNoIntegers(t *testing.T) {
	t.Parallel()
	for n, fits := range map[int]bool{
		math.MinInt32: true, math.MaxInt32: true, math.MinInt32 - 1: false, math.MaxInt32 + 1: false,
	} {
		func() {
			defer func() {
				if (recover() == nil) != fits {
					t.Errorf("%d fits: %t", n, !fits)
				}
			}()
			ints().int(n)
		}()
	}
}
