package test_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
)

// Dashboards that ask for the same are one group, however they write it: the
// executor runs once for an event, whoever many are told of it.
func TestLiveSharing(t *testing.T) {
	t.Parallel()
	const sockets, events, sku, location = 20, 10, "BRK-PAD-1037", "WH-EAST"
	s := start(t, ownDir(t))
	operator := s.as(operatorToken(t))
	ways := []struct {
		query string
		name  string // of its variable
	}{
		{`subscription($skus: [String!]) { inventoryChanged(filter: {skus: $skus}) { cursor kind level { id version } } }`, "skus"},
		{"subscription Other ($of:[String!], $how: Delivery! = EVERY) {\n\n  inventoryChanged(delivery: $how, filter: { skus: $of }) {cursor,kind,level{id,version}}\n}", "of"},
		{`subscription($skus: [String!], $not: Boolean = false) { inventoryChanged(snapshot: $not, filter: {skus: $skus}) { cursor kind level { id version } } }`, "skus"},
	}
	subscriptions := map[*socket][]string{}
	ids := map[*socket]string{}
	for i := range sockets {
		// Somebody else's token of the same rights.
		w := s.socket(t, issue(t, auth.Claims{Role: redline.RoleOperator, Subject: fmt.Sprint("operator ", i%5)}))
		way := ways[i%len(ways)]
		ids[w] = fmt.Sprint("id ", i)
		w.subscribe(ids[w], way.query, vars{way.name: []any{sku}})
		subscriptions[w] = []string{ids[w]}
	}
	await(t, subscriptions)
	before := s.becomes(t, "the subscriptions' being live", func(f map[string]float64) bool {
		return f["redline_live_subscriptions"] == sockets
	})
	if before["redline_live_groups"] != 1 || before["redline_live_websockets"] != sockets {
		t.Errorf("%v groups of %v websockets", before["redline_live_groups"], before["redline_live_websockets"])
	}
	var cursors []string
	for range events {
		cursors = append(cursors, operator.adjust(t, sku, location, "ON_HAND", 1).text("cursor"))
	}
	for w, id := range ids {
		for i, cursor := range cursors {
			if e := w.event(id); text(e, "cursor") != cursor {
				t.Errorf("%s: event %d is %v; want %s", id, i+1, e, cursor)
			}
		}
	}
	after := s.figures(t)
	for name, want := range map[string]float64{"executions": events, "events": events, "messages": events * sockets} {
		name = "redline_live_" + name + "_total"
		if got := after[name] - before[name]; got != want {
			t.Errorf("%s rose by %v; want %v", name, got, want)
		}
	}
	for w := range ids {
		_ = w.conn.Close()
	}
	s.becomes(t, "nobody's being left", func(f map[string]float64) bool {
		return f["redline_live_groups"] == 0 && f["redline_live_subscriptions"] == 0 && f["redline_live_websockets"] == 0
	})
}

// Who may not see the same is never in one group, though all ask in the same
// words, and is told of nothing that is somebody else's.
func TestLiveSharingIsWithinRights(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	const query = `subscription { orderChanged { cursor kind order { id } } }`
	claims := func(role redline.Role, subject string, more auth.Claims) auth.Claims {
		more.Role, more.Subject = role, subject
		return more
	}
	callers := map[string]auth.Claims{
		"shop a":              claims(redline.RoleStorefront, "a.example", auth.Claims{}),
		"shop b":              claims(redline.RoleStorefront, "b.example", auth.Claims{}),
		"customer a":          claims(redline.RoleCustomer, "ann", auth.Claims{Customer: "a"}),
		"customer b":          claims(redline.RoleCustomer, "bob", auth.Claims{Customer: "b"}),
		"supplier a":          claims(redline.RoleSupplier, "feeds", auth.Claims{Suppliers: []string{tokyo}}),
		"supplier b":          claims(redline.RoleSupplier, "feeds", auth.Claims{Suppliers: []string{cajun}}),
		"supplier b, limited": claims(redline.RoleSupplier, "feeds", auth.Claims{Suppliers: []string{cajun}, Scopes: []string{"orders:read"}}),
	}
	type listener struct {
		name string
		w    *socket
	}
	var listeners []listener
	subscriptions := map[*socket][]string{}
	for name, c := range callers {
		for range 2 { // each with two tokens
			w := s.socket(t, issue(t, c))
			w.subscribe("1", query, nil)
			subscriptions[w] = []string{"1"}
			listeners = append(listeners, listener{name, w})
		}
	}
	await(t, subscriptions)
	f := s.becomes(t, "the subscriptions' being live", func(f map[string]float64) bool {
		return f["redline_live_subscriptions"] == float64(len(listeners))
	})
	if got := f["redline_live_groups"]; got != float64(len(callers)) {
		t.Errorf("%d callers are %v groups", len(callers), got)
	}
	place := func(side, sku string) string {
		shop := s.as(issue(t, callers["shop "+side]))
		return shop.place(t, orderInput(vars{"id": side, "name": side}, map[string]int{sku: 1})).text("order.id")
	}
	operator := s.as(operatorToken(t))
	setAvailable(t, operator, tokyoIkura, tokyo, 100)
	setAvailable(t, operator, cajunSauce, cajun, 100)
	// Twice each, so that the first of one side is behind the last of the other.
	var a, b []string
	for range 2 {
		a = append(a, place("a", tokyoIkura))
		b = append(b, place("b", cajunSauce))
	}
	for _, l := range listeners {
		want := a
		if strings.Contains(l.name, " b") {
			want = b
		}
		for _, id := range want {
			if e := l.w.event("1"); text(e, "order.id") != id {
				t.Errorf("%s is told of %v; want %s", l.name, e, id)
			}
		}
	}
}

// A token that was renewed with fewer suppliers shows nothing of the others' from
// the pong on, whatever is changing; with fewer scopes it ends what they allowed,
// and nothing else.
func TestLiveRightsAreRenewed(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	operator := s.as(operatorToken(t))
	for _, stock := range liveStock {
		setAvailable(t, operator, stock[0], stock[1], 1000)
	}
	token := func(scopes []string, suppliers ...string) string {
		return issue(t, auth.Claims{Role: redline.RoleSupplier, Subject: "both", Suppliers: suppliers, Scopes: scopes})
	}
	w := s.socket(t, token(nil, cajun, tokyo))
	w.subscribe("stock", `subscription { inventoryChanged { cursor kind level { id version location { code } } } }`, nil)
	w.subscribe("orders", watchOrders, nil)
	await(t, map[*socket][]string{w: {"stock", "orders"}})

	changing := write(t, 4, func(int) string { return s.addr }, func(caller, n int) mutation {
		return adjustment(operator, 1, [][2]string{{cajunSauce, cajun}, {tokyoIkura, tokyo}}[(caller+n)%2])
	})
	last := map[string]int{} // each supplier's version
	told := func(n int, from ...string) {
		t.Helper()
		for range n {
			e := w.event("stock")
			code, version := text(e, "level.location.code"), num(e, "level.version")
			if !slices.Contains(from, code) {
				t.Fatalf("it is told of %v", e)
			}
			if before := last[code]; before > 0 && version != before+1 {
				t.Errorf("after version %d of %s comes %d", before, code, version)
			}
			last[code] = version
		}
	}
	ping := func(token string) {
		t.Helper()
		w.send(vars{"type": "ping", "payload": vars{"authorization": "Bearer " + token}})
		for {
			m := w.read()
			if m.Type == "pong" {
				return
			}
			w.held = append(w.held, m)
		}
	}
	told(40, cajun, tokyo)
	if len(last) != 2 {
		t.Fatalf("of two suppliers it is told of %v", last)
	}
	ping(token(nil, cajun))
	before := len(w.held)
	told(before, cajun, tokyo) // what came ahead of the pong
	told(40, cajun)
	// The other again: what was missed of it is nobody's, what comes now is told.
	delete(last, tokyo)
	ping(token(nil, tokyo, cajun))
	told(len(w.held), cajun)
	for last[tokyo] == 0 {
		told(1, cajun, tokyo)
	}

	ping(token([]string{"orders:read"}, cajun, tokyo))
	for {
		m := w.next("stock")
		if m.Type == "next" {
			continue // it came ahead of the pong, or the error is still to come
		}
		var errs []graphqlError
		if err := json.Unmarshal(m.Payload, &errs); err != nil || m.Type != "error" || len(errs) != 1 || errs[0].Extensions.Code != string(redline.CodeForbidden) {
			t.Errorf("without its scope the operation got %s %s", m.Type, m.Payload)
		}
		break
	}
	changing.end(t)
	id := s.as(shopToken(t, "renewed.example")).place(t, orderInput(vars{"name": "Ann"}, map[string]int{cajunSauce: 1})).text("order.id")
	if e := w.event("orders"); text(e, "order.id") != id {
		t.Errorf("the other operation goes on with %v; want %s", e, id)
	}
	ping(token([]string{"orders:read"}, cajun, tokyo))
	if len(w.held) > 0 {
		t.Errorf("after its end comes %v", w.held)
	}
}

// When its token ends the socket closes with 4403, and not before; renewed in
// time it lives on.
func TestLiveTokenEnds(t *testing.T) {
	t.Parallel()
	s := demo(t)
	const sku, location = "CLG-FLD-1011", "WH-EAST"
	token := func(ttl time.Duration) string {
		token, err := world.key.Issue(auth.Claims{
			Issuer: auth.DefaultIssuer, Audience: auth.DefaultAudience, Subject: "brief", Role: redline.RoleOperator, TTL: ttl,
		})
		if err != nil {
			t.Fatal(err)
		}
		return token
	}
	const life = 4 * time.Second
	brief, renewed := token(life), token(life)
	began := time.Now()
	w, lives := s.socket(t, brief), s.socket(t, renewed)
	for _, w := range []*socket{w, lives} {
		w.subscribe("1", watchStock, vars{"filter": vars{"skus": []any{sku}}})
	}
	await(t, map[*socket][]string{w: {"1"}, lives: {"1"}})
	lives.send(vars{"type": "ping", "payload": vars{"authorization": "Bearer " + token(time.Hour)}})
	if m := lives.read(); m.Type != "pong" {
		t.Fatalf("the renewal is answered with %s %s", m.Type, m.Payload)
	}
	if code, reason := w.closed(); code != 4403 {
		t.Errorf("the socket whose token ended is closed with %d %q", code, reason)
	}
	// It ends on a whole second, so up to one earlier.
	if lived := time.Since(began); lived < life-time.Second {
		t.Errorf("a token for %s was good for %s", life, lived)
	}
	cursor := s.as(operatorToken(t)).adjust(t, sku, location, "ON_HAND", 1).text("cursor")
	for {
		if e := lives.event("1"); text(e, "cursor") == cursor {
			break
		}
	}
}
