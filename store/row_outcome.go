package store

import (
	"context"
	"maps"
	"slices"

	"github.com/lib/pq"

	"redline"
)

// rowOutcome is what an idempotency key keeps of one row: the level that it
// changed, or why it didn't and at which location that was.
type rowOutcome struct {
	LevelID    string      `json:"levelId,omitempty"`
	LocationID string      `json:"locationId,omitempty"`
	Errors     []keptError `json:"errors,omitempty"`
}

// keptError is a refusal as a key keeps it: with the product's id for the
// product, which is read again when it is told again.
type keptError struct {
	Code      redline.ErrorCode `json:"code"`
	Message   string            `json:"message"`
	Field     []string          `json:"field,omitempty"`
	ProductID string            `json:"productId,omitempty"`
	Requested int               `json:"requested,omitempty"`
	Available int               `json:"available,omitempty"`
	Expected  int               `json:"expected,omitempty"`
	Actual    int               `json:"actual,omitempty"`
}

// refusedRow keeps why a row was refused.
func refusedRow(refs []stockRef, i int, errs redline.Errors) rowOutcome {
	var row rowOutcome
	if refs != nil {
		row.LocationID = refs[i].location
	}
	for _, e := range errs {
		kept := keptError{
			Code: e.Code, Message: e.Message, Field: e.Field, Requested: e.Requested, Available: e.Available,
			Expected: e.Expected, Actual: e.Actual,
		}
		if e.Product != nil {
			kept.ProductID = e.Product.ID
		}
		row.Errors = append(row.Errors, kept)
	}
	return row
}

// errors are the row's refusals, with the products that are known.
func (o rowOutcome) errors(products map[string]*redline.Product) redline.Errors {
	var all redline.Errors
	for _, e := range o.Errors {
		all = append(all, &redline.Error{
			Code: e.Code, Message: e.Message, Field: e.Field, Product: products[e.ProductID], Requested: e.Requested,
			Available: e.Available, Expected: e.Expected, Actual: e.Actual,
		})
	}
	return all
}

// withhold stands for refusals that aren't the caller's to see any more.
func (o rowOutcome) withhold() redline.Errors {
	row := o.Errors[0].Field
	return redline.Errors{redline.NotFound(row[:min(2, len(row))], "what this row was about is not yours to see")}
}

// replayedResult tells what a key keeps as the principal may see it now: levels
// that it sees, and refusals at locations whose stock it sees. Where something can't
// be read, the result has what could be, and the error says why.
func (s *Store) replayedResult(
	ctx context.Context, p redline.Principal, outcomes []rowOutcome, outcome redline.Outcome,
) (*redline.InventoryResult, error) {
	result := &redline.InventoryResult{Outcome: outcome}
	var levelIDs, productIDs []string
	for i, o := range outcomes {
		row := &redline.InventoryRow{Index: i}
		if len(o.Errors) > 0 {
			row.Errors = o.withhold() // until it is known to be theirs
		}
		result.Rows = append(result.Rows, row)
		if o.LevelID != "" {
			levelIDs = append(levelIDs, o.LevelID)
		}
		for _, e := range o.Errors {
			if e.ProductID != "" {
				productIDs = append(productIDs, e.ProductID)
			}
		}
	}
	levels, err := s.LevelsByID(ctx, p, levelIDs)
	if err != nil {
		return result, err
	}
	var products map[string]*redline.Product
	if len(productIDs) > 0 {
		if products, err = s.ProductsOf(ctx, productIDs); err != nil {
			return result, err
		}
	}
	hidden, err := s.hiddenLocations(ctx, p, outcomes)
	if err != nil {
		return result, err
	}
	for i, o := range outcomes {
		row := result.Rows[i]
		row.Level = levels[o.LevelID]
		if !hidden[o.LocationID] {
			row.Errors = o.errors(products)
		}
	}
	return result, nil
}

// hiddenLocations are those of refused rows whose stock the principal may not
// see now, though it, or one of the same name, could when the rows were refused.
func (s *Store) hiddenLocations(ctx context.Context, p redline.Principal, outcomes []rowOutcome) (map[string]bool, error) {
	hidden := map[string]bool{}
	for _, o := range outcomes {
		if len(o.Errors) > 0 && o.LocationID != "" {
			hidden[o.LocationID] = true
		}
	}
	if len(hidden) == 0 {
		return hidden, nil
	}
	q := &query{}
	q.seeStock(p, "loc.id")
	q.and("loc.id = ANY(%s)", pq.Array(slices.Collect(maps.Keys(hidden))))
	var seen []string
	if err := s.db.SelectContext(ctx, &seen, `/* locations.of_outcomes */ SELECT loc.id FROM locations loc`+q.where(), q.args...); err != nil {
		return nil, dbError("reading the locations of refused rows", err)
	}
	for _, id := range seen {
		delete(hidden, id)
	}
	return hidden, nil
}
