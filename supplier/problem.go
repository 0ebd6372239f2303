package supplier

import (
	"fmt"
	"strings"
)

// Problem is one thing that is wrong with a document.
type Problem struct {
	Place Place
	// Where is the column, member or element; empty where it is all of the place.
	Where string
	// SupplierSKU is the row's, where that could be read.
	SupplierSKU string
	Message     string
}

func (p Problem) String() string {
	if p.Where == "" {
		return fmt.Sprintf("%s: %s", p.Place, p.Message)
	}
	return fmt.Sprintf("%s, %s: %s", p.Place, p.Where, p.Message)
}

// Errors is all that is wrong with a document, in its order.
type Errors struct {
	Document string
	Problems []Problem
	// More says that reading stopped at MaxProblems.
	More bool
}

// Error has a line for each problem, which begins with the document's name.
func (e *Errors) Error() string {
	lines := make([]string, len(e.Problems), len(e.Problems)+1)
	for i, p := range e.Problems {
		lines[i] = e.Document + ", " + p.String()
	}
	if e.More {
		lines = append(lines, fmt.Sprintf("%s: reading stopped after %d problems", e.Document, len(e.Problems)))
	}
	return strings.Join(lines, "\n")
}

// problems gathers what is wrong.
type problems struct{ errs Errors }

func newProblems(document string) *problems { return &problems{Errors{Document: document}} }

// add notes one problem; past MaxProblems it notes that there are more.
func (p *problems) add(at Place, where, sku, format string, args ...any) {
	if p.full() {
		p.errs.More = true
		return
	}
	p.errs.Problems = append(p.errs.Problems, Problem{at, where, sku, fmt.Sprintf(format, args...)})
}

// full reports whether to read on is of no use.
func (p *problems) full() bool { return len(p.errs.Problems) >= MaxProblems }

// result is the feed of a document in which nothing is wrong.
func (p *problems) result(feed *Feed) (*Feed, error) {
	if len(p.errs.Problems) == 0 && len(feed.Rows) == 0 {
		p.add(Place{}, "", "", "has no row")
	}
	if len(p.errs.Problems) > 0 {
		return nil, &p.errs
	}
	return feed, nil
}

// room adds a row, or the problem that there are too many.
func (p *problems) room(feed *Feed, row Row) bool {
	if len(feed.Rows) == MaxRows {
		p.add(row.Place, "", row.SupplierSKU, "is row %d: a document may have %d", MaxRows+1, MaxRows)
		return false
	}
	feed.Rows = append(feed.Rows, row)
	return true
}
