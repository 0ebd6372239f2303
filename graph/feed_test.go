package graph_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"redline"
	"redline/graph"
)

// intake is a repository that takes a feed of three rows, of which the last is
// refused. It opens a conflict that is about what things cost.
type intake struct {
	graph.Store
	got    redline.SupplierFeedInput
	reads  [][]string
	unread error
}

func (i *intake) SupplierFeedSubmit(_ context.Context, _ redline.Principal, in redline.SupplierFeedInput) (*redline.FeedResult, error) {
	i.got = in
	return &redline.FeedResult{
		InventoryResult: redline.InventoryResult{Outcome: redline.Outcome{EventID: 7}, Rows: []*redline.InventoryRow{
			{Index: 0, LevelID: "lvl_1"}, {Index: 1, LevelID: "lvl_2"},
			{Index: 2, Errors: redline.Errors{redline.Errorf(redline.CodeUnmappedSKU, []string{"rows", "2", "supplierSku"}, "unknown")}},
		}},
		Applied: 1, Unchanged: 1, Rejected: 1, Emptied: 1, Held: true,
		Conflicts: []*redline.Conflict{{
			ID: "conf_1", Kind: redline.ConflictPriceMismatch, Facts: redline.Attributes{{Name: "cost", Value: "1.50"}},
		}},
	}, nil
}

func (i *intake) LevelsByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.InventoryLevel, error) {
	i.reads = append(i.reads, slices.Sorted(slices.Values(ids)))
	return map[string]*redline.InventoryLevel{"lvl_1": {ID: "lvl_1", OnHand: 5}, "lvl_2": {ID: "lvl_2"}}, i.unread
}

const feedInput = `idempotencyKey:"k",mode:PARTIAL,asOf:"2024-05-31T08:00:00Z"`

// TestFeedsRowsAreReadWhereAskedFor: the levels of thousands of rows are read
// at once, and not at all where nobody asks for them.
func TestFeedsRowsAreReadWhereAskedFor(t *testing.T) {
	t.Parallel()
	for selection, c := range map[string]struct {
		reads string
		want  string
	}{
		`applied unchanged rejected emptied held replayed`: {`[]`, `"applied":1,"unchanged":1,"rejected":1,"emptied":1,"held":true,"replayed":false`},
		`rows{index userErrors{code field}}`: {`[]`, `"rows":[{"index":0,"userErrors":[]},{"index":1,"userErrors":[]},` +
			`{"index":2,"userErrors":[{"code":"UNMAPPED_SKU","field":["rows","2","supplierSku"]}]}]`},
		`rows{level{id onHand}} again:rows{level{id}}`: {`[[lvl_1 lvl_2]]`, `"rows":[{"level":{"id":"lvl_1","onHand":5}},{"level":{"id":"lvl_2","onHand":0}},{"level":null}],` +
			`"again":[{"level":{"id":"lvl_1"}},{"level":{"id":"lvl_2"}},{"level":null}]`},
	} {
		store := &intake{}
		got := furnished(store, newEventLog()).run(t, principal(redline.RoleSupplier),
			`mutation{supplierFeedSubmit(input:{`+feedInput+`,rows:[]}){`+selection+`}}`, "")
		if want := `{"supplierFeedSubmit":{` + c.want + `}}`; string(got.Data) != want || len(got.Errors) > 0 {
			t.Errorf("got %s, %+v\nwant %s", got.Data, got.Errors, want)
		}
		if reads := fmt.Sprint(store.reads); reads != c.reads {
			t.Errorf("%s: read %s, want %s", selection, reads, c.reads)
		}
	}
}

// TestFeedStandsWhoseLevelsCantBeRead: what became of the rows is told all the same.
func TestFeedStandsWhoseLevelsCantBeRead(t *testing.T) {
	t.Parallel()
	got := furnished(&intake{unread: errors.New("gone")}, newEventLog()).run(t, principal(redline.RoleSupplier),
		`mutation{supplierFeedSubmit(input:{`+feedInput+`,rows:[]}){applied rows{index level{id}}}}`, "")
	want := `{"supplierFeedSubmit":{"applied":1,"rows":[{"index":0,"level":null},{"index":1,"level":null},{"index":2,"level":null}]}}`
	if string(got.Data) != want {
		t.Errorf("got %s, want %s", got.Data, want)
	}
	checkStands(t, got, "INTERNAL", "[supplierFeedSubmit rows]")
}

// TestFeedsConflictsAreForThoseWhoMayReadThem: whoever may not is told of none,
// and the rest of the payload stands.
func TestFeedsConflictsAreForThoseWhoMayReadThem(t *testing.T) {
	t.Parallel()
	const write, conflicts, cost = redline.ScopeInventoryWrite, redline.ScopeConflictsRead, redline.ScopeCatalogCost
	for _, c := range []struct {
		scopes []string
		want   string
	}{
		{[]string{write, conflicts, cost}, `[{"id":"conf_1","facts":[{"value":"1.50"}]}]`},
		{[]string{write, conflicts}, `[{"id":"conf_1","facts":[]}]`},
		{[]string{write, cost}, `[]`},
	} {
		got := furnished(&intake{}, newEventLog()).run(t, principal(redline.RoleSupplier, c.scopes...),
			`mutation{supplierFeedSubmit(input:{`+feedInput+`,rows:[]}){applied conflicts{id facts{value}}}}`, "")
		if want := `{"supplierFeedSubmit":{"applied":1,"conflicts":` + c.want + `}}`; string(got.Data) != want || len(got.Errors) > 0 {
			t.Errorf("%v: got %s, %+v, want %s", c.scopes, got.Data, got.Errors, want)
		}
	}
}

// TestFeedIsReadExactly: in literals and in variables alike.
func TestFeedIsReadExactly(t *testing.T) {
	t.Parallel()
	const document = `mutation($input:SupplierFeedInput!){supplierFeedSubmit(input:$input){applied}}`
	variables := func(more string) string {
		return `{"input":{"idempotencyKey":"k","mode":"FULL","asOf":"2024-05-31T08:00:00Z",` + more + `}}`
	}
	for _, number := range []string{`9007199254740993`, `"9007199254740993"`, `9007199254740993.0`} {
		store := &intake{}
		got := furnished(store, newEventLog()).run(t, principal(redline.RoleSupplier), document,
			variables(`"sequence":`+number+`,"rows":[{"supplierSku":"a","quantity":2,"cost":"12.345678"},{"supplierSku":"b","quantity":3,"unit":"CASE"}]`))
		in := store.got
		if len(got.Errors) > 0 || in.Sequence == nil || *in.Sequence != 1<<53+1 || len(in.Rows) != 2 || in.Rows[0].Cost.String() != "12.345678" ||
			in.Rows[1].Cost != nil || *in.Rows[1].Unit != redline.UnitCase {
			t.Errorf("%s: read as %+v, %+v", number, in, got.Errors)
		}
		if in.Measure != redline.FeedOnHand || in.OnRowError != redline.SkipRow || in.DryRun {
			t.Errorf("the defaults are %s, %s, %t", in.Measure, in.OnRowError, in.DryRun)
		}
	}
	for _, c := range []struct{ literal, variable, told string }{
		{`sequence:1.5,rows:[]`, ``, `input.sequence`},
		{`sequence:"1e3",rows:[]`, `"sequence":"1e3","rows":[]`, `input.sequence`},
		{`sequence:"9223372036854775808",rows:[]`, `"sequence":"9223372036854775808","rows":[]`, `input.sequence`},
		{`sequence:9223372036854775808,rows:[]`, ``, ``},
		{``, `"sequence":9223372036854775808,"rows":[]`, `variable.input.sequence`},
		{``, `"sequence":1.5,"rows":[]`, `variable.input.sequence`},
		{`rows:[{supplierSku:"a",quantity:1},{supplierSku:"a",quantity:1,cost:1.5}]`, ``, `input.rows.1.cost`},
		{`rows:[{supplierSku:"a",quantity:1,cost:"1.2345678"}]`, `"rows":[{"supplierSku":"a","quantity":1,"cost":"1.2345678"}]`, `input.rows.0.cost`},
		{``, `"rows":[{"supplierSku":"a","quantity":1},{"supplierSku":"a","quantity":1,"cost":1.5}]`, `variable.input.rows.1.cost`},
		{``, `"rows":[{"supplierSku":"a","quantity":1},{"supplierSku":"a","quantity":1,"cost":2}]`, `input.rows.1.cost`},
		{`rows:[{supplierSku:"a",quantity:2147483648}]`, ``, `input.rows.0.quantity`},
		{``, `"rows":[{"supplierSku":"a","quantity":1},{"supplierSku":"a","quantity":2147483648}]`, `input.rows.1.quantity`},
		{``, `"rows":[{"supplierSku":"a","quantity":1},{"supplierSku":"a","quantity":1,"unit":"case"}]`, `variable.input.rows.1.unit`},
	} {
		var replies []reply
		store := &intake{}
		r := furnished(store, newEventLog())
		if c.literal != "" {
			replies = append(replies, r.run(t, principal(redline.RoleSupplier), `mutation{supplierFeedSubmit(input:{`+feedInput+`,`+c.literal+`}){applied}}`, ""))
		}
		if c.variable != "" {
			replies = append(replies, r.run(t, principal(redline.RoleSupplier), document, variables(c.variable)))
		}
		for _, got := range replies {
			if len(got.Errors) == 0 || store.got.IdempotencyKey != "" || slices.Contains(got.codes(), "INTERNAL") {
				t.Errorf("%s %s: got %s, %+v", c.literal, c.variable, got.Data, got.Errors)
				continue
			}
			e := got.Errors[0]
			at := strings.Join(e.Extensions.Field, ".")
			if e.Extensions.Code != "INVALID" {
				at = strings.Trim(strings.ReplaceAll(fmt.Sprint(e.Path), " ", "."), "[]")
			}
			if at != c.told {
				t.Errorf("%s %s: refused at %q, want %q: %+v", c.literal, c.variable, at, c.told, e)
			}
		}
	}
}
