package test_test

import (
	"context"
	"slices"
	"testing"
)

const selectReservation = `reservation { id status version expiresAt reference lines { quantity product { sku } location { code } } } cursor`

// reserve holds stock of one product, which has to succeed.
func (c caller) reserve(t testing.TB, sku string, quantity, seconds int) answer {
	t.Helper()
	return c.do(t, "reservationCreate", vars{
		"idempotencyKey": newKey(), "ttlSeconds": seconds, "lines": []any{vars{"sku": sku, "quantity": quantity}},
	}, selectReservation)
}

// A shop holds stock while its customer pays, and the order takes over what was
// held: nobody else gets it in between.
func TestReservationBecomesAnOrder(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const sku, location = "BRK-PAD-1043", "WH-EAST"
	operator, shop, other := s.as(operatorToken(t)), s.as(shopToken(t, "holds.example")), s.as(shopToken(t, "others.example"))
	before := operator.level(t, sku, location)
	level := func(when string, reserved, committed int) {
		t.Helper()
		now := operator.level(t, sku, location)
		got := []int{num(now, "reserved") - num(before, "reserved"), num(now, "committed") - num(before, "committed"), num(before, "available") - num(now, "available")}
		if want := []int{reserved, committed, reserved + committed}; !equal(got, want) {
			t.Errorf("%s reserved, committed and no longer available are %v, want %v", when, got, want)
		}
	}

	input := vars{"idempotencyKey": newKey(), "reference": "cart-7", "ttlSeconds": 3600, "lines": []any{vars{"sku": sku, "quantity": 3}}}
	held := shop.do(t, "reservationCreate", input, selectReservation)
	id := held.text("reservation.id")
	if held.text("reservation.status") != "ACTIVE" || held.text("reservation.reference") != "cart-7" || held.num("reservation.lines.0.quantity") != 3 ||
		held.text("reservation.lines.0.product.sku") != sku || held.text("reservation.lines.0.location.code") != location {
		t.Errorf("held as %s", held.body)
	}
	if again := shop.do(t, "reservationCreate", input, selectReservation); !again.flag("replayed") || again.text("reservation.id") != id {
		t.Errorf("asked again: %s", again.body)
	}
	level("held:", 3, 0)
	extended := shop.do(t, "reservationExtend", vars{"reservationId": id, "ttlSeconds": 7200, "expectedVersion": 1}, selectReservation)
	if extended.num("reservation.version") != 2 || extended.text("reservation.expiresAt") <= held.text("reservation.expiresAt") {
		t.Errorf("held for longer as %s", extended.body)
	}
	if a := other.ask(t, `query($id: ID!) { reservation(id: $id) { id } node(id: $id) { id } }`, vars{"id": id}); at(a.data, "reservation") != nil || at(a.data, "node") != nil {
		t.Errorf("another shop sees %s", a.body)
	}

	order := vars{"idempotencyKey": newKey(), "customer": vars{"name": "Ada"}, "reservationId": id}
	placed := shop.do(t, "orderPlace", order, selectOrder)
	if placed.num("order.lines.0.open") != 3 || placed.text("order.fulfillmentOrders.0.location.code") != location {
		t.Errorf("the order is %s", placed.body)
	}
	level("ordered:", 0, 3)
	if a := shop.ask(t, `query($id: ID!) { reservation(id: $id) { status } }`, vars{"id": id}); a.text("reservation.status") != "COMMITTED" {
		t.Errorf("after the order the reservation is %s", a.body)
	}
	order["idempotencyKey"] = newKey()
	if a := shop.attempt(t, "orderPlace", order, "order { id }"); len(a.refusals()) != 1 || at(a.data, "order") != nil {
		t.Errorf("one reservation for two orders: %s", a.body)
	}
	if a := shop.attempt(t, "reservationRelease", vars{"reservationId": id}, "reservation { id }"); !slices.Equal(a.refusals(), []string{"INVALID_TRANSITION"}) {
		t.Errorf("released after the order: %s", a.body)
	}

	second := shop.reserve(t, sku, 2, 3600).text("reservation.id")
	level("held again:", 2, 3)
	shop.do(t, "reservationRelease", vars{"reservationId": second}, selectReservation)
	level("released:", 0, 3)
	shop.do(t, "orderCancel", vars{"idempotencyKey": newKey(), "orderId": placed.text("order.id"), "reason": "r"}, "cursor")
	level("cancelled:", 0, 0)

	admin := s.as(adminToken(t))
	if got := admin.actions(t, id); !slices.Contains(got, "reservationCreate") || !slices.Contains(got, "reservationExtend") {
		t.Errorf("the audit has %v of the reservation", got)
	}
}

// A hold ends at its instant, and its stock is back for others.
func TestReservationExpires(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const sku, location = "BRK-PAD-1044", "WH-WEST"
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "holds.example"))
	place := text(operator.level(t, sku, location), "location.id")
	before := operator.level(t, sku, location)
	id := shop.do(t, "reservationCreate", vars{
		"idempotencyKey": newKey(), "ttlSeconds": 1, "lines": []any{vars{"sku": sku, "quantity": 1, "locationId": place}},
	}, selectReservation).text("reservation.id")
	eventually(t, "the reservation expires", func(context.Context) bool {
		return shop.ask(t, `query($id: ID!) { reservation(id: $id) { status } }`, vars{"id": id}).text("reservation.status") == "EXPIRED"
	})
	if a := shop.attempt(t, "orderPlace", vars{"idempotencyKey": newKey(), "customer": vars{}, "reservationId": id}, "order { id }"); !slices.Equal(a.refusals(), []string{"RESERVATION_EXPIRED"}) {
		t.Errorf("an order of what is no longer held: %s", a.body)
	}
	eventually(t, "its stock is back", func(context.Context) bool {
		now := operator.level(t, sku, location)
		return num(now, "reserved") == num(before, "reserved") && num(now, "available") == num(before, "available")
	})
}
