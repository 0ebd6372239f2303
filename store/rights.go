package store

import (
	"strings"

	"github.com/lib/pq"

	"redline"
)

// What each role may see, as conditions. The root package says the same of
// events, in VisibleTo.

// suppliersOf is the set of the ids of a principal's suppliers: of all that it is
// given, the one argument that a query needs of it.
func (q *query) suppliersOf(p redline.Principal) string {
	if q.suppliers == "" {
		q.suppliers = q.arg(pq.Array(p.Suppliers))
	}
	return "(SELECT id FROM suppliers WHERE code = ANY(" + q.suppliers + "))"
}

// seeOrders narrows a query to the orders, under the alias o, that a principal
// may see: all of them, those that it placed, its own, or those of which it
// fulfils a part.
func (q *query) seeOrders(p redline.Principal) {
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleStorefront && p.Authenticated():
		q.and("(o.owner_issuer, o.owner_subject) = (%s, %s)", p.Issuer, p.Subject)
	case p.Role == redline.RoleCustomer:
		q.and("(o.owner_issuer, o.customer_id) = (%s, %s)", p.Issuer, p.Customer)
	case p.Role == redline.RoleSupplier:
		q.and("o.id IN (SELECT order_id FROM fulfillment_orders WHERE supplier_id IN " + q.suppliersOf(p) + ")")
	default:
		q.and("false")
	}
}

// seeParts narrows a query to the fulfilment orders, under the alias f and
// joined to their order o, that a principal may see.
func (q *query) seeParts(p redline.Principal) {
	if p.Role == redline.RoleSupplier {
		q.and("f.supplier_id IN " + q.suppliersOf(p))
		return
	}
	q.seeOrders(p)
}

// seeStock narrows a query to the locations, by a column of their ids, whose
// stock a principal may see.
func (q *query) seeStock(p redline.Principal, column string) {
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleSupplier:
		q.and(column + " IN (SELECT id FROM locations WHERE supplier_id IN " + q.suppliersOf(p) + ")")
	default:
		q.and("false")
	}
}

// seeItems narrows a query to the supplier items, under the alias i, that a
// principal may see.
func (q *query) seeItems(p redline.Principal) { q.seeOwn(p, "i.supplier_id") }

// seeFeeds narrows a query to what came of feeds, under the alias f, that a principal
// may see.
func (q *query) seeFeeds(p redline.Principal) { q.seeOwn(p, "f.supplier_id") }

// seeOwn narrows a query to what is a supplier's own, by a column of their ids: that
// is for itself, and for those who see everybody's.
func (q *query) seeOwn(p redline.Principal, column string) {
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleSupplier:
		q.and(column + " IN " + q.suppliersOf(p))
	default:
		q.and("false")
	}
}

// actorFor is who did something, as a principal may know it: a supplier is told of one
// that was none only the role.
func actorFor(p redline.Principal, actor string, role redline.Role) string {
	if p.Role == redline.RoleSupplier && role != redline.RoleSupplier {
		return strings.ToLower(string(role))
	}
	return actor
}

// seeConflicts narrows a query to the conflicts, under the alias c, that a
// principal may see: a supplier's are those about itself.
func (q *query) seeConflicts(p redline.Principal) { q.seeOwn(p, "c.supplier_id") }

// seeProducts narrows a query to the products, under the alias p, that a
// principal may see: what is on sale; what was withdrawn only for whoever
// works with it.
func (q *query) seeProducts(p redline.Principal) {
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleSupplier:
		q.and("(p.active OR p.id IN (SELECT product_id FROM supplier_items WHERE supplier_id IN " + q.suppliersOf(p) + "))")
	default:
		q.and("p.active")
	}
}

// seeReservations narrows a query to the reservations, under the alias r, that a
// principal may see: those that it made, or a customer its own.
func (q *query) seeReservations(p redline.Principal) {
	switch {
	case p.Everywhere():
	case p.Role == redline.RoleStorefront && p.Authenticated():
		q.and("(r.owner_issuer, r.owner_subject) = (%s, %s) AND r.customer_id IS NULL", p.Issuer, p.Subject)
	case p.Role == redline.RoleCustomer:
		q.and("(r.owner_issuer, r.customer_id) = (%s, %s)", p.Issuer, p.Customer)
	default:
		q.and("false")
	}
}
