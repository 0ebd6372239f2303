package test_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jmoiron/sqlx"

	"redline/embeddedpg"
)

// What the proofs of the live engine share: a Postgres that can be killed,
// gateways that come and go before it, and a look at their figures.

// livePatience is how long a proof waits for all that it has set going, on a
// machine that has other things to do.
const livePatience = 2 * time.Minute

// cluster is a Postgres of one test's own, with the demo data.
type cluster struct {
	dir string
	pg  *embeddedpg.Server
}

// startCluster starts a Postgres, which outlives the gateways and ends with the
// test.
func startCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{dir: ownDir(t)}
	c.start(t)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
		defer cancel()
		if err := c.pg.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return c
}

func (c *cluster) start(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), startPatience)
	defer cancel()
	pg, err := embeddedpg.Start(ctx, embeddedpg.Options{DataDir: c.dir})
	if err != nil {
		t.Fatal(err)
	}
	c.pg = pg
}

// crash kills the postmaster, as the machine might, and waits until it is gone.
func (c *cluster) crash(t *testing.T) {
	t.Helper()
	pid := (&server{dataDir: c.dir}).postgresPID(t)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	select {
	case <-c.pg.Done():
	case <-time.After(patience):
		t.Fatalf("Postgres (process %d) is still there %s after it was killed", pid, patience)
	}
}

// database opens the Postgres for a look into it.
func (c *cluster) database(t *testing.T) *sqlx.DB {
	t.Helper()
	db, err := sqlx.ConnectContext(t.Context(), "postgres", c.pg.URL())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// node is a gateway that is ended and started again, at another address each
// time, on a Postgres that it doesn't own.
type node struct {
	name string
	on   *cluster
	args []string

	mu  sync.Mutex
	now *server // nil while it is down
	was []*server
}

// startNode starts a gateway. At the test's end it stops, and what it logged in
// all its lives is looked at.
func startNode(t *testing.T, on *cluster, name string, args ...string) *node {
	t.Helper()
	n := &node{name: name, on: on, args: args}
	n.start(t)
	t.Cleanup(func() {
		if s := n.down(); s != nil {
			if err := s.stop(); err != nil {
				t.Error(err)
			}
		}
		for _, s := range n.was {
			checkCalm(t, s)
		}
	})
	return n
}

func (n *node) start(t *testing.T) {
	t.Helper()
	args := append([]string{"serve", "--dev", "--database-url", n.on.pg.URL()}, n.args...)
	s, err := launch(n.on.dir, args...)
	if err != nil {
		t.Fatal(err)
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now = s
	n.was = append(n.was, s)
}

// down takes the gateway out of its clients' sight, and returns it.
func (n *node) down() *server {
	n.mu.Lock()
	defer n.mu.Unlock()
	s := n.now
	n.now = nil
	return s
}

// up is the gateway, nil while it is down.
func (n *node) up() *server {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.now
}

// addr is where the gateway is, "" while it is down.
func (n *node) addr() string {
	if s := n.up(); s != nil {
		return s.addr
	}
	return ""
}

// figures reads a gateway's metrics that have no labels.
func (s *server) figures(t testing.TB) map[string]float64 {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), patience)
	defer cancel()
	out, err := s.readFigures(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func (s *server) readFigures(ctx context.Context) (map[string]float64, error) {
	body, err := get(ctx, "http://"+s.addr+"/metrics")
	if err != nil {
		return nil, err
	}
	out := map[string]float64{}
	for line := range strings.Lines(body) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), " ")
		if v, err := strconv.ParseFloat(value, 64); err == nil && !strings.ContainsAny(name, "{#") {
			out[name] = v
		}
	}
	if _, there := out["redline_live_groups"]; !there {
		return nil, fmt.Errorf("the metrics tell nothing of the live engine: %.500s", body)
	}
	return out, nil
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := web.Do(req)
	if err != nil {
		return "", err
	}
	defer func() { _ = resp.Body.Close() }()
	b, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(b), err
}

// becomes waits until a gateway's figures are such: what they tell of sends no
// signal.
func (s *server) becomes(t testing.TB, what string, isSo func(map[string]float64) bool) map[string]float64 {
	t.Helper()
	var last map[string]float64
	eventually(t, what, func(ctx context.Context) bool {
		f, err := s.readFigures(ctx)
		if err == nil {
			last = f
		}
		return err == nil && isSo(f)
	})
	return last
}

// fromEnv is a whole number from the environment, for longer runs.
func fromEnv(t *testing.T, name string, otherwise int) int {
	t.Helper()
	value := os.Getenv(name)
	if value == "" {
		return otherwise
	}
	n, err := strconv.Atoi(value)
	if err != nil || n < 1 {
		t.Fatalf("%s=%q is no number above 0", name, value)
	}
	return n
}

// changes are what writers have had acknowledged.
type changes struct {
	mu sync.Mutex
	// at are the places in the log that they were told, with whose change it was.
	at      map[int64]string
	strange []string
	changed chan struct{} // closed when there are more
	stop    context.CancelFunc
	done    sync.WaitGroup
}

// mutation is one change, to be asked for until it is answered.
type mutation struct {
	who   caller // its url doesn't count
	name  string
	input vars
	// heard is given the payload, where somebody wants it; selection is what to
	// read of it beside its cursor.
	selection string
	heard     func(payload any)
}

// write has so many callers make changes until it is stopped: what next says, by
// whichever gateway addr names, with the same key until there is an answer.
func write(t *testing.T, callers int, addr func(try int) string, next func(caller, n int) mutation) *changes {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	w := &changes{at: map[int64]string{}, changed: make(chan struct{}), stop: cancel}
	for i := range callers {
		w.done.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				w.make(context.WithoutCancel(ctx), next(i, n), func(try int) string { return addr(i + n + try) })
			}
		})
	}
	t.Cleanup(func() { cancel(); w.done.Wait() })
	return w
}

// make makes one change.
func (w *changes) make(ctx context.Context, m mutation, addr func(try int) string) {
	ctx, cancel := context.WithTimeout(ctx, livePatience)
	defer cancel()
	for try := 0; ; try++ {
		if at := addr(try); at != "" {
			m.who.url = "http://" + at + "/graphql"
			a, err := m.who.try(ctx, mutationText(m.name, "cursor "+m.selection), vars{"input": m.input})
			if err == nil && !transient(a) {
				w.learn(m, a)
				return
			}
		}
		if !pausing(ctx, 20*time.Millisecond) {
			w.learn(m, answer{body: "no answer within " + livePatience.String()})
			return
		}
	}
}

// pausing lets some time pass before something is tried again. It reports false
// where ctx has ended.
func pausing(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (w *changes) learn(m mutation, a answer) {
	w.mu.Lock()
	defer w.mu.Unlock()
	payload := at(a.data, m.name)
	cursor, err := parseCursor(text(payload, "cursor"))
	switch key := text(m.input, "idempotencyKey"); {
	case len(a.errors) > 0 || payload == nil || len(list(payload, "userErrors")) > 0 || err != nil:
		w.strange = append(w.strange, m.name+": "+a.body)
	case w.at[cursor.ID] != "":
		w.strange = append(w.strange, fmt.Sprintf("the changes %s and %s are both told to be at %d", w.at[cursor.ID], key, cursor.ID))
	default:
		w.at[cursor.ID] = key
		if m.heard != nil {
			m.heard(payload)
		}
	}
	close(w.changed)
	w.changed = make(chan struct{})
}

func (w *changes) count() (int, <-chan struct{}) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.at) + len(w.strange), w.changed
}

// more waits until so many further changes were answered.
func (w *changes) more(t *testing.T, n int) {
	t.Helper()
	deadline := time.NewTimer(livePatience)
	defer deadline.Stop()
	first, _ := w.count()
	for {
		now, changed := w.count()
		if now >= first+n {
			return
		}
		select {
		case <-changed:
		case <-deadline.C:
			t.Fatalf("%d changes were answered within %s; %d were waited for", now-first, livePatience, n)
		}
	}
}

// end stops the writers, once each has its answer, and looks at what they were
// told. It returns how many changes there were.
func (w *changes) end(t *testing.T) int {
	t.Helper()
	w.stop()
	w.done.Wait()
	for i, body := range w.strange {
		if i < 5 {
			t.Errorf("a writer was told %s", body)
		}
	}
	return len(w.at)
}

// adjustment changes some stock, each SKU at its location.
func adjustment(who caller, delta int, stock ...[2]string) mutation {
	var all []any
	for _, s := range stock {
		all = append(all, vars{"stock": vars{"sku": s[0], "locationCode": s[1]}, "delta": delta})
	}
	return mutation{who: who, name: "inventoryAdjust", input: vars{"idempotencyKey": newKey(), "reason": "CORRECTED", "changes": all}}
}

// trade is what some callers do to liveStock at once: they adjust it, place orders
// and cancel some of them, and move what nobody orders to where it is low and back.
// Its members are each caller's own.
type trade struct {
	operator, shop caller
	orders         []string // each caller's last, "" where it is cancelled
}

// lowStock is ordered by nobody, so that it can be moved across its reorder point.
var lowStock = [][2]string{{"BRK-DSC-1085", "WH-EAST"}, {"BRK-DSC-1085", "WH-CENTRAL"}}

// newTrade sets the stock up, by a gateway, for so many callers.
func newTrade(t *testing.T, s *server, shop string, callers int) *trade {
	t.Helper()
	tr := &trade{s.as(operatorToken(t)), s.as(shopToken(t, shop)), make([]string, callers)}
	for _, s := range liveStock {
		setAvailable(t, tr.operator, s[0], s[1], 100_000)
	}
	for _, s := range lowStock {
		setAvailable(t, tr.operator, s[0], s[1], 1000)
	}
	return tr
}

// next is a caller's nth change.
func (tr *trade) next(caller, n int) mutation {
	s := liveStock[(caller+n)%len(liveStock)]
	switch {
	case n%4 == 0:
		return mutation{
			who: tr.shop, name: "orderPlace", input: orderInput(vars{"name": "Live"}, map[string]int{s[0]: 1 + n%3}), selection: "order { id }",
			heard: func(payload any) { tr.orders[caller] = text(payload, "order.id") },
		}
	case n%8 == 3 && tr.orders[caller] != "":
		id := tr.orders[caller]
		tr.orders[caller] = ""
		return mutation{who: tr.shop, name: "orderCancel", input: vars{"idempotencyKey": newKey(), "orderId": id, "reason": "changed my mind"}}
	case n%4 == 1 && caller < len(lowStock):
		return adjustment(tr.operator, [2]int{-999, 999}[n/4%2], lowStock[caller])
	}
	return adjustment(tr.operator, 1+n%3, s)
}

// lineReader reads lines of any length.
func lineReader(r io.Reader) func() (string, error) {
	b := bufio.NewReader(r)
	return func() (string, error) {
		line, err := b.ReadString('\n')
		return strings.TrimRight(line, "\n"), err
	}
}
