package main

import (
	"math"
	"testing"
	"time"
)

// Whatever clocks and outages make of it, a span is a number that the contract can say.
func TestMillisecondsFitTheContract(t *testing.T) {
	t.Parallel()
	for span, want := range map[time.Duration]int{
		-time.Second: 0, 0: 0, 1999 * time.Microsecond: 1, time.Minute: 60_000, 30 * 24 * time.Hour: math.MaxInt32,
	} {
		if got := milliseconds(span); got != want {
			t.Errorf("%s has %d milliseconds, want %d", span, got, want)
		}
	}
}
