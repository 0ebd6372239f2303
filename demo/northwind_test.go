package demo_test

import (
	"fmt"
	"math/big"
	"slices"
	"testing"
	"time"

	"redline/demo"
)

func TestSupplierCodes(t *testing.T) {
	t.Parallel()
	want := map[string]string{
		"Exotic Liquids":                         "exotic-liquids",
		"New Orleans Cajun Delights":             "new-orleans-cajun-delights",
		"Grandma Kelly's Homestead":              "grandma-kellys-homestead",
		"Tokyo Traders":                          "tokyo-traders",
		"Cooperativa de Quesos 'Las Cabras'":     "cooperativa-de-quesos-las-cabras",
		"Mayumi's":                               "mayumis",
		"Pavlova, Ltd.":                          "pavlova-ltd",
		"Specialty Biscuits, Ltd.":               "specialty-biscuits-ltd",
		"PB Knäckebröd AB":                       "pb-knackebrod-ab",
		"Refrescos Americanas LTDA":              "refrescos-americanas-ltda",
		"Heli Süßwaren GmbH & Co. KG":            "heli-susswaren-gmbh-co-kg",
		"Plutzer Lebensmittelgroßmärkte AG":      "plutzer-lebensmittelgrossmarkte-ag",
		"Nord-Ost-Fisch Handelsgesellschaft mbH": "nord-ost-fisch-handelsgesellschaft-mbh",
		"Formaggi Fortini s.r.l.":                "formaggi-fortini-srl",
		"Norske Meierier":                        "norske-meierier",
		"Bigfoot Breweries":                      "bigfoot-breweries",
		"Svensk Sjöföda AB":                      "svensk-sjofoda-ab",
		"Aux joyeux ecclésiastiques":             "aux-joyeux-ecclesiastiques",
		"New England Seafood Cannery":            "new-england-seafood-cannery",
		"Leka Trading":                           "leka-trading",
		"Lyngbysild":                             "lyngbysild",
		"Zaanse Snoepfabriek":                    "zaanse-snoepfabriek",
		"Karkki Oy":                              "karkki-oy",
		"G'day, Mate":                            "gday-mate",
		"Ma Maison":                              "ma-maison",
		"Pasta Buttini s.r.l.":                   "pasta-buttini-srl",
		"Escargots Nouveaux":                     "escargots-nouveaux",
		"Gai pâturage":                           "gai-paturage",
		"Forêts d'érables":                       "forets-derables",
	}
	for _, supplier := range load(t).Suppliers {
		if want[supplier.Name] != supplier.Code {
			t.Errorf("%s has the code %q, want %q", supplier.Name, supplier.Code, want[supplier.Name])
		}
		delete(want, supplier.Name)
	}
	for name := range want {
		t.Errorf("%s is not among the suppliers", name)
	}
}

func TestSupplierUnitsBecomeBaseUnits(t *testing.T) {
	t.Parallel()
	data := load(t)
	products := byKey(t, data.Products, func(p demo.Product) string { return p.SKU })
	items := byKey(t, data.SupplierItems, func(i demo.SupplierItem) string { return i.ProductSKU })
	levels := map[string]demo.Level{}
	for _, level := range data.Levels {
		levels[level.ProductSKU] = level // one for each of Northwind's
	}
	names := map[string]string{}
	for _, supplier := range csvRows(t, "northwind/suppliers.csv") {
		names[supplier["supplier_id"]] = supplier["company_name"]
	}
	codes := map[string]string{}
	for _, supplier := range data.Suppliers {
		codes[supplier.Name] = supplier.Code
	}
	categories := map[string]string{}
	for _, category := range csvRows(t, "northwind/categories.csv") {
		categories[category["category_id"]] = category["category_name"]
	}

	for i, row := range csvRows(t, "northwind/products.csv") {
		pack := packTexts[i]
		sku := fmt.Sprintf("NW-%03d", number(t, row["product_id"]))
		code := codes[names[row["supplier_id"]]]

		item := items[sku]
		if item.SupplierCode != code || item.SupplierSKU != row["product_id"] || item.PackQuantity != pack.quantity || item.Unit != pack.supplier {
			t.Errorf("%s: supplier item %+v", sku, item)
		}
		if decimal(t, item.Cost).Cmp(decimal(t, row["unit_price"])) != 0 {
			t.Errorf("%s costs %s, want %s", sku, item.Cost, row["unit_price"])
		}
		product := products[sku]
		if product.Name != row["product_name"] || product.Category != categories[row["category_id"]] || product.BaseUnit != pack.base || product.Brand != "" {
			t.Errorf("%s is %+v", sku, product)
		}
		if product.Active == (row["discontinued"] == "1") {
			t.Errorf("%s: active %v, discontinued %s", sku, product.Active, row["discontinued"])
		}
		if !slices.Equal(product.Attributes, []demo.Attribute{{Name: "Supplier pack", Value: row["quantity_per_unit"]}}) {
			t.Errorf("%s: attributes %v", sku, product.Attributes)
		}
		exact := new(big.Rat).Quo(decimal(t, row["unit_price"]), big.NewRat(int64(pack.quantity), 1))
		checkRounded(t, sku+"'s price", product.Price, exact, 6)

		want := demo.Level{
			ProductSKU: sku, LocationCode: code,
			OnHand:       number(t, row["units_in_stock"]) * pack.quantity,
			Incoming:     number(t, row["units_on_order"]) * pack.quantity,
			ReorderPoint: number(t, row["reorder_level"]) * pack.quantity,
		}
		if levels[sku] != want {
			t.Errorf("%s: level %+v, want %+v", sku, levels[sku], want)
		}
	}
}

// checkRounded fails unless text is exact, rounded half-even to so many
// decimals: no further away than half a step, and where just that, even.
func checkRounded(t *testing.T, what, text string, exact *big.Rat, decimals int64) {
	t.Helper()
	steps := new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(decimals), nil))
	got := new(big.Rat).Mul(decimal(t, text), steps)
	if !got.IsInt() {
		t.Errorf("%s, %s, has more than %d decimals", what, text, decimals)
		return
	}
	away := new(big.Rat).Sub(got, new(big.Rat).Mul(exact, steps))
	switch away.Abs(away).Cmp(big.NewRat(1, 2)) {
	case 1:
		t.Errorf("%s, %s, is not the nearest to %s", what, text, exact.FloatString(12))
	case 0:
		if got.Num().Bit(0) == 1 {
			t.Errorf("%s, %s, is not the even one next to %s", what, text, exact.FloatString(12))
		}
	}
}

func TestOrderLinesAddUp(t *testing.T) {
	t.Parallel()
	type key struct{ order, sku string }
	rows := map[key]map[string]string{}
	for _, row := range csvRows(t, "northwind/order_details.csv") {
		rows[key{row["order_id"], fmt.Sprintf("NW-%03d", number(t, row["product_id"]))}] = row
	}
	ties := 0
	for _, order := range load(t).Orders {
		sum := new(big.Rat)
		for _, line := range order.Lines {
			row := rows[key{order.Number, line.ProductSKU}]
			what := fmt.Sprintf("order %s, %s", order.Number, line.ProductSKU)
			if line.SupplierQuantity != number(t, row["quantity"]) || line.SupplierUnitPrice != row["unit_price"] || line.DiscountRate != row["discount"] {
				t.Errorf("%s: %+v, the data says %v", what, line, row)
			}
			pack := packTexts[number(t, line.SupplierSKU)-1].quantity
			if line.Quantity != line.SupplierQuantity*pack {
				t.Errorf("%s: %d base units of %d packs of %d", what, line.Quantity, line.SupplierQuantity, pack)
			}
			price := decimal(t, row["unit_price"])
			checkRounded(t, what+": unit price", line.UnitPrice, new(big.Rat).Quo(price, big.NewRat(int64(pack), 1)), 6)

			gross := new(big.Rat).Mul(price, decimal(t, row["quantity"]))
			net := new(big.Rat).Sub(gross, new(big.Rat).Mul(gross, decimal(t, row["discount"])))
			checkRounded(t, what+": total", line.Total, net, 2)
			if cents := new(big.Rat).Mul(net, big.NewRat(200, 1)); cents.IsInt() && cents.Num().Bit(0) == 1 {
				ties++
			}
			total := decimal(t, line.Total)
			if got := new(big.Rat).Sub(gross, total); got.Cmp(decimal(t, line.Discount)) != 0 || got.Sign() < 0 {
				t.Errorf("%s: discount %s and total %s of %s", what, line.Discount, line.Total, gross.FloatString(4))
			}
			sum.Add(sum, total)
		}
		if sum.Cmp(decimal(t, order.Total)) != 0 {
			t.Errorf("order %s: total %s, its lines sum up to %s", order.Number, order.Total, sum.FloatString(2))
		}
	}
	if ties == 0 {
		t.Error("no line's total lies between two cents: half-even was not put to the test")
	}
}

func TestOrdersAreHistoryOrOpen(t *testing.T) {
	t.Parallel()
	rows := map[string]map[string]string{}
	for _, row := range csvRows(t, "northwind/orders.csv") {
		rows[row["order_id"]] = row
	}
	carriers := map[string]string{}
	for _, row := range csvRows(t, "northwind/shippers.csv") {
		carriers[row["shipper_id"]] = row["company_name"]
	}
	midnight := func(text string) time.Time {
		day, err := time.ParseInLocation("2006-01-02 15:04", text+" 00:00", time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	shipped, open := 0, 0
	for _, order := range load(t).Orders {
		row := rows[order.Number]
		if !order.PlacedAt.Equal(midnight(row["order_date"])) || order.PlacedAt.Location() != time.UTC {
			t.Errorf("order %s was placed at %v, the data says %s", order.Number, order.PlacedAt, row["order_date"])
		}
		if order.ShippedAt == nil {
			open++
			if row["shipped_date"] != "" {
				t.Errorf("order %s is open, but shipped on %s", order.Number, row["shipped_date"])
			}
		} else {
			shipped++
			if !order.ShippedAt.Equal(midnight(row["shipped_date"])) {
				t.Errorf("order %s was shipped at %v, the data says %s", order.Number, order.ShippedAt, row["shipped_date"])
			}
		}
		if order.Carrier != carriers[row["ship_via"]] || order.Carrier == "" {
			t.Errorf("order %s: carrier %q", order.Number, order.Carrier)
		}
		to := order.ShipTo
		got := []string{to.Name, to.City, to.Region, to.PostalCode, to.Country}
		want := []string{row["ship_name"], row["ship_city"], row["ship_region"], row["ship_postal_code"], row["ship_country"]}
		if !slices.Equal(got, want) || !slices.Equal(to.Lines, []string{row["ship_address"]}) {
			t.Errorf("order %s goes to %+v, want %v", order.Number, to, want)
		}
	}
	if shipped != 809 || open != 21 {
		t.Errorf("%d shipped and %d open, want 809 and 21", shipped, open)
	}
}

// Seventeen products are wanted by the open orders beyond what there is: the
// data has backorders to show.
func TestOpenOrdersAskForMoreThanThereIs(t *testing.T) {
	t.Parallel()
	data := load(t)
	left := map[string]int{}
	for _, level := range data.Levels {
		left[level.ProductSKU] += level.OnHand
	}
	for _, order := range data.Orders {
		if order.ShippedAt != nil {
			continue
		}
		for _, line := range order.Lines {
			left[line.ProductSKU] -= line.Quantity
		}
	}
	short := 0
	for _, quantity := range left {
		if quantity < 0 {
			short++
		}
	}
	if short != 17 {
		t.Errorf("%d products are short, want 17", short)
	}
}
