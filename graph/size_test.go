package graph_test

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// nested asks for an order's parts, for their order, and so on: written out, that
// is the number of parts to the power of depth.
func nested(depth int) string {
	return strings.Repeat("fulfillmentOrders{order{", depth) + "number" + strings.Repeat("}}", depth)
}

// checkRefused checks that an answer is one error that says what the limit is.
func checkRefused(t *testing.T, got reply, path string) {
	t.Helper()
	if !slices.Equal(got.codes(), []string{"LIMIT_EXCEEDED"}) {
		t.Fatalf("want one LIMIT_EXCEEDED, got %+v", got.Errors)
	}
	e := got.Errors[0]
	if e.Extensions.Limit != "answer" || e.Extensions.Value <= e.Extensions.Maximum || e.Extensions.Maximum == 0 {
		t.Errorf("the limit is %q, the value %d, the maximum %d", e.Extensions.Limit, e.Extensions.Value, e.Extensions.Maximum)
	}
	if !strings.Contains(e.Message, fmt.Sprint(e.Extensions.Maximum)) || fmt.Sprint(e.Path) != path {
		t.Errorf("%q is told at %v, want %s", e.Message, e.Path, path)
	}
}

// TestAnswersMultiply: what would multiply is refused before it is made.
// It measures what is allocated, and so runs alone.
func TestAnswersMultiply(t *testing.T) {
	const megabyte = 1 << 20
	var aliases strings.Builder
	for i := range 50 {
		fmt.Fprintf(&aliases, "a%d:fulfillmentOrders{order{fulfillmentOrders{order{fulfillmentOrders{id}}}}}", i)
	}
	r := furnished(newShelf(250, 28, 33), newEventLog())
	for name, c := range map[string]struct{ query, path string }{
		"parts and their order": {`{order(by:{id:"x"}){` + nested(6) + `}}`, "[order]"},
		"on a page":             {`{orders{nodes{` + nested(3) + `}}}`, "[orders]"},
		"on edges":              {`{orders{edges{node{` + nested(3) + `}}}}`, "[orders]"},
		"levels and their product": {
			`{product(by:{id:"x"}){` + strings.Repeat("inventory{levels{product{", 4) + "id" + strings.Repeat("}}}", 4) + `}}`, "[product]"},
		"one field by many names": {`{order(by:{id:"x"}){` + aliases.String() + `}}`, "[order]"},
		"nothing of many objects": {`{order(by:{id:"x"}){` + strings.Repeat("fulfillmentOrders{order{", 3) + `a:lines{id @skip(if:true)} b:lines{id @skip(if:true)}` + strings.Repeat("}}", 3) + `}}`, "[order]"},
		"long names":              {`{orders{nodes{fulfillmentOrders{` + strings.Repeat("a", 50_000) + `:id}}}}`, "[orders]"},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		begun := time.Now()
		got := r.run(t, principal(redline.RoleOperator), c.query, "")
		took := time.Since(begun)
		runtime.ReadMemStats(&after)
		checkRefused(t, got, c.path)
		allocated := after.TotalAlloc - before.TotalAlloc
		t.Logf("%s: refused in %s with %d KB", name, took, allocated>>10)
		if allocated > 8*megabyte {
			t.Errorf("%s: refusing it took %d MB", name, allocated/megabyte)
		}
	}
}

// impatient is a repository whose caller goes away while it is answered.
type impatient struct {
	*shelf
	leave context.CancelFunc
}

func (s impatient) Orders(
	ctx context.Context, p redline.Principal, f redline.OrderFilter, by redline.OrderSort, page redline.PageRequest, need redline.OrderParts,
) (*redline.Page[*redline.Order], error) {
	defer s.leave()
	return s.shelf.Orders(ctx, p, f, by, page, need)
}

func (s impatient) OrderHold(ctx context.Context, p redline.Principal, in redline.OrderHoldInput) (string, redline.Outcome, error) {
	defer s.leave()
	return s.shelf.OrderHold(ctx, p, in)
}

// TestWritingEndsWithTheRequest: what nobody waits for any more isn't written.
// Once a writer went on to the end, whatever the time that the request had. What
// came of a change is: UNAVAILABLE would say that nothing was changed.
func TestWritingEndsWithTheRequest(t *testing.T) {
	t.Parallel()
	var lines strings.Builder
	for i := range 50 {
		fmt.Fprintf(&lines, " l%d: lines{id}", i)
	}
	for query, want := range map[string]string{
		`{orders{nodes{lines{id}}}}`: "[UNAVAILABLE]",
		`{orders{nodes{id}}}`:        "[]", // it is nearly there
		`mutation{orderHold(input:{orderId:"x",reason:"r"}){order{` + lines.String() + `}}}`: "[]",
	} {
		ctx, leave := context.WithCancel(t.Context())
		r := furnished(impatient{newShelf(250, 28, 1), leave}, newEventLog())
		got := r.start(ctx, principal(redline.RoleOperator), query, "")()
		if got == nil || fmt.Sprint(got.codes()) != want {
			t.Errorf("%s: got %+v, want %s", query, got, want)
			continue
		}
		if null := string(got.Data) == `{"orders":null}`; null != (want != "[]") {
			t.Errorf("%s: got %.100s", query, got.Data)
		}
	}
}

// TestAnswersAddUp: the root fields of an operation share what it may have.
func TestAnswersAddUp(t *testing.T) {
	t.Parallel()
	r := furnished(newShelf(1, 28, 1), newEventLog())
	const small = `orderHold(input:{orderId:"x",reason:"r"}){order{id}}`
	large := `orderHold(input:{orderId:"x",reason:"r"}){order{` + nested(6) + `}}`
	if got := r.run(t, principal(redline.RoleOperator), `mutation{a:`+small+`}`, ""); len(got.Errors) > 0 {
		t.Fatalf("alone it is refused: %+v", got.Errors)
	}
	// Mutations run one after the other: the first is small enough still.
	got := r.run(t, principal(redline.RoleOperator), `mutation{a:`+small+` b:`+large+` c:`+small+`}`, "")
	if !slices.Equal(got.codes(), []string{"LIMIT_EXCEEDED", "LIMIT_EXCEEDED"}) {
		t.Fatalf("got %+v", got.Errors)
	}
	if want := `{"a":{"order":{"id":"ord_0"}},"b":{"order":null},"c":{"order":null}}`; string(got.Data) != want {
		t.Errorf("got %s, want %s", got.Data, want)
	}
}

// TestChangeStandsWhoseAnswerIsTooLarge: it is made, and its payload says so.
func TestChangeStandsWhoseAnswerIsTooLarge(t *testing.T) {
	t.Parallel()
	s := newShelf(1, 28, 1)
	s.done = redline.Outcome{EventID: 7}
	log := newEventLog()
	got := furnished(s, log).run(t, principal(redline.RoleOperator),
		`mutation{orderHold(input:{orderId:"x",reason:"r"}){cursor replayed order{`+nested(6)+`}}}`, "")
	checkRefused(t, got, "[orderHold order]")
	if want := fmt.Sprintf(`{"orderHold":{"cursor":%q,"replayed":false,"order":null}}`, log.Cursor(7)); string(got.Data) != want {
		t.Errorf("got %s, want %s", got.Data, want)
	}
	if !strings.Contains(got.Errors[0].Message, "stands") {
		t.Errorf("it doesn't say that the change stands: %s", got.Errors[0].Message)
	}
}

// TestEventsAreBoundedOneByOne: each is told, none has what is too large, and
// none takes from the next.
func TestEventsAreBoundedOneByOne(t *testing.T) {
	t.Parallel()
	log := newEventLog()
	next := watch(t, furnished(newShelf(0, 0, 1), log), log, principal(redline.RoleOperator), `subscription{orderChanged{cursor order{`+nested(6)+`}}}`)
	for id := range int64(6) {
		large := id%2 == 0
		e := orderEvent(id)
		if large {
			e.Order.Order = *newShelf(1, 28, 1).orders[0]
		}
		log.append(e)
		got := next()
		if !large {
			if len(got.Errors) > 0 {
				t.Errorf("the small event %d: %+v", id, got.Errors)
			}
			continue
		}
		checkRefused(t, *got, "[orderChanged order]")
		if want := fmt.Sprintf(`{"orderChanged":{"cursor":%q,"order":null}}`, log.Cursor(id)); string(got.Data) != want {
			t.Errorf("got %s, want %s", got.Data, want)
		}
	}
}

// TestLargestPage: what a dashboard may want at most is answered.
// It tells what is allocated, and so runs alone.
func TestLargestPage(t *testing.T) {
	s := newShelf(redline.PageMax, 20, 33)
	r := furnished(s, newEventLog())
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begun := time.Now()
	got := r.run(t, principal(redline.RoleOperator), `{orders(first:250){nodes{id number status
		lines{quantity product{id sku name availability{available locations{available stale location{id code}}}}}}}}`, "")
	took := time.Since(begun)
	runtime.ReadMemStats(&after)
	if len(got.Errors) > 0 {
		t.Fatalf("got %+v", got.Errors)
	}
	if n, want := strings.Count(string(got.Data), `"stale"`), redline.PageMax*20*s.locations; n != want {
		t.Errorf("%d places are told of, want %d", n, want)
	}
	t.Logf("%d MB in %s with %d MB allocated", len(got.Data)>>20, took, (after.TotalAlloc-before.TotalAlloc)>>20)
}
