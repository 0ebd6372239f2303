package test_test

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"
	_ "github.com/lib/pq" // for a look into the private Postgres
)

const (
	loadClients = 20
	// loadWanted is how many acknowledged changes a load has before the crash.
	loadWanted = 250
)

// loadSKUs are what the load sells and receives, all at loadLocation.
var loadSKUs = []string{"BRK-PAD-1037", "BRK-PAD-1039", "BRK-DSC-1085"}

const loadLocation = "WH-EAST"

// request is one mutation of the load, and what its client was told.
type request struct {
	mutation string
	input    vars
	key      string
	// number is of the order that was acknowledged; known says that the change
	// was, be it an order or not.
	number string
	known  bool
}

func (r *request) text() string {
	if r.mutation == "orderPlace" {
		return mutationText(r.mutation, `order { number externalReference }`)
	}
	return mutationText(r.mutation, `rows { index }`)
}

// load is many clients that order and receive stock at once.
type load struct {
	mu       sync.Mutex
	requests []*request
	known    int
	// wanted is how many changes are waited for; reached gets a word when so
	// many are known.
	wanted  int
	reached chan struct{}
	stop    context.CancelFunc
	// strange are answers that no client should get, crash or not.
	strange []string
	done    sync.WaitGroup
}

// startLoad runs until the server is gone, or ctx ends.
func startLoad(ctx context.Context, shop, operator caller) *load {
	l := &load{wanted: loadWanted, reached: make(chan struct{}, 1)}
	for client := range loadClients {
		l.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				r := newRequest(client + n)
				l.note(r)
				who := operator
				if r.mutation == "orderPlace" {
					who = shop
				}
				a, err := who.try(ctx, r.text(), vars{"input": r.input})
				if err != nil {
					return // the connection broke: the outcome is unknown
				}
				l.learn(r, a)
			}
		})
	}
	return l
}

func newRequest(n int) *request {
	sku, key := loadSKUs[n%len(loadSKUs)], newKey()
	if n%3 == 0 {
		return &request{mutation: "inventoryAdjust", key: key, input: vars{
			"idempotencyKey": key, "reason": "RECEIVED", "reference": key,
			"changes": []any{vars{"stock": vars{"sku": sku, "locationCode": loadLocation}, "delta": 2}},
		}}
	}
	input := orderInput(vars{"name": "Load"}, map[string]int{sku: 1 + n%3})
	input["idempotencyKey"], input["externalReference"] = key, key
	return &request{mutation: "orderPlace", key: key, input: input}
}

func (l *load) note(r *request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.requests = append(l.requests, r)
}

func (l *load) learn(r *request, a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	payload := at(a.data, r.mutation)
	switch {
	case len(a.errors) == 0 && payload != nil && len(list(payload, "userErrors")) == 0:
		r.known, r.number = true, text(payload, "order.number")
		if l.known++; l.known == l.wanted {
			l.reached <- struct{}{}
		}
	case !transient(a):
		l.strange = append(l.strange, a.body)
	}
}

// begin starts a load on a server of its own, and waits for its height.
func begin(t *testing.T, s *server) *load {
	t.Helper()
	operator := s.as(operatorToken(t))
	for _, sku := range loadSKUs {
		setAvailable(t, operator, sku, loadLocation, 100_000)
	}
	ctx, cancel := context.WithCancel(t.Context())
	l := startLoad(ctx, s.as(shopToken(t, "load.example")), operator)
	l.stop = cancel
	t.Cleanup(func() { cancel(); l.done.Wait() })
	l.await(t)
	return l
}

// await waits until as many changes are known as are wanted.
func (l *load) await(t *testing.T) {
	t.Helper()
	select {
	case <-l.reached:
	case <-time.After(patience):
		l.mu.Lock()
		defer l.mu.Unlock()
		t.Fatalf("%d changes are known after %s; %d were wanted", l.known, patience, l.wanted)
	}
}

// more wants so many further changes.
func (l *load) more(n int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.wanted = l.known + n
}

// The gateway dies in the middle of a load: once it runs again, on the same data
// directory, everything that was acknowledged is there, once.
func TestKilledDuringLoad(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	s := startDoomed(t, dir)
	l := begin(t, s)
	s.kill()
	l.done.Wait()
	checkAftermath(t, start(t, dir), l)
}

// Its private Postgres dies in the middle of a load: the gateway says so to
// whoever asks, and ends with an error for its supervisor.
func TestPostgresKilledDuringLoad(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	s := startDoomed(t, dir)
	w := s.socket(t, "")
	l := begin(t, s)
	if err := syscall.Kill(s.postgresPID(t), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	if code, _ := w.closed(); code != 1012 {
		t.Errorf("a socket was closed with %d; want 1012", code)
	}
	if err := s.ended(patience); err == nil || s.cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("without its Postgres the server ended with %v", err)
	}
	l.done.Wait()
	lines, _ := s.log.lines()
	if last := lines[len(lines)-1]; !strings.Contains(s.log.String(), "redline: the private Postgres ended by itself") {
		t.Errorf("its last word is %q", last)
	}
	checkCalm(t, s)
	checkAftermath(t, start(t, dir), l)
}

// One session of Postgres is killed in the middle of a load, for which Postgres
// ends all of them and recovers: the gateway goes on by itself, and so does a
// subscription, without losing a change or telling one twice.
func TestPostgresRecoversDuringLoad(t *testing.T) {
	t.Parallel()
	s := startDoomed(t, ownDir(t))
	db := s.database(t)
	operator := s.as(operatorToken(t))
	w := s.socket(t, operator.token)
	w.subscribe("1", watchStock, vars{"filter": vars{"skus": asList(loadSKUs)}})
	await(t, map[*socket][]string{w: {"1"}})
	before := map[string]int{}
	for _, sku := range loadSKUs {
		before[sku] = num(operator.level(t, sku, loadLocation), "version")
	}
	l := begin(t, s)
	var pid int
	err := db.GetContext(t.Context(), &pid, `SELECT pid FROM pg_stat_activity WHERE application_name = 'redline' AND pid <> pg_backend_pid() ORDER BY query_start DESC LIMIT 1`)
	if err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	l.more(loadWanted)
	l.await(t)
	l.stop()
	l.done.Wait()
	checkAftermath(t, s, l)

	after := map[string]int{}
	for _, sku := range loadSKUs {
		after[sku] = num(operator.level(t, sku, loadLocation), "version")
	}
	for !maps.Equal(before, after) {
		e := w.event("1")
		sku, version := text(e, "level.product.sku"), num(e, "level.version")
		if version != before[sku]+1 {
			t.Fatalf("after version %d of %s comes %d", before[sku], sku, version)
		}
		before[sku] = version
	}
	if err := s.stop(); err != nil {
		t.Error(err)
	}
	checkCalm(t, s)
}

func asList(texts []string) []any {
	out := make([]any, len(texts))
	for i, text := range texts {
		out[i] = text
	}
	return out
}

// checkCalm looks for what a server mustn't log even while its Postgres is away.
func checkCalm(t *testing.T, s *server) {
	t.Helper()
	for _, bad := range []string{"internal error", "panic", "a field failed", "DATA RACE"} {
		if strings.Contains(s.log.String(), bad) {
			t.Errorf("it logged %q:\n%s", bad, s.log)
		}
	}
}

// checkAftermath holds what is stored against what a load was told.
func checkAftermath(t *testing.T, s *server, l *load) {
	t.Helper()
	operator, shop := s.as(operatorToken(t)), s.as(shopToken(t, "load.example"))
	for _, body := range l.strange {
		t.Errorf("a client was told %s", body)
	}
	unknown := 0
	numbers := map[string]string{} // by key
	for _, r := range l.requests {
		who := operator
		if r.mutation == "orderPlace" {
			who = shop
		}
		a := who.settle(t, r.text(), vars{"input": r.input})
		payload := at(a.data, r.mutation)
		if len(a.errors) > 0 || payload == nil || len(list(payload, "userErrors")) > 0 {
			t.Errorf("asked again for %s: %s", r.key, a.body)
			continue
		}
		if replayed, _ := at(payload, "replayed").(bool); r.known && (!replayed || text(payload, "order.number") != r.number) {
			t.Errorf("%s of order %q was acknowledged, and then %s", r.mutation, r.number, a.body)
		}
		if !r.known {
			unknown++
		}
		if r.mutation == "orderPlace" {
			numbers[r.key] = text(payload, "order.number")
		}
	}
	t.Logf("%d changes, of which %d had an unknown outcome", len(l.requests), unknown)

	orders := shop.pages(t, "orders", `query($after: String) { orders(first: 250, after: $after) {
		nodes { id number externalReference version } pageInfo { hasNextPage endCursor } } }`, nil)
	stored := map[string]string{}
	for _, o := range orders {
		stored[text(o, "externalReference")] = text(o, "number")
	}
	if len(orders) != len(numbers) || !maps.Equal(stored, numbers) {
		t.Errorf("%d orders are stored, with %d references; %d were asked for", len(orders), len(stored), len(numbers))
	}
	references := checkLedger(t, operator)
	for _, r := range l.requests {
		if want := 1; r.mutation == "inventoryAdjust" && references[r.key] != want {
			t.Errorf("%d ledger lines for the adjustment %s", references[r.key], r.key)
		}
		if number := numbers[r.key]; number != "" && references[number] != 1 {
			t.Errorf("%d ledger lines for the order %s", references[number], number)
		}
	}
	checkLog(t, s, len(orders))

	w := s.socket(t, operator.token)
	w.subscribe("1", watchStock, vars{"filter": vars{"skus": []any{loadSKUs[0]}}})
	await(t, map[*socket][]string{w: {"1"}})
	cursor := operator.adjust(t, loadSKUs[0], loadLocation, "ON_HAND", 1).text("cursor")
	if e := w.event("1"); text(e, "cursor") != cursor {
		t.Errorf("the log goes on with %v", e)
	}
}

// quantities are the fields of a level by the states of its ledger lines.
var quantities = map[string]string{
	"ON_HAND": "onHand", "RESERVED": "reserved", "COMMITTED": "committed",
	"SAFETY_STOCK": "safetyStock", "UNAVAILABLE": "unavailable", "INCOMING": "incoming",
}

// checkLedger sums the ledger of the load's products up to their levels. It
// returns how many lines there are for each reference.
func checkLedger(t *testing.T, operator caller) map[string]int {
	t.Helper()
	references := map[string]int{}
	var ids []any
	for _, sku := range loadSKUs {
		ids = append(ids, text(operator.level(t, sku, loadLocation), "product.id"))
	}
	v := vars{"ids": ids}
	lines := operator.pages(t, "inventoryMovements", `query($ids: [ID!], $after: String) {
		inventoryMovements(filter: {productIds: $ids}, first: 250, after: $after) {
			nodes { product { id } location { id } changes { state delta after } reference levelVersion } pageInfo { hasNextPage endCursor } } }`, v)
	sums, versions := map[string]int{}, map[string][]int{}
	for _, m := range lines {
		level := text(m, "product.id") + text(m, "location.id")
		versions[level] = append(versions[level], num(m, "levelVersion"))
		references[text(m, "reference")]++
		for _, c := range list(m, "changes") {
			sums[level+text(c, "state")] += signed(t, c, "delta")
		}
	}
	levels := operator.pages(t, "inventoryLevels", `query($ids: [ID!], $after: String) {
		inventoryLevels(filter: {productIds: $ids}, first: 250, after: $after) {
			nodes { `+levelFields+` } pageInfo { hasNextPage endCursor } } }`, v)
	for _, l := range levels {
		level := text(l, "product.id") + text(l, "location.id")
		for state, field := range quantities {
			if got := num(l, field); got != sums[level+state] {
				t.Errorf("%s at %s has %d %s, and its ledger sums to %d", text(l, "product.sku"), text(l, "location.code"), got, state, sums[level+state])
			}
		}
		if num(l, "onHand")+num(l, "shortfall") != num(l, "available")+num(l, "reserved")+num(l, "committed")+num(l, "safetyStock")+num(l, "unavailable") {
			t.Errorf("%v doesn't add up", l)
		}
		slices.Sort(versions[level])
		for i, v := range versions[level] {
			if v != i+1 {
				t.Errorf("the ledger of %s at %s has no line, or two, for version %d", text(l, "product.sku"), text(l, "location.code"), i+1)
				break
			}
		}
		if num(l, "version") != len(versions[level]) {
			t.Errorf("version %d of a level with %d ledger lines", num(l, "version"), len(versions[level]))
		}
	}
	return references
}

// signed is a number that may be negative.
func signed(t *testing.T, v any, path string) int {
	t.Helper()
	var n int
	if _, err := fmt.Sscan(fmt.Sprint(at(v, path)), &n); err != nil {
		t.Fatalf("%s in %v: %v", path, v, err)
	}
	return n
}

// database opens a server's private Postgres, beside the server.
func (s *server) database(t *testing.T) *sqlx.DB {
	t.Helper()
	db, err := sqlx.ConnectContext(t.Context(), "postgres", s.databaseURL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func (s *server) databaseURL() string {
	return "postgres://redline@/redline?sslmode=disable&host=" + s.dataDir + "/postgres.socket"
}

// checkLog looks for the events of every version of every level and of the
// load's orders, in order.
func checkLog(t *testing.T, s *server, orders int) {
	t.Helper()
	db := s.database(t)
	for what, query := range map[string]string{
		"levels": `SELECT count(*) FROM inventory_levels l WHERE l.version <> (SELECT count(*) FROM events e WHERE e.subject_id = l.id)`,
		"levels out of order": `SELECT count(*) FROM (SELECT (payload #>> '{level,version}')::int AS version,
			row_number() OVER (PARTITION BY subject_id ORDER BY id) AS n FROM events WHERE type = 'level.changed') e WHERE version IS DISTINCT FROM n`,
		"orders": `SELECT count(*) FROM orders o WHERE o.owner_subject = 'load.example'
			AND o.version <> (SELECT count(*) FROM events e WHERE e.subject_id = o.id)`,
		"events of nothing": `SELECT count(*) FROM events e WHERE NOT EXISTS (SELECT 1 FROM inventory_levels l WHERE l.id = e.subject_id)
			AND NOT EXISTS (SELECT 1 FROM orders o WHERE o.id = e.subject_id) AND type <> 'places.changed'`,
	} {
		var n int
		if err := db.GetContext(t.Context(), &n, query); err != nil {
			t.Fatal(err)
		}
		if n != 0 {
			t.Errorf("the event log: %d %s", n, what)
		}
	}
	var n int
	if err := db.GetContext(t.Context(), &n, `SELECT count(*) FROM events e JOIN orders o ON o.id = e.subject_id WHERE o.owner_subject = 'load.example'`); err != nil {
		t.Fatal(err)
	}
	if n != orders {
		t.Errorf("%d events of %d orders that were placed and nothing more", n, orders)
	}
}
