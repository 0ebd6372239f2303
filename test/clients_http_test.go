package test_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"redline/test/internal/measure/measuretest"
)

// departures are the audits that a gateway means not to pass: where the client has no
// wish, the suite wants application/json, and the specification since 2025
// application/graphql-response+json.
var departures = []string{"47DE", "80D8"}

// The audits of the specification's own suite: but for the departures none that MUST,
// SHOULD or MAY hold fails.
func TestGraphQLOverHTTPAudits(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	c := play(t, "graphql-http", "audit.mjs", vars{"url": "http://" + demo(t).addr + "/graphql"})
	var audits []any
	if err := c.await("the audits", func(told []any) bool {
		audits = told
		return len(told) > 0 && text(told[len(told)-1], "saw") == "end"
	}); err != nil {
		t.Fatal(err)
	}
	if len(audits) < 50 {
		t.Errorf("%d audits ran", len(audits)-1)
	}
	for _, audit := range audits[:len(audits)-1] {
		if passed := text(audit, "status") == "ok"; passed == slices.Contains(departures, text(audit, "id")) {
			t.Errorf("%s %s: %s %s", text(audit, "id"), text(audit, "name"), text(audit, "status"), text(audit, "reason"))
		}
	}
}

// urql's and Apollo's links for persisted queries send a hash, are told that it isn't
// known, send the text once, and then the hash alone.
func TestClientsPersistQueries(t *testing.T) {
	t.Parallel()
	measuretest.NeedNode(t, "clients")
	s := demo(t)
	for _, client := range []string{"urql", "apollo"} {
		for _, get := range []bool{false, true} {
			t.Run(fmt.Sprint(client, " GET ", get), func(t *testing.T) {
				t.Parallel()
				query := fmt.Sprintf("query Persisted_%s_%t { viewer { role } }", client, get)
				c := play(t, client, "persist.mjs", vars{"client": client, "get": get, "url": "http://" + s.addr + "/graphql", "query": query})
				outcome := c.outcomes(t, 1)[0]
				results := list(outcome, "results")
				if len(results) != 2 || text(results[0], "data.viewer.role") != "STOREFRONT" || text(results[1], "data.viewer.role") != "STOREFRONT" {
					t.Fatalf("%v", outcome)
				}
				var sent []string
				for _, request := range list(outcome, "sent") {
					sent = append(sent, fmt.Sprintf("%v %v %v", at(request, "method"), at(request, "hash"), at(request, "query")))
				}
				with := "POST"
				if get {
					with = "GET"
				}
				got := strings.Join(sent, ", ")
				if len(sent) != 3 || sent[0] != with+" true false" || !strings.HasSuffix(sent[1], " true true") || sent[2] != with+" true false" {
					t.Errorf("it sent %s", got)
				}
			})
		}
	}
}
