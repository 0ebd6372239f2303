package demo

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/big"
	"strconv"
	"time"
)

// row is one line of a CSV file, its fields reached by column name. The first
// field that can't be read is kept and ends the file's reading with an error
// that names file, line and column; until then the readers return zero values.
type row struct {
	columns map[string]int
	fields  []string
	err     error
}

// eachRow calls read with every line after the header, in the file's order.
// Its errors name the file and the line.
func eachRow(fsys fs.FS, name string, read func(r *row) error) (err error) {
	file, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("opening the demo data: %w", err)
	}
	defer func() { err = errors.Join(err, file.Close()) }()

	lines := csv.NewReader(file)
	header, err := lines.Read()
	if err != nil {
		return fmt.Errorf("%s: reading the header: %w", name, err)
	}
	columns := make(map[string]int, len(header))
	for i, column := range header {
		columns[column] = i
	}
	for {
		fields, err := lines.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		line, _ := lines.FieldPos(0)
		r := &row{columns: columns, fields: fields}
		err = read(r)
		if r.err != nil {
			err = r.err // what read made of a zero value doesn't count
		}
		if err != nil {
			return fmt.Errorf("%s, line %d: %w", name, line, err)
		}
	}
}

// fail keeps the first error.
func (r *row) fail(column string, err error) {
	if r.err == nil {
		r.err = fmt.Errorf("column %s: %w", column, err)
	}
}

// optional is the column's text, which may be empty.
func (r *row) optional(column string) string {
	i, ok := r.columns[column]
	if !ok {
		r.fail(column, errors.New("not in the header"))
		return ""
	}
	return r.fields[i]
}

// text is the column's text, which must not be empty.
func (r *row) text(column string) string {
	text := r.optional(column)
	if text == "" {
		r.fail(column, errors.New("empty"))
	}
	return text
}

// quantity is a whole number from 0 to maxQuantity.
func (r *row) quantity(column string) int {
	text := r.text(column)
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > maxQuantity {
		r.fail(column, fmt.Errorf("%q is not a whole number from 0 to %d", text, maxQuantity))
		return 0
	}
	return n
}

// positive is a whole number from 1 to maxQuantity.
func (r *row) positive(column string) int {
	n := r.quantity(column)
	if n == 0 {
		r.fail(column, errors.New("must be at least 1"))
	}
	return n
}

// inBaseUnits is a quantity of supplier units, times what one of them holds.
func (r *row) inBaseUnits(column string, pack int) int {
	n := r.quantity(column) * pack
	if n > maxQuantity {
		r.fail(column, fmt.Errorf("%d base units are more than %d", n, maxQuantity))
		return 0
	}
	return n
}

// flag is 0 or 1.
func (r *row) flag(column string) bool {
	text := r.text(column)
	if text != "0" && text != "1" {
		r.fail(column, fmt.Errorf("%q is neither 0 nor 1", text))
	}
	return text == "1"
}

// decimal is an exact decimal that isn't negative.
func (r *row) decimal(column string) *big.Rat {
	value, err := parseDecimal(r.text(column))
	if err != nil {
		r.fail(column, err)
		return new(big.Rat)
	}
	return value
}

// date is midnight UTC of a day such as 1996-07-04.
func (r *row) date(column string) time.Time {
	day, err := time.Parse(time.DateOnly, r.text(column))
	if err != nil {
		r.fail(column, err)
	}
	return day
}

// optionalDate is nil where the column is empty.
func (r *row) optionalDate(column string) *time.Time {
	if r.optional(column) == "" {
		return nil
	}
	day := r.date(column)
	return &day
}

// lookUp finds what another row, of this file or of one read before, said about
// the column's key.
func lookUp[V any](r *row, column string, known map[string]V) V {
	key := r.text(column)
	value, ok := known[key]
	if !ok {
		r.fail(column, fmt.Errorf("%q is not known", key))
	}
	return value
}

// remember adds a key that must be new.
func remember[V any](r *row, column string, known map[string]V, key string, value V) {
	if _, ok := known[key]; ok {
		r.fail(column, fmt.Errorf("%q is there twice", key))
		return
	}
	known[key] = value
}
