package test_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"redline"
	"redline/auth"
)

// scrape is what a gateway's metrics say.
func scrape(t testing.TB, addr string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("/metrics: %d, %v", response.StatusCode, err)
	}
	return string(body)
}

// What comes of operations is counted for each kind, by HTTP and by websocket; the
// output has no fault that Prometheus' linter knows of.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	shop, operator := s.as(shopToken(t, "counted")), s.as(operatorToken(t))
	anonymous := s.as("")
	place := func(key string, n int) vars {
		return vars{"idempotencyKey": key, "customer": vars{"name": "Ann"}, "lines": []any{vars{"sku": cajunSauce, "quantity": n}}}
	}
	key := newKey()
	for range 2 { // the second is a replay
		shop.do(t, "orderPlace", place(key, 1), `order { number }`)
	}
	if codes := shop.attempt(t, "orderPlace", place(newKey(), 1_000_000), `order { number }`).refusals(); len(codes) == 0 {
		t.Fatal("an order for more than there is was taken")
	}
	shop.ask(t, `{ orders(first: 1) { nodes { number } } }`, nil)
	shop.ask(t, `{ viewer { role } again: viewer { role } }`, nil)
	for _, wrong := range []struct {
		who   caller
		query string
	}{
		{shop, `{ auditEntries(first: 1) { nodes { id } } }`},
		{shop, `{ nothing }`},
		{shop, `{`},
		{anonymous, `{ orders(first: 1) { nodes { number } } }`},
		{shop, `{ ` + strings.Repeat("viewer { role } ", 2000) + `}`},
	} {
		wrong.who.tell(t, wrong.query, nil)
	}
	s.as("not.a.token").tell(t, `{ viewer { role } }`, nil)
	s.as(issue(t, auth.Claims{Role: redline.RoleOperator})+"x").tell(t, `{ viewer { role } }`, nil)

	w := s.socket(t, shopToken(t, "counted"))
	w.subscribe("q", `{ viewer { role } }`, nil)
	w.next("q")
	w.subscribe("m", `mutation($input: OrderPlaceInput!) { orderPlace(input: $input) { userErrors { code } } }`, vars{"input": place(newKey(), 1_000_000)})
	w.next("m")
	w.subscribe("s", `subscription { orderChanged { cursor } }`, nil)
	w.subscribe("denied", `subscription { conflictChanged { cursor } }`, nil)
	w.next("denied")
	w.subscribe("invalid", `subscription { nothing }`, nil)
	w.next("invalid")
	// What is told is executed once more for the group, and counted no more for it.
	eventually(t, "the socket follows", func(context.Context) bool { return strings.Contains(scrape(t, s.addr), "redline_live_groups 1") })
	operator.adjust(t, cajunSauce, cajun, "ON_HAND", 1)
	shop.do(t, "orderPlace", place(newKey(), 1), `order { number }`)
	w.event("s")

	got := ""
	eventually(t, "the jobs have run", func(context.Context) bool {
		got = scrape(t, s.addr)
		return strings.Contains(got, `redline_job_runs_total{outcome="ok",task="gauges"}`) && strings.Contains(got, `redline_ready{check="database"} 1`)
	})
	for _, want := range []string{
		`redline_operations_total{operation="orderPlace",outcome="ok",type="mutation"} 3`,
		`redline_operations_total{operation="orderPlace",outcome="refused",type="mutation"} 2`,
		`redline_operations_total{operation="orders",outcome="ok",type="query"} 1`,
		`redline_operations_total{operation="orders",outcome="denied",type="query"} 1`,
		`redline_operations_total{operation="several",outcome="ok",type="query"} 1`,
		`redline_operations_total{operation="viewer",outcome="ok",type="query"} 1`,
		`redline_operations_total{operation="auditEntries",outcome="denied",type="query"} 1`,
		`redline_operations_total{operation="invalid",outcome="invalid",type="unknown"} 3`,
		`redline_operations_total{operation="invalid",outcome="limited",type="unknown"} 1`,
		`redline_operations_total{operation="orderChanged",outcome="ok",type="subscription"} 1`,
		`redline_operations_total{operation="conflictChanged",outcome="denied",type="subscription"} 1`,
		`redline_operations_total{operation="conflictChanged",outcome="ok",type="subscription"} 0`,
		`redline_idempotent_replays_total{operation="orderPlace"} 1`,
		`redline_insufficient_stock_total{operation="orderPlace"} 2`,
		`redline_tokens_refused_total{reason="invalid"} 2`,
		`redline_http_requests_total{method="POST",path="/graphql",status="401"} 2`,
		`redline_conflicts_open{kind="OVERSOLD"} 0`,
		`redline_ready{check="event log"} 1`,
		`redline_db_connections_max{pool="writes"} 10`,
		`redline_sql_duration_seconds_count{statement="mutation.tell"}`,
		`redline_sql_duration_seconds_count{statement="commit"}`,
		`redline_supplier_stale_levels{supplier="`,
		`redline_build_info{`,
	} {
		if !strings.Contains(got, want) {
			name, _, _ := strings.Cut(want, "}")
			name, _, _ = strings.Cut(name, ",")
			var near []string
			for line := range strings.SplitSeq(got, "\n") {
				if strings.HasPrefix(line, name) {
					near = append(near, line)
				}
			}
			t.Errorf("the metrics lack %s; there is\n%s", want, strings.Join(near, "\n"))
		}
	}
	if strings.Contains(got, `statement=""`) {
		t.Error("a statement has an empty name")
	}
	problems, err := promlint.New(strings.NewReader(got)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

// Metrics may have an address of their own, and are nowhere else then.
func TestMetricsAddress(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t), "--metrics-addr", "127.0.0.1:0")
	line, err := s.awaitLog("metrics", patience)
	if err != nil {
		t.Fatal(err)
	}
	if got := scrape(t, fmt.Sprint(line["addr"])); !strings.Contains(got, "redline_build_info") {
		t.Error("there are no metrics at their address")
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.addr+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNotFound {
		t.Errorf("on the public address: %d", response.StatusCode)
	}
}

// The access log says of a stream which subscription it was, and what came of it.
func TestAccessLogOfStreams(t *testing.T) {
	t.Parallel()
	s := start(t, ownDir(t))
	open := func(query string) (lines func() (string, error)) {
		lines, status := s.eventStream(t, shopToken(t, "streaming"), "query="+url.QueryEscape(query))
		if status != http.StatusOK {
			t.Fatalf("%s: %d", query, status)
		}
		return lines
	}
	denied := open(`subscription { conflictChanged { cursor } }`)
	for _, err := denied(); err == nil; _, err = denied() {
	}
	begun := open(`subscription { orderChanged { cursor } }`)
	for line, err := "", error(nil); !strings.HasPrefix(line, "data: "); line, err = begun() {
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := s.stop(); err != nil {
		t.Fatal(err)
	}
	outcomes := map[string]any{}
	logged, _ := s.log.lines()
	for _, text := range logged {
		var line map[string]any
		if json.Unmarshal([]byte(text), &line) == nil && line["msg"] == "request" && line["path"] == "/graphql" {
			outcomes[fmt.Sprint(line["operation"])] = line["outcome"]
		}
	}
	if want := map[string]any{"conflictChanged": "denied", "orderChanged": "ok"}; !maps.Equal(outcomes, want) {
		t.Errorf("the access log has %v", outcomes)
	}
}
