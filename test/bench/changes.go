package main

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// living says which orders and reservations live their lives, one step after the
// other: each step is done for all of them before the next one begins.
type living struct {
	// Things is how many there are of each.
	Things int
	// Operator are the headers of whoever ships, beside the shop's.
	Operator []string
}

// thing is one reservation, and one order that has nothing to do with it.
type thing struct {
	reservation string
	order       string
	part        string
	lines       []partLine
	shipments   [2]string
	comesBack   string // the return
	backLine    string // the return's line
}

// partLine is a line of an order's part.
type partLine struct {
	ID        string
	Quantity  int
	OrderLine struct{ ID string }
}

// step is one change that each thing goes through.
type step struct {
	// name is as the table has it; without one the step only sets up.
	name string
	// each is how many calls a thing takes of it.
	each int
	do   func(w *worker, t *thing, call int) error
}

// lifeSteps are all steps, in their order.
var lifeSteps = []step{
	{"", 1, (*worker).place}, // which warms up
	{stepPlace, 1, (*worker).place},
	{"reservationCreate", 1, (*worker).reserve},
	{"reservationRelease", 1, (*worker).release},
	{"", 1, (*worker).reserve},
	{"orderPlace of a reservation", 1, (*worker).takeOver},
	{"", 1, (*worker).look},
	{"fulfillmentCreate, a part", 1, (*worker).shipPart},
	{"fulfillmentCreate, the rest", 1, (*worker).shipRest},
	{"fulfillmentMarkDelivered", 2, (*worker).deliver},
	{"returnCreate", 1, (*worker).announceReturn},
	{"returnReceive", 1, (*worker).receiveReturn},
}

// stepPlace is what the others are compared with.
const stepPlace = "orderPlace"

// worker does steps on one connection.
type worker struct {
	c      *client
	job    job
	placer *placer
	n      int
	body   []byte
	shop   *shop
	conn   int
}

// live goes through all steps, and reports each.
func (j job) live(ctx context.Context, tell func(report) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	things := make([]thing, j.Life.Things)
	shop := &shop{}
	workers := make([]*worker, j.Conns)
	deadline, _ := ctx.Deadline()
	for i := range workers {
		c, err := dial(ctx, j.Addr, deadline)
		if err != nil {
			return fmt.Errorf("connecting: %w", err)
		}
		defer c.close()
		stop := context.AfterFunc(ctx, c.close)
		defer stop()
		workers[i] = &worker{c: c, job: j, conn: i, shop: shop, placer: newPlacer(j, shop, i, rand.New(rand.NewPCG(j.Seed, uint64(i))))}
	}
	for _, s := range lifeSteps {
		if s.name != "" {
			if err := tell(report{Measuring: true, Step: s.name}); err != nil {
				return err
			}
		}
		before := shop.again.Load()
		begun := time.Now()
		took := s.run(workers, things, cancel)
		seconds := time.Since(begun).Seconds()
		if err := context.Cause(ctx); err != nil {
			return err
		}
		if s.name == "" {
			continue
		}
		slices.Sort(took)
		err := tell(report{
			Step: s.name, Requests: len(took), Seconds: seconds, P50: percentile(took, 50), P99: percentile(took, 99),
			Checked: len(took), Again: int(shop.again.Load() - before),
		})
		if err != nil {
			return err
		}
	}
	if shop.placed() != shop.distinct() {
		return fmt.Errorf("%d orders were acknowledged, with %d different ids", shop.placed(), shop.distinct())
	}
	return tell(report{Placed: shop.placed()})
}

// run does a step for all things, and says how long each call took.
func (s step) run(workers []*worker, things []thing, fail context.CancelCauseFunc) []time.Duration {
	var next, failed atomic.Int64
	var done sync.WaitGroup
	took := make([]time.Duration, s.each*len(things))
	for _, w := range workers {
		done.Go(func() {
			for failed.Load() == 0 {
				i := int(next.Add(1)) - 1
				if i >= len(took) {
					return
				}
				begun := time.Now()
				if err := s.do(w, &things[i%len(things)], i/len(things)); err != nil {
					failed.Store(1)
					fail(fmt.Errorf("%s: %w", s.name, err))
				}
				took[i] = time.Since(begun)
			}
		})
	}
	done.Wait()
	return took
}

// changed is what is looked at of the answer to any change.
type changed struct {
	Reservation struct{ ID, Status string }
	Order       struct{ ID string }
	// FulfillmentOrders are those of an order that is read.
	FulfillmentOrders []struct {
		ID    string
		Lines []partLine
	}
	FulfillmentOrder struct {
		Status       string
		Fulfillments []struct{ ID, Status string }
	}
	Return struct {
		ID, Status string
		Lines      []struct{ ID string }
	}
	UserErrors []struct{ Code string }
}

// call asks for something whose root field is named change, as often as the server
// wants to be asked, and has its answer checked.
func (w *worker) call(headers []string, text string, variables any, right func(*changed) bool) error {
	body, err := json.Marshal(map[string]any{"query": text, "variables": variables})
	if err != nil {
		return err
	}
	w.body = appendRequest(w.body[:0], "POST /graphql", w.job.Addr, headers, body)
	for try := 1; ; try++ {
		status, answer, err := w.c.do(w.body)
		if err != nil {
			return err
		}
		var a struct {
			Data struct {
				Change changed
			}
			Errors []struct {
				Extensions struct{ Code string }
			}
		}
		if err := json.Unmarshal(answer, &a); err != nil {
			return fmt.Errorf("%w: status %d, %.500s", err, status, answer)
		}
		code := ""
		for _, e := range a.Errors {
			code = e.Extensions.Code
		}
		for _, e := range a.Data.Change.UserErrors {
			code = e.Code
		}
		switch {
		case code == "" && status == 200 && right(&a.Data.Change):
			return nil
		case try < tries && (code == "UNAVAILABLE" || code == "OUTCOME_UNKNOWN" || code == "IDEMPOTENCY_IN_PROGRESS"):
			w.shop.again.Add(1)
			<-time.After(again)
		default:
			return fmt.Errorf("it was answered with status %d, %.500s, %w", status, answer, errStrange)
		}
	}
}

// change asks for a change with a key of its own.
func (w *worker) change(headers []string, text string, input map[string]any, right func(*changed) bool) error {
	w.n++
	input["idempotencyKey"] = fmt.Sprintf("%s-life-%d-%d", w.job.Place.Run, w.conn, w.n)
	return w.call(headers, text, map[string]any{"input": input}, right)
}

// place places an order as those who only do that.
func (w *worker) place(t *thing, _ int) (err error) {
	t.order, err = w.placer.place(w.c)
	return err
}

func (w *worker) reserve(t *thing, _ int) error {
	first, second := w.job.Place.pair(w.placer.random)
	return w.change(w.job.Headers, `mutation Reserve($input: ReservationCreateInput!) { change: reservationCreate(input: $input) {
  reservation { id status expiresAt } userErrors { code } replayed } }`, map[string]any{"lines": []map[string]any{
		{"sku": w.job.Place.sku(first), "quantity": 1}, {"sku": w.job.Place.sku(second), "quantity": 2},
	}}, func(c *changed) bool {
		t.reservation = c.Reservation.ID
		return t.reservation != "" && c.Reservation.Status == "ACTIVE"
	})
}

func (w *worker) release(t *thing, _ int) error {
	return w.change(w.job.Headers, `mutation Release($input: ReservationReleaseInput!) { change: reservationRelease(input: $input) {
  reservation { id status } userErrors { code } replayed } }`, map[string]any{"reservationId": t.reservation}, func(c *changed) bool {
		return c.Reservation.ID == t.reservation && c.Reservation.Status == "RELEASED"
	})
}

// takeOver places an order of what is reserved.
func (w *worker) takeOver(t *thing, _ int) error {
	return w.change(w.job.Headers, `mutation Place($input: OrderPlaceInput!) { change: orderPlace(input: $input) {
  order { id number } userErrors { code } replayed } }`, map[string]any{
		"reservationId": t.reservation, "customer": map[string]any{"id": "c-1", "name": "Ann Miller", "email": "ann.miller@example.com"},
		"shipTo": map[string]any{
			"name": "Ann Miller", "lines": []string{"12 Harbour Street"}, "city": "Portland", "region": "OR", "postalCode": "97201", "country": "US",
		},
	}, func(c *changed) bool {
		w.shop.add(c.Order.ID)
		return c.Order.ID != ""
	})
}

// look reads what there is to ship of an order: one part, of two lines.
func (w *worker) look(t *thing, _ int) error {
	return w.call(w.job.Life.Operator, `query Look($id: ID!) { change: order(by: { id: $id }) {
  fulfillmentOrders { id lines { id quantity orderLine { id } } } } }`, map[string]any{"id": t.order}, func(c *changed) bool {
		if len(c.FulfillmentOrders) != 1 || len(c.FulfillmentOrders[0].Lines) != 2 {
			return false
		}
		t.part, t.lines = c.FulfillmentOrders[0].ID, c.FulfillmentOrders[0].Lines
		slices.SortFunc(t.lines, func(a, b partLine) int { return a.Quantity - b.Quantity })
		return t.lines[1].Quantity == 2
	})
}

const shipText = `mutation Ship($input: FulfillmentCreateInput!) { change: fulfillmentCreate(input: $input) {
  fulfillmentOrder { id status fulfillments { id status } } userErrors { code } replayed } }`

// shipPart ships one of each line.
func (w *worker) shipPart(t *thing, _ int) error {
	return w.change(w.job.Life.Operator, shipText, map[string]any{
		"fulfillmentOrderId": t.part, "carrier": "UPS", "trackingNumber": "1Z" + t.order,
		"lines": []map[string]any{{"lineId": t.lines[0].ID, "quantity": 1}, {"lineId": t.lines[1].ID, "quantity": 1}},
	}, func(c *changed) bool {
		f := c.FulfillmentOrder
		return f.Status == "IN_PROGRESS" && len(f.Fulfillments) == 1 && f.Fulfillments[0].Status == "SHIPPED"
	})
}

// shipRest ships what remains.
func (w *worker) shipRest(t *thing, _ int) error {
	return w.change(w.job.Life.Operator, shipText, map[string]any{
		"fulfillmentOrderId": t.part, "carrier": "UPS", "trackingNumber": "2Z" + t.order,
	}, func(c *changed) bool {
		f := c.FulfillmentOrder
		if f.Status != "CLOSED" || len(f.Fulfillments) != len(t.shipments) {
			return false
		}
		for i, s := range f.Fulfillments {
			t.shipments[i] = s.ID
		}
		return true
	})
}

func (w *worker) deliver(t *thing, call int) error {
	return w.change(w.job.Life.Operator, `mutation Deliver($input: FulfillmentDeliveredInput!) { change: fulfillmentMarkDelivered(input: $input) {
  fulfillmentOrder { id status fulfillments { id status } } userErrors { code } replayed } }`, map[string]any{
		"fulfillmentId": t.shipments[call],
	}, func(c *changed) bool {
		for _, s := range c.FulfillmentOrder.Fulfillments {
			if s.ID == t.shipments[call] {
				return s.Status == "DELIVERED"
			}
		}
		return false
	})
}

// announceReturn says that both of the second line come back.
func (w *worker) announceReturn(t *thing, _ int) error {
	return w.change(w.job.Headers, `mutation Return($input: ReturnCreateInput!) { change: returnCreate(input: $input) {
  return { id status lines { id } } userErrors { code } replayed } }`, map[string]any{
		"orderId": t.order, "reason": "wrong size", "lines": []map[string]any{{"orderLineId": t.lines[1].OrderLine.ID, "quantity": 2}},
	}, func(c *changed) bool {
		if c.Return.Status != "REQUESTED" || len(c.Return.Lines) != 1 {
			return false
		}
		t.comesBack, t.backLine = c.Return.ID, c.Return.Lines[0].ID
		return true
	})
}

// receiveReturn receives both, one of which can be sold again.
func (w *worker) receiveReturn(t *thing, _ int) error {
	return w.change(w.job.Life.Operator, `mutation Receive($input: ReturnReceiveInput!) { change: returnReceive(input: $input) {
  return { id status lines { id } } userErrors { code } replayed } }`, map[string]any{
		"returnId": t.comesBack, "lines": []map[string]any{{"lineId": t.backLine, "restock": 1, "writeOff": 1}},
	}, func(c *changed) bool { return c.Return.ID == t.comesBack && c.Return.Status == "RECEIVED" })
}
