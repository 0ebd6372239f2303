package store_test

import (
	"fmt"
	"strings"
	"testing"

	"redline"
)

// shares says where an order's lines come from: by location code, what each
// part holds.
func (w *world) shares(o *redline.Order) map[string]int {
	got := map[string]int{}
	for _, f := range o.FulfillmentOrders {
		for _, l := range f.Lines {
			got[f.Location.Code] += l.Quantity
		}
	}
	return got
}

func TestPlaceAllocates(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "sauce", "tokyo", 500) // plenty, but farther away
	for _, c := range []struct {
		name  string
		lines []redline.LineInput
		want  map[string]int
	}{
		{"the only warehouse that serves all of it", []redline.LineInput{line("pads", 4)}, map[string]int{"east": 4}},
		{"over our warehouses", []redline.LineInput{line("pads", 13)}, map[string]int{"east": 10, "west": 3}},
		{"ours before a supplier's", []redline.LineInput{line("sauce", 2)}, map[string]int{"east": 2}},
		{"the supplier with the shorter lead time next", []redline.LineInput{line("sauce", 10)}, map[string]int{"east": 3, "cajun": 7}},
		{"the other supplier last", []redline.LineInput{line("sauce", 70)}, map[string]int{"east": 3, "cajun": 64, "tokyo": 3}},
		{"lines of one product one after the other", []redline.LineInput{line("pads", 9), line("pads", 3)}, map[string]int{"east": 9, "west": 3}},
		{"several products share a part", []redline.LineInput{line("pads", 2), line("sauce", 1)}, map[string]int{"east": 3}},
	} {
		o := w.place(shop, c.lines...)
		equal(t, c.name, w.shares(o), c.want)
		equal(t, c.name+": the status", o.Status, redline.OrderPending)
		for _, f := range o.FulfillmentOrders {
			equal(t, c.name+": the part's status", f.Status, redline.PartSubmitted)
			equal(t, c.name+": a supplier has a time to answer", f.AcknowledgeBy != nil, f.SupplierID != nil)
		}
		for i, l := range o.Lines {
			equal(t, c.name+": the line is open", l.Open, c.lines[i].Quantity)
		}
		w.must(w.cancel(shop, o)) // the next one finds the same stock
	}
	w.checkBooks()
}

func TestPlaceAtOneLocation(t *testing.T) {
	w := newWorld(t)
	from := func(sku string, n int, location string) redline.LineInput {
		l := line(sku, n)
		l.LocationID = ref(w.id[location])
		return l
	}
	o := w.place(shop, from("pads", 4, "west"), from("sauce", 32, "cajun"))
	equal(t, "the parts", w.shares(o), map[string]int{"west": 4, "cajun": 32})

	refuse := func(lines ...redline.LineInput) error {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: lines})
		return err
	}
	w.unchanged(func() {
		e := refused(t, refuse(line("pads", 1), from("pads", 1, "west")), redline.CodeInsufficientStock, "lines.1.quantity")
		equal(t, "what is there is what that location has", e.Available, 0)
		refused(t, refuse(from("tea", 1, "east")), redline.CodeInsufficientStock, "lines.0.quantity")
		unknown := line("pads", 1)
		unknown.LocationID = ref(redline.NewID(redline.PrefixLocation))
		refused(t, refuse(line("pads", 1), unknown), redline.CodeNotFound, "lines.1.locationId")
	})
	w.checkBooks()
}

func TestPlaceRefusesWhatIsShort(t *testing.T) {
	w := newWorld(t)
	in := redline.OrderPlaceInput{
		IdempotencyKey: key(),
		Lines:          []redline.LineInput{line("pads", 10), line("tea", 21), line("pads", 5), line("sauce", 1), line("pads", 4)},
	}
	w.unchanged(func() {
		_, _, err := w.OrderPlace(w.ctx, shop, in)
		refusedAt(t, err, "INSUFFICIENT_STOCK lines.1.quantity", "INSUFFICIENT_STOCK lines.2.quantity")
		for i, want := range []struct {
			sku             string
			asked, anything int
		}{{"tea", 21, w.level("tea", "tokyo").Available}, {"pads", 5, 4}} {
			e := refusals(t, err)[i]
			if e.Product == nil || e.Product.SKU != want.sku || e.Requested != want.asked || e.Available != want.anything {
				t.Errorf("refusal %d is %+v, not of %+v", i, e, want)
			}
		}
	})

	in.AllowBackorder = true
	id, _, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	o := w.order(shop, id)
	open, backordered := []int{}, []int{}
	for _, l := range o.Lines {
		open, backordered = append(open, l.Open), append(backordered, l.Backordered)
	}
	equal(t, "what is committed", open, []int{10, 20, 4, 1, 0})
	equal(t, "what is backordered", backordered, []int{0, 1, 1, 0, 4})
	w.checkBooks()
}

func TestPlaceBackordersAllOfAnOrder(t *testing.T) {
	w := newWorld(t)
	w.place(shop, line("tea", 20))
	id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
		IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{line("tea", redline.MaxQuantity)},
	})
	w.must(err)
	o := w.order(shop, id)
	equal(t, "parts", len(o.FulfillmentOrders), 0)
	equal(t, "status", o.Status, redline.OrderPending)
	equal(t, "backordered", o.Lines[0].Backordered, redline.MaxQuantity)
	w.checkBooks()
}

func TestPlaceRefusesBadInput(t *testing.T) {
	w := newWorld(t)
	long := strings.Repeat("x", 201)
	for name, c := range map[string]struct {
		change func(*redline.OrderPlaceInput)
		want   []string
	}{
		"no lines":          {func(in *redline.OrderPlaceInput) { in.Lines = nil }, []string{"INVALID lines"}},
		"too many lines":    {func(in *redline.OrderPlaceInput) { in.Lines = make([]redline.LineInput, 501) }, []string{"INVALID lines"}},
		"nothing wanted":    {func(in *redline.OrderPlaceInput) { in.Lines[0].Quantity = 0 }, []string{"INVALID lines.0.quantity"}},
		"less than nothing": {func(in *redline.OrderPlaceInput) { in.Lines[0].Quantity = -1 }, []string{"INVALID lines.0.quantity"}},
		"more than there can be": {
			func(in *redline.OrderPlaceInput) { in.Lines[0].Quantity = redline.MaxQuantity + 1 }, []string{"INVALID lines.0.quantity"}},
		"no product":      {func(in *redline.OrderPlaceInput) { in.Lines[0].SKU = nil }, []string{"INVALID lines.0"}},
		"two products":    {func(in *redline.OrderPlaceInput) { in.Lines[0].ProductID = ref(w.id["tea"]) }, []string{"INVALID lines.0"}},
		"an unknown SKU":  {func(in *redline.OrderPlaceInput) { in.Lines[0].SKU = ref("nothing") }, []string{"NOT_FOUND lines.0.sku"}},
		"a withdrawn SKU": {func(in *redline.OrderPlaceInput) { in.Lines[0].SKU = ref("old") }, []string{"NOT_FOUND lines.0.sku"}},
		"an unknown id": {func(in *redline.OrderPlaceInput) {
			in.Lines[0] = redline.LineInput{ProductID: ref("'; DROP"), Quantity: 1}
		}, []string{"NOT_FOUND lines.0.productId"}},
		"a withdrawn id": {func(in *redline.OrderPlaceInput) {
			in.Lines[0] = redline.LineInput{ProductID: ref(w.id["old"]), Quantity: 1}
		}, []string{"NOT_FOUND lines.0.productId"}},
		"an empty key":     {func(in *redline.OrderPlaceInput) { in.IdempotencyKey = "" }, []string{"INVALID idempotencyKey"}},
		"a key too long":   {func(in *redline.OrderPlaceInput) { in.IdempotencyKey = long }, []string{"INVALID idempotencyKey"}},
		"an unseen key":    {func(in *redline.OrderPlaceInput) { in.IdempotencyKey = "a\nb" }, []string{"INVALID idempotencyKey"}},
		"an empty name":    {func(in *redline.OrderPlaceInput) { in.Customer.Name = ref(" ") }, []string{"INVALID customer.name"}},
		"a long reference": {func(in *redline.OrderPlaceInput) { in.ExternalReference = &long }, []string{"INVALID externalReference"}},
		"an address without a city or lines": {
			func(in *redline.OrderPlaceInput) { in.ShipTo = &redline.Address{Country: "US"} }, []string{"INVALID shipTo.lines", "INVALID shipTo.city"}},
		"several": {func(in *redline.OrderPlaceInput) {
			in.Lines = append(in.Lines, line("pads", -5), redline.LineInput{Quantity: 1})
		}, []string{"INVALID lines.1.quantity", "INVALID lines.2"}},
		"an unknown product and an unknown location": { // only the product was told of
			func(in *redline.OrderPlaceInput) {
				in.Lines = append(in.Lines, line("nothing", 1))
				in.Lines[0].LocationID = ref("nowhere")
			}, []string{"NOT_FOUND lines.0.locationId", "NOT_FOUND lines.1.sku"}},
	} {
		in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}}
		c.change(&in)
		w.unchanged(func() {
			_, _, err := w.OrderPlace(w.ctx, shop, in)
			t.Log(name)
			refusedAt(t, err, c.want...)
		})
	}
	w.checkBooks()
}

func TestPlaceWithAReference(t *testing.T) {
	w := newWorld(t)
	in := func() redline.OrderPlaceInput {
		return redline.OrderPlaceInput{IdempotencyKey: key(), ExternalReference: ref("web-1"), Lines: []redline.LineInput{line("pads", 1)}}
	}
	first, _, err := w.OrderPlace(w.ctx, shop, in())
	w.must(err)
	w.unchanged(func() {
		_, _, err = w.OrderPlace(w.ctx, shop, in())
		refused(t, err, redline.CodeDuplicate, "externalReference")
	})
	other, _, err := w.OrderPlace(w.ctx, rival, in())
	w.must(err)
	for p, want := range map[*redline.Principal]string{&shop: first, &rival: other} {
		o, err := w.OrderBy(w.ctx, *p, redline.OrderBy{ExternalReference: ref("web-1")}, redline.OrderParts{})
		w.must(err)
		if o == nil || o.ID != want {
			t.Errorf("%s finds %+v by its reference, not %s", p.Subject, o, want)
		}
	}

	// The same reference many times at once, with products that share no lock.
	skus := []string{"pads", "sauce", "tea"}
	placed := 0
	for _, err := range atOnce(12, func(i int) error {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
			IdempotencyKey: key(), ExternalReference: ref("web-2"), Lines: []redline.LineInput{line(skus[i%3], 1)},
		})
		return err
	}) {
		if err == nil {
			placed++
			continue
		}
		refused(t, err, redline.CodeDuplicate, "externalReference")
	}
	equal(t, "placed", placed, 1)
	w.checkBooks()
}

func TestCustomersOrderForThemselves(t *testing.T) {
	w := newWorld(t)
	in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}}
	id, _, err := w.OrderPlace(w.ctx, buyer, in)
	w.must(err)
	equal(t, "the customer", *w.order(operator, id).Customer.ID, buyer.Customer)

	in.IdempotencyKey, in.Customer.ID = key(), ref(buyer.Customer)
	_, _, err = w.OrderPlace(w.ctx, buyer, in)
	w.must(err)

	w.unchanged(func() {
		in.IdempotencyKey, in.Customer.ID = key(), ref("bob")
		_, _, err = w.OrderPlace(w.ctx, buyer, in)
		refused(t, err, redline.CodeForbidden, "customer.id")
	})

	in.IdempotencyKey = key()
	id, _, err = w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "a shop orders for anybody", *w.order(shop, id).Customer.ID, "bob")
	w.checkBooks()
}

func TestPlaceCountsMoney(t *testing.T) {
	w := newWorld(t)
	// Prices whose lines' totals end on half a cent: they round to the even one.
	w.exec(`UPDATE products SET price = CASE sku WHEN 'pads' THEN 0.657813 WHEN 'sauce' THEN 0.005 ELSE 0.015 END`)
	o := w.place(shop, line("pads", 3), line("sauce", 1), line("tea", 1), line("sauce", 3))
	var totals []string
	for _, l := range o.Lines {
		totals = append(totals, l.Total.Amount.String())
	}
	equal(t, "the lines' totals", totals, []string{"1.97", "0.00", "0.02", "0.02"})
	equal(t, "the order's total", o.Total.Amount.String(), "2.01")
	equal(t, "the unit price", o.Lines[0].UnitPrice.Amount.String(), "0.657813")

	w.exec(`UPDATE products SET price = 5.5, currency = 'JPY' WHERE sku = 'tea'`)
	equal(t, "a yen has no cents", w.place(shop, line("tea", 3)).Total.Amount.String(), "16.00")
	equal(t, "what was placed keeps its price", w.order(shop, o.ID).Lines[2].UnitPrice, &redline.Money{Amount: o.Lines[2].UnitPrice.Amount, Currency: "USD"})

	w.unchanged(func() {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1), line("tea", 1)}})
		refused(t, err, redline.CodeInvalid, "lines.1")
		w.exec(`UPDATE products SET price = 9999999999 WHERE sku = 'pads'`)
		_, _, err = w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
			IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{line("pads", redline.MaxQuantity)},
		})
		refused(t, err, redline.CodeInvalid, "lines.0.quantity")
	})
	w.checkBooks()
}

func TestOrderNumbersAreUnique(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "pads", "east", 100)
	numbers := make([]string, 30)
	for _, err := range atOnce(len(numbers), func(i int) error {
		id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}})
		if err != nil {
			return err
		}
		found, err := w.OrdersByID(w.ctx, shop, []string{id})
		if err == nil {
			numbers[i] = found[id].Number
		}
		return err
	}) {
		w.must(err)
	}
	seen := map[string]bool{}
	for _, n := range numbers {
		seen[n] = true
	}
	equal(t, "numbers", len(seen), len(numbers))
	w.checkBooks()
}

func TestPartsKeepTheSuppliersPack(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "sauce", "cajun", 1000)
	for _, c := range []struct{ quantity, pack, minimum, multiple, want int }{
		{32, 32, 1, 1, 1}, {33, 32, 1, 1, 2}, {1, 32, 5, 1, 5}, {33, 32, 1, 4, 4}, {1, 32, 5, 4, 8}, {200, 12, 1, 6, 18},
	} {
		w.exec(`UPDATE supplier_items SET pack_quantity = $1, minimum_order_quantity = $2, order_multiple = $3 WHERE supplier_sku = '65'`,
			c.pack, c.minimum, c.multiple)
		l := line("sauce", c.quantity)
		l.LocationID = ref(w.id["cajun"])
		o := w.place(shop, l)
		w.exec(`UPDATE supplier_items SET pack_quantity = 7, supplier_sku = '65' WHERE supplier_sku = '65'`)
		got := w.part(w.order(operator, o.ID), "cajun").Lines[0]
		equal(t, fmt.Sprintf("packs for %+v", c), []any{*got.SupplierSKU, *got.SupplierUnit, *got.PackQuantity, *got.SupplierQuantity},
			[]any{"65", redline.UnitCase, c.pack, c.want})
		equal(t, "stock falls by what was committed", got.Quantity, c.quantity)
	}
	ours := w.part(w.place(shop, line("pads", 1)), "east").Lines[0]
	if ours.SupplierSKU != nil || ours.PackQuantity != nil || ours.SupplierQuantity != nil {
		t.Errorf("a part of ours has a supplier's pack: %+v", ours)
	}
	w.checkBooks()
}

func TestOddTextsSurvive(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE products SET description = $1 WHERE sku = 'pads'`, `"quoted" \ null`)
	for _, text := range []string{"null", `O'Brien "the \ king"`, "日本語 ✓ \U0001f336", `{"a":1}`, "$1; --", `\u0000`, "%s%d", "a\tb\nc"} {
		in := redline.OrderPlaceInput{
			IdempotencyKey: "k " + strings.Map(func(r rune) rune {
				if r < ' ' {
					return '_'
				}
				return r
			}, text), ExternalReference: &text, Lines: []redline.LineInput{line("pads", 1)},
			Customer: redline.CustomerInput{ID: &text, Name: &text, Email: &text},
			ShipTo:   &redline.Address{Name: &text, Lines: []string{text}, City: text, Region: &text, PostalCode: &text, Country: text},
		}
		id, _, err := w.OrderPlace(w.ctx, shop, in)
		w.must(err)
		o := w.order(shop, id)
		equal(t, "the reference", *o.ExternalReference, text)
		equal(t, "the customer", *o.Customer, redline.Customer{ID: &text, Name: &text, Email: &text})
		equal(t, "the address", o.ShipTo, in.ShipTo)
		again, outcome, err := w.OrderPlace(w.ctx, shop, in)
		w.must(err)
		equal(t, "a replay", []any{again, outcome.Replayed}, []any{id, true})
		_, _, err = w.OrderHold(w.ctx, operator, redline.OrderHoldInput{OrderID: id, Reason: text})
		w.must(err)
		o = w.order(operator, id)
		equal(t, "the reason", []string{*o.HoldReason, *o.History[1].Note}, []string{text, text})
	}
	w.checkBooks()
}

// What is promised is what placing an order then takes.
func TestPromisesAreKept(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "sauce", "tokyo", 500)
	for _, c := range []struct {
		sku  string
		want int
	}{{"pads", 4}, {"pads", 13}, {"sauce", 2}, {"sauce", 70}, {"tea", 20}} {
		promised, err := w.Promises(w.ctx, redline.Anonymous(), []redline.AvailabilityLine{{ProductID: w.id[c.sku], Quantity: c.want}}, true)
		w.must(err)
		got := map[string]int{}
		for _, p := range promised[0].Promises {
			got[p.Location.Code] = p.Quantity
			equal(t, "a supplier's lead time", p.LeadTimeDays != nil, p.Location.SupplierID != nil)
		}
		equal(t, "asked and there", []int{promised[0].Requested, promised[0].Available}, []int{c.want, c.want})
		o := w.place(shop, line(c.sku, c.want))
		equal(t, fmt.Sprintf("%d of %s", c.want, c.sku), w.shares(o), got)
		w.must(w.cancel(shop, o))
	}
	short, err := w.Promises(w.ctx, redline.Anonymous(), []redline.AvailabilityLine{{ProductID: w.id["pads"], Quantity: 99}}, true)
	w.must(err)
	equal(t, "what is there of too many", short[0].Available, w.level("pads", "east").Available+w.level("pads", "west").Available)
	_, err = w.Promises(w.ctx, operator, []redline.AvailabilityLine{
		{ProductID: w.id["pads"], Quantity: 0}, {ProductID: w.id["old"], Quantity: 1}, {ProductID: "x", Quantity: redline.MaxQuantity + 1},
	}, true)
	refusedAt(t, err, "INVALID lines.0.quantity", "NOT_FOUND lines.1.productId", "NOT_FOUND lines.2.productId", "INVALID lines.2.quantity")
	w.checkBooks()
}
