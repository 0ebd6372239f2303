package redline_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"redline"
)

// do applies one transition and finishes it.
func do(o *redline.Order, by redline.Principal, apply func(*redline.Transition) error) (redline.Change, error) {
	tr := redline.NewTransition(o, by, o.UpdatedAt.Add(time.Minute))
	if err := apply(tr); err != nil {
		return redline.Change{}, err
	}
	return tr.Finish(), nil
}

// mustDo is do where a refusal fails the test.
func mustDo(t *testing.T, o *redline.Order, by redline.Principal, apply func(*redline.Transition) error) redline.Change {
	t.Helper()
	c, err := do(o, by, apply)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// The actions on the one part of an order of four units.
var (
	acceptAll = func(tr *redline.Transition) error { return tr.Accept(onlyPart(tr).ID, nil) }
	acceptTwo = func(tr *redline.Transition) error {
		return tr.Accept(onlyPart(tr).ID, []redline.LineResponse{{LineID: onlyPart(tr).Lines[0].ID, Accepted: 2}})
	}
	reject  = func(tr *redline.Transition) error { return tr.Reject(onlyPart(tr).ID) }
	shipOne = func(tr *redline.Transition) error {
		return tr.Ship(onlyPart(tr).ID, []redline.ShipLine{{LineID: onlyPart(tr).Lines[0].ID, Quantity: 1}}, redline.Shipment{})
	}
	shipAll = func(tr *redline.Transition) error { return tr.Ship(onlyPart(tr).ID, nil, redline.Shipment{}) }
	prepare = func(tr *redline.Transition) error {
		return tr.Ship(onlyPart(tr).ID, []redline.ShipLine{{LineID: onlyPart(tr).Lines[0].ID, Quantity: 1}}, redline.Shipment{Pending: true})
	}
	acceptCancellation = func(tr *redline.Transition) error { return tr.AcceptCancellation(onlyPart(tr).ID) }
	rejectCancellation = func(tr *redline.Transition) error { return tr.RejectCancellation(onlyPart(tr).ID) }

	cancel  = (*redline.Transition).Cancel
	release = (*redline.Transition).ReleaseHold
)

func onlyPart(tr *redline.Transition) *redline.FulfillmentOrder { return tr.Order.FulfillmentOrders[0] }

func hold(tr *redline.Transition) error { return tr.Hold("a reason") }

func setStatus(to redline.OrderStatus) func(*redline.Transition) error {
	return func(tr *redline.Transition) error { return tr.SetStatus(to) }
}

// orderOfFour is an order of four units, all in one part.
func orderOfFour(t *testing.T, supplier string) *redline.Order {
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	addPart(o, "a place", supplier, 4)
	return o
}

// TestFulfillmentOrderTable is the table of the rules, row by row, as far as
// parts go now: from each status, what each action makes of a part.
func TestFulfillmentOrderTable(t *testing.T) {
	t.Parallel()
	type from = redline.FulfillmentOrderStatus
	reach := map[from][]func(*redline.Transition) error{
		redline.PartSubmitted:         {},
		redline.PartAccepted:          {acceptAll},
		redline.PartPartiallyAccepted: {acceptTwo},
		redline.PartInProgress:        {shipOne},
		redline.PartRejected:          {reject},
		redline.PartCancelled:         {cancel},
		redline.PartClosed:            {shipAll},
		// Only a supplier is asked.
		redline.PartCancellationRequested: {acceptTwo, cancel},
	}
	actions := []struct {
		name  string
		apply func(*redline.Transition) error
		to    map[from]redline.FulfillmentOrderStatus
		// goal is what a refusal says that the part can't become.
		goal redline.FulfillmentOrderStatus
	}{
		{"accept all", acceptAll, map[from]from{redline.PartSubmitted: redline.PartAccepted}, redline.PartAccepted},
		{"accept a part", acceptTwo, map[from]from{redline.PartSubmitted: redline.PartPartiallyAccepted}, redline.PartPartiallyAccepted},
		{"reject", reject, map[from]from{redline.PartSubmitted: redline.PartRejected}, redline.PartRejected},
		{"ship a part", shipOne, map[from]from{
			redline.PartSubmitted: redline.PartInProgress, redline.PartAccepted: redline.PartInProgress,
			redline.PartPartiallyAccepted: redline.PartInProgress, redline.PartInProgress: redline.PartInProgress,
			redline.PartCancellationRequested: redline.PartInProgress,
		}, redline.PartInProgress},
		{"ship all", shipAll, map[from]from{
			redline.PartSubmitted: redline.PartClosed, redline.PartAccepted: redline.PartClosed,
			redline.PartPartiallyAccepted: redline.PartClosed, redline.PartInProgress: redline.PartClosed,
			redline.PartCancellationRequested: redline.PartClosed,
		}, redline.PartInProgress},
		{"make ready", prepare, map[from]from{
			redline.PartSubmitted: redline.PartInProgress, redline.PartAccepted: redline.PartInProgress,
			redline.PartPartiallyAccepted: redline.PartInProgress, redline.PartInProgress: redline.PartInProgress,
		}, redline.PartInProgress},
		{"accept the cancellation", acceptCancellation, map[from]from{redline.PartCancellationRequested: redline.PartCancelled}, ""},
		{"reject the cancellation", rejectCancellation, map[from]from{
			redline.PartCancellationRequested: redline.PartPartiallyAccepted,
		}, redline.PartInProgress},
	}
	for status, steps := range reach {
		for _, supplier := range []string{"", acme} {
			for _, held := range []bool{false, true} {
				for _, a := range actions {
					t.Run(fmt.Sprintf("%s/%s/held %v/%s", status, supplier, held, a.name), func(t *testing.T) {
						t.Parallel()
						by := as(redline.RoleOperator)
						o := orderOfFour(t, supplier)
						if status == redline.PartCancellationRequested && supplier == "" {
							return
						}
						for _, step := range steps {
							mustDo(t, o, by, step)
						}
						f := o.FulfillmentOrders[0]
						mustEqual(t, f.Status, status, "the status to begin with")
						if held {
							if _, err := do(o, by, hold); err != nil {
								mustEqual(t, f.IsOpen(), false, "whether what can't be held is open")
								return
							}
						}
						want, allowed := a.to[status]
						if supplier != "" && strings.HasPrefix(a.name, "ship") && (status == redline.PartRejected || status == redline.PartCancelled) {
							want, allowed = redline.PartClosed, true // it has left all the same
						}
						_, err := do(o, by, a.apply)
						if allowed && !held {
							if err != nil {
								t.Fatal(err)
							}
							mustEqual(t, f.Status, want, "the part's status")
							return
						}
						e := domainError(t, err)
						mustEqual(t, e.Code, redline.CodeInvalidTransition, "the code")
						mustEqual(t, e.Field, []string{"fulfillmentOrderId"}, "the path")
						goal := a.goal
						if goal == "" {
							goal = ended(f)
						}
						mustEqual(t, []string{e.From, e.To}, []string{string(status), string(goal)}, "from and to")
						mustEqual(t, e.Allowed, texts(f.NextFor(by, held)), "allowed")
					})
				}
			}
		}
	}
}

// TestCancelTable: what cancelling an order makes of its part, by its status and
// whose it is; of what a supplier has taken on it is asked, once.
func TestCancelTable(t *testing.T) {
	t.Parallel()
	const refused = ""
	const asked = redline.PartCancellationRequested
	for _, c := range []struct {
		name        string
		steps       []func(*redline.Transition) error
		ours, acmes redline.FulfillmentOrderStatus
		gives       int
		was         redline.FulfillmentOrderStatus
	}{
		{"submitted", nil, redline.PartCancelled, redline.PartCancelled, 4, ""},
		{"accepted", []func(*redline.Transition) error{acceptAll}, redline.PartCancelled, asked, 4, redline.PartAccepted},
		{"partially accepted", []func(*redline.Transition) error{acceptTwo}, redline.PartCancelled, asked, 2, redline.PartPartiallyAccepted},
		{"in progress", []func(*redline.Transition) error{shipOne}, redline.PartClosed, asked, 3, redline.PartInProgress},
		{"rejected", []func(*redline.Transition) error{reject}, redline.PartRejected, redline.PartRejected, 0, ""},
		{"closed", []func(*redline.Transition) error{shipAll}, refused, refused, 0, ""},
		{"cancelled", []func(*redline.Transition) error{cancel}, refused, refused, 0, ""},
		{"asked", []func(*redline.Transition) error{acceptAll, cancel}, refused, refused, 0, ""},
		{"held", []func(*redline.Transition) error{hold}, refused, refused, 0, ""},
	} {
		for supplier, want := range map[string]redline.FulfillmentOrderStatus{"": c.ours, acme: c.acmes} {
			for name, apply := range map[string]func(*redline.Transition) error{"cancel": cancel, "set": setStatus(redline.OrderCancelled)} {
				t.Run(fmt.Sprintf("%s/%s/%s", c.name, supplier, name), func(t *testing.T) {
					t.Parallel()
					by := as(redline.RoleOperator)
					o := orderOfFour(t, supplier)
					for _, step := range c.steps {
						mustDo(t, o, by, step)
					}
					before := o.Status
					change, err := do(o, by, apply)
					if want == refused {
						e := domainError(t, err)
						mustEqual(t, e.Code, redline.CodeInvalidTransition, "the code")
						mustEqual(t, []string{e.From, e.To}, []string{string(before), string(redline.OrderCancelled)}, "from and to")
						allowed := o.NextFor(by)
						if name == "set" {
							allowed = settable(o, by)
						}
						mustEqual(t, e.Allowed, texts(allowed), "allowed")
						return
					}
					if err != nil {
						t.Fatal(err)
					}
					mustEqual(t, o.FulfillmentOrders[0].Status, want, "the part's status")
					back := 0
					for _, e := range change.Stock {
						mustEqual(t, e.Reason, redline.ReasonCancelled, "the reason")
						back -= e.Delta[redline.StateCommitted]
					}
					if want == asked {
						mustEqual(t, []any{back, *o.FulfillmentOrders[0].StatusBefore, o.Status},
							[]any{0, c.was, o.RollUp()}, "what is given back, and what the part was")
						return
					}
					mustEqual(t, back, c.gives, "what is given back")
				})
			}
		}
	}
}

// TestCancelNamesWhoIsBeingAsked: while nothing is left but what suppliers are
// being asked to cancel, a second cancellation is refused and says so, but never
// to a supplier, whom others' parts don't concern.
func TestCancelNamesWhoIsBeingAsked(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 3)
	taken := addPart(o, "globex's", globex, 2)
	addPart(o, "acme's", acme, 2)
	mustDo(t, o, as(redline.RoleSupplier, globex), setStatus(redline.OrderProcessing))
	change := mustDo(t, o, as(redline.RoleCustomer), cancel)
	mustEqual(t, []any{taken.Status, o.Status, o.Lines[0].Cancelled, o.Lines[0].Open}, []any{redline.PartCancellationRequested, redline.OrderProcessing, 5, 2},
		"after the cancellation")
	mustEqual(t, change.Suppliers, []string{globex, acme}, "who is told")
	for _, apply := range []func(*redline.Transition) error{cancel, setStatus(redline.OrderCancelled)} {
		_, err := do(o, as(redline.RoleCustomer), apply)
		if e := domainError(t, err); e.Code != redline.CodeInvalidTransition || !strings.Contains(e.Message, taken.ID) {
			t.Errorf("the refusal doesn't name the part: %s", e.Message)
		}
		_, err = do(o, as(redline.RoleSupplier, acme), apply)
		if e := domainError(t, err); strings.Contains(e.Message, taken.ID) {
			t.Errorf("acme learns of another's part: %s", e.Message)
		}
	}
	// What waits again can be cancelled again.
	mustDo(t, o, as(redline.RoleSupplier, globex), func(tr *redline.Transition) error { return tr.RejectCancellation(taken.ID) })
	mustEqual(t, taken.Status, redline.PartAccepted, "the part that goes on")
	mustDo(t, o, as(redline.RoleCustomer), cancel)
	change = mustDo(t, o, as(redline.RoleSupplier, globex), func(tr *redline.Transition) error { return tr.AcceptCancellation(taken.ID) })
	mustEqual(t, []any{taken.Status, o.Status, o.Lines[0].Cancelled}, []any{redline.PartCancelled, redline.OrderCancelled, 7}, "after the supplier's word")
	mustEqual(t, change.Suppliers, []string{globex}, "who is told of it")
}

// TestWithdraw: what a location can't keep is loose and may come back to it,
// which what it has refused may not; what its supplier was asked to cancel is cancelled.
func TestWithdraw(t *testing.T) {
	t.Parallel()
	withdraw := func(n int) func(*redline.Transition) error {
		return func(tr *redline.Transition) error {
			part := onlyPart(tr)
			if err := tr.Withdraw(part.ID, part.Lines[0].ID, n); err != nil {
				return err
			}
			tr.Assign(map[string][]redline.Source{"chai": {{LocationID: "a place", Available: 1}}})
			return nil
		}
	}
	system := redline.System()
	for _, c := range []struct {
		name  string
		steps []func(*redline.Transition) error
		n     int
		part  redline.FulfillmentOrderStatus
		parts int
		// line is open, backordered, shipped and cancelled.
		line [4]int
	}{
		{"some of what was only asked for", nil, 3, redline.PartSubmitted, 2, [4]int{2, 2, 0, 0}},
		{"all of it", nil, 4, redline.PartCancelled, 2, [4]int{1, 3, 0, 0}},
		{"of what is accepted", []func(*redline.Transition) error{acceptAll}, 1, redline.PartAccepted, 2, [4]int{4, 0, 0, 0}},
		{"of what was refused in part", []func(*redline.Transition) error{acceptTwo}, 1, redline.PartPartiallyAccepted, 1, [4]int{1, 3, 0, 0}},
		{"the rest of what is under way", []func(*redline.Transition) error{shipOne}, 3, redline.PartClosed, 2, [4]int{1, 2, 1, 0}},
		{"what is to be cancelled", []func(*redline.Transition) error{acceptAll, cancel}, 4, redline.PartCancelled, 1, [4]int{0, 0, 0, 4}},
		{"what is made ready", []func(*redline.Transition) error{prepare, prepare}, 3, redline.PartInProgress, 2, [4]int{2, 2, 0, 0}},
		{"and accepted then", []func(*redline.Transition) error{withdraw(2), acceptAll}, 1, redline.PartAccepted, 3, [4]int{3, 1, 0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := orderOfFour(t, acme)
			for _, step := range c.steps {
				mustDo(t, o, as(redline.RoleOperator), step)
			}
			mustDo(t, o, system, withdraw(c.n))
			l := o.Lines[0]
			mustEqual(t, [4]int{l.Open, l.Backordered, l.Shipped, l.Cancelled}, c.line, "open, backordered, shipped and cancelled")
			mustEqual(t, []any{o.FulfillmentOrders[0].Status, len(o.FulfillmentOrders)}, []any{c.part, c.parts}, "the part's status, and how many there are")
			for _, s := range o.FulfillmentOrders[0].Fulfillments {
				mustEqual(t, s.Status == redline.ShipmentPending, false, "whether more is ready than remains")
			}
		})
	}
	o := orderOfFour(t, acme)
	for _, n := range []int{0, 5} {
		_, err := do(o, system, withdraw(n))
		mustEqual(t, domainError(t, err).Code, redline.CodeInvalid, "the code")
	}
	_, err := do(o, system, func(tr *redline.Transition) error { return tr.Withdraw("none", "none", 1) })
	mustEqual(t, domainError(t, err).Code, redline.CodeNotFound, "the code")
}

// TestRollUp is the rules' table of the order's status.
func TestRollUp(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	deliver := setStatus(redline.OrderDelivered)
	for _, c := range []struct {
		name  string
		steps []func(*redline.Transition) error
		// backordered is what of the order waits for stock.
		backordered int
		want        redline.OrderStatus
	}{
		{"placed", nil, 0, redline.OrderPending},
		{"placed, short", nil, 1, redline.OrderPending},
		{"rejected", []func(*redline.Transition) error{reject}, 0, redline.OrderPending},
		{"accepted", []func(*redline.Transition) error{acceptAll}, 0, redline.OrderProcessing},
		{"accepted in part", []func(*redline.Transition) error{acceptTwo}, 0, redline.OrderProcessing},
		{"shipped in part", []func(*redline.Transition) error{shipOne}, 0, redline.OrderPartiallyShipped},
		{"shipped but for one that is short", []func(*redline.Transition) error{shipAll}, 1, redline.OrderPartiallyShipped},
		{"delivered but for one that is short", []func(*redline.Transition) error{shipAll, deliver}, 1, redline.OrderPartiallyShipped},
		{"shipped", []func(*redline.Transition) error{shipAll}, 0, redline.OrderShipped},
		{"shipped in two", []func(*redline.Transition) error{shipOne, shipAll}, 0, redline.OrderShipped},
		{"one of two delivered", []func(*redline.Transition) error{shipOne, deliver, shipAll}, 0, redline.OrderShipped},
		{"both delivered", []func(*redline.Transition) error{shipOne, deliver, shipAll, deliver}, 0, redline.OrderDelivered},
		{"both delivered at once", []func(*redline.Transition) error{shipOne, shipAll, deliver}, 0, redline.OrderDelivered},
		{"shipped in part, the rest cancelled", []func(*redline.Transition) error{shipOne, cancel}, 0, redline.OrderShipped},
		{"delivered in part, the rest cancelled", []func(*redline.Transition) error{shipOne, deliver, cancel}, 0, redline.OrderDelivered},
		{"shipped, the short one cancelled", []func(*redline.Transition) error{shipAll, cancel}, 1, redline.OrderShipped},
		{"cancelled", []func(*redline.Transition) error{cancel}, 1, redline.OrderCancelled},
		{"rejected and cancelled", []func(*redline.Transition) error{reject, cancel}, 0, redline.OrderCancelled},
		{"held", []func(*redline.Transition) error{hold}, 0, redline.OrderOnHold},
		{"accepted and held", []func(*redline.Transition) error{acceptAll, hold}, 0, redline.OrderOnHold},
		{"shipped in part and held", []func(*redline.Transition) error{shipOne, hold}, 0, redline.OrderOnHold},
		{"released", []func(*redline.Transition) error{hold, release}, 0, redline.OrderPending},
		{"accepted, held and released", []func(*redline.Transition) error{acceptAll, hold, release}, 0, redline.OrderProcessing},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := newOrder(t)
			addLine(t, o, "chai", c.backordered)
			addPart(o, "east", "", 4)
			for _, step := range c.steps {
				mustDo(t, o, operator, step)
			}
			mustEqual(t, o.Status, c.want, "the order's status")
		})
	}
}

// TestSetStatusMovesOnlyOwnParts: a supplier moves what is its own, and each
// part gets one new version however much of it moved.
func TestSetStatusMovesOnlyOwnParts(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	mine, theirs := addPart(o, "acme's", acme, 3), addPart(o, "globex's", globex, 3)
	by := as(redline.RoleSupplier, acme)

	c := mustDo(t, o, by, setStatus(redline.OrderProcessing))
	mustEqual(t, []redline.FulfillmentOrderStatus{mine.Status, theirs.Status},
		[]redline.FulfillmentOrderStatus{redline.PartAccepted, redline.PartSubmitted}, "the parts after PROCESSING")
	mustEqual(t, c.Suppliers, []string{acme}, "who is told")
	mustDo(t, o, by, func(tr *redline.Transition) error {
		return tr.Ship(mine.ID, []redline.ShipLine{{LineID: mine.Lines[0].ID, Quantity: 1}}, redline.Shipment{})
	})
	mustDo(t, o, by, setStatus(redline.OrderShipped))
	mustEqual(t, []redline.FulfillmentOrderStatus{mine.Status, theirs.Status},
		[]redline.FulfillmentOrderStatus{redline.PartClosed, redline.PartSubmitted}, "the parts after SHIPPED")
	mustEqual(t, len(mine.Fulfillments), 2, "the number of shipments")

	version := mine.Version
	c = mustDo(t, o, by, setStatus(redline.OrderDelivered))
	mustEqual(t, []int{mine.Version, theirs.Version, len(c.Parts)}, []int{version + 1, 1, 1}, "the versions and what changed")
	for _, s := range mine.Fulfillments {
		mustEqual(t, s.Status, redline.ShipmentDelivered, "the shipment's status")
	}
	_, err := do(o, by, setStatus(redline.OrderDelivered))
	mustEqual(t, domainError(t, err).Code, redline.CodeInvalidTransition, "the code of a second DELIVERED")
}

// TestSetStatusTargets: PENDING, PARTIALLY_SHIPPED and ON_HOLD are nobody's to
// set, whatever the order is.
func TestSetStatusTargets(t *testing.T) {
	t.Parallel()
	for _, to := range []redline.OrderStatus{redline.OrderPending, redline.OrderPartiallyShipped, redline.OrderOnHold, "NONE"} {
		for _, by := range everybody() {
			o := orderOfFour(t, "")
			_, err := do(o, by, setStatus(to))
			e := domainError(t, err)
			mustEqual(t, *e, redline.Error{
				Code: redline.CodeInvalidTransition, Message: e.Message, Field: []string{"status"}, From: string(redline.OrderPending), To: string(to),
				Allowed: texts(settable(o, by)),
			}, "the refusal of %s", to)
			// A hold was among what is allowed, and refused as a status.
			mustEqual(t, strings.Contains(e.Message, "orderHold"), to == redline.OrderOnHold, "whether %q tells of orderHold", e.Message)
		}
	}
}

// settable is what an order may become by a status alone.
func settable(o *redline.Order, by redline.Principal) []redline.OrderStatus {
	return slices.DeleteFunc(o.NextFor(by), func(s redline.OrderStatus) bool { return s == redline.OrderOnHold })
}

// TestRefusalsNameTheirField: what can't be done to a whole order was refused
// without a path.
func TestRefusalsNameTheirField(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	for field, actions := range map[string][]func(*redline.Transition) error{
		"orderId": {cancel, hold, release},
		"status":  {setStatus(redline.OrderCancelled), setStatus(redline.OrderShipped), setStatus(redline.OrderOnHold)},
	} {
		for i, apply := range actions {
			o := orderOfFour(t, "")
			mustDo(t, o, operator, cancel)
			_, err := do(o, operator, apply)
			e := domainError(t, err)
			mustEqual(t, []any{e.Code, e.Field}, []any{redline.CodeInvalidTransition, []string{field}}, "refusal %d at %s", i, field)
		}
	}
}

// TestNextForTellsRolesApart: what an order may become is by whose hand.
func TestNextForTellsRolesApart(t *testing.T) {
	t.Parallel()
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	part := addPart(o, "acme's", acme, 2)
	everything := []redline.OrderStatus{redline.OrderProcessing, redline.OrderOnHold, redline.OrderShipped, redline.OrderCancelled}
	works := []redline.OrderStatus{redline.OrderProcessing, redline.OrderShipped}
	for i, c := range []struct {
		by    redline.Principal
		order []redline.OrderStatus
		part  []redline.FulfillmentOrderStatus
	}{
		{redline.Anonymous(), nil, nil},
		{as(redline.RoleStorefront), []redline.OrderStatus{redline.OrderCancelled}, []redline.FulfillmentOrderStatus{redline.PartCancelled}},
		{as(redline.RoleCustomer), []redline.OrderStatus{redline.OrderCancelled}, []redline.FulfillmentOrderStatus{redline.PartCancelled}},
		{narrowed(as(redline.RoleCustomer), redline.ScopeOrdersRead), nil, nil},
		{as(redline.RoleSupplier, acme), works, []redline.FulfillmentOrderStatus{
			redline.PartAccepted, redline.PartPartiallyAccepted, redline.PartRejected, redline.PartInProgress, redline.PartClosed,
		}},
		{as(redline.RoleSupplier, globex), nil, nil},
		{narrowed(as(redline.RoleSupplier, acme), redline.ScopeOrdersRead), nil, nil},
		{as(redline.RoleOperator), everything, []redline.FulfillmentOrderStatus{
			redline.PartAccepted, redline.PartPartiallyAccepted, redline.PartRejected, redline.PartInProgress, redline.PartClosed,
			redline.PartCancelled,
		}},
	} {
		if got := o.NextFor(c.by); !slices.Equal(got, c.order) {
			t.Errorf("%d: the order may become %v by %s's hand, want %v", i, got, c.by.Role, c.order)
		}
		if got := part.NextFor(c.by, false); !slices.Equal(got, c.part) {
			t.Errorf("%d: the part may become %v by %s's hand, want %v", i, got, c.by.Role, c.part)
		}
		mustEqual(t, part.NextFor(c.by, true), []redline.FulfillmentOrderStatus{}, "what a held part may become")
	}
}

// TestOthersPartsDontExist: a part or shipment of somebody else's is refused in
// the words for one that isn't there.
func TestOthersPartsDontExist(t *testing.T) {
	t.Parallel()
	const unknown = "no such thing"
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	theirs := addPart(o, "globex's", globex, 2)
	addPart(o, "acme's", acme, 2)
	mustDo(t, o, as(redline.RoleSupplier, globex), setStatus(redline.OrderShipped))
	by := as(redline.RoleSupplier, acme)
	for name, apply := range map[string]func(id string) func(*redline.Transition) error{
		"accept": func(id string) func(*redline.Transition) error {
			return func(tr *redline.Transition) error { return tr.Accept(id, nil) }
		},
		"reject": func(id string) func(*redline.Transition) error {
			return func(tr *redline.Transition) error { return tr.Reject(id) }
		},
		"ship": func(id string) func(*redline.Transition) error {
			return func(tr *redline.Transition) error { return tr.Ship(id, nil, redline.Shipment{}) }
		},
		"deliver": func(id string) func(*redline.Transition) error {
			return func(tr *redline.Transition) error { return tr.Deliver(id, nil) }
		},
	} {
		field, id := "fulfillmentOrderId", theirs.ID
		if name == "deliver" {
			field, id = "fulfillmentId", theirs.Fulfillments[0].ID
		}
		_, err := do(o, by, apply(id))
		got := domainError(t, err)
		_, err = do(o, by, apply(unknown))
		none := domainError(t, err)
		mustEqual(t, got.Code, redline.CodeNotFound, "the code of %s", name)
		mustEqual(t, got.Field, []string{field}, "the path of %s", name)
		mustEqual(t, strings.Replace(got.Message, id, unknown, 1), none.Message, "the words of %s", name)
		mustEqual(t, got.Allowed, none.Allowed, "allowed of %s", name)
	}
}

// TestWrongInput: each wrong answer or shipment is refused at its path, and
// changes nothing.
func TestWrongInput(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	base := newOrder(t)
	addLine(t, base, "chai", 0)
	addLine(t, base, "hot sauce", 0)
	f := addPart(base, "acme's", acme, 3, 2)
	one, two := f.Lines[0].ID, f.Lines[1].ID
	accept := func(r ...redline.LineResponse) func(*redline.Transition) error {
		return func(tr *redline.Transition) error { return tr.Accept(f.ID, r) }
	}
	ship := func(l ...redline.ShipLine) func(*redline.Transition) error {
		return func(tr *redline.Transition) error { return tr.Ship(f.ID, l, redline.Shipment{}) }
	}
	for _, c := range []struct {
		name  string
		apply func(*redline.Transition) error
		code  redline.ErrorCode
		field []string
	}{
		{"an unknown line", accept(redline.LineResponse{LineID: one, Accepted: 1}, redline.LineResponse{LineID: "?", Accepted: 1}),
			redline.CodeNotFound, []string{"lines", "1", "lineId"}},
		{"a line twice", accept(redline.LineResponse{LineID: one, Accepted: 1}, redline.LineResponse{LineID: one, Accepted: 1}),
			redline.CodeInvalid, []string{"lines", "1", "lineId"}},
		{"more than the line", accept(redline.LineResponse{LineID: one, Accepted: 4}, redline.LineResponse{LineID: two}),
			redline.CodeInvalid, []string{"lines", "0", "accepted"}},
		{"less than nothing", accept(redline.LineResponse{LineID: one}, redline.LineResponse{LineID: two, Accepted: -1}),
			redline.CodeInvalid, []string{"lines", "1", "accepted"}},
		{"a line left out", accept(redline.LineResponse{LineID: two, Accepted: 1}), redline.CodeInvalid, []string{"lines"}},
		{"nothing", accept(redline.LineResponse{LineID: one}, redline.LineResponse{LineID: two}), redline.CodeInvalid, []string{"lines"}},
		{"shipping an unknown line", ship(redline.ShipLine{LineID: "?", Quantity: 1}), redline.CodeNotFound, []string{"lines", "0", "lineId"}},
		{"shipping a line twice", ship(redline.ShipLine{LineID: two, Quantity: 1}, redline.ShipLine{LineID: two, Quantity: 1}),
			redline.CodeInvalid, []string{"lines", "1", "lineId"}},
		{"shipping nothing of a line", ship(redline.ShipLine{LineID: one}), redline.CodeInvalid, []string{"lines", "0", "quantity"}},
		{"shipping less than nothing", ship(redline.ShipLine{LineID: one, Quantity: -1}), redline.CodeInvalid, []string{"lines", "0", "quantity"}},
		{"shipping too much", ship(redline.ShipLine{LineID: one, Quantity: 1}, redline.ShipLine{LineID: two, Quantity: redline.MaxQuantity}),
			redline.CodeInvalid, []string{"lines", "1", "quantity"}},
		{"shipping tomorrow", func(tr *redline.Transition) error {
			return tr.Ship(f.ID, nil, redline.Shipment{ShippedAt: ptr(tr.Now.Add(time.Nanosecond))})
		}, redline.CodeInvalid, []string{"shippedAt"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			o := clone(base)
			_, err := do(o, operator, c.apply)
			e := domainError(t, err)
			mustEqual(t, e.Code, c.code, "the code")
			mustEqual(t, e.Field, c.field, "the path")
			mustEqual(t, o, clone(base), "the order")
		})
	}
}

// TestAllThatIsWrong: only the first of several wrong lines was named.
func TestAllThatIsWrong(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	base := newOrder(t)
	addLine(t, base, "chai", 0)
	addLine(t, base, "hot sauce", 0)
	f := addPart(base, "acme's", acme, 3, 2)
	one, two := f.Lines[0].ID, f.Lines[1].ID
	shipped := clone(base)
	mustDo(t, shipped, operator, setStatus(redline.OrderShipped))
	announced := clone(shipped)
	var r *redline.Return
	mustDo(t, announced, operator, func(tr *redline.Transition) (err error) {
		r, err = tr.Announce([]redline.ReturnLineInput{{OrderLineID: base.Lines[0].ID, Quantity: 3}, {OrderLineID: base.Lines[1].ID, Quantity: 2}}, nil)
		return err
	})
	for name, c := range map[string]struct {
		order *redline.Order
		apply func(*redline.Transition) error
		want  []string
	}{
		"accepting": {base, func(tr *redline.Transition) error {
			return tr.Accept(f.ID, []redline.LineResponse{{LineID: one, Accepted: 4}, {LineID: "?"}, {LineID: one}})
		}, []string{"INVALID lines.0.accepted", "NOT_FOUND lines.1.lineId", "INVALID lines.2.lineId"}},
		"shipping": {base, func(tr *redline.Transition) error {
			return tr.Ship(f.ID, []redline.ShipLine{{LineID: one, Quantity: 4}, {LineID: "?", Quantity: 1}, {LineID: two}, {LineID: two, Quantity: 1}}, redline.Shipment{})
		}, []string{"INVALID lines.0.quantity", "NOT_FOUND lines.1.lineId", "INVALID lines.2.quantity", "INVALID lines.3.lineId"}},
		"shipping more than is left": {base, func(tr *redline.Transition) error {
			err := tr.Ship(f.ID, []redline.ShipLine{{LineID: one, Quantity: 4}, {LineID: two, Quantity: 3}}, redline.Shipment{})
			mustEqual(t, len(tr.Excess()), 2, "what is told beyond what was left")
			return err
		}, []string{"INVALID lines.0.quantity", "INVALID lines.1.quantity"}},
		"announcing": {shipped, func(tr *redline.Transition) error {
			_, err := tr.Announce([]redline.ReturnLineInput{
				{OrderLineID: base.Lines[0].ID, Quantity: 4}, {OrderLineID: base.Lines[0].ID, Quantity: 1}, {OrderLineID: "?", Quantity: 1},
				{OrderLineID: base.Lines[1].ID},
			}, nil)
			return err
		}, []string{"INVALID lines.0.quantity", "INVALID lines.1.orderLineId", "NOT_FOUND lines.2.orderLineId", "INVALID lines.3.quantity"}},
		"receiving": {announced, func(tr *redline.Transition) error {
			return tr.Receive(r.ID, []redline.ReturnReceiptInput{
				{LineID: r.Lines[0].ID, Restock: 4}, {LineID: r.Lines[0].ID, Restock: 1}, {LineID: "?"}, {LineID: r.Lines[1].ID, WriteOff: 3},
			}, nil)
		}, []string{"INVALID lines.0.restock", "INVALID lines.1.lineId", "NOT_FOUND lines.2.lineId", "INVALID lines.3.writeOff"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := clone(c.order)
			_, err := do(o, operator, c.apply)
			var all redline.Errors
			if !errors.As(err, &all) {
				t.Fatalf("got %v, want all that is wrong", err)
			}
			var got []string
			for _, e := range all {
				got = append(got, string(e.Code)+" "+strings.Join(e.Field, "."))
			}
			mustEqual(t, got, c.want, "the refusals")
			mustEqual(t, o, clone(c.order), "the order")
		})
	}
}

// TestDelivery: between the shipping and now, once, and on hold too.
func TestDelivery(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	o := orderOfFour(t, "")
	carrier := ptr("Federal Shipping")
	mustDo(t, o, operator, func(tr *redline.Transition) error {
		return tr.Ship(onlyPart(tr).ID, []redline.ShipLine{{LineID: onlyPart(tr).Lines[0].ID, Quantity: 3}},
			redline.Shipment{Carrier: carrier, ShippedAt: ptr(placedAt)})
	})
	s := o.FulfillmentOrders[0].Fulfillments[0]
	mustEqual(t, []any{*s.ShippedAt, s.Carrier, s.DeliveredAt}, []any{placedAt, carrier, (*time.Time)(nil)}, "the shipment")

	early := placedAt.Add(-time.Nanosecond)
	_, err := do(o, operator, func(tr *redline.Transition) error { return tr.Deliver(s.ID, &early) })
	mustEqual(t, domainError(t, err).Field, []string{"deliveredAt"}, "the path where it arrives before it left")
	_, err = do(o, operator, func(tr *redline.Transition) error { return tr.Deliver(s.ID, ptr(tr.Now.Add(time.Nanosecond))) })
	mustEqual(t, domainError(t, err).Field, []string{"deliveredAt"}, "the path where it arrives tomorrow")

	mustDo(t, o, operator, hold)
	mustDo(t, o, operator, func(tr *redline.Transition) error { return tr.Deliver(s.ID, ptr(placedAt)) })
	mustEqual(t, []any{s.Status, *s.DeliveredAt, o.Status}, []any{redline.ShipmentDelivered, placedAt, redline.OrderOnHold}, "after the delivery")

	_, err = do(o, operator, func(tr *redline.Transition) error { return tr.Deliver(s.ID, nil) })
	e := domainError(t, err)
	mustEqual(t, *e, redline.Error{
		Code: redline.CodeInvalidTransition, Message: e.Message, Field: []string{"fulfillmentId"},
		From: string(redline.ShipmentDelivered), To: string(redline.ShipmentDelivered), Allowed: []string{},
	}, "the second delivery")
}

// TestHoldAndRelease: the reason stands while it holds, and in the history.
func TestHoldAndRelease(t *testing.T) {
	t.Parallel()
	operator := as(redline.RoleOperator)
	o := newOrder(t)
	addLine(t, o, "chai", 0)
	addPart(o, "acme's", acme, 1)
	addPart(o, "globex's", globex, 1)

	c := mustDo(t, o, operator, hold)
	mustEqual(t, []any{*o.HoldReason, *c.History.Note, c.Suppliers}, []any{"a reason", "a reason", []string{acme, globex}}, "the hold")
	_, err := do(o, operator, hold)
	e := domainError(t, err)
	mustEqual(t, []any{e.Code, e.From, e.To, e.Allowed},
		[]any{redline.CodeInvalidTransition, string(redline.OrderOnHold), string(redline.OrderOnHold), []string{string(redline.OrderPending)}},
		"the second hold")

	mustDo(t, o, operator, release)
	mustEqual(t, o.HoldReason, (*string)(nil), "the reason after the release")
	_, err = do(o, operator, release)
	e = domainError(t, err)
	mustEqual(t, []any{e.Code, e.From, e.Allowed},
		[]any{redline.CodeInvalidTransition, string(redline.OrderPending), texts(o.NextFor(operator))}, "the second release")

	mustDo(t, o, operator, setStatus(redline.OrderShipped))
	_, err = do(o, operator, hold)
	mustEqual(t, domainError(t, err).From, string(redline.OrderShipped), "what a shipped order can't be held from")
}
