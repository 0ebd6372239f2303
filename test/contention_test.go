package test_test

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"redline"
)

// atOnce lets n callers go at the same moment, and waits for all.
func atOnce(n int, do func(i int)) {
	var all sync.WaitGroup
	gate := make(chan struct{})
	for i := range n {
		all.Go(func() {
			<-gate
			do(i)
		})
	}
	close(gate)
	all.Wait()
}

// 64 buyers of the last 10 bottles: 10 are sold, 54 are told.
func TestTheLastBottles(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "last-bottles.example"))
	const (
		sku, location    = "NW-034", "bigfoot-breweries" // Sasquatch Ale
		buyers, left     = 64, 10
		placeAnd         = `order { id number } cursor`
		insufficient     = "INSUFFICIENT_STOCK"
		unexpectedFormat = "buyer %d: status %d %s"
	)
	setAvailable(t, operator, sku, location, left)
	before := operator.level(t, sku, location)

	answers := make([]answer, buyers)
	atOnce(buyers, func(i int) {
		answers[i] = shop.attempt(t, "orderPlace", orderInput(vars{"name": fmt.Sprint("buyer ", i)}, map[string]int{sku: 1}), placeAnd)
	})
	sold, told, numbers := 0, 0, map[string]bool{}
	for i, a := range answers {
		switch codes := a.refusals(); {
		case a.status != http.StatusOK || len(a.errors) > 0:
			t.Errorf(unexpectedFormat, i, a.status, a.body)
		case len(codes) == 0:
			sold++
			numbers[a.text("order.number")] = true
		case len(codes) == 1 && codes[0] == insufficient:
			told++
			if e := a.list("userErrors")[0]; num(e, "requested") != 1 || num(e, "available") != 0 || text(e, "field.0") != "lines" {
				t.Errorf("buyer %d is told %v", i, e)
			}
		default:
			t.Errorf(unexpectedFormat, i, a.status, a.body)
		}
	}
	if sold != left || told != buyers-left || len(numbers) != left {
		t.Errorf("%d sold (%d numbers), %d told there is none left; want %d and %d", sold, len(numbers), told, left, buyers-left)
	}
	after := operator.level(t, sku, location)
	if num(after, "available") != 0 || num(after, "committed") != num(before, "committed")+left || num(after, "onHand") != num(before, "onHand") ||
		num(after, "version") != num(before, "version")+left || num(after, "shortfall") != 0 {
		t.Errorf("the level went from %v to %v", before, after)
	}
	if d := s.as("").ask(t, `query($sku: String!) { product(by: {sku: $sku}) { availability { available } } }`, vars{"sku": sku}); d.num("product.availability.available") != 0 {
		t.Errorf("a storefront sees %s", d.body)
	}
}

// setAvailable counts a level such that so much is available, whoever of the
// demo's orders is served with what that brings.
func setAvailable(t *testing.T, c caller, sku, location string, available int) {
	t.Helper()
	for range 10 {
		l := c.level(t, sku, location)
		if num(l, "available") == available {
			return
		}
		onHand := num(l, "onHand") - num(l, "available") + num(l, "shortfall") + available
		c.do(t, "inventorySet", vars{"idempotencyKey": newKey(), "counts": []any{vars{
			"stock": vars{"sku": sku, "locationCode": location}, "onHand": onHand, "basis": vars{"override": true},
		}}}, selectRows)
	}
	t.Fatalf("after ten counts %v is there, and not %d to be had", c.level(t, sku, location), available)
}

// The same key 50 times at once: one order, and everybody learns which.
func TestOneKeyIsOneOrder(t *testing.T) {
	t.Parallel()
	s := demo(t)
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "one-key.example "+newKey()))
	const sku, location, calls = "NW-035", "bigfoot-breweries", 50 // Steeleye Stout
	setAvailable(t, operator, sku, location, 100)
	before := operator.level(t, sku, location)
	input := orderInput(vars{"name": "Once"}, map[string]int{sku: 2})

	answers := make([]answer, calls)
	atOnce(calls, func(i int) {
		answers[i] = shop.settle(t, mutationText("orderPlace", `order { id number } cursor`), vars{"input": input})
	})
	first, number := 0, answers[0].text("orderPlace.order.number")
	for i, a := range answers {
		if len(a.errors) > 0 || a.text("orderPlace.order.number") != number || number == "" {
			t.Fatalf("call %d: %s; want the order %s", i, a.body, number)
		}
		if !a.flag("orderPlace.replayed") {
			first++
		}
	}
	if first != 1 {
		t.Errorf("%d calls are the first", first)
	}
	orders := shop.ask(t, `{ orders(first: 250) { totalCount nodes { number } } }`, nil)
	if orders.num("orders.totalCount") != 1 || orders.text("orders.nodes.0.number") != number {
		t.Errorf("the shop has %s", orders.body)
	}
	after := operator.level(t, sku, location)
	if num(after, "committed") != num(before, "committed")+2 || num(after, "version") != num(before, "version")+1 {
		t.Errorf("the level went from %v to %v", before, after)
	}
	input["lines"] = []any{vars{"sku": sku, "quantity": 3}}
	if got := shop.attempt(t, "orderPlace", input, "cursor").refusals(); len(got) != 1 || got[0] != string(redline.CodeIdempotencyKeyReused) {
		t.Errorf("the key with another input: %v", got)
	}
	// Somebody else's key of the same letters is another key.
	input["lines"] = []any{vars{"sku": sku, "quantity": 2}}
	other := s.as(shopToken(t, "another-shop.example")).place(t, input)
	if other.flag("replayed") || other.text("order.number") == number {
		t.Errorf("another shop's key got %s", other.body)
	}
}
