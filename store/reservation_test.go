package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"redline"
)

// reserves is a reservation's input with a key of its own.
func reserves(lines ...redline.LineInput) redline.ReservationCreateInput {
	return redline.ReservationCreateInput{IdempotencyKey: key(), Lines: lines, TTLSeconds: 900, AllowStale: true}
}

// reserve makes a reservation that has to succeed and returns its id.
func (w *world) reserve(p redline.Principal, lines ...redline.LineInput) string {
	w.t.Helper()
	id, _, err := w.ReservationCreate(w.ctx, p, reserves(lines...))
	w.must(err)
	return id
}

// reservation reads a reservation as a principal sees it; nil where it sees none.
func (w *world) reservation(p redline.Principal, id string) *redline.Reservation {
	w.t.Helper()
	found, err := w.ReservationsByID(w.ctx, p, []string{id})
	w.must(err)
	return found[id]
}

// held is what a reservation holds: by SKU and location code, in order.
func held(r *redline.Reservation) (lines []string) {
	for _, l := range r.Lines {
		lines = append(lines, fmt.Sprintf("%s %s %d", l.Product.SKU, l.Location.Code, l.Quantity))
	}
	return lines
}

// endTime has the time of reservations come.
func (w *world) endTime(ids ...string) {
	w.t.Helper()
	for _, id := range ids {
		w.exec(`UPDATE reservations SET expires_at = clock_timestamp() WHERE id = $1`, id)
	}
}

func (w *world) extend(p redline.Principal, id string) error {
	_, _, err := w.ReservationExtend(w.ctx, p, redline.ReservationExtendInput{ReservationID: id, TTLSeconds: 60})
	return err
}

func (w *world) letGo(p redline.Principal, id string) error {
	_, _, err := w.ReservationRelease(w.ctx, p, redline.ReservationReleaseInput{ReservationID: id})
	return err
}

// takesOver is the input of an order that takes a reservation over.
func takesOver(id string) redline.OrderPlaceInput {
	return redline.OrderPlaceInput{IdempotencyKey: key(), ReservationID: &id}
}

// takeOver places an order that takes a reservation over.
func (w *world) takeOver(p redline.Principal, id string) (string, error) {
	order, _, err := w.OrderPlace(w.ctx, p, takesOver(id))
	return order, err
}

// ledger are the reasons of a level's ledger lines with their references, newest
// first, but for the opening one.
func (w *world) ledger(sku, location string) (lines []string) {
	w.t.Helper()
	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{
		ProductIDs: []string{w.id[sku]}, LocationIDs: []string{w.id[location]},
	}, redline.PageRequest{First: ref(redline.PageMax)})
	w.must(err)
	for _, m := range page.Items {
		if m.Reference != nil {
			lines = append(lines, string(m.Reason)+" "+*m.Reference)
		}
	}
	return lines
}

func TestReservationHoldsWhatAnOrderWouldGet(t *testing.T) {
	w := newWorld(t)
	from := line("pads", 2)
	from.LocationID = ref(w.id["west"])
	in := reserves(line("pads", 9), from, line("sauce", 5), line("pads", 2))
	in.Reference = ref("cart 7")
	id, outcome, err := w.ReservationCreate(w.ctx, shop, in)
	w.must(err)
	equal(t, "whether it tells of an event", outcome.EventID > 0, true)
	r := w.reservation(shop, id)
	equal(t, "what is held", held(r), []string{"pads east 9", "pads west 4", "sauce east 3", "sauce cajun 2"})
	equal(t, "the reservation", []any{r.Status, r.Version, *r.Reference}, []any{redline.ReservationActive, 1, "cart 7"})
	equal(t, "how long", r.ExpiresAt.After(time.Now().Add(10*time.Minute)), true)
	for _, at := range r.Lines {
		l := w.level(at.Product.SKU, at.Location.Code)
		equal(t, "reserved", []int{l.Reserved, l.OnHand - l.Available, l.Version}, []int{at.Quantity, at.Quantity, 2})
		equal(t, "the ledger", w.ledger(at.Product.SKU, at.Location.Code), []string{"RESERVED cart 7"})
	}
	_, _, err = w.OrderPlace(w.ctx, rival, wants(line("pads", 2)))
	equal(t, "what is left for others", refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity").Available, 1)

	again, outcome, err := w.ReservationCreate(w.ctx, shop, in)
	w.must(err)
	equal(t, "called again", []any{again, outcome.Replayed}, []any{id, true})
	plain := w.reserve(shop, line("tea", 1))
	equal(t, "without a reference", w.ledger("tea", "tokyo"), []string{"RESERVED " + plain})
	w.checkBooks()
}

func TestReservationRefusesWhatIsShort(t *testing.T) {
	w := newWorld(t)
	w.unchanged(func() {
		_, _, err := w.ReservationCreate(w.ctx, shop, reserves(line("pads", 10), line("tea", 21), line("pads", 5)))
		refusedAt(t, err, "INSUFFICIENT_STOCK lines.1.quantity", "INSUFFICIENT_STOCK lines.2.quantity")
		e := refusals(t, err)[1]
		equal(t, "what is there", []any{e.Product.SKU, e.Requested, e.Available}, []any{"pads", 5, 4})
	})
	w.exec(`UPDATE inventory_levels SET stale = true WHERE product_id = $1`, w.id["tea"])
	in := reserves(line("tea", 1))
	in.AllowStale = false
	_, _, err := w.ReservationCreate(w.ctx, shop, in)
	equal(t, "what isn't stale", refused(t, err, redline.CodeInsufficientStock, "lines.0.quantity").Available, 0)
	w.checkBooks()
}

func TestReservationRefusesBadInput(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 1))
	w.unchanged(func() {
		for want, change := range map[string]func(*redline.ReservationCreateInput){
			"INVALID lines":                func(in *redline.ReservationCreateInput) { in.Lines = nil },
			"INVALID lines.0":              func(in *redline.ReservationCreateInput) { in.Lines[0].SKU = nil },
			"INVALID lines.0.quantity":     func(in *redline.ReservationCreateInput) { in.Lines[0].Quantity = 0 },
			"INVALID ttlSeconds":           func(in *redline.ReservationCreateInput) { in.TTLSeconds = 0 },
			"INVALID reference":            func(in *redline.ReservationCreateInput) { in.Reference = ref(" ") },
			"INVALID idempotencyKey":       func(in *redline.ReservationCreateInput) { in.IdempotencyKey = "" },
			"NOT_FOUND lines.0.sku":        func(in *redline.ReservationCreateInput) { in.Lines[0] = line("old", 1) },
			"NOT_FOUND lines.0.locationId": func(in *redline.ReservationCreateInput) { in.Lines[0].LocationID = ref("nowhere") },
			"INVALID lines.1.quantity": func(in *redline.ReservationCreateInput) {
				in.Lines = []redline.LineInput{line("tea", 1), line("tea", redline.MaxQuantity)}
			},
		} {
			in := reserves(line("tea", 1))
			change(&in)
			_, _, err := w.ReservationCreate(w.ctx, shop, in)
			refusedAt(t, err, want)
		}
		two := reserves(line("nothing", 1), line("tea", 1)) // only the product was told of
		two.Lines[1].LocationID = ref("nowhere")
		_, _, err := w.ReservationCreate(w.ctx, shop, two)
		refusedAt(t, err, "NOT_FOUND lines.0.sku", "NOT_FOUND lines.1.locationId")
		many := reserves(make([]redline.LineInput, 501)...)
		_, _, err = w.ReservationCreate(w.ctx, shop, many)
		refused(t, err, redline.CodeInvalid, "lines")
		_, _, err = w.ReservationExtend(w.ctx, shop, redline.ReservationExtendInput{ReservationID: id, TTLSeconds: 86_401})
		refused(t, err, redline.CodeInvalid, "ttlSeconds")
		both := takesOver(id)
		both.Lines = []redline.LineInput{line("tea", 1)}
		_, _, err = w.OrderPlace(w.ctx, shop, both)
		refused(t, err, redline.CodeInvalid, "reservationId")
	})
}

func TestReservationBelongsToWhoMadeIt(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 5))
	namesake := shop
	namesake.Issuer = "another"
	for _, p := range []redline.Principal{rival, namesake, buyer, tokyo, redline.Anonymous()} {
		w.unchanged(func() {
			equal(t, "what "+p.Subject+" sees", w.reservation(p, id), (*redline.Reservation)(nil))
			refused(t, w.extend(p, id), redline.CodeNotFound, "reservationId")
			refused(t, w.letGo(p, id), redline.CodeNotFound, "reservationId")
			_, err := w.takeOver(p, id)
			refused(t, err, redline.CodeNotFound, "reservationId")
		})
	}
	equal(t, "whether an operator sees it", w.reservation(operator, id) != nil, true)
	w.must(w.letGo(operator, id))
	w.checkBooks()
}

// A regression: a customer whose token had the subject of a shop's could work on what
// that shop had reserved, and the shop on what the customer had. A customer's belong to
// the customer, as orders do, whichever of its tokens made them.
func TestReservationsOfOneSubjectAndTwoRoles(t *testing.T) {
	w := newWorld(t)
	namesake := buyer
	namesake.Subject, namesake.Customer = shop.Subject, "zzz"
	shops, customers := w.reserve(shop, line("tea", 5)), w.reserve(namesake, line("tea", 2))
	strangers := namesake
	strangers.Issuer = "another"
	for _, c := range []struct {
		p  redline.Principal
		id string
	}{{namesake, shops}, {shop, customers}, {buyer, customers}, {strangers, customers}} {
		w.unchanged(func() {
			equal(t, "what "+string(c.p.Role)+" sees", w.reservation(c.p, c.id), (*redline.Reservation)(nil))
			refused(t, w.extend(c.p, c.id), redline.CodeNotFound, "reservationId")
			refused(t, w.letGo(c.p, c.id), redline.CodeNotFound, "reservationId")
			_, err := w.takeOver(c.p, c.id)
			refused(t, err, redline.CodeNotFound, "reservationId")
		})
	}
	w.must(w.extend(shop, shops))
	phone := namesake
	phone.Subject = "phone"
	equal(t, "what it holds by another of its tokens", held(w.reservation(phone, customers)), []string{"tea tokyo 2"})
	w.must(w.extend(namesake, customers))
	id, err := w.takeOver(phone, customers)
	w.must(err)
	equal(t, "whose order it is", *w.order(namesake, id).Customer.ID, "zzz")
	w.checkBooks()
}

func TestReservationIsExtended(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 5))
	before := w.reservation(shop, id).ExpiresAt
	in := redline.ReservationExtendInput{ReservationID: id, TTLSeconds: 86_400, ExpectedVersion: ref(2)}
	_, _, err := w.ReservationExtend(w.ctx, shop, in)
	e := refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
	equal(t, "the versions", []int{e.Expected, e.Actual}, []int{2, 1})
	in.ExpectedVersion = ref(1)
	_, outcome, err := w.ReservationExtend(w.ctx, shop, in)
	w.must(err)
	r := w.reservation(shop, id)
	equal(t, "the version", r.Version, 2)
	equal(t, "whether it holds longer", r.ExpiresAt.After(before.Add(time.Hour)), true)
	equal(t, "no stock has changed", []any{outcome.EventID, w.level("tea", "tokyo").Version}, []any{int64(0), 2})
	w.checkBooks()
}

func TestReservationIsReleased(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("pads", 12))
	_, _, err := w.ReservationRelease(w.ctx, shop, redline.ReservationReleaseInput{ReservationID: id, ExpectedVersion: ref(7)})
	refused(t, err, redline.CodeVersionMismatch, "expectedVersion")
	w.must(w.letGo(shop, id))
	r := w.reservation(shop, id)
	equal(t, "the reservation", []any{r.Status, r.Version, len(r.Lines)}, []any{redline.ReservationReleased, 2, 2})
	for _, at := range []string{"east", "west"} {
		equal(t, "reserved", w.level("pads", at).Reserved, 0)
		equal(t, "the ledger", w.ledger("pads", at), []string{"RELEASED " + id, "RESERVED " + id})
	}
	w.unchanged(func() {
		for to, call := range map[string]func() error{
			"RELEASED": func() error { return w.letGo(shop, id) }, "ACTIVE": func() error { return w.extend(shop, id) },
			"COMMITTED": func() error { _, err := w.takeOver(shop, id); return err },
		} {
			e := refused(t, call(), redline.CodeInvalidTransition, "reservationId")
			equal(t, "the transition", []any{e.From, e.To, e.Allowed}, []any{"RELEASED", to, []string{}})
		}
	})
	w.checkBooks()
}

// From the instant on a reservation is expired, whether or not that was noted, and
// says so whatever version is expected of it.
func TestReservationExpires(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 5))
	w.endTime(id)
	late := func() {
		t.Helper()
		equal(t, "it reads as", w.reservation(shop, id).Status, redline.ReservationExpired)
		w.unchanged(func() {
			refused(t, w.extend(shop, id), redline.CodeReservationExpired, "reservationId")
			_, _, err := w.ReservationRelease(w.ctx, shop, redline.ReservationReleaseInput{ReservationID: id, ExpectedVersion: ref(1)})
			refused(t, err, redline.CodeReservationExpired, "reservationId")
			_, err = w.takeOver(shop, id)
			refused(t, err, redline.CodeReservationExpired, "reservationId")
		})
	}
	late()
	n, err := w.ExpireReservations(redline.WithRequestID(w.ctx, "sweep"))
	w.must(err)
	equal(t, "expired", n, 1)
	late()
	equal(t, "the version", w.reservation(shop, id).Version, 2)
	equal(t, "reserved", w.level("tea", "tokyo").Reserved, 0)
	equal(t, "the ledger", w.ledger("tea", "tokyo"), []string{"EXPIRED " + id, "RESERVED " + id})
	audit := w.audited("sweep")
	equal(t, "the audit", len(audit), 1)
	equal(t, "who expired it", []any{audit[0].Action, audit[0].Actor, *audit[0].Subject}, []any{"reservationExpire", "redline", id})
	w.unchanged(func() {
		n, err := w.ExpireReservations(redline.WithRequestID(w.ctx, "again"))
		w.must(err)
		equal(t, "expired again", n, 0)
	})
	equal(t, "the audit of nothing", len(w.audited("again")), 0)
	w.checkBooks()
}

// A reservation expires by itself, by the database's clock.
func TestReservationRunsOut(t *testing.T) {
	w := newWorld(t)
	in := reserves(line("tea", 20))
	in.TTLSeconds = 1
	id, _, err := w.ReservationCreate(w.ctx, shop, in)
	w.must(err)
	until := w.reservation(shop, id).ExpiresAt
	w.await("the stock to come free", func() bool {
		_, _, err := w.OrderPlace(w.ctx, rival, wants(line("tea", 20)))
		return err == nil
	})
	lines := w.ledger("tea", "tokyo")
	equal(t, "the ledger", lines[1:], []string{"EXPIRED " + id, "RESERVED " + id})
	page, err := w.Movements(w.ctx, operator, redline.MovementFilter{Reference: &id}, redline.PageRequest{})
	w.must(err)
	equal(t, "whether it held to the end", page.Items[0].RecordedAt.Before(until), false)
	w.checkBooks()
}

func TestManyReservationsExpire(t *testing.T) {
	w := newWorld(t)
	w.adjust(operator, "tea", "tokyo", 1000)
	ids := make([]string, 230)
	for i := range ids {
		ids[i] = w.reserve(shop, line("tea", 2))
	}
	w.endTime(ids[1:]...)
	n, err := w.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "expired", n, 229)
	equal(t, "reserved", w.level("tea", "tokyo").Reserved, 2)
	w.checkBooks()
}

// Whoever decides on stock first releases what is due on it, without a sweep.
func TestWhatIsDueIsReleasedBeforeADecision(t *testing.T) {
	w := newWorld(t)
	due := func(lines ...redline.LineInput) {
		w.t.Helper()
		w.endTime(w.reserve(shop, lines...), w.reserve(rival, line("sauce", 1)))
	}
	due(line("pads", 14))
	w.place(rival, line("pads", 14), line("sauce", 67))

	due2 := w.reserve(shop, line("tea", 15))
	w.endTime(due2)
	for _, got := range w.placeTogether(w.Store, rival, wants(line("tea", 3)), wants(line("tea", 3))) {
		w.must(got.err)
	}
	w.endTime(w.reserve(shop, line("tea", 14)))
	w.reserve(rival, line("tea", 4))
	w.endTime(w.reserve(shop, line("tea", 10)))
	w.adjust(operator, "tea", "tokyo", -10)
	equal(t, "what is left", w.level("tea", "tokyo").Available, 0)
	n, err := w.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "what the sweep finds", n, 0)
	w.checkBooks()
}

// What a reservation gives back goes to whoever waits for it, in the same transaction.
func TestBackordersGetWhatReservationsGiveBack(t *testing.T) {
	w := newWorld(t)
	waits := func(n int) string {
		id, _, err := w.OrderPlace(w.ctx, rival, redline.OrderPlaceInput{
			IdempotencyKey: key(), AllowBackorder: true, Lines: []redline.LineInput{line("tea", n)},
		})
		w.must(err)
		return id
	}
	backordered := func(id string) int { return w.order(rival, id).Lines[0].Backordered }
	first, second := w.reserve(shop, line("tea", 12)), w.reserve(shop, line("tea", 8))
	older, newer := waits(15), waits(3)
	w.must(w.letGo(shop, first))
	equal(t, "after a release", []int{backordered(older), backordered(newer)}, []int{3, 3})
	w.endTime(second)
	_, err := w.ExpireReservations(w.ctx)
	w.must(err)
	equal(t, "after an expiry", []int{backordered(older), backordered(newer)}, []int{0, 0})
	equal(t, "what is left", w.level("tea", "tokyo").Available, 2)
	w.checkBooks()
}

func TestAnOrderTakesAReservationOver(t *testing.T) {
	w := newWorld(t)
	before := map[string]int{}
	id := w.reserve(shop, line("sauce", 40), line("pads", 12), line("sauce", 1))
	r := w.reservation(shop, id)
	for _, l := range r.Lines {
		before[l.Product.SKU+l.Location.Code] = w.level(l.Product.SKU, l.Location.Code).Version
	}
	w.exec(`UPDATE products SET price = 7, active = false WHERE sku = 'sauce'`)
	in := takesOver(id)
	in.ExternalReference = ref("web-9")
	order, outcome, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	o := w.order(shop, order)
	alike(t, "what is shown at once is what is read", outcome.Order, o)
	var lines []string
	for _, l := range o.Lines {
		lines = append(lines, fmt.Sprintf("%s %d open %d at %s", l.Product.SKU, l.Quantity, l.Open, l.UnitPrice.Amount))
	}
	equal(t, "the lines", lines, []string{"sauce 41 open 41 at 7.00", "pads 12 open 12 at 2.50"})
	equal(t, "the parts", w.shares(o), map[string]int{"east": 13, "west": 2, "cajun": 38})
	for _, l := range w.part(o, "cajun").Lines {
		equal(t, "in the supplier's packs", *l.SupplierQuantity, 2)
	}
	for _, at := range r.Lines {
		l := w.level(at.Product.SKU, at.Location.Code)
		equal(t, "the level", []int{l.Reserved, l.Committed, l.Version}, []int{0, at.Quantity, before[at.Product.SKU+at.Location.Code] + 1})
		equal(t, "the ledger", w.ledger(at.Product.SKU, at.Location.Code), []string{"COMMITTED " + o.Number, "RESERVED " + id})
	}
	r = w.reservation(shop, id)
	equal(t, "the reservation", []any{r.Status, r.Version, *r.OrderID}, []any{redline.ReservationCommitted, 2, order})
	again, outcome, err := w.OrderPlace(w.ctx, shop, in)
	w.must(err)
	equal(t, "called again", []any{again, outcome.Replayed}, []any{order, true})
	_, err = w.takeOver(shop, id)
	e := refused(t, err, redline.CodeInvalidTransition, "reservationId")
	equal(t, "the transition", []any{e.From, e.To, e.Allowed}, []any{"COMMITTED", "COMMITTED", []string{}})
	w.must(w.cancel(shop, o))
	w.checkBooks()
}

// An order that is refused for something of its own leaves the reservation alone.
func TestARefusedOrderLeavesTheReservation(t *testing.T) {
	w := newWorld(t)
	used := wants(line("pads", 1))
	used.ExternalReference = ref("web-1")
	_, _, err := w.OrderPlace(w.ctx, shop, used)
	w.must(err)
	id := w.reserve(shop, line("tea", 1), line("pads", 1))
	w.unchanged(func() {
		in := takesOver(id)
		in.ExternalReference = ref("web-1")
		_, _, err := w.OrderPlace(redline.WithRequestID(w.ctx, "used"), shop, in)
		refused(t, err, redline.CodeDuplicate, "externalReference")
	})
	audit := w.audited("used")
	equal(t, "the audit", []any{len(audit), audit[0].Outcome, *audit[0].Subject}, []any{1, "DUPLICATE", id})
	w.exec(`UPDATE products SET currency = 'EUR' WHERE sku = 'pads'`)
	_, err = w.takeOver(shop, id)
	refused(t, err, redline.CodeInvalid, "reservationId")
	equal(t, "it holds", w.reservation(shop, id).Status, redline.ReservationActive)
	w.checkBooks()
}

func TestReservationsAreAudited(t *testing.T) {
	w := newWorld(t)
	id := w.reserve(shop, line("tea", 1))
	var order string
	for _, c := range []struct {
		action  string
		subject func() []string
		do      func() error
	}{
		{"reservationExtend", func() []string { return []string{id} }, func() error {
			_, _, err := w.ReservationExtend(redline.WithRequestID(w.ctx, "reservationExtend"), shop, redline.ReservationExtendInput{ReservationID: id, TTLSeconds: 9})
			return err
		}},
		{"orderPlace", func() []string { return []string{id, order} }, func() (err error) {
			order, _, err = w.OrderPlace(redline.WithRequestID(w.ctx, "orderPlace"), shop, takesOver(id))
			return err
		}},
		{"reservationCreate", func() []string { return []string{id} }, func() (err error) {
			id, _, err = w.ReservationCreate(redline.WithRequestID(w.ctx, "reservationCreate"), shop, reserves(line("tea", 1)))
			return err
		}},
		{"reservationRelease", func() []string { return []string{id} }, func() error {
			_, _, err := w.ReservationRelease(redline.WithRequestID(w.ctx, "reservationRelease"), shop, redline.ReservationReleaseInput{ReservationID: id})
			return err
		}},
	} {
		w.must(c.do())
		var subjects []string
		for _, e := range w.audited(c.action) {
			equal(t, c.action, []any{e.Action, e.Actor, e.Outcome}, []any{c.action, "shop", "OK"})
			subjects = append(subjects, *e.Subject)
		}
		want := c.subject()
		slices.Sort(subjects)
		slices.Sort(want)
		equal(t, c.action+"'s subjects", subjects, want)
	}
}
