package demo

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"slices"
)

//go:embed lead_times.csv northwind/*.csv parts/*.csv
var files embed.FS

// Load reads the embedded data. It refuses all of it, naming file, line and
// column, where anything can't be read exactly, names what isn't there, or is
// there twice.
func Load() (*Dataset, error) { return load(files) }

func load(fsys fs.FS) (*Dataset, error) {
	l := &loader{fsys: fsys, products: map[string]int{}, locations: map[string]Location{}}
	if err := l.northwind(); err != nil {
		return nil, fmt.Errorf("loading Northwind: %w", err)
	}
	if err := l.parts(); err != nil {
		return nil, fmt.Errorf("loading the parts: %w", err)
	}
	if err := l.complete(); err != nil {
		return nil, err
	}
	l.sort()
	return &l.data, nil
}

// loader gathers the dataset, and what later files refer to.
type loader struct {
	fsys      fs.FS
	data      Dataset
	products  map[string]int      // SKU to its place in data.Products
	locations map[string]Location // by code
}

// addLocation takes a location whose code, made of the row's column, is new.
func (l *loader) addLocation(r *row, column string, location Location) {
	remember(r, column, l.locations, location.Code, location)
	l.data.Locations = append(l.data.Locations, location)
}

// addProduct takes a product whose SKU, made of the row's column, is new.
func (l *loader) addProduct(r *row, column string, product Product) {
	remember(r, column, l.products, product.SKU, len(l.data.Products))
	l.data.Products = append(l.data.Products, product)
}

// complete finds what no single row can tell: a product without stock records
// or an order without lines.
func (l *loader) complete() error {
	stocked := map[string]bool{}
	for _, level := range l.data.Levels {
		stocked[level.ProductSKU] = true
	}
	for _, product := range l.data.Products {
		if !stocked[product.SKU] {
			return fmt.Errorf("checking the demo data: product %s has no stock level", product.SKU)
		}
	}
	for _, order := range l.data.Orders {
		if len(order.Lines) == 0 {
			return fmt.Errorf("checking the demo data: order %s has no line", order.Number)
		}
	}
	return nil
}

// sort puts every list in the order that Dataset promises. The places kept in
// products are void afterwards.
func (l *loader) sort() {
	d := &l.data
	slices.SortFunc(d.Suppliers, func(a, b Supplier) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Locations, func(a, b Location) int { return cmp.Compare(a.Code, b.Code) })
	slices.SortFunc(d.Products, func(a, b Product) int { return cmp.Compare(a.SKU, b.SKU) })
	slices.SortFunc(d.SupplierItems, func(a, b SupplierItem) int { return cmp.Compare(a.ProductSKU, b.ProductSKU) })
	slices.SortFunc(d.Levels, func(a, b Level) int {
		return cmp.Or(cmp.Compare(a.ProductSKU, b.ProductSKU), cmp.Compare(a.LocationCode, b.LocationCode))
	})
	slices.SortFunc(d.Customers, func(a, b Customer) int { return cmp.Compare(a.ID, b.ID) })
	slices.SortFunc(d.Orders, func(a, b Order) int {
		return cmp.Or(a.PlacedAt.Compare(b.PlacedAt), cmp.Compare(a.Number, b.Number))
	})
}
