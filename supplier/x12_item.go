package supplier

import (
	"math/big"
	"slices"
	"strings"

	"redline"
)

// line reads LIN, which begins an item.
func (r *advice) line(s segment) {
	t := &r.set
	t.lines++
	t.item = &item{place: s.place, quantities: map[string]amount{}, location: t.location}
	numbers := map[string]int{} // by qualifier, the element that has it
	for i := 2; i < len(s.elements); i += 2 {
		if _, twice := numbers[s.element(i)]; !twice && s.element(i) != "" {
			numbers[s.element(i)] = i + 1
		}
	}
	for _, qualifier := range skuQualifiers {
		element, there := numbers[qualifier]
		if !there {
			continue
		}
		sku, err := parseText(s.element(element))
		if err != nil {
			r.fail(s, element, "%v", err)
		}
		t.item.sku = sku
		return
	}
	r.fail(s, 0, "has no number of a qualifier that is known: %s", listed(skuQualifiers))
}

// location reads N1, where it names a warehouse.
func (r *advice) location(s segment) {
	if s.element(1) != "WH" {
		return
	}
	code, err := parseText(s.element(4))
	if err != nil {
		r.fail(s, 4, "%v: it is the code of the location", err)
		return
	}
	t := &r.set
	holder := &t.location
	if t.item != nil {
		holder = &t.item.location
	}
	if *holder != nil && **holder != code && (t.item == nil || *holder != t.location) {
		r.fail(s, 4, "is %s after %s: quantities at several locations come in SDQ", quoted(code), quoted(**holder))
		return
	}
	*holder = &code
}

// quantity reads QTY, of the qualifiers that count.
func (r *advice) quantity(s segment) {
	code, text, it := s.element(1), s.element(2), r.set.item
	if !r.set.sum.add(text) {
		r.fail(s, 2, "%s is not a number", quoted(text))
		return
	}
	if code != qtyAvailable && code != qtyOnHand {
		return
	}
	n, err := parseQuantity(text)
	if err != nil {
		r.fail(s, 2, "%v", err)
	}
	if _, twice := it.quantities[code]; twice {
		r.fail(s, 1, "is %s a second time for one item", quoted(code))
	}
	it.quantities[code] = amount{place: s.place, n: n, unit: r.unitOf(s, 3)}
}

// unit reads UIT.
func (r *advice) unit(s segment) {
	unit, it := r.unitOf(s, 1), r.set.item
	if unit == nil {
		return
	}
	if it.unit != nil && *it.unit != *unit {
		r.fail(s, 1, "is %s after another unit: an item has one", quoted(s.element(1)))
	}
	it.unit = unit
}

// spread reads SDQ.
func (r *advice) spread(s segment) {
	it, unit := r.set.item, r.unitOf(s, 1)
	for i := 3; i < len(s.elements); i += 2 {
		if s.element(i) == "" && s.element(i+1) == "" {
			continue
		}
		code, err := parseText(s.element(i))
		if err != nil {
			r.fail(s, i, "%v", err)
		}
		n, err := parseQuantity(s.element(i + 1))
		if err != nil {
			r.fail(s, i+1, "%v", err)
		}
		it.spread = append(it.spread, spread{amount{s.place, n, unit}, code})
	}
}

// unitOf reads a unit's code, plain or as the first component of C001; nil where
// there is none.
func (r *advice) unitOf(s segment, element int) *redline.UnitOfMeasure {
	code, rest, _ := strings.Cut(s.element(element), string(s.component))
	if code == "" && rest == "" {
		return nil
	}
	unit, known := unitCodes[code]
	if !known {
		r.fail(s, element, "%s is not a unit that is known: there are %s", quoted(code), listed(sortedKeys(unitCodes)))
		return nil
	}
	for part := range strings.SplitSeq(rest, string(s.component)) {
		if part != "" && part != "1" {
			r.fail(s, element, "is a power or a multiple of %s: plain units are read", code)
			return nil
		}
	}
	return &unit
}

// endItem looks at an item as a whole and keeps it.
func (r *advice) endItem() {
	it := r.set.item
	r.set.item = nil
	if it == nil || r.found.full() {
		return
	}
	fail := func(format string, args ...any) { r.found.add(it.place, "", it.sku, format, args...) }
	if len(it.quantities) == 0 {
		fail("the item has no QTY 33 or 17")
		return
	}
	for code, q := range it.quantities {
		switch {
		case q.unit == nil:
			q.unit = it.unit
			it.quantities[code] = q
		case it.unit != nil && *it.unit != *q.unit:
			fail("QTY says %s and UIT %s", *q.unit, *it.unit)
		}
	}
	if len(it.spread) > 0 {
		r.checkSpread(it, fail)
	}
	if len(r.items) == MaxRows {
		fail("is item %d: a document may have %d", MaxRows+1, MaxRows)
		r.done = true
		return
	}
	r.items = append(r.items, *it)
}

// checkSpread holds quantities by location against the item's one quantity.
func (r *advice) checkSpread(it *item, fail func(string, ...any)) {
	if len(it.quantities) > 1 {
		fail("has SDQ beside QTY 33 and QTY 17: which of them it spreads is not said")
		return
	}
	for _, q := range it.quantities {
		sum := 0
		for i := range it.spread {
			part := &it.spread[i]
			sum += part.n
			switch {
			case part.unit == nil:
				part.unit = q.unit
			case q.unit != nil && *part.unit != *q.unit:
				fail("SDQ says %s and QTY %s", *part.unit, *q.unit)
				return
			}
		}
		if sum != q.n {
			fail("SDQ adds up to %d and QTY is %d", sum, q.n)
		}
	}
}

// finish makes rows of the items, all of one measure.
func (r *advice) finish() (*Feed, error) {
	if len(r.items) > 0 {
		code := r.measure()
		for _, it := range r.items {
			if code == "" || !r.rows(it, code) {
				break
			}
		}
	}
	return r.found.result(r.feed)
}

// measure chooses the quantity that all items have; none where they differ.
func (r *advice) measure() (code string) {
	lacking := map[string]*item{} // by qualifier, the first item without it
	for i := range r.items {
		for _, code := range []string{qtyOnHand, qtyAvailable} {
			if _, has := r.items[i].quantities[code]; !has && lacking[code] == nil {
				lacking[code] = &r.items[i]
			}
		}
	}
	measure := redline.FeedOnHand
	switch {
	case lacking[qtyOnHand] == nil:
		code = qtyOnHand
	case lacking[qtyAvailable] == nil:
		code, measure = qtyAvailable, redline.FeedAvailable
	default:
		a, b := lacking[qtyOnHand], lacking[qtyAvailable]
		r.found.add(b.place, "", b.sku, "item %s has no QTY 33 (available for sale), and item %s of %s no QTY 17 (on hand): a document has one measure",
			quoted(b.sku), quoted(a.sku), a.place)
	}
	r.feed.Measure = &measure
	return code
}

// rows adds an item's rows, and reports whether there is room for more.
func (r *advice) rows(it item, code string) bool {
	row := func(place Place, n int, unit *redline.UnitOfMeasure, location *string) bool {
		return r.found.room(r.feed, Row{Place: place, SupplierFeedRow: redline.SupplierFeedRow{
			SupplierSKU: it.sku, Quantity: n, Unit: unit, LocationCode: location,
		}})
	}
	if len(it.spread) == 0 {
		q := it.quantities[code]
		return row(it.place, q.n, q.unit, it.location)
	}
	for _, part := range it.spread {
		if !row(part.place, part.n, part.unit, &part.location) {
			return false
		}
	}
	return true
}

// hash is a sum of decimals, exact.
type hash struct{ sum big.Rat }

// add adds a number as X12 writes them: digits, a minus, a point.
func (h *hash) add(text string) bool {
	n, fine := x12Number(text)
	if fine {
		h.sum.Add(&h.sum, n)
	}
	return fine
}

// is reports whether the sum is this number.
func (h *hash) is(text string) bool {
	n, fine := x12Number(text)
	return fine && n.Cmp(&h.sum) == 0
}

func (h *hash) String() string {
	if h.sum.IsInt() {
		return h.sum.Num().String()
	}
	return strings.TrimRight(h.sum.FloatString(15), "0")
}

// x12Number reads a decimal of type R, which has 15 digits at most.
func x12Number(text string) (*big.Rat, bool) {
	digits := strings.Replace(strings.TrimPrefix(text, "-"), ".", "", 1)
	if digits == "" || len(digits) > 15 || strings.Trim(digits, "0123456789") != "" {
		return nil, false
	}
	return new(big.Rat).SetString(text)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
