package store_test

import (
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"redline"
)

// codes counts what calls came to, by code; those that succeeded are "".
func codes(t *testing.T, errs []error) map[redline.ErrorCode]int {
	t.Helper()
	n := map[redline.ErrorCode]int{}
	for _, err := range errs {
		if err == nil {
			n[""]++
			continue
		}
		n[refusals(t, err)[0].Code]++
	}
	return n
}

func TestTwoFeedsWithTheSameSequence(t *testing.T) {
	w := newWorld(t)
	for round := range int64(5) {
		before := w.level("sauce", "cajun").Version
		feeds := make([]redline.SupplierFeedInput, 8)
		for i := range feeds {
			feeds[i] = w.feedOf(redline.FeedPartial, round+1, says("65", 10*int(round+1)+i))
		}
		won := -1
		errs := atOnce(len(feeds), func(i int) error {
			r, err := w.SupplierFeedSubmit(w.ctx, cajun, feeds[i])
			if err == nil && r.Applied == 1 {
				won = i // only one is
			}
			return err
		})
		equal(t, "two feeds with one sequence", codes(t, errs), map[redline.ErrorCode]int{"": 1, redline.CodeSequenceStale: 7})
		l := w.level("sauce", "cajun")
		equal(t, "the one that was applied", []int{l.OnHand, l.Version}, []int{(10*int(round+1) + won) * 32, before + 1})
	}

	// One feed that is sent several times at once is one feed.
	in := w.feedOf(redline.FeedPartial, 6, says("65", 1))
	before := w.level("sauce", "cajun").Version
	for _, err := range atOnce(8, func(int) error { _, err := w.SupplierFeedSubmit(w.ctx, cajun, in); return err }) {
		if err != nil {
			refused(t, err, redline.CodeIdempotencyInProgress, "idempotencyKey")
		}
	}
	l := w.level("sauce", "cajun")
	equal(t, "sent at once", []int{l.OnHand, l.Version}, []int{32, before + 1})
	w.checkBooks()
}

func TestNewestOfFeedsAtOnce(t *testing.T) {
	w := newWorld(t)
	feeds := make([]redline.SupplierFeedInput, 12)
	for i := range feeds {
		feeds[i] = w.feedOf(redline.FeedPartial, int64(i+1), says("65", i+1))
	}
	errs := atOnce(len(feeds), func(i int) error { _, err := w.SupplierFeedSubmit(w.ctx, cajun, feeds[i]); return err })
	w.must(errs[len(errs)-1])
	equal(t, "on hand", w.level("sauce", "cajun").OnHand, 32*len(feeds))
	w.checkBooks()
}

// A feed and sales at once: each sale is kept, each is seen by what comes after it,
// and the feed is what is there.
func TestFeedAgainstSale(t *testing.T) {
	w := newWorld(t)
	sold := 0
	for round := range 6 {
		in := w.feedOf(redline.FeedPartial, 0, bottles(200+round))
		measure := redline.FeedOnHand
		if round%2 == 1 {
			measure = redline.FeedAvailable
			in.Rows[0].Quantity = 200 - sold
		}
		in.Measure = measure
		errs := atOnce(9, func(i int) error {
			if i == 0 {
				_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
				return err
			}
			_, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{
				IdempotencyKey: key(), AllowStale: true, Lines: []redline.LineInput{w.sauceAtCajun(2)},
			})
			return err
		})
		w.must(errs[0])
		for _, err := range errs[1:] {
			if err == nil {
				sold += 2
			} else {
				refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity")
			}
		}
		l := w.level("sauce", "cajun")
		want := 200 + round
		if measure == redline.FeedAvailable {
			want = 200 // what was available and what we had claimed by then
		}
		equal(t, "on hand and committed", []int{l.OnHand, l.Committed}, []int{want, sold})
		w.checkBooks()
	}
}

// A feed and shipments at once: what leaves after the feed was true comes off once,
// whichever is first.
func TestFeedAgainstShipment(t *testing.T) {
	w := newWorld(t)
	for round := range 5 {
		w.submit(cajun, w.feedOf(redline.FeedPartial, 0, bottles(100+round)), 1, 0, 0)
		parts := make([]string, 6)
		for i := range parts {
			parts[i] = w.part(w.place(shop, w.sauceAtCajun(3)), "cajun").ID
		}
		in := w.feedOf(redline.FeedPartial, 0, bottles(90+round))
		errs := atOnce(len(parts)+1, func(i int) error {
			if i == len(parts) {
				_, err := w.SupplierFeedSubmit(w.ctx, cajun, in)
				return err
			}
			_, _, err := w.FulfillmentCreate(w.ctx, cajun, redline.FulfillmentCreateInput{IdempotencyKey: key(), FulfillmentOrderID: parts[i]})
			return err
		})
		w.must(errors.Join(errs...))
		equal(t, "on hand, committed, available", w.sauces()[:3], []int{90 + round - 18, 0, 90 + round - 18})
		w.checkBooks()
	}
}

// A count, as of a moment before, and sales and shipments at once.
func TestCountAgainstSaleAndShipment(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "pads", "east", 500)
	sold := 0
	for round := range 5 {
		at := w.now()
		errs := atOnce(7, func(i int) error {
			if i == 0 {
				_, err := w.InventorySet(w.ctx, operator, redline.InventorySetInput{IdempotencyKey: key(), Counts: []redline.InventoryCount{{
					Stock: w.at("pads", "east"), OnHand: 400 + round, Basis: redline.CountBasis{CountedAt: &at},
				}}})
				return err
			}
			id, _, err := w.OrderPlace(w.ctx, shop, redline.OrderPlaceInput{IdempotencyKey: key(), Lines: []redline.LineInput{
				{SKU: ref("pads"), Quantity: 2, LocationID: ref(w.id["east"])},
			}})
			if err != nil || i > 3 {
				return err
			}
			o, err := w.OrdersByID(w.ctx, operator, []string{id})
			if err == nil {
				err = w.LoadOrders(w.ctx, operator, []*redline.Order{o[id]}, redline.OrderParts{Parts: true})
			}
			if err != nil {
				return err
			}
			_, _, err = w.FulfillmentCreate(w.ctx, operator, redline.FulfillmentCreateInput{
				IdempotencyKey: key(), FulfillmentOrderID: o[id].FulfillmentOrders[0].ID,
			})
			return err
		})
		w.must(errors.Join(errs...))
		sold += 6
		l := w.level("pads", "east")
		equal(t, "on hand and committed", []int{l.OnHand, l.Committed}, []int{400 + round - 6, sold})
		w.checkBooks()
	}
}

// Whatever the order in which feeds come, and however often, a level is what the
// newest of them says, in bottles, and what moved since that was true.
func TestNewestFeedWins(t *testing.T) {
	w := newWorld(t)
	supplier := 0
	rapid.Check(t, func(rt *rapid.T) {
		supplier++
		code := fmt.Sprint("supplier ", supplier)
		id, product, location := redline.NewID(redline.PrefixSupplier), redline.NewID(redline.PrefixProduct), redline.NewID(redline.PrefixLocation)
		w.exec(`WITH s AS (INSERT INTO suppliers (id, code, name) VALUES ($1, $2, $2)),
			p AS (INSERT INTO products (id, sku, name, category, base_unit, price, currency) VALUES ($4, $2, $2, 'Sauces', 'BOTTLE', 2, 'USD'))
			INSERT INTO locations (id, code, name, kind, supplier_id) VALUES ($3, $2, $2, 'SUPPLIER', $1)`, id, code, location, product)
		_, _, err := w.SupplierItemUpsert(w.ctx, operator, redline.SupplierItemUpsertInput{
			SupplierID: &id, ProductID: product, SupplierSKU: "it", Unit: redline.UnitCase, PackQuantity: 12, MinimumOrderQuantity: 1, OrderMultiple: 1,
		})
		w.must(err)
		p := supplierPrincipal(code)
		sequenced := rapid.Bool().Draw(rt, "sequenced")
		var feeds []redline.SupplierFeedInput
		var movedBefore []int // each feed, in all
		newest, moved, onHand := -1, 0, 0
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			switch what := rapid.IntRange(0, 3).Draw(rt, "what"); {
			case what == 0 && len(feeds) > 0: // one that is known, sent again with its key or another
				n := rapid.IntRange(0, len(feeds)-1).Draw(rt, "again")
				in := feeds[n]
				if rapid.Bool().Draw(rt, "another key") {
					in.IdempotencyKey = key()
				}
				_, err := w.SupplierFeedSubmit(w.ctx, p, in)
				if err != nil {
					_ = refusals(t, err)
				}
				if n > newest {
					w.must(err)
					newest = n
				}
			case what == 1:
				n := rapid.IntRange(1, 9).Draw(rt, "moved")
				_, err := w.InventoryAdjust(w.ctx, p, redline.InventoryAdjustInput{
					IdempotencyKey: key(), Reason: redline.ReasonReceived,
					Changes: []redline.InventoryChange{{Stock: redline.StockKey{SupplierSKU: ref("it"), Unit: ref(redline.UnitBottle)}, State: redline.StateOnHand, Delta: n}},
				})
				w.must(err)
				moved += n
			default: // a new one, which may be sent later
				mode := rapid.SampledFrom([]redline.FeedMode{redline.FeedFull, redline.FeedPartial}).Draw(rt, "mode")
				sequence := int64(0)
				if sequenced {
					sequence = int64(len(feeds) + 1)
				}
				feeds = append(feeds, w.feedOf(mode, sequence, says("it", rapid.IntRange(1, 3).Draw(rt, "cases"))))
				movedBefore = append(movedBefore, moved)
				if what == 2 {
					_, err := w.SupplierFeedSubmit(w.ctx, p, feeds[len(feeds)-1])
					w.must(err)
					newest = len(feeds) - 1
				}
			}
			want := moved
			if newest >= 0 {
				want = 12*feeds[newest].Rows[0].Quantity + moved - movedBefore[newest]
			}
			w.must(w.DB().GetContext(w.ctx, &onHand, `SELECT coalesce(sum(on_hand), 0) FROM inventory_levels WHERE product_id = $1`, product))
			if onHand != want {
				rt.Fatalf("%d are on hand, not %d", onHand, want)
			}
		}
	})
	w.checkBooks()
}
