package supplier_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"redline"
	"redline/supplier"
)

// told writes a row as a test wants it: its place's number, then what it says.
func told(r supplier.Row) string {
	text := fmt.Sprintf("%d: %s %d", r.Place.Number(), r.SupplierSKU, r.Quantity)
	if r.Unit != nil {
		text += " " + string(*r.Unit)
	}
	if r.LocationCode != nil {
		text += " at " + *r.LocationCode
	}
	if r.Cost != nil {
		text += " for " + r.Cost.String()
	}
	return text
}

// reads wants a document read, with these rows.
func reads(t *testing.T, format supplier.Format, document string, want ...string) *supplier.Feed {
	t.Helper()
	feed, err := format.Read("stock", strings.NewReader(document))
	if err != nil {
		t.Errorf("%.300q: %v", document, err)
		return &supplier.Feed{}
	}
	var got []string
	for _, r := range feed.Rows {
		got = append(got, told(r))
	}
	if !slices.Equal(got, want) {
		t.Errorf("%.300q is read as\n%s\nwant\n%s", document, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	return feed
}

// refuses wants a document refused, with these problems and no others; each is
// looked for in its line of the error.
func refuses(t *testing.T, format supplier.Format, document string, want ...string) {
	t.Helper()
	feed, err := format.Read("stock", strings.NewReader(document))
	var wrong *supplier.Errors
	if !errors.As(err, &wrong) {
		t.Errorf("%.300q: got %v, %v; want %q", document, feed, err, want)
		return
	}
	lines := strings.Split(err.Error(), "\n")
	matches := len(lines) == len(want)
	for i := 0; matches && i < len(want); i++ {
		matches = strings.HasPrefix(lines[i], "stock, ") && strings.Contains(lines[i], want[i])
	}
	if !matches {
		t.Errorf("%.300q is refused with\n%s\nwant\n%s", document, err, strings.Join(want, "\n"))
	}
}

func measured(feed *supplier.Feed) redline.FeedMeasure {
	if feed.Measure == nil {
		return ""
	}
	return *feed.Measure
}

func timed(feed *supplier.Feed) string {
	if feed.AsOf == nil {
		return ""
	}
	return feed.AsOf.Format(time.RFC3339Nano)
}

// sound wants of any document that it is read exactly, or refused in so many words.
func sound(t *testing.T, format supplier.Format, document string) {
	feed, err := format.Read("stock", strings.NewReader(document))
	var wrong *supplier.Errors
	if errors.As(err, &wrong) {
		if n := len(wrong.Problems); n == 0 || n > supplier.MaxProblems {
			t.Errorf("%d problems", n)
		}
		for _, p := range wrong.Problems {
			if p.Message == "" || !utf8.ValidString(p.String()) || len(p.String()) > 4000 {
				t.Errorf("a problem is %q", p)
			}
		}
	}
	if err != nil {
		return
	}
	if len(feed.Rows) == 0 {
		t.Error("a document without rows was read")
	}
	for _, r := range feed.Rows {
		if r.SupplierSKU == "" || !utf8.ValidString(r.SupplierSKU) || r.Place.Number() < 1 || r.LocationCode != nil && *r.LocationCode == "" {
			t.Errorf("a row is %+v", r)
		}
	}
}
