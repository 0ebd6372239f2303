package supplier

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"redline"
)

const (
	// MaxBytes is the longest document that is read.
	MaxBytes = 64 << 20
	// MaxRows is the most rows that a document may have.
	MaxRows = 100_000
	// MaxProblems is how many problems are gathered before reading stops.
	MaxProblems = 100
	// maxLine is the longest line or segment, in bytes.
	maxLine = 64 << 10
)

// Format reads documents of one kind.
type Format interface {
	// Read reads a whole document. Its name is for errors alone. What is wrong
	// with the document is an *Errors; any other error is one of reading it.
	// A document without rows is refused.
	Read(name string, document io.Reader) (*Feed, error)
}

// Feed is what a document says.
type Feed struct {
	// Measure is what the quantities are, where the document says so.
	Measure *redline.FeedMeasure
	// AsOf is when it was so, where the document says so.
	AsOf *time.Time
	// Test says that the document calls itself a test, not to be acted on.
	Test bool
	Rows []Row
}

// Once refuses a feed that states a level more than once: a SKU at a location, or
// anywhere where a row names none, as it may where there is one location only. The
// name is the document's, for the *Errors, which names the places of both rows.
// That two SKUs stand for one product it can't know.
func (f *Feed) Once(name string) error {
	type level struct{ sku, location string }
	found := newProblems(name)
	// The first rows of all levels, those of no location, and those of all SKUs.
	levels, nowhere, skus := map[level]Place{}, map[string]Place{}, map[string]Place{}
	for _, row := range f.Rows {
		sku := row.SupplierSKU
		before, again := skus[sku]
		if row.LocationCode != nil {
			if before, again = levels[level{sku, *row.LocationCode}]; !again {
				before, again = nowhere[sku]
			}
		}
		if again {
			found.add(row.Place, "", sku, "states the level of SKU %s again, after %s", quoted(sku), before)
			continue
		}
		if row.LocationCode != nil {
			levels[level{sku, *row.LocationCode}] = row.Place
		} else {
			nowhere[sku] = row.Place
		}
		if _, known := skus[sku]; !known {
			skus[sku] = row.Place
		}
	}
	_, err := found.result(f)
	return err
}

// Row is one statement of a document, and where it stands.
type Row struct {
	redline.SupplierFeedRow
	Place Place
}

// Place is where in a document something stands: a line, or a segment of an
// interchange, each counted from 1. The zero Place is the document as a whole.
type Place struct{ Line, Segment int }

// Number is the line's or the segment's, whichever the document has; 0 for the
// document as a whole.
func (p Place) Number() int { return max(p.Line, p.Segment) }

func (p Place) String() string {
	switch {
	case p.Line > 0:
		return fmt.Sprintf("line %d", p.Line)
	case p.Segment > 0:
		return fmt.Sprintf("segment %d", p.Segment)
	}
	return "the document"
}

// errTooLong is what a reader gets beyond MaxBytes.
var errTooLong = fmt.Errorf("the document is longer than %d MiB", MaxBytes>>20)

// bounded reads at most so many bytes, and fails where there are more.
type bounded struct {
	from io.Reader
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.from.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return n - 1, errTooLong
	}
	return n, err
}

var (
	utf8Mark   = []byte{0xEF, 0xBB, 0xBF}
	utf16Marks = [][]byte{{0xFF, 0xFE}, {0xFE, 0xFF}}
)

// open begins a document: bounded, buffered by lines, and past the mark that
// some programs put before UTF-8.
func open(document io.Reader) (*bufio.Reader, error) {
	in := bufio.NewReaderSize(&bounded{from: document, left: MaxBytes}, maxLine)
	start, err := in.Peek(len(utf8Mark))
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if bytes.Equal(start, utf8Mark) {
		_, err := in.Discard(len(utf8Mark))
		return in, err
	}
	for _, mark := range utf16Marks {
		if bytes.HasPrefix(start, mark) {
			return nil, errors.New("the document is UTF-16: save it as UTF-8")
		}
	}
	return in, nil
}
