package store

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"unicode"

	"github.com/lib/pq"

	"redline"
)

const (
	briefColumns = `p.id, p.sku, p.name, p.brand, p.category, p.base_unit, p.price AS "price.amount", p.currency AS "price.currency",
		p.active, p.version`
	productColumns = briefColumns + `, p.description, p.attributes, p.created_at, p.updated_at`
	// What can be sold of each, and from where: see availableAt.
	availabilityColumn = `(SELECT ` + availableAt + ` FROM inventory_levels l WHERE l.product_id = p.id)`
)

// productRow is where products are scanned into.
type productRow struct {
	redline.Product
	attributes   sql.RawBytes
	availability *string
}

func (r *productRow) into(need redline.ProductParts) []any {
	p := &r.Product
	into := []any{
		&p.ID, &p.SKU, &p.Name, &p.Brand, &p.Category, &p.BaseUnit, &p.Price.Amount, &p.Price.Currency, &p.Active, whole{&p.Version},
	}
	if !need.Brief {
		into = append(into, &p.Description, &r.attributes, &p.CreatedAt, &p.UpdatedAt)
	}
	if need.Availability {
		into = append(into, &r.availability)
	}
	return into
}

// product is what was scanned, but for its availability.
func (r *productRow) product(need redline.ProductParts) (*redline.Product, error) {
	p := r.Product
	if need.Brief {
		return &p, nil
	}
	p.Attributes = redline.Attributes{}
	if string(r.attributes) != "[]" {
		if err := p.Attributes.Scan([]byte(r.attributes)); err != nil {
			return nil, fmt.Errorf("reading the product %s: %w", p.ID, err)
		}
	}
	return &p, nil
}

// selectProductsWith begins a statement that reads products.
func selectProductsWith(need redline.ProductParts) string {
	columns := productColumns
	if need.Brief {
		columns = briefColumns
	}
	if need.Availability {
		columns += ", " + availabilityColumn
	}
	return "SELECT " + columns + " FROM products p"
}

// productReader reads products with what was selected with them.
func (s *Store) productReader(need redline.ProductParts) reader[*redline.Product] {
	return func(ctx context.Context, doing, text string, args []any) ([]*redline.Product, error) {
		var found []*redline.Product
		var sold []*string
		var r productRow
		err := scanRows(ctx, s.db, doing, text, args, r.into(need), func() error {
			p, err := r.product(need)
			found, sold = append(found, p), append(sold, r.availability)
			return err
		})
		if err != nil || !need.Availability {
			return found, err
		}
		at, err := s.placesOf(ctx)
		if err != nil {
			return nil, err
		}
		for i, p := range found {
			where, err := at.availability(ctx, p.ID, sold[i])
			if err != nil {
				return nil, err
			}
			p.Availability = redline.TotalAvailability(where)
		}
		return found, nil
	}
}

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
		fresh := ""
		if f.IncludeStale != nil && !*f.IncludeStale {
			fresh = " AND NOT l.stale"
		}
		q.and(not + "EXISTS (SELECT 1 FROM inventory_levels l WHERE l.product_id = p.id AND l.available > 0" + fresh + ")")
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
	need.Brief = need.Brief && o.Field != redline.ProductsByUpdatedAt // which the cursors are made of
	return pageBy(ctx, s, s.productReader(need), "products", selectProductsWith(need), q, by, page, func(p *redline.Product) (string, string) {
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
	text := "/* products.by */ " + selectProductsWith(need) + q.where()
	if by.GTIN != nil { // two suppliers may give one to different products
		text += " ORDER BY p.id LIMIT 1"
	}
	found, err := s.productReader(need)(ctx, "reading a product", text, q.args)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return found[0], nil
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
	all := redline.ProductParts{}
	found, err := s.productReader(all)(ctx, "reading products", "/* products.by_id */ "+selectProductsWith(all)+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	return keyed(found, func(p *redline.Product) string { return p.ID }), nil
}

// keyed puts what was found in its places.
func keyed[T any](found []T, key func(T) string) map[string]T {
	out := make(map[string]T, len(found))
	for _, v := range found {
		out[key(v)] = v
	}
	return out
}

// byID runs a query and keys what it finds.
func byID[T any](ctx context.Context, s *Store, doing, selectFrom string, q *query, key func(*T) string) (map[string]*T, error) {
	found, err := structs[*T](s)(ctx, doing, selectFrom+q.where(), q.args)
	if err != nil {
		return nil, err
	}
	return keyed(found, key), nil
}
