package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"redline"
)

// audited are the newest entries of the audit, newest first, of a request.
func (w *world) audited(requestID string) (entries []*redline.AuditEntry) {
	w.t.Helper()
	page, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{}, redline.PageRequest{First: ref(redline.PageMax)})
	w.must(err)
	for _, e := range page.Items {
		if e.RequestID == requestID {
			entries = append(entries, e)
		}
	}
	return entries
}

func TestEveryChangeIsAudited(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("pads", 1), line("tea", 5))
	f := w.part(o, "tokyo")
	gone := w.place(shop, line("pads", 1))
	levels := func(keys ...[2]string) (all []string) {
		for _, k := range keys {
			all = append(all, w.level(k[0], k[1]).ID)
		}
		slices.Sort(all)
		return all
	}
	for action, c := range map[string]struct {
		by       redline.Principal
		do       func(ctx context.Context) error
		subjects []string // nil: one that is new
		skipped  []string // the outcomes of rows that were refused meanwhile
	}{
		"orderPlace": {buyer, func(ctx context.Context) error {
			_, _, err := w.OrderPlace(ctx, buyer, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("pads", 1)}})
			return err
		}, nil, nil},
		"orderCancel": {shop, func(ctx context.Context) error {
			_, _, err := w.OrderCancel(ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: gone.ID, Reason: "x"})
			return err
		}, []string{gone.ID}, nil},
		"fulfillmentOrderAccept": {tokyo, func(ctx context.Context) error {
			_, _, err := w.FulfillmentOrderAccept(ctx, tokyo, redline.FulfillmentOrderRespondInput{FulfillmentOrderID: f.ID})
			return err
		}, []string{o.ID}, nil},
		"inventoryAdjust": {operator, func(ctx context.Context) error {
			_, err := w.InventoryAdjust(ctx, operator, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonReceived, OnRowError: redline.SkipRow, Changes: []redline.InventoryChange{
					w.tweak("pads", "east", 1), w.tweak("pads", "east", 1), w.tweak("sauce", "east", 1), w.tweak("tea", "west", -1),
				},
			})
			return err
		}, levels([2]string{"pads", "east"}, [2]string{"sauce", "east"}), []string{"INSUFFICIENT_STOCK"}},
		"inventorySet": {tokyo, func(ctx context.Context) error {
			_, err := w.InventorySet(ctx, tokyo, redline.InventorySetInput{
				IdempotencyKey: key(), Counts: []redline.InventoryCount{{Stock: w.at("tea", "tokyo"), OnHand: 50, Basis: override}},
			})
			return err
		}, levels([2]string{"tea", "tokyo"}), nil},
		"inventoryTransfer": {operator, func(ctx context.Context) error {
			_, err := w.InventoryTransfer(ctx, operator, redline.InventoryTransferInput{
				IdempotencyKey: key(), ProductID: w.id["pads"], FromLocationID: w.id["east"], ToLocationID: w.id["west"], Quantity: 1,
			})
			return err
		}, levels([2]string{"pads", "east"}, [2]string{"pads", "west"}), nil},
	} {
		w.must(c.do(redline.WithRequestID(w.ctx, "req "+action)))
		var subjects, skipped []string
		for _, e := range w.audited("req " + action) {
			equal(t, action, []any{e.Action, e.Issuer, e.Actor, e.Role}, []any{action, c.by.Issuer, c.by.Subject, c.by.Role})
			if e.Outcome != "OK" {
				skipped = append(skipped, e.Outcome)
				continue
			}
			subjects = append(subjects, *e.Subject)
		}
		equal(t, action+"'s refused rows", skipped, c.skipped)
		slices.Sort(subjects)
		if c.subjects == nil {
			equal(t, action+" is audited once", len(subjects), 1)
			continue
		}
		equal(t, action+" is audited by subject", subjects, c.subjects)
	}
	w.checkBooks()
}

func TestEveryRefusalIsAudited(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 5))
	unknown := redline.NewID(redline.PrefixOrder)
	for request, c := range map[string]struct {
		do      func(ctx context.Context) error
		action  string
		outcome string
		subject *string
	}{
		"short": {func(ctx context.Context) error {
			_, _, err := w.OrderPlace(ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 50)}})
			return err
		}, "orderPlace", "INSUFFICIENT_STOCK", nil},
		"several": {func(ctx context.Context) error {
			_, err := w.InventoryAdjust(ctx, shop, redline.InventoryAdjustInput{
				IdempotencyKey: key(), Reason: redline.ReasonReceived,
				Changes: []redline.InventoryChange{w.tweak("tea", "tokyo", 0), w.tweak("tea", "tokyo", 1), w.tweak("tea", "tokyo", 1)},
			})
			return err
		}, "inventoryAdjust", "INVALID NOT_FOUND", nil},
		"key": {func(ctx context.Context) error {
			_, _, err := w.OrderPlace(ctx, shop, redline.OrderPlaceInput{Lines: []redline.LineInput{line("tea", 1)}})
			return err
		}, "orderPlace", "INVALID", nil},
		"another's": {func(ctx context.Context) error {
			_, _, err := w.OrderCancel(ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: unknown})
			return err
		}, "orderCancel", "NOT_FOUND", &unknown},
		"nonsense": {func(ctx context.Context) error {
			_, _, err := w.OrderCancel(ctx, shop, redline.OrderCancelInput{IdempotencyKey: key(), OrderID: strings.Repeat("x", 9000)})
			return err
		}, "orderCancel", "NOT_FOUND", nil}, // too long for an index, and not an id of ours
		"version": {func(ctx context.Context) error {
			_, _, err := w.OrderHold(ctx, operator, redline.OrderHoldInput{OrderID: o.ID, Reason: "x", ExpectedVersion: ref(9)})
			return err
		}, "orderHold", "VERSION_MISMATCH", &o.ID},
		"gone away": {func(ctx context.Context) error {
			ctx, cancel := context.WithCancel(ctx)
			cancel()
			_, _, err := w.OrderReleaseHold(ctx, operator, redline.OrderReleaseHoldInput{OrderID: o.ID})
			return err
		}, "orderReleaseHold", "INVALID_TRANSITION", &o.ID},
	} {
		w.unchanged(func() {
			if err := c.do(redline.WithRequestID(w.ctx, request)); err == nil {
				t.Errorf("%s isn't refused", request)
			}
		})
		entries := w.audited(request)
		if len(entries) != 1 {
			t.Errorf("%s has %d entries", request, len(entries))
			continue
		}
		equal(t, request, []any{entries[0].Action, entries[0].Outcome, entries[0].Subject}, []any{c.action, c.outcome, c.subject})
	}
	w.checkBooks()
}

func TestAuditFilters(t *testing.T) {
	w := newWorld(t)
	o := w.place(shop, line("tea", 5))
	w.must(w.hold(o))
	find := func(f redline.AuditFilter) (actions []string) {
		page, err := w.AuditEntries(w.ctx, operator, f, redline.PageRequest{})
		w.must(err)
		return ids(page.Items, func(e *redline.AuditEntry) string { return e.Action })
	}
	page, err := w.AuditEntries(w.ctx, operator, redline.AuditFilter{Subject: &o.ID}, redline.PageRequest{})
	w.must(err)
	held := page.Items[0]
	equal(t, "of the order", find(redline.AuditFilter{Subject: &o.ID}), []string{"orderHold", "orderPlace"})
	equal(t, "of the shop", find(redline.AuditFilter{Actor: &shop.Subject}), []string{"orderPlace"})
	equal(t, "since", find(redline.AuditFilter{From: &held.At}), []string{"orderHold"})
	equal(t, "before", find(redline.AuditFilter{To: &held.At, Subject: &o.ID}), []string{"orderPlace"})
}

// What was asked for is finished though nobody waits for it any more.
func TestAClientThatGoesAwayStopsNothing(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(w.ctx)
	cancel()
	in := redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{line("tea", 5)}}
	id, _, err := w.OrderPlace(ctx, shop, in)
	w.must(err)
	again, outcome, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "found again", []any{again, outcome.Replayed}, []any{id, true})
	w.checkBooks()
}
