package test_test

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
)

// depositor is a supplier that sends its stock by the command.
type depositor struct {
	caller
	supplier string
	id       string
}

func depositorOf(t *testing.T, s *server, supplier string) depositor {
	return depositor{s.as(supplierToken(t, supplier)), supplier, supplierID(t, s, supplier)}
}

func (d depositor) feed(t *testing.T, document string, args ...string) result {
	t.Helper()
	return run(t, []string{"REDLINE_TOKEN=" + d.token, "REDLINE_URL=" + strings.TrimSuffix(d.url, "/graphql")}, append([]string{"feed", document}, args...)...)
}

// levels are the supplier's, by SKU: what is on hand, and the version.
func (d depositor) levels(t *testing.T) map[string][2]int {
	t.Helper()
	levels := map[string][2]int{}
	for _, node := range d.pages(t, "inventoryLevels", `query($supplier: ID!, $after: String) {
		inventoryLevels(filter: {supplierId: $supplier}, after: $after) { nodes { onHand version product { sku } } pageInfo { hasNextPage endCursor } } }`,
		vars{"supplier": d.id}) {
		levels[text(node, "product.sku")] = [2]int{num(node, "onHand"), num(node, "version")}
	}
	return levels
}

// holds wants the stock to be there, in base units.
func (d depositor) holds(t *testing.T, when string, stock []supplierStock) {
	t.Helper()
	levels := d.levels(t)
	for _, s := range stock {
		if got := levels[s.product][0]; got != s.units*s.pack {
			t.Errorf("%s: %d of %s are on hand; want %d of %d in each %s", when, got, s.product, s.units, s.pack, s.unit)
		}
	}
}

// more is stock with so many units more of everything.
func more(stock []supplierStock, units int) []supplierStock {
	out := slices.Clone(stock)
	for i := range out {
		out[i].units += units
	}
	return out
}

// moment is a time that is after all that was done so far, to the hundredth of
// a second that an 846 can tell.
func moment() time.Time {
	return time.Now().Add(10 * time.Millisecond).Truncate(10 * time.Millisecond).UTC()
}

// Northwind's suppliers send their stock in cases, as CSV and as an 846, twice
// and out of order. It is right in bottles, once; the rest is refused with reasons.
func TestNorthwindIsFed(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	for _, supplier := range []string{cajun, "plutzer-lebensmittelgrossmarkte-ag", "pavlova-ltd"} {
		d := depositorOf(t, s, supplier)
		stock := northwindOf(t, supplier)
		if len(stock) < 4 {
			t.Fatalf("%s has %d SKUs", supplier, len(stock))
		}
		d.holds(t, "at first", stock)

		first := moment()
		sheet := written(t, "stock.csv", northwindCSV(more(stock, 1)))
		at := []string{"--mode", "full", "--as-of", first.Format(time.RFC3339Nano)}
		ended(t, "a sheet", d.feed(t, sheet, at...), 0, "applied "+strconv.Itoa(len(stock)), "rejected 0")
		d.holds(t, "after the sheet", more(stock, 1))
		before := d.levels(t)
		ended(t, "the sheet again", d.feed(t, sheet, at...), 0, "replayed")

		second := moment()
		advice := written(t, "stock.x12", northwindAdvice(more(stock, 2), second))
		if after := d.levels(t); !mapsEqual(before, after) {
			t.Errorf("%s: what was sent twice was applied twice: %v, then %v", supplier, before, after)
		}
		ended(t, "an advice", d.feed(t, advice, "--mode", "full"), 0, "applied "+strconv.Itoa(len(stock)), "as of "+second.Format(time.RFC3339Nano))
		d.holds(t, "after the advice", more(stock, 2))
		before = d.levels(t)

		// What is older comes late, in either format; what is newer says the same.
		late := written(t, "late.csv", northwindCSV(stock))
		ended(t, "a sheet that is late", d.feed(t, late, at...), 1, "SEQUENCE_STALE")
		ended(t, "an advice that is late", d.feed(t, written(t, "late.x12", northwindAdvice(stock, first)), "--mode", "partial"), 1, "SEQUENCE_STALE")
		ended(t, "the advice again", d.feed(t, advice, "--mode", "full"), 0, "replayed")
		dry := d.feed(t, written(t, "dry.csv", northwindCSV(more(stock, 9))), "--mode", "full", "--as-of", moment().Format(time.RFC3339Nano), "--dry-run")
		ended(t, "a dry run", dry, 0, "dry run", "applied "+strconv.Itoa(len(stock)))
		if after := d.levels(t); !mapsEqual(before, after) {
			t.Errorf("%s: what was late or dry changed %v into %v", supplier, before, after)
		}
	}
}

func mapsEqual(a, b map[string][2]int) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if b[k] != v {
			return false
		}
	}
	return true
}

// A FULL feed that misses most rows waits for a person, who applies it.
func TestFeedThatWouldEmptyMostWaits(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	d := depositorOf(t, s, "plutzer-lebensmittelgrossmarkte-ag")
	stock := northwindOf(t, d.supplier)
	before := d.levels(t)
	sheet := written(t, "broken-off.csv", northwindCSV(stock[:1]))
	at := []string{"--mode", "full", "--as-of", moment().Format(time.RFC3339Nano)}
	ended(t, "a sheet that broke off", d.feed(t, sheet, at...), 1, "conflict MASS_ZEROING", "waits for a person")
	blind := d
	blind.token = issue(t, auth.Claims{Role: redline.RoleSupplier, Subject: "supplier:" + d.supplier, Suppliers: []string{d.supplier}, Scopes: []string{redline.ScopeInventoryWrite, redline.ScopeCatalogCost}})
	ended(t, "the same of a token that sees no conflicts", blind.feed(t, sheet, append(at, "--key", "unseen")...), 1, "waits for a person", "conflicts:read")
	ended(t, "the same, dry", d.feed(t, sheet, "--mode", "full", "--as-of", moment().Format(time.RFC3339Nano), "--dry-run"), 1, "would wait for a person")
	if after := d.levels(t); !mapsEqual(before, after) {
		t.Errorf("before anybody resolved it, it changed %v into %v", before, after)
	}

	operator := s.as(operatorToken(t))
	open := operator.ask(t, `{ conflicts(status: OPEN, kind: MASS_ZEROING) { nodes { id supplier { code } } } }`, nil).list("conflicts.nodes")
	if len(open) != 1 || text(open[0], "supplier.code") != d.supplier {
		t.Fatalf("open are %v", open)
	}
	operator.do(t, "conflictResolve", vars{"conflictId": text(open[0], "id"), "status": "RESOLVED", "resolution": "they closed the rest", "idempotencyKey": newKey()}, `conflict { status }`)
	left := more(stock, 0)
	for i := range left[1:] {
		left[i+1].units = 0
	}
	d.holds(t, "once it was resolved", left)
	// It was "unseen" that was kept last, in the place of the other.
	ended(t, "the one that it replaced, again", d.feed(t, sheet, at...), 1, "let go", "feed unseen took its place", "RESOLVED: they closed the rest")
	ended(t, "the one that was applied, again", d.feed(t, sheet, append(at, "--key", "unseen")...), 0, "replayed", "applied since", "RESOLVED: they closed the rest")
	ended(t, "the same, unseen", blind.feed(t, sheet, append(at, "--key", "unseen")...), 1, "what became of it")
}

// How many levels a FULL feed empties by leaving them out is said before it is
// done, and when it is.
func TestEmptiedLevelsAreTold(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	d := depositorOf(t, s, "plutzer-lebensmittelgrossmarkte-ag")
	stock := northwindOf(t, d.supplier)
	s.as(operatorToken(t)).do(t, "supplierTermsSet", vars{"supplierId": d.id, "zeroingLimitPercent": 100, "idempotencyKey": newKey()}, `supplier { id }`)
	sheet := written(t, "stock.csv", northwindCSV(more(stock, 1)[:1]))
	omitted := 0
	for _, s := range stock[1:] {
		if s.units > 0 {
			omitted++
		}
	}
	emptied := fmt.Sprintf("applied %d, unchanged 0, rejected 0\nof these %d levels that the document leaves out are emptied", 1+omitted, omitted)
	at := []string{"--mode", "full", "--as-of", moment().Format(time.RFC3339Nano)}
	ended(t, "a dry run", d.feed(t, sheet, append(at, "--dry-run")...), 0, "dry run", emptied)
	d.holds(t, "after the dry run", stock)
	ended(t, "the sheet", d.feed(t, sheet, at...), 0, emptied)
	ended(t, "the sheet again", d.feed(t, sheet, at...), 0, "replayed", emptied)
}

// Rows that are rejected come out by their lines, and the others go through.
func TestRejectedRowsComeOutByLine(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	d := depositorOf(t, s, "pavlova-ltd")
	stock := northwindOf(t, d.supplier)
	errs := filepath.Join(t.TempDir(), "errors.csv")
	sheet := written(t, "stock.csv", "sku,qty,unit\n"+
		stock[0].sku+",7,\n"+ // line 2
		"no-such-sku,7,\n"+
		stock[1].sku+",7,KILOGRAM\n"+
		stock[2].sku+",-7,\n"+
		stock[3].sku+",9,\n")
	ended(t, "a sheet with bad rows", d.feed(t, sheet, "--mode", "partial", "--as-of", moment().Format(time.RFC3339Nano), "--errors", errs), 2,
		"applied 2, unchanged 0, rejected 3", "conflict UNMAPPED_SKU", "conflict PACK_MISMATCH", "3 of 5 rows were rejected")
	var got []string
	for _, r := range records(t, errs) {
		got = append(got, strings.Join(r[:4], "|"))
	}
	want := []string{"line|supplier_sku|code|field", "3|no-such-sku|UNMAPPED_SKU|supplierSku", "4|" + stock[1].sku + "|PACK_MISMATCH|unit", "5|" + stock[2].sku + "|INVALID|quantity"}
	if !slices.Equal(got, want) {
		t.Errorf("the errors are\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
	stock[0].units, stock[3].units = 7, 9
	d.holds(t, "after it", stock)
}
