package test_test

import (
	"slices"
	"testing"
)

const selectPart = `fulfillmentOrder { id status version lines { id quantity accepted shipped } fulfillments { id status trackingNumber }
	order { id status lines { open backordered shipped cancelled } fulfillmentOrders { id status location { code } lines { quantity } } } } cursor`

// What a location doesn't take goes to another that can serve.
func TestPartIsTakenInPart(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const sku = "BRK-PAD-1044"
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "parts.example"))
	placed := shop.place(t, orderInput(vars{"name": "Ada"}, map[string]int{sku: 3}))
	first := placed.text("order.fulfillmentOrders.0.location.code")
	a := operator.do(t, "fulfillmentOrderAccept", vars{
		"fulfillmentOrderId": placed.text("order.fulfillmentOrders.0.id"),
		"lines":              []any{vars{"lineId": placed.text("order.fulfillmentOrders.0.lines.0.id"), "accepted": 1, "reason": "the rest is damaged"}},
	}, selectPart)
	if a.text("fulfillmentOrder.status") != "PARTIALLY_ACCEPTED" || a.num("fulfillmentOrder.lines.0.accepted") != 1 {
		t.Errorf("the part is %s", a.body)
	}
	elsewhere := 0
	for _, part := range a.list("fulfillmentOrder.order.fulfillmentOrders") {
		if text(part, "location.code") != first {
			elsewhere += num(part, "lines.0.quantity")
		}
	}
	if elsewhere != 2 || a.num("fulfillmentOrder.order.lines.0.open") != 3 || a.num("fulfillmentOrder.order.lines.0.backordered") != 0 {
		t.Errorf("%d of 2 go elsewhere: %s", elsewhere, a.body)
	}
	shop.do(t, "orderCancel", vars{"idempotencyKey": newKey(), "orderId": placed.text("order.id"), "reason": "r"}, "cursor")
}

// What a supplier has taken on is cancelled with its consent.
func TestCancellationIsAskedFor(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, sku = "karkki-oy", "NW-050"
	operator, shop, supplier := s.as(operatorToken(t)), s.as(shopToken(t, "parts.example")), s.as(supplierToken(t, code))
	before := operator.level(t, sku, code)
	placed := shop.place(t, orderInput(vars{"name": "Ada"}, map[string]int{sku: 4}))
	order, part := placed.text("order.id"), placed.text("order.fulfillmentOrders.0.id")
	supplier.do(t, "fulfillmentOrderAccept", vars{"fulfillmentOrderId": part}, selectPart)
	cancel := func() {
		t.Helper()
		a := shop.do(t, "orderCancel", vars{"idempotencyKey": newKey(), "orderId": order, "reason": "changed their mind"}, selectOrder)
		if a.text("order.fulfillmentOrders.0.status") != "CANCELLATION_REQUESTED" || a.text("order.status") == "CANCELLED" {
			t.Errorf("asked to be cancelled: %s", a.body)
		}
	}

	cancel()
	if a := supplier.do(t, "fulfillmentOrderRejectCancellation", vars{"fulfillmentOrderId": part, "reason": "packed"}, selectPart); a.text("fulfillmentOrder.status") != "ACCEPTED" {
		t.Errorf("the supplier goes on with %s", a.body)
	}
	cancel()
	if a := supplier.do(t, "fulfillmentOrderAcceptCancellation", vars{"fulfillmentOrderId": part}, selectPart); a.text("fulfillmentOrder.status") != "CANCELLED" ||
		a.text("fulfillmentOrder.order.status") != "CANCELLED" {
		t.Errorf("the supplier gives up %s", a.body)
	}
	after := operator.level(t, sku, code)
	if num(after, "committed") != num(before, "committed") || num(after, "available") != num(before, "available") {
		t.Errorf("the level went from %v to %v", before, after)
	}
	if a := supplier.attempt(t, "fulfillmentOrderAcceptCancellation", vars{"fulfillmentOrderId": part}, selectPart); !slices.Equal(a.refusals(), []string{"INVALID_TRANSITION"}) {
		t.Errorf("given up twice: %s", a.body)
	}
	for _, action := range []string{"fulfillmentOrderAcceptCancellation", "fulfillmentOrderRejectCancellation"} {
		if got := s.as(adminToken(t)).actions(t, order); !slices.Contains(got, action) {
			t.Errorf("the audit has %v of the order, and no %s", got, action)
		}
	}
}

// A shipment that is made ready takes nothing from stock until it leaves.
func TestPendingShipment(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, sku = "pasta-buttini-srl", "NW-057"
	operator, shop, supplier := s.as(operatorToken(t)), s.as(shopToken(t, "parts.example")), s.as(supplierToken(t, code))
	placed := shop.place(t, orderInput(vars{"name": "Ada"}, map[string]int{sku: 5}))
	part, line := placed.text("order.fulfillmentOrders.0.id"), placed.text("order.fulfillmentOrders.0.lines.0.id")
	before := operator.level(t, sku, code)
	ready := func(n int) string {
		t.Helper()
		a := supplier.do(t, "fulfillmentCreate", vars{
			"idempotencyKey": newKey(), "fulfillmentOrderId": part, "pending": true, "lines": []any{vars{"lineId": line, "quantity": n}},
		}, selectPart)
		shipments := a.list("fulfillmentOrder.fulfillments")
		last := shipments[len(shipments)-1]
		if text(last, "status") != "PENDING" || num(operator.level(t, sku, code), "onHand") != num(before, "onHand") {
			t.Errorf("made ready as %s", a.body)
		}
		return text(last, "id")
	}

	supplier.do(t, "fulfillmentCancel", vars{"fulfillmentId": ready(2), "reason": "broken box"}, selectPart)
	leaving := ready(2)
	shipped := supplier.do(t, "fulfillmentMarkShipped", vars{"fulfillmentId": leaving, "carrier": "UPS", "trackingNumber": "1Z2"}, selectPart)
	after := operator.level(t, sku, code)
	if num(before, "onHand")-num(after, "onHand") != 2 || shipped.num("fulfillmentOrder.lines.0.shipped") != 2 {
		t.Errorf("it left as %s, of %v", shipped.body, after)
	}
	statuses := []string{}
	failed := supplier.do(t, "fulfillmentMarkFailed", vars{"fulfillmentId": leaving, "reason": "lost"}, selectPart)
	for _, shipment := range failed.list("fulfillmentOrder.fulfillments") {
		statuses = append(statuses, text(shipment, "status")+" "+text(shipment, "trackingNumber"))
	}
	if slices.Sort(statuses); !slices.Equal(statuses, []string{"CANCELLED ", "FAILED 1Z2"}) {
		t.Errorf("the shipments are %q", statuses)
	}
	if a := supplier.attempt(t, "fulfillmentMarkDelivered", vars{"fulfillmentId": leaving}, selectPart); !slices.Equal(a.refusals(), []string{"INVALID_TRANSITION"}) {
		t.Errorf("delivered after it was lost: %s", a.body)
	}
}

// Goods come back, in part to be sold again.
func TestGoodsComeBack(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const code, sku = "pasta-buttini-srl", "NW-056"
	operator, shop, supplier := s.as(operatorToken(t)), s.as(shopToken(t, "parts.example")), s.as(supplierToken(t, code))
	placed := shop.place(t, orderInput(vars{"name": "Ada"}, map[string]int{sku: 4}))
	order, line := placed.text("order.id"), placed.text("order.lines.0.id")
	announce := func(n int) answer {
		t.Helper()
		return shop.attempt(t, "returnCreate", vars{
			"idempotencyKey": newKey(), "orderId": order, "reason": "too many", "lines": []any{vars{"orderLineId": line, "quantity": n}},
		}, `return { id status reason version order { id } lines { id quantity orderLine { id product { sku } } } } cursor`)
	}
	if a := announce(1); len(a.refusals()) != 1 {
		t.Errorf("what was not shipped comes back: %s", a.body)
	}
	supplier.do(t, "fulfillmentCreate", vars{"idempotencyKey": newKey(), "fulfillmentOrderId": placed.text("order.fulfillmentOrders.0.id")}, selectPart)
	before := operator.level(t, sku, code)
	announced := announce(3)
	id := announced.text("return.id")
	if announced.text("return.status") != "REQUESTED" || announced.text("return.order.id") != order || announced.text("return.lines.0.orderLine.id") != line {
		t.Errorf("announced as %s", announced.body)
	}
	if a := announce(2); len(a.refusals()) != 1 {
		t.Errorf("more comes back than was shipped: %s", a.body)
	}
	receive := func(restock, writeOff int) answer {
		t.Helper()
		return supplier.do(t, "returnReceive", vars{"idempotencyKey": newKey(), "returnId": id, "lines": []any{
			vars{"lineId": announced.text("return.lines.0.id"), "restock": restock, "writeOff": writeOff}}},
			`return { status lines { restocked writtenOff orderLine { returned } } } cursor`)
	}
	if a := receive(1, 0); a.text("return.status") != "PARTIALLY_RECEIVED" || num(operator.level(t, sku, code), "onHand") != num(before, "onHand")+1 {
		t.Errorf("one came in: %s", a.body)
	}
	if a := receive(0, 2); a.text("return.status") != "RECEIVED" || a.num("return.lines.0.writtenOff") != 2 || num(operator.level(t, sku, code), "onHand") != num(before, "onHand")+1 {
		t.Errorf("all came in: %s", a.body)
	}
	seen := shop.ask(t, `query($id: ID!, $order: ID!) { order(by: {id: $order}) { lines { returned } returns { id status reason lines { orderLine { product { sku } } } order { number } } }
		node(id: $id) { ... on Return { status order { lines { returned } } } } }`, vars{"id": id, "order": order})
	if seen.num("order.lines.0.returned") != 3 || seen.text("order.returns.0.status") != "RECEIVED" || seen.text("order.returns.0.lines.0.orderLine.product.sku") != sku ||
		seen.text("order.returns.0.order.number") != placed.text("order.number") || seen.num("node.order.lines.0.returned") != 3 {
		t.Errorf("the shop sees %s", seen.body)
	}
	stranger := s.as(supplierToken(t, mine)).ask(t, `query($id: ID!) { node(id: $id) { id } }`, vars{"id": id})
	if at(stranger.data, "node") != nil {
		t.Errorf("another supplier sees %s", stranger.body)
	}
	if got := s.as(adminToken(t)).actions(t, order); !slices.Contains(got, "returnReceive") || !slices.Contains(got, "returnCreate") {
		t.Errorf("the audit has %v of the order", got)
	}
}
