package server_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"redline/server"
)

const (
	// What a refusal may take: time, bytes of the answer, and of memory what a body is
	// read into and its values are made of.
	hostileTime   = 100 * time.Millisecond
	hostileAnswer = 10_000
	hostileMemory = 48 << 20
)

// attack is a request that would cost a careless server dearly.
type attack struct {
	name string
	// body is the request, or where it is "" a POST of the document.
	body, document string
	code           string
	// contract says that it is against the public contract.
	contract bool
}

// circle is a document whose fragments lead in a circle.
func circle(count int) string {
	text := "{ user { ...f0 } }"
	for i := range count {
		text += fmt.Sprintf("fragment f%d on User { friend { ...f%d } }", i, (i+1)%count)
	}
	return text
}

// deepVariable is a variable whose value nests, an input object in each other.
func deepVariable(depth int) string {
	return `{"query":"query($f: Filter) { echo(filter: $f) }","variables":{"f":` +
		strings.Repeat(`{"name":"a","inner":`, depth) + `null` + strings.Repeat("}", depth) + `}}`
}

func attacks() []attack {
	const limited, invalid, unread, bad = "LIMIT_EXCEEDED", "GRAPHQL_VALIDATION_FAILED", "GRAPHQL_PARSE_FAILED", "BAD_REQUEST"
	spreads := "{user{...f0}}"
	for i := range 40 {
		spreads += fmt.Sprintf("fragment f%d on User{...f%d ...f%d}", i, i+1, i+1)
	}
	return []attack{
		{name: "10,000 times one field", document: "{" + strings.Repeat("hello ", 10_000) + "}", code: limited},
		{name: "10,000 times one field below", document: "{user{" + strings.Repeat("id ", 10_000) + "}}", code: limited},
		{name: "900 times one field", document: "{user{" + strings.Repeat("id ", 900) + "}}", code: limited},
		{name: "fragments that double, 17 levels", document: bomb(17), code: limited},
		{name: "fragments that double, 30 levels", document: bomb(30), code: limited},
		{name: "fragments that double, 45 levels", document: bomb(45), code: limited},
		{name: "spreads that double, without fields", document: spreads + "fragment f40 on User{id}", code: limited},
		{name: "a fragment within itself", document: "{user{...f}} fragment f on User{id ...f}", code: invalid},
		{name: "a circle of fragments", document: circle(40), code: invalid},
		{name: "1,000 fragments", document: "{user{id}}" + times(1000, "fragment f%d on User{id}"), code: limited},
		{name: "fragments that nobody knows", document: "{user{" + times(300, "...f%d ") + "}}", code: invalid},
		{name: "deep fields", document: nest(400), code: limited},
		{name: "deep inline fragments", document: "{" + strings.Repeat("...{", 320) + "hello" + strings.Repeat("}", 321), code: ""},
		{name: "braces", document: strings.Repeat("{a", 30_000), code: limited},
		{name: "braces, few", document: strings.Repeat("{a", 450), code: unread},
		{name: "brackets", document: "{echo(text:" + strings.Repeat("[", 980), code: unread},
		{name: "10,000 aliases", document: "{" + times(10_000, "a%d:hello ") + "}", code: limited},
		{name: "300 aliases", document: "{user{" + times(300, "a%d:id ") + "}}", code: limited},
		{name: "directives on a field", document: "{hello" + strings.Repeat(" @a", 400) + "}", code: limited},
		{name: "directives on everything", document: "{user{" + times(200, "a%d @skip(if:true) ") + "}}", code: limited},
		{name: "a chain of skips", document: "{user{id" + strings.Repeat(" @skip(if:true)", 160) + "}}", code: limited},
		{name: "skips within skips", document: "{" + strings.Repeat("...@skip(if:true){", 80) + "hello" + strings.Repeat("}", 81), code: limited},
		{name: "a huge name", document: "{" + strings.Repeat("a", 60_000) + "}", code: invalid},
		{name: "a larger name", document: "{" + strings.Repeat("a", 3<<20) + "}", code: limited},
		{name: "a huge name of an operation", body: `{"query":"{hello}","operationName":"` + strings.Repeat("a", 3<<20) + `"}`, code: invalid},
		{name: "a huge string", document: `{echo(text:"` + strings.Repeat("a", 3<<20) + `")}`, code: limited},
		{name: "a block string", document: `{echo(text:"""` + strings.Repeat(" a\n", 900_000) + `""")}`, code: limited},
		{name: "a block string, indented", document: `{echo(number:"""` + strings.Repeat(" \n", 30_000) + `""")}`, code: invalid},
		{name: "unicode escapes", document: `{echo(number:"` + strings.Repeat(`\u0041`, 10_000) + `")}`, code: invalid},
		{name: "surrogates by half", document: `{echo(number:"` + strings.Repeat(`\ud800`, 10_000) + `")}`, code: ""},
		{name: "comments", document: strings.Repeat("#\n", 30_000) + "{hello}", code: limited},
		{name: "a huge comment", document: "#" + strings.Repeat("a", 3<<20) + "\n{hello}", code: limited},
		{name: "commas", document: "{hello" + strings.Repeat(",", 3<<20) + "}", code: limited},
		{name: "byte order marks", document: strings.Repeat("\ufeff", 20_000) + "{hello}", code: ""},
		{name: "10,000 operations", document: times(10_000, "query q%d{hello}"), code: limited},
		{name: "200 operations", document: times(200, "query q%d{hello}"), code: limited},
		{name: "variable definitions", document: "query(" + times(190, "$v%d:Int ") + "){hello}", code: invalid},
		{name: "10,000 variable definitions", document: "query(" + times(10_000, "$v%d:Int ") + "){hello}", code: limited},
		{name: "a variable 10,000 deep", body: strings.Replace(deepVariable(9_990), "$f: Filter", "$f: Int", 1), code: invalid},
		{name: "a variable 100,000 deep", body: deepVariable(100_000), code: bad},
		{name: "a variable 9,000 deep that is wrong at its end", body: strings.Replace(deepVariable(9_000), "null", "{}", 1), code: invalid},
		{name: "a variable of 19,000 wrong entries", body: `{"query":"query($c:[ID!]){echo(ids:$c)}","variables":{"c":[` + strings.Repeat("{},", 19_000) + `{}]}}`, code: invalid},
		{name: "a list of 100,000", document: "{echo(ids:[" + strings.Repeat("1 ", 100_000) + "])}", code: limited},
		{name: "a list of 900 wrong ones", document: "{echo(ids:[" + strings.Repeat("1.5 ", 900) + "])}", code: invalid},
		{name: "fields that collide", document: "{user{" + strings.Repeat("a:id a:name ", 45) + "}}", code: limited},
		{name: "arguments that collide", document: "{" + times(49, "a:echo(number:%d) ") + "}", code: limited},
		{name: "fields that nobody knows", document: "{user{" + times(900, "a%d ") + "}}", code: invalid},
		{name: "arguments that nobody knows", document: "{echo(" + times(300, "a%d:1 ") + ")}", code: invalid},
		{name: "introspection", document: "{" + strings.Repeat("__schema{types{fields{type{fields{type{", 3) + "name" + strings.Repeat("}", 19), code: limited},
		{name: "introspection with aliases", document: "{" + times(20, "a%d:__schema{types{name fields{name type{name fields{name}}}}} ") + "}", code: invalid},
		{name: "not UTF-8", body: "{\"query\":\"{hello\xff\xfe" + strings.Repeat("\xff", 1<<20) + "}\"}", code: bad},
		{name: "10,000 operations in a batch", body: "[" + strings.Repeat(`{"query":"{hello}"},`, 10_000) + `{"query":"{hello}"}]`, code: bad},
		{name: "a body that nests", body: strings.Repeat(`{"query":`, 300_000), code: bad},
		{name: "arrays that nest", body: `{"query":"{hello}","variables":` + strings.Repeat("[", 1<<20), code: bad},
		{name: "a million values", body: `{"query":"{hello}","x":[` + strings.Repeat("0,", 1_000_000) + `0]}`, code: "PAYLOAD_TOO_LARGE"},
		{name: "a body that is too large", body: strings.Repeat(" ", 5<<20), code: "PAYLOAD_TOO_LARGE"},
		{name: "a hash that is none", body: `{"extensions":{"persistedQuery":{"version":1,"sha256Hash":"` + strings.Repeat("a", 3<<20) + `"}}}`, code: bad},
		{name: "a huge first", document: "{products(first:2147483647){nodes{sku}}}", code: limited, contract: true},
		{name: "a first that is no Int", document: "{products(first:99999999999999999999){nodes{sku}}}", code: invalid, contract: true},
		{name: "pages within pages", document: "{suppliers(first:250){nodes{items(first:250){nodes{supplier{items(first:250){nodes{id}}}}}}}}", code: limited, contract: true},
		{name: "nodes, 100 times", document: "{" + times(100, "a%d:nodes(ids:[\"prod_1\"]){id} ") + "}", code: limited, contract: true},
		{name: "a variable of 200,000 entries", body: `{"query":"query($c:[ID!]){echo(ids:$c)}","variables":{"c":[` + strings.Repeat(`"a",`, 200_000) + `"a"]}}`, code: "PAYLOAD_TOO_LARGE"},
		{name: "nodes of 19,000, 15 times", body: `{"query":"query($i:[ID!]!){` + times(15, "a%d:nodes(ids:$i){...p} ") + `} fragment p on Product{price{amount}}","variables":{"i":[` + strings.Repeat(`"a",`, 19_000) + `"a"]}}`, code: limited, contract: true},
	}
}

func (a attack) request(tb testing.TB) *http.Request {
	tb.Helper()
	body := a.body
	if body == "" {
		encoded, err := json.Marshal(map[string]string{"query": a.document})
		if err != nil {
			tb.Fatal(err)
		}
		body = string(encoded)
	}
	return call{body: body}.request(tb, "http://gateway")
}

func hostileRigs(tb testing.TB) map[bool]*served {
	tb.Helper()
	return map[bool]*served{false: newServed(tb), true: contract(tb, server.ExecOptions{})}
}

// Every attack that is known is refused in an instant, with a small answer, little
// memory, and without a resolver. Few of them are let in: they cost what they look
// like, and that in an instant.
//
// No other test of the package runs meanwhile. Other packages' may, and so an attack
// has several goes at keeping its bounds: what is kept once is what the work takes.
func TestHostileRequests(t *testing.T) {
	rigs := hostileRigs(t)
	if size := len(bomb(17)); size < 850 || size > 1000 {
		t.Errorf("the small bomb has %d bytes", size)
	}
	for _, a := range attacks() {
		t.Run(a.name, func(t *testing.T) {
			s := rigs[a.contract]
			s.executions.Store(0)
			quickest, leanest := patience, uint64(1<<62)
			for goes := 0; goes < 7 && (quickest > hostileTime*slowdown || leanest > hostileMemory); goes++ {
				out := httptest.NewRecorder()
				request := a.request(t)
				var before, after runtime.MemStats
				runtime.ReadMemStats(&before)
				began := time.Now()
				s.ServeHTTP(out, request)
				quickest = min(quickest, time.Since(began))
				runtime.ReadMemStats(&after)
				leanest = min(leanest, after.TotalAlloc-before.TotalAlloc)
				answer := read(t, out.Result())
				if len(answer.body) > hostileAnswer {
					t.Fatalf("an answer of %d bytes: %.300s…", len(answer.body), answer.body)
				}
				response, _ := answer.graphql(t)
				switch {
				case a.code == "" && len(response.Errors) == 0:
				case len(response.Errors) == 0 || len(response.Errors) > 10:
					t.Fatalf("%d errors: %s", len(response.Errors), answer.body)
				case a.code != "" && response.Errors[0].Extensions["code"] != a.code:
					t.Fatalf("refused with %s; want %s", answer.body, a.code)
				}
			}
			if ran := s.executions.Load(); ran != 0 && a.code != "" {
				t.Errorf("%d resolvers ran", ran)
			}
			if quickest > hostileTime*slowdown {
				t.Errorf("it took %s", quickest)
			}
			if leanest > hostileMemory {
				t.Errorf("it took %d bytes of memory", leanest)
			}
			t.Logf("%s, %d KiB", quickest, leanest>>10)
		})
	}
}

// BenchmarkHostile is what each attack costs.
func BenchmarkHostile(b *testing.B) {
	rigs := hostileRigs(b)
	for _, a := range attacks() {
		b.Run(a.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				request := a.request(b)
				b.StartTimer()
				rigs[a.contract].ServeHTTP(httptest.NewRecorder(), request)
			}
		})
	}
}
