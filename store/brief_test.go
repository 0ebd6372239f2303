package store_test

import (
	"testing"
	"time"

	"redline"
)

// briefly is a product without what brief ones lack.
func briefly(p *redline.Product) redline.Product {
	b := *p
	b.Description, b.Attributes, b.CreatedAt, b.UpdatedAt = nil, nil, time.Time{}, time.Time{}
	return b
}

// TestBriefProducts: a brief product is as the whole one is, but for its details,
// and its page goes on where that of whole ones does.
func TestBriefProducts(t *testing.T) {
	w := newWorld(t)
	for _, by := range []redline.ProductOrderField{
		redline.ProductsByName, redline.ProductsBySKU, redline.ProductsByPrice, redline.ProductsByUpdatedAt,
	} {
		read := func(need redline.ProductParts) *redline.Page[*redline.Product] {
			page, err := w.Products(w.ctx, shop, redline.ProductFilter{}, redline.ProductOrder{Field: by}, redline.PageRequest{First: ref(3)}, need)
			w.must(err)
			return page
		}
		whole, brief := read(redline.ProductParts{}), read(redline.ProductParts{Brief: true})
		equal(t, "the cursors by "+string(by), brief.Cursors, whole.Cursors)
		for i, p := range brief.Items {
			equal(t, "a product of a page", briefly(p), briefly(whole.Items[i]))
			if by != redline.ProductsByUpdatedAt { // whose cursors need a detail
				equal(t, "a brief product of a page", *p, briefly(p))
			}
		}
	}

	need := redline.ProductParts{Availability: true}
	whole, err := w.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("sauce")}, need)
	w.must(err)
	need.Brief = true
	brief, err := w.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("sauce")}, need)
	w.must(err)
	equal(t, "one product", *brief, briefly(whole))
	equal(t, "whether a whole one has its times", whole.CreatedAt.IsZero() || whole.UpdatedAt.IsZero(), false)

	o := w.place(shop, line("pads", 1), line("sauce", 3))
	lines := func(brief bool) []*redline.OrderLine {
		found, err := w.OrderBy(w.ctx, shop, redline.OrderBy{ID: &o.ID}, redline.OrderParts{Lines: true, BriefProducts: brief})
		w.must(err)
		return found.Lines
	}
	all := lines(false)
	for i, l := range lines(true) {
		equal(t, "the product of a line", *l.Product, briefly(all[i].Product))
		equal(t, "a line's total", *l.Total, *all[i].Total)
	}
}
