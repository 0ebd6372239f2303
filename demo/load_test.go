package demo_test

import (
	"encoding/csv"
	"math/big"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/demo"
)

const maxQuantity = 1_000_000_000

// csvRows reads a file by itself, apart from what the package makes of it.
func csvRows(t *testing.T, name string) []map[string]string {
	t.Helper()
	file, err := demo.Files.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := csv.NewReader(file).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	rows := make([]map[string]string, 0, len(lines))
	for _, fields := range lines[1:] {
		row := map[string]string{}
		for i, column := range lines[0] {
			row[column] = fields[i]
		}
		rows = append(rows, row)
	}
	return rows
}

func load(t *testing.T) *demo.Dataset {
	t.Helper()
	data, err := demo.Load()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// byKey indexes a list, and fails on a key that is there twice.
func byKey[V any](t *testing.T, list []V, key func(V) string) map[string]V {
	t.Helper()
	index := make(map[string]V, len(list))
	for _, v := range list {
		if _, twice := index[key(v)]; twice {
			t.Errorf("%q is there twice", key(v))
		}
		index[key(v)] = v
	}
	return index
}

func number(t *testing.T, text string) int {
	t.Helper()
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func decimal(t *testing.T, text string) *big.Rat {
	t.Helper()
	value, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("%q is not a number", text)
	}
	return value
}

func TestNothingIsLeftOut(t *testing.T) {
	t.Parallel()
	data := load(t)
	count := func(name string) int { return len(csvRows(t, name)) }
	lines := 0
	for _, order := range data.Orders {
		lines += len(order.Lines)
	}
	for _, is := range []struct {
		what      string
		got, want int
	}{
		{"suppliers", len(data.Suppliers), count("northwind/suppliers.csv")},
		{"locations", len(data.Locations), count("northwind/suppliers.csv") + count("parts/warehouses.csv")},
		{"products", len(data.Products), count("northwind/products.csv") + count("parts/products.csv")},
		{"supplier items", len(data.SupplierItems), count("northwind/products.csv")},
		{"levels", len(data.Levels), count("northwind/products.csv") + count("parts/levels.csv")},
		{"customers", len(data.Customers), count("northwind/customers.csv")},
		{"orders", len(data.Orders), count("northwind/orders.csv")},
		{"order lines", lines, count("northwind/order_details.csv")},
		// Told beforehand, not by the files.
		{"Northwind's suppliers", len(data.Suppliers), 29},
		{"Northwind's products", len(data.SupplierItems), 77},
		{"Northwind's orders", len(data.Orders), 830},
		{"warehouses", count("parts/warehouses.csv"), 3},
	} {
		if is.got != is.want {
			t.Errorf("%d %s, want %d", is.got, is.what, is.want)
		}
	}
	if parts := count("parts/products.csv"); parts < 300 {
		t.Errorf("%d parts, want 300 or more", parts)
	}
}

func TestEverythingRefersToWhatIsThere(t *testing.T) {
	t.Parallel()
	data := load(t)
	suppliers := byKey(t, data.Suppliers, func(s demo.Supplier) string { return s.Code })
	locations := byKey(t, data.Locations, func(l demo.Location) string { return l.Code })
	products := byKey(t, data.Products, func(p demo.Product) string { return p.SKU })
	items := byKey(t, data.SupplierItems, func(i demo.SupplierItem) string { return i.ProductSKU })
	byKey(t, data.SupplierItems, func(i demo.SupplierItem) string { return i.SupplierCode + "/" + i.SupplierSKU })
	levels := byKey(t, data.Levels, func(l demo.Level) string { return l.ProductSKU + "/" + l.LocationCode })
	customers := byKey(t, data.Customers, func(c demo.Customer) string { return c.ID })
	byKey(t, data.Orders, func(o demo.Order) string { return o.Number })

	for code, supplier := range suppliers {
		if at := locations[code]; at.Kind != "SUPPLIER" || at.SupplierCode != code || at.Name != supplier.Name || at.LeadTimeDays < 1 {
			t.Errorf("supplier %s is at %+v", code, at)
		}
	}
	for _, level := range data.Levels {
		if _, ok := products[level.ProductSKU]; !ok {
			t.Errorf("a level of the unknown product %q", level.ProductSKU)
		}
		if _, ok := locations[level.LocationCode]; !ok {
			t.Errorf("a level at the unknown location %q", level.LocationCode)
		}
		for _, quantity := range []int{level.OnHand, level.Incoming, level.ReorderPoint, level.SafetyStock} {
			if quantity < 0 || quantity > maxQuantity {
				t.Errorf("a quantity is out of bounds: %+v", level)
			}
		}
	}
	for _, item := range data.SupplierItems {
		if _, ok := levels[item.ProductSKU+"/"+item.SupplierCode]; !ok {
			t.Errorf("%s has no level at its supplier %s", item.ProductSKU, item.SupplierCode)
		}
	}
	for _, order := range data.Orders {
		if customers[order.CustomerID].Name != order.CustomerName || order.CustomerName == "" {
			t.Errorf("order %s: customer %s %q", order.Number, order.CustomerID, order.CustomerName)
		}
		byKey(t, order.Lines, func(l demo.OrderLine) string { return l.ProductSKU })
		for _, line := range order.Lines {
			item := items[line.ProductSKU]
			if line.SupplierCode != item.SupplierCode || line.SupplierSKU != item.SupplierSKU || line.SupplierUnit != item.Unit || line.PackQuantity != item.PackQuantity {
				t.Errorf("order %s: line %+v is not the supplier's item %+v", order.Number, line, item)
			}
		}
	}
}

// What the program's own types take is what the database will be given.
func TestTheDomainTakesEveryValue(t *testing.T) {
	t.Parallel()
	data := load(t)
	amount := func(texts ...string) {
		for _, text := range texts {
			if d, err := redline.ParseDecimal(text); err != nil {
				t.Error(err)
			} else if d.String() != text {
				t.Errorf("%q is written %q elsewhere", text, d)
			}
		}
	}
	units := []redline.UnitOfMeasure{
		redline.UnitPiece, redline.UnitBottle, redline.UnitJar, redline.UnitCan, redline.UnitBag, redline.UnitBox,
		redline.UnitPack, redline.UnitCase, redline.UnitSet, redline.UnitPair, redline.UnitKilogram, redline.UnitLitre,
	}
	unit := func(text string) {
		if !slices.Contains(units, redline.UnitOfMeasure(text)) {
			t.Errorf("%q is not a unit", text)
		}
	}
	for _, product := range data.Products {
		amount(product.Price)
		unit(product.BaseUnit)
	}
	for _, item := range data.SupplierItems {
		amount(item.Cost)
		unit(item.Unit)
	}
	for _, order := range data.Orders {
		amount(order.Total)
		for _, line := range order.Lines {
			amount(line.UnitPrice, line.Discount, line.Total)
			unit(line.SupplierUnit)
		}
	}
}

func TestListsAreSortedAndLoadsEqual(t *testing.T) {
	t.Parallel()
	data := load(t)
	if !reflect.DeepEqual(data, load(t)) {
		t.Error("two loads differ")
	}
	for what, sorted := range map[string]bool{
		"suppliers": slices.IsSortedFunc(data.Suppliers, func(a, b demo.Supplier) int { return strings.Compare(a.Code, b.Code) }),
		"locations": slices.IsSortedFunc(data.Locations, func(a, b demo.Location) int { return strings.Compare(a.Code, b.Code) }),
		"products":  slices.IsSortedFunc(data.Products, func(a, b demo.Product) int { return strings.Compare(a.SKU, b.SKU) }),
		"items":     slices.IsSortedFunc(data.SupplierItems, func(a, b demo.SupplierItem) int { return strings.Compare(a.ProductSKU, b.ProductSKU) }),
		"levels": slices.IsSortedFunc(data.Levels, func(a, b demo.Level) int {
			return strings.Compare(a.ProductSKU+"\x00"+a.LocationCode, b.ProductSKU+"\x00"+b.LocationCode)
		}),
		"customers": slices.IsSortedFunc(data.Customers, func(a, b demo.Customer) int { return strings.Compare(a.ID, b.ID) }),
		"orders": slices.IsSortedFunc(data.Orders, func(a, b demo.Order) int {
			return strings.Compare(a.PlacedAt.Format(time.RFC3339)+a.Number, b.PlacedAt.Format(time.RFC3339)+b.Number)
		}),
	} {
		if !sorted {
			t.Errorf("the %s are not in order", what)
		}
	}
}
