package demo_test

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"redline/demo"
)

func attribute(product demo.Product, name string) string {
	for _, a := range product.Attributes {
		if a.Name == name {
			return a.Value
		}
	}
	return ""
}

func parts(t *testing.T) []demo.Product {
	t.Helper()
	var list []demo.Product
	for _, product := range load(t).Products {
		if !strings.HasPrefix(product.SKU, "NW-") {
			list = append(list, product)
		}
	}
	return list
}

func TestPartsAreDescribed(t *testing.T) {
	t.Parallel()
	sku := regexp.MustCompile(`^[A-Z]{3}-[A-Z]{3}-[0-9]{4}$`)
	list := parts(t)
	byKey(t, list, func(p demo.Product) string { return attribute(p, "Part number") })
	byKey(t, list, func(p demo.Product) string { return p.Brand + " " + p.Name })
	categories, withdrawn := map[string]int{}, 0
	for _, part := range list {
		categories[part.Category]++
		if !part.Active {
			withdrawn++
		}
		number := attribute(part, "Part number")
		if !sku.MatchString(part.SKU) || part.Brand == "" || number == "" || !strings.Contains(part.Description, number) {
			t.Errorf("not all is there: %+v", part)
		}
		byKey(t, part.Attributes, func(a demo.Attribute) string { return a.Name })
		if len(part.Attributes) < 2 {
			t.Errorf("%s says nothing but its part number", part.SKU)
		}
		if ean := attribute(part, "EAN"); ean != "" && !validEAN(ean) {
			t.Errorf("%s: EAN %s", part.SKU, ean)
		}
	}
	for _, category := range []string{
		"Brake pads", "Brake discs", "Oil filters", "Air filters", "Cabin filters", "Spark plugs", "Wiper blades", "Batteries", "Alternators",
		"Bulbs", "Engine oil", "Coolant", "Clutch kits", "Shock absorbers", "Timing belts", "Water pumps", "Wheel bearings",
	} {
		if categories[category] < 5 {
			t.Errorf("%d parts in the category %s", categories[category], category)
		}
	}
	if withdrawn == 0 {
		t.Error("no part is withdrawn")
	}
}

// validEAN checks the digit that closes a GTIN-13, and that it begins as
// numbers do that are for use inside a company.
func validEAN(ean string) bool {
	if len(ean) != 13 || ean[0] != '2' {
		return false
	}
	sum := 0
	for i, digit := range ean {
		if digit < '0' || digit > '9' {
			return false
		}
		sum += int(digit-'0') * (1 + i%2*2)
	}
	return sum%10 == 0
}

func TestPartsLieInThreeWarehouses(t *testing.T) {
	t.Parallel()
	data := load(t)
	type tally struct{ levels, empty, low, safety, incoming int }
	warehouses := map[string]*tally{}
	for _, location := range data.Locations {
		if location.Kind == demo.KindWarehouse {
			warehouses[location.Code] = &tally{}
		}
	}
	if len(warehouses) != 3 {
		t.Fatalf("%d warehouses, want 3", len(warehouses))
	}
	quantities := map[string]map[int]bool{}
	for _, level := range data.Levels {
		if strings.HasPrefix(level.ProductSKU, "NW-") {
			continue
		}
		at := warehouses[level.LocationCode]
		if at == nil {
			t.Errorf("the part %s lies at %s", level.ProductSKU, level.LocationCode)
			continue
		}
		at.levels++
		if level.OnHand == 0 {
			at.empty++
		}
		if level.OnHand <= level.ReorderPoint {
			at.low++
		}
		if level.SafetyStock > 0 {
			at.safety++
		}
		if level.Incoming > 0 {
			at.incoming++
		}
		if quantities[level.ProductSKU] == nil {
			quantities[level.ProductSKU] = map[int]bool{}
		}
		quantities[level.ProductSKU][level.OnHand] = true
	}
	for code, at := range warehouses {
		if at.empty == 0 || at.low == 0 || at.safety == 0 || at.incoming == 0 || at.empty*2 > at.levels || at.low*2 > at.levels {
			t.Errorf("%s has %+v: some of each, and most of it in stock, is what a demonstration needs", code, *at)
		}
	}
	differ := 0
	for _, seen := range quantities {
		if len(seen) > 1 {
			differ++
		}
	}
	if differ*2 < len(quantities) {
		t.Errorf("only %d of %d parts differ from warehouse to warehouse", differ, len(quantities))
	}
}

func TestEmbeddedDataIsSmall(t *testing.T) {
	t.Parallel()
	var size int64
	err := fs.WalkDir(demo.Files, ".", func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size += info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if size >= 400_000 {
		t.Errorf("%d bytes are embedded, want under 400 kB", size)
	}
}
