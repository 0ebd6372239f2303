package test_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"redline/telemetry"
)

const traceDocument = "../docs/tracing.md"

// readSpans reads what gateways have appended to a file of traces.
func readSpans(t testing.TB, name string) []telemetry.Span {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	var spans []telemetry.Span
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var s telemetry.Span
		if json.Unmarshal(lines.Bytes(), &s) == nil { // the last line may be half there
			spans = append(spans, s)
		}
	}
	return spans
}

// traceTree is a trace by the spans' parents, each list in the order of time.
type traceTree map[string][]telemetry.Span

func treeOf(spans []telemetry.Span, traceID string) traceTree {
	tree := traceTree{}
	for _, s := range spans {
		if s.TraceID == traceID {
			tree[s.ParentID] = append(tree[s.ParentID], s)
		}
	}
	for _, children := range tree {
		slices.SortFunc(children, func(a, b telemetry.Span) int { return a.Start.Compare(b.Start) })
	}
	return tree
}

// walk calls back for each span below a parent, with the names from the root on.
func (tree traceTree) walk(parent string, above []string, each func(path []string, s telemetry.Span)) {
	for _, s := range tree[parent] {
		path := append(slices.Clone(above), s.Name)
		each(path, s)
		tree.walk(s.SpanID, path, each)
	}
}

// chains are all ways of names from the root down, each once. What a connection does
// once for a statement isn't among them.
func (tree traceTree) chains(root string) []string {
	var all []string
	tree.walk(root, nil, func(path []string, s telemetry.Span) {
		if chain := strings.Join(path, " > "); s.Name != "prepare" && !slices.Contains(all, chain) {
			all = append(all, chain)
		}
	})
	slices.Sort(all)
	return all
}

// The way of an order from the request to its subscribers' messages is one trace, with
// the order placed on one gateway and followed on two, over a websocket each. The
// document's trace has the same chain of spans; with UPDATE_DOCS set it is written.
func TestTraceOfAnOrder(t *testing.T) {
	t.Parallel()
	on := startCluster(t)
	files := []string{filepath.Join(on.dir, "one.jsonl"), filepath.Join(on.dir, "other.jsonl")}
	one := startNode(t, on, "one", "--trace-file", files[0], "--trace-trust")
	other := startNode(t, on, "other", "--trace-file", files[1])
	shop := shopToken(t, "traced")
	const follow = `subscription { orderChanged { cursor to order { number status } } }`
	var readers []*socket
	for _, n := range []*node{one, other} {
		w := n.up().socket(t, shop)
		w.subscribe("orders", follow, nil)
		readers = append(readers, w)
	}
	eventually(t, "both sockets follow", func(context.Context) bool {
		return strings.Contains(scrape(t, one.up().addr), "redline_live_groups 1") && strings.Contains(scrape(t, other.up().addr), "redline_live_groups 1")
	})

	const traceID, parentID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	c := one.up().as(shop)
	c.traceparent = "00-" + traceID + "-" + parentID + "-01"
	order := c.place(t, orderInput(vars{"name": "Ann"}, map[string]int{cajunSauce: 2}))
	number := order.text("order.number")
	for _, w := range readers {
		for text(w.event("orders"), "order.number") != number {
		}
	}

	const delivered = "POST /graphql > mutation orderPlace > publish order.changed > process order.changed > deliver order.changed"
	var spans []telemetry.Span
	var tree traceTree
	eventually(t, "the whole trace is written", func(context.Context) bool {
		spans = nil
		for i, name := range files {
			for _, s := range readSpans(t, name) {
				s.Service = []string{"one", "other"}[i]
				spans = append(spans, s)
			}
		}
		tree = treeOf(spans, traceID)
		deliveries := map[string]bool{}
		tree.walk(parentID, nil, func(path []string, s telemetry.Span) {
			if strings.Join(path, " > ") == delivered {
				deliveries[s.Service] = true
			}
		})
		return len(deliveries) == 2 && len(tree[parentID]) == 1
	})
	for _, chain := range []string{
		delivered,
		"POST /graphql > mutation orderPlace > transaction > begin",
		"POST /graphql > mutation orderPlace > transaction > mutation.tell",
		"POST /graphql > mutation orderPlace > transaction > commit",
	} {
		if !slices.Contains(tree.chains(parentID), chain) {
			t.Errorf("the trace lacks %s; it has\n\t%s", chain, strings.Join(tree.chains(parentID), "\n\t"))
		}
	}
	tree.walk(parentID, nil, func(path []string, s telemetry.Span) {
		if s.End.Before(s.Start) || s.Error {
			t.Errorf("%s: from %s to %s, failed %t", strings.Join(path, " > "), s.Start, s.End, s.Error)
		}
	})
	checkTraceDocument(t, tree, parentID)
}

// checkTraceDocument compares the document's trace with one of today.
func checkTraceDocument(t *testing.T, tree traceTree, root string) {
	t.Helper()
	text, err := os.ReadFile(traceDocument)
	if err != nil {
		t.Fatal(err)
	}
	const begin, end = "<!-- from a run: begin -->\n", "<!-- from a run: end -->\n"
	before, rest, found := strings.Cut(string(text), begin)
	written, after, ends := strings.Cut(rest, end)
	if !found || !ends {
		t.Fatal("the document has no place for the trace")
	}
	if os.Getenv("UPDATE_DOCS") != "" {
		if err := os.WriteFile(traceDocument, []byte(before+begin+printed(t, tree, root)+end+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	_, block, _ := strings.Cut(written, "```json\n")
	block, _, _ = strings.Cut(block, "```\n")
	var spans []telemetry.Span
	if err := json.Unmarshal([]byte(block), &spans); err != nil || len(spans) == 0 {
		t.Fatalf("the document's trace: %d spans, %v", len(spans), err)
	}
	if was, is := treeOf(spans, spans[0].TraceID).chains(spans[0].ParentID), tree.chains(root); !slices.Equal(was, is) {
		t.Errorf("the document's trace has other spans; `make trace-example` writes it anew.\nIt has\n\t%s\nand today's has\n\t%s",
			strings.Join(was, "\n\t"), strings.Join(is, "\n\t"))
	}
}

// printed is a trace as a tree and as JSON.
func printed(t *testing.T, tree traceTree, root string) string {
	t.Helper()
	var b strings.Builder
	var all []json.RawMessage
	var began time.Time
	b.WriteString("```text\n  from ms   took ms  gateway  span\n")
	tree.walk(root, nil, func(path []string, s telemetry.Span) {
		if began.IsZero() {
			began = s.Start
		}
		ms := func(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
		fmt.Fprintf(&b, "%9.3f %9.3f  %-7s  %s%s\n", ms(s.Start.Sub(began)), ms(s.End.Sub(s.Start)), s.Service, strings.Repeat("  ", len(path)-1), s.Name)
		one, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, one)
	})
	b.WriteString("```\n\n```json\n[\n")
	for i, one := range all {
		b.WriteString("  " + string(one) + map[bool]string{true: "\n", false: ",\n"}[i == len(all)-1])
	}
	b.WriteString("]\n```\n")
	return b.String()
}

// Orders that arrive together share a transaction, and each event is in the trace of
// its own caller.
func TestTracesOfOrdersThatShareATransaction(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "spans.jsonl")
	s := start(t, ownDir(t), "--trace-file", file, "--trace-trust", "--addr", "127.0.0.1:0")
	w := s.socket(t, shopToken(t, "many"))
	w.subscribe("orders", `subscription { orderChanged { cursor order { number } } }`, nil)
	eventually(t, "the socket follows", func(context.Context) bool {
		return strings.Contains(scrape(t, s.addr), "redline_live_groups 1")
	})
	const callers = 24
	id := func(i int) string { return fmt.Sprintf("%032x", i+1) }
	done := make(chan error, callers)
	for i := range callers {
		go func() {
			c := s.as(shopToken(t, "many"))
			c.traceparent = "00-" + id(i) + "-00f067aa0ba902b7-01"
			a, err := c.try(t.Context(), mutationText("orderPlace", selectOrder), vars{"input": orderInput(vars{"name": "Ann"}, map[string]int{cajunSauce: 1})})
			if err == nil && len(a.errors) > 0 {
				err = errors.New(a.body)
			}
			done <- err
		}()
	}
	for range callers {
		if err := <-done; err != nil {
			t.Fatal(err)
		}
	}
	const delivered = "POST /graphql > mutation orderPlace > publish order.changed > process order.changed > deliver order.changed"
	eventually(t, "each order's trace leads to its delivery", func(context.Context) bool {
		spans := readSpans(t, file)
		for i := range callers {
			chains := treeOf(spans, id(i)).chains("00f067aa0ba902b7")
			if !slices.Contains(chains, delivered) || !slices.Contains(chains, "POST /graphql > mutation orderPlace > transaction") {
				return false
			}
		}
		return true
	})
	shared := 0
	for _, one := range readSpans(t, file) {
		if one.Name == "transaction" && len(one.Links) > 0 {
			shared++
		}
	}
	if shared == 0 {
		t.Error("no two orders shared a transaction")
	}
}

// Who doesn't trust its callers joins their traces, and decides alone what is recorded.
func TestTracesOfStrangers(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "spans.jsonl")
	s := start(t, ownDir(t), "--trace-file", file, "--trace-ratio", "0")
	c := s.as(shopToken(t, "stranger"))
	c.traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
	c.ask(t, `{ viewer { role } }`, nil)
	if spans := readSpans(t, file); len(spans) > 0 {
		t.Errorf("a caller had its trace recorded: %+v", spans)
	}
}
