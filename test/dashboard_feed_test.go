package test_test

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// readDocument has the gateway read a feed's document, as the dashboard does.
func (s *server) readDocument(t *testing.T, token, format, document string) answer {
	t.Helper()
	return s.page(t, http.MethodPost, "/dashboard/feed?format="+format, document, "Authorization: Bearer "+token, "Content-Type: application/octet-stream")
}

// The dashboard has a feed's document read as `redline feed` reads it, whatever its format:
// what comes of it are the rows that the contract takes, and where each stands.
func TestDashboardReadsFeeds(t *testing.T) {
	t.Parallel()
	s := demo(t)
	token := supplierToken(t, cajun)
	for format, test := range map[string]struct{ document, want string }{
		"csv": {
			"Vendor SKU;On Hand;Unit;Cost\n4;53;case;22\n\"65\";76;;\n",
			`{"measure":"ON_HAND","asOf":null,"test":false,"rows":[{"supplierSku":"4","unit":"CASE","quantity":53,"cost":"22.00"},{"supplierSku":"65","quantity":76}],"places":["line 2","line 3"]}`,
		},
		"jsonl": {
			`{"supplierSku": "66", "quantity": 4, "locationCode": "new-orleans-cajun-delights"}`,
			`{"measure":null,"asOf":null,"test":false,"rows":[{"supplierSku":"66","locationCode":"new-orleans-cajun-delights","quantity":4}],"places":["line 1"]}`,
		},
		"x12": {
			"ISA*00*          *00*          *ZZ*CAJUN          *ZZ*REDLINE        *261123*0410*U*00401*000000905*0*T*>~" +
				"GS*IB*CAJUN*REDLINE*20261123*0410*905*X*004010~ST*846*0001~BIA*00*SI*905*20261123~DTM*007*20261123*0405*UT~" +
				"LIN*1*VN*4~QTY*17*53*CA~CTT*1*53~SE*7*0001~GE*1*905~IEA*1*000000905~",
			`{"measure":"ON_HAND","asOf":"2026-11-23T04:05:00Z","test":true,"rows":[{"supplierSku":"4","unit":"CASE","quantity":53}],"places":["segment 6"]}`,
		},
	} {
		got := s.readDocument(t, token, format, test.document)
		if got.status != http.StatusOK || got.body != test.want || got.header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %d %s\nwant %s", format, got.status, got.body, test.want)
		}
	}
}

// A document that can't be read is told of with all that is wrong, by its lines.
func TestDashboardFeedUnreadable(t *testing.T) {
	t.Parallel()
	got := demo(t).readDocument(t, supplierToken(t, cajun), "csv", "sku,quantity\n4,12.5\n5,7\n6,1e3\n")
	var said struct {
		Problems []struct{ Place, Where, Message string }
		More     bool
	}
	if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != http.StatusUnprocessableEntity {
		t.Fatalf("%d %s (%v)", got.status, got.body, err)
	}
	if len(said.Problems) != 2 || said.More || said.Problems[0].Place != "line 2" || said.Problems[1].Place != "line 4" ||
		said.Problems[0].Where != "column quantity" || !strings.Contains(said.Problems[0].Message, "12.5") {
		t.Errorf("%+v", said)
	}
}

// Who may send no feed has none read, and what isn't a document of a known format is
// refused, in so many words.
func TestDashboardFeedRefusals(t *testing.T) {
	t.Parallel()
	s := demo(t)
	bearer := "Authorization: Bearer " + supplierToken(t, cajun)
	for name, test := range map[string]struct {
		method, query, body string
		headers             []string
		status              int
		code, says          string
	}{
		"nobody":         {http.MethodPost, "?format=csv", "", nil, http.StatusUnauthorized, "UNAUTHENTICATED", "for a token"},
		"a bad token":    {http.MethodPost, "?format=csv", "", []string{"Authorization: Bearer a.b.c"}, http.StatusUnauthorized, "UNAUTHENTICATED", "not valid"},
		"a shop":         {http.MethodPost, "?format=csv", "", []string{"Authorization: Bearer " + shopToken(t, "a-shop")}, http.StatusForbidden, "FORBIDDEN", "inventory:write"},
		"GET":            {http.MethodGet, "?format=csv", "", []string{bearer}, http.StatusMethodNotAllowed, "METHOD_NOT_ALLOWED", "POST"},
		"no format":      {http.MethodPost, "", "sku,quantity\n4,1\n", []string{bearer}, http.StatusBadRequest, "BAD_REQUEST", "csv, jsonl or x12"},
		"another format": {http.MethodPost, "?format=xlsx", "PK", []string{bearer}, http.StatusBadRequest, "BAD_REQUEST", "csv, jsonl or x12"},
		"too long":       {http.MethodPost, "?format=csv", "sku,quantity\n" + strings.Repeat(strings.Repeat("9", 60)+",1\n", 80_000), []string{bearer}, http.StatusRequestEntityTooLarge, "PAYLOAD_TOO_LARGE", "4194304"},
	} {
		got := s.page(t, test.method, "/dashboard/feed"+test.query, test.body, test.headers...)
		var said struct {
			Error struct{ Code, Message, RequestID string }
		}
		if err := json.Unmarshal([]byte(got.body), &said); err != nil || got.status != test.status || said.Error.Code != test.code ||
			!strings.Contains(said.Error.Message, test.says) || said.Error.RequestID == "" {
			t.Errorf("%s: %d %s (%v)", name, got.status, got.body, err)
		}
		asks := test.status == http.StatusUnauthorized || test.status == http.StatusForbidden
		if challenge := got.header.Get("Www-Authenticate"); strings.HasPrefix(challenge, "Bearer") != asks || strings.Contains(challenge, "insufficient_scope") != (test.status == http.StatusForbidden) {
			t.Errorf("%s: WWW-Authenticate: %q", name, challenge)
		}
	}
}
