package server_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/99designs/gqlgen/graphql/executor"

	"redline/server"
)

// nest writes a document of depth fields within fields.
func nest(depth int) string { return "{ user " + friends(depth-1) + " }" }

// friends writes a selection set of a user that is depth deep.
func friends(depth int) string {
	return strings.Repeat("{ friend ", depth-1) + "{ id" + strings.Repeat(" }", depth)
}

// bomb is a document of count fragments that each spread the next one twice:
// written out, the last is there 2^count times.
func bomb(count int) string {
	var text strings.Builder
	text.WriteString("{user{...f0}}")
	for i := range count {
		fmt.Fprintf(&text, "fragment f%d on User{friend{...f%d} b:friend{...f%d}}", i, i+1, i+1)
	}
	fmt.Fprintf(&text, "fragment f%d on User{id}", count)
	return text.String()
}

// times writes a text, with its number, several times.
func times(count int, format string) string {
	var text strings.Builder
	for i := range count {
		fmt.Fprintf(&text, format, i)
	}
	return text.String()
}

// Each limit lets through a document that comes to exactly its maximum, and
// refuses one more, naming itself, the number and the maximum.
func TestEachLimit(t *testing.T) {
	t.Parallel()
	limits := server.DefaultLimits()
	for _, test := range []struct {
		limit   string
		maximum int
		// document comes to n of what is limited. It need not be valid, so
		// that it can keep within all other limits.
		document func(n int) string
	}{
		{"bytes", limits.Bytes, func(n int) string { return "{ hello }" + strings.Repeat(" ", n-len("{ hello }")) }},
		{"tokens", limits.Tokens, func(n int) string { return "{ hello }" + strings.Repeat("#\n", n-3) }},
		{"tokens", limits.Tokens, func(n int) string { return "{ user(a: [" + strings.Repeat("1 ", n-9) + "]) }" }},
		{"operations", limits.Operations, func(n int) string { return times(n, "query q%d { hello }") }},
		{"fragments", limits.Fragments, func(n int) string {
			return "{ user {" + times(n, "...f%d ") + "} }" + times(n, "fragment f%d on User { id }")
		}},
		{"depth", limits.Depth, nest},
		{"depth", limits.Depth, func(n int) string { // through fragments
			return "{ user { ...f } } fragment f on User { ... { friend { ...g } } } fragment g on User " + friends(n-2)
		}},
		{"depth", limits.Depth, func(n int) string { // in a fragment that nobody spreads
			return "{ hello } fragment f on Query " + nest(n)
		}},
		{"rootFields", limits.RootFields, func(n int) string { return "{" + times(n, "a%d ") + "}" }},
		{"rootFields", limits.RootFields, func(n int) string { // through fragments
			return "{ ...f ... { hello } } fragment f on Query {" + times(n-1, "a%d ") + "}"
		}},
		{"aliases", limits.Aliases, func(n int) string { return "{ user {" + times(n, "a%d: id ") + "} }" }},
		{"aliases", limits.Aliases, func(n int) string { // written out: every spread counts
			return "{ user { ...f friend { ...f } } } fragment f on User {" + times(n/2, "a%d: id ") + "}" +
				strings.Repeat("query q { x: hello user { ...f friend { ...f } } }", n%2)
		}},
		{"directives", limits.Directives, func(n int) string { return "{ user {" + times(n, "a%d @skip(if: true) ") + "} }" }},
		{"directives", limits.Directives, func(n int) string {
			return "query($a: Int @x) @x { user { ...f @x ... @x { id" + strings.Repeat(" @x", n-5) + " } } } fragment f on User @x { id }"
		}},
		{"selections", limits.Selections, func(n int) string { // a fragment of 41 and itself, as often as it goes in
			return "{ user {" + strings.Repeat(" ...f", (n-1)/41) + times((n-1)%41, " b%d") + "} } fragment f on User {" + times(40, "a%d ") + "}"
		}},
		{"repeats", limits.Repeats, func(n int) string { return "{ user { id" + strings.Repeat(" id", n-1) + " ... { id } } }" }},
	} {
		t.Run(test.limit, func(t *testing.T) {
			t.Parallel()
			s := newServed(t)
			within := s.query(t, test.document(test.maximum))
			if response, _ := within.graphql(t); len(response.Errors) > 0 && response.Errors[0].Extensions["limit"] != nil {
				t.Errorf("%d is refused: %s", test.maximum, within.body)
			}
			for _, beyond := range []int{test.maximum + 1, test.maximum + 2} {
				document := test.document(beyond)
				got := s.query(t, document)
				got.wantError(t, http.StatusBadRequest, "LIMIT_EXCEEDED", fmt.Sprint(beyond), fmt.Sprint(test.maximum))
				response, _ := got.graphql(t)
				extensions := response.Errors[0].Extensions
				if extensions["limit"] != test.limit || extensions["value"] != float64(beyond) || extensions["maximum"] != float64(test.maximum) {
					t.Errorf("extensions %v", extensions)
				}
			}
		})
	}
}

func TestLimitsCanBeSet(t *testing.T) {
	t.Parallel()
	s := serve(t, newRig(t, server.ExecOptions{Limits: server.Limits{Depth: 2}}))
	if got := s.query(t, nest(2)); got.status != http.StatusOK {
		t.Errorf("depth 2: %s", got.body)
	}
	s.query(t, nest(3)).wantError(t, http.StatusBadRequest, "LIMIT_EXCEEDED", "3", "2")
	for _, options := range []server.ExecOptions{
		{Limits: server.Limits{Aliases: -1}}, {DocumentCacheBytes: -1}, {MaxCost: -1}, {OperationsOnly: true},
	} {
		if _, err := server.NewExecutor(func() *executor.Executor { return executor.New(newTinySchema()) }, options); err == nil {
			t.Errorf("%+v is taken", options)
		}
	}
}

// The query that GraphiQL, code generators and the like send.
const introspectionQuery = `query IntrospectionQuery {
  __schema {
    description queryType { name kind } mutationType { name kind } subscriptionType { name kind }
    types { ...FullType }
    directives { name description isRepeatable locations args(includeDeprecated: true) { ...InputValue } }
  }
}
fragment FullType on __Type {
  kind name description specifiedByURL isOneOf
  fields(includeDeprecated: true) {
    name description args(includeDeprecated: true) { ...InputValue } type { ...TypeRef } isDeprecated deprecationReason
  }
  inputFields(includeDeprecated: true) { ...InputValue }
  interfaces { ...TypeRef }
  enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
  possibleTypes { ...TypeRef }
}
fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue isDeprecated deprecationReason }
fragment TypeRef on __Type {
  kind name
  ofType { kind name ofType { kind name ofType { kind name ofType { kind name
    ofType { kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } } }
}`

func TestIntrospectionAndSuggestions(t *testing.T) {
	t.Parallel()
	closed, open := newServed(t), serve(t, newRig(t, server.ExecOptions{Introspection: true}))
	closed.query(t, introspectionQuery).wantError(t, http.StatusBadRequest, "GRAPHQL_VALIDATION_FAILED", "schema:read")
	open.query(t, introspectionQuery).want(t, http.StatusOK, `{"data":{"__schema":{"queryType":{"name":"Query"}}}}`)

	for _, document := range []string{
		"{ helo }",
		"{ user }",
		`{ echo(txt: "a") }`,
		"{ echo(color: GREN) }",
		`{ echo(filter: { nam: "a" }) }`,
		"{ user { ...f } } fragment f on Usr { id }",
	} {
		quiet, helpful := closed.query(t, document), open.query(t, document)
		if quiet.status != http.StatusBadRequest || strings.Contains(quiet.body, "Did you mean") {
			t.Errorf("%s: %d %s", document, quiet.status, quiet.body)
		}
		if helpful.status != http.StatusBadRequest || !strings.Contains(helpful.body, "Did you mean") {
			t.Errorf("%s: %d %s", document, helpful.status, helpful.body)
		}
	}
}

func TestFloodOfErrorsIsCapped(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for name, document := range map[string]string{
		"unknown fields": "{ user {" + times(300, "nope%d ") + "} }",
		"conflicts":      "{ user {" + strings.Repeat("a:id a:name ", 20) + "} }",
		"unknown types":  "query(" + times(200, "$a%d: Nope ") + ") { hello }",
	} {
		got := s.query(t, document)
		response, _ := got.graphql(t)
		if got.status != http.StatusBadRequest || len(response.Errors) != 10 {
			t.Errorf("%s: %d with %d errors", name, got.status, len(response.Errors))
		}
	}
}

// A document that is known is not checked again, and still runs as itself.
func TestKnownDocuments(t *testing.T) {
	t.Parallel()
	for name, cache := range map[string]int{"kept": 0, "too small to keep any": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := serve(t, newRig(t, server.ExecOptions{DocumentCacheBytes: cache}))
			for i := range 3 {
				body := fmt.Sprintf(`{"query":"query A($n: Int) { echo(number: $n) } query B { hello }","operationName":"A","variables":{"n":%d}}`, i)
				s.do(t, call{body: body}).want(t, http.StatusOK, fmt.Sprintf(`{"data":{"echo":"{\"number\":%d}"}}`, i))
				s.do(t, call{body: strings.Replace(body, `Name":"A"`, `Name":"B"`, 1)}).want(t, http.StatusOK, `{"data":{"hello":"world"}}`)
				s.do(t, call{body: strings.Replace(body, `Name":"A"`, `Name":"C"`, 1)}).
					wantError(t, http.StatusBadRequest, "GRAPHQL_VALIDATION_FAILED", "operationName")
				s.query(t, nest(16)).wantError(t, http.StatusBadRequest, "LIMIT_EXCEEDED")
			}
		})
	}
}
