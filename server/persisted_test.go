package server_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"

	"redline/server"
)

func sha(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// persisted is a request with a hash, and with a query unless that is "".
func persisted(tb testing.TB, query, hash string) string {
	tb.Helper()
	request := map[string]any{"extensions": map[string]any{"persistedQuery": map[string]any{"version": 1, "sha256Hash": hash}}}
	if query != "" {
		request["query"] = query
	}
	body, err := json.Marshal(request)
	if err != nil {
		tb.Fatal(err)
	}
	return string(body)
}

func getPersisted(hash string) call {
	return call{method: http.MethodGet, path: "/graphql?extensions=" + url.QueryEscape(`{"persistedQuery":{"version":1,"sha256Hash":"`+hash+`"}}`)}
}

var asJSON = http.Header{"Accept": {"application/json"}}

// A client asks by hash, is told that nobody knows it, sends the text along, and from
// then on the hash will do, by POST and GET, and as a documentId.
func TestAutomaticPersistedQueries(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	const query = `{ hello }`
	hash := sha(query)
	unknown := s.do(t, call{body: persisted(t, "", hash)})
	unknown.wantError(t, http.StatusBadRequest, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
	unknown = s.do(t, call{body: persisted(t, "", hash), header: asJSON})
	unknown.wantError(t, http.StatusOK, "PERSISTED_QUERY_NOT_FOUND", "PersistedQueryNotFound")
	get := getPersisted(hash)
	get.header = asJSON
	if unknown = s.do(t, get); unknown.header.Get("Cache-Control") != "no-store" {
		t.Errorf("that a hash is unknown may be kept: %v", unknown.header)
	}
	s.do(t, call{body: persisted(t, query, hash)}).want(t, 200, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: persisted(t, "", hash)}).want(t, 200, `{"data":{"hello":"world"}}`)
	known := s.do(t, getPersisted(hash))
	known.want(t, 200, `{"data":{"hello":"world"}}`)
	if known.header.Get("Cache-Control") != "" {
		t.Errorf("an answer to anybody by GET must not be kept: %v", known.header)
	}
	s.do(t, call{body: `{"documentId":"sha256:` + hash + `"}`}).want(t, 200, `{"data":{"hello":"world"}}`)
	s.do(t, call{method: http.MethodGet, path: "/graphql?documentId=sha256:" + hash}).want(t, 200, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: `{"documentId":"` + hash + `", "query": null}`}).want(t, 200, `{"data":{"hello":"world"}}`)
	s.do(t, call{body: `{"documentId":"mine"}`}).wantError(t, http.StatusBadRequest, "PERSISTED_QUERY_NOT_FOUND")

	const mutation = `mutation { bump }`
	s.do(t, call{body: persisted(t, mutation, sha(mutation))}).want(t, 200, `{"data":{"bump":1}}`)
	s.do(t, getPersisted(sha(mutation))).wantError(t, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED")
}

func TestPersistedQueriesAreChecked(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	const query = `{ hello }`
	for name, test := range map[string]struct{ body, code, word string }{
		"another text's hash": {persisted(t, query, sha("{ who }")), "BAD_REQUEST", "SHA-256"},
		"upper case":          {persisted(t, query, strings.ToUpper(sha(query))), "BAD_REQUEST", "lower-case"},
		"a short hash":        {persisted(t, query, "abc"), "BAD_REQUEST", "64"},
		"an empty hash":       {persisted(t, query, ""), "BAD_REQUEST", "sha256Hash"},
		"a long hash":         {persisted(t, query, strings.Repeat("a", 10_000)), "BAD_REQUEST", "sha256Hash"},
		"no object":           {`{"query":"{ hello }","extensions":{"persistedQuery":[]}}`, "BAD_REQUEST", "object"},
		"no version":          {`{"query":"{ hello }","extensions":{"persistedQuery":{"sha256Hash":"` + sha(query) + `"}}}`, "BAD_REQUEST", "version"},
		"version 2":           {`{"query":"{ hello }","extensions":{"persistedQuery":{"version":2,"sha256Hash":"` + sha(query) + `"}}}`, "BAD_REQUEST", "version"},
		"version in words":    {`{"query":"{ hello }","extensions":{"persistedQuery":{"version":"1","sha256Hash":"` + sha(query) + `"}}}`, "BAD_REQUEST", "version"},
		"a number for a hash": {`{"query":"{ hello }","extensions":{"persistedQuery":{"version":1,"sha256Hash":1}}}`, "BAD_REQUEST", "sha256Hash"},
		"two documents":       {`{"documentId":"a","extensions":{"persistedQuery":{"version":1,"sha256Hash":"b"}}}`, "BAD_REQUEST", "two documents"},
		"documentId a number": {`{"documentId":1}`, "BAD_REQUEST", "documentId"},
		"no query at all":     {`{"extensions":{"persistedQuery":null}}`, "BAD_REQUEST", "query is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s.do(t, call{body: test.body}).wantError(t, http.StatusBadRequest, test.code, test.word)
		})
	}
}

// What is refused isn't kept by its hash, nor what has fallen out of the cache.
func TestOnlyAdmittedDocumentsAreKept(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, query := range []string{`{ hello`, `{ nothing }`, `{ __schema { queryType { name } } }`, nest(50), `query($n: Int!) { echo(number: $n) }`} {
		s.do(t, call{body: persisted(t, query, sha(query))})
		s.do(t, call{body: persisted(t, "", sha(query))}).wantError(t, http.StatusBadRequest, "PERSISTED_QUERY_NOT_FOUND")
	}
	// The cache has room for some of these.
	s = serve(t, newRig(t, server.ExecOptions{DocumentCacheBytes: 20_000}))
	var queries []string
	for i := range 50 {
		queries = append(queries, fmt.Sprintf("{ a%d: hello }", i))
		s.do(t, call{body: persisted(t, queries[i], sha(queries[i]))})
	}
	s.do(t, call{body: persisted(t, "", sha(queries[0]))}).wantError(t, http.StatusBadRequest, "PERSISTED_QUERY_NOT_FOUND")
	s.do(t, call{body: persisted(t, "", sha(queries[49]))}).want(t, 200, `{"data":{"a49":"world"}}`)
}

// listOf writes files into a folder, and reads them as a list.
func listOf(tb testing.TB, files map[string]string) (*server.Operations, error) {
	tb.Helper()
	dir := tb.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			tb.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return server.LoadOperations(dir)
}

const severalOperations = `# What the shop's page asks
query Hello { hello }
query Me { user { ...person } }

fragment person on User { id ...named }
fragment named on User { name }
`

func TestListedOperationsAloneAreRun(t *testing.T) {
	t.Parallel()
	listed, err := listOf(t, map[string]string{
		"several.graphql":   severalOperations,
		"deep/bump.graphql": "mutation { bump }\n",
		"readme.txt":        "no operation",
	})
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, newRig(t, server.ExecOptions{Operations: listed, OperationsOnly: true}))
	const hello, me = `{"data":{"hello":"world"}}`, `{"data":{"user":{"id":"u1","name":"Ann"}}}`
	id := sha(severalOperations)
	for _, test := range []struct{ body, want string }{
		{`{"documentId":"` + id + `","operationName":"Hello"}`, hello},
		{`{"documentId":"sha256:` + id + `","operationName":"Me"}`, me},
		{`{"operationName":"Hello","extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + id + `"}}}`, hello},
		{bodyOf(t, "query Hello { hello }"), hello},
		{bodyOf(t, "query   Hello{hello} # as a person writes it"), hello},
		{bodyOf(t, "fragment named on User {name} fragment person on User {id, ...named} query Me {user{...person}}"), me},
		{bodyOf(t, "mutation{bump}"), `{"data":{"bump":1}}`},
	} {
		s.do(t, call{body: test.body}).want(t, 200, test.want)
	}
	runs := s.schema.runs.Load()
	var first string
	for _, query := range []string{
		"{ hello }", "query Hello { hello hello }", "query Me { user { ...person } }", "{ hello", "{ nothing }", nest(50), "", severalOperations + "query { who }",
	} {
		got := s.query(t, query)
		got.wantError(t, http.StatusForbidden, "OPERATION_NOT_ALLOWED")
		response, _ := got.graphql(t)
		if first == "" {
			first = response.Errors[0].Message
		}
		if response.Errors[0].Message != first {
			t.Errorf("%q is refused with %s, and another with %s", query, response.Errors[0].Message, first)
		}
	}
	s.do(t, call{body: persisted(t, "{ who }", sha("{ who }")), header: asJSON}).wantError(t, http.StatusOK, "OPERATION_NOT_ALLOWED")
	s.do(t, call{body: persisted(t, "{ who }", id)}).wantError(t, http.StatusBadRequest, "BAD_REQUEST")
	if s.schema.runs.Load() != runs {
		t.Error("a resolver ran")
	}
}

// Beside a list, without OperationsOnly, everything is run, and the list by its ids.
func TestManifests(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"apollo": `{"format":"apollo-persisted-query-manifest","version":1,"operations":[
			{"id":"one","name":"Hello","type":"query","body":"query Hello { hello }"}]}`,
		"flat": `{"one":"query Hello { hello }"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "manifest.json")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			listed, err := server.LoadOperations(path)
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, newRig(t, server.ExecOptions{Operations: listed}))
			for _, body := range []string{
				`{"documentId":"one"}`, persisted(t, "", "one"), persisted(t, "query Hello {hello}", "one"), persisted(t, "", sha("query Hello { hello }")), bodyOf(t, "{ hello }"),
			} {
				s.do(t, call{body: body}).want(t, 200, `{"data":{"hello":"world"}}`)
			}
		})
	}
}

// Documents that say the same may be listed several times, each under its own identifier.
func TestEqualDocumentsAreEachThemselves(t *testing.T) {
	t.Parallel()
	for name, manifest := range map[string]string{
		"the same text":    `{"one":"{ hello }","two":"{ hello }"}`,
		"in another shape": `{"one":"{ hello }","two":"{  hello # as a person writes it\n }"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listed, err := server.ParseManifest("list.json", []byte(manifest))
			if err != nil {
				t.Fatal(err)
			}
			s := serve(t, newRig(t, server.ExecOptions{Operations: listed, OperationsOnly: true}))
			for _, body := range []string{
				`{"documentId":"one"}`, `{"documentId":"two"}`, `{"documentId":"one","query":"{ hello }"}`, `{"documentId":"two","query":"{ hello }"}`,
				`{"documentId":"two","query":"{ hello  }"}`, persisted(t, "{ hello }", sha("{ hello }")), persisted(t, "{hello}", sha("{hello}")),
			} {
				s.do(t, call{body: body}).want(t, 200, `{"data":{"hello":"world"}}`)
			}
			s.do(t, call{body: `{"documentId":"two","query":"{ who }"}`}).wantError(t, http.StatusBadRequest, "BAD_REQUEST")
		})
	}
}

// Where listed operations alone are run, an identifier beside one has to be its own too.
func TestIdentifiersBesideListedOperationsAreChecked(t *testing.T) {
	t.Parallel()
	listed, err := server.ParseManifest("list.json", []byte(`{"one":"{ hello }"}`))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, newRig(t, server.ExecOptions{Operations: listed, OperationsOnly: true}))
	s.do(t, call{body: `{"documentId":"nonsense","query":"{ hello }"}`}).wantError(t, http.StatusBadRequest, "BAD_REQUEST", "SHA-256")
	s.do(t, call{body: persisted(t, "{ hello }", sha("{ who }"))}).wantError(t, http.StatusBadRequest, "BAD_REQUEST", "SHA-256")
	s.do(t, call{body: `{"documentId":"nonsense","query":"{ who }"}`}).wantError(t, http.StatusForbidden, "OPERATION_NOT_ALLOWED")
}

// A description belongs to what comes after it, and to GraphQL says nothing.
func TestDescriptionsOfListedOperations(t *testing.T) {
	t.Parallel()
	listed, err := server.ParseManifest("list.json", []byte(`{"x":"\"first ü\" query A { hello }\n\"second\" query B { echo(text: \"é\") }"}`))
	if err != nil {
		t.Fatal(err)
	}
	s := serve(t, newRig(t, server.ExecOptions{Operations: listed, OperationsOnly: true}))
	for _, query := range []string{"query A { hello }", `"first ü" query A { hello }`, `"other" query A { hello }`} {
		s.query(t, query).want(t, 200, `{"data":{"hello":"world"}}`)
	}
	for _, query := range []string{`query B { echo(text: "é") }`, `"second" query B { echo(text: "é") }`} {
		if got := s.query(t, query); got.status != 200 {
			t.Errorf("%s: %d %s", query, got.status, got.body)
		}
	}
	s.query(t, `query B { echo(text: "e") }`).wantError(t, http.StatusForbidden, "OPERATION_NOT_ALLOWED")
}

// All that is wrong with a list is said at once, with where.
func TestAListIsRefusedWithAllFaults(t *testing.T) {
	t.Parallel()
	listed, err := listOf(t, map[string]string{
		"a.graphql": "query Good { hello }\n\nquery Bad {\n  hello\n  nothing\n}\n",
		"b.graphql": "query {",
		"c.graphql": "fragment f on User { id }",
		"d.graphql": nest(50),
	})
	if err != nil {
		t.Fatal(err)
	}
	_, err = server.NewExecutor(func() *executor.Executor { return executor.New(newTinySchema()) }, server.ExecOptions{Operations: listed})
	for _, want := range []string{"a.graphql:5, query Bad: Cannot query field \"nothing\"", "b.graphql:1", "c.graphql: it has no operation", "d.graphql: the document has 50 levels"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v doesn't say %s", err, want)
		}
	}
	for text, wants := range map[string][]string{
		`[]`: {"not a JSON object"},
		`{"a":"{ hello }","b":1,"c":null,"a":"{ who }"}`:                                                                    {"operation b is not a text", "operation c is not a text", "a is there more than once"},
		`{"format":"apollo-persisted-query-manifest","version":2,"operations":[{"id":"x"},{"id":"","body":"{ hello }"},7]}`: {"version is not 1", "operation 1 lacks", "operation 2: an identifier", "operation 3 lacks"},
		`{"format":"other","version":1,"operations":[]}`:                                                                    {"format is not"},
	} {
		_, err := server.ParseManifest("list.json", []byte(text))
		for _, want := range wants {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v doesn't say %s", text, err, want)
			}
		}
	}
}

func FuzzManifest(f *testing.F) {
	for _, text := range []string{
		`{"format":"apollo-persisted-query-manifest","version":1,"operations":[{"id":"a","name":"A","type":"query","body":"query A { hello }"}]}`,
		`{"a":"{ hello }","b":"query B { ...f } fragment f on Query { hello }"}`, `{"format":"x"}`, `{"operations":[[]]}`, "{\"a\":\"\\u0000\"}",
		`{"a":"query A { hello } query B { user { ...p } } fragment p on User { id friend { ...q } } fragment q on User { name }"}`,
	} {
		f.Add([]byte(text))
	}
	schema := newTinySchema()
	f.Fuzz(func(t *testing.T, text []byte) {
		listed, err := server.ParseManifest("fuzzed", text)
		if err != nil {
			return
		}
		// Whatever is taken runs, and is refused or run by its id without a panic.
		exec, err := server.NewExecutor(func() *executor.Executor { return executor.New(schema) }, server.ExecOptions{Operations: listed, OperationsOnly: true})
		if (exec == nil) == (err == nil) {
			t.Errorf("%v, %v", exec, err)
		}
	})
}

func FuzzPersistedQuery(f *testing.F) {
	f.Add(`{"version":1,"sha256Hash":"`+sha("{ hello }")+`"}`, "{ hello }", "")
	f.Add(`{"version":1.0,"sha256Hash":[]}`, "", "sha256:")
	f.Add(`null`, "{ who }", "a")
	r := newRig(f, server.ExecOptions{DocumentCacheBytes: 1 << 20})
	f.Fuzz(func(t *testing.T, extension, query, id string) {
		values := url.Values{"extensions": {`{"persistedQuery":` + extension + `}`}, "query": {query}, "documentId": {id}}
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "/graphql?"+values.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		checkFuzzed(t, r, request, http.StatusOK, http.StatusBadRequest, http.StatusMethodNotAllowed)
		r.log.reset()
	})
}
