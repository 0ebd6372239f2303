package test_test

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
	"redline/test/internal/measure/measuretest"
)

// The dashboard and the explorer in a browser, at gateways as they are.

// scriptBudget is how much script a browser may be sent for the dashboard's first
// page, in bytes, compressed.
const scriptBudget = 200_000

// browserPatience is how long all that one browser goes through may take, on a machine that
// does much else.
const browserPatience = 5 * time.Minute

// TestDashboardInBrowser goes through what people do on the dashboard, in one browser
// with a visit of its own for each step. No page may log an error, want what its
// policy forbids, or ask another host.
func TestDashboardInBrowser(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	chromium := measuretest.NeedChromium(t)
	s := start(t, ownDir(t), "--demo")
	client := clientByCommand(t, s)
	steps := []string{
		"firstLoad", "byRole", "byToken", "byClient", "changesAreSeen", "resumesAfterReload", "showsWhatMoved",
		"settlesConflicts", "shipsAnOrder", "meetsOthers", "sendsAFeed", "explores", "hasNoBarriers",
	}
	c := play(t, "the dashboard", "dashboard.mjs", vars{
		"chromium": chromium, "url": "http://" + s.addr, "supplier": cajun, "token": operatorToken(t),
		"client": vars{"id": client.id, "secret": client.secret}, "steps": steps,
	})
	told := c.wentThrough(t, steps)
	if got := num(told["script"], "bytes"); got < 50_000 || got >= scriptBudget {
		t.Errorf("the first page takes %d bytes of script; want less than %d", got, scriptBudget)
	}
	took := list(told["shown"], "took")
	if len(took) != 5 {
		t.Fatalf("of 5 changes the page was seen to show %v", took)
	}
	// The middle one, since one pause of the machine is none of the page.
	slices.SortFunc(took, func(a, b any) int { return millis(t, a) - millis(t, b) })
	if ms := millis(t, took[2]); ms >= 1000 {
		t.Errorf("a change is shown %d ms after the API's answer; want less than a second: %v", ms, took)
	}
	for _, secret := range []string{client.secret, "eyJ"} {
		if strings.Contains(s.log.String(), secret) {
			t.Error("a token or a secret is in the log")
		}
	}
}

func millis(t *testing.T, v any) int {
	t.Helper()
	n, ok := v.(json.Number)
	ms, err := n.Int64()
	if !ok || err != nil {
		t.Fatalf("%v is no number of milliseconds", v)
	}
	return int(ms)
}

// clientByCommand makes a supplier's client as its people would.
func clientByCommand(t *testing.T, s *server) credentials {
	t.Helper()
	made := run(t, nil, "client", "create", "--url", "http://"+s.addr, "--data-dir", s.dataDir, "--supplier", cajun, "--name", "A screen in the warehouse", "--json")
	var c struct{ ID, Secret string }
	if err := json.Unmarshal([]byte(made.out), &c); err != nil || made.code != 0 {
		t.Fatalf("making a client: %+v", made)
	}
	return credentials{c.ID, c.Secret}
}

// A page outlives its gateway: that is stopped, and killed, and comes back at the same
// address while stock goes on changing by another one. The page says so, and is told of
// each change once.
func TestDashboardSurvivesRestarts(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	chromium := measuretest.NeedChromium(t)
	on := startCluster(t)
	n, other := startNode(t, on, "the page's"), startNode(t, on, "the other")
	r := relayed(t, n.up())
	c := play(t, "the dashboard", "dashboard.mjs", vars{
		"chromium": chromium, "steps": []string{"survivesRestarts"},
		"restart": vars{
			"url": "http://" + r.addr, "other": "http://" + other.addr(),
			"token": issue(t, auth.Claims{Role: redline.RoleOperator}),
		},
	})
	wishes := map[string]func() error{
		"stop":  func() error { r.hold(); return n.down().stop() },
		"kill":  func() error { r.hold(); n.down().kill(); return nil },
		"start": func() error { n.start(t); r.to(t, n.up()); return nil },
	}
	c.grants(t, wishes, 4)
	told := c.wentThrough(t, []string{"survivesRestarts"})
	if got, want := num(told["story"], "events"), num(told["story"], "changes"); got != want || want == 0 {
		t.Errorf("the page was told of %d changes; there were %d", got, want)
	}
}

// grants does what a scenario wishes, one after the other, so many times.
func (c *scenario) grants(t *testing.T, wishes map[string]func() error, n int) {
	t.Helper()
	for done := range n {
		var wished []any
		if err := c.await(fmt.Sprintf("wish %d", done+1), func(told []any) bool {
			wished = slices.DeleteFunc(slices.Clone(told), func(line any) bool { return text(line, "saw") != "wish" })
			return len(wished) > done || slices.ContainsFunc(told, func(line any) bool { return text(line, "saw") == "step" })
		}); err != nil {
			t.Fatal(err)
		}
		if len(wished) <= done {
			return // the step has failed
		}
		what := text(wished[done], "what")
		if err := wishes[what](); err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if _, err := io.WriteString(c.stdin, "true\n"); err != nil {
			t.Fatal(err)
		}
	}
}

// wentThrough waits for a scenario's end, and wants each step to have gone well. It
// returns what else was seen, the last of each kind.
func (c *scenario) wentThrough(t *testing.T, steps []string) map[string]any {
	t.Helper()
	if err := c.endedWithin(browserPatience); err != nil {
		t.Fatal(err)
	}
	lines, _, err := c.saw()
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]any{}
	var went []string
	for _, line := range lines {
		if text(line, "saw") != "step" {
			told[text(line, "saw")] = line
			continue
		}
		went = append(went, text(line, "name"))
		t.Logf("%s took %d ms", text(line, "name"), num(line, "ms"))
		if failed := text(line, "error"); failed != "" {
			t.Errorf("%s: %s", text(line, "name"), failed)
		}
		for _, fault := range list(line, "faults") {
			t.Errorf("%s: the page %s", text(line, "name"), fault)
		}
	}
	if !slices.Equal(went, steps) {
		t.Errorf("it went through %q; want %q", went, steps)
	}
	return told
}
