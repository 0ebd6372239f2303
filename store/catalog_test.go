package store_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"redline"
)

// list is one list in one order, as a function that reads a page of it as ids.
type list struct {
	name string
	page func(redline.PageRequest) (*redline.Page[string], error)
}

// pageOf makes a page of ids from a page.
func pageOf[T any](page *redline.Page[T], err error, id func(T) string) (*redline.Page[string], error) {
	if err != nil {
		return nil, err
	}
	return &redline.Page[string]{
		Items: ids(page.Items, id), Cursors: page.Cursors, HasNext: page.HasNext, HasPrevious: page.HasPrevious, Total: page.Total,
	}, nil
}

// lists are all lists in all their orders.
func (w *world) lists() (all []list) {
	for _, d := range []redline.SortDirection{redline.Ascending, redline.Descending} {
		for _, f := range []redline.ProductOrderField{
			redline.ProductsByName, redline.ProductsBySKU, redline.ProductsByPrice, redline.ProductsByUpdatedAt,
		} {
			all = append(all, list{fmt.Sprint("products by ", f, " ", d), func(r redline.PageRequest) (*redline.Page[string], error) {
				page, err := w.Products(w.ctx, operator, redline.ProductFilter{}, redline.ProductOrder{Field: f, Direction: d}, r, redline.ProductParts{})
				return pageOf(page, err, func(p *redline.Product) string { return p.ID })
			}})
		}
		for _, f := range []redline.OrderSortField{redline.OrdersByPlacedAt, redline.OrdersByUpdatedAt, redline.OrdersByTotal} {
			all = append(all, list{fmt.Sprint("orders by ", f, " ", d), func(r redline.PageRequest) (*redline.Page[string], error) {
				page, err := w.Orders(w.ctx, operator, redline.OrderFilter{}, redline.OrderSort{Field: f, Direction: d}, r, redline.OrderParts{})
				return pageOf(page, err, func(o *redline.Order) string { return o.ID })
			}})
		}
	}
	return append(all,
		list{"levels", func(r redline.PageRequest) (*redline.Page[string], error) {
			page, err := w.Levels(w.ctx, operator, redline.InventoryFilter{}, r)
			return pageOf(page, err, func(l *redline.InventoryLevel) string { return l.ID })
		}},
		list{"movements", func(r redline.PageRequest) (*redline.Page[string], error) {
			page, err := w.Movements(w.ctx, operator, redline.MovementFilter{}, r)
			return pageOf(page, err, func(m *redline.InventoryMovement) string { return m.ID })
		}},
		list{"parts", func(r redline.PageRequest) (*redline.Page[string], error) {
			page, err := w.FulfillmentOrders(w.ctx, operator, redline.FulfillmentOrderFilter{}, r)
			return pageOf(page, err, func(f *redline.FulfillmentOrder) string { return f.ID })
		}},
		list{"suppliers", func(r redline.PageRequest) (*redline.Page[string], error) {
			page, err := w.Suppliers(w.ctx, r)
			return pageOf(page, err, func(s *redline.Supplier) string { return s.ID })
		}},
		list{"audit", func(r redline.PageRequest) (*redline.Page[string], error) {
			page, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{}, r)
			return pageOf(page, err, func(a *redline.AuditEntry) string { return a.ID })
		}},
	)
}

// stocked is a world whose lists are long, with many equal sort values.
func stocked(t *testing.T) *world {
	w := newWorld(t)
	for i := range 40 {
		w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency, updated_at)
			VALUES ($1, $2, $3, 'Many', 'PIECE', $4, 'USD', timestamptz '2026-01-01' + $5 * interval '1 microsecond')`,
			redline.NewID(redline.PrefixProduct), fmt.Sprintf("m-%02d", i), []string{"ähnlich", "Zebra", "zebra", "a b", "A-b"}[i%5], 0.000001*float64(i%7), i%3)
	}
	w.adjust(operator, "pads", "east", 100)
	for i := range 14 {
		w.place(shop, line("pads", i%4+1), line("sauce", 1))
	}
	w.exec(`UPDATE orders SET placed_at = timestamptz '2026-01-01' + (total::int % 3) * interval '1 microsecond', updated_at = now()`)
	return w
}

func TestListsPageBothWays(t *testing.T) {
	w := stocked(t)
	lists := w.lists()
	whole := map[string][]string{}
	for _, l := range lists {
		page, err := l.page(redline.PageRequest{First: ref(redline.PageMax), Count: true})
		w.must(err)
		whole[l.name] = page.Items
		equal(t, l.name+": the total", *page.Total, len(page.Items))
		equal(t, l.name+": a page of all", []bool{page.HasNext, page.HasPrevious}, []bool{false, false})
	}
	equal(t, "products downwards are products upwards", reversed(whole["products by PRICE DESC"]), whole["products by PRICE ASC"])
	equal(t, "orders downwards are orders upwards", reversed(whole["orders by TOTAL DESC"]), whole["orders by TOTAL ASC"])
	rapid.Check(t, func(rt *rapid.T) {
		l := rapid.SampledFrom(lists).Draw(rt, "list")
		n := rapid.IntRange(1, 15).Draw(rt, "page size")
		backward := rapid.Bool().Draw(rt, "backward")
		want := whole[l.name]
		var got []string
		request := redline.PageRequest{First: &n}
		if backward {
			request = redline.PageRequest{Last: &n}
		}
		for range len(want) + 1 {
			page, err := l.page(request)
			if err != nil {
				rt.Fatal(err)
			}
			if backward {
				got = append(slices.Clone(page.Items), got...)
			} else {
				got = append(got, page.Items...)
			}
			more, other := page.HasNext, page.HasPrevious
			if backward {
				more, other = other, more
			}
			if other != (len(got) > len(page.Items)) {
				rt.Fatalf("%s: a page in the middle has nothing on its other side, or one at the end has", l.name)
			}
			if !more {
				break
			}
			if backward {
				request.Before = &page.Cursors[0]
			} else {
				request.After = &page.Cursors[len(page.Cursors)-1]
			}
		}
		if !slices.Equal(got, want) {
			rt.Fatalf("%s by pages of %d, backward %t: %v, and not %v", l.name, n, backward, got, want)
		}
	})
}

func reversed(list []string) []string {
	list = slices.Clone(list)
	slices.Reverse(list)
	return list
}

func TestListsRefuseCursors(t *testing.T) {
	w := stocked(t)
	forge := func(parts ...string) string {
		b, err := json.Marshal(parts)
		w.must(err)
		return base64.RawURLEncoding.EncodeToString(b)
	}
	// kind is the list without the direction: a cursor serves both.
	kind := func(l list) string {
		return strings.TrimSuffix(strings.TrimSuffix(l.name, " ASC"), " DESC")
	}
	lists := w.lists()
	cursors := map[string]string{}
	for _, l := range lists {
		page, err := l.page(redline.PageRequest{First: ref(1)})
		w.must(err)
		cursors[kind(l)] = page.Cursors[0]
	}
	for _, l := range lists {
		own := cursors[kind(l)]
		b, err := base64.RawURLEncoding.DecodeString(own)
		w.must(err)
		var parts []string
		w.must(json.Unmarshal(b, &parts))
		bad := []string{
			"", "x", "????", "null", "W10", "\x00", "日本語", own + "=", own + "A", own[:len(own)-1],
			forge(parts[0], parts[1], "x"), forge(parts[0], parts[1], parts[2]+"\x00"), forge(parts[0], parts[1]),
			forge(parts[0], parts[1], parts[2], ""), forge("", parts[1], parts[2]), forge(parts[0], "\x00", parts[2]),
			forge(parts[0], parts[1], redline.NewID("other")),
		}
		for other, c := range cursors {
			if other != kind(l) {
				bad = append(bad, c)
			}
		}
		for _, c := range bad {
			_, after := l.page(redline.PageRequest{First: ref(1), After: &c})
			_, before := l.page(redline.PageRequest{Last: ref(1), Before: &c})
			if after == nil || before == nil {
				t.Errorf("%s takes the cursor %q", l.name, c)
				continue
			}
			refused(t, after, redline.CodeInvalid, "after")
			refused(t, before, redline.CodeInvalid, "before")
		}
		// What only looks like a value is refused or, in a list by text, a place.
		for _, value := range []string{
			"0000-01-01T00:00:00Z", "2026-01-01T00:00:00+23:59", "2026-01-01T00:00:00,5Z", "9999-12-31T23:59:59.999999999Z",
			"9999999999999.999999", "-9999999999999", "NaN", "-", "1e5", "infinity", "", "'", strings.Repeat("9", 400),
		} {
			c := forge(parts[0], value, parts[2])
			if _, err := l.page(redline.PageRequest{First: ref(1), After: &c}); err != nil {
				refused(t, err, redline.CodeInvalid, "after")
			}
		}
	}
}

func TestPageSizes(t *testing.T) {
	w := newWorld(t)
	for _, l := range w.lists() {
		for _, n := range []int{0, -1, redline.PageMax + 1} {
			_, err := l.page(redline.PageRequest{First: &n})
			refused(t, err, redline.CodeInvalid, "first")
			_, err = l.page(redline.PageRequest{Last: &n})
			refused(t, err, redline.CodeInvalid, "last")
		}
		_, err := l.page(redline.PageRequest{First: ref(1), Last: ref(1)})
		refused(t, err, redline.CodeInvalid, "last")
	}
	w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency)
		SELECT 'prod_' || lpad(n::text, 26, '0'), 'x' || n, 'x', 'x', 'PIECE', 1, 'USD' FROM generate_series(1, 10001) AS n`)
	page, err := w.Products(w.ctx, shop, redline.ProductFilter{Category: []string{"x"}}, redline.ProductOrder{}, redline.PageRequest{Count: true}, redline.ProductParts{})
	w.must(err)
	equal(t, "a page unless asked otherwise", len(page.Items), 50)
	if page.Total != nil {
		t.Errorf("a list of more than 10,000 is counted: %d", *page.Total)
	}
}

func TestProductSearch(t *testing.T) {
	w := newWorld(t)
	for sku, text := range map[string][3]string{
		"BP-1045/X": {"Bremsbeläge vorn", "Ätna", "for Golf's 1.9 TDI (2004-2008)"},
		"tab_sco":   {"Louisiana Fiery Hot Pepper Sauce", "O'Neill & Sons", "32 - 8 oz bottles"},
	} {
		w.exec(`INSERT INTO products (id, sku, name, brand, description, category, base_unit, price, currency)
			VALUES ($1, $2, $3, $4, $5, 'Search', 'PIECE', 1, 'USD')`, redline.NewID(redline.PrefixProduct), sku, text[0], text[1], text[2])
	}
	brakes, sauce := []string{"BP-1045/X"}, []string{"tab_sco"}
	for typed, want := range map[string][]string{
		"brems": brakes, "BREMSBELÄGE": brakes, "beläge": nil, "bp-1045": brakes, "1045": brakes, "104": brakes, "bp 1045 x": brakes,
		"1045/x": brakes, "1.9": brakes, "golf's": brakes, "ätna": brakes, "vorn brems": brakes, "2004-2008)": brakes, "golf sauce": nil,
		"o'neill": sauce, "O’Neill": sauce, "& sons": sauce, "fiery pep": sauce, "tab_sco": sauce, "sco": sauce, "32 - 8 oz": sauce,
		"louisiana | golf": nil, "!golf louis": nil, "tdi <-> golf": brakes, "fiery:*": sauce, "fiery:A": nil, `fier\`: sauce, `"fiery hot"`: sauce,
		"hot 🌶": sauce, "'; DROP TABLE products; --": nil, "%": nil, "null": nil, "1e5": nil, "1045e": nil, "http://x.y/z?a=b": nil,
		"a@b.example": nil, "(((": nil, "🌶": nil, " ": nil, "": nil, strings.Repeat("a", 201): nil, strings.Repeat("a ", 21): nil, "ﬁery": nil,
	} {
		page, err := w.Products(w.ctx, redline.Anonymous(), redline.ProductFilter{Search: &typed, Category: []string{"Search"}}, redline.ProductOrder{}, redline.PageRequest{}, redline.ProductParts{})
		if err != nil {
			if strings.ContainsAny(typed, "abcdefghijklmnopqrstuvwxyz0123456789") && len(typed) < 40 {
				t.Errorf("%q is refused: %v", typed, err)
			}
			refused(t, err, redline.CodeInvalid, "filter.search")
			continue
		}
		equal(t, fmt.Sprintf("found by %q", typed), ids(page.Items, func(p *redline.Product) string { return p.SKU }), want)
	}
}

// Whatever is typed, it is found, not found or refused.
func TestProductSearchTakesAnything(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(rt *rapid.T) {
		typed := rapid.StringOf(rapid.RuneFrom([]rune("ab1 .:*&|!<->()'\"\\\t@/_%é🌶"))).Draw(rt, "typed")
		if _, err := w.Products(w.ctx, shop, redline.ProductFilter{Search: &typed}, redline.ProductOrder{}, redline.PageRequest{}, redline.ProductParts{}); err != nil {
			if e := refusals(t, err)[0]; e.Code != redline.CodeInvalid {
				rt.Fatal(err)
			}
		}
	})
}

func TestFilters(t *testing.T) {
	w := newWorld(t)
	old := time.Now().Add(-24 * time.Hour)
	w.exec(`UPDATE products SET updated_at = $1, brand = 'Ferodo' WHERE sku = 'pads'`, old)
	w.exec(`UPDATE supplier_items SET gtin = '40064' WHERE supplier_sku = 'T1'`)
	w.place(shop, line("tea", 20))
	since := old.Add(time.Hour)
	for name, c := range map[string]struct {
		filter redline.ProductFilter
		want   []string
	}{
		"category":   {redline.ProductFilter{Category: []string{"Brakes", "Drinks"}}, []string{"pads", "tea"}},
		"none":       {redline.ProductFilter{Category: []string{}}, nil},
		"brand":      {redline.ProductFilter{Brand: []string{"Ferodo"}}, []string{"pads"}},
		"supplier":   {redline.ProductFilter{SupplierID: ref(w.id["supplier cajun"])}, []string{"sauce"}},
		"in stock":   {redline.ProductFilter{InStock: ref(true)}, []string{"pads", "sauce"}},
		"sold out":   {redline.ProductFilter{InStock: ref(false)}, []string{"tea"}},
		"active":     {redline.ProductFilter{Active: ref(true)}, []string{"pads", "sauce", "tea"}},
		"withdrawn":  {redline.ProductFilter{Active: ref(false)}, []string{"old"}},
		"since":      {redline.ProductFilter{UpdatedSince: &since}, []string{"sauce", "tea"}},
		"everything": {redline.ProductFilter{Category: []string{"Brakes"}, Brand: []string{"Ferodo"}, InStock: ref(true), Search: ref("pad")}, []string{"pads"}},
	} {
		page, err := w.Products(w.ctx, operator, c.filter, redline.ProductOrder{Field: redline.ProductsBySKU}, redline.PageRequest{}, redline.ProductParts{})
		w.must(err)
		equal(t, "products by "+name, ids(page.Items, func(p *redline.Product) string { return p.SKU }), c.want)
	}
	byGTIN, err := w.ProductBy(w.ctx, shop, redline.ProductBy{GTIN: ref("40064")}, redline.ProductParts{})
	w.must(err)
	equal(t, "by GTIN", byGTIN.SKU, "tea")
	_, err = w.ProductBy(w.ctx, shop, redline.ProductBy{}, redline.ProductParts{})
	refused(t, err, redline.CodeInvalid, "by")

	for name, c := range map[string]struct {
		filter redline.InventoryFilter
		want   []string
	}{
		"product":     {redline.InventoryFilter{ProductIDs: []string{w.id["pads"]}}, []string{"pads east", "pads west"}},
		"SKU":         {redline.InventoryFilter{Skus: []string{"tea", "nothing"}}, []string{"tea tokyo"}},
		"no SKU":      {redline.InventoryFilter{Skus: []string{}}, nil},
		"location":    {redline.InventoryFilter{LocationIDs: []string{w.id["east"]}}, []string{"pads east", "sauce east"}},
		"supplier":    {redline.InventoryFilter{SupplierID: ref(w.id["supplier cajun"])}, []string{"sauce cajun"}},
		"category":    {redline.InventoryFilter{Category: []string{"Drinks"}}, []string{"tea tokyo"}},
		"low":         {redline.InventoryFilter{LowOnly: ref(true)}, []string{"tea tokyo"}},
		"low or not":  {redline.InventoryFilter{LowOnly: ref(false), LocationIDs: []string{w.id["tokyo"]}}, []string{"tea tokyo"}},
		"stale":       {redline.InventoryFilter{StaleOnly: ref(true)}, nil},
		"all of them": {redline.InventoryFilter{Skus: []string{"pads"}, LocationIDs: []string{w.id["west"]}}, []string{"pads west"}},
	} {
		page, err := w.Levels(w.ctx, operator, c.filter, redline.PageRequest{})
		w.must(err)
		got := ids(page.Items, func(l *redline.InventoryLevel) string {
			for _, sku := range []string{"pads", "sauce", "tea"} {
				if l.ProductID == w.id[sku] {
					return sku + " " + l.Location.Code
				}
			}
			return l.ProductID
		})
		slices.Sort(got)
		equal(t, "levels by "+name, got, c.want)
	}
}

func TestOrderFilters(t *testing.T) {
	w := newWorld(t)
	bob, err := func() (*redline.Order, error) {
		id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
			IdempotencyKey: key(), ExternalReference: ref("web-1"), Customer: redline.CustomerInput{ID: ref("bob")}, Lines: []redline.LineInput{line("tea", 1)},
		})
		return w.order(operator, id), err
	}()
	w.must(err)
	guest := w.place(rival, line("pads", 1))
	w.must(w.ship(tokyo, w.part(bob, "tokyo")))
	bob = w.order(operator, bob.ID)
	names := map[string]string{bob.ID: "bob", guest.ID: "guest"}
	for name, c := range map[string]struct {
		filter redline.OrderFilter
		want   []string
	}{
		"status":      {redline.OrderFilter{Statuses: []redline.OrderStatus{redline.OrderShipped, redline.OrderOnHold}}, []string{"bob"}},
		"no status":   {redline.OrderFilter{Statuses: []redline.OrderStatus{}}, nil},
		"customer":    {redline.OrderFilter{CustomerID: ref("bob")}, []string{"bob"}},
		"supplier":    {redline.OrderFilter{SupplierID: ref(w.id["supplier tokyo"])}, []string{"bob"}},
		"product":     {redline.OrderFilter{ProductID: ref(w.id["pads"])}, []string{"guest"}},
		"from":        {redline.OrderFilter{PlacedFrom: &guest.PlacedAt}, []string{"guest"}},
		"to":          {redline.OrderFilter{PlacedTo: &guest.PlacedAt}, []string{"bob"}},
		"since":       {redline.OrderFilter{UpdatedSince: &bob.UpdatedAt}, []string{"bob"}},
		"number":      {redline.OrderFilter{Search: &guest.Number}, []string{"guest"}},
		"reference":   {redline.OrderFilter{Search: ref("web-1")}, []string{"bob"}},
		"odd text":    {redline.OrderFilter{Search: ref("' OR true --")}, nil},
		"all of them": {redline.OrderFilter{CustomerID: ref("bob"), ProductID: ref(w.id["pads"])}, nil},
		"none":        {redline.OrderFilter{}, []string{"guest", "bob"}},
	} {
		page, err := w.Orders(w.ctx, operator, c.filter, redline.OrderSort{}, redline.PageRequest{Count: true}, redline.OrderParts{})
		w.must(err)
		equal(t, "orders by "+name, ids(page.Items, func(o *redline.Order) string { return names[o.ID] }), c.want)
		equal(t, "the total by "+name, *page.Total, len(c.want))
	}
	late := w.place(shop, line("tea", 1))
	w.exec(`UPDATE fulfillment_orders SET acknowledge_by = now() - interval '1 hour'`)
	for name, c := range map[string]struct {
		filter redline.FulfillmentOrderFilter
		want   []string
	}{
		"status":      {redline.FulfillmentOrderFilter{Statuses: []redline.FulfillmentOrderStatus{redline.PartClosed}}, []string{bob.ID}},
		"supplier":    {redline.FulfillmentOrderFilter{SupplierID: ref(w.id["supplier tokyo"])}, []string{bob.ID, late.ID}},
		"location":    {redline.FulfillmentOrderFilter{LocationID: ref(w.id["east"])}, []string{guest.ID}},
		"overdue":     {redline.FulfillmentOrderFilter{SupplierID: ref(w.id["supplier tokyo"]), Overdue: ref(true)}, []string{late.ID}},
		"not overdue": {redline.FulfillmentOrderFilter{SupplierID: ref(w.id["supplier tokyo"]), Overdue: ref(false)}, []string{bob.ID}},
	} {
		page, err := w.FulfillmentOrders(w.ctx, operator, c.filter, redline.PageRequest{})
		w.must(err)
		equal(t, "parts by "+name, ids(page.Items, func(f *redline.FulfillmentOrder) string { return f.Order.ID }), c.want)
	}
}
