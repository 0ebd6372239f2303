package test_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"
)

// A gateway works as a role that may do no more than a gateway does; and says so in
// its log where rights don't bind its role.
func TestServeAsARoleWithLess(t *testing.T) {
	t.Parallel()
	first := start(t, ownDir(t))
	super, err := sql.Open("postgres", strings.Replace(first.databaseURL(), "redline@", "postgres@", 1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = super.Close() })
	for _, s := range []string{`CREATE ROLE gateway`, `GRANT gateway TO redline`} {
		if _, err := super.ExecContext(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if r := run(t, nil, "migrate", "grant", "redline", "--database-url", first.databaseURL()); r.code == 0 || !strings.Contains(r.err, "owner") {
		t.Errorf("granting to the owner: exit %d, %s", r.code, r.err)
	}
	if r := run(t, nil, "migrate", "grant", "gateway", "--database-url", first.databaseURL()); r.code != 0 {
		t.Fatalf("granting: exit %d, %s", r.code, r.err)
	}

	const restraint = "ledger and audit are append-only by this role's restraint alone; `redline migrate grant` gives another what it needs"
	owner := start(t, ownDir(t), "--dev", "--database-url", first.databaseURL())
	if _, err := owner.awaitLog(restraint, time.Second); err != nil { // it listens already
		t.Error(err)
	}
	lesser := start(t, ownDir(t), "--dev", "--database-url", first.databaseURL()+"&role=gateway")
	if strings.Contains(lesser.log.String(), "restraint") {
		t.Errorf("it warns of a role that is bound:\n%s", lesser.log)
	}
	operator := lesser.as(operatorToken(t))
	before := owner.socket(t, operator.token)
	before.subscribe("1", `subscription { inventoryChanged { cursor level { id } } }`, nil)
	await(t, map[*socket][]string{before: {"1"}})
	cursor := operator.adjust(t, filterSKU, east, "ON_HAND", 3).text("cursor")
	if e := before.event("1"); text(e, "cursor") != cursor {
		t.Errorf("the other gateway tells of %v", e)
	}
	a := operator.ask(t, `mutation ($in: OrderPlaceInput!) { orderPlace(input: $in) { order { number } userErrors { code message } } }`,
		vars{"in": vars{"idempotencyKey": "less", "customer": vars{}, "lines": []any{vars{"sku": filterSKU, "quantity": 1}}}})
	if at(a.data, "orderPlace.order.number") == nil {
		t.Errorf("placing an order: %v", a.data)
	}
}
