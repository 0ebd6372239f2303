package test_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// tallied reads the summary with which `redline demo-traffic` ends: how many actions
// there were, and how many of each kind.
func tallied(t *testing.T, out string) (actions int, kinds map[string]int) {
	t.Helper()
	said := regexp.MustCompile(`(?m)^in all (\d+) actions: (.*)$`).FindStringSubmatch(out)
	if said == nil {
		t.Fatalf("it ended without a summary:\n%s", out)
	}
	actions, _ = strconv.Atoi(said[1])
	kinds = map[string]int{}
	for _, one := range strings.Split(said[2], ", ") {
		at := strings.LastIndex(one, " ")
		n, err := strconv.Atoi(one[at+1:])
		if err != nil {
			t.Fatalf("%q isn't a number of something", one)
		}
		kinds[one[:at]] = n
	}
	return actions, kinds
}

// trafficOrders are the orders that traffic has placed at a server.
func trafficOrders(t *testing.T, s *server) []any {
	t.Helper()
	var all []any
	for after := any(nil); ; {
		a := s.as(operatorToken(t)).ask(t, `query($after: String) { orders(first: 250, after: $after, filter: {placedFrom: "2020-01-01T00:00:00Z"}) {
			nodes { number status externalReference lines { quantity open backordered shipped cancelled returned } }
			pageInfo { hasNextPage endCursor } } }`, vars{"after": after})
		for _, o := range a.list("orders.nodes") {
			if strings.HasPrefix(text(o, "externalReference"), "traffic-") {
				all = append(all, o)
			}
		}
		if !a.flag("orders.pageInfo.hasNextPage") {
			return all
		}
		after = a.text("orders.pageInfo.endCursor")
	}
}

// Traffic does all that its actors do, ends by itself, and answers for each action; what
// it leaves behind adds up.
func TestTraffic(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t), "--demo")
	// Some conflicts for the operator, who leaves a few open.
	rows := []any{}
	for n := range 8 {
		rows = append(rows, vars{"supplierSku": fmt.Sprintf("GIFT-%d", n), "quantity": 1})
	}
	s.as(supplierToken(t, cajun)).do(t, "supplierFeedSubmit", vars{
		"idempotencyKey": newKey(), "mode": "PARTIAL", "asOf": time.Now().UTC().Format(time.RFC3339), "rows": rows,
	}, `rejected`)

	const actions = 900
	r := run(t, nil, "demo-traffic", "--url", "http://"+s.addr, "--data-dir", s.dataDir, "--rate", "40", "--seed", "4", "--actions", strconv.Itoa(actions))
	if r.code != 0 {
		t.Fatalf("exit %d: %s\n%s", r.code, r.err, r.out)
	}
	done, kinds := tallied(t, r.out)
	sum := 0
	for _, n := range kinds {
		sum += n
	}
	if done != actions || sum != actions || kinds["failed"]+kinds["interrupted"] > 0 {
		t.Errorf("of %d actions it tells %d, which are %d by kind: %v", actions, done, sum, kinds)
	}
	for _, kind := range []string{
		"looked around", "ordered", "cancelled", "accepted", "shipped", "delivered", "sent back", "taken back", "feeds", "full feeds",
		"restocked", "conflicts settled", "outages", "recoveries", "refused as INSUFFICIENT_STOCK",
	} {
		if kinds[kind] == 0 {
			t.Errorf("among %v is no %q", kinds, kind)
		}
	}

	orders := trafficOrders(t, s)
	if len(orders) != kinds["ordered"] {
		t.Errorf("there are %d orders; it says that it placed %d", len(orders), kinds["ordered"])
	}
	delivered := 0
	for _, o := range orders {
		if text(o, "status") == "DELIVERED" {
			delivered++
		}
		for _, l := range list(o, "lines") {
			if num(l, "quantity") != num(l, "open")+num(l, "backordered")+num(l, "shipped")+num(l, "cancelled") || num(l, "returned") > num(l, "shipped") {
				t.Errorf("a line of %s doesn't add up: %v", text(o, "number"), l)
			}
		}
	}
	if delivered == 0 {
		t.Errorf("of %d orders none was delivered", len(orders))
	}
	checkLevels(t, s)
}

// checkLevels wants each level to add up, and none to be short of what was promised
// but where its supplier said so, of which a conflict tells.
func checkLevels(t *testing.T, s *server) {
	t.Helper()
	operator := s.as(operatorToken(t))
	told := operator.ask(t, `{ conflicts(kind: OVERSOLD, status: OPEN, first: 250) { nodes { subject { id } } } }`, nil)
	var oversold []string
	for _, c := range told.list("conflicts.nodes") {
		oversold = append(oversold, text(c, "subject.id"))
	}
	for after := any(nil); ; {
		a := operator.ask(t, `query($after: String) { inventoryLevels(first: 250, after: $after) { nodes { `+levelFields+` } pageInfo { hasNextPage endCursor } } }`, vars{"after": after})
		for _, l := range a.list("inventoryLevels.nodes") {
			held := num(l, "available") + num(l, "reserved") + num(l, "committed") + num(l, "safetyStock") + num(l, "unavailable")
			if num(l, "onHand")+num(l, "shortfall") != held {
				t.Errorf("a level doesn't add up: %v", l)
			}
			if num(l, "shortfall") > 0 && !slices.Contains(oversold, text(l, "id")) {
				t.Errorf("a level is oversold, and no conflict tells of it: %v", l)
			}
		}
		if !a.flag("inventoryLevels.pageInfo.hasNextPage") {
			return
		}
		after = a.text("inventoryLevels.pageInfo.endCursor")
	}
}

// The gateway is killed under traffic and comes back: traffic goes on, nothing failed, and
// no order was placed twice. An interrupt ends it at once, with its summary.
func TestTrafficSurvivesARestart(t *testing.T) {
	t.Parallel()
	dir := ownDir(t)
	s := startDoomed(t, dir)
	r := relayed(t, s)
	c, err := begun(environ(), dir, "demo-traffic", "--url", "http://"+r.addr, "--data-dir", dir, "--rate", "40", "--seed", "4")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.kill)
	awaitOrders(t, s, 4)
	r.hold()
	s.kill()
	s = start(t, dir)
	r.to(t, s)
	awaitOrders(t, s, 4)

	asked := time.Now()
	if err := c.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := c.ended(patience); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(asked); took > 2*time.Second {
		t.Errorf("it took %s to end", took)
	}
	actions, kinds := tallied(t, c.out.String())
	if actions == 0 || kinds["failed"] > 0 || kinds["interrupted"] > 1 {
		t.Errorf("it says %s", c.out)
	}
	// An order whose answer came too late to be counted is there all the same.
	if n := len(trafficOrders(t, s)); n < kinds["ordered"] || n > kinds["ordered"]+kinds["interrupted"] {
		t.Errorf("there are %d orders; it says that it placed %d", n, kinds["ordered"])
	}
}

// awaitOrders waits until traffic has placed so many orders more.
func awaitOrders(t *testing.T, s *server, more int) {
	t.Helper()
	before := len(trafficOrders(t, s))
	eventually(t, fmt.Sprintf("%d orders of traffic", more), func(context.Context) bool {
		return len(trafficOrders(t, s)) >= before+more
	})
}

// A gateway of the demo makes its own traffic, and ends it before it stops.
func TestServeDemoTraffic(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t), "--demo", "--demo-traffic", "20")
	awaitOrders(t, s, 3)
	if err := s.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := s.ended(patience); err != nil {
		t.Fatal(err)
	}
	made, err := s.awaitLog("made traffic", patience)
	if err != nil {
		t.Fatal(err)
	}
	if said := text(made, "done"); !regexp.MustCompile(`^\d+ actions: .*ordered \d+`).MatchString(said) || strings.Contains(said, "failed") {
		t.Errorf("it says %q", said)
	}
}

// What makes no sense is refused by the flag's name, before anything is asked.
func TestTrafficRefusesBadFlags(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		args []string
		says string
	}{
		{[]string{"demo-traffic", "--rate", "0"}, "--rate is 0; it has to be more than 0 and at most 1000"},
		{[]string{"demo-traffic", "--rate", "NaN"}, "--rate is NaN; it has to be"},
		{[]string{"demo-traffic", "--rate", "1001", "--actions=-1"}, "--actions is -1; it can't be negative"},
		{[]string{"demo-traffic", "--duration=-1s"}, "--duration is -1s; it can't be negative"},
		{[]string{"demo-traffic", "--url", "nowhere"}, "--url is not an address"},
		{[]string{"demo-traffic", "--token", "two words"}, "the token is not one"},
		{[]string{"serve", "--demo-traffic", "5"}, "--demo-traffic needs --demo"},
		{[]string{"serve", "--demo", "--demo-traffic=-5"}, "--demo-traffic is -5; it has to be"},
		{[]string{"serve", "--demo", "--demo-traffic", "5", "--operations-only"}, "--demo-traffic doesn't go together with --operations-only"},
		{[]string{"serve", "--demo", "--demo-traffic", "5", "--jwt-jwks-url", "https://127.0.0.1/keys"}, "--demo-traffic needs tokens of the gateway's own"},
		{[]string{"serve", "--demo", "--demo-traffic", "5", "--tls-cert", "cert.pem", "--tls-key", "key.pem"}, "--demo-traffic doesn't go together with --tls-cert"},
	} {
		r := run(t, nil, append(test.args, "--data-dir", t.TempDir())...)
		if r.code != 1 || !strings.Contains(r.err, test.says) {
			t.Errorf("%v: exit %d, %s; want %q", test.args, r.code, r.err, test.says)
		}
	}
}

// A token that the gateway doesn't take is told of, and nothing is tried for ever.
func TestTrafficWithAForeignKey(t *testing.T) {
	t.Parallel()
	s := demo(t)
	r := run(t, nil, "demo-traffic", "--url", "http://"+s.addr, "--data-dir", t.TempDir(), "--actions", "5")
	if r.code != 1 || !strings.Contains(r.err, "reading what there is: reading the levels: UNAUTHENTICATED") {
		t.Errorf("exit %d: %s", r.code, r.err)
	}
}
