package store_test

import (
	"encoding/base64"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"redline"
)

// A ticket stands for a caller and what it asks as often as it is shown, until it
// expires; and the database couldn't say what it is.
func TestTickets(t *testing.T) {
	w := newWorld(t)
	asks := redline.Operation{
		Query: "subscription S($id: ID!) { orderChanged(id: $id) { id } }", OperationName: "S", Variables: json.RawMessage(`{"id":"\u0000 <é>"}`),
	}
	ends := time.Now().Add(20 * time.Minute).Truncate(time.Second).UTC()
	for who, p := range map[string]redline.Principal{"shop": shop, "ann": buyer, "cajun": cajun, "olga": operator} {
		p.ExpiresAt = ends
		ticket, expires, err := w.TicketIssue(w.ctx, p, asks)
		w.must(err)
		if b, err := base64.RawURLEncoding.DecodeString(ticket); err != nil || len(b) != 32 {
			t.Errorf("the ticket of %s is %q", who, ticket)
		}
		if !expires.Equal(ends) {
			t.Errorf("the ticket of %s expires at %s", who, expires)
		}
		for range 2 {
			by, operation, err := w.TicketOpen(w.ctx, ticket)
			w.must(err)
			if !reflect.DeepEqual(by, p) {
				t.Errorf("the ticket of %s stands for %+v", who, by)
			}
			if operation.Query != asks.Query || operation.OperationName != "S" || !sameJSON(operation.Variables, asks.Variables) {
				t.Errorf("the ticket of %s asks %+v", who, operation)
			}
		}
		var kept string
		w.must(w.DB().GetContext(w.ctx, &kept, `SELECT string_agg(t::text || encode(hash, 'base64'), ' ') FROM tickets t`))
		if strings.Contains(kept, ticket) {
			t.Error("the database has the ticket itself")
		}
	}
	shop := lasting(shop)
	other, _, err := w.TicketIssue(w.ctx, shop, redline.Operation{Query: "{ a }"})
	w.must(err)
	_, operation, err := w.TicketOpen(w.ctx, other)
	w.must(err)
	equal(t, "what it asks", operation, redline.Operation{Query: "{ a }"})
	_, _, err = w.TicketIssue(w.ctx, shop, redline.Operation{Variables: json.RawMessage(`{`)})
	refused(t, err, redline.CodeInvalid, "variables")
	_, _, err = w.TicketIssue(w.ctx, shop, redline.Operation{Query: "\xff", Variables: json.RawMessage("{\"a\":\"\xff\"}")})
	w.must(err)

	_, _, err = w.TicketIssue(w.ctx, redline.Anonymous(), asks)
	refused(t, err, redline.CodeUnauthenticated, "")
	ticket, _, err := w.TicketIssue(w.ctx, shop, asks)
	w.must(err)
	n, err := w.Sweep(w.ctx)
	w.must(err)
	equal(t, "what is swept of tickets that are good", n, 0)
	w.exec(`UPDATE tickets SET expires_at = clock_timestamp() WHERE expires_at > clock_timestamp() + interval '30 minutes'`)
	unknown := base64.RawURLEncoding.EncodeToString(make([]byte, 32))
	_, _, err = w.TicketOpen(w.ctx, ticket)
	expired := refused(t, err, redline.CodeUnauthenticated, "")
	for _, bad := range []string{unknown, "", "x", unknown[:42], unknown + "A", unknown[:42] + "B", strings.Repeat("é", 21)} {
		_, _, err := w.TicketOpen(w.ctx, bad)
		equal(t, "what is said of the ticket "+bad, refused(t, err, redline.CodeUnauthenticated, ""), expired)
	}
	n, err = w.Sweep(w.ctx)
	w.must(err)
	if n < 3 {
		t.Errorf("%d tickets were swept", n)
	}
	var left int
	w.must(w.DB().GetContext(w.ctx, &left, `SELECT count(*) FROM tickets`))
	equal(t, "the tickets of those whose tokens are good", left, 4)
}

func sameJSON(a, b []byte) bool {
	var x, y any
	return json.Unmarshal(a, &x) == nil && json.Unmarshal(b, &y) == nil && reflect.DeepEqual(x, y)
}

// lasting is a principal whose token is good for an hour.
func lasting(p redline.Principal) redline.Principal {
	p.ExpiresAt = time.Now().Add(time.Hour)
	return p
}
