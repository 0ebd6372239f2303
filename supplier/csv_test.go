package supplier_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"redline"
	"redline/supplier"
)

func TestCSV(t *testing.T) {
	t.Parallel()
	csv := supplier.CSV{}
	reads(t, csv, "supplier_sku,quantity\n65,76\n66,0\n", "2: 65 76", "3: 66 0")
	reads(t, csv, "\xEF\xBB\xBFCost;Unit;QTY;Location Code;SKU\r\n21.05;case;76;nola;65\r\n", "2: 65 76 CASE at nola for 21.05")
	reads(t, csv, "Vendor-SKU\tquantity\tsite\n 65 \t -3 \t\n", "2: 65 -3")
	reads(t, csv, "\n\nsku,qty\n\n\"a \"\"b\"\", c\",007\n", `5: a "b", c 7`)
	reads(t, csv, "sku,qty\n\"two\nlines\",1\nx,2", "2: two\nlines 1", "4: x 2")
	reads(t, csv, "sku,qty,unit,location,cost\n65,1,,,\n", "2: 65 1")
	reads(t, supplier.CSV{IgnoreUnknownColumns: true}, "name,sku,colour,qty\nSauce,65,red,1\n", "2: 65 1")

	for header, want := range map[string]redline.FeedMeasure{
		"qty": "", "On Hand": redline.FeedOnHand, "qty_on_hand": redline.FeedOnHand, "Available": redline.FeedAvailable, "quantity-available": redline.FeedAvailable,
	} {
		if got := measured(reads(t, csv, "sku,"+header+"\n65,1\n", "2: 65 1")); got != want {
			t.Errorf("a column %q says that the measure is %q; want %q", header, got, want)
		}
	}
}

// All that is wrong is told at once, by line and column.
func TestCSVRefuses(t *testing.T) {
	t.Parallel()
	csv := supplier.CSV{}
	refuses(t, csv, "sku,qty,unit,cost\n65,12.5,CASE,1\n66,\"1,000\",CASE,1\n,3,CRATE,\"1,5\"\n67,,,\n68,1e3,,\n69,99999999999,,\n70,1.000,,\n",
		`line 2, column quantity: "12.5" is not a whole number`,
		`line 3, column quantity: "1,000" is not a whole number`,
		`line 4, column supplier_sku: is empty`,
		`line 4, column unit: "CRATE" is not a unit: there are PIECE`,
		`line 4, column cost: "1,5" is not a decimal`,
		`line 5, column quantity: is empty`,
		`line 6, column quantity: "1e3" is not a whole number`,
		`line 7, column quantity: "99999999999" is more than 2147483647`,
		`line 8, column quantity: "1.000" is not a whole number`)
	refuses(t, csv, "sku,qty\n65\n66,1,2\n", "line 2: has 1 fields and the header 2", "line 3: has 3 fields and the header 2")
	refuses(t, csv, "sku,qty\n6\"5,1\n66,x\n", "line 2: is not CSV", `line 3, column quantity: "x"`)
	refuses(t, csv, "sku,colour,available,on_hand\n65,red,1,2\n",
		`line 1, column "colour": is not known: there are supplier_sku`, `line 1, column "on_hand": says the same as column "available"`)
	refuses(t, csv, "name\n65\n", `column "name": is not known`, "line 1: there is no column supplier_sku", "line 1: there is no column quantity")
	refuses(t, csv, "sku,qty\n\xff,1\n", "line 2, column supplier_sku: is not UTF-8")
	refuses(t, csv, "", "the document: has no row")
	refuses(t, csv, "sku,qty\n", "the document: has no row")
	refuses(t, csv, "sk\"u,qty\n", "line 1: is not CSV")

	many := "sku,qty\n" + strings.Repeat("65,x\n", 1000)
	_, err := csv.Read("stock", strings.NewReader(many))
	var wrong *supplier.Errors
	if !errors.As(err, &wrong) || len(wrong.Problems) != supplier.MaxProblems {
		t.Errorf("a thousand bad lines are told of as %v", err)
	}
}

// What a document may have in all is bounded.
func TestBounds(t *testing.T) {
	t.Parallel()
	refuses(t, supplier.CSV{}, "sku,qty\n"+strings.Repeat("65,1\n", supplier.MaxRows+1), "is row 100001: a document may have 100000")
	if _, err := (supplier.JSONLines{}).Read("stock", io.LimitReader(blanks{}, supplier.MaxBytes+1)); err == nil || !strings.Contains(err.Error(), "longer than 64 MiB") {
		t.Errorf("a document that is too long: %v", err)
	}
	if _, err := (supplier.CSV{}).Read("stock", strings.NewReader("\xff\xfes\x00k\x00u\x00")); err == nil || !strings.Contains(err.Error(), "UTF-16") {
		t.Errorf("UTF-16: %v", err)
	}
	broken := errors.New("the disk is gone")
	for _, format := range []supplier.Format{supplier.CSV{}, supplier.JSONLines{}, supplier.X12{}} {
		if _, err := format.Read("stock", io.MultiReader(strings.NewReader("\n"), failing{broken})); !errors.Is(err, broken) {
			t.Errorf("%T: a reader that fails: %v", format, err)
		}
	}
}

type blanks struct{}

func (blanks) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	return len(p), nil
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func FuzzCSV(f *testing.F) {
	for _, seed := range []string{
		"supplier_sku,quantity\n65,76\n", "\xEF\xBB\xBFsku;qty;unit;site;cost\r\n\"6\n5\";1;CASE;x;1.5\r\n", "sku\tqty\n65\t1,000\n", "sku,qty\n\"", "a\n\n\"\"\n",
	} {
		f.Add(seed, false)
		f.Add(seed, true)
	}
	f.Fuzz(func(t *testing.T, document string, ignore bool) {
		sound(t, supplier.CSV{IgnoreUnknownColumns: ignore}, document)
	})
}
