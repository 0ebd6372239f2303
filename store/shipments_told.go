package store

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"redline"
)

// Where what a supplier tells of its shipments isn't what was agreed on, a
// conflict says so, and holds what resolving it needs.

func causeShipAfterCancel(partID string) string      { return "SHIP_AFTER_CANCEL " + partID }
func causeQuantityExceedsOrder(partID string) string { return "QUANTITY_EXCEEDS_ORDER " + partID }

// heldShipments are the shipments of a part that left after it had ended.
type heldShipments struct {
	OrderID     string   `json:"orderId"`
	ShipmentIDs []string `json:"shipmentIds"`
}

// heldExcess is what a supplier said of a shipment of more than was left.
type heldExcess struct {
	Input  redline.FulfillmentCreateInput `json:"input"`
	ToldAt time.Time                      `json:"toldAt"`
	// Key is the idempotency key of the call, Issuer and Subject whose it is, and
	// Hash what it is bound to.
	Key     string `json:"key"`
	Issuer  string `json:"issuer"`
	Subject string `json:"subject"`
	Hash    []byte `json:"hash"`
	// Left says of the part's shipments at that time, by their ids, whether they
	// had left.
	Left map[string]bool `json:"left"`
}

// call is the call that was refused.
func (h *heldExcess) call() *call {
	return &call{
		request: request{action: "fulfillmentCreate", key: &h.Key}, by: redline.Principal{Issuer: h.Issuer, Subject: h.Subject}, hash: h.Hash,
	}
}

// heldBefore reads what the conflict that is open for a cause holds, if there is
// one. The order's lock keeps others from telling of the cause meanwhile.
func (m *mutation) heldBefore(ctx context.Context, cause string, held any) error {
	var text []byte
	err := scanRows(ctx, m.tx, "reading what a conflict holds", `/* shipments.held */ SELECT held FROM conflicts WHERE cause = $1 AND status = 'OPEN'`,
		[]any{cause}, []any{&text}, func() error { return nil })
	if err != nil || text == nil {
		return err
	}
	if err := json.Unmarshal(text, held); err != nil {
		return fmt.Errorf("reading what a conflict holds: %w", err)
	}
	return nil
}

// tellLate opens the conflict of a part of which a shipment left after it had
// ended. One that is open tells of all of them.
func (m *mutation) tellLate(ctx context.Context, o *redline.Order, late redline.LateShipment) error {
	f := late.Part
	held := heldShipments{OrderID: o.ID}
	if err := m.heldBefore(ctx, causeShipAfterCancel(f.ID), &held); err != nil {
		return err
	}
	held.ShipmentIDs = append(held.ShipmentIDs, late.Shipment.ID)
	// When its stock was given back, the ledger says.
	var ended *time.Time
	err := scanRows(ctx, m.tx, "reading when a part ended", `/* shipments.part_ended */ SELECT max(recorded_at) FROM inventory_movements
		WHERE reference = $1 AND location_id = $2 AND reason IN ($3, $4)`,
		[]any{o.Number, f.LocationID, string(redline.ReasonCancelled), string(redline.ReasonReleased)}, []any{&ended}, func() error { return nil })
	if err != nil {
		return err
	}
	facts := redline.Attributes{{Name: "order", Value: o.Number}}
	if ended != nil {
		facts = append(facts, redline.Attribute{Name: "cancelledAt", Value: stamp(*ended)})
	}
	for _, id := range held.ShipmentIDs {
		_, s := o.Shipment(id)
		for _, sent := range s.Lines {
			facts = append(facts, redline.Attribute{Name: "shipped " + sku(o, sent.OrderLineID), Value: strconv.Itoa(sent.Quantity)})
		}
		facts = append(facts, redline.Attribute{Name: "shippedAt", Value: stamp(*s.ShippedAt)})
		facts = appendParcel(facts, s.Carrier, s.TrackingNumber)
	}
	m.conflict(conflictOpening{
		kind: redline.ConflictShipAfterCancel, cause: causeShipAfterCancel(f.ID), supplierID: f.SupplierID, subjectID: &f.ID, facts: facts, held: held,
		summary: fmt.Sprintf("Goods of order %s have left after the supplier was not to ship them any more.", o.Number),
	})
	return nil
}

// tellExcess opens the conflict of a part of which its supplier says that it
// shipped more than was left to ship.
func (m *mutation) tellExcess(
	ctx context.Context, o *redline.Order, f *redline.FulfillmentOrder, in redline.FulfillmentCreateInput, told []redline.ToldLine,
) error {
	taken, err := m.keyTaken(ctx)
	if err != nil {
		return err
	}
	if taken { // somebody has just taken the supplier at its word
		return errMoved
	}
	facts := redline.Attributes{{Name: "order", Value: o.Number}}
	var said []string
	in.Lines = nil
	for _, l := range told {
		name := sku(o, l.Line.OrderLineID)
		facts = append(facts, redline.Attribute{Name: "shipped " + name, Value: strconv.Itoa(l.Told)},
			redline.Attribute{Name: "left " + name, Value: strconv.Itoa(l.Left)})
		said = append(said, fmt.Sprintf("%d of %s, of which %d were left", l.Told, name, l.Left))
		in.Lines = append(in.Lines, redline.ShipLine{LineID: l.Line.ID, Quantity: l.Told})
	}
	facts = appendParcel(facts, in.Carrier, in.TrackingNumber)
	held, before := heldExcess{
		Input: in, ToldAt: m.now, Key: in.IdempotencyKey, Issuer: m.by.Issuer, Subject: m.by.Subject, Hash: m.hash, Left: map[string]bool{},
	}, heldExcess{}
	for _, s := range f.Fulfillments {
		held.Left[s.ID] = s.ShippedAt != nil
	}
	if err := m.heldBefore(ctx, causeQuantityExceedsOrder(f.ID), &before); err != nil {
		return err
	}
	if bytes.Equal(inputHash(held.Input), inputHash(before.Input)) { // what is said twice is no news
		held = before
	}
	m.conflict(conflictOpening{
		kind: redline.ConflictQuantityExceedsOrder, cause: causeQuantityExceedsOrder(f.ID), supplierID: f.SupplierID, subjectID: &f.ID,
		facts: facts, held: held, summary: fmt.Sprintf("Told of order %s is a shipment of %s.", o.Number, strings.Join(said, "; ")),
	})
	return nil
}

// sku is what a line's product is called.
func sku(o *redline.Order, lineID string) string { return o.Line(lineID).Product.SKU }

func appendParcel(facts redline.Attributes, carrier, trackingNumber *string) redline.Attributes {
	if carrier != nil {
		facts = append(facts, redline.Attribute{Name: "carrier", Value: *carrier})
	}
	if trackingNumber != nil {
		facts = append(facts, redline.Attribute{Name: "trackingNumber", Value: *trackingNumber})
	}
	return facts
}

// lockHeld locks an order that a conflict is about.
func (m *mutation) lockHeld(ctx context.Context, cond, id string) (*redline.Order, error) {
	o, err := m.lockOrder(ctx, cond, id)
	if err == nil && o == nil {
		err = redline.NotFound([]string{"conflictId"}, "the order that the conflict is about is no longer there")
	}
	return o, err
}

// settleExcess closes what is open because suppliers told of more than was left
// of parts, of which shipments have left since: what they tell last stands, and
// what they told before may be in it. The order's lock keeps others from telling
// of the parts meanwhile.
func (m *mutation) settleExcess(ctx context.Context, left []*redline.FulfillmentOrder) error {
	causes := texts()
	for _, f := range left {
		if f.SupplierID != nil {
			causes.text(causeQuantityExceedsOrder(f.ID))
		}
	}
	if causes.n == 0 {
		return nil
	}
	var cause string
	return scanRows(ctx, m.tx, "looking for what was told of parts before",
		`/* shipments.told_before */ SELECT cause FROM conflicts WHERE cause = ANY($1::text[]) AND status = 'OPEN'`, []any{causes}, []any{&cause}, func() error {
			m.settleConflict(cause, "The supplier's shipment was told of again.")
			return nil
		})
}

// shipAsTold is what resolving QUANTITY_EXCEEDS_ORDER does: what is left is
// shipped, and the rest taken from the supplier's stock. The call that told it is
// done by that: made again it is answered, and tells nothing anew.
func (m *mutation) shipAsTold(ctx context.Context, text json.RawMessage) error {
	var held heldExcess
	if err := json.Unmarshal(text, &held); err != nil {
		return fmt.Errorf("reading what a conflict holds: %w", err)
	}
	told := held.call()
	free, err := m.takeKeyOf(ctx, told)
	if err != nil {
		return err
	}
	o, err := m.lockHeld(ctx, orderOfPart, held.Input.FulfillmentOrderID)
	if err != nil {
		return err
	}
	if err := held.overtaken(o.Part(held.Input.FulfillmentOrderID)); err != nil {
		var open heldExcess
		if lost := m.heldBefore(ctx, causeQuantityExceedsOrder(held.Input.FulfillmentOrderID), &open); lost != nil {
			return lost
		}
		if open.ToldAt.IsZero() { // another has closed it while this waited for the order
			return errMoved
		}
		return err
	}
	s := shipmentOf(held.Input)
	s.ShippedAt, s.Pending = cmp.Or(s.ShippedAt, &held.ToldAt), false
	f := o.Part(held.Input.FulfillmentOrderID)
	t := redline.NewTransition(o, m.by, m.now)
	if err := t.ShipAsTold(f.ID, held.Input.Lines, s); err != nil {
		return err
	}
	if _, err = m.writeChange(ctx, t); err != nil {
		return err
	}
	if free {
		told.result = changedOrder{OrderID: o.ID, PartID: f.ID}
		m.answers = append(m.answers, told)
	}
	return nil
}

// overtaken refuses to go by what was told where the part has other shipments
// since: they may hold the very goods.
func (h *heldExcess) overtaken(f *redline.FulfillmentOrder) error {
	for _, s := range f.Fulfillments {
		left, known := h.Left[s.ID]
		if s.Status != redline.ShipmentCancelled && (!known || !left && s.ShippedAt != nil) {
			return redline.Invalid([]string{"conflictId"},
				"shipment %s was told of after this, and may hold the same goods; dismiss the conflict, and have the supplier tell of what else has left", s.ID)
		}
	}
	return nil
}

// leaveOut leaves the stock on hand as it is where what is on hand of a locked
// level was stated after a shipment left and before it is told of: the statement
// has left it out already. Where the newest statement is of what was available, what
// we had promised was added to it, and is still to be taken.
func (m *mutation) leaveOut(ctx context.Context, effects []redline.StockEffect) error {
	var index []int
	products, locations, at := texts(), texts(), times()
	for i, e := range effects {
		if e.Ship > 0 && e.At != nil {
			index = append(index, i)
			products.text(e.ProductID)
			locations.text(e.LocationID)
			at.time(*e.At)
		}
	}
	since, err := m.sinceEach(ctx, products, locations, at)
	if err != nil {
		return err
	}
	for n, i := range index {
		if since[n].counted {
			effects[i].Ship = 0
		}
	}
	return nil
}
