package main

import (
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// The statements of the limit. What there is to a row is gathered into a text,
// which is cheaper for Postgres and for us than as many columns and rows. U+001F
// stands between the fields and U+001E between the rows below a row; no text in
// these tables has either.
const (
	wholeProduct = `p.id || E'\x1f' || p.sku || E'\x1f' || p.name || E'\x1f' || coalesce('=' || p.brand, '') || E'\x1f' || p.price || E'\x1f'
		|| p.currency || E'\x1f' || coalesce((SELECT string_agg(l.location_id || ' ' || l.available || ' ' || l.as_of, ',')
			FROM inventory_levels l WHERE l.product_id = p.id), '')`
	gatheredProducts = `SELECT ` + wholeProduct + ` FROM products p
		WHERE p.category = $1 AND p.active AND (p.name, p.id) > ($2, $3) ORDER BY p.name, p.id LIMIT 20`
	gatheredProduct = `SELECT ` + wholeProduct + ` FROM products p WHERE p.sku = $1 AND p.active`
	gatheredOrder   = `SELECT o.number, o.status, o.currency, o.total, o.placed_at::text,
		(SELECT string_agg(concat_ws(E'\x1f', l.position, p.sku, p.name, l.quantity, l.open, l.shipped, l.unit_price, l.total), E'\x1e')
			FROM order_lines l JOIN products p ON p.id = l.product_id WHERE l.order_id = o.id),
		(SELECT string_agg(concat_ws(E'\x1f', h.order_version, coalesce(h.from_status, ''), h.to_status, h.actor, h.at, h.note), E'\x1e')
			FROM order_status_changes h WHERE h.order_id = o.id)
		FROM orders o WHERE o.id = $1`
)

// level is what can be sold of a product at a place, in the database's words.
type level struct {
	place
	available, asOf string
}

func (l limit) appendGathered(rows *sql.Rows, b []byte) ([]byte, int, error) {
	var row string
	var room [8]level
	n := 0
	for ; rows.Next(); n++ {
		if err := rows.Scan(&row); err != nil {
			return b, n, err
		}
		if n > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"id":`...), field(&row))
		b = appendText(append(b, `,"sku":`...), field(&row))
		b = appendText(append(b, `,"name":`...), field(&row))
		brand, branded := strings.CutPrefix(field(&row), "=")
		b = appendNullable(append(b, `,"brand":`...), sql.NullString{String: brand, Valid: branded})
		price := field(&row)
		b = appendMoney(append(b, `,"price":`...), price, field(&row))
		levels, sum := room[:0], 0
		for row != "" {
			var one, id string
			one, row, _ = strings.Cut(row, ",")
			id, one, _ = strings.Cut(one, " ")
			at := level{place: l.places[id]}
			at.available, at.asOf, _ = strings.Cut(one, " ")
			units, err := strconv.Atoi(at.available)
			if err != nil {
				return b, n, fmt.Errorf("reading a level: %w", err)
			}
			sum += units
			levels = append(levels, at)
		}
		slices.SortFunc(levels, func(a, b level) int { return a.n - b.n })
		b = strconv.AppendInt(append(b, `,"availability":{"available":`...), int64(sum), 10)
		b = append(b, `,"locations":[`...)
		for i, at := range levels {
			if i > 0 {
				b = append(b, ',')
			}
			b = append(append(b, at.opened...), at.available...)
			b = append(appendStamp(append(b, `,"asOf":`...), at.asOf), '}')
		}
		b = append(b, `]}}`...)
	}
	return b, n, nil
}

func appendGatheredOrder(rows *sql.Rows, b []byte) ([]byte, error) {
	b = append(b, `{"data":{"order":`...)
	if !rows.Next() {
		return append(b, `null}}`...), nil
	}
	var number, status, currency, total, placedAt string
	var lines, changes sql.NullString
	if err := rows.Scan(&number, &status, &currency, &total, &placedAt, &lines, &changes); err != nil {
		return b, err
	}
	b = appendText(append(b, `{"number":`...), number)
	b = appendText(append(b, `,"status":`...), status)
	b = appendMoney(append(b, `,"total":`...), total, currency)
	b = appendStamp(append(b, `,"placedAt":`...), placedAt)
	b = append(b, `,"lines":[`...)
	for i, l := range inOrder(lines.String) {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendText(append(b, `{"product":{"sku":`...), field(&l))
		b = appendText(append(b, `,"name":`...), field(&l))
		b = append(append(b, `},"quantity":`...), field(&l)...)
		b = append(append(b, `,"open":`...), field(&l)...)
		b = append(append(b, `,"shipped":`...), field(&l)...)
		b = appendMoney(append(b, `,"unitPrice":`...), field(&l), currency)
		b = append(appendMoney(append(b, `,"total":`...), l, currency), '}')
	}
	b = append(b, `],"history":[`...)
	for i, c := range inOrder(changes.String) {
		if i > 0 {
			b = append(b, ',')
		}
		from := field(&c)
		b = appendNullable(append(b, `{"from":`...), sql.NullString{String: from, Valid: from != ""})
		b = appendText(append(b, `,"to":`...), field(&c))
		b = appendText(append(b, `,"actor":`...), field(&c))
		at, note, noted := strings.Cut(c, "\x1f")
		b = appendNullable(append(b, `,"note":`...), sql.NullString{String: note, Valid: noted})
		b = append(appendStamp(append(b, `,"at":`...), at), '}')
	}
	return append(b, `]}}}`...), nil
}

// field takes the first field off a row.
func field(row *string) string {
	first, rest, _ := strings.Cut(*row, "\x1f")
	*row = rest
	return first
}

// inOrder takes rows apart that were gathered, each with a number as its first
// field, and sorts them by it: a handful, which costs Postgres more.
func inOrder(rows string) []string {
	type numbered struct {
		n   int
		row string
	}
	var room [8]numbered
	all := room[:0]
	for rows != "" {
		var row string
		row, rows, _ = strings.Cut(rows, "\x1e")
		n, _ := strconv.Atoi(field(&row)) // an integer of the database's
		all = append(all, numbered{n, row})
	}
	slices.SortFunc(all, func(a, b numbered) int { return a.n - b.n })
	out := make([]string, len(all))
	for i, r := range all {
		out[i] = r.row
	}
	return out
}

// appendStamp writes a time of Postgres', in UTC and without needless zeros
// already, as the contract does.
func appendStamp(b []byte, at string) []byte {
	day, hour, _ := strings.Cut(strings.TrimSuffix(at, "+00"), " ")
	b = append(append(b, '"'), day...)
	b = append(append(b, 'T'), hour...)
	return append(b, 'Z', '"')
}
