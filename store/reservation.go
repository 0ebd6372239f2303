package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/lib/pq"

	"redline"
)

// ttlMax is the longest that a reservation may hold stock without being extended, in
// seconds.
const ttlMax = 24 * 60 * 60

func checkTTL(seconds int) *redline.Error {
	if seconds < 1 || seconds > ttlMax {
		return redline.Invalid([]string{"ttlSeconds"}, "a reservation holds for 1 to %d seconds at a time, not %d", ttlMax, seconds)
	}
	return nil
}

// ReservationCreate holds stock for a while. All of it is held, allocated as an
// order's would be, or nothing. It answers the reservation's id.
func (s *Store) ReservationCreate(
	ctx context.Context, p redline.Principal, in redline.ReservationCreateInput,
) (string, redline.Outcome, error) {
	r := request{action: "reservationCreate", key: &in.IdempotencyKey, input: in}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		if err := checkReservation(in); err != nil {
			return "", err
		}
		w := &wanted{mutation: m, lines: in.Lines, allowStale: in.AllowStale}
		return w.reserve(ctx, in)
	})
}

func checkReservation(in redline.ReservationCreateInput) error {
	if len(in.Lines) < 1 || len(in.Lines) > linesMax {
		return redline.Invalid([]string{"lines"}, "a reservation has 1 to %d lines, not %d", linesMax, len(in.Lines))
	}
	refused := append(checkLines(in.Lines), checkTexts(map[string]*string{"reference": in.Reference})...)
	if err := checkTTL(in.TTLSeconds); err != nil {
		refused = append(refused, err)
	}
	if len(refused) > 0 {
		return refused
	}
	return nil
}

// reserve holds what is wanted.
func (w *wanted) reserve(ctx context.Context, in redline.ReservationCreateInput) (string, error) {
	all := []*wanted{w}
	if _, err := w.findProducts(ctx, all, 0); err != nil {
		return "", err
	}
	if err := w.findLocations(ctx, all); err != nil {
		return "", err
	}
	if err := w.findMissing(); err != nil {
		return "", err
	}
	if err := w.checkSums(); err != nil {
		return "", err
	}
	levels, err := w.lockProducts(ctx, all)
	if err != nil {
		return "", err
	}
	shares, refused := shelvesOf(levels).allocate(w)
	if len(refused) > 0 {
		return "", refused
	}
	r := &redline.Reservation{
		ID: redline.NewID(redline.PrefixReservation), OwnerIssuer: w.by.Issuer, OwnerSubject: w.by.Subject, Reference: in.Reference,
		Status: redline.ReservationActive, ExpiresAt: w.now.Add(time.Duration(in.TTLSeconds) * time.Second), Version: 1,
	}
	if w.by.Role == redline.RoleCustomer {
		r.CustomerID = &w.by.Customer
	}
	at := map[levelKey]*redline.ReservationLine{}
	for i, share := range shares {
		for _, take := range share.takes {
			k := levelKey{w.products[i].ID, take.Source.LocationID}
			if at[k] == nil {
				at[k] = &redline.ReservationLine{ReservationID: r.ID, ProductID: k.product, LocationID: k.location}
				r.Lines = append(r.Lines, at[k])
			}
			at[k].Quantity += take.Quantity
		}
	}
	if err := w.insertReservation(ctx, r); err != nil {
		return "", err
	}
	for _, l := range r.Lines {
		err := w.change(levels[levelKey{l.ProductID, l.LocationID}], stockChange{
			delta: redline.Delta{redline.StateReserved: l.Quantity}, reason: redline.ReasonReserved, reference: ledgerReference(r),
		})
		if err != nil {
			return "", fmt.Errorf("reserving %d of %s at %s: %w", l.Quantity, l.ProductID, l.LocationID, err)
		}
	}
	w.subjects = append(w.subjects, r.ID)
	return r.ID, nil
}

// checkSums refuses more of one product than one line of an order can be of: the
// order that takes the reservation over has one for each product.
func (w *wanted) checkSums() error {
	sum := map[string]int{}
	for i, p := range w.products {
		if sum[p.ID] += w.lines[i].Quantity; sum[p.ID] > redline.MaxQuantity {
			return redline.Invalid(append(indexPath("lines", i), "quantity"), "a reservation holds at most %d of one product", redline.MaxQuantity)
		}
	}
	return nil
}

// ledgerReference is what the ledger names a reservation.
func ledgerReference(r *redline.Reservation) *string {
	if r.Reference != nil {
		return r.Reference
	}
	return &r.ID
}

func (m *mutation) insertReservation(ctx context.Context, r *redline.Reservation) error {
	products, locations, quantities := texts(), texts(), ints()
	for _, l := range r.Lines {
		products.text(l.ProductID)
		locations.text(l.LocationID)
		quantities.int(l.Quantity)
	}
	_, err := m.tx.ExecContext(ctx, `/* reservations.insert */ WITH made AS (
			INSERT INTO reservations (id, owner_issuer, owner_subject, reference, status, expires_at, version, created_at, updated_at, customer_id)
			VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, $12)
		)
		INSERT INTO reservation_lines (reservation_id, position, product_id, location_id, quantity)
		SELECT $1, n.position - 1, n.product_id, n.location_id, n.quantity
		FROM unnest($9::text[], $10::text[], $11::integer[]) WITH ORDINALITY AS n (product_id, location_id, quantity, position)`,
		r.ID, r.OwnerIssuer, r.OwnerSubject, r.Reference, string(r.Status), r.ExpiresAt, r.Version, m.now, products, locations, quantities, r.CustomerID)
	if err != nil {
		return dbError("inserting a reservation", err)
	}
	return nil
}

const reservationColumns = `r.id, r.owner_issuer, r.owner_subject, r.customer_id, r.reference, r.status, r.expires_at, r.version, r.order_id`

// lockReservation locks a reservation that the principal may work on, and reads the
// clock behind the lock. What it may not work on looks like what isn't there.
func (m *mutation) lockReservation(ctx context.Context, id string) (*redline.Reservation, error) {
	q := &query{}
	q.seeReservations(m.by)
	q.and("r.id = %s", id)
	var found []struct {
		redline.Reservation
		Now time.Time
	}
	err := m.tx.SelectContext(ctx, &found, `/* reservations.lock */ WITH r AS MATERIALIZED (SELECT r.* FROM reservations r`+q.where()+` FOR NO KEY UPDATE OF r)
		SELECT `+reservationColumns+`, clock_timestamp() AS now FROM r`, q.args...)
	if err != nil {
		return nil, dbError("locking a reservation", err)
	}
	if len(found) == 0 {
		return nil, redline.NotFound([]string{"reservationId"}, "there is no reservation %.60q that you may work on", id)
	}
	m.now = found[0].Now
	m.subjects = append(m.subjects, id)
	return &found[0].Reservation, nil
}

// reservationLines are the lines of reservations that the principal may work on, in
// the order in which they were made. They never change.
func (m *mutation) reservationLines(ctx context.Context, ids []string) ([]*redline.ReservationLine, error) {
	q := &query{}
	q.seeReservations(m.by)
	q.and("r.id = ANY(%s)", pq.Array(ids))
	var lines []*redline.ReservationLine
	err := m.tx.SelectContext(ctx, &lines, `/* reservations.lines */ SELECT l.reservation_id, l.product_id, l.location_id, l.quantity
		FROM reservation_lines l JOIN reservations r ON r.id = l.reservation_id`+q.where()+` ORDER BY l.reservation_id, l.position`, q.args...)
	if err != nil {
		return nil, dbError("reading the lines of reservations", err)
	}
	return lines, nil
}

// updateReservation writes a reservation whose row is locked, and which was ACTIVE.
func (m *mutation) updateReservation(ctx context.Context, r *redline.Reservation) error {
	result, err := m.tx.ExecContext(ctx, `/* reservations.update */ UPDATE reservations SET status = $3, expires_at = $4, order_id = $5, version = $2, updated_at = $6
		WHERE id = $1 AND version = $2 - 1 AND status = 'ACTIVE'`, r.ID, r.Version, string(r.Status), r.ExpiresAt, r.OrderID, m.now)
	if err != nil {
		return dbError("updating a reservation", err)
	}
	switch n, err := result.RowsAffected(); {
	case err != nil:
		return dbError("updating a reservation", err)
	case n != 1:
		return fmt.Errorf("updating a reservation: %s is not as it was when it was locked", r.ID)
	}
	return nil
}

// lockReserved reads the lines of reservations that the principal may work on, and
// locks the orders that wait for what these hold. It comes before the reservations
// are locked.
func (m *mutation) lockReserved(ctx context.Context, ids []string) ([]*redline.ReservationLine, []*redline.Order, error) {
	lines, err := m.reservationLines(ctx, ids)
	if err != nil {
		return nil, nil, err
	}
	var products []string
	for _, l := range lines {
		products = append(products, l.ProductID)
	}
	slices.Sort(products)
	waiting, err := m.lockWaiting(ctx, slices.Compact(products))
	return lines, waiting, err
}

// giveBack takes back what lines reserved, tells why, and gives it to the orders that
// wait for it. The references of the reservations are by their ids.
func (m *mutation) giveBack(
	ctx context.Context, lines []*redline.ReservationLine, references map[string]string, reason redline.MovementReason, waiting []*redline.Order,
) error {
	levels, err := m.lockKeys(ctx, levelsOf(lines), false)
	if err != nil {
		return err
	}
	for _, l := range lines {
		reference := references[l.ReservationID]
		err := m.change(levels[levelKey{l.ProductID, l.LocationID}], stockChange{
			delta: redline.Delta{redline.StateReserved: -l.Quantity}, reason: reason, reference: &reference,
		})
		if err != nil {
			return fmt.Errorf("giving back %d of %s at %s: %w", l.Quantity, l.ProductID, l.LocationID, err)
		}
	}
	return m.fill(ctx, waiting, levels)
}

// levelsOf are the levels that lines hold, each once.
func levelsOf(lines []*redline.ReservationLine) []levelKey {
	var keys []levelKey
	listed := map[levelKey]bool{}
	for _, l := range lines {
		if k := (levelKey{l.ProductID, l.LocationID}); !listed[k] {
			listed[k] = true
			keys = append(keys, k)
		}
	}
	return keys
}

// ReservationExtend has a reservation hold for so long from now on. It answers the
// reservation's id.
func (s *Store) ReservationExtend(
	ctx context.Context, p redline.Principal, in redline.ReservationExtendInput,
) (string, redline.Outcome, error) {
	r := request{action: "reservationExtend", key: in.IdempotencyKey, input: in, subject: in.ReservationID}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		if err := checkTTL(in.TTLSeconds); err != nil {
			return "", err
		}
		r, err := m.becomes(ctx, in.ReservationID, in.ExpectedVersion, redline.ReservationActive)
		if err != nil {
			return "", err
		}
		r.ExpiresAt = m.now.Add(time.Duration(in.TTLSeconds) * time.Second)
		return r.ID, m.updateReservation(ctx, r)
	})
}

// becomes locks a reservation and makes it what it is to be, if it may become that.
// It is for the caller to write.
func (m *mutation) becomes(ctx context.Context, id string, expected *int, to redline.ReservationStatus) (*redline.Reservation, error) {
	r, err := m.lockReservation(ctx, id)
	if err != nil {
		return nil, err
	}
	version := r.Version
	// What it has become says more than that its version is another.
	if err := r.Become(to, m.now); err != nil {
		return nil, err
	}
	return r, expectVersion(expected, version)
}

// ReservationRelease gives back what a reservation holds. It answers the
// reservation's id.
func (s *Store) ReservationRelease(
	ctx context.Context, p redline.Principal, in redline.ReservationReleaseInput,
) (string, redline.Outcome, error) {
	r := request{action: "reservationRelease", key: in.IdempotencyKey, input: in, subject: in.ReservationID}
	return mutate(ctx, s, p, r, func(ctx context.Context, m *mutation) (string, error) {
		lines, waiting, err := m.lockReserved(ctx, []string{in.ReservationID})
		if err != nil {
			return "", err
		}
		r, err := m.becomes(ctx, in.ReservationID, in.ExpectedVersion, redline.ReservationReleased)
		if err != nil {
			return "", err
		}
		if err := m.updateReservation(ctx, r); err != nil {
			return "", err
		}
		m.givesBack = true
		return r.ID, m.giveBack(ctx, lines, map[string]string{r.ID: *ledgerReference(r)}, redline.ReasonReleased, waiting)
	})
}

// ReservationsByID finds reservations that the principal may see, with their lines,
// and those with product and location. One that is due reads as expired, whether or
// not that was noted.
func (s *Store) ReservationsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Reservation, error) {
	q := &query{}
	q.seeReservations(p)
	q.and("r.id = ANY(%s)", pq.Array(ids))
	var found []struct {
		redline.Reservation
		Due   bool
		Lines *string
	}
	err := s.db.SelectContext(ctx, &found, `/* reservations.by_id */ SELECT `+reservationColumns+`, r.status = 'ACTIVE' AND r.expires_at <= clock_timestamp() AS due,
			(SELECT json_agg(json_build_array(l.product_id, l.location_id, l.quantity) ORDER BY l.position)
				FROM reservation_lines l WHERE l.reservation_id = r.id) AS lines
		FROM reservations r`+q.where(), q.args...)
	if err != nil {
		return nil, dbError("reading reservations", err)
	}
	out := make(map[string]*redline.Reservation, len(found))
	var products []string
	for i := range found {
		r := &found[i].Reservation
		if found[i].Due {
			r.Status = redline.ReservationExpired
		}
		n := nestedOf(found[i].Lines)
		n.rows(func() {
			l := &redline.ReservationLine{ReservationID: r.ID, ProductID: n.str(), LocationID: n.str(), Quantity: n.int()}
			r.Lines = append(r.Lines, l)
			products = append(products, l.ProductID)
		})
		if err := n.failed("its lines"); err != nil {
			return nil, fmt.Errorf("reading the reservation %s: %w", r.ID, err)
		}
		out[r.ID] = r
	}
	return out, s.completeReservations(ctx, out, products)
}

// completeReservations gives the lines of reservations their products, which are
// theirs to see even if they were withdrawn since, and locations.
func (s *Store) completeReservations(ctx context.Context, all map[string]*redline.Reservation, products []string) error {
	if len(all) == 0 {
		return nil
	}
	known, err := s.ProductsOf(ctx, products)
	if err != nil {
		return err
	}
	at, err := s.placesOf(ctx)
	if err != nil {
		return err
	}
	for _, r := range all {
		for _, l := range r.Lines {
			l.Product = known[l.ProductID]
			if l.Location, err = at.location(ctx, l.LocationID); err != nil {
				return err
			}
		}
	}
	return nil
}
