package test_test

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"redline"
)

// What is asked of each type of events, of a subscription and of a page alike.
const (
	eventOfAvailability = `__typename cursor kind at available stale product { id sku name } location { id code }`
	eventOfInventory    = `__typename cursor kind at reason changes { state delta after } level { id version onHand available product { sku name } location { code } }`
	eventOfOrder        = `__typename cursor kind at from to order { id version status customer { id } total { amount }
		lines { quantity product { sku } } fulfillmentOrders { status location { code } } } fulfillmentOrder { id }`
	eventOfConflict = `__typename cursor kind at conflict { id version status kind summary supplier { code } }`
)

// eventKinds are the types of events by their names in answers.
var eventKinds = map[string]struct{ name, subscription, selection string }{
	"AvailabilityEvent": {"AVAILABILITY", "availabilityChanged", eventOfAvailability},
	"InventoryEvent":    {"INVENTORY", "inventoryChanged", eventOfInventory},
	"OrderEvent":        {"ORDER", "orderChanged", eventOfOrder},
	"ConflictEvent":     {"CONFLICT", "conflictChanged", eventOfConflict},
}

const pollEvents = `query($after: Cursor, $first: Int, $types: [EventType!]) { events(after: $after, first: $first, types: $types) { cursor hasMore nodes {
	... on AvailabilityEvent { ` + eventOfAvailability + ` } ... on InventoryEvent { ` + eventOfInventory + ` }
	... on OrderEvent { ` + eventOfOrder + ` } ... on ConflictEvent { ` + eventOfConflict + ` } } } }`

// poller is somebody who polls and subscribes, to all that it may.
type poller struct {
	caller
	types  []any
	socket *socket
	// cursor is where its next page begins, and nodes what it was told.
	cursor string
	nodes  []any
}

// followEvents subscribes to types by their names in answers, and polls from the
// same position.
func followEvents(t *testing.T, s *server, token, after string, types ...string) *poller {
	t.Helper()
	f := &poller{caller: s.as(token), socket: s.socket(t, token), cursor: after}
	for _, name := range types {
		kind := eventKinds[name]
		f.types = append(f.types, kind.name)
		f.socket.subscribe(name, `subscription($after: Cursor) { `+kind.subscription+`(after: $after) { `+kind.selection+` } }`, vars{"after": after})
	}
	await(t, map[*socket][]string{f.socket: types})
	return f
}

// poll asks for a page, and reports whether there is more.
func (f *poller) poll(t *testing.T, first int) bool {
	t.Helper()
	a := f.ask(t, pollEvents, vars{"after": f.cursor, "first": first, "types": f.types})
	nodes := a.list("events.nodes")
	if n := len(nodes); n > max(first, 2) || a.flag("events.hasMore") && n == 0 {
		t.Errorf("a page of %d has %d nodes, and says that there is more: %s", first, n, a.body)
	}
	f.cursor, f.nodes = a.text("events.cursor"), append(f.nodes, nodes...)
	return a.flag("events.hasMore")
}

// check holds what was polled against what the subscriptions told: the same, in the
// log's order, each once.
func (f *poller) check(t *testing.T, who string) {
	t.Helper()
	last, counts := "", map[string]int{}
	for i, node := range f.nodes {
		name, cursor := text(node, "__typename"), text(node, "cursor")
		counts[name]++
		if last != "" && position(t, cursor) < position(t, last) {
			t.Errorf("%s: node %d comes before the one before it", who, i)
		}
		last = cursor
		if told := f.socket.event(name); !reflect.DeepEqual(told, node) {
			t.Errorf("%s was told\n%v and polled\n%v", who, told, node)
		}
	}
	for _, name := range f.types {
		for typename, kind := range eventKinds {
			if kind.name == name && counts[typename] < 3 {
				t.Errorf("%s was told of %v", who, counts)
			}
		}
	}
}

// Who polls while things change is told what those are who hold a socket, each
// change once, in the same order and with the same cursors; and nobody what isn't
// theirs to see.
func TestEventsPolled(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "polled.example"))
	begin := s.as("").ask(t, `{ eventHead }`, nil).text("eventHead")
	followers := map[string]*poller{
		"an operator": followEvents(t, s, operator.token, begin, "AvailabilityEvent", "InventoryEvent", "OrderEvent", "ConflictEvent"),
		"a supplier":  followEvents(t, s, supplierToken(t, cajun), begin, "AvailabilityEvent", "InventoryEvent", "OrderEvent", "ConflictEvent"),
		"a shop":      followEvents(t, s, shop.token, begin, "AvailabilityEvent", "OrderEvent"),
		"anybody":     followEvents(t, s, "", begin, "AvailabilityEvent"),
	}

	const rounds = 4
	var changes sync.WaitGroup
	for sku, code := range map[string]string{cajunSauce: cajun, tokyoIkura: tokyo} {
		supplier := s.as(supplierToken(t, code))
		changes.Go(func() {
			for range rounds {
				operator.adjust(t, sku, code, "ON_HAND", 10)
				operator.adjust(t, sku, code, "INCOMING", 1)
				order := shop.place(t, orderInput(vars{"id": "C-1", "name": "Ada"}, map[string]int{sku: 1})).text("order.id")
				operator.pokeOrder(t, order)()
				supplier.pokeConflict(t)()
			}
		})
	}
	done := make(chan struct{})
	go func() { changes.Wait(); close(done) }()
	for first, changing := 1, true; changing; first = first%7 + 1 {
		select {
		case <-done:
			changing = false
		default:
		}
		for _, f := range followers {
			f.poll(t, first)
		}
	}
	// This is behind all of it, and everybody is told of it.
	end := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1).text("cursor")
	for _, f := range followers {
		for more := true; more || position(t, f.cursor) < position(t, end); {
			more = f.poll(t, 5)
		}
	}
	for who, f := range followers {
		f.check(t, who)
		if text(f.nodes[len(f.nodes)-1], "cursor") != end {
			t.Errorf("the last that %s was told is %v", who, f.nodes[len(f.nodes)-1])
		}
	}
	for _, node := range followers["a supplier"].nodes {
		foreign := text(node, "level.location.code") + text(node, "order.fulfillmentOrders.0.location.code") + text(node, "conflict.supplier.code")
		if text(node, "__typename") != "AvailabilityEvent" && foreign != cajun || at(node, "order.customer") != nil || at(node, "order.total") != nil {
			t.Errorf("the supplier was told %v", node)
		}
	}
	checkEventTypes(t, s, begin)
	checkEventCursors(t, s, begin, end)
}

// checkEventTypes looks at what is told of those who name no types, and who may
// name which.
func checkEventTypes(t *testing.T, s *server, after string) {
	t.Helper()
	for _, test := range []struct {
		token          string
		types, refused []string
		refusal        string
	}{
		{"", []string{"AvailabilityEvent"}, []string{"INVENTORY", "ORDER", "CONFLICT"}, "UNAUTHENTICATED"},
		{shopToken(t, "polled.example"), []string{"AvailabilityEvent", "OrderEvent"}, []string{"INVENTORY", "CONFLICT"}, "FORBIDDEN"},
		{supplierToken(t, tokyo), []string{"ConflictEvent", "InventoryEvent", "OrderEvent"}, nil, ""},
		{operatorToken(t), []string{"ConflictEvent", "InventoryEvent", "OrderEvent"}, nil, ""},
	} {
		var types []string
		for _, node := range s.as(test.token).ask(t, pollEvents, vars{"after": after, "first": 250}).list("events.nodes") {
			types = append(types, text(node, "__typename"))
		}
		slices.Sort(types)
		if types = slices.Compact(types); !slices.Equal(types, test.types) {
			t.Errorf("by default %v are told, want %v", types, test.types)
		}
		for _, name := range test.refused {
			if a := s.as(test.token).tell(t, pollEvents, vars{"types": []string{name}}); !slices.Equal(a.codes(), []string{test.refusal}) || a.data != nil {
				t.Errorf("asked for %s: %s", name, a.body)
			}
		}
	}
}

// checkEventCursors goes on from where one can and where one can't.
func checkEventCursors(t *testing.T, s *server, begin, end string) {
	t.Helper()
	operator := s.as(operatorToken(t))
	refused := func(after, code string) {
		t.Helper()
		a := operator.tell(t, pollEvents, vars{"after": after})
		if !slices.Equal(a.codes(), []string{code}) || !slices.Equal(a.errors[0].Extensions.Field, []string{"after"}) {
			t.Errorf("after %q: %s; want %s", after, a.body, code)
		}
	}
	from := func(after any) []any {
		return operator.ask(t, pollEvents, vars{"after": after, "first": 250}).list("events.nodes")
	}

	cursor, err := redline.ParseCursor(end)
	if err != nil {
		t.Fatal(err)
	}
	refused("x", "INVALID")
	refused(redline.Cursor{Epoch: cursor.Epoch, ID: cursor.ID, InSnapshot: true}.String(), "INVALID")
	refused(redline.Cursor{Epoch: cursor.Epoch + 1, ID: cursor.ID}.String(), "CURSOR_EXPIRED")
	refused(redline.Cursor{Epoch: cursor.Epoch, ID: cursor.ID + 1000}.String(), "CURSOR_EXPIRED")
	// Who has just changed something goes on behind it at once, however far the log
	// has been followed.
	own := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1).text("cursor")
	if nodes := from(own); len(nodes) > 0 {
		t.Errorf("behind one's own change there are %v", nodes)
	}
	eventually(t, "being told of it", func(ctx context.Context) bool {
		a, err := operator.try(ctx, pollEvents, vars{"after": end})
		return err == nil && len(a.list("events.nodes")) == 1 && a.text("events.nodes.0.cursor") == own
	})

	// The log is dropped up to the end, as the housekeeping does.
	if all := from(nil); len(all) == 0 || position(t, text(all[0], "cursor")) > position(t, end) {
		t.Errorf("from the oldest there are %d", len(all))
	}
	tx, err := s.database(t).BeginTxx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, change := range []string{`UPDATE event_log SET floor = %d`, `DELETE FROM events WHERE id <= %d`} {
		if _, err := tx.ExecContext(t.Context(), fmt.Sprintf(change, cursor.ID)); err != nil {
			t.Fatal(err)
		}
	}
	if err := tx.Commit(); err != nil {
		t.Fatal(err)
	}
	refused(begin, "CURSOR_EXPIRED")
	for _, after := range []any{nil, end} {
		if nodes := from(after); len(nodes) != 1 || text(nodes[0], "cursor") != own {
			t.Errorf("after %v: %v", after, nodes)
		}
	}
	if a := s.as("").ask(t, `{ events { nodes { cursor } cursor hasMore } }`, nil); !strings.Contains(a.body, own) || a.flag("events.hasMore") {
		t.Errorf("anybody from the oldest: %s", a.body)
	}
}

// The database becomes another one, as after a failover, and nothing has told the
// gateway's follower yet: its events aren't those that the cursor was of.
func TestEventsOfAnotherLog(t *testing.T) {
	t.Parallel()
	s := startDoomed(t, ownDir(t)) // it says in its log that it found out
	operator := s.as(operatorToken(t))
	end := operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1).text("cursor")
	cursor, err := redline.ParseCursor(end)
	if err != nil {
		t.Fatal(err)
	}
	operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1)
	eventually(t, "something behind it to be read", func(ctx context.Context) bool {
		a, err := operator.try(ctx, pollEvents, vars{"after": end})
		return err == nil && len(a.list("events.nodes")) > 0
	})
	if _, err := s.database(t).ExecContext(t.Context(), `UPDATE event_log SET id = gen_random_uuid()`); err != nil {
		t.Fatal(err)
	}
	if a := operator.tell(t, pollEvents, vars{"after": end}); !slices.Equal(a.codes(), []string{"CURSOR_EXPIRED"}) {
		t.Errorf("after a cursor of the former log: %s", a.body)
	}
	operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1)
	eventually(t, "the follower finding out", func(ctx context.Context) bool {
		a, err := operator.try(ctx, `{ eventHead }`, nil)
		if err != nil || a.data == nil {
			return false
		}
		head, err := redline.ParseCursor(a.text("eventHead"))
		return err == nil && head.Epoch != cursor.Epoch
	})
}
