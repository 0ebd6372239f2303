package store

import (
	"context"
	"strings"
	"time"

	"redline"
)

// lockOrder locks one order that the principal may see and loads all of it,
// unmasked: what it becomes follows from every part. It returns nil where there
// is none to see.
func (m *mutation) lockOrder(ctx context.Context, cond string, args ...any) (*redline.Order, error) {
	q := &query{}
	q.seeOrders(m.by)
	q.and(cond, args...)
	var rows []struct {
		ID  string
		Now time.Time
	}
	err := m.tx.SelectContext(ctx, &rows, `/* orders.lock */ WITH o AS MATERIALIZED (SELECT o.* FROM orders o`+q.where()+` FOR NO KEY UPDATE OF o)
		SELECT o.id, clock_timestamp() AS now FROM o`, q.args...)
	if err != nil {
		return nil, dbError("locking an order", err)
	}
	if len(rows) == 0 {
		return nil, nil
	}
	m.now = rows[0].Now
	found, err := m.loadLocked(ctx, []string{rows[0].ID})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// orderChange is one transition of one order.
type orderChange struct {
	request
	// cond and arg find the order; field is the input's path to arg, and what
	// its name for people.
	cond  string
	arg   string
	field string
	what  string
	note  noted
	// touches says whether the principal may work on what arg names; nil where
	// seeing the order is enough.
	touches func(*redline.Order) bool
	// check looks at expected versions.
	check func(*redline.Order) error
	apply func(*redline.Transition) error
}

// changedOrder is what an idempotency key keeps of a changed order: which it
// is, and the part that changed, where it was one.
type changedOrder struct {
	OrderID string `json:"orderId"`
	PartID  string `json:"partId,omitempty"`
}

// changeOrder locks an order, applies a transition and writes what came of it.
func (s *Store) changeOrder(ctx context.Context, p redline.Principal, c orderChange) (changedOrder, redline.Outcome, error) {
	c.subject = c.arg
	return mutate(ctx, s, p, c.request, func(ctx context.Context, m *mutation) (changedOrder, error) {
		var none changedOrder
		if err := checkText(c.note.field, c.note.text); err != nil {
			return none, err
		}
		o, err := m.lockOrder(ctx, c.cond, c.arg)
		if err != nil {
			return none, err
		}
		// What the principal may not work on looks like what isn't there.
		if o == nil || c.touches != nil && !c.touches(o) {
			return none, redline.NotFound([]string{c.field}, "there is no %s %.60q that you may work on", c.what, c.arg)
		}
		if c.check != nil {
			if err := c.check(o); err != nil {
				return none, err
			}
		}
		t := redline.NewTransition(o, p, m.now)
		t.Note = c.note.text
		if err := c.apply(t); err != nil {
			return none, err
		}
		part, err := m.writeChange(ctx, t)
		return changedOrder{OrderID: o.ID, PartID: part}, err
	})
}

// writeChange writes a transition: its effects on stock, where what got loose
// goes, the order's rows and the event. What it made available goes to those who
// wait. It answers the one part that changed, if it was one.
func (m *mutation) writeChange(ctx context.Context, t *redline.Transition) (string, error) {
	for _, late := range t.Late() {
		if err := m.tellLate(ctx, t.Order, late); err != nil {
			return "", err
		}
	}
	if err := m.settleExcess(ctx, t.Left()); err != nil {
		return "", err
	}
	if err := m.writeChanges(ctx, []*redline.Transition{t}); err != nil {
		return "", err
	}
	if part := t.OnlyPart(); part != nil {
		return *part, nil
	}
	return "", nil
}

// writeChanges writes transitions of orders, whose rows are locked, as
// writeChange does one.
func (m *mutation) writeChanges(ctx context.Context, changes []*redline.Transition) error {
	var keys []levelKey
	var loose, freed, orders []string
	arrives := false
	for _, t := range changes {
		orders = append(orders, t.Order.ID)
		loose = append(loose, t.Loose()...)
		for _, e := range t.Stock() {
			keys = append(keys, levelKey{e.ProductID, e.LocationID})
			if e.Frees() {
				freed = append(freed, e.ProductID)
			}
			arrives = arrives || e.Delta[redline.StateOnHand] > 0
		}
	}
	waiting, err := m.lockWaiting(ctx, freed, orders...)
	if err != nil {
		return err
	}
	levels, err := m.lockEffects(ctx, keys, loose, arrives)
	if err != nil {
		return err
	}
	if err := m.carryOut(ctx, changes, levels); err != nil {
		return err
	}
	// The orders that changed may wait for it as well, in their turn.
	if len(freed) > 0 {
		for _, t := range changes {
			waiting = append(waiting, t.Order)
		}
		byAge(waiting)
	}
	return m.fill(ctx, waiting, levels)
}

// carryOut applies transitions to locked levels, assigns what they made loose to
// what is there then, and writes the orders.
func (m *mutation) carryOut(ctx context.Context, changes []*redline.Transition, levels map[levelKey]*lockedLevel) error {
	for _, t := range changes {
		effects := t.TakeStock()
		if err := m.leaveOut(ctx, effects); err != nil {
			return err
		}
		if err := m.applyEffects(t.Order.Number, effects, levels); err != nil {
			return err
		}
	}
	for _, t := range changes {
		if len(t.Loose()) == 0 {
			continue
		}
		t.Assign(shelvesOf(levels))
		if err := m.applyEffects(t.Order.Number, t.TakeStock(), levels); err != nil {
			return err
		}
	}
	return m.writeOrders(ctx, changes)
}

// lockEffects locks the levels that are changed, which are made where something
// arrives; and, of products that are wanted elsewhere, all.
func (m *mutation) lockEffects(ctx context.Context, keys []levelKey, loose []string, arrives bool) (map[levelKey]*lockedLevel, error) {
	switch {
	case len(loose) > 0:
		for _, k := range keys {
			loose = append(loose, k.product)
		}
		return m.lockAll(ctx, loose)
	case len(keys) > 0:
		return m.lockKeys(ctx, keys, arrives)
	}
	return nil, nil
}

// applyEffects changes locked levels as a change of an order says: one change
// for each level.
func (m *mutation) applyEffects(number string, effects []redline.StockEffect, levels map[levelKey]*lockedLevel) error {
	sum := map[levelKey]redline.StockEffect{}
	var keys []levelKey
	for _, e := range effects {
		k := levelKey{e.ProductID, e.LocationID}
		all, ok := sum[k]
		if !ok {
			keys = append(keys, k)
			all = redline.StockEffect{Delta: redline.Delta{}, Reason: e.Reason, At: e.At}
		}
		for s, n := range e.Delta {
			all.Delta[s] += n
		}
		all.Ship += e.Ship
		all.Fact = all.Fact || e.Fact
		sum[k] = all
	}
	for _, k := range keys {
		l, e := levels[k], sum[k]
		if e.Ship > 0 {
			e.Delta[redline.StateOnHand] = -min(e.Ship, l.OnHand)
		}
		c := stockChange{delta: e.Delta, fact: e.Fact, reason: e.Reason, reference: &number}
		if e.At != nil {
			c.occurredAt = *e.At
		}
		if err := m.change(l, c); err != nil {
			return err
		}
	}
	return nil
}

// writeOrders finishes transitions, whose effects on stock are applied, writes
// the orders' rows and tells of them.
func (m *mutation) writeOrders(ctx context.Context, changes []*redline.Transition) error {
	updates := make([]orderUpdate, len(changes))
	var made []*redline.FulfillmentOrder
	for i, t := range changes {
		updates[i] = orderUpdate{t.Order, t.Finish()}
		made = append(made, updates[i].Made...)
	}
	if err := m.freezePacks(ctx, made); err != nil {
		return err
	}
	if err := updateOrders(ctx, m.tx, updates); err != nil {
		return err
	}
	for i, u := range updates {
		if err := m.tellOrder(u.Order, &u.From, changes[i].OnlyPart(), u.Suppliers); err != nil {
			return err
		}
	}
	return nil
}

func needReason(reason string) error {
	if strings.TrimSpace(reason) == "" {
		return redline.Invalid([]string{"reason"}, "say why")
	}
	return nil
}

// noted is what the history notes of a change, and the input's path to it.
type noted struct {
	text  *string
	field string
}

// changeWhole changes an order that is named by its id; the version that is
// expected is the order's.
func (s *Store) changeWhole(
	ctx context.Context, p redline.Principal, r request, orderID string, expected *int, note noted, apply func(*redline.Transition) error,
) (string, redline.Outcome, error) {
	o, outcome, err := s.changeOrder(ctx, p, orderChange{
		request: r, cond: "o.id = %s", arg: orderID, field: "orderId", what: "order", note: note, apply: apply,
		check: func(o *redline.Order) error { return expectVersion(expected, o.Version) },
	})
	return o.OrderID, outcome, err
}

func expectVersion(expected *int, version int) error {
	if expected != nil && *expected != version {
		return versionMismatch([]string{"expectedVersion"}, *expected, version)
	}
	return nil
}

// OrderCancel cancels what hasn't shipped of an order, and gives back what it
// holds; of what suppliers have taken on they are asked.
func (s *Store) OrderCancel(ctx context.Context, p redline.Principal, in redline.OrderCancelInput) (string, redline.Outcome, error) {
	r := request{action: "orderCancel", key: &in.IdempotencyKey, input: in}
	return s.changeWhole(ctx, p, r, in.OrderID, in.ExpectedVersion, noted{&in.Reason, "reason"}, func(t *redline.Transition) error {
		if err := needReason(in.Reason); err != nil {
			return err
		}
		return t.Cancel()
	})
}

// OrderHold stops an order until it is released.
func (s *Store) OrderHold(ctx context.Context, p redline.Principal, in redline.OrderHoldInput) (string, redline.Outcome, error) {
	r := request{action: "orderHold", key: in.IdempotencyKey, input: in}
	return s.changeWhole(ctx, p, r, in.OrderID, in.ExpectedVersion, noted{&in.Reason, "reason"}, func(t *redline.Transition) error {
		if err := needReason(in.Reason); err != nil {
			return err
		}
		return t.Hold(in.Reason)
	})
}

// OrderReleaseHold lets a held order go on.
func (s *Store) OrderReleaseHold(ctx context.Context, p redline.Principal, in redline.OrderReleaseHoldInput) (string, redline.Outcome, error) {
	r := request{action: "orderReleaseHold", key: in.IdempotencyKey, input: in}
	return s.changeWhole(ctx, p, r, in.OrderID, in.ExpectedVersion, noted{}, (*redline.Transition).ReleaseHold)
}

// OrderSetStatus moves every part of an order that the principal may touch.
func (s *Store) OrderSetStatus(ctx context.Context, p redline.Principal, in redline.OrderStatusInput) (string, redline.Outcome, error) {
	r := request{action: "orderSetStatus", key: &in.IdempotencyKey, input: in}
	return s.changeWhole(ctx, p, r, in.OrderID, in.ExpectedVersion, noted{in.Note, "note"},
		func(t *redline.Transition) error { return t.SetStatus(in.Status) })
}

const orderOfPart = "o.id = (SELECT f.order_id FROM fulfillment_orders f WHERE f.id = %s)"

// changePart changes one part of an order; the version that is expected is the
// part's.
func (s *Store) changePart(
	ctx context.Context, p redline.Principal, r request, partID string, expected *int, note noted, apply func(*redline.Transition) error,
) (string, redline.Outcome, error) {
	_, outcome, err := s.changeOrder(ctx, p, orderChange{
		request: r, cond: orderOfPart, arg: partID, field: "fulfillmentOrderId", what: "fulfilment order",
		note: note, apply: apply,
		touches: func(o *redline.Order) bool { return o.Part(partID).TouchableBy(p) },
		check:   func(o *redline.Order) error { return expectVersion(expected, o.Part(partID).Version) },
	})
	return partID, outcome, err
}

// FulfillmentOrderAccept takes a part on, all of it or some. The rest goes to
// another location, else is backordered.
func (s *Store) FulfillmentOrderAccept(
	ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentOrderAccept", key: in.IdempotencyKey, input: in}
	return s.changePart(ctx, p, r, in.FulfillmentOrderID, in.ExpectedVersion, reasons(in),
		func(t *redline.Transition) error { return t.Accept(in.FulfillmentOrderID, in.Lines) })
}

// reasons puts the reasons of an answer and of its lines into one note.
func reasons(in redline.FulfillmentOrderRespondInput) noted {
	if in.Reason != nil && len(*in.Reason) > textMax {
		return noted{in.Reason, "reason"}
	}
	all := appendSet(nil, in.Reason)
	for _, l := range in.Lines {
		all = appendSet(all, l.Reason)
	}
	if len(all) == 0 {
		return noted{}
	}
	note := strings.Join(all, "; ")
	return noted{&note, "lines"}
}

// FulfillmentOrderReject refuses a part; what it held goes to another location,
// else is backordered.
func (s *Store) FulfillmentOrderReject(
	ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput,
) (string, redline.Outcome, error) {
	r := request{action: "fulfillmentOrderReject", key: in.IdempotencyKey, input: in}
	return s.changePart(ctx, p, r, in.FulfillmentOrderID, in.ExpectedVersion, reasons(in), func(t *redline.Transition) error {
		if in.Lines != nil {
			return redline.Invalid([]string{"lines"}, "a reject is of all of it; to refuse a part, accept the rest")
		}
		return t.Reject(in.FulfillmentOrderID)
	})
}

// FulfillmentOrderAcceptCancellation cancels a part as its supplier was asked to.
func (s *Store) FulfillmentOrderAcceptCancellation(
	ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput,
) (string, redline.Outcome, error) {
	return s.answerCancellation(ctx, p, "fulfillmentOrderAcceptCancellation", in, (*redline.Transition).AcceptCancellation)
}

// FulfillmentOrderRejectCancellation has a part go on that its supplier was asked
// to cancel.
func (s *Store) FulfillmentOrderRejectCancellation(
	ctx context.Context, p redline.Principal, in redline.FulfillmentOrderRespondInput,
) (string, redline.Outcome, error) {
	return s.answerCancellation(ctx, p, "fulfillmentOrderRejectCancellation", in, (*redline.Transition).RejectCancellation)
}

func (s *Store) answerCancellation(
	ctx context.Context, p redline.Principal, action string, in redline.FulfillmentOrderRespondInput,
	answer func(*redline.Transition, string) error,
) (string, redline.Outcome, error) {
	r := request{action: action, key: in.IdempotencyKey, input: in}
	return s.changePart(ctx, p, r, in.FulfillmentOrderID, in.ExpectedVersion, reasons(in), func(t *redline.Transition) error {
		if in.Lines != nil {
			return redline.Invalid([]string{"lines"}, "a cancellation is of all that remains; ship what is not to be cancelled")
		}
		return answer(t, in.FulfillmentOrderID)
	})
}
