package test_test

import (
	"context"
	"slices"
	"strings"
	"testing"
)

const watchConflicts = `subscription { conflictChanged { cursor kind at conflict { id kind status version supplier { code } summary resolution } } }`

// A feed's rows that can't be taken say which they are and why, and the others
// go through.
func TestFeedSaysWhichRows(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, sku, pack = "mayumis", "NW-014", 40
	operator, supplier := s.as(operatorToken(t)), s.as(supplierToken(t, code))
	committed := num(operator.level(t, sku, code), "committed")
	mystery := "M-" + newKey()
	input := feedInput(vars{"rows": []any{
		vars{"supplierSku": "14", "quantity": 100},
		vars{"supplierSku": mystery, "quantity": 2},
		vars{"supplierSku": "15", "quantity": 1, "unit": "SET"},
		vars{"supplierSku": "13", "quantity": 7, "locationCode": "nowhere"},
		vars{"supplierSku": "13", "quantity": -1},
	}})
	fed := supplier.do(t, "supplierFeedSubmit", input, selectFeed)
	got := []string{}
	for i, row := range fed.list("rows") {
		if num(row, "index") != i {
			t.Errorf("row %d is told as %v", i, row)
		}
		for _, e := range list(row, "userErrors") {
			path := []string{}
			for _, step := range list(e, "field") {
				path = append(path, step.(string))
			}
			got = append(got, text(e, "code")+" "+strings.Join(path, "."))
		}
	}
	want := []string{"UNMAPPED_SKU rows.1.supplierSku", "PACK_MISMATCH rows.2.unit", "NOT_FOUND rows.3.locationCode", "INVALID rows.4.quantity"}
	if !slices.Equal(got, want) || fed.num("applied") != 1 || fed.num("rejected") != 4 || fed.num("rows.0.level.onHand") != 100*pack ||
		fed.num("rows.0.level.committed") != committed {
		t.Errorf("the rows are refused with %q, want %q: %s", got, want, fed.body)
	}
	if again := supplier.do(t, "supplierFeedSubmit", input, selectFeed); !again.flag("replayed") || again.num("rejected") != 4 || len(again.list("conflicts")) != 2 {
		t.Errorf("sent again: %s", again.body)
	}

	unmapped := ""
	for _, c := range fed.list("conflicts") {
		if text(c, "kind") == "UNMAPPED_SKU" {
			unmapped = text(c, "id")
		}
	}
	const konbu = "NW-013"
	product := text(operator.level(t, konbu, code), "product.id")
	settled := operator.do(t, "conflictResolve", vars{
		"conflictId": unmapped, "status": "RESOLVED", "resolution": "the same in cases of six", "mapping": vars{"productId": product, "unit": "CASE", "packQuantity": 6},
	}, `conflict { status resolution version subject { id } supplier { code } }`)
	if settled.text("conflict.status") != "RESOLVED" || settled.text("conflict.supplier.code") != code {
		t.Errorf("settled as %s", settled.body)
	}
	found := operator.ask(t, `query($supplier: ID!, $sku: String!) { product(by: {supplierSku: {supplierId: $supplier, sku: $sku}}) { sku
		supplierItems { supplierSku unit packQuantity versions { version unit packQuantity } } } }`, vars{"supplier": supplierID(t, s, code), "sku": mystery})
	if found.text("product.sku") != konbu || !strings.Contains(found.body, `"supplierSku":"`+mystery+`","unit":"CASE","packQuantity":6,"versions":[{"version":1,`) {
		t.Errorf("the SKU is mapped as %s", found.body)
	}
	if n := num(operator.level(t, konbu, code), "onHand"); n != 2*6 {
		t.Errorf("what the row said comes to %d on hand, want %d", n, 2*6)
	}
	if got := s.as(adminToken(t)).actions(t, unmapped); !slices.Contains(got, "conflictResolve") {
		t.Errorf("the audit has %v of the conflict", got)
	}
}

// A conflict is told of when it opens and when it is closed, to those whom it is
// about and to those who see all, and to no others.
func TestConflictIsWatched(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, otherCode = "gday-mate", "gai-paturage"
	operator, supplier, other := s.as(operatorToken(t)), s.as(supplierToken(t, code)), s.as(supplierToken(t, otherCode))
	dashboard, theirs, others := s.socket(t, operator.token), s.socket(t, supplier.token), s.socket(t, other.token)
	for _, w := range []*socket{dashboard, theirs, others} {
		w.subscribe("conflicts", watchConflicts, nil)
	}
	await(t, map[*socket][]string{dashboard: {"conflicts"}, theirs: {"conflicts"}, others: {"conflicts"}})

	opened := supplier.feed(t, vars{"rows": []any{vars{"supplierSku": newKey(), "quantity": 1}}}, selectFeed)
	id := opened.text("conflicts.0.id")
	operator.do(t, "conflictResolve", vars{"conflictId": id, "status": "DISMISSED", "resolution": "a typing error"}, `conflict { id }`)
	if a := operator.attempt(t, "conflictResolve", vars{"conflictId": id, "status": "DISMISSED", "resolution": "again"}, `conflict { id }`); !slices.Equal(a.refusals(), []string{"INVALID_TRANSITION"}) {
		t.Errorf("closed twice: %s", a.body)
	}
	for _, w := range []*socket{dashboard, theirs} {
		for version, status := range []string{"OPEN", "DISMISSED"} {
			for {
				e := w.event("conflicts")
				if text(e, "conflict.id") != id {
					continue // of another test
				}
				if text(e, "conflict.status") != status || num(e, "conflict.version") != version+1 || text(e, "conflict.supplier.code") != code || text(e, "kind") != "CHANGE" {
					t.Errorf("told of %v, want version %d, %s", e, version+1, status)
				}
				break
			}
		}
	}
	last := other.pokeConflict(t)()
	if e := others.event("conflicts"); text(e, "cursor") != last {
		t.Errorf("another supplier is told of %v", e)
	}
	if a := other.ask(t, `query($id: ID!) { node(id: $id) { id } conflicts(first: 250) { nodes { supplier { code } } } }`, vars{"id": id}); at(a.data, "node") != nil ||
		strings.Contains(a.body, code) {
		t.Errorf("another supplier sees %s", a.body)
	}
	shop := s.as(shopToken(t, "watching.example"))
	if a := shop.tell(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id}); !slices.Equal(a.codes(), []string{"FORBIDDEN"}) {
		t.Errorf("a shop sees %s", a.body)
	}
}

// What its supplier doesn't confirm in time is stale, and left out by those who
// say so.
func TestStaleStockIsLeftOut(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, sku = "ma-maison", "NW-055"
	operator, admin, supplier, shop := s.as(operatorToken(t)), s.as(adminToken(t)), s.as(supplierToken(t, code)), s.as(shopToken(t, "stale.example"))
	product, supplierOf := text(operator.level(t, sku, code), "product.id"), supplierID(t, s, code)
	look := func() answer {
		t.Helper()
		return s.as("").ask(t, `query($sku: String!, $product: ID!) {
			product(by: {sku: $sku}) { all: availability { available locations { stale } } fresh: availability(includeStale: false) { available locations { stale } } }
			any: availability(lines: [{productId: $product, quantity: 1}]) { available }
			sure: availability(lines: [{productId: $product, quantity: 1}], includeStale: false) { available } }`, vars{"sku": sku, "product": product})
	}
	if a := look(); a.num("product.fresh.available") != a.num("product.all.available") || a.num("product.all.available") < 1 {
		t.Fatalf("before: %s", a.body)
	}
	admin.do(t, "supplierTermsSet", vars{"supplierId": supplierOf, "confirmWithinSeconds": 1}, `supplier { terms { confirmWithinSeconds version } }`)
	eventually(t, "its stock turns stale", func(context.Context) bool { return look().flag("product.all.locations.0.stale") })
	a := look()
	if a.num("product.all.available") < 1 || a.num("product.fresh.available") != 0 || len(a.list("product.fresh.locations")) != 0 ||
		a.num("any.0.available") < 1 || a.num("sure.0.available") != 0 {
		t.Errorf("stale: %s", a.body)
	}
	input := mergeVars(orderInput(vars{}, map[string]int{sku: 1}), vars{"allowStale": false})
	if a := shop.attempt(t, "orderPlace", input, "order { id }"); !slices.Equal(a.refusals(), []string{"INSUFFICIENT_STOCK"}) {
		t.Errorf("an order of stale stock: %s", a.body)
	}
	levels := supplier.ask(t, `{ inventoryLevels(filter: {staleOnly: true}, first: 250) { nodes { product { sku } location { code } } } }`, nil)
	if !strings.Contains(levels.body, `"`+sku+`"`) {
		t.Errorf("of its stale levels the supplier sees %s", levels.body)
	}

	admin.do(t, "supplierTermsSet", vars{"supplierId": supplierOf, "confirmWithinSeconds": 86_400}, `supplier { status }`)
	supplier.feed(t, vars{"rows": []any{vars{"supplierSku": "55", "quantity": 100}}}, selectFeed)
	if a := look(); a.num("product.fresh.available") < 1 || a.flag("product.all.locations.0.stale") {
		t.Errorf("confirmed: %s", a.body)
	}
	standing := operator.ask(t, `query($id: ID!) { node(id: $id) { ... on Supplier { status lastSeenAt terms { confirmWithinSeconds version } } } }`, vars{"id": supplierOf})
	if standing.text("node.lastSeenAt") == "" || standing.num("node.terms.confirmWithinSeconds") != 86_400 || standing.num("node.terms.version") != 3 {
		t.Errorf("the supplier stands as %s", standing.body)
	}
	if got := admin.actions(t, supplierOf); !slices.Contains(got, "supplierTermsSet") {
		t.Errorf("the audit has %v of the supplier", got)
	}
}
