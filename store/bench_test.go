package store_test

import (
	"fmt"
	"testing"

	"redline"
)

// benchReads runs a read on a large world, each time with another number.
func benchReads(b *testing.B, read func(w *world, n int) error) {
	w, _ := newLargeWorld(b)
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		n++
		w.must(read(w, n))
	}
}

// The reads of the benchmark, as a storefront asks for them: products brief.

// Twenty products of a category, with what can be sold of each and from where.
func BenchmarkProductsPage(b *testing.B) {
	benchReads(b, func(w *world, n int) error {
		f := redline.ProductFilter{Category: []string{fmt.Sprint("Category ", n%20)}}
		page, err := w.Products(w.ctx, largeShop, f, redline.ProductOrder{}, redline.PageRequest{First: ref(20)}, redline.ProductParts{Availability: true, Brief: true})
		if err == nil && len(page.Items) != 20 {
			b.Fatalf("%d products", len(page.Items))
		}
		return err
	})
}

func BenchmarkProductBySKU(b *testing.B) {
	benchReads(b, func(w *world, n int) error {
		p, err := w.ProductBy(w.ctx, operator, redline.ProductBy{SKU: ref(fmt.Sprint("SKU-", n%10_000))}, redline.ProductParts{Availability: true, Brief: true})
		if err == nil && len(p.Availability.Locations) != 5 {
			b.Fatalf("%d locations", len(p.Availability.Locations))
		}
		return err
	})
}

// One order with its lines, their products and its history.
func BenchmarkOrderByID(b *testing.B) {
	benchReads(b, func(w *world, n int) error {
		id := largeID("ord", 17*n%100_000)
		o, err := w.OrderBy(w.ctx, operator, redline.OrderBy{ID: &id}, redline.OrderParts{Lines: true, History: true, BriefProducts: true})
		if err == nil && len(o.Lines) != 2 {
			b.Fatalf("%d lines", len(o.Lines))
		}
		return err
	})
}
