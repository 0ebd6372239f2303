package test_test

import (
	"encoding/json"
	"reflect"
	"testing"
)

const (
	snapshotLevel  = levelFields + ` asOf stale`
	snapshotLevels = `subscription($filter: InventoryLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		inventoryChanged(filter: $filter, after: $after, snapshot: $snapshot) { cursor kind level { ` + snapshotLevel + ` } } }`
	pagesOfLevels = `query($filter: InventoryFilter, $after: String) { inventoryLevels(filter: $filter, first: 250, after: $after) {
		nodes { ` + snapshotLevel + ` } pageInfo { hasNextPage endCursor } } }`
	snapshotOrder = `id number version status externalReference customer { id name email } total { amount currency } nextStatuses updatedAt
		lines { id quantity open shipped cancelled } fulfillmentOrders { id status version lines { id quantity } }`
	snapshotOrders = `subscription($filter: OrderLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		orderChanged(filter: $filter, after: $after, snapshot: $snapshot) { cursor kind order { ` + snapshotOrder + ` } } }`
	pagesOfOrders = `query($filter: OrderFilter, $after: String) { orders(filter: $filter, first: 100, after: $after) {
		nodes { ` + snapshotOrder + ` } pageInfo { hasNextPage endCursor } } }`
)

// A snapshot and the changes after it, applied to a map, come to what the lists
// say, whatever the filter, while others write; and so they do where the
// connection is cut within the snapshot and the subscription goes on with the
// cursor that it had.
func TestLiveSnapshotThenChanges(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	db := s.database(t)
	trade := newTrade(t, s, "snapshot.example", 6)
	operator := trade.operator
	poke := func(stock [2]string) func() string { return operator.pokeStock(t, stock[0], stock[1]) }
	ofOurs, ofCajun := poke(liveStock[0]), poke(liveStock[4])
	ofLow := func() string {
		setAvailable(t, operator, lowStock[0][0], lowStock[0][1], 1)
		return poke(lowStock[0])()
	}
	ofOrder := func() string {
		return trade.shop.place(t, orderInput(vars{"name": "Last"}, map[string]int{liveStock[0][0]: 1})).text("cursor")
	}
	var skus []any
	for _, l := range operator.pages(t, "inventoryLevels", pagesOfLevels, vars{"filter": vars{"category": []any{"Brake pads", "Batteries"}}}) {
		skus = append(skus, text(l, "product.sku"))
	}
	eastID := text(operator.level(t, liveStock[0][0], liveStock[0][1]), "location.id")
	cases := []struct {
		name   string
		orders bool
		filter vars
		marker func() string // makes a change that is told
		cutAt  int
	}{
		{"no filter", false, nil, ofOurs, 400},
		{"SKUs", false, vars{"skus": skus[:min(len(skus), 100)]}, ofOurs, 5},
		{"a location", false, vars{"locationIds": []any{eastID}}, ofOurs, 200},
		{"a category", false, vars{"category": []any{"Brake pads", "Batteries"}}, ofOurs, 5},
		{"a supplier", false, vars{"supplierId": supplierID(t, s, cajun)}, ofCajun, 1},
		{"what is low", false, vars{"lowOnly": true}, ofLow, 5},
		{"orders of a status", true, vars{"statuses": []any{"PENDING"}}, ofOrder, 20},
		{"orders of two", true, vars{"statuses": []any{"PENDING", "CANCELLED"}}, ofOrder, 20},
	}
	w := write(t, len(trade.orders), func(int) string { return s.addr }, trade.next)
	w.more(t, 50)
	var followers []*follower
	for _, c := range cases {
		query := snapshotLevels
		if c.orders {
			query = snapshotOrders
		}
		for _, cutAt := range []int{0, c.cutAt} {
			f := &follower{
				name: c.name, token: operator.token, query: query, variables: vars{"filter": c.filter}, snapshot: true, keep: true,
				whole: !c.orders && c.name != "what is low", cutAt: cutAt, addr: func(int) string { return s.addr }, chunk: 512,
			}
			if cutAt > 0 {
				f.name += ", cut"
			}
			followers = append(followers, f)
		}
	}
	follow(t, followers...)
	areLive(t, followers)
	w.more(t, 100)
	t.Logf("%d changes", w.end(t))

	for i, c := range cases {
		// Nobody else writes but the gateway's own jobs: where the marker isn't the
		// newest event when the list has been read, one of them just did.
		var want map[string]any
		var marker int64
		for attempt := 1; ; attempt++ {
			marker = position(t, c.marker())
			root, query := "inventoryLevels", pagesOfLevels
			if c.orders {
				root, query = "orders", pagesOfOrders
			}
			want = map[string]any{}
			for _, node := range operator.pages(t, root, query, vars{"filter": c.filter}) {
				want[text(node, "id")] = node
			}
			if upTo(t, db) == marker {
				break
			}
			if attempt == 10 {
				t.Fatal("the gateway's own jobs write all the time")
			}
		}
		for _, f := range followers[2*i : 2*i+2] {
			waitAll(t, []*follower{f}, "the marker", func(f *follower) bool { return f.last >= marker })
			f.checkState(t, want)
		}
	}
}

// checkState holds what a follower has been told against what there is.
func (f *follower) checkState(t *testing.T, want map[string]any) {
	t.Helper()
	f.mu.Lock()
	defer f.mu.Unlock()
	wrong := 0
	for id := range mergeVars(want, keysOf(f.state)) {
		var got any
		if body, there := f.state[id]; there {
			got = parsed(t, body)
		}
		if !reflect.DeepEqual(got, want[id]) {
			if wrong++; wrong <= 3 {
				t.Errorf("%s: %s is told as %v; it is %v", f.name, id, got, want[id])
			}
		}
	}
	t.Logf("%s: %d subjects, %d changes since the snapshot; %s", f.name, len(want), len(f.tale), f.tally)
	if len(want) == 0 || wrong > 0 || f.tally.snapshots != 1 {
		t.Errorf("%s: %d of %d subjects are wrong; %d snapshots were completed", f.name, wrong, len(want), f.tally.snapshots)
	}
	if cut := f.tally.cuts > 0; cut != (f.tally.again > 0) {
		t.Errorf("%s: cut within its snapshot %d times, it began again %d times", f.name, f.tally.cuts, f.tally.again)
	}
}

func keysOf(m map[string]json.RawMessage) vars {
	out := vars{}
	for id := range m {
		out[id] = nil
	}
	return out
}
