package store

import (
	"context"
	"database/sql"
	"errors"
	"strings"
	"unicode"

	"github.com/lib/pq"

	"redline"
)

const productColumns = `p.id, p.sku, p.name, p.description, p.brand, p.category, p.base_unit,
	p.price AS "price.amount", p.currency AS "price.currency", p.active, p.attributes, p.version,
	p.created_at, p.updated_at`

const selectProducts = `SELECT ` + productColumns + ` FROM products p`

var productSorts = map[redline.ProductOrderField]sorting{
	redline.ProductsByName:      {tag: "name", column: "p.name", cast: "text", id: "p.id", prefix: redline.PrefixProduct},
	redline.ProductsBySKU:       {tag: "sku", column: "p.sku", cast: "text", id: "p.id", prefix: redline.PrefixProduct},
	redline.ProductsByPrice:     {tag: "price", column: "p.price", cast: "numeric", id: "p.id", prefix: redline.PrefixProduct},
	redline.ProductsByUpdatedAt: {tag: "updated", column: "p.updated_at", cast: "timestamptz", id: "p.id", prefix: redline.PrefixProduct},
}

// Products lists the products on sale, or those withdrawn that the principal
// may see where the filter asks for them; by name where no order is given.
func (s *Store) Products(
	ctx context.Context, p redline.Principal, f redline.ProductFilter, o redline.ProductOrder, page redline.PageRequest,
	need redline.ProductParts,
) (*redline.Page[*redline.Product], error) {
	q := &query{}
	q.seeProducts(p)
	in(q, "p.category", f.Category)
	in(q, "p.brand", f.Brand)
	if f.Active == nil || *f.Active {
		q.conds = append(q.conds, "p.active")
	} else {
		q.conds = append(q.conds, "NOT p.active")
	}
	if f.UpdatedSince != nil {
		q.and("p.updated_at >= %s", *f.UpdatedSince)
	}
	if f.SupplierID != nil {
		q.and("p.id IN (SELECT product_id FROM supplier_items WHERE supplier_id = %s)", *f.SupplierID)
	}
	if f.InStock != nil {
		not := "NOT "
		if *f.InStock {
			not = ""
		}
		q.and(not + "EXISTS (SELECT 1 FROM inventory_levels l WHERE l.product_id = p.id AND l.available > 0)")
	}
	if f.Search != nil {
		words, err := searchWords(*f.Search)
		if err != nil {
			return nil, err
		}
		q.and("p.search @@ to_tsquery('simple', %s)", words)
	}
	if o.Field == "" {
		o.Field = redline.ProductsByName
	}
	by := productSorts[o.Field]
	by.desc = o.Direction == redline.Descending
	return pageOf(ctx, s, selectProducts, q, by, page, func(p *redline.Product) (string, string) {
		switch o.Field {
		case redline.ProductsBySKU:
			return p.SKU, p.ID
		case redline.ProductsByPrice:
			return p.Price.Amount.String(), p.ID
		case redline.ProductsByUpdatedAt:
			return stamp(p.UpdatedAt), p.ID
		}
		return p.Name, p.ID
	})
}

// searchWords turns what a person typed into a text search: each word, and all
// that begin with it, in any order.
func searchWords(typed string) (string, error) {
	words := strings.FieldsFunc(strings.ToLower(typed), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	if len(words) == 0 || len(words) > 20 || len(typed) > 200 {
		return "", redline.Invalid([]string{"filter", "search"}, "search for 1 to 20 words, in at most 200 bytes")
	}
	return strings.Join(words, ":* & ") + ":*", nil
}

// ProductBy finds one product that the principal may see, or nil.
func (s *Store) ProductBy(
	ctx context.Context, p redline.Principal, by redline.ProductBy, need redline.ProductParts,
) (*redline.Product, error) {
	q := &query{}
	q.seeProducts(p)
	switch {
	case by.ID != nil:
		q.and("p.id = %s", *by.ID)
	case by.SKU != nil:
		q.and("p.sku = %s", *by.SKU)
	case by.GTIN != nil:
		q.and("p.id IN (SELECT product_id FROM supplier_items WHERE gtin = %s)", *by.GTIN)
	case by.SupplierSKU != nil:
		// A supplier's own name for a product is its and the operators' to know.
		items := &query{args: q.args}
		items.seeItems(p)
		items.and("i.supplier_id = %s AND i.supplier_sku = %s", by.SupplierSKU.SupplierID, by.SupplierSKU.SKU)
		q.args = items.args
		q.and("p.id IN (SELECT i.product_id FROM supplier_items i" + items.where() + ")")
	default:
		return nil, redline.Invalid([]string{"by"}, "say which product: by id, sku, gtin or supplierSku")
	}
	var found redline.Product
	err := s.db.GetContext(ctx, &found, selectProducts+q.where()+" ORDER BY p.id LIMIT 1", q.args...)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, dbError("reading a product", err)
	}
	return &found, nil
}

// ProductsByID finds the products that the principal may see.
func (s *Store) ProductsByID(ctx context.Context, p redline.Principal, ids []string) (map[string]*redline.Product, error) {
	q := &query{}
	q.seeProducts(p)
	return s.products(ctx, q, ids)
}

// ProductsOf finds products through something that the caller may see already:
// what was withdrawn since is still its product.
func (s *Store) ProductsOf(ctx context.Context, ids []string) (map[string]*redline.Product, error) {
	return s.products(ctx, &query{}, ids)
}

func (s *Store) products(ctx context.Context, q *query, ids []string) (map[string]*redline.Product, error) {
	q.and("p.id = ANY(%s)", pq.Array(ids))
	return byID(ctx, s, "reading products", selectProducts, q, func(p *redline.Product) string { return p.ID })
}

// byID runs a query and keys what it finds.
func byID[T any](ctx context.Context, s *Store, doing, selectFrom string, q *query, key func(*T) string) (map[string]*T, error) {
	var found []*T
	if err := s.db.SelectContext(ctx, &found, selectFrom+q.where(), q.args...); err != nil {
		return nil, dbError(doing, err)
	}
	out := make(map[string]*T, len(found))
	for _, v := range found {
		out[key(v)] = v
	}
	return out, nil
}
