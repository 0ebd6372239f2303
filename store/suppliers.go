package store

import (
	"context"
	"slices"
	"time"

	"github.com/lib/pq"

	"redline"
)

const (
	selectSuppliers = `SELECT s.id, s.code, s.name, s.last_seen_at FROM suppliers s`

	locationColumns = `loc.id AS "loc.id", loc.code AS "loc.code", loc.name AS "loc.name", loc.kind AS "loc.kind",
		loc.supplier_id AS "loc.supplier_id", sup.id AS "sup.id", sup.code AS "sup.code", sup.name AS "sup.name",
		sup.last_seen_at AS "sup.last_seen_at"`
	joinSupplier    = ` LEFT JOIN suppliers sup ON sup.id = loc.supplier_id`
	selectLocations = `SELECT ` + locationColumns + ` FROM locations loc` + joinSupplier

	itemColumns = `i.id, i.supplier_id, i.product_id, i.supplier_sku, i.gtin, i.unit, i.pack_quantity,
		i.minimum_order_quantity, i.order_multiple, i.lead_time_days, i.cost AS cost_amount, i.currency AS cost_currency, i.version,
		s.id AS "sup.id", s.code AS "sup.code", s.name AS "sup.name", s.last_seen_at AS "sup.last_seen_at"`
	selectItems = `SELECT ` + itemColumns + ` FROM supplier_items i JOIN suppliers s ON s.id = i.supplier_id`
)

// locationRow is a location with its supplier, as the joins above give it.
type locationRow struct {
	Loc redline.Location `db:"loc"`
	Sup supplierRow      `db:"sup"`
}

// supplierRow is a supplier that an outer join may have left out.
type supplierRow struct {
	ID         *string
	Code       *string
	Name       *string
	LastSeenAt *time.Time `db:"last_seen_at"`
}

func (r supplierRow) supplier() *redline.Supplier {
	if r.ID == nil {
		return nil
	}
	return &redline.Supplier{ID: *r.ID, Code: *r.Code, Name: *r.Name, LastSeenAt: r.LastSeenAt}
}

func (r locationRow) location() *redline.Location {
	l := r.Loc
	l.Supplier = r.Sup.supplier()
	return &l
}

// Suppliers lists all suppliers by code: their names are for anybody.
func (s *Store) Suppliers(ctx context.Context, page redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	by := sorting{tag: "supplier", column: "s.code", cast: "text", id: "s.id", prefix: redline.PrefixSupplier}
	return pageOf(ctx, s, selectSuppliers, &query{}, by, page, func(v *redline.Supplier) (string, string) { return v.Code, v.ID })
}

// SuppliersByID finds suppliers.
func (s *Store) SuppliersByID(ctx context.Context, ids []string) (map[string]*redline.Supplier, error) {
	q := &query{}
	q.and("s.id = ANY(%s)", pq.Array(ids))
	return byID(ctx, s, "reading suppliers", selectSuppliers, q, func(v *redline.Supplier) string { return v.ID })
}

// SuppliersByCode finds suppliers by their codes, in the order of the codes.
func (s *Store) SuppliersByCode(ctx context.Context, codes []string) ([]*redline.Supplier, error) {
	found := []*redline.Supplier{}
	if len(codes) == 0 {
		return found, nil
	}
	if err := s.db.SelectContext(ctx, &found, selectSuppliers+" WHERE s.code = ANY($1) ORDER BY s.code", pq.Array(codes)); err != nil {
		return nil, dbError("reading suppliers", err)
	}
	return found, nil
}

// Locations lists all locations by code, with their suppliers.
func (s *Store) Locations(ctx context.Context) ([]*redline.Location, error) {
	return s.locations(ctx, &query{})
}

// LocationsByID finds locations, with their suppliers.
func (s *Store) LocationsByID(ctx context.Context, ids []string) (map[string]*redline.Location, error) {
	q := &query{}
	q.and("loc.id = ANY(%s)", pq.Array(ids))
	found, err := s.locations(ctx, q)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.Location, len(found))
	for _, l := range found {
		out[l.ID] = l
	}
	return out, nil
}

func (s *Store) locations(ctx context.Context, q *query) ([]*redline.Location, error) {
	var rows []locationRow
	if err := s.db.SelectContext(ctx, &rows, selectLocations+q.where()+" ORDER BY loc.code", q.args...); err != nil {
		return nil, dbError("reading locations", err)
	}
	out := make([]*redline.Location, len(rows))
	for i, r := range rows {
		out[i] = r.location()
	}
	return out, nil
}

type itemRow struct {
	redline.SupplierItem
	CostAmount   *redline.Decimal `db:"cost_amount"`
	CostCurrency *string          `db:"cost_currency"`
	Sup          supplierRow      `db:"sup"`
}

func (r *itemRow) item(p redline.Principal) *redline.SupplierItem {
	i := r.SupplierItem
	i.Supplier = r.Sup.supplier()
	if r.CostAmount != nil && p.Has(redline.ScopeCatalogCost) {
		i.Cost = &redline.Money{Amount: *r.CostAmount, Currency: *r.CostCurrency}
	}
	return &i
}

// SupplierItemsOfSuppliers lists what each of some suppliers offers, by its own
// SKUs, as far as the principal may see it: the same page of each, with one
// statement for all. Only First, After and Count are heeded.
func (s *Store) SupplierItemsOfSuppliers(
	ctx context.Context, p redline.Principal, supplierIDs []string, page redline.PageRequest,
) (map[string]*redline.Page[*redline.SupplierItem], error) {
	n, _, err := pageSize(page)
	if err != nil {
		return nil, err
	}
	by := sorting{tag: "item", column: "i.supplier_sku", cast: "text", id: "i.id", prefix: redline.PrefixSupplierItem}
	q := &query{}
	q.seeItems(p)
	suppliers := q.arg(pq.Array(supplierIDs))
	q.conds = append(q.conds, "i.supplier_id = wanted.id")
	all := query{conds: slices.Clone(q.conds), args: slices.Clone(q.args)} // without the cursor: what is counted
	if page.After != nil {
		if err := q.bound(by, "after", *page.After); err != nil {
			return nil, err
		}
	}
	var rows []*itemRow
	text := `SELECT of_one.* FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (` + selectItems + q.where() +
		` ORDER BY i.supplier_sku, i.id LIMIT ` + q.arg(n+1) + `) AS of_one`
	if err := s.db.SelectContext(ctx, &rows, text, q.args...); err != nil {
		return nil, dbError("reading supplier items", err)
	}
	out := map[string]*redline.Page[*redline.SupplierItem]{}
	for _, id := range supplierIDs {
		out[id] = &redline.Page[*redline.SupplierItem]{HasPrevious: page.After != nil}
	}
	for _, r := range rows {
		of := out[r.SupplierID]
		if len(of.Items) == n {
			of.HasNext = true
			continue
		}
		of.Items = append(of.Items, r.item(p))
		of.Cursors = append(of.Cursors, encodeCursor(by, r.SupplierSKU, r.ID))
	}
	if !page.Count {
		return out, nil
	}
	var counts []struct {
		ID string
		N  int
	}
	text = `SELECT wanted.id, of_one.n FROM unnest(` + suppliers + `::text[]) AS wanted (id) CROSS JOIN LATERAL (
		SELECT count(*) AS n FROM (SELECT 1 FROM supplier_items i` + all.where() + ` LIMIT ` +
		all.arg(countMax+1) + `) AS counted) AS of_one`
	if err := s.db.SelectContext(ctx, &counts, text, all.args...); err != nil {
		return nil, dbError("counting supplier items", err)
	}
	for _, c := range counts {
		if c.N <= countMax {
			out[c.ID].Total = &c.N
		}
	}
	return out, nil
}

// SupplierItemsByID finds supplier items that the principal may see.
func (s *Store) SupplierItemsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.SupplierItem, error) {
	q := &query{}
	q.seeItems(p)
	q.and("i.id = ANY(%s)", pq.Array(ids))
	rows, err := byID(ctx, s, "reading supplier items", selectItems, q, func(r *itemRow) string { return r.ID })
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.SupplierItem, len(rows))
	for id, r := range rows {
		out[id] = r.item(p)
	}
	return out, nil
}

// SupplierItemsOfProducts finds the supplier items of products that the
// principal may see, by product.
func (s *Store) SupplierItemsOfProducts(
	ctx context.Context, p redline.Principal, productIDs []string,
) (map[string][]*redline.SupplierItem, error) {
	q := &query{}
	q.seeItems(p)
	q.and("i.product_id = ANY(%s)", pq.Array(productIDs))
	var rows []*itemRow
	if err := s.db.SelectContext(ctx, &rows, selectItems+q.where()+" ORDER BY i.id", q.args...); err != nil {
		return nil, dbError("reading supplier items", err)
	}
	out := map[string][]*redline.SupplierItem{}
	for _, r := range rows {
		out[r.ProductID] = append(out[r.ProductID], r.item(p))
	}
	return out, nil
}

// mapPage turns a page of rows into a page of what they stand for.
func mapPage[R, T any](rows *redline.Page[R], to func(R) T) *redline.Page[T] {
	page := &redline.Page[T]{
		Items: make([]T, len(rows.Items)), Cursors: rows.Cursors,
		HasNext: rows.HasNext, HasPrevious: rows.HasPrevious, Total: rows.Total,
	}
	for i, r := range rows.Items {
		page.Items[i] = to(r)
	}
	return page
}
