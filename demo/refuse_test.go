package demo_test

import (
	"bytes"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"redline/demo"
)

// embedded copies the embedded files, so that a test can spoil one.
func embedded(t *testing.T) fstest.MapFS {
	t.Helper()
	files := fstest.MapFS{}
	err := fs.WalkDir(demo.Files, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := demo.Files.ReadFile(name)
		files[name] = &fstest.MapFile{Data: content}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestLoadRefusesWhatItCannotTrust(t *testing.T) {
	t.Parallel()
	part := "BRK-PAD-9999,X 1,,Pads,Some pads.,Haldrick,Brake pads,SET,10.00,1\n"
	for _, c := range []struct {
		name     string
		file     string
		from, to string   // the first occurrence is replaced; with from empty, to is added at the end
		want     []string // all of them in the error
	}{
		{"an unknown pack text", "northwind/products.csv", "24 - 12 oz bottles", "24 or so bottles", []string{"northwind/products.csv, line 3", `"24 or so bottles"`}},
		{"a price of letters", "northwind/products.csv", "12 - 550 ml bottles,10,", "12 - 550 ml bottles,ten,", []string{"line 4", "unit_price", `"ten"`}},
		{"a price with an exponent", "northwind/products.csv", "12 - 550 ml bottles,10,", "12 - 550 ml bottles,1e9,", []string{"line 4", "unit_price", `"1e9"`}},
		{"a fraction for a price", "northwind/order_details.csv", "10248,11,14,", "10248,11,1/3,", []string{"line 2", "unit_price", `"1/3"`}},
		{"stock beyond counting", "northwind/products.csv", "1,1,24 - 12 oz bottles,19,17,", "1,1,24 - 12 oz bottles,19,100000000,", []string{"line 3", "units_in_stock", "2400000000"}},
		{"stock below nothing", "northwind/products.csv", "1,1,24 - 12 oz bottles,19,17,", "1,1,24 - 12 oz bottles,19,-17,", []string{"line 3", "units_in_stock", `"-17"`}},
		{"a supplier nobody knows", "northwind/products.csv", "Chai,8,", "Chai,88,", []string{"line 2", "supplier_id", `"88"`}},
		{"a product twice", "northwind/products.csv", "\n2,Chang", "\n1,Chang", []string{"line 3", "product_id", "twice"}},
		{"two suppliers of one code", "northwind/suppliers.csv", "Tokyo Traders", "Exotic Liquids.", []string{"line 5", "company_name", "exotic-liquids", "twice"}},
		{"a name without ASCII", "northwind/suppliers.csv", "Tokyo Traders", "東京", []string{"suppliers.csv, line 5", "東"}},
		{"a country without a lead time", "northwind/suppliers.csv", ",Japan,(03)", ",Atlantis,(03)", []string{"line 5", "country", `"Atlantis"`}},
		{"a lead time of nothing", "lead_times.csv", "Japan,12", "Japan,0", []string{"lead_times.csv", "lead_time_days"}},
		{"an order of nobody", "northwind/orders.csv", "10248,VINET", "10248,NOONE", []string{"orders.csv, line 2", "customer_id", `"NOONE"`}},
		{"a day that is none", "northwind/orders.csv", "1996-07-04", "1996-02-30", []string{"line 2", "order_date", "1996-02-30"}},
		{"shipped before it was placed", "northwind/orders.csv", "1996-07-16", "1996-07-01", []string{"line 2", "shipped_date"}},
		{"a carrier nobody knows", "northwind/orders.csv", ",3,32.38", ",9,32.38", []string{"line 2", "ship_via", `"9"`}},
		{"a line of no order", "northwind/order_details.csv", "10248,11", "99999,11", []string{"order_details.csv, line 2", "order_id", `"99999"`}},
		{"a line of no product", "northwind/order_details.csv", "10248,11", "10248,111", []string{"line 2", "product_id", `"111"`}},
		{"a line twice", "northwind/order_details.csv", "10248,42", "10248,11", []string{"line 3", "product_id", "twice"}},
		{"a line of nothing", "northwind/order_details.csv", "10248,11,14,12,", "10248,11,14,0,", []string{"line 2", "quantity"}},
		{"a discount beyond the price", "northwind/order_details.csv", "10248,11,14,12,0", "10248,11,14,12,1.01", []string{"line 2", "discount"}},
		{"an order without lines", "northwind/orders.csv", "", "20000,VINET,5,1996-07-04,1996-08-01,,3,1,A,B,C,,,France\n", []string{"order 20000 has no line"}},
		{"a column missing", "northwind/shippers.csv", "company_name", "firm", []string{"shippers.csv", "company_name", "header"}},
		{"a field too many", "northwind/shippers.csv", "Speedy Express,", "Speedy, Express,", []string{"shippers.csv", "line 2"}},
		{"a part in no warehouse", "parts/products.csv", "", part, []string{"BRK-PAD-9999", "no stock level"}},
		{"a unit that is none", "parts/products.csv", "", strings.Replace(part, "SET", "DOZEN", 1), []string{"base_unit", `"DOZEN"`}},
		{"a price of seven decimals", "parts/products.csv", "", strings.Replace(part, "10.00", "0.1234567", 1), []string{"price"}},
		{"a part for nothing", "parts/products.csv", "", strings.Replace(part, "10.00", "0.00", 1), []string{"price"}},
		{"neither active nor not", "parts/products.csv", "", strings.Replace(part, ",1\n", ",yes\n", 1), []string{"active", `"yes"`}},
		{"a part number twice", "parts/products.csv", "", part + strings.Replace(part, "9999", "9998", 1), []string{"part_number", "twice"}},
		{"a SKU of Northwind's", "parts/products.csv", "", strings.Replace(part, "BRK-PAD-9999", "NW-001", 1), []string{"sku", "twice"}},
		{"an attribute of no part", "parts/attributes.csv", "", "BRK-PAD-9999,Axle,Front\n", []string{"attributes.csv", "sku", `"BRK-PAD-9999"`}},
		{"an attribute twice", "parts/attributes.csv", "", "NW-001,Supplier pack,two\n", []string{"attributes.csv", `"Supplier pack" twice`}},
		{"stock of no part", "parts/levels.csv", "", "BRK-PAD-9999,WH-EAST,1,0,0,0\n", []string{"levels.csv", "sku"}},
		{"stock in no warehouse", "parts/levels.csv", "WH-CENTRAL", "WH-NORTH", []string{"levels.csv", "location", `"WH-NORTH"`}},
		{"a level twice", "parts/levels.csv", "WH-CENTRAL", "WH-EAST", []string{"levels.csv, line 3", "location", "twice"}},
		{"a shortfall from the start", "parts/levels.csv", "", "NW-001,WH-EAST,1,0,0,2\n", []string{"levels.csv", "safety_stock"}},
		{"a warehouse twice", "parts/warehouses.csv", "WH-WEST", "WH-EAST", []string{"warehouses.csv", "code", "twice"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			files := embedded(t)
			content := files[c.file].Data
			if c.from == "" {
				content = append(content, c.to...)
			} else if content = bytes.Replace(content, []byte(c.from), []byte(c.to), 1); bytes.Equal(content, files[c.file].Data) {
				t.Fatalf("%q is not in %s", c.from, c.file)
			}
			files[c.file] = &fstest.MapFile{Data: content}

			data, err := demo.LoadFrom(files)
			if err == nil || data != nil {
				t.Fatalf("loaded, with the error %v", err)
			}
			for _, want := range c.want {
				if !strings.Contains(err.Error(), want) {
					t.Errorf("the error doesn't say %q: %v", want, err)
				}
			}
		})
	}
}

func TestLoadNamesAMissingFile(t *testing.T) {
	t.Parallel()
	for name := range embedded(t) {
		files := embedded(t)
		delete(files, name)
		if _, err := demo.LoadFrom(files); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("without %s: %v", name, err)
		}
		files[name] = &fstest.MapFile{}
		if _, err := demo.LoadFrom(files); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("with %s empty: %v", name, err)
		}
	}
}
