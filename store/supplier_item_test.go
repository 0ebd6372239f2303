package store_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"redline"
)

// without is a principal whose token leaves a scope out.
func without(p redline.Principal, scope string) redline.Principal {
	p.Scopes = slices.DeleteFunc(slices.Clone(p.Scopes), func(s string) bool { return s == scope })
	return p
}

func decimal(t testing.TB, text string) *redline.Decimal {
	t.Helper()
	d, err := redline.ParseDecimal(text)
	if err != nil {
		t.Fatal(err)
	}
	return &d
}

// sauceItem is cajun's item for sauce, as it is.
func (w *world) sauceItem() redline.SupplierItemUpsertInput {
	return redline.SupplierItemUpsertInput{
		ProductID: w.id["sauce"], SupplierSKU: "65", Unit: redline.UnitCase, PackQuantity: 32, MinimumOrderQuantity: 1, OrderMultiple: 1,
	}
}

// item reads an item and its versions as a principal sees them.
func (w *world) item(p redline.Principal, id string) (*redline.SupplierItem, []*redline.SupplierItemVersion) {
	w.t.Helper()
	items, err := w.SupplierItemsByID(w.ctx, p, []string{id})
	w.must(err)
	versions, err := w.ItemVersions(w.ctx, p, []string{id})
	w.must(err)
	return items[id], versions[id]
}

// A supplier's item is made, changed and left alone; each change is a version,
// which is kept.
func TestItemsAreUpserted(t *testing.T) {
	w := newWorld(t)
	in := redline.SupplierItemUpsertInput{
		IdempotencyKey: ref(key()), ProductID: w.id["pads"], SupplierSKU: "P-1", GTIN: ref("4006381333931"), Unit: redline.UnitSet, PackQuantity: 4,
		MinimumOrderQuantity: 2, OrderMultiple: 3, LeadTimeDays: ref(6), Cost: decimal(t, "9.123456"),
	}
	id, outcome, err := w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	equal(t, "replayed", outcome.Replayed, false)
	item, versions := w.item(cajun, id)
	equal(t, "the item", *item, redline.SupplierItem{
		ID: id, SupplierID: w.id["supplier cajun"], ProductID: w.id["pads"], SupplierSKU: "P-1", GTIN: in.GTIN, Unit: redline.UnitSet, PackQuantity: 4,
		MinimumOrderQuantity: 2, OrderMultiple: 3, LeadTimeDays: ref(6), Cost: &redline.Money{Amount: *in.Cost, Currency: "USD"}, Version: 1,
		Supplier: item.Supplier,
	})
	equal(t, "its versions", len(versions), 1)
	again, outcome, err := w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	equal(t, "a replay", []any{again, outcome.Replayed}, []any{id, true})

	// The same again is no version, whoever says it; a cost that is left out stays.
	in.IdempotencyKey, in.Cost = nil, nil
	for _, p := range []redline.Principal{cajun, operator} {
		in.SupplierID = ref(w.id["supplier cajun"])
		again, _, err = w.SupplierItemUpsert(w.ctx, p, in)
		w.must(err)
		item, versions = w.item(cajun, again)
		equal(t, "the item, unchanged", []any{again, item.Version, len(versions), item.Cost.Amount}, []any{id, 1, 1, *decimal(t, "9.123456")})
	}

	// Each field counts; what is left out but for the cost is gone.
	change := func(alter func()) {
		t.Helper()
		before, _ := w.item(operator, id)
		alter()
		in.ExpectedVersion = ref(before.Version)
		_, _, err := w.SupplierItemUpsert(w.ctx, operator, in)
		w.must(err)
		after, _ := w.item(operator, id)
		equal(t, "the version", after.Version, before.Version+1)
	}
	change(func() { in.GTIN = nil })
	change(func() { in.Unit = redline.UnitBox })
	change(func() { in.PackQuantity = 5 })
	change(func() { in.MinimumOrderQuantity = 1 })
	change(func() { in.OrderMultiple = 1 })
	change(func() { in.LeadTimeDays = nil })
	change(func() { in.LeadTimeDays = ref(0) })
	change(func() { in.Cost = decimal(t, "9") })
	change(func() { in.ProductID, in.Cost = w.id["sauce"], nil })
	item, versions = w.item(operator, id)
	equal(t, "the item", []any{item.ProductID, item.GTIN, *item.LeadTimeDays, item.Cost.Amount}, []any{w.id["sauce"], (*string)(nil), 0, *decimal(t, "9")})
	var told []string
	for _, v := range versions {
		told = append(told, fmt.Sprintf("%d %s %s %d %s %s", v.Version, v.Product.SKU, v.Unit, v.PackQuantity, v.Cost.Amount, v.Actor))
	}
	equal(t, "the versions", told, []string{
		"10 sauce BOX 5 9.00 olga", "9 pads BOX 5 9.00 olga", "8 pads BOX 5 9.123456 olga", "7 pads BOX 5 9.123456 olga", "6 pads BOX 5 9.123456 olga",
		"5 pads BOX 5 9.123456 olga", "4 pads BOX 5 9.123456 olga", "3 pads BOX 4 9.123456 olga", "2 pads SET 4 9.123456 olga", "1 pads SET 4 9.123456 erp-cajun",
	})
	w.checkBooks()
}

// What an item was is for those who see the item; what it cost for those who may
// know that, and which of us changed it is no supplier's business.
func TestWhoSeesVersions(t *testing.T) {
	w := newWorld(t)
	in := w.sauceItem()
	in.SupplierID, in.Cost = ref(w.id["supplier cajun"]), decimal(t, "3")
	id, _, err := w.SupplierItemUpsert(w.ctx, operator, in)
	w.must(err)
	for _, c := range []struct {
		who  redline.Principal
		want string
	}{
		{operator, "2 by olga for 3.00, 1 by olga for 2.50"}, {cajun, "2 by operator for 3.00, 1 by operator for 2.50"},
		{without(cajun, redline.ScopeCatalogCost), "2 by operator, 1 by operator"}, {tokyo, ""}, {shop, ""}, {redline.Anonymous(), ""},
	} {
		_, versions := w.item(c.who, id)
		var told []string
		for _, v := range versions {
			text := fmt.Sprintf("%d by %s", v.Version, v.Actor)
			if v.Cost != nil {
				text += " for " + v.Cost.Amount.String()
			}
			told = append(told, text)
		}
		equal(t, "what "+c.who.Subject+" sees", strings.Join(told, ", "), c.want)
	}
}

func TestItemsThatAreRefused(t *testing.T) {
	w := newWorld(t)
	both := supplierPrincipal("cajun", "tokyo")
	nobody := supplierPrincipal("nobody")
	reader := without(operator, redline.ScopeCatalogWrite)
	w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency, active) VALUES ($1, 'yen', 'Yen', 'Sauces', 'BOTTLE', 1, 'JPY', true)`,
		redline.NewID(redline.PrefixProduct))
	for name, c := range map[string]struct {
		who   redline.Principal
		alter func(*redline.SupplierItemUpsertInput)
		want  []string
	}{
		"no SKU":            {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU = "" }, []string{"INVALID supplierSku"}},
		"a blank SKU":       {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU = " " }, []string{"INVALID supplierSku"}},
		"spaces around":     {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU = "65 " }, []string{"INVALID supplierSku"}},
		"an odd SKU":        {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU = "6\x005" }, []string{"INVALID supplierSku"}},
		"a long SKU":        {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU = strings.Repeat("6", 201) }, []string{"INVALID supplierSku"}},
		"a wrong GTIN":      {cajun, func(in *redline.SupplierItemUpsertInput) { in.GTIN = ref("4006381333932") }, []string{"INVALID gtin"}},
		"an empty GTIN":     {cajun, func(in *redline.SupplierItemUpsertInput) { in.GTIN = ref("") }, []string{"INVALID gtin"}},
		"no unit":           {cajun, func(in *redline.SupplierItemUpsertInput) { in.Unit = "BARREL" }, []string{"INVALID unit"}},
		"no pack":           {cajun, func(in *redline.SupplierItemUpsertInput) { in.PackQuantity = 0 }, []string{"INVALID packQuantity"}},
		"a huge pack":       {cajun, func(in *redline.SupplierItemUpsertInput) { in.PackQuantity = redline.MaxQuantity + 1 }, []string{"INVALID packQuantity"}},
		"a pack of bottles": {cajun, func(in *redline.SupplierItemUpsertInput) { in.Unit = redline.UnitBottle }, []string{"PACK_MISMATCH packQuantity"}},
		"no minimum":        {cajun, func(in *redline.SupplierItemUpsertInput) { in.MinimumOrderQuantity = 0 }, []string{"INVALID minimumOrderQuantity"}},
		"a huge minimum": {cajun, func(in *redline.SupplierItemUpsertInput) { in.MinimumOrderQuantity = redline.MaxQuantity + 1 },
			[]string{"INVALID minimumOrderQuantity"}},
		"no multiple":       {cajun, func(in *redline.SupplierItemUpsertInput) { in.OrderMultiple = -1 }, []string{"INVALID orderMultiple"}},
		"a huge multiple":   {cajun, func(in *redline.SupplierItemUpsertInput) { in.OrderMultiple = redline.MaxQuantity + 1 }, []string{"INVALID orderMultiple"}},
		"back in time":      {cajun, func(in *redline.SupplierItemUpsertInput) { in.LeadTimeDays = ref(-1) }, []string{"INVALID leadTimeDays"}},
		"never":             {cajun, func(in *redline.SupplierItemUpsertInput) { in.LeadTimeDays = ref(redline.MaxQuantity + 1) }, []string{"INVALID leadTimeDays"}},
		"a negative cost":   {cajun, func(in *redline.SupplierItemUpsertInput) { in.Cost = decimal(t, "-0.000001") }, []string{"INVALID cost"}},
		"a cost, unscoped":  {without(cajun, redline.ScopeCatalogCost), func(in *redline.SupplierItemUpsertInput) { in.Cost = decimal(t, "1") }, []string{"FORBIDDEN cost"}},
		"several things":    {cajun, func(in *redline.SupplierItemUpsertInput) { in.PackQuantity, in.OrderMultiple = 0, 0 }, []string{"INVALID packQuantity", "INVALID orderMultiple"}},
		"no such product":   {cajun, func(in *redline.SupplierItemUpsertInput) { in.ProductID = "prod_x" }, []string{"NOT_FOUND productId"}},
		"withdrawn":         {cajun, func(in *redline.SupplierItemUpsertInput) { in.ProductID = w.id["old"] }, []string{"NOT_FOUND productId"}},
		"another's":         {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierID = ref(w.id["supplier tokyo"]) }, []string{"NOT_FOUND supplierId"}},
		"no such supplier":  {operator, func(in *redline.SupplierItemUpsertInput) { in.SupplierID = ref("sup_x") }, []string{"NOT_FOUND supplierId"}},
		"whose":             {operator, func(*redline.SupplierItemUpsertInput) {}, []string{"INVALID supplierId"}},
		"whose of several":  {both, func(*redline.SupplierItemUpsertInput) {}, []string{"INVALID supplierId"}},
		"nobody's":          {nobody, func(*redline.SupplierItemUpsertInput) {}, []string{"NOT_FOUND supplierId"}},
		"an operator's own": {reader, func(in *redline.SupplierItemUpsertInput) { in.SupplierID = ref(w.id["supplier cajun"]) }, []string{"FORBIDDEN "}},
		"a shop's":          {shop, func(in *redline.SupplierItemUpsertInput) { in.SupplierID = ref(w.id["supplier cajun"]) }, []string{"NOT_FOUND supplierId"}},
		"another product's": {cajun, func(in *redline.SupplierItemUpsertInput) { in.ProductID = w.id["pads"] }, []string{"DUPLICATE supplierSku"}},
		"another product's, of a version": {cajun, func(in *redline.SupplierItemUpsertInput) { in.ProductID, in.ExpectedVersion = w.id["pads"], ref(7) },
			[]string{"VERSION_MISMATCH expectedVersion"}},
		"an old version":  {cajun, func(in *redline.SupplierItemUpsertInput) { in.ExpectedVersion = ref(0) }, []string{"VERSION_MISMATCH expectedVersion"}},
		"not there to me": {cajun, func(in *redline.SupplierItemUpsertInput) { in.SupplierSKU, in.ExpectedVersion = "66", ref(1) }, []string{"VERSION_MISMATCH expectedVersion"}},
	} {
		in := w.sauceItem()
		c.alter(&in)
		w.unchanged(func() {
			_, _, err := w.SupplierItemUpsert(w.ctx, c.who, in)
			if err == nil {
				t.Fatalf("%s is not refused", name)
			}
			refusedAt(t, err, c.want...)
		})
	}
	var versions int
	w.must(w.DB().GetContext(w.ctx, &versions, `SELECT count(*) FROM supplier_item_versions`))
	equal(t, "versions of the two items", versions, 2)

	// What may be: for one of several by name, for anybody by an operator, a
	// SKU for another product where its version is known, and of another currency
	// without the old one's cost.
	in := w.sauceItem()
	in.SupplierID = ref(w.id["supplier cajun"])
	for _, p := range []redline.Principal{both, operator} {
		_, _, err := w.SupplierItemUpsert(w.ctx, p, in)
		w.must(err)
	}
	w.must(w.DB().GetContext(w.ctx, &in.ProductID, `SELECT id FROM products WHERE sku = 'yen'`))
	in.ExpectedVersion = ref(1)
	id, _, err := w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	item, _ := w.item(cajun, id)
	equal(t, "the cost of another product", item.Cost, (*redline.Money)(nil))
	in.Cost, in.ExpectedVersion = decimal(t, "120"), nil
	_, _, err = w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	item, _ = w.item(cajun, id)
	equal(t, "the cost in yen", *item.Cost, redline.Money{Amount: *in.Cost, Currency: "JPY"})
	w.checkBooks()
}

// What was ordered under one pack keeps it: a changed one is for later orders.
func TestAChangedPackIsForLaterOrders(t *testing.T) {
	w := newWorld(t)
	take := redline.LineInput{SKU: ref("sauce"), Quantity: 30, LocationID: ref(w.id["cajun"])}
	before := w.place(shop, take)
	in := w.sauceItem()
	in.PackQuantity, in.MinimumOrderQuantity, in.OrderMultiple = 12, 2, 4
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, in)
	w.must(err)
	after := w.place(shop, take)
	for _, c := range []struct {
		order *redline.Order
		want  []int
	}{{before, []int{30, 32, 1}}, {after, []int{30, 12, 4}}} {
		l := w.part(w.order(cajun, c.order.ID), "cajun").Lines[0]
		equal(t, "base units, pack and what to send", []int{l.Quantity, *l.PackQuantity, *l.SupplierQuantity}, c.want)
	}
	w.must(w.ship(cajun, w.part(before, "cajun")))
	equal(t, "on hand after the first was shipped", w.level("sauce", "cajun").OnHand, 34)
	w.checkBooks()
}

// Allocation and promises go by how long a supplier's item takes, and where that
// isn't known by its location: cajun's takes 3 days and tokyo's 4.
func TestLeadTimesOfItems(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "sauce", "tokyo", 100)
	w.adjust(operator, "sauce", "east", -3)
	from := func(what, want string, days int) {
		t.Helper()
		promised, err := w.Promises(w.ctx, shop, []redline.AvailabilityLine{{ProductID: w.id["sauce"], Quantity: 5}}, true)
		w.must(err)
		first := promised[0].Promises[0]
		equal(t, what+": what is promised", []any{first.Location.Code, *first.LeadTimeDays}, []any{want, days})
		in := wants(line("sauce", 5))
		for _, externalReference := range []*string{nil, ref(key())} { // allocated under the locks, and before them
			in.IdempotencyKey, in.ExternalReference = key(), externalReference
			id, _, err := w.OrderPlace(w.ctx, shop, in)
			w.must(err)
			equal(t, what+": what is placed", w.shares(w.order(operator, id)), map[string]int{want: 5})
		}
		w.checkBooks()
	}
	upsert := func(supplier, sku string, product string, days *int, expected *int) {
		t.Helper()
		in := w.sauceItem()
		in.SupplierID, in.SupplierSKU, in.ProductID, in.LeadTimeDays, in.ExpectedVersion = ref(w.id["supplier "+supplier]), sku, w.id[product], days, expected
		_, _, err := w.SupplierItemUpsert(w.ctx, operator, in)
		w.must(err)
	}
	from("by location", "cajun", 3)
	upsert("tokyo", "S9", "sauce", ref(2), nil)
	from("tokyo's item is quicker", "tokyo", 2)
	upsert("cajun", "65", "sauce", ref(1), nil)
	from("cajun's item is quicker still", "cajun", 1)
	upsert("cajun", "65", "sauce", ref(9), nil)
	from("cajun's is slow", "tokyo", 2)
	upsert("cajun", "65-express", "sauce", ref(0), nil)
	from("another of cajun's is quick", "cajun", 0)
	upsert("cajun", "65-express", "pads", ref(0), ref(1))
	from("it is for another product now", "tokyo", 2)
	upsert("tokyo", "S9", "sauce", nil, nil)
	from("nobody knows of tokyo's", "tokyo", 4)
	upsert("cajun", "65", "sauce", nil, nil)
	from("nor of cajun's", "cajun", 3)

	// A level that is made later has it from the beginning.
	upsert("tokyo", "P9", "pads", ref(2), nil)
	w.adjust(tokyo, "pads", "tokyo", 50)
	w.adjust(operator, "pads", "cajun", 50)
	w.adjust(operator, "pads", "east", -10)
	w.adjust(operator, "pads", "west", -4)
	promised, err := w.Promises(w.ctx, shop, []redline.AvailabilityLine{{ProductID: w.id["pads"], Quantity: 60}}, true)
	w.must(err)
	var got []string
	for _, p := range promised[0].Promises {
		got = append(got, fmt.Sprint(p.Location.Code, *p.LeadTimeDays))
	}
	equal(t, "new levels", got, []string{"cajun0", "tokyo2"})
	w.checkBooks()
}

// Of equal upserts at once one makes a version, and of different ones each.
func TestUpsertsAtOnce(t *testing.T) {
	w := newWorld(t)
	in := redline.SupplierItemUpsertInput{
		ProductID: w.id["pads"], SupplierSKU: "P-1", Unit: redline.UnitBox, PackQuantity: 4, MinimumOrderQuantity: 1, OrderMultiple: 1,
	}
	const n = 8
	ids := make([]string, n)
	for _, err := range atOnce(n, func(i int) (err error) {
		ids[i], _, err = w.SupplierItemUpsert(w.ctx, cajun, in)
		return err
	}) {
		w.must(err)
	}
	equal(t, "distinct items", len(slices.Compact(slices.Clone(ids))), 1)
	_, versions := w.item(cajun, ids[0])
	equal(t, "versions of equal upserts", len(versions), 1)

	for _, err := range atOnce(n, func(i int) error {
		in := in
		in.PackQuantity = 10 + i
		_, _, err := w.SupplierItemUpsert(w.ctx, cajun, in)
		return err
	}) {
		w.must(err)
	}
	item, versions := w.item(cajun, ids[0])
	equal(t, "versions of different upserts", []int{item.Version, len(versions)}, []int{1 + n, 1 + n})
	equal(t, "the newest is what it is", versions[0].PackQuantity, item.PackQuantity)

	won := 0
	for _, err := range atOnce(n, func(i int) error {
		in := in
		in.PackQuantity, in.ExpectedVersion = 50+i, ref(1+n)
		_, _, err := w.SupplierItemUpsert(w.ctx, cajun, in)
		return err
	}) {
		if err == nil {
			won++
		} else {
			equal(t, "who comes too late learns the version", refused(t, err, redline.CodeVersionMismatch, "expectedVersion").Actual, 2+n)
		}
	}
	equal(t, "upserts of one version that went through", won, 1)
	w.checkBooks()
}

// An item is mapped, or gets another lead time, while levels of its product are
// made: however they come, the levels end with the item's lead time.
func TestLeadTimesWhileLevelsAreMade(t *testing.T) {
	w := newWorld(t)
	for i := range 10 {
		id := redline.NewID(redline.PrefixProduct)
		w.exec(`INSERT INTO products (id, sku, name, category, base_unit, price, currency) VALUES ($1, $2, $2, 'New', 'PIECE', 1, 'USD')`, id, fmt.Sprint("new-", i))
		in := redline.SupplierItemUpsertInput{
			SupplierID: ref(w.id["supplier cajun"]), ProductID: id, SupplierSKU: fmt.Sprint("N", i), Unit: redline.UnitBox, PackQuantity: 4,
			MinimumOrderQuantity: 1, OrderMultiple: 1,
		}
		for _, err := range atOnce(4, func(n int) error {
			if n < 2 {
				in := in
				in.LeadTimeDays = ref(5 + n)
				_, _, err := w.SupplierItemUpsert(w.ctx, operator, in)
				return err
			}
			_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
				Stock: redline.StockKey{ProductID: &id, LocationCode: ref("cajun")}, OnHand: n, Basis: redline.CountBasis{Override: ref(true)},
			}}})
			return err
		}) {
			w.must(err)
		}
	}
	w.checkBooks()
}

// What was not known of a SKU is settled by whoever says what it is.
func TestMappingSettlesConflicts(t *testing.T) {
	w := newWorld(t)
	supplier := w.id["supplier cajun"]
	conflict := func(kind redline.ConflictKind, cause string) {
		w.exec(`INSERT INTO conflicts (id, kind, status, cause, supplier_id, summary, facts, opened_at, updated_at)
			VALUES ($1, $2, 'OPEN', $3, $4, 'unknown', '[]', now(), now())`, redline.NewID(redline.PrefixConflict), string(kind), cause, supplier)
	}
	conflict(redline.ConflictUnmappedSKU, "UNMAPPED_SKU "+supplier+" N1")
	conflict(redline.ConflictPackMismatch, "PACK_MISMATCH "+supplier+" N1 BOX")
	conflict(redline.ConflictPackMismatch, "PACK_MISMATCH "+supplier+" N1 PIECE")
	conflict(redline.ConflictPackMismatch, "PACK_MISMATCH "+supplier+" N1 PAIR")
	conflict(redline.ConflictUnmappedSKU, "UNMAPPED_SKU "+supplier+" N2")
	conflict(redline.ConflictUnmappedSKU, "UNMAPPED_SKU "+w.id["supplier tokyo"]+" N1")
	_, _, err := w.SupplierItemUpsert(w.ctx, cajun, redline.SupplierItemUpsertInput{
		ProductID: w.id["pads"], SupplierSKU: "N1", Unit: redline.UnitBox, PackQuantity: 4, MinimumOrderQuantity: 1, OrderMultiple: 1,
	})
	w.must(err)
	var open []string
	w.must(w.DB().SelectContext(w.ctx, &open, `SELECT kind || ' ' || substr(cause, length(kind) + 2 + length(supplier_id)) FROM conflicts
		WHERE status = 'OPEN' ORDER BY 1`))
	equal(t, "what is still open", open, []string{"PACK_MISMATCH  N1 PAIR", "UNMAPPED_SKU  N1", "UNMAPPED_SKU  N2"})
}
