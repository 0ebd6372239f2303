package traffic

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Stock is bought in once no more is available than a floor, the reorder point, up
// to restockTo floors, and sold elsewhere above sellFrom of them. None of this depends on what
// was there when a run began, so that stock hovers over any number of runs.
const (
	restockTo = 3
	sellFrom  = 6
)

// levelNow is a level as the gateway tells it.
type levelNow struct {
	OnHand, Available, Committed, Shortfall, ReorderPoint int

	Product  struct{ ID, SKU string }
	Location struct{ ID, Code string }
}

const levelSelection = `nodes { onHand available committed shortfall reorderPoint product { id sku } location { id code } } pageInfo { hasNextPage }`

// floor is how little may be available; pack is in how many pieces it comes.
func (l *levelNow) floor(pack int) int { return max(l.ReorderPoint, 2*pack, 10) }

const queryWarehouseLevels = `query TrafficWarehouses($products: [ID!], $locations: [ID!]) {
	inventoryLevels(first: 250, filter: { productIds: $products, locationIds: $locations }) { ` + levelSelection + ` } }`

// levels are the levels that a query asks for, and whether these are all. They are in
// an order that doesn't depend on ids.
func (s *simulation) levels(ctx context.Context, as Actor, query string, variables map[string]any) (told []levelNow, whole bool, err error) {
	var answer struct {
		InventoryLevels struct {
			Nodes    []levelNow
			PageInfo page
		}
	}
	if err := s.Gateway.Ask(ctx, as, query, variables, &answer); err != nil {
		return nil, false, err
	}
	told = answer.InventoryLevels.Nodes
	slices.SortFunc(told, func(a, b levelNow) int {
		return cmp.Or(cmp.Compare(a.Product.SKU, b.Product.SKU), cmp.Compare(a.Location.Code, b.Location.Code))
	})
	return told, !answer.InventoryLevels.PageInfo.HasNextPage, nil
}

var adjust = mutation{"inventoryAdjust", "InventoryAdjustInput", ""}

// restockProducts is how many products the warehouses look after at a time.
const restockProducts = 20

// restock looks after what was sold from our own warehouses, and buys in what is low.
func (s *simulation) restock(ctx context.Context) (Kind, error) {
	n := min(len(s.sold), restockProducts)
	ids := make([]string, n)
	for i, at := range s.sold[:n] {
		ids[i] = s.world.products[at].id
		delete(s.isSold, at)
	}
	s.sold = append(s.sold[:0], s.sold[n:]...)
	told, _, err := s.levels(ctx, operator, queryWarehouseLevels, map[string]any{"products": ids, "locations": s.world.warehouses})
	if err != nil {
		return Restock, err
	}
	var changes []any
	for _, l := range told {
		floor := l.floor(1)
		if l.Available > floor {
			continue
		}
		changes = append(changes, map[string]any{
			"stock": map[string]any{"productId": l.Product.ID, "locationId": l.Location.ID},
			"delta": l.Shortfall + restockTo*floor - l.Available + s.between(0, floor/2),
		})
	}
	if len(changes) == 0 {
		return Idle, nil
	}
	return Restock, s.change(ctx, operator, adjust, map[string]any{
		"reason": "RECEIVED", "reference": fmt.Sprintf("PO-%s-%d", s.run, s.tick), "changes": changes,
	}, nil)
}

var submitFeed = mutation{"supplierFeedSubmit", "SupplierFeedInput", "applied held"}

// sendFeed has a supplier tell of its stock: mostly a few changes, and sometimes all.
func (s *simulation) sendFeed(ctx context.Context) (Kind, error) {
	from := &s.world.suppliers[s.random.IntN(len(s.world.suppliers))]
	if s.outage.silent(from.code) {
		return Idle, nil
	}
	return s.feedOf(ctx, from, s.chance(0.2), false)
}

const querySupplierLevels = `query TrafficSupplierLevels($supplier: ID!) { inventoryLevels(first: 250, filter: { supplierId: $supplier }) { ` + levelSelection + ` } }`

// feedOf sends a feed of a supplier. One that comes after an outage may tell of less
// than was promised meanwhile.
func (s *simulation) feedOf(ctx context.Context, from *supplier, full, afterOutage bool) (Kind, error) {
	kind := Feed
	asOf := time.Now().UTC() // before it is read: what moves from here on is added
	told, whole, err := s.levels(ctx, by(from.code), querySupplierLevels, map[string]any{"supplier": from.id})
	if err != nil {
		return kind, err
	}
	mode := "PARTIAL"
	// What a full feed omits is emptied: it is only sent by who knows all.
	if full && from.whole && whole {
		kind, mode = FullFeed, "FULL"
	}
	rows := s.feedRows(from, told, mode == "FULL", afterOutage)
	if len(rows) == 0 {
		return Idle, nil
	}
	return kind, s.change(ctx, by(from.code), submitFeed, map[string]any{
		"supplierId": from.id, "mode": mode, "asOf": asOf.Format(time.RFC3339Nano), "rows": rows,
	}, nil)
}

// feedRows are the rows of a feed. Now and then one of them is wrong, as people's are.
func (s *simulation) feedRows(from *supplier, told []levelNow, full, afterOutage bool) []any {
	var rows []any
	for _, l := range told {
		it, known := from.items[l.Product.ID]
		if !known {
			continue
		}
		onHand := s.drift(&l, it.pack)
		if afterOutage && l.Committed > 0 {
			onHand, afterOutage = l.Committed/2, false
		}
		if !full && onHand == l.OnHand {
			continue
		}
		rows = append(rows, s.row(it, l.Location.Code, onHand))
	}
	if len(rows) == 0 && len(told) > 0 { // nothing changed, and that is confirmed
		l := &told[s.random.IntN(len(told))]
		if it, known := from.items[l.Product.ID]; known {
			rows = append(rows, s.row(it, l.Location.Code, l.OnHand))
		}
	}
	switch {
	case len(rows) == 0:
		return nil
	case full && !afterOutage && len(rows) > 2 && s.chance(0.08): // their export broke off
		rows = rows[:len(rows)*2/3]
	case s.chance(0.03):
		code := told[0].Location.Code
		rows = append(rows, map[string]any{"supplierSku": fmt.Sprintf("NEW-%d", s.between(1, 9)), "locationCode": code, "quantity": s.between(1, 40)})
	case s.chance(0.02):
		rows[0].(map[string]any)["unit"] = "PAIR"
	}
	return rows
}

// drift is what a supplier has on hand by now: more where little is left, less where there
// is a lot, and else about the same.
func (s *simulation) drift(l *levelNow, pack int) int {
	floor := l.floor(pack)
	switch {
	case l.Available <= floor:
		return l.OnHand + l.Shortfall + restockTo*floor - l.Available + s.between(0, floor/2)
	case l.Available > sellFrom*floor:
		return l.OnHand - s.between(1, l.Available/10)
	case s.chance(0.4):
		return l.OnHand + s.between(-floor/5, floor/5) // more than a floor is available
	}
	return l.OnHand
}

// row tells of a level in whole packs where it is so, else in pieces, and sometimes
// of another cost than was agreed.
func (s *simulation) row(it item, location string, onHand int) map[string]any {
	row := map[string]any{"supplierSku": it.sku, "locationCode": location, "quantity": onHand, "unit": it.base}
	if onHand%it.pack == 0 {
		row["quantity"], row["unit"] = onHand/it.pack, it.unit
	}
	if it.cost > 0 && s.chance(0.01) {
		row["cost"] = fmt.Sprintf("%.2f", it.cost*(0.95+s.random.Float64()/10))
	}
	return row
}

const queryConflicts = `query TrafficConflicts { conflicts(status: OPEN, first: 50) { nodes { id kind supplier { code } } } }`

var resolveConflict = mutation{"conflictResolve", "ConflictResolveInput", ""}

// leftForPeople is how many conflicts the operator leaves open, for whoever wants to
// try it by hand.
const leftForPeople = 3

// dismissed are the kinds of conflicts that aren't right: what they tell of is let go.
var dismissed = []string{"UNMAPPED_SKU", "PACK_MISMATCH", "MASS_ZEROING"}

// settleConflict has the operator settle one of the open conflicts.
func (s *simulation) settleConflict(ctx context.Context) (Kind, error) {
	type conflict struct {
		ID, Kind string
		Supplier *struct{ Code string }
	}
	at := s.random.IntN(1 << 30) // whatever is open, so that what follows doesn't depend on it
	var answer struct{ Conflicts struct{ Nodes []conflict } }
	if err := s.Gateway.Ask(ctx, operator, queryConflicts, nil, &answer); err != nil {
		return Settle, err
	}
	open := slices.DeleteFunc(answer.Conflicts.Nodes, func(c conflict) bool { // there is no word of it yet
		return c.Kind == "STALE_FEED" && c.Supplier != nil && s.outage.silent(c.Supplier.Code)
	})
	if len(open) <= leftForPeople {
		return Idle, nil
	}
	c := open[at%len(open)]
	input := map[string]any{"conflictId": c.ID, "status": "RESOLVED", "resolution": "settled with the supplier"}
	if slices.Contains(dismissed, c.Kind) {
		input["status"], input["resolution"] = "DISMISSED", "the supplier made a mistake"
	}
	err := s.change(ctx, operator, resolveConflict, input, nil)
	if isRefused(err) && input["status"] == "RESOLVED" {
		input["status"], input["resolution"] = "DISMISSED", "nothing can be done about it"
		err = s.change(ctx, operator, resolveConflict, input, nil)
	}
	return Settle, err
}
