package store

import (
	"context"

	"github.com/lib/pq"

	"redline"
)

const (
	selectSuppliers = `SELECT s.id, s.code, s.name FROM suppliers s`

	// termsColumns are what was agreed with a supplier, for a struct in a field Terms.
	termsColumns = `s.confirm_within_seconds AS "terms.confirm_within_seconds", s.acknowledge_within_seconds AS "terms.acknowledge_within_seconds",
		s.zeroing_limit_percent AS "terms.zeroing_limit_percent", s.version AS "terms.version"`

	selectItems = `SELECT i.id, i.supplier_id, i.product_id, i.supplier_sku, i.gtin, i.unit, i.pack_quantity,
		i.minimum_order_quantity, i.order_multiple, i.lead_time_days, i.cost AS cost_amount, i.currency AS cost_currency, i.version
		FROM supplier_items i`
)

// Suppliers lists all suppliers by code: their names are for anybody.
func (s *Store) Suppliers(ctx context.Context, page redline.PageRequest) (*redline.Page[*redline.Supplier], error) {
	by := sorting{tag: "supplier", column: "s.code", cast: "text", id: "s.id", prefix: redline.PrefixSupplier}
	return pageOf(ctx, s, "suppliers", selectSuppliers, &query{}, by, page, func(v *redline.Supplier) (string, string) { return v.Code, v.ID })
}

// SuppliersByCode finds suppliers by their codes, in the order of the codes.
func (s *Store) SuppliersByCode(ctx context.Context, codes []string) ([]*redline.Supplier, error) {
	found := []*redline.Supplier{}
	if len(codes) == 0 {
		return found, nil
	}
	if err := s.db.SelectContext(ctx, &found, "/* suppliers.by_code */ "+selectSuppliers+" WHERE s.code = ANY($1) ORDER BY s.code", pq.Array(codes)); err != nil {
		return nil, dbError("reading suppliers", err)
	}
	return found, nil
}

type itemRow struct {
	redline.SupplierItem
	CostAmount   *redline.Decimal `db:"cost_amount"`
	CostCurrency *string          `db:"cost_currency"`
}

// items shows rows to a principal, with their suppliers.
func (s *Store) items(ctx context.Context, p redline.Principal, rows []*itemRow) ([]*redline.SupplierItem, error) {
	at, err := s.placesOf(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]*redline.SupplierItem, len(rows))
	for i, r := range rows {
		out[i] = r.item(p)
		if out[i].Supplier, err = at.supplier(ctx, r.SupplierID); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (r *itemRow) item(p redline.Principal) *redline.SupplierItem {
	i := r.SupplierItem
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
	read := func(ctx context.Context, doing, text string, args []any) ([]*redline.SupplierItem, error) {
		rows, err := structs[*itemRow](s)(ctx, doing, text, args)
		if err != nil {
			return nil, err
		}
		return s.items(ctx, p, rows)
	}
	return pagesOfSuppliers(ctx, s, read, ofSuppliers{
		name: "supplier_items", selectFrom: selectItems, from: "supplier_items i", column: "i.supplier_id",
		see: func(q *query) { q.seeItems(p) },
		by:  sorting{tag: "item", column: "i.supplier_sku", cast: "text", id: "i.id", prefix: redline.PrefixSupplierItem},
	}, supplierIDs, page, func(i *redline.SupplierItem) (supplierID, value, id string) { return i.SupplierID, i.SupplierSKU, i.ID })
}

// SupplierItemsByID finds supplier items that the principal may see.
func (s *Store) SupplierItemsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.SupplierItem, error) {
	q := &query{}
	q.seeItems(p)
	q.and("i.id = ANY(%s)", pq.Array(ids))
	found, err := s.findItems(ctx, p, q)
	if err != nil {
		return nil, err
	}
	out := make(map[string]*redline.SupplierItem, len(found))
	for _, i := range found {
		out[i.ID] = i
	}
	return out, nil
}

func (s *Store) findItems(ctx context.Context, p redline.Principal, q *query) ([]*redline.SupplierItem, error) {
	var rows []*itemRow
	if err := s.db.SelectContext(ctx, &rows, "/* supplier_items.find */ "+selectItems+q.where()+" ORDER BY i.id", q.args...); err != nil {
		return nil, dbError("reading supplier items", err)
	}
	return s.items(ctx, p, rows)
}

// SupplierItemsOfProducts finds the supplier items of products that the
// principal may see, by product.
func (s *Store) SupplierItemsOfProducts(
	ctx context.Context, p redline.Principal, productIDs []string,
) (map[string][]*redline.SupplierItem, error) {
	q := &query{}
	q.seeItems(p)
	q.and("i.product_id = ANY(%s)", pq.Array(productIDs))
	found, err := s.findItems(ctx, p, q)
	if err != nil {
		return nil, err
	}
	out := map[string][]*redline.SupplierItem{}
	for _, i := range found {
		out[i.ProductID] = append(out[i.ProductID], i)
	}
	return out, nil
}

// mapPage turns a page of rows into a page of what they stand for.
func mapPage[R, T any](rows *redline.Page[R], to func([]R) ([]T, error)) (*redline.Page[T], error) {
	items, err := to(rows.Items)
	if err != nil {
		return nil, err
	}
	return &redline.Page[T]{
		Items: items, Cursors: rows.Cursors, HasNext: rows.HasNext, HasPrevious: rows.HasPrevious, Total: rows.Total,
	}, nil
}
