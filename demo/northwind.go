package demo

import (
	"fmt"
	"strconv"
)

// northwind reads the sample's catalogue, stock and orders. It counts and
// prices in the supplier's unit; everything is turned into base units here.
func (l *loader) northwind() error {
	suppliers, err := l.northwindSuppliers()
	if err != nil {
		return err
	}
	items, err := l.northwindProducts(suppliers)
	if err != nil {
		return err
	}
	return l.northwindOrders(items)
}

// northwindSuppliers adds each supplier and its one location, and returns the
// suppliers' codes by their id in the sample.
func (l *loader) northwindSuppliers() (map[string]string, error) {
	leadTimes := map[string]int{}
	err := eachRow(l.fsys, "lead_times.csv", func(r *row) error {
		remember(r, "country", leadTimes, r.text("country"), r.positive("lead_time_days"))
		return nil
	})
	if err != nil {
		return nil, err
	}

	codes := map[string]string{}
	err = eachRow(l.fsys, "northwind/suppliers.csv", func(r *row) error {
		name := r.text("company_name")
		code, err := slug(name)
		if err != nil {
			return err
		}
		remember(r, "supplier_id", codes, r.text("supplier_id"), code)
		l.data.Suppliers = append(l.data.Suppliers, Supplier{Code: code, Name: name})
		l.addLocation(r, "company_name", Location{
			Code: code, Name: name, Kind: KindSupplier, SupplierCode: code,
			LeadTimeDays: lookUp(r, "country", leadTimes),
		})
		return nil
	})
	return codes, err
}

// northwindProducts adds the products, each with its supplier's item and its
// level at the supplier's location, and returns the items by product id.
func (l *loader) northwindProducts(suppliers map[string]string) (map[string]SupplierItem, error) {
	categories := map[string]string{}
	err := eachRow(l.fsys, "northwind/categories.csv", func(r *row) error {
		remember(r, "category_id", categories, r.text("category_id"), r.text("category_name"))
		return nil
	})
	if err != nil {
		return nil, err
	}

	items := map[string]SupplierItem{}
	err = eachRow(l.fsys, "northwind/products.csv", func(r *row) error {
		packText := r.text("quantity_per_unit")
		pack, err := ParsePack(packText)
		if err != nil {
			return err
		}
		id := r.positive("product_id")
		price := r.decimal("unit_price")
		item := SupplierItem{
			SupplierCode: lookUp(r, "supplier_id", suppliers),
			ProductSKU:   fmt.Sprintf("NW-%03d", id),
			SupplierSKU:  strconv.Itoa(id),
			Unit:         pack.SupplierUnit,
			PackQuantity: pack.Quantity,
			Cost:         formatPrice(price),
			Currency:     currency,
		}
		remember(r, "product_id", items, r.text("product_id"), item)
		l.data.SupplierItems = append(l.data.SupplierItems, item)
		l.addProduct(r, "product_id", Product{
			SKU:        item.ProductSKU,
			Name:       r.text("product_name"),
			Category:   lookUp(r, "category_id", categories),
			BaseUnit:   pack.BaseUnit,
			Price:      formatPrice(perBaseUnit(price, pack.Quantity)),
			Currency:   currency,
			Active:     !r.flag("discontinued"),
			Attributes: []Attribute{{Name: "Supplier pack", Value: packText}},
		})
		l.data.Levels = append(l.data.Levels, Level{
			ProductSKU:   item.ProductSKU,
			LocationCode: item.SupplierCode,
			OnHand:       r.inBaseUnits("units_in_stock", pack.Quantity),
			Incoming:     r.inBaseUnits("units_on_order", pack.Quantity),
			ReorderPoint: r.inBaseUnits("reorder_level", pack.Quantity),
		})
		return nil
	})
	return items, err
}
