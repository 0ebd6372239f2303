package store

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"time"
)

// column is a column of many rows: an array of Postgres in its binary format,
// written element by element, for unnest to take apart again. Nothing in it has
// to be quoted here or parsed there, which is half the cost of many rows in
// JSON. The type of its parameter has to be exactly the column's: text[],
// integer[], bigint[], boolean[], timestamptz[], bytea[] or json[].
type column struct {
	buf []byte
	n   int
}

// The object ids of the types of elements (pg_type.dat).
const (
	oidBool        = 16
	oidBytea       = 17
	oidInt8        = 20
	oidInt4        = 23
	oidText        = 25
	oidJSON        = 114
	oidTimestamptz = 1184
)

// columnHeader is the length of what stands before the elements: the number of
// dimensions, whether there are nulls, the elements' type, their number and the
// lowest index, of four bytes each.
const columnHeader = 20

// postgresEpoch is 2000-01-01, from which Postgres counts, in microseconds of
// Unix time.
const postgresEpoch = 946_684_800_000_000

func newColumn(oid uint32) *column {
	c := &column{buf: make([]byte, columnHeader, 96)}
	binary.BigEndian.PutUint32(c.buf[8:], oid)
	return c
}

func texts(values ...string) *column {
	c := newColumn(oidText)
	for _, v := range values {
		c.text(v)
	}
	return c
}

func ints() *column     { return newColumn(oidInt4) }
func bigints() *column  { return newColumn(oidInt8) }
func booleans() *column { return newColumn(oidBool) }
func times() *column    { return newColumn(oidTimestamptz) }
func blobs() *column    { return newColumn(oidBytea) }
func jsons() *column    { return newColumn(oidJSON) }

// BinaryValue is the array as lib/pq sends it: bytes, which it marks as binary.
func (c *column) BinaryValue() ([]byte, error) {
	if c.n == 0 {
		return c.buf[:12:12], nil // no dimension
	}
	binary.BigEndian.PutUint32(c.buf[0:], 1)
	binary.BigEndian.PutUint32(c.buf[12:], uint32(c.n))
	binary.BigEndian.PutUint32(c.buf[16:], 1)
	return c.buf, nil
}

// room makes room for more elements, of so many bytes together: growing to it, a
// long column would be copied many times.
func (c *column) room(n, bytes int) *column {
	c.buf = slices.Grow(c.buf, 4*n+bytes)
	return c
}

func (c *column) element(size int) {
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(size))
	c.n++
}

func (c *column) null() {
	c.buf[7] = 1
	c.element(-1)
}

func (c *column) text(v string) {
	c.element(len(v))
	c.buf = append(c.buf, v...)
}

// blob adds bytes, or the text of a JSON value.
func (c *column) blob(v []byte) {
	c.element(len(v))
	c.buf = append(c.buf, v...)
}

// int adds an integer. One that Postgres has no room for is a fault of ours, and
// not to be cut to what fits.
func (c *column) int(v int) {
	if v < math.MinInt32 || v > math.MaxInt32 {
		panic(fmt.Sprintf("%d is no 32-bit integer", v))
	}
	c.element(4)
	c.buf = binary.BigEndian.AppendUint32(c.buf, uint32(v))
}

func (c *column) bigint(v int64) {
	c.element(8)
	c.buf = binary.BigEndian.AppendUint64(c.buf, uint64(v))
}

func (c *column) boolean(v bool) {
	c.element(1)
	if v {
		c.buf = append(c.buf, 1)
	} else {
		c.buf = append(c.buf, 0)
	}
}

func (c *column) time(v time.Time) {
	c.bigint(v.Round(time.Microsecond).UnixMicro() - postgresEpoch)
}

// maybe adds a value where there is one, else a null.
func maybe[T any](c *column, add func(*column, T), v *T) {
	if v == nil {
		c.null()
		return
	}
	add(c, *v)
}
