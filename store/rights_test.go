package store_test

import (
	"slices"
	"strings"
	"testing"

	"redline"
)

// scene is an order that two suppliers and we share, one of each supplier's
// own, a rival's and a customer's; something of each has shipped.
type scene struct {
	*world
	shared, cajuns, tokyos, rivals, anns *redline.Order
}

func newScene(t *testing.T) *scene {
	w := newWorld(t)
	place := func(p redline.Principal, lines ...redline.LineInput) *redline.Order {
		id, _, err := w.OrderPlace(w.ctx, p, redline.OrderPlaceInput{
			IdempotencyKey: key(), ExternalReference: ref(key()), Lines: lines,
			Customer: redline.CustomerInput{Name: ref("Ann Other"), Email: ref("ann@example.com")},
			ShipTo:   &redline.Address{Lines: []string{"1 High St"}, City: "Leeds", Country: "GB"},
		})
		w.must(err)
		o := w.order(p, id)
		for _, f := range o.FulfillmentOrders {
			w.must(w.ship(operator, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 1}))
		}
		return w.order(operator, id)
	}
	s := &scene{world: w}
	from := func(l redline.LineInput, location string) redline.LineInput {
		l.LocationID = ref(w.id[location])
		return l
	}
	s.shared = place(shop, line("sauce", 5), line("pads", 2), line("tea", 3), from(line("sauce", 4), "cajun"))
	s.cajuns = place(shop, from(line("sauce", 2), "cajun"))
	s.tokyos = place(shop, line("tea", 2))
	s.rivals = place(rival, line("pads", 2))
	s.anns = place(buyer, line("pads", 2))
	return s
}

func (s *scene) orders() []*redline.Order {
	return []*redline.Order{s.shared, s.cajuns, s.tokyos, s.rivals, s.anns}
}

// seen is what a principal sees: ids by kind, found in every way that there is.
// It fails the test where two ways to the same rows don't agree.
func (s *scene) seen(p redline.Principal) map[string][]string {
	t, w := s.t, s.world
	t.Helper()
	got := map[string][]string{}
	agree := func(kind string, ways ...[]string) {
		t.Helper()
		for _, way := range ways {
			slices.Sort(way)
			if !slices.Equal(way, ways[0]) {
				t.Errorf("%s sees %s by different ways: %v and %v", p.Subject, kind, ways[0], way)
			}
		}
		if len(ways[0]) > 0 {
			got[kind] = ways[0]
		}
	}
	all := map[string][]string{}
	for kind, text := range map[string]string{
		"levels": "inventory_levels", "movements": "inventory_movements", "items": "supplier_items", "orders": "orders", "lines": "order_lines",
		"parts": "fulfillment_orders", "shipments": "fulfillments", "audit": "audit_entries",
	} {
		var ids []string
		w.must(w.DB().SelectContext(w.ctx, &ids, "SELECT id FROM "+text+" ORDER BY id"))
		all[kind] = ids
	}
	products := []string{w.id["pads"], w.id["sauce"], w.id["tea"], w.id["old"]}
	most := redline.PageRequest{First: ref(redline.PageMax), Count: true}

	// Stock.
	levels, err := w.Levels(w.ctx, p, redline.InventoryFilter{}, most)
	w.must(err)
	byID, err := w.LevelsByID(w.ctx, p, all["levels"])
	w.must(err)
	byProduct, err := w.LevelsOfProducts(w.ctx, p, products)
	w.must(err)
	var ofProducts []string
	for _, ls := range byProduct {
		ofProducts = append(ofProducts, ids(ls, func(l *redline.InventoryLevel) string { return l.ID })...)
	}
	agree("levels", ids(levels.Items, func(l *redline.InventoryLevel) string { return l.ID }), sorted(byID), ofProducts)
	equal(t, "the count of levels", *levels.Total, len(levels.Items))
	movements, err := w.Movements(w.ctx, p, redline.MovementFilter{}, most)
	w.must(err)
	movementsByID, err := w.MovementsByID(w.ctx, p, all["movements"])
	w.must(err)
	agree("movements", ids(movements.Items, func(m *redline.InventoryMovement) string { return m.ID }), sorted(movementsByID))

	// The catalogue's private side.
	items, err := w.SupplierItemsByID(w.ctx, p, all["items"])
	w.must(err)
	itemsOf, err := w.SupplierItemsOfProducts(w.ctx, p, products)
	w.must(err)
	offers, err := w.SupplierItemsOfSuppliers(w.ctx, p, []string{w.id["supplier cajun"], w.id["supplier tokyo"]}, most)
	w.must(err)
	var byProducts, bySuppliers, bySKU []string
	for _, list := range itemsOf {
		byProducts = append(byProducts, ids(list, func(i *redline.SupplierItem) string { return i.ID })...)
	}
	for _, page := range offers {
		bySuppliers = append(bySuppliers, ids(page.Items, func(i *redline.SupplierItem) string { return i.ID })...)
		equal(t, "the count of items", *page.Total, len(page.Items))
	}
	for sku, supplier := range map[string]string{"65": "cajun", "T1": "tokyo"} {
		found, err := w.ProductBy(w.ctx, p, redline.ProductBy{SupplierSKU: &redline.SupplierSKUInput{SupplierID: w.id["supplier "+supplier], SKU: sku}}, redline.ProductParts{})
		w.must(err)
		if found != nil {
			for _, i := range itemsOf[found.ID] {
				bySKU = append(bySKU, i.ID)
			}
		}
	}
	agree("items", sorted(items), byProducts, bySuppliers, bySKU)

	// Orders and all that belongs to them.
	list, err := w.Orders(w.ctx, p, redline.OrderFilter{}, redline.OrderSort{}, most, redline.OrderParts{})
	w.must(err)
	orders, err := w.OrdersByID(w.ctx, p, all["orders"])
	w.must(err)
	var byNumber, ofOrder, ofLines, ofShipments []string
	for _, o := range s.orders() {
		for _, by := range []redline.OrderBy{{ID: &o.ID}, {Number: &o.Number}} {
			found, err := w.OrderBy(w.ctx, p, by, redline.OrderParts{})
			w.must(err)
			if found != nil && by.Number != nil {
				byNumber = append(byNumber, found.ID)
			}
			equal(t, "an order is found by id and number or by none", found != nil, orders[o.ID] != nil)
		}
		mine, err := w.OrderBy(w.ctx, p, redline.OrderBy{ExternalReference: o.ExternalReference}, redline.OrderParts{})
		w.must(err)
		equal(t, "a reference finds its owner's order", mine != nil, p.Issuer == o.OwnerIssuer && p.Subject == o.OwnerSubject)
		if whole := w.order(p, o.ID); whole != nil {
			for _, f := range whole.FulfillmentOrders {
				ofOrder = append(ofOrder, f.ID)
				for _, shipment := range f.Fulfillments {
					ofShipments = append(ofShipments, shipment.ID)
				}
			}
			ofLines = append(ofLines, ids(whole.Lines, func(l *redline.OrderLine) string { return l.ID })...)
		}
	}
	agree("orders", ids(list.Items, func(o *redline.Order) string { return o.ID }), sorted(orders), byNumber)
	equal(t, "the count of orders", *list.Total, len(list.Items))
	inbox, err := w.FulfillmentOrders(w.ctx, p, redline.FulfillmentOrderFilter{}, most)
	w.must(err)
	parts, err := w.FulfillmentOrdersByID(w.ctx, p, all["parts"])
	w.must(err)
	agree("parts", ids(inbox.Items, func(f *redline.FulfillmentOrder) string { return f.ID }), sorted(parts), ofOrder)
	lines, err := w.OrderLinesByID(w.ctx, p, all["lines"])
	w.must(err)
	agree("lines", sorted(lines), ofLines)
	shipments, err := w.FulfillmentsByID(w.ctx, p, all["shipments"])
	w.must(err)
	agree("shipments", sorted(shipments), ofShipments)

	// The audit.
	audit, err := w.AuditEntries(w.ctx, p, redline.AuditFilter{}, most)
	w.must(err)
	entries, err := w.AuditEntriesByID(w.ctx, p, all["audit"])
	w.must(err)
	agree("audit", ids(audit.Items, func(a *redline.AuditEntry) string { return a.ID }), sorted(entries))
	return got
}

// ids are the ids of a list.
func ids[T any](list []T, id func(T) string) (all []string) {
	for _, v := range list {
		all = append(all, id(v))
	}
	return all
}

func TestEverybodySeesItsOwn(t *testing.T) {
	s := newScene(t)
	everything := s.seen(operator)
	equal(t, "an admin sees what an operator does", s.seen(redline.Principal{Issuer: "redline", Subject: "root", Role: redline.RoleAdmin}), everything)
	equal(t, "nobody sees anything", s.seen(redline.Anonymous()), map[string][]string{})

	at := func(kind, supplier string) (want []string) {
		for _, id := range everything[kind] {
			var code *string
			s.must(s.DB().GetContext(s.ctx, &code, map[string]string{
				"levels":    `SELECT loc.code FROM inventory_levels l JOIN locations loc ON loc.id = l.location_id WHERE l.id = $1`,
				"movements": `SELECT loc.code FROM inventory_movements m JOIN locations loc ON loc.id = m.location_id WHERE m.id = $1`,
				"items":     `SELECT s.code FROM supplier_items i JOIN suppliers s ON s.id = i.supplier_id WHERE i.id = $1`,
				"parts":     `SELECT s.code FROM fulfillment_orders f LEFT JOIN suppliers s ON s.id = f.supplier_id WHERE f.id = $1`,
			}[kind], id))
			if code != nil && *code == supplier {
				want = append(want, id)
			}
		}
		return want
	}
	for _, c := range []struct {
		by     redline.Principal
		orders []*redline.Order
	}{{cajun, []*redline.Order{s.shared, s.cajuns}}, {tokyo, []*redline.Order{s.shared, s.tokyos}}} {
		code := c.by.Suppliers[0]
		got := s.seen(c.by)
		want := map[string][]string{}
		for _, kind := range []string{"levels", "movements", "items", "parts"} {
			want[kind] = at(kind, code)
		}
		for _, o := range c.orders {
			want["orders"] = append(want["orders"], o.ID)
			f := s.part(o, code)
			for _, l := range f.Lines {
				want["lines"] = append(want["lines"], l.OrderLineID)
			}
			want["shipments"] = append(want["shipments"], f.Fulfillments[0].ID)
		}
		for _, list := range want {
			slices.Sort(list)
		}
		equal(t, code+" sees its own", got, want)
	}
	none := supplierPrincipal("nobody")
	equal(t, "a supplier that isn't there sees nothing", s.seen(none), map[string][]string{})

	elsewhere := buyer
	elsewhere.Issuer = "https://elsewhere"
	noone := shop
	noone.Issuer = "https://elsewhere"
	for _, p := range []redline.Principal{elsewhere, noone} {
		equal(t, "the same name at another issuer", s.seen(p), map[string][]string{})
	}
	for p, want := range map[*redline.Principal][]*redline.Order{&shop: {s.shared, s.cajuns, s.tokyos}, &rival: {s.rivals}, &buyer: {s.anns}} {
		got := s.seen(*p)
		wanted := ids(want, func(o *redline.Order) string { return o.ID })
		slices.Sort(wanted)
		equal(t, p.Subject+" sees its orders", got["orders"], wanted)
		equal(t, p.Subject+" sees nothing else", []int{len(got["levels"]), len(got["movements"]), len(got["items"]), len(got["audit"])}, []int{0, 0, 0, 0})
	}
	s.checkBooks()
}

func TestWithdrawnProductsAreForThoseWhoWorkWithThem(t *testing.T) {
	w := newWorld(t)
	w.exec(`UPDATE products SET active = false WHERE sku = 'sauce'`)
	for _, c := range []struct {
		by   redline.Principal
		want []string
	}{
		{redline.Anonymous(), []string{"pads", "tea"}}, {shop, []string{"pads", "tea"}}, {buyer, []string{"pads", "tea"}},
		{cajun, []string{"pads", "sauce", "tea"}}, {tokyo, []string{"pads", "tea"}}, {operator, []string{"old", "pads", "sauce", "tea"}},
	} {
		list := func(f redline.ProductFilter) []string {
			page, err := w.Products(w.ctx, c.by, f, redline.ProductOrder{Field: redline.ProductsBySKU}, redline.PageRequest{}, redline.ProductParts{})
			w.must(err)
			return ids(page.Items, func(p *redline.Product) string { return p.SKU })
		}
		// Unless they are asked for, lists leave them out whoever asks.
		equal(t, string(c.by.Role)+" sees on sale", list(redline.ProductFilter{}), []string{"pads", "tea"})
		equal(t, string(c.by.Role)+" sees in all",
			slices.Sorted(slices.Values(append(list(redline.ProductFilter{}), list(redline.ProductFilter{Active: ref(false)})...))), c.want)
		for _, sku := range []string{"old", "pads", "sauce", "tea"} {
			one, err := w.ProductBy(w.ctx, c.by, redline.ProductBy{SKU: &sku}, redline.ProductParts{})
			w.must(err)
			found, err := w.ProductsByID(w.ctx, c.by, []string{w.id[sku]})
			w.must(err)
			can := slices.Contains(c.want, sku)
			equal(t, string(c.by.Role)+" finds "+sku, []bool{one != nil, len(found) == 1}, []bool{can, can})
		}
	}
}

// A supplier's order is its own share of it.
func TestSuppliersSeeAMaskedOrder(t *testing.T) {
	s := newScene(t)
	s.must(s.hold(s.shared))
	o := s.order(cajun, s.shared.ID)
	if o.Customer != nil || o.Total != nil || o.ExternalReference != nil || o.HoldReason != nil || o.ShipTo != nil ||
		o.OwnerSubject != "" || o.OwnerIssuer != "" {
		t.Errorf("a supplier sees of the order %+v", o)
	}
	equal(t, "its status", o.Status, redline.OrderOnHold)
	quantities := map[string][]int{}
	for _, l := range o.Lines {
		quantities[l.Product.SKU] = append(quantities[l.Product.SKU], l.Quantity, l.Open, l.Shipped)
		if l.UnitPrice != nil || l.Total != nil || l.Discount != nil {
			t.Errorf("a supplier sees the prices of a line: %+v", l)
		}
	}
	// The first line's 5 are 3 of ours and 2 of cajun's.
	f := s.part(o, "cajun")
	shipped := map[string]int{}
	for _, l := range f.Fulfillments[0].Lines {
		shipped[l.OrderLine.ID] += l.Quantity
	}
	first, second := s.shared.Lines[0].ID, s.shared.Lines[3].ID
	equal(t, "its share", quantities, map[string][]int{"sauce": {2, 2 - shipped[first], shipped[first], 4, 4 - shipped[second], shipped[second]}})
	equal(t, "its parts", len(o.FulfillmentOrders), 1)
	equal(t, "where it goes", f.ShipTo, &redline.Address{Lines: []string{"1 High St"}, City: "Leeds", Country: "GB"})
	byID, err := s.FulfillmentOrdersByID(s.ctx, cajun, []string{f.ID})
	s.must(err)
	equal(t, "where it goes, by the part's id", byID[f.ID].ShipTo, f.ShipTo)
	if of := byID[f.ID].Order; of.Customer != nil || of.Total != nil || len(of.FulfillmentOrders) != 1 {
		t.Errorf("a supplier sees of its part's order %+v", of)
	}
	for _, h := range o.History {
		if h.Actor != nil || h.Note != nil {
			t.Errorf("a supplier sees who changed the order and why: %+v", h)
		}
	}
	equal(t, "the history's length", len(o.History), len(s.order(operator, o.ID).History))

	// What it doesn't see it can't search by or sort by.
	for name, search := range map[string]struct {
		filter redline.OrderFilter
		sort   redline.OrderSort
	}{
		"reference":        {filter: redline.OrderFilter{Search: s.shared.ExternalReference}},
		"customer":         {filter: redline.OrderFilter{CustomerID: ref("ann")}},
		"total":            {sort: redline.OrderSort{Field: redline.OrdersByTotal}},
		"another's part":   {filter: redline.OrderFilter{ProductID: ref(s.id["tea"])}},
		"another supplier": {filter: redline.OrderFilter{SupplierID: ref(s.id["supplier tokyo"])}},
	} {
		page, err := s.Orders(s.ctx, cajun, search.filter, search.sort, redline.PageRequest{}, redline.OrderParts{})
		s.must(err)
		equal(t, "orders by "+name, len(page.Items), 0)
	}

	moved, err := s.Movements(s.ctx, cajun, redline.MovementFilter{}, redline.PageRequest{})
	s.must(err)
	actors := map[string]bool{}
	for _, m := range moved.Items {
		actors[m.Actor] = true
	}
	equal(t, "who moved its stock", sorted(actors), []string{"operator", "storefront"})
	s.adjust(cajun, "sauce", "cajun", 1)
	moved, err = s.Movements(s.ctx, cajun, redline.MovementFilter{}, redline.PageRequest{First: ref(1)})
	s.must(err)
	equal(t, "who moved its stock", moved.Items[0].Actor, cajun.Subject)
	s.checkBooks()
}

// No change reaches what isn't one's own, and what isn't one's own looks like
// what isn't there.
func TestNobodyTouchesAnothers(t *testing.T) {
	s := newScene(t)
	theirs := s.part(s.shared, "cajun") // in an order of which tokyo sees its own part
	alone := s.part(s.cajuns, "cajun")
	ours := s.part(s.shared, "east")
	absent := func(id string) string { return redline.NewID(redline.IDPrefix(id)) }
	long := ref(strings.Repeat("x", 300))
	answers := []redline.LineResponse{{LineID: theirs.Lines[0].ID, Accepted: 1}}
	ways := map[string]func(p redline.Principal, id string) error{
		"accept": func(p redline.Principal, id string) error {
			_, _, err := s.FulfillmentOrderAccept(s.ctx, p, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: id, ExpectedVersion: ref(99)})
			return err
		},
		"reject with lines": func(p redline.Principal, id string) error {
			_, _, err := s.FulfillmentOrderReject(s.ctx, p, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: id, Lines: answers})
			return err
		},
		"ship": func(p redline.Principal, id string) error {
			_, _, err := s.FulfillmentCreate(s.ctx, p, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: id})
			return err
		},
		"ship with a long carrier": func(p redline.Principal, id string) error {
			_, _, err := s.FulfillmentCreate(s.ctx, p, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: id, Carrier: long})
			return err
		},
	}
	s.unchanged(func() {
		for name, way := range ways {
			for _, p := range []redline.Principal{tokyo, shop, rival, buyer, redline.Anonymous()} {
				for _, f := range []*redline.FulfillmentOrder{theirs, alone, ours} {
					gone := absent(f.ID)
					got := refused(t, way(p, f.ID), redline.CodeNotFound, "fulfillmentOrderId")
					want := refused(t, way(p, gone), redline.CodeNotFound, "fulfillmentOrderId")
					equal(t, name+" by "+p.Subject, strings.ReplaceAll(got.Message, f.ID, gone), want.Message)
				}
			}
		}
		for _, f := range []*redline.FulfillmentOrder{theirs, alone, ours} {
			id := f.Fulfillments[0].ID
			gone := absent(id)
			got := refused(t, s.deliver(tokyo, id), redline.CodeNotFound, "fulfillmentId")
			want := refused(t, s.deliver(tokyo, gone), redline.CodeNotFound, "fulfillmentId")
			equal(t, "deliver", strings.ReplaceAll(got.Message, id, gone), want.Message)
		}
		for _, p := range []redline.Principal{tokyo, rival, buyer, redline.Anonymous()} {
			gone := absent(s.cajuns.ID)
			for _, o := range []*redline.Order{s.cajuns, {ID: gone}} {
				refused(t, s.cancel(p, o), redline.CodeNotFound, "orderId")
				refused(t, s.setStatus(p, o, redline.OrderShipped), redline.CodeNotFound, "orderId")
				_, _, err := s.OrderHold(s.ctx, p, redline.OrderHoldInput{OrderID: o.ID, Reason: "x"})
				refused(t, err, redline.CodeNotFound, "orderId")
				_, _, err = s.OrderReleaseHold(s.ctx, p, redline.OrderReleaseHoldInput{OrderID: o.ID})
				refused(t, err, redline.CodeNotFound, "orderId")
			}
		}
		refused(t, s.cancel(tokyo, s.shared), redline.CodeInvalidTransition, "orderId") // suppliers reject, they don't cancel
		for _, p := range []redline.Principal{tokyo, shop, buyer, redline.Anonymous()} {
			_, err := s.change(p, redline.RollBack, s.tweak("sauce", "cajun", 1))
			if e := refusals(t, err)[0]; e.Code != redline.CodeNotFound {
				t.Errorf("%s adjusts another's stock: %v", p.Subject, err)
			}
			_, err = s.count(p, redline.InventoryCount{Stock: redline.StockKey{SKU: ref("sauce"), LocationID: ref(s.id["cajun"])}, Basis: override})
			refused(t, err, redline.CodeNotFound, "counts.0.stock.locationId")
			_, err = s.InventoryTransfer(s.ctx, p, redline.InventoryTransferInput{
				IdempotencyKey: key(), ProductID: s.id["sauce"], FromLocationID: s.id["cajun"], ToLocationID: s.id["east"], Quantity: 1,
			})
			refusedAt(t, err, "NOT_FOUND fromLocationId", "NOT_FOUND toLocationId")
		}
	})
	s.checkBooks()
}
