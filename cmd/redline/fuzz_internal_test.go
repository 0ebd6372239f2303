package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"redline/internal/pgtest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// gatewayUnderFuzz is the whole gateway, in this process, with the demo's data.
type gatewayUnderFuzz struct {
	addr   string
	client *http.Client
	log    *fuzzLog
	// operator is the token of one who may do all.
	operator string
	// goroutines and heap are what there was before the first input.
	goroutines int
	heap       uint64
	inputs     int
}

// fuzzLog keeps what the gateway logs at warning or worse, and its address.
type fuzzLog struct {
	mu   sync.Mutex
	text bytes.Buffer
	addr chan string
}

var listening = regexp.MustCompile(`"msg":"listening","addr":"([^"]+)"`)

func (l *fuzzLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if m := listening.FindSubmatch(p); m != nil {
		l.addr <- string(m[1])
	}
	if !bytes.Contains(p, []byte(`"level":"INFO"`)) {
		l.text.Write(p)
	}
	return len(p), nil
}

// fuzzPatience is how long anything may take on a machine that fuzzes.
const fuzzPatience = 30 * time.Second

func startUnderFuzz(f *testing.F) *gatewayUnderFuzz {
	f.Helper()
	dir := f.TempDir()
	secret := []byte(strings.Repeat("s", 32))
	if err := os.WriteFile(filepath.Join(dir, "secret"), secret, 0o600); err != nil {
		f.Fatal(err)
	}
	g := &gatewayUnderFuzz{log: &fuzzLog{addr: make(chan string, 1)}, client: &http.Client{Timeout: fuzzPatience, Transport: &http.Transport{}}}
	var err error
	g.operator, err = jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims{
		"iss": "redline", "aud": "redline", "sub": "fuzz", "role": "operator", "exp": time.Now().Add(24 * time.Hour).Unix(),
	}).SignedString(secret)
	if err != nil {
		f.Fatal(err)
	}
	database := pgtest.New(f) // which is dropped after the gateway's end
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{
			"serve", "--demo", "--addr", "127.0.0.1:0", "--database-url", database, "--data-dir", dir,
			"--jwt-secret-file", filepath.Join(dir, "secret"), "--log-format", "json", "--drain-budget", "5s", "--drain-spread", "100ms",
		}, streams{io.Discard, g.log})
	}()
	f.Cleanup(func() {
		g.check(f)
		stop()
		if err := <-ended; err != nil {
			f.Error(err)
		}
	})
	select {
	case g.addr = <-g.log.addr:
	case err := <-ended:
		ended <- err
		f.Fatalf("the gateway ended: %v\n%s", err, &g.log.text)
	case <-time.After(2 * time.Minute):
		f.Fatal("the gateway doesn't start")
	}
	g.goroutines, g.heap = runtime.NumGoroutine(), heapInUse()
	return g
}

func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// Bounds on what any number of inputs may leave behind: goroutines of connections that
// are being closed, and memory of caches, which are bounded.
const (
	fuzzGoroutines = 60
	fuzzHeap       = 128 << 20
)

// check looks whether anything was left behind, and what the gateway logged.
func (g *gatewayUnderFuzz) check(t testing.TB) {
	t.Helper()
	g.client.CloseIdleConnections()
	for until := time.Now().Add(fuzzPatience); runtime.NumGoroutine() > g.goroutines+fuzzGoroutines; runtime.Gosched() {
		if time.Now().After(until) {
			buffer := make([]byte, 1<<20)
			t.Fatalf("%d goroutines, and %d at the start:\n%s", runtime.NumGoroutine(), g.goroutines, buffer[:runtime.Stack(buffer, true)])
		}
	}
	if now := heapInUse(); now > g.heap+fuzzHeap {
		t.Fatalf("the heap has %d MB, and had %d", now>>20, g.heap>>20)
	}
	g.log.mu.Lock()
	defer g.log.mu.Unlock()
	for _, fault := range []string{"panic", "internal error", `"level":"ERROR"`} {
		if bytes.Contains(g.log.text.Bytes(), []byte(fault)) {
			t.Fatalf("the gateway logged %q:\n%s", fault, g.log.text.Bytes())
		}
	}
	g.log.text.Reset()
}

// after is called after each input.
func (g *gatewayUnderFuzz) after(t testing.TB) {
	if g.inputs++; g.inputs%200 == 0 {
		g.check(t)
	}
}

// ask sends a request, and looks at the answer: it is JSON or a stream's events, small,
// and no fault of ours.
func (g *gatewayUnderFuzz) ask(t testing.TB, method, target string, body []byte, header http.Header) (status int, answer []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), fuzzPatience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, "http://"+g.addr+target, bytes.NewReader(body))
	if err != nil {
		return 0, nil // it isn't a request
	}
	r.Header = header
	resp, err := g.client.Do(r)
	if err != nil {
		if strings.Contains(err.Error(), "invalid header") {
			return 0, nil
		}
		t.Fatalf("no answer: %v", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		begin := make([]byte, 4096)
		n, _ := io.ReadAtLeast(resp.Body, begin, 1) // a stream goes on until we leave
		answer = begin[:n]
	} else if answer, err = io.ReadAll(resp.Body); err != nil {
		t.Fatal(err)
	} else if len(answer) > 0 && !json.Valid(answer) {
		t.Fatalf("this is no JSON: %s", answer)
	}
	checkLength(t, answer)
	if resp.StatusCode == http.StatusInternalServerError || bytes.Contains(answer, []byte(`"INTERNAL"`)) {
		t.Fatalf("%s: %s", resp.Status, answer)
	}
	return resp.StatusCode, answer
}

// How long an answer may be: a refusal, and one with rows.
const (
	fuzzRefusal = 64 << 10
	fuzzAnswer  = 8 << 20
)

func checkLength(t testing.TB, answer []byte) {
	t.Helper()
	if len(answer) > fuzzAnswer || len(answer) > fuzzRefusal && !bytes.Contains(answer, []byte(`"data":{`)) {
		t.Fatalf("%d bytes of answer: %.1000s", len(answer), answer)
	}
}

func (g *gatewayUnderFuzz) bearer(accept string) http.Header {
	return http.Header{"Content-Type": {"application/json"}, "Accept": {accept}, "Authorization": {"Bearer " + g.operator}}
}

// FuzzGatewayBody sends bodies to the whole gateway, as queries and mutations and as
// streams, of one who may do all.
func FuzzGatewayBody(f *testing.F) {
	for _, body := range []string{
		`{"query":"{ products(first: 2) { nodes { sku availability { available locations { available } } } } }"}`,
		`{"query":"query($id: ID!) { node(id: $id) { id ... on Order { lines { quantity } } } }","variables":{"id":"ord_01m8hn927je4t8pkv5gcxmdh36"}}`,
		`{"query":"mutation($input: OrderPlaceInput!) { orderPlace(input: $input) { order { id } userErrors { code field message } } }","variables":{"input":{"idempotencyKey":"k","customer":{"name":"x"},"lines":[{"sku":"a","quantity":1}]}}}`,
		`{"query":"mutation($input: SupplierFeedInput!) { supplierFeedSubmit(input: $input) { rows { index } userErrors { code } } }","variables":{"input":{"idempotencyKey":"k","mode":"FULL","asOf":"2026-01-01T00:00:00Z","rows":[{"supplierSku":"x","quantity":-1}]}}}`,
		`{"query":"mutation { inventoryAdjust(input: {idempotencyKey: \"\u0000\", reason: CORRECTED, changes: []}) { userErrors { code } } }"}`,
		`{"query":"{ inventoryLevels(first: 250, filter: {skus: [\"\\ud800\"]}, orderBy: {field: AVAILABLE}) { totalCount nodes { id } } }"}`,
		`{"query":"subscription { inventoryChanged(snapshot: true) { cursor kind } }"}`,
		`{"query":"{ events(first: 3) { nodes { __typename } } auditEntries(first: 1) { nodes { id } } conflicts { nodes { id } } }"}`,
		`{"query":"{ orders(first: 3, filter: {status: [PENDING]}) { totalCount nodes { number history { to at } fulfillmentOrders { lines { supplierSku } } lines { product { sku availability { available } } } } } }"}`,
		`{"query":"{ product(by: {sku: \"BRK-PAD-1039\"}) { id attributes { name value } availability { available locations { location { code } available } } } }"}`,
		`{"query":"mutation { orderPlace(input: {idempotencyKey: \"k1\", customer: {id: \"ALFKI\"}, lines: [{sku: \"BRK-PAD-1039\", quantity: 1}]}) { order { id lines { quantity } } userErrors { code field message } } }"}`,
		`{"query":"mutation { inventoryAdjust(input: {idempotencyKey: \"k2\", reason: CORRECTED, changes: [{stock: {sku: \"BRK-PAD-1039\", locationCode: \"WH-EAST\"}, delta: -1}]}) { cursor userErrors { code field message } } }"}`,
		`{"query":"{ a: products(last: 1, before: \"W10\") { nodes { id } } }","operationName":null,"extensions":{"persistedQuery":{"version":1,"sha256Hash":"x"}}}`,
		`[{"query":"{ __typename }"}]`, `{"query":7}`, `{"variables":{}}`, `null`, `{`, "\xef\xbb\xbf{}",
	} {
		f.Add([]byte(body))
	}
	g := startUnderFuzz(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, accept := range []string{"application/graphql-response+json", "text/event-stream"} {
			g.ask(t, http.MethodPost, "/graphql", body, g.bearer(accept))
		}
		g.ask(t, http.MethodPost, "/graphql/ticket", body, g.bearer("application/json"))
		g.after(t)
	})
}

// FuzzGatewaySocket sends a client's messages, one a line.
func FuzzGatewaySocket(f *testing.F) {
	const stock = `{"id":"1","type":"subscribe","payload":{"query":"subscription($c: Cursor) { inventoryChanged(after: $c, snapshot: true) { cursor kind level { id } } }"}}`
	for _, messages := range []string{
		stock, stock + "\n" + stock, stock + "\n" + `{"id":"1","type":"complete"}` + "\n" + stock,
		`{"id":"2","type":"subscribe","payload":{"query":"mutation { orderCancel(input: {orderId: \"x\", reason: \"y\"}) { userErrors { code } } }"}}`,
		`{"id":"3","type":"subscribe","payload":{"query":"subscription { orderChanged(after: \"AAAAAAAAAAAAAAAB\", delivery: LATEST) { cursor } }"}}`,
		`{"id":"4","type":"subscribe","payload":{"query":"{ products { nodes { id } } }","variables":[]}}`,
		`{"type":"ping","payload":{"authorization":"Bearer x"}}`, `{"type":"connection_init"}`, `{"id":"","type":"subscribe"}`, "\x00", `{"type":"pong"}`,
	} {
		f.Add([]byte(messages))
	}
	g := startUnderFuzz(f)
	f.Fuzz(func(t *testing.T, messages []byte) {
		g.talk(t, "Bearer "+g.operator, messages)
		g.after(t)
	})
}

// talk opens a websocket with a token, sends messages, one a line, closes it and returns
// what was answered.
func (g *gatewayUnderFuzz) talk(t testing.TB, token string, messages []byte) (answers [][]byte) {
	t.Helper()
	dialer := websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}, HandshakeTimeout: fuzzPatience}
	conn, resp, err := dialer.DialContext(t.Context(), "ws://"+g.addr+"/graphql", nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	defer func() { _ = conn.Close() }()
	_ = conn.SetReadDeadline(time.Now().Add(fuzzPatience))
	opening, err := json.Marshal(map[string]any{"type": "connection_init", "payload": map[string]string{"authorization": token}})
	if err != nil {
		t.Fatal(err)
	}
	for line := range bytes.SplitSeq(append(append(opening, '\n'), messages...), []byte("\n")) {
		_ = conn.WriteMessage(websocket.TextMessage, line) // it may have been closed by then
	}
	_ = conn.WriteMessage(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""))
	for {
		_, answer, err := conn.ReadMessage()
		if closed, is := errors.AsType[*websocket.CloseError](err); is {
			if closed.Code == websocket.CloseAbnormalClosure || closed.Code == websocket.CloseInternalServerErr {
				t.Fatalf("closed with %v", closed)
			}
			return answers
		}
		if err != nil {
			t.Fatal(err)
		}
		if !json.Valid(answer) || bytes.Contains(answer, []byte(`"INTERNAL"`)) {
			t.Fatalf("the answer %.1000s", answer)
		}
		checkLength(t, answer)
		answers = append(answers, answer)
	}
}

// FuzzGatewayCursor gives cursors back: of pages, of subscriptions and as the
// Last-Event-ID of a stream.
func FuzzGatewayCursor(f *testing.F) {
	for _, cursor := range []string{"", "AAAAAAAAAAAAAAAB", "________________", "WyJwIiwiYSIsInByb2RfMDFtOGhuOTI3amU0dDhwa3Y1Z2N4bWRoMzYiXQ", "W10", "bnVsbA", "\x00", "é", strings.Repeat("A", 5000)} {
		f.Add(cursor)
	}
	g := startUnderFuzz(f)
	for _, path := range []string{"products(first: 3) { pageInfo { endCursor } }", "orders(first: 3) { pageInfo { endCursor } }", "events(first: 3) { cursor }"} {
		f.Add(g.cursor(f, path))
	}
	f.Fuzz(func(t *testing.T, cursor string) {
		variables, err := json.Marshal(map[string]string{"c": cursor})
		if err != nil {
			t.Fatal(err)
		}
		for _, query := range []string{
			"query($c: String) { products(after: $c) { nodes { id } } }", "query($c: String) { orders(before: $c, last: 1) { nodes { id } } }",
			"query($c: Cursor) { events(after: $c) { nodes { __typename } } }",
		} {
			g.ask(t, http.MethodGet, "/graphql?"+url.Values{"query": {query}, "variables": {string(variables)}}.Encode(), nil, g.bearer("application/json"))
		}
		header := g.bearer("text/event-stream")
		header.Set("Last-Event-ID", cursor)
		g.ask(t, http.MethodPost, "/graphql", []byte(`{"query":"subscription { orderChanged { cursor kind } }"}`), header)
		g.after(t)
	})
}

var answeredCursor = regexp.MustCompile(`"(?:endCursor|cursor)":"([^"]+)"`)

// cursor is one that the gateway gives.
func (g *gatewayUnderFuzz) cursor(f *testing.F, field string) string {
	f.Helper()
	_, answer := g.ask(f, http.MethodPost, "/graphql", []byte(`{"query":"{ `+field+` }"}`), g.bearer("application/json"))
	m := answeredCursor.FindSubmatch(answer)
	if m == nil {
		f.Fatalf("there is no cursor in %s", answer)
	}
	return string(m[1])
}

// FuzzGatewayToken sends what might be a token, as a header and in a websocket's opening.
// None that isn't ours is anybody.
func FuzzGatewayToken(f *testing.F) {
	for _, token := range []string{
		"", "Bearer", "Bearer x", "bearer  a.b.c", "Bearer eyJhbGciOiJub25lIn0.eyJyb2xlIjoiYWRtaW4ifQ.", "Basic YTpi",
		"Bearer eyJhbGciOiJIUzI1NiIsImNyaXQiOlsieCJdfQ.eyJzdWIiOiJ4Iiwicm9sZSI6ImFkbWluIn0.c2ln", "Bearer " + strings.Repeat("a", 20_000),
	} {
		f.Add(token)
	}
	g := startUnderFuzz(f)
	f.Fuzz(func(t *testing.T, token string) {
		const mine = `{"query":"{ auditEntries(first: 1) { nodes { id } } }"}`
		status, answer := g.ask(t, http.MethodPost, "/graphql", []byte(mine), http.Header{
			"Content-Type": {"application/json"}, "Accept": {"application/graphql-response+json"}, "Authorization": {token}})
		if status == http.StatusOK && !bytes.Contains(answer, []byte("UNAUTHENTICATED")) && !bytes.Contains(answer, []byte("FORBIDDEN")) {
			t.Fatalf("the token %q opened the audit: %s", token, answer)
		}
		for _, answer := range g.talk(t, token, []byte(`{"id":"1","type":"subscribe","payload":`+mine+`}`)) {
			if bytes.Contains(answer, []byte(`"nodes"`)) {
				t.Fatalf("the token %q opened the audit by a websocket: %s", token, answer)
			}
		}
		g.after(t)
	})
}
