package live

import "testing"

// A subscription names its document by its text, by a hash, or by an id.
func TestSubscribeNamesADocument(t *testing.T) {
	t.Parallel()
	for payload, want := range map[string]bool{
		`{"query":"{ a }"}`:                             true,
		`{"documentId":"a"}`:                            true,
		`{"query":null,"documentId":"a"}`:               true,
		`{"extensions":{"persistedQuery":{}}}`:          true,
		`{}`:                                            false,
		`{"documentId":""}`:                             false,
		`{"documentId":1}`:                              false,
		`{"query":null}`:                                false,
		`{"extensions":{"persistedQuery":null}}`:        false,
		`{"query":1,"documentId":"a"}`:                  false,
		`{"query":"{ a }","documentId":["a"]}`:          false,
		`{"documentId":"a","extensions":{"a":{"b":1}}}`: true,
	} {
		m, err := parseMessage([]byte(`{"type":"subscribe","id":"1","payload":` + payload + `}`))
		if (err == nil) != want {
			t.Errorf("%s: %v", payload, err)
		}
		if err == nil && m.params.Query == "" && m.params.Extensions["documentId"] == nil && m.params.Extensions["persistedQuery"] == nil {
			t.Errorf("%s: nothing names a document in %+v", payload, m.params)
		}
	}
}

// An authorization is taken however its name is written, and no more than one.
func TestAuthorizationInAnyCase(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{typeInit, typePing} {
		for _, name := range []string{"authorization", "Authorization", "AUTHORIZATION"} {
			m, err := parseMessage([]byte(`{"type":"` + kind + `","payload":{"` + name + `":"Bearer x"}}`))
			if err != nil || m.authorization == nil || *m.authorization != "Bearer x" {
				t.Errorf("%s with %s: %+v, %v", kind, name, m, err)
			}
		}
		if _, err := parseMessage([]byte(`{"type":"` + kind + `","payload":{"authorization":"a","Authorization":"a"}}`)); err == nil {
			t.Errorf("%s with two is taken", kind)
		}
		if m, err := parseMessage([]byte(`{"type":"` + kind + `","payload":{"token":"a","authToken":"a"}}`)); err != nil || m.authorization != nil {
			t.Errorf("%s with a token: %+v, %v", kind, m, err)
		}
	}
}
