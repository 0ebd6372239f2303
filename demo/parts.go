package demo

import (
	"errors"
	"fmt"
	"slices"
)

// contractUnits are the units that a part may be counted in: all of the
// contract's UnitOfMeasure.
var contractUnits = []string{
	unitPiece, unitBottle, unitJar, unitCan, unitBag, unitBox,
	unitPack, unitCase, unitSet, unitPair, unitKilogram, unitLitre,
}

// parts reads the auto-parts catalogue and its stock in our own warehouses.
func (l *loader) parts() error {
	err := eachRow(l.fsys, "parts/warehouses.csv", func(r *row) error {
		l.addLocation(r, "code", Location{
			Code: r.text("code"), Name: r.text("name"), Kind: KindWarehouse,
			LeadTimeDays: r.positive("lead_time_days"),
		})
		return nil
	})
	if err != nil {
		return err
	}
	if err := l.partProducts(); err != nil {
		return err
	}
	if err := l.partAttributes(); err != nil {
		return err
	}
	return l.partLevels()
}

// partProducts adds the parts, part number and EAN as their first attributes.
func (l *loader) partProducts() error {
	partNumbers := map[string]struct{}{}
	return eachRow(l.fsys, "parts/products.csv", func(r *row) error {
		unit := r.text("base_unit")
		if !slices.Contains(contractUnits, unit) {
			r.fail("base_unit", fmt.Errorf("%q is not a unit of the contract", unit))
		}
		price := r.decimal("price")
		if price.Sign() == 0 || price.Cmp(roundHalfEven(price, priceDecimals)) != 0 {
			r.fail("price", fmt.Errorf("must be more than 0, with at most %d decimals", priceDecimals))
		}
		brand, partNumber := r.text("brand"), r.text("part_number")
		remember(r, "part_number", partNumbers, brand+"/"+partNumber, struct{}{})
		product := Product{
			SKU:         r.text("sku"),
			Name:        r.text("name"),
			Description: r.text("description") + " Part number " + partNumber + ".", // so that a search for it finds the part
			Brand:       brand,
			Category:    r.text("category"),
			BaseUnit:    unit,
			Price:       formatPrice(price),
			Currency:    currency,
			Active:      r.flag("active"),
			Attributes:  []Attribute{{Name: "Part number", Value: partNumber}},
		}
		if ean := r.optional("ean"); ean != "" {
			product.Attributes = append(product.Attributes, Attribute{Name: "EAN", Value: ean})
		}
		l.addProduct(r, "sku", product)
		return nil
	})
}

// partAttributes adds the attributes to the parts, in the file's order.
func (l *loader) partAttributes() error {
	return eachRow(l.fsys, "parts/attributes.csv", func(r *row) error {
		place := lookUp(r, "sku", l.products)
		attribute := Attribute{Name: r.text("name"), Value: r.text("value")}
		if r.err != nil {
			return r.err // no place to add it to
		}
		product := &l.data.Products[place]
		if slices.ContainsFunc(product.Attributes, func(a Attribute) bool { return a.Name == attribute.Name }) {
			r.fail("name", fmt.Errorf("%s has %q twice", product.SKU, attribute.Name))
		}
		product.Attributes = append(product.Attributes, attribute)
		return nil
	})
}

// partLevels adds the stock of the parts. A warehouse that doesn't keep a part
// has no level of it.
func (l *loader) partLevels() error {
	seen := map[string]struct{}{}
	return eachRow(l.fsys, "parts/levels.csv", func(r *row) error {
		lookUp(r, "sku", l.products)
		lookUp(r, "location", l.locations)
		level := Level{
			ProductSKU:   r.text("sku"),
			LocationCode: r.text("location"),
			OnHand:       r.quantity("on_hand"),
			Incoming:     r.quantity("incoming"),
			ReorderPoint: r.quantity("reorder_point"),
			SafetyStock:  r.quantity("safety_stock"),
		}
		if level.SafetyStock > level.OnHand {
			r.fail("safety_stock", errors.New("more than is on hand: the level would start with a shortfall"))
		}
		remember(r, "location", seen, level.ProductSKU+"/"+level.LocationCode, struct{}{})
		l.data.Levels = append(l.data.Levels, level)
		return nil
	})
}
