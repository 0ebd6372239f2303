package redline_test

import (
	"errors"
	"maps"
	"math"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

// drawLevel draws a level that keeps the rules, short or not.
func drawLevel(t *rapid.T) redline.InventoryLevel {
	quantity := rapid.OneOf(rapid.IntRange(0, 5), rapid.IntRange(0, redline.MaxQuantity), rapid.Just(redline.MaxQuantity))
	l := redline.InventoryLevel{Version: rapid.IntRange(0, 9).Draw(t, "version"), ReorderPoint: quantity.Draw(t, "reorder point")}
	for _, s := range redline.States {
		*l.Quantity(s) = quantity.Draw(t, string(s))
	}
	net := l.OnHand - l.Reserved - l.Committed - l.SafetyStock - l.Unavailable
	l.Available, l.Shortfall = max(net, 0), max(-net, 0)
	return l
}

func drawDelta(t *rapid.T) redline.Delta {
	d := redline.Delta{}
	for _, s := range redline.States {
		if rapid.Bool().Draw(t, "changes "+string(s)) {
			d[s] = rapid.OneOf(
				rapid.IntRange(-5, 5), rapid.IntRange(-redline.MaxQuantity, redline.MaxQuantity),
				rapid.SampledFrom([]int{math.MinInt, math.MinInt32, math.MaxInt32, math.MaxInt}),
			).Draw(t, "delta")
		}
	}
	return d
}

// TestApply: whatever happens to a level, by us or as a fact, its quantities
// add up.
func TestApply(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		l := drawLevel(t)
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			before, d, fact := l, drawDelta(t), rapid.Bool().Draw(t, "a fact")
			asked := maps.Clone(d)
			changes, err := l.Apply(d, fact)
			mustEqual(t, d, asked, "the caller's delta")
			checkApplied(t, before, l, d, fact, changes, err)
		}
	})
}

func checkApplied(t *rapid.T, before, l redline.InventoryLevel, d redline.Delta, fact bool, changes []redline.QuantityChange, err error) {
	outside, shortfall := false, 0
	for _, s := range redline.States {
		// Compared before it is added, since the sum may be too large for an int.
		q := *before.Quantity(s)
		outside = outside || d[s] < -q || d[s] > redline.MaxQuantity-q
	}
	if !outside {
		shortfall = before.Reserved + d[redline.StateReserved] + before.Committed + d[redline.StateCommitted] +
			before.SafetyStock + d[redline.StateSafetyStock] + before.Unavailable + d[redline.StateUnavailable] -
			before.OnHand - d[redline.StateOnHand]
	}
	switch {
	case outside:
		// More than is on hand is more than is there; anything else is no quantity.
		want := redline.ErrNegative
		if d[redline.StateOnHand] < -before.OnHand {
			want = redline.ErrShort
		}
		if !errors.Is(err, want) {
			t.Fatalf("a quantity leaves its range, and the answer is %v", err)
		}
	case shortfall > before.Shortfall && !fact:
		if !errors.Is(err, redline.ErrShort) {
			t.Fatalf("the shortfall would grow from %d to %d, and the answer is %v", before.Shortfall, shortfall, err)
		}
	case err != nil:
		t.Fatalf("refused: %v", err)
	}
	if err != nil {
		mustEqual(t, l, before, "the level after a refusal")
		mustEqual(t, changes, []redline.QuantityChange(nil), "the changes of a refusal")
		return
	}
	mustEqual(t, l.OnHand+l.Shortfall, l.Available+l.Reserved+l.Committed+l.SafetyStock+l.Unavailable, "the level's equation")
	if min(l.Available, l.Shortfall) != 0 || l.Available < 0 || l.Shortfall < 0 {
		t.Fatalf("%d available and %d short", l.Available, l.Shortfall)
	}
	mustEqual(t, l.Version, before.Version+1, "the version")
	mustEqual(t, l.ReorderPoint, before.ReorderPoint, "the reorder point")
	var want []redline.QuantityChange
	for _, s := range redline.States {
		if n := *l.Quantity(s) - *before.Quantity(s); n != 0 {
			want = append(want, redline.QuantityChange{State: s, Delta: n, After: *l.Quantity(s)})
		}
		mustEqual(t, *l.Quantity(s)-*before.Quantity(s), d[s], "the change of %s", s)
	}
	mustEqual(t, append([]redline.QuantityChange(nil), changes...), want, "the changes that are told")
}

// TestApplyShort: what we would make short is refused, what a supplier counted
// is not, and a short level can be shipped from and made less short.
func TestApplyShort(t *testing.T) {
	t.Parallel()
	l := redline.InventoryLevel{OnHand: 10, Committed: 8, Available: 2}
	apply := func(d redline.Delta, fact bool) error {
		_, err := l.Apply(d, fact)
		return err
	}
	if err := apply(redline.Delta{redline.StateCommitted: 3}, false); domainError(t, err).Code != redline.CodeInsufficientStock {
		t.Fatalf("3 of 2 were committed: %v", err)
	}
	if err := apply(redline.Delta{redline.StateOnHand: -7}, true); err != nil {
		t.Fatal(err)
	}
	mustEqual(t, []int{l.OnHand, l.Available, l.Shortfall}, []int{3, 0, 5}, "on hand, available and short after the fact")
	if err := apply(redline.Delta{redline.StateOnHand: -3, redline.StateCommitted: -3}, false); err != nil {
		t.Fatalf("what is there can't be shipped: %v", err)
	}
	if err := apply(redline.Delta{redline.StateOnHand: 1}, false); err != nil {
		t.Fatalf("what was received isn't taken: %v", err)
	}
	mustEqual(t, []int{l.OnHand, l.Available, l.Shortfall}, []int{1, 0, 4}, "on hand, available and short at the end")
	if err := apply(redline.Delta{redline.StateSafetyStock: 1}, false); !errors.Is(err, redline.ErrShort) {
		t.Fatalf("the shortfall grew by our own hand: %v", err)
	}
}

func TestLow(t *testing.T) {
	t.Parallel()
	for available, want := range map[int]bool{0: true, 5: true, 6: false} {
		l := redline.InventoryLevel{Available: available, ReorderPoint: 5}
		mustEqual(t, l.Low(), want, "whether %d of 5 is low", available)
	}
}

func TestUnknownStateHasNoQuantity(t *testing.T) {
	t.Parallel()
	var l redline.InventoryLevel
	mustEqual(t, l.Quantity("AVAILABLE"), (*int)(nil), "the quantity of what follows from others")
}
