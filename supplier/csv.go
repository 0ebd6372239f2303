package supplier

import (
	"bufio"
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"strings"

	"redline"
)

// CSV reads comma-separated values as RFC 4180 has them: a line with the names
// of the columns, then a row each. The separator is a comma, a semicolon or a
// tab, whichever the first line has most of; the text is UTF-8, with or without
// a byte order mark. Columns come in any order; their names count in any case, with spaces,
// hyphens or underscores between words:
//
//	supplier_sku   needed; also sku, vendor_sku, item_number, part_number, article_number
//	quantity       needed; also qty. on_hand, quantity_on_hand and qty_on_hand say beside
//	               it that the measure is ON_HAND; available, quantity_available and
//	               qty_available that it is AVAILABLE
//	location       also location_code, warehouse, warehouse_code, site
//	unit           also uom, unit_of_measure; a name of the contract's UnitOfMeasure, in any case
//	cost           also unit_cost, cost_price; a decimal with a point
//
// Spaces around a value don't count, and an empty location, unit or cost is one
// left out. A row has as many fields as the first line.
type CSV struct {
	// IgnoreUnknownColumns passes over columns of other names, which are
	// refused otherwise.
	IgnoreUnknownColumns bool
}

// The columns of a CSV.
const (
	columnSKU      = "supplier_sku"
	columnQuantity = "quantity"
	columnLocation = "location"
	columnUnit     = "unit"
	columnCost     = "cost"
)

// synonyms are the names of columns.
var synonyms = map[string]string{
	columnSKU: columnSKU, "sku": columnSKU, "vendor_sku": columnSKU, "item_number": columnSKU, "part_number": columnSKU, "article_number": columnSKU,
	columnQuantity: columnQuantity, "qty": columnQuantity,
	"on_hand": columnQuantity, "quantity_on_hand": columnQuantity, "qty_on_hand": columnQuantity,
	"available": columnQuantity, "quantity_available": columnQuantity, "qty_available": columnQuantity,
	columnLocation: columnLocation, "location_code": columnLocation, "warehouse": columnLocation, "warehouse_code": columnLocation, "site": columnLocation,
	columnUnit: columnUnit, "uom": columnUnit, "unit_of_measure": columnUnit,
	columnCost: columnCost, "unit_cost": columnCost, "cost_price": columnCost,
}

// Read reads a CSV document.
func (c CSV) Read(name string, document io.Reader) (*Feed, error) {
	in, err := open(document)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	comma, err := separator(in)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", name, err)
	}
	lines := csv.NewReader(in)
	lines.Comma, lines.FieldsPerRecord, lines.ReuseRecord = comma, -1, true

	t := &table{feed: &Feed{}, found: newProblems(name), ignoreUnknown: c.IgnoreUnknownColumns}
	for !t.found.full() {
		fields, err := lines.Read()
		var broken *csv.ParseError
		switch {
		case errors.Is(err, io.EOF):
			return t.found.result(t.feed)
		case errors.As(err, &broken):
			t.found.add(Place{Line: broken.StartLine}, "", "", "is not CSV: %v", broken.Err)
			if t.columns == nil {
				return t.found.result(t.feed)
			}
			continue
		case err != nil:
			return nil, fmt.Errorf("reading %s: %w", name, err)
		}
		line, _ := lines.FieldPos(0)
		if t.columns == nil {
			if !t.header(Place{Line: line}, fields) {
				return t.found.result(t.feed)
			}
			continue
		}
		if !t.row(Place{Line: line}, fields) {
			break
		}
	}
	return t.found.result(t.feed)
}

// separator finds what the first line that isn't blank has most of.
func separator(in *bufio.Reader) (rune, error) {
	start, err := in.Peek(maxLine)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	header, _, _ := bytes.Cut(bytes.TrimLeft(start, "\r\n"), []byte("\n"))
	best, most := ',', 0
	for _, candidate := range []rune{',', ';', '\t'} {
		if n := bytes.Count(header, []byte(string(candidate))); n > most {
			best, most = candidate, n
		}
	}
	return best, nil
}

// table reads a CSV's lines.
type table struct {
	feed          *Feed
	found         *problems
	ignoreUnknown bool
	// columns are the names of ours, by their place in a line; empty for those
	// that are passed over.
	columns []string
}

// header reads the columns' names, and reports whether rows can be read by them.
func (t *table) header(at Place, fields []string) bool {
	t.columns = make([]string, len(fields))
	seen := map[string]string{}
	fine := true
	fail := func(where, format string, args ...any) {
		t.found.add(at, where, "", format, args...)
		fine = false
	}
	for i, field := range fields {
		said := strings.TrimSpace(field)
		name := strings.NewReplacer(" ", "_", "-", "_").Replace(strings.ToLower(said))
		column := synonyms[name]
		switch {
		case column == "" && !t.ignoreUnknown:
			fail("column "+quoted(said), "is not known: there are supplier_sku, quantity, location, unit and cost")
		case column == "":
		case seen[column] != "":
			fail("column "+quoted(said), "says the same as column %s", quoted(seen[column]))
		default:
			seen[column] = said
			t.columns[i] = column
			if column == columnQuantity {
				t.feed.Measure = measureOf(name)
			}
		}
	}
	for _, needed := range []string{columnSKU, columnQuantity} {
		if seen[needed] == "" {
			fail("", "there is no column %s", needed)
		}
	}
	return fine
}

// measureOf is what a quantity's column says of the measure.
func measureOf(name string) *redline.FeedMeasure {
	measure := redline.FeedOnHand
	switch {
	case strings.HasSuffix(name, "available"):
		measure = redline.FeedAvailable
	case !strings.HasSuffix(name, "on_hand"):
		return nil
	}
	return &measure
}

// row reads one row, with all that is wrong with it, and reports whether there
// is room for more.
func (t *table) row(at Place, fields []string) bool {
	if len(fields) != len(t.columns) {
		t.found.add(at, "", "", "has %d fields and the header %d", len(fields), len(t.columns))
		return true
	}
	row := Row{Place: at}
	type failure struct {
		column string
		err    error
	}
	var failed []failure
	for i, column := range t.columns {
		text := strings.TrimSpace(fields[i])
		var err error
		switch column {
		case columnSKU:
			row.SupplierSKU, err = parseText(text)
		case columnQuantity:
			row.Quantity, err = parseQuantity(text)
		case columnLocation:
			if text != "" {
				text, err = parseText(text)
				row.LocationCode = &text
			}
		case columnUnit:
			if text != "" {
				row.Unit, err = parseUnit(strings.ToUpper(text))
			}
		case columnCost:
			if text != "" {
				row.Cost, err = parseCost(text)
			}
		}
		if err != nil {
			failed = append(failed, failure{column, err})
		}
	}
	for _, f := range failed {
		t.found.add(at, "column "+f.column, row.SupplierSKU, "%v", f.err)
	}
	return len(failed) > 0 || t.found.room(t.feed, row)
}

// parseCost reads an exact decimal with a point.
func parseCost(text string) (*redline.Decimal, error) {
	cost, err := redline.ParseDecimal(text)
	if err != nil {
		return nil, err
	}
	return &cost, nil
}
