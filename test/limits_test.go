package test_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"redline"
	"redline/auth"
	"redline/internal/redistest"
)

// ways are the transports by which an operation reaches a gateway: each returns the
// codes of its errors, and what it answered.
var ways = map[string]func(t *testing.T, s *server, token string, request vars) (codes []string, said string){
	"POST":      byPost,
	"GET":       byGet,
	"stream":    byStream,
	"websocket": bySocket,
}

func byPost(t *testing.T, s *server, token string, request vars) ([]string, string) {
	t.Helper()
	return overHTTP(t, s, token, http.MethodPost, request, "application/json")
}

func byGet(t *testing.T, s *server, token string, request vars) ([]string, string) {
	t.Helper()
	return overHTTP(t, s, token, http.MethodGet, request, "application/json")
}

func byStream(t *testing.T, s *server, token string, request vars) ([]string, string) {
	t.Helper()
	return overHTTP(t, s, token, http.MethodPost, request, "text/event-stream")
}

func encoded(t *testing.T, v any) string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func overHTTP(t *testing.T, s *server, token, method string, request vars, accept string) ([]string, string) {
	t.Helper()
	target, body := "http://"+s.addr+"/graphql", ""
	if method == http.MethodGet {
		values := url.Values{}
		for name, value := range request {
			if text, ok := value.(string); ok {
				values.Set(name, text)
			} else {
				values.Set(name, encoded(t, value))
			}
		}
		target += "?" + values.Encode()
	} else {
		body = encoded(t, request)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Accept", accept)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := web.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	said, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if accept == "text/event-stream" {
		_, rest, _ := strings.Cut(string(said), "data: ")
		line, _, _ := strings.Cut(rest, "\n")
		said = []byte(line)
	}
	return codesIn(t, said), string(said)
}

func codesIn(t *testing.T, said []byte) (codes []string) {
	t.Helper()
	var parsed struct{ Errors []graphqlError }
	if err := json.Unmarshal(said, &parsed); err != nil {
		t.Fatalf("%v: %.300s", err, said)
	}
	for _, e := range parsed.Errors {
		codes = append(codes, e.Extensions.Code)
	}
	return codes
}

func bySocket(t *testing.T, s *server, token string, request vars) ([]string, string) {
	t.Helper()
	w := s.socket(t, token)
	defer func() { _ = w.conn.Close() }()
	w.send(vars{"id": "1", "type": "subscribe", "payload": request})
	m := w.next("1")
	if m.Type == "error" {
		said := `{"errors":` + string(m.Payload) + `}`
		return codesIn(t, []byte(said)), said
	}
	return codesIn(t, m.Payload), string(m.Payload)
}

func wantCode(t *testing.T, way string, codes []string, said, want string) {
	t.Helper()
	switch {
	case want == "" && len(codes) == 0:
	case len(codes) != 1 || codes[0] != want:
		t.Errorf("by %s: %v, want %q: %.500s", way, codes, want, said)
	}
}

func hashed(text string) vars {
	sum := sha256.Sum256([]byte(text))
	return vars{"persistedQuery": vars{"version": 1, "sha256Hash": hex.EncodeToString(sum[:])}}
}

// A hash that one client has introduced by any transport is known on all of them.
func TestPersistedQueriesOnEveryTransport(t *testing.T) {
	t.Parallel()
	s := demo(t)
	for way, ask := range ways {
		query := fmt.Sprintf("query ByWayOf%s { viewer { role } }", way)
		codes, said := ask(t, s, "", vars{"extensions": hashed(query)})
		wantCode(t, way, codes, said, "PERSISTED_QUERY_NOT_FOUND")
		codes, said = ask(t, s, "", vars{"query": query, "extensions": hashed(query + " ")})
		wantCode(t, way, codes, said, "BAD_REQUEST")
		codes, said = ask(t, s, "", vars{"query": query, "extensions": hashed(query)})
		wantCode(t, way, codes, said, "")
		for other, ask := range ways {
			codes, said := ask(t, s, "", vars{"extensions": hashed(query)})
			wantCode(t, other, codes, said, "")
			if !strings.Contains(said, `"STOREFRONT"`) || !strings.Contains(said, `"cost":{"requested":1}`) {
				t.Errorf("by %s, introduced by %s: %s", other, way, said)
			}
		}
	}
	subscription := `subscription OfStock { availabilityChanged { kind } }`
	w := s.socket(t, "")
	for id, payload := range []vars{{"query": subscription, "extensions": hashed(subscription)}, {"extensions": hashed(subscription)}} {
		id := fmt.Sprint(id)
		w.send(vars{"id": id, "type": "subscribe", "payload": payload})
		if m := w.next(id); m.Type != "next" || strings.Contains(string(m.Payload), `"cost"`) {
			t.Errorf("a subscription by hash is told %s %s", m.Type, m.Payload)
		}
	}
}

// Where only listed operations are run, all others are refused alike on every
// transport; and holders of schema:read alone may introspect, if that is listed.
func TestListedOperationsOnEveryTransport(t *testing.T) {
	t.Parallel()
	list := t.TempDir()
	for name, text := range map[string]string{
		"role.graphql":   "query Role {\n  viewer { role }\n}\n",
		"schema.graphql": "{ __schema { queryType { name } } }",
	} {
		if err := os.WriteFile(filepath.Join(list, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s := start(t, ownDir(t), "--operations", list, "--operations-only")
	operator := operatorToken(t)
	for way, ask := range ways {
		for _, request := range []vars{
			{"query": "query Role { viewer { role } }"}, {"extensions": hashed("query Role {\n  viewer { role }\n}\n")},
			{"documentId": "sha256:" + hashed("query Role {\n  viewer { role }\n}\n")["persistedQuery"].(vars)["sha256Hash"].(string)},
		} {
			codes, said := ask(t, s, operator, request)
			wantCode(t, way, codes, said, "")
			if !strings.Contains(said, `"OPERATOR"`) {
				t.Errorf("by %s: %s", way, said)
			}
		}
		for _, query := range []string{"{ viewer { role } }", "{ viewer", "{ nothing }"} {
			codes, said := ask(t, s, operator, vars{"query": query})
			wantCode(t, way, codes, said, "OPERATION_NOT_ALLOWED")
			codes, said = ask(t, s, operator, vars{"query": query, "extensions": hashed(query)})
			wantCode(t, way, codes, said, "OPERATION_NOT_ALLOWED")
		}
		const schema = "{ __schema { queryType { name } } }"
		codes, said := ask(t, s, operator, vars{"query": schema})
		wantCode(t, way, codes, said, "")
		codes, said = ask(t, s, "", vars{"query": schema})
		wantCode(t, way, codes, said, "GRAPHQL_VALIDATION_FAILED")
		narrow := issue(t, auth.Claims{Role: redline.RoleOperator, Scopes: []string{redline.ScopeOrdersRead}})
		codes, said = ask(t, s, narrow, vars{"query": schema})
		wantCode(t, way, codes, said, "GRAPHQL_VALIDATION_FAILED")
	}
}

// All that is wrong with limits and lists is said before anything starts.
func TestBadLimitsAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	said, err := exec.Command(world.binary, "serve", "--data-dir", emptyDir(t), "--operations-only", "--max-cost=0", "--rate-limit=-1", "--rate-burst-address=5",
		"--redis-url=http://user:hunter2@host", "--socket-operations=0").CombinedOutput()
	if err == nil {
		t.Fatal("it starts")
	}
	for _, want := range []string{"--operations-only", "--max-cost", "--rate-limit is -1", "--rate-burst-address", "--redis-url", "--socket-operations"} {
		if !strings.Contains(string(said), want) {
			t.Errorf("%s isn't named: %s", want, said)
		}
	}
	if strings.Contains(string(said), "hunter2") {
		t.Errorf("the password is told: %s", said)
	}
}

// Two gateways share a rate limit: what one lets through the other counts, on every
// transport, and whoever has nothing left is told so and when to come again, with no
// change made.
func TestGatewaysShareARateLimit(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t).URL
	flags := []string{"--rate-limit", "0.001", "--rate-burst", "40", "--redis-url", redis}
	one, other := start(t, ownDir(t), flags...), start(t, ownDir(t), flags...)
	const query = `{ viewer { role } }`
	for way, ask := range ways {
		token := issue(t, auth.Claims{Role: redline.RoleOperator, Subject: "way " + way})
		for i := range 40 {
			codes, said := ask(t, []*server{one, other}[i%2], token, vars{"query": query})
			wantCode(t, way, codes, said, "")
			if want := fmt.Sprintf(`"cost":{"requested":1,"limit":40,"remaining":%d,"restorePerSecond":0.001}`, 39-i); !strings.Contains(said, want) {
				t.Fatalf("by %s: %s; want %s", way, said, want)
			}
		}
		for _, s := range []*server{one, other} {
			codes, said := ask(t, s, token, vars{"query": query})
			wantCode(t, way, codes, said, "RATE_LIMITED")
			if !strings.Contains(said, `"retryAfterMs":`) || !strings.Contains(said, `"requestId":`) {
				t.Errorf("by %s: %s", way, said)
			}
		}
	}
	token := issue(t, auth.Claims{Role: redline.RoleOperator, Subject: "way POST"})
	refused := one.as(token).attempt(t, "inventoryAdjust", vars{"idempotencyKey": newKey(), "reason": "RECEIVED", "changes": []any{
		vars{"stock": vars{"sku": "BRK-PAD-1045", "locationCode": "WH-EAST"}, "delta": 1}}}, "replayed")
	if refused.status != http.StatusTooManyRequests || refused.header.Get("Retry-After") == "" {
		t.Errorf("a mutation gives %d %s", refused.status, refused.body)
	}
	// Subscriptions are charged when they begin.
	w := one.socket(t, token)
	w.subscribe("1", `subscription { conflictChanged { cursor } }`, nil)
	if m := w.next("1"); m.Type != "error" || !strings.Contains(string(m.Payload), "RATE_LIMITED") {
		t.Errorf("a subscription gives %s %s", m.Type, m.Payload)
	}
}

// Each kind of hostile request, to the program itself: a refusal that is quick, small,
// clean and without a change.
func TestHostileRequests(t *testing.T) {
	t.Parallel()
	s := demo(t)
	doubling := func(levels int) string {
		text := "{suppliers{nodes{...f0}}}"
		for i := range levels {
			text += fmt.Sprintf("fragment f%d on Supplier{items{nodes{supplier{...f%d ...f%d}}}}", i, i+1, i+1)
		}
		return text + fmt.Sprintf("fragment f%d on Supplier{name}", levels)
	}
	many := func(n int, format string) (text string) {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, format, i)
		}
		return b.String()
	}
	for name, test := range map[string]struct{ document, body, code string }{
		"one field 10,000 times": {document: "{" + strings.Repeat("eventHead ", 10_000) + "}", code: "LIMIT_EXCEEDED"},
		"doubling fragments":     {document: doubling(30), code: "LIMIT_EXCEEDED"},
		"a circle":               {document: "{suppliers{nodes{...f}}} fragment f on Supplier{items{nodes{supplier{...f}}}}", code: "GRAPHQL_VALIDATION_FAILED"},
		"depth":                  {document: "{suppliers{nodes{" + strings.Repeat("items{nodes{supplier{", 50) + "name" + strings.Repeat("}", 153), code: "LIMIT_EXCEEDED"},
		"10,000 aliases":         {document: "{" + many(10_000, "a%d:eventHead ") + "}", code: "LIMIT_EXCEEDED"},
		"directives":             {document: "{eventHead" + strings.Repeat(" @skip(if:false)", 160) + "}", code: "LIMIT_EXCEEDED"},
		"a huge name":            {document: "{" + strings.Repeat("a", 60_000) + "}", code: "GRAPHQL_VALIDATION_FAILED"},
		"a huge string":          {document: `{product(by:{sku:"` + strings.Repeat("a", 3<<20) + `"}){id}}`, code: "LIMIT_EXCEEDED"},
		"a huge variable":        {body: `{"query":"query($s:String!){product(by:{sku:$s}){id}}","variables":{"s":[` + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + `]}}`, code: "GRAPHQL_VALIDATION_FAILED"},
		"operations":             {document: many(200, "query q%d{eventHead}"), code: "LIMIT_EXCEEDED"},
		"variable definitions":   {document: "query(" + many(190, "$v%d:Int ") + "){eventHead}", code: "GRAPHQL_VALIDATION_FAILED"},
		"a list of 100,000":      {document: "{nodes(ids:[" + strings.Repeat(`"a" `, 20_000) + "]){id}}", code: "LIMIT_EXCEEDED"},
		"comments":               {document: strings.Repeat("#\n", 30_000) + "{eventHead}", code: "LIMIT_EXCEEDED"},
		"a block string":         {document: `{eventHead(a:"""` + strings.Repeat(" \n", 30_000) + `""")}`, code: "GRAPHQL_VALIDATION_FAILED"},
		"not UTF-8":              {body: "{\"query\":\"{\xff}\"}", code: "BAD_REQUEST"},
		"a batch":                {body: "[" + strings.Repeat(`{"query":"{eventHead}"},`, 1000) + `{}]`, code: "BAD_REQUEST"},
		"colliding fields":       {document: "{suppliers{nodes{" + strings.Repeat("a:id a:name ", 45) + "}}}", code: "LIMIT_EXCEEDED"},
		"unknown fragments":      {document: "{suppliers{nodes{" + many(300, "...f%d ") + "}}}", code: "GRAPHQL_VALIDATION_FAILED"},
		"a huge first":           {document: "{products(first:2147483647){nodes{id}}}", code: "LIMIT_EXCEEDED"},
		"pages within pages":     {document: "{suppliers(first:250){nodes{items(first:250){nodes{supplier{items(first:250){nodes{id}}}}}}}}", code: "LIMIT_EXCEEDED"},
		"nodes, 100 times":       {document: "{" + many(100, `a%d:nodes(ids:["prod_a"]){id} `) + "}", code: "LIMIT_EXCEEDED"},
		"nodes of many":          {body: `{"query":"query($i:[ID!]!){` + many(15, "a%d:nodes(ids:$i){...on Product{price{amount}}} ") + `}","variables":{"i":[` + strings.Repeat(`"a",`, 19_000) + `"a"]}}`, code: "LIMIT_EXCEEDED"},
		"introspection":          {document: "{" + strings.Repeat("__schema{types{fields{type{fields{type{", 3) + "name" + strings.Repeat("}", 19), code: "LIMIT_EXCEEDED"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := test.body
			if body == "" {
				body = encoded(t, vars{"query": test.document})
			}
			for range 3 {
				a, err := s.as("").send(t.Context(), "application/json", []byte(body))
				if err != nil {
					t.Fatal(err)
				}
				checkClean(t, a)
				if len(a.errors) == 0 || len(a.errors) > 10 || a.errors[0].Extensions.Code != test.code || a.data != nil || len(a.body) > 10_000 {
					t.Errorf("%d errors in %d bytes, want %s: %.500s", len(a.errors), len(a.body), test.code, a.body)
				}
			}
		})
	}
	t.Cleanup(func() {
		began := time.Now()
		s.as("").ask(t, `{ viewer { role } }`, nil)
		if took := time.Since(began); took > patience/2 {
			t.Errorf("after all of them an answer took %s", took)
		}
	})
}
