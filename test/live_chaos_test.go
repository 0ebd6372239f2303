package test_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/jmoiron/sqlx"
)

// What the writers of the proofs change, and where: in our own warehouses, and at
// two suppliers.
var liveStock = [][2]string{
	{"BRK-PAD-1037", "WH-EAST"}, {"BRK-PAD-1037", "WH-CENTRAL"}, {"BRK-PAD-1039", "WH-EAST"}, {"BAT-STD-1017", "WH-EAST"},
	{cajunSauce, cajun}, {tokyoIkura, tokyo},
}

// subject is something to follow, and how to find it in the log: a SELECT over an
// event's payload p of whether it is told, and then as REMOVED.
type subject struct {
	name      string
	query     string
	variables vars
	token     string
	whole     bool
	kind      string
	number    string
	where     string
	args      []any
}

const (
	liveLevels = `subscription($filter: InventoryLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		inventoryChanged(filter: $filter, after: $after, snapshot: $snapshot) { cursor kind level { id version } } }`
	liveOrders = `subscription($filter: OrderLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		orderChanged(filter: $filter, after: $after, snapshot: $snapshot) { cursor kind from to order { id version status } } }`
	livePage = `subscription($filter: AvailabilityLiveFilter, $after: Cursor, $snapshot: Boolean!) {
		availabilityChanged(filter: $filter, after: $after, snapshot: $snapshot) { cursor kind available product { id } location { id } } }`
)

// liveSubjects are one of each kind.
func liveSubjects(t *testing.T, s *server, shop string) []subject {
	t.Helper()
	operator := operatorToken(t)
	level := s.as(operator).level(t, liveStock[0][0], liveStock[0][1])
	east, cajunID := text(level, "location.id"), supplierID(t, s, cajun)
	stock := func(name string, filter vars, where string, args ...any) subject {
		return subject{name, liveLevels, vars{"filter": filter}, operator, true, "level.changed", "{level,version}", where, args}
	}
	orders := func(name, token string, filter vars, where string, args ...any) subject {
		return subject{name, liveOrders, vars{"filter": filter}, token, true, "order.changed", "{order,version}", where, args}
	}
	page := func(name string, filter vars, where string, args ...any) subject {
		const noticed = `(p->>'active')::bool AND (p #> '{level,available}' <> p #> '{before,available}' OR p #> '{level,stale}' <> p #> '{before,stale}')`
		return subject{name, livePage, vars{"filter": filter}, "", false, "level.changed", "{level,available}",
			`SELECT ` + noticed + ` AND ` + where + `, false`, args}
	}
	low := stock("what is low", vars{"lowOnly": true}, `SELECT low OR (p #>> '{before,low}')::bool, NOT low FROM
		(SELECT (p #>> '{level,available}')::int <= (p #>> '{level,reorderPoint}')::int AS low) l`)
	low.whole = false
	pending := orders("pending orders", operator, vars{"statuses": []any{"PENDING"}}, `SELECT 'PENDING' IN (p->>'from', p->>'to'), p->>'to' <> 'PENDING'`)
	pending.whole = false
	own := stock("a supplier's own stock", nil, `SELECT p->>'supplierCode' = $1, false`, tokyo)
	own.token = supplierToken(t, tokyo)
	return []subject{
		stock("all stock", nil, `SELECT true, false`),
		stock("an SKU", vars{"skus": []any{"BRK-PAD-1037"}}, `SELECT p->>'sku' = $1, false`, "BRK-PAD-1037"),
		stock("a location", vars{"locationIds": []any{east}}, `SELECT p #>> '{level,locationId}' = $1, false`, east),
		stock("a category", vars{"category": []any{"Brake pads"}}, `SELECT p->>'category' = $1, false`, "Brake pads"),
		stock("a supplier", vars{"supplierId": cajunID}, `SELECT p->>'supplierId' = $1, false`, cajunID),
		low, own,
		orders("all orders", operator, nil, `SELECT true, false`),
		pending,
		orders("a shop's orders", shopToken(t, shop), nil, `SELECT p #>> '{order,ownerSubject}' = $1, false`, shop),
		orders("a supplier's orders", supplierToken(t, cajun), nil, `SELECT p->'suppliers' ? $1, false`, cajun),
		page("a page of all", nil, `true`),
		page("a page of an SKU", vars{"skus": []any{cajunSauce}}, `p->>'sku' = $1`, cajunSauce),
	}
}

// follower is one who follows it.
func (s subject) follower(i int, addr func(n int) string) *follower {
	return &follower{
		name: fmt.Sprintf("%d, %s", i, s.name), token: s.token, query: s.query, variables: s.variables, whole: s.whole, addr: addr,
		snapshot: i%3 == 2, stream: i%5 == 4,
	}
}

func (s subject) log(t *testing.T, db *sqlx.DB) []entry {
	t.Helper()
	return readLog(t, db, s.kind, s.number, s.where, s.args...)
}

// either is the address of one of two gateways, in turn.
func either(nodes []*node, first int) func(n int) string {
	return func(n int) string { return nodes[(first+n)%len(nodes)].addr() }
}

// Two gateways, their Postgres and their clients' connections die, again and
// again, while stock and orders change: whatever a subscriber follows, by
// whichever gateway and protocol, it is told each event of the log once and in
// order. LIVE_CHAOS says how many rounds there are, LIVE_READERS how many
// subscribers, and LIVE_SEED makes a run like another.
func TestLiveChaos(t *testing.T) {
	t.Parallel()
	rounds, readers := fromEnv(t, "LIVE_CHAOS", 1), fromEnv(t, "LIVE_READERS", 100)
	seed := uint64(fromEnv(t, "LIVE_SEED", int(rand.Uint32())+1))
	t.Logf("LIVE_SEED=%d", seed)
	chance := rand.New(rand.NewPCG(seed, 0))

	on := startCluster(t)
	nodes := []*node{startNode(t, on, "a", "--drain-spread", "500ms"), startNode(t, on, "b", "--drain-spread", "500ms")}
	shop := "chaos.example"
	trade := newTrade(t, nodes[0].up(), shop, len(liveStock))
	subjects := liveSubjects(t, nodes[0].up(), shop)
	followers := make([]*follower, readers)
	for i := range followers {
		followers[i] = subjects[i%len(subjects)].follower(i, either(nodes, i))
	}
	follow(t, followers...)
	areLive(t, followers)

	w := write(t, len(trade.orders), either(nodes, 0), trade.next)

	counts := map[string]int{}
	for range rounds {
		for _, what := range shuffled(chance, "cut", "cut", "cut", "cut", "cut", "kill", "kill", "stop", "stop", "crash", "crash") {
			w.more(t, 10+chance.IntN(20))
			counts[what]++
			n := nodes[chance.IntN(len(nodes))]
			switch what {
			case "cut":
				for range 1 + chance.IntN(readers/4) {
					followers[chance.IntN(readers)].cut()
				}
			case "kill":
				n.down().kill()
				w.more(t, chance.IntN(20)) // the other one serves all
				n.start(t)
			case "stop":
				// Where everybody sits is left to chance, and one that nobody follows
				// stops without telling anybody.
				n = busiest(t, nodes)
				if err := n.down().stop(); err != nil {
					t.Error(err)
				}
				w.more(t, chance.IntN(20))
				n.start(t)
			case "crash":
				on.crash(t)
				on.start(t)
			}
		}
	}
	w.more(t, 30)
	written := w.end(t)

	db := on.database(t)
	last := upTo(t, db)
	logs := map[*follower][]entry{}
	for i, s := range subjects {
		log := s.log(t, db)
		for j := i; j < readers; j += len(subjects) {
			logs[followers[j]] = log
		}
	}
	hasAll(t, followers, logs, last)
	var all tally
	events, told := 0, map[string]int{}
	for i, f := range followers {
		n := f.check(t, logs[f], last)
		events += n
		told[subjects[i%len(subjects)].name] += n
		all.add(f.tally)
	}
	var stored int
	for at, key := range w.at {
		if err := db.GetContext(t.Context(), &stored, `SELECT count(*) FROM events WHERE id = $1`, at); err != nil || stored != 1 {
			t.Errorf("the change %s was told to be at %d, where there are %d events (%v)", key, at, stored, err)
		}
	}
	t.Logf("%d changes; %v; %d followers: %s", written, counts, readers, all)
	t.Logf("%d events told: %v", events, told)
	for _, s := range subjects {
		if told[s.name] == 0 {
			t.Errorf("nothing was told of %s", s.name)
		}
	}
	if all.cuts == 0 || all.restarts == 0 || all.ends == 0 || all.snapshots == 0 {
		t.Errorf("not all of it happened: %s", all)
	}
}

// busiest is the gateway that most connections follow, once there are any.
func busiest(t *testing.T, nodes []*node) (n *node) {
	t.Helper()
	eventually(t, "somebody following a gateway", func(ctx context.Context) bool {
		most := 0.0
		for _, candidate := range nodes {
			figures, err := candidate.up().readFigures(ctx)
			if err != nil {
				return false
			}
			if sockets := figures["redline_live_websockets"]; sockets > most {
				n, most = candidate, sockets
			}
		}
		return n != nil
	})
	return n
}

func shuffled(chance *rand.Rand, what ...string) []string {
	chance.Shuffle(len(what), func(i, j int) { what[i], what[j] = what[j], what[i] })
	return what
}
