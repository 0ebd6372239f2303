package test_test

import (
	"context"
	"fmt"
	"testing"
)

// An operator is told how busy the shop is, and who hangs on the gateway; a supplier isn't.
func TestPulse(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	w := s.socket(t, operatorToken(t))
	w.subscribe("a", `subscription { inventoryChanged { cursor } }`, nil)
	await(t, map[*socket][]string{w: {"a"}})
	s.as(shopToken(t, "busy")).place(t, orderInput(vars{"id": "busy"}, map[string]int{scopesSKU: 1}))
	operator := s.as(operatorToken(t))
	operator.pokeStock(t, scopesSKU, scopesSupplier)()
	// What was read within the last second is told to all.
	eventually(t, "a pulse with all of it", func(context.Context) bool {
		p := operator.ask(t, `{ pulse(minutes: 5) { at minutes { at orders units } logLagMs websockets streams subscriptions } }`, nil)
		orders, units := 0, 0
		for i := range p.list("pulse.minutes") {
			orders += p.num(fmt.Sprint("pulse.minutes.", i, ".orders"))
			units += p.num(fmt.Sprint("pulse.minutes.", i, ".units"))
		}
		return len(p.list("pulse.minutes")) == 5 && orders == 1 && units > 0 &&
			p.num("pulse.websockets") == 1 && p.num("pulse.streams") == 0 && p.num("pulse.subscriptions") == 1
	})
	if got := s.as(supplierToken(t, scopesSupplier)).tell(t, `{ pulse { at } }`, nil); verdictOf(got.codes()) != "FORBIDDEN" {
		t.Errorf("a supplier gets %s", got.body)
	}
}
