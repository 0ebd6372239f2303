package graph_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"redline"
	"redline/graph"
)

// archive is the repository of an event log that begins behind its floor, and
// whose reads look at so many ids at most.
type archive struct {
	graph.Store
	events        []*redline.Event
	floor, issued int64
	reach         int64
	// reads are the positions behind which was read.
	reads []int64
	// before is called before each read.
	before func(*archive)
}

func (a *archive) EventsBetween(_ context.Context, after, upTo int64, types []string, limit int) (redline.EventBatch, error) {
	if a.before != nil {
		a.before(a)
	}
	if upTo <= after {
		return redline.EventBatch{UpTo: upTo}, nil
	}
	a.reads = append(a.reads, after)
	if after < a.floor {
		return redline.EventBatch{}, redline.Errorf(redline.CodeCursorExpired, nil, "the event log begins behind %d by now", a.floor)
	}
	batch := redline.EventBatch{UpTo: min(upTo, after+a.reach)}
	batch.More = batch.UpTo < upTo
	for _, e := range a.events {
		if e.ID <= after || e.ID > batch.UpTo {
			continue
		}
		batch.Newest = e.ID
		if slices.Contains(types, e.Type()) {
			batch.Events = append(batch.Events, e)
		}
		if len(batch.Events) == limit {
			batch.UpTo, batch.More = e.ID, true
			break
		}
	}
	return batch, nil
}

func (a *archive) LogFloor(context.Context) (int64, error)   { return a.floor, nil }
func (a *archive) LastIssued(context.Context) (int64, error) { return a.issued, nil }

// archived is a room with a log that holds events, and the log's head.
func archived(events ...*redline.Event) (*room, *archive, *eventLog) {
	a, log := &archive{events: events, reach: 200_000}, newEventLog()
	for _, e := range events {
		log.head, a.issued = e.ID, e.ID
	}
	return furnished(a, log), a, log
}

// page is a page of events as a client reads it.
type page struct {
	Nodes []struct {
		Type   string `json:"__typename"`
		Cursor string
		Kind   string
	}
	Cursor  string
	HasMore bool
}

// told names the nodes of a page, each by its type and its event's id.
func (p page) told(t *testing.T) []string {
	t.Helper()
	out := []string{}
	for _, n := range p.Nodes {
		c, err := redline.ParseCursor(n.Cursor)
		if err != nil || n.Kind != "CHANGE" {
			t.Errorf("a node %+v: %v", n, err)
		}
		out = append(out, strings.TrimSuffix(n.Type, "Event")+" "+strconv.FormatInt(c.ID, 10))
	}
	return out
}

// ask asks for a page with arguments, which has to come.
func (r *room) page(t *testing.T, p redline.Principal, arguments string) page {
	t.Helper()
	got := r.run(t, p, `{events`+arguments+`{nodes{__typename cursor kind} cursor hasMore}}`, "")
	var data struct{ Events page }
	if err := json.Unmarshal(got.Data, &data); err != nil || len(got.Errors) > 0 {
		t.Fatalf("%s: %v, %+v", arguments, err, got.Errors)
	}
	return data.Events
}

// mixed is a log of everything that is told somebody and kept from somebody else.
func mixed() []*redline.Event {
	withdrawn, unnoticed := levelEvent(20), levelEvent(30)
	withdrawn.Level.Active = false
	unnoticed.Level.Before.Available = unnoticed.Level.Level.Available
	return []*redline.Event{
		levelEvent(10), withdrawn, unnoticed, ofAnother(levelEvent(40)),
		orderEvent(50), ofAnother(orderEvent(60)), ofOwner(orderEvent(70), "stranger"), ofCustomer(orderEvent(80), "customer-2"),
		conflictEvent(90, ptr("acme")), conflictEvent(100, ptr("another")), conflictEvent(110, nil),
		{ID: 120, Kept: redline.EventPlaces}, {ID: 130}, levelEvent(140),
	}
}

// TestEventsByRole: each is told what its scopes allow, of what it may see, and
// what it names if it may.
func TestEventsByRole(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		by          redline.Principal
		types, want string
	}{
		{redline.Anonymous(), ``, "Availability 10,Availability 40,Availability 140"},
		{redline.Anonymous(), `(types:null)`, "Availability 10,Availability 40,Availability 140"},
		{redline.Anonymous(), `(types:[])`, ""},
		{redline.Anonymous(), `(types:[INVENTORY])`, "UNAUTHENTICATED"},
		{redline.Anonymous(), `(types:[AVAILABILITY,ORDER])`, "UNAUTHENTICATED"},
		{principal(redline.RoleStorefront), ``, "Availability 10,Availability 40,Order 50,Order 60,Order 80,Availability 140"},
		{principal(redline.RoleStorefront), `(types:[ORDER,ORDER])`, "Order 50,Order 60,Order 80"},
		{principal(redline.RoleStorefront), `(types:[CONFLICT])`, "FORBIDDEN"},
		{principal(redline.RoleCustomer), `(types:ORDER)`, "Order 50,Order 60,Order 70"},
		{principal(redline.RoleSupplier), ``, "Inventory 10,Inventory 20,Inventory 30,Order 50,Order 70,Order 80,Conflict 90,Inventory 140"},
		{principal(redline.RoleSupplier), `(types:[INVENTORY,AVAILABILITY])`,
			"Availability 10,Inventory 10,Inventory 20,Inventory 30,Availability 40,Availability 140,Inventory 140"},
		{principal(redline.RoleSupplier, redline.ScopeInventoryRead), ``, "Inventory 10,Inventory 20,Inventory 30,Inventory 140"},
		{principal(redline.RoleSupplier, redline.ScopeInventoryRead), `(types:[ORDER])`, "FORBIDDEN"},
		{principal(redline.RoleOperator), ``,
			"Inventory 10,Inventory 20,Inventory 30,Inventory 40,Order 50,Order 60,Order 70,Order 80,Conflict 90,Conflict 100,Conflict 110,Inventory 140"},
		{principal(redline.RoleOperator), `(types:[AVAILABILITY])`, "Availability 10,Availability 40,Availability 140"},
		{principal(redline.RoleOperator), `(types:[CONFLICT])`, "Conflict 90,Conflict 100,Conflict 110"},
	} {
		t.Run(string(c.by.Role)+c.types, func(t *testing.T) {
			t.Parallel()
			r, _, log := archived(mixed()...)
			if strings.ToUpper(c.want) == c.want && c.want != "" {
				got := r.run(t, c.by, `{events`+c.types+`{cursor}}`, "")
				if !slices.Equal(got.codes(), []string{c.want}) {
					t.Errorf("got %s, %+v; want %s", got.Data, got.Errors, c.want)
				}
				return
			}
			got := r.page(t, c.by, c.types)
			if told := strings.Join(got.told(t), ","); told != c.want || got.HasMore || got.Cursor != log.Cursor(140) {
				t.Errorf("told %s, and goes on at %s, more %t; want %s", told, got.Cursor, got.HasMore, c.want)
			}
		})
	}
}

// TestEventsTellWhatSubscriptionsTell: each node is what the subscription told of
// the same event, to the byte, and an event is left as it was. There is no
// repository but the log.
func TestEventsTellWhatSubscriptionsTell(t *testing.T) {
	t.Parallel()
	for _, kind := range []struct{ name, subscription, selection string }{
		{"AVAILABILITY", "availabilityChanged", `{__typename cursor kind at available stale product{id sku category active} location{id code}}`},
		{"INVENTORY", "inventoryChanged", `{__typename cursor kind at reason changes{state delta after} level{id onHand version product{sku} location{code}}}`},
		{"ORDER", "orderChanged", `{__typename cursor kind at from to fulfillmentOrder{id order{id}} order{externalReference customer{id} nextStatuses total{amount}
			returns{id order{number} lines{orderLine{id}}} lines{id product{id}} fulfillmentOrders{id nextStatuses lines{orderLine{id open}}}}}`},
		{"CONFLICT", "conflictChanged", `{__typename cursor kind at conflict{id status version facts{name value} subject{id} supplier{id}}}`},
	} {
		for _, by := range []redline.Principal{
			redline.Anonymous(), principal(redline.RoleStorefront), principal(redline.RoleCustomer), principal(redline.RoleSupplier), principal(redline.RoleOperator),
			principal(redline.RoleOperator, redline.ScopeConflictsRead),
		} {
			t.Run(string(by.Role)+kind.name, func(t *testing.T) {
				t.Parallel()
				r, _, log := archived(mixed()...)
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				next := r.start(ctx, by, `subscription{it:`+kind.subscription+kind.selection+`}`, "")
				typename := strings.ToUpper(kind.subscription[:1]) + strings.TrimSuffix(kind.subscription[1:], "Changed") + "Event"
				got := r.run(t, by, `{events(types:[`+kind.name+`]){nodes{...on `+typename+kind.selection+`}}}`, "")
				select {
				case <-log.joined:
				default:
					refused := next()
					if len(got.Errors) != 1 || !slices.Equal(got.codes(), refused.codes()) || got.Errors[0].Message != refused.Errors[0].Message {
						t.Errorf("refused with %+v, and the subscription with %+v", got.Errors, refused.Errors)
					}
					return
				}
				var data struct {
					Events struct{ Nodes []json.RawMessage }
				}
				if err := json.Unmarshal(got.Data, &data); err != nil || len(got.Errors) > 0 {
					t.Fatalf("%v, %+v", err, got.Errors)
				}
				events := mixed()
				for _, e := range events {
					log.append(e)
				}
				for i, node := range data.Events.Nodes {
					var told struct{ It json.RawMessage }
					one := next()
					if err := json.Unmarshal(one.Data, &told); err != nil || len(one.Errors) > 0 || string(told.It) != string(node) {
						t.Errorf("node %d is\n%s, and the subscription told\n%s, %+v", i, node, one.Data, one.Errors)
					}
				}
				log.tell(redline.Telling{Cursor: "the end"})
				if end := next(); !strings.Contains(string(end.Data), "the end") {
					t.Errorf("the subscription told more: %s", end.Data)
				}
			})
		}
	}
}

// idOf is the event's id in the name of a node.
func idOf(told string) string {
	_, id, _ := strings.Cut(told, " ")
	return id
}

// TestEventsPages: whoever goes on from where a page ended is told everything once,
// however long the pages are and wherever they end; and an event that is told
// twice is in one page.
func TestEventsPages(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	var events []*redline.Event
	for id := int64(1); len(events) < 300; id += 1 + random.Int64N(5) {
		e := mixed()[random.IntN(14)]
		e.ID = id
		events = append(events, e)
	}
	for _, by := range []redline.Principal{redline.Anonymous(), principal(redline.RoleSupplier), principal(redline.RoleOperator)} {
		types := `types:[AVAILABILITY,INVENTORY,ORDER,CONFLICT]`
		if !by.Authenticated() {
			types = `types:[AVAILABILITY]`
		}
		r, a, log := archived(events...)
		end := log.Cursor(log.head)
		var whole []string
		for cursor := log.Cursor(0); cursor != end; {
			p := r.page(t, by, fmt.Sprintf(`(%s,first:250,after:%q)`, types, cursor))
			whole, cursor = append(whole, p.told(t)...), p.Cursor
		}
		if len(whole) < 50 {
			t.Fatalf("%s is told %d", by.Role, len(whole))
		}
		for _, reach := range []int64{200_000, 7} {
			a.reach = reach
			var told []string
			pages, cursor := 0, ""
			for more := true; more; pages++ {
				first := 1 + random.IntN(9)
				arguments := fmt.Sprintf(`(%s,first:%d)`, types, first)
				if cursor != "" {
					arguments = fmt.Sprintf(`(%s,first:%d,after:%q)`, types, first, cursor)
				}
				a.reads = nil
				p := r.page(t, by, arguments)
				if len(a.reads) > 8 {
					t.Errorf("a page took %d reads", len(a.reads))
				}
				one := p.told(t)
				if n := len(one); n > first && (n > 2 || idOf(one[0]) != idOf(one[1])) {
					t.Errorf("a page of %d has %v", first, one)
				}
				if len(one) > 0 && len(told) > 0 && idOf(told[len(told)-1]) == idOf(one[0]) {
					t.Errorf("an event is torn apart: %s, %s", told[len(told)-1], one[0])
				}
				if p.HasMore == (p.Cursor == end) || p.HasMore && p.Cursor == cursor {
					t.Fatalf("more is %t at %s behind %s; the end is %s", p.HasMore, p.Cursor, cursor, end)
				}
				if c, err := redline.ParseCursor(p.Cursor); err != nil || !slices.ContainsFunc(events, func(e *redline.Event) bool { return e.ID == c.ID }) {
					t.Errorf("the page ends at %+v, which is no event: %v", c, err)
				}
				told, cursor, more = append(told, one...), p.Cursor, p.HasMore
			}
			if !slices.Equal(told, whole) {
				t.Errorf("%s with reads of %d ids: told\n%v\nwant\n%v", by.Role, reach, told, whole)
			}
			// There is nothing more, and then there is.
			if p := r.page(t, by, fmt.Sprintf(`(after:%q)`, cursor)); len(p.Nodes) > 0 || p.HasMore || p.Cursor != end {
				t.Errorf("behind the end: %+v", p)
			}
		}
	}
}

// TestEventsOfWhomLittleConcerns: a page reads so much at most, and says how far it
// came; also where no event has the ids that it looked at.
func TestEventsOfWhomLittleConcerns(t *testing.T) {
	t.Parallel()
	var events []*redline.Event
	for id := range int64(9_000) {
		events = append(events, ofAnother(levelEvent(id+1)))
	}
	events = append(events, levelEvent(9_001))
	r, a, log := archived(events...)
	by := principal(redline.RoleSupplier)
	p, reads, pages := page{Cursor: log.Cursor(0)}, 0, 0
	for len(p.Nodes) == 0 {
		a.reads = nil
		p = r.page(t, by, fmt.Sprintf(`(first:10,types:[INVENTORY],after:%q)`, p.Cursor))
		if pages++; p.HasMore != (len(p.Nodes) == 0) || len(a.reads) > 8 {
			t.Fatalf("%+v after %d reads", p, len(a.reads))
		}
		reads += len(a.reads)
	}
	if pages != 3 || reads > 3*8 || p.Cursor != log.Cursor(9_001) {
		t.Errorf("%d pages and %d reads, to %s", pages, reads, p.Cursor)
	}

	r, a, log = archived(levelEvent(1), levelEvent(5_000))
	a.reach = 100
	p = r.page(t, by, `(first:1)`)
	for pages = 0; p.HasMore; pages++ {
		before := p.Cursor
		if p = r.page(t, by, fmt.Sprintf(`(after:%q)`, before)); p.Cursor == before {
			t.Fatal("a gap in the log holds its reader up")
		}
	}
	if len(p.Nodes) != 1 || p.Cursor != log.Cursor(5_000) || pages > 8 {
		t.Errorf("behind a gap: %+v after %d pages", p, pages)
	}
}

// TestEventsAfter: where to go on from, and what is said of cursors from which
// nobody can.
func TestEventsAfter(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		after redline.Cursor
		raw   string
		want  string
		told  int
	}{
		"before the first":          {after: redline.Cursor{Epoch: 1}, want: "CURSOR_EXPIRED"},
		"dropped":                   {after: redline.Cursor{Epoch: 1, ID: 9}, want: "CURSOR_EXPIRED"},
		"the last that was dropped": {after: redline.Cursor{Epoch: 1, ID: 10}, told: 3},
		"in the middle":             {after: redline.Cursor{Epoch: 1, ID: 30}, told: 1},
		"between two":               {after: redline.Cursor{Epoch: 1, ID: 25}, told: 2},
		"the head":                  {after: redline.Cursor{Epoch: 1, ID: 40}},
		"ahead of this node":        {after: redline.Cursor{Epoch: 1, ID: 45}},
		"never issued":              {after: redline.Cursor{Epoch: 1, ID: 51}, want: "CURSOR_EXPIRED"},
		"another log":               {after: redline.Cursor{Epoch: 2, ID: 30}, want: "CURSOR_EXPIRED"},
		"within a snapshot":         {after: redline.Cursor{Epoch: 1, ID: 30, InSnapshot: true}, want: "INVALID"},
		"garbage":                   {raw: "x", want: "INVALID"},
		"nothing":                   {raw: `""`, want: "INVALID"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, a, log := archived(levelEvent(20), levelEvent(30), levelEvent(40))
			a.floor, a.issued = 10, 50
			after := c.raw
			if after == "" {
				after = c.after.String()
			}
			after = strconv.Quote(strings.Trim(after, `"`))
			if c.want != "" {
				got := r.run(t, principal(redline.RoleOperator), `{events(after:`+after+`){cursor}}`, "")
				if !slices.Equal(got.codes(), []string{c.want}) || !slices.Equal(got.Errors[0].Extensions.Field, []string{"after"}) || string(got.Data) != "null" {
					t.Errorf("got %s, %+v; want %s", got.Data, got.Errors, c.want)
				}
				return
			}
			got := r.page(t, principal(redline.RoleOperator), `(after:`+after+`)`)
			if end := log.Cursor(max(40, c.after.ID)); len(got.Nodes) != c.told || got.Cursor != end || got.HasMore {
				t.Errorf("got %+v; want %d, to %s", got, c.told, end)
			}
		})
	}
	// What came behind the head was dropped before this node heard of it.
	behind, a, log := archived(levelEvent(20), levelEvent(30), levelEvent(40))
	a.floor, a.issued = 45, 50
	for id, want := range map[int64][]string{40: {"CURSOR_EXPIRED"}, 44: {"CURSOR_EXPIRED"}, 45: nil, 50: nil} {
		if got := behind.run(t, principal(redline.RoleOperator), fmt.Sprintf(`{events(after:%q){cursor}}`, log.Cursor(id)), ""); !slices.Equal(got.codes(), want) {
			t.Errorf("behind %d: %s, %+v", id, got.Data, got.Errors)
		}
	}
	r, _, _ := archived(levelEvent(20))
	for first, want := range map[string]string{"0": "INVALID", "-1": "INVALID", "251": "INVALID", "250": "", "null": ""} {
		got := r.run(t, redline.Anonymous(), `{events(first:`+first+`){cursor}}`, "")
		if code := strings.Join(got.codes(), ","); code != want || want != "" && !slices.Equal(got.Errors[0].Extensions.Field, []string{"first"}) {
			t.Errorf("first %s: %+v", first, got.Errors)
		}
	}
}

// TestEventsFromTheOldest: without a cursor a page begins where the log does, also
// where that is dropped just then; and goes up to the head as it was before.
func TestEventsFromTheOldest(t *testing.T) {
	t.Parallel()
	by := principal(redline.RoleOperator)
	r, a, log := archived(levelEvent(20), levelEvent(30), levelEvent(40))
	a.floor = 10
	if got := r.page(t, by, ``).told(t); !slices.Equal(got, []string{"Inventory 20", "Inventory 30", "Inventory 40"}) {
		t.Errorf("got %v", got)
	}
	a.before = func(a *archive) {
		a.before, a.floor, a.events = nil, 20, append(a.events[1:], levelEvent(50))
		log.head, a.issued = 50, 50
	}
	got := r.run(t, by, `{events{nodes{cursor} cursor hasMore} eventHead}`, "")
	if want := fmt.Sprintf(`{"events":{"nodes":[{"cursor":%q},{"cursor":%[2]q}],"cursor":%[2]q,"hasMore":false},"eventHead":%[2]q}`,
		log.Cursor(30), log.Cursor(40)); string(got.Data) != want {
		t.Errorf("got %s, %+v\nwant %s", got.Data, got.Errors, want)
	}
	// All of it dropped, and nothing behind it.
	a.floor, a.events = 50, nil
	if got := r.page(t, by, ``); len(got.Nodes) > 0 || got.Cursor != log.Cursor(50) || got.HasMore {
		t.Errorf("got %+v", got)
	}
	// Dropped without end: that is said, once, and not tried for ever.
	a.before = func(a *archive) { a.floor++ }
	log.head = 1_000
	if got := r.run(t, by, `{events{cursor}}`, ""); !slices.Equal(got.codes(), []string{"CURSOR_EXPIRED"}) {
		t.Errorf("got %s, %+v", got.Data, got.Errors)
	}
}

// TestEventsOfALogThatChanges: what was read while the log became another one is
// nobody's to tell.
func TestEventsOfALogThatChanges(t *testing.T) {
	t.Parallel()
	r, a, log := archived(levelEvent(20), levelEvent(30))
	a.before = func(*archive) { log.head = 5 }
	if got := r.run(t, principal(redline.RoleOperator), `{events{cursor}}`, ""); !slices.Equal(got.codes(), []string{"CURSOR_EXPIRED"}) {
		t.Errorf("got %s, %+v", got.Data, got.Errors)
	}
	// Before the log is known there is nothing to hold a cursor against.
	got := furnished(a, unplaced{log}).run(t, principal(redline.RoleOperator), fmt.Sprintf(`{events(after:%q){cursor}}`, log.Cursor(1)), "")
	if !slices.Equal(got.codes(), []string{"UNAVAILABLE"}) || got.Errors[0].Extensions.RetryAfterMs == nil {
		t.Errorf("got %s, %+v", got.Data, got.Errors)
	}
}

// unplaced is a node that doesn't know its place in the log yet.
type unplaced struct{ *eventLog }

func (unplaced) Head() int64            { return 0 }
func (unplaced) Cursor(id int64) string { return redline.Cursor{ID: id}.String() }

// docket is an archive beside a court: its conflicts are about an order.
type docket struct {
	*archive
	order *redline.Order
	reads []string
}

func (d *docket) OrdersByID(_ context.Context, _ redline.Principal, ids []string) (map[string]*redline.Order, error) {
	d.reads = append(d.reads, fmt.Sprint("orders ", len(ids)))
	now := *d.order
	return map[string]*redline.Order{now.ID: &now}, nil
}

func (d *docket) LoadOrders(_ context.Context, _ redline.Principal, orders []*redline.Order, _ redline.OrderParts) error {
	for _, o := range orders {
		o.Lines = []*redline.OrderLine{{ID: "line_now"}}
	}
	return nil
}

func (d *docket) ProductsOf(_ context.Context, ids []string) (map[string]*redline.Product, error) {
	d.reads = append(d.reads, fmt.Sprint("products ", len(ids)))
	found := map[string]*redline.Product{}
	for _, id := range ids {
		found[id] = &redline.Product{ID: id, SKU: "now", Name: id}
	}
	return found, nil
}

// TestEventsOfSeveralTypes: what one event tells of an order or a product doesn't
// stand for what another of the same page asks of it, and what is asked for beside
// those of one type is read together.
func TestEventsOfSeveralTypes(t *testing.T) {
	t.Parallel()
	order, conflict := orderEvent(1), conflictEvent(3, nil)
	order.Order.Order.ID = redline.NewID(redline.PrefixOrder)
	conflict.Conflict.Conflict.SubjectID = &order.Order.Order.ID
	a := &archive{events: []*redline.Event{order, levelEvent(2), conflict, levelEvent(4)}, reach: 100}
	d, log := &docket{archive: a, order: &redline.Order{ID: order.Order.Order.ID}}, newEventLog()
	log.head = 4
	got := furnished(d, log).run(t, principal(redline.RoleOperator), `{events{nodes{
		...on OrderEvent{order{lines{id product{sku}}}} ...on InventoryEvent{level{product{sku}}}
		...on ConflictEvent{conflict{subject{...on Order{lines{id}}}}}}}}`, "")
	want := `{"events":{"nodes":[{"order":{"lines":[{"id":"line_1","product":{"sku":"now"}},{"id":"line_2","product":{"sku":"now"}}]}},` +
		`{"level":{"product":{"sku":"SKU-1"}}},{"conflict":{"subject":{"lines":[{"id":"line_now"}]}}},{"level":{"product":{"sku":"SKU-1"}}}]}}`
	if string(got.Data) != want || len(got.Errors) > 0 {
		t.Errorf("got %s, %+v\nwant %s", got.Data, got.Errors, want)
	}
	if want := []string{"products 2", "orders 1"}; !slices.Equal(d.reads, want) {
		t.Errorf("read %v, want %v", d.reads, want)
	}
	d.reads = nil
	got = furnished(d, log).run(t, principal(redline.RoleOperator), `{events(types:[INVENTORY]){a:nodes{...on InventoryEvent{level{product{name}}}}
		b:nodes{...on InventoryEvent{level{product{id}}}}}}`, "")
	want = `{"events":{"a":[{"level":{"product":{"name":"prod_1"}}},{"level":{"product":{"name":"prod_1"}}}],"b":[{"level":{"product":{"id":"prod_1"}}},{"level":{"product":{"id":"prod_1"}}}]}}`
	if string(got.Data) != want || len(got.Errors) > 0 || !slices.Equal(d.reads, []string{"products 1"}) {
		t.Errorf("got %s, %+v, %v\nwant %s", got.Data, got.Errors, d.reads, want)
	}
}
