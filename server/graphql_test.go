package server_test

import (
	"context"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"redline/server"
)

func TestPostRunsAnOperation(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	got := s.do(t, call{body: `{"query":"query A($t: String) { echo(text: $t) } query B { hello }",
		"operationName": "A", "variables": {"t": "<é>"}, "extensions": {"x": [1]}, "unknown": {"deep": [null]}}`})
	got.want(t, http.StatusOK, `{"data":{"echo":"{\"text\":\"\\u003cé\\u003e\"}"}}`)
	if got.header.Get("Content-Type") != typeGraphQL {
		t.Errorf("Content-Type %q", got.header.Get("Content-Type"))
	}
	if got.header.Get("Content-Length") != strconv.Itoa(len(got.body)) {
		t.Errorf("Content-Length %q of %d bytes", got.header.Get("Content-Length"), len(got.body))
	}
	if got.header.Get("X-Content-Type-Options") != "nosniff" {
		t.Error("the answer may be sniffed")
	}
	s.do(t, call{body: `{"query":"mutation { bump }", "operationName": null, "variables": null, "extensions": null}`}).
		want(t, http.StatusOK, `{"data":{"bump":1}}`)
	s.do(t, call{body: `{"query":"{ hello }", "operationName": ""}`}).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
}

// The numbers of variables must not pass through a float64.
func TestNumbersStayAsWritten(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	s.do(t, call{body: `{"query":"query($i: [ID!]) { echo(ids: $i) }", "variables": {"i": [9007199254740993]}}`}).
		want(t, http.StatusOK, `{"data":{"echo":"{\"ids\":[9007199254740993]}"}}`)
}

func TestGetRunsQueriesAlone(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	get := func(parameters url.Values) answer {
		return s.do(t, call{method: http.MethodGet, path: server.PathGraphQL + "?" + parameters.Encode()})
	}
	get(url.Values{
		"query":         {"query A($t: String) { echo(text: $t) } mutation B { bump }"},
		"operationName": {"A"},
		"variables":     {`{"t":"a b&c"}`},
		"extensions":    {`{}`},
	}).want(t, http.StatusOK, `{"data":{"echo":"{\"text\":\"a b\\u0026c\"}"}}`)
	get(url.Values{"query": {"{ hello }"}, "operationName": {""}, "variables": {""}}).
		want(t, http.StatusOK, `{"data":{"hello":"world"}}`)

	for name, document := range map[string]string{
		"a mutation":                      "mutation { bump }",
		"a mutation with wrong variables": "mutation($a: Boolean!) { bump @include(if: $a) }",
		"a subscription":                  "subscription { ticks }",
	} {
		got := get(url.Values{"query": {document}})
		got.wantError(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "queries")
		if got.header.Get("Allow") != http.MethodPost {
			t.Errorf("%s: Allow %q", name, got.header.Get("Allow"))
		}
	}
	if ran := s.schema.bumps.Load(); ran != 0 {
		t.Errorf("%d mutations ran by GET", ran)
	}

	for name, test := range map[string]struct{ query, word string }{
		"no query":             {"", "query"},
		"empty query":          {"query=", "query"},
		"variables not JSON":   {"query={hello}&variables={secret", "variables"},
		"variables a list":     {"query={hello}&variables=[]", "variables"},
		"variables, and more":  {"query={hello}&variables={}{}", "variables"},
		"extensions a string":  {`query={hello}&extensions="secret"`, "extensions"},
		"a parameter twice":    {"query={hello}&query={who}", "query"},
		"a malformed escape":   {"query=%7Bhello%7D&variables=%zz", "query string"},
		"a semicolon":          {"query={hello};operationName=x", "query string"},
		"variables not UTF-8":  {"query={hello}&variables=%7B%22a%22%3A%22%ff%22%7D", "variables"},
		"query not UTF-8":      {"query={hello}%23%ff", "query is not UTF-8"},
		"a half pair of names": {"query={hello}&variables=%7B%22a%22%7D", "variables"},
	} {
		got := s.do(t, call{method: http.MethodGet, path: server.PathGraphQL + "?" + test.query})
		t.Log(name)
		got.wantError(t, http.StatusBadRequest, "BAD_REQUEST", test.word)
		if strings.Contains(got.body, "secret") {
			t.Errorf("%s: repeated in %s", name, got.body)
		}
	}
}

func TestAcceptDecides(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, test := range []struct {
		accept []string
		want   string // empty: not acceptable
	}{
		{nil, typeGraphQL},
		{[]string{""}, typeGraphQL},
		{[]string{"*/*"}, typeGraphQL},
		{[]string{"application/*"}, typeGraphQL},
		{[]string{"application/json"}, typeJSON},
		{[]string{"APPLICATION/JSON"}, typeJSON},
		{[]string{"application/json; charset=UTF-8"}, typeJSON},
		{[]string{"application/graphql-response+json; charset=utf-8, application/json; charset=utf-8"}, typeGraphQL},
		{[]string{"application/json, application/graphql-response+json"}, typeGraphQL},
		{[]string{"application/graphql-response+json;q=0.5, application/json;q=0.9"}, typeJSON},
		{[]string{"application/graphql-response+json;q=0.9, application/json;q=0.5"}, typeGraphQL},
		{[]string{"application/json;q=0.5, */*;q=0.1"}, typeJSON},
		{[]string{"application/json;q=0.1, */*;q=0.5"}, typeGraphQL},
		{[]string{"application/json", "application/graphql-response+json;q=0"}, typeJSON},
		{[]string{"*/*, application/graphql-response+json;q=0"}, typeJSON},
		{[]string{"text/html, application/xhtml+xml, */*;q=0.8"}, typeGraphQL},
		{[]string{"text/html", "application/json"}, typeJSON},
		{[]string{"nonsense, application/json"}, typeJSON},
		{[]string{"text/html"}, ""},
		{[]string{"nonsense"}, ""},
		{[]string{"*/*;q=0"}, ""},
		{[]string{"application/json;q=2"}, ""},
		{[]string{"application/json;q=NaN"}, ""},
		{[]string{"application/json; charset=iso-8859-1"}, ""},
		{[]string{"text/event-stream"}, ""},
	} {
		t.Run(strings.Join(test.accept, " & "), func(t *testing.T) {
			t.Parallel()
			got := s.do(t, call{body: bodyOf(t, "{ hello }"), header: http.Header{"Accept": test.accept}})
			if test.want == "" {
				got.wantError(t, http.StatusNotAcceptable, "NOT_ACCEPTABLE", "application/json")
				return
			}
			got.want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
			if got.header.Get("Content-Type") != test.want {
				t.Errorf("Content-Type %q, want %q", got.header.Get("Content-Type"), test.want)
			}
			if !strings.Contains(got.header.Get("Vary"), "Accept") {
				t.Errorf("Vary %q", got.header.Get("Vary"))
			}
		})
	}
}

// What ran, and what did not: the table in the package's description.
func TestStatusTellsWhatHappened(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for name, test := range map[string]struct {
		body   string
		status int // with application/graphql-response+json; with application/json it is 200
		data   string
		code   string
	}{
		"all went well":       {`{"query":"{ hello }"}`, 200, `{"hello":"world"}`, ""},
		"a part failed":       {`{"query":"{ hello fails }"}`, 200, `{"hello":"world","fails":null}`, "ODD"},
		"all failed":          {`{"query":"{ hello failsHard }"}`, 200, `null`, "ODD"},
		"a part unavailable":  {`{"query":"{ hello down }"}`, 200, `{"hello":"world","down":null}`, "UNAVAILABLE"},
		"all unavailable":     {`{"query":"{ downHard }"}`, 503, `null`, "UNAVAILABLE"},
		"two reasons":         {`{"query":"{ fails downHard }"}`, 200, `null`, "ODD"},
		"bad syntax":          {`{"query":"{ hello"}`, 400, "", "GRAPHQL_PARSE_FAILED"},
		"a wrong character":   {`{"query":"{ ? }"}`, 400, "", "GRAPHQL_PARSE_FAILED"},
		"an unknown field":    {`{"query":"{ nope }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"an empty document":   {`{"query":""}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"a fragment alone":    {`{"query":"fragment f on User { id }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"no such operation":   {`{"query":"query A { hello }", "operationName":"B"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"which operation":     {`{"query":"query A { hello } query B { hello }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"a missing variable":  {`{"query":"query($a: Boolean!) { hello @include(if: $a) }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"a wrong variable":    {`{"query":"query($a: Int) { echo(number: $a) }", "variables":{"a":"x"}}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"a wrong color":       {`{"query":"query($a: Color) { echo(color: $a) }", "variables":{"a":"PUCE"}}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"an unknown input":    {`{"query":"query($a: Filter) { echo(filter: $a) }", "variables":{"a":{"name":"a","odd":1}}}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"deferred":            {`{"query":"{ ... @defer { hello } }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"introspection":       {`{"query":"{ __schema { queryType { name } } }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"type introspection":  {`{"query":"{ __type(name: \"User\") { name } }"}`, 400, "", "GRAPHQL_VALIDATION_FAILED"},
		"type names are fine": {`{"query":"{ __typename user { __typename } }"}`, 200, `{"__typename":"Query","user":{"__typename":"User"}}`, ""},
		"a subscription":      {`{"query":"subscription { ticks }"}`, 400, "", "WEBSOCKET_REQUIRED"},
		"the answer's own <":  {`{"query":"{ echo(text: \"<\") }"}`, 200, `{"echo":"{\"text\":\"\\u003c\"}"}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, mediaType := range []string{typeGraphQL, typeJSON} {
				got := s.do(t, call{body: test.body, header: http.Header{"Accept": {mediaType}}})
				want := test.status
				if mediaType == typeJSON {
					want = http.StatusOK
				}
				if got.status != want || got.header.Get("Content-Type") != mediaType {
					t.Errorf("%d %s, want %d %s; body %s", got.status, got.header.Get("Content-Type"), want, mediaType, got.body)
				}
				if (got.header.Get("Retry-After") == "2") != (want == http.StatusServiceUnavailable) {
					t.Errorf("status %d with Retry-After %q", got.status, got.header.Get("Retry-After"))
				}
				response, hasData := got.graphql(t)
				if hasData != (test.data != "") || string(response.Data) != test.data {
					t.Errorf("data %s, want %s", response.Data, test.data)
				}
				switch {
				case test.code == "" && len(response.Errors) > 0:
					t.Errorf("errors where there should be none: %s", got.body)
				case test.code != "" && (len(response.Errors) == 0 || response.Errors[0].Extensions["code"] != test.code):
					t.Errorf("want an error with the code %s: %s", test.code, got.body)
				}
			}
		})
	}
}

func TestOtherMethods(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, method := range []string{http.MethodHead, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodTrace, "BREW"} {
		got := s.do(t, call{method: method})
		if got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, POST, OPTIONS" {
			t.Errorf("%s: %d, Allow %q", method, got.status, got.header.Get("Allow"))
		}
	}
	got := s.do(t, call{method: http.MethodOptions})
	if got.status != http.StatusNoContent || got.header.Get("Allow") != "GET, POST, OPTIONS" || got.body != "" {
		t.Errorf("OPTIONS: %d, Allow %q, body %q", got.status, got.header.Get("Allow"), got.body)
	}
}

func TestAnswersForOneAreNotStored(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, test := range []struct {
		name  string
		call  call
		store bool
	}{
		{"anonymous query by GET", call{method: http.MethodGet, path: "/graphql?query={hello}"}, true},
		{"refused query by GET", call{method: http.MethodGet, path: "/graphql?query={nope}"}, false},
		{"query by GET with a token", call{method: http.MethodGet, path: "/graphql?query={hello}",
			header: http.Header{"Authorization": {goodToken}}}, false},
		{"query by POST", call{body: `{"query":"{ hello }"}`}, false},
		{"health", call{method: http.MethodGet, path: server.PathHealth}, false},
		{"nothing", call{method: http.MethodGet, path: "/nothing"}, false},
	} {
		got := s.do(t, test.call)
		if got.header.Get("Cache-Control") == "no-store" == test.store {
			t.Errorf("%s: Cache-Control %q", test.name, got.header.Get("Cache-Control"))
		}
	}
}

// The time to send a request must not run on while it is worked on.
func TestOperationsMayTakeLongerThanBodies(t *testing.T) {
	t.Parallel()
	const bodyTimeout = 50 * time.Millisecond
	r := newRig(t, server.ExecOptions{}, func(o *server.Options) {
		o.HeaderTimeout, o.BodyTimeout = bodyTimeout, bodyTimeout
	})
	r.schema.resolvers["slow"] = func(ctx context.Context, _ map[string]any) (any, error) {
		timer := time.NewTimer(4 * bodyTimeout)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timer.C:
			return "done", nil
		}
	}
	running := start(t, r)
	for _, c := range []call{
		{body: bodyOf(t, "{ slow }")},
		{method: http.MethodGet, path: "/graphql?query={slow}"},
	} {
		running.do(t, c).want(t, http.StatusOK, `{"data":{"slow":"done"}}`)
	}
}

func TestOperationsEndInTime(t *testing.T) {
	t.Parallel()
	r := newRig(t, server.ExecOptions{}, func(o *server.Options) { o.RequestTimeout = 20 * time.Millisecond })
	r.schema.resolvers["slow"] = func(ctx context.Context, _ map[string]any) (any, error) {
		<-ctx.Done()
		return "cut", nil
	}
	serve(t, r).query(t, "{ slow }").want(t, http.StatusOK, `{"data":{"slow":"cut"}}`)
	r = newRig(t, server.ExecOptions{}, func(o *server.Options) { o.RequestTimeout = 1 })
	got := serve(t, r).query(t, "{ hello }")
	got.wantError(t, http.StatusServiceUnavailable, "UNAVAILABLE", "in time")
	if ran := r.schema.runs.Load(); ran != 0 {
		t.Errorf("%d resolvers ran after the time was up", ran)
	}
}
