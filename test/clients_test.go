package test_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"redline"
	"redline/auth"
	"redline/test/internal/measure/measuretest"
)

// Other people's clients: graphql-ws and graphql-sse on Node, and a browser's
// own EventSource. Each scenario of clients/ says in JSON lines what it saw.

// scenario is a client at work.
type scenario struct {
	name  string
	cmd   *exec.Cmd
	stdin io.WriteCloser
	out   *book
	log   *book
	done  chan struct{}
	err   error // how it ended; to be read after done
}

// play starts a scenario, which is to end well once the test closes its input.
func play(t *testing.T, name, script string, options vars) *scenario {
	t.Helper()
	return playWith(t, nil, name, script, options)
}

// playWith is play with variables of the environment beside ours.
func playWith(t *testing.T, env []string, name, script string, options vars) *scenario {
	t.Helper()
	b, err := json.Marshal(options)
	if err != nil {
		t.Fatal(err)
	}
	c := &scenario{name: name, out: newBook(), log: newBook(), done: make(chan struct{})}
	c.cmd = exec.Command("node", script, string(b))
	c.cmd.Env = environ(env...)
	c.cmd.Dir, c.cmd.Stdout, c.cmd.Stderr, c.cmd.WaitDelay = "clients", c.out, c.log, 5*time.Second
	if c.stdin, err = c.cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	if err := c.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		c.err = c.cmd.Wait()
	}()
	t.Cleanup(func() {
		_ = c.stdin.Close()
		if err := c.ended(); err != nil && !t.Failed() {
			t.Error(err)
		}
	})
	return c
}

// ended waits for its end, which must be with 0.
func (c *scenario) ended() error { return c.endedWithin(patience) }

func (c *scenario) endedWithin(within time.Duration) error {
	deadline := time.NewTimer(within)
	defer deadline.Stop()
	select {
	case <-c.done:
	case <-deadline.C:
		_ = c.cmd.Process.Kill()
		<-c.done
		return fmt.Errorf("%s didn't end within %s:\n%s%s", c.name, within, c.out, c.log)
	}
	if c.err != nil {
		return fmt.Errorf("%s ended with %w:\n%s%s", c.name, c.err, c.out, c.log)
	}
	return nil
}

// saw is what it has seen so far, in order, and what is closed when there is more.
func (c *scenario) saw() ([]any, <-chan struct{}, error) {
	lines, changed := c.out.lines()
	var all []any
	for _, l := range lines {
		var v any
		d := json.NewDecoder(strings.NewReader(l))
		d.UseNumber()
		if err := d.Decode(&v); err != nil {
			return nil, nil, fmt.Errorf("%s says %q: %w", c.name, l, err)
		}
		all = append(all, v)
	}
	return all, changed, nil
}

// await waits until what it saw is enough.
func (c *scenario) await(what string, enough func([]any) bool) error {
	deadline := time.NewTimer(patience)
	defer deadline.Stop()
	for {
		all, changed, err := c.saw()
		if err != nil {
			return err
		}
		if enough(all) {
			return nil
		}
		select {
		case <-changed:
		case <-c.done:
			if all, _, _ := c.saw(); enough(all) {
				return nil
			}
			return fmt.Errorf("%s ended (%w) before it saw %s:\n%s%s", c.name, errOrExit(c.err), what, c.out, c.log)
		case <-deadline.C:
			return fmt.Errorf("%s didn't see %s within %s:\n%s%s", c.name, what, patience, c.out, c.log)
		}
	}
}

// story is what of a follower's account it was told, in order: the cursors of
// changes, and the kind of everything else.
func story(told []any) []string {
	var out []string
	for _, line := range told {
		switch {
		case text(line, "saw") != "event":
		case text(line, "kind") == "CHANGE":
			out = append(out, text(line, "cursor"))
		default:
			out = append(out, text(line, "kind"))
		}
	}
	return out
}

// audience are the followers of one subject, all at once.
type audience []*scenario

// hear waits until each was told so much, which ends early with whoever has had
// an error.
func (a audience) hear(t *testing.T, want []string) {
	t.Helper()
	failed := make([]error, len(a))
	var all sync.WaitGroup
	for i, c := range a {
		all.Go(func() {
			failed[i] = c.await(fmt.Sprint(want), func(told []any) bool {
				return len(story(told)) >= len(want) || slices.ContainsFunc(told, func(line any) bool { return text(line, "saw") == "error" })
			})
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		t.Fatal(err)
	}
}

const (
	followStock = `subscription($skus: [String!], $after: Cursor) {
		event: inventoryChanged(filter: {skus: $skus}, after: $after) { cursor kind level { version } } }`
	followAvailability = `subscription($skus: [String!], $after: Cursor) {
		event: availabilityChanged(filter: {skus: $skus}, after: $after) { cursor kind available } }`
)

// A connection is cut, the gateway is killed, and it restarts as it should:
// whoever follows with a library or a browser's own EventSource comes back by
// itself, and its story is the log's, without a gap or a repeat.
func TestClientsResume(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	const sku, location = "BRK-PAD-1039", "WH-EAST"
	dir := ownDir(t)
	s := startDoomed(t, dir)
	r := relayed(t, s)
	token := operatorToken(t)
	follow := func(more vars) vars {
		return mergeVars(vars{"url": "http://" + r.addr + "/graphql", "query": followStock, "variables": vars{"skus": []any{sku}}, "token": token}, more)
	}
	all := audience{
		play(t, "graphql-ws", "follow.mjs", follow(vars{"client": "ws"})),
		play(t, "graphql-sse", "follow.mjs", follow(vars{"client": "sse"})),
	}
	chromium := ""
	t.Run("browser", func(t *testing.T) { chromium = measuretest.NeedChromium(t) })
	if chromium != "" {
		all = append(all,
			play(t, "EventSource with a ticket", "browse.mjs", follow(vars{"chromium": chromium})),
			play(t, "EventSource of anybody", "browse.mjs", follow(vars{"chromium": chromium, "query": followAvailability, "token": ""})))
	}

	want := []string{"CAUGHT_UP"}
	change := func(n int) {
		for range n {
			want = append(want, s.as(token).adjust(t, sku, location, "ON_HAND", 1).text("cursor"))
		}
	}
	back := func() {
		r.to(t, s)
		want = append(want, "CAUGHT_UP")
		all.hear(t, want)
	}
	all.hear(t, want)
	change(3)
	all.hear(t, want)

	r.cut()
	change(2)
	back()

	change(1) // some hear of it now, and some when they are back
	r.hold()
	s.kill()
	s = startDoomed(t, dir)
	change(3)
	back()

	change(1)
	all.hear(t, want)
	r.hold()
	if err := errors.Join(s.stop(), s.faults()); err != nil {
		t.Fatal(err)
	}
	s = start(t, dir)
	back() // nothing was missed, and that is said as well
	change(2)
	all.hear(t, want)

	for _, c := range all {
		_ = c.stdin.Close()
	}
	for _, c := range all {
		if err := c.ended(); err != nil {
			t.Error(err)
		}
		told, _, err := c.saw()
		if err != nil {
			t.Fatal(err)
		}
		if got := story(told); !slices.Equal(got, want) {
			t.Errorf("%s was told\n%q; want\n%q\n%s", c.name, got, want, c.log)
		}
		for _, line := range told {
			switch text(line, "saw") {
			case "error", "complete":
				t.Errorf("%s saw %v", c.name, line)
			case "event":
				if at(line, "errors") != nil || text(line, "extension") != text(line, "cursor") {
					t.Errorf("%s was told %v", c.name, line)
				}
				if id := at(line, "id"); id != nil && id != text(line, "cursor") {
					t.Errorf("to %s the id %v was sent with %v", c.name, id, line)
				}
			}
		}
	}
	closedForRestart(t, all[0])
}

// closedForRestart wants a websocket's client to have been closed with 1012 once:
// a gateway that stops says so, unlike one that is killed.
func closedForRestart(t *testing.T, c *scenario) {
	t.Helper()
	told, _, err := c.saw()
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, line := range told {
		if text(line, "saw") == "closed" && num(line, "code") == 1012 {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%s was closed %d times with 1012:\n%s", c.name, n, c.out)
	}
}

// Queries, mutations and what is refused, as the libraries give it to whoever
// uses them.
func TestClientsAsk(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	s := demo(t)
	const sku, location = "BRK-PAD-1045", "WH-CENTRAL"
	operations := []any{
		vars{"query": `{ viewer { role } }`},
		vars{"query": mutationText("inventoryAdjust", "rows { index }"), "variables": vars{"input": vars{
			"idempotencyKey": newKey(), "reason": "RECEIVED",
			"changes": []any{vars{"stock": vars{"sku": sku, "locationCode": location}, "delta": 1}},
		}}},
		vars{"query": `{ viewer {`},
		vars{"query": `{ weather }`},
		vars{"query": `{ auditEntries(first: 1) { nodes { outcome } } }`},
		vars{"query": `subscription { conflictChanged { cursor } }`},
	}
	token := issue(t, auth.Claims{Role: redline.RoleOperator, Scopes: []string{"inventory:read", "inventory:write"}})
	for _, client := range []string{"ws", "sse"} {
		t.Run(client, func(t *testing.T) {
			t.Parallel()
			c := play(t, client, "ask.mjs", vars{"client": client, "url": "http://" + s.addr + "/graphql", "token": token, "operations": operations})
			outcomes := c.outcomes(t, len(operations))
			if got := text(outcomes[0], "results.0.data.viewer.role"); got != "OPERATOR" {
				t.Errorf("a query gives %v", outcomes[0])
			}
			if payload := at(outcomes[1], "results.0.data.inventoryAdjust"); payload == nil || len(list(payload, "userErrors")) > 0 {
				t.Errorf("a mutation gives %v", outcomes[1])
			}
			for i, want := range map[int]string{2: "GRAPHQL_PARSE_FAILED", 3: "GRAPHQL_VALIDATION_FAILED", 4: "FORBIDDEN", 5: "FORBIDDEN"} {
				if codes := outcomeCodes(outcomes[i]); !slices.Equal(codes, []string{want}) {
					t.Errorf("%s gives %v; want %s", text(operations[i], "query"), outcomes[i], want)
				}
			}

			c = play(t, client+" with a bad token", "ask.mjs", vars{"client": client, "url": "http://" + s.addr + "/graphql", "token": "x.y.z", "operations": operations[:1]})
			refused := c.outcomes(t, 1)[0]
			if client == "ws" && num(refused, "error.closed") != 4403 || client == "sse" && num(refused, "error.status") != 401 {
				t.Errorf("a bad token gives %v", refused)
			}
		})
	}
}

// outcomes waits for what came of so many operations.
func (c *scenario) outcomes(t *testing.T, n int) []any {
	t.Helper()
	var found []any
	if err := c.await("the outcomes", func(told []any) bool {
		found = slices.DeleteFunc(slices.Clone(told), func(line any) bool { return text(line, "saw") != "outcome" })
		return len(found) == n
	}); err != nil {
		t.Fatal(err)
	}
	return found
}

// outcomeCodes are the codes of an outcome's errors, be they in its results or
// what the client threw.
func outcomeCodes(outcome any) []string {
	var codes []string
	for _, e := range append(list(outcome, "error.errors"), list(outcome, "results.0.errors")...) {
		codes = append(codes, text(e, "extensions.code"))
	}
	return codes
}
