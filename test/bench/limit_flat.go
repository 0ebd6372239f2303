package main

import (
	"database/sql"
	"slices"
	"strconv"
	"time"
)

// The statements of the flat rows: a row for each product and location, which
// Postgres needs no sort for, since the locations are put in order here; and the
// order, its lines and its history one after the other.
const (
	flatProducts = `SELECT p.id, p.sku, p.name, p.brand, p.price, p.currency, l.location_id, l.available, l.as_of
		FROM (SELECT id, sku, name, brand, price, currency FROM products
			WHERE category = $1 AND active AND (name, id) > ($2, $3) ORDER BY name, id LIMIT 20) p
		LEFT JOIN inventory_levels l ON l.product_id = p.id ORDER BY p.name, p.id`
	flatProduct = `SELECT p.id, p.sku, p.name, p.brand, p.price, p.currency, l.location_id, l.available, l.as_of
		FROM products p LEFT JOIN inventory_levels l ON l.product_id = p.id WHERE p.sku = $1 AND p.active`
	flatOrder = `SELECT 0 AS kind, 0 AS n, number, status, currency, NULL, 0, 0, 0, total, total, placed_at FROM orders WHERE id = $1
		UNION ALL
		SELECT 1, l.position, p.sku, p.name, '', NULL, l.quantity, l.open, l.shipped, l.unit_price, l.total, NULL
		FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = $1
		UNION ALL
		SELECT 2, order_version, from_status, to_status, actor, note, 0, 0, 0, 0, 0, at FROM order_status_changes WHERE order_id = $1
		ORDER BY kind, n`
)

// flatLevel is a row's share of a product.
type flatLevel struct {
	place
	available int64
	asOf      time.Time
}

// appendFlat folds rows, one for each product and location.
func (l limit) appendFlat(rows *sql.Rows, b []byte) ([]byte, int, error) {
	var (
		id, sku, name, price, currency string
		brand, location                sql.NullString
		available                      sql.NullInt64
		asOf                           sql.NullTime

		last   string
		levels []flatLevel // of the product before
		n      int
		end    = func() {
			slices.SortFunc(levels, func(a, b flatLevel) int { return a.n - b.n })
			sum := int64(0)
			for _, at := range levels {
				sum += at.available
			}
			b = strconv.AppendInt(append(b, `,"availability":{"available":`...), sum, 10)
			b = append(b, `,"locations":[`...)
			for i, at := range levels {
				if i > 0 {
					b = append(b, ',')
				}
				b = strconv.AppendInt(append(b, at.opened...), at.available, 10)
				b = append(appendTime(append(b, `,"asOf":`...), at.asOf), '}')
			}
			b = append(b, `]}}`...)
		}
	)
	for rows.Next() {
		if err := rows.Scan(&id, &sku, &name, &brand, &price, &currency, &location, &available, &asOf); err != nil {
			return b, n, err
		}
		if id != last {
			if n > 0 {
				end()
				b = append(b, ',')
			}
			n++
			last, levels = id, levels[:0]
			b = appendText(append(b, `{"id":`...), id)
			b = appendText(append(b, `,"sku":`...), sku)
			b = appendText(append(b, `,"name":`...), name)
			b = appendNullable(append(b, `,"brand":`...), brand)
			b = appendMoney(append(b, `,"price":`...), price, currency)
		}
		if location.Valid {
			levels = append(levels, flatLevel{l.places[location.String], available.Int64, asOf.Time})
		}
	}
	if n > 0 {
		end()
	}
	return b, n, nil
}

func appendFlatOrder(rows *sql.Rows, b []byte) ([]byte, error) {
	var (
		kind, n, quantity, open, shipped int
		x, y, z, w                       sql.NullString
		price, total                     string
		at                               sql.NullTime

		currency string
		before   = -1
	)
	b = append(b, `{"data":{"order":`...)
	for rows.Next() {
		if err := rows.Scan(&kind, &n, &x, &y, &z, &w, &quantity, &open, &shipped, &price, &total, &at); err != nil {
			return b, err
		}
		switch {
		case kind == before:
			b = append(b, ',')
		case kind == 1:
			b = append(b, `,"lines":[`...)
		case kind == 2:
			if before == 0 {
				b = append(b, `,"lines":[`...)
			}
			b = append(b, `],"history":[`...)
		}
		before = kind
		switch kind {
		case 0:
			currency = z.String
			b = appendText(append(b, `{"number":`...), x.String)
			b = appendText(append(b, `,"status":`...), y.String)
			b = appendMoney(append(b, `,"total":`...), total, currency)
			b = appendTime(append(b, `,"placedAt":`...), at.Time)
		case 1:
			b = appendText(append(b, `{"product":{"sku":`...), x.String)
			b = appendText(append(b, `,"name":`...), y.String)
			b = strconv.AppendInt(append(b, `},"quantity":`...), int64(quantity), 10)
			b = strconv.AppendInt(append(b, `,"open":`...), int64(open), 10)
			b = strconv.AppendInt(append(b, `,"shipped":`...), int64(shipped), 10)
			b = appendMoney(append(b, `,"unitPrice":`...), price, currency)
			b = append(appendMoney(append(b, `,"total":`...), total, currency), '}')
		case 2:
			b = appendNullable(append(b, `{"from":`...), x)
			b = appendText(append(b, `,"to":`...), y.String)
			b = appendNullable(append(b, `,"actor":`...), z)
			b = appendNullable(append(b, `,"note":`...), w)
			b = append(appendTime(append(b, `,"at":`...), at.Time), '}')
		}
	}
	switch before {
	case -1:
		b = append(b, `null`...)
	case 0:
		b = append(b, `,"lines":[],"history":[]}`...)
	case 1:
		b = append(b, `],"history":[]}`...)
	case 2:
		b = append(b, `]}`...)
	}
	return append(b, `}}`...), nil
}
