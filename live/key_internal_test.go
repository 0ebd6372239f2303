package live

import (
	"fmt"
	"slices"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/validator"
	"pgregory.net/rapid"

	"redline"
)

var keySchema = gqlparser.MustLoadSchema(&ast.Source{Input: `
type Query { none: Int }
type Item { id: ID! name(upper: Boolean): String! other(after: Int): Item }
input Filter { ids: [ID!] name: String }
type Subscription { items(filter: Filter, limit: Int, after: String, snapshot: Boolean, delivery: String): Item! }
`})

// keyFor is the key of a document's operation for a principal.
func keyFor(t interface{ Fatal(...any) }, document string, variables map[string]any, p redline.Principal) groupKey {
	doc, errs := gqlparser.LoadQueryWithRules(keySchema, document, nil)
	if len(errs) > 0 {
		t.Fatal(document, errs)
	}
	coerced, err := validator.VariableValues(keySchema, doc.Operations[0], variables)
	if err != nil {
		t.Fatal(document, err)
	}
	key, err := keyOf(&execution{operation: &graphql.OperationContext{Doc: doc, Operation: doc.Operations[0], Variables: coerced}}, p)
	if err != nil {
		t.Fatal(document, err)
	}
	return key
}

type asked struct {
	document  string
	variables map[string]any
}

// Each row asks for one thing, in several ways; no two rows ask for the same.
func TestAKeyIsOfWhatIsAskedForAndNotOfHow(t *testing.T) {
	t.Parallel()
	keys := map[groupKey]string{}
	for _, row := range [][]asked{
		{
			{"subscription { items { id } }", nil},
			{"subscription S { items(after: \"x\", snapshot: true, delivery: \"LATEST\") { id } }", nil},
			{"subscription($a: String) { items(after: $a) { id } }", map[string]any{"a": "x"}},
			{"subscription($l: Int) { items(limit: $l) { id } }", nil}, // left out
			{"subscription { items { id: id } }", nil},
		},
		{
			{"subscription { items(limit: 1) { id } }", nil},
			{"subscription($l: Int = 1) { items(limit: $l) { id } }", nil},
			{"subscription($limit: Int) { items(limit: $limit) { id } }", map[string]any{"limit": 1}},
		},
		{{"subscription { items(limit: 2) { id } }", nil}},
		{{"subscription { items(limit: null) { id } }", nil}},
		{
			{`subscription { items(filter: {name: "a", ids: ["1"]}) { id } }`, nil},
			{`subscription { items(filter: {ids: ["1"], name: "a"}) { id } }`, nil},
			{`subscription($f: Filter) { items(filter: $f) { id } }`, map[string]any{"f": map[string]any{"ids": []any{"1"}, "name": "a"}}},
			{`subscription($i: ID!) { items(filter: {name: "a", ids: [$i]}) { id } }`, map[string]any{"i": "1"}},
		},
		{{`subscription { items(filter: {name: "a", ids: ["1", "2"]}) { id } }`, nil}},
		{{`subscription { items(filter: {name: "a", ids: ["1\", \"2"]}) { id } }`, nil}},
		{{"subscription { other: items { id } }", nil}},
		{{"subscription { items { other: id } }", nil}},
		{{"subscription { items { id name } }", nil}},
		{{"subscription { items { name id } }", nil}}, // another order of members
		{{"subscription { items { name(upper: true) id } }", nil}},
		// An after that isn't the root field's counts.
		{{"subscription { items { other(after: 1) { id } } }", nil}},
		{{"subscription { items { other(after: 2) { id } } }", nil}},
		{
			{"subscription($b: Boolean!) { items { id @include(if: $b) name } }", map[string]any{"b": true}},
			{"subscription($c: Boolean!) { items { id @include(if: $c) name } }", map[string]any{"c": true}},
			{"subscription { items { id @include(if: true) name } }", nil},
		},
		{{"subscription($b: Boolean!) { items { id @include(if: $b) name } }", map[string]any{"b": false}}},
		{{"subscription($b: Boolean!) { items { id @skip(if: $b) name } }", map[string]any{"b": true}}},
		{
			{"subscription { items { ...A } } fragment A on Item { id }", nil},
			{"subscription { items { ...B } } fragment B on Item { id }", nil},
		},
		{{"subscription { items { ...A } } fragment A on Item { name }", nil}},
		{{"subscription { items { ...A ...B } } fragment A on Item { name } fragment B on Item { id }", nil}},
		{{"subscription { items { ...A ...B } } fragment A on Item { id } fragment B on Item { name }", nil}},
		{
			{"subscription { ...R } fragment R on Subscription { items(limit: 3) { id } }", nil},
			{`subscription { ...R } fragment R on Subscription { items(limit: 3, after: "x") { id } }`, nil},
		},
		{
			{"subscription { ... on Subscription { items(limit: 3) { id } } }", nil},
			{`subscription { ... on Subscription { items(limit: 3, after: "x") { id } } }`, nil},
		},
	} {
		var first groupKey
		for i, a := range row {
			key := keyFor(t, a.document, a.variables, redline.Anonymous())
			if i == 0 {
				first = key
				if other, ok := keys[key]; ok {
					t.Errorf("%s %v has the key of %s", a.document, a.variables, other)
				}
				keys[key] = a.document
			} else if key != first {
				t.Errorf("%s %v has another key than %s", a.document, a.variables, row[0].document)
			}
		}
	}
}

// Two principals have one key exactly where there is nothing that only one of them
// may see.
func TestAKeyIsOfRightsAndNotOfTokens(t *testing.T) {
	t.Parallel()
	words := []string{"a", "b", "ab", ""}
	person := rapid.Custom(func(t *rapid.T) redline.Principal {
		p := redline.Principal{
			Role: rapid.SampledFrom([]redline.Role{
				redline.RoleStorefront, redline.RoleCustomer, redline.RoleSupplier, redline.RoleOperator, redline.RoleAdmin,
			}).Draw(t, "role"),
			Issuer:   rapid.SampledFrom(words[:2]).Draw(t, "issuer"),
			Subject:  rapid.SampledFrom(words[:2]).Draw(t, "subject"),
			Scopes:   rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(t, "scopes"),
			Customer: rapid.SampledFrom(words).Draw(t, "customer"),
		}
		if p.Role == redline.RoleSupplier {
			p.Suppliers = rapid.SliceOfN(rapid.SampledFrom(words), 0, 3).Draw(t, "suppliers")
		}
		if p.Role == redline.RoleStorefront && rapid.Bool().Draw(t, "anonymous") {
			p.Issuer, p.Subject = "", ""
		}
		return p
	})
	set := func(list []string) string {
		return fmt.Sprintf("%q", slices.Compact(slices.Sorted(slices.Values(list))))
	}
	rights := func(p redline.Principal) string {
		what := fmt.Sprintf("%s %s %s %q", p.Role, set(p.Scopes), set(p.Suppliers), p.Customer)
		switch p.Role {
		case redline.RoleStorefront:
			what += fmt.Sprintf("%q %q", p.Issuer, p.Subject)
		case redline.RoleCustomer:
			what += fmt.Sprintf("%q", p.Issuer)
		}
		return what
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b := person.Draw(t, "one"), person.Draw(t, "another")
		const document = "subscription { items { id } }"
		same := keyFor(t, document, nil, a) == keyFor(t, document, nil, b)
		if same != (rights(a) == rights(b)) {
			t.Fatalf("%+v and %+v: one key is %v", a, b, same)
		}
	})
}
