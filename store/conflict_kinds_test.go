package store_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"testing"

	"redline"
)

// feed sends a feed that has to be taken, though rows of it may be refused.
func (w *world) feed(p redline.Principal, in redline.SupplierFeedInput) {
	w.t.Helper()
	_, err := w.SupplierFeedSubmit(w.ctx, p, in)
	w.must(err)
}

// kind is how one kind of conflict comes about, and what resolving it does.
type kind struct {
	kind     redline.ConflictKind
	supplier string
	// opens has it opened, and tells of it again when it is called again: which
	// time it is is n.
	opens func(w *world, n int)
	// retold is its version when it was told of twice: 1 where nothing is new.
	retold int
	// mapping is what resolving it needs.
	mapping func(w *world) *redline.ConflictMappingInput
	// effect is what resolving it does, as text: how it stands before, and after.
	effect        func(w *world) string
	before, after string
	// dismissed is how it stands once it was dismissed, where that isn't as before.
	dismissed string
	// audits are the types of what the audit names beside the conflict.
	audits []string
}

// order is the one order there is.
func (w *world) theOrder() *redline.Order {
	w.t.Helper()
	var id string
	w.must(w.DB().GetContext(w.ctx, &id, `SELECT id FROM orders`))
	return w.order(operator, id)
}

// packed is what a supplier's SKU stands for: its product, its pack and its cost.
func (w *world) packed(sku string) string {
	w.t.Helper()
	var item string
	err := w.DB().GetContext(w.ctx, &item, `SELECT coalesce((SELECT concat_ws(' ', p.sku, i.unit, i.pack_quantity, i.cost) FROM supplier_items i
		JOIN products p ON p.id = i.product_id WHERE i.supplier_sku = $1), 'none')`, sku)
	w.must(err)
	return item
}

// shelf is what is on hand of a product at a location, or none.
func (w *world) shelf(sku, location string) string {
	w.t.Helper()
	var onHand string
	w.must(w.DB().GetContext(w.ctx, &onHand, `SELECT coalesce((SELECT on_hand::text FROM inventory_levels
		WHERE (product_id, location_id) = ($1, $2)), 'none')`, w.id[sku], w.id[location]))
	return onHand
}

func kinds() []kind {
	cajuns := func(w *world) string {
		return fmt.Sprintf("%s of sauce, %s of pads; 65 is %s, NEW is %s", w.shelf("sauce", "cajun"), w.shelf("pads", "cajun"), w.packed("65"), w.packed("NEW"))
	}
	teas := func(w *world) string {
		l, o := w.theOrder().Lines[0], w.theOrder()
		var returns []string
		w.must(w.DB().SelectContext(w.ctx, &returns, `SELECT concat_ws(' ', r.status, sum(l.quantity)) FROM returns r
			JOIN return_lines l ON l.return_id = r.id GROUP BY r.id`))
		return fmt.Sprintf("%s of tea; the order is %s: %d shipped, %d cancelled; returns %v", w.shelf("tea", "tokyo"), o.Status, l.Shipped, l.Cancelled, returns)
	}
	const untouched = "64 of sauce, none of pads; 65 is sauce CASE 32 2.500000, NEW is none"
	return []kind{
		{
			kind: redline.ConflictOversold, supplier: "tokyo", retold: 2, audits: []string{redline.PrefixOrder},
			opens: func(w *world, n int) {
				if n == 0 {
					w.place(shop, line("tea", 8))
					w.place(shop, line("tea", 7))
				}
				w.adjust(tokyo, "tea", "tokyo", -9)
			},
			effect: func(w *world) string {
				l := w.level("tea", "tokyo")
				var waiting []int
				w.must(w.DB().SelectContext(w.ctx, &waiting, `SELECT backordered FROM order_lines l JOIN orders o ON o.id = l.order_id ORDER BY o.placed_at`))
				return fmt.Sprintf("%d on hand, %d committed, %v backordered", l.OnHand, l.Committed, waiting)
			},
			before: "2 on hand, 15 committed, [0 0] backordered", after: "2 on hand, 2 committed, [6 7] backordered",
		},
		{
			kind: redline.ConflictStaleFeed, supplier: "cajun", retold: 1, audits: []string{redline.PrefixSupplier},
			opens: func(w *world, n int) {
				if n == 0 {
					_, _, err := w.SupplierTermsSet(w.ctx, operator, redline.SupplierTermsSetInput{SupplierID: w.id["supplier cajun"], ConfirmWithinSeconds: ref(3600)})
					w.must(err)
					w.exec(`UPDATE inventory_levels SET as_of = now() - interval '2 hours' WHERE location_id = $1`, w.id["cajun"])
				}
				_, err := w.MarkStale(w.ctx)
				w.must(err)
			},
			effect: func(w *world) string { return fmt.Sprintf("stale %t", w.level("sauce", "cajun").Stale) },
			before: "stale true", after: "stale false",
		},
		{
			kind: redline.ConflictUnmappedSKU, supplier: "cajun", retold: 2, audits: []string{redline.PrefixSupplierItem, redline.PrefixSupplier},
			opens: func(w *world, n int) {
				w.feed(cajun, w.feedOf(redline.FeedPartial, int64(n+1), says("NEW", 2+n)))
			},
			mapping: func(w *world) *redline.ConflictMappingInput {
				return &redline.ConflictMappingInput{ProductID: w.id["pads"], Unit: redline.UnitCase, PackQuantity: 4}
			},
			effect: cajuns, before: untouched, after: "64 of sauce, 12 of pads; 65 is sauce CASE 32 2.500000, NEW is pads CASE 4",
		},
		{
			kind: redline.ConflictPackMismatch, supplier: "cajun", retold: 2, audits: []string{redline.PrefixSupplierItem, redline.PrefixSupplier},
			opens: func(w *world, n int) {
				r := says("65", 2+n)
				r.Unit = ref(redline.UnitBox)
				w.feed(cajun, w.feedOf(redline.FeedPartial, int64(n+1), r))
			},
			mapping: func(w *world) *redline.ConflictMappingInput {
				return &redline.ConflictMappingInput{ProductID: w.id["sauce"], Unit: redline.UnitBox, PackQuantity: 12}
			},
			effect: cajuns, before: untouched, after: "36 of sauce, none of pads; 65 is sauce BOX 12 2.500000, NEW is none",
		},
		{
			kind: redline.ConflictSequenceGap, supplier: "cajun", retold: 2,
			opens: func(w *world, n int) {
				if n == 0 {
					w.feed(cajun, w.feedOf(redline.FeedPartial, 1, says("65", 2)))
				}
				w.feed(cajun, w.feedOf(redline.FeedPartial, int64(10*(n+1)), says("65", 2)))
			},
			effect: cajuns, before: untouched, after: untouched,
		},
		{
			kind: redline.ConflictMassZeroing, supplier: "cajun", retold: 2, audits: []string{redline.PrefixSupplier},
			opens: func(w *world, n int) { w.feed(cajun, w.feedOf(redline.FeedFull, int64(n+1), says("65", 0))) },
			effect: func(w *world) string {
				var held []string
				w.must(w.DB().SelectContext(w.ctx, &held, `SELECT status FROM supplier_feeds_held ORDER BY id`))
				return fmt.Sprintf("%s; %v", cajuns(w), held)
			},
			before: untouched + "; [DISMISSED HELD]", dismissed: untouched + "; [DISMISSED DISMISSED]",
			after: "0 of sauce, none of pads; 65 is sauce CASE 32 2.500000, NEW is none; [DISMISSED APPLIED]",
		},
		{
			kind: redline.ConflictPriceMismatch, supplier: "cajun", retold: 1, audits: []string{redline.PrefixSupplierItem},
			opens: func(w *world, n int) {
				r := says("65", 2)
				cost, err := redline.ParseDecimal("3.10")
				w.must(err)
				r.Cost = &cost
				w.feed(cajun, w.feedOf(redline.FeedPartial, int64(n+1), r))
			},
			effect: cajuns, before: untouched, after: "64 of sauce, none of pads; 65 is sauce CASE 32 3.100000, NEW is none",
		},
		{
			kind: redline.ConflictShipAfterCancel, supplier: "tokyo", retold: 1, audits: []string{redline.PrefixOrder},
			opens: func(w *world, n int) {
				if n == 0 {
					w.must(w.cancel(shop, w.place(shop, line("tea", 5))))
				}
				f := w.part(w.theOrder(), "tokyo")
				_, _, err := w.FulfillmentCreate(w.ctx, tokyo, redline.FulfillmentCreateInput{
					IdempotencyKey: key(), FulfillmentOrderID: f.ID, TrackingNumber: ref("T-1"), Lines: []redline.ShipLine{{LineID: f.Lines[0].ID, Quantity: 3}},
				})
				if n == 0 {
					w.must(err)
				} else { // the same parcel
					refused(w.t.(*testing.T), err, redline.CodeDuplicate, "trackingNumber")
				}
			},
			effect: teas, before: "17 of tea; the order is SHIPPED: 3 shipped, 2 cancelled; returns []",
			after: "17 of tea; the order is SHIPPED: 3 shipped, 2 cancelled; returns [REQUESTED 3]",
		},
		{
			kind: redline.ConflictQuantityExceedsOrder, supplier: "tokyo", retold: 1, audits: []string{redline.PrefixOrder},
			opens: func(w *world, n int) {
				if n == 0 {
					w.place(shop, line("tea", 5))
				}
				f := w.part(w.theOrder(), "tokyo")
				refused(w.t.(*testing.T), w.ship(tokyo, f, redline.ShipLine{LineID: f.Lines[0].ID, Quantity: 7}), redline.CodeInvalid, "lines.0.quantity")
			},
			effect: teas, before: "20 of tea; the order is PENDING: 0 shipped, 0 cancelled; returns []",
			after: "13 of tea; the order is SHIPPED: 5 shipped, 0 cancelled; returns []",
		},
	}
}

// Each kind of conflict opens once for its cause, however often it is told; it
// is listed, and told to those whom it is about; dismissing it does nothing, and
// resolving it what the contract says, once.
func TestEveryKindOfConflict(t *testing.T) {
	for _, k := range kinds() {
		for _, status := range []redline.ConflictStatus{redline.ConflictResolved, redline.ConflictDismissed} {
			t.Run(string(k.kind)+" "+string(status), func(t *testing.T) { k.test(t, newWorld(t), status) })
		}
	}
}

func (k kind) test(t *testing.T, w *world, status redline.ConflictStatus) {
	by := supplierPrincipal(k.supplier)
	log := w.follow(w.Store, 0)
	w.mustNext(log)
	k.opens(w, 0)
	k.opens(w, 1)
	w.checkBooks()
	equal(t, "before", k.effect(w), k.before)

	var id string
	for _, p := range []redline.Principal{operator, by} {
		page, err := w.Conflicts(w.ctx, p, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
		w.must(err)
		if len(page.Items) != 1 || page.Items[0].Kind != k.kind {
			t.Fatalf("%s sees %d open conflicts: %+v", p.Subject, len(page.Items), page.Items)
		}
		id = page.Items[0].ID
	}
	in := redline.ConflictResolveInput{ConflictID: id, Status: status, Resolution: "we looked into it"}
	after := cmp.Or(k.dismissed, k.before)
	if status == redline.ConflictResolved {
		after = k.after
		if k.mapping != nil {
			_, _, err := w.ConflictResolve(w.ctx, operator, in)
			refused(t, err, redline.CodeInvalid, "mapping")
			in.Mapping = k.mapping(w)
		}
	}
	errs := atOnce(4, func(int) error {
		_, _, err := w.ConflictResolve(redline.WithRequestID(w.ctx, "resolving"), operator, in)
		return err
	})
	closed := 0
	for _, err := range errs {
		if err == nil {
			closed++
			continue
		}
		refused(t, err, redline.CodeInvalidTransition, "status")
	}
	equal(t, "how often it was closed", closed, 1)
	equal(t, "after", k.effect(w), after)
	audits := map[string]bool{}
	for _, e := range w.audited("resolving") {
		if e.Outcome != "OK" || e.Action != "conflictResolve" {
			continue
		}
		equal(t, "who closed it", e.Actor, operator.Subject)
		if *e.Subject != id {
			audits[redline.IDPrefix(*e.Subject)] = true
		} else {
			audits["itself"] = true
		}
	}
	wantAudits := []string{"itself"}
	if status == redline.ConflictResolved {
		wantAudits = append(wantAudits, k.audits...)
	}
	slices.Sort(wantAudits)
	equal(t, "what the audit names", sorted(audits), wantAudits)

	batch, err := log.log.Settled(w.ctx, log.after, []string{redline.EventConflict}, 100)
	w.must(err)
	var told []string
	for _, e := range batch.Events {
		if e.Conflict.Conflict.ID == id {
			told = append(told, fmt.Sprintf("%s v%d", e.Conflict.Conflict.Status, e.Conflict.Conflict.Version))
			equal(t, "whether its supplier is told", []bool{e.Conflict.VisibleTo(by), e.Conflict.VisibleTo(operator), e.Conflict.VisibleTo(shop)}, []bool{true, true, false})
		}
	}
	want := []string{"OPEN v1"}
	if k.retold == 2 {
		want = append(want, "OPEN v2")
	}
	equal(t, "what is told of it", told, append(want, fmt.Sprintf("%s v%d", status, k.retold+1)))
	w.checkBooks()
}

// A regression: who had no other scopes than those of conflicts could map a SKU, and
// write a cost that was hidden from them, by resolving a conflict about it.
func TestResolvingTakesTheScopesOfWhatItChanges(t *testing.T) {
	needs := map[redline.ConflictKind]struct{ scope, path string }{
		redline.ConflictUnmappedSKU:   {redline.ScopeCatalogWrite, "mapping"},
		redline.ConflictPackMismatch:  {redline.ScopeCatalogWrite, "mapping"},
		redline.ConflictPriceMismatch: {redline.ScopeCatalogCost, "status"},
	}
	for _, k := range kinds() {
		t.Run(string(k.kind), func(t *testing.T) {
			w := newWorld(t)
			k.opens(w, 0)
			page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{}, redline.PageRequest{})
			w.must(err)
			in := redline.ConflictResolveInput{ConflictID: page.Items[0].ID, Status: redline.ConflictResolved, Resolution: "we looked into it"}
			if k.mapping != nil {
				in.Mapping = k.mapping(w)
			}
			clerk := operator
			clerk.Scopes = []string{redline.ScopeConflictsRead, redline.ScopeConflictsWrite}
			if need := needs[k.kind]; need.scope != "" {
				w.unchanged(func() {
					_, _, err := w.ConflictResolve(w.ctx, clerk, in)
					refused(t, err, redline.CodeForbidden, need.path)
				})
				clerk.Scopes = append(clerk.Scopes, need.scope)
			}
			_, _, err = w.ConflictResolve(w.ctx, clerk, in)
			w.must(err)
			w.checkBooks()
		})
	}
}

// A held feed that is resolved while a newer one arrives: whoever is first, the
// newer one's stock stands in the end, and who resolves is told where it settled
// the conflict.
func TestResolveAgainstANewerFeed(t *testing.T) {
	w := newWorld(t)
	for round := range int64(8) {
		w.adjust(cajun, "sauce", "cajun", 7)
		w.feed(cajun, w.feedOf(redline.FeedFull, 2*round+1, says("65", 0)))
		page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
		w.must(err)
		id := page.Items[0].ID
		errs := atOnce(3, func(i int) error {
			if i > 0 {
				return w.settle(operator, id, redline.ConflictResolved)
			}
			_, err := w.SupplierFeedSubmit(w.ctx, cajun, w.feedOf(redline.FeedFull, 2*round+2, says("65", 1)))
			return err
		})
		w.must(errs[0])
		mine := 0
		for _, err := range errs[1:] {
			if err == nil {
				mine++
				continue
			}
			refused(t, err, redline.CodeInvalidTransition, "status")
		}
		found, err := w.ConflictsByID(w.ctx, operator, []string{id})
		w.must(err)
		equal(t, "who closed it says why", *found[id].Resolution == "so be it", mine == 1)
		equal(t, "what is on hand", w.shelf("sauce", "cajun"), "32")
	}
	w.checkBooks()
}

// What is reserved can't go elsewhere: resolving an oversold level withdraws what
// is committed of it, and a new conflict tells of the rest until that is given back.
func TestResolvingWhatReservationsOversell(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 5))
	held, _, err := w.ReservationCreate(w.ctx, shop, redline.ReservationCreateInput{
		IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 10)}, TTLSeconds: 600,
	})
	w.must(err)
	w.adjust(tokyo, "tea", "tokyo", -17)
	open := func() []*redline.Conflict {
		page, err := w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
		w.must(err)
		return page.Items
	}
	first := open()[0].ID
	w.must(w.settle(operator, first, redline.ConflictResolved))
	equal(t, "what the order waits for", w.order(operator, o.ID).Lines[0].Backordered, 5)
	w.checkBooks()
	rest := open()
	equal(t, "what is left", []any{len(rest), rest[0].ID != first, rest[0].Version}, []any{1, true, 1})
	_, _, err = w.ReservationRelease(w.ctx, shop, redline.ReservationReleaseInput{ReservationID: held})
	w.must(err)
	equal(t, "in the end", len(open()), 0)
	w.checkBooks()
}

// While a level is oversold, placed from, cancelled on and told of again and
// again, those who resolve it and those who trade wait for each other in one order.
func TestResolveBesideTheTradeItIsAbout(t *testing.T) {
	w := newWorld(t)
	may := []redline.ErrorCode{redline.CodeInsufficientStock, redline.CodeInvalidTransition}
	for i, err := range atOnce(12, func(i int) error {
		for n := range 6 {
			var err error
			switch i % 4 {
			case 0:
				_, err = w.InventorySet(w.ctx, tokyo, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{
					{Stock: w.at("tea", "tokyo"), OnHand: []int{3, 25}[(n+i/4)%2], Basis: redline.CountBasis{Override: ref(true)}},
				}})
			case 1:
				var id string
				in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 4), line("sauce", 1)}, AllowBackorder: n%2 == 0}
				if id, _, err = w.OrderPlace(w.ctx, shop, in); err == nil && n%3 == 0 {
					_, _, err = w.OrderCancel(w.ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: id, Reason: "enough"})
				}
			default:
				var found *redline.Page[*redline.Conflict]
				found, err = w.Conflicts(w.ctx, operator, redline.ConflictFilter{Status: ref(redline.ConflictOpen)}, redline.PageRequest{})
				if err == nil && len(found.Items) > 0 {
					err = w.settle(operator, found.Items[0].ID, redline.ConflictResolved)
				}
			}
			var why *redline.Error
			if err != nil && (!errors.As(err, &why) || !slices.Contains(may, why.Code)) {
				return err
			}
		}
		return nil
	}) {
		if err != nil {
			t.Errorf("%d: %v", i, err)
		}
	}
	w.checkBooks()
}
