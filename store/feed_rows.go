package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"redline"
)

// feedLocation is a location of the supplier.
type feedLocation struct{ ID, Code string }

// feedRow is what a row means: the supplier's item of its SKU, and where. Without
// a product the SKU is unknown.
type feedRow struct {
	item, product string
	unit, base    redline.UnitOfMeasure
	pack          int
	cost          *redline.Decimal
	// location is the place of its location among the supplier's, or noLocation.
	location int
}

// feedLevel is a level that a feed states: by one of its rows, or by leaving it
// out of all there is.
type feedLevel struct {
	levelKey
	// row is the one that states it, -1 where none does, and told what it states, in
	// base units.
	row, told int
	*statement

	// What there is, as it was read: id is empty where there is no such level, and
	// claims are what is taken of it or kept back.
	id                                 string
	version, onHand, claims, available int
	stale                              bool
	// reckoned says that its newest statement is of what was available.
	reckoned bool
	since
	// same says that it is as it is told, and only to be confirmed.
	same bool
}

func (k levelKey) compare(o levelKey) int {
	if c := strings.Compare(k.product, o.product); c != 0 {
		return c
	}
	return strings.Compare(k.location, o.location)
}

// refuse says why a row is refused; the error's path is relative to the row.
func (f *feed) refuseRow(i int, e *redline.Error) {
	f.errors[i] = append(f.errors[i], e.At(indexPath("rows", i)...))
}

// resolve finds out what the rows mean: which levels they state. Rows that fail
// are refused; what they may have meant is named all the same.
func (f *feed) resolve(ctx context.Context) error {
	f.rows, f.errors = make([]feedRow, len(f.in.Rows)), make([]redline.Errors, len(f.in.Rows))
	for i, r := range f.in.Rows {
		f.checkRow(i, r)
	}
	err := f.tx.SelectContext(ctx, &f.locations, `/* feeds.locations */ SELECT id, code FROM locations WHERE supplier_id = $1 ORDER BY code`, f.supplier.ID)
	if err != nil {
		return dbError("reading a supplier's locations", err)
	}
	if err := f.readItems(ctx); err != nil {
		return err
	}
	packs, err := f.readPacks(ctx)
	if err != nil {
		return err
	}
	f.unknown = &unknown{f: f, by: map[unknownSKU][]heldRow{}}
	f.levels = make([]feedLevel, 0, len(f.rows))
	for i := range f.rows {
		f.locate(i)
		f.rowLevel(i, packs)
	}
	f.refuseTwice()
	return nil
}

// checkRow checks of a row what needs no database.
func (f *feed) checkRow(i int, r redline.SupplierFeedRow) {
	if oddSKU(r.SupplierSKU) {
		f.refuseRow(i, redline.Invalid([]string{"supplierSku"}, "a supplier's SKU is 1 to %d bytes of printable text", nameMax))
	}
	if r.Quantity < 0 || r.Quantity > redline.MaxQuantity {
		f.refuseRow(i, redline.Invalid([]string{"quantity"}, "a quantity is from 0 to %d", redline.MaxQuantity))
	}
	switch {
	case r.Cost == nil:
	case !f.decided && !f.by.Has(redline.ScopeCatalogCost):
		f.refuseRow(i, redline.Errorf(redline.CodeForbidden, []string{"cost"}, "what things cost is for holders of %s", redline.ScopeCatalogCost))
	case strings.HasPrefix(r.Cost.String(), "-"):
		f.refuseRow(i, redline.Invalid([]string{"cost"}, "a cost isn't negative"))
	}
}

// oddSKU reports whether a text can't be a supplier's SKU.
func oddSKU(sku string) bool {
	return sku == "" || len(sku) > nameMax || strings.ContainsFunc(sku, func(c rune) bool { return !unicode.IsPrint(c) })
}

// odd reports whether the SKU of a row was refused: Postgres isn't asked for it.
func (f *feed) odd(i int) bool {
	return slices.ContainsFunc(f.errors[i], func(e *redline.Error) bool { return e.Code == redline.CodeInvalid && e.Field[2] == "supplierSku" })
}

// readItems finds the items of the rows' SKUs.
func (f *feed) readItems(ctx context.Context) error {
	skus := texts()
	for i, r := range f.in.Rows {
		if f.odd(i) {
			skus.null()
		} else {
			skus.text(r.SupplierSKU)
		}
	}
	var n int
	var row feedRow
	return scanRows(ctx, f.tx, "reading the items of a feed", `/* feeds.items */ SELECT k.n, i.id, i.product_id, i.unit, p.base_unit, i.pack_quantity, i.cost
		FROM unnest($2::text[]) WITH ORDINALITY AS k (sku, n)
		JOIN supplier_items i ON (i.supplier_id, i.supplier_sku) = ($1, k.sku) JOIN products p ON p.id = i.product_id`,
		[]any{f.supplier.ID, skus},
		[]any{&n, &row.item, &row.product, &row.unit, &row.base, whole{&row.pack}, &row.cost}, func() error {
			f.rows[n-1] = row
			row.cost = nil
			return nil
		})
}

// feedPack is how many base units a unit of a supplier's product is.
type feedPack struct {
	product string
	unit    redline.UnitOfMeasure
}

// readPacks finds the packs of units that aren't their items' own: those of other
// items of the same product. Where there are several of one unit it is 0.
func (f *feed) readPacks(ctx context.Context) (map[feedPack]int, error) {
	products := texts()
	for i, r := range f.in.Rows {
		if row := &f.rows[i]; row.product != "" && r.Unit != nil && *r.Unit != row.unit && *r.Unit != row.base {
			products.text(row.product)
		}
	}
	if products.n == 0 {
		return nil, nil
	}
	packs := map[feedPack]int{}
	var of feedPack
	var least, most int
	err := scanRows(ctx, f.tx, "reading a supplier's packs", `/* feeds.packs */ SELECT i.product_id, i.unit, min(i.pack_quantity), max(i.pack_quantity)
		FROM supplier_items i WHERE i.supplier_id = $1 AND i.product_id = ANY($2::text[]) GROUP BY i.product_id, i.unit`,
		[]any{f.supplier.ID, products}, []any{&of.product, &of.unit, whole{&least}, whole{&most}}, func() error {
			if least != most {
				least = 0
			}
			packs[of] = least
			return nil
		})
	return packs, err
}

// locate finds the location of a row among the supplier's.
func (f *feed) locate(i int) {
	row, code := &f.rows[i], f.in.Rows[i].LocationCode
	row.location = noLocation
	switch {
	case code == nil && len(f.locations) == 1:
		row.location = 0
	case code == nil:
		f.refuseRow(i, redline.Invalid([]string{"locationCode"}, "the supplier has %d locations; name one", len(f.locations)))
	default:
		n, found := slices.BinarySearchFunc(f.locations, *code, func(l feedLocation, code string) int { return strings.Compare(l.Code, code) })
		if !found {
			f.refuseRow(i, redline.NotFound([]string{"locationCode"}, "the supplier has no location %.60q", *code))
			return
		}
		row.location = n
	}
}

// rowLevel is the level that a row states, in base units, or why it states none.
func (f *feed) rowLevel(i int, packs map[feedPack]int) {
	row, r := &f.rows[i], f.in.Rows[i]
	if row.product == "" {
		if !f.odd(i) {
			f.unknown.sku(i, "", redline.Errorf(redline.CodeUnmappedSKU, []string{"supplierSku"},
				"the supplier's SKU %.60q is not mapped to a product", r.SupplierSKU))
		}
		return
	}
	pack := row.pack
	switch {
	case r.Unit == nil || *r.Unit == row.unit:
	case *r.Unit == row.base:
		pack = 1
	default:
		if pack = packs[feedPack{row.product, *r.Unit}]; pack == 0 {
			f.unknown.sku(i, *r.Unit, redline.Errorf(redline.CodePackMismatch, []string{"unit"},
				"it isn't known how many %s the %s of this SKU holds, which is mapped by the %s", row.base, *r.Unit, row.unit))
		}
	}
	told := 0
	if r.Quantity >= 0 && r.Quantity <= redline.MaxQuantity {
		if told = r.Quantity * pack; told > redline.MaxQuantity {
			f.refuseRow(i, tooMuch(told))
		}
	}
	if row.location != noLocation {
		v := feedLevel{levelKey: levelKey{row.product, f.locations[row.location].ID}, row: i, told: told, statement: f.states(i)}
		f.levels = append(f.levels, v)
		return
	}
	for _, at := range f.locations {
		f.named = append(f.named, levelKey{row.product, at.ID})
	}
}

func tooMuch(n int) *redline.Error {
	return redline.Invalid([]string{"quantity"}, "%d base units are more than %d", n, redline.MaxQuantity)
}

// namedMost is how many of the SKUs that state one level a refusal names.
const namedMost = 5

// refuseTwice refuses rows that state the same level, of which nobody can say which
// is true; and leaves in levels only those of rows that aren't refused, in the
// order in which levels are locked.
func (f *feed) refuseTwice() {
	slices.SortFunc(f.levels, func(a, b feedLevel) int { return cmp.Or(a.compare(b.levelKey), cmp.Compare(a.row, b.row)) })
	kept := f.levels[:0]
	for i := 0; i < len(f.levels); {
		j := i + 1
		for j < len(f.levels) && f.levels[j].levelKey == f.levels[i].levelKey {
			j++
		}
		if same := f.levels[i:j]; len(same) > 1 {
			by := f.skusOf(same)
			for _, v := range same {
				f.refuseRow(v.row, redline.Invalid([]string{"supplierSku"}, "the level is stated more than once, by %s", by))
			}
		}
		if v := f.levels[i]; len(f.errors[v.row]) == 0 {
			kept = append(kept, v)
		} else {
			f.named = append(f.named, v.levelKey)
		}
		i = j
	}
	f.levels = kept
}

// skusOf names the SKUs that state a level, and not the rows: whoever sends a
// document in parts has other numbers for those.
func (f *feed) skusOf(same []feedLevel) string {
	var named []string
	for _, v := range same {
		sku := fmt.Sprintf("%.60q", f.in.Rows[v.row].SupplierSKU)
		if slices.Contains(named, sku) {
			continue
		}
		if len(named) == namedMost {
			return "the SKUs " + strings.Join(named, ", ") + " and others"
		}
		named = append(named, sku)
	}
	if len(named) == 1 {
		return "the SKU " + named[0]
	}
	return "the SKUs " + strings.Join(named, ", ")
}
