package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/lib/pq"
)

// sampled is how many ids a query varies over, where there are so many.
const sampled = 2000

// readQuery is one of the queries that are measured.
type readQuery struct {
	name  string // as --only and the paths of the limit have it
	about string
	// text is the document, and variable what it is asked for by.
	text, variable string
	// list: the variable is a list of one.
	list bool
	// ids are what the variable may be, in a fixed order.
	ids string
	// operator: it takes a token that sees all orders.
	operator bool
	// expect reads what the answers for the ids have to be.
	expect func(context.Context, *database, []string) (map[string]any, error)
}

const productFields = `{ id sku name brand price { amount currency }
  availability { available locations { location { code name } available asOf } } }`

var readQueries = []readQuery{
	{
		name: "q1", about: "20 products of a category, with availability by location", variable: "category", list: true,
		text: `query Category($category: [String!]!) { products(filter: { category: $category }, first: 20) { nodes ` + productFields + ` } }`,
		ids:  `SELECT category FROM products WHERE active GROUP BY category HAVING count(*) >= 20 AND $1 > 0 ORDER BY category`, expect: expectCategories,
	},
	{
		name: "q2", about: "one product by SKU, with the same", variable: "sku",
		text: `query Product($sku: String!) { product(by: { sku: $sku }) ` + productFields + ` }`,
		ids:  `SELECT sku FROM products WHERE active AND sku LIKE 'RL-%' ORDER BY md5(sku) LIMIT $1`, expect: expectProducts,
	},
	{
		name: "q3", about: "one order with lines, product names and history", variable: "id", operator: true,
		text: `query Order($id: ID!) { order(by: { id: $id }) { number status total { amount currency } placedAt
  lines { product { sku name } quantity open shipped unitPrice { amount currency } total { amount currency } }
  history { from to actor note at } } }`,
		ids: `SELECT id FROM orders WHERE owner_subject LIKE 'shop-%' ORDER BY md5(id) LIMIT $1`, expect: expectOrders,
	},
}

// body is the request for one id, as a storefront sends it.
func (q readQuery) body(id string) (string, error) {
	var value any = id
	if q.list {
		value = []string{id}
	}
	b, err := json.Marshal(map[string]any{"query": q.text, "variables": map[string]any{q.variable: value}})
	return string(b), err
}

// cases are the ids with what their answers have to be.
func (q readQuery) cases(ctx context.Context, d *database) ([]readCase, error) {
	ids, err := d.texts(ctx, q.ids, sampled)
	if err != nil {
		return nil, err
	}
	want, err := q.expect(ctx, d, ids)
	if err != nil {
		return nil, fmt.Errorf("reading what %s has to answer: %w", q.name, err)
	}
	var cases []readCase
	for _, id := range ids {
		body, err := q.body(id)
		if err != nil {
			return nil, err
		}
		data, err := json.Marshal(map[string]any{"data": want[id]})
		if err != nil {
			return nil, err
		}
		cases = append(cases, readCase{id: id, body: body, want: data})
	}
	return cases, nil
}

// readCase is one id of a query.
type readCase struct {
	id   string
	body string          // for the server
	want json.RawMessage // the whole answer, with its members in any order
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
	rows, err := d.db.QueryContext(ctx, `SELECT p.id, p.sku, p.name, p.brand, trim_scale(p.price)::text, p.currency, loc.code, loc.name, l.available, l.as_of
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

func expectCategories(ctx context.Context, d *database, ids []string) (map[string]any, error) {
	want := map[string]any{}
	for _, category := range ids {
		found, order, err := d.productsBy(ctx, "category", []string{category})
		if err != nil {
			return nil, err
		}
		var nodes []*productAnswer
		for _, id := range order[:min(len(order), 20)] {
			nodes = append(nodes, found[id])
		}
		want[category] = map[string]any{"products": map[string]any{"nodes": nodes}}
	}
	return want, nil
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
	rows, err := d.db.QueryContext(ctx, query, pq.Array(ids))
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
