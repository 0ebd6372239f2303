package test_test

import (
	"crypto/rand"
	"testing"
	"time"
)

// What the tests do again and again, in the words of the contract.

// newKey makes an idempotency key.
func newKey() string { return rand.Text() }

const selectOrder = `order { id number status version externalReference customer { id name email } total { amount currency }
	nextStatuses lines { id quantity open backordered shipped cancelled product { sku } total { amount } }
	fulfillmentOrders { id status version supplier { code } location { code } lines { id quantity shipped } fulfillments { id status } }
	history { from to actor note } } cursor`

// orderInput is the input for an order of products by SKU.
func orderInput(customer vars, quantities map[string]int) vars {
	lines := []any{}
	for sku, n := range quantities {
		lines = append(lines, vars{"sku": sku, "quantity": n})
	}
	return vars{"idempotencyKey": newKey(), "customer": customer, "lines": lines}
}

// place places an order, which has to succeed, and returns the payload.
func (c caller) place(t testing.TB, input vars) answer {
	t.Helper()
	return c.do(t, "orderPlace", input, selectOrder)
}

const selectRows = `rows { index level { ` + levelFields + ` } userErrors { code message field } } cursor`

const levelFields = `id version onHand available committed reserved safetyStock unavailable shortfall incoming reorderPoint
	product { id sku } location { id code }`

// adjust changes the stock of a product at a location, which has to succeed, and
// returns the payload.
func (c caller) adjust(t testing.TB, sku, location, state string, delta int) answer {
	t.Helper()
	return c.do(t, "inventoryAdjust", vars{
		"idempotencyKey": newKey(), "reason": "CORRECTED",
		"changes": []any{vars{"stock": vars{"sku": sku, "locationCode": location}, "state": state, "delta": delta}},
	}, selectRows)
}

// level is a level as whoever asks sees it; nil where there is none.
func (c caller) level(t testing.TB, sku, location string) any {
	t.Helper()
	a := c.ask(t, `query($sku: String!) { inventoryLevels(filter: {skus: [$sku]}, first: 250) { nodes { `+levelFields+` } } }`, vars{"sku": sku})
	for _, l := range a.list("inventoryLevels.nodes") {
		if text(l, "location.code") == location {
			return l
		}
	}
	return nil
}

// pokeStock makes a change that shows in stock and in availability.
func (c caller) pokeStock(t testing.TB, sku, location string) func() string {
	return func() string { return c.adjust(t, sku, location, "ON_HAND", 1).text("cursor") }
}

// pokeOrder makes changes of an order that everybody is told of who may see it:
// an operator holds it, and lets it go.
func (c caller) pokeOrder(t testing.TB, id string) func() string {
	return func() string {
		c.do(t, "orderHold", vars{"orderId": id, "reason": "a look at it"}, "cursor")
		return c.do(t, "orderReleaseHold", vars{"orderId": id}, "cursor").text("cursor")
	}
}

// pokeConflict opens one more conflict of a supplier: its feed names an SKU that
// nobody knows.
func (c caller) pokeConflict(t testing.TB) func() string {
	return func() string {
		return c.feed(t, vars{"rows": []any{vars{"supplierSku": newKey(), "quantity": 1}}}, "cursor").text("cursor")
	}
}

// feed sends a supplier's feed of what is so now, which has to be taken, and
// returns the payload.
func (c caller) feed(t testing.TB, more vars, selection string) answer {
	t.Helper()
	return c.do(t, "supplierFeedSubmit", feedInput(more), selection)
}

func feedInput(more vars) vars {
	return mergeVars(vars{"idempotencyKey": newKey(), "mode": "PARTIAL", "asOf": time.Now().UTC().Format(time.RFC3339Nano)}, more)
}

const selectFeed = `applied unchanged rejected rows { index level { ` + levelFields + ` } userErrors { code message field } }
	conflicts { id kind status } cursor`
