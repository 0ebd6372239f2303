package store_test

import (
	"strings"
	"testing"

	"redline"
)

// What the statements of a mutation are for.
const (
	// mutationOverhead is BEGIN, the idempotency key, what is told (events,
	// audit and key in one) and COMMIT.
	mutationOverhead = 4
	// wholeOrder is the order, locked, and then with all that belongs to it; then
	// all that changed of it.
	wholeOrder = 2 + 1
	// orderStock is the levels, locked, and what changed of them.
	orderStock = 2
	// stockRows is the locations, products and items that rows may name; making
	// and locking the levels; what changed of them; and, behind the COMMIT, the
	// levels as they are answered.
	stockRows = 3 + 2 + 1 + 1
	// whoWaits is the orders that wait for what is given back.
	whoWaits = 1
	// supplierSeen notes that a supplier has told us something.
	supplierSeen = 1
	// saidBefore is what a supplier has said of a part before it ships of it.
	saidBefore = 1
	// placing is products, prices and number, then levels, locked, and packs;
	// writing the levels and the order.
	placing = 3 + 2
)

// newSpiedWorld is a world whose store has a spy.
func newSpiedWorld(t *testing.T) (*world, *spy) {
	t.Helper()
	w := newWorld(t)
	s, y := openSpied(t, w.ctx, w.url)
	w.Store = s
	w.must(s.RefreshPlaces(w.ctx)) // a connection is there, and what a gateway keeps
	return w, y
}

// costs runs something and checks how many statements it sent at most, and
// that each was one round trip.
func (w *world) costs(y *spy, what string, atMost int, do func()) int {
	w.t.Helper()
	sent, trips := y.during(do)
	w.t.Logf("%-32s %2d statements", what, len(sent))
	if len(sent) > atMost || len(sent) == 0 {
		w.t.Errorf("%s takes %d statements, and not at most %d:%s", what, len(sent), atMost, quoted(sent))
	}
	if trips != len(sent) {
		w.t.Errorf("%s takes %d round trips for %d statements", what, trips, len(sent))
	}
	return len(sent)
}

func quoted(sent []statement) string {
	var b strings.Builder
	for _, s := range sent {
		b.WriteString("\n\t" + strings.Join(strings.Fields(s.text), " "))
	}
	return b.String()
}

// The lists that a gateway shows, and what hangs on them, in as few statements
// as the contract promises, however long the lists are.
func TestStatementsOfQueries(t *testing.T) {
	w, y := newSpiedWorld(t)
	everything := redline.OrderParts{Lines: true, Parts: true, History: true}

	list := func(need redline.ProductParts) []string {
		page, err := w.Products(w.ctx, operator, redline.ProductFilter{}, redline.ProductOrder{}, redline.PageRequest{First: ref(50)}, need)
		w.must(err)
		var ids []string
		for _, p := range page.Items {
			ids = append(ids, p.ID)
			if need.Availability && (p.Availability == nil || len(p.Availability.Locations) == 0) {
				t.Errorf("the product %s came without its availability", p.SKU)
			}
		}
		return ids
	}
	w.costs(y, "products with availability", 1, func() { list(redline.ProductParts{Availability: true}) })
	w.costs(y, "a product with availability", 1, func() {
		p, err := w.ProductBy(w.ctx, shop, redline.ProductBy{SKU: ref("sauce")}, redline.ProductParts{Availability: true})
		w.must(err)
		equal(t, "the availability", []int{p.Availability.Available, len(p.Availability.Locations)}, []int{67, 2})
	})
	w.costs(y, "availability of products", 1, func() {
		found, err := w.Availability(w.ctx, []string{w.id["pads"], w.id["tea"]})
		w.must(err)
		equal(t, "the products with availability", len(found), 2)
	})
	w.costs(y, "products with levels", 2, func() {
		found, err := w.LevelsOfProducts(w.ctx, operator, list(redline.ProductParts{}))
		w.must(err)
		if len(found) == 0 {
			t.Error("there are no levels")
		}
	})

	first := w.place(shop, line("pads", 1), line("sauce", 3))
	w.costs(y, "an order, whole", 1, func() {
		o, err := w.OrderBy(w.ctx, shop, redline.OrderBy{ID: &first.ID}, everything)
		w.must(err)
		if len(o.Lines) != 2 || o.Lines[0].Product == nil || len(o.History) == 0 || len(o.FulfillmentOrders) == 0 {
			t.Errorf("the order isn't whole: %+v", o)
		}
	})

	// One order and many: the same number of statements.
	lists := map[string]func() int{
		"orders, whole": func() int {
			page, err := w.Orders(w.ctx, operator, redline.OrderFilter{}, redline.OrderSort{}, redline.PageRequest{First: ref(100)}, everything)
			w.must(err)
			return len(page.Items)
		},
		"a supplier's orders, whole": func() int {
			page, err := w.Orders(w.ctx, cajun, redline.OrderFilter{}, redline.OrderSort{}, redline.PageRequest{First: ref(100)}, everything)
			w.must(err)
			return len(page.Items)
		},
		"a supplier's inbox": func() int {
			page, err := w.FulfillmentOrders(w.ctx, cajun, redline.FulfillmentOrderFilter{}, redline.PageRequest{First: ref(100)})
			w.must(err)
			return len(page.Items)
		},
		"movements": func() int {
			page, err := w.Movements(w.ctx, operator, redline.MovementFilter{}, redline.PageRequest{First: ref(100)})
			w.must(err)
			return len(page.Items)
		},
	}
	// A shipment, so that no relation is left out for being empty.
	w.place(shop, redline.LineInput{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])})
	w.shipFromCajun(w.place(shop, redline.LineInput{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])}))
	before, few := map[string]int{}, map[string]int{}
	for what, list := range lists {
		before[what] = w.costs(y, what, 2, func() { few[what] = list() })
	}
	for range 50 {
		w.place(shop, redline.LineInput{SKU: ref("sauce"), Quantity: 1, LocationID: ref(w.id["cajun"])})
	}
	for what, list := range lists {
		var many int
		if n := w.costs(y, what+", many", 2, func() { many = list() }); n != before[what] {
			t.Errorf("%s: %d statements for %d, and %d for %d", what, before[what], few[what], n, many)
		}
		if many < few[what]+50 {
			t.Errorf("%s: %d of few and %d of many", what, few[what], many)
		}
	}
}

// shipFromCajun ships all of an order's one part at cajun.
func (w *world) shipFromCajun(o *redline.Order) {
	w.t.Helper()
	_, _, err := w.FulfillmentCreate(w.ctx, cajun, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: w.part(o, "cajun").ID})
	w.must(err)
}

// What each change costs, and why.
func TestStatementsOfMutations(t *testing.T) {
	w, y := newSpiedWorld(t)

	w.costs(y, "orderPlace", mutationOverhead+placing, func() {
		_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
			IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 12), line("sauce", 5), line("tea", 1)},
		})
		w.must(err)
	})
	again := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("sauce", 1)}}
	_, _, err := w.OrderPlace(w.ctx, shop, again)
	w.must(err)
	// BEGIN, the key and ROLLBACK.
	w.costs(y, "orderPlace, replayed", 3, func() {
		_, _, err := w.OrderPlace(w.ctx, shop, again)
		w.must(err)
	})

	w.costs(y, "inventoryAdjust", mutationOverhead+stockRows, func() { w.adjustRows(operator, 1) })
	w.costs(y, "inventoryAdjust, 200 rows", mutationOverhead+stockRows, func() { w.adjustRows(operator, 200) })
	w.costs(y, "inventoryAdjust, a supplier's", mutationOverhead+stockRows+supplierSeen, func() {
		_, err := w.InventoryAdjust(w.ctx, cajun, redline.InventoryAdjustInput{
			IdempotencyKey: key(), Reason: redline.ReasonReceived, Changes: []redline.InventoryChange{{
				Stock: redline.StockKey{SupplierSKU: ref("65")}, State: redline.StateOnHand, Delta: 1,
			}},
		})
		w.must(err)
	})
	w.costs(y, "inventorySet", mutationOverhead+stockRows, func() {
		_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
			Stock: redline.StockKey{SKU: ref("pads"), LocationCode: ref("east")}, OnHand: 90, Basis: redline.CountBasis{Override: ref(true)},
		}}})
		w.must(err)
	})
	w.costs(y, "inventoryTransfer", mutationOverhead+stockRows, func() {
		_, err := w.InventoryTransfer(w.ctx, operator, redline.InventoryTransferInput{
			IdempotencyKey: key(), ProductID: w.id["pads"], FromLocationID: w.id["east"], ToLocationID: w.id["west"], Quantity: 2,
		})
		w.must(err)
	})

	o := w.place(shop, redline.LineInput{SKU: ref("sauce"), Quantity: 2, LocationID: ref(w.id["cajun"])})
	part := w.part(o, "cajun").ID
	w.costs(y, "orderHold", mutationOverhead+wholeOrder, func() {
		_, _, err := w.OrderHold(w.ctx, operator, redline.OrderHoldInput{IdempotencyKey: ref(key()), OrderID: o.ID, Reason: "a look"})
		w.must(err)
	})
	w.costs(y, "orderReleaseHold", mutationOverhead+wholeOrder, func() {
		_, _, err := w.OrderReleaseHold(w.ctx, operator, redline.OrderReleaseHoldInput{IdempotencyKey: ref(key()), OrderID: o.ID})
		w.must(err)
	})
	w.costs(y, "fulfillmentOrderAccept", mutationOverhead+wholeOrder+supplierSeen, func() {
		_, _, err := w.FulfillmentOrderAccept(w.ctx, cajun, redline.FulfillmentOrderRespondInput{IdempotencyKey: ref(key()), FulfillmentOrderID: part})
		w.must(err)
	})
	w.costs(y, "fulfillmentCreate", mutationOverhead+wholeOrder+saidBefore+orderStock+supplierSeen, func() { w.shipFromCajun(o) })
	shipment := w.part(w.order(operator, o.ID), "cajun").Fulfillments[0].ID
	w.costs(y, "fulfillmentMarkDelivered", mutationOverhead+wholeOrder+supplierSeen, func() {
		_, _, err := w.FulfillmentMarkDelivered(w.ctx, cajun, redline.FulfillmentDeliveredInput{IdempotencyKey: ref(key()), FulfillmentID: shipment})
		w.must(err)
	})
	o = w.place(shop, line("sauce", 1), line("tea", 1))
	w.costs(y, "orderSetStatus", mutationOverhead+wholeOrder, func() {
		_, _, err := w.OrderSetStatus(w.ctx, operator, redline.OrderStatusInput{IdempotencyKey: key(), OrderID: o.ID, Status: redline.OrderProcessing})
		w.must(err)
	})
	o = w.place(shop, line("sauce", 1), line("tea", 1))
	w.costs(y, "orderCancel", mutationOverhead+wholeOrder+whoWaits+orderStock, func() {
		_, _, err := w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: o.ID, Reason: "enough"})
		w.must(err)
	})
	o = w.place(shop, redline.LineInput{SKU: ref("sauce"), Quantity: 2, LocationID: ref(w.id["cajun"])})
	w.costs(y, "fulfillmentOrderReject", mutationOverhead+wholeOrder+whoWaits+orderStock+supplierSeen, func() {
		_, _, err := w.FulfillmentOrderReject(w.ctx, cajun, redline.FulfillmentOrderRespondInput{
			IdempotencyKey: ref(key()), FulfillmentOrderID: w.part(o, "cajun").ID,
		})
		w.must(err)
	})
	w.checkBooks()
}

// adjustRows changes one level by so many rows.
func (w *world) adjustRows(p redline.Principal, n int) {
	w.t.Helper()
	in := redline.InventoryAdjustInput{IdempotencyKey: key(), Reason: redline.ReasonReceived}
	for range n {
		in.Changes = append(in.Changes, redline.InventoryChange{
			Stock: redline.StockKey{SKU: ref("pads"), LocationCode: ref("east")}, State: redline.StateOnHand, Delta: 1,
		})
	}
	_, err := w.InventoryAdjust(w.ctx, p, in)
	w.must(err)
}
