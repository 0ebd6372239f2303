package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/lib/pq"

	"redline/test/internal/measure"
)

// sampled is how many ids a query varies over, where there are so many.
const sampled = 2000

// readQuery is one of the queries that are measured.
type readQuery struct {
	name  string // as --only and the paths of the limit have it
	about string
	text  string // the document
	// operator: it takes a token that sees all orders.
	operator bool
	// cases are what it may be asked for, in a fixed order.
	cases func(context.Context, *bench) ([]readCase, error)
}

// readCase is one thing that a query may be asked for.
type readCase struct {
	path      string         // for the limit, below the query's own
	variables map[string]any // for the server
	want      any            // the answer's data
}

const productFields = `{ id sku name brand price { amount currency }
  availability { available locations { location { code name } available asOf } } }`

var readQueries = []readQuery{
	{
		name: "q1", about: "20 products of a category, with availability by location", cases: pagesOfCategories,
		text: `query Category($category: [String!]!, $after: String) { products(filter: { category: $category }, first: 20, after: $after) { nodes ` +
			productFields + ` } }`,
	},
	{
		name: "q2", about: "one product by SKU, with the same",
		cases: byID("sku", `SELECT sku FROM products WHERE active AND sku LIKE 'RL-%' ORDER BY md5(sku) LIMIT $1`, expectProducts),
		text:  `query Product($sku: String!) { product(by: { sku: $sku }) ` + productFields + ` }`,
	},
	{
		name: "q3", about: "one order with lines, product names and history", operator: true,
		cases: byID("id", `SELECT id FROM orders WHERE owner_subject LIKE 'shop-%' ORDER BY md5(id) LIMIT $1`, expectOrders),
		text: `query Order($id: ID!) { order(by: { id: $id }) { number status total { amount currency } placedAt
  lines { product { sku name } quantity open shipped unitPrice { amount currency } total { amount currency } }
  history { from to actor note at } } }`,
	},
}

// body is a request of the query, as a storefront sends it.
func (q readQuery) body(variables map[string]any) (string, error) {
	b, err := json.Marshal(map[string]any{"query": q.text, "variables": variables})
	return string(b), err
}

// byID are the cases of a query for one thing: ids says which, and expect what
// the answers for them have to be.
func byID(
	variable, ids string, expect func(context.Context, *database, []string) (map[string]any, error),
) func(context.Context, *bench) ([]readCase, error) {
	return func(ctx context.Context, b *bench) ([]readCase, error) {
		found, err := b.db.texts(ctx, ids, sampled)
		if err != nil {
			return nil, err
		}
		want, err := expect(ctx, b.db, found)
		if err != nil {
			return nil, err
		}
		var cases []readCase
		for _, id := range found {
			cases = append(cases, readCase{path: url.PathEscape(id), variables: map[string]any{variable: id}, want: want[id]})
		}
		return cases, nil
	}
}

// pageLength is how many products a page of Q1 has.
const pageLength = 20

// pagesOfCategories are all full pages of all categories. The server goes on
// from a cursor of its own, and the limit from the product before the page.
func pagesOfCategories(ctx context.Context, b *bench) ([]readCase, error) {
	categories, err := b.db.texts(ctx, `SELECT category FROM products WHERE active GROUP BY category HAVING count(*) >= $1 ORDER BY category`, pageLength)
	if err != nil {
		return nil, err
	}
	var cases []readCase
	err = b.withServer(ctx, func(t *measure.Target) error {
		for _, category := range categories {
			found, order, err := b.db.productsBy(ctx, "category", []string{category})
			if err != nil {
				return err
			}
			after, err := cursorsOf(ctx, t, category, order)
			if err != nil {
				return fmt.Errorf("reading the cursors of %s: %w", category, err)
			}
			for from := 0; from+pageLength <= len(order); from += pageLength {
				c := readCase{path: url.PathEscape(category), variables: map[string]any{"category": []string{category}}}
				if from > 0 {
					last := found[order[from-1]]
					c.path += "?" + url.Values{"name": {last.Name}, "id": {last.ID}}.Encode()
					c.variables["after"] = after[last.ID]
				}
				var nodes []*productAnswer
				for _, id := range order[from : from+pageLength] {
					nodes = append(nodes, found[id])
				}
				c.want = map[string]any{"products": map[string]any{"nodes": nodes}}
				cases = append(cases, c)
			}
		}
		return nil
	})
	return cases, err
}

// cursorsOf asks the server for its cursors of a category's products, by id. It
// has to list what the tables hold.
func cursorsOf(ctx context.Context, t *measure.Target, category string, products []string) (map[string]string, error) {
	cursors := map[string]string{}
	variables := map[string]any{"category": []string{category}}
	for len(cursors) < len(products) {
		body, err := json.Marshal(map[string]any{"variables": variables, "query": `query Cursors($category: [String!]!, $after: String) {
			products(filter: { category: $category }, first: 200, after: $after) { edges { cursor node { id } } } }`})
		if err != nil {
			return nil, err
		}
		var a struct {
			Data struct {
				Products struct {
					Edges []struct {
						Cursor string
						Node   struct{ ID string }
					}
				}
			}
		}
		if err := t.Query(ctx, body, &a); err != nil {
			return nil, err
		}
		edges := a.Data.Products.Edges
		if len(edges) == 0 {
			return nil, fmt.Errorf("the server lists %d of %d products", len(cursors), len(products))
		}
		for _, e := range edges {
			cursors[e.Node.ID] = e.Cursor
			variables["after"] = e.Cursor
		}
	}
	return cursors, nil
}

// The answers, as JSON has them.
type (
	moneyAnswer struct {
		Amount   string `json:"amount"`
		Currency string `json:"currency"`
	}
	placeAnswer struct {
		Location struct {
			Code string `json:"code"`
			Name string `json:"name"`
		} `json:"location"`
		Available int    `json:"available"`
		AsOf      string `json:"asOf"`
	}
	productAnswer struct {
		ID           string      `json:"id"`
		SKU          string      `json:"sku"`
		Name         string      `json:"name"`
		Brand        *string     `json:"brand"`
		Price        moneyAnswer `json:"price"`
		Availability struct {
			Available int           `json:"available"`
			Locations []placeAnswer `json:"locations"`
		} `json:"availability"`
	}
	lineAnswer struct {
		Product struct {
			SKU  string `json:"sku"`
			Name string `json:"name"`
		} `json:"product"`
		Quantity  int         `json:"quantity"`
		Open      int         `json:"open"`
		Shipped   int         `json:"shipped"`
		UnitPrice moneyAnswer `json:"unitPrice"`
		Total     moneyAnswer `json:"total"`
	}
	changeAnswer struct {
		From  *string `json:"from"`
		To    string  `json:"to"`
		Actor string  `json:"actor"`
		Note  *string `json:"note"`
		At    string  `json:"at"`
	}
	orderAnswer struct {
		Number   string         `json:"number"`
		Status   string         `json:"status"`
		Total    moneyAnswer    `json:"total"`
		PlacedAt string         `json:"placedAt"`
		Lines    []lineAnswer   `json:"lines"`
		History  []changeAnswer `json:"history"`
	}
)

// stamp writes a time as the contract does.
func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// productsBy reads products with their levels, each as an answer has it.
func (d *database) productsBy(ctx context.Context, column string, values []string) (map[string]*productAnswer, []string, error) {
	rows, err := d.DB.QueryContext(ctx, `SELECT p.id, p.sku, p.name, p.brand, trim_scale(p.price)::text, p.currency, loc.code, loc.name, l.available, l.as_of
		FROM products p JOIN inventory_levels l ON l.product_id = p.id JOIN locations loc ON loc.id = l.location_id
		WHERE p.active AND p.`+column+` = ANY($1) ORDER BY p.name, p.id, loc.code`, pq.Array(values))
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = rows.Close() }()
	found := map[string]*productAnswer{}
	var order []string
	for rows.Next() {
		var p productAnswer
		var at placeAnswer
		var asOf time.Time
		err := rows.Scan(&p.ID, &p.SKU, &p.Name, &p.Brand, &p.Price.Amount, &p.Price.Currency, &at.Location.Code, &at.Location.Name, &at.Available, &asOf)
		if err != nil {
			return nil, nil, err
		}
		if found[p.ID] == nil {
			p.Price.Amount = twoDecimals(p.Price.Amount)
			found[p.ID] = &p
			order = append(order, p.ID)
		}
		at.AsOf = stamp(asOf)
		a := &found[p.ID].Availability
		a.Available += at.Available
		a.Locations = append(a.Locations, at)
	}
	return found, order, rows.Err()
}

func expectProducts(ctx context.Context, d *database, skus []string) (map[string]any, error) {
	found, _, err := d.productsBy(ctx, "sku", skus)
	if err != nil {
		return nil, err
	}
	want := map[string]any{}
	for _, p := range found {
		want[p.SKU] = map[string]any{"product": p}
	}
	return want, nil
}

func expectOrders(ctx context.Context, d *database, ids []string) (map[string]any, error) {
	orders := map[string]*orderAnswer{}
	want := map[string]any{}
	err := d.each(ctx, func(scan func(...any) error) error {
		var id string
		var o orderAnswer
		var at time.Time
		if err := scan(&id, &o.Number, &o.Status, &o.Total.Amount, &o.Total.Currency, &at); err != nil {
			return err
		}
		o.Total.Amount, o.PlacedAt = twoDecimals(o.Total.Amount), stamp(at)
		orders[id] = &o
		want[id] = map[string]any{"order": &o}
		return nil
	}, `SELECT id, number, status, trim_scale(total)::text, currency, placed_at FROM orders WHERE id = ANY($1)`, ids)
	if err != nil {
		return nil, err
	}
	err = d.each(ctx, func(scan func(...any) error) error {
		var id, currency string
		var l lineAnswer
		if err := scan(&id, &l.Product.SKU, &l.Product.Name, &l.Quantity, &l.Open, &l.Shipped, &l.UnitPrice.Amount, &l.Total.Amount, &currency); err != nil {
			return err
		}
		l.UnitPrice = moneyAnswer{twoDecimals(l.UnitPrice.Amount), currency}
		l.Total = moneyAnswer{twoDecimals(l.Total.Amount), currency}
		orders[id].Lines = append(orders[id].Lines, l)
		return nil
	}, `SELECT l.order_id, p.sku, p.name, l.quantity, l.open, l.shipped, trim_scale(l.unit_price)::text, trim_scale(l.total)::text, o.currency
		FROM order_lines l JOIN products p ON p.id = l.product_id JOIN orders o ON o.id = l.order_id WHERE o.id = ANY($1) ORDER BY l.order_id, l.position`, ids)
	if err != nil {
		return nil, err
	}
	err = d.each(ctx, func(scan func(...any) error) error {
		var id string
		var c changeAnswer
		var at time.Time
		if err := scan(&id, &c.From, &c.To, &c.Actor, &c.Note, &at); err != nil {
			return err
		}
		c.At = stamp(at)
		orders[id].History = append(orders[id].History, c)
		return nil
	}, `SELECT order_id, from_status, to_status, actor, note, at FROM order_status_changes WHERE order_id = ANY($1) ORDER BY order_id, order_version`, ids)
	return want, err
}

// each runs a query by ids and hands each row to row.
func (d *database) each(ctx context.Context, row func(scan func(...any) error) error, query string, ids []string) error {
	rows, err := d.DB.QueryContext(ctx, query, pq.Array(ids))
	if err != nil {
		return err
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		if err := row(rows.Scan); err != nil {
			return err
		}
	}
	return rows.Err()
}

// twoDecimals writes an amount that has no needless zeros with at least two
// decimals, as the contract does.
func twoDecimals(amount string) string {
	dot := strings.IndexByte(amount, '.')
	switch {
	case dot < 0:
		return amount + ".00"
	case len(amount)-dot < 3:
		return amount + "0"
	}
	return amount
}
