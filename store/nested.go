package store

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"redline"
)

// nested reads the rows below a row, which Postgres gathered into one column, so
// that a read is one statement and one snapshot: JSON arrays by position, as
// json_agg and json_build_array write them. After an error all else that is read
// is nothing, and failed tells the first.
type nested struct {
	text string
	at   int
	err  error
}

// nestedOf reads a column; NULL is no rows.
func nestedOf(column *string) *nested {
	if column == nil {
		return &nested{text: "null"}
	}
	return &nested{text: *column}
}

func (n *nested) failed(what string) error {
	if n.err != nil {
		return fmt.Errorf("reading %s: %w", what, n.err)
	}
	return nil
}

// fail keeps the first error and ends the text.
func (n *nested) fail(want string) {
	if n.err == nil {
		n.err = fmt.Errorf("at byte %d there is no %s", n.at, want)
	}
	n.at = len(n.text)
}

// skip goes to the next value, or to the end of a list, and returns its first
// byte; 0 at the end of the text.
func (n *nested) skip() byte {
	for ; n.at < len(n.text); n.at++ {
		switch c := n.text[n.at]; c {
		case ' ', '\n', ',':
		default:
			return c
		}
	}
	return 0
}

// rows calls back for each row of a list; null has none.
func (n *nested) rows(each func()) {
	if n.isNull() {
		return
	}
	n.open()
	for n.skip() == '[' {
		n.open()
		each()
		n.close()
	}
	n.close()
}

func (n *nested) open() {
	if n.skip() != '[' {
		n.fail("list")
		return
	}
	n.at++
}

func (n *nested) close() {
	if n.skip() != ']' {
		n.fail("end of a list")
		return
	}
	n.at++
}

func (n *nested) isNull() bool {
	if n.skip() == 'n' && strings.HasPrefix(n.text[n.at:], "null") {
		n.at += len("null")
		return true
	}
	return false
}

// str is a text.
func (n *nested) str() string {
	if n.skip() != '"' {
		n.fail("text")
		return ""
	}
	start := n.at + 1
	end := strings.IndexByte(n.text[start:], '"')
	if end < 0 {
		n.fail("end of a text")
		return ""
	}
	if s := n.text[start : start+end]; strings.IndexByte(s, '\\') < 0 {
		n.at = start + end + 1
		return s
	}
	var s string
	if err := json.Unmarshal([]byte(n.raw()), &s); err != nil {
		n.fail("text")
	}
	return s
}

// word is what stands outside of texts and lists: a number, true or false.
func (n *nested) word() string {
	n.skip()
	start := n.at
	for n.at < len(n.text) && strings.IndexByte(" ,]\n", n.text[n.at]) < 0 {
		n.at++
	}
	return n.text[start:n.at]
}

func (n *nested) int() int {
	i, err := strconv.Atoi(n.word())
	if err != nil {
		n.fail("whole number before")
	}
	return i
}

func (n *nested) bool() bool { return n.word() == "true" }

func (n *nested) decimal() redline.Decimal {
	d, err := redline.ParseDecimal(n.word())
	if err != nil {
		n.fail("decimal before")
	}
	return d
}

func (n *nested) time() time.Time {
	t, err := time.Parse(time.RFC3339Nano, n.str())
	if err != nil {
		n.fail("time before")
	}
	return t.UTC()
}

// raw is any value, as it stands: a column of jsonb.
func (n *nested) raw() string {
	n.skip()
	d := json.NewDecoder(strings.NewReader(n.text[n.at:]))
	var v json.RawMessage
	if err := d.Decode(&v); err != nil {
		n.fail("JSON")
		return ""
	}
	n.at += int(d.InputOffset())
	return string(v)
}

// optional reads a value that may be null.
func optional[T any](n *nested, read func() T) *T {
	if n.isNull() {
		return nil
	}
	v := read()
	return &v
}
