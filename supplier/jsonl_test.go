package supplier_test

import (
	"strings"
	"testing"

	"redline/supplier"
)

func TestJSONLines(t *testing.T) {
	t.Parallel()
	j := supplier.JSONLines{}
	reads(t, j, `{"supplierSku":"65","quantity":76}
{"quantity": 0, "supplierSku": "66", "unit": "CASE", "locationCode": "nola", "cost": 21.05}

{"supplierSku":"67","quantity":-3,"unit":null,"locationCode":null,"cost":"1.5"}`,
		"1: 65 76", "2: 66 0 CASE at nola for 21.05", "4: 67 -3 for 1.50")
	reads(t, j, "\xEF\xBB\xBF"+`{"supplierSku":"é","quantity":1}`+"\r\n", "1: é 1")
}

func TestJSONLinesRefuses(t *testing.T) {
	t.Parallel()
	refuses(t, supplier.JSONLines{}, `{"supplierSku":"65","quantity":12.5}
{"sku":"66","quantity":"1"}
[1]
{"supplierSku":"65","quantity":1,"quantity":2}
{"supplierSku":"65","quantity":1
{"supplierSku":"65","quantity":1} {}
{"supplierSku":7,"quantity":1e3,"unit":"case","cost":"1,5","locationCode":""}
{"SupplierSku":"65","quantity":1}
`+"\"\xff\"\n"+`{"supplierSku":"`+strings.Repeat("x", 64<<10)+`","quantity":1}
{"supplierSku":"65","quantity":null}`,
		"line 1, member quantity: \"12.5\" is not a whole number",
		"line 2, member supplierSku: is missing",
		`line 2, member quantity: "1" is not a number`,
		`line 2, member "sku": is not known: there are supplierSku`,
		"line 3: is not a JSON object",
		`line 4: has the member "quantity" twice`,
		"line 5: is not JSON",
		"line 6: has more than one object",
		"line 7, member supplierSku: 7 is not a string",
		`line 7, member quantity: "1e3" is not a whole number`,
		`line 7, member unit: "case" is not a unit`,
		`line 7, member cost: "1,5" is not a decimal`,
		`line 7, member locationCode: is empty`,
		"line 8, member supplierSku: is missing",
		`line 8, member "SupplierSku": is not known`,
		"line 9: is not UTF-8",
		"line 10: is longer than 64 KiB",
		"line 11, member quantity: is missing")
	refuses(t, supplier.JSONLines{}, "\n\n", "the document: has no row")
}

func FuzzJSONLines(f *testing.F) {
	for _, seed := range []string{
		`{"supplierSku":"65","quantity":76}`, `{"supplierSku":"65","quantity":1,"unit":"CASE","cost":"1.5","locationCode":"x"}` + "\n\n", `{"a":[{}]}{`, "{\"supplierSku\":\"\\ud800\",\"quantity\":-0}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, document string) { sound(t, supplier.JSONLines{}, document) })
}
