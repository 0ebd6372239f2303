package graph_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// errSecret is why something failed, for the log alone.
var errSecret = errors.New("pq: password of 10.0.0.7 is wrong")

// TestChangeStandsThatCantBeReadBack: whatever fails after a change was made,
// the payload is told, and the error doesn't say that nothing happened.
func TestChangeStandsThatCantBeReadBack(t *testing.T) {
	t.Parallel()
	unavailable := redline.Errorf(redline.CodeUnavailable, nil, "nothing was changed").Because(errSecret)
	unavailable.RetryAfter = time.Second
	const hold = `mutation{orderHold(input:{orderId:"x",reason:"r"}){replayed cursor userErrors{code} order{id lines{product{availability{available}}}}}}`
	for name, c := range map[string]struct {
		unread error
		code   string
	}{
		"a fault":     {errSecret, "INTERNAL"},
		"no database": {unavailable, "UNAVAILABLE"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log := newShelf(1, 1, 1), newEventLog()
			s.done, s.unread = redline.Outcome{EventID: 7}, c.unread
			got := furnished(s, log).run(t, principal(redline.RoleOperator), hold, "")
			want := fmt.Sprintf(`{"orderHold":{"replayed":false,"cursor":%q,"userErrors":[],"order":null}}`, log.Cursor(7))
			if string(got.Data) != want {
				t.Errorf("got %s, want %s", got.Data, want)
			}
			checkStands(t, got, c.code, "[orderHold order]")
		})
	}
}

// TestChangeStandsThatPanicsInReading: the shelf has no history, and panics.
func TestChangeStandsThatPanicsInReading(t *testing.T) {
	t.Parallel()
	s, log := newShelf(1, 1, 1), newEventLog()
	s.done = redline.Outcome{EventID: 7}
	got := furnished(s, log).run(t, principal(redline.RoleOperator), `mutation{orderHold(input:{orderId:"x",reason:"r"}){cursor order{history{to}}}}`, "")
	if want := fmt.Sprintf(`{"orderHold":{"cursor":%q,"order":null}}`, log.Cursor(7)); string(got.Data) != want {
		t.Errorf("got %s, want %s", got.Data, want)
	}
	checkStands(t, got, "INTERNAL", "[orderHold order]")
}

func checkStands(t *testing.T, got reply, code, path string) {
	t.Helper()
	if !slices.Equal(got.codes(), []string{code}) || fmt.Sprint(got.Errors[0].Path) != path {
		t.Fatalf("want %s at %s, got %+v", code, path, got.Errors)
	}
	e := got.Errors[0]
	if !strings.Contains(e.Message, "stands") || strings.Contains(e.Message, "nothing") || strings.Contains(e.Message, errSecret.Error()) {
		t.Errorf("the message is %q", e.Message)
	}
	if e.Extensions.RetryAfterMs != nil {
		t.Errorf("it says to try again in %d ms", *e.Extensions.RetryAfterMs)
	}
}

// TestRowsStandWhoseLevelsCantBeRead: rows are told without what needs reading.
func TestRowsStandWhoseLevelsCantBeRead(t *testing.T) {
	t.Parallel()
	short := redline.Errorf(redline.CodeInsufficientStock, []string{"changes", "1"}, "too few")
	short.Product = &redline.Product{ID: "prod_1"}
	const selection = `{index level{id product{name}} userErrors{__typename code ...on InsufficientStock{product{availability{available}}}}}`
	for name, c := range map[string]struct {
		readError, unread error
		rows, want        string
		path              string
	}{
		"the levels themselves": {errSecret, nil, `rows` + selection,
			`"rows":[{"index":0,"level":null,"userErrors":[]},{"index":1,"level":null,"userErrors":[{"__typename":"GenericUserError","code":"INSUFFICIENT_STOCK"}]}]`,
			"[inventoryTransfer rows]"},
		"what belongs to them": {nil, errSecret, `r:rows` + selection,
			`"r":[{"index":0,"level":null,"userErrors":[]},{"index":1,"level":null,"userErrors":[{"__typename":"GenericUserError","code":"INSUFFICIENT_STOCK"}]}]`,
			"[inventoryTransfer r]"},
		"what nobody asked for": {errSecret, nil, `rows{index}`, `"rows":[{"index":0},{"index":1}]`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, log := newShelf(0, 0, 1), newEventLog()
			s.unread = c.unread
			s.rows = &redline.InventoryResult{Outcome: redline.Outcome{EventID: 7}, ReadError: c.readError, Rows: []*redline.InventoryRow{
				{Index: 0, Level: &redline.InventoryLevel{ID: "lvl_1", ProductID: "prod_1"}}, {Index: 1, Errors: redline.Errors{short}},
			}}
			if c.readError != nil {
				s.rows.Rows[0].Level = nil
			}
			got := furnished(s, log).run(t, principal(redline.RoleOperator),
				`mutation{inventoryTransfer(input:{idempotencyKey:"k",productId:"p",fromLocationId:"a",toLocationId:"b",quantity:1}){cursor replayed `+c.rows+`}}`, "")
			want := fmt.Sprintf(`{"inventoryTransfer":{"cursor":%q,"replayed":false,%s}}`, log.Cursor(7), c.want)
			if string(got.Data) != want {
				t.Errorf("got  %s\nwant %s", got.Data, want)
			}
			if c.path != "" {
				checkStands(t, got, "INTERNAL", c.path)
			} else if len(got.Errors) > 0 {
				t.Errorf("got %+v", got.Errors)
			}
		})
	}
}

// TestReplayOfWhatIsNotTheCallers: the key is told to have been used, and not
// for what or when.
func TestReplayOfWhatIsNotTheCallers(t *testing.T) {
	t.Parallel()
	for _, order := range []string{"order{id}", ""} {
		s := newShelf(0, 0, 1) // so that nothing is found by the id that comes back
		s.done = redline.Outcome{Replayed: true, EventID: 7}
		got := furnished(s, newEventLog()).run(t, principal(redline.RoleOperator),
			`mutation{orderHold(input:{orderId:"x",reason:"r"}){replayed cursor userErrors{__typename code field} `+order+`}}`, "")
		want := `{"orderHold":{"replayed":true,"cursor":null,"userErrors":[{"__typename":"NotFound","code":"NOT_FOUND","field":["idempotencyKey"]}]`
		if order != "" {
			want += `,"order":null`
		}
		if string(got.Data) != want+"}}" || len(got.Errors) > 0 {
			t.Errorf("got %s, %+v", got.Data, got.Errors)
		}
	}
}

// TestItemsRefuseTheirPage: what is refused of the arguments of a field is told
// there, once, and doesn't blank what is around it.
func TestItemsRefuseTheirPage(t *testing.T) {
	t.Parallel()
	got := furnished(newShelf(0, 0, 1), newEventLog()).run(t, principal(redline.RoleOperator), `{suppliers{nodes{id items(first:0){nodes{id}}}}}`, "")
	if want := `{"suppliers":{"nodes":[{"id":"sup_1","items":null},{"id":"sup_2","items":null}]}}`; string(got.Data) != want {
		t.Errorf("got %s, want %s", got.Data, want)
	}
	if !slices.Equal(got.codes(), []string{"INVALID"}) || !slices.Equal(got.Errors[0].Extensions.Field, []string{"first"}) {
		t.Errorf("got %+v", got.Errors)
	}
}
