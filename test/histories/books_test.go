package histories_test

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline"
)

// openParts are the statuses in which a part holds stock.
const openParts = `('SUBMITTED', 'ACCEPTED', 'PARTIALLY_ACCEPTED', 'IN_PROGRESS', 'CANCELLATION_REQUESTED')`

// held is what a line of a part holds committed.
const held = `CASE WHEN f.status IN ` + openParts + ` THEN coalesce(fl.accepted, fl.quantity) - fl.shipped ELSE 0 END`

// books are what has to be true of the rows of a world whose products are $1
// once nobody is at work: each statement lists what it isn't true of.
var books = map[string]string{
	"a level's quantities add up": `SELECT id FROM inventory_levels WHERE product_id = ANY($1)
		AND (on_hand + shortfall <> available + reserved + committed + safety_stock + unavailable OR available > 0 AND shortfall > 0)`,
	"the ledger adds up to the levels, one line for each version": `SELECT l.id FROM inventory_levels l LEFT JOIN (
			SELECT product_id, location_id, sum(on_hand_delta) AS on_hand, sum(reserved_delta) AS reserved, sum(committed_delta) AS committed,
				sum(safety_stock_delta) AS safety_stock, sum(unavailable_delta) AS unavailable, sum(incoming_delta) AS incoming,
				count(*) AS lines, max(level_version) AS version, min(level_version) AS first
			FROM inventory_movements WHERE product_id = ANY($1) GROUP BY 1, 2) m USING (product_id, location_id)
		WHERE l.product_id = ANY($1) AND (l.version > 0 OR m.lines > 0)
			AND (l.on_hand, l.reserved, l.committed, l.safety_stock, l.unavailable, l.incoming, l.version, l.version, 1)
			IS DISTINCT FROM (m.on_hand, m.reserved, m.committed, m.safety_stock, m.unavailable, m.incoming, m.version, m.lines, m.first)`,
	"what a ledger line says is there afterwards is there": `SELECT v.id FROM (
			SELECT id, changes, product_id, location_id, level_version,
				sum(on_hand_delta) OVER w AS on_hand, sum(reserved_delta) OVER w AS reserved, sum(committed_delta) OVER w AS committed
			FROM inventory_movements WHERE product_id = ANY($1) WINDOW w AS (PARTITION BY product_id, location_id ORDER BY level_version)
		) v, json_array_elements(v.changes) c
		WHERE (c->>'after')::int <> CASE c->>'state' WHEN 'ON_HAND' THEN on_hand WHEN 'RESERVED' THEN reserved WHEN 'COMMITTED' THEN committed
			ELSE (c->>'after')::int END`,
	"what is reserved is what active reservations hold": `SELECT l.id FROM inventory_levels l LEFT JOIN (
			SELECT rl.product_id, rl.location_id, sum(rl.quantity) AS held FROM reservation_lines rl JOIN reservations r ON r.id = rl.reservation_id
			WHERE r.status = 'ACTIVE' GROUP BY 1, 2) h USING (product_id, location_id)
		WHERE l.product_id = ANY($1) AND l.reserved <> coalesce(h.held, 0)`,
	"what is committed is what open parts hold": `SELECT l.id FROM inventory_levels l LEFT JOIN (
			SELECT ol.product_id, f.location_id, sum(` + held + `) AS held FROM fulfillment_order_lines fl
			JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id JOIN order_lines ol ON ol.id = fl.order_line_id GROUP BY 1, 2) h
			USING (product_id, location_id) WHERE l.product_id = ANY($1) AND l.committed <> coalesce(h.held, 0)`,
	"an order line adds up": `SELECT id FROM order_lines WHERE product_id = ANY($1)
		AND (quantity <> open + backordered + shipped + cancelled OR returned > shipped OR least(open, backordered, shipped, cancelled, returned) < 0)`,
	"an order line's open and shipped are its parts'": `SELECT ol.id FROM order_lines ol LEFT JOIN (
			SELECT fl.order_line_id, sum(fl.shipped) AS shipped, sum(` + held + `) AS open FROM fulfillment_order_lines fl
			JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id GROUP BY 1) h ON h.order_line_id = ol.id
		WHERE ol.product_id = ANY($1) AND (ol.open, ol.shipped) <> (coalesce(h.open, 0), coalesce(h.shipped, 0))`,
	"a part's shipped is what its shipments took": `SELECT fl.id FROM fulfillment_order_lines fl JOIN order_lines ol ON ol.id = fl.order_line_id LEFT JOIN (
			SELECT sl.fulfillment_order_line_id, sum(sl.quantity) AS shipped FROM fulfillment_lines sl JOIN fulfillments s ON s.id = sl.fulfillment_id
			WHERE s.status IN ('SHIPPED', 'DELIVERED', 'FAILED') GROUP BY 1) h ON h.fulfillment_order_line_id = fl.id
		WHERE ol.product_id = ANY($1) AND fl.shipped <> coalesce(h.shipped, 0)`,
	"pending shipments hold no more than remains": `SELECT fl.id FROM fulfillment_order_lines fl
		JOIN fulfillment_orders f ON f.id = fl.fulfillment_order_id JOIN order_lines ol ON ol.id = fl.order_line_id JOIN (
			SELECT sl.fulfillment_order_line_id, sum(sl.quantity) AS pending FROM fulfillment_lines sl JOIN fulfillments s ON s.id = sl.fulfillment_id
			WHERE s.status = 'PENDING' GROUP BY 1) h ON h.fulfillment_order_line_id = fl.id
		WHERE ol.product_id = ANY($1) AND h.pending > ` + held,
	"returned is what returns received": `SELECT ol.id FROM order_lines ol LEFT JOIN (
			SELECT order_line_id, sum(restocked + written_off) AS received FROM return_lines GROUP BY 1) r ON r.order_line_id = ol.id
		WHERE ol.product_id = ANY($1) AND ol.returned <> coalesce(r.received, 0)`,
	"no more is coming back than was shipped": `SELECT ol.id FROM order_lines ol JOIN (
			SELECT rl.order_line_id, sum(CASE WHEN r.status IN ('REQUESTED', 'PARTIALLY_RECEIVED') THEN rl.quantity ELSE rl.restocked + rl.written_off END) AS n
			FROM return_lines rl JOIN returns r ON r.id = rl.return_id GROUP BY 1) c ON c.order_line_id = ol.id
		WHERE ol.product_id = ANY($1) AND c.n > ol.shipped`,
	"a level's events are its versions, in order": `SELECT l.id FROM inventory_levels l LEFT JOIN LATERAL (
			SELECT array_agg((e.payload->'level'->>'version')::int ORDER BY e.id) AS versions FROM events e WHERE e.subject_id = l.id) e ON true
		WHERE l.product_id = ANY($1) AND coalesce(e.versions, '{}') <> ARRAY(SELECT generate_series(1, l.version))`,
	"an order's events are its versions, in order": `SELECT o.id FROM orders o JOIN LATERAL (
			SELECT array_agg((e.payload->'order'->>'version')::int ORDER BY e.id) AS versions FROM events e WHERE e.subject_id = o.id) e ON true
		WHERE o.id IN (SELECT order_id FROM order_lines WHERE product_id = ANY($1)) AND e.versions <> ARRAY(SELECT generate_series(1, o.version))`,
	"an order's history goes from status to status": `SELECT h.order_id FROM (
			SELECT order_id, from_status, lag(to_status) OVER (PARTITION BY order_id ORDER BY order_version) AS before FROM order_status_changes
			WHERE order_id IN (SELECT order_id FROM order_lines WHERE product_id = ANY($1))) h WHERE h.before IS DISTINCT FROM h.from_status`,
	"a level that is promised more than is there has an open conflict, unless it was dismissed, and no other has": `SELECT l.id FROM inventory_levels l
		WHERE l.product_id = ANY($1) AND (l.reserved + l.committed > l.on_hand - l.unavailable)
			<> EXISTS (SELECT 1 FROM conflicts c WHERE c.cause = 'OVERSOLD ' || l.id AND c.status = 'OPEN')
			AND NOT EXISTS (SELECT 1 FROM conflicts c WHERE c.cause = 'OVERSOLD ' || l.id AND c.status = 'DISMISSED')`,
	"nobody waits for what is there to be had": `SELECT ol.id FROM order_lines ol JOIN orders o ON o.id = ol.order_id
		WHERE ol.product_id = ANY($1) AND ol.backordered > 0 AND o.status <> 'ON_HOLD' AND EXISTS (
			SELECT 1 FROM inventory_levels l WHERE l.product_id = ol.product_id AND l.available > 0
				AND (ol.location_id IS NULL OR ol.location_id = l.location_id) AND (o.allow_stale OR NOT l.stale)
				AND NOT EXISTS (SELECT 1 FROM fulfillment_orders f JOIN fulfillment_order_lines fl ON fl.fulfillment_order_id = f.id
					JOIN order_lines refused ON refused.id = fl.order_line_id
					WHERE f.order_id = o.id AND f.location_id = l.location_id AND refused.product_id = ol.product_id))`,
	"a call that was made twice with one key moved stock once": `SELECT reference FROM inventory_movements
		WHERE product_id = ANY($1) AND reference LIKE 'key\_%' GROUP BY product_id, location_id, reference HAVING count(*) > 1`,
}

// check holds all books of the world.
func (w *world) check() {
	for what, text := range books {
		var bad []string
		w.must(w.DB().SelectContext(w.ctx, &bad, text, pq.Array(w.products)))
		if len(bad) > 0 {
			w.t.Errorf("it is not true that %s: %v", what, bad)
		}
	}
	w.mu.Lock()
	orders := slices.Clone(w.orders)
	w.mu.Unlock()
	for _, id := range orders {
		w.checkOrder(id)
	}
	if len(w.faults) > 0 {
		w.t.Errorf("%s", strings.Join(w.faults, "\n"))
	}
	if w.t.Failed() {
		w.t.Logf("what was done:\n%s", strings.Join(w.story, "\n"))
	}
}

// checkOrder checks that an order's status is what its parts come to, and that
// the newest event told of it as it is.
func (w *world) checkOrder(id string) {
	o, err := w.order(id)
	w.must(err)
	if o == nil {
		w.t.Fatalf("order %s is gone", id)
	}
	if is := o.RollUp(); is != o.Status {
		w.t.Errorf("order %s is %s, and its parts come to %s", id, o.Status, is)
	}
	var payload []byte
	w.must(w.DB().GetContext(w.ctx, &payload, `SELECT payload FROM events WHERE subject_id = $1 ORDER BY id DESC LIMIT 1`, id))
	var told redline.OrderEvent
	w.must(json.Unmarshal(payload, &told))
	if is, was := essence(o), essence(&told.Order); !reflect.DeepEqual(is, was) {
		w.t.Errorf("order %s is\n%+v\nand was told of as\n%+v", id, is, was)
	}
}

// essence is what of an order an event has to tell as it is.
func essence(o *redline.Order) map[string]any {
	e := map[string]any{"status": o.Status, "version": o.Version}
	for _, l := range o.Lines {
		e[l.ID] = []int{l.Quantity, l.Open, l.Backordered, l.Shipped, l.Cancelled, l.Returned}
	}
	for _, f := range o.FulfillmentOrders {
		e[f.ID] = []any{f.Status, f.Version}
		for _, l := range f.Lines {
			accepted := -1
			if l.Accepted != nil {
				accepted = *l.Accepted
			}
			e[l.ID] = []int{l.Quantity, accepted, l.Shipped}
		}
		for _, s := range f.Fulfillments {
			e[s.ID] = []any{s.Status, stamp(s.ShippedAt), stamp(s.DeliveredAt)}
		}
	}
	for _, r := range o.Returns {
		e[r.ID] = []any{r.Status, r.Version}
		for _, l := range r.Lines {
			e[l.ID] = []int{l.Quantity, l.Restocked, l.WrittenOff}
		}
	}
	return e
}

func stamp(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
