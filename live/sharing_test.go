package live_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"redline"
)

// ofTwo are ways to ask for the same: the events of even ids.
var ofTwo = []ask{
	{query: "subscription { events(every: 2) }"},
	{query: "subscription Named {\n\tevents(every: 2)\n}"},
	{query: "subscription { events(every: 2, delivery: LATEST) }"},
	{query: "subscription { events(snapshot: false, every: 2) }"},
	{query: fmt.Sprintf("subscription { events(every: 2, after: %q) }", cursor(0))},
	{query: "subscription { events: events(every: 2, after: null) }"},
	{query: "subscription($n: Int!) { events(every: $n) }", variables: map[string]any{"n": 2}},
	{query: "subscription($other: Int! = 2) { events(every: $other) }"},
	{query: "subscription($after: String) { events(every: 2, after: $after) }"},
	{query: "subscription($after: String) { events(every: 2, after: $after) }", variables: map[string]any{"after": cursor(0)}},
	{query: "subscription { events(every: 2) }", lastEventID: cursor(0)},
}

func TestMembersOfOneOperationShareItsExecution(t *testing.T) {
	t.Parallel()
	r := newRig(t, setting{})
	var members []*listener
	for _, a := range ofTwo {
		l := r.ask(a)
		defer l.leave()
		l.expectCaughtUp(0)
		members = append(members, l)
	}
	// Several of one socket, and of several sockets.
	c, another := r.connect(""), r.connect("")
	for _, id := range []string{"1", "2", "3"} {
		c.follow(id, ofTwo[0].query, 0)
		another.follow(id, ofTwo[1].query, 0)
	}
	if s := r.door.Stats(); s.Groups != 1 || s.Subscriptions != len(members)+6 {
		t.Errorf("%d subscriptions are in %d groups", s.Subscriptions, s.Groups)
	}
	r.publish(1, 6)
	for _, l := range members {
		l.expectEvents(2, 4, 6)
	}
	for _, c := range []*client{c, another} {
		ids := map[string][]string{}
		for range 3 * 3 {
			m, text := c.read()
			ids[m.ID] = append(ids[m.ID], text)
		}
		for id, texts := range ids {
			if want := []string{event(id, 2), event(id, 4), event(id, 6)}; strings.Join(texts, "\n") != strings.Join(want, "\n") {
				t.Errorf("%s was told %s", id, texts)
			}
		}
	}
	for _, id := range []int64{2, 4, 6} {
		if got := r.schema.answered(id); got != 1 {
			t.Errorf("event %d was executed %d times for one group", id, got)
		}
	}
	if s := r.door.Stats(); s.Executions != 3 || s.Answers < int64(3*(len(members)+6)) {
		t.Errorf("%d executions made %d answers", s.Executions, s.Answers)
	}
}

func TestWhoAsksForSomethingElseSharesNothing(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	for i, a := range []ask{
		{query: "subscription { events }"},
		{query: "subscription { events(every: 2) }"},
		{query: "subscription { other: events }"},
		{query: "subscription { events(bytes: 1) }"},
		{query: `subscription { events(products: ["prd-1"]) }`},
		{query: `subscription { events(products: []) }`},
		{query: "subscription { orders }"},
		{query: "subscription($n: Int!) { events(every: $n) }", variables: map[string]any{"n": 3}},
		{query: "subscription($n: Int!) { events(every: $n) }", variables: map[string]any{"n": 4}},
	} {
		l := e.ask(a)
		defer l.leave()
		l.expectCaughtUp(0)
		if got := e.door.Stats().Groups; got != i+1 {
			t.Errorf("with %s %v there are %d groups, not %d", a.query, a.variables, got, i+1)
		}
	}
}

// Whoever may see something else is in another group; whoever may not isn't, be the
// token another one.
func TestOnlyWhoMaySeeTheSameShare(t *testing.T) {
	t.Parallel()
	read, orders := redline.ScopeInventoryRead, redline.ScopeOrdersRead
	e := newEngine(t, setting{})
	who := func(role redline.Role, issuer, subject string) redline.Principal {
		return redline.Principal{Role: role, Issuer: issuer, Subject: subject, ExpiresAt: time.Now().Add(time.Hour)}
	}
	with := func(p redline.Principal, scopes []string, suppliers ...string) redline.Principal {
		p.Scopes, p.Suppliers = scopes, suppliers
		return p
	}
	customer := func(p redline.Principal, id string) redline.Principal {
		p.Customer = id
		return p
	}
	shop, operator := who(redline.RoleStorefront, "us", "shop"), who(redline.RoleOperator, "us", "olga")
	feed, ann := who(redline.RoleSupplier, "us", "feed"), customer(who(redline.RoleCustomer, "us", "ann"), "c-1")
	groups := 0
	for _, same := range [][]redline.Principal{
		{redline.Anonymous()},
		{shop, with(shop, []string{})},
		{who(redline.RoleStorefront, "us", "another shop")},
		{who(redline.RoleStorefront, "them", "shop")},
		{with(shop, []string{read})},
		{operator, who(redline.RoleOperator, "us", "oleg"), who(redline.RoleOperator, "them", "olga")},
		{with(operator, []string{read, orders}), with(operator, []string{orders, read}), with(operator, []string{orders, read, orders})},
		{with(operator, []string{read})},
		{with(operator, []string{read + orders})},
		{who(redline.RoleAdmin, "us", "olga")},
		{feed},
		{with(feed, nil, "a", "b"), with(feed, nil, "b", "a", "b"), with(who(redline.RoleSupplier, "them", "feed 2"), nil, "a", "b")},
		{with(feed, nil, "a")},
		{with(feed, nil, "b")},
		{with(feed, nil, "ab")},
		{with(feed, []string{read}, "a")},
		{with(feed, []string{"a"})},
		{ann, customer(who(redline.RoleCustomer, "us", "ann's other device"), "c-1")},
		{customer(ann, "c-2")},
		{customer(who(redline.RoleCustomer, "them", "ann"), "c-1")},
	} {
		groups++
		for _, p := range same {
			l := e.ask(ask{query: "subscription { events }", principal: &p})
			defer l.leave()
			l.expectCaughtUp(0)
			if got := e.door.Stats().Groups; got != groups {
				t.Fatalf("with %+v there are %d groups, not %d", p, got, groups)
			}
		}
	}
	e.publish(1, 1)
	waitFor(t, "all groups", func() bool { return e.schema.answered(1) == groups })
}

// An event costs what it concerns: who wants other products isn't asked.
func TestAnEventAsksNobodyWhomItDoesNotConcern(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	var members []*listener
	for n := range int64(subjects) {
		l := e.listen(fmt.Sprintf(`subscription { events(products: [%q]) }`, productID(n)))
		defer l.leave()
		l.expectCaughtUp(0)
		members = append(members, l)
	}
	nothing := e.listen(`subscription { events(products: []) }`)
	defer nothing.leave()
	nothing.expectCaughtUp(0)
	e.publish(1, 3*subjects)
	if got := e.schema.asked.Load(); got != 3*subjects {
		t.Errorf("for %d events of one product each, %d groups were asked", 3*subjects, got)
	}
	for n, l := range members {
		n := int64(n)
		if n == 0 {
			n = subjects
		}
		l.expectEvents(n, n+subjects, n+2*subjects)
	}
	all := e.listen("subscription { events }")
	defer all.leave()
	all.expectCaughtUp(3 * subjects)
	e.schema.asked.Store(0)
	e.publish(3*subjects+1, 3*subjects+1)
	if got := e.schema.asked.Load(); got != 2 {
		t.Errorf("with one who wants all, %d groups were asked", got)
	}
	all.expectEvents(3*subjects + 1)
	members[1].expectEvents(3*subjects + 1)
	if ids := nothing.rest(); len(ids) > 0 {
		t.Errorf("who wants no product was told of %v", ids)
	}
}

// An order has several products, and who wants two of them is asked and told once.
func TestWhoIsConcernedInTwoWaysIsToldOnce(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{log: &outageLog{orders: upTo(1, 4)}})
	both := e.listen(`subscription { orders(products: ["prd-1", "prd-2"]) }`)
	defer both.leave()
	both.expectCaughtUp(0)
	e.publish(1, 4) // with the products 1 2, 2 3, 3 4 and 4 5
	both.expectEvents(1, 2)
	if got := e.schema.asked.Load(); got != 2 {
		t.Errorf("it was asked %d times", got)
	}
	if ids := both.rest(); len(ids) > 0 {
		t.Errorf("then came %v", ids)
	}
}

// What goes wrong with one operation is no other's business.
func TestAnOperationThatPanicsEndsItsOwnGroupAlone(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	good := e.listen("subscription { events }")
	defer good.leave()
	good.expectCaughtUp(0)
	for i, query := range []string{"subscription { panics }", "subscription { badFilter }"} {
		bad, same := e.listen(query), e.listen(query)
		for _, l := range []*listener{bad, same} {
			if m := l.next(); m.code != "" {
				t.Fatalf("%s: at first came %s", query, m.data)
			}
		}
		e.publish(int64(i+1), int64(i+1))
		for _, l := range []*listener{bad, same} {
			if m := l.next(); !strings.Contains(m.data, "internal error") {
				t.Errorf("%s: got %s", query, m.data)
			}
			if m := l.next(); m.event != "complete" {
				t.Errorf("%s: then came %+v", query, m)
			}
			l.expectEnd()
		}
		good.expectEvents(int64(i + 1))
	}
	if got := e.door.Stats().Groups; got != 1 {
		t.Errorf("%d groups are left", got)
	}
}

// waitFor waits until something is so that nobody gives word of.
func waitFor(t testing.TB, what string, so func() bool) {
	t.Helper()
	ticker := time.NewTicker(time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !so(); <-ticker.C {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain for", what)
		}
	}
}

// After the broker has been closed nobody is let in any more, and nobody is told
// that all is complete.
func TestAClosedBrokerTakesNobodyOn(t *testing.T) {
	t.Parallel()
	e := newEngine(t, setting{})
	in := e.listen("subscription { events }")
	defer in.leave()
	in.expectCaughtUp(0)
	e.broker.Close()
	late := e.listen("subscription { events }")
	late.expectRefused(redline.CodeUnavailable)
	e.broker.Close()
	done := e.shutdown(t.Context())
	if m := in.next(); m.event != "" || m.retry == "" {
		t.Errorf("who was in was told %+v", m)
	}
	in.expectEnd()
	if err := await(t, done, "the shutdown"); err != nil {
		t.Error(err)
	}
}
