package server_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"redline"
	"redline/server"
)

// reader is a caller whose token has schema:read; goodToken's hasn't.
const readerToken = "Bearer reader"

func withReader(o *server.Options) {
	known := o.Authenticate
	o.Authenticate = func(ctx context.Context, authorization []string) (redline.Principal, error) {
		if len(authorization) == 1 && authorization[0] == readerToken {
			return redline.Principal{Issuer: "test", Subject: "rea", Role: redline.RoleOperator, Scopes: []string{redline.ScopeSchemaRead}}, nil
		}
		return known(ctx, authorization)
	}
}

// What the schema says of itself, and names like a wrong one, are for holders of
// schema:read: also where one of them has asked the very same before, by its text or
// by its hash.
func TestIntrospectionIsForHoldersOfTheScope(t *testing.T) {
	t.Parallel()
	s := newServed(t, withReader)
	ask := func(token, body string) answer {
		header := http.Header{}
		if token != "" {
			header.Set("Authorization", token)
		}
		return s.do(t, call{body: body, header: header})
	}
	const query, nested, typo = `{ __schema { queryType { name } } }`, `{ ... on Query { ... { __schema { queryType { name } } } } }`, `{ helo }`
	for _, query := range []string{query, nested} {
		for range 2 {
			ask(readerToken, persisted(t, query, sha(query))).want(t, 200, `{"data":{"__schema":{"queryType":{"name":"Query"}}}}`)
			for _, token := range []string{"", goodToken} {
				ask(token, bodyOf(t, query)).wantError(t, 400, "GRAPHQL_VALIDATION_FAILED", "schema:read")
				ask(token, persisted(t, "", sha(query))).wantError(t, 400, "GRAPHQL_VALIDATION_FAILED", "schema:read")
			}
		}
	}
	if said := ask(readerToken, bodyOf(t, typo)).body; !strings.Contains(said, "Did you mean") {
		t.Errorf("a holder is told %s", said)
	}
	for _, token := range []string{"", goodToken} {
		if said := ask(token, bodyOf(t, typo)).body; strings.Contains(said, "mean") || !strings.Contains(said, "helo") {
			t.Errorf("a stranger is told %s", said)
		}
	}
	// What doesn't introspect is one document to both.
	ask(readerToken, bodyOf(t, `{ hello __typename }`)).want(t, 200, `{"data":{"hello":"world","__typename":"Query"}}`)
	ask("", bodyOf(t, `{ hello __typename }`)).want(t, 200, `{"data":{"hello":"world","__typename":"Query"}}`)
}

// Every refusal says which request it was.
func TestRefusalsNameTheirRequest(t *testing.T) {
	t.Parallel()
	s := newServed(t)
	for _, body := range []string{bodyOf(t, `{ hello`), bodyOf(t, `{ nothing }`), bodyOf(t, nest(50)), `{`, `{"documentId":"x"}`, `{"query":"query($n: Int!) { echo(number: $n) }"}`} {
		got := s.do(t, call{body: body, header: http.Header{"X-Request-Id": {"r-7"}}})
		response, _ := got.graphql(t)
		for _, err := range response.Errors {
			if err.Extensions["requestId"] != "r-7" || err.Extensions["code"] == nil {
				t.Errorf("%s is refused with %v", body, err)
			}
		}
	}
}
