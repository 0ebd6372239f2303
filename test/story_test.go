package test_test

import (
	"strconv"
	"testing"
)

// The suppliers of this file, and a product of each.
const (
	cajun      = "new-orleans-cajun-delights"
	cajunSauce = "NW-065"
	tokyo      = "tokyo-traders"
	tokyoIkura = "NW-010"
)

const (
	watchAvailability = `subscription($filter: AvailabilityLiveFilter) { availabilityChanged(filter: $filter) {
		cursor kind at available stale product { id sku name price { amount } } location { id code supplier { name } } } }`
	watchStock = `subscription($filter: InventoryLiveFilter) { inventoryChanged(filter: $filter) {
		cursor kind at reason changes { state delta after } level { ` + levelFields + ` asOf stale } } }`
	watchOrders = `subscription($filter: OrderLiveFilter) { orderChanged(filter: $filter) { cursor kind at from to
		order { id number version status externalReference customer { id name email } total { amount }
			lines { quantity open shipped product { sku name } unitPrice { amount } total { amount } }
			fulfillmentOrders { id status supplier { code } lines { quantity orderLine { product { sku } } } fulfillments { status trackingNumber } }
			history { to actor note } nextStatuses }
		fulfillmentOrder { id status version location { code } shipTo { city } } } }`
)

// A storefront asks and orders, a supplier changes its stock and moves the order
// on, and everybody who may sees both arrive.
func TestMainJob(t *testing.T) {
	t.Parallel()
	s := demo(t)
	anybody, operator := s.as(""), s.as(operatorToken(t))
	shop := s.as(shopToken(t, "hot-sauce.example"))
	supplier := s.as(supplierToken(t, cajun))
	cajunID := supplierID(t, s, cajun)

	page := s.socket(t, "")
	page.subscribe("availability", watchAvailability, vars{"filter": vars{"skus": []any{cajunSauce}}})
	page.subscribe("stock", watchStock, nil)
	page.subscribe("orders", watchOrders, nil)
	for _, id := range []string{"stock", "orders"} {
		if m := page.next(id); m.Type != "error" || text(parsed(t, m.Payload), "0.extensions.code") != "UNAUTHENTICATED" {
			t.Errorf("anybody's subscription to %s got %s %s", id, m.Type, m.Payload)
		}
	}
	dashboard, theirs, other := s.socket(t, operator.token), s.socket(t, supplier.token), s.socket(t, supplierToken(t, tokyo))
	dashboard.subscribe("stock", watchStock, vars{"filter": vars{"supplierId": cajunID}})
	dashboard.subscribe("orders", watchOrders, vars{"filter": vars{"supplierId": cajunID}})
	for _, w := range []*socket{theirs, other} {
		w.subscribe("stock", watchStock, nil)
		w.subscribe("orders", watchOrders, nil)
	}
	await(t, map[*socket][]string{
		page: {"availability"}, dashboard: {"stock", "orders"}, theirs: {"stock", "orders"}, other: {"stock", "orders"},
	})

	// The storefront looks, and orders of both suppliers.
	const bottles = 24
	before := operator.level(t, cajunSauce, cajun)
	seen := anybody.ask(t, `query($sku: String!) { product(by: {sku: $sku}) { name price { amount currency }
		availability { available locations { available location { code } } } } }`, vars{"sku": cajunSauce})
	if seen.num("product.availability.available") != num(before, "available") || seen.text("product.availability.locations.0.location.code") != cajun {
		t.Errorf("the storefront sees %s of a level %v", seen.body, before)
	}
	input := orderInput(vars{"id": "C-1", "name": "Ada Buyer", "email": "ada@example.com"}, map[string]int{cajunSauce: bottles, tokyoIkura: 2})
	reference := "web-" + newKey()
	input["externalReference"] = reference
	input["shipTo"] = vars{"name": "Ada Buyer", "lines": []any{"1 Main St"}, "city": "Springfield", "country": "US"}
	placed := shop.place(t, input)
	number, id := placed.text("order.number"), placed.text("order.id")

	// The supplier finds it in its inbox, receives two cases, and ships.
	inbox := supplier.ask(t, `{ fulfillmentOrders(filter: {statuses: [SUBMITTED]}, first: 250) { nodes { id order { number } } } }`, nil)
	partID := ""
	for _, f := range inbox.list("fulfillmentOrders.nodes") {
		if text(f, "order.number") == number {
			partID = text(f, "id")
		}
	}
	received := supplier.do(t, "inventoryAdjust", vars{
		"idempotencyKey": newKey(), "reason": "RECEIVED", "reference": "PO-7",
		"changes": []any{vars{"stock": vars{"supplierSku": "65"}, "delta": 2}},
	}, selectRows)
	const pack = 32 // "32 - 8 oz bottles"
	accepted := supplier.do(t, "fulfillmentOrderAccept", vars{"fulfillmentOrderId": partID}, `fulfillmentOrder { status }`)
	if got := accepted.text("fulfillmentOrder.status"); got != "ACCEPTED" {
		t.Errorf("the part is %s after it was accepted", got)
	}
	shipped := supplier.do(t, "fulfillmentCreate", vars{
		"idempotencyKey": newKey(), "fulfillmentOrderId": partID, "carrier": "UPS", "trackingNumber": "1Z999",
	}, `fulfillmentOrder { status fulfillments { id status } }`)
	if got := shipped.text("fulfillmentOrder.status"); got != "CLOSED" {
		t.Errorf("the part is %s after all of it was shipped", got)
	}
	delivered := supplier.do(t, "fulfillmentMarkDelivered",
		vars{"fulfillmentId": shipped.text("fulfillmentOrder.fulfillments.0.id")}, `fulfillmentOrder { fulfillments { status } }`)
	if got := delivered.text("fulfillmentOrder.fulfillments.0.status"); got != "DELIVERED" {
		t.Errorf("the shipment is %s", got)
	}

	// Stock, as the dashboard and the supplier see it.
	available, onHand, version := num(before, "available"), num(before, "onHand"), num(before, "version")
	for _, w := range []*socket{dashboard, theirs} {
		for i, want := range []struct {
			reason                       string
			onHand, available, committed int
		}{
			{"COMMITTED", 0, -bottles, bottles},
			{"RECEIVED", 2 * pack, 2*pack - bottles, bottles},
			{"SHIPPED", 2*pack - bottles, 2*pack - bottles, 0},
		} {
			e := w.event("stock")
			got := []int{num(e, "level.version"), num(e, "level.onHand"), num(e, "level.available"), num(e, "level.committed")}
			wanted := []int{version + 1 + i, onHand + want.onHand, available + want.available, num(before, "committed") + want.committed}
			if text(e, "reason") != want.reason || text(e, "kind") != "CHANGE" || !equal(got, wanted) {
				t.Errorf("event %d of stock is %s %s with version, on hand, available, committed %v; want %s %v",
					i, text(e, "kind"), text(e, "reason"), got, want.reason, wanted)
			}
			for _, ch := range list(e, "changes") {
				if state := text(ch, "state"); state == "ON_HAND" && num(ch, "after") != num(e, "level.onHand") ||
					state == "COMMITTED" && num(ch, "after") != num(e, "level.committed") {
					t.Errorf("change %v of a level that is %v", ch, at(e, "level"))
				}
			}
			if text(e, "level.product.sku") != cajunSauce || text(e, "level.location.code") != cajun {
				t.Errorf("an event of %v", at(e, "level"))
			}
		}
	}
	if got := received.num("rows.0.level.onHand"); got != onHand+2*pack {
		t.Errorf("two cases of %d made %d bottles of %d", pack, got, onHand)
	}

	// The order, as the dashboard sees it.
	steps := []struct{ from, to string }{{"", "PENDING"}, {"PENDING", "PROCESSING"}, {"PROCESSING", "PARTIALLY_SHIPPED"}, {"PARTIALLY_SHIPPED", "PARTIALLY_SHIPPED"}}
	for i, step := range steps {
		e := dashboard.event("orders")
		checkStep(t, e, i, step.from, step.to, id)
		if text(e, "order.customer.id") != "C-1" || text(e, "order.customer.name") != "Ada Buyer" || text(e, "order.total.amount") == "" ||
			len(list(e, "order.lines")) != 2 || len(list(e, "order.fulfillmentOrders")) != 2 || text(e, "order.externalReference") != reference {
			t.Errorf("the dashboard's event %d lacks something: %v", i, e)
		}
	}
	// As the supplier sees it: its own part, and none of the rest.
	for i, step := range steps {
		e := theirs.event("orders")
		checkStep(t, e, i, step.from, step.to, id)
		lines, parts := list(e, "order.lines"), list(e, "order.fulfillmentOrders")
		if len(lines) != 1 || text(lines[0], "product.sku") != cajunSauce || len(parts) != 1 || text(parts[0], "supplier.code") != cajun {
			t.Errorf("the supplier's event %d tells of lines %v and parts %v", i, lines, parts)
		}
		for _, hidden := range []string{"order.customer", "order.total", "order.externalReference", "order.lines.0.unitPrice", "order.lines.0.total"} {
			if v := at(e, hidden); v != nil {
				t.Errorf("the supplier is told %s %v", hidden, v)
			}
		}
		for _, h := range list(e, "order.history") {
			if at(h, "actor") != nil || at(h, "note") != nil {
				t.Errorf("the supplier is told who did it: %v", h)
			}
		}
		if i > 0 && (text(e, "fulfillmentOrder.id") != partID || text(e, "fulfillmentOrder.shipTo.city") != "Springfield") {
			t.Errorf("event %d is of the part %v", i, at(e, "fulfillmentOrder"))
		}
	}
	// A storefront's page: what can be sold, and nothing when it is shipped.
	for i, want := range []int{available - bottles, available - bottles + 2*pack} {
		e := page.event("availability")
		if num(e, "available") != want || text(e, "product.sku") != cajunSauce || text(e, "location.code") != cajun || text(e, "kind") != "CHANGE" {
			t.Errorf("event %d of availability is %v; want %d available", i, e, want)
		}
	}
	end := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 5).text("cursor")
	if e := page.event("availability"); text(e, "cursor") != end {
		t.Errorf("the page was told of a shipment: %v", e)
	}
	// The other supplier: of the order when it was placed, and nothing of what the
	// first one did.
	if e := other.event("stock"); text(e, "reason") != "COMMITTED" || text(e, "level.product.sku") != tokyoIkura {
		t.Errorf("the other supplier's first event is %v", e)
	}
	checkStep(t, other.event("orders"), 0, "", "PENDING", id)
	end = operator.adjust(t, tokyoIkura, tokyo, "ON_HAND", 5).text("cursor")
	if e := other.event("stock"); text(e, "cursor") != end {
		t.Errorf("the other supplier is told of %v", e)
	}
	held := operator.do(t, "orderHold", vars{"orderId": id, "reason": "an address to check"}, "cursor").text("cursor")
	if e := other.event("orders"); text(e, "cursor") != held || text(e, "to") != "ON_HOLD" {
		t.Errorf("the other supplier is told of %v", e)
	}

	// What is stored says the same.
	stored := shop.ask(t, `query($number: String!) { order(by: {number: $number}) { status version total { amount } customer { name }
		history { to } lines { product { sku } quantity shipped open } } }`, vars{"number": number})
	if stored.num("order.version") != len(steps)+1 || stored.text("order.status") != "ON_HOLD" {
		t.Errorf("the order is stored as %s", stored.body)
	}
}

func checkStep(t *testing.T, e any, i int, from, to, id string) {
	t.Helper()
	if num(e, "order.version") != i+1 || text(e, "order.id") != id || text(e, "from") != from || text(e, "to") != to || text(e, "kind") != "CHANGE" {
		t.Errorf("event %d of the order is version %d of %s: %s %q → %q; want version %d: %q → %q", i,
			num(e, "order.version"), text(e, "order.id"), text(e, "kind"), text(e, "from"), text(e, "to"), i+1, from, to)
	}
}

func equal(a, b []int) bool {
	for i := range a {
		if i >= len(b) || a[i] != b[i] {
			return false
		}
	}
	return len(a) == len(b)
}

func supplierID(t testing.TB, s *server, code string) string {
	t.Helper()
	a := s.as("").ask(t, `{ suppliers(first: 250) { nodes { id code } } }`, nil)
	for _, one := range a.list("suppliers.nodes") {
		if text(one, "code") == code {
			return text(one, "id")
		}
	}
	t.Fatal("no supplier " + strconv.Quote(code))
	return ""
}
