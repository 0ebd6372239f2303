package redline_test

import (
	"math"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

// TestSupplierQuantity: it is the least that covers the need and keeps the
// minimum and the multiple.
func TestSupplierQuantity(t *testing.T) {
	t.Parallel()
	small := rapid.OneOf(rapid.IntRange(1, 12), rapid.IntRange(1, 10_000))
	rapid.Check(t, func(t *rapid.T) {
		base := rapid.OneOf(rapid.IntRange(1, 100), rapid.IntRange(1, redline.MaxQuantity)).Draw(t, "base units")
		pack := rapid.OneOf(small, rapid.IntRange(1, redline.MaxQuantity)).Draw(t, "pack")
		minimum, multiple := small.Draw(t, "minimum"), small.Draw(t, "multiple")
		n := redline.SupplierQuantity(base, pack, minimum, multiple)
		if n*pack < base || n < minimum || n%multiple != 0 {
			t.Fatalf("%d supplier units are not enough", n)
		}
		if less := n - multiple; less*pack >= base && less >= minimum {
			t.Fatalf("%d supplier units are more than needed, %d would do", n, less)
		}
	})
}

// TestTotalLevels: each level counts by itself, so that a short one eats
// nothing of another's stock; sums stop at 32 bits.
func TestTotalLevels(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var levels []*redline.InventoryLevel
		var onHand, available, incoming int
		low := true
		for range rapid.IntRange(0, 6).Draw(t, "levels") {
			l := drawLevel(t)
			levels = append(levels, &l)
			onHand, available, incoming = onHand+l.OnHand, available+l.Available, incoming+l.Incoming
			low = low && l.Available <= l.ReorderPoint
		}
		got := redline.TotalLevels(levels)
		mustEqual(t, *got, redline.ProductInventory{
			OnHand: min(onHand, math.MaxInt32), Available: min(available, math.MaxInt32), Incoming: min(incoming, math.MaxInt32),
			Low: low && len(levels) > 0, Levels: levels,
		}, "the totals")
	})
}

func TestTotalAvailability(t *testing.T) {
	t.Parallel()
	at := []*redline.LocationAvailability{{Available: redline.MaxQuantity}, {Available: 0}, {Available: redline.MaxQuantity}}
	got := redline.TotalAvailability(at)
	mustEqual(t, *got, redline.ProductAvailability{Available: 2 * redline.MaxQuantity, Locations: at}, "two full locations")
	at = append(at, &redline.LocationAvailability{Available: redline.MaxQuantity}, &redline.LocationAvailability{Available: 1})
	mustEqual(t, redline.TotalAvailability(at).Available, math.MaxInt32, "more than 32 bits hold")
	mustEqual(t, *redline.TotalAvailability(nil), redline.ProductAvailability{}, "nowhere")
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	want := redline.Attributes{{Name: "Diameter", Value: "280 mm"}, {Name: "Axle", Value: "front"}}
	for _, a := range []redline.Attributes{want, {}, nil} {
		column, err := a.Value()
		if err != nil {
			t.Fatal(err)
		}
		var got redline.Attributes
		if err := got.Scan([]byte(column.(string))); err != nil {
			t.Fatal(err)
		}
		mustEqual(t, append(redline.Attributes{}, got...), append(redline.Attributes{}, a...), "read back")
	}
	var got redline.Attributes
	for _, src := range []any{nil, "[]", []byte("{"), []byte(`{"name": 1}`)} {
		if err := got.Scan(src); err == nil {
			t.Errorf("Scan took %v", src)
		}
	}
}
