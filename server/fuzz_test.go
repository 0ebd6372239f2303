package server_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"redline/server"
)

// canary is put into a body; it must not come back out of a malformed one.
const canary = "qZx7canary7xZq"

// checkFuzzed looks at what any request at all may get: a JSON answer with a
// status of ours, errors that say something, and nothing of a request that was
// not understood.
func checkFuzzed(t *testing.T, r *rig, request *http.Request, statuses ...int) {
	t.Helper()
	recorder := httptest.NewRecorder()
	r.ServeHTTP(recorder, request)
	if !slices.Contains(statuses, recorder.Code) {
		t.Fatalf("status %d: %s", recorder.Code, recorder.Body)
	}
	if panics := r.log.lines(t, "panic"); len(panics) > 0 {
		t.Fatalf("panic: %v", panics)
	}
	body := recorder.Body.String()
	if strings.Contains(r.log.String(), canary) {
		t.Errorf("the log repeats the request: %s", r.log)
	}
	var response graphqlAnswer
	if err := json.Unmarshal([]byte(body), &response); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if response.Data == nil && len(response.Errors) == 0 {
		t.Errorf("neither data nor errors: %s", body)
	}
	for _, err := range response.Errors {
		if err.Message == "" || err.Extensions["code"] == nil {
			t.Errorf("an error that says nothing: %s", body)
		}
		if code := err.Extensions["code"]; (code == "BAD_REQUEST" || code == "LIMIT_EXCEEDED") && strings.Contains(body, canary) {
			t.Errorf("the request is repeated: %s", body)
		}
	}
}

func FuzzPostBody(f *testing.F) {
	for _, body := range []string{
		`{"query":"{ hello }"}`,
		`{"query":"query A($n: Int) { echo(number: $n) }","operationName":"A","variables":{"n":1},"extensions":{}}`,
		`{"query":"query($f: Filter, $c: [Color]) { echo(filter: $f) }","variables":{"f":{"name":"a","inner":{"name":1}}}}`,
		`{"query":"mutation { bump }"}`,
		`{"query":"subscription { ticks }"}`,
		`{"query":"{ user { ...f } } fragment f on User { friend { ...f } }"}`,
		`[{"query":"{ hello }"}]`,
		`{"query":`,
		`{"query":"{ hello }"} trailing`,
		"{\"query\":\"\xff\"}",
		`{"query":"{ echo(ids: [1, \"\", null], color: RED) }","variables":[]}`,
		strings.Repeat(`{"variables":`, 50),
	} {
		f.Add([]byte(body), uint(len(body)/2))
		f.Add([]byte(body), uint(0))
	}
	r := newRig(f, server.ExecOptions{DocumentCacheBytes: 1 << 20}, func(o *server.Options) { o.MaxBodyBytes = 4096 })
	f.Fuzz(func(t *testing.T, body []byte, at uint) {
		for _, sent := range [][]byte{body, slices.Insert(bytes.Clone(body), int(at%uint(len(body)+1)), []byte(canary)...)} {
			request := httptest.NewRequestWithContext(t.Context(), http.MethodPost, server.PathGraphQL, bytes.NewReader(sent))
			request.Header.Set("Content-Type", "application/json")
			checkFuzzed(t, r, request, http.StatusOK, http.StatusBadRequest, http.StatusRequestEntityTooLarge)
		}
		r.log.reset()
	})
}

func FuzzGetParameters(f *testing.F) {
	f.Add("query=%7Bhello%7D&variables=%7B%7D", "application/json")
	f.Add("query=mutation{bump}&operationName=", "*/*;q=0.5, text/html")
	f.Add("query={who}&query={who}", "application/graphql-response+json;charset=latin1")
	f.Add("variables=%zz;a=b&&&=", ",;,q=;")
	r := newRig(f, server.ExecOptions{DocumentCacheBytes: 1 << 20})
	f.Fuzz(func(t *testing.T, query, accept string) {
		request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, server.PathGraphQL, nil)
		request.URL = &url.URL{Path: server.PathGraphQL, RawQuery: query}
		request.Header.Set("Accept", accept)
		checkFuzzed(t, r, request, http.StatusOK, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotAcceptable)
		r.log.reset()
	})
}
