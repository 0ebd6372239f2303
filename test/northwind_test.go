package test_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	northwind "redline/demo"
)

// supplierStock is what a Northwind supplier has of one SKU, as it counts it.
type supplierStock struct {
	product string // our SKU
	sku     string // the supplier's
	unit    string
	pack    int // base units in one unit
	units   int // in stock
	cost    string
}

// northwindOf is all that a supplier has, by our SKUs.
func northwindOf(t testing.TB, supplier string) []supplierStock {
	t.Helper()
	data, err := northwind.Load()
	if err != nil {
		t.Fatal(err)
	}
	onHand := map[string]int{}
	for _, level := range data.Levels {
		if level.LocationCode == supplier {
			onHand[level.ProductSKU] = level.OnHand
		}
	}
	var stock []supplierStock
	for _, item := range data.SupplierItems {
		if item.SupplierCode == supplier {
			stock = append(stock, supplierStock{
				item.ProductSKU, item.SupplierSKU, item.Unit, item.PackQuantity, onHand[item.ProductSKU] / item.PackQuantity, item.Cost,
			})
		}
	}
	return stock
}

// northwindCSV writes stock as a supplier with a spreadsheet does.
func northwindCSV(stock []supplierStock) string {
	var b strings.Builder
	b.WriteString("Vendor SKU;On Hand;Unit;Cost\r\n")
	for _, s := range stock {
		fmt.Fprintf(&b, "%s;%d;%s;%s\r\n", s.sku, s.units, strings.ToLower(s.unit), s.cost)
	}
	return b.String()
}

// x12Units are the codes of the units that Northwind's suppliers count in.
var x12Units = map[string]string{"CASE": "CA", "BOTTLE": "BO", "JAR": "JR", "CAN": "CN", "BAG": "BG", "BOX": "BX", "PACK": "PK", "PIECE": "EA"}

// northwindAdvice writes stock as a supplier with EDI does: an 846 of what is on
// hand, as of a hundredth of a second.
func northwindAdvice(stock []supplierStock, at time.Time) string {
	at = at.UTC()
	control := at.Format("150405") + fmt.Sprintf("%02d", at.Nanosecond()/1e7)
	set := []string{
		"ST*846*0001",
		"BIA*00*SI*" + control + "*" + at.Format("20060102"),
		"DTM*007*" + at.Format("20060102") + "*" + control + "*UT",
	}
	total := 0
	for i, s := range stock {
		set = append(set, fmt.Sprintf("LIN*%d*VN*%s", i+1, s.sku), fmt.Sprintf("QTY*17*%d*%s", s.units, x12Units[s.unit]))
		total += s.units
	}
	set = append(set, fmt.Sprintf("CTT*%d*%d", len(stock), total))
	set = append(set, fmt.Sprintf("SE*%d*0001", len(set)+1))
	return strings.Join(append(append([]string{
		fmt.Sprintf("ISA*00*          *00*          *ZZ*NORTHWIND      *ZZ*REDLINE        *%s*%s*U*00401*0%s*0*P*>", at.Format("060102"), at.Format("1504"), control),
		fmt.Sprintf("GS*IB*NORTHWIND*REDLINE*%s*%s*%s*X*004010", at.Format("20060102"), at.Format("1504"), control),
	}, set...), "GE*1*"+control, "IEA*1*0"+control, ""), "~\n")
}
