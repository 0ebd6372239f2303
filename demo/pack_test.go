package demo_test

import (
	"strconv"
	"strings"
	"testing"

	"redline/demo"
)

// packTexts are all 77 of Northwind's texts, by product id, each with what a
// person reads in it: base units in the pack, the base unit, the supplier's.
var packTexts = []struct {
	id       int
	text     string
	quantity int
	base     string
	supplier string
}{
	{1, "10 boxes x 30 bags", 300, "BAG", "CASE"},
	{2, "24 - 12 oz bottles", 24, "BOTTLE", "CASE"},
	{3, "12 - 550 ml bottles", 12, "BOTTLE", "CASE"},
	{4, "48 - 6 oz jars", 48, "JAR", "CASE"},
	{5, "36 boxes", 36, "BOX", "CASE"},
	{6, "12 - 8 oz jars", 12, "JAR", "CASE"},
	{7, "12 - 1 lb pkgs.", 12, "PACK", "CASE"},
	{8, "12 - 12 oz jars", 12, "JAR", "CASE"},
	{9, "18 - 500 g pkgs.", 18, "PACK", "CASE"},
	{10, "12 - 200 ml jars", 12, "JAR", "CASE"},
	{11, "1 kg pkg.", 1, "PACK", "PACK"},
	{12, "10 - 500 g pkgs.", 10, "PACK", "CASE"},
	{13, "2 kg box", 1, "BOX", "BOX"},
	{14, "40 - 100 g pkgs.", 40, "PACK", "CASE"},
	{15, "24 - 250 ml bottles", 24, "BOTTLE", "CASE"},
	{16, "32 - 500 g boxes", 32, "BOX", "CASE"},
	{17, "20 - 1 kg tins", 20, "CAN", "CASE"},
	{18, "16 kg pkg.", 1, "PACK", "PACK"},
	{19, "10 boxes x 12 pieces", 120, "PIECE", "CASE"},
	{20, "30 gift boxes", 30, "BOX", "CASE"},
	{21, "24 pkgs. x 4 pieces", 96, "PIECE", "CASE"},
	{22, "24 - 500 g pkgs.", 24, "PACK", "CASE"},
	{23, "12 - 250 g pkgs.", 12, "PACK", "CASE"},
	{24, "12 - 355 ml cans", 12, "CAN", "CASE"},
	{25, "20 - 450 g glasses", 20, "JAR", "CASE"},
	{26, "100 - 250 g bags", 100, "BAG", "CASE"},
	{27, "100 - 100 g pieces", 100, "PIECE", "CASE"},
	{28, "25 - 825 g cans", 25, "CAN", "CASE"},
	{29, "50 bags x 30 sausgs.", 1500, "PIECE", "CASE"},
	{30, "10 - 200 g glasses", 10, "JAR", "CASE"},
	{31, "12 - 100 g pkgs", 12, "PACK", "CASE"},
	{32, "24 - 200 g pkgs.", 24, "PACK", "CASE"},
	{33, "500 g", 1, "PACK", "PACK"},
	{34, "24 - 12 oz bottles", 24, "BOTTLE", "CASE"},
	{35, "24 - 12 oz bottles", 24, "BOTTLE", "CASE"},
	{36, "24 - 250 g  jars", 24, "JAR", "CASE"},
	{37, "12 - 500 g pkgs.", 12, "PACK", "CASE"},
	{38, "12 - 75 cl bottles", 12, "BOTTLE", "CASE"},
	{39, "750 cc per bottle", 1, "BOTTLE", "BOTTLE"},
	{40, "24 - 4 oz tins", 24, "CAN", "CASE"},
	{41, "12 - 12 oz cans", 12, "CAN", "CASE"},
	{42, "32 - 1 kg pkgs.", 32, "PACK", "CASE"},
	{43, "16 - 500 g tins", 16, "CAN", "CASE"},
	{44, "20 - 2 kg bags", 20, "BAG", "CASE"},
	{45, "1k pkg.", 1, "PACK", "PACK"},
	{46, "4 - 450 g glasses", 4, "JAR", "CASE"},
	{47, "10 - 4 oz boxes", 10, "BOX", "CASE"},
	{48, "10 pkgs.", 10, "PACK", "CASE"},
	{49, "24 - 50 g pkgs.", 24, "PACK", "CASE"},
	{50, "12 - 100 g bars", 12, "PIECE", "CASE"},
	{51, "50 - 300 g pkgs.", 50, "PACK", "CASE"},
	{52, "16 - 2 kg boxes", 16, "BOX", "CASE"},
	{53, "48 pieces", 48, "PIECE", "CASE"},
	{54, "16 pies", 16, "PIECE", "CASE"},
	{55, "24 boxes x 2 pies", 48, "PIECE", "CASE"},
	{56, "24 - 250 g pkgs.", 24, "PACK", "CASE"},
	{57, "24 - 250 g pkgs.", 24, "PACK", "CASE"},
	{58, "24 pieces", 24, "PIECE", "CASE"},
	{59, "5 kg pkg.", 1, "PACK", "PACK"},
	{60, "15 - 300 g rounds", 15, "PIECE", "CASE"},
	{61, "24 - 500 ml bottles", 24, "BOTTLE", "CASE"},
	{62, "48 pies", 48, "PIECE", "CASE"},
	{63, "15 - 625 g jars", 15, "JAR", "CASE"},
	{64, "20 bags x 4 pieces", 80, "PIECE", "CASE"},
	{65, "32 - 8 oz bottles", 32, "BOTTLE", "CASE"},
	{66, "24 - 8 oz jars", 24, "JAR", "CASE"},
	{67, "24 - 12 oz bottles", 24, "BOTTLE", "CASE"},
	{68, "10 boxes x 8 pieces", 80, "PIECE", "CASE"},
	{69, "10 kg pkg.", 1, "PACK", "PACK"},
	{70, "24 - 355 ml bottles", 24, "BOTTLE", "CASE"},
	{71, "10 - 500 g pkgs.", 10, "PACK", "CASE"},
	{72, "24 - 200 g pkgs.", 24, "PACK", "CASE"},
	{73, "24 - 150 g jars", 24, "JAR", "CASE"},
	{74, "5 kg pkg.", 1, "PACK", "PACK"},
	{75, "24 - 0.5 l bottles", 24, "BOTTLE", "CASE"},
	{76, "500 ml", 1, "BOTTLE", "BOTTLE"},
	{77, "12 boxes", 12, "BOX", "CASE"},
}

func TestParsePackReadsNorthwind(t *testing.T) {
	t.Parallel()
	texts := map[string]string{}
	for _, product := range csvRows(t, "northwind/products.csv") {
		texts[product["product_id"]] = product["quantity_per_unit"]
	}
	if len(texts) != len(packTexts) {
		t.Errorf("the data has %d products, the table %d", len(texts), len(packTexts))
	}
	for _, want := range packTexts {
		if got := texts[strconv.Itoa(want.id)]; got != want.text {
			t.Errorf("product %d: the data says %q, the table %q", want.id, got, want.text)
		}
		got, err := demo.ParsePack(want.text)
		if err != nil {
			t.Errorf("product %d: %v", want.id, err)
			continue
		}
		if got != (demo.Pack{Quantity: want.quantity, BaseUnit: want.base, SupplierUnit: want.supplier}) {
			t.Errorf("product %d: %q read as %+v, want %d %s in a %s", want.id, want.text, got, want.quantity, want.base, want.supplier)
		}
	}
}

func TestParsePackRefusesOtherTexts(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"", " ", "bottles", "24", "24 bottle", "0 boxes", "-1 boxes", "024 boxes", "1.5 boxes", "24 Bottles",
		"12 oz", "1k", "0 g", "0.0 kg box", "500 g jar", "5 stone pkg.", "24 - bottles", "24 - 12 bottles",
		"24 - 12 st bottles", "24-12 oz bottles", "24 x 12", "24 boxes x pies", "24 pies x 2 boxes", "24 boxes x 2",
		"2 boxes x 3 bags x 4 pieces", "24 crates", "per bottle", "24 bottles.", "1000000001 boxes", "9999999999 boxes",
		"100000 boxes x 10001 pieces", "99999999999999999999 boxes x 99999999999999999999 pieces", "２４ bottles",
	} {
		if got, err := demo.ParsePack(text); err == nil {
			t.Errorf("%q was read as %+v", text, got)
		} else if !strings.Contains(err.Error(), strconv.Quote(text)) {
			t.Errorf("the error doesn't name %q: %v", text, err)
		}
	}
}

func TestParsePackReadsUpToTheBound(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"1000000000 boxes", "100000 boxes x 10000 pieces"} {
		if got, err := demo.ParsePack(text); err != nil || got.Quantity != maxQuantity {
			t.Errorf("%q was read as %+v, %v", text, got, err)
		}
	}
}

func FuzzParsePack(f *testing.F) {
	for _, known := range packTexts {
		f.Add(known.text)
	}
	f.Add("9999999999 boxes x 9999999999 pieces")
	f.Fuzz(func(t *testing.T, text string) {
		pack, err := demo.ParsePack(text)
		if err != nil {
			if pack != (demo.Pack{}) {
				t.Fatalf("%q: an error and %+v", text, pack)
			}
			return
		}
		if pack.Quantity < 1 || pack.Quantity > maxQuantity {
			t.Fatalf("%q: quantity %d", text, pack.Quantity)
		}
		if pack.BaseUnit == "" || (pack.SupplierUnit == "CASE") != (pack.Quantity > 1) || (pack.Quantity == 1 && pack.SupplierUnit != pack.BaseUnit) {
			t.Fatalf("%q: units of %+v", text, pack)
		}
	})
}
