package test_test

import (
	"context"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Nothing that is secret is in the log or in a trace, wherever a caller puts it.
func TestNoSecretsAreLogged(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "spans.jsonl")
	s := start(t, ownDir(t), "--log-level", "debug", "--trace-file", file)
	token := shopToken(t, "secretive")
	made := map[string]string{}
	for _, where := range []string{"header", "basic", "query", "body", "variable", "document", "socket", "ping", "ticket", "ticket variable"} {
		made[where] = newKey()
	}
	c := s.as(made["header"])
	c.tell(t, `{ viewer { role } }`, nil)
	send := func(method, target, authorization, body string) {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), method, "http://"+s.addr+target, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("Authorization", authorization)
		request.Header.Set("Accept", "text/event-stream, application/json")
		response, err := web.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
	}
	send(http.MethodPost, "/graphql", "Basic "+made["basic"], `{"query":"{ viewer { role } }"}`)
	send(http.MethodGet, "/graphql?query=%7B+viewer+%7B+role+%7D+%7D&access_token="+made["query"], "Bearer "+token, "")
	send(http.MethodGet, "/graphql?ticket="+made["ticket"], "Bearer "+token, "")
	send(http.MethodPost, "/graphql", "Bearer "+token, made["body"])
	s.as(token).tell(t, `query($s: String!) { products(filter: {search: $s}, first: 1) { nodes { id } } }`, vars{"s": made["variable"]})
	s.as(token).tell(t, `{ products(filter: {search: "`+made["document"]+`"}, first: 1) { nodes { id } } }`, nil)
	send(http.MethodPost, "/graphql/ticket", "Bearer "+token,
		`{"query":"subscription($id: ID!) { orderChanged(filter: {orderId: $id}) { cursor } }","variables":{"id":"`+made["ticket variable"]+`"}}`)
	w := s.dial(t)
	w.init(made["socket"])
	_, _ = w.receive()
	w = s.socket(t, token)
	w.send(vars{"type": "ping", "payload": vars{"authorization": "Bearer " + made["ping"]}})
	for {
		if _, err := w.receive(); err != nil {
			break
		}
	}

	// Lines are written in their order, and so this is the last.
	s.as(token).ask(t, `{ suppliers(first: 1) { nodes { id } } }`, nil)
	eventually(t, "the last line is in the log", func(context.Context) bool { return strings.Contains(s.log.String(), `"operation":"suppliers"`) })
	log := s.log.String()
	spans, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log, `"msg":"request"`) || !strings.Contains(log, `"traceId"`) || len(spans) == 0 {
		t.Fatal("nothing was logged or traced")
	}
	made["token"] = token
	for where, secret := range made {
		if strings.Contains(log, secret) {
			t.Errorf("what came by %s is in the log", where)
		}
		if strings.Contains(string(spans), secret) {
			t.Errorf("what came by %s is in a trace", where)
		}
	}

	password := newKey()
	u := url.URL{Scheme: "postgres", User: url.UserPassword("redline", password), Host: "127.0.0.1:1", Path: "redline"}
	for _, args := range [][]string{
		{"--database-url", u.String()},
		{"--database-url", "postgres://redline:" + password + "@127.0.0.1:port/redline"},
		{"--trace-endpoint", "ftp://redline:" + password + "@127.0.0.1"},
	} {
		r := run(t, nil, append([]string{"serve", "--dev", "--addr", "127.0.0.1:0", "--data-dir", emptyDir(t)}, args...)...)
		if r.code == 0 || strings.Contains(r.out+r.err, password) {
			t.Errorf("%s: exit %d, and the password is told: %t", args[0], r.code, strings.Contains(r.out+r.err, password))
		}
	}
}
